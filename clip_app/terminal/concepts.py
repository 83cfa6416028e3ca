"""`concepts`: what the model was taught: listed, exchanged as files, forgotten."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import emit, emit_json, printable, without_halves
from clip_app.errors import InputError
from clip_app.model.service import ModelService
from clip_app.process import terminal_language
from clip_app.settings import INDEX_SETTINGS, MODEL_SETTINGS, read_settings
from clip_app.strings import text
from clip_app.tasks.concept_files import ConceptStore, read_concepts, write_concepts
from clip_app.tasks.concepts import Concept, key_of
from clip_app.temporary import check_is_new
from clip_app.terminal import common
from clip_app.terminal.common import add_index_flag, add_model_flags


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("concepts", help="what the model was taught by `teach`")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all of them")
    exporting = actions.add_parser("export", help="write some, or all, to a file")
    exporting.add_argument("file", type=Path, metavar="FILE")
    exporting.add_argument("names", nargs="*", metavar="NAME")
    importing = actions.add_parser("import", help="keep those of a file, in place of their names'")
    importing.add_argument("file", type=Path, metavar="FILE")
    forgetting = actions.add_parser("forget", help="delete one")
    forgetting.add_argument("names", nargs=1, metavar="NAME")
    for parser, run in (
        (listing, _list),
        (exporting, _export),
        (importing, _import),
        (forgetting, _forget),
    ):
        add_index_flag(parser)
        add_model_flags(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.set_defaults(run=_with_store, action=run)


def _with_store(parsed: argparse.Namespace) -> None:
    settings = read_settings(parsed, (*MODEL_SETTINGS, *INDEX_SETTINGS))
    service = common.load_service(settings)
    parsed.action(parsed, service, ConceptStore(settings.index_dir, service.info.fingerprint))


def _list(parsed: argparse.Namespace, service: ModelService, store: ConceptStore) -> None:
    concepts = store.all()
    if parsed.json:
        emit_json({"model": service.info.public_name, "concepts": [_told(one) for one in concepts]})
        return
    for one in concepts:
        emit(text("concept_line", terminal_language(), **_told(one)))
    if not concepts:
        emit(text("concepts_none", terminal_language()))


def _export(parsed: argparse.Namespace, _: ModelService, store: ConceptStore) -> None:
    check_is_new(parsed.file.expanduser())
    kept = {key_of(one.name): one for one in store.all()}
    names = [without_halves(one) for one in parsed.names]
    for name in names:
        if key_of(name) not in kept:
            raise InputError("concept_unknown", name=name)
    chosen = [kept[key_of(name)] for name in names] or list(kept.values())
    if not chosen:
        raise InputError("concepts_none")
    write_concepts(parsed.file, chosen)
    _moved(parsed, chosen)


def _import(parsed: argparse.Namespace, service: ModelService, store: ConceptStore) -> None:
    concepts = read_concepts(parsed.file, service)
    for one in concepts:
        store.save(one)
    _moved(parsed, concepts)


def _forget(parsed: argparse.Namespace, _: ModelService, store: ConceptStore) -> None:
    name = without_halves(parsed.names[0])
    store.forget(name)
    if parsed.json:
        emit_json({"forgotten": name})
    else:
        emit(text("concept_forgotten", terminal_language(), name=name.removeprefix("@")))


def _moved(parsed: argparse.Namespace, concepts: list[Concept]) -> None:
    names = [one.name for one in concepts]
    if parsed.json:
        emit_json({"file": printable(str(parsed.file)), "concepts": names})
    else:
        told = {"number": len(names), "file": printable(str(parsed.file))}
        emit(text("concepts_moved", terminal_language(), **told))


def _told(one: Concept) -> dict[str, Any]:
    return {
        "name": one.name,
        "examples": one.examples,
        "counter_examples": one.counter_examples,
        "alpha": one.alpha,
    }
