"""The documentation says what the code does: tables, links, command lines and examples."""

import argparse
import doctest
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clip_app.terminal import main
from tests.conftest import EXAMPLES, ROOT

PAGES = [
    *sorted(ROOT.glob("README*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "assets").rglob("README.md")),
]
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def fenced(page: Path, *languages: str) -> Iterator[str]:
    for language, code in _FENCE.findall(page.read_text("utf-8")):
        if language in languages:
            yield code


def prose(page: Path) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page, by GitHub's rule for headings."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_tables_are_what_the_code_says():
    check = [sys.executable, "docs/tables.py", "--check"]
    told = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, ""), "python docs/tables.py"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=named)
def test_each_page_is_there_in_both_languages(page):
    chinese = page.parent / "zh-CN" / page.name
    if page.name != "architecture.md":
        shape = [
            re.findall(r"^(#+) |^(```)", one.read_text("utf-8"), re.M) for one in (page, chinese)
        ]
        assert shape[0] == shape[1]


def command_lines(page: Path) -> Iterator[list[str]]:
    """The arguments of each command of ours in a page, as of `python -m clip_app`."""
    inline = re.findall(r"`([^`\n]+)`", _FENCE.sub("", page.read_text("utf-8")))
    for line in [*"\n".join(fenced(page, "sh", "bash")).splitlines(), *inline]:
        if "docker" in line or not re.search(r"clip_app|clip-app|app\.py|ARGS=", line):
            continue
        words = shlex.split(line, comments=True)
        for at, word in enumerate(words):
            if (word == "clip_app" and words[at - 1] == "-m") or (word == "clip-app" and at == 0):
                yield from _given([], words[at + 1 :])
            elif word == "app.py" and at > 0:
                yield from _given(["serve"], words[at + 1 :])
            elif word.startswith("ARGS="):
                yield from _given(["serve"], shlex.split(word.removeprefix("ARGS=")))


def _given(before: list[str], words: list[str]) -> Iterator[list[str]]:
    end = next((at for at, word in enumerate(words) if word in ("|", ">", "&&", ";")), len(words))
    if given := words[:end]:
        yield [*before, *given]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_command_lines_are_understood(page, monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def only_parse(*given, **named):
        parse(*given, **named)
        raise SystemExit(0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    monkeypatch.setattr(sys, "argv", [])
    for given in command_lines(page):
        with pytest.raises(SystemExit) as ended:
            main(given)
        assert ended.value.code == 0, given


def test_command_lines_are_found():
    assert len(list(command_lines(ROOT / "docs" / "terminal.md"))) > 10
    assert ["serve", "--share"] in command_lines(ROOT / "docs" / "hosting.md")


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """A folder with what the examples name, and a home with photographs."""
    shutil.copytree(EXAMPLES, tmp_path / "home" / "Photos")
    shutil.copytree(EXAMPLES, tmp_path / "desk")
    (tmp_path / "desk" / "notes.txt").write_text("milk")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", ["docs/python.md", "docs/zh-CN/python.md"])
def test_examples_in_python_run(page, desk):
    code = "\n".join(fenced(ROOT / page, "python"))
    examples = doctest.DocTestParser().get_doctest(code, {}, page, page, 0)
    told: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=told.append)
    assert result.attempted > 30
    assert result.failed == 0, "".join(told)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_six_lines_of_python_run(page, desk):
    (code,) = fenced(ROOT / page, "python")
    names: dict[str, object] = {}
    exec(code, names)
    assert len(code.split("\n\n", 1)[1].splitlines()) == 5, "after the import"
    assert names["gallery"].counts().files == 6
