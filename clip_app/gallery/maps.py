"""Maps of galleries: each photograph's place on a plane, its group, and what to colour it by.

A map is drawn once for the photographs there are and kept beside the indexes. A few that are new
are put where those like them lie, so that a map that one knows stays as it is; when they are more,
it is drawn anew.
"""

import hashlib
import json
import logging
import os
import shutil
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from cachetools import LRUCache

from clip_app.errors import GalleryError
from clip_app.gallery.clusters import groups, names_of, thickest
from clip_app.gallery.projection import NEIGHBOURS, TOTAL, project
from clip_app.gallery.search import SearchHit, spelled
from clip_app.gallery.similar import everything
from clip_app.gallery.stores.store import Filter, Store
from clip_app.model.service import ModelService
from clip_app.progress import Progress, silent
from clip_app.strings import Language
from clip_app.temporary import whole_file

log = logging.getLogger(__name__)

#: Places are whole numbers from 0 to this, in both directions.
SIDE = 65_535

#: How far places count as near where the thickest is looked for.
NEAR = SIDE / 40

#: The most photographs of a map: reading as many takes 1 GB of memory for a moment.
MOST = 200_000

# Left free at the edges.
_MARGIN = 0.03

# A map of at least so many photographs takes in new ones, and misses some, up to this share of it;
# more than this number of new ones are not placed faster than all are laid out.
_LARGE = 50
_CHANGED = 0.1
_MOST_NEW = 300

# Of a content hash.
_HASH_BYTES = 16

# Raised whenever maps are drawn otherwise.
_VERSION = 2

# Maps held in memory: 30 MB one of 100,000 photographs.
_HELD = 4

# What drawing is made of, of `TOTAL`: reading, laying out, and names.
_READ, _LAID_OUT = 15, 85

# How often a second visitor who waits for the same map looks whether it is there.
_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Cluster:
    """Photographs that lie together.

    Attributes:
        size: how many.
        place: of one of them, where they lie thickest.
        name: by language.
    """

    size: int
    place: tuple[int, int]
    name: dict[Language, str]


