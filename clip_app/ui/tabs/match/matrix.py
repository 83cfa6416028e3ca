"""Several images against several texts: the lower part of the tab 文本匹配."""

import gradio as gr

from clip_app.errors import ImageError, InputError
from clip_app.photos import open_picture
from clip_app.prompts import parse_lines
from clip_app.strings import text
from clip_app.tasks.match import match_matrix
from clip_app.ui.downloads import download_button, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.files import IMAGE_TYPES
from clip_app.ui.html import cut_notice, unread_notice
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Page, Values
from clip_app.ui.tabs.match.matrix_picture import draw_matrix

# A matrix that can be looked at.
_MAX_IMAGES = 12
_MAX_TEXTS = 24


def build_matrix(page: Page) -> None:
    """Lay it out and connect it."""
    with gr.Accordion(i18n("matrix"), open=False, elem_id="matrix"):
        files = gr.File(
            label=i18n("images"),
            file_count="multiple",
            file_types=IMAGE_TYPES,
            elem_id="matrix-files",
        )
        texts = gr.Textbox(label=i18n("descriptions"), lines=4, elem_id="matrix-texts")
        button = gr.Button(i18n("matrix_button"), elem_id="matrix-button")
        picture = gr.HTML(elem_id="matrix-picture")
        download = download_button("download_svg", "matrix-svg")

    def compare(given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        service, language = page.slot.service, given[page.language]
        paths: list[str] = given[files] or []
        if not paths:
            raise ImageError("image_missing")
        if len(paths) > _MAX_IMAGES:
            raise InputError("images_too_many", number=len(paths), limit=_MAX_IMAGES)
        photos = [
            open_picture(path, service)
            for path in progress.tqdm(paths, desc=text("batch_progress", language))
        ]
        matrix = match_matrix(service, photos, parse_lines(given[texts], _MAX_TEXTS))
        svg = draw_matrix(photos, matrix, text("matrix_caption", language))
        notices = unread_notice(service, matrix.texts, language) + cut_notice(
            service.cut_texts(matrix.texts), language
        )
        return {
            picture: f'{notices}<div class="matrix">{svg}</div>',
            download: gr.update(value=write_export("similarities.svg", svg), visible=True),
        }

    button.click(
        shows_errors(compare, page.language),
        {files, texts, page.language},
        [picture, download],
        api_visibility="private",
    )
