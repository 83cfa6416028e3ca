import ast
import string

import pytest

from clip_app.errors import ClipAppError
from clip_app.strings import LANGUAGES, STRINGS, language_of, text
from tests.conftest import ROOT


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("key", STRINGS)
def test_both_languages_are_there_with_the_same_places(key):
    english, chinese = STRINGS[key]
    assert english.strip()
    assert chinese.strip()
    assert _fields(english) == _fields(chinese)


def test_every_key_the_code_names_exists():
    calls = {"text", "i18n", "ClipAppError", "ImageError", "InputError", "ModelError"}
    calls |= {"DownloadError", "HubUnreachableError", "StorageError"}
    calls |= {"download_button", "shown_progress"}
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


def test_values_put_into_sentences_are_never_formatted():
    for language in LANGUAGES:
        assert "{0.__class__}" in text("model_unknown", language, model="{0.__class__}")
    assert "{x}" in str(ClipAppError("model_unknown", model="{x}"))
