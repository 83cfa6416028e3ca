"""The store of a single machine: SQLite holds the index, a mapped snapshot makes it fast.

The database is the truth, one transaction a batch, synced to the disk before it counts. The
snapshot is a copy that can be deleted at any time; rows written since it was made are searched
from memory beside it. Every row carries a checksum, since SQLite has none of its own.

An index of the version before is read as it is, and brought up to this one where it is written. An
index on a disk that cannot be written is read only.
"""

import contextlib
import errno
import json
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from clip_app.errors import ClipAppError, GalleryError, StorageError
from clip_app.gallery.roots import can_write, printable
from clip_app.gallery.scan import CHUNK, batched, encoded
from clip_app.gallery.stores.snapshot import CODES_FROM, Snapshot, write_snapshot
from clip_app.gallery.stores.store import (
    KEEP_DAYS,
    Counts,
    Entry,
    FileRecord,
    Filter,
    Found,
    IndexKey,
    StoredFile,
)
from clip_app.progress import Progress

log = logging.getLogger(__name__)

# Raised whenever older programs could not read what newer ones write. Version 1 had neither the
# table `kept` nor the columns of a file that may be NULL beside `image` and `error`.
_VERSION = 2

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: snapshots go by it
    hash BLOB NOT NULL UNIQUE,
    look INTEGER NOT NULL,
    vector BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    suffix TEXT NOT NULL,
    hash BLOB NOT NULL,
    image INTEGER,                          -- NULL where the file is broken
    error TEXT,
    checksum INTEGER NOT NULL,
    ctime_ns INTEGER,
    inode INTEGER,
    doubts INTEGER,
    file_date INTEGER
) WITHOUT ROWID;
CREATE INDEX files_by_image ON files (image);
CREATE INDEX files_by_taken ON files (taken);
CREATE TABLE gone (id INTEGER PRIMARY KEY);  -- images dropped since the snapshot
"""

# Images whose files have vanished, in case these come back.
_KEPT = "CREATE TABLE kept (id INTEGER PRIMARY KEY, since INTEGER NOT NULL)"

# Columns of a file that its checksum is about, in this order: those of every version, and those
# that version 2 has besides.
_OLD_FILE = "path, size, mtime_ns, taken, suffix, hash, image, error"
_NEW_FILE = ("ctime_ns", "inode", "doubts", "file_date")
_FILE = f"{_OLD_FILE}, {', '.join(_NEW_FILE)}"
_FILE_MARKS = ", ".join("?" * len(_FILE.split(", ")))

# In place of the time at which a file was changed: it must be read again. No file has it, for the
# walk cuts times off before it.
_DISTRUSTED = -(2**63)

# Another process holds the database for the milliseconds of a commit, or for a checkpoint.
_BUSY_SECONDS = 30

# What is told of a disk that cannot be written.
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)

# How long it is tried to note that a file has changed; if it is in vain, the next one may notice.
_NOTE_SECONDS = 1

# Rows held in memory beside the snapshot; beyond that, and a twentieth of it, a new one is made.
_TAIL_ROWS = 10_000
_TAIL_SHARE = 20

# Dropped rows stay in the snapshot, and in its codes, until they are this share of it.
_GONE_SHARE = 10

# Rows read from the database at a time.
_ROWS = 5_000

# Filters whose answers are remembered until something is written.
_FILTERS = 8


@dataclass
class _View:
    """What searching needs in memory, as of one version of the database."""

    version: int = -1
    snapshot_name: str = ""
    snapshot: Snapshot | None = None
    last_id: int = 0
    tail: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    gone: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # and those kept
    filters: dict[Filter, np.ndarray] = field(default_factory=dict)
    samples: dict[int, np.ndarray] = field(default_factory=dict)
    folders: list[str] | None = None
    counts: Counts | None = None


class SqliteStore:
    """See `clip_app.gallery.stores.store.Store`, whose methods these are."""

    def __init__(self, folder: Path, key: IndexKey, *, create: bool = False) -> None:
        """Open an index.

        Args:
            folder: the index's own folder, not the gallery's.
            key: what it must be the index of.
            create: make it where it does not exist.

        Raises:
            GalleryError: if there is none, it belongs to another folder or model, is damaged, or
                was written by a newer version of this program.
            StorageError: if it cannot be read or made.
        """
        self.key = key
        self._name = printable(key.folder.name)
        self._folder = folder
        self._database = folder / "index.sqlite"
        self._lock_file = FileLock(folder / "write.lock", timeout=0, thread_local=False)
        self._writing = threading.Lock()
        self._reading = threading.RLock()
        # One thread stores what is new while another notes what is as it was.
        self._turn = threading.Lock()
        self._view = _View()
        self._source = _Source(self._database)
        if not create and not self._database.exists():
            raise GalleryError("index_missing", folder=self._name)
        with self._storage_errors():
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            self._reader = self._connect()
            self._writer: sqlite3.Connection | None = None
            try:
                if create:
                    self._create()
                self._check_key()
                self._identity = self._source.identity()
            except BaseException:
                self._reader.close()
                self._source.close()
                raise

    def close(self) -> None:
        """Let go of files and connections."""
        with self._reading:
            self._view = _View()
            self._reader.close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._source.close()

    def is_in_place(self) -> bool:
        """Whether the files that are open are still those under their names."""
        with contextlib.suppress(OSError):
            return self._identity == self._source.identity()
        return False

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """A context in which this thread alone may write; raises `GalleryError` if it may not."""
        # The lock on the file keeps other processes out, the other one threads of this process.
        if not self._writing.acquire(blocking=False):
            raise GalleryError("index_busy", folder=self._name)
        try:
            with self._storage_errors():
                try:
                    self._lock_file.acquire()
                except Timeout as error:
                    raise GalleryError("index_busy", folder=self._name) from error
            try:
                self._migrate()
                yield
            finally:
                try:
                    if self._writer is not None:
                        self._writer.close()
                finally:
                    self._writer = None
                    self._lock_file.release()
        finally:
            self._writing.release()

    def repair(self) -> int:
        """Drop rows that are not as they were written, so that their files are read again.

        Call it with the lock held, before indexing.

        Returns:
            how many rows were dropped.

        Raises:
            GalleryError: if the database itself is damaged.
        """
        if not self._is_sound():
            with self._transaction() as table:
                table.execute("REINDEX")  # damage to the database's own indexes is mended by this
            if not self._is_sound():
                raise GalleryError("index_damaged", folder=self._name)
        images, files, hidden = self._damaged_rows()
        damaged = len(images) + len(files) + hidden
        if damaged:
            log.warning("%d damaged rows of the index are made anew.", damaged)
            with self._transaction() as table:
                for some in batched(images, CHUNK):
                    query = f"DELETE FROM files WHERE image IN ({_marks(some)})"  # noqa: S608
                    table.execute(query, some)
                    _drop_images(table, some)
                table.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in files])
                table.execute("DELETE FROM gone WHERE id IN (SELECT id FROM images)")
                table.execute("DELETE FROM kept WHERE id IN (SELECT image FROM files)")
                table.execute("DELETE FROM kept WHERE id NOT IN (SELECT id FROM images)")
                # No name of a snapshot, but a new one: every reader begins again.
                name = f"repaired-{time.time_ns():x}"
                table.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (name,))
            if any(self._damaged_rows()):  # not even to be found where they must be
                raise GalleryError("index_damaged", folder=self._name)
        # A run that was killed may have left a snapshot that nothing names.
        with self._storage_errors(), self._reading:
            self._remove_snapshots_but(self._snapshot_name())
        return damaged

    def _is_sound(self) -> bool:
        with self._storage_errors():
            found = self._reader.execute("PRAGMA integrity_check(1)").fetchone()
        return bool(found[0] == "ok")

    def _damaged_rows(self) -> tuple[list[int], list[Any], int]:
        """Ids of damaged images, paths of damaged files, and how many images are hidden wrongly."""
        with self._storage_errors():
            query = "SELECT id, hash, look, vector, checksum FROM images"
            images = [row[0] for row in self._rows(query) if not _image_is_intact(row)]
            query = f"SELECT {_FILE}, checksum FROM files NOT INDEXED"  # noqa: S608
            files = [row[0] for row in self._rows(query) if not _file_is_intact(row)]
            # An image's number is in no checksum, but its files know what it must be.
            query = (
                "SELECT path, other.id FROM files NOT INDEXED LEFT JOIN images ON images.id = image"
                " LEFT JOIN images AS other ON other.hash = files.hash"
                " WHERE image IS NOT NULL AND images.hash IS NOT files.hash"
            )
            for path, other in self._rows(query):
                files.append(path)
                if other is not None:
                    images.append(other)
            hidden = self._one("SELECT count(*) FROM gone JOIN images USING (id)")
            hidden += self._one("SELECT count(DISTINCT id) FROM kept JOIN files ON image = id")
            hidden += self._one("SELECT count(*) FROM kept WHERE id NOT IN (SELECT id FROM images)")
        return images, files, hidden

    def records(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        """What is known of those of at most `CHUNK` paths that are known."""
        query = (
            "SELECT path, size, mtime_ns, hash, error, ctime_ns, inode, doubts "  # noqa: S608
            f"FROM files WHERE path IN ({_marks(paths)})"
        )
        with self._storage_errors(), self._reading:
            rows = self._reader.execute(query, [encoded(path) for path in paths]).fetchall()
        return {
            os.fsdecode(path): FileRecord(
                size, mtime, digest, _error(error), ctime, inode, doubts or 0
            )
            for path, size, mtime, digest, error, ctime, inode, doubts in rows
        }

    def knows(self, image: bytes) -> bool:
        """Whether there is a vector for this content hash."""
        with self._storage_errors(), self._reading:
            found = self._reader.execute("SELECT 1 FROM images WHERE hash = ?", (image,))
            return found.fetchone() is not None

    def write(self, entries: Sequence[Entry]) -> None:
        """Write files, all or none; whoever opens the index later finds them."""
        with self._transaction() as table:
            for entry in entries:
                if entry.vector is not None:
                    vector = np.ascontiguousarray(entry.vector, np.float32).tobytes()
                    look = _signed(entry.look)
                    table.execute(
                        "INSERT INTO images (hash, look, vector, checksum) VALUES (?, ?, ?, ?)"
                        " ON CONFLICT (hash) DO NOTHING",
                        (entry.hash, look, vector, _image_checksum(entry.hash, look, vector)),
                    )
            for entry in entries:
                path = encoded(entry.path)
                image = None
                if entry.error is None:
                    known = table.execute("SELECT id FROM images WHERE hash = ?", (entry.hash,))
                    image = known.fetchone()[0]
                    table.execute("DELETE FROM kept WHERE id = ?", (image,))
                error = json.dumps(entry.error, ensure_ascii=False) if entry.error else None
                told = (entry.size, entry.mtime_ns, entry.taken, _suffix(entry.path))
                seen = (entry.ctime_ns, entry.inode, entry.doubts, int(entry.file_date))
                _put_file(table, (path, *told, entry.hash, image, error, *seen))

    def paths(self) -> Iterator[str]:
        """Every file's path, in order, without holding them all."""
        with self._storage_errors():
            for (path,) in self._rows("SELECT path FROM files"):
                yield os.fsdecode(path)

    def touch(self, seen: Sequence[tuple[str, int | None, int | None]]) -> None:
        """Note (path, ctime_ns, inode) of at most `CHUNK` known files that are as they were."""
        now = {encoded(path): (ctime, inode) for path, ctime, inode in seen}
        with self._transaction() as table:
            for row in _intact_files(table, [*now]):
                *old, _, _, doubts, file_date = row
                _put_file(table, (*old, *now[row[0]], doubts or 0, file_date))

    def distrust(self, path: str) -> None:
        """Have the next indexer read a file again; where it is unknown, nothing happens."""
        # A connection of its own: another thread, or process, may be in the middle of a batch.
        with self._storage_errors(), contextlib.closing(self._connect()) as table:
            table.execute(f"PRAGMA busy_timeout = {1000 * _NOTE_SECONDS}")
            table.execute("BEGIN IMMEDIATE")
            for one_path, size, _, *rest in _intact_files(table, [encoded(path)]):
                row = (one_path, size, _DISTRUSTED, *rest)
                table.execute(
                    "UPDATE main.files SET mtime_ns = ?, checksum = ? WHERE path = ?",
                    (_DISTRUSTED, _file_checksum(*row), one_path),
                )
            table.execute("COMMIT")

    def forget(self, paths: Sequence[str], *, keep: bool = False) -> int:
        """Drop files; `optimise` drops the images that no other file holds, and are not kept."""
        now = int(time.time())
        count = "SELECT count(*) FROM kept"
        with self._transaction() as table:
            (before,) = table.execute(count).fetchone()
            for some in batched(paths, CHUNK):
                which = f"FROM files WHERE path IN ({_marks(some)})"
                names = [encoded(path) for path in some]
                query = f"SELECT DISTINCT image {which} AND image > 0"
                images = table.execute(query, names).fetchall()
                table.execute(f"DELETE {which}", names)
                if keep:
                    table.executemany(
                        "INSERT OR IGNORE INTO kept SELECT id, ? FROM images"
                        " WHERE id = ? AND NOT EXISTS (SELECT 1 FROM files WHERE image = id)",
                        [(now, image) for (image,) in images],
                    )
            (after,) = table.execute(count).fetchone()
        return int(after - before)

    def optimise(
        self,
        progress: Progress | None = None,
        *,
        keep_unused: bool = False,
        drop_kept: bool = False,
    ) -> None:
        """Drop images without a file; make a new snapshot where the old one has fallen behind."""
        unused = (
            "SELECT id FROM images WHERE id NOT IN (SELECT image FROM files WHERE image > 0)"
            " AND id NOT IN (SELECT id FROM kept WHERE since > ?)"
        )
        if not keep_unused:
            since = 2**62 if drop_kept else int(time.time()) - KEEP_DAYS * 24 * 3600
            with self._transaction() as table:
                _drop_images(table, [row[0] for row in table.execute(unused, (since,))])
        with self._storage_errors(), self._reading:
            view = self._refreshed()
            rows = 0 if view.snapshot is None else len(view.snapshot.ids)
            tail = sum(len(ids) for ids, _ in view.tail)
            allowed = max(_TAIL_ROWS, rows // _TAIL_SHARE)
            total = self._one("SELECT count(*) FROM images")
            wants_codes = total >= CODES_FROM and self.key.dim % 2 == 0
            lacks_codes = wants_codes and not (view.snapshot and view.snapshot.codes is not None)
            gone = self._one("SELECT count(*) FROM gone")
            many_gone = rows > 0 and (gone * _GONE_SHARE > rows or (drop_kept and gone > 0))
            if tail <= allowed and not many_gone and not lacks_codes:
                return
            previous = view.snapshot if rows and not many_gone else None
        with self._storage_errors():
            if previous is not None and not previous.is_intact():
                previous = None  # else its damage would be copied, and pass for sound from then on
        chunks: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]
        if previous is None:
            number, chunks = total, self._all_vectors
        else:
            older = previous

            def chunks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
                for first in range(0, len(older.ids), _ROWS):
                    yield older.ids[first : first + _ROWS], older.vectors[first : first + _ROWS]
                yield from self._all_vectors(int(older.ids[-1]))

            newer = "SELECT count(*) FROM images WHERE id > ?"
            number = rows + self._one(newer, int(older.ids[-1]))
        name = f"snapshot-{time.time_ns():x}"
        try:
            write_snapshot(
                self._folder / name,
                chunks(),
                number,
                self.key.dim,
                codes=wants_codes,
                previous=previous,
                progress=progress,
            )
        except OSError as error:
            raise _full_or_read_only(error) from error
        with self._transaction() as table:
            table.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (name,))
            if previous is None:
                table.execute("DELETE FROM gone")
        self._remove_snapshots_but(name)

    def counts(self) -> Counts:
        """How much there is."""
        with self._storage_errors(), self._reading:
            view = self._refreshed()
            if view.counts is None:
                view.counts = Counts(
                    self._one("SELECT count(image) FROM files"),
                    self._one("SELECT count(*) FROM images")
                    - self._one("SELECT count(*) FROM kept"),
                    self._one("SELECT count(*) FROM files WHERE image IS NULL"),
                )
            return view.counts

    def broken(self, limit: int) -> list[tuple[str, tuple[str, dict[str, Any]]]]:
        """The first files that have no vector: (path, error)."""
        query = "SELECT path, error FROM files WHERE image IS NULL ORDER BY path LIMIT ?"
        with self._storage_errors(), self._reading:
            rows = self._reader.execute(query, (limit,)).fetchall()
        unknown = ("image_damaged", {"name": "image"})
        return [(os.fsdecode(path), _error(error) or unknown) for path, error in rows]

    def folders(self, limit: int) -> list[str]:
        """Sub-folders that hold images, as paths below the gallery's folder, in order."""
        with self._storage_errors(), self._reading:
            view = self._refreshed()
            if view.folders is None:
                found: set[str] = set()
                last = b""
                for (path,) in self._rows("SELECT path FROM files NOT INDEXED WHERE image > 0"):
                    folder = path.rpartition(b"/")[0] if isinstance(path, bytes) else last
                    if folder != last:
                        last = folder
                        parts = os.fsdecode(folder).split("/")
                        found.update("/".join(parts[: n + 1]) for n in range(len(parts)))
                view.folders = sorted(found - {""})
            return view.folders[:limit]

    def vectors(self, images: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The float32 (dim,) vectors of those content hashes that are known."""
        query = (
            "SELECT id, hash, look, vector, checksum FROM images "  # noqa: S608 - marks only
            f"WHERE hash IN ({_marks(images)})"
        )
        with self._storage_errors(), self._reading:
            rows = self._reader.execute(query, list(images)).fetchall()
        return {row[1]: _vector(row[3]) for row in rows if _image_is_intact(row)}

    def find_file(self, path: str) -> bytes | None:
        """The content hash of an indexed file that has a vector, else None."""
        query = "SELECT hash FROM files WHERE path = ? AND image IS NOT NULL"
        with self._storage_errors(), self._reading:
            row = self._reader.execute(query, (encoded(path),)).fetchone()
        return row[0] if row else None

    def sample(self, number: int) -> np.ndarray:
        """About `number` vectors, float32 (n, dim), the same ones as long as nothing changes."""
        with self._storage_errors(), self._reading:
            view = self._refreshed()
            if number not in view.samples:
                parts = list(view.tail)
                if view.snapshot is not None:
                    parts.insert(0, (view.snapshot.ids, view.snapshot.vectors))
                there = [np.flatnonzero(~np.isin(ids, view.gone)) for ids, _ in parts]
                step = max(1, sum(map(len, there)) // max(1, number))
                picked = [
                    vectors[rows[::step]] for (_, vectors), rows in zip(parts, there, strict=True)
                ]
                empty = np.empty((0, self.key.dim), np.float32)
                view.samples[number] = np.concatenate([empty, *picked])[: 2 * number]
            return view.samples[number]

    def search(self, query: np.ndarray, limit: int, where: Filter) -> list[Found]:
        """The `limit` images with the largest inner product, largest first."""
        with self._storage_errors(), self._reading:
            view = self._refreshed()
            allowed = None if where.is_empty else self._allowed(view, where)
            snapshot, gone, tail = view.snapshot, view.gone, list(view.tail)
        ids, similarities = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        if snapshot is not None:
            there = snapshot.candidates(query, limit, gone, allowed)
            ids.append(there.ids)
            similarities.append(there.similarities)
        for some_ids, vectors in tail:
            keep = ~np.isin(some_ids, gone)
            if allowed is not None:
                keep &= np.isin(some_ids, allowed)
            ids.append(some_ids[keep])
            similarities.append((vectors @ query)[keep])
        all_ids, all_similarities = np.concatenate(ids), np.concatenate(similarities)
        best = np.argsort(-all_similarities, kind="stable")[:limit]
        return self._found(query, all_ids[best].tolist(), where)

    def _found(self, query: np.ndarray, ids: Sequence[int], where: Filter) -> list[Found]:
        """The images of these ids as the database has them, compared exactly, best first."""
        images: dict[int, Any] = {}
        files: dict[int, list[StoredFile]] = {}
        condition, values = _condition(where)
        with self._storage_errors(), self._reading:
            for some in batched(ids, CHUNK):
                marks = _marks(some)
                query_images = (
                    "SELECT id, hash, look, vector, checksum FROM images "  # noqa: S608
                    f"WHERE id IN ({marks})"
                )
                for row in self._reader.execute(query_images, some):
                    if _image_is_intact(row):
                        images[row[0]] = row
                    else:
                        log.warning("A damaged row of the index is left out; index it again.")
                query_files = (
                    f"SELECT {_FILE}, checksum FROM files "  # noqa: S608
                    f"WHERE image IN ({marks}){condition} ORDER BY path"
                )
                for row in self._reader.execute(query_files, [*some, *values]):
                    path, size, _, taken, _, digest, image, _, *_, file_date, _ = row
                    if _file_is_intact(row) and image in images and images[image][1] == digest:
                        files.setdefault(image, []).append(
                            StoredFile(os.fsdecode(path), size, taken, bool(file_date))
                        )
        there = [one for one in ids if one in images and one in files]
        if not there:
            return []
        vectors = np.stack([_vector(images[one][3]) for one in there])
        similarities = np.clip(vectors @ query, -1.0, 1.0)
        return [
            Found(
                images[there[i]][1],
                float(similarities[i]),
                vectors[i],
                images[there[i]][2] % 2**64,
                tuple(files[there[i]]),
            )
            for i in np.argsort(-similarities, kind="stable")
        ]

    def _allowed(self, view: _View, where: Filter) -> np.ndarray:
        """int64 ids, ascending, of images that have a file which the filter lets through."""
        if where not in view.filters:
            condition, values = _condition(where)
            query = f"SELECT DISTINCT image FROM files WHERE image IS NOT NULL{condition}"  # noqa: S608
            rows = self._reader.execute(query, values).fetchall()
            if len(view.filters) >= _FILTERS:
                view.filters.pop(next(iter(view.filters)))
            view.filters[where] = np.sort(
                np.fromiter((row[0] for row in rows if isinstance(row[0], int)), np.int64)
            )
        return view.filters[where]

    def _refreshed(self) -> _View:
        """The view, brought up to what is in the database now. Call it while reading."""
        view = self._view
        version = self._one("PRAGMA data_version")
        if version == view.version:
            return view
        _adapt(self._reader)
        # One transaction, so that no writer comes between snapshot, tail and dropped rows.
        self._reader.execute("BEGIN")
        try:
            name = self._snapshot_name()
            if name != view.snapshot_name:
                view = _View(snapshot_name=name, snapshot=self._open_snapshot(name))
                if view.snapshot is not None and len(view.snapshot.ids):
                    view.last_id = int(view.snapshot.ids[-1])
            new = list(self._all_vectors(view.last_id, self._reader))
            hidden = "SELECT id FROM gone UNION SELECT id FROM kept ORDER BY id"
            gone = self._reader.execute(hidden).fetchall()
        finally:
            self._reader.execute("COMMIT")
        tail = [*view.tail, *new]
        if len(tail) > 4:  # few products are faster than many
            tail = [(np.concatenate([i for i, _ in tail]), np.concatenate([v for _, v in tail]))]
        self._view = _View(
            version,
            view.snapshot_name,
            view.snapshot,
            int(tail[-1][0][-1]) if tail else view.last_id,
            tail,
            np.array([row[0] for row in gone], np.int64),
        )
        return self._view

    def _open_snapshot(self, name: str) -> Snapshot | None:
        if not name.startswith("snapshot-"):
            return None
        try:
            snapshot = Snapshot(self._folder / name)
            if snapshot.vectors.shape[1] != self.key.dim:
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
            with self._reading:
                if self._view.snapshot is snapshot:
                    self._view = _View(snapshot_name=self._view.snapshot_name)

    def _all_vectors(
        self, after: int = 0, table: sqlite3.Connection | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(int64 ids, float32 (n, dim) vectors) of images after an id, in order."""
        columns = "SELECT id, vector FROM images WHERE id > ? ORDER BY id"
        whole = 4 * self.key.dim
        sound = (
            row
            for row in self._rows(columns, after, table=table)
            if isinstance(row[1], bytes) and len(row[1]) == whole
        )
        for rows in batched(sound, _ROWS):
            ids = np.array([row[0] for row in rows], np.int64)
            vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float32)
            yield ids, vectors.reshape(-1, self.key.dim)

    def _rows(
        self, query: str, *values: Any, table: sqlite3.Connection | None = None
    ) -> Iterator[Any]:
        """Rows one by one, on a connection of their own where none is given."""
        own = table is None
        connection = self._connect() if table is None else table
        try:
            yield from connection.execute(query, values)
        finally:
            if own:
                connection.close()

    def _one(self, query: str, *values: Any) -> int:
        return int(self._reader.execute(query, values).fetchone()[0])

    def _connect(self) -> sqlite3.Connection:
        # Transactions begin and end where the code says so, not where the driver guesses.
        connection = self._source.connect()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            _adapt(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self) -> None:
        if self._exists():
            return
        with self.lock(), self._transaction() as table:
            if self._exists():  # another process was faster
                return
            for statement in (*_TABLES.split(";\n"), _KEPT):
                table.execute(statement)
            facts = {
                "version": str(_VERSION),
                "folder": os.fsencode(self.key.folder).hex(),
                "model": self.key.model,
                "fingerprint": self.key.fingerprint,
                "dim": str(self.key.dim),
            }
            facts["checksum"] = _facts_checksum(facts)
            table.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())

    def _migrate(self) -> None:
        """Bring an index of version 1 up to this one; nothing in it has to be made again."""
        with self._storage_errors(), self._reading:
            if not self._exists() or _is_current(self._reader):
                return
        with self._transaction() as table:
            table.execute("DROP VIEW IF EXISTS temp.files")
            table.execute("DROP TABLE IF EXISTS temp.kept")
            for name in _NEW_FILE:
                table.execute(f"ALTER TABLE files ADD COLUMN {name} INTEGER")
            table.execute(_KEPT)
            facts = dict(table.execute("SELECT key, value FROM meta"))
            facts["version"] = str(_VERSION)
            facts["checksum"] = _facts_checksum(facts)
            table.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())
        with self._storage_errors(), self._reading:
            _adapt(self._reader)

    def _exists(self) -> bool:
        return self._one("SELECT count(*) FROM sqlite_master WHERE name = 'meta'") > 0

    def _check_key(self) -> None:
        facts = read_facts(self._database)
        if facts.version > _VERSION:
            raise GalleryError("index_newer", folder=self._name)
        if facts.key.fingerprint != self.key.fingerprint or facts.key.dim != self.key.dim:
            raise GalleryError(
                "index_other_model",
                folder=self._name,
                model=facts.key.model,
                current=self.key.model,
            )
        if facts.key.folder != self.key.folder:
            raise GalleryError("index_damaged", folder=self._name)

    def _snapshot_name(self) -> str:
        row = self._reader.execute("SELECT value FROM meta WHERE key = 'snapshot'").fetchone()
        return str(row[0]) if row else ""

    def _remove_snapshots_but(self, name: str) -> None:
        for old in self._folder.glob("snapshot-*"):
            if old.name != name:
                shutil.rmtree(old, ignore_errors=True)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._storage_errors(), self._turn:
            if self._writer is None:
                self._writer = self._connect()
                # Survives the end of the process at any moment, and readers never wait.
                self._writer.execute("PRAGMA journal_mode = WAL")
            table = self._writer
            table.execute("BEGIN IMMEDIATE")
            try:
                yield table
                table.execute("COMMIT")
            except BaseException:
                if table.in_transaction:
                    table.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _shown(error, self._name) from error
        except OSError as error:
            raise _full_or_read_only(error) from error


