"""The picture in docs/architecture.md, kept true: which room may import which, and who is heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "clip_app"

# From the top of the house down; a room imports those below it and, inside one storey, what
# `SIDEWAYS` names.
STOREYS = (
    ("__main__", "set_up"),
    ("ui", "server", "terminal"),
    ("sorting",),
    ("tasks", "gallery"),
    ("photos", "model"),
    ("images", "prompts", "scoring", "text_lists", "text_tables", "text_files"),
    (
        *("settings", "temporary", "network", "console", "process", "arguments"),
        *("errors", "progress", "metrics", "sizes", "strings"),
    ),
)
SIDEWAYS = {
    ("ui", "server"),  # handlers call the endpoints
    ("terminal", "server"),  # the same JSON, and `serve`
    ("server", "ui"),  # serve.py opens the page
    ("photos", "model"),  # encode_files asks the service
    ("gallery", "tasks"),
    ("prompts", "text_lists"),
    ("prompts", "text_tables"),
    ("text_files", "text_tables"),
    ("text_files", "text_lists"),
    ("text_tables", "text_lists"),
    ("settings", "errors"),
    ("settings", "strings"),  # what each means, for --help
    ("errors", "strings"),
    ("temporary", "errors"),
    ("arguments", "console"),
    ("arguments", "process"),
    ("arguments", "strings"),
    ("console", "errors"),
    ("network", "process"),
    ("network", "strings"),
    ("process", "strings"),
}
HEAVY = {
    "torch": {
        "model/torch_engine.py",
        "model/image_tower.py",
        "model/text_tower.py",
        "model/export.py",
    },
    "open_clip": {"model/torch_engine.py", "model/text_tower.py", "model/export.py"},
    "transformers": set(),
    "onnxruntime": {"model/onnx_engine.py", "model/quantise.py"},
    "tokenizers": {"model/tokenizer.py", "model/vocabulary.py", "model/export.py"},
    "gradio": {"ui/", "server/"},
    "argparse": {"terminal/", "arguments.py", "settings.py", "set_up.py"},
}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imported(path: Path) -> tuple[tuple[str, bool], ...]:
    """(module, whether it is imported when this file is) for each import of a file."""

    def visit(node: ast.AST, lazy: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, not lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}"
                    yield (whole if whole in MODULES else child.module), not lazy
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from visit(child, lazy or function)

    return tuple(visit(tree(path), False))


def room(module: str) -> str:
    return [*module.split("."), ""][1]


def storey(name: str) -> int:
    found = [number for number, rooms in enumerate(STOREYS) if name in rooms]
    assert found, f"clip_app/{name} is in no storey: put it into the picture"
    return found[0]


@pytest.mark.parametrize("module", [name for name in MODULES if room(name)])
def test_arrows_point_down(module):
    here = room(module)
    for target, _ in imported(MODULES[module]):
        there = room(target) if target in MODULES else here
        if there and there != here and (here, there) not in SIDEWAYS:
            assert storey(there) > storey(here), f"{module} imports {target}"


def test_no_module_reaches_itself():
    graph = {
        name: {target for target, at_once in imported(path) if at_once and target in MODULES}
        for name, path in MODULES.items()
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for target in graph[name] - {name}:
                visit(target, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_in_their_rooms(library):
    for path in MODULES.values():
        for target, _ in imported(path):
            if target.split(".")[0] == library:
                place = path.relative_to(PACKAGE).as_posix()
                assert any(place.startswith(allowed) for allowed in HEAVY[library]), place


@pytest.mark.parametrize("name", ["clip_app", "clip_app.terminal", "clip_app.model.slot"])
def test_importing_is_light(name):
    heavy = ["torch", "open_clip", "transformers", "gradio", "onnxruntime"]
    program = f"import sys, {name}; print([one for one in {heavy} if one in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


def test_page_api_and_terminal_share_one_limit_of_descriptions():
    """It is the default of `parse_lines`; a matrix to look at and templates have less room."""
    own = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES.values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "parse_lines"
        and len(node.args) + len(node.keywords) > 1
    }
    assert own == {"prompts.py", "ui/tabs/match/matrix.py"}


def test_no_file_has_two_subjects_by_its_size():
    """The limits that the house sets itself; a file or function beyond them wants to be two."""
    large = set()
    for path in MODULES.values():
        if len(path.read_text("utf-8").splitlines()) >= 400:
            large.add(path.relative_to(PACKAGE).as_posix())
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 80, f"{path}: {node.name}"
    assert not large
