"""The gallery tab's results: a verdict, thumbnails by the page, and the one that was chosen."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.ui.downloads import download_button
from clip_app.ui.i18n import i18n


@dataclass(frozen=True)
class Detail:
    """The result that was chosen."""

    group: gr.Group
    picture: gr.Image
    about: gr.HTML
    more: gr.Button
    less: gr.Button
    download: gr.DownloadButton
    close: gr.Button


@dataclass(frozen=True)
class Panel:
    """The right side of the tab; `literally` takes what was typed word for word."""

    verdict: gr.HTML
    literally: gr.Button
    detail: Detail
    results: gr.Gallery
    pager: gr.Row
    previous: gr.Button
    number: gr.HTML
    following: gr.Button
    clear: gr.Button
    as_csv: gr.DownloadButton
    as_json: gr.DownloadButton

    @property
    def outputs(self) -> list[Any]:
        """What changes with each page of results."""
        return [
            self.verdict,
            self.literally,
            self.results,
            self.pager,
            self.number,
            self.clear,
            self.detail.group,
        ]

    @property
    def downloads(self) -> list[Any]:
        """What changes with each search."""
        return [self.as_csv, self.as_json]


def build_panel() -> Panel:
    """Lay out the right side of the tab."""
    verdict = gr.HTML(elem_id="gallery-verdict")
    literally = gr.Button(
        i18n("gallery_literally"), size="sm", visible=False, elem_id="gallery-literally"
    )
    detail = _build_detail()
    results = gr.Gallery(
        label=i18n("gallery_results"),
        show_label=False,
        columns=4,
        height="auto",
        allow_preview=False,
        interactive=False,
        object_fit="contain",
        fit_columns=False,
        buttons=[],
        elem_id="gallery-results",
    )
    with gr.Row(visible=False, elem_id="gallery-pages") as pager:
        previous = gr.Button(i18n("gallery_previous"), min_width=80)
        number = gr.HTML(elem_id="gallery-page")
        following = gr.Button(i18n("gallery_next"), elem_id="gallery-next-page", min_width=80)
    with gr.Row():
        clear = gr.Button(i18n("gallery_clear"), visible=False, elem_id="gallery-clear")
        as_csv = download_button("download_csv", "gallery-csv")
        as_json = download_button("download_json", "gallery-json")
    return Panel(
        verdict,
        literally,
        detail,
        results,
        pager,
        previous,
        number,
        following,
        clear,
        as_csv,
        as_json,
    )


def _build_detail() -> Detail:
    with gr.Group(visible=False, elem_id="gallery-detail") as group:
        picture = gr.Image(show_label=False, type="filepath", height=420, elem_id="gallery-picture")
        about = gr.HTML(elem_id="gallery-facts")
        with gr.Row():
            more = gr.Button(i18n("gallery_more"), elem_id="gallery-more", min_width=100)
            less = gr.Button(i18n("gallery_less"), elem_id="gallery-less", min_width=100)
            download = download_button("gallery_download", "gallery-download")
            close = gr.Button(i18n("gallery_close"), elem_id="gallery-close", min_width=80)
    return Detail(group, picture, about, more, less, download, close)
