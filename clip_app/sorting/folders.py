"""From a plan to steps: one folder a class, with names that every system can store."""

import os
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from clip_app.errors import InputError, Reason
from clip_app.gallery.roots import is_left_out, printable
from clip_app.gallery.stored_names import safe_name
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


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def steps_into_folders(
    plan: Plan, target: Path, how: How
) -> tuple[list[Step], list[tuple[str, Reason]]]:
    """What brings each photograph that has a class into that class's folder below `target`.

    Args:
        plan: whose photographs must lie in its folder, through no link.
        target: a folder, resolved; it need not be there.
        how: `move`, `copy`, `hardlink` or `symlink`.

    Returns:
        The steps, and the photographs that are not there (any more) with why; what lies in its
        place already is in neither.

    Raises:
        InputError: if a folder of a class is a link or a file.
    """
    names = folder_names(one.label for one in plan.choices if one.label)
    for name in names.values():
        place = target / name
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise InputError("sort_folder_taken", folder=printable(name))
    free = _Free(target)
    steps: list[Step] = []
    missing: list[tuple[str, Reason]] = []
    for one in plan.choices:
        if not one.label:
            continue
        source = plan.folder / one.path
        found = regular_file(source, plan.folder)
        if found is None:
            missing.append((one.path, Reason("step_missing", {"name": printable(source.name)})))
        elif source.parent != target / names[one.label]:
            step = Step(how, str(source), "", found.st_size, found.st_mtime_ns)
            if named := free.named(step, names[one.label]):
                steps.append(named)
    return steps, missing


def regular_file(path: Path, folder: Path) -> os.stat_result | None:
    """What the system knows of a file that lies in a folder by itself; None of links and others."""
    try:
        found = path.lstat()
        inside = folder in path.parent.resolve().parents or path.parent.resolve() == folder
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) and inside else None


class _Free:
    """Names that are free on the disk and among those given out, whatever the case."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._taken: dict[str, set[str]] = {}
        self._by_size: dict[str, dict[int, list[str]]] = {}
        self._next: dict[tuple[str, str], int] = {}

    def named(self, step: Step, folder: str) -> Step | None:
        """The step with a target in `target/folder`, as near to its name as may be; None if what
        it would make is there, by any name, so that a second run makes nothing twice.
        """
        if folder not in self._taken:
            self._look_into(folder)
        place = self._target / folder
        size = len(os.fsencode(step.source)) if step.how == "symlink" else step.size
        for there in self._by_size[folder].get(size, ()):
            if is_done(replace(step, target=str(place / there))):
                return None
        taken = self._taken[folder]
        name = free = Path(step.source).name
        number = self._next.get((folder, name), 1)
        while _folded(free) in taken:
            number += 1
            free = f"{number}-{name}"
        self._next[folder, name] = number
        taken.add(_folded(free))
        return replace(step, target=str(place / free))

    def _look_into(self, folder: str) -> None:
        place = self._target / folder
        self._taken[folder] = set()
        sizes = self._by_size[folder] = {}
        if place.is_dir():
            with os.scandir(place) as entries:
                for entry in entries:
                    self._taken[folder].add(_folded(entry.name))
                    size = entry.stat(follow_symlinks=False).st_size
                    sizes.setdefault(size, []).append(entry.name)
