"""Photographs that a visitor drops into the page: a folder of their own, from files and archives.

An archive is unpacked with limits on what comes out, whatever its directory promises, and only
names are taken from it: no path in it leads anywhere.
"""

import contextlib
import hashlib
import logging
import math
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Generic, NamedTuple, TypeVar

from filelock import FileLock, Timeout
from PIL import Image

from clip_app.errors import (
    READ_ONLY,
    EntryError,
    InputError,
    Reason,
    StorageError,
    UploadLimitError,
)
from clip_app.gallery.archives import Archive
from clip_app.gallery.kinds import IMAGE, UNKNOWN, kind_of
from clip_app.gallery.stored_names import FreeNames, is_hidden, parts_of, safe_name
from clip_app.images import (
    FORMATS,
    HEAD_BYTES,
    MAX_FILE_BYTES,
    is_image_head,
    shown_name,
)
from clip_app.progress import Progress, silent
from clip_app.sizes import megabytes

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Content = tuple[str, bytes]

MAX_FILES = 10_000
MAX_BYTES = 2 * 2**30

_BLOCK = 1 << 20

# Folders of an archive that are kept, the innermost ones, so that no path grows too long.
_DEEPEST = 4

# Left-out files that are named; of the rest the number is told.
_NAMED = 1000

# A folder that no lock tells the owner of is removed after this time.
_STALE_SECONDS = 24 * 3600
_LOCK = ".lock"

# Endings for files that are images by their content and do not say so, where Pillow's first one of
# a format is not the usual one.
_ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "HEIF": ".heic", "JPEG2000": ".jp2"}


