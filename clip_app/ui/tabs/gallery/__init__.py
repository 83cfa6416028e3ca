"""The tab 图库搜索: index a folder of photographs and search it by words, pictures, or both."""

import gradio as gr

from clip_app.ui.tab import Page, Room
from clip_app.ui.tabs.gallery.form import build_form
from clip_app.ui.tabs.gallery.handlers import Handlers
from clip_app.ui.tabs.gallery.panel import build_panel
from clip_app.ui.tabs.gallery.search import Shown

KEY = "gallery"


def build(page: Page, tab: Room) -> None:
    """Lay out the tab and connect it; it follows the language by itself, once it was visited."""
    shown, chosen = gr.State(Shown()), gr.State(-1)
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            form = build_form(page)
        with gr.Column(scale=7, min_width=300):
            panel = build_panel()
    Handlers(page, form, panel, shown, chosen).connect(tab)