@dataclass(frozen=True, eq=False)
class GalleryMap:
    """Each content of a gallery once, the last taken first.

    Attributes:
        hashes: content hashes.
        paths: absolute, of the first file of each.
        taken: int64 (n,), Unix seconds.
        places: uint16 (n, 2), 0 to `SIDE` from left to right and from top to bottom.
        cluster: uint8 (n,), its place in `clusters`.
        clusters: the largest first.
        added: how many were put in since all was laid out.
        below: the sub-folder of the index that it is of; "" for all.
    """

    hashes: tuple[bytes, ...]
    paths: tuple[str, ...]
    taken: np.ndarray
    places: np.ndarray
    cluster: np.ndarray
    clusters: tuple[Cluster, ...]
    added: int = 0
    below: str = ""

    @cached_property
    def state(self) -> str:
        """16 hexadecimal digits that name this map: these photographs in these places."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (b"".join(self.hashes), self.places, self.cluster):
            digest.update(part if isinstance(part, bytes) else part.tobytes())
        return digest.hexdigest()

    @cached_property
    def rows(self) -> dict[bytes, int]:
        """Which place is whose, by content."""
        return {one: row for row, one in enumerate(self.hashes)}


class Maps:
    """The maps of a process, and those that it or others have drawn before."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`; where that cannot be written they are drawn in each process."""
        self._folder = folder
        # With a sample of the index, the same array until something is written to it; kept, so
        # that no other can get its id.
        self._held: LRUCache[tuple[str, ...], tuple[np.ndarray, GalleryMap]] = LRUCache(_HELD)
        self._drawing: dict[tuple[str, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def drawn(
        self,
        service: ModelService,
        store: Store,
        below: str = "",
        progress: Progress | None = None,
    ) -> GalleryMap:
        """The map of a gallery, or of a sub-folder of it; drawn where it is not there yet.

        Args:
            service: the model that made the index.
            store: the index.
            below: the sub-folder; "" for all.
            progress: called with (done, `TOTAL`); what it raises ends the work.

        Raises:
            GalleryError: if there are more than `MOST` photographs, or the index is damaged.
            StorageError: if the index cannot be read.
            ModelError: if the device fails.
        """
        told = progress or silent
        with self._turn(store, below, told):
            if (held := self._holds(store, below)) is not None:
                return held
            if (number := _number(store, below)) > MOST:
                raise GalleryError("gallery_map_large", number=number, limit=MOST)
            sample = store.sample(1)
            hits, vectors, _ = everything([store], Filter(below), _within(told, 0, _READ))
            known = self._read(store, below)
            drawn = _as_it_was(known, hits) or _grown(known, hits, vectors)
            drawn = replace(drawn or _draw(service, hits, vectors, told), below=below)
            if known is None or drawn.state != known.state:
                self._write(store, below, drawn)
            self._hold(store, below, sample, drawn)
            told(TOTAL, TOTAL)
            return drawn

    def known(self, store: Store, below: str = "") -> GalleryMap | None:
        """The map as `drawn` would give it, if no drawing is needed for it.

        Raises:
            StorageError, GalleryError: if the index cannot be read.
        """
        if (held := self._holds(store, below)) is not None:
            return held
        known = self._read(store, below)
        if known is None or _number(store, below) != len(known.hashes):
            return None
        sample = store.sample(1)
        drawn = _as_it_was(known, everything([store], Filter(below))[0])
        if drawn is not None:
            drawn = replace(drawn, below=below)
            self._hold(store, below, sample, drawn)
        return drawn

    def _holds(self, store: Store, below: str) -> GalleryMap | None:
        with self._lock:
            sample, held = self._held.get(_key(store, below), (None, None))
        return held if sample is store.sample(1) else None

    def _hold(self, store: Store, below: str, sample: np.ndarray, drawn: GalleryMap) -> None:
        with self._lock:
            self._held[_key(store, below)] = sample, drawn

    @contextmanager
    def _turn(self, store: Store, below: str, told: Progress) -> Iterator[None]:
        """One draws a map; who wants the same meanwhile waits, and may end that by `told`."""
        with self._lock:
            turn = self._drawing.setdefault(_key(store, below), threading.Lock())
        while not turn.acquire(timeout=_LOOK_SECONDS):
            told(0, TOTAL)
        try:
            yield
        finally:
            turn.release()

    def _place(self, store: Store, below: str) -> Path:
        return map_folder(self._folder, store.key.folder) / f"{_digest(*_key(store, below))}.npz"

    def _read(self, store: Store, below: str) -> "_Kept | None":
        """What was drawn last; None where nothing was, or by other rules."""
        try:
            with np.load(self._place(store, below)) as file:
                if int(file["version"]) != _VERSION:
                    return None
                hashes = file["hashes"]
                kept = _Kept(
                    [one.tobytes() for one in hashes],
                    file["places"],
                    file["cluster"],
                    json.loads(str(file["names"])),
                    int(file["added"]),
                    str(file["state"]),
                )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            log.warning("A map that was drawn cannot be read: %s", error)
            return None
        count = len(kept.hashes)
        sound = kept.places.shape == (count, 2) and kept.cluster.shape == (count,)
        return kept if sound and kept.cluster.max(initial=0) < max(1, len(kept.names)) else None

    def _write(self, store: Store, below: str, drawn: GalleryMap) -> None:
        hashes = np.frombuffer(b"".join(drawn.hashes), np.uint8)
        path = self._place(store, below)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as file:
                np.savez(
                    file,
                    version=_VERSION,
                    hashes=hashes.reshape(-1, _HASH_BYTES),
                    places=drawn.places,
                    cluster=drawn.cluster,
                    names=json.dumps([one.name for one in drawn.clusters]),
                    added=drawn.added,
                    state=drawn.state,
                )
        except OSError as error:
            log.info("A map is not kept: %s", error)


@dataclass(frozen=True)
class _Kept:
    """A map as it lies on the disk; see `GalleryMap`."""

    hashes: Sequence[bytes]
    places: np.ndarray
    cluster: np.ndarray
    names: Sequence[dict[Language, str]]
    added: int
    state: str


def forget_maps(folder: Path, gallery: Path) -> None:
    """Delete what was drawn of a gallery.

    Args:
        folder: the index folder.
        gallery: whose, resolved.
    """
    shutil.rmtree(map_folder(folder, gallery), ignore_errors=True)


def map_folder(folder: Path, gallery: Path) -> Path:
    """Where the maps of a gallery lie, below the index folder."""
    return folder / "maps" / _digest(os.fsdecode(gallery))


def _key(store: Store, below: str) -> tuple[str, ...]:
    return os.fsdecode(store.key.folder), store.key.fingerprint, below


def _number(store: Store, below: str) -> int:
    return store.matching(spelled(store, Filter(below)))


def _digest(*parts: str) -> str:
    whole = "\0".join(parts).encode(errors="surrogateescape")
    return hashlib.blake2b(whole, digest_size=8).hexdigest()


def _within(told: Progress, first: int, last: int) -> Progress:
    """A progress that goes from `first` to `last` of `TOTAL`."""
    return lambda done, total: told(first + (last - first) * done // max(1, total), TOTAL)


def _draw(
    service: ModelService, hits: Sequence[SearchHit], vectors: np.ndarray, told: Progress
) -> GalleryMap:
    laid_out = project(vectors, _within(told, _READ, _LAID_OUT))
    cluster = groups(laid_out)
    names = names_of(service, vectors, cluster, _within(told, _LAID_OUT, TOTAL))
    return _made(hits, _scaled(laid_out), cluster, names)


def _made(
    hits: Sequence[SearchHit],
    places: np.ndarray,
    cluster: np.ndarray,
    names: Sequence[dict[Language, str]],
    added: int = 0,
) -> GalleryMap:
    """A map; groups of which nothing is left are left out, and the largest comes first."""
    sizes = np.bincount(cluster, minlength=len(names))
    order = [one for one in np.argsort(-sizes, kind="stable").tolist() if sizes[one]]
    number = np.zeros(max(1, len(names)), np.uint8)
    number[order] = np.arange(len(order))
    clusters = []
    for one in order:
        members = places[cluster == one]
        # Of those that were looked at, the densest is as near to itself as can be.
        x, y = members[int(thickest(members, NEAR).argmax())].tolist()
        clusters.append(Cluster(int(sizes[one]), (x, y), dict(names[one])))
    return GalleryMap(
        tuple(one.hash for one in hits),
        tuple(one.path for one in hits),
        np.array([one.taken for one in hits], np.int64),
        places,
        number[cluster],
        tuple(clusters),
        added,
    )


def _scaled(laid_out: np.ndarray) -> np.ndarray:
    """Places as whole numbers, centred, in the proportions that they have."""
    if not len(laid_out):
        return np.zeros((0, 2), np.uint16)
    low, high = laid_out.min(0), laid_out.max(0)
    widest = max(float((high - low).max()), 1e-12)
    shares = (laid_out - (low + high) / 2) / widest * (1 - 2 * _MARGIN) + 0.5
    return np.asarray(np.round(shares * SIDE), np.uint16)


def _as_it_was(known: _Kept | None, hits: Sequence[SearchHit]) -> GalleryMap | None:
    """The map that was drawn, if it is of just these photographs."""
    if known is None or len(known.hashes) != len(hits):
        return None
    rows = {one: row for row, one in enumerate(known.hashes)}
    if not all(one.hash in rows for one in hits):
        return None
    order = [rows[one.hash] for one in hits]
    return _made(hits, known.places[order], known.cluster[order], known.names, known.added)


def _grown(
    known: _Kept | None, hits: Sequence[SearchHit], vectors: np.ndarray
) -> GalleryMap | None:
    """The map that was drawn, without what is gone and with what is new; None if that is much."""
    if known is None or len(hits) < _LARGE:
        return None
    rows = {one: row for row, one in enumerate(known.hashes)}
    there = np.array([rows.get(one.hash, -1) for one in hits])
    old, new = np.flatnonzero(there >= 0), np.flatnonzero(there < 0)
    allowed = _CHANGED * len(hits)
    if len(new) > _MOST_NEW or max(known.added + len(new), len(known.hashes) - len(old)) > allowed:
        return None
    places, cluster = known.places[there], known.cluster[there]
    cosines = vectors[new] @ vectors.T
    cosines[:, new] = -np.inf
    best = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    for row, near in zip(new, best, strict=True):
        weights = thickest(places[near], NEAR)
        places[row] = np.average(places[near], axis=0, weights=weights)
        cluster[row] = Counter(cluster[near[weights > 0.5]].tolist()).most_common(1)[0][0]
    return _made(hits, places, cluster, known.names, known.added + len(new))
