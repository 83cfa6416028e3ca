"""`space`: the app as a folder to upload as a Space of Hugging Face."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from clip_app.console import emit, emit_json, tell
from clip_app.process import terminal_language
from clip_app.settings import add_flags, read_settings
from clip_app.sizes import megabytes
from clip_app.strings import text
from clip_app.terminal.common import shown


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "space", help="write a folder that can be uploaded as a Space of Hugging Face"
    )
    command.add_argument("out", metavar="OUT", type=Path, help="the folder to write")
    command.add_argument(
        "--hardware",
        choices=("zerogpu", "cpu"),
        default="zerogpu",
        help="what the Space runs on. Default: zerogpu, which free accounts may use",
    )
    command.add_argument(
        "--bucket",
        default="/data",
        metavar="PATH",
        help="where a bucket with photographs to search is mounted. Default: /data",
    )
    add_flags(command, terminal_language(), ("model",))
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Write the folder, and say how it is uploaded."""
    # Only here: what shows help does without.
    from clip_app.model.catalog import DEFAULT_PRESET, find_model
    from clip_app.server.space import FLAVORS, write_space

    settings = read_settings(parsed, uses=("model",))
    folder, language = parsed.out.expanduser(), terminal_language()
    source = find_model(DEFAULT_PRESET if settings.model == "auto" else settings.model)
    complete = write_space(folder, source, parsed.hardware, parsed.bucket)
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    if parsed.json:
        told = {"model": source.name, "folder": str(folder), "bytes": size, "preloaded": complete}
        emit_json(told | {"hardware": parsed.hardware})
        return
    if not complete:
        tell(text("space_not_preloaded", language, model=source.name))
    told = {"folder": shown(folder), "megabytes": megabytes(size), "model": source.name}
    emit(text("space_done", language, **told))
    flavor = FLAVORS[parsed.hardware]
    emit(f"  hf repos create OWNER/NAME --type space --space-sdk gradio --flavor {flavor}")
    emit(f"  hf upload OWNER/NAME {shlex.quote(shown(folder))} . --type space")
