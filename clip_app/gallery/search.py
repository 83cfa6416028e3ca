"""Searching galleries: by words, by pictures, by both, with things to stay away from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clip_app.errors import InputError
from clip_app.gallery.query import TextTerm
from clip_app.gallery.store import Filter, Found, Store, digest_of
from clip_app.images import load_image
from clip_app.metrics import steps
from clip_app.model_service import ModelService

MAX_TOP_K = 500

# Vectors that stand for a gallery where its scores are measured.
_SAMPLE = 2000

# Copies of one picture, saved or scaled differently, differ in few of 64 bits and hardly for the
# model; bursts and other pictures of the same thing differ more in one of the two.
_SAME_LOOK_BITS = 6
_SAME_VECTOR = 0.9

# More than what was asked for is fetched, so that copies and the query itself can be left out.
_SURPLUS = 1.25
_SURPLUS_LEAST = 16

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


def image_term(
    service: ModelService, data: bytes, name: str, *, path: str = "", weight: float = 1.0
) -> ImageTerm:
    """The term for an image file.

    Args:
        service: the model that made the indexes.
        data: the file's content.
        name: what to call it.
        path: where it lies, if it lies in a gallery.
        weight: negative to stay away from it.

    Raises:
        ImageError: if it cannot be decoded.
        ModelError: if the device fails.
    """
    # Reduced while decoding as when it is indexed, so that both give the same vector.
    image = load_image(data, name=name, target_side=2 * max(service.info.image_size))
    return ImageTerm(service.encode_images([image])[0], name, weight, digest_of(data), path)


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
    """

    path: str
    similarity: float
    fits: bool
    copies: tuple[str, ...]
    hash: bytes
    size: int
    taken: int


@dataclass(frozen=True)
class SearchAnswer:
    """What was found, best first, and how much was searched.

    Attributes:
        hits: also those that do not fit.
        images: how many different pictures were searched.
        judged: whether `fits` means anything: not where everything typed is to stay away from.
    """

    hits: tuple[SearchHit, ...]
    images: int
    judged: bool

    @property
    def nothing_fits(self) -> bool:
        """Whether no picture does better than background."""
        return self.judged and not any(hit.fits for hit in self.hits)


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
    cosines between pictures vary far more; the similarity is the cosine with their sum.

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
    where = where or Filter()
    with steps.measure("encode query"):
        features = _features(service, terms)
    with steps.measure("search"):
        query = _combined(stores, terms, features)
        own = {term.hash for term in terms if isinstance(term, ImageTerm) and term.hash}
        paths = {term.path for term in terms if isinstance(term, ImageTerm) and term.path}
        hits = _hits(stores, query, top_k, where, own, paths)
    images = sum(store.counts().images for store in stores)
    return SearchAnswer(tuple(hits), images, any(term.weight > 0 for term in terms))


def _features(service: ModelService, terms: Sequence[TextTerm | ImageTerm]) -> np.ndarray:
    texts = [term.text for term in terms if isinstance(term, TextTerm)]
    rows = iter(service.encode_texts(texts))
    return np.stack([next(rows) if isinstance(term, TextTerm) else term.vector for term in terms])


def _combined(
    stores: Sequence[Store], terms: Sequence[TextTerm | ImageTerm], features: np.ndarray
) -> np.ndarray:
    """One query vector, float32 (dim,), length 1."""
    weights = np.array([term.weight for term in terms], np.float32)
    if len(terms) > 1:
        sample = np.concatenate([store.sample(_SAMPLE // len(stores)) for store in stores])
        if len(sample) > 1:
            weights /= np.maximum((sample @ features.T).std(axis=0), 1e-6)
    query = weights @ features
    return np.asarray(query / max(float(np.linalg.norm(query)), 1e-12), np.float32)


def _hits(
    stores: Sequence[Store],
    query: np.ndarray,
    top_k: int,
    where: Filter,
    own: set[bytes],
    paths: set[str],
) -> list[SearchHit]:
    wanted = int(top_k * _SURPLUS) + _SURPLUS_LEAST
    while True:
        parts = [[(store, one) for one in store.search(query, wanted, where)] for store in stores]
        found = sorted((pair for part in parts for pair in part), key=lambda p: -p[1].similarity)
        hits = _without_copies(found, own, paths)
        exhausted = all(len(part) < wanted for part in parts)
        if exhausted or len(hits) >= top_k or wanted > _MOST:
            return hits[:top_k]
        wanted *= 4


def _without_copies(
    found: Sequence[tuple[Store, Found]], own: set[bytes], paths: set[str]
) -> list[SearchHit]:
    """Each picture once, with the paths of its copies; the query's own are left out."""
    if not found:
        return []
    vectors = np.stack([one.vector for _, one in found])
    looks = np.array([one.look for _, one in found], np.uint64)
    alike = vectors @ vectors.T >= _SAME_VECTOR
    alike &= np.bitwise_count(looks[:, None] ^ looks) <= _SAME_LOOK_BITS
    hits: dict[int, SearchHit] = {}
    for i, (store, one) in enumerate(found):
        files = [os.path.join(store.key.folder, file.path) for file in one.files]
        if one.hash in own or paths.intersection(files):
            continue
        first = next((n for n in hits if alike[n, i]), None)
        if first is not None:
            copies = dict.fromkeys((*hits[first].copies, *files))
            copies.pop(hits[first].path, None)
            hits[first] = replace(hits[first], copies=tuple(copies))
        else:
            size, taken = one.files[0].size, one.files[0].taken
            hits[i] = SearchHit(
                files[0], one.similarity, True, tuple(files[1:]), one.hash, size, taken
            )
    return [*hits.values()]
