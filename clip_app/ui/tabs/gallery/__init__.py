"""The tab 图库搜索: read a folder of photographs and search it by words, pictures, or both."""

import gradio as gr

from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import EACH, PRIVATE, Page, Room
from clip_app.ui.tabs.gallery.duplicates import build_duplicates
from clip_app.ui.tabs.gallery.finder import ASK, ASK_AGAIN, build_finder
from clip_app.ui.tabs.gallery.index import build_index_part
from clip_app.ui.tabs.gallery.map_answers import answer_map
from clip_app.ui.tabs.gallery.news import tell_news
from clip_app.ui.tabs.gallery.sorting import build_sorting
from clip_app.ui.tabs.gallery.where import show_where

KEY = "gallery"


def build(page: Page, room: Room) -> None:
    """Lay out the tab and connect it; what it says follows the language in the browser."""
    with gr.Accordion(i18n("gallery_panel"), open=False, elem_id="gallery-panel"):
        index = build_index_part(page)
    page.chosen.inputs = index.inputs
    page.chosen.store = lambda given: index.gallery(given)[2]
    build_sorting(page, room, index)
    build_duplicates(page, index)
    finder = build_finder(page, index)
    show_where(finder)
    tell_news(finder)
    view = finder.view
    answer_map(page, index, view)

    def choose(event: gr.EventData) -> str:
        return str(event._data["folder"])

    # Each counts: after two steps back at once, the second gallery is the one that is meant.
    chosen = view.choose(choose, None, index.folder, **EACH)
    refresh = shows_errors(index.refresh, page.language)
    asks = ((room.select, ASK), (index.folder.input, ASK_AGAIN), (chosen.then, ASK_AGAIN))
    for follow, ask in asks:
        follow(refresh, index.inputs, index.followers, **EACH).then(
            None, None, None, js=ask, api_visibility="private"
        )
    view.lost(refresh, index.inputs, index.followers, **PRIVATE)
    page.language.change(refresh, index.inputs, index.followers, **PRIVATE)
    index.changed.change(None, None, None, js=ASK_AGAIN, api_visibility="private")
