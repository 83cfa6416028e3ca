"""Everything in a gallery, page by page: ranked for a query, or the last taken first; and counted.

Nothing is hidden: what a query does not fit comes after what it fits, and the page is told where
that begins. Copies are gathered block by block of a fixed size, so that a page holds the same
pictures whichever was asked for before.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cachetools import LRUCache

from clip_app.gallery.asking import AnyTerm, Asked
from clip_app.gallery.relevance import line
from clip_app.gallery.search import (
    Picture,
    SearchAnswer,
    SearchHit,
    hits_of,
    spelled,
    without_copies,
)
from clip_app.gallery.stores.store import Facets, Filter, Found, Store
from clip_app.images import FORMATS, suffixes_of
from clip_app.metrics import steps
from clip_app.model.service import ModelService

# Copies farther apart than this in an order are shown as pictures of their own. A whole block is
# fetched for each page: 500 pictures take 8 ms from SQLite.
BLOCK = 500

# Results that are judged to tell on which side of the line a place deep in a ranking is.
_PROBE = 64

Fetch = Callable[[int, int], list[tuple[Store, Found]]]


def search_page(
    service: ModelService,
    stores: Sequence[Store],
    terms: Sequence[AnyTerm],
    *,
    offset: int = 0,
    limit: int = 60,
    where: Filter | None = None,
    by_date: bool = False,
) -> SearchAnswer:
    """A page of all pictures, the best first; see `search.search`.

    Args:
        service: the model that made the indexes.
        stores: indexes to search.
        terms: at least one.
        offset: 0, or what `following` of the page before was.
        limit: how many pictures at most; a page may end earlier though others follow.
        where: which files to consider; its sub-folder is below each gallery.
        by_date: show those above the line by their date, the last taken first.

    Raises:
        InputError: if there is no term.
        StorageError, GalleryError: if an index cannot be read.
        ModelError: if the device fails.
    """
    asked = Asked(service, stores, terms)
    filters = [spelled(store, where or Filter()) for store in stores]
    total = _matching(stores, filters)

    def ranking(first: int, number: int) -> list[tuple[Store, Found]]:
        return _merged(
            stores,
            first,
            number,
            lambda i, limit, skip: stores[i].ranked(asked.query, limit, filters[i], skip),
            lambda one: -one.similarity,
        )

    with steps.measure("search"):
        above = _above(asked, tuple(filters), ranking, total) if total and asked.judged else None
        dated = (total if above is None else above) if by_date else 0

        def by_taken(first: int, number: int) -> list[tuple[Store, Found]]:
            if len(stores) == 1:
                return _newest(stores, filters, first, number, (asked.query, dated))
            # Of which index how many are above the line is not known.
            best = sorted(ranking(0, dated), key=lambda pair: -_taken(pair[1]))
            return best[first : first + number]

        def fetch(first: int, number: int) -> list[tuple[Store, Found]]:
            some = max(0, min(dated, first + number) - first)
            found = by_taken(first, some) if some else []
            return found + (ranking(first + some, number - some) if number > some else [])

        hits, following = _page(fetch, offset, limit, total, asked)
    return SearchAnswer(
        hits, asked.images, above is not None, asked.by_words, asked.cut, total, above, following
    )


def browse(
    stores: Sequence[Store], *, where: Filter | None = None, offset: int = 0, limit: int = 60
) -> SearchAnswer:
    """A page of all pictures, the last taken first; arguments as for `search_page`.

    Raises:
        StorageError, GalleryError: if an index cannot be read.
    """
    filters = [spelled(store, where or Filter()) for store in stores]
    total = _matching(stores, filters)
    with steps.measure("browse"):
        hits, following = _page(
            lambda first, number: _newest(stores, filters, first, number), offset, limit, total
        )
    images = sum(store.counts().images for store in stores)
    return SearchAnswer(hits, images, False, False, total=total, following=following)


def facets(stores: Sequence[Store], where: Filter | None = None) -> Facets:
    """How many pictures there are in each folder right below the filter's, of each kind, by year.

    Kinds are those of `images.FORMATS` instead of endings, other endings as they are and a dot for
    none. The largest come first, of years the last one.

    Raises:
        StorageError, GalleryError: if an index cannot be read.
    """
    folders, kinds, years = Counter[str](), Counter[str](), Counter[int]()
    keywords = Counter[str]()
    images = 0
    for store in stores:
        one = store.facets(spelled(store, where or Filter()))
        images += one.images
        folders.update(one.folders)
        years.update(one.years)
        keywords.update(one.keywords)
        for suffix, number in one.suffixes.items():
            kinds[_kind(suffix)] += number
    by_year = dict(sorted(years.items(), reverse=True))
    return Facets(
        images,
        dict(folders.most_common()),
        dict(kinds.most_common()),
        by_year,
        dict(keywords.most_common()),
    )


def chosen(stores: Sequence[Store], hashes: Sequence[bytes]) -> tuple[SearchHit, ...]:
    """The pictures of these content hashes that are still there, in the order of their hashes.

    Raises:
        StorageError, GalleryError: if an index cannot be read.
    """
    there = {
        one.hash: Picture(one, [os.path.join(store.key.folder, f.path) for f in one.files], 0)
        for store in reversed(stores)
        for one in store.images(hashes)
    }
    return hits_of([there[one] for one in hashes if one in there])


def _matching(stores: Sequence[Store], filters: Sequence[Filter]) -> int:
    return sum(store.matching(where) for store, where in zip(stores, filters, strict=True))


def _page(
    fetch: Fetch, offset: int, limit: int, total: int, asked: Asked | None = None
) -> tuple[tuple[SearchHit, ...], int | None]:
    """The pictures from a place on, at most to the end of a block, and the next page's place."""
    while offset < total:
        first = offset - offset % BLOCK
        end = min(first + BLOCK, total)
        pictures = without_copies(fetch(first, end - first), BLOCK, asked, first)
        rest = [one for one in pictures if one.rank >= offset]
        shown = rest[:limit]
        offset = rest[limit].rank if len(rest) > limit else end
        if shown:
            fit = asked.fits([one.found.vector for one in shown]) if asked else None
            return hits_of(shown, fit), offset if offset < total else None
    return (), None


