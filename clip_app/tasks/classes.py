"""Zero-shot classifier weights: what a model makes of a list of labels, once for all images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from clip_app.errors import InputError
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import choose_templates, parse_labels
from clip_app.tasks.concepts import Concept, by_key, check_model, key_of


@dataclass(frozen=True)
class Classes:
    """What images are told apart by, as one model sees it.

    Attributes:
        names: of the classes; they choose the language of the words they are compared with.
        weights: float32 (classes, embedding_size), rows of length 1, in the order of `names`.
        cut: names that the model read only the beginning of.
    """

    names: tuple[str, ...]
    weights: np.ndarray
    cut: tuple[CutText, ...] = ()


def classes_from_labels(
    service: ModelService,
    labels: str | Sequence[str],
    templates: str | None = "auto",
    progress: Progress | None = None,
    *,
    concepts: Iterable[Concept] = (),
) -> Classes:
    """Classes from their names: each one's features averaged over its prompts.

    A label that is the name of a concept, with an @ before it or not, is mixed with its examples.

    Args:
        service: the model that reads them.
        labels: as typed, or already apart.
        templates: see `clip_app.prompts.choose_templates`.
        progress: called with (done, total) while labels are encoded.
        concepts: what the model was taught, see `clip_app.tasks.concepts`.

    Raises:
        InputError: if there are no labels, too many typed, or a template has no place for one; or
            another model was taught the concept.
        ModelError: if the device fails.
    """
    names = parse_labels(labels) if isinstance(labels, str) else list(labels)
    if not names:
        raise InputError("labels_missing")
    known = by_key(concepts)
    shown = {i: known[key] for i, name in enumerate(names) if (key := key_of(name)) in known}
    for place, concept in shown.items():
        check_model(concept, service)
        names[place] = concept.name
    prompts = choose_templates(templates, names)
    weights = service.encode_labels(names, prompts, progress)
    for place, concept in shown.items():
        weights[place] = concept.mixed(weights[place])
    return Classes(tuple(names), weights, service.cut_texts(names, prompts))
