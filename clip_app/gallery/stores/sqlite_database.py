"""The database of one index: connections, transactions, and what is told where they fail."""

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clip_app.errors import (
    READ_ONLY,
    ClipAppError,
    DamagedIndexError,
    MissingIndexError,
    ReadOnlyIndexError,
    StorageError,
)
from clip_app.gallery.roots import can_write
from clip_app.gallery.stores.sqlite_schema import Facts, adapt, facts_in

# Another process holds the database for the milliseconds of a commit, or for a checkpoint.
_BUSY_SECONDS = 30


class Database:
    """An open database: many threads read, one at a time writes."""

    def __init__(self, file: Path, gallery: str, *, create: bool) -> None:
        """Open it.

        Args:
            file: where it lies.
            gallery: the gallery's name, for people.
            create: make the file, and its folder, where there is none; the tables are not made.

        Raises:
            GalleryError: if there is none, or it is damaged.
            StorageError: if it cannot be read or made.
        """
        self.gallery = gallery
        self._reading = threading.RLock()
        # One thread stores what is new while another notes what is as it was.
        self._turn = threading.Lock()
        self._source = _Source(file)
        self._writer: sqlite3.Connection | None = None
        if not create and not file.exists():
            raise MissingIndexError("index_missing", folder=gallery)
        with self.errors():
            if create:
                file.parent.mkdir(parents=True, exist_ok=True)
            #: For short questions; see `reading`.
            self.reader = self.connect()
            try:
                self._identity = self._source.identity()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of files and connections."""
        with self._reading:
            self.reader.close()
            self.end_writing()
            self._source.close()

    def is_in_place(self) -> bool:
        """Whether the file that is open is still the one under its name."""
        with contextlib.suppress(OSError):
            return self._identity == self._source.identity()
        return False

    def connect(self) -> sqlite3.Connection:
        """A new connection, to be closed by the caller."""
        connection = self._source.connect()
        try:
            connection.execute("PRAGMA synchronous = FULL")
            adapt(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """A context in which errors of the disk and of SQLite become sentences.

        Raises:
            GalleryError: if the database is damaged, or closed.
            StorageError: if the disk is full, cannot be written or fails.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise _shown(error, self.gallery) from error
        except OSError as error:
            raise _full_or_read_only(error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A context in which this thread alone reads, on the connection that it gets."""
        with self.errors(), self._reading:
            yield self.reader

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A context whose changes are all made at its end, or none; for the holder of the lock."""
        with self.errors(), self._turn:
            if self._writer is None:
                self._writer = self.connect()
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

    def end_writing(self) -> None:
        """Let go of the connection that `transaction` has made."""
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            self._writer = None

    def rows(
        self, query: str, *values: Any, table: sqlite3.Connection | None = None
    ) -> Iterator[Any]:
        """Rows one by one, on a connection of their own where none is given."""
        own = table is None
        connection = self.connect() if table is None else table
        try:
            yield from connection.execute(query, values)
        finally:
            if own:
                connection.close()

    def one(self, query: str, *values: Any) -> int:
        """The one number that a query asks for."""
        return int(self.reader.execute(query, values).fetchone()[0])


def read_facts(file: Path) -> Facts:
    """What an index says of itself, without opening it for searching.

    Raises:
        GalleryError: if it is no index, or damaged.
        StorageError: if it cannot be read just now.
    """
    try:
        with (
            contextlib.closing(_Source(file)) as source,
            contextlib.closing(source.connect()) as table,
        ):
            return facts_in(table)
    except sqlite3.Error as error:
        raise _shown(error, file.parent.parent.name) from error
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndexError("index_damaged", folder=file.parent.parent.name) from error


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


def _shown(error: sqlite3.Error, folder: str) -> ClipAppError:
    """What to tell a person: only a damaged index may be set aside, never one on a full disk."""
    if isinstance(error, sqlite3.ProgrammingError):  # closed, for the gallery was forgotten
        return MissingIndexError("index_missing", folder=folder)
    # The low byte is the kind: one that is no OperationalError is a damaged file; a missing table
    # or column, or a text that is none, comes as a plain "error".
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return ReadOnlyIndexError("index_read_only", reason=os.strerror(errno.EROFS))
    if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
        return StorageError("disk_full", reason=str(error))
    return DamagedIndexError("index_damaged", folder=folder)


def _full_or_read_only(error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    if error.errno in READ_ONLY:
        return ReadOnlyIndexError("index_read_only", reason=reason)
    return StorageError("disk_full", reason=reason)
