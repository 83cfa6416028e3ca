"""Whether any label fits at all: the labels against words that have nothing to do with them.

A softmax over labels sums to 1 even where none of them is in the picture. So the model is asked
about a background of about a thousand other words too, and the labels must hold their own against
those. Background words that mean nearly what a label means (the breeds, for "dog") are left out,
by the model's own measure of nearness.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from clip_app.model_service import ModelService, Progress
from clip_app.prompts import label_sets, language_of_texts
from clip_app.scoring import log_sum_exp, sigmoid
from clip_app.strings import Language

# A background word is near a label if it is closer than this share of its own neighbours are.
NEAR_QUANTILE = 0.98

# Labels whose share of the softmax over labels and background is below this do not fit.
FIT_THRESHOLD = 0.30

_TEMPLATES: dict[Language, tuple[str, ...]] = {
    "en": ("a photo of a {}.",),
    "zh": ("一张{}的照片。",),
}


@dataclass(frozen=True)
class Background:
    """Background words as one model sees them.

    Attributes:
        features: float32 (words, dim), rows of length 1.
        near: cosine of two texts above which they count as near.
    """

    features: np.ndarray
    near: float


_backgrounds: WeakKeyDictionary[ModelService, dict[Language, Background]] = WeakKeyDictionary()
_lock = threading.Lock()


def background_for(
    service: ModelService, language: Language, progress: Progress | None = None
) -> Background:
    """The background in a language, encoded once for each model."""
    with _lock:
        known = _backgrounds.setdefault(service, {})
        if language not in known:
            words = label_sets()["imagenet1k"].labels[language]
            features = service.encode_labels(words, _TEMPLATES[language], progress)
            between = (features @ features.T)[np.triu_indices(len(features), 1)]
            known[language] = Background(features, float(np.quantile(between, NEAR_QUANTILE)))
        return known[language]


def label_fit(
    service: ModelService,
    image_features: np.ndarray,
    labels: Sequence[str],
    label_features: np.ndarray,
    progress: Progress | None = None,
) -> np.ndarray:
    """How each label fares against the background, by itself.

    Args:
        image_features: (images, dim), unit rows.
        labels: their words choose the background's language.
        label_features: (labels, dim), unit rows.

    Returns:
        float64 (images, labels) in [0, 1]: the label's share of a softmax over it and the
        background words that are near none of the labels.
    """
    return sigmoid(_log_odds(service, image_features, labels, label_features, progress))


def fit_of_any(
    service: ModelService,
    image_features: np.ndarray,
    labels: Sequence[str],
    label_features: np.ndarray,
    progress: Progress | None = None,
) -> np.ndarray:
    """The share of all labels together in a softmax over labels and background, (images,)."""
    return sigmoid(
        log_sum_exp(_log_odds(service, image_features, labels, label_features, progress))
    )


def _log_odds(
    service: ModelService,
    image_features: np.ndarray,
    labels: Sequence[str],
    label_features: np.ndarray,
    progress: Progress | None,
) -> np.ndarray:
    background = background_for(service, language_of_texts(labels), progress)
    distant = (background.features @ label_features.T).max(axis=1) < background.near
    scale = service.logit_scale
    label_logits = scale * (image_features @ label_features.T).astype(np.float64)
    others = scale * (image_features @ background.features[distant].T).astype(np.float64)
    return label_logits - log_sum_exp(others)[:, None]
