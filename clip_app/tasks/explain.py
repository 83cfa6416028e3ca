"""How the scores of one photograph come about: every number between its pixels and its bars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clip_app.errors import InputError
from clip_app.model.backgrounds import background_for
from clip_app.model.service import ModelService
from clip_app.photos import Source, open_picture
from clip_app.progress import Progress
from clip_app.prompts import (
    TEMPLATE_SETS,
    choose_templates,
    language_of_texts,
)
from clip_app.scoring import similarities
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import (
    Classification,
    Kind,
    calibrated_score,
    classify,
    kind_of_scores,
    scores_of,
)
from clip_app.tasks.concepts import Concept, beside_words, by_key, key_of, share_of
from clip_app.tasks.fit import chance_of_lead, leads

#: Labels whose vectors are told where nobody says how many, and the most that are.
SHOWN, MOST_SHOWN = 8, 100

#: Labels that other templates are tried on, at most: with five sets that is 9,300 prompts.
MOST_COMPARED = 100


@dataclass(frozen=True)
class Taught:
    """What examples add to a label's words.

    Attributes:
        examples, counter_examples: how many photographs it was taught with.
        share: of the examples in the label's vector, in [0, 1]; the rest is its words.
        without_mean: whether what all photographs share was taken from the examples before.
        words: cosine of the photograph with the words alone.
    """

    examples: int
    counter_examples: int
    share: float
    without_mean: bool
    words: float


@dataclass(frozen=True)
class Explained:
    """One label.

    Attributes:
        name: of the label; in place of `{}` in each template it makes the prompts.
        score: in [0, 1], as `classify` gives it.
        similarity: its cosine with the photograph.
        logit: `logit_scale · similarity`, and `logit_bias` where that counts.
        vector: float32 (embedding_size,), length 1.
        near: the places of the background words that are left out beside it, being too near.
        taught: where the model was shown examples of it.
    """

    name: str
    score: float
    similarity: float
    logit: float
    vector: np.ndarray
    near: tuple[int, ...] = ()
    taught: Taught | None = None


@dataclass(frozen=True)
class Explanation:
    """Everything between a photograph and the scores of its labels.

    Attributes:
        image_size: (height, width) of the pixels that the model takes.
        box: what of the photograph they show, see `Preprocessing.seen_box`.
        vector: float32 (embedding_size,), length 1, of the photograph.
        templates: the prompts that labels were put into; a label's vector is the mean of theirs.
        kind: how scores are made.
        logit_scale: 1 / temperature.
        logit_bias: added after it; None where the model has none, or where it drops out.
        results: the best labels, best first.
        similarities: float32 (labels,), of all labels, best first.
        background: float32 (words,), cosines of the background words; of `kind` background only.
        lead: how far the best label is ahead of unrelated words, in nats; NaN where that cannot
            be told.
        chance: that none of the labels is right, made of it, see `chance_of_none`.
        calibrated: by how much to divide logits so that the best score says how often it is right,
            and that score; None where nobody measured it.
    """

    image_size: tuple[int, int]
    box: tuple[float, float, float, float]
    vector: np.ndarray
    templates: tuple[str, ...]
    kind: Kind
    logit_scale: float
    logit_bias: float | None
    results: tuple[Explained, ...]
    similarities: np.ndarray
    background: np.ndarray | None
    lead: float
    chance: float
    calibrated: tuple[float, float] | None


def explain(
    service: ModelService,
    image: Source | None,
    labels: str | Sequence[str],
    templates: str | None = "auto",
    *,
    independent: bool = False,
    concepts: Iterable[Concept] = (),
    shown: int | None = SHOWN,
    about: Literal["labels", "texts"] = "labels",
) -> Explanation:
    """Every number between a photograph and the scores of its labels.

    Args:
        service: the model to ask.
        image: the path of a file, its bytes, or a picture in memory.
        labels, templates, independent, concepts: as in `classify`; for descriptions, as `match`
            ranks them, they are the labels and the template is `none`.
        shown: how many labels are told in full, best first.
        about: what they are; what a score means was measured of labels only.

    Raises:
        ImageError, InputError, ModelError: as `classify` does; InputError, too, if `shown` is no
            number from 1 to `MOST_SHOWN`.
    """
    if shown is None or not 1 <= shown <= MOST_SHOWN:
        raise InputError("explain_shown", limit=MOST_SHOWN)
    known = list(concepts)
    picture = open_picture(image, service)
    classes = classes_from_labels(service, labels, templates, concepts=known)
    prompts = choose_templates(templates, classes.names)
    features = service.encode_images([picture])
    cosines = similarities(features, classes.weights)
    scores = scores_of(service, features, classes, cosines, independent=independent)[0]
    cosines = cosines[0]
    order = np.argsort(-scores, kind="stable")
    kind = kind_of_scores(service, independent=independent)
    background, near = None, np.zeros((len(order), 0), bool)
    if kind == "background":
        words = background_for(service, language_of_texts(classes.names))
        background = similarities(features, words.features)[0]
        near = classes.weights[order[:shown]] @ words.features.T >= words.near
    bias = service.logit_bias if kind == "sigmoid" else None
    taught = _taught(service, classes.names, prompts, known, features)
    results = tuple(
        Explained(
            classes.names[i],
            float(scores[i]),
            float(cosines[i]),
            service.logit_scale * float(cosines[i]) + (bias or 0.0),
            classes.weights[i],
            tuple(np.flatnonzero(near[rank]).tolist()),
            taught.get(key_of(classes.names[i])),
        )
        for rank, i in enumerate(order[:shown])
    )
    measured = kind == "softmax" and about == "labels"
    calibrated = calibrated_score(service, cosines[order]) if measured else None
    lead = leads(service, features, classes)
    return Explanation(
        service.info.image_size,
        service.seen_box(picture.size),
        features[0],
        prompts,
        kind,
        service.logit_scale,
        bias,
        results,
        cosines[order],
        background,
        float(lead[0]),
        float(chance_of_lead(lead, len(order))[0]),
        calibrated,
    )


def _taught(
    service: ModelService,
    names: Sequence[str],
    prompts: Sequence[str],
    concepts: Sequence[Concept],
    features: np.ndarray,
) -> dict[str, Taught]:
    """What examples did for those of `names` that have some, by `key_of` of the name."""
    known = by_key(concepts)
    shown = {key: known[key] for key in map(key_of, names) if key in known}
    common = beside_words(service, len(shown), len(names))
    words = service.encode_labels([one.name for one in shown.values()], prompts)
    return {
        key: Taught(
            one.examples,
            one.counter_examples,
            share_of(one.alpha, common),
            common is not None,
            float(similarities(features, row[None])[0, 0]),
        )
        for (key, one), row in zip(shown.items(), words, strict=True)
    }


def by_templates(
    service: ModelService,
    image: Source,
    labels: Sequence[str],
    *,
    independent: bool = False,
    concepts: Iterable[Concept] = (),
    progress: Progress | None = None,
) -> dict[str, Classification]:
    """What each set of templates makes of the same photograph and labels, by its key.

    Arguments and errors as in `classify`; `progress` is called with (done, total) prompts.

    Raises:
        InputError: if there are more than `MOST_COMPARED` labels.
    """
    if len(labels) > MOST_COMPARED:
        raise InputError("explain_labels_many", number=len(labels), limit=MOST_COMPARED)
    known, total = list(concepts), len(labels) * sum(map(len, TEMPLATE_SETS.values()))
    found, before = {}, 0
    for key, prompts in TEMPLATE_SETS.items():

        def told(done: int, _: int, before: int = before, each: int = len(prompts)) -> None:
            if progress:
                progress(before + done * each, total)

        found[key] = classify(
            service, image, labels, key, independent=independent, progress=told, concepts=known
        )
        before += len(labels) * len(prompts)
        told(0, 0, before)
    return found
