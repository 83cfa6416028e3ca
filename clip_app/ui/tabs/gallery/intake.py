"""Taking in an upload, and what a visitor is told of it."""

import html
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from clip_app.errors import ClipAppError
from clip_app.gallery.uploads import Received, Upload, Uploads
from clip_app.strings import Language, text
from clip_app.ui.html import notice

log = logging.getLogger(__name__)

_NAMED_LEFT_OUT = 10


class Intake:
    """Taking in an upload on a thread of its own, so that the page shows how far it is."""

    def __init__(self, uploads: Uploads, files: Sequence[Upload], own: Path) -> None:
        self.stop = threading.Event()
        self.error: Exception | None = None
        self._received: Received | None = None
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

    def shown(self, language: Language) -> str:
        """How far it is, or what became of it, as HTML."""
        received = self._received
        if isinstance(self.error, ClipAppError):
            return notice(self.error.message(language))
        if self.error is not None:
            return notice(text("unexpected", language))
        if received is None:
            done, total = self._now
            sentence = text("gallery_receiving", language, done=done, total=total)
            return f"<p>{html.escape(sentence)}</p>"
        good = received.images - received.unreadable_total
        parts = [f"<p>{html.escape(text('gallery_received', language, images=good))}</p>"]
        named = {
            "gallery_unreadable": (received.unreadable_total, received.unreadable),
            "gallery_left_out": (received.left_out_total, received.left_out),
        }
        for key, (number, names) in named.items():
            if number:
                some = ", ".join(names[:_NAMED_LEFT_OUT]) + " …" * (number > _NAMED_LEFT_OUT)
                parts.append(notice(text(key, language, number=number, names=some)))
        if number := received.refused_total:
            reasons = " ".join(one.message(language) for one in received.refused[:_NAMED_LEFT_OUT])
            reasons += " …" * (number > _NAMED_LEFT_OUT)
            parts.append(notice(text("gallery_refused", language, number=number, reasons=reasons)))
        return "".join(parts)
