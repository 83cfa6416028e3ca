import ast
import re
import string

import pytest

from clip_app import errors
from clip_app.errors import ClipAppError
from clip_app.strings import LANGUAGES, STRINGS, language_of, text
from tests.conftest import ROOT

ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ClipAppError)
}


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("key", STRINGS)
def test_both_languages_are_there_with_the_same_places(key):
    english, chinese = STRINGS[key]
    assert english.strip()
    assert chinese.strip()
    assert _fields(english) == _fields(chinese)


def test_every_key_the_code_names_exists():
    calls = {"text", "i18n", "download_button", "Reason", *ERRORS}
    named = set()
    for path in (ROOT / "clip_app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in calls:
                for argument in node.args[:2]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        named.add(argument.value)
                        break
    assert len(named) > 60
    assert named - set(STRINGS) == set()


def test_a_sentence_belongs_to_one_type_of_error():
    """Else a handler would miss some of what reads the same to a person."""
    raised: dict[str, set[str]] = {}
    for path in (ROOT / "clip_app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS and node.args:
                for key in ast.walk(node.args[0]):
                    if isinstance(key, ast.Constant):
                        raised.setdefault(key.value, set()).add(node.func.id)
    assert len(raised) > 60
    assert {key: kinds for key, kinds in raised.items() if len(kinds) > 1} == {}


def test_no_handler_decides_by_the_sentence_of_its_error():
    for path in (ROOT / "clip_app").rglob("*.py"):
        for handler in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(handler, ast.ExceptHandler) and handler.name:
                for node in ast.walk(handler):
                    if isinstance(node, ast.Compare):
                        assert f"{handler.name}.key" not in ast.unparse(node), path


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("zh_TW", "zh"),
        ("zh-Hant-HK", "zh"),
        ("en-GB", "en"),
        ("fr-FR, zh;q=0.8, en;q=0.5", "zh"),
        ("en;q=0.4, zh-CN;q=0.9", "zh"),
        ("zh;q=0, en", "en"),
        ("de", "en"),
        ("", "en"),
        (None, "en"),
        (";;q=x,,", "en"),
    ],
)
def test_language_of_browser_tags(tag, language):
    assert language_of(tag) == language


def test_one_of_a_thing_is_said_otherwise_than_many():
    def said(number):
        return text("gallery_kept", "en", kept=number, days=30)

    assert "1 photo is gone; what was learnt of it " in said(1)
    assert "2 photos are gone; what was learnt of them " in said(2)
    assert "1 photos" not in text("gallery_status", "en", images=1)
    for sentences in STRINGS.values():
        for sentence in sentences:  # what is counted is among what is told
            assert set(re.findall(r"\[(\w+):[^|]*\|", sentence)) <= _fields(sentence)


def test_values_put_into_sentences_are_never_formatted():
    for language in LANGUAGES:
        assert "{0.__class__}" in text("model_unknown", language, model="{0.__class__}")
    assert "{x}" in str(ClipAppError("model_unknown", model="{x}"))
