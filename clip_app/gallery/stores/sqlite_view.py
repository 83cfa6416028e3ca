"""What searching needs in memory: the mapped snapshot, and what was written since it was made.

The snapshot is a copy that can be deleted at any time; rows written since are searched from memory
beside it, until they are so many that a new one is made.
"""

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np

from clip_app.gallery.scan import batched
from clip_app.gallery.stores.snapshot import CODES_FROM, Snapshot, write_snapshot
from clip_app.gallery.stores.sqlite_database import Database
from clip_app.gallery.stores.sqlite_schema import adapt
from clip_app.gallery.stores.store import Counts, Facets, Filter

log = logging.getLogger(__name__)

_K = TypeVar("_K")
_V = TypeVar("_V")

# Rows held in memory beside the snapshot; beyond that, and a twentieth of it, a new one is made.
_TAIL_ROWS = 10_000
_TAIL_SHARE = 20

# Dropped rows stay in the snapshot, and in its codes, until they are this share of it.
_GONE_SHARE = 10

# Answers of each kind that are remembered until something is written: 0.8 MB each for a ranking of
# 100,000 images.
_REMEMBERED = 8

# Rows read from the database at a time.
_ROWS = 5_000


@dataclass
class View:
    """What searching needs in memory, as of one version of the database."""

    version: int = -1
    snapshot_name: str = ""
    snapshot: Snapshot | None = None
    last_id: int = 0
    tail: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    gone: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # and those kept
    filters: dict[Filter, np.ndarray] = field(default_factory=dict)
    timelines: dict[Filter, np.ndarray] = field(default_factory=dict)
    rankings: dict[tuple[bytes, Filter], np.ndarray] = field(default_factory=dict)
    facets: dict[Filter, Facets] = field(default_factory=dict)
    samples: dict[int, np.ndarray] = field(default_factory=dict)
    folders: list[str] | None = None
    counts: Counts | None = None

    @property
    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(ids, vectors) of snapshot and tail, what is gone included."""
        snapshot = [] if self.snapshot is None else [(self.snapshot.ids, self.snapshot.vectors)]
        return [*snapshot, *self.tail]


class LiveView:
    """The `View` of a database, kept up to date, and its snapshots on the disk."""

    def __init__(self, database: Database, folder: Path, dim: int) -> None:
        """A view that is empty until it is looked at.

        Args:
            database: what it is of.
            folder: where snapshots lie.
            dim: length of a vector.
        """
        self._database = database
        self._folder = folder
        self._dim = dim
        #: As it was when it was last looked at.
        self.now = View()

    def clear(self) -> None:
        """Let go of the snapshot."""
        self.now = View()

    def current(self) -> View:
        """The view, brought up to what is in the database now. Call it while reading."""
        view = self.now
        version = self._database.one("PRAGMA data_version")
        if version == view.version:
            return view
        reader = self._database.reader
        adapt(reader)
        # One transaction, so that no writer comes between snapshot, tail and dropped rows.
        reader.execute("BEGIN")
        try:
            name = _snapshot_name(reader)
            if name != view.snapshot_name:
                view = View(snapshot_name=name, snapshot=self._open_snapshot(name))
                if view.snapshot is not None and len(view.snapshot.ids):
                    view.last_id = int(view.snapshot.ids[-1])
            new = list(self._vectors(view.last_id, reader))
            hidden = "SELECT id FROM gone UNION SELECT id FROM kept ORDER BY id"
            gone = reader.execute(hidden).fetchall()
        finally:
            reader.execute("COMMIT")
        tail = [*view.tail, *new]
        if len(tail) > 4:  # few products are faster than many
            tail = [(np.concatenate([i for i, _ in tail]), np.concatenate([v for _, v in tail]))]
        self.now = View(
            version,
            view.snapshot_name,
            view.snapshot,
            int(tail[-1][0][-1]) if tail else view.last_id,
            tail,
            np.array([row[0] for row in gone], np.int64),
        )
        return self.now

    def renew_snapshot(self, *, drop_gone: bool) -> None:
        """Make a new snapshot where the old one has fallen behind; for the holder of the lock.

        Args:
            drop_gone: make one also where any row of the old one is gone.
        """
        with self._database.reading():
            view = self.current()
            rows = 0 if view.snapshot is None else len(view.snapshot.ids)
            tail = sum(len(ids) for ids, _ in view.tail)
            allowed = max(_TAIL_ROWS, rows // _TAIL_SHARE)
            total = self._database.one("SELECT count(*) FROM images")
            wants_codes = total >= CODES_FROM and self._dim % 2 == 0
            lacks_codes = wants_codes and not (view.snapshot and view.snapshot.codes is not None)
            gone = self._database.one("SELECT count(*) FROM gone")
            many_gone = rows > 0 and (gone * _GONE_SHARE > rows or (drop_gone and gone > 0))
            if tail <= allowed and not many_gone and not lacks_codes:
                return
            previous = view.snapshot if rows and not many_gone else None
        with self._database.errors():
            if previous is not None and not previous.is_intact():
                previous = None  # else its damage would be copied, and pass for sound from then on
            if previous is None:
                number, chunks = total, self._vectors()
            else:
                last = int(previous.ids[-1])
                newer = "SELECT count(*) FROM images WHERE id > ?"
                number = rows + self._database.one(newer, last)
                chunks = chain(_chunks_of(previous), self._vectors(last))
            name = f"snapshot-{time.time_ns():x}"
            write_snapshot(
                self._folder / name,
                chunks,
                number,
                self._dim,
                codes=wants_codes,
                previous=previous,
            )
        with self._database.transaction() as table:
            table.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (name,))
            if previous is None:
                table.execute("DELETE FROM gone")
        self._remove_snapshots_but(name)

    def remove_stale_snapshots(self) -> None:
        """Remove what a run that was killed may have left: snapshots that nothing names."""
        with self._database.reading() as reader:
            self._remove_snapshots_but(_snapshot_name(reader))

    def _remove_snapshots_but(self, name: str) -> None:
        for old in self._folder.glob("snapshot-*"):
            if old.name != name:
                shutil.rmtree(old, ignore_errors=True)

    def _open_snapshot(self, name: str) -> Snapshot | None:
        if not name.startswith("snapshot-"):
            return None
        try:
            snapshot = Snapshot(self._folder / name)
            if snapshot.vectors.shape[1] != self._dim:
                raise ValueError("vectors of another length")
        except (OSError, ValueError, KeyError) as error:
            log.warning("The index is searched without its snapshot: %s", error)
            return None
        threading.Thread(target=self._check_snapshot, args=(snapshot,), daemon=True).start()
        return snapshot

    def _check_snapshot(self, snapshot: Snapshot) -> None:
        """Stop using a snapshot that is not as it was written."""
        try:
            intact = snapshot.is_intact()
        except OSError:  # deleted, for a newer one took its place
            return
        if not intact:
            log.warning("The snapshot of the index is damaged; it is searched without.")
            with self._database.reading():
                if self.now.snapshot is snapshot:
                    self.now = View(snapshot_name=self.now.snapshot_name)

    def _vectors(
        self, after: int = 0, table: sqlite3.Connection | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(int64 ids, float32 (n, dim) vectors) of images after an id, in order."""
        columns = "SELECT id, vector FROM images WHERE id > ? ORDER BY id"
        whole = 4 * self._dim
        sound = (
            row
            for row in self._database.rows(columns, after, table=table)
            if isinstance(row[1], bytes) and len(row[1]) == whole
        )
        for rows in batched(sound, _ROWS):
            ids = np.array([row[0] for row in rows], np.int64)
            vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float32)
            yield ids, vectors.reshape(-1, self._dim)


def remembered(answers: dict[_K, _V], key: _K, ask: Callable[[], _V]) -> _V:
    """An answer of a view, asked for once; the oldest go when there are too many."""
    if key not in answers:
        answer = ask()
        if len(answers) >= _REMEMBERED:
            answers.pop(next(iter(answers)))
        answers[key] = answer
    return answers[key]


def _snapshot_name(table: sqlite3.Connection) -> str:
    row = table.execute("SELECT value FROM meta WHERE key = 'snapshot'").fetchone()
    return str(row[0]) if row else ""


def _chunks_of(snapshot: Snapshot) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for first in range(0, len(snapshot.ids), _ROWS):
        yield snapshot.ids[first : first + _ROWS], snapshot.vectors[first : first + _ROWS]
