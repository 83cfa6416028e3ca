"""Storing what is encoded on a thread of its own, while the model goes on."""

import queue
import threading
from collections.abc import Callable
from typing import Self

from clip_app.gallery.stores.store import Entry, Store
from clip_app.metrics import steps

# Batches that may wait for the disk; what waits is done again after a crash.
_WRITES_AHEAD = 1

# A new snapshot is considered after this many written files: searching stays fast meanwhile.
_OPTIMISE_EVERY = 50_000


class Writer:
    """A thread that stores batches while the model goes on; its failure is raised by `put`."""

    def __init__(self, store: Store, written: Callable[[list[Entry]], None]) -> None:
        self._store = store
        self._written = written
        self._queue: queue.Queue[list[Entry] | None] = queue.Queue(_WRITES_AHEAD)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def put(self, batch: list[Entry]) -> None:
        """Hand over a batch.

        Raises:
            StorageError: if an earlier one could not be stored.
        """
        if self._error is not None:
            raise self._error
        if batch:
            self._queue.put(batch)

    def _run(self) -> None:
        unoptimised = 0
        while (batch := self._queue.get()) is not None:
            if self._error is not None:
                continue  # the queue is emptied, so that nobody waits for a place in it
            try:
                with steps.measure("write", len(batch)):
                    self._store.write(batch)
                self._written(batch)
                unoptimised += len(batch)
                if unoptimised >= _OPTIMISE_EVERY:
                    unoptimised = 0
                    self._store.optimise(keep_unused=True)
            except Exception as error:  # noqa: BLE001 - raised by `put` or at the end
                self._error = error
