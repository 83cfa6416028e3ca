"""Zero-shot classifier weights: what a model makes of a list of labels, once for all images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import choose_templates, given_texts, parse_labels
from clip_app.tasks.concepts import (
    Concept,
    Gain,
    beside_words,
    by_key,
    check_model,
    key_of,
    left_out_gain,
)


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

    A label that is the name of a concept, with an @ before it or not, is mixed with its examples;
    with less of them where other labels are words only, see `clip_app.tasks.concepts`.

    Args:
        service: the model that reads them.
        labels: as typed, or already apart.
        templates: see `clip_app.prompts.choose_templates`.
        progress: called with (done, total) while labels are encoded.
        concepts: what the model was taught, see `clip_app.tasks.concepts`.

    Raises:
        InputError: if there are no labels, too many typed, one is blank or no text, or a
            template has no place for one; or another model was taught the concept.
        ModelError: if the device fails.
    """
    names = parse_labels(labels) if isinstance(labels, str) else given_texts(labels)
    known = by_key(concepts)
    shown = {i: known[key] for i, name in enumerate(names) if (key := key_of(name)) in known}
    for place, concept in shown.items():
        check_model(concept, service)
        names[place] = concept.name
    prompts = choose_templates(templates, names)
    weights = service.encode_labels(names, prompts, progress)
    common = beside_words(service, len(shown), len(names))
    for place, concept in shown.items():
        weights[place] = concept.mixed(weights[place], common)
    return Classes(tuple(names), weights, service.cut_texts(names, prompts))


def examples_gain(
    service: ModelService,
    labels: Sequence[str],
    templates: str | None,
    concepts: Iterable[Concept],
) -> Gain | None:
    """What examples do for one another: `left_out_gain` of those of the concepts among the labels.

    Returns:
        None where fewer than two of the labels have examples that were kept.

    Raises:
        InputError, ModelError: as in `classes_from_labels`.
    """
    known = by_key(concepts)
    shown = {i: one for i, name in enumerate(labels) if (one := known.get(key_of(name)))}
    if sum(len(one.features) > 0 for one in shown.values()) < 2:
        return None
    names = [shown[i].name if i in shown else name for i, name in enumerate(labels)]
    words = classes_from_labels(service, names, templates).weights
    return left_out_gain(
        words,
        np.concatenate([one.features for one in shown.values() if len(one.features)]),
        np.repeat(list(shown), [len(one.features) for one in shown.values()]),
        np.array([shown[i].alpha if i in shown else 0 for i in range(len(names))]),
        beside_words(service, len(shown), len(names)),
    )