class _Source:
    """How to open a database: on a read-only disk SQLite cannot make its files beside it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._uri = ""
        self._copy: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove what was made to read from."""
        if self._copy is not None:
            self._copy.cleanup()

    def connect(self) -> sqlite3.Connection:
        """A connection, whose transactions begin and end where the code says so."""
        if not self._uri:
            try:
                connection = self._opened(self._database)
                # Nothing is opened before something is read.
                connection.execute("SELECT count(*) FROM sqlite_master")
                return connection
            except sqlite3.OperationalError as error:
                kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
                blocked = kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
                if not blocked or can_write(self._database.parent):
                    raise
            self._uri = self._read_only()
        return self._opened(self._uri)

    def identity(self) -> tuple[int, ...]:
        """What tells another file under this name. What is not watched tells by its time, too."""
        status = self._database.stat()
        changed = (status.st_mtime_ns,) if self._uri else ()
        return status.st_dev, status.st_ino, *changed

    def _opened(self, what: Path | str) -> sqlite3.Connection:
        return sqlite3.connect(
            what,
            _BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=isinstance(what, str),
        )

    def _read_only(self) -> str:
        log_file = Path(f"{self._database}-wal")
        database = self._database
        if log_file.exists() and log_file.stat().st_size:
            # What a killed run left is part of the index, and cannot be read in its place.
            self._copy = tempfile.TemporaryDirectory(prefix="clip_app-index-")
            for file in (database, log_file):
                shutil.copyfile(file, Path(self._copy.name) / file.name)
            return f"{(Path(self._copy.name) / database.name).as_uri()}?mode=ro"
        return f"{database.as_uri()}?immutable=1"


