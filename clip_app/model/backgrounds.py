"""Everyday words that have nothing to do with what was asked, as one model sees them.

`assets/background_texts.json` has some 770 of them, aligned between the languages. They tell how
good a cosine is by luck (`clip_app.tasks.fit`, `clip_app.gallery.relevance`).
"""

import json
import threading
from dataclasses import dataclass
from functools import cache
from weakref import WeakKeyDictionary

import numpy as np

from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.settings import ASSETS
from clip_app.strings import LANGUAGES, Language

# A background word is near a label if it is closer than 98 % of the pairs of background words are.
# Of 0.95, 0.98 and 0.99 it kept the false accepts of generic labels closest to the limit.
NEAR_QUANTILE = 0.98

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


class _Known:
    """The backgrounds of one model; a language that is being encoded keeps nobody else waiting."""

    def __init__(self) -> None:
        self.found: dict[Language, Background] = {}
        self.locks = {language: threading.Lock() for language in LANGUAGES}


_known: WeakKeyDictionary[ModelService, _Known] = WeakKeyDictionary()
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
        known = _known.setdefault(service, _Known())
    with known.locks[language]:
        if language not in known.found:
            words = background_words(language)
            features = service.encode_labels(words, TEMPLATES[language], progress)
            between = (features @ features.T)[np.tri(len(words), k=-1, dtype=bool)]
            known.found[language] = Background(features, float(np.quantile(between, NEAR_QUANTILE)))
        return known.found[language]


def prepare_backgrounds(service: ModelService) -> threading.Thread:
    """Encode the backgrounds on a thread of their own, so that no visitor waits for them.

    One in a language that the model does not read waits until somebody asks in it all the same.
    """

    def encode() -> None:
        for language in filter(service.reads, LANGUAGES):
            background_for(service, language)

    thread = threading.Thread(target=encode, daemon=True)
    thread.start()
    return thread
