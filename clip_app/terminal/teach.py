"""`teach`: show the model photographs of something, to name and to find it by."""

import argparse
from typing import Any

from clip_app.console import emit, emit_json, without_halves
from clip_app.errors import InputError
from clip_app.process import terminal_language
from clip_app.settings import INDEX_SETTINGS, MODEL_SETTINGS, read_settings
from clip_app.strings import text
from clip_app.tasks.concept_files import ConceptStore
from clip_app.tasks.concepts import ALPHA, concept_name, learn_concept
from clip_app.terminal import common
from clip_app.terminal.common import add_index_flag, add_model_flags, fraction
from clip_app.terminal.image_paths import ImagePaths


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "teach", help="learn a name from example photographs, for classify and search: @NAME"
    )
    command.add_argument("name", metavar="NAME", help="what to call it")
    command.add_argument("images", nargs="+", metavar="FILE", help="photograph of it, or a folder")
    command.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="FILE",
        help="photographs of what it is not but is taken for",
    )
    command.add_argument(
        "--alpha", type=fraction, default=ALPHA, help="share of the examples, 0 to 1; default: 0.7"
    )
    command.add_argument(
        "--add", action="store_true", help="keep the examples that the name has already, too"
    )
    add_index_flag(command)
    add_model_flags(command)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Learn it and keep it."""
    name = concept_name(without_halves(parsed.name))
    examples, away = _found(parsed.images), _found(parsed.without)
    settings = read_settings(parsed, (*MODEL_SETTINGS, *INDEX_SETTINGS))
    service = common.load_service(settings)
    concept = learn_concept(service, name, examples, away, alpha=parsed.alpha)
    store = ConceptStore(settings.index_dir, service.info.fingerprint)
    (store.add if parsed.add else store.save)(concept)
    told = {"name": concept.name, "examples": concept.examples}
    if parsed.json:
        emit_json({**told, "counter_examples": concept.counter_examples, "model": concept.model})
    else:
        emit(text("concept_learnt", terminal_language(), **told))


def _found(named: list[str]) -> list[str]:
    paths = ImagePaths(named)
    found = list(paths)
    if paths.failed.number:
        reason = paths.failed.kept[0][1]
        raise InputError(reason.key, **reason.params)
    return found
