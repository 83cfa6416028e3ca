"""`export`: a model's towers for ONNX Runtime, made, copied to a folder, or deleted."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from clip_app.console import emit, emit_json
from clip_app.errors import ModelError, StorageError
from clip_app.process import terminal_language
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.terminal.common import shown


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "export", help="export a model for ONNX Runtime, here or into a folder for another machine"
    )
    command.add_argument("model", metavar="MODEL", nargs="?", help="as of --model")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write a folder of its own, to copy elsewhere"
    )
    command.add_argument(
        "--remove", action="store_true", help="delete what was exported, of MODEL or of all models"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Export, copy or delete."""
    # Only here: what lists or shows help does without.
    from clip_app.model.catalog import find_model
    from clip_app.model.exporting import export_now, towers_root
    from clip_app.model.slot import fetch
    from clip_app.model.towers import copy_towers, remove_towers

    settings = read_settings(uses=("cache_dir", "device"))
    root, language = towers_root(settings), terminal_language()
    source = find_model(parsed.model) if parsed.model else None
    if parsed.remove:
        freed = remove_towers(root, source)
        if parsed.json:
            emit_json({"bytes": freed})
        else:
            emit(text("towers_removed", language, megabytes=freed / 1e6, folder=shown(root)))
        return
    if source is None:
        raise ModelError("export_which")
    fetch(source)
    towers = export_now(source, settings)
    folder = towers.folder
    if parsed.out:
        folder = parsed.out.expanduser()
        try:
            copy_towers(towers, folder)
        except FileExistsError as error:
            raise StorageError("export_folder_in_use", folder=shown(folder)) from error
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    if parsed.json:
        emit_json({"model": source.name, "folder": str(folder), "bytes": towers.size})
    else:
        told = {"model": source.name, "folder": shown(folder), "megabytes": towers.size / 1e6}
        emit(text("export_done", language, **told))
