"""Uploads of images: the file itself for handlers, and what browsers can show of it."""

import io
import logging
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ImageError
from clip_app.images import HEAD_BYTES, browsers_show, load_image, thumbnail
from clip_app.ui.downloads import write_export

log = logging.getLogger(__name__)

# Endings under which browsers are sent a picture as one.
_WEB_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif"}
_PREVIEW_SIDE = 1024


class Photo(gr.Image):
    """An image component whose handlers get the path of the upload, for `clip_app.images`.

    Gradio's own decoding knows neither our limits nor our languages, and writes a copy to disk.
    A class, not a patched instance: Gradio makes a new instance whenever an event updates one.
    """

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """Path of the uploaded file, or None."""
        return None if payload is None else payload.path


def shown_by_browsers(path: str) -> str | None:
    """A JPEG of a picture that browsers cannot show (HEIC, TIFF …); None of any other.

    None of what cannot be read, too: whatever uses it says why.
    """
    try:
        with open(path, "rb") as file:
            if shown_as_it_is(path, file.read(HEAD_BYTES)):
                return None
        picture = load_image(path, target_side=_PREVIEW_SIDE)
    except (ImageError, OSError) as error:
        log.info("No preview: %s", error)
        return None
    buffer = io.BytesIO()
    thumbnail(picture, 2 * _PREVIEW_SIDE).save(buffer, "JPEG", quality=95)
    return write_export(f"{Path(path).stem}.jpg", buffer.getvalue())


def shown_as_it_is(name: str, data: bytes) -> bool:
    """Whether browsers show a file of this name that begins with `data`, and as this app does.

    What it is decides, and the name must not contradict: iPhones send HEIC as .jpg, and a server
    sends what is called .heic under a type that browsers refuse.
    """
    return Path(name).suffix.lower() in _WEB_SUFFIXES and browsers_show(data[:HEAD_BYTES])
