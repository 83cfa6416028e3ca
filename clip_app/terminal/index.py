"""`index`: index a folder of photographs, or update its index."""

import argparse
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json, tell
from clip_app.errors import ClipAppError
from clip_app.gallery.index_report import IndexProgress, IndexReport
from clip_app.gallery.library import update_index
from clip_app.gallery.roots import Roots
from clip_app.gallery.scan import WHOLE, Shard
from clip_app.gallery.stores.store import KEEP_DAYS
from clip_app.gallery.watch import follow
from clip_app.model.service import ModelService
from clip_app.process import terminal_language
from clip_app.server.answers import index_answer
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.terminal import common
from clip_app.terminal.common import (
    GALLERY_SETTINGS,
    add_gallery_flags,
    add_model_flags,
    as_indexed,
    existing_folder,
    opened_library,
    tell_broken,
    wrong,
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "index", help="index a folder of photographs, or update its index"
    )
    command.add_argument("folder", metavar="FOLDER", type=Path)
    command.add_argument(
        "--shard",
        type=_shard,
        default=WHOLE,
        metavar="I/N",
        help="part I of N of the files, the others being indexed on other machines",
    )
    command.add_argument(
        "--verify",
        action="store_true",
        help="read every file and compare its content; what is the same is not encoded again",
    )
    command.add_argument(
        "--forget-missing",
        action="store_true",
        help=f"drop at once what is gone, which otherwise is kept for {KEEP_DAYS} days",
    )
    command.add_argument(
        "--watch", action="store_true", help="go on, and index again whenever the folder changes"
    )
    command.add_argument(
        "--poll",
        action="store_true",
        help="with --watch: look at every file each 10 seconds, as network shares always need",
    )
    add_gallery_flags(command)
    add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Bring the index up to date, and tell what was done."""
    folder = existing_folder(parsed.folder)
    settings = read_settings(parsed, GALLERY_SETTINGS)
    service = common.load_service(settings)
    with opened_library(settings) as library, _stop_on_interrupt() as stop:
        folder = as_indexed(library, folder)
        roots = Roots.of((folder, *settings.gallery_roots))

        def update(verify: bool = False) -> IndexReport:
            with stop.busy(), _Progress() as progress:
                return update_index(
                    library,
                    service,
                    folder,
                    roots,
                    shard=parsed.shard,
                    progress=progress.tell,
                    stop=stop,
                    verify=verify,
                    keep_missing=not parsed.forget_missing,
                )

        report = update(parsed.verify)
        _tell_broken(report)
        _tell_done(parsed.json, folder, service, report, notes=True)
        if parsed.watch:
            index_dir = library.directory
            following = _Following(update, partial(_tell_done, parsed.json, folder, service))
            following.last = report
            follow(
                folder, following.run, following.fail, stop, index_dir=index_dir, poll=parsed.poll
            )


class _Following:
    """Runs that are told of only where they did something."""

    def __init__(
        self, update: Callable[[], IndexReport], tell_done: Callable[[IndexReport], None]
    ) -> None:
        self._update = update
        self._tell_done = tell_done
        self.last = IndexReport()
        self._has_failed = False

    def run(self) -> None:
        """One run."""
        report = self._update()
        is_news = report.broken != self.last.broken or self._has_failed
        if report.encoded or report.reused or report.forgotten or is_news or report.stopped:
            self._tell_done(report)
        self.last = report
        self._has_failed = False

    def fail(self, error: ClipAppError) -> None:
        """Tell of a run that could not be; so is then the next one that can."""
        self._has_failed = True
        tell(error.message(terminal_language()))


def _tell_done(
    as_json: bool, folder: Path, service: ModelService, report: IndexReport, notes: bool = False
) -> None:
    """What a run did, in one line, and what it left out where `notes` are asked for.

    Raises:
        KeyboardInterrupt: if it was stopped: a script must not take half an index for a whole one.
    """
    answer = index_answer(folder, service, report, terminal_language())
    if as_json:
        emit_json(answer)
    else:
        numbers = answer | {"broken": report.broken_total}
        emit(text("terminal_indexed", terminal_language(), **numbers))
        for note in report.left_out_notes(terminal_language()) if notes else ():
            emit(f"  {note}")
    if report.stopped:
        raise KeyboardInterrupt


def _tell_broken(report: IndexReport) -> None:
    language = terminal_language()
    for below in report.unreadable:
        tell(text("terminal_unreadable", language, path=below))
    if report.broken:
        tell_broken(report.broken_total, ((one.path, one.reason) for one in report.broken))
    if report.kept:
        tell(text("terminal_kept", language, kept=report.kept, days=KEEP_DAYS))
    if report.stopped:
        tell(text("terminal_stopped", language))


class _Stop(threading.Event):
    """Set where the program is to stop; knows whether there is a batch to end first."""

    def __init__(self) -> None:
        super().__init__()
        self.is_busy = False

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While a run goes on."""
        self.is_busy = True
        try:
            yield
        finally:
            self.is_busy = False


@contextlib.contextmanager
def _stop_on_interrupt() -> Iterator[_Stop]:
    """An event that the first Ctrl-C sets; the second one ends the program as usual."""
    stop = _Stop()
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("")  # below the line of progress
        key = "terminal_stopping" if stop.is_busy else "terminal_not_followed"
        tell(text(key, terminal_language()))

    in_charge = threading.current_thread() is threading.main_thread()
    if in_charge:
        signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        if in_charge:
            signal.signal(signal.SIGINT, before)


class _Progress(StatusLine):
    """How far an indexer is."""

    def tell(self, progress: IndexProgress) -> None:
        """Show it, if it is time to."""
        if not self.due:
            return
        begun = progress.rate == 0 or progress.seconds_left is None
        self.show(
            text(
                "terminal_progress_begun" if begun else "terminal_progress",
                terminal_language(),
                done=progress.done,
                total=progress.total,
                rate=progress.rate,
                left=timedelta(seconds=round(progress.seconds_left or 0)),
            )
        )


def _shard(typed: str) -> Shard:
    try:
        return Shard.parse(typed)
    except ValueError as error:
        raise wrong("argument_shard") from error
