"""One gallery for Python: `open_gallery(folder, model)`, then `index` and `search`."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from clip_app.errors import GalleryError, InputError
from clip_app.gallery.asking import ImageTerm
from clip_app.gallery.index_report import IndexProgress, IndexReport
from clip_app.gallery.library import AnyLibrary, open_library, update_index
from clip_app.gallery.maps import GalleryMap, Maps
from clip_app.gallery.query import parse_query
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.search import SearchAnswer, image_term, search, with_concepts
from clip_app.gallery.similar import NEAR, Duplicates, Odd, duplicates, odd
from clip_app.gallery.stores.store import Counts, Filter
from clip_app.model.service import ModelService
from clip_app.photos import Source, encode_photo
from clip_app.progress import Progress
from clip_app.settings import Settings
from clip_app.tasks.concepts import Concept


class Gallery:
    """A folder of photographs and its index for one model."""

    def __init__(self, folder: Path, model: ModelService, library: AnyLibrary) -> None:
        """Prefer `open_gallery`."""
        #: The folder, resolved.
        self.folder = folder
        self._model = model
        self._library = library
        self._maps = Maps(library.directory)

    def index(
        self,
        *,
        progress: Callable[[IndexProgress], None] | None = None,
        stop: threading.Event | None = None,
        **options: Any,
    ) -> IndexReport:
        """Bring the index up to what lies in the folder now; only what is new is encoded.

        Args:
            progress: called at most five times a second.
            stop: set it to end early; what is encoded by then is kept.
            options: others of `clip_app.gallery.indexer.index_folder`.

        Raises:
            GalleryError, StorageError, ModelError: as `index_folder`.
        """
        return update_index(
            self._library,
            self._model,
            self.folder,
            Roots.of((self.folder,)),
            progress=progress,
            stop=stop,
            **options,
        )

    def search(
        self,
        text: str = "",
        *,
        images: Source | Sequence[Source] = (),
        exclude: str = "",
        top_k: int = 20,
        where: Filter | None = None,
        concepts: Iterable[Concept] = (),
    ) -> SearchAnswer:
        """The photographs that fit best, best first.

        Args:
            text: what to look for: `beach + sunset - people`.
            images: what the results should be like: paths of files, which are left out themselves,
                their bytes, or pictures in memory.
            exclude: what to stay away from, separated by commas.
            top_k: how many, 1 to 500.
            where: which files to look at.
            concepts: what the model was taught, for terms such as `@Rex`.

        Raises:
            InputError: if there is nothing to look for, too many terms, or another model was
                taught the concept.
            ImageError: if a picture cannot be read.
            GalleryError: if the folder has not been indexed with this model.
        """
        for words in (text, exclude):
            if not isinstance(words, str | None):
                raise InputError("texts_other_kind", kind=type(words).__name__)
        terms = with_concepts(self._model, parse_query(text or "", exclude or ""), concepts)
        # A single path is one picture, and not one for each of its characters.
        for one in [images] if isinstance(images, Source) else images:
            terms.append(self._like(one))
        store = self._library.open(self.folder, self._model.info)
        return search(self._model, [store], terms, top_k=top_k, where=where)

    def _like(self, picture: Source) -> ImageTerm:
        if isinstance(picture, str | os.PathLike):
            return image_term(self._model, os.fspath(picture), name=Path(picture).name)
        if isinstance(picture, bytes):
            return image_term(self._model, picture, name="image")
        return ImageTerm(encode_photo(self._model, picture)[0], "image")

    def duplicates(
        self,
        *,
        near: float = NEAR,
        where: Filter | None = None,
        progress: Progress | None = None,
    ) -> Duplicates:
        """Groups of copies and near copies; see `clip_app.gallery.similar.duplicates`.

        Raises:
            InputError: if `near` is out of range.
            GalleryError: if the folder has not been indexed with this model.
        """
        store = self._library.open(self.folder, self._model.info)
        return duplicates([store], near=near, where=where, progress=progress)

    def odd(self, *, number: int = 10, where: Filter | None = None) -> Odd:
        """The most and the least typical photographs; see `clip_app.gallery.similar.odd`.

        Raises:
            GalleryError: if the folder has not been indexed with this model.
        """
        store = self._library.open(self.folder, self._model.info)
        return odd([store], number=number, where=where)

    def map(self, *, below: str = "", progress: Progress | None = None) -> GalleryMap:
        """Each photograph's place on a plane, near those that are like it, and its named cluster.

        It is drawn when it is first asked for, in 15 seconds for 100,000 photographs.

        Args:
            below: a sub-folder; "" for all.
            progress: called with (done, total); what it raises ends the work.

        Raises:
            GalleryError: if the folder has not been indexed with this model.
        """
        store = self._library.open(self.folder, self._model.info)
        return self._maps.drawn(self._model, store, below, progress)

    def counts(self) -> Counts:
        """How many files and pictures are indexed.

        Raises:
            GalleryError: if the folder has not been indexed with this model.
        """
        return self._library.open(self.folder, self._model.info).counts()

    def forget(self) -> None:
        """Delete the folder's index, of every model; the photographs stay.

        Raises:
            GalleryError: if there is none.
        """
        self._library.forget(self.folder)


def open_gallery(
    folder: str | os.PathLike[str],
    model: ModelService,
    *,
    index_dir: str | os.PathLike[str] | None = None,
) -> Gallery:
    """A folder of photographs, to index and search.

    Args:
        folder: where the photographs lie; `~` is the home folder.
        model: what `load_model` returned.
        index_dir: where the index is kept; by default where the page and the terminal keep it.

    Raises:
        GalleryError: if there is no such folder.
    """
    place = Path(folder).expanduser().resolve()
    if not place.is_dir():
        raise GalleryError("folder_missing", folder=printable(os.fspath(folder)))
    settings = Settings() if index_dir is None else Settings(index_dir=Path(index_dir))
    return Gallery(place, model, open_library(settings))
