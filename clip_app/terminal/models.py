"""`models`: the models to choose from; what is kept for them, deleted."""

import argparse
import unicodedata
from dataclasses import asdict
from typing import Any

from clip_app.console import emit, emit_json
from clip_app.errors import StorageError
from clip_app.model.cache import text_store
from clip_app.model.catalog import PRESETS
from clip_app.process import terminal_language
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.terminal.common import shown

_COLUMNS = ("name", "reads", "size", "imagenet", "licence")


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("models", help="the models to choose from")
    command.add_argument("--json", action="store_true")
    command.add_argument(
        "--remove-text-features",
        action="store_true",
        help="delete the features of text lists that are kept on disk; they are made again",
    )
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Print them, or delete what was asked for."""
    if parsed.remove_text_features:
        _remove_text_features(parsed.json)
    elif parsed.json:
        entries = [
            asdict(preset) | {"download_mb": preset.download_mb} for preset in PRESETS.values()
        ]
        starter = {"key": "starter", "languages": ("en", "zh"), "scoring": "softmax"}
        emit_json([starter, *entries])
    else:
        _print_table()


def _print_table() -> None:
    language = terminal_language()
    emit(_row(*(text(f"terminal_models_{column}", language) for column in _COLUMNS)))
    emit(_row("starter", "en zh", text("terminal_models_bundled", language), "", ""))
    for preset in PRESETS.values():
        figure = "–" if preset.imagenet is None else f"{preset.imagenet:.1f}"
        emit(
            _row(
                preset.key, " ".join(preset.languages), preset.download_size, figure, preset.licence
            )
        )


def _row(name: str, reads: str, size: str, figure: str, licence: str) -> str:
    """One line of the table, 80 columns at most."""
    cells = _padded(name, -28), _padded(reads, -5), _padded(size, 9), _padded(figure, 10)
    return f"{''.join(cells)}  {licence}".rstrip()


def _padded(content: str, width: int) -> str:
    """`content` set to the right of `width` columns, or where that is negative to the left."""
    taken = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in content)
    blanks = " " * (abs(width) - taken)
    return content + blanks if width < 0 else blanks + content


def _remove_text_features(as_json: bool) -> None:
    settings = read_settings(uses=("cache_dir",))
    try:
        number, size = text_store(settings).clear()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError("text_features_not_removed", reason=reason) from error
    if as_json:
        emit_json({"lists": number, "bytes": size})
    else:
        told = {"number": number, "megabytes": size / 1e6, "folder": shown(settings.cache_dir)}
        emit(text("text_features_removed", terminal_language(), **told))
