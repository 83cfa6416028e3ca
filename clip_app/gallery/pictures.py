"""Thumbnails and originals of found files: only what was indexed, as it was indexed."""

import contextlib
import logging
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from clip_app.errors import ChangedImageError, ClipAppError, ImageError, StorageError
from clip_app.gallery.roots import Roots
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stores.store import Store, content_of
from clip_app.images import load_image, shown_name, thumbnail
from clip_app.temporary import whole_file

log = logging.getLogger(__name__)

# Sharp in a grid of four on a screen of twice the usual resolution; some 12 KB each as WebP.
_SIDE = 320

# About 250 MB; the least recently made are removed beyond that.
_MOST = 20_000
_TIDY_EVERY = 500

# A thumbnail is called by the content hash of its picture; the grey one has a name.
_CONTENT = re.compile("[0-9a-f]{32}")

_WORKERS = min(8, os.cpu_count() or 1)


class Pictures:
    """Small versions kept in one folder, by content: a file that moves keeps its thumbnail."""

    def __init__(self, folder: Path, changed: Callable[[str], None] = lambda path: None) -> None:
        """Where to keep them, and who is told the path of a file that is not as it was indexed."""
        #: Where the thumbnails lie; their names cannot be guessed without having the photograph.
        self.folder = folder
        self._changed = changed
        self._made = 0

    def thumbnails(self, hits: Sequence[SearchHit], roots: Roots) -> list[Path]:
        """A picture file for each hit, in order; a grey one where the file is gone or changed.

        Raises:
            StorageError: if the disk is full.
        """
        with ThreadPoolExecutor(_WORKERS) as pool:
            return list(pool.map(lambda hit: self._thumbnail(hit, roots), hits))

    def _thumbnail(self, hit: SearchHit, roots: Roots) -> Path:
        path = self._place(hit.hash.hex())
        if path.exists():
            return path
        try:
            picture = thumbnail(
                load_image(read_original(hit, roots), name=hit.path, target_side=_SIDE), _SIDE
            )
        except ImageError as error:
            log.info("No thumbnail: %s", error)
            if isinstance(error, ChangedImageError):
                self._changed(hit.path)
            path = self._place("missing")
            if path.exists():
                return path
            picture = Image.new("RGB", (_SIDE, _SIDE * 3 // 4), "#d1d5db")
        self._save(picture, path)
        return path

    def _place(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.webp"

    def _save(self, picture: Image.Image, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as file:
                picture.save(file, "WEBP", quality=80)
        except OSError as error:
            raise StorageError("disk_full", reason=error.strerror or str(error)) from error
        self._made += 1
        if self._made % _TIDY_EVERY == 0:
            self._tidy()

    def _tidy(self) -> None:
        entries = []
        for path in self.folder.glob("*/*.webp"):
            with contextlib.suppress(OSError):
                entries.append((path.stat().st_mtime, path))
        for _, path in sorted(entries)[: max(0, len(entries) - _MOST)]:
            path.unlink(missing_ok=True)


def thumbnail_folder(index_dir: Path) -> Path:
    """Where the thumbnails lie, below the index folder."""
    return index_dir / "thumbnails"


def forget_thumbnails(folder: Path, store: Store) -> None:
    """Delete the thumbnails of a gallery's pictures; another gallery that has one makes it anew.

    Args:
        folder: that of `thumbnail_folder`.
        store: the gallery's index, not deleted yet; of one that is damaged they stay.
    """
    with contextlib.suppress(ClipAppError, OSError):
        for path in folder.glob("*/*.webp"):
            if _CONTENT.fullmatch(path.stem) and store.knows(bytes.fromhex(path.stem)):
                path.unlink(missing_ok=True)


def read_original(hit: SearchHit, roots: Roots) -> bytes:
    """The bytes of a found file, if they still are what was indexed.

    Raises:
        ChangedImageError: if the file has changed since.
        ImageError: if it is gone, or lies outside the roots.
    """
    data = roots.read(hit.path)
    if content_of(data) != hit.hash:
        raise ChangedImageError("image_changed", name=shown_name(hit.path))
    return data
