"""Copies of one picture are encoded once: who is at a new content, and what waits for it."""

import threading
from dataclasses import replace
from typing import Literal

from clip_app.errors import Reason
from clip_app.gallery.stores.store import Entry
from clip_app.images import shown_name


class Claims:
    """Which new contents are on their way, so that several copies of one are encoded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: dict[bytes, Reason | Literal["waited for"] | None] = {}
        self._copies: dict[bytes, list[Entry]] = {}

    def take(self, image: bytes) -> bool:
        """Whether the caller is the first with this content, and so must decode it."""
        with self._lock:
            if image in self._claimed:
                return False
            self._claimed[image] = "waited for"
            return True

    def found(self, image: bytes) -> None:
        """Note that the store has the content after all, which the caller has just taken."""
        with self._lock:
            self._claimed[image] = None

    def settle(self, entry: Entry) -> list[Entry]:
        """What can be written now: this entry unless its content is waited for, and its copies."""
        with self._lock:
            if entry.vector is not None or entry.error is not None:
                if entry.hash in self._claimed:
                    self._claimed[entry.hash] = entry.error
                copies = self._copies.pop(entry.hash, []) if entry.hash else []
                return [entry, *(_like(copy, entry.error) for copy in copies)]
            outcome = self._claimed.get(entry.hash)
            if outcome == "waited for":
                self._copies.setdefault(entry.hash, []).append(entry)
                return []
            copies = self._copies.pop(entry.hash, [])
            return [_like(one, outcome) for one in (entry, *copies)]

    def release(self, written: list[Entry]) -> None:
        """Let go of contents that the store knows by now."""
        with self._lock:
            for entry in written:
                if self._claimed.get(entry.hash, "waited for") != "waited for":
                    del self._claimed[entry.hash]


def _like(copy: Entry, error: Reason | None) -> Entry:
    """A copy with the outcome of its first file, in words about the copy itself."""
    if error is None:
        return copy
    return replace(copy, error=error.about(shown_name(copy.path)))
