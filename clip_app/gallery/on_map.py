"""What is asked of a map: what lies in an area of it, how alike all is to a query, and where words
lie.
"""

import base64
import binascii
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache, cached

from clip_app.errors import ChangedMapError, InputError
from clip_app.gallery.asking import AnyTerm, Asked, ImageTerm, features_of
from clip_app.gallery.clusters import thickest
from clip_app.gallery.maps import NEAR, GalleryMap
from clip_app.gallery.projection import NEIGHBOURS
from clip_app.gallery.search import spelled
from clip_app.gallery.stores.store import Filter, Store
from clip_app.model.service import ModelService

#: The most corners of an area.
MOST_CORNERS = 256

_CLUSTER = re.compile(r"c(\d{1,3})")


@dataclass(frozen=True)
class OnMap:
    """Where a term lies on a map.

    Attributes:
        term: it.
        place: among its nearest photographs, where these lie thickest.
        nearest: places of those in the map, the nearest first.
        cosine: mean cosine of the term with them.
        among: mean cosine of these with each other; NaN of one.
    """

    term: AnyTerm
    place: tuple[int, int]
    nearest: tuple[int, ...]
    cosine: float
    among: float


@dataclass(frozen=True)
class Likeness:
    """How alike the photographs of a map are to a query.

    Attributes:
        similarities: float32 (n,), NaN for those that the filter does not let through.
        terms: of the query.
    """

    similarities: np.ndarray
    terms: tuple[OnMap, ...]


@cached(LRUCache(8), key=lambda drawn, area: (drawn.state, area), lock=threading.Lock())
def in_area(drawn: GalleryMap, area: str) -> frozenset[bytes]:
    """The content hashes of what lies in an area of a map.

    Args:
        drawn: the map.
        area: `STATE.CORNERS`, the corners of a polygon as base64url of uint16 x, y, which closes
            by itself and of which what is enclosed an odd number of times is inside; or
            `STATE.cNUMBER`, a cluster. The state is that of the map that it was chosen on.

    Raises:
        InputError: if it is not of this form.
        ChangedMapError: if it is of another map.
    """
    state, dot, shape = area.partition(".")
    if not dot:
        raise InputError("request_malformed")
    if state != drawn.state:
        raise ChangedMapError("gallery_map_changed")
    if found := _CLUSTER.fullmatch(shape):
        inside = drawn.cluster == int(found[1])
    else:
        inside = _enclosed(drawn.places, _corners(shape))
    return frozenset(drawn.hashes[row] for row in np.flatnonzero(inside).tolist())


def likeness(
    service: ModelService,
    store: Store,
    drawn: GalleryMap,
    terms: Sequence[AnyTerm],
    where: Filter,
) -> Likeness:
    """How alike a map's photographs are to a query, and where its terms lie.

    Args:
        service: the model that made the index.
        store: the index that the map is of.
        drawn: the map.
        terms: of the query; without any, the similarity of what passes the filter is 1.
        where: which files count.

    Raises:
        StorageError, GalleryError: if the index cannot be read.
        ModelError: if the device fails.
    """
    filtered = spelled(store, where)
    similarities = np.full(len(drawn.hashes), np.nan, np.float32)
    # Without a query any vector tells what passes.
    query = Asked(service, [store], terms).query if terms else np.eye(1, store.key.dim)[0]
    for content, similarity in store.similarities(query.astype(np.float32), filtered).items():
        if (row := drawn.rows.get(content)) is not None:
            similarities[row] = similarity if terms else 1
    return Likeness(similarities, terms_on(service, store, drawn, terms))


def terms_on(
    service: ModelService, store: Store, drawn: GalleryMap, terms: Sequence[AnyTerm]
) -> tuple[OnMap, ...]:
    """Where terms lie on a map; none on one without photographs.

    A text's vector lies apart from those of all photographs, however well it fits some (the
    modality gap, Liang et al. 2022), so it has no place of its own among them: it is put among its
    nearest photographs, where they lie thickest, and so is a picture.

    Raises:
        StorageError, GalleryError: if the index cannot be read.
        ModelError: if the device fails.
    """
    if not drawn.hashes or not terms:
        return ()
    there = spelled(store, Filter(drawn.below))
    placed = []
    for term, vector in zip(terms, features_of(service, terms), strict=True):
        found = [
            one
            for one in store.search(vector, NEIGHBOURS + 1, there)
            if one.hash in drawn.rows
            and not (isinstance(term, ImageTerm) and one.hash == term.hash)
        ][:NEIGHBOURS]
        if not found:
            continue
        rows = [drawn.rows[one.hash] for one in found]
        places = drawn.places[rows]
        x, y = np.average(places, axis=0, weights=thickest(places, NEAR)).round().astype(int)
        vectors = np.stack([one.vector for one in found])
        pairs = len(found) * (len(found) - 1)
        among = (float(np.square(vectors.sum(0)).sum()) - len(found)) / pairs if pairs else np.nan
        cosine = float(np.mean([one.similarity for one in found]))
        placed.append(OnMap(term, (int(x), int(y)), tuple(rows), cosine, among))
    return tuple(placed)


def _corners(shape: str) -> np.ndarray:
    """float64 (corners, 2) of base64url without padding."""
    try:
        data = base64.b64decode(shape + "=" * (-len(shape) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("request_malformed") from error
    if len(data) % 4 or not 3 <= len(data) // 4 <= MOST_CORNERS:
        raise InputError("request_malformed")
    return np.frombuffer(data, "<u2").reshape(-1, 2).astype(float)


def _enclosed(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Bool (n,): whether a ray from a place to the right crosses the outline an odd number of
    times.
    """
    x, y = places.T.astype(np.float64)
    inside = np.zeros(len(places), bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            crossed = (y1 > y) != (y2 > y)
            inside ^= crossed & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
