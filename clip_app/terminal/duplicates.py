"""`duplicates`: copies and near copies in an indexed folder, the largest of each first."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json
from clip_app.gallery.search import SearchHit
from clip_app.gallery.similar import LEAST_NEAR, NEAR, Duplicates, duplicates
from clip_app.gallery.stores.store import Filter
from clip_app.process import terminal_language
from clip_app.server.answers import duplicates_answer
from clip_app.settings import read_settings
from clip_app.sizes import megabytes
from clip_app.strings import text
from clip_app.terminal import common
from clip_app.terminal.common import (
    GALLERY_SETTINGS,
    add_gallery_flags,
    add_model_flags,
    indexed_folder,
    opened_library,
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("duplicates", help="copies and near copies in an indexed folder")
    command.add_argument("folder", metavar="FOLDER", type=Path)
    command.add_argument(
        "--near",
        type=float,
        default=NEAR,
        help=f"least cosine of near copies, {LEAST_NEAR} to 1; 1: only files of the same bytes. "
        f"Default: {NEAR}",
    )
    common.add_below_flag(command)
    add_gallery_flags(command)
    add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Print the groups; nothing is deleted."""
    settings = read_settings(parsed, GALLERY_SETTINGS)
    with opened_library(settings) as library, StatusLine() as status:
        service = common.load_service(settings)
        store = library.open(indexed_folder(library, parsed.folder), service.info)
        where = Filter(common.below(parsed))
        told = common.counting(status)
        found = duplicates([store], near=parsed.near, where=where, progress=told)
    if parsed.json:
        emit_json(duplicates_answer(found))
    else:
        _print_groups(found)


def _print_groups(found: Duplicates) -> None:
    language = terminal_language()
    for group in found.groups:
        for hit in group.hits:
            emit(f"{hit.similarity:.3f}  {size_of(hit)}  {hit.path}")
            for path in hit.copies:
                emit(f"    =  {size_of(hit)}  {path}")
        emit("")
    spare = sum(one.spare for one in found.groups)
    told = {"groups": len(found.groups), "images": found.images, "megabytes": megabytes(spare)}
    emit(text("duplicates_found" if found.groups else "duplicates_none", language, **told))


def size_of(hit: SearchHit) -> str:
    """Its pixels, where the index knows them, and its bytes."""
    pixels = f"{hit.width}×{hit.height}" if hit.width else "?"
    return f"{pixels:>11}  {megabytes(hit.size):>6} MB"
