"""Sorting, tagging and undoing for Python: `sort`, `tag`, `undo`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clip_app.errors import GalleryError, InputError, Reason
from clip_app.gallery.roots import check_length, printable
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.sorting.folders import steps_into_folders
from clip_app.sorting.history import journal_name
from clip_app.sorting.journal import Report, carry_out, create, read, take_back
from clip_app.sorting.plan import Plan, make_plan, photographs
from clip_app.sorting.sidecars import steps_of_tags
from clip_app.sorting.steps import How, Step
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.concepts import Concept

_WAYS = ("copy", "move", "hardlink", "symlink")


@dataclass(frozen=True)
class Sorted:
    """A plan and, if it was carried out, what came of it.

    Attributes:
        plan: which photograph goes where; `plan.choices`, `plan.counts()`.
        done: files that were copied, moved, linked or written.
        left: the file of each other one, and why.
        journal: the undo file; None if nothing was done.
    """

    plan: Plan
    done: int = 0
    left: list[tuple[str, Reason]] = field(default_factory=list)
    journal: Path | None = None


def sort(
    model: ModelService,
    folder: str | os.PathLike[str],
    labels: str | Sequence[str],
    to: str | os.PathLike[str],
    *,
    how: How = "copy",
    do: bool = False,
    **options: Any,
) -> Sorted:
    """Photographs into a folder a label below `to`; a plan only, unless `do`.

    Args:
        model: what `load_model` returned.
        folder: where the photographs lie.
        labels: as for `classify`.
        to: where the folders are made; it may lie in `folder`, and is left out then.
        how: `copy`, `move`, `hardlink` or `symlink`.
        do: carry the plan out.
        options: `templates`, `concepts`, `threshold`, `margin`, `joint`, `progress`, see
            `clip_app.sorting.plan.make_plan`; `decisions`, from paths below the folder to labels,
            "" for staying; `journal`, where to put the undo file, in `to` by default.

    Raises:
        InputError: if there are no labels, an option is unknown, or a decision is about no
            photograph of the folder.
        GalleryError: if there is no such folder, or the target's path is too long.
        StorageError: if the undo file cannot be written; then nothing was done.
        ModelError: if the device fails.
    """
    if how not in _WAYS:
        raise InputError("choice_unknown", name="how", choices=", ".join(_WAYS), given=how)
    target = Path(to).expanduser().resolve()
    check_length(target)
    file = options.pop("journal", None) or target / journal_name()
    plan = _plan(model, folder, labels, target, **options)
    return _done(plan, *steps_into_folders(plan, target, how), file if do else None)


def tag(
    model: ModelService,
    folder: str | os.PathLike[str],
    labels: str | Sequence[str],
    *,
    stem: bool = False,
    do: bool = False,
    **options: Any,
) -> Sorted:
    """The labels of photographs into XMP sidecars beside them; a plan only, unless `do`.

    Args:
        model, folder, labels, do, options: as for `sort`; the undo file lies in the folder.
        stem: name sidecars `photo.xmp`, as Lightroom does, not `photo.jpg.xmp`.

    Raises:
        ClipAppError: as `sort`.
    """
    file = options.pop("journal", None) or _folder(folder) / journal_name()
    plan = _plan(model, folder, labels, None, **options)
    return _done(plan, *steps_of_tags(plan, stem=stem), file if do else None)


def undo(
    journal: str | os.PathLike[str], *, resume: bool = False, progress: Progress | None = None
) -> Report:
    """Bring back what `sort` and `tag` did; or, with `resume`, do the rest of a run that ended.

    Args:
        journal: the undo file.
        resume: go on instead.
        progress: called with (done, total).

    Raises:
        InputError: if it is no undo file, or somebody is at it already.
    """
    act = carry_out if resume else take_back
    return act(read(Path(journal).expanduser()), progress)


def _folder(folder: str | os.PathLike[str]) -> Path:
    place = Path(folder).expanduser().resolve()
    if not os.path.isdir(place):
        raise GalleryError("folder_missing", folder=printable(os.fspath(folder)))
    return place


def _plan(
    model: ModelService,
    folder: str | os.PathLike[str],
    labels: str | Sequence[str],
    without: Path | None,
    *,
    templates: str | None = "auto",
    concepts: Iterable[Concept] = (),
    decisions: Mapping[str, str] | None = None,
    **how: Any,
) -> Plan:
    place = _folder(folder)
    classes = classes_from_labels(model, labels, templates, concepts=concepts)
    plan = make_plan(model, place, photographs(place, without), classes, **how)
    plan.decide(dict(decisions or {}))
    return plan


def _done(
    plan: Plan,
    steps: Sequence[Step],
    missing: list[tuple[str, Reason]],
    file: str | os.PathLike[str] | None,
) -> Sorted:
    left = [*plan.broken, *missing]
    if file is None or not steps:
        return Sorted(plan, left=left)
    journal = create(Path(file).expanduser().absolute(), steps)
    report = carry_out(journal)
    return Sorted(plan, report.done, [*left, *report.failed], journal.path)
