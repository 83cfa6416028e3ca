"""`restore`: what `backup` has written is an index again, here, elsewhere, in another store."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json, tell
from clip_app.gallery.backup import restore
from clip_app.process import terminal_language
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.terminal import common


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("restore", help="make an index of what backup has written")
    command.add_argument("file", metavar="FILE", type=Path)
    command.add_argument(
        "--folder", type=Path, help="where the photographs lie now. Default: where they lay"
    )
    command.add_argument(
        "--replace", action="store_true", help="drop what the index knows that is not in FILE"
    )
    common.add_gallery_flags(command)
    common.add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Restore it."""
    settings = read_settings(parsed, common.GALLERY_SETTINGS)
    with common.opened_library(settings) as library, StatusLine() as status:
        service = common.load_service(settings)
        folder = common.existing_folder(parsed.folder) if parsed.folder else None
        store, damaged = restore(
            library,
            parsed.file.expanduser(),
            service.info,
            folder=folder,
            replace=parsed.replace,
            progress=common.counting(status),
        )
        counts = store.counts()
    if parsed.json:
        emit_json({"folder": str(store.key.folder), **vars(counts), "damaged": damaged})
        return
    files = counts.files + counts.broken
    emit(text("restored", terminal_language(), folder=store.key.folder, files=files))
    if damaged:
        tell(text("restored_without", terminal_language(), number=damaged))