@dataclass(frozen=True)
class Facts:
    """What an index says of itself."""

    version: int
    key: IndexKey


def read_facts(database: Path) -> Facts:
    """What an index says of itself, without opening it for searching.

    Raises:
        GalleryError: if it is no index, or damaged.
        StorageError: if it cannot be read just now.
    """
    try:
        with (
            contextlib.closing(_Source(database)) as source,
            contextlib.closing(source.connect()) as table,
        ):
            meta = dict(table.execute("SELECT key, value FROM meta"))
        if int(meta["version"]) <= _VERSION and meta["checksum"] != _facts_checksum(meta):
            raise ValueError("a fact is not what was written")
        folder = Path(os.fsdecode(bytes.fromhex(meta["folder"])))
        key = IndexKey(folder, meta["model"], meta["fingerprint"], int(meta["dim"]))
        return Facts(int(meta["version"]), key)
    except sqlite3.Error as error:
        raise _shown(error, database.parent.parent.name) from error
    except (KeyError, TypeError, ValueError) as error:
        raise GalleryError("index_damaged", folder=database.parent.parent.name) from error


def _shown(error: sqlite3.Error, folder: str) -> ClipAppError:
    """What to tell a person: only a damaged index may be set aside, never one on a full disk."""
    if isinstance(error, sqlite3.ProgrammingError):  # closed, for the gallery was forgotten
        return GalleryError("index_missing", folder=folder)
    # The low byte is the kind: one that is no OperationalError is a damaged file; a missing table
    # or column, or a text that is none, comes as a plain "error".
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return StorageError("index_read_only", reason=os.strerror(errno.EROFS))
    if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
        return StorageError("disk_full", reason=str(error))
    return GalleryError("index_damaged", folder=folder)


