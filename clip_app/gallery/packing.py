"""Found originals as one .zip archive: streamed to a file, each only as it was indexed."""

import contextlib
import logging
import math
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from clip_app.errors import ChangedImageError, ImageError, InputError, Reason, StorageError
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stored_names import safe_name
from clip_app.gallery.stores.store import content_hash_of
from clip_app.images import shown_name
from clip_app.sizes import megabytes
from clip_app.strings import Language

log = logging.getLogger(__name__)

#: All originals of one archive together; a browser keeps a download of that size without trouble.
MAX_BYTES = 2 * 2**30

_BLOCK = 1 << 20
_NAMED = 10


@dataclass(frozen=True)
class Packed:
    """What came into an archive.

    Attributes:
        files: how many originals.
        left_out: names of those that are gone, or have changed since they were indexed.
    """

    files: int
    left_out: tuple[str, ...]

    @property
    def reason(self) -> Reason | None:
        """What is not in it; None where everything is."""
        if not self.left_out:
            return None
        names = ", ".join(self.left_out[:_NAMED]) + " …" * (len(self.left_out) > _NAMED)
        return Reason("zip_left_out", {"number": len(self.left_out), "names": names})

    def note(self, language: Language) -> str:
        """The same as a sentence; empty where everything is in it."""
        return self.reason.message(language) if self.reason else ""


def zip_of(
    hits: Sequence[SearchHit],
    roots: Roots,
    path: Path,
    changed: Callable[[str], None] = lambda path: None,
    folders: Mapping[str, str] | None = None,
) -> Packed:
    """Write the originals of found pictures into an archive, one copy of each picture.

    Photographs are compressed already, so they are stored as they are, block by block.

    Args:
        hits: what was found.
        roots: what may be read.
        path: the archive, in a folder that nobody else reads; it must not exist yet.
        changed: told the path of each file that is not as it was indexed.
        folders: what folder of the archive a path goes into, as `sorting.folders.folder_names`
            names it; without it, all lie together.

    Raises:
        InputError: if they are larger than `MAX_BYTES` together, or none is left.
        StorageError: if the disk is full; nothing is left behind.
    """
    left_out = []
    with _written(path, sum(hit.size for hit in hits)) as archive:
        for hit in hits:
            try:
                _add(archive, hit, roots, folders[hit.path] if folders else "")
            except ImageError as error:
                log.info("Not packed: %s", error)
                left_out.append(shown_name(hit.path))
                if isinstance(error, ChangedImageError):
                    changed(hit.path)
    return Packed(len(archive.taken), tuple(left_out))


@dataclass(frozen=True)
class Loose:
    """A file of this app's own, such as an upload, and what it is called in an archive."""

    path: Path
    name: str
    folder: str


def zip_of_files(files: Sequence[Loose], path: Path) -> Packed:
    """Write files into an archive as `zip_of` does; those that are gone are left out.

    Raises:
        InputError, StorageError: as `zip_of`.
    """
    there = [one for one in files if one.path.is_file()]
    with _written(path, sum(one.path.stat().st_size for one in there)) as archive:
        for one in there:
            with one.path.open("rb") as source:
                archive.add(source, one.path.stat().st_size, one.name, one.folder)
    kept = set(there)
    return Packed(len(there), tuple(one.name for one in files if one not in kept))


@dataclass(frozen=True)
class _Archive:
    file: zipfile.ZipFile
    taken: set[str] = field(default_factory=set)

    def add(self, source: BinaryIO, size: int, name: str, folder: str) -> None:
        entry = _entry(name, self.taken, size, folder)
        entry.date_time = _date_time(os.fstat(source.fileno()).st_mtime)
        with self.file.open(entry, "w", force_zip64=size > 2**31) as target:
            for block in _blocks(source):
                target.write(block)


@contextlib.contextmanager
def _written(path: Path, size: int) -> Iterator[_Archive]:
    """An archive that something comes into; where it fails, or stays empty, none is left."""
    if size > MAX_BYTES:
        raise InputError("zip_too_large", limit=megabytes(MAX_BYTES, math.floor))
    try:
        with zipfile.ZipFile(path, "x") as file:
            archive = _Archive(file)
            yield archive
        if not archive.taken:
            raise InputError("zip_empty")
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _add(archive: _Archive, hit: SearchHit, roots: Roots, folder: str) -> None:
    with roots.opened(hit.path) as (source, size):
        # Compared before a byte of it is in the archive, which could not be taken out again.
        if content_hash_of(_blocks(source)) != hit.hash:
            raise ChangedImageError("image_changed", name=shown_name(hit.path))
        source.seek(0)
        archive.add(source, size, printable(Path(hit.path).name), folder)


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block


def _entry(name: str, taken: set[str], size: int, folder: str) -> zipfile.ZipInfo:
    """The file's name in a folder, told apart from those that are in the archive, on any system."""
    wanted = Path(safe_name(name))
    before = f"{folder}/" if folder else ""
    name, number = before + wanted.name, 1
    while name.casefold() in taken:
        number += 1
        name = f"{before}{wanted.stem} ({number}){wanted.suffix}"
    taken.add(name.casefold())
    entry = zipfile.ZipInfo(name)
    entry.file_size = size
    return entry


def _date_time(changed: float) -> tuple[int, int, int, int, int, int]:
    """When a file was changed, in this machine's time, within the years that archives know."""
    return max((1980, 1, 1, 0, 0, 0), min(time.localtime(changed)[:6], (2107, 12, 31, 23, 59, 58)))
