"""What a run of the indexer tells: how far it is, and what it did."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from clip_app.errors import Reason
from clip_app.gallery.kinds import OTHER
from clip_app.strings import Language, text

_PROGRESS_SECONDS = 0.2

# The rate is over this many of those, about six seconds.
_RATE_POINTS = 30

# Broken files named in a report.
SHOWN_BROKEN = 1000

# Kinds of left out files that a sentence names; hardly any folder has more.
_SHOWN_KINDS = 12


@dataclass(frozen=True)
class IndexProgress:
    """How far an indexer is.

    Attributes:
        done, total: files of the folder, those that need nothing included.
        rate: files a second that needed something, over the last seconds.
        seconds_left: at that rate; None while it is unknown.
    """

    done: int
    total: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True)
class BrokenFile:
    """A file without a vector, and why."""

    path: str
    reason: Reason

    def message(self, language: Language) -> str:
        """The reason as a sentence."""
        return self.reason.message(language)


@dataclass(frozen=True)
class IndexReport:
    """What one run did, in files.

    Attributes:
        found: in the folder now.
        encoded: that went through the model.
        reused: new, changed or moved, whose content was known already.
        unchanged: that needed nothing.
        forgotten: that are not in the folder any more.
        kept: pictures among those that are nowhere else, whose vectors are kept for
            `store.KEEP_DAYS` in case their files come back.
        broken: all files of the folder without a vector, up to `SHOWN_BROKEN`.
        broken_total: how many of those there are.
        unreadable: sub-folders that could not be listed; what is known of them was kept.
        left_out: kinds of files that are not read, by their endings, and how many of each; the
            last may be "other", for what is neither picture nor video.
        nomedia: the first folders with a `.nomedia` in them, which keeps what is in and below
            them out; `.` is the gallery itself, which is indexed all the same.
        nomedia_images: pictures, by their endings, that were kept out so.
        repaired: damaged rows of the index that were made anew.
        stopped: whether it was asked to stop before the end; running it again goes on.
        seconds: how long it took.
    """

    found: int = 0
    encoded: int = 0
    reused: int = 0
    unchanged: int = 0
    forgotten: int = 0
    kept: int = 0
    broken: tuple[BrokenFile, ...] = ()
    broken_total: int = 0
    unreadable: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    nomedia: tuple[str, ...] = ()
    nomedia_images: int = 0
    repaired: int = 0
    stopped: bool = False
    seconds: float = 0.0

    def left_out_notes(self, language: Language) -> list[str]:
        """What was seen in the folder and not indexed, in sentences."""
        notes = []
        kinds = [(name, number) for name, number in self.left_out if name != OTHER]
        if kinds:
            total = sum(number for _, number in kinds)
            named = ", ".join(f"{number:,} {name}" for name, number in kinds[:_SHOWN_KINDS])
            more = ", …" if len(kinds) > _SHOWN_KINDS else ""
            notes.append(text("left_out_kinds", language, number=total, kinds=named + more))
        if others := dict(self.left_out).get(OTHER):
            notes.append(text("left_out_other", language, number=others))
        if "." in self.nomedia:
            notes.append(text("nomedia_here", language))
        if folders := [folder for folder in self.nomedia if folder != "."]:
            names = ", ".join(folders)
            notes.append(
                text("left_out_nomedia", language, number=self.nomedia_images, folders=names)
            )
        return notes


class Pace:
    """Calls back with how far a run is, at most a few times a second."""

    def __init__(self, callback: Callable[[IndexProgress], None] | None) -> None:
        self._callback = callback
        self._total = 0
        self._done = 0
        self._told = 0.0
        self._points: deque[tuple[float, int]] = deque(maxlen=_RATE_POINTS)
        self._worked = 0

    def begin(self, total: int) -> None:
        """There are `total` files."""
        self._total = total
        self._tell()

    def advance(self, number: int, *, worked: bool) -> None:
        """`number` more files are done, with work or because they needed none."""
        self._done += number
        self._worked += number if worked else 0
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._tell()

    def end(self) -> None:
        """Tell where the run ended."""
        self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        self._points.append((self._told, self._worked))
        (then, before), (now, worked) = self._points[0], self._points[-1]
        rate = (worked - before) / (now - then) if now > then else 0.0
        left = (self._total - self._done) / rate if rate else None
        if self._callback:
            self._callback(IndexProgress(self._done, self._total, rate, left))
