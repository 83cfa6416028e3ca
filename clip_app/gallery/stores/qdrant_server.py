"""A connection to a Qdrant server: the indexes on it, and points in requests of bounded size."""

import contextlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from clip_app.errors import StorageError
from clip_app.gallery.roots import printable
from clip_app.gallery.scan import CHUNK
from clip_app.gallery.stores.qdrant_points import point_id, restored, storable
from clip_app.gallery.stores.store import IndexKey

# Which indexes there are: a collection of its own, since older servers keep no metadata.
_CATALOGUE = "clip_app"

# Raised whenever older programs could not read what newer ones write.
_VERSION = 1

_TIMEOUT_SECONDS = 60

# Points in one request. 1,000 vectors of 1,024 numbers are 8 MB of JSON, below the server's 32 MB.
POINTS = 500


class QdrantServer:
    """A connection to a server, or to the client's imitation of one in this process."""

    def __init__(self, address: str, api_key: str | None, lock_folder: Path) -> None:
        """Connect.

        Args:
            address: `http://…` or `https://…`; `path:FOLDER` or `memory:` for the imitation, which
                is for tests: it compares the query with every vector, in Python.
            api_key: as the server asks for it.
            lock_folder: where indexers of this machine lock each other out.

        Raises:
            StorageError: if the server does not answer.
        """
        self.address = address
        self.lock_folder = lock_folder
        self.is_local = not address.startswith(("http://", "https://"))
        # The imitation is not made for threads; the server is.
        self._turn: Any = threading.RLock() if self.is_local else contextlib.nullcontext()
        with self.errors():
            if address == "memory:":
                self.client = QdrantClient(":memory:")
            elif self.is_local:
                self.client = QdrantClient(
                    path=address.removeprefix("path:"), force_disable_check_same_thread=True
                )
            else:
                self.client = QdrantClient(
                    url=address,
                    api_key=api_key,
                    timeout=_TIMEOUT_SECONDS,
                    check_compatibility=False,  # it would warn where the server does not answer
                )
            if not self.client.collection_exists(_CATALOGUE):
                self._create_catalogue()

    def close(self) -> None:
        """Let go of the connection."""
        with self.errors():
            self.client.close()

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """A context in which this thread may use the client; its errors become `StorageError`.

        Raises:
            StorageError: if the server does not answer, or refuses.
        """
        try:
            with self._turn:
                yield
        except (ApiException, OSError, RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise StorageError("store_failed", store=self.address, reason=reason) from error

    def indexes(self) -> list[tuple[str, IndexKey]]:
        """Every index on the server: (name, key)."""
        found = []
        for point in self.scroll(_CATALOGUE):
            facts = point.payload or {}
            folder = Path(restored(facts["folder"]))
            key = IndexKey(folder, facts["model"], facts["fingerprint"], facts["dim"])
            found.append((str(facts["name"]), key))
        return found

    def create(self, name: str, key: IndexKey) -> None:
        """Make the collections of an index where they are not there yet."""
        with self.errors():
            if not self.client.collection_exists(f"{name}-images"):
                # Vectors on the disk and 8-bit ones in memory: a quarter of the memory; the best
                # candidates are compared with the vectors themselves.
                self.client.create_collection(
                    f"{name}-images",
                    vectors_config=models.VectorParams(
                        size=key.dim, distance=models.Distance.DOT, on_disk=True
                    ),
                    quantization_config=models.ScalarQuantization(
                        scalar=models.ScalarQuantizationConfig(
                            type=models.ScalarType.INT8, quantile=0.99, always_ram=True
                        )
                    ),
                    on_disk_payload=True,
                )
                # Servers in strict mode refuse filters on fields without an index.
                for field, kind in (
                    ("used", "bool"),
                    ("places[].folders", "keyword"),
                    ("places[].suffix", "keyword"),
                    ("places[].taken", "integer"),
                ):
                    self._create_payload_index(f"{name}-images", field, kind)
                self.index_keywords(f"{name}-images")
            if not self.client.collection_exists(f"{name}-files"):
                self.client.create_collection(
                    f"{name}-files", vectors_config={}, on_disk_payload=True
                )
                for field in ("hash", "folders"):
                    self._create_payload_index(f"{name}-files", field, "keyword")
                self._create_payload_index(f"{name}-files", "broken", "bool")
            facts = {
                "name": name,
                "version": _VERSION,
                "folder": storable(str(key.folder)),
                "model": key.model,
                "fingerprint": key.fingerprint,
                "dim": key.dim,
            }
            self.client.upsert(
                _CATALOGUE,
                [models.PointStruct(id=point_id(name.encode()), vector={}, payload=facts)],
                wait=True,
            )

    def delete(self, name: str) -> None:
        """Delete an index."""
        with self.errors():
            self.client.delete(
                _CATALOGUE,
                points_selector=models.PointIdsList(points=[point_id(name.encode())]),
                wait=True,
            )
            self.client.delete_collection(f"{name}-files")
            self.client.delete_collection(f"{name}-images")

    def scroll(self, collection: str, **options: Any) -> Iterator[Any]:
        """Every point that a filter lets through, page by page."""
        offset = None
        while True:
            with self.errors():
                page, offset = self.client.scroll(
                    collection, limit=CHUNK, offset=offset, **{"with_payload": True, **options}
                )
            yield from page
            if offset is None:
                return

    def retrieve(self, collection: str, ids: Sequence[str], **options: Any) -> list[Any]:
        """Those of these points that there are, with their payload unless told otherwise."""
        found: list[Any] = []
        for first in range(0, len(ids), POINTS):
            with self.errors():
                found += self.client.retrieve(
                    collection, ids[first : first + POINTS], **{"with_payload": True, **options}
                )
        return found

    def update(self, collection: str, operations: Sequence[Any]) -> None:
        """Change points, and wait until it counts."""
        for first in range(0, len(operations), POINTS):
            with self.errors():
                self.client.batch_update_points(
                    collection, operations[first : first + POINTS], wait=True
                )

    def upsert(self, collection: str, points: Sequence[Any]) -> None:
        """Write points, and wait until it counts."""
        for first in range(0, len(points), POINTS):
            with self.errors():
                self.client.upsert(collection, points[first : first + POINTS], wait=True)

    def _create_catalogue(self) -> None:
        try:
            self.client.create_collection(_CATALOGUE, vectors_config={})
        except (ApiException, ValueError):
            if not self.client.collection_exists(_CATALOGUE):  # another process was faster
                raise

    def index_keywords(self, images: str) -> None:
        """Let images be filtered by keywords; an index of an earlier version cannot yet."""
        with self.errors():
            self._create_payload_index(images, "places[].keywords", "keyword")

    def _create_payload_index(self, collection: str, field: str, kind: str) -> None:
        if not self.is_local:  # the imitation has none, and warns
            self.client.create_payload_index(
                collection, field, models.PayloadSchemaType(kind), wait=True
            )


def index_name(key: IndexKey) -> str:
    """What the collections of an index begin with: readable, and no two indexes share it."""
    folder = point_id(os.fsencode(key.folder)).replace("-", "")[:12]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", printable(key.folder.name)).strip("-")[:40]
    return f"{_CATALOGUE}-{readable or 'gallery'}-{folder}-{key.fingerprint[:12]}"
