"""The tab 图库搜索: index a folder of photographs and search it by words, pictures, or both."""

from typing import Any

import gradio as gr

from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Page, Room
from clip_app.ui.tabs.gallery.finder import ASK_AGAIN, build_finder
from clip_app.ui.tabs.gallery.index import build_index_part

KEY = "gallery"


def build(page: Page, room: Room) -> None:
    """Lay out the tab and connect it; what it says follows the language in the browser."""
    with gr.Accordion(i18n("gallery_panel"), open=False, elem_id="gallery-panel"):
        below = gr.Dropdown([], visible=False)
        index = build_index_part(page, below)
    build_finder(page, index)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for follow in (room.select, page.language.change):
        follow(
            shows_errors(index.refresh, page.language),
            index.inputs,
            index.followers,
            **private,
        ).then(None, None, None, js=ASK_AGAIN, api_visibility="private")
    # What a run has read is shown once the run has nothing more to tell.
    for changed in (index.folder.change, index.changed.change):
        changed(None, None, None, js=ASK_AGAIN, api_visibility="private")