def _full_or_read_only(error: OSError) -> StorageError:
    key = "index_read_only" if error.errno in _READ_ONLY else "disk_full"
    return StorageError(key, reason=error.strerror or str(error))


def _is_current(table: sqlite3.Connection) -> bool:
    """Whether a database has all columns of this version; an empty one is as good."""
    columns = {row[1] for row in table.execute("PRAGMA main.table_info(files)")}
    return not columns or columns.issuperset(_NEW_FILE)


def _adapt(table: sqlite3.Connection) -> None:
    """Let an index of version 1 be read as one of this version, by means of this connection alone.

    Names in `temp` come before those in the database.
    """
    if _is_current(table):
        table.execute("DROP VIEW IF EXISTS temp.files")
        table.execute("DROP TABLE IF EXISTS temp.kept")
        return
    nothing = ", ".join(f"NULL AS {name}" for name in _NEW_FILE)
    table.execute("PRAGMA temp_store = MEMORY")
    table.execute(
        f"CREATE TEMP VIEW IF NOT EXISTS files AS SELECT {_OLD_FILE}, checksum, {nothing}"  # noqa: S608
        " FROM main.files"
    )
    table.execute("CREATE TEMP TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, since INTEGER)")


def _put_file(table: sqlite3.Connection, values: tuple[Any, ...]) -> None:
    table.execute(
        f"INSERT OR REPLACE INTO files ({_FILE}, checksum) VALUES ({_FILE_MARKS}, ?)",  # noqa: S608
        (*values, _file_checksum(*values)),
    )


