"""An image input that hands over the uploaded file itself."""

from typing import Any

import gradio as gr


class Photo(gr.Image):
    """An image component whose handlers get the path of the upload, for `clip_app.images`.

    Gradio's own decoding knows neither our limits nor our languages, and writes a copy to disk.
    A class, not a patched instance: Gradio makes a new instance whenever an event updates one.
    """

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """Path of the uploaded file, or None."""
        return None if payload is None else payload.path
