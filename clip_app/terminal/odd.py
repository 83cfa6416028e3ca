"""`odd`: the most and the least typical photographs of an indexed folder."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import emit, emit_json
from clip_app.gallery.similar import odd
from clip_app.gallery.stores.store import Filter
from clip_app.process import terminal_language
from clip_app.server.answers import odd_answer
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.terminal import common
from clip_app.terminal.common import (
    GALLERY_SETTINGS,
    add_gallery_flags,
    add_model_flags,
    indexed_folder,
    opened_library,
    positive,
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("odd", help="the most and the least typical photographs")
    command.add_argument("folder", metavar="FOLDER", type=Path)
    command.add_argument("--number", type=positive, default=10, help="of each; default: 10")
    common.add_below_flag(command)
    add_gallery_flags(command)
    add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Print them, each with its mean cosine with all others."""
    settings = read_settings(parsed, GALLERY_SETTINGS)
    with opened_library(settings) as library:
        service = common.load_service(settings)
        store = library.open(indexed_folder(library, parsed.folder), service.info)
        where = Filter(common.below(parsed))
        found = odd([store], number=parsed.number, where=where)
    if parsed.json:
        emit_json(odd_answer(found))
        return
    language = terminal_language()
    for key, hits in (("odd_typical", found.typical), ("odd_least", found.odd)):
        emit(text(key, language))
        for hit in hits:
            emit(f"{hit.similarity:6.3f}  {hit.path}")