def _intact_files(table: sqlite3.Connection, paths: Sequence[bytes]) -> list[Any]:
    """The columns `_FILE` of those of these paths that are known and as they were written."""
    query = f"SELECT {_FILE}, checksum FROM files WHERE path IN ({_marks(paths)})"  # noqa: S608
    rows = table.execute(query, paths).fetchall()
    return [row[:-1] for row in rows if _file_is_intact(row)]


def _facts_checksum(meta: dict[str, str]) -> str:
    names = ("version", "folder", "model", "fingerprint", "dim")
    return str(zlib.crc32("\n".join(meta[name] for name in names).encode()))


def _condition(where: Filter) -> tuple[str, list[Any]]:
    parts, values = [], list[Any]()
    if where.below:
        parts.append("path >= ? AND path < ?")
        below = encoded(where.below.strip("/"))
        values += [below + b"/", below + b"0"]  # 0 follows / in ASCII
    if where.suffixes:
        parts.append(f"suffix IN ({_marks(where.suffixes)})")
        values += sorted(where.suffixes)
    if where.taken_from is not None:
        parts.append("taken >= ?")
        values.append(where.taken_from)
    if where.taken_until is not None:
        parts.append("taken < ?")
        values.append(where.taken_until)
    return "".join(f" AND {part}" for part in parts), values


