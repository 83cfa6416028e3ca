"""Searching galleries: by words, by pictures, by both, with things to stay away from."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from cachetools import LRUCache

from clip_app.errors import InputError
from clip_app.gallery.query import TextTerm
from clip_app.gallery.relevance import Calibration, Term, calibrate, fits, unrelated_queries
from clip_app.gallery.roots import same_name
from clip_app.gallery.stores.store import Filter, Found, Store, content_of
from clip_app.metrics import steps
from clip_app.model.backgrounds import TEMPLATES, background_for
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.photos import open_picture
from clip_app.prompts import language_of_texts

MAX_TOP_K = 500

# What is excluded counts half. With an earlier starter on 1,000 COCO photographs, 5 % of the first
# five still showed the excluded thing instead of 9 %. Counted whole it was 3 %, but the average
# precision of what was wanted fell from 0.21 to 0.12 instead of 0.17.
_EXCLUSION = 0.5

# Vectors that stand for a gallery where its scores are measured.
_SAMPLE = 2000

# Copies of one picture, saved or scaled differently, differ in few of 64 bits and hardly for the
# model; bursts and other pictures of the same thing differ more in one of the two.
_SAME_LOOK_BITS = 6
_SAME_VECTOR = 0.9

# More than what was asked for is fetched, so that copies and the query itself can be left out.
_SURPLUS = 1.25
_SURPLUS_LEAST = 16

# Sub-folders among which one is looked for that is typed in another Unicode form.
_FOLDERS = 100_000

# Where copies fill the first results, no more than this many are looked through for others.
_MOST = 10_000


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


@dataclass(frozen=True)
class SearchHit:
    """One picture that was found.

    Attributes:
        path: absolute, of the first of its files.
        similarity: cosine with the query, in [-1, 1].
        fits: whether it does better than background; see `relevance`.
        copies: other files with the same or nearly the same picture, absolute paths.
        hash: content hash.
        size: of the file, in bytes.
        taken: Unix seconds.
        file_date: whether that is the date of the file, for want of one in the photograph.
    """

    path: str
    similarity: float
    fits: bool
    copies: tuple[str, ...]
    hash: bytes
    size: int
    taken: int
    file_date: bool = False


@dataclass(frozen=True)
class SearchAnswer:
    """What was found, best first, and how much was searched.

    Attributes:
        hits: also those that do not fit.
        images: how many different pictures were searched.
        judged: whether `fits` means anything: not where everything typed is to stay away from.
        by_words: whether words were looked for. By pictures alone, a picture of what a gallery
            does not hold still resembles much in it, so misfits are only marked then.
    """

    hits: tuple[SearchHit, ...]
    images: int
    judged: bool
    by_words: bool
    cut: tuple[CutText, ...] = ()

    @property
    def nothing_fits(self) -> bool:
        """Whether words were looked for and no picture does better than background."""
        return self.judged and self.by_words and not any(hit.fits for hit in self.hits)


def image_term(service: ModelService, path: str, *, name: str, weight: float = 1.0) -> ImageTerm:
    """A term from a picture file that the caller may read.

    Raises:
        ImageError: if it is not a picture that can be read.
        ModelError: if the device fails.
    """
    with open(path, "rb") as file:
        data = file.read()
    vector = service.encode_images([open_picture(data, service, name=name)])[0]
    return ImageTerm(vector, name, weight, content_of(data), os.path.realpath(path))


def search(
    service: ModelService,
    stores: Sequence[Store],
    terms: Sequence[TextTerm | ImageTerm],
    *,
    top_k: int = 50,
    where: Filter | None = None,
) -> SearchAnswer:
    """The pictures that fit the terms best.

    With one term the similarity is its cosine with each picture. With several, each is divided by
    how much its cosines vary over the gallery, so that words and pictures weigh alike although
    cosines between pictures vary far more (average precision on COCO photographs 0.174 instead of
    0.149 for the plain sum); the similarity is the cosine with their sum.

    Args:
        service: the model that made the indexes.
        stores: indexes to search.
        terms: at least one.
        top_k: how many pictures, 1 to `MAX_TOP_K`.
        where: which files to consider; its sub-folder is below each gallery.

    Raises:
        InputError: if there is no term, or `top_k` is out of range.
        StorageError, GalleryError: if an index cannot be read.
        ModelError: if the device fails.
    """
    if not terms:
        raise InputError("query_missing")
    if not 1 <= top_k <= MAX_TOP_K:
        raise InputError("top_k_invalid", limit=MAX_TOP_K)
    with steps.measure("encode query"):
        features = _features(service, terms)
    with steps.measure("search"):
        samples = [store.sample(_SAMPLE // len(stores)) for store in stores]
        weights = _weights(terms, features, samples)
        query = weights @ features
        length = max(float(np.linalg.norm(query)), 1e-12)
        own = {term.hash for term in terms if isinstance(term, ImageTerm) and term.hash}
        paths = {term.path for term in terms if isinstance(term, ImageTerm) and term.path}
        found = _found(stores, query / length, top_k, where or Filter(), own, paths)
    images = sum(store.counts().images for store in stores)
    wanted = [term for term in terms if term.weight > 0]
    judged = bool(wanted)
    if judged and found:
        with steps.measure("judge"):
            calibration = _calibration(samples, images)
            unrelated = unrelated_queries(
                calibration, _for_relevance(service, terms, features, weights)
            )
            vectors = np.stack([one.vector for one, _ in found])
            fit = fits(calibration, query, unrelated, vectors)
            judged = len(unrelated) > 0
    else:
        fit = np.ones(len(found), bool)
    hits = tuple(
        SearchHit(
            files[0],
            one.similarity,
            bool(fit[i]),
            tuple(files[1:]),
            one.hash,
            one.files[0].size,
            one.files[0].taken,
            one.files[0].file_date,
        )
        for i, (one, files) in enumerate(found)
    )
    by_words = any(isinstance(term, TextTerm) for term in wanted)
    return SearchAnswer(hits, images, judged, by_words, _cut(service, terms))


def _cut(service: ModelService, terms: Sequence[TextTerm | ImageTerm]) -> tuple[CutText, ...]:
    return tuple(
        cut
        for term in terms
        if isinstance(term, TextTerm)
        for cut in service.cut_texts([term.text], TEMPLATES[language_of_texts([term.text])])
    )


def _features(service: ModelService, terms: Sequence[TextTerm | ImageTerm]) -> np.ndarray:
    """Each term's vector, float32 (terms, dim)."""
    return np.stack(
        [
            # In the prompt of the background's words, with which it will be compared.
            service.encode_labels([term.text], TEMPLATES[language_of_texts([term.text])])[0]
            if isinstance(term, TextTerm)
            else term.vector
            for term in terms
        ]
    )


