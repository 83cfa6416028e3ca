"""How far a download is, for the page and the terminal."""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from clip_app.console import StatusLine
from clip_app.process import terminal_language
from clip_app.strings import Language, text

log = logging.getLogger(__name__)

# What it says of a download belongs on a line of its own.
_hub_log = logging.getLogger("clip_app.model.hub")

# The rate is over this many reports, hence over about ten seconds.
_SAMPLES = 50
_REPORT_SECONDS = 0.2

# In a log, a line for each tenth, and not more than one in this time.
_LINE_SHARE, _LINE_SECONDS = 0.1, 5.0


@dataclass(frozen=True)
class DownloadProgress:
    """How much of a model's files is here.

    Attributes:
        name: the model's name.
        done, total: bytes, of the files that have been begun; the weights are nearly all.
        rate: bytes a second, over the last seconds; 0 while it is unknown.
    """

    name: str
    done: int
    total: int
    rate: float

    @property
    def seconds_left(self) -> float | None:
        """At that rate; None while it is unknown."""
        return (self.total - self.done) / self.rate if self.rate else None

    def sentence(self, language: Language) -> str:
        """Name, size, rate and time left, as "name, 412 of 1,464 MB, 9.1 MB/s, 2 min left"."""
        here = text(
            "download_size",
            language,
            name=self.name,
            done=self.done / 1e6,
            total=self.total / 1e6,
        )
        if self.seconds_left is None or self.done == self.total:
            return here
        minutes = round(self.seconds_left / 60)
        key = "time_seconds" if minutes < 1 else "time_minutes" if minutes < 60 else "time_hours"
        hours, rest = divmod(minutes, 60)
        left = text(key, language, seconds=round(self.seconds_left), minutes=rest, hours=hours)
        return here + text("download_rate", language, rate=self.rate / 1e6, left=left)


#: Called now and then while a download goes on, on the thread that downloads.
DownloadReport = Callable[[DownloadProgress], None]


class Meter:
    """Measures the download of a model's files, one after the other, and reports it."""

    def __init__(self, name: str, report: DownloadReport) -> None:
        self._name = name
        self._report = report
        self._before = self._total = self._size = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)

    def next_file(self, size: int) -> None:
        """Another file of `size` bytes follows."""
        self._before = self._total
        self._size = size
        self._total += size

    def connected(self, position: int) -> None:
        """What comes now begins at byte `position` of the file; what was before counts as here."""
        self._samples.clear()
        self.reached(position)

    def reached(self, position: int) -> None:
        """So many bytes of the file are here; that is reported at its end, or when it is time."""
        now, done = time.monotonic(), self._before + position
        early = self._samples and now - self._samples[-1][0] < _REPORT_SECONDS
        if early and position < self._size:
            return
        self._samples.append((now, done))
        then, before = self._samples[0]
        rate = (done - before) / (now - then) if now > then else 0.0
        self._report(DownloadProgress(self._name, done, self._total, rate))


class LoggedProgress:
    """Writes now and then to the log how far a download is."""

    def __init__(self) -> None:
        self._done = 0
        self._told = time.monotonic()

    def __call__(self, progress: DownloadProgress) -> None:
        """Write it, if it is time to."""
        waited = time.monotonic() - self._told >= _LINE_SECONDS
        if waited and progress.done - self._done >= _LINE_SHARE * progress.total:
            self._done, self._told = progress.done, time.monotonic()
            log.info("%s", progress.sentence(terminal_language()))


class DownloadLine(StatusLine):
    """A download on the terminal, in one line; in a file or pipe, a few lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self._logged = LoggedProgress()

    def __enter__(self) -> Self:
        _hub_log.addFilter(self._make_room)
        return self

    def __exit__(self, *_: object) -> None:
        _hub_log.removeFilter(self._make_room)
        super().__exit__()

    def _make_room(self, _: logging.LogRecord) -> bool:
        self.clear()
        return True

    def __call__(self, progress: DownloadProgress) -> None:
        """Show it, if it is time to."""
        if self.due:
            self.show(progress.sentence(terminal_language()))
        elif not self.shows:
            self._logged(progress)
