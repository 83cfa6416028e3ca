"""The tab 原理: how CLIP works, with something to try for each question."""

import gradio as gr

from clip_app.ui.tab import Page, Room

KEY = "learn"


def build(_page: Page, _room: Room) -> None:
    """Lay out the tab."""
    gr.HTML(elem_id="learn-questions")
