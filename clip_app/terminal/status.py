"""`status`: which folders are indexed."""

import argparse
from typing import Any

from clip_app.console import emit, emit_json
from clip_app.process import terminal_language
from clip_app.server.answers import status_answer
from clip_app.settings import INDEX_SETTINGS, read_settings
from clip_app.strings import text
from clip_app.terminal import common
from clip_app.terminal.common import (
    GALLERY_SETTINGS,
    add_gallery_flags,
    add_model_flags,
    opened_library,
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("status", help="which folders are indexed")
    add_gallery_flags(command)
    add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Print them."""
    settings = read_settings(parsed, GALLERY_SETTINGS if "model" in parsed else INDEX_SETTINGS)
    # Loading a model takes seconds, so it is only compared with where one was asked for.
    model = common.load_service(settings).info if "model" in parsed else None
    with opened_library(settings) as library:
        statuses = library.galleries(model, closely=True)
        is_empty = library.is_empty()
    answer = status_answer(model.name if model else None, statuses)
    language = terminal_language()
    for one, index in zip(answer["galleries"], statuses, strict=True):
        if model is None:
            del one["usable"]
        if index.trouble:
            one["trouble"] = index.trouble.message(language)
    if parsed.json:
        emit_json(answer)
        return
    if not statuses:
        emit(text("index_none" if is_empty else "indexes_left_out", language))
    for one in answer["galleries"]:
        emit(one["gallery"])
        usable = f"; {text('terminal_usable', language)}" if one.get("usable") else ""
        emit(f"  {text('terminal_status', language, **one)}{usable}")
        if "trouble" in one:
            emit(f"  {one['trouble']}")
