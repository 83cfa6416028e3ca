"""Checking labels on photographs whose labels are known: how often right, where wrong, how sure."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from clip_app.errors import InputError, Reason
from clip_app.model.service import ModelService
from clip_app.photos import encode_files
from clip_app.progress import Progress
from clip_app.prompts import TEMPLATE_SETS, language_of_texts
from clip_app.scoring import similarities, softmax_scores
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.concepts import Concept
from clip_app.tasks.labelled import LabelledPhotos, labelled_folder
from clip_app.tasks.measures import (
    Calibration,
    Conformal,
    Share,
    calibrated,
    conformal,
    halves,
    share,
)
from clip_app.tasks.names import NamesCompared, compare_names, names_by_class

# Photographs that are named as worst, and as likely mislabelled.
_MOST_NAMED = 24

# With fewer photographs nothing is said of calibration, nor of lists that hold the right label.
_FEWEST = 30
_FEWEST_FOR_LISTS = 100

# A label is doubted by so many nearest photographs of either label.
_NEIGHBOURS = 3


@dataclass(frozen=True)
class ClassFigures:
    """One class: how many of its photographs are named rightly, and how many so named are its."""

    name: str
    recall: Share
    precision: Share


@dataclass(frozen=True)
class Finding:
    """A photograph that was named otherwise than it is labelled.

    Attributes:
        photo: its place in `Evaluation.paths`.
        label, named: places in `Evaluation.names`.
        score: of what it was named, in [0, 1].
    """

    photo: int
    label: int
    named: int
    score: float


@dataclass(frozen=True)
class TemplateFigures:
    """Templates: how they did on the half that chooses, and on the half that tells."""

    key: str
    choosing: Share
    telling: Share


@dataclass(frozen=True)
class Evaluation:
    """What one model makes of labelled photographs.

    Attributes:
        model, fingerprint: which model.
        templates: the templates of all figures but `compared`.
        names: the classes.
        paths: the photographs that could be read.
        right, named: int (photographs,), the class of each and what it was named.
        scores: float (photographs,), of what it was named, in [0, 1].
        failed: photographs that could not be read, and why.
        top1, top5: how often the label is the first, one of the first five.
        classes: figures of each class, in the order of `names`.
        confusion: int (classes, classes): photographs of the row that were named as the column.
        worst: wrongly named, the surest first.
        doubtful: likely mislabelled: wrongly named, and the 3 nearest photographs of the class that
            they were named are nearer, in the mean, than the 3 nearest of their own; the largest
            difference first.
        compared: template sets, the best on the choosing half first.
        calibration: None of less than 30 photographs, which can tell nothing.
        conformal: lists that hold the right label 9 times in 10; None of less than 100 photographs.
        names_compared: None where no class has several names.
    """

    model: str
    fingerprint: str
    templates: str
    names: tuple[str, ...]
    paths: tuple[str, ...]
    right: np.ndarray
    named: np.ndarray
    scores: np.ndarray
    failed: tuple[tuple[str, Reason], ...]
    top1: Share
    top5: Share
    classes: tuple[ClassFigures, ...]
    confusion: np.ndarray
    worst: tuple[Finding, ...]
    doubtful: tuple[Finding, ...]
    compared: tuple[TemplateFigures, ...]
    calibration: Calibration | None
    conformal: Conformal | None
    names_compared: NamesCompared | None

    def cell(self, label: int, named: int) -> list[int]:
        """Photographs of a class that were named as another, as places in `paths`."""
        return np.flatnonzero((self.right == label) & (self.named == named)).tolist()

    def most_confused(self, limit: int) -> list[int]:
        """The classes with most mistakes, at most so many, in the order of `names`."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
        return sorted(np.argsort(-mistakes, kind="stable")[:limit].tolist())


def evaluate(
    service: ModelService,
    photos: LabelledPhotos | str | os.PathLike[str],
    names: Sequence[str] | None = None,
    templates: str = "auto",
    *,
    concepts: Iterable[Concept] = (),
    synonyms: Sequence[Sequence[str]] = (),
    progress: Progress | None = None,
    reading: Progress | None = None,
) -> Evaluation:
    """Name labelled photographs by their labels, and count.

    Args:
        service: the model to ask.
        photos: what `labelled_folder` or `labelled_table` gave, or a folder of class folders.
        names: what to call the classes, in the order of `photos.names`; their own names if None.
        templates: see `clip_app.prompts.choose_templates`.
        concepts: classes that the model was taught, by their names.
        synonyms: names of the same class, its own among them, to compare; see
            `clip_app.prompts.parse_synonyms`.
        progress: called with (done, total) as photographs are encoded.
        reading: as names are, once for each set of templates.

    Raises:
        InputError: if there are no photographs, not a name for each class, or synonyms of none.
        ModelError: if the device fails.
    """
    if not isinstance(photos, LabelledPhotos):
        photos = labelled_folder(photos)
    names = photos.names if names is None else tuple(names)
    if len(names) != len(photos.names):
        raise InputError("evaluate_names", number=len(names), classes=len(photos.names))
    others = names_by_class(names, synonyms)
    rows, kept, failed = [], [], []
    with closing(encode_files(service, photos.paths)) as encoded:
        for place, photo in enumerate(encoded):
            if photo.error is not None:
                failed.append((photos.paths[place], photo.error.reason))
            else:
                rows.append(photo.image_features)
                kept.append(place)
            if progress:
                progress(place + 1, len(photos.paths))
    if not rows:
        raise InputError("evaluate_unreadable")
    taught = tuple(concepts)

    def weights(choice: str, of: Sequence[str] = names) -> np.ndarray:
        return classes_from_labels(service, list(of), choice, reading, concepts=taught).weights

    return evaluate_features(
        service,
        np.array(rows),
        np.array(photos.right)[kept],
        names,
        weights,
        templates,
        paths=[photos.paths[place] for place in kept],
        failed=failed,
        others=others,
        other_weights=weights(templates, [name for _, name in others]) if others else None,
    )


