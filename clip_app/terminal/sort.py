"""`sort`: photographs into folders by one's own labels; a plan unless it is told to do it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clip_app.arguments import FAILED
from clip_app.console import StatusLine, emit, emit_json, tell, without_halves
from clip_app.errors import InputError, Reason, StorageError
from clip_app.gallery.roots import check_length
from clip_app.process import terminal_language
from clip_app.prompts import choose_templates, parse_labels
from clip_app.settings import MODEL_SETTINGS, read_settings
from clip_app.sorting.folders import class_folders, steps_into_folders
from clip_app.sorting.history import journal_name
from clip_app.sorting.journal import Report, carry_out, create
from clip_app.sorting.plan import Plan, as_table, from_table, make_plan, photographs
from clip_app.sorting.steps import How, Step
from clip_app.strings import text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.sorting import MARGIN, THRESHOLD
from clip_app.temporary import check_is_new, whole_file
from clip_app.terminal import common
from clip_app.terminal.answering import IN_PART
from clip_app.terminal.common import (
    add_model_flags,
    existing_folder,
    fraction,
    line_of,
    read_bytes,
    shown,
)

# Doubtful photographs that are named; the table has them all.
_SHOWN_DOUBTS = 20


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("sort", help="photographs into folders by your labels")
    add_plan_flags(command)
    command.add_argument(
        "--to", type=Path, metavar="TARGET", required=True, help="where the folders are made"
    )
    how = command.add_mutually_exclusive_group()
    for name, meaning in (
        ("copy", "copy the photographs (the default)"),
        ("move", "move them"),
        ("hardlink", "give them second names on the same disk"),
        ("symlink", "put symbolic links to them"),
    ):
        how.add_argument(f"--{name}", dest="how", action="store_const", const=name, help=meaning)
    command.set_defaults(run=run, how="copy")


def add_plan_flags(command: argparse.ArgumentParser) -> None:
    """Add what commands take that make a plan and carry it out."""
    command.add_argument("folder", metavar="FOLDER", type=Path)
    command.add_argument("--labels", help='for example "cat, dog"')
    command.add_argument("--template", default="auto", help="as for classify")
    command.add_argument(
        "--threshold", type=fraction, default=THRESHOLD, help="least score, from 0 to 1"
    )
    command.add_argument(
        "--margin", type=fraction, default=MARGIN, help="least lead over the next label"
    )
    common.add_joint_flag(command)
    command.add_argument("--plan", type=Path, metavar="FILE", help="a plan as --csv wrote it")
    command.add_argument("--csv", type=Path, metavar="OUT", help="write the plan as a table")
    command.add_argument("--journal", type=Path, metavar="FILE", help="where to put the undo file")
    doing = command.add_mutually_exclusive_group()
    doing.add_argument("--do", action="store_true", help="carry the plan out")
    doing.add_argument(
        "--dry-run", dest="do", action="store_false", help="only print the plan (the default)"
    )
    add_model_flags(command)
    command.add_argument("--json", action="store_true", help="print one JSON object")


def run(parsed: argparse.Namespace) -> int:
    """Print the plan, or carry it out; returns the exit code."""
    target = parsed.to.expanduser().resolve()
    check_length(target)
    how: How = parsed.how
    plan = plan_of(parsed, without=target)
    steps, missing = steps_into_folders(plan, target, how)
    return finish(parsed, plan, steps, missing, target)


def plan_of(parsed: argparse.Namespace, without: Path | None = None) -> Plan:
    """The plan that was handed in, or a new one by the labels.

    Raises:
        ClipAppError: as `from_table` and `make_plan`.
    """
    folder = existing_folder(parsed.folder)
    if parsed.csv:
        check_is_new(parsed.csv.expanduser())
    if parsed.plan:
        return from_table(read_bytes(parsed.plan), folder, shown(parsed.plan))
    if not parsed.labels:
        raise InputError("sort_labels_missing")
    labels = parse_labels(without_halves(parsed.labels))
    template = without_halves(parsed.template)
    choose_templates(template, labels)
    paths = photographs(folder, without)
    if parsed.joint:
        tell(text(f"joint_warning_{parsed.joint}", terminal_language()))
    service = common.load_service(read_settings(parsed, MODEL_SETTINGS))
    common.tell_unread(service, labels)
    with StatusLine() as status:
        return make_plan(
            service,
            folder,
            paths,
            classes_from_labels(service, labels, template),
            threshold=parsed.threshold,
            margin=parsed.margin,
            joint=parsed.joint,
            progress=shown_by(status),
        )


def finish(
    parsed: argparse.Namespace,
    plan: Plan,
    steps: Sequence[Step],
    missing: list[tuple[str, Reason]],
    place: Path,
) -> int:
    """Print and write the plan; carry its steps out where that was asked for.

    Args:
        parsed: the command's arguments.
        plan: to print.
        steps: to do.
        missing: what no step could be made for.
        place: the folder for the undo file, unless one was named.

    Returns:
        The exit code.
    """
    language = terminal_language()
    into_folders = hasattr(parsed, "to")  # tags need none
    if parsed.csv:
        _write_table(parsed.csv, plan)
    report = Report()
    journal = None
    if parsed.do and steps:
        file = parsed.journal or place / journal_name()
        journal = create(file.expanduser().absolute(), steps)
        if not parsed.json:
            _print_plan(plan, into_folders)
        # Before anything is done, for whoever stops it.
        tell(text("sort_begun", language, journal=shown(journal.path)))
        with StatusLine() as status:
            report = carry_out(journal, shown_by(status))
    elif not parsed.json:
        _print_plan(plan, into_folders)
    if parsed.json:
        emit_json(_as_json(plan, report, journal.path if journal else None))
    elif journal:
        emit(text("sort_done", language, number=report.done, journal=shown(journal.path)))
    else:
        emit(text("sort_nothing" if parsed.do or not steps else "sort_dry", language))
    failed = [*plan.broken, *missing, *report.failed]
    tell_left(failed)
    if not failed:
        return 0
    return FAILED if parsed.do and steps and not report.done else IN_PART


def shown_by(status: StatusLine) -> Any:
    """A `Progress` on a status line."""

    def show(done: int, total: int) -> None:
        if status.due:
            status.show(text("sort_progress", terminal_language(), done=done, total=total))

    return show


def tell_left(failed: Sequence[tuple[str, Reason]]) -> None:
    """Name what was left as it is, each with why."""
    language = terminal_language()
    if failed:
        tell(text("sort_left", language, number=len(failed)))
    for name, reason in failed[:_SHOWN_DOUBTS]:
        tell(f"  {line_of(name, reason)}")
    if len(failed) > _SHOWN_DOUBTS:
        tell(f"  {text('terminal_broken_more', language, number=len(failed) - _SHOWN_DOUBTS)}")


def _print_plan(plan: Plan, into_folders: bool) -> None:
    language = terminal_language()
    folders = class_folders(plan) if into_folders else {}
    for label, number in plan.counts().most_common():
        folder = folders.get(label, label)
        named = label if folder == label else f"{label} → {folder}"
        emit(text("sort_count", language, number=number, label=named))
    if empty := plan.empty():
        named = ", ".join(empty[:_SHOWN_DOUBTS]) + ", …" * (len(empty) > _SHOWN_DOUBTS)
        emit(text("sort_count", language, number=0, label=named))
    for verdict in ("none", "doubtful"):
        some = [one for one in plan.choices if one.verdict == verdict]
        if some:
            label = text("sort_none" if verdict == "none" else "sort_doubtful", language)
            emit(text("sort_count", language, number=len(some), label=label))
    for one in some[:_SHOWN_DOUBTS]:
        note = text("sort_maybe_none", language) if one.maybe_none else ""
        emit(text("sort_doubt", language, **vars(one)) + note)


def _as_json(plan: Plan, report: Report, journal: Path | None) -> dict[str, Any]:
    return {
        "folder": str(plan.folder),
        "counts": dict(plan.counts()),
        "photographs": [vars(one) for one in plan.choices],
        "done": report.done,
        "journal": str(journal) if journal else None,
    }


def _write_table(path: Path, plan: Plan) -> None:
    try:
        with whole_file(path.expanduser()) as file:
            file.write(as_table(plan.choices))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError("plan_unwritable", name=shown(path), reason=reason) from error
