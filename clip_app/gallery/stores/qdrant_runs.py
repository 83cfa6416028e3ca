"""A mark on the server while a machine writes an index: if it stays, a write was cut short."""

import contextlib
import time
import uuid
from collections.abc import Iterator, Sequence

from qdrant_client import models

from clip_app.gallery.stores.qdrant_points import point_id
from clip_app.gallery.stores.qdrant_server import QdrantServer

# A collection of its own: earlier versions take every point of the catalogue for an index.
_RUNS = "clip_app-runs"

# A machine that writes renews its mark this often at the most; one that has not for so long is
# taken for dead. Clocks of machines may differ by minutes.
_RENEW_SECONDS = 60.0
_DEAD_SECONDS = 1800


class Runs:
    """The marks of machines that write one index, above all this machine's own."""

    def __init__(self, server: QdrantServer, index: str) -> None:
        """Of an index by its name; nothing is marked yet."""
        self._server = server
        self._index = index
        self._marked_at: float | None = None
        self._must_stay = False

    def mark(self) -> None:
        """Say that this machine writes, before it does."""
        now = time.monotonic()
        if self._marked_at is not None and now - self._marked_at < _RENEW_SECONDS:
            return
        if self._marked_at is None:
            self._server.make_collection(_RUNS)
        payload = {"index": self._index, "written_at": int(time.time())}
        self._server.upsert(_RUNS, [models.PointStruct(id=self._own(), vector={}, payload=payload)])
        self._marked_at = now

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """A context in which this machine writes: its mark goes only if nothing was cut short."""
        self._marked_at, self._must_stay = None, False
        before = self._server.nodes.interrupted
        yield
        is_undisturbed = self._server.nodes.interrupted == before
        if self._marked_at is not None and is_undisturbed and not self._must_stay:
            self.remove([self._own()])

    def left_behind(self) -> list[str]:
        """Marks of runs that were cut short: this machine's, which runs no more, and old ones."""
        if not self._server.ask("collection_exists", _RUNS):
            return []
        since = time.time() - _DEAD_SECONDS
        return [
            one.id
            for one in self._server.scroll(_RUNS)
            if one.payload["index"] == self._index
            and (one.id == self._own() or one.payload["written_at"] < since)
        ]

    def keep(self) -> None:
        """Have the next run look again."""
        self.mark()
        self._must_stay = True

    def remove(self, marks: Sequence[str]) -> None:
        """Take marks away."""
        if marks:
            self._server.delete_points(_RUNS, models.PointIdsList(points=list(marks)))

    def _own(self) -> str:
        """The mark of this machine, by a name that it gave itself."""
        file = self._server.lock_folder / "machine"
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), file.open("x") as new:
            new.write(uuid.uuid4().hex)
        return point_id(f"{self._index} {file.read_text()}".encode())
