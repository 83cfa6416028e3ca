"""Whether any label fits at all: the labels against words that have nothing to do with them.

A softmax over labels sums to 1 even where none of them is in the picture. So the model is asked
about a background of some 770 everyday words too, and the question becomes: how often would as many
unrelated words reach what the best label reaches, for this very picture? Nothing in this depends
on a model's scale, so one limit serves all models. Background words that mean nearly what a label
means are left out, by the model's own measure of nearness.

`benchmarks/none_of_these.py` measures it on photographs with right and wrong labels.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from weakref import WeakKeyDictionary

import numpy as np
from cachetools import LRUCache

from clip_app.model_service import ModelService, Progress
from clip_app.prompts import language_of_texts
from clip_app.scoring import log_sum_exp, sigmoid, similarities
from clip_app.settings import ASSETS
from clip_app.strings import LANGUAGES, Language

# Labels that unrelated words equal more often than this do not fit. On photographs it is close to
# the share of wrong lists that pass (the benchmark's false accepts), as the statistic promises.
CHANCE_LIMIT = 0.2

# A background word is near a label if it is closer than 98 % of the pairs of background words are.
# Of 0.95, 0.98 and 0.99 it kept the false accepts of generic labels closest to the limit.
NEAR_QUANTILE = 0.98

# Beyond the best tenth of the background its cosines are taken to thin out exponentially, so that a
# chance smaller than one word in the list can be told (peaks over threshold, Pickands 1975).
_TAIL = 0.1

# With fewer words than this left, nothing is said.
_FEWEST_WORDS = 50

# Label lists whose unrelated words are remembered, a byte a word.
_REMEMBERED_LISTS = 256

#: The prompt of a background word.
TEMPLATES: dict[Language, tuple[str, ...]] = {
    "en": ("a photo of a {}.",),
    "zh": ("一张{}的照片。",),
}


@dataclass(frozen=True)
class Background:
    """Background words as one model sees them.

    Attributes:
        features: float32 (words, dim), rows of length 1.
        near: cosine of two texts from which on they count as near.
    """

    features: np.ndarray
    near: float
    _unrelated: LRUCache[bytes, np.ndarray] = field(
        default_factory=partial(LRUCache, _REMEMBERED_LISTS), repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def unrelated(self, label_features: np.ndarray) -> np.ndarray:
        """Which words are near none of the labels: bool (words,).

        The same labels come again with image after image, so the last answers are kept.
        """
        key = hashlib.sha256(label_features.tobytes()).digest()
        with self._lock:
            known = self._unrelated.get(key)
        if known is None:
            known = (self.features @ label_features.T).max(axis=1) < self.near
            with self._lock:
                self._unrelated[key] = known
        return known


_backgrounds: WeakKeyDictionary[ModelService, dict[Language, Background]] = WeakKeyDictionary()
_lock = threading.Lock()


@cache
def background_words(language: Language) -> tuple[str, ...]:
    """The everyday words of `assets/background_texts.json`, aligned between the languages."""
    return tuple(json.loads((ASSETS / "background_texts.json").read_text("utf-8"))[language])


def background_for(
    service: ModelService, language: Language, progress: Progress | None = None
) -> Background:
    """The background in a language, encoded once for each model."""
    with _lock:
        known = _backgrounds.setdefault(service, {})
        if language not in known:
            words = background_words(language)
            features = service.encode_labels(words, TEMPLATES[language], progress)
            between = (features @ features.T)[np.triu_indices(len(features), 1)]
            known[language] = Background(features, float(np.quantile(between, NEAR_QUANTILE)))
        return known[language]


def prepare_backgrounds(service: ModelService) -> threading.Thread:
    """Encode the backgrounds on a thread of their own, so that no visitor waits for them."""

    def encode() -> None:
        for language in LANGUAGES:
            background_for(service, language)

    thread = threading.Thread(target=encode, daemon=True)
    thread.start()
    return thread


def chance_of_best(
    service: ModelService,
    image_features: np.ndarray,
    labels: Sequence[str],
    label_features: np.ndarray,
    progress: Progress | None = None,
) -> np.ndarray:
    """How often the best of as many unrelated words would do as well as the best label.

    Args:
        service: the model that made the features.
        image_features: (images, dim), unit rows.
        labels: the words themselves; they choose the background's language.
        label_features: (labels, dim), unit rows.
        progress: called with (done, total) while the background is encoded.

    Returns:
        float64 (images,) in [0, 1]; NaN where the labels are near nearly all background words.
    """
    background = background_for(service, language_of_texts(labels), progress)
    unrelated = background.unrelated(label_features)
    if unrelated.sum() < _FEWEST_WORDS:
        return np.full(len(image_features), np.nan)
    best = similarities(image_features, label_features).max(axis=1)
    others = similarities(image_features, background.features)[:, unrelated]
    start = np.quantile(others, 1 - _TAIL, axis=1)
    excess = np.maximum(others - start[:, None], 0).sum(axis=1) / (others > start[:, None]).sum(1)
    beyond = np.maximum(best - start, 0) / np.maximum(excess, 1e-9)
    counted = (others >= best[:, None]).mean(axis=1)
    one_word = np.where(best > start, _TAIL * np.exp(-beyond), counted)
    # log1p and expm1 keep chances of one in a million from rounding to nothing.
    return -np.expm1(len(labels) * np.log1p(-np.minimum(one_word, 1 - 1e-12)))


def share_against_background(
    service: ModelService,
    image_features: np.ndarray,
    labels: Sequence[str],
    label_features: np.ndarray,
    progress: Progress | None = None,
) -> np.ndarray:
    """Each label by itself: its share of a softmax over it and the words unrelated to it.

    Arguments as in `chance_of_best`; returns float64 (images, labels) in [0, 1]: 1 for a label
    that is near every word of the background.
    """
    background = background_for(service, language_of_texts(labels), progress)
    near = label_features @ background.features.T >= background.near
    own = service.logit_scale * similarities(image_features, label_features).astype(np.float64)
    others = service.logit_scale * similarities(image_features, background.features)
    rivals = [log_sum_exp(np.where(near, -np.inf, one)) for one in others]
    return sigmoid(own - np.stack(rivals))
