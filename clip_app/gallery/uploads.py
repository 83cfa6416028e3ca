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
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from clip_app.errors import InputError, StorageError
from clip_app.gallery.roots import is_left_out
from clip_app.images import MAX_FILE_BYTES, SUPPORTED_SUFFIXES, shown_name

log = logging.getLogger(__name__)

MAX_FILES = 10_000
MAX_BYTES = 2 * 2**30

_BLOCK = 1 << 20
_LONGEST_NAME = 120

# A visitor's folder is removed when the session ends; what a crash left, after this time.
_STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Received:
    """How many images were stored, and the names of what was not one."""

    images: int
    left_out: tuple[str, ...]


class Uploads:
    """The visitors' folders, below one folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        #: Those of the present visitors.
        self.folders: set[Path] = set()

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

    def receive(self, files: Sequence[str | os.PathLike[str]], folder: Path) -> Received:
        """Copy images, and the images in .zip archives, into a visitor's folder.

        Raises:
            InputError: if there are too many files, or they unpack to too much, or an archive is
                damaged; what came before stays.
            StorageError: if the disk is full.
        """
        intake = _Intake(folder)
        for file in files:
            path = Path(file)
            if path.suffix.lower() == ".zip":
                intake.unpack(path)
            else:
                with _storage_errors(), open(path, "rb") as source:
                    intake.take(path.name, source)
        return Received(intake.images, tuple(intake.left_out))

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

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        there = [path for path in folder.rglob("*") if path.is_file()]
        self._files = len(there)
        self._bytes = sum(path.stat().st_size for path in there)
        self.images = 0
        self.left_out: list[str] = []

    def unpack(self, path: Path) -> None:
        try:
            # Archives from Chinese Windows name files in GB 18030 and do not say so.
            with _storage_errors(), _opened_archive(path) as archive:
                for entry in archive.infolist():
                    if entry.is_dir():
                        continue
                    if entry.flag_bits & 1:
                        raise InputError("archive_encrypted", name=shown_name(path))
                    with archive.open(entry) as source:
                        self.take(entry.filename, source)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise InputError("archive_damaged", name=shown_name(path)) from error

    def take(self, name: str, source: IO[bytes]) -> None:
        path = PurePosixPath(name.replace("\\", "/"))
        parts = [part for part in path.parts if part not in ("/", "..")]
        if not parts or any(is_left_out(part) for part in parts):
            return
        if Path(parts[-1]).suffix.lower() not in SUPPORTED_SUFFIXES:
            self.left_out.append(shown_name(name))
            return
        if self._files >= MAX_FILES:
            raise InputError("upload_too_many", limit=MAX_FILES)
        target = self._free_name([_safe(part) for part in parts])
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        try:
            with open(target, "xb") as file:
                while block := source.read(_BLOCK):
                    size += len(block)
                    # Counted as it comes out: an archive may lie about sizes.
                    if size > MAX_FILE_BYTES or self._bytes + size > MAX_BYTES:
                        raise InputError("upload_too_large", limit=MAX_BYTES // 2**30)
                    file.write(block)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        self._files += 1
        self._bytes += size
        self.images += 1

    def _free_name(self, parts: Sequence[str]) -> Path:
        target = self._folder.joinpath(*parts[-4:])
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{number}-{parts[-1]}")
        return target


def _safe(part: str) -> str:
    """One part of a path as a plain name that every system can store."""
    name = re.sub(r'[\x00-\x1f<>:"/\\|?*\ud800-\udfff]', "_", part).strip(". ") or "_"
    stem, dot, suffix = name.rpartition(".")
    return f"{(stem or suffix)[:_LONGEST_NAME]}{dot}{suffix}" if stem else name[:_LONGEST_NAME]


def _opened_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path, metadata_encoding="gb18030")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path)


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error
