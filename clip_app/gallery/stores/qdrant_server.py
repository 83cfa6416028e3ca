"""A connection to a Qdrant server: the indexes on it, and points in requests of bounded size."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from qdrant_client import models

from clip_app.errors import Reason, StorageError
from clip_app.gallery.roots import printable
from clip_app.gallery.scan import CHUNK
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.qdrant_points import point_id, restored, storable
from clip_app.gallery.stores.store import IndexKey

# Which indexes there are: a collection of its own, since older servers keep no metadata.
_CATALOGUE = "clip_app"

#: Raised whenever older programs could not read what newer ones write.
VERSION = 1

#: Points in one request. 1,000 vectors of 1,024 numbers are 8 MB of JSON, below the server's 32 MB.
POINTS = 500

#: That nodes of the cluster do not answer.
AWAY = "qdrant_node_away"

#: That parts of an index have fewer replicas than they should.
FEW = "qdrant_few"

# The leader of a cluster calls on every node several times a second.
_JUST_NOW_SECONDS = 5

# Parts of an index on each node, so that a cluster can grow to twice its nodes without making them
# anew.
_SHARDS_PER_NODE = 2

# A write counts when one replica has it; the cluster gives up those that have not, and brings them
# up again. With 2, one node away made every write fail, and left replicas different for good.
_WRITE_CONSISTENCY = 1

# What many machines write to one point reaches every replica in one order; it took no longer.
_ORDERING = models.WriteOrdering.MEDIUM


class Listed(NamedTuple):
    """What a server's list says of an index.

    Attributes:
        name: what its collections begin with.
        key: what it is the index of.
        version: of what was written; above `VERSION` it is not for this program.
    """

    name: str
    key: IndexKey
    version: int


class QdrantServer:
    """A connection to a server or cluster, or to the client's imitation of one in this process."""

    def __init__(self, nodes: Nodes, lock_folder: Path, replicas: int = 2) -> None:
        """Connect.

        Args:
            nodes: of the server; the imitation is for tests: it compares the query with every
                vector, in Python.
            lock_folder: where indexers of this machine lock each other out.
            replicas: on how many nodes each part of an index that is made lies, where there are so
                many.

        Raises:
            StorageError: if the server does not answer, or is too old.
        """
        self.nodes = nodes
        self.ask = nodes.ask
        self.is_local = nodes.is_local
        self.lock_folder = lock_folder
        self._replicas = replicas
        if not self.is_local:
            nodes.check_version()
        self.make_collection(_CATALOGUE)

    def close(self) -> None:
        """Let go of the connection."""
        self.nodes.close()

    def indexes(self) -> list[Listed]:
        """Every index on the server."""
        found = []
        for point in self.scroll(_CATALOGUE):
            facts = point.payload or {}
            folder = Path(restored(facts["folder"]))
            key = IndexKey(folder, facts["model"], facts["fingerprint"], facts["dim"])
            found.append(Listed(str(facts["name"]), key, int(facts["version"])))
        return found

    def create(self, name: str, key: IndexKey) -> None:
        """Make the collections of an index where they are not there yet."""
        images, files = f"{name}-images", f"{name}-files"
        # Vectors on the disk and 8-bit ones in memory: a quarter of the memory; the best
        # candidates are compared with the vectors themselves.
        vectors = models.VectorParams(size=key.dim, distance=models.Distance.DOT, on_disk=True)
        config = models.ScalarQuantizationConfig(
            type=models.ScalarType.INT8, quantile=0.99, always_ram=True
        )
        quantized = models.ScalarQuantization(scalar=config)
        self.make_collection(images, vectors, quantization_config=quantized)
        # Servers in strict mode refuse filters on fields without an index.
        for field, kind in (
            ("used", "bool"),
            ("places[].folders", "keyword"),
            ("places[].suffix", "keyword"),
            ("places[].taken", "integer"),
        ):
            self._create_payload_index(images, field, kind)
        self.index_keywords(images)
        self.make_collection(files)
        for field in ("hash", "folders"):
            self._create_payload_index(files, field, "keyword")
        self._create_payload_index(files, "broken", "bool")
        facts = {
            "name": name,
            "version": VERSION,
            "folder": storable(str(key.folder)),
            "model": key.model,
            "fingerprint": key.fingerprint,
            "dim": key.dim,
        }
        one = models.PointStruct(id=point_id(name.encode()), vector={}, payload=facts)
        self.upsert(_CATALOGUE, [one])

    def delete(self, name: str) -> None:
        """Delete an index."""
        self.delete_points(_CATALOGUE, models.PointIdsList(points=[point_id(name.encode())]))
        self.ask("delete_collection", f"{name}-files")
        self.ask("delete_collection", f"{name}-images")

    def make_collection(self, name: str, vectors: Any = None, **how: Any) -> None:
        """Make a collection where it is not there yet, on as many nodes as there should be."""
        if self.ask("collection_exists", name):
            return
        number = len(self.peers())
        if number > 1:
            how |= {
                "shard_number": _SHARDS_PER_NODE * number,
                "replication_factor": min(self._replicas, number),
                "write_consistency_factor": _WRITE_CONSISTENCY,
            }
        try:
            self.ask(
                "create_collection", name, vectors_config=vectors or {}, on_disk_payload=True, **how
            )
        except StorageError:
            # Another process was faster, or this one, by way of a node that did not answer.
            if not self.ask("collection_exists", name):
                raise

    def peers(self) -> set[str]:
        """The cluster's own names for its nodes; empty where a server stands alone."""
        if self.is_local:
            return set()
        return set(getattr(self._cluster(), "peers", None) or {})

    def each_node(self) -> tuple[list[str], int]:
        """An address of each node that can be asked by itself, and how many nodes cannot be.

        The cluster tells on which hosts its nodes are, but not the ports for clients, which are
        taken to be the same on all. Whoever answers there says which node it is.
        """
        peers = self._cluster().peers
        hosts = [urlsplit(one.uri).hostname for one in peers.values()]
        # A given address may stand for several nodes in turn, so that hosts come first.
        addresses = [*map(self.nodes.on, filter(None, hosts)), *self.nodes.addresses]
        found: dict[int, str] = {}
        for address in self.nodes.reachable([*dict.fromkeys(addresses)]):
            with contextlib.suppress(StorageError):  # something else that answers there
                told = self.nodes.ask_each(address, "http.distributed_api.cluster_status")
                found.setdefault(told.result.peer_id, address)
        there = [address for peer, address in found.items() if str(peer) in peers]
        return there, len(peers) - len(there)

    def trouble(self, collections: Sequence[str]) -> Reason | None:
        """What is amiss with the replicas of collections, if anything is."""
        number = len(self.peers())
        if number < 2:
            return None
        silent = len(self.nodes.addresses) - len(self.nodes.reachable())
        if away := max(self._unreached(), silent):
            return Reason(AWAY, {"number": away, "nodes": number})
        states = [self._replica_states(one) for one in collections]
        parts = [part for one in states for part in one.values()]
        if behind := sum(not all(one == "Active" for one in part) for part in parts):
            return Reason("qdrant_behind", {"number": behind, "parts": len(parts)})
        wanted = min(self._replicas, number)
        if few := sum(len(part) < wanted for part in parts):
            return Reason(FEW, {"number": few, "parts": len(parts), "wanted": wanted})
        return None

    def _cluster(self) -> Any:
        return self.ask("http.distributed_api.cluster_status").result

    def _unreached(self) -> int:
        """How many nodes the cluster itself cannot reach now; only its leader tries all the time.

        It remembers failures for good, so only those of the last seconds by its own clock count.
        """
        cluster = self._cluster()
        failing = (getattr(cluster, "message_send_failures", None) or {}).values()
        now = getattr(cluster.consensus_thread_status, "last_update", None)
        return sum(
            now is None or (now - one.latest_error_timestamp).total_seconds() < _JUST_NOW_SECONDS
            for one in failing
        )

    def _replica_states(self, collection: str) -> dict[int, list[str]]:
        """Of each part of a collection: the states of its replicas."""
        info = self.ask("http.distributed_api.collection_cluster_info", collection).result
        found: dict[int, list[str]] = {}
        for shard in [*info.local_shards, *info.remote_shards]:
            found.setdefault(shard.shard_id, []).append(shard.state.value)
        return found

    def scroll(self, collection: str, node: str = "", **options: Any) -> Iterator[Any]:
        """Every point that a filter lets through, page by page, in the order of their ids.

        Args:
            collection: which.
            node: the address of the one node to ask; empty for any.
            options: of the client's method.
        """
        offset = None
        options = {"with_payload": True, "limit": CHUNK, **options}
        while True:
            if node:
                answer = self.nodes.ask_each(node, "scroll", collection, offset=offset, **options)
            else:
                answer = self.ask("scroll", collection, offset=offset, **options)
            page, offset = answer
            yield from page
            if offset is None:
                return

    def retrieve(self, collection: str, ids: Sequence[str], **options: Any) -> list[Any]:
        """Those of these points that there are, with their payload unless told otherwise."""
        found: list[Any] = []
        options = {"with_payload": True, **options}
        for first in range(0, len(ids), POINTS):
            found += self.ask("retrieve", collection, ids[first : first + POINTS], **options)
        return found

    def agreed(self, collection: str, ids: Sequence[str], **options: Any) -> list[Any]:
        """Those of these points that are the same on every replica that can be asked: what differs
        counts as not there, and so is written once more.
        """
        if not self.is_local:
            options["consistency"] = models.ReadConsistencyType.ALL
        return self.retrieve(collection, ids, **options)

    def update(self, collection: str, payloads: Mapping[str, dict[str, Any]]) -> None:
        """Set in each point, by its id, what is given for it, and wait until it counts."""
        operations = [
            models.SetPayloadOperation(
                set_payload=models.SetPayload(payload=payload, points=[point])
            )
            for point, payload in payloads.items()
        ]
        for first in range(0, len(operations), POINTS):
            some = operations[first : first + POINTS]
            self.ask("batch_update_points", collection, some, wait=True, ordering=_ORDERING)

    def upsert(self, collection: str, points: Sequence[Any]) -> None:
        """Write points, and wait until it counts."""
        for first in range(0, len(points), POINTS):
            some = points[first : first + POINTS]
            self.ask("upsert", collection, some, wait=True, ordering=_ORDERING)

    def set_payload(self, collection: str, payload: dict[str, Any], ids: Sequence[str]) -> None:
        """Change the same of many points, and wait until it counts."""
        for first in range(0, len(ids), POINTS):
            some = ids[first : first + POINTS]
            how = {"points": some, "wait": True, "ordering": _ORDERING}
            self.ask("set_payload", collection, payload=payload, **how)

    def delete_points(self, collection: str, which: Any) -> None:
        """Delete points that a selector names, and wait until it counts."""
        self.ask("delete", collection, points_selector=which, wait=True, ordering=_ORDERING)

    def index_keywords(self, images: str) -> None:
        """Let images be filtered by keywords; an index of an earlier version cannot yet."""
        self._create_payload_index(images, "places[].keywords", "keyword")

    def _create_payload_index(self, collection: str, field: str, kind: str) -> None:
        if not self.is_local:  # the imitation has none, and warns
            schema = models.PayloadSchemaType(kind)
            self.ask("create_payload_index", collection, field, schema, wait=True)


def index_name(key: IndexKey) -> str:
    """What the collections of an index begin with: readable, and no two indexes share it."""
    folder = point_id(os.fsencode(key.folder)).replace("-", "")[:12]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", printable(key.folder.name)).strip("-")[:40]
    return f"{_CATALOGUE}-{readable or 'gallery'}-{folder}-{key.fingerprint[:12]}"
