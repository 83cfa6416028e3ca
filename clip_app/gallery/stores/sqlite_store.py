"""The store of a single machine: SQLite holds the index, a mapped snapshot makes it fast.

The database is the truth, one transaction a batch, synced to the disk before it counts. An index on
a disk that cannot be written is read only.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from clip_app.errors import DamagedIndexError, GalleryError, OtherModelError, Reason
from clip_app.gallery.roots import printable
from clip_app.gallery.scan import CHUNK, batched, encoded
from clip_app.gallery.stores import sqlite_browse as browse
from clip_app.gallery.stores import sqlite_schema as schema
from clip_app.gallery.stores.lock import IndexLock
from clip_app.gallery.stores.sqlite_database import Database, read_facts
from clip_app.gallery.stores.sqlite_repair import make_sound, repair
from clip_app.gallery.stores.sqlite_rows import (
    UNKNOWN,
    distrust_file,
    drop_unused_images,
    entries_of,
    error_of,
    image_is_intact,
    intact_files,
    marks,
    put_file,
    put_file_row,
    put_image,
    put_keywords,
    put_size,
    vector_of,
)
from clip_app.gallery.stores.sqlite_schema import IMAGE, Facts
from clip_app.gallery.stores.sqlite_search import search
from clip_app.gallery.stores.sqlite_view import LiveView
from clip_app.gallery.stores.store import Counts, Entry, Facets, FileRecord, Filter, Found, IndexKey

# How long it is tried to note that a file has changed; if it is in vain, the next one may notice.
_NOTE_SECONDS = 1


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
        name = printable(key.folder.name)
        self._lock = IndexLock(folder / "write.lock", name)
        self._database = Database(folder / "index.sqlite", name, create=create)
        self._view = LiveView(self._database, folder, key.dim)
        try:
            if create:
                self._create()
            _check_key(read_facts(folder / "index.sqlite"), key, name)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Let go of files and connections."""
        with self._database.reading():
            self._view.clear()
            self._database.close()

    def is_in_place(self) -> bool:
        """Whether the files that are open are still those under their names."""
        return self._database.is_in_place()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """A context in which this thread alone may write; raises `GalleryError` if it may not."""
        with self._database.errors():
            self._lock.acquire()
        try:
            self._migrate()
            yield
        finally:
            try:
                self._database.end_writing()
            finally:
                self._lock.release()

    def repair(self, *, thorough: bool = False) -> int:
        """Drop rows that are not as they were written, so that their files are read again.

        Call it with the lock held, before indexing.

        Returns:
            how many rows were dropped.

        Raises:
            GalleryError: if the database itself is damaged.
        """
        dropped = repair(self._database)
        self._view.remove_stale_snapshots()
        return dropped

    def make_sound(self) -> None:
        """See `sqlite_repair.make_sound`."""
        make_sound(self._database)

    def records(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        """What is known of those of at most `CHUNK` paths that are known."""
        query = (
            "SELECT path, size, mtime_ns, hash, error, ctime_ns, inode, doubts, sidecars "  # noqa: S608
            f"FROM files WHERE path IN ({marks(paths)})"
        )
        with self._database.reading() as reader:
            rows = reader.execute(query, [encoded(path) for path in paths]).fetchall()
        return {
            os.fsdecode(path): FileRecord(
                size, mtime, digest, error_of(error), ctime, inode, doubts or 0, sidecars
            )
            for path, size, mtime, digest, error, ctime, inode, doubts, sidecars in rows
        }

    def knows(self, image: bytes) -> bool:
        """Whether there is a vector for this content hash."""
        with self._database.reading() as reader:
            found = reader.execute("SELECT 1 FROM images WHERE hash = ?", (image,))
            return found.fetchone() is not None

    def write(self, entries: Sequence[Entry]) -> None:
        """Write files, all or none; whoever opens the index later finds them."""
        with self._database.transaction() as table:
            for entry in entries:
                if entry.vector is not None:
                    put_image(table, entry)
            for entry in entries:
                put_file(table, entry)
                if entry.width:
                    put_size(table, entry)

    def paths(self) -> Iterator[str]:
        """Every file's path, in order, without holding them all."""
        with self._database.errors():
            for (path,) in self._database.rows("SELECT path FROM files"):
                yield os.fsdecode(path)

    def entries(self, paths: Sequence[str]) -> list[Entry]:
        """All that was written of those of at most `CHUNK` paths that are known."""
        with self._database.reading() as reader:
            return entries_of(reader, [encoded(path) for path in paths])

    def touch(self, seen: Sequence[tuple[str, int | None, int | None]]) -> None:
        """Note (path, ctime_ns, inode) of at most `CHUNK` known files that are as they were."""
        now = {encoded(path): (ctime, inode) for path, ctime, inode in seen}
        with self._database.transaction() as table:
            for row in intact_files(table, [*now]):
                *old, _, _, doubts, file_date = row
                put_file_row(table, (*old, *now[row[0]], doubts or 0, file_date))

    def label(self, read: Sequence[tuple[str, int, tuple[str, ...]]]) -> None:
        """Note (path, sidecars, keywords) of at most `CHUNK` known files."""
        with self._database.transaction() as table:
            for path, sidecars, keywords in read:
                put_keywords(table, encoded(path), sidecars, keywords)

    def distrust(self, path: str) -> None:
        """Have the next indexer read a file again; where it is unknown, nothing happens."""
        # A connection of its own: another thread, or process, may be in the middle of a batch.
        with self._database.errors(), contextlib.closing(self._database.connect()) as table:
            table.execute(f"PRAGMA busy_timeout = {1000 * _NOTE_SECONDS}")
            table.execute("BEGIN IMMEDIATE")
            distrust_file(table, encoded(path))
            table.execute("COMMIT")

    def forget(self, paths: Sequence[str], *, keep: bool = False) -> int:
        """Drop files; `optimise` drops the images that no other file holds, and are not kept."""
        now = int(time.time())
        count = "SELECT count(*) FROM kept"
        with self._database.transaction() as table:
            (before,) = table.execute(count).fetchone()
            for some in batched(paths, CHUNK):
                which = f"FROM files WHERE path IN ({marks(some)})"
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

    def optimise(self, *, keep_unused: bool = False, drop_kept: bool = False) -> None:
        """Drop images without a file; make a new snapshot where the old one has fallen behind."""
        if not keep_unused:
            with self._database.transaction() as table:
                drop_unused_images(table, drop_kept=drop_kept)
        self._view.renew_snapshot(drop_gone=drop_kept)

    def counts(self) -> Counts:
        """How much there is."""
        with self._database.reading():
            view = self._view.current()
            if view.counts is None:
                view.counts = Counts(
                    self._database.one("SELECT count(image) FROM files"),
                    self._database.one("SELECT count(*) FROM images")
                    - self._database.one("SELECT count(*) FROM kept"),
                    self._database.one("SELECT count(*) FROM files WHERE image IS NULL"),
                )
            return view.counts

    def broken(self, limit: int) -> list[tuple[str, Reason]]:
        """The first files that have no vector: (path, why)."""
        query = "SELECT path, error FROM files WHERE image IS NULL ORDER BY path LIMIT ?"
        with self._database.reading() as reader:
            rows = reader.execute(query, (limit,)).fetchall()
        return [(os.fsdecode(path), error_of(error) or UNKNOWN) for path, error in rows]

    def folders(self, limit: int) -> list[str]:
        """Sub-folders that hold images, as paths below the gallery's folder, in order."""
        with self._database.reading():
            view = self._view.current()
            if view.folders is None:
                found: set[str] = set()
                last = b""
                query = "SELECT path FROM files NOT INDEXED WHERE image > 0"
                for (path,) in self._database.rows(query):
                    folder = path.rpartition(b"/")[0] if isinstance(path, bytes) else last
                    if folder != last:
                        last = folder
                        parts = os.fsdecode(folder).split("/")
                        found.update("/".join(parts[: n + 1]) for n in range(len(parts)))
                view.folders = sorted(found - {""})
            return view.folders[:limit]

    def vectors(self, images: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The float32 (dim,) vectors of those content hashes that are known."""
        query = f"SELECT {IMAGE} FROM images WHERE hash IN ({marks(images)})"  # noqa: S608
        with self._database.reading() as reader:
            rows = reader.execute(query, list(images)).fetchall()
        return {row[1]: vector_of(row[3]) for row in rows if image_is_intact(row)}

    def sample(self, number: int) -> np.ndarray:
        """About `number` vectors, float32 (n, dim), the same ones as long as nothing changes."""
        with self._database.reading():
            view = self._view.current()
            if number not in view.samples:
                there = [
                    (np.flatnonzero(~np.isin(ids, view.gone)), vectors)
                    for ids, vectors in view.parts
                ]
                step = max(1, sum(len(rows) for rows, _ in there) // max(1, number))
                picked = [vectors[rows[::step]] for rows, vectors in there]
                empty = np.empty((0, self.key.dim), np.float32)
                view.samples[number] = np.concatenate([empty, *picked])[: 2 * number]
            return view.samples[number]

    def search(self, query: np.ndarray, limit: int, where: Filter) -> list[Found]:
        """The `limit` images with the largest inner product, largest first."""
        return search(self._database, self._view, query, limit, where)

    def ranked(self, query: np.ndarray, limit: int, where: Filter, offset: int = 0) -> list[Found]:
        """A page of the exact ranking of all images."""
        page = slice(offset, offset + limit)
        return browse.ranked(self._database, self._view, query, page, where)

    def similarities(self, query: np.ndarray, where: Filter) -> dict[bytes, float]:
        """The inner product of the query with each image that the filter lets through."""
        return browse.similarities(self._database, self._view, query, where)

    def newest(
        self,
        limit: int,
        where: Filter,
        offset: int = 0,
        among: tuple[np.ndarray, int] | None = None,
    ) -> list[Found]:
        """A page of the images, the last taken first."""
        page = slice(offset, offset + limit)
        return browse.newest(self._database, self._view, page, where, among)

    def matching(self, where: Filter) -> int:
        """How many images have a file that the filter lets through."""
        return browse.matching(self._database, self._view, where)

    def facets(self, where: Filter) -> Facets:
        """How those are spread over folders, kinds of files, years and keywords."""
        return browse.facets(self._database, self._view, where)

    def images(self, hashes: Sequence[bytes]) -> list[Found]:
        """Those of these content hashes that have files, in the order in which they are named."""
        return browse.images(self._database, hashes)

    def _create(self) -> None:
        with self._database.reading() as reader:
            if schema.exists(reader):
                return
        with self.lock(), self._database.transaction() as table:
            if not schema.exists(table):  # no other process was faster
                schema.create(table, self.key)

    def _migrate(self) -> None:
        with self._database.reading() as reader:
            if not schema.exists(reader) or schema.is_current(reader):
                return
        with self._database.transaction() as table:
            schema.migrate(table)
        with self._database.reading() as reader:
            schema.adapt(reader)


def _check_key(facts: Facts, key: IndexKey, gallery: str) -> None:
    if facts.version > schema.VERSION:
        raise GalleryError("index_newer", folder=gallery)
    if facts.key.fingerprint != key.fingerprint or facts.key.dim != key.dim:
        raise OtherModelError(
            "index_other_model", folder=gallery, model=facts.key.model, current=key.model
        )
    if facts.key.folder != key.folder:
        raise DamagedIndexError("index_damaged", folder=gallery)
