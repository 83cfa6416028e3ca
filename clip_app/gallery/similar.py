"""What an index knows of its photographs among themselves: copies, near copies, typical and odd.

Everything is read from vectors that are there; nothing is decoded or encoded.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clip_app.errors import InputError
from clip_app.gallery.search import (
    SAME_VECTOR,
    Picture,
    SearchHit,
    hits_of,
    look_same,
    shape_of,
    spelled,
)
from clip_app.gallery.stores.store import Filter, Store
from clip_app.progress import Progress

#: Cosine from which two photographs are near copies, whatever they look like to a hash
#: (benchmarks/duplicates.py).
NEAR = 0.97

#: Below this, photographs of one subject are "copies", and groups of thousands.
LEAST_NEAR = 0.8

# Images read from a store at a time: what a page of everything costs it least by.
_READ = 500

# Rows and columns of one product: 16 MB, which the process keeps from one to the next.
_ROWS, _COLUMNS = 512, 8_192

# Directions in which vectors are compared first, and images these are learnt from.
_SHORT = 64
_LEARN_FROM = 10_000

# Taken off bounds, so that rounding lets no pair slip.
_ROUNDING = 1e-4

_NONE = np.empty(0, np.float32)


@dataclass(frozen=True)
class Group:
    """Photographs that are one picture.

    Attributes:
        hits: one a content, the one with most pixels first; `copies` of each are files of the very
            same bytes, `similarity` is its cosine with the first.
    """

    hits: tuple[SearchHit, ...]

    @property
    def files(self) -> int:
        """How many files it has, at least 2."""
        return sum(1 + len(one.copies) for one in self.hits)

    @property
    def spare(self) -> int:
        """Bytes of all its files but the first."""
        return sum(one.size * (1 + len(one.copies)) for one in self.hits) - self.hits[0].size


@dataclass(frozen=True)
class Duplicates:
    """The groups, those with most bytes to spare first, and how many images were compared."""

    groups: tuple[Group, ...]
    images: int
    near: float


@dataclass(frozen=True)
class Odd:
    """The photographs most and least like all others, and how many images were compared.

    Attributes:
        typical, odd: the most typical and the oddest first; `similarity` of each is its mean cosine
            with every other image.
    """

    typical: tuple[SearchHit, ...]
    odd: tuple[SearchHit, ...]
    images: int


def duplicates(
    stores: Sequence[Store],
    *,
    near: float = NEAR,
    where: Filter | None = None,
    progress: Progress | None = None,
) -> Duplicates:
    """Groups of copies and near copies.

    Files of the same bytes are one image of the index. Beyond these, each image in turn, the one
    with most pixels first, takes those of the rest that are near it: whose cosine with it is at
    least `near`, or that search results show as its copies. So every photograph of a group is near
    its first, and no chain of small steps joins two that are not.

    Args:
        stores: indexes of one model.
        near: cosine, `LEAST_NEAR` to 1; 1 is for files of the same bytes alone.
        where: which files to look at.
        progress: called with (done, total) images.

    Raises:
        InputError: if `near` is out of range.
        StorageError, GalleryError: if an index cannot be read.
    """
    if not LEAST_NEAR <= near <= 1:
        raise InputError("near_invalid", least=LEAST_NEAR)
    hits, vectors, looks = everything(stores, where or Filter())
    order = sorted(range(len(hits)), key=lambda i: _by_size(hits[i]))
    hits = [hits[i] for i in order]
    leaders = np.arange(len(hits))
    if near < 1:
        leaders = leaders_of(
            vectors[order], looks[order], near, progress, np.array([shape_of(hit) for hit in hits])
        )
    members: dict[int, list[int]] = {}
    for place, leader in enumerate(leaders.tolist()):
        members.setdefault(leader, []).append(place)
    groups = []
    for first, others in members.items():
        if len(others) > 1 or hits[first].copies:
            rows = vectors[[order[i] for i in others]]
            likeness = np.clip(rows @ rows[0], -1, 1).tolist()
            pairs = zip(others, likeness, strict=True)
            groups.append(Group(tuple(replace(hits[i], similarity=one) for i, one in pairs)))
    groups.sort(key=lambda one: -one.spare)
    return Duplicates(tuple(groups), len(hits), near)


def odd(stores: Sequence[Store], *, number: int = 10, where: Filter | None = None) -> Odd:
    """The photographs that are most, and those that are least, like all others.

    Args:
        stores: indexes of one model.
        number: how many of each; no photograph is both.
        where: which files to look at.

    Raises:
        StorageError, GalleryError: if an index cannot be read.
    """
    hits, vectors, _ = everything(stores, where or Filter())
    count = len(hits)
    if count < 2:
        return Odd((), (), count)
    # The mean cosine with the others: that with all, less its own.
    means = (vectors @ vectors.sum(0) - 1) / (count - 1)
    hits = [replace(hits[i], similarity=float(means[i])) for i in np.argsort(-means, kind="stable")]
    number = min(max(0, number), count // 2)
    return Odd(tuple(hits[:number]), tuple(hits[::-1][:number]), count)


def leaders_of(
    vectors: np.ndarray,
    looks: np.ndarray,
    near: float,
    progress: Progress | None = None,
    shapes: np.ndarray | None = None,
) -> np.ndarray:
    """For each row, the first one that leads it: itself, or one before that it is near to.

    Exact, and quadratic with a small constant: rows are compared by a bound of `_SHORT` numbers
    first, and only those that it lets through by all of theirs.

    Args:
        vectors: float32 (n, dim), length 1, in the order in which they may lead.
        looks: uint64 (n,), perceptual hashes.
        near: least cosine; where looks are the same, `SAME_VECTOR` is enough.
        progress: called with (done, total) rows.
        shapes: `shape_of` each; without them, only looks and vectors count.

    Returns:
        int64 (n,).
    """
    shapes = np.full(len(vectors), np.nan, np.float32) if shapes is None else shapes

    def are_copies(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return look_same(looks[rows], shapes[rows], looks[columns], shapes[columns])

    def are_near(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        cosines = vectors[rows[:, 0]] @ vectors[columns].T
        return (cosines >= near) | ((cosines >= SAME_VECTOR) & are_copies(rows, columns))

    count = len(vectors)
    leaders = np.arange(count)
    short = _shortened(vectors)
    bound = min(near, SAME_VECTOR) - _ROUNDING
    for start in range(0, count, _ROWS):
        end = min(start + _ROWS, count)
        rows = start + np.flatnonzero(leaders[start:end] == np.arange(start, end))
        alike = are_near(rows[:, None], rows)
        lead = np.ones(len(rows), bool)
        for i in np.flatnonzero(np.triu(alike, 1).any(1)):
            if lead[i]:
                behind = i + 1 + np.flatnonzero(alike[i, i + 1 :] & lead[i + 1 :])
                lead[behind] = False
                leaders[rows[behind]] = rows[i]
        rows = rows[lead]
        for columns in _open_columns(leaders, end):
            bounds = short[rows] @ short[columns].T
            r, c = np.nonzero(bounds >= bound)
            maybe = (bounds[r, c] >= near - _ROUNDING) | are_copies(rows[r], columns[c])
            if maybe.any():
                above, across = rows[np.unique(r[maybe])], columns[np.unique(c[maybe])]
                alike = are_near(above[:, None], across)
                led = alike.any(0)
                leaders[across[led]] = above[alike.argmax(0)[led]]
        if progress:
            progress(end, count)
    return leaders


def _open_columns(leaders: np.ndarray, start: int) -> Iterator[np.ndarray]:
    """Rows from `start` on that nothing leads yet, some at a time."""
    rows = start + np.flatnonzero(leaders[start:] == np.arange(start, len(leaders)))
    for first in range(0, len(rows), _COLUMNS):
        yield rows[first : first + _COLUMNS]


def _shortened(vectors: np.ndarray) -> np.ndarray:
    """Rows of fewer numbers whose inner products are nowhere less than those of `vectors`.

    What a row is in the directions that matter most, and the length of the rest: by Cauchy and
    Schwarz the rests of two rows give no more than the product of their lengths.
    """
    if vectors.shape[1] <= _SHORT + 1:
        return vectors
    some = vectors[:: max(1, len(vectors) // _LEARN_FROM)]
    directions = np.linalg.eigh(some.T @ some)[1][:, -_SHORT:]
    there = vectors @ directions
    lengths = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", there, there)
    rest = np.sqrt(np.maximum(lengths, 0))
    return np.column_stack((there, rest)).astype(np.float32, copy=False)


def _by_size(hit: SearchHit) -> tuple[int, int, str]:
    return -hit.width * hit.height, -hit.size, hit.path


def everything(
    stores: Sequence[Store], where: Filter, progress: Progress | None = None
) -> tuple[list[SearchHit], np.ndarray, np.ndarray]:
    """Every image that the filter lets through, once, those of an index from the newest on.

    Args:
        stores: indexes of one model.
        where: which files count.
        progress: called with (done, total) images of each index.

    Returns:
        the images; their vectors, float32 (n, dim); their looks, uint64 (n,).

    Raises:
        StorageError, GalleryError: if an index cannot be read.
    """
    found: dict[bytes, Picture] = {}
    # An empty one first, for where there are no others.
    blocks = [np.empty((0, stores[0].key.dim), np.float32)]
    for store in stores:
        filtered = spelled(store, where)
        total = store.matching(filtered)
        for offset in range(0, total, _READ):
            new = []
            for one in store.newest(_READ, filtered, offset):
                files = [os.path.join(store.key.folder, file.path) for file in one.files]
                if one.hash in found:
                    there = found[one.hash].files
                    there += [path for path in files if path not in there]
                else:
                    # Not the vector a second time: 200 MB of 100,000.
                    found[one.hash] = Picture(replace(one, vector=_NONE), files, len(found))
                    new.append(one.vector)
            blocks += [np.stack(new)] if new else []
            if progress:
                progress(min(offset + _READ, total), total)
    looks = np.array([one.found.look for one in found.values()], np.uint64)
    return list(hits_of([*found.values()])), np.concatenate(blocks), looks
