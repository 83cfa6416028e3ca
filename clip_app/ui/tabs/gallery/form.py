"""The gallery tab's search form."""

from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from clip_app.gallery.search import MAX_TOP_K
from clip_app.images import FORMATS
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Page, Values
from clip_app.ui.tabs.gallery.index import IndexPart, build_index_part
from clip_app.ui.tabs.gallery.search import Asked


@dataclass(frozen=True)
class Form:
    """The fields of the form, called as in `Asked`, its button, and the part above it."""

    folder: gr.Dropdown
    query: gr.Textbox
    exclude: gr.Textbox
    images: gr.Gallery
    image_weight: gr.Slider
    top_k: gr.Slider
    show_all: gr.Checkbox
    below: gr.Dropdown
    types: gr.Dropdown
    taken_from: gr.DateTime
    taken_until: gr.DateTime
    button: gr.Button
    index: IndexPart

    @property
    def inputs(self) -> set[Any]:
        """The fields."""
        return {getattr(self, one.name) for one in fields(Asked)}

    def asked(self, given: Values) -> Asked:
        """What the fields say."""
        return Asked(**{one.name: given[getattr(self, one.name)] for one in fields(Asked)})


def build_form(page: Page) -> Form:
    """Lay out the left side of the tab: the gallery, and what to look for in it."""
    below = gr.Dropdown(
        [],
        label=i18n("gallery_below"),
        allow_custom_value=True,
        render=False,
        elem_id="gallery-below",
    )
    index = build_index_part(page, below)
    query = gr.Textbox(
        label=i18n("gallery_query"),
        info=i18n("gallery_query_info"),
        placeholder=i18n("gallery_query_placeholder"),
        elem_id="gallery-query",
    )
    images = gr.Gallery(
        label=i18n("gallery_images"),
        interactive=True,
        sources=["upload", "clipboard"],
        columns=4,
        fit_columns=False,
        height=170,
        object_fit="contain",
        elem_id="gallery-images",
    )
    with gr.Accordion(i18n("gallery_filters"), open=False, elem_id="gallery-filters"):
        exclude = gr.Textbox(
            label=i18n("gallery_exclude"),
            placeholder=i18n("gallery_exclude_placeholder"),
            elem_id="gallery-exclude",
        )
        image_weight = gr.Slider(0.1, 3, value=1, step=0.1, label=i18n("gallery_image_weight"))
        top_k = gr.Slider(
            1, MAX_TOP_K, value=48, step=1, label=i18n("gallery_top_k"), elem_id="gallery-top-k"
        )
        below.render()
        types = gr.Dropdown(list(FORMATS), multiselect=True, label=i18n("gallery_types"))
        with gr.Row():
            taken_from, taken_until = (
                gr.DateTime(include_time=False, label=i18n(key), info=i18n("gallery_date_info"))
                for key in ("gallery_from", "gallery_until")
            )
    show_all = gr.Checkbox(False, label=i18n("gallery_show_all"), elem_id="gallery-all")
    button = gr.Button(i18n("gallery_search"), variant="primary", elem_id="gallery-search")
    return Form(
        index.folder,
        query,
        exclude,
        images,
        image_weight,
        top_k,
        show_all,
        below,
        types,
        taken_from,
        taken_until,
        button,
        index,
    )
