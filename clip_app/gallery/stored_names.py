"""What a visitor's file is called on the disk: plain names that every system can store."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from clip_app.gallery.roots import is_left_out

# A name may take 255 bytes on Linux and macOS; the rest is for a number that tells equals apart.
_LONGEST_NAME = 240

# Names that Windows keeps for devices, whatever their ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class FreeNames:
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

    def rename(self, file: Path, ending: str) -> Path:
        """Give a file another ending; returns where it is then.

        Raises:
            OSError: if the disk refuses.
        """
        wanted = file.with_name(file.name + ending)
        return file.rename(self._numbered(wanted, Path.exists, count=True))

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


def parts_of(name: str) -> list[str]:
    """The folders and the file of a path in an archive, without what would lead elsewhere."""
    path = PurePosixPath(name.partition("\0")[0].replace("\\", "/"))
    return [part for part in path.parts if part not in ("/", "..")]


def is_hidden(name: str) -> bool:
    """Whether a path in an archive leads to a hidden file, or into a hidden or system folder."""
    # As it is called and as it would be stored, where the indexer would not see it.
    return any(is_left_out(part) or is_left_out(safe_name(part)) for part in parts_of(name))


def safe_name(part: str) -> str:
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
