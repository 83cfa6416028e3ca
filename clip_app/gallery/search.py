"""Searching galleries: by words, by pictures, by both, with things to stay away from."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from clip_app.errors import InputError
from clip_app.gallery.asking import Asked, ImageTerm, words_of
from clip_app.gallery.query import TextTerm
from clip_app.gallery.roots import same_name
from clip_app.gallery.stores.store import Filter, Found, Store, content_of
from clip_app.images.opening import opened
from clip_app.metrics import steps
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.photos import encode_photo
from clip_app.tasks.concepts import MARKS, Concept, by_key, check_model, key_of, sought

MAX_TOP_K = 500

#: Copies of one picture, saved or scaled differently, differ in few of 64 bits and hardly for the
#: model; bursts and other pictures of the same thing differ more in one of the two.
SAME_LOOK_BITS = 6
SAME_VECTOR = 0.9

#: What copies may differ in height by width: a hash sees all pictures as squares, so that a strip
#: and a square can look the same to it.
SAME_SHAPE = 1.1

# To the model, of a plain surface saved again; of two colours it is less.
_WHOLLY_SAME = 0.999

# More than what was asked for is fetched, so that copies and the query itself can be left out.
_SURPLUS = 1.25
_SURPLUS_LEAST = 16

# Sub-folders among which one is looked for that is typed in another Unicode form.
_FOLDERS = 100_000

# Where copies fill the first results, no more than this many are looked through for others.
_MOST = 10_000


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
        rank: its place among all that was searched, from 0, copies counted.
        width, height: of the upright picture, in pixels; 0 where the index does not know them yet.
    """

    path: str
    similarity: float
    fits: bool
    copies: tuple[str, ...]
    hash: bytes
    size: int
    taken: int
    file_date: bool = False
    rank: int = 0
    width: int = 0
    height: int = 0


class Picture(NamedTuple):
    """A picture that was found, the absolute paths of its files and copies, and its place."""

    found: Found
    files: list[str]
    rank: int


@dataclass(frozen=True)
class SearchAnswer:
    """What was found, best first, and how much was searched.

    Attributes:
        hits: also those that do not fit.
        images: how many different pictures were searched.
        judged: whether `fits` means anything: not where everything typed is to stay away from.
        by_words: whether words were looked for. By pictures alone, a picture of what a gallery
            does not hold still resembles much in it, so misfits are only marked then.
        cut: texts that the model does not read to their end.
        total: of a page (`pages`): how many pictures pass the filters, copies counted.
        above: of a page: how many of these lie above the line where confidence ends, which runs
            before the first hit whose `rank` is not less; None where nothing was judged.
        following: the offset of the next page; None after the last.
    """

    hits: tuple[SearchHit, ...]
    images: int
    judged: bool
    by_words: bool
    cut: tuple[CutText, ...] = ()
    total: int = 0
    above: int | None = None
    following: int | None = None

    @property
    def nothing_fits(self) -> bool:
        """Whether words were looked for and no picture does better than background."""
        return self.judged and self.by_words and not any(hit.fits for hit in self.hits)


def image_term(
    service: ModelService, source: str | bytes, *, name: str, weight: float = 1.0
) -> ImageTerm:
    """A term from a picture: the path of a file that the caller may read, or its bytes.

    Raises:
        ImageError: if it is not there, or not a picture that can be read.
        ModelError: if the device fails.
    """
    if isinstance(source, bytes):
        path, data = "", source
    else:
        path = os.path.realpath(source)
        with opened(source, name) as file:
            data = file.read()
    vector = encode_photo(service, data, name=name)[0]
    return ImageTerm(vector, name, weight, content_of(data), path)


def with_concepts(
    service: ModelService, terms: Sequence[TextTerm], concepts: Iterable[Concept]
) -> list[TextTerm | ImageTerm]:
    """The terms, those that name a concept with an @ before it as what was taught.

    A name that nothing bears stays words.

    Raises:
        InputError: if another model was taught the concept.
        ModelError: if the device fails.
    """
    known = by_key(concepts)
    mixed: list[TextTerm | ImageTerm] = []
    for term in terms:
        concept = known.get(key_of(term.text)) if term.text.startswith(MARKS) else None
        if concept is None:
            mixed.append(term)
            continue
        check_model(concept, service)
        words = words_of(service, concept.name)
        # What is to be stayed away from counts as a picture does: as like its examples as may be.
        vector = sought(service, concept, words) if term.weight > 0 else concept.mixed(words)
        mixed.append(ImageTerm(vector, f"{MARKS[0]}{concept.name}", term.weight))
    return mixed


