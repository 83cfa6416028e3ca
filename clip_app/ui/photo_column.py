"""The photograph that classifying and matching ask about, with the examples below it.

The browser's side is `assets/page/photo.*`, with where the model looked in `heat.*`. It tells the
rest of the page of a new photograph by the event `clipapp:photo`, and hands one to the gallery's
search by `clipapp:search-image`.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.data_classes import FileData, GradioRootModel
from gradio.processing_utils import move_files_to_cache
from PIL import Image

from clip_app.errors import ImageError
from clip_app.images import load_image, thumbnail
from clip_app.metrics import steps
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.photos import decode_side
from clip_app.strings import LANGUAGES
from clip_app.ui.examples import EXAMPLES_DIRECTORY, Example, load_examples
from clip_app.ui.html import picture_url
from clip_app.ui.parts import part
from clip_app.ui.photo import shown_by_browsers
from clip_app.ui.uploaded import uploaded
from clip_app.ui.words import SENDING, words

# Of an example in the strip, in pixels: twice what it is shown at.
_THUMBNAIL = 112

# Decoded photographs kept for the next words; 2 MB each with a model of 224 pixels.
_DECODED = 8


class _Shown(GradioRootModel):
    """A file that Gradio has taken in; the script's value for none is ""."""

    root: FileData | Literal[""] | None


class PhotoColumn(gr.HTML):
    """Photograph and examples; handlers get the path of the photograph, or None."""

    is_template = True
    data_model = _Shown

    def preprocess(self, payload: Any) -> str | None:
        """Path of the photograph; Gradio has looked that it is one of its uploads."""
        return payload.root.path if payload and payload.root else None

    def postprocess(self, value: Any) -> Any:
        """A path, as one that browsers can show."""
        if not value:
            return None
        return FileData(path=shown_by_browsers(value) or value, orig_name=Path(value).name)


def photo_column(slot: ModelSlot, elem_id: str) -> PhotoColumn:
    """Lay it out, with the first example in it."""

    def take_photo(upload: Any) -> dict[str, Any]:
        """The path of what is shown of an upload, or the problem with it in both languages.

        `upload` is its path on the server, and the name it has for its owner.
        """
        path, name = map(str, upload)
        try:
            if uploaded(path) is None:
                raise ImageError("image_unreadable", name=name)
            shown = shown_by_browsers(path) or path
            opened(shown, slot.service)
            return {"path": column.move_resource_to_block_cache(shown)}
        except ImageError as error:
            reason = error.reason.about(name)
            return {"problem": {one: reason.message(one) for one in LANGUAGES}}

    first, *_ = load_examples()
    column = PhotoColumn(
        str(EXAMPLES_DIRECTORY / first.file),
        elem_id=elem_id,
        apply_default_css=False,
        server_functions=[take_photo],
        name=elem_id,
        words=words("examples", "photo_", "heat_", *SENDING),
        **part("basics", "photo", "heat", "looking"),
    )
    # Only now is there a component to whose files the examples can belong.
    column.props["examples"] = [_in_strip(one, column) for one in load_examples()]
    return column


def _in_strip(example: Example, column: PhotoColumn) -> dict[str, Any]:
    path = EXAMPLES_DIRECTORY / example.file
    small = thumbnail(load_image(path, target_side=_THUMBNAIL), _THUMBNAIL)
    given = FileData(path=str(path), orig_name=path.name)
    file = move_files_to_cache(given, column, postprocess=True, keep_in_cache=True)
    return {
        "file": file,
        "name": example.name,
        "names": example.caption,
        "why": example.why,
        "thumbnail": picture_url(small),
    }


def opened(path: str | None, service: ModelService) -> Image.Image:
    """The photograph of the column, decoded once for all that is asked of it.

    Raises:
        ImageError: if there is none, or it cannot be read.
    """
    if not path:
        raise ImageError("image_missing")
    changed = os.stat(path).st_mtime_ns if os.path.exists(path) else 0
    return _decoded(path, changed, decode_side(service))


@lru_cache(_DECODED)
def _decoded(path: str, _: int, side: int) -> Image.Image:
    with steps.measure("decode"):
        return load_image(path, target_side=side)
