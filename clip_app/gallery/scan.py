"""Which image files lie in a folder now: the walk, and its list on disk."""

import contextlib
import errno
import os
import sqlite3
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from clip_app.errors import GalleryError, ImageError, StorageError, UnopenedImageError
from clip_app.gallery.kinds import IMAGE, OTHER, UNKNOWN, LeftOut, kind_of
from clip_app.gallery.roots import Roots, is_left_out, printable
from clip_app.images import HEAD_BYTES, is_image_head
from clip_app.images.keywords import sidecars_of

_T = TypeVar("_T")

# How it shows that something was removed meanwhile, or that a link leads nowhere.
_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

# The year 2262: what a database keeps as a number. Some file systems go further.
_LATEST = 2**63 - 1

# An empty file with this name is how Android keeps a folder out of galleries.
_NO_MEDIA = ".nomedia"

# Files handled together wherever a whole gallery is gone through: few queries, little memory.
CHUNK = 1000


@dataclass(frozen=True)
class FoundFile:
    """An image file, by its path below the gallery's folder (with `/`), as the walk saw it.

    Attributes:
        ctime_ns, inode: what changes when a file is replaced by one of the same size and time;
            None where nobody has looked.
        sidecars: when the newest file with keywords beside it was changed; 0 where there is none.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int | None = None
    inode: int | None = None
    sidecars: int = 0


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


def walk(
    folder: Path,
    roots: Roots,
    unreadable: list[str],
    left_out: LeftOut | None = None,
    shard: Shard = WHOLE,
) -> Iterator[FoundFile]:
    """Every image file below a folder, in no particular order.

    Hidden and system folders are left out, and those with Android's `.nomedia` in them or above
    them, though never the gallery itself, which somebody named. Symbolic links are followed where
    they lead to a place inside the roots but outside this folder, each place once, so that loops
    end. Where the ending of a file says nothing, its first bytes do.

    Args:
        folder: the gallery, resolved.
        roots: what may be reached.
        unreadable: gets the paths of what could not be looked at, folders as a rule.
        left_out: gets what was seen and not taken.
        shard: files of other parts are neither opened nor counted; they are found by their names.
    """
    return _Walk(folder, roots, unreadable, left_out or LeftOut(), shard).files()


class _Walk:
    """One walk; the arguments are those of `walk`."""

    def __init__(
        self, folder: Path, roots: Roots, unreadable: list[str], left_out: LeftOut, shard: Shard
    ) -> None:
        self._folder = folder
        self._roots = roots
        self._unreadable = unreadable
        self._left_out = left_out
        self._shard = shard
        self._visited: set[tuple[int, int]] = set()
        #: Folders to look through, and whether a `.nomedia` hides what is in them.
        self._waiting = [("", False)]
        #: When the sidecars of the folder at hand were changed, by their names.
        self._sidecars: dict[str, int] = {}
        #: Those of them that lie beside a picture, and are read with it.
        self._beside: set[str] = set()
        #: Taken last, so that a place's own path is preferred to a link to it.
        self._linked: list[str] = []

    def files(self) -> Iterator[FoundFile]:
        """Every image file, each once."""
        while self._waiting or self._linked:
            below, hidden = self._waiting.pop() if self._waiting else (self._linked.pop(), False)
            for entry, hidden_here in self._entries(below, hidden):
                if is_left_out(entry.name):
                    continue
                path = f"{below}/{entry.name}" if below else entry.name
                try:
                    found = self._file(entry, path, hidden_here)
                except OSError as error:
                    self._failed(path, error)
                    continue
                if found is not None:
                    yield found

    def _entries(self, below: str, hidden: bool) -> Iterator[tuple[os.DirEntry[str], bool]]:
        """What lies in a folder that may be reached and was not seen yet; whether it is hidden."""
        place = self._folder / below
        try:
            with os.scandir(place) as listed:
                status = os.stat(place)
                seen = (status.st_dev, status.st_ino)
                if not self._roots.contains(os.path.realpath(place)) or seen in self._visited:
                    return
                self._visited.add(seen)
                if not hidden and os.path.lexists(place / _NO_MEDIA):
                    self._left_out.nomedia.append(below)
                    hidden = bool(below)
                entries: list[os.DirEntry[str]] = []
                try:
                    entries.extend(listed)
                except OSError as error:  # what came before it is there
                    self._failed(below, error)
                self._sidecars = dict(_changed(entries))
                self._beside = _beside(entries) if self._sidecars else set()
                for entry in entries:
                    yield entry, hidden
        except OSError as error:
            self._failed(below, error)

    def _failed(self, path: str, error: OSError) -> None:
        if not path or error.errno not in _NOWHERE:
            self._unreadable.append(path)

    def _file(self, entry: os.DirEntry[str], path: str, hidden: bool) -> FoundFile | None:
        """The image file that an entry is; folders are kept for later, other files counted.

        Raises:
            OSError: if it cannot be looked at.
        """
        if entry.is_dir(follow_symlinks=False):
            self._waiting.append((path, hidden))
            return None
        if entry.is_symlink():
            target = Path(os.path.realpath(entry.path, strict=True))
            if self._folder in target.parents or not self._roots.contains(target):
                return None
            if target.is_dir():
                if not hidden:
                    self._linked.append(path)
                return None
        kind = kind_of(entry.name)
        mine = self._shard.number == 1 or self._shard.holds(path)
        if hidden or kind not in (IMAGE, UNKNOWN):
            if mine and entry.name not in self._beside and entry.is_file():
                self._left_out.count(kind, hidden)
            return None
        found = entry.stat()
        if not stat.S_ISREG(found.st_mode):
            return None
        if kind == UNKNOWN and mine and not self._begins_as_image(entry.path, path):
            return None
        # An inode may take 64 bits, of which a database keeps 63.
        return FoundFile(
            path,
            found.st_size,
            _kept(found.st_mtime_ns),
            _kept(found.st_ctime_ns),
            found.st_ino & _LATEST,
            max(self._sidecars.get(one.name, 0) for one in sidecars_of(Path(entry.name))),
        )

    def _begins_as_image(self, place: str, path: str) -> bool:
        """Whether a file's first bytes are an image's; it is counted if not."""
        try:
            if is_image_head(self._roots.head(place, HEAD_BYTES)):
                return True
        except UnopenedImageError:
            self._unreadable.append(path)
            return False
        except ImageError:
            return False
        self._left_out.count(OTHER, hidden=False)
        return False


def _changed(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[str, int]]:
    for entry in entries:
        if entry.name.endswith(".xmp"):
            with contextlib.suppress(OSError):
                yield entry.name, _kept(entry.stat().st_mtime_ns)


def _beside(entries: Iterable[os.DirEntry[str]]) -> set[str]:
    """The names of the sidecars that pictures among these would have."""
    pictures = [Path(one.name) for one in entries if kind_of(one.name) in (IMAGE, UNKNOWN)]
    return {sidecar.name for one in pictures for sidecar in sidecars_of(one)}


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
            " ctime_ns INTEGER, inode INTEGER, sidecars INTEGER) WITHOUT ROWID;"
        )
        #: Folders and files that could not be looked at: nothing is known of what is there.
        self.unreadable: list[str] = []
        #: What was there but not taken.
        self.left_out = LeftOut()
        #: Images that lie there, those of other shards and those that `.nomedia` hides too.
        self.seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._table.close()

    def fill(self, folder: Path, roots: Roots, shard: Shard) -> int:
        """Walk the folder; returns how many files of this shard there are.

        Raises:
            GalleryError: if the folder itself cannot be listed.
            StorageError: if there is no room for the list.
        """
        try:
            for chunk in batched(walk(folder, roots, self.unreadable, self.left_out, shard), CHUNK):
                self.seen += len(chunk)
                self._table.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (encoded(path), *seen)
                        for path, *seen in map(astuple, chunk)
                        if shard.number == 1 or shard.holds(path)
                    ],
                )
        except sqlite3.Error as error:
            raise StorageError("disk_full", reason=str(error)) from error
        self.seen += self.left_out.nomedia_images
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
