"""Photographs that a visitor drops into the page: a folder of their own, from files and archives.

An archive is unpacked with limits on what comes out, whatever its directory promises, and only
names are taken from it: no path in it leads anywhere.
"""

import contextlib
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Generic, NamedTuple, TypeVar

from PIL import Image

from clip_app.errors import InputError, StorageError
from clip_app.gallery.archives import Archive, EntryError
from clip_app.gallery.roots import is_left_out
from clip_app.images import (
    FORMATS,
    MAX_FILE_BYTES,
    SUPPORTED_SUFFIXES,
    is_image_head,
    shown_name,
)
from clip_app.progress import Progress
from clip_app.strings import Language, text

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MAX_FILES = 10_000
MAX_BYTES = 2 * 2**30

_BLOCK = 1 << 20

# A name may take 255 bytes on Linux and macOS; the rest is for a number that tells equals apart.
_LONGEST_NAME = 240

# Folders of an archive that are kept, the innermost ones, so that no path grows too long.
_DEEPEST = 4

# Bytes that tell an image from other files.
_HEAD = 64

# Left-out files that are named; of the rest the number is told.
_NAMED = 1000

# A visitor's folder is removed when the session ends; what a crash left, after this time.
_STALE_SECONDS = 24 * 3600

# Names that Windows keeps for devices, whatever their ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)

# Endings for files that are images by their content and do not say so, where Pillow's first one of
# a format is not the usual one.
_ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "HEIF": ".heic", "JPEG2000": ".jp2"}


class Upload(NamedTuple):
    """A file that a visitor sent: where it lies, and what the visitor called it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Refused:
    """A file that did not arrive, and the sentence that says why."""

    name: str
    key: str

    def message(self, language: Language) -> str:
        """The reason as a sentence."""
        return text(self.key, language, name=self.name)


@dataclass(frozen=True)
class Received:
    """What became of an upload.

    Attributes:
        images: how many images were stored.
        left_out: names of files that are no images, the first `_NAMED` of them.
        unreadable: names of stored files that are called images and do not look like one, the
            first `_NAMED` of them.
        refused: files that could not be unpacked or opened, the first `_NAMED` of them.
        left_out_total, refused_total, unreadable_total: how many there were.
    """

    images: int
    left_out: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    left_out_total: int = 0
    refused_total: int = 0
    unreadable_total: int = 0


class Uploads:
    """The visitors' folders, below one folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        #: Those of the present visitors.
        self.folders: set[Path] = set()
        self._remove_stale()

    def new_folder(self) -> Path:
        """A folder that only its visitor knows.

        Raises:
            StorageError: if it cannot be made.
        """
        self._remove_stale()
        folder = self.directory / secrets.token_hex(16)
        with _storage_errors():
            folder.mkdir(parents=True)
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
            InputError: if there are too many files, or they unpack to too much; what came before
                stays. Or if nothing arrived: then the first reason.
            StorageError: if the disk is full.
        """
        intake = _Intake(folder, progress or _silent, stop or threading.Event())
        return intake.receive([_named(file) for file in files])

    def remove(self, folder: Path) -> None:
        """Delete a visitor's folder."""
        if folder.resolve().parent == self.directory:
            shutil.rmtree(folder, ignore_errors=True)
            self.folders.discard(folder)

    def _remove_stale(self) -> None:
        with contextlib.suppress(OSError):
            for folder in self.directory.iterdir():
                if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                    self.remove(folder)


