"""Taking in an upload, and what a visitor is told of it."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clip_app.errors import ClipAppError, Reason
from clip_app.gallery.stores.store import Store
from clip_app.gallery.uploads import MAX_FILES, Received, Upload, Uploads
from clip_app.strings import LANGUAGES, Language, text
from clip_app.ui.tabs.gallery.status import in_both, named
from clip_app.ui.words import Both, said_in_both

log = logging.getLogger(__name__)

_NAMED = 10


class Intake:
    """Taking in an upload on a thread of its own, so that the page shows how far it is."""

    def __init__(self, uploads: Uploads, files: Sequence[Upload], own: Path) -> None:
        self.stop = threading.Event()
        self.error: Exception | None = None
        self._received: Received | None = None
        self._is_read = False
        self._broken: list[Reason] = []
        self._now = (0, len(files))

        def work() -> None:
            try:
                self._received = uploads.receive(files, own, progress=self._tell, stop=self.stop)
            except ClipAppError as error:
                self.error = error
            except Exception as error:
                log.exception("Unexpected error while taking in an upload")
                self.error = error

        self._thread = threading.Thread(target=work, name="receive", daemon=True)
        self._thread.start()

    def _tell(self, done: int, total: int) -> None:
        self._now = (done, total)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long; returns whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def progress(self) -> dict[str, Any]:
        """How far it is, as `status.progress_of` tells of a run of the indexer."""
        done, total = self._now
        said = in_both("gallery_receiving", done=done, total=total)
        return {"done": done, "total": total, "said": said, "stop": not self.stop.is_set()}

    @property
    def notices(self) -> list[Both]:
        """What of it went wrong."""
        if isinstance(self.error, ClipAppError):
            return [said_in_both(self.error)]
        if self.error is not None:
            return [said_in_both(Reason("unexpected"))]
        if self._received is None:
            return []
        told = {
            "gallery_refused": (self._received.refused, self._received.refused_total),
            "gallery_broken": (self._broken, len(self._broken)),
        }
        return [
            in_both(key, number=number, reasons=named(reasons[:_NAMED], number))
            for key, (reasons, number) in told.items()
            if number
        ]

    @property
    def images(self) -> int:
        """How many files called images it has stored."""
        return self._received.images if self._received else 0

    def learn(self, store: Store) -> None:
        """Tell what came apart by the visitor's index, once a run has read it."""
        if self._received is None:
            return
        # By the names that they were sent with: a second bad.jpg is stored as another.
        came = dict(zip(self._received.paths, self._received.names, strict=True))
        found = [(came[path], why) for path, why in store.broken(MAX_FILES) if path in came]
        self._broken = [why.about(name) for name, why in found]
        broken = [name for name, _ in found]
        self._received = replace(
            self._received, unreadable=tuple(broken[:_NAMED]), unreadable_total=len(broken)
        )
        self._is_read = True

    def tells_of(self, broken: int) -> bool:
        """Whether so many broken files are those that it has named already."""
        return self._received is not None and broken <= self._received.unreadable_total

    @property
    def said(self) -> list[Both]:
        """What became of it once it has ended, in a sentence; what is usable once it is read."""
        received = self._received
        if received is None:
            return []
        return [{one: _sentence(received, self._is_read, one) for one in LANGUAGES}]


def _sentence(received: Received, is_read: bool, language: Language) -> str:
    """How many files came, and what they were; what is zero is left out."""
    told = {
        "gallery_received": (received.files, ()),
        "gallery_usable": (received.usable if is_read else 0, ()),
        "gallery_again": (received.again, ()),
        "gallery_unreadable": (received.unreadable_total, received.unreadable),
        "gallery_left_out": (received.left_out_total, received.left_out),
        "gallery_not_taken": (received.refused_total, ()),
    }
    parts = []
    for key, (number, names) in told.items():
        if number:
            some = ", ".join(names[:_NAMED]) + " …" * (number > _NAMED)
            parts.append(text(key, language, number=number, names=some))
    return text("gallery_comma", language).join(parts)
