"""What a gallery's index holds, and what every store of it can do.

An index belongs to one folder and one model. It knows files by their path below the folder, and
images by the hash of their bytes: files of the same bytes share one image and one vector.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from clip_app.errors import Reason

#: Days for which vectors of vanished pictures are kept: a share that is not mounted for a moment
#: must not cost hours of encoding, and a month outlasts a repair or a holiday.
KEEP_DAYS = 30

#: In place of the time at which a file was changed: it must be read again. No file has it, for the
#: walk cuts times off before it.
DISTRUSTED = -(2**63)

#: In place of an inode or a ctime: what the file system says of it is not to be relied on.
UNRELIABLE = -1


@dataclass(frozen=True)
class IndexKey:
    """Whose index it is: one folder, and the model that made its vectors.

    Attributes:
        folder: the gallery, resolved.
        model: the model's name, for people.
        fingerprint: `ModelInfo.fingerprint`; decides whether vectors may be compared.
        dim: length of a vector.
    """

    folder: Path
    model: str
    fingerprint: str
    dim: int


@dataclass(frozen=True)
class FileRecord:
    """What is known of a file since it was last read.

    Attributes:
        hash: of the file's bytes, 16 bytes; empty if it could not be read.
        error: why there is no vector, else None.
        ctime_ns, inode: as the file system had them; `UNRELIABLE` where they are not to be
            compared, None in an index of before they were kept.
        doubts: how often the file was read again for those two alone, and was the same.
        sidecars: `FoundFile.sidecars` of when the keywords were read; None if they never were.
    """

    size: int
    mtime_ns: int
    hash: bytes
    error: Reason | None
    ctime_ns: int | None = None
    inode: int | None = None
    doubts: int = 0
    sidecars: int | None = None


@dataclass(frozen=True)
class Entry:
    """A file to be written: with a vector, with an error, or with neither if its image is known.

    Attributes:
        path: below the gallery's folder.
        taken: when the photograph was taken, else when the file was last changed; Unix seconds.
        vector: float32 (dim,), length 1.
        look: perceptual hash, 64 bits, of the picture; see `images.difference_hash`.
        ctime_ns, inode, doubts: as in `FileRecord`.
        file_date: whether `taken` is the file's date, for want of one in the photograph.
        width, height: of the upright picture, in pixels; 0 where they are not known.
        keywords: that it was given; `sidecars` as in `FileRecord`.
    """

    path: str
    size: int
    mtime_ns: int
    hash: bytes
    taken: int
    vector: np.ndarray | None = None
    look: int = 0
    error: Reason | None = None
    ctime_ns: int | None = None
    inode: int | None = None
    doubts: int = 0
    file_date: bool = False
    width: int = 0
    height: int = 0
    keywords: tuple[str, ...] = ()
    sidecars: int | None = None

    @property
    def suffix(self) -> str:
        """As in `Filter`."""
        return os.path.splitext(self.path)[1].lower()


@dataclass(frozen=True)
class Filter:
    """Which files a search is about; what is empty or None does not restrict.

    Attributes:
        below: a sub-folder, as a path below the gallery's folder.
        suffixes: lower case, with the dot.
        taken_from, taken_until: Unix seconds; from is included, until is not.
        keywords: that a file must all have, as they are written.
        among: content hashes of the images that count; unlike the others, none is none.
    """

    below: str = ""
    suffixes: frozenset[str] = frozenset()
    taken_from: int | None = None
    taken_until: int | None = None
    keywords: frozenset[str] = frozenset()
    among: frozenset[bytes] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self == Filter()


@dataclass(frozen=True)
class StoredFile:
    """One file of a found image; see `Entry`."""

    path: str
    size: int
    taken: int
    file_date: bool = False


@dataclass(frozen=True)
class Found:
    """One image that a store found.

    Attributes:
        similarity: inner product with the query, in [-1, 1] for a query of length 1; 0 where
            nothing was asked for.
        vector: float32 (dim,).
        look: perceptual hash.
        files: where it lies, at least one place, in the order of their paths.
        width, height: as in `Entry`; 0 too where an earlier version wrote it.
    """

    hash: bytes
    similarity: float
    vector: np.ndarray = field(repr=False, compare=False)
    look: int
    files: tuple[StoredFile, ...]
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Counts:
    """How much can be searched: files with a vector, distinct images; and files that are broken."""

    files: int = 0
    images: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Facets:
    """How many images a filter lets through, and how many of them in each part of a gallery.

    An image that lies in two parts counts in both.

    Attributes:
        images: in all.
        folders: by the sub-folders one level below the filter's, as paths below the gallery.
        suffixes: by endings, lower case, with the dot.
        years: by the year in which they were taken, in this machine's time.
        keywords: by the keywords that they were given.
    """

    images: int = 0
    folders: Mapping[str, int] = field(default_factory=dict)
    suffixes: Mapping[str, int] = field(default_factory=dict)
    years: Mapping[int, int] = field(default_factory=dict)
    keywords: Mapping[str, int] = field(default_factory=dict)


def content_of(data: bytes) -> bytes:
    """The hash that a file's content goes by, 16 bytes."""
    return content_hash_of((data,))


