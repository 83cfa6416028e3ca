"""A file input that hands over what the visitor called each file."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ListFiles

from clip_app.gallery.uploads import Upload

#: What file inputs of images take; to a browser the last three need not be images.
IMAGE_TYPES = ["image", ".heic", ".heif", ".avif"]


class Files(gr.File):
    """Several files as `Upload`s: Gradio's own paths have lost characters of the names.

    A class, not a patched instance: Gradio makes a new instance whenever an event updates one.
    """

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The uploads, or None."""
        if payload is None:
            return None
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        return [Upload(Path(file.path), file.orig_name or Path(file.path).name) for file in files]
