"""Where the files of an image lie, kept true in the image's point while many machines write."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from qdrant_client import models

from clip_app.errors import StorageError
from clip_app.gallery.stores.qdrant_points import (
    facts_of,
    file_id,
    has_id,
    is_,
    path_order,
    place_of,
    point_id,
    size_of,
)
from clip_app.gallery.stores.qdrant_server import POINTS, QdrantServer
from clip_app.gallery.stores.store import Entry, kept_from

# Rounds of writing an image's places while other machines do so too; two are the rule.
_ROUNDS = 20


class Places:
    """The images of one index, by the places of their files."""

    def __init__(self, server: QdrantServer, images: str, files: str) -> None:
        """Of the collections of these names."""
        self._server = server
        self._images = images
        self._files = files
        #: How often an image was told other places than it had.
        self.changed = 0

    def add_images(self, entries: Sequence[Entry]) -> None:
        """Write vectors, with places: `optimise` may run elsewhere.

        Those too that some replica has already: another may not, if a write was cut short.
        """
        new = {entry.hash: entry for entry in entries if entry.vector is not None}
        places: dict[bytes, list[dict[str, Any]]] = {image: [] for image in new}
        for entry in entries:
            if entry.hash in new and entry.error is None:
                places[entry.hash].append(place_of(facts_of(entry)))
        points = [
            models.PointStruct(
                id=point_id(image),
                vector=np.asarray(entry.vector, np.float32).tolist(),
                payload={
                    "hash": image.hex(),
                    "look": f"{entry.look:016x}",
                    "places": sorted(places[image], key=path_order),
                    "used": bool(places[image]),
                    **size_of(entry),
                },
            )
            for image, entry in new.items()
        ]
        self._server.upsert(self._images, points)

    def add_sizes(self, entries: Sequence[Entry]) -> None:
        """Note how large pictures are that were known before: an earlier version has not."""
        sized = {entry.hash: entry for entry in entries if entry.width and entry.vector is None}
        there = self._server.retrieve(self._images, [point_id(image) for image in sized])
        known = {bytes.fromhex(one.payload["hash"]): one.payload for one in there}
        new = {
            point_id(image): size_of(entry)
            for image, entry in sized.items()
            if image in known and not known[image].get("width")
        }
        self._server.update(self._images, new)

    def put(self, images: set[bytes], kept_since: int | None = None) -> set[bytes]:
        """Put the places of these images' files into them; returns those that are not there.

        Args:
            images: content hashes.
            kept_since: Unix seconds; noted where no file is left, so that the vector is kept.
        """
        images = {image for image in images if image}
        ids = {image: point_id(image) for image in images}
        there = self._server.retrieve(self._images, [*ids.values()])
        placed = {bytes.fromhex(one.payload["hash"]): one.payload["places"] for one in there}
        for _ in range(_ROUNDS):
            wanted = self._places_of(placed.keys())
            stale = [image for image in placed if placed[image] != wanted[image]]
            if not stale:
                return images - placed.keys()
            payloads = {
                ids[image]: {
                    "places": wanted[image],
                    "used": bool(wanted[image]),
                    "kept_since": None if wanted[image] else kept_since,
                }
                for image in stale
            }
            self._server.update(self._images, payloads)
            self.changed += len(stale)
            placed.update({image: wanted[image] for image in stale})
        store = self._server.nodes.addresses[0]
        raise StorageError("store_failed", store=store, reason="others write the same images")

    def label(self, read: Sequence[tuple[str, int, tuple[str, ...]]]) -> None:
        """See `Store.label`."""
        ids = [file_id(path) for path, _, _ in read]
        there = {one.id: one.payload for one in self._server.retrieve(self._files, ids)}
        labels = {
            name: {"keywords": [*keywords], "sidecars": sidecars}
            for name, (_, sidecars, keywords) in zip(ids, read, strict=True)
            if name in there
        }
        self._server.update(self._files, labels)
        self.put({bytes.fromhex(one["hash"]) for one in there.values()})

    def unused(self, images: set[bytes]) -> int:
        """How many of these images no file is left of."""
        found = self._server.retrieve(self._images, [point_id(image) for image in images])
        return sum(not one.payload["used"] for one in found)

    def drop_unused(self, *, drop_kept: bool) -> None:
        """Drop images that no file is left of, those that are kept only if told so."""
        since = kept_from()
        unused = models.Filter(must=[is_("used", False)])
        # Compared here: strict servers refuse a filter on a field that older indexes do not index.
        dropped = [
            one.id
            for one in self._server.scroll(
                self._images, scroll_filter=unused, with_payload=["kept_since"]
            )
            if drop_kept or ((one.payload or {}).get("kept_since") or 0) <= since
        ]
        for first in range(0, len(dropped), POINTS):
            # Once more "unused": another machine may have found a copy meanwhile.
            which = [has_id(*dropped[first : first + POINTS]), is_("used", False)]
            chosen = models.FilterSelector(filter=models.Filter(must=which))
            self._server.delete_points(self._images, chosen)

    def _places_of(self, images: Any) -> dict[bytes, list[dict[str, Any]]]:
        """By content: what an image keeps of each of its files, in the order of their paths."""
        found: dict[bytes, list[dict[str, Any]]] = {image: [] for image in images}
        if found:
            any_of = models.MatchAny(any=[image.hex() for image in found])
            chosen = [models.FieldCondition(key="hash", match=any_of), is_("broken", False)]
            for one in self._server.scroll(self._files, scroll_filter=models.Filter(must=chosen)):
                found[bytes.fromhex(one.payload["hash"])].append(place_of(one.payload))
        for places in found.values():
            places.sort(key=path_order)
        return found
