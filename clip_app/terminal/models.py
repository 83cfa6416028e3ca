"""`models`: the models to choose from; what is kept for them, deleted."""

import argparse
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
        emit(f"{'starter':28}{'en zh':8}{'bundled':>9}")
        for preset in PRESETS.values():
            emit(
                f"{preset.key:28}{' '.join(preset.languages):8}{preset.download_mb:>6} MB  "
                f"{preset.title} · {preset.licence}"
            )


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
