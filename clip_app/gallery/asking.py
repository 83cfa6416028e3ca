"""What is searched for, made ready once: its vector, and what its results are judged by."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from cachetools import LRUCache

from clip_app.errors import InputError
from clip_app.gallery.query import TextTerm
from clip_app.gallery.relevance import Calibration, Term, calibrate, fits, unrelated_queries
from clip_app.gallery.stores.store import Store
from clip_app.metrics import steps
from clip_app.model.backgrounds import TEMPLATES, background_for
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.prompts import language_of_texts, search_prompts

# From what is wanted, an excluded term takes off what goes with it in this gallery: the slope of
# the one's cosines over the other's, so that what has nothing to do with it stays. On a thousand
# ImageNet photographs, 15 queries such as "animal - dog", average precision was 0.65 and 2 % of the
# first 24 showed what was excluded; 0.60 and 12 % with a fixed half, as it was before.
# What is like a picture is far more alike than what fits a word, beyond any straight line: from
# pictures half as much again is taken off, and half a standard deviation besides. Of the first 24
# for 192 pictures without what they show ("dog" of a dog), 3 % showed it, instead of 42 %.
_FROM_PICTURES = 0.5

# Vectors that stand for a gallery where its scores are measured.
_SAMPLE = 2000


@dataclass(frozen=True)
class ImageTerm:
    """A picture to look for, or with a negative weight to stay away from.

    Attributes:
        vector: float32 (dim,), length 1.
        name: what to call it.
        hash: content hash of its file, which is left out of the results; empty if unknown.
        path: absolute path, likewise.
    """

    vector: np.ndarray
    name: str
    weight: float = 1.0
    hash: bytes = b""
    path: str = ""


AnyTerm = TextTerm | ImageTerm


class Asked:
    """A query over some indexes, as they were when it was asked.

    With one term the similarity is its cosine with each picture. With several, each is divided by
    how much its cosines vary over the gallery, so that words and pictures weigh alike although
    cosines between pictures vary far more (average precision on COCO photographs 0.174 instead of
    0.149 for the plain sum); the similarity is the cosine with their sum. What is to be stayed away
    from is subtracted as `weights_of` says.
    """

    def __init__(
        self, service: ModelService, stores: Sequence[Store], terms: Sequence[AnyTerm]
    ) -> None:
        """Encode the terms and weigh them.

        Args:
            service: the model that made the indexes.
            stores: the indexes.
            terms: at least one.

        Raises:
            InputError: if there is no term.
            StorageError, GalleryError: if an index cannot be read.
            ModelError: if the device fails.
        """
        if not terms:
            raise InputError("query_missing")
        self._service = service
        self._terms = terms
        with steps.measure("encode query"):
            self._features = features_of(service, terms)
        #: Vectors of each index, the same arrays until something is written to it.
        self.samples = [store.sample(_SAMPLE // len(stores)) for store in stores]
        #: How many different pictures the indexes hold.
        self.images = sum(store.counts().images for store in stores)
        self._weights = weights_of(terms, self._features, self.samples)
        total = self._weights @ self._features
        #: float32 (dim,), length 1.
        self.query = total / max(float(np.linalg.norm(total)), 1e-12)
        pictures = [term for term in terms if isinstance(term, ImageTerm)]
        #: What the pictures searched for are known by: they are left out of the results.
        self.own = {term.hash for term in pictures if term.hash}
        self.own_paths = {term.path for term in pictures if term.path}
        wanted = [term for term in terms if term.weight > 0]
        #: Whether anything is looked for, and whether words are.
        self.wants = bool(wanted)
        self.by_words = any(isinstance(term, TextTerm) for term in wanted)
        self._unrelated: np.ndarray | None = None
        #: Whether any result fits; None until the beginning of the ranking was judged.
        self.found: bool | None = None

    @property
    def cut(self) -> tuple[CutText, ...]:
        """The texts that the model does not read to their end."""
        return tuple(
            cut
            for term in self._terms
            if isinstance(term, TextTerm)
            for cut in self._service.cut_texts([term.text], search_prompts(term.text)[1])
        )

    @property
    def judged(self) -> bool:
        """Whether `fits` means anything: enough is known that is unrelated to the query."""
        return self.wants and bool(self.images) and len(self._judges()[1]) > 0

    def fits(self, vectors: Sequence[np.ndarray]) -> np.ndarray:
        """Bool (n,): whether each picture does better than background; see `relevance`.

        The first that are judged are the beginning of the ranking, unless `found` was set.
        """
        if not self.wants or not vectors:
            return np.ones(len(vectors), bool)
        with steps.measure("judge"):
            calibration, unrelated = self._judges()
            query = self._weights @ self._judged
            fit = fits(calibration, query, unrelated, np.stack(vectors), self.found)
            if self.found is None:
                self.found = bool(fit.any())
            return fit

    def _judges(self) -> tuple[Calibration, np.ndarray]:
        calibration = _calibration(self.samples, self.images)
        if self._unrelated is None:
            self._unrelated = unrelated_queries(calibration, self._for_relevance())
        return calibration, self._unrelated

    @cached_property
    def _judged(self) -> np.ndarray:
        """Each term's vector, words in the prompt of the background's words.

        On 2,800 photographs the verdict was no better with all prompts on both sides, and worse
        with them on one; a background in seven prompts takes seven times as long to prepare.
        """
        judged = self._features.copy()
        for i, term in enumerate(self._terms):
            if isinstance(term, TextTerm):
                prompt = TEMPLATES[language_of_texts([term.text])]
                judged[i] = self._service.encode_labels([search_prompts(term.text)[0]], prompt)[0]
        return judged

    def _for_relevance(self) -> list[Term]:
        return [
            Term(
                self._judged[i],
                float(self._weights[i]),
                background_for(self._service, language_of_texts([term.text]))
                if isinstance(term, TextTerm)
                else None,
            )
            for i, term in enumerate(self._terms)
        ]


def features_of(service: ModelService, terms: Sequence[AnyTerm]) -> np.ndarray:
    """Each term's vector, float32 (terms, dim), rows of length 1.

    Raises:
        ModelError: if the device fails.
    """
    return np.stack(
        [
            words_of(service, term.text) if isinstance(term, TextTerm) else term.vector
            for term in terms
        ]
    )


def words_of(service: ModelService, text: str) -> np.ndarray:
    """The vector that a text is searched by, float32 (dim,), length 1; all its prompts go at once.

    Raises:
        ModelError: if the device fails.
    """
    about, frames = search_prompts(text)
    return service.encode_labels([about], frames)[0]


def weights_of(
    terms: Sequence[AnyTerm], features: np.ndarray, samples: Sequence[np.ndarray]
) -> np.ndarray:
    """Each term's factor in the sum that is searched for: float32 (terms,).

    Args:
        terms: at least one.
        features: float32 (terms, dim), rows of length 1: their vectors.
        samples: of each index, float32 (n, dim), rows of length 1.
    """
    weights = np.array([term.weight for term in terms], np.float32)
    sample = np.concatenate(samples)
    if len(terms) < 2 or len(sample) < 2:
        return weights
    cosines = sample @ features.T
    cosines -= cosines.mean(axis=0)
    spread = np.maximum(cosines.std(axis=0), 1e-6)
    cosines /= spread
    wanted = np.maximum(weights, 0)
    if total := float(wanted.sum()):
        pictures = float(wanted @ [isinstance(term, ImageTerm) for term in terms])
        scores = cosines @ wanted
        for number in np.flatnonzero(weights < 0):
            slope = max(0.0, float(cosines[:, number] @ scores) / len(sample))
            taken = slope * (1 + _FROM_PICTURES * pictures / total) + _FROM_PICTURES * pictures
            weights[number] *= taken
            scores += weights[number] * cosines[:, number]
    return weights / spread


# By the samples they were made of: a store gives the same array until something is written.
_calibrations: LRUCache[tuple[int, ...], tuple[list[np.ndarray], Calibration]] = LRUCache(32)
_calibrations_lock = threading.Lock()


def _calibration(samples: list[np.ndarray], images: int) -> Calibration:
    key = tuple(map(id, samples))
    with _calibrations_lock:
        if key not in _calibrations:
            # The samples are kept too, so that no other array can get the same id.
            _calibrations[key] = (samples, calibrate(np.concatenate(samples), images))
        return _calibrations[key][1]
