"""Zero-shot classification: which of the labels a person typed fits an image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, overload

import numpy as np

from clip_app.errors import ImageError, InputError
from clip_app.model.info import MOST_CALIBRATED, TEMPERATURES, CutText
from clip_app.model.service import ModelService
from clip_app.photos import Source, Sources, open_picture
from clip_app.progress import Progress
from clip_app.scoring import sigmoid, similarities, softmax_scores, without_half_the_mean
from clip_app.tasks.classes import Classes, classes_from_labels
from clip_app.tasks.concepts import Concept
from clip_app.tasks.fit import Verdict, chance_of_none, share_against_background, verdict
from clip_app.tasks.joint import Joint, transclip_scores

#: How labels become scores: against one another, or each by itself, with the model's own bias or
#: against words that have nothing to do with them.
Kind = Literal["softmax", "sigmoid", "background"]


@dataclass(frozen=True)
class LabelScore:
    """One label's score in [0, 1] and its cosine similarity in [-1, 1]."""

    label: str
    score: float
    similarity: float


@dataclass(frozen=True)
class Classification:
    """One image's labels in falling order of score.

    Attributes:
        results: every label.
        chance: how likely it is that none of the labels is right, in [0, 1]; NaN where that cannot
            be told.
        independent: whether each score stands by itself; else they sum to 1.
        cut: labels that are longer than the model reads.
    """

    results: tuple[LabelScore, ...]
    chance: float
    independent: bool
    cut: tuple[CutText, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether any of the labels fits: `unsure` where the model knows too little to say."""
        return verdict(self.chance)

    @property
    def none_fits(self) -> bool:
        """Whether the labels do hardly better than words that have nothing to do with them."""
        return self.verdict == "none"


@overload
def classify(
    service: ModelService,
    images: Source,
    labels: str | Sequence[str],
    templates: str | None = None,
    *,
    independent: bool = False,
    progress: Progress | None = None,
    concepts: Iterable[Concept] = (),
) -> Classification: ...


@overload
def classify(
    service: ModelService,
    images: Sources,
    labels: str | Sequence[str],
    templates: str | None = None,
    *,
    independent: bool = False,
    progress: Progress | None = None,
    concepts: Iterable[Concept] = (),
) -> list[Classification]: ...


def classify(
    service: ModelService,
    images: Source | Sources,
    labels: str | Sequence[str],
    templates: str | None = None,
    *,
    independent: bool = False,
    progress: Progress | None = None,
    concepts: Iterable[Concept] = (),
) -> Classification | list[Classification]:
    """Score every label for every image.

    >>> import clip_app
    >>> model = clip_app.load_model("starter")
    >>> clip_app.classify(model, "assets/examples/cat.jpg", ["cat", "dog"]).results[0].label
    'cat'

    Args:
        service: the model to ask.
        images: one or several: paths of files, their bytes, or pictures in memory.
        labels: as typed, or already apart.
        templates: see `clip_app.prompts.choose_templates`.
        independent: score each label by itself: sigmoid with the model's bias where it has one,
            else the label's share against background words.
        progress: called with (done, total) while labels are encoded.
        concepts: what the model was taught, see `classes_from_labels`.

    Returns:
        One answer for one image, a list for a list.

    Raises:
        ImageError: if there is no image, or one cannot be read.
        InputError: if there are no labels, too many, or a template has no place for one.
        ModelError: if the device fails.
    """
    if images is None:
        raise ImageError("image_missing")
    given = images if isinstance(images, list | tuple) else [images]
    pictures = [open_picture(one, service) for one in given]
    classes = classes_from_labels(service, labels, templates, progress, concepts=concepts)
    if not pictures:
        return []
    features = service.encode_images(pictures)
    answers = classify_features(
        service, features, classes, independent=independent, progress=progress
    )
    return answers if isinstance(images, list | tuple) else answers[0]


def classify_features(
    service: ModelService,
    features: np.ndarray,
    classes: Classes,
    *,
    independent: bool = False,
    joint: Joint | None = None,
    progress: Progress | None = None,
) -> list[Classification]:
    """Score every class for images that are encoded already.

    Args:
        service: the model that made the features and the classes.
        features: float32 (images, embedding_size), rows of length 1.
        classes: see `classes_from_labels`.
        independent: as in `classify`.
        joint: score the rows together, for photographs of one batch that holds all the classes;
            whether any label fits is judged without.
        progress: called with (done, total) while the background is encoded.

    Returns:
        One answer for each row of `features`.

    Raises:
        InputError: if `joint` is unknown, or labels are to be scored by themselves and the rows
            by `transclip`, whose scores sum to 1.
        ModelError: if the device fails.
    """
    if joint is not None and joint not in get_args(Joint):
        choices = ", ".join(get_args(Joint))
        raise InputError("choice_unknown", name="joint", choices=choices, given=joint)
    if independent and joint == "transclip":
        raise InputError("joint_independent")
    chances = chance_of_none(service, features, classes, progress)
    if joint == "mean":
        features = without_half_the_mean(features)
    cosines = similarities(features, classes.weights)
    scores = scores_of(service, features, classes, cosines, independent=independent)
    if joint == "transclip":
        scores = transclip_scores(features, scores)
    return [
        Classification(
            _ranked(classes.names, scores[i], cosines[i]),
            float(chances[i]),
            independent,
            classes.cut,
        )
        for i in range(len(features))
    ]


def kind_of_scores(service: ModelService, *, independent: bool) -> Kind:
    """How `scores_of` makes scores."""
    if not independent:
        return "softmax"
    return "background" if service.logit_bias is None else "sigmoid"


def scores_of(
    service: ModelService,
    features: np.ndarray,
    classes: Classes,
    cosines: np.ndarray,
    *,
    independent: bool,
) -> np.ndarray:
    """Scores in [0, 1], float64 (images, classes).

    Args:
        service, features, classes, independent: as in `classify_features`.
        cosines: `similarities` of the features and the classes.
    """
    if not independent:
        return softmax_scores(cosines, service.logit_scale)
    if service.logit_bias is not None:
        return sigmoid(service.logit_scale * cosines.astype(np.float64) + service.logit_bias)
    return share_against_background(service, features, classes)


def calibrated_score(service: ModelService, cosines: np.ndarray) -> tuple[float, float] | None:
    """How often the best of the labels is right where one of them is.

    Args:
        service: the model that was asked.
        cosines: of one photograph with all labels, best first.

    Returns:
        What the logits are divided by, and the best label's softmax then, in [0, 1]; None where
        nobody measured it for such a model and so many labels.
    """
    temperature = TEMPERATURES.get(service.info.name)
    if temperature is None or not 1 < len(cosines) <= MOST_CALIBRATED:
        return None
    return temperature, float(softmax_scores(cosines, service.logit_scale / temperature)[0])


def _ranked(
    names: Sequence[str], scores: np.ndarray, cosines: np.ndarray
) -> tuple[LabelScore, ...]:
    order = np.argsort(-scores, kind="stable")
    return tuple(LabelScore(names[i], float(scores[i]), float(cosines[i])) for i in order)