class _Intake:
    """Takes files into one folder and keeps count."""

    def __init__(self, folder: Path, progress: Progress, stop: threading.Event) -> None:
        self._progress = progress
        self._stop = stop
        self._names = _FreeNames(folder)
        there = [path for path in folder.rglob("*") if path.is_file()]
        self._files = len(there)
        self._bytes = sum(path.stat().st_size for path in there)
        self._images = 0
        self._left_out = _Named[str]()
        self._unreadable = _Named[str]()
        self._refused = _Named[Refused]()
        self._error: InputError | None = None

    def receive(self, files: Sequence[Upload]) -> Received:
        total, done = len(files), 0
        for file in files:
            if self._stop.is_set():
                break
            if file.name.lower().endswith(".zip"):
                try:
                    with Archive(file.path, file.name) as archive:
                        total += len(archive) - 1
                        self._unpack(archive, done, total)
                        done += len(archive)
                except InputError as error:
                    if error.key in ("upload_too_many", "upload_too_large"):
                        raise
                    self._error = self._error or error
                    self._refused.add(Refused(shown_name(file.name), error.key))
                    done += 1
            else:
                with _storage_errors(), open(file.path, "rb") as source:
                    self._take(file.name, source)
                done += 1
            self._progress(done, total)
        if not self._images and self._refused.number:
            first = self._refused.first[0]
            raise self._error or InputError(first.key, name=first.name)
        return Received(
            self._images,
            tuple(self._left_out.first),
            tuple(self._unreadable.first),
            tuple(self._refused.first),
            self._left_out.number,
            self._refused.number,
            self._unreadable.number,
        )

    def _unpack(self, archive: Archive, done: int, total: int) -> None:
        for number, (name, entry) in enumerate(archive.files(), 1):
            if self._stop.is_set():
                return
            try:
                if not _is_hidden(name):
                    with archive.open(entry) as source:
                        self._take(name, source)
            except EntryError as error:
                self._refused.add(Refused(shown_name(name), error.key))
            self._progress(done + number, total)

    def _take(self, name: str, source: IO[bytes]) -> None:
        parts = _parts(name)
        if not parts or _is_hidden(name):
            return
        head = source.read(_HEAD)
        named_image = Path(parts[-1]).suffix.lower() in SUPPORTED_SUFFIXES
        image = is_image_head(head)
        if not named_image and not image:
            self._left_out.add(shown_name(name))
            return
        if self._files >= MAX_FILES:
            raise InputError("upload_too_many", limit=MAX_FILES)
        target = self._names.free([_safe(part) for part in parts[-_DEEPEST:]])
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
                    if size > MAX_FILE_BYTES or self._bytes + size > MAX_BYTES:
                        raise InputError("upload_too_large", limit=MAX_BYTES // 2**30)
                    with _storage_errors():
                        file.write(block)
                    block = source.read(_BLOCK)
            if not named_image:
                self._names.rename(target, _ending(target))
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._files += 1
        self._bytes += size
        self._images += 1
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


class _FreeNames:
    """Names below a folder that nothing there has yet, found in constant time for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next: dict[Path, int] = {}

    def free(self, parts: Sequence[str]) -> Path:
        """A path for a file, as near to `parts` as what is there allows."""
        folder = self._folder
        for part in parts[:-1]:
            # A file has this name already: then the folder takes another.
            folder = self._numbered(folder / part, Path.is_file)
        return self._numbered(folder / parts[-1], Path.exists, count=True)

    def rename(self, file: Path, ending: str) -> None:
        """Give a file another ending."""
        with _storage_errors():
            file.rename(self._numbered(file.with_name(file.name + ending), Path.exists))

    def _numbered(
        self, wanted: Path, taken: Callable[[Path], bool], *, count: bool = False
    ) -> Path:
        number = self._next.get(wanted, 1) if count else 1
        path = wanted
        while number > 1 or taken(path):
            number += 1
            path = wanted.with_name(f"{number}-{wanted.name}")
            if not taken(path):
                break
        if count:
            self._next[wanted] = number
        return path


def _silent(done: int, total: int) -> None:
    pass


def _named(file: str | os.PathLike[str] | Upload) -> Upload:
    return file if isinstance(file, Upload) else Upload(Path(file), Path(file).name)


def _parts(name: str) -> list[str]:
    path = PurePosixPath(name.partition("\0")[0].replace("\\", "/"))
    return [part for part in path.parts if part not in ("/", "..")]


def _is_hidden(name: str) -> bool:
    return any(is_left_out(part) for part in _parts(name))


def _safe(part: str) -> str:
    """One part of a path as a plain name that every system can store."""
    name = re.sub(r'[\x00-\x1f<>:"/\\|?*\ud800-\udfff]', "_", part).strip(". ") or "_"
    if _DEVICES.match(name):
        name = f"_{name}"
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 20:
        return _cut(name, _LONGEST_NAME)
    return _cut(stem, _LONGEST_NAME - len((dot + suffix).encode())) + dot + suffix


def _cut(name: str, limit: int) -> str:
    """As much of `name` as takes at most `limit` bytes, whole characters only."""
    return name.encode()[:limit].decode(errors="ignore")


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
        raise StorageError("upload_not_stored", reason=error.strerror or str(error)) from error