def _weights(
    terms: Sequence[TextTerm | ImageTerm], features: np.ndarray, samples: Sequence[np.ndarray]
) -> np.ndarray:
    """Each term's factor in the sum, float32 (terms,)."""
    weights = np.array([term.weight for term in terms], np.float32)
    weights[weights < 0] *= _EXCLUSION
    sample = np.concatenate(samples)
    if len(terms) > 1 and len(sample) > 1:
        weights /= np.maximum((sample @ features.T).std(axis=0), 1e-6)
    return weights


def _for_relevance(
    service: ModelService,
    terms: Sequence[TextTerm | ImageTerm],
    features: np.ndarray,
    weights: np.ndarray,
) -> list[Term]:
    return [
        Term(
            features[i],
            float(weights[i]),
            background_for(service, language_of_texts([term.text]))
            if isinstance(term, TextTerm)
            else None,
        )
        for i, term in enumerate(terms)
    ]


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


def _found(
    stores: Sequence[Store],
    query: np.ndarray,
    top_k: int,
    where: Filter,
    own: set[bytes],
    paths: set[str],
) -> list[tuple[Found, list[str]]]:
    """The best pictures, each once, with the absolute paths of all its files and copies."""
    filters = [replace(where, below=_spelled_below(store, where.below)) for store in stores]
    wanted = int(top_k * _SURPLUS) + _SURPLUS_LEAST
    while True:
        parts = [
            [(store, one) for one in store.search(query, wanted, filtered)]
            for store, filtered in zip(stores, filters, strict=True)
        ]
        found = sorted((pair for part in parts for pair in part), key=lambda p: -p[1].similarity)
        pictures = _without_copies(found, top_k, own, paths)
        exhausted = all(len(part) < wanted for part in parts)
        if exhausted or len(pictures) >= top_k or wanted > _MOST:
            return pictures
        wanted *= 4


def _spelled_below(store: Store, below: str) -> str:
    """A sub-folder as the index has it: names on a Mac are decomposed, typed ones composed."""
    below = below.strip("/")
    if below.isascii():
        return below
    folders = store.folders(_FOLDERS)
    return below if below in folders else same_name(below, folders) or below


def _without_copies(
    found: Sequence[tuple[Store, Found]], top_k: int, own: set[bytes], paths: set[str]
) -> list[tuple[Found, list[str]]]:
    """The first `top_k` pictures with the paths of their copies; the query's own are left out."""
    pictures: list[tuple[Found, list[str]]] = []
    looks = np.empty(top_k, np.uint64)
    for store, one in found:
        files = [os.path.join(store.key.folder, file.path) for file in one.files]
        if one.hash in own or paths.intersection(files):
            continue
        differing = np.bitwise_count(looks[: len(pictures)] ^ np.uint64(one.look))
        for n in np.flatnonzero(differing <= _SAME_LOOK_BITS):
            first, there = pictures[n]
            if first.vector @ one.vector >= _SAME_VECTOR:
                there += [path for path in files if path not in there]
                break
        else:
            if len(pictures) < top_k:
                looks[len(pictures)] = one.look
                pictures.append((one, files))
    return pictures
