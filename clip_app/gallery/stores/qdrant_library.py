"""All indexes of one Qdrant server: which galleries there are, opening and forgetting them."""

import logging
import threading
from pathlib import Path

from clip_app.errors import GalleryError, MissingIndexError
from clip_app.gallery.library import IndexStatus, distrust_in, no_index
from clip_app.gallery.maps import forget_maps
from clip_app.gallery.pictures import forget_thumbnails, thumbnail_folder
from clip_app.gallery.roots import printable
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.qdrant_server import VERSION, Listed, QdrantServer, index_name
from clip_app.gallery.stores.qdrant_store import QdrantStore
from clip_app.gallery.stores.store import IndexKey, Store
from clip_app.model.info import ModelInfo

log = logging.getLogger(__name__)


class QdrantLibrary:
    """Every gallery on one server: see `library.AnyLibrary`, whose methods these are.

    Machines that share a server must see a gallery at the same path.
    """

    def __init__(self, nodes: Nodes, directory: Path, replicas: int = 2) -> None:
        """Connect.

        Args:
            nodes, replicas: as for `QdrantServer`.
            directory: the index folder of this machine, which has locks, thumbnails and maps.

        Raises:
            StorageError: if the server does not answer.
        """
        self._server = QdrantServer(nodes, directory / "locks", replicas)
        self.directory = directory
        self._open: dict[str, QdrantStore] = {}
        self._lock = threading.Lock()

    def open(self, folder: Path, model: ModelInfo, *, create: bool = False) -> Store:
        """The index of a gallery for a model."""
        key = IndexKey(folder, model.name, model.fingerprint, model.embedding_size)
        name = index_name(key)
        with self._lock:
            if name not in self._open:
                known = {one.name: one for one in self._server.indexes()}
                if name not in known:
                    if not create:
                        others = [
                            one.key.model for one in known.values() if one.key.folder == folder
                        ]
                        raise no_index(folder, model, others)
                    self._server.create(name, key)
                    known[name] = Listed(name, key, VERSION)
                self._open[name] = self._store(known[name])
            return self._open[name]

    def start_again(self, store: Store) -> Store:
        """Delete an index and open an empty one in its place."""
        name = index_name(store.key)
        with self._lock:
            self._server.delete(name)
            self._server.create(name, store.key)
            self._open[name] = QdrantStore(self._server, name, store.key)
            return self._open[name]

    def is_empty(self) -> bool:
        """Whether there is no index at all, not even one that cannot be read."""
        return not self._server.indexes()

    def folders(self) -> set[Path]:
        """The galleries that have an index."""
        return {one.key.folder for one in self._server.indexes()}

    def galleries(self, model: ModelInfo | None, *, closely: bool = False) -> list[IndexStatus]:
        """Every index that can be read, by folder; those of other models too."""
        found = []
        for one in self._server.indexes():
            key = one.key
            usable = model is not None and key.fingerprint == model.fingerprint
            try:
                store = self._store(one)
            except GalleryError as error:
                log.warning("The index %s is left out: %s", one.name, error)
                continue
            trouble = store.trouble() if closely else None
            found.append(IndexStatus(key.folder, key.model, usable, store.counts(), trouble))
        return sorted(found, key=lambda one: (str(one.folder), not one.usable, one.model))

    def forget(self, folder: Path) -> int:
        """Delete every index of a gallery; its photographs stay."""
        known = [one for one in self._server.indexes() if one.key.folder == folder]
        if not known:
            raise MissingIndexError("index_missing", folder=printable(folder.name))
        with self._lock:
            for one in known:
                store = self._store(one)
                with store.lock():
                    forget_thumbnails(thumbnail_folder(self.directory), store)
                    self._open.pop(one.name, None)
                    self._server.delete(one.name)
        forget_maps(self.directory, folder)
        return len(known)

    def _store(self, one: Listed) -> QdrantStore:
        """An index that is there.

        Raises:
            GalleryError: if it was written by a newer version of this program.
        """
        if one.version > VERSION:
            raise GalleryError("index_newer", folder=printable(one.key.folder.name))
        return self._open.get(one.name) or QdrantStore(self._server, one.name, one.key)

    def distrust(self, path: str) -> None:
        """Have the next indexers read a file again whose content is not what was indexed."""
        with self._lock:
            stores = list(self._open.values())
        distrust_in(stores, path)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._open.clear()
            self._server.close()
