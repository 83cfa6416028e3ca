"""Making an index whole after a run was cut short: replicas the same, places as the files say.

A write that a node was given and that nobody knows the end of may be on one replica and not on
another, and none of them is told to be behind. A node that was frozen may even carry it out when it
wakes, long after the same was written anew by way of another.
"""

import heapq
import logging
import time
from collections.abc import Iterator
from itertools import groupby

from qdrant_client import models

from clip_app.errors import StorageError
from clip_app.gallery.scan import CHUNK, batched
from clip_app.gallery.stores.qdrant_places import Places
from clip_app.gallery.stores.qdrant_points import is_, point_id
from clip_app.gallery.stores.qdrant_server import AWAY, FEW, QdrantServer
from clip_app.process import terminal_language
from clip_app.strings import text

log = logging.getLogger(__name__)


class Mending:
    """One time of mending one index."""

    def __init__(self, server: QdrantServer, places: Places, images: str, files: str) -> None:
        """Of the collections of these names."""
        self._server = server
        self._places = places
        self._images = images
        self._files = files
        #: Whether every replica could be looked at.
        self.is_complete = True
        #: How many points were not as they should be.
        self.mended = 0

    def run(self, *, vectors: bool) -> None:
        """Do it, with the lock held, before files are compared.

        Args:
            vectors: compare vectors too, and not only what is said of files and images.
        """
        if len(self._server.peers()) > 1:
            self._compare(vectors=vectors)
        self._place()
        self._miss()
        if self.mended:
            log.warning("%d points of the index were made whole again.", self.mended)

    def _compare(self, *, vectors: bool) -> None:
        """Have all replicas be the same, or say once that not all of them can be looked at."""
        language = terminal_language()
        trouble = self._server.trouble([self._images, self._files])
        self.is_complete = trouble is None or trouble.key == FEW
        if trouble is None or trouble.key != AWAY:
            try:
                nodes, unknown = self._server.each_node()
                self._agree(self._images, nodes, vectors=vectors)
                self._agree(self._files, nodes, vectors=False)
            except StorageError as error:  # a node is away now, so the next run has to look again
                trouble, self.is_complete = error.reason, False
            else:
                if unknown:
                    told = {"number": unknown, "nodes": len(nodes) + unknown}
                    log.warning(text("qdrant_not_named", language, **told))
                return
        log.warning(text("qdrant_not_compared", language, reason=trouble.message(language)))

    def _agree(self, collection: str, nodes: list[str], *, vectors: bool) -> None:
        """Have every replica hold the same points, as far as these nodes can tell."""
        for ids in batched(self._ids(collection, nodes), CHUNK):
            differing = {*ids} - self._same(collection, nodes, ids, vectors=vectors)
            if differing and vectors:
                differing -= self._drop_torn(collection, nodes, sorted(differing))
            if differing:
                self._write_again(collection, sorted(differing), nodes)

    def _same(
        self,
        collection: str,
        nodes: list[str],
        ids: list[str],
        *,
        vectors: bool,
        payload: bool = True,
    ) -> set[str]:
        """Those of these points that every replica has alike, those of other nodes too."""
        same = self._server.nodes.ask_each(
            nodes[0],
            "retrieve",
            collection,
            ids,
            with_payload=payload,
            with_vectors=vectors,
            consistency=models.ReadConsistencyType.ALL,
        )
        return {one.id for one in same}

    def _drop_torn(self, collection: str, nodes: list[str], ids: list[str]) -> set[str]:
        """Drop those of whose vectors there are two: nobody knows which one is right, so that the
        photograph is encoded anew.
        """
        there = self._same(collection, nodes, ids, payload=False, vectors=False)
        torn = there - self._same(collection, nodes, ids, payload=False, vectors=True)
        if torn:
            self._server.delete_points(collection, models.PointIdsList(points=sorted(torn)))
            self.mended += len(torn)
        return torn

    def _ids(self, collection: str, nodes: list[str]) -> Iterator[str]:
        """The ids that any node has, once each, in order."""
        pages = [self._server.scroll(collection, node, with_payload=False) for node in nodes]
        ids = heapq.merge(*((str(one.id) for one in page) for page in pages))
        return (one for one, _ in groupby(ids))

    def _write_again(self, collection: str, ids: list[str], nodes: list[str]) -> None:
        """Write points to every replica as some replica has them."""
        is_file = collection == self._files
        known: dict[str, models.PointStruct] = {}
        for node in nodes:
            for one in self._server.nodes.ask_each(
                node, "retrieve", collection, ids, with_payload=True, with_vectors=not is_file
            ):
                # A file that was not written to the end everywhere is read again.
                payload = one.payload | ({"done": False} if is_file else {})
                vector = {} if is_file else one.vector
                known[one.id] = models.PointStruct(id=one.id, vector=vector, payload=payload)
        self._server.upsert(collection, [*known.values()])
        self.mended += len(known)

    def _place(self) -> None:
        """Have every image know its files."""
        before = self._places.changed
        points = self._server.scroll(self._images, with_payload=["hash"])
        for some in batched((bytes.fromhex(one.payload["hash"]) for one in points), CHUNK):
            self._places.put(set(some), kept_since=int(time.time()))
        self.mended += self._places.changed - before

    def _miss(self) -> None:
        """Have files read again whose image is not there."""
        sound = models.Filter(must=[is_("broken", False)])
        files = self._server.scroll(self._files, scroll_filter=sound, with_payload=["hash", "done"])
        for some in batched((one for one in files if one.payload["done"]), CHUNK):
            wanted = {one.id: point_id(bytes.fromhex(one.payload["hash"])) for one in some}
            ids = sorted({*wanted.values()})
            there = {one.id for one in self._server.retrieve(self._images, ids, with_payload=False)}
            if lost := [file for file, image in wanted.items() if image not in there]:
                self._server.set_payload(self._files, {"done": False}, lost)
                self.mended += len(lost)
