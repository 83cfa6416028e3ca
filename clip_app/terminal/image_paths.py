"""The images that a command's arguments name: files, folders, patterns, a list on standard input.

Everything is found while it is asked for, so that a million files need no list in memory.
"""

import glob
import itertools
import locale
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from clip_app.console import printable
from clip_app.errors import ClipAppError, GalleryError, InputError, Reason
from clip_app.gallery.roots import Roots, spelled
from clip_app.gallery.scan import WHOLE, FileList

_STDIN = 0
_READ_BYTES = 1 << 16

# No system takes a path of more than 32,767 characters: a longer line is no list of names.
_LONGEST_PATH_BYTES = 1 << 17

_UTF8_MARK = b"\xef\xbb\xbf"


# Failures that are kept with their reasons, 1 kB each; of others it is known how many there are.
_KEPT_FAILURES = 10_000


class Failures:
    """What could not be read.

    Attributes:
        number: how many that are.
        kept: the first 10,000 of them: what was named, and why it could not be read.
    """

    def __init__(self) -> None:
        self.number = 0
        self.kept: list[tuple[str, Reason]] = []

    def add(self, name: str, error: ClipAppError) -> None:
        """Note one more."""
        self.number += 1
        if len(self.kept) < _KEPT_FAILURES:
            self.kept.append((name, error.reason))


class ImagePaths:
    """Goes once through all images that were named, in the order in which they were.

    A folder gives the images below it in the order of their paths, less what a gallery leaves out
    too, and less those that came already; likewise a file that came with its folder. What is
    named itself more than once comes as often.

    Attributes:
        failed: what no image was found for, and why; complete at the end.
    """

    def __init__(self, arguments: Sequence[str], *, null_separated: bool = False) -> None:
        """What was named.

        Args:
            arguments: files, folders, patterns such as `*.webp` for shells that leave them as they
                are, or `-` for a list of files and folders on standard input.
            null_separated: whether that list is separated by NUL characters instead of lines.
        """
        self._arguments = arguments
        self._separator = b"\0" if null_separated else b"\n"
        # Hashes, because 60 bytes a file are less than its path; two of a million files have the
        # same one with a chance of 3e-8.
        self._named: set[int] = set()
        self._below: set[int] = set()
        self.failed = Failures()

    def __iter__(self) -> Iterator[str]:
        for argument in self._arguments:
            if argument == "-":
                for path in self._listed():
                    yield from self._images(path)
            elif glob.has_magic(argument) and not os.path.lexists(argument):
                yield from self._matching(argument)
            else:
                yield from self._images(argument)

    def _matching(self, pattern: str) -> Iterator[str]:
        found = sorted(glob.glob(_as_on_disk(pattern), recursive=True))
        if not found:
            self.failed.add(
                pattern, InputError("pattern_without_files", pattern=printable(pattern))
            )
        for path in found:
            yield from self._images(path)

    def _images(self, path: str) -> Iterator[str]:
        path = _as_on_disk(path)
        if not os.path.isdir(path):
            key = _key(path)
            if key not in self._below:
                self._named.add(key)
                yield path
            return
        for found in self._in_folder(path):
            key = _key(found)
            if key not in self._named and key not in self._below:
                self._below.add(key)
                yield found

    def _in_folder(self, folder: str) -> Iterator[str]:
        with FileList() as files:
            try:
                real = Path(folder).resolve()
                number = files.fill(real, Roots.of([real]), WHOLE)
            except ClipAppError as error:
                self.failed.add(folder, error)
                return
            for below in files.unreadable:
                shown = os.path.join(folder, below)
                self.failed.add(shown, GalleryError("folder_unreadable", folder=printable(below)))
            if not number and not files.unreadable:
                self.failed.add(folder, GalleryError("folder_empty", folder=printable(folder)))
            for chunk in files.chunks():
                for file in chunk:
                    yield os.path.join(folder, file.path)

    def _listed(self) -> Iterator[str]:
        """The paths on standard input, each as soon as it is there."""
        number = 0
        for name in _split(self._separator):
            if b"\0" in name or len(name) > _LONGEST_PATH_BYTES:
                self.failed.add("-", InputError("paths_unreadable"))
                return
            if name:
                number += 1
                yield _path_of(name)
        if not number:
            self.failed.add("-", InputError("paths_missing"))


def _split(separator: bytes) -> Iterator[bytes]:
    """What comes between separators on standard input; the last one may be too long to end.

    Read past `sys.stdin`, whose buffer a thread that waits for more would hold when Python ends.
    """
    begun = b""
    first = True
    while data := _read():
        if first and separator == b"\n":
            data = data.removeprefix(_UTF8_MARK)
        first = False
        *names, begun = (begun + data).split(separator)
        for name in names:
            yield name.removesuffix(b"\r") if separator == b"\n" else name
        if len(begun) > _LONGEST_PATH_BYTES:
            break
    yield begun


def _read() -> bytes:
    try:
        return os.read(_STDIN, _READ_BYTES)
    except OSError:  # closed, or a folder
        return b""


def _path_of(name: bytes) -> str:
    try:
        return os.fsdecode(name)
    except UnicodeDecodeError:  # Windows, where older programs write the system's own encoding
        return name.decode(locale.getencoding(), "replace")


def _as_on_disk(path: str) -> str:
    """A path or pattern whose names up to the first wildcard are spelled as on the disk."""
    if path.isascii() or os.path.lexists(path):
        return path
    parts = Path(path).parts
    plain = list(itertools.takewhile(lambda part: not glob.has_magic(part), parts))
    named = Path(*plain)
    found = spelled(named)
    return path if found == named else os.path.join(found, *parts[len(plain) :])


def _key(path: str) -> int:
    return hash(os.path.abspath(path))