def _drop_images(table: sqlite3.Connection, images: Sequence[int]) -> None:
    rows = [(one,) for one in images]
    table.executemany("DELETE FROM images WHERE id = ?", rows)
    table.executemany("INSERT OR IGNORE INTO gone VALUES (?)", rows)
    table.executemany("DELETE FROM kept WHERE id = ?", rows)


def _marks(values: Any) -> str:
    return ",".join("?" * len(values))


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _signed(look: int) -> int:
    """A 64-bit number as SQLite keeps it."""
    return look - 2**64 if look >= 2**63 else look


def _vector(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, np.float32)


def _error(stored: str | None) -> tuple[str, dict[str, Any]] | None:
    if stored is None:
        return None
    try:
        key, params = json.loads(stored)
        return str(key), dict(params)
    except (TypeError, ValueError):  # a damaged row, which `repair` has not seen yet
        return "image_damaged", {"name": "image"}


def _image_checksum(digest: bytes, look: int, vector: bytes) -> int:
    return zlib.crc32(vector, zlib.crc32(digest + str(look).encode()))


def _image_is_intact(row: Any) -> bool:
    _, digest, look, vector, checksum = row
    if not (isinstance(digest, bytes) and isinstance(vector, bytes)):
        return False
    return bool(_image_checksum(digest, look, vector) == checksum)


def _file_checksum(*values: Any) -> int:
    # Where all of the new columns are empty, the row and its checksum are of version 1.
    old = len(values) - len(_NEW_FILE)
    if all(value is None for value in values[old:]):
        values = values[:old]
    return zlib.crc32(repr(values).encode())


def _file_is_intact(row: Any) -> bool:
    *values, checksum = row
    return bool(_file_checksum(*values) == checksum)
