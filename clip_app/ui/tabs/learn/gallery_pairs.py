"""The photographs of the example gallery with their titles, as pairs to learn from."""

import json
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from clip_app.gallery.prepared import prepared_for
from clip_app.gallery.stores.store import content_of
from clip_app.model.service import ModelService
from clip_app.photos import encode_files
from clip_app.progress import Progress
from clip_app.settings import ASSETS
from clip_app.strings import Language

_GALLERY = ASSETS / "gallery"


@dataclass(frozen=True)
class Picture:
    """One of them; `path` is absolute, `topic` the name of its folder."""

    path: str
    topic: str
    title: dict[Language, str]


@cache
def pictures() -> tuple[Picture, ...]:
    """All of them, topic by topic."""
    told = json.loads((_GALLERY / "sources.json").read_text("utf-8"))["pictures"]
    return tuple(
        Picture(
            str(_GALLERY / "examples" / one["file"]), one["file"].partition("/")[0], one["title"]
        )
        for one in told
    )


class GalleryVectors:
    """Their vectors, by the model that answers; those of the last model are kept."""

    def __init__(self) -> None:
        self._of = ""
        self._rows = np.empty((0, 0), np.float32)

    def rows(self, service: ModelService, progress: Progress) -> np.ndarray:
        """float32 (pictures, dim), unit rows: at once for the starter, else once encoded.

        Args:
            service: the model to ask.
            progress: called with (done, total) pictures while they are encoded.

        Raises:
            ModelError: if the device fails.
        """
        if self._of == service.info.fingerprint:
            return self._rows
        ready = prepared_for(service.info.fingerprint)
        rows: list[Any] = []
        if ready:
            for one in pictures():
                with open(one.path, "rb") as file:
                    rows.append(ready[content_of(file.read())].vector)
        else:
            with closing(encode_files(service, [one.path for one in pictures()])) as photos:
                for photo in photos:
                    if photo.error is not None:
                        raise photo.error
                    rows.append(photo.image_features)
                    progress(len(rows), len(pictures()))
        self._rows, self._of = np.array(rows), service.info.fingerprint
        return self._rows
