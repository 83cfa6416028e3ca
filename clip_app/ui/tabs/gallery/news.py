"""What others change in the gallery that a visitor looks at, told to panel and search."""

from collections.abc import Iterator

import gradio as gr

from clip_app.ui.errors import shows_errors
from clip_app.ui.tab import PRIVATE, Values
from clip_app.ui.tabs.gallery.finder import Finder


def tell_news(finder: Finder) -> None:
    """Answer the script (`finder/news.js`), which asks again and again, and tells the panel.

    A panel that was never open is not in the page, and would lose its value by an answer that
    tells nothing.
    """
    index, heard = finder.index, finder.answers["heard"]

    def heed(given: Values, event: gr.EventData) -> Iterator[Values]:
        for shown in index.heed(given, event._data or {}):
            yield {heard: shown}

    finder.view.heed(
        shows_errors(heed, finder.page.language),
        index.inputs,
        [heard],
        **PRIVATE,
    )
