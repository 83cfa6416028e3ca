"""All indexes of one index folder: which galleries there are, opening and forgetting them.

`INDEX_DIR/<gallery>/<model>/`: a folder for each gallery, in it one index for each model that was
used, side by side.
"""

import hashlib
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from clip_app.errors import (
    ClipAppError,
    DamagedIndexError,
    GalleryError,
    MissingIndexError,
    OtherModelError,
    ReadOnlyIndexError,
    Reason,
    StorageError,
)
from clip_app.gallery.index_report import IndexReport
from clip_app.gallery.indexer import index_folder
from clip_app.gallery.maps import forget_maps
from clip_app.gallery.pictures import forget_thumbnails, thumbnail_folder
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.stores.sqlite_database import read_facts
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Counts, IndexKey, Store
from clip_app.model.info import ModelInfo, public_name
from clip_app.model.service import ModelService
from clip_app.settings import Settings

log = logging.getLogger(__name__)

_READABLE = 40


@dataclass(frozen=True)
class IndexStatus:
    """One index as it lies on the disk.

    Attributes:
        folder: the gallery.
        model: the name of the model that made it.
        usable: whether the model in use can search it.
        counts: how much is in it.
        trouble: what is amiss with the machines that hold it, if that was asked and anything is.
    """

    folder: Path
    model: str
    usable: bool
    counts: Counts
    trouble: Reason | None = None


class AnyLibrary(Protocol):
    """Every gallery that one setting leads to; open indexes are shared by all callers."""

    #: The index folder of this machine, which has thumbnails and maps whatever the store.
    directory: Path

    def open(self, folder: Path, model: ModelInfo, *, create: bool = False) -> Store:
        """The index of a gallery for a model.

        Args:
            folder: the gallery, resolved.
            model: whose vectors it must hold.
            create: make it where there is none, and start again where it is damaged.

        Raises:
            GalleryError: if there is none, or only one of another model, or it is damaged.
            StorageError: if it cannot be read or made.
        """

    def start_again(self, store: Store) -> Store:
        """Set a damaged index aside and open an empty one in its place."""

    def is_empty(self) -> bool:
        """Whether there is no index at all, not even one that cannot be read."""

    def folders(self) -> set[Path]:
        """The galleries that have an index, which is not opened for it."""

    def galleries(self, model: ModelInfo | None, *, closely: bool = False) -> list[IndexStatus]:
        """Every index that can be read, by folder; none is usable without a model.

        Of those that cannot, the log tells.

        Args:
            model: the one in use.
            closely: ask after trouble too, which may take seconds.
        """

    def forget(self, folder: Path) -> int:
        """Delete every index of a gallery, its thumbnails and maps; its photographs stay.

        Returns:
            how many indexes there were.

        Raises:
            GalleryError: if there is none, or one is being written.
        """

    def distrust(self, path: str) -> None:
        """Have the next indexers read a file again whose content is not what was indexed.

        Args:
            path: absolute; where no open index can note it, nothing happens.
        """

    def close(self) -> None:
        """Close every open index."""


def open_library(settings: Settings) -> AnyLibrary:
    """The library that the settings `gallery_store` and `index_dir` lead to.

    Raises:
        StorageError: if its engine is not installed, or does not answer.
    """
    directory = settings.index_dir.expanduser().resolve()
    if settings.gallery_store == "sqlite":
        return Library(directory)
    try:
        # Only here: not everyone has the client.
        from clip_app.gallery.stores.qdrant_library import QdrantLibrary
        from clip_app.gallery.stores.qdrant_nodes import Nodes
    except ImportError as error:
        raise StorageError("qdrant_not_installed") from error
    key = settings.qdrant_api_key
    nodes = Nodes(
        settings.gallery_store.removeprefix("qdrant+"),
        key.get_secret_value() if key else None,
        settings.qdrant_ca,
    )
    return QdrantLibrary(nodes, directory, settings.qdrant_replicas)


