"""A visitor's batch: its photographs, what became of each, what the visitor has corrected."""

import csv
import io
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from clip_app.errors import ClipAppError, ImageError, InputError, Reason
from clip_app.gallery.packing import Loose, Packed, zip_of_files
from clip_app.gallery.uploads import Upload
from clip_app.images import shown_name
from clip_app.model.service import ModelService
from clip_app.server.answers import classification_answer
from clip_app.sorting.folders import folder_names
from clip_app.strings import Language, text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.concepts import Concept
from clip_app.ui.desk import Desk
from clip_app.ui.downloads import no_formula
from clip_app.ui.words import said_in_both

#: What a correction to "none fits" is called in the files, as is their column.
NONE_FITS = "none_fits"

# Seconds between two states that are shown; more where the page takes longer to take one in.
_SHOW_EVERY = 0.5
_SHARE_OF_SHOWING = 4

# Scores that go to the page with each photograph; the files have all.
_SCORES_SHOWN = 20


@dataclass(frozen=True)
class Row:
    """One photograph.

    Attributes:
        source: the photograph itself.
        picture: the path of a small copy.
        answer: what the API says of it.
        corrected: the label that the visitor moved it to, or `NONE_FITS`.
    """

    source: Path
    picture: str
    answer: dict[str, Any]
    corrected: str | None = None


@dataclass
class Run:
    """One classification of all photographs; `state` is running, done or stopped.

    `asked` is what the page's fields held, by which its script sees that they hold something else.
    """

    number: int
    labels: dict[str, int]
    uploads: tuple[Upload, ...]
    asked: Sequence[object] = ()
    rows: list[Row] = field(default_factory=list)
    shown_rows: list[str] = field(default_factory=list)
    broken: list[Reason] = field(default_factory=list)
    state: str = "running"
    seconds: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def add(self, row: Row) -> None:
        """Append what became of one photograph."""
        self.rows.append(row)
        self.shown_rows.append(self._shown_row(row))

    def correct(self, number: int, label: str | None) -> None:
        """Move a photograph to a label, to `NONE_FITS`, or back (None)."""
        self.rows[number] = replace(self.rows[number], corrected=label)
        self.shown_rows[number] = self._shown_row(self.rows[number])

    def answer_again(self, answers: Sequence[dict[str, Any]]) -> None:
        """Put other answers in the place of those that are there; corrections stay."""
        self.rows = [
            replace(row, answer=answer) for row, answer in zip(self.rows, answers, strict=True)
        ]
        self.shown_rows = [self._shown_row(row) for row in self.rows]

    def shown(self) -> dict[str, Any]:
        """What the page's script shows of it.

        Rows are JSON each: Gradio watches every value inside of lists in the browser, which took
        0.1 s an update for 500 photographs.
        """
        return {
            "number": self.number,
            "state": self.state,
            "total": len(self.uploads),
            "seconds": round(self.seconds, 2),
            "labels": json.dumps(list(self.labels)),
            "asked": list(self.asked),
            "rows": list(self.shown_rows),
            "broken": [said_in_both(one) for one in self.broken],
        }

    def _shown_row(self, row: Row) -> str:
        """[name, picture, the verdict, best scores as [label, score, cosine], corrected].

        Labels are positions among those asked for; -1 is that none fits.
        """
        best = [
            [self.labels[one["label"]], _short(one["score"]), round(one["similarity"], 4)]
            for one in row.answer["results"][:_SCORES_SHOWN]
        ]
        corrected = None if row.corrected is None else self.labels.get(row.corrected, -1)
        shown = [row.answer["image"], row.picture, row.answer["verdict"], best, corrected]
        return json.dumps(shown)


def _short(score: float) -> float:
    """Rounded, where that does not make it 0 or 1: the page says so of nothing else."""
    short = round(score, 5)
    return score if short in (0, 1) else short


