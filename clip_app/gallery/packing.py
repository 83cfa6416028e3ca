"""Found originals as one .zip archive: streamed to a file, each only as it was indexed."""

import logging
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clip_app.errors import ChangedImageError, ImageError, InputError, StorageError
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stored_names import safe_name
from clip_app.gallery.stores.store import content_hash_of
from clip_app.images import shown_name
from clip_app.sizes import megabytes
from clip_app.strings import Language, text

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

    def note(self, language: Language) -> str:
        """What is not in it as a sentence; empty where everything is."""
        if not self.left_out:
            return ""
        names = ", ".join(self.left_out[:_NAMED]) + " …" * (len(self.left_out) > _NAMED)
        return text("zip_left_out", language, number=len(self.left_out), names=names)


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
    if sum(hit.size for hit in hits) > MAX_BYTES:
        raise InputError("zip_too_large", limit=megabytes(MAX_BYTES, math.floor))
    taken: set[str] = set()
    left_out = []
    try:
        with zipfile.ZipFile(path, "x") as archive:
            for hit in hits:
                try:
                    _add(archive, hit, roots, taken, folders[hit.path] if folders else "")
                except ImageError as error:
                    log.info("Not packed: %s", error)
                    left_out.append(shown_name(hit.path))
                    if isinstance(error, ChangedImageError):
                        changed(hit.path)
        if not taken:
            raise InputError("zip_empty")
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Packed(len(taken), tuple(left_out))


def _add(
    archive: zipfile.ZipFile, hit: SearchHit, roots: Roots, taken: set[str], folder: str
) -> None:
    with roots.opened(hit.path) as (source, size):
        # Compared before a byte of it is in the archive, which could not be taken out again.
        if content_hash_of(_blocks(source)) != hit.hash:
            raise ChangedImageError("image_changed", name=shown_name(hit.path))
        source.seek(0)
        with archive.open(
            _entry(hit, taken, size, folder), "w", force_zip64=size > 2**31
        ) as target:
            for block in _blocks(source):
                target.write(block)


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block


def _entry(hit: SearchHit, taken: set[str], size: int, folder: str) -> zipfile.ZipInfo:
    """The file's name in a folder, told apart from those that are in the archive, on any system."""
    wanted = Path(safe_name(printable(Path(hit.path).name)))
    before = f"{folder}/" if folder else ""
    name, number = before + wanted.name, 1
    while name.casefold() in taken:
        number += 1
        name = f"{before}{wanted.stem} ({number}){wanted.suffix}"
    taken.add(name.casefold())
    entry = zipfile.ZipInfo(name)
    entry.file_size = size
    return entry
