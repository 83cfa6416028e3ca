"""`backup`: an index as one file, to keep or to move."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json
from clip_app.gallery.backup import back_up
from clip_app.process import terminal_language
from clip_app.settings import read_settings
from clip_app.sizes import megabytes
from clip_app.strings import text
from clip_app.terminal import common


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("backup", help="write a folder's index into one file")
    command.add_argument("folder", metavar="FOLDER", type=Path)
    command.add_argument("--out", metavar="FILE", type=Path, required=True)
    common.add_gallery_flags(command)
    common.add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Write it."""
    settings = read_settings(parsed, common.GALLERY_SETTINGS)
    out = parsed.out.expanduser()
    with common.opened_library(settings) as library, StatusLine() as status:
        service = common.load_service(settings)
        folder = common.indexed_folder(library, parsed.folder)
        store = library.open(folder, service.info)
        counts = back_up(store, out, common.counting(status))
    if parsed.json:
        emit_json({"folder": str(folder), "file": str(out), **vars(counts)})
        return
    told = {"files": counts.files + counts.broken, "megabytes": megabytes(out.stat().st_size)}
    emit(text("backed_up", terminal_language(), folder=folder, path=common.shown(out), **told))