def search(
    service: ModelService,
    stores: Sequence[Store],
    terms: Sequence[TextTerm | ImageTerm],
    *,
    top_k: int = 50,
    where: Filter | None = None,
) -> SearchAnswer:
    """The pictures that fit the terms best; see `Asked` for what the similarity is.

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
    if terms and not 1 <= top_k <= MAX_TOP_K:
        raise InputError("top_k_invalid", limit=MAX_TOP_K)
    asked = Asked(service, stores, terms)
    with steps.measure("search"):
        found = _found(stores, asked, top_k, where or Filter())
    return SearchAnswer(
        hits_of(found, asked.fits([one.vector for one, _, _ in found])),
        asked.images,
        asked.judged if found else asked.wants,
        asked.by_words,
        asked.cut,
    )


def hits_of(found: Sequence[Picture], fit: np.ndarray | None = None) -> tuple[SearchHit, ...]:
    """What a person is shown of pictures, of which each fits or not."""
    return tuple(
        SearchHit(
            files[0],
            one.similarity,
            fit is None or bool(fit[i]),
            tuple(files[1:]),
            one.hash,
            one.files[0].size,
            one.files[0].taken,
            one.files[0].file_date,
            rank,
            one.width,
            one.height,
        )
        for i, (one, files, rank) in enumerate(found)
    )


def _found(stores: Sequence[Store], asked: Asked, top_k: int, where: Filter) -> list[Picture]:
    """The best pictures, each once."""
    filters = [spelled(store, where) for store in stores]
    wanted = int(top_k * _SURPLUS) + _SURPLUS_LEAST
    while True:
        parts = [
            [(store, one) for one in store.search(asked.query, wanted, filtered)]
            for store, filtered in zip(stores, filters, strict=True)
        ]
        found = sorted((pair for part in parts for pair in part), key=lambda p: -p[1].similarity)
        pictures = without_copies(found, top_k, asked)
        exhausted = all(len(part) < wanted for part in parts)
        if exhausted or len(pictures) >= top_k or wanted > _MOST:
            return pictures
        wanted *= 4


def spelled(store: Store, where: Filter) -> Filter:
    """A filter with its folder as the index has it: names on a Mac are decomposed, typed ones
    composed.
    """
    below = where.below.strip("/")
    if not below.isascii():
        folders = store.folders(_FOLDERS)
        below = below if below in folders else same_name(below, folders) or below
    return replace(where, below=below)


def without_copies(
    found: Sequence[tuple[Store, Found]], limit: int, asked: Asked | None = None, first: int = 0
) -> list[Picture]:
    """The first `limit` pictures, each with its copies; those searched for are left out.

    Args:
        found: with the index each is of, in the order in which they are shown.
        limit: how many.
        asked: what was searched for, if anything was.
        first: the place of the first one in the whole order.
    """
    pictures: list[Picture] = []
    looks, shapes = np.empty(len(found), np.uint64), np.empty(len(found), np.float32)
    for place, (store, one) in enumerate(found, first):
        files = [os.path.join(store.key.folder, file.path) for file in one.files]
        if asked and (one.hash in asked.own or asked.own_paths.intersection(files)):
            continue
        look, shape, known = np.uint64(one.look), shape_of(one), len(pictures)
        alike = look_same(looks[:known], shapes[:known], look, shape)
        # The same bytes in another index, or the same to the model, are a copy without structure.
        for n in np.flatnonzero(alike | (looks[:known] == look)):
            picture, there, _ = pictures[n]
            enough = SAME_VECTOR if alike[n] else _WHOLLY_SAME
            if picture.hash == one.hash or picture.vector @ one.vector >= enough:
                there += [path for path in files if path not in there]
                break
        else:
            if len(pictures) < limit:
                looks[known], shapes[known] = look, shape
                pictures.append(Picture(one, files, place))
    return pictures


def shape_of(one: Found | SearchHit) -> np.float32:
    """The logarithm of width by height; NaN where they are not known."""
    return (
        np.log(np.float32(one.width) / one.height)
        if one.width and one.height
        else np.float32("nan")
    )


def look_same(
    looks: np.ndarray,
    shapes: np.ndarray,
    others: np.ndarray | np.uint64,
    their_shapes: np.ndarray | np.float32,
) -> np.ndarray:
    """Whether pictures may be copies by their hashes, uint64, and `shape_of`; arrays broadcast.

    A plain surface is no look: all its neighbours are as bright, whatever its colour.
    """
    bits = np.bitwise_count(looks)
    plain = (bits <= SAME_LOOK_BITS) | (bits >= 64 - SAME_LOOK_BITS)
    near = np.bitwise_count(looks ^ others) <= SAME_LOOK_BITS
    other_shape = np.abs(shapes - their_shapes) > np.float32(np.log(SAME_SHAPE))
    return near & ~plain & ~other_shape
