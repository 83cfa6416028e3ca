"""From a plan to steps: one folder a class, with names that every system can store."""

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from clip_app.errors import InputError, Reason
from clip_app.gallery.roots import check_length, is_left_out, printable
from clip_app.gallery.stored_names import safe_name
from clip_app.images.keywords import SIDECAR, sidecars_of
from clip_app.sorting.plan import Plan
from clip_app.sorting.steps import How, Step, is_done

# A folder's name is a label; the rest of 255 bytes is for the number that tells equals apart.
_LONGEST_BYTES = 200


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """A folder for each label: storable on any system, not hidden, each another one.

    Two names that differ in case, width or Unicode form only are one on some disks, so the second
    gets a number.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in dict.fromkeys(labels):
        plain = safe_name(unicodedata.normalize("NFC", " ".join(label.split())))
        plain = plain.encode()[:_LONGEST_BYTES].decode(errors="ignore").rstrip(". ")
        if is_left_out(plain):
            plain = f"_{plain}"
        name, number = plain, 1
        while _folded(name) in taken:
            number += 1
            name = f"{plain} ({number})"
        taken.add(_folded(name))
        names[label] = name
    return names


def class_folders(plan: Plan) -> dict[str, str]:
    """The folder of each class that photographs of a plan go to."""
    return folder_names(one.label for one in plan.choices if one.label)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def steps_into_folders(
    plan: Plan, target: Path, how: How
) -> tuple[list[Step], list[tuple[str, Reason]]]:
    """What brings each photograph that has a class into that class's folder below `target`, and its
    sidecars with it. One that a file which stays shares with it is copied.

    Args:
        plan: whose photographs must lie in its folder, through no link.
        target: a folder, resolved; it need not be there.
        how: `move`, `copy`, `hardlink` or `symlink`.

    Returns:
        The steps, and the photographs that are not there (any more) with why; what lies in its
        place already is in neither.

    Raises:
        InputError: if a folder of a class is a link or a file.
        GalleryError: if the path of one is too long.
    """
    names = class_folders(plan)
    for name in names.values():
        place = target / name
        check_length(place)
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise InputError("sort_folder_taken", folder=printable(name))
    groups: dict[tuple[str, Path, str], list[Path]] = {}
    missing: list[tuple[str, Reason]] = []
    for one in plan.choices:
        if not one.label:
            continue
        source = plan.folder / one.path
        if regular_file(source, plan.folder) is None:
            missing.append((one.path, Reason("step_missing", {"name": printable(source.name)})))
        elif source.parent != target / names[one.label]:
            shared = _regular(sidecars_of(source)[1])
            key = names[one.label], source.parent, source.stem if shared else source.name
            groups.setdefault(key, []).append(source)
    free = _Free(target)
    stems = _Stems()
    steps = []
    for (name, parent, stem), photos in groups.items():
        alone = how != "move" or stems.count(parent, stem) == len(photos)
        steps += free.steps(photos, how, name, how if alone else "copy")
    return steps, missing


def regular_file(path: Path, folder: Path) -> os.stat_result | None:
    """What the system knows of a file that lies in a folder by itself; None of links and others."""
    try:
        found = path.lstat()
        inside = folder in path.parent.resolve().parents or path.parent.resolve() == folder
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) and inside else None


def _regular(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


class _Stems:
    """How many files share a sidecar such as `photo.xmp`: a raw file that stays needs it, too."""

    def __init__(self) -> None:
        self._known: dict[Path, Counter[str]] = {}

    def count(self, folder: Path, stem: str) -> int:
        if folder not in self._known:
            files = (Path(one) for one in os.listdir(folder))
            self._known[folder] = Counter(
                one.stem for one in files if one.suffix.lower() != SIDECAR
            )
        return self._known[folder][stem]


class _Free:
    """Names that are free on the disk and among those given out, whatever the case."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._taken: dict[str, set[str]] = {}
        self._stems: dict[str, set[str]] = {}
        self._by_size: dict[str, dict[int, list[str]]] = {}
        self._next: dict[tuple[str, str], int] = {}

    def steps(self, photos: Sequence[Path], how: How, folder: str, shared: How) -> list[Step]:
        """What brings photographs and their sidecars into `target/folder`, by names as near to
        their own as may be, and the same number for what belongs together.

        A photograph that is there, by any name, is not made twice, nor are its sidecars.

        Args:
            photos: one; or those that share a sidecar `photo.xmp`.
            how: as in `steps_into_folders`.
            folder: the class's.
            shared: how that sidecar gets there.
        """
        if folder not in self._taken:
            self._look_into(folder)
        wanted: dict[str, Step] = {}
        for photo in photos:
            step = _step(how, photo)
            if step is None or self._is_there(step, folder):
                continue
            wanted[photo.name] = step
            full, stem = sidecars_of(photo)
            if sidecar := _step(how, full):
                wanted[full.name] = sidecar
            if sidecar := _step(shared, stem):
                wanted[stem.name] = sidecar
        if not wanted:
            return []
        start = self._next.get((folder, photos[0].name), 1)
        number = next(one for one in count(start) if self._fits(wanted, folder, one))
        self._next[folder, photos[0].name] = number
        named = {_numbered(name, number): step for name, step in wanted.items()}
        self._take(folder, named)
        place = self._target / folder
        return [replace(step, target=str(place / name)) for name, step in named.items()]

    def _fits(self, wanted: Iterable[str], folder: str, number: int) -> bool:
        """Whether the names are free with this number, and nobody's sidecar would become theirs,
        nor theirs somebody's.
        """
        taken, stems = self._taken[folder], self._stems[folder]
        for name in wanted:
            path = Path(_numbered(name, number))
            if _folded(path.name) in taken:
                return False
            if path.suffix == SIDECAR:
                if _folded(path.stem) in stems:
                    return False
            elif any(_folded(one.name) in taken for one in sidecars_of(path)):
                return False
        return True

    def _take(self, folder: str, names: Iterable[str]) -> None:
        for name in names:
            self._taken[folder].add(_folded(name))
            if not _folded(name).endswith(SIDECAR):
                self._stems[folder].add(_folded(Path(name).stem))

    def _is_there(self, step: Step, folder: str) -> bool:
        size = len(os.fsencode(step.source)) if step.how == "symlink" else step.size
        place = self._target / folder
        return any(
            is_done(replace(step, target=str(place / there)))
            for there in self._by_size[folder].get(size, ())
        )

    def _look_into(self, folder: str) -> None:
        place = self._target / folder
        self._taken[folder], self._stems[folder] = set(), set()
        sizes = self._by_size[folder] = {}
        if place.is_dir():
            with os.scandir(place) as entries:
                for entry in entries:
                    self._take(folder, (entry.name,))
                    size = entry.stat(follow_symlinks=False).st_size
                    sizes.setdefault(size, []).append(entry.name)


def _step(how: How, source: Path) -> Step | None:
    """A step without a target yet; None of what is no regular file."""
    found = _regular(source)
    return found and Step(how, str(source), "", found.st_size, found.st_mtime_ns)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{number}-{name}"
