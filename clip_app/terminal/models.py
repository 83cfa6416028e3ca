"""`models`: the models to choose from."""

import argparse
from dataclasses import asdict
from typing import Any

from clip_app.console import emit, emit_json
from clip_app.model.catalog import PRESETS


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("models", help="the models to choose from")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Print them."""
    if parsed.json:
        entries = [
            asdict(preset) | {"download_mb": preset.download_mb} for preset in PRESETS.values()
        ]
        starter = {"key": "starter", "languages": ("en", "zh"), "scoring": "softmax"}
        emit_json([starter, *entries])
        return
    emit(f"{'starter':28}{'en zh':8}{'bundled':>9}")
    for preset in PRESETS.values():
        emit(
            f"{preset.key:28}{' '.join(preset.languages):8}{preset.download_size:>9}  "
            f"{preset.title} · {preset.licence}"
        )
