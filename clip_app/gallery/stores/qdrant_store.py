"""The store of those who outgrow one machine: the index lies in Qdrant, a vector database server.

An index is two collections. `…-images` holds a point for each distinct content: the vector, and
where its files lie, so that copies share one vector and a filter is answered by the server.
`…-files` holds a point for each file, without a vector: what the indexer compares the disk with.

The files are the truth. Many machines may index parts of one folder at a time, and two of them may
hold copies of one image: whoever writes files puts their places into the image and then looks once
more, until nobody else has changed the image's files meanwhile. So no place is lost, whoever comes
last.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cachetools import TTLCache
from qdrant_client import models

from clip_app.errors import ReadOnlyIndexError, Reason
from clip_app.gallery.scan import CHUNK
from clip_app.gallery.stores.lock import IndexLock
from clip_app.gallery.stores.qdrant_entries import stored_entries
from clip_app.gallery.stores.qdrant_mend import Mending
from clip_app.gallery.stores.qdrant_places import Places
from clip_app.gallery.stores.qdrant_points import (
    DISTRUST,
    condition,
    error_of,
    facts_of,
    file_id,
    found_in_all,
    is_,
    point_id,
    record_of,
    restored,
    vector_of,
)
from clip_app.gallery.stores.qdrant_runs import Runs
from clip_app.gallery.stores.qdrant_server import QdrantServer
from clip_app.gallery.stores.qdrant_walk import Walk, walk
from clip_app.gallery.stores.store import (
    Counts,
    Entry,
    Facets,
    FileRecord,
    Filter,
    Found,
    IndexKey,
)

log = logging.getLogger(__name__)

# Numbers that are shown and need not be of this second are asked for no more often.
_REMEMBER_SECONDS = 5.0

# Going through all images takes a second for some 10,000. What other machines write is seen after
# this time, what this process writes at once.
_WALK_SECONDS = 60.0
_WALKS = 8

_EXACT = models.SearchParams(exact=True)


class QdrantStore:
    """See `clip_app.gallery.stores.store.Store`, whose methods these are."""

    def __init__(self, server: QdrantServer, name: str, key: IndexKey) -> None:
        """An index that is there.

        Args:
            server: where it is.
            name: what its collections begin with.
            key: what it is the index of.
        """
        self.key = key
        self._server = server
        self._images = f"{name}-images"
        self._files = f"{name}-files"
        self._places = Places(server, self._images, self._files)
        self._runs = Runs(server, name)
        self._lock = IndexLock(server.lock_folder / f"{name}.lock", key.folder.name)
        self._remembered: dict[str, tuple[float, Any]] = {}
        self._walks: TTLCache[Filter, Walk] = TTLCache(_WALKS, _WALK_SECONDS)
        self._walking = threading.Lock()

    def close(self) -> None:
        """Nothing: the connection is the library's."""

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """A context in which no one else on this machine may write; other machines may.

        Raises:
            GalleryError: if another process or thread of this machine is writing.
        """
        try:
            self._server.lock_folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ReadOnlyIndexError("index_read_only", reason=reason) from error
        try:
            with self._server.nodes.patiently(), self._runs.watched():
                yield
        finally:
            self._lock.release()

    def repair(self, *, thorough: bool = False) -> int:
        """Make whole what a run left that was cut short; the server checks what it reads."""
        left = self._runs.left_behind()
        if not left and not thorough:
            return 0
        mending = Mending(self._server, self._places, self._images, self._files)
        mending.run(vectors=thorough)
        self._forget_answers()
        if mending.is_complete:
            self._runs.remove(left)
        else:
            self._runs.keep()
        return mending.mended

    def trouble(self) -> Reason | None:
        """What is amiss with the nodes that hold this index, if anything is."""
        return self._server.trouble([self._images, self._files])

    def records(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        """What is known of those of at most `CHUNK` paths that are known."""
        there = self._server.agreed(self._files, [file_id(path) for path in paths])
        return {
            restored(one.payload["path"]): record_of(one.payload)
            for one in there
            if one.payload["done"]  # else its write was cut short
        }

    def knows(self, image: bytes) -> bool:
        """Whether there is a vector for this content hash."""
        return bool(self._server.agreed(self._images, [point_id(image)], with_payload=False))

    def write(self, entries: Sequence[Entry]) -> None:
        """Write files; those whose write is cut short are not known and will be written again."""
        self._runs.mark()
        entries = [*{entry.path: entry for entry in entries}.values()]
        before = self._server.retrieve(self._files, [file_id(one.path) for one in entries])
        left = {bytes.fromhex(one.payload["hash"]) for one in before if not one.payload["broken"]}
        self._places.add_images(entries)
        files = [
            models.PointStruct(id=file_id(entry.path), vector={}, payload=facts_of(entry))
            for entry in entries
        ]
        self._server.upsert(self._files, files)
        self._places.add_sizes(entries)
        sound = {entry.hash for entry in entries if entry.error is None}
        lost = self._places.put(left | sound)
        # Another machine has dropped an image just when a copy was found here.
        lost_paths = [entry.path for entry in entries if entry.hash in lost & sound]
        if lost_paths:
            log.warning("%d files are left for the next run.", len(lost_paths))
            self._delete_files(lost_paths)
        left_out = {*map(file_id, lost_paths)}
        done = [str(point.id) for point in files if point.id not in left_out]
        self._server.set_payload(self._files, {"done": True}, done)
        self._forget_answers()

    def paths(self) -> Iterator[str]:
        """Every file's path once, without holding them all."""
        for one in self._server.scroll(self._files, with_payload=["path"]):
            yield restored(one.payload["path"])

    def entries(self, paths: Sequence[str]) -> list[Entry]:
        """All that was written of those of at most `CHUNK` paths that are known."""
        return stored_entries(self._server, self._files, self._images, paths)

    def touch(self, seen: Sequence[tuple[str, int | None, int | None]]) -> None:
        """Note (path, ctime_ns, inode) of at most `CHUNK` known files that are as they were."""
        now = {file_id(path): {"ctime_ns": ctime, "inode": inode} for path, ctime, inode in seen}
        self._server.update(self._files, now)

    def label(self, read: Sequence[tuple[str, int, tuple[str, ...]]]) -> None:
        """Note (path, sidecars, keywords) of at most `CHUNK` known files."""
        self._runs.mark()
        self._server.index_keywords(self._images)
        self._places.label(read)
        self._forget_answers()

    def distrust(self, path: str) -> None:
        """Have the next indexer read a file again; where it is unknown, nothing happens."""
        if not self._server.retrieve(self._files, [file_id(path)], with_payload=False):
            return
        self._server.set_payload(self._files, DISTRUST, [file_id(path)])

    def forget(self, paths: Sequence[str], *, keep: bool = False) -> int:
        """Drop files; `optimise` drops the images that no other file holds, and are not kept."""
        self._runs.mark()
        kept = 0
        now = int(time.time())
        for first in range(0, len(paths), CHUNK):
            some = paths[first : first + CHUNK]
            before = self._server.retrieve(self._files, [file_id(path) for path in some])
            self._delete_files(some)
            images = {bytes.fromhex(p.payload["hash"]) for p in before if not p.payload["broken"]}
            missing = self._places.put(images, kept_since=now if keep else None)
            if keep:
                kept += self._places.unused(images - missing)
        self._forget_answers()
        return kept

    def optimise(self, *, keep_unused: bool = False, drop_kept: bool = False) -> None:
        """Drop images without a file; the server keeps searching fast by itself."""
        if not keep_unused:
            self._runs.mark()
            self._places.drop_unused(drop_kept=drop_kept)
            self._forget_answers()

    def counts(self) -> Counts:
        """How much there is."""

        def count() -> Counts:
            broken = models.Filter(must=[is_("broken", True)])
            used = models.Filter(must=[is_("used", True)])
            ask = self._server.ask
            files = ask("count", self._files, exact=True).count
            images = ask("count", self._images, count_filter=used, exact=True).count
            bad = ask("count", self._files, count_filter=broken, exact=True).count
            return Counts(files - bad, images, bad)

        return self._remember("counts", count)

    def broken(self, limit: int) -> list[tuple[str, Reason]]:
        """Some files that have no vector, in the order of their paths: (path, why)."""
        broken = models.Filter(must=[is_("broken", True)])
        page, _ = self._server.ask("scroll", self._files, scroll_filter=broken, limit=limit)
        facts = [one.payload or {} for one in page]
        found = [(restored(one["path"]), error) for one in facts if (error := error_of(one))]
        return sorted(found, key=lambda pair: os.fsencode(pair[0]))

    def folders(self, limit: int) -> list[str]:
        """Sub-folders that hold images, in order; where there are more, those that hold most."""

        def ask() -> list[str]:
            answer = self._server.ask("facet", self._files, key="folders", limit=limit, exact=True)
            hits = answer.hits
            return sorted(restored(str(hit.value)) for hit in hits)

        return self._remember(f"folders {limit}", ask)

    def vectors(self, images: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The float32 (dim,) vectors of those content hashes that are known."""
        ids = [point_id(image) for image in images]
        found = self._server.retrieve(self._images, ids, with_vectors=True)
        return {bytes.fromhex(one.payload["hash"]): vector_of(one) for one in found}

    def sample(self, number: int) -> np.ndarray:
        """About `number` vectors, float32 (n, dim), the same ones as long as nothing changes."""
        images = self.counts().images
        name = f"sample {number}"
        then, known = self._remembered.get(name, (0, None))
        if known is None or then != images:
            # Points come in the order of their ids, which are hashes: the first ones are any.
            page, _ = self._server.ask(
                "scroll",
                self._images,
                scroll_filter=models.Filter(must=[is_("used", True)]),
                limit=max(1, number),
                with_vectors=True,
                with_payload=False,
            )
            rows = [vector_of(one) for one in page]
            known = np.stack(rows) if rows else np.empty((0, self.key.dim), np.float32)
            self._remembered[name] = (images, known)
        return np.asarray(known)

    def search(self, query: np.ndarray, limit: int, where: Filter) -> list[Found]:
        """The `limit` images with the largest inner product, largest first."""
        rescored = models.QuantizationSearchParams(rescore=True, oversampling=2.0)
        points = self._query(
            query,
            where,
            models.SearchParams(quantization=rescored),
            limit=limit,
            with_payload=True,
            with_vectors=True,
        )
        found = found_in_all(points, query, where)
        return sorted(found, key=lambda one: -one.similarity)

    def ranked(self, query: np.ndarray, limit: int, where: Filter, offset: int = 0) -> list[Found]:
        """A page of the exact ranking of all images."""
        points = self._query(
            query, where, _EXACT, limit=limit, offset=offset, with_payload=True, with_vectors=True
        )
        return found_in_all(points, query, where)

    def similarities(self, query: np.ndarray, where: Filter) -> dict[bytes, float]:
        """The inner product of the query with each image that the filter lets through."""
        limit = max(1, self.matching(where))
        points = self._query(query, where, _EXACT, limit=limit, with_payload=["hash"])
        return {bytes.fromhex(one.payload["hash"]): one.score for one in points}

    def newest(
        self,
        limit: int,
        where: Filter,
        offset: int = 0,
        among: tuple[np.ndarray, int] | None = None,
    ) -> list[Found]:
        """A page of the images, the last taken first."""
        query, ids = None, self._walked(where).newest
        if among is not None:
            query, number = among
            best = self._query(query, where, _EXACT, limit=number, with_payload=False)
            those = {one.id for one in best}
            ids = [one for one in ids if one in those]
        return self._images_of(ids[offset : offset + limit], query, where)

    def matching(self, where: Filter) -> int:
        """How many images have a file that the filter lets through."""
        return self._walked(where).facets.images

    def facets(self, where: Filter) -> Facets:
        """How those are spread over folders, kinds of files, years and keywords."""
        return self._walked(where).facets

    def images(self, hashes: Sequence[bytes]) -> list[Found]:
        """Those of these content hashes that have files, in the order in which they are named."""
        return self._images_of([point_id(one) for one in hashes], None, Filter())

    def _query(
        self, query: np.ndarray, where: Filter, how: models.SearchParams, **options: Any
    ) -> list[Any]:
        if not self._server.is_local:  # the imitation compares all exactly, and warns
            options["search_params"] = how
        answer = self._server.ask(
            "query_points",
            self._images,
            query=np.asarray(query, np.float32).tolist(),
            query_filter=condition(where),
            **options,
        )
        return list(answer.points)

    def _images_of(
        self, ids: Sequence[str], query: np.ndarray | None, where: Filter
    ) -> list[Found]:
        there = {one.id: one for one in self._server.retrieve(self._images, ids, with_vectors=True)}
        return found_in_all([there[one] for one in ids if one in there], query, where)

    def _walked(self, where: Filter) -> Walk:
        """All images that the filter lets through, which the server can neither sort by date, as
        an image with two files would come twice, nor count by year.
        """
        with self._walking:
            if where not in self._walks:
                points = self._server.scroll(
                    self._images, scroll_filter=condition(where), with_payload=["places"]
                )
                self._walks[where] = walk(points, where)
            return self._walks[where]

    def _delete_files(self, paths: Sequence[str]) -> None:
        which = models.PointIdsList(points=[file_id(path) for path in paths])
        self._server.delete_points(self._files, which)

    def _forget_answers(self) -> None:
        self._remembered.clear()
        with self._walking:
            self._walks.clear()

    def _remember(self, name: str, ask: Any) -> Any:
        then, value = self._remembered.get(name, (-_REMEMBER_SECONDS, None))
        if time.monotonic() - then > _REMEMBER_SECONDS:
            value = ask()
            self._remembered[name] = (time.monotonic(), value)
        return value
