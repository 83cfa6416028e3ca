"""`forget`: delete a folder's index; the photographs stay."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import emit, emit_json
from clip_app.process import terminal_language
from clip_app.settings import INDEX_SETTINGS, read_settings
from clip_app.strings import text
from clip_app.terminal.common import add_gallery_flags, indexed_folder, opened_library


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("forget", help="delete a folder's index; the photographs stay")
    command.add_argument("folder", metavar="FOLDER", type=Path)
    add_gallery_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Delete it."""
    with opened_library(read_settings(parsed, INDEX_SETTINGS)) as library:
        folder = indexed_folder(library, parsed.folder)
        number = library.forget(folder)
    if parsed.json:
        emit_json({"folder": str(folder), "indexes": number})
    else:
        emit(text("terminal_forgotten", terminal_language(), folder=folder))
