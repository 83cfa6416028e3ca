"""Which image files lie in a folder now: the walk, and its list on disk."""

import errno
import os
import sqlite3
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from clip_app.errors import GalleryError, StorageError
from clip_app.gallery.roots import Roots, is_left_out, printable
from clip_app.images import SUPPORTED_SUFFIXES

_T = TypeVar("_T")

# How it shows that something was removed meanwhile, or that a link leads nowhere.
_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

# The year 2262: what a database keeps as a number. Some file systems go further.
_LATEST = 2**63 - 1

# Files handled together wherever a whole gallery is gone through: few queries, little memory.
CHUNK = 1000


@dataclass(frozen=True)
class FoundFile:
    """An image file, by its path below the gallery's folder (with `/`), as the walk saw it.

    Attributes:
        ctime_ns, inode: what changes when a file is replaced by one of the same size and time;
            None where nobody has looked.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int | None = None
    inode: int | None = None


@dataclass(frozen=True)
class Shard:
    """Part `index` (from 0) of `number`: which files one of several machines takes care of."""

    index: int = 0
    number: int = 1

    def holds(self, path: str) -> bool:
        """Whether a file belongs to this part; it depends on nothing but its path."""
        return zlib.crc32(encoded(path)) % self.number == self.index

    @classmethod
    def parse(cls, typed: str) -> "Shard":
        """From `i/n` with i from 1 to n.

        Raises:
            ValueError: if it is not of that form.
        """
        first, _, second = typed.partition("/")
        index, number = int(first), int(second)
        if not 1 <= index <= number:
            raise ValueError(typed)
        return cls(index - 1, number)


#: The only shard there is.
WHOLE = Shard()


def encoded(path: str) -> bytes:
    """A path as the bytes the file system knows, which need not be UTF-8."""
    return os.fsencode(path)


def batched(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of `size` values each, the last one shorter."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def walk(folder: Path, roots: Roots, unreadable: list[str]) -> Iterator[FoundFile]:
    """Every image file below a folder, in no particular order.

    Hidden and system folders are left out. Symbolic links are followed where they lead to a place
    inside the roots but outside this folder, each place once, so that loops end.

    Args:
        folder: the gallery, resolved.
        roots: what may be reached.
        unreadable: gets the paths of what could not be looked at, folders as a rule.
    """
    visited: set[tuple[int, int]] = set()
    waiting = [""]
    linked: list[str] = []  # taken last, so that a place's own path is preferred to a link to it
    while waiting or linked:
        below = waiting.pop() if waiting else linked.pop()
        try:
            listed = os.scandir(folder / below)
            status = os.stat(folder / below)
            inside = roots.contains(os.path.realpath(folder / below))
        except OSError as error:
            if not below or error.errno not in _NOWHERE:
                unreadable.append(below)
            continue
        if not inside or (status.st_dev, status.st_ino) in visited:
            listed.close()
            continue
        visited.add((status.st_dev, status.st_ino))
        with listed:
            for entry in listed:
                if is_left_out(entry.name):
                    continue
                path = f"{below}/{entry.name}" if below else entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                        continue
                    if entry.is_symlink():
                        target = Path(os.path.realpath(entry.path, strict=True))
                        if folder in target.parents or not roots.contains(target):
                            continue
                        if target.is_dir():
                            linked.append(path)
                            continue
                    if os.path.splitext(entry.name)[1].lower() not in SUPPORTED_SUFFIXES:
                        continue
                    found = entry.stat()
                except OSError as error:
                    if error.errno not in _NOWHERE:
                        unreadable.append(path)
                    continue
                if stat.S_ISREG(found.st_mode):
                    # An inode may take 64 bits, of which a database keeps 63.
                    yield FoundFile(
                        path,
                        found.st_size,
                        _kept(found.st_mtime_ns),
                        _kept(found.st_ctime_ns),
                        found.st_ino & _LATEST,
                    )


def _kept(moment: int) -> int:
    """A time as a database can keep it."""
    return max(-_LATEST, min(moment, _LATEST))


class FileList:
    """The files that a walk found, on disk, so that a million of them take no memory."""

    def __init__(self) -> None:
        # Without a name it is a file that is gone with this process, however that ends.
        self._table = sqlite3.connect("", check_same_thread=False)
        self._table.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER,"
            " ctime_ns INTEGER, inode INTEGER) WITHOUT ROWID;"
        )
        #: Folders and files that could not be looked at: nothing is known of what is there.
        self.unreadable: list[str] = []
        #: Files that the walk found, those of other shards too.
        self.seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._table.close()

    def fill(self, folder: Path, roots: Roots, shard: Shard) -> int:
        """Walk the folder; returns how many files of this shard there are.

        Raises:
            GalleryError: if the folder itself cannot be listed.
            StorageError: if there is no room for the list.
        """
        try:
            for chunk in batched(walk(folder, roots, self.unreadable), CHUNK):
                self.seen += len(chunk)
                self._table.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)",
                    [
                        (encoded(one.path), one.size, one.mtime_ns, one.ctime_ns, one.inode)
                        for one in chunk
                        if shard.number == 1 or shard.holds(one.path)
                    ],
                )
        except sqlite3.Error as error:
            raise StorageError("disk_full", reason=str(error)) from error
        if "" in self.unreadable:
            raise GalleryError("folder_unreadable", folder=printable(folder.name))
        return int(self._table.execute("SELECT count(*) FROM files").fetchone()[0])

    def chunks(self) -> Iterator[list[FoundFile]]:
        """All files in the order of their paths, `CHUNK` at a time."""
        rows = self._table.execute("SELECT * FROM files ORDER BY path")
        for chunk in batched(rows, CHUNK):
            yield [FoundFile(os.fsdecode(path), *seen) for path, *seen in chunk]

    def missing(self, paths: Sequence[str]) -> list[str]:
        """Those of at most `CHUNK` paths that the walk did not find, though it could have."""
        marks = ",".join("?" * len(paths))
        rows = self._table.execute(
            f"SELECT path FROM files WHERE path IN ({marks})",  # noqa: S608 - question marks only
            [encoded(path) for path in paths],
        )
        there = {os.fsdecode(path) for (path,) in rows}
        return [path for path in paths if path not in there and not self._unseen(path)]

    def _unseen(self, path: str) -> bool:
        return any(path == place or path.startswith(f"{place}/") for place in self.unreadable)