def content_hash_of(blocks: Iterable[bytes]) -> bytes:
    """The same of a content that comes block by block."""
    digest = hashlib.blake2b(digest_size=16)
    for block in blocks:
        digest.update(block)
    return digest.digest()


def kept_from() -> float:
    """Unix seconds: vectors of pictures that vanished before then are kept no longer."""
    return time.time() - KEEP_DAYS * 24 * 3600


class Store(Protocol):
    """An open index. Reading is safe from many threads; writing is for one indexer at a time.

    Every method raises `StorageError` where the disk or the engine fails.
    """

    key: IndexKey

    def lock(self) -> Any:
        """A context in which this process alone may write.

        Raises:
            GalleryError: if another process is writing; it is told at once, not waited for.
        """

    def records(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        """What is known of those of at most `scan.CHUNK` paths that are known."""

    def knows(self, image: bytes) -> bool:
        """Whether there is a vector for this content hash."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Write files, all or none; whoever opens the index later finds them.

        An entry with neither vector nor error must have the hash of an image that is known by now.
        """

    def paths(self) -> Iterator[str]:
        """Every file's path once, without holding them all."""

    def entries(self, paths: Sequence[str]) -> list[Entry]:
        """All that was written of those of at most `scan.CHUNK` paths that are known, so that
        another store can be given it; what is damaged is left out.
        """

    def touch(self, seen: Sequence[tuple[str, int | None, int | None]]) -> None:
        """Note (path, ctime_ns, inode) of at most `scan.CHUNK` known files, as they were else."""

    def label(self, read: Sequence[tuple[str, int, tuple[str, ...]]]) -> None:
        """Note (path, sidecars, keywords) of at most `scan.CHUNK` known files, as they were else.

        No keyword has a line break in it.
        """

    def distrust(self, path: str) -> None:
        """Have the next indexer read a file again; where it is unknown, nothing happens.

        It may be called without the lock, and while another process writes.
        """

    def forget(self, paths: Sequence[str], *, keep: bool = False) -> int:
        """Drop files; their images stay until `optimise`, in case they were only moved.

        Args:
            paths: of files that are gone.
            keep: keep images that no file is left of for `KEEP_DAYS`, in case the files come back;
                they are not searched meanwhile.

        Returns:
            how many images are kept now for this reason.
        """

    def repair(self, *, thorough: bool = False) -> int:
        """Drop or mend what is damaged, with the lock held; returns how many rows.

        Args:
            thorough: look also where nothing tells of damage, if that takes long.

        Raises:
            GalleryError: if the index as a whole is damaged.
        """

    def optimise(self, *, keep_unused: bool = False, drop_kept: bool = False) -> None:
        """Drop images without a file and make searching fast; call it with the lock held.

        Those that `forget` was told to keep are dropped after `KEEP_DAYS`.

        Args:
            keep_unused: leave images without a file: in the middle of a run their file may be yet
                to be read again under another path.
            drop_kept: drop at once what is kept.
        """

    def counts(self) -> Counts:
        """How much there is."""

    def broken(self, limit: int) -> list[tuple[str, Reason]]:
        """The first files that have no vector: (path, why)."""

    def folders(self, limit: int) -> list[str]:
        """Sub-folders that hold images, as paths below the gallery's folder, in order."""

    def vectors(self, images: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The float32 (dim,) vectors of those content hashes that are known."""

    def sample(self, number: int) -> np.ndarray:
        """About `number` vectors of what can be searched, float32 (n, dim), the same ones as long
        as nothing changes.
        """

    def search(self, query: np.ndarray, limit: int, where: Filter) -> list[Found]:
        """The `limit` images with the largest inner product, largest first.

        Args:
            query: float32 (dim,), length 1.
            limit: how many.
            where: only images that have a file it lets through; only such files are returned.
        """

    def ranked(self, query: np.ndarray, limit: int, where: Filter, offset: int = 0) -> list[Found]:
        """Places `offset` to `offset + limit` of the ranking of all images that `where` lets
        through: as `search`, but exact however large the index is, so that pages fit together.
        """

    def similarities(self, query: np.ndarray, where: Filter) -> dict[bytes, float]:
        """The inner product of the query with each image that `where` lets through, by content."""

    def newest(
        self,
        limit: int,
        where: Filter,
        offset: int = 0,
        among: tuple[np.ndarray, int] | None = None,
    ) -> list[Found]:
        """A page of the images that `where` lets through, the last taken first; those of one second
        in the order of their paths, so that every store answers alike.

        Args:
            limit, offset: the page.
            where: which files count; an image was taken when the newest of those was.
            among: (query, number): only of the first `number` images of `ranked`, whose
                similarities they have then.
        """

    def matching(self, where: Filter) -> int:
        """How many images have a file that `where` lets through."""

    def facets(self, where: Filter) -> Facets:
        """How those are spread over folders, kinds of files, years and keywords."""

    def images(self, hashes: Sequence[bytes]) -> list[Found]:
        """Those of these content hashes that have files, in the order in which they are named."""

    def close(self) -> None:
        """Let go of files and connections."""
