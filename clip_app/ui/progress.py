"""The page's progress bar."""

from typing import Any

import gradio as gr

from clip_app.progress import Progress
from clip_app.strings import Language, text


def shown_progress(progress: gr.Progress, key: str, language: Language, **params: Any) -> Progress:
    """A callback that moves the page's progress bar under the sentence `key`."""
    description = text(key, language, **params)
    return lambda done, total: progress((done, total), desc=description)