def evaluate_features(
    service: ModelService,
    features: np.ndarray,
    right: np.ndarray,
    names: Sequence[str],
    weights: Callable[[str], np.ndarray],
    templates: str = "auto",
    *,
    paths: Sequence[str] = (),
    failed: Sequence[tuple[str, Reason]] = (),
    others: Sequence[tuple[int, str]] = (),
    other_weights: np.ndarray | None = None,
    thorough: bool = True,
) -> Evaluation:
    """As `evaluate`, of photographs that are encoded already.

    Args:
        service: the model that made the features.
        features: float32 (photographs, embedding_size), rows of length 1; at least one.
        right: int (photographs,), the class of each.
        names: of the classes.
        weights: the classes' rows for a choice of templates.
        templates: the choice for all figures but the comparison of templates.
        paths: of the photographs.
        failed: others, that could not be read.
        others, other_weights: further names as `names_by_class` gives them, and their rows.
        thorough: False leaves empty what takes long where there are many photographs: likely
            mislabelled, templates compared, calibration and lists.
    """
    cosines = similarities(features, weights(templates))
    all_scores = softmax_scores(cosines, service.logit_scale)
    # Of equals the earlier label comes first, as in every ranking of the app.
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :5]
    named = order[:, 0]
    scores = np.take_along_axis(all_scores, named[:, None], axis=1)[:, 0]
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (right, named), 1)
    wrong = [
        Finding(int(i), int(right[i]), int(named[i]), float(scores[i]))
        for i in np.flatnonzero(named != right)
    ]
    return Evaluation(
        service.info.public_name,
        service.info.fingerprint,
        templates,
        tuple(names),
        tuple(paths),
        right,
        named,
        scores,
        tuple(failed),
        share(named == right),
        share((order == right[:, None]).any(axis=1)),
        tuple(
            ClassFigures(name, share(named[right == i] == i), share(right[named == i] == i))
            for i, name in enumerate(names)
        ),
        confusion,
        tuple(sorted(wrong, key=lambda one: -one.score)[:_MOST_NAMED]),
        _doubtful(features, right, wrong) if thorough else (),
        _compared(features, right, names, weights) if thorough else (),
        calibrated(cosines, service.logit_scale, right)
        if thorough and len(right) >= _FEWEST
        else None,
        conformal(all_scores, right) if thorough and len(right) >= _FEWEST_FOR_LISTS else None,
        compare_names(cosines, right, names, others, similarities(features, other_weights))
        if other_weights is not None
        else None,
    )


def _compared(
    features: np.ndarray,
    right: np.ndarray,
    names: Sequence[str],
    weights: Callable[[str], np.ndarray],
) -> tuple[TemplateFigures, ...]:
    chinese = language_of_texts(names) == "zh"
    choosing = halves(right)
    found = []
    for key in TEMPLATE_SETS:
        if key != "none" and (key == "chinese") != chinese:
            continue
        hits = similarities(features, weights(key)).argmax(axis=1) == right
        found.append(TemplateFigures(key, share(hits[choosing]), share(hits[~choosing])))
    return tuple(sorted(found, key=lambda one: -one.choosing.value))


def _doubtful(
    features: np.ndarray, right: np.ndarray, wrong: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Those of `wrong` whose neighbours say the same as the words."""
    doubted = []
    for one in wrong:
        own = right == one.label
        own[one.photo] = False  # it is no neighbour of itself
        theirs = right == one.named
        if own.any() and theirs.any():
            row = features[one.photo]
            gap = _nearness(features[theirs] @ row) - _nearness(features[own] @ row)
            if gap > 0:
                doubted.append((gap, one))
    doubted.sort(key=lambda pair: -pair[0])
    return tuple(one for _, one in doubted[:_MOST_NAMED])


def _nearness(cosines: np.ndarray) -> float:
    return float(np.sort(cosines)[-_NEIGHBOURS:].mean())
