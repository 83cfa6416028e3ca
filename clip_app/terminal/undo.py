"""`undo`: bring back what `sort` and `tag` did, or let a run that was killed go on."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.arguments import FAILED
from clip_app.console import StatusLine, emit, emit_json
from clip_app.process import terminal_language
from clip_app.sorting.journal import carry_out, read, take_back
from clip_app.strings import text
from clip_app.terminal.answering import IN_PART
from clip_app.terminal.common import shown
from clip_app.terminal.sort import shown_by, tell_left


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("undo", help="bring back what sort or tag did")
    command.add_argument("journal", metavar="JOURNAL", type=Path, help="the undo file")
    command.add_argument(
        "--resume", action="store_true", help="do the rest of a run that was killed instead"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Undo it; returns the exit code."""
    journal = read(parsed.journal.expanduser())
    with StatusLine() as status:
        act = carry_out if parsed.resume else take_back
        report = act(journal, shown_by(status))
    if parsed.json:
        emit_json({"journal": str(journal.path), "done": report.done, "left": len(report.failed)})
    elif report.changed_nothing:
        key = "sort_done_before" if parsed.resume else "sort_undone_before"
        emit(text(key, terminal_language()))
    elif parsed.resume:
        where = shown(journal.path)
        emit(text("sort_done", terminal_language(), number=report.done, journal=where))
    else:
        emit(text("sort_undone", terminal_language(), number=report.done))
    tell_left(report.failed)
    if not report.failed:
        return 0
    return IN_PART if report.done else FAILED
