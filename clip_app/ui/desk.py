"""The photographs that a visitor has laid on one part of the page: for a batch, for the matrix."""

import hashlib
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from gradio.utils import get_upload_folder
from PIL import Image

from clip_app.errors import ImageError
from clip_app.gallery.uploads import Upload
from clip_app.images import load_image, shown_name, thumbnail
from clip_app.model.service import ModelService
from clip_app.photos import EncodedPhoto, encode_files
from clip_app.ui.uploaded import uploaded

log = logging.getLogger(__name__)

# Thumbnails in the strip: what fits into a row of a wide screen. Of 12-megapixel JPEGs they take
# some 30 ms each.
_STRIP = 12
_STRIP_SIDE = 96

# Sharp in a tile on a screen of twice the usual resolution, and large enough to be opened.
_SIDE = 480

# Photographs on their way at once. Those that wait are encoded together, and none is shown before
# its batch is done: with the 64 of `encode_files` that is every three seconds on two cores.
_AHEAD = 16


def sent(asked: dict[str, Any]) -> list[Upload]:
    """What the page's script has sent: its `files` are {"path", "name"}.

    A path that is no upload to this page is passed over.
    """
    found = []
    for one in asked.get("files") or ():
        path = uploaded(one["path"])
        if path is not None and path.is_file():
            found.append(Upload(path, str(one["name"])))
    return found


def _key(upload: Upload) -> str:
    """What the page's script calls an upload; where it lies is none of its business."""
    return hashlib.sha256(os.fsencode(upload.path)).hexdigest()[:16]


class Desk:
    """A visitor's photographs, in order, each decoded and encoded once.

    Attributes:
        uploads: what was sent.
        lock: held while something is done with it that changes what is shown, and until that is
            told: several drops may be under way at once.
    """

    def __init__(self) -> None:
        self.uploads: list[Upload] = []
        self.lock = threading.Lock()
        self._folder = ""
        self._encoded: dict[Path, EncodedPhoto] = {}
        self._fingerprint = ""
        self._strip: dict[Path, str | None] = {}

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        # Gradio copies the first one, on which nothing lies, for each visitor.
        return type(self)()

    def change(self, asked: dict[str, Any]) -> None:
        """Do what the page's script asks: `files` to add, `remove` one, or `clear` all.

        `files` are as in `sent`, what to `remove` is named as in `shown`.
        """
        self.uploads += sent(asked)
        if asked.get("clear"):
            self.uploads.clear()
        elif (key := asked.get("remove")) is not None:
            place = next((at for at, one in enumerate(self.uploads) if _key(one) == key), None)
            if place is not None:  # one that is clicked twice is gone by then
                del self.uploads[place]

    def shown(self) -> dict[str, Any]:
        """What the page's script shows: number, bytes, and (name, thumbnail, key) of the first.

        "since" tells it from what was shown before, which may arrive later.
        """
        return {
            "since": time.time(),
            "count": len(self.uploads),
            "bytes": sum(one.path.stat().st_size for one in self.uploads if one.path.exists()),
            "strip": [
                (shown_name(name=one.name), self._small(one.path), _key(one))
                for one in self.uploads[:_STRIP]
            ],
        }

    def encoded(self, service: ModelService) -> Generator[EncodedPhoto]:
        """The features of each photograph, in order; `kept` is the path of a picture of it.

        What is wrong with one is said by its owner's name for it, not by that of the upload.
        Those that this model has encoded before come at once. Close the generator to end early.

        Raises:
            ModelError: if the device fails.
        """
        if self._fingerprint != service.info.fingerprint:
            self._fingerprint = service.info.fingerprint
            self._encoded.clear()
        uploads = list(self.uploads)
        known = self._encoded
        new = [path for path in dict.fromkeys(one.path for one in uploads) if path not in known]
        room = threading.Semaphore(_AHEAD)

        def few() -> Generator[Path]:
            for path in new:
                room.acquire()
                yield path

        with closing(encode_files(service, few(), keep=self._keep)) as fresh:
            try:
                for upload in uploads:
                    if upload.path not in known:
                        known[upload.path] = next(fresh)
                        room.release()
                    photo = known[upload.path]
                    if photo.error is not None:
                        error = photo.error.about(shown_name(name=upload.name))
                        photo = replace(photo, error=error)
                    yield photo
            finally:
                room.release(len(new) + 1)  # who waits for room goes on, and ends

    def close(self) -> None:
        """Remove the thumbnails; called when the visitor has left."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def picture(self, path: str) -> str:
        """The path of a small copy of a photograph, which the page may show.

        Raises:
            ImageError: if it cannot be read.
        """
        return self._keep(load_image(path, target_side=_SIDE))

    def _small(self, path: Path) -> str | None:
        if path not in self._strip:
            try:
                picture = load_image(path, target_side=2 * _STRIP_SIDE)
                self._strip[path] = self._save(thumbnail(picture, 2 * _STRIP_SIDE))
            except ImageError as error:
                log.info("No thumbnail: %s", error)
                self._strip[path] = None
        return self._strip[path]

    def _keep(self, picture: Image.Image) -> str:
        return self._save(thumbnail(picture, _SIDE))

    def _save(self, picture: Image.Image) -> str:
        """Write it where Gradio serves uploads from, in a folder nobody can guess."""
        if not self._folder:
            self._folder = str(Path(get_upload_folder()) / secrets.token_hex(16))
        path = Path(self._folder) / f"{secrets.token_hex(8)}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, "JPEG", quality=82)
        return str(path)