def _merged(
    stores: Sequence[Store],
    first: int,
    number: int,
    part: Callable[[int, int, int], list[Found]],
    key: Callable[[Found], Any],
) -> list[tuple[Store, Found]]:
    """Places of an order over several indexes: `part` of an index, a number, and what to skip."""
    if len(stores) == 1:
        return [(stores[0], one) for one in part(0, number, first)]
    # How many of those before are in which index is not known.
    pairs = [(store, one) for i, store in enumerate(stores) for one in part(i, first + number, 0)]
    return sorted(pairs, key=lambda pair: key(pair[1]))[first : first + number]


def _newest(
    stores: Sequence[Store],
    filters: Sequence[Filter],
    first: int,
    number: int,
    among: tuple[np.ndarray, int] | None = None,
) -> list[tuple[Store, Found]]:
    return _merged(
        stores,
        first,
        number,
        lambda i, limit, skip: stores[i].newest(limit, filters[i], skip, among),
        lambda one: -_taken(one),
    )


def _taken(one: Found) -> int:
    return max(file.taken for file in one.files)


# With the samples the galleries had then, which are the same arrays until something is written:
# kept, so that no other array can get their ids.
_lines: LRUCache[tuple[Any, ...], tuple[list[np.ndarray], int, bool | None]] = LRUCache(256)
_lines_lock = threading.Lock()


def _above(asked: Asked, filters: tuple[Filter, ...], ranking: Fetch, total: int) -> int:
    """How many places of a ranking lie above the line."""
    key = (*map(id, asked.samples), asked.query.tobytes(), filters)
    with _lines_lock:
        known = _lines.get(key)
    if known is None:
        known = (asked.samples, _line(asked, ranking, total), asked.found)
        with _lines_lock:
            _lines[key] = known
    asked.found = known[2]
    return known[1]


def _line(asked: Asked, ranking: Fetch, total: int) -> int:
    """Where the line runs.

    Exact in the first block. Where the line is deeper, by the majority of some results at a few
    places, found by doubling and halving: of 100,000 pictures a thousand are judged.
    """

    def fit(first: int, number: int) -> np.ndarray:
        return asked.fits([one.vector for _, one in ranking(first, number)])

    above = line(fit(0, BLOCK))
    if above <= min(BLOCK, total) - _PROBE or total <= BLOCK:
        return above
    low, high = above, 2 * above
    while high < total and fit(high, _PROBE).mean() >= 0.5:
        low, high = high, 2 * high
    high = min(high, total)
    while high - low > _PROBE:
        middle = (low + high) // 2
        low, high = (middle, high) if fit(middle, _PROBE).mean() >= 0.5 else (low, middle)
    return low + line(fit(low, high - low))


def _kind(suffix: str) -> str:
    return next((one for one in FORMATS if suffix in suffixes_of([one])), suffix or ".")