class Library:
    """Every gallery whose index lies in one folder: see `AnyLibrary`, whose methods these are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._open: dict[Path, SqliteStore] = {}
        self._lock = threading.Lock()

    def open(self, folder: Path, model: ModelInfo, *, create: bool = False) -> Store:
        """The index of a gallery for a model."""
        key = IndexKey(folder, model.name, model.fingerprint, model.embedding_size)
        with self._lock:
            place = self._place(folder, model)
            known = self._open.get(place)
            if known is not None:
                if known.is_in_place():
                    return known
                self._open.pop(place).close()  # another process has forgotten or replaced it
            if not create and not (place / "index.sqlite").exists():
                raise no_index(folder, model, [other.model for _, other in self._indexes(folder)])
            try:
                store = SqliteStore(place, key, create=create)
            except DamagedIndexError:
                if not create:
                    raise
                self._set_aside(place)
                store = SqliteStore(place, key, create=True)
            self._open[place] = store
            return store

    def start_again(self, store: Store) -> Store:
        """Set a damaged index aside and open an empty one in its place."""
        with self._lock:
            place = next(place for place, one in self._open.items() if one is store)
            store.close()
            self._set_aside(place)
            self._open[place] = SqliteStore(place, store.key, create=True)
            return self._open[place]

    def is_empty(self) -> bool:
        """Whether there is no index at all, not even one that cannot be read."""
        return not any(self._databases())

    def folders(self) -> set[Path]:
        """The galleries that have an index."""
        return {key.folder for _, key in self._all()}

    def galleries(self, model: ModelInfo | None, *, closely: bool = False) -> list[IndexStatus]:
        """Every index that can be read, by folder; those of other models too."""
        found = []
        for place, key in self._all():
            usable = model is not None and key.fingerprint == model.fingerprint
            try:
                if usable and model:
                    counts = self.open(key.folder, model).counts()
                else:
                    with closing(SqliteStore(place, key)) as store:
                        counts = store.counts()
            except (GalleryError, StorageError) as error:
                # One index that cannot be read must not hide the others.
                log.warning("The index in %s is left out: %s", place, error)
                continue
            found.append(IndexStatus(key.folder, key.model, usable, counts))
        return sorted(found, key=lambda one: (str(one.folder), not one.usable, one.model))

    def forget(self, folder: Path) -> int:
        """Delete every index of a gallery; its photographs stay.

        Returns:
            how many indexes there were.

        Raises:
            GalleryError: if there is none, or one is being written.
        """
        indexes = list(self._indexes(folder))
        if not indexes:
            raise MissingIndexError("index_missing", folder=printable(folder.name))
        with self._lock:
            for place, key in indexes:
                store = self._open.get(place) or SqliteStore(place, key)
                with store.lock():
                    forget_thumbnails(thumbnail_folder(self.directory), store)
                    self._open.pop(place, None)
                    store.close()
                    shutil.rmtree(place, ignore_errors=True)
            shutil.rmtree(self._gallery(folder), ignore_errors=True)
        forget_maps(self.directory, folder)
        return len(indexes)

    def distrust(self, path: str) -> None:
        """Have the next indexers read a file again whose content is not what was indexed."""
        with self._lock:
            stores = list(self._open.values())
        distrust_in(stores, path)

    def close(self) -> None:
        """Close every open index."""
        with self._lock:
            for store in self._open.values():
                store.close()
            self._open.clear()

    def _gallery(self, folder: Path) -> Path:
        digest = hashlib.blake2b(bytes(folder), digest_size=4).hexdigest()
        return self.directory / _slug(folder.name, digest)

    def _place(self, folder: Path, model: ModelInfo) -> Path:
        """Where the index for these weights is or will be, whatever the model was chosen by."""
        digest = model.fingerprint[:8]
        there = sorted(self._gallery(folder).glob(f"*-{digest}/index.sqlite"))
        return there[0].parent if there else self._gallery(folder) / _slug(model.name, digest)

    def _databases(self) -> Iterator[Path]:
        return self.directory.glob("*/*/index.sqlite")

    def _all(self) -> Iterator[tuple[Path, IndexKey]]:
        for database in sorted(self._databases()):
            try:
                key = read_facts(database).key
            except (GalleryError, StorageError) as error:
                log.warning("The index in %s is left out: %s", database.parent, error)
                continue
            yield database.parent, key

    def _indexes(self, folder: Path) -> Iterator[tuple[Path, IndexKey]]:
        return ((place, key) for place, key in self._all() if key.folder == folder)

    def _set_aside(self, place: Path) -> None:
        aside = place.with_name(f"{place.name}.damaged-{time.time_ns()}")
        try:
            place.rename(aside)
            (aside / "index.sqlite").rename(aside / "index.sqlite.damaged")
        except OSError as error:
            raise ReadOnlyIndexError(
                "index_read_only", reason=error.strerror or str(error)
            ) from error
        log.warning("The damaged index is kept as %s; a new one is begun.", aside.name)


def distrust_in(stores: Sequence[Store], path: str) -> None:
    """See `AnyLibrary.distrust`."""
    for store in stores:
        if store.key.folder in Path(path).parents:
            try:
                store.distrust(os.path.relpath(path, store.key.folder).replace(os.sep, "/"))
            except ClipAppError as error:  # on a read-only disk, or busy: it is tried no harder
                log.info("Not noted for the next run: %s", error)


def no_index(folder: Path, model: ModelInfo, others: Sequence[str]) -> GalleryError:
    """The error for a gallery without an index for a model, though maybe with others."""
    name = printable(folder.name)
    if not others:
        return MissingIndexError("index_missing", folder=name)
    return OtherModelError(
        "index_other_model",
        folder=name,
        model=", ".join(map(public_name, others)),
        current=model.public_name,
    )


def update_index(
    library: AnyLibrary,
    service: ModelService,
    folder: Path,
    roots: Roots,
    **options: Any,
) -> IndexReport:
    """Bring a gallery's index up to date; a damaged one is set aside and made anew.

    Args:
        library: where the index is, or is to be.
        service: the model whose index it is.
        folder: the gallery, resolved.
        roots: what may be read.
        options: as for `index_folder`, whose errors and result these are.
    """
    store = library.open(folder, service.info, create=True)
    try:
        return index_folder(service, store, roots, **options)
    except DamagedIndexError:
        store = library.start_again(store)
    return index_folder(service, store, roots, **options)


def _slug(name: str, digest: str) -> str:
    """A folder name that a person recognizes and no two things share."""
    readable = re.sub(r"[^\w.-]+", "-", printable(name)).strip("-.")[:_READABLE]
    return f"{readable or 'gallery'}-{digest}"
