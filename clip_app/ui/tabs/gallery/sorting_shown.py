"""What the page's script shows of a plan, of what was done, and of what undoing would do."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clip_app.errors import Reason
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.roots import Roots, printable
from clip_app.images.keywords import SIDECAR
from clip_app.sorting.folders import class_folders
from clip_app.sorting.history import Past
from clip_app.sorting.indexed import Indexed, sample
from clip_app.sorting.journal import Journal, Report
from clip_app.sorting.steps import looks_done
from clip_app.ui.tabs.gallery.status import in_both
from clip_app.ui.words import Both, said_in_both

# Classes with a strip of photographs, and how many each; the counts are of all.
_CLASSES = 40
_STRIP = 8

# Labels that a doubtful photograph can be given besides its best two.
_OFFERED = 200

_NAMED = 20


def plan_of(galleries: GalleryService, found: Indexed, roots: Roots, doubts: int) -> dict[str, Any]:
    """A plan: its classes with counts and thumbnails, and the first `doubts` doubtful ones.

    Raises:
        StorageError: if a thumbnail cannot be written.
    """
    choices = found.plan.choices
    counts = found.plan.counts()
    folders = class_folders(found.plan)
    classes: list[dict[str, Any]] = [
        {"label": label, "count": number, "folder": folders[label]}
        for label, number in counts.most_common()
    ]
    none = sum(one.verdict == "none" for one in choices)
    if none:
        classes.append({"label": "", "count": none, "folder": ""})
    for one in classes[:_CLASSES]:
        hits = sample(found, str(one["label"]), _STRIP)
        one["strip"] = [str(path) for path in galleries.pictures.thumbnails(hits, roots)]
    doubtful = [number for number, one in enumerate(choices) if one.verdict == "doubtful"]
    shown = [
        (number, choices[number], hit)
        for number in doubtful[:doubts]
        if (hit := found.hit(choices[number].path))
    ]
    pictures = galleries.pictures.thumbnails([hit for *_, hit in shown], roots)
    rows = [
        {
            "place": number,
            "name": printable(one.path),
            "picture": str(picture),
            "none": one.maybe_none,
            "best": [[one.best, one.score], [one.second, one.second_score]][: 1 + bool(one.second)],
        }
        for (number, one, _), picture in zip(shown, pictures, strict=True)
    ]
    return {
        "classes": classes,
        "empty": ", ".join(found.plan.empty()[:_OFFERED]),
        # As one string: Gradio watches every value inside of lists in the browser.
        "doubtful": json.dumps(rows),
        "doubts": len(doubtful),
        "labels": found.labels[:_OFFERED],
        "going": sum(counts.values()),
        "broken": len(found.plan.broken),
    }


def past_of(galleries: GalleryService, runs: Sequence[Past]) -> list[dict[str, Any]]:
    """Earlier runs as the script lists them."""
    return [
        {
            "name": one.name,
            "when": one.when,
            "how": one.how,
            "files": one.files,
            "source": _public(galleries, one.source),
            "target": _public(galleries, one.target),
        }
        for one in runs
    ]


def about_undo(galleries: GalleryService, journal: Journal) -> dict[str, Any]:
    """What undoing a run would do, its last steps first, as it would be done."""
    kinds = {"move": "move", "write": "write"}
    return {
        "name": journal.path.name,
        "number": len(journal.steps),
        "rest": not all(map(looks_done, journal.steps)),
        "steps": [
            {
                "how": "gone"
                if step.before is None and step.how == "write"
                else kinds.get(step.how, "gone"),
                "source": _public(galleries, Path(step.source)),
                "target": _public(galleries, Path(step.target)),
            }
            for step in journal.steps[: -_NAMED - 1 : -1]
        ],
    }


def report_of(
    report: Report, missing: Sequence[tuple[str, Reason]], done: Both
) -> dict[str, list[Both]]:
    """What was done, and what was left with why, as sentences."""
    failed = [*missing, *report.failed]
    notices = []
    if failed:
        notices = [in_both("sorting_left", number=f"{len(failed):,}")]
        notices += [said_in_both(reason) for _, reason in failed[:_NAMED]]
    return {"said": [done], "notices": notices}


def carried_out(galleries: GalleryService, journal: Journal, report: Report) -> Both:
    """How many photographs a run has brought where; sidecars are not counted."""
    if report.changed_nothing:
        return in_both("sort_done_before")
    failed = {source for source, _ in report.failed}
    photos = [
        step
        for step in journal.steps
        if step.source not in failed and not step.source.lower().endswith(SIDECAR)
    ]
    how = journal.steps[0].how
    # The last folder is the class's.
    folder = _public(galleries, Path(journal.steps[0].target).parent.parent)
    return in_both(f"sorting_done_{how}", number=len(photos), folder=folder)


def taken_back(report: Report) -> Both:
    """How many files are as they were before a run."""
    if report.changed_nothing:
        return in_both("sort_undone_before")
    return in_both("sorting_undone", number=f"{report.done:,}")


def _public(galleries: GalleryService, path: Path) -> str:
    """A file's path from its root on."""
    return printable(galleries.path_of(str(path)))
