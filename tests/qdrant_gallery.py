"""One folder of photographs, indexed in SQLite and in a cluster of Qdrant, which must agree."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.gallery.index_report import IndexReport
from clip_app.gallery.indexer import index_folder
from clip_app.gallery.library import Library
from clip_app.gallery.roots import Roots
from clip_app.gallery.stores.qdrant_library import QdrantLibrary
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.qdrant_server import index_name
from clip_app.gallery.stores.qdrant_store import QdrantStore
from clip_app.gallery.stores.store import Filter, Found
from clip_app.model.service import ModelService
from tests.gallery_helpers import picture_bytes
from tests.qdrant_servers import Node, assert_same_everywhere, settled, together

QUERIES = 5


class Compared:
    """A gallery whose pictures come and go."""

    def __init__(self, service: ModelService, nodes: list[Node], place: Path) -> None:
        self.nodes = nodes
        self.photos = place / "photos"
        self.photos.mkdir(parents=True)
        self._place = place
        self._service = service
        self._made = 0
        self._sqlite = Library(place / "sqlite")
        self.library = QdrantLibrary(Nodes(together(nodes)), place / "index")

    @property
    def store(self) -> QdrantStore:
        return self.library.open(self.photos, self._service.info, create=True)

    @property
    def collections(self) -> list[str]:
        name = index_name(self.store.key)
        return [f"{name}-images", f"{name}-files"]

    def add(self, number: int) -> None:
        """Put new pictures into the folder."""
        for one in range(self._made, self._made + number):
            place = self.photos / f"part{one % 4}" / f"{one:05}.png"
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(picture_bytes(one))
        self._made += number

    def remove(self, number: int) -> None:
        """Take the oldest pictures away."""
        for path in sorted(self.photos.rglob("*.png"), key=lambda one: one.name)[:number]:
            path.unlink()

    def index(self, store: Any = None, **options: Any) -> IndexReport:
        """Bring an index up to date, by default that of the cluster."""
        store = store or self.store
        return index_folder(self._service, store, Roots.of([self.photos]), **options)

    def searched(self, store: Any) -> list[list[Found]]:
        """Answers to a few questions with filters."""
        chance = np.random.default_rng(0)
        dim = self._service.info.embedding_size
        filters = [Filter(), Filter(below="part1"), Filter(suffixes=frozenset({".png"}))]
        asked = []
        for _ in range(QUERIES):
            query = chance.standard_normal(dim).astype(np.float32)
            query /= np.linalg.norm(query)
            asked += [store.search(query, 20, where) for where in filters]
        return asked

    def assert_agree(self) -> int:
        """After one more run nothing differs: replicas, and searches through each node.

        Returns:
            how many points that run made whole.
        """
        settled(self.nodes, self.collections)
        mended = self.index().repaired
        settled(self.nodes, self.collections)
        assert_same_everywhere(self.nodes, self.collections)
        reference = self._sqlite.open(self.photos, self._service.info, create=True)
        self.index(reference)
        expected = self.searched(reference)
        for node in self.nodes:
            one = QdrantLibrary(Nodes(node.url), self._place / "index")
            store = one.open(self.photos, self._service.info)
            assert store.counts() == reference.counts()
            for found, wanted in zip(self.searched(store), expected, strict=True):
                assert [each.hash for each in found] == [each.hash for each in wanted]
                assert [each.files for each in found] == [each.files for each in wanted]
                similar = [[each.similarity for each in some] for some in (found, wanted)]
                np.testing.assert_allclose(*similar, atol=1e-5)
            one.close()
        return mended

    def when(self, what: str, act: Callable[[], None], seconds: float = 0.01) -> None:
        """Have something done in the middle of the next call of a method of the cluster's store."""
        store: Any = self.store
        original = getattr(store, what)

        def called(*arguments: Any, **options: Any) -> Any:
            setattr(store, what, original)
            threading.Timer(seconds, act).start()
            return original(*arguments, **options)

        setattr(store, what, called)

    def close(self) -> None:
        self.library.close()
        self._sqlite.close()