class Upload(NamedTuple):
    """A file that a visitor sent: where it lies, and what the visitor called it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Received:
    """What became of an upload.

    Attributes:
        images: how many images were stored.
        left_out: names of files that are no images, the first `_NAMED` of them.
        unreadable: names of stored files that are called images and do not look like one, the
            first `_NAMED` of them.
        refused: why files could not be unpacked or opened, for the first `_NAMED` of them.
        left_out_total, refused_total, unreadable_total: how many there were.
        again: how many were sent before under the same name, and are not stored twice.
        paths: where each image was stored, below the visitor's folder.
        names: what the visitor called each of these.
    """

    images: int
    left_out: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    refused: tuple[Reason, ...] = ()
    left_out_total: int = 0
    refused_total: int = 0
    unreadable_total: int = 0
    again: int = 0
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """How many files came, those in archives included."""
        return self.images + self.again + self.left_out_total + self.refused_total

    @property
    def usable(self) -> int:
        """How many of what was stored are images, as far as is known."""
        return self.images - self.unreadable_total


class Uploads:
    """The visitors' folders, below one folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        #: Those of the present visitors.
        self.folders: set[Path] = set()
        # What each holds: names as they were sent, and digests of the contents.
        self._known: dict[Path, set[_Content]] = {}
        # Held while this process lives, so that another one knows what a crash has left.
        self._owner = secrets.token_hex(8)
        self._lock = FileLock(self._lock_of(self._owner), thread_local=False)
        self._making = threading.Lock()

    def new_folder(self) -> Path:
        """A folder that only its visitor knows.

        Raises:
            StorageError: if it cannot be made.
        """
        folder = self.directory / f"{self._owner}-{secrets.token_hex(16)}"
        with _storage_errors():
            self.directory.mkdir(parents=True, exist_ok=True)
            with self._making:
                if not self._lock.is_locked:
                    self._lock.acquire()
            folder.mkdir()
        self.folders.add(folder)
        return folder

    def receive(
        self,
        files: Sequence[str | os.PathLike[str] | Upload],
        folder: Path,
        *,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> Received:
        """Copy images, and the images in .zip archives, into a visitor's folder.

        Args:
            files: what was sent.
            folder: where to put it, one of `new_folder`.
            progress: called with (done, total), in files.
            stop: set it to end early; what came before stays.

        Raises:
            UploadLimitError: if there are too many files, or they unpack to too much; what came
                before stays.
            InputError: if nothing arrived; it says the first reason.
            StorageError: if the disk is full.
        """
        known = self._known.setdefault(folder, set())
        intake = _Intake(folder, known, progress or silent, stop or threading.Event())
        return intake.receive([_named(file) for file in files])

    def remove(self, folder: Path) -> None:
        """Delete a visitor's folder."""
        if folder.resolve().parent == self.directory:
            shutil.rmtree(folder, ignore_errors=True)
            self.folders.discard(folder)
            self._known.pop(folder, None)

    def close(self) -> None:
        """Give up the lock; whatever folder is left belongs to nobody."""
        self._lock.release()
        with contextlib.suppress(OSError):
            self._lock_of(self._owner).unlink(missing_ok=True)

    def abandoned(self) -> list[Path]:
        """The folders of visitors whose app ended without removing them."""
        try:
            folders = [one for one in self.directory.iterdir() if one.is_dir()]
            left = [one for one in folders if self._is_left(one)]
            for lock in self.directory.glob(f"*{_LOCK}"):
                owner = lock.name.removesuffix(_LOCK)
                if not any(one.name.startswith(owner) for one in folders) and self._is_free(lock):
                    lock.unlink(missing_ok=True)
        except OSError:
            return []
        return left

    def _lock_of(self, owner: str) -> Path:
        return self.directory / f"{owner}{_LOCK}"

    def _is_left(self, folder: Path) -> bool:
        owner = folder.name.partition("-")[0]
        if owner == self._owner:
            return False
        lock = self._lock_of(owner)
        if lock.exists():
            return self._is_free(lock)
        return time.time() - folder.stat().st_mtime > _STALE_SECONDS

    def _is_free(self, lock: Path) -> bool:
        try:
            with FileLock(lock, timeout=0):
                return True
        except (Timeout, OSError):
            return False


class _Intake:
    """Takes files into one folder and keeps count."""

    def __init__(
        self, folder: Path, known: set[_Content], progress: Progress, stop: threading.Event
    ) -> None:
        self._known = known
        # What has come in this upload; once more costs what any waste does.
        self._come: set[_Content] = set()
        self._again = 0
        self._progress = progress
        self._stop = stop
        self._names = FreeNames(folder)
        there = [path for path in folder.rglob("*") if path.is_file()]
        self._files = len(there)
        self._bytes = sum(path.stat().st_size for path in there)
        self._wasted = 0
        self._folder = folder
        self._paths: list[str] = []
        self._sent: list[str] = []
        self._left_out = _Named[str]()
        self._unreadable = _Named[str]()
        self._refused = _Named[Reason]()

    def receive(self, files: Sequence[Upload]) -> Received:
        total, done = len(files), 0
        for file in files:
            if self._stop.is_set():
                break
            if file.name.lower().endswith(".zip"):
                try:
                    with Archive(file.path, file.name) as archive:
                        if not any(archive.files()):
                            raise InputError("archive_nothing", name=shown_name(file.name))
                        total += len(archive) - 1
                        self._unpack(archive, done, total)
                        done += len(archive)
                except UploadLimitError:
                    raise
                except InputError as error:
                    self._refused.add(error.reason)
                    done += 1
            else:
                try:
                    with _storage_errors(), open(file.path, "rb") as source:
                        self._take(file.name, source)
                except EntryError as error:
                    self._refused.add(error.reason)
                done += 1
            self._progress(done, total)
        if not self._paths and not self._again and self._refused.number:
            first = self._refused.first[0]
            raise InputError(first.key, **first.params)
        return Received(
            len(self._paths),
            tuple(self._left_out.first),
            tuple(self._unreadable.first),
            tuple(self._refused.first),
            self._left_out.number,
            self._refused.number,
            self._unreadable.number,
            self._again,
            tuple(self._paths),
            tuple(self._sent),
        )

    def _unpack(self, archive: Archive, done: int, total: int) -> None:
        for number, (name, entry) in enumerate(archive.files(), 1):
            if self._stop.is_set():
                return
            try:
                if not is_hidden(name):
                    with archive.open(entry) as source:
                        self._take(name, source)
            except EntryError as error:
                self._refused.add(error.reason)
            self._progress(done + number, total)

    def _take(self, name: str, source: IO[bytes]) -> None:
        parts = parts_of(name)
        if not parts or is_hidden(name):
            return
        head = source.read(HEAD_BYTES)
        kind = kind_of(parts[-1])
        image = is_image_head(head)
        # Raw photographs begin like a TIFF and hold a small preview: known by name, left out.
        if kind != IMAGE and not (kind == UNKNOWN and image):
            self._left_out.add(shown_name(name))
            return
        if self._files >= MAX_FILES:
            raise UploadLimitError("upload_too_many", limit=MAX_FILES)
        target = self._names.free([safe_name(part) for part in parts[-_DEEPEST:]])
        digest = hashlib.blake2b(digest_size=16)
        size = 0
        try:
            with _storage_errors():
                target.parent.mkdir(parents=True, exist_ok=True)
                file = open(target, "xb")  # noqa: SIM115 - closed below
            with file:
                block = head
                while block:
                    size += len(block)
                    # Counted as it comes out: an archive may lie about sizes.
                    if self._bytes + self._wasted + size > MAX_BYTES:
                        raise UploadLimitError(
                            "upload_too_large", limit=megabytes(MAX_BYTES, math.floor)
                        )
                    if size > MAX_FILE_BYTES:
                        raise EntryError("entry_too_large", name=shown_name(name))
                    digest.update(block)
                    with _storage_errors():
                        file.write(block)
                    block = source.read(_BLOCK)
            # As sent: names that only the cut to what a disk stores makes equal are two.
            content = (name, digest.digest())
            if content in self._known:
                self._again += 1
                if content in self._come:
                    self._wasted += size
                self._come.add(content)
                target.unlink()
                return
            if kind != IMAGE:
                with _storage_errors():
                    target = self._names.rename(target, _ending(target))
        except BaseException:
            # Unpacked for nothing, but not for free: else ten thousand bombs take hours.
            self._wasted += size
            target.unlink(missing_ok=True)
            raise
        self._known.add(content)
        self._come.add(content)
        self._files += 1
        self._bytes += size
        self._paths.append(target.relative_to(self._folder).as_posix())
        self._sent.append(shown_name(name))
        if not image:
            self._unreadable.add(shown_name(name))


@dataclass
class _Named(Generic[_T]):
    """The first of many, and how many there were."""

    first: list[_T] = field(default_factory=list)
    number: int = 0

    def add(self, one: _T) -> None:
        self.number += 1
        if len(self.first) < _NAMED:
            self.first.append(one)


def _named(file: str | os.PathLike[str] | Upload) -> Upload:
    return file if isinstance(file, Upload) else Upload(Path(file), Path(file).name)


def _ending(file: Path) -> str:
    """The usual ending of the format that a file is of."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            kind = image.format or ""
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        kind = "JPEG"  # the indexer will say what is wrong with it
    return _ENDINGS.get(kind, f".{kind.lower()}")


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        key = "upload_read_only" if error.errno in READ_ONLY else "upload_not_stored"
        raise StorageError(key, reason=error.strerror or str(error)) from error
