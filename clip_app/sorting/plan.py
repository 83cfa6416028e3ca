"""The plan: which photograph goes where, as a table that a person reads, edits and hands back."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import get_args

import numpy as np

from clip_app.errors import InputError, Reason
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.scan import WHOLE, FileList
from clip_app.model.service import ModelService
from clip_app.photos import encode_batches
from clip_app.progress import Progress
from clip_app.tasks.classes import Classes
from clip_app.tasks.classify import classify_features
from clip_app.tasks.joint import Joint
from clip_app.tasks.sorting import MARGIN, THRESHOLD, Choice, Verdict, choose
from clip_app.text_files import decode_text

_COLUMNS = ("file", "class", "verdict", "best", "score", "second", "second score")
_MARK = b"\xef\xbb\xbf"

# What spreadsheets would run; "./" before a path makes it text and the same path.
_FORMULA = ("=", "+", "-", "@")


@dataclass
class Plan:
    """What becomes of the photographs of a folder.

    Attributes:
        folder: resolved.
        choices: one for each photograph, in the order of their paths.
        broken: those that cannot be read, and why.
        labels: that it was made by; empty of one that was read from a table.
    """

    folder: Path
    choices: list[Choice] = field(default_factory=list)
    broken: list[tuple[str, Reason]] = field(default_factory=list)
    labels: tuple[str, ...] = ()

    def counts(self) -> Counter[str]:
        """How many photographs go to each class."""
        return Counter(one.label for one in self.choices if one.label)

    def empty(self) -> list[str]:
        """Labels that no photograph goes to."""
        counts = self.counts()
        return [one for one in dict.fromkeys(self.labels) if not counts[one]]

    def decide(self, decisions: dict[str, str]) -> None:
        """Put in what a person decided: path to class, or to "" for staying.

        Raises:
            InputError: if the plan has no such path.
        """
        places = {one.path: number for number, one in enumerate(self.choices)}
        for path, label in decisions.items():
            if path not in places:
                raise InputError("plan_other_file", name=printable(path))
            was = self.choices[places[path]]
            self.choices[places[path]] = Choice(
                path, label, "decided", was.best, was.score, was.second, was.second_score
            )


def photographs(folder: Path, without: Path | None = None) -> list[str]:
    """Paths below a folder of its photographs, in order, less those in the folder `without`.

    Raises:
        GalleryError: if the folder cannot be listed.
    """
    with FileList() as files:
        files.fill(folder, Roots.of([folder]), WHOLE)
        found = [file.path for chunk in files.chunks() for file in chunk]
    inside = without is not None and without != folder
    return [one for one in found if not (inside and without in (folder / one).parents)]


def make_plan(
    service: ModelService,
    folder: Path,
    paths: Sequence[str],
    classes: Classes,
    *,
    threshold: float = THRESHOLD,
    margin: float = MARGIN,
    joint: Joint | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Choose a class for each photograph.

    Args:
        service: the model to ask.
        folder: resolved.
        paths: below it, see `photographs`.
        classes: what they are sorted by.
        threshold: see `clip_app.tasks.sorting.choose`.
        margin: likewise.
        joint: name them together, see `clip_app.tasks.joint`; all features are kept in memory,
            2 kB for each photograph.
        progress: called with (done, total).

    Raises:
        InputError: if `threshold`, `margin` or `joint` is none.
        ModelError: if the device fails.
    """
    for name, share in (("threshold", threshold), ("margin", margin)):
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError("share_invalid", name=name)
    plan = Plan(folder, labels=classes.names)
    kept: dict[str, np.ndarray] = {}

    def choose_kept() -> None:
        answers = classify_features(service, np.stack([*kept.values()]), classes, joint=joint)
        plan.choices += [
            choose(path, one, threshold, margin) for path, one in zip(kept, answers, strict=True)
        ]
        kept.clear()

    done = 0
    sources = (str(folder / path) for path in paths)
    with closing(encode_batches(service, sources)) as batches:
        for batch in batches:
            for photo, path in zip(batch, paths[done : done + len(batch)], strict=True):
                if photo.image_features is not None:
                    kept[path] = photo.image_features
                elif photo.error:
                    plan.broken.append((path, photo.error.reason))
            done += len(batch)
            if kept and not joint:
                choose_kept()
            if progress:
                progress(done, len(paths))
    if kept:
        choose_kept()
    return plan


def as_table(choices: Iterable[Choice]) -> bytes:
    """A plan as CSV with a byte-order mark, for spreadsheets; names keep the bytes they have."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for one in choices:
        path = f"./{one.path}" if one.path.startswith(_FORMULA) else one.path
        scores = (one.best, f"{one.score:.4f}", one.second, f"{one.second_score:.4f}")
        writer.writerow((path, one.label, one.verdict, *scores))
    return _MARK + buffer.getvalue().encode("utf-8", "surrogateescape")


def from_table(data: bytes, folder: Path, name: str) -> Plan:
    """A plan out of a table that a person may have edited: of each row, `file` and `class` count.

    Args:
        data: CSV, with commas, semicolons or tabs, as spreadsheets write it.
        folder: that the paths lie below, resolved.
        name: what to call the table in an error.

    Raises:
        InputError: if it is no such table, or a path leads out of the folder.
    """
    if data.startswith(_MARK):
        content = data.removeprefix(_MARK).decode("utf-8", "surrogateescape")
    else:
        content = decode_text(data, name)
    head = content.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    plan = Plan(folder)
    try:
        rows = list(csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InputError("plan_unreadable", name=name) from error
    if not rows or not {"file", "class"} <= rows[0].keys():
        raise InputError("plan_unreadable", name=name)
    seen = set()
    for row in rows:
        path = PurePosixPath((row["file"] or "").replace("\0", ""))
        if str(path) == ".":
            continue
        if path.is_absolute() or ".." in path.parts or str(path) in seen:
            raise InputError("plan_other_file", name=printable(str(path)))
        seen.add(str(path))
        plan.choices.append(_choice(str(path), row))
    return plan


def _choice(path: str, row: dict[str, str | None]) -> Choice:
    label = " ".join((row["class"] or "").split())
    best, second = row.get("best") or "", row.get("second") or ""
    verdict: Verdict = next((one for one in get_args(Verdict) if one == row.get("verdict")), "none")
    if label != best if verdict == "sure" else label:
        verdict = "decided"
    return Choice(
        path, label, verdict, best, _score(row, "score"), second, _score(row, "second score")
    )


def _score(row: dict[str, str | None], column: str) -> float:
    try:
        return float((row.get(column) or "").replace(",", "."))
    except ValueError:  # whatever a person made of it: only the class counts
        return 0.0
