"""`tag`: labels into XMP sidecars beside the photographs, which are never written themselves."""

import argparse
from typing import Any

from clip_app.sorting.sidecars import steps_of_tags
from clip_app.terminal.sort import add_plan_flags, finish, plan_of


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("tag", help="write your labels into XMP sidecars")
    add_plan_flags(command)
    command.add_argument(
        "--sidecar",
        choices=("full", "stem"),
        default="full",
        help="photo.jpg.xmp (digiKam, darktable, Immich) or photo.xmp (Lightroom)",
    )
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Print the plan, or carry it out; returns the exit code."""
    plan = plan_of(parsed)
    steps, failed = steps_of_tags(plan, stem=parsed.sidecar == "stem")
    return finish(parsed, plan, steps, failed, plan.folder)
