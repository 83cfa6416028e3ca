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
import re
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from clip_app.errors import GalleryError, StorageError
from clip_app.gallery.roots import printable
from clip_app.gallery.scan import CHUNK
from clip_app.gallery.stores.store import (
    KEEP_DAYS,
    Counts,
    Entry,
    FileRecord,
    Filter,
    Found,
    IndexKey,
    StoredFile,
)
from clip_app.progress import Progress

log = logging.getLogger(__name__)

# Ids of points are UUIDs made of content hashes and paths; they must never change.
_NAMESPACE = uuid.UUID("5f3a6c6e-9d0b-4a0e-8f0c-0d5f6b1f7a11")

# Which indexes there are: a collection of its own, since older servers keep no metadata.
_CATALOGUE = "clip_app"

# Raised whenever older programs could not read what newer ones write.
_VERSION = 1

_TIMEOUT_SECONDS = 60

# Points in one request. 1,000 vectors of 1,024 numbers are 8 MB of JSON, below the server's 32 MB.
_POINTS = 500

# Numbers that are shown and need not be of this second are asked for no more often.
_REMEMBER_SECONDS = 5.0

# In place of the time at which a file was changed: it must be read again.
_DISTRUSTED = -(2**63)

# Rounds of writing an image's places while other machines do so too; two are the rule.
_ROUNDS = 20


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
            folder = Path(_restored(facts["folder"]))
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
                "folder": _storable(str(key.folder)),
                "model": key.model,
                "fingerprint": key.fingerprint,
                "dim": key.dim,
            }
            self.client.upsert(
                _CATALOGUE,
                [models.PointStruct(id=_point_id(name.encode()), vector={}, payload=facts)],
                wait=True,
            )

    def delete(self, name: str) -> None:
        """Delete an index."""
        with self.errors():
            self.client.delete(
                _CATALOGUE,
                points_selector=models.PointIdsList(points=[_point_id(name.encode())]),
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

    def _create_catalogue(self) -> None:
        try:
            self.client.create_collection(_CATALOGUE, vectors_config={})
        except (ApiException, ValueError):
            if not self.client.collection_exists(_CATALOGUE):  # another process was faster
                raise

    def _create_payload_index(self, collection: str, field: str, kind: str) -> None:
        if not self.is_local:  # the imitation has none, and warns
            self.client.create_payload_index(
                collection, field, models.PayloadSchemaType(kind), wait=True
            )


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
        self._client = server.client
        self._images = f"{name}-images"
        self._files = f"{name}-files"
        self._lock_file = FileLock(
            server.lock_folder / f"{name}.lock", timeout=0, thread_local=False
        )
        self._writing = threading.Lock()
        self._remembered: dict[str, tuple[float, Any]] = {}

    def close(self) -> None:
        """Nothing: the connection is the library's."""

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """A context in which no one else on this machine may write; other machines may.

        Raises:
            GalleryError: if another process or thread of this machine is writing.
        """
        busy = GalleryError("index_busy", folder=self.key.folder.name)
        if not self._writing.acquire(blocking=False):
            raise busy
        try:
            try:
                self._server.lock_folder.mkdir(parents=True, exist_ok=True)
                self._lock_file.acquire()
            except Timeout as error:
                raise busy from error
            except OSError as error:
                reason = error.strerror or str(error)
                raise StorageError("index_read_only", reason=reason) from error
            try:
                yield
            finally:
                self._lock_file.release()
        finally:
            self._writing.release()

    def repair(self) -> int:
        """Nothing: the server checks what it reads."""
        return 0

    def records(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        """What is known of those of at most `CHUNK` paths that are known."""
        found = {}
        for one in self._retrieve(self._files, [_file_id(path) for path in paths]):
            facts = one.payload
            if facts["done"]:  # else its write was cut short
                error = (facts["error"][0], facts["error"][1]) if facts["error"] else None
                found[_restored(facts["path"])] = FileRecord(
                    facts["size"],
                    facts["mtime_ns"],
                    bytes.fromhex(facts["hash"]),
                    error,
                    # Earlier versions kept none of these.
                    facts.get("ctime_ns"),
                    facts.get("inode"),
                    facts.get("doubts", 0),
                )
        return found

    def knows(self, image: bytes) -> bool:
        """Whether there is a vector for this content hash."""
        return bool(self._retrieve(self._images, [_point_id(image)], with_payload=False))

    def write(self, entries: Sequence[Entry]) -> None:
        """Write files; those whose write is cut short are not known and will be written again."""
        entries = [*{entry.path: entry for entry in entries}.values()]
        before = self._retrieve(self._files, [_file_id(one.path) for one in entries])
        left = {bytes.fromhex(one.payload["hash"]) for one in before if not one.payload["broken"]}
        self._add_images(entries)
        files = [
            models.PointStruct(id=_file_id(entry.path), vector={}, payload=_facts(entry))
            for entry in entries
        ]
        self._upsert(self._files, files)
        sound = {entry.hash for entry in entries if entry.error is None}
        lost = self._place(left | sound)
        with self._server.errors():
            # Another machine has dropped an image just when a copy was found here.
            lost_paths = [entry.path for entry in entries if entry.hash in lost & sound]
            if lost_paths:
                log.warning("%d files are left for the next run.", len(lost_paths))
                self._delete_files(lost_paths)
            done = [point.id for point in files]
            self._client.set_payload(
                self._files,
                payload={"done": True},
                points=[one for one in done if one not in {*map(_file_id, lost_paths)}],
                wait=True,
            )
        self._remembered.clear()

    def paths(self) -> Iterator[str]:
        """Every file's path once, without holding them all."""
        for one in self._server.scroll(self._files, with_payload=["path"]):
            yield _restored(one.payload["path"])

    def touch(self, seen: Sequence[tuple[str, int | None, int | None]]) -> None:
        """Note (path, ctime_ns, inode) of at most `CHUNK` known files that are as they were."""
        operations = [
            models.SetPayloadOperation(
                set_payload=models.SetPayload(
                    payload={"ctime_ns": ctime, "inode": inode}, points=[_file_id(path)]
                )
            )
            for path, ctime, inode in seen
        ]
        self._update(self._files, operations)

    def distrust(self, path: str) -> None:
        """Have the next indexer read a file again; where it is unknown, nothing happens."""
        if not self._retrieve(self._files, [_file_id(path)], with_payload=False):
            return
        with self._server.errors():
            self._client.set_payload(
                self._files,
                payload={"mtime_ns": _DISTRUSTED},
                points=[_file_id(path)],
                wait=True,
            )

    def forget(self, paths: Sequence[str], *, keep: bool = False) -> int:
        """Drop files; `optimise` drops the images that no other file holds, and are not kept."""
        kept = 0
        now = int(time.time())
        for first in range(0, len(paths), CHUNK):
            some = paths[first : first + CHUNK]
            before = self._retrieve(self._files, [_file_id(path) for path in some])
            with self._server.errors():
                self._delete_files(some)
            images = {bytes.fromhex(p.payload["hash"]) for p in before if not p.payload["broken"]}
            missing = self._place(images, kept_since=now if keep else None)
            if keep:
                kept += self._unused(images - missing)
        self._remembered.clear()
        return kept

    def _unused(self, images: set[bytes]) -> int:
        found = self._retrieve(self._images, [_point_id(image) for image in images])
        return sum(not one.payload["used"] for one in found)

    def optimise(
        self,
        progress: Progress | None = None,
        *,
        keep_unused: bool = False,
        drop_kept: bool = False,
    ) -> None:
        """Drop images without a file; the server keeps searching fast by itself."""
        if keep_unused:
            return
        since = time.time() - KEEP_DAYS * 24 * 3600
        unused = models.Filter(must=[_is("used", False)])
        # Compared here: strict servers refuse a filter on a field that older indexes do not index.
        dropped = [
            one.id
            for one in self._server.scroll(
                self._images, scroll_filter=unused, with_payload=["kept_since"]
            )
            if drop_kept or ((one.payload or {}).get("kept_since") or 0) <= since
        ]
        for first in range(0, len(dropped), _POINTS):
            # Once more "unused": another machine may have found a copy meanwhile.
            which = [_has_id(*dropped[first : first + _POINTS]), _is("used", False)]
            with self._server.errors():
                self._client.delete(
                    self._images,
                    points_selector=models.FilterSelector(filter=models.Filter(must=which)),
                    wait=True,
                )
        self._remembered.clear()

    def counts(self) -> Counts:
        """How much there is."""

        def count() -> Counts:
            broken = models.Filter(must=[_is("broken", True)])
            used = models.Filter(must=[_is("used", True)])
            with self._server.errors():
                files = self._client.count(self._files, exact=True).count
                images = self._client.count(self._images, count_filter=used, exact=True).count
                bad = self._client.count(self._files, count_filter=broken, exact=True).count
            return Counts(files - bad, images, bad)

        return self._remember("counts", count)

    def broken(self, limit: int) -> list[tuple[str, tuple[str, dict[str, Any]]]]:
        """Some files that have no vector, in the order of their paths: (path, error)."""
        broken = models.Filter(must=[_is("broken", True)])
        with self._server.errors():
            page, _ = self._client.scroll(self._files, scroll_filter=broken, limit=limit)
        found = []
        for one in page:
            facts = one.payload or {}
            found.append((_restored(facts["path"]), (facts["error"][0], facts["error"][1])))
        return sorted(found, key=lambda pair: os.fsencode(pair[0]))

    def folders(self, limit: int) -> list[str]:
        """Sub-folders that hold images, in order; where there are more, those that hold most."""

        def ask() -> list[str]:
            with self._server.errors():
                hits = self._client.facet(self._files, key="folders", limit=limit, exact=True).hits
            return sorted(_restored(str(hit.value)) for hit in hits)

        return self._remember(f"folders {limit}", ask)

    def vectors(self, images: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """The float32 (dim,) vectors of those content hashes that are known."""
        ids = [_point_id(image) for image in images]
        found = self._retrieve(self._images, ids, with_vectors=True)
        return {bytes.fromhex(one.payload["hash"]): _vector(one) for one in found}

    def find_file(self, path: str) -> bytes | None:
        """The content hash of an indexed file that has a vector, else None."""
        record = self.records([path]).get(path)
        return record.hash if record is not None and record.error is None else None

    def sample(self, number: int) -> np.ndarray:
        """About `number` vectors, float32 (n, dim), the same ones as long as nothing changes."""
        images = self.counts().images
        name = f"sample {number}"
        then, known = self._remembered.get(name, (0, None))
        if known is None or then != images:
            # Points come in the order of their ids, which are hashes: the first ones are any.
            with self._server.errors():
                page, _ = self._client.scroll(
                    self._images,
                    scroll_filter=models.Filter(must=[_is("used", True)]),
                    limit=max(1, number),
                    with_vectors=True,
                    with_payload=False,
                )
            rows = [_vector(one) for one in page]
            known = np.stack(rows) if rows else np.empty((0, self.key.dim), np.float32)
            self._remembered[name] = (images, known)
        return np.asarray(known)

    def search(self, query: np.ndarray, limit: int, where: Filter) -> list[Found]:
        """The `limit` images with the largest inner product, largest first."""
        options: dict[str, Any] = {}
        if not self._server.is_local:
            rescored = models.QuantizationSearchParams(rescore=True, oversampling=2.0)
            options["search_params"] = models.SearchParams(quantization=rescored)
        with self._server.errors():
            points = self._client.query_points(
                self._images,
                query=np.asarray(query, np.float32).tolist(),
                query_filter=_condition(where),
                limit=limit,
                with_payload=True,
                with_vectors=True,
                **options,
            ).points
        found = []
        for one in points:
            facts = one.payload or {}
            files = [place for place in facts["places"] if _lets_through(where, place)]
            if files:  # another machine may have changed it since the server looked
                vector = _vector(one)
                found.append(
                    Found(
                        bytes.fromhex(facts["hash"]),
                        float(np.clip(vector @ query, -1.0, 1.0)),
                        vector,
                        int(facts["look"], 16),
                        tuple(
                            StoredFile(
                                _restored(place["path"]),
                                place["size"],
                                place["taken"],
                                bool(place.get("file_date")),
                            )
                            for place in files
                        ),
                    )
                )
        return sorted(found, key=lambda one: -one.similarity)

    def _add_images(self, entries: Sequence[Entry]) -> None:
        """Write the vectors that are not there yet, with places: `optimise` may run elsewhere."""
        new = {entry.hash: entry for entry in entries if entry.vector is not None}
        places: dict[bytes, list[dict[str, Any]]] = {image: [] for image in new}
        for entry in entries:
            if entry.hash in new and entry.error is None:
                places[entry.hash].append(_place_of(_facts(entry)))
        ids = [_point_id(image) for image in new]
        known = {one.id for one in self._retrieve(self._images, ids, with_payload=False)}
        points = [
            models.PointStruct(
                id=_point_id(image),
                vector=np.asarray(entry.vector, np.float32).tolist(),
                payload={
                    "hash": image.hex(),
                    "look": f"{entry.look:016x}",
                    "places": sorted(places[image], key=_path_order),
                    "used": bool(places[image]),
                },
            )
            for image, entry in new.items()
            if _point_id(image) not in known
        ]
        self._upsert(self._images, points)

    def _place(self, images: set[bytes], kept_since: int | None = None) -> set[bytes]:
        """Put the places of these images' files into them; returns those that are not there.

        Args:
            images: content hashes.
            kept_since: Unix seconds; noted where no file is left, so that the vector is kept.
        """
        images = {image for image in images if image}
        ids = {image: _point_id(image) for image in images}
        there = self._retrieve(self._images, [*ids.values()])
        placed = {bytes.fromhex(one.payload["hash"]): one.payload["places"] for one in there}
        for _ in range(_ROUNDS):
            wanted = self._places_of(placed.keys())
            stale = [image for image in placed if placed[image] != wanted[image]]
            if not stale:
                return images - placed.keys()
            operations = [
                models.SetPayloadOperation(
                    set_payload=models.SetPayload(
                        payload={
                            "places": wanted[image],
                            "used": bool(wanted[image]),
                            "kept_since": None if wanted[image] else kept_since,
                        },
                        points=[ids[image]],
                    )
                )
                for image in stale
            ]
            self._update(self._images, operations)
            placed.update({image: wanted[image] for image in stale})
        raise StorageError(
            "store_failed", store=self._server.address, reason="others write the same images"
        )

    def _places_of(self, images: Any) -> dict[bytes, list[dict[str, Any]]]:
        """By content: what an image keeps of each of its files, in the order of their paths."""
        found: dict[bytes, list[dict[str, Any]]] = {image: [] for image in images}
        if found:
            any_of = models.MatchAny(any=[image.hex() for image in found])
            chosen = [models.FieldCondition(key="hash", match=any_of), _is("broken", False)]
            for one in self._server.scroll(self._files, scroll_filter=models.Filter(must=chosen)):
                found[bytes.fromhex(one.payload["hash"])].append(_place_of(one.payload))
        for places in found.values():
            places.sort(key=_path_order)
        return found

    def _retrieve(self, collection: str, ids: Sequence[str], **options: Any) -> list[Any]:
        found: list[Any] = []
        for first in range(0, len(ids), _POINTS):
            with self._server.errors():
                found += self._client.retrieve(
                    collection, ids[first : first + _POINTS], **{"with_payload": True, **options}
                )
        return found

    def _update(self, collection: str, operations: Sequence[Any]) -> None:
        for first in range(0, len(operations), _POINTS):
            with self._server.errors():
                self._client.batch_update_points(
                    collection, operations[first : first + _POINTS], wait=True
                )

    def _upsert(self, collection: str, points: Sequence[Any]) -> None:
        for first in range(0, len(points), _POINTS):
            with self._server.errors():
                self._client.upsert(collection, points[first : first + _POINTS], wait=True)

    def _delete_files(self, paths: Sequence[str]) -> None:
        self._client.delete(
            self._files,
            points_selector=models.PointIdsList(points=[_file_id(path) for path in paths]),
            wait=True,
        )

    def _remember(self, name: str, ask: Any) -> Any:
        then, value = self._remembered.get(name, (-_REMEMBER_SECONDS, None))
        if time.monotonic() - then > _REMEMBER_SECONDS:
            value = ask()
            self._remembered[name] = (time.monotonic(), value)
        return value


def index_name(key: IndexKey) -> str:
    """What the collections of an index begin with: readable, and no two indexes share it."""
    folder = uuid.uuid5(_NAMESPACE, os.fsencode(key.folder).hex()).hex[:12]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", printable(key.folder.name)).strip("-")[:40]
    return f"{_CATALOGUE}-{readable or 'gallery'}-{folder}-{key.fingerprint[:12]}"


def _point_id(thing: bytes) -> str:
    return str(uuid.uuid5(_NAMESPACE, thing.hex()))


def _file_id(path: str) -> str:
    return _point_id(b"file:" + os.fsencode(path))


def _facts(entry: Entry) -> dict[str, Any]:
    """What is kept of a file."""
    parts = entry.path.split("/")[:-1]
    return {
        "path": _storable(entry.path),
        "folders": [_storable("/".join(parts[: n + 1])) for n in range(len(parts))],
        "suffix": os.path.splitext(entry.path)[1].lower(),
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "taken": entry.taken,
        "hash": entry.hash.hex(),
        "broken": entry.error is not None,
        "error": list(entry.error) if entry.error else None,
        "done": False,
        "ctime_ns": entry.ctime_ns,
        "inode": entry.inode,
        "doubts": entry.doubts,
        "file_date": entry.file_date,
    }


def _place_of(facts: dict[str, Any]) -> dict[str, Any]:
    """What an image keeps of one of its files."""
    kept = {name: facts[name] for name in ("path", "folders", "suffix", "size", "taken")}
    return kept | {"file_date": bool(facts.get("file_date"))}


def _path_order(place: dict[str, Any]) -> bytes:
    return os.fsencode(_restored(place["path"]))


def _condition(where: Filter) -> Any:
    """The filter as the server understands it: one and the same file must pass all of it."""
    parts: list[Any] = []
    if below := where.below.strip("/"):
        parts.append(_is("folders", _storable(below)))
    if where.suffixes:
        any_of = models.MatchAny(any=sorted(where.suffixes))
        parts.append(models.FieldCondition(key="suffix", match=any_of))
    if where.taken_from is not None or where.taken_until is not None:
        between = models.Range(gte=where.taken_from, lt=where.taken_until)
        parts.append(models.FieldCondition(key="taken", range=between))
    if not parts:
        return models.Filter(must=[_is("used", True)])
    nested = models.Nested(key="places", filter=models.Filter(must=parts))
    return models.Filter(must=[models.NestedCondition(nested=nested)])


def _lets_through(where: Filter, place: dict[str, Any]) -> bool:
    below = where.below.strip("/")
    return (
        (not below or _storable(below) in place["folders"])
        and (not where.suffixes or place["suffix"] in where.suffixes)
        and (where.taken_from is None or place["taken"] >= where.taken_from)
        and (where.taken_until is None or place["taken"] < where.taken_until)
    )


def _has_id(*ids: Any) -> Any:
    return models.HasIdCondition(has_id=list(ids))


def _is(field: str, value: bool | str) -> Any:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _vector(point: Any) -> np.ndarray:
    return np.asarray(point.vector, np.float32)


# JSON holds text, and a path need not be any. No path holds the character NUL, so it can mark what
# stands for a byte.
def _storable(path: str) -> str:
    return re.sub("[\udc80-\udcff]", lambda found: f"\0{ord(found[0]) - 0xDC00:02x}", path)


def _restored(stored: str) -> str:
    return re.sub("\0(..)", lambda found: chr(0xDC00 + int(found[1], 16)), stored)