class Batch(Desk):
    """The photographs and the last run over them."""

    def __init__(self) -> None:
        super().__init__()
        self.run: Run | None = None
        self.error: ClipAppError | Reason | None = None
        #: An archive that was asked for, until the script has been told of it.
        self.file = ""

    def classify(
        self,
        service: ModelService,
        labels: str | Sequence[str],
        templates: str | None,
        *,
        independent: bool,
        concepts: Sequence[Concept] = (),
        together: bool = False,
        asked: Sequence[object] = (),
    ) -> Iterator[None]:
        """Classify all photographs; yields whenever there is more to be shown.

        Those that are named together are first shown as each is by itself, while they come in.
        `asked` is kept with the run.

        Raises:
            ImageError: if there is no photograph.
            InputError: if there are no labels, too many, or a template has no place for one; or if
                labels are to be scored by themselves and photographs named together.
            ModelError: if the device fails; what was done until then stays.
        """
        if not self.uploads:
            raise ImageError("image_missing")
        if independent and together:
            raise InputError("joint_independent")
        if self.run:
            self.run.stop.set()
        number = self.run.number + 1 if self.run else 1
        classes = classes_from_labels(service, labels, templates, concepts=concepts)
        positions = {name: i for i, name in enumerate(classes.names)}
        run = self.run = Run(number, positions, tuple(self.uploads), asked)
        began = due = time.monotonic()
        seen: list[np.ndarray] = []
        names = told_apart([shown_name(name=one.name) for one in run.uploads])
        try:
            with closing(self.encoded(service)) as photos:
                for upload, name, photo in zip(run.uploads, names, photos, strict=True):
                    if photo.error is not None:
                        run.broken.append(photo.error.reason.about(name))
                    elif photo.image_features is not None:
                        features = photo.image_features[None]
                        answer = classify_features(
                            service, features, classes, independent=independent
                        )[0]
                        said = classification_answer(name, service, answer)
                        run.add(Row(upload.path, photo.kept, said))
                        if together:
                            seen.append(photo.image_features)
                    shown = time.monotonic()
                    run.seconds = shown - began
                    if run.stop.is_set():
                        break
                    if shown >= due:
                        yield
                        now = time.monotonic()
                        due = now + max(_SHOW_EVERY, _SHARE_OF_SHOWING * (now - shown))
            if seen:
                answers = classify_features(service, np.stack(seen), classes, joint="transclip")
                run.answer_again(
                    [
                        classification_answer(row.answer["image"], service, answer)
                        for row, answer in zip(run.rows, answers, strict=True)
                    ]
                )
        finally:
            done = len(run.rows) + len(run.broken)
            run.state = "done" if done == len(run.uploads) else "stopped"

    def shown(self) -> dict[str, Any]:
        """What the page's script shows: the photographs, the run, and what went wrong.

        `changed` says that there are other photographs now than the run has seen.
        """
        run = self.run
        return {
            "photos": super().shown(),
            "run": run.shown() if run else None,
            "changed": run is not None and tuple(self.uploads) != run.uploads,
            "error": said_in_both(self.error) if self.error else None,
            "file": self.file,
        }


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, equal ones numbered: `a.jpg`, `a (2).jpg`."""
    told: list[str] = []
    taken = set(names)
    seen: set[str] = set()
    for name in names:
        path, number, one = PurePath(name), 1, name
        while one in seen or (number > 1 and one in taken):
            number += 1
            one = f"{path.stem} ({number}){path.suffix}"
        seen.add(one)
        told.append(one)
    return told


def as_csv(run: Run) -> str:
    """A line for each photograph and label, the best label first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("image", "label", "score", "similarity", "none_fits", "corrected", "verdict"))
    for row in run.rows:
        for one in row.answer["results"]:
            writer.writerow(
                (
                    no_formula(row.answer["image"]),
                    no_formula(one["label"]),
                    f"{one['score']:.6f}",
                    f"{one['similarity']:.6f}",
                    row.answer["none_fits"],
                    no_formula(row.corrected or ""),
                    row.answer["verdict"],
                )
            )
    return buffer.getvalue()


def as_json(run: Run) -> str:
    """What the API answers for each photograph, and `corrected`: a label, `NONE_FITS` or null."""
    answers = [row.answer | {"corrected": row.corrected} for row in run.rows]
    return json.dumps(answers, ensure_ascii=False, indent=1)


def as_zip(run: Run, path: Path, language: Language) -> Packed:
    """The photographs, by the names they came with, in a folder a label: where they were corrected
    to, else what they were taken for; "unsure" and "none" have folders of their own.

    Raises:
        InputError, StorageError: as `zip_of_files`.
    """
    # No label ends in a space, so these two are no label's, whatever that is called.
    none, unsure = (f"{text(key, language)} " for key in ("batch_nothing", "batch_unsure_folder"))
    by_verdict = {"none": none, "unsure": unsure}
    folders = folder_names((*run.labels, none, unsure))

    def folder(row: Row) -> str:
        if row.corrected is not None:
            return folders[row.corrected if row.corrected in run.labels else none]
        best = row.answer["results"][0]["label"]
        return folders[by_verdict.get(row.answer["verdict"], best)]

    return zip_of_files(
        [Loose(one.source, one.answer["image"], folder(one)) for one in run.rows], path
    )
