"""A visitor's check: labelled photographs, what models make of them, and the lists it allows."""

import json
import logging
import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clip_app.errors import ClipAppError, ImageError, InputError, Reason
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.uploads import Upload
from clip_app.images import shown_name
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import parse_synonyms
from clip_app.server.evaluation_answer import evaluation_answer
from clip_app.server.evaluation_page import MOST_CLASSES, evaluation_page, unread_files
from clip_app.strings import Language
from clip_app.tasks.classify import Classification
from clip_app.tasks.concepts import Concept, key_of
from clip_app.tasks.evaluate import Evaluation, evaluate
from clip_app.tasks.labelled import (
    LabelledPhotos,
    folder_of_classes,
    labelled_folder,
    labelled_table,
    photos_below,
    with_files_of,
)
from clip_app.tasks.measures import Conformal
from clip_app.ui.desk import Desk
from clip_app.ui.downloads import write_export
from clip_app.ui.words import said_in_both

log = logging.getLogger(__name__)

_TABLES = (".csv", ".tsv", ".txt")

# Photographs of a cell that are opened; making a small copy takes some 30 ms.
_IN_CELL = 60

# Photographs without a label that are named; each is a line of the page.
_LEFT = 1000


@dataclass(frozen=True)
class Asked:
    """What a visitor wants checked.

    Attributes:
        folder: one below the configured ones; "" for what was uploaded.
        templates: as `clip_app.prompts.choose_templates` takes them.
        synonyms: as typed.
        language: of the report.
        taught: gives what a model was taught, which classes of its names are then mixed with.
    """

    folder: str
    templates: str
    synonyms: str
    language: Language
    taught: Callable[[ModelService], Sequence[Concept]] = lambda _: ()


