"""Which folders may be reached, and opening files so that nothing outside them is ever read."""

import errno
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from clip_app.errors import GalleryError, ImageError
from clip_app.images import check_largest_file, check_regular, not_opened, shown_name

# Folders that systems and storage boxes keep for themselves; hidden ones begin with a dot.
_SYSTEM_FOLDERS = frozenset(
    {
        "$recycle.bin",
        "#recycle",
        "@eadir",
        "@recycle",
        "__macosx",
        "lost+found",
        "recycler",
        "system volume information",
    }
)


# Not blocking, so that a pipe put in place of a file is refused instead of waited for.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


@dataclass(frozen=True)
class Roots:
    """The folders that galleries may lie in, resolved; nothing outside them is read."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> "Roots":
        """Roots from paths as configured: `~` and links resolved, missing ones left out."""
        resolved = (folder.expanduser().resolve() for folder in folders)
        return cls(tuple(dict.fromkeys(folder for folder in resolved if os.path.isdir(folder))))

    def contains(self, real_path: str | os.PathLike[str]) -> bool:
        """Whether an already resolved path is a root or lies below one."""
        path = Path(real_path)
        return any(path == root or root in path.parents for root in self.folders)

    def resolve(self, folder: str | os.PathLike[str]) -> Path:
        """The real path of a folder that a person named.

        Raises:
            GalleryError: if it is no folder, or lies outside the roots once `..` and symbolic
                links are followed. The two read alike, so that nobody can probe the disk; only
                inside the roots it is told that a folder is gone. No path is told.
        """
        name = printable(os.path.basename(os.fspath(folder).rstrip("/\\")) or "/")[:200]
        try:
            real = Path(folder).expanduser().resolve()
            if self.contains(real) and not real.exists():
                real = spelled(real).resolve()
            if self.contains(real) and real.is_dir():
                return real
            gone = self.contains(real) and not real.exists()
        except (OSError, RuntimeError, ValueError):  # a loop of links; a null character
            gone = False
        raise GalleryError("folder_not_there" if gone else "folder_not_allowed", folder=name)

    def place(self, folder: Path, typed: str) -> Path:
        """A folder to write into, which need not be there, as a person named it from `folder` on.

        Raises:
            GalleryError: if it is a file, lies outside the roots or in a hidden folder, or a part
                of its path is a link; all read alike, as in `resolve`. Or if none is named, or
                its path is too long.
        """
        if not typed.strip():
            raise GalleryError("target_missing")
        try:
            named = Path(os.path.normpath(folder / Path(typed.strip()).expanduser()))
            real = named.resolve()
            roots = [one for one in self.folders if one == real or one in real.parents]
            hidden = any(map(is_left_out, real.relative_to(roots[0]).parts)) if roots else True
            there = next(one for one in (real, *real.parents) if os.path.lexists(one))
            if real == named and there.is_dir() and not hidden:
                check_length(real)
                return real
        except (OSError, RuntimeError, ValueError):  # a loop of links; a null character
            pass
        # Whole, as it was typed: that tells nothing of the disk.
        raise GalleryError("target_not_allowed", target=printable(typed.strip())[:200])

    def read(self, path: str) -> bytes:
        """The content of a file, read only if the file itself lies inside the roots.

        Raises:
            ImageError: if it is gone, is no regular file, is too large, or lies outside.
        """
        with self.opened(path) as (file, size):
            check_largest_file(size, shown_name(path))
            return file.read()

    def head(self, path: str, size: int) -> bytes:
        """The first `size` bytes of a file, or as many as it has; see `read`.

        Raises:
            ImageError: if it is gone, is no regular file, or lies outside.
        """
        with self.opened(path) as (file, _):
            return file.read(size)

    @contextmanager
    def opened(self, path: str) -> Iterator[tuple[io.FileIO, int]]:
        """A regular file inside the roots, to read, and its size in bytes.

        The resolved path is opened folder by folder from its root, following no link, so a file or
        folder that is replaced by a symbolic link at any moment cannot lead outside.

        Raises:
            ImageError: if it is gone, is no regular file, or lies outside.
        """
        name = shown_name(path)
        try:
            real = Path(os.path.realpath(path, strict=True))
        except (OSError, ValueError) as error:
            raise not_opened(error, path, name) from error
        root = next((one for one in self.folders if one in real.parents), None)
        if root is None:
            raise ImageError("image_outside", name=name)
        try:
            descriptor = _open_below(root, real.relative_to(root).parts)
        except OSError as error:
            if error.errno == errno.ELOOP:  # a part of it has become a link
                raise ImageError("image_outside", name=name) from error
            raise not_opened(error, path, name) from error
        try:
            opened = os.fstat(descriptor)
            check_regular(opened.st_mode, name)
            # Unbuffered: of a few bytes no more is read, and a whole file is read at once.
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                yield file, opened.st_size
        except OSError as error:
            raise not_opened(error, path, name) from error
        finally:
            with suppress(OSError):  # a share that went away meanwhile
                os.close(descriptor)


def _open_below(root: Path, parts: Sequence[str]) -> int:
    """A descriptor of a file below a root, no part of whose path may be a link.

    Raises:
        OSError: if it cannot be opened; ELOOP or ENOTDIR where a part has become a link.
    """
    if os.open not in os.supports_dir_fd:  # Windows, where it takes an administrator to make links
        return os.open(root.joinpath(*parts), _READ)
    folder = os.open(root, _READ | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], _READ | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def same_name(name: str, names: Iterable[str]) -> str | None:
    """The first of some names or paths that reads as this one does, in whichever Unicode form.

    Macs store é as e and an accent (NFD), keyboards give one character (NFC).
    """
    form = unicodedata.normalize("NFC", name)
    return next((one for one in names if unicodedata.normalize("NFC", one) == form), None)


def spelled(path: Path) -> Path:
    """A path as the disk spells it, where it has the names in the other Unicode form only."""
    place = Path(path.anchor)
    for part in path.parts[len(place.parts) :]:
        name: str | None = part
        if not part.isascii() and not os.path.lexists(place / part):
            try:
                name = same_name(part, sorted(os.listdir(place)))
            except OSError:
                return path
        if name is None:
            return path
        place /= name
    return place


def check_length(path: Path) -> None:
    """Check that the system can store a folder of this path, which need not be there.

    Raises:
        GalleryError: if a name in it, or all of it, is too long.
    """
    there = next((one for one in (path, *path.parents) if os.path.lexists(one)), Path(path.anchor))
    # Each part by itself, too: within a folder that is not there, the system looks at no name.
    for one in (path, *(there / part for part in path.relative_to(there).parts)):
        try:
            one.lstat()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise GalleryError("target_too_long", name=printable(one.name)[:40]) from error


def can_write(folder: Path) -> bool:
    """Whether this process may write into a folder that is there."""
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def is_left_out(name: str) -> bool:
    """Whether a file or folder is hidden or the system's own."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def printable(path: str) -> str:
    """A path as text that any terminal, JSON and page can show.

    File names on Linux are bytes; those that are no UTF-8 cannot be shown as they are.
    """
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", path)


def addressed(path: str) -> str:
    """A path as text that `meant` takes for the same file: of names that are no UTF-8, each byte
    that is not as `%FF`, and a percent sign as `%25`.
    """
    if printable(path) == path:
        return path
    return re.sub("[%\udc80-\udcff]", lambda found: f"%{ord(found[0]) & 0xFF:02X}", path)


def meant(path: str) -> str:
    """The path that `addressed` made such a text of, which may be a file's own name as well."""
    return re.sub(
        "%(25|[89A-F][0-9A-F])",
        lambda found: bytes.fromhex(found[1]).decode("ascii", "surrogateescape"),
        path,
    )