class Check(Desk):
    """The files that were sent, and the last check.

    Attributes:
        own: the folder that the photographs of the uploads lie in.
        wanted: the number of the run that is wanted; 0 once it is stopped.
        phase: the string that says what is being done, with `model`, `done` and `total` in it.
        found: what each model made of the photographs.
        left: why files were not counted that no model was asked about.
        files: the report as HTML and as JSON.
    """

    def __init__(self) -> None:
        super().__init__()
        self.own: Path | None = None
        self.number = self.wanted = 0
        self.phase = ("check_receiving", "")
        self.progress: dict[str, Any] | None = None
        self.stopped = False
        self.error: ClipAppError | None = None
        self.found: list[Evaluation] = []
        self.left: list[Reason] = []
        self.files: tuple[str, str] | None = None
        self.choices: dict[str, Any] = {"folders": [], "models": []}
        self._result = ""
        self._received: tuple[Any, ...] = ()
        self._refused: tuple[Reason, ...] = ()
        self._passed: list[Reason] = []
        self._pictures: dict[str, str] = {}
        self._lists: dict[Hashable, Conformal] = {}

    def start(self) -> int:
        """Begin a run; returns its number."""
        self.number += 1
        self.wanted = self.number
        self.error, self.found, self.files, self._result = None, [], None, ""
        self.stopped = False
        self.phase = ("check_receiving", "")
        return self.number

    def check(
        self,
        galleries: GalleryService,
        models: Sequence[Callable[[], ModelService]],
        asked: Asked,
        told: Progress,
    ) -> None:
        """Let each model name the photographs, one after the other, and write the report.

        Args:
            galleries: of this app.
            models: give the models; each is let go before the next is asked for.
            asked: what is wanted.
            told: called with (done, total) of the present phase.

        Raises:
            InputError: if there is nothing to check, or a name fits no class.
            GalleryError: if the folder may not be read.
            ModelError: if a model cannot be loaded, or the device fails.
        """
        synonyms = parse_synonyms(asked.synonyms)
        folder, photos = self._labelled(galleries, asked.folder, told)
        refused = [] if asked.folder else self._refused
        self.left = [*refused, *self._passed, *_unlabelled(folder, photos)]
        found = []
        for model in models:
            service = model()
            name = service.info.public_name
            taught = asked.taught(service)

            def phase(key: str, name: str = name) -> Progress:
                def tell(done: int, total: int) -> None:
                    self.phase = (key, name)
                    told(done, total)

                return tell

            one = evaluate(
                service,
                photos,
                templates=asked.templates,
                concepts=taught,
                synonyms=synonyms,
                progress=phase("check_reading"),
                reading=phase("check_naming"),
            )
            found.append(one)
            if one.conformal is not None:
                known = _classifier(one.fingerprint, one.names, asked.templates, taught)
                self._lists[known] = one.conformal
        self.phase = ("check_writing", "")
        told(0, 1)
        answers = [evaluation_answer(one, folder) for one in found]
        report = json.dumps({"evaluations": answers}, ensure_ascii=False, indent=1)
        self.files = (
            write_export(
                "evaluation.html", evaluation_page(found, folder, asked.language, self.left)
            ),
            write_export("evaluation.json", report),
        )
        shown = [self._shown(folder, *pair) for pair in zip(found, answers, strict=True)]
        self._result = json.dumps(shown, ensure_ascii=False)
        self.found = found

    def listed(
        self,
        service: ModelService,
        answer: Classification,
        templates: str,
        concepts: Sequence[Concept] = (),
    ) -> list[str] | None:
        """The labels of which one is right as often as was wanted; None where that is not known.

        It is known where these labels were checked, by the same model, templates and examples.
        """
        names = [one.label for one in answer.results]
        fingerprint = service.info.fingerprint
        lists = self._lists.get(_classifier(fingerprint, names, templates, concepts))
        if lists is None or answer.independent:
            return None
        best, *rest = answer.results
        return [best.label, *(one.label for one in rest if one.score >= lists.threshold)]

    def opened(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The photographs of one cell: {"model", "label", "named", "photos", "more"}."""
        model, label, named = (int(sent[key]) for key in ("model", "label", "named"))
        if not 0 <= model < len(self.found):
            return {}
        one = self.found[model]
        places = one.cell(label, named)
        photos = [self._photo(one, place) for place in places[:_IN_CELL]]
        more = len(places) - len(photos)
        return {"model": model, "label": label, "named": named, "photos": photos, "more": more}

    def state(self) -> dict[str, Any]:
        """What the page's script shows."""
        return {
            "files": [shown_name(name=one.name) for one in self.uploads],
            "bytes": sum(one.path.stat().st_size for one in self.uploads if one.path.exists()),
            **self.choices,
            "progress": self.progress,
            "stopped": self.stopped,
            "error": said_in_both(self.error) if self.error else None,
            "number": self.number,
            "result": self._result,
        }

    def _labelled(
        self, galleries: GalleryService, chosen: str, told: Progress
    ) -> tuple[Path, LabelledPhotos]:
        """The folder, and its photographs that a visitor may reach."""
        tables = [one for one in self.uploads if one.name.lower().endswith(_TABLES)]
        if chosen:
            roots = galleries.roots
            folder = roots.resolve(chosen)
        else:
            folder = self._taken_in(galleries, told)
            roots = galleries.roots_of(folder)
        self._passed = []
        meant = [one for one in tables if "/" not in one.name]
        if meant:
            return folder, _told_by(meant[-1], folder, roots)
        # One that came with a folder counts only if it tells of photographs: notes may lie there.
        for one in reversed(tables):
            try:
                photos = _told_by(one, folder, roots)
            except InputError as error:
                self._passed.append(error.reason)
                continue
            if any(map(os.path.exists, photos.paths)):
                return folder, photos
            name = shown_name(name=one.name)
            self._passed.append(Reason("labels_file_unreadable", {"name": name}))
        try:
            return folder, _within(labelled_folder(folder_of_classes(folder)), roots)
        except InputError as error:
            raise InputError("check_no_classes") from error

    def _taken_in(self, galleries: GalleryService, told: Progress) -> Path:
        """The folder of what was sent, unpacked."""
        files = [one for one in self.uploads if not one.name.lower().endswith(_TABLES)]
        if not files:
            raise InputError("check_nothing")
        if self.own is None or self._received != tuple(files):
            if self.own is not None:
                galleries.uploads.remove(self.own)
            self._received = self._refused = ()
            self.own = galleries.uploads.new_folder()
            received = galleries.uploads.receive(files, self.own, progress=told)
            self._refused = received.refused
            self._received = tuple(files)
        return self.own

    def _shown(self, folder: Path, one: Evaluation, answer: dict[str, Any]) -> dict[str, Any]:
        """The JSON answer, with what is shown of the matrix, and with small pictures."""
        shown = one.most_confused(MOST_CLASSES)
        matrix = one.confusion[shown][:, shown].tolist()
        told = {key: value for key, value in answer.items() if key != "confusion"}
        for key, findings in (("worst", one.worst), ("likely_mislabelled", one.doubtful)):
            told[key] = [
                {**said, "photo": self._photo(one, finding.photo)}
                for said, finding in zip(told[key], findings, strict=True)
            ]
        unread = [said_in_both(why) for why in (*self.left, *unread_files(one, folder))]
        return told | {"shown": shown, "matrix": matrix, "unread": unread}

    def _photo(self, one: Evaluation, place: int) -> list[str]:
        """[name, picture]; the picture is "" where it is gone meanwhile."""
        path = one.paths[place]
        if path not in self._pictures:
            try:
                self._pictures[path] = self.picture(path)
            except ImageError as error:
                log.info("No picture: %s", error)
                self._pictures[path] = ""
        return [printable(os.path.basename(path)), self._pictures[path]]


def _classifier(
    fingerprint: str, names: Sequence[str], templates: str, concepts: Sequence[Concept]
) -> Hashable:
    """What figures are of: a model, its classes, and what these were made of."""
    keys = frozenset(map(key_of, names))
    used = frozenset(one.direction.tobytes() for one in concepts if key_of(one.name) in keys)
    return fingerprint, keys, templates, used


def _unlabelled(folder: Path, photos: LabelledPhotos) -> list[Reason]:
    """Photographs of the folder that are none of these."""
    known = set(photos.paths)
    left = [path for path in photos_below(folder) if os.path.realpath(path) not in known]
    return [
        Reason("check_unlabelled", {"name": printable(os.path.relpath(path, folder))})
        for path in left[:_LEFT]
    ]


def _told_by(table: Upload, folder: Path, roots: Roots) -> LabelledPhotos:
    """The photographs of a folder that a table labels."""
    labelled = labelled_table(table.path.read_bytes(), shown_name(name=table.name), folder)
    return _within(with_files_of(labelled, folder), roots)


def _within(photos: LabelledPhotos, roots: Roots) -> LabelledPhotos:
    """Those that lie inside the roots once links are followed."""
    real = [os.path.realpath(path) for path in photos.paths]
    kept = [place for place, path in enumerate(real) if roots.contains(path)]
    if not kept:
        raise InputError("check_no_classes")
    return replace(
        photos,
        paths=tuple(real[place] for place in kept),
        right=tuple(photos.right[place] for place in kept),
    )
