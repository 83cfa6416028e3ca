"""The tab 文本匹配: descriptions for an image, a text collection, several images and texts."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ImageError, InputError
from clip_app.match import TextScore, match, match_matrix, read_collection
from clip_app.model_service import ModelSlot
from clip_app.prompts import MAX_COLLECTION_LINES, parse_lines
from clip_app.strings import Language, text
from clip_app.ui.common import (
    download_button,
    i18n,
    open_photo,
    percent,
    photo_input,
    shown_progress,
    shows_errors,
    unread_notice,
    write_export,
)
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.matrix_picture import draw_matrix

# A matrix that can be looked at.
_MAX_MATRIX_IMAGES = 12
_MAX_MATRIX_TEXTS = 24


@dataclass(frozen=True)
class MatchTab:
    """The components that the page's language switch must reach."""

    descriptions: gr.Textbox
    inputs: list[Any]
    outputs: list[Any]
    run: Any


def build_match_tab(slot: ModelSlot, language: gr.Radio) -> MatchTab:
    """Lay out the tab and connect it to `slot`."""
    examples = load_examples()
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = photo_input(
                label=i18n("image"),
                value=str(EXAMPLES_DIRECTORY / examples[0].file) if examples else None,
                sources=["upload", "clipboard", "webcam"],
                height=340,
                elem_id="match-image",
            )
            descriptions = gr.Textbox(
                label=i18n("descriptions"),
                value="",
                placeholder=i18n("descriptions_placeholder"),
                lines=4,
                max_lines=12,
                elem_id="match-descriptions",
            )
            button = gr.Button(i18n("match_button"), variant="primary", elem_id="match-button")
            with gr.Accordion(i18n("collection"), open=False, elem_id="collection"):
                collection = gr.File(
                    label=i18n("collection_file"),
                    file_types=[".txt", ".csv"],
                    elem_id="collection-file",
                )
                top_k = gr.Slider(1, 100, value=10, step=1, label=i18n("top_k"))
                search = gr.Button(i18n("collection_button"), elem_id="collection-button")
        with gr.Column(scale=6, min_width=300):
            best = gr.HTML(elem_id="match-best")
            bars = gr.Label(label=i18n("result"), elem_id="match-bars")
            table = gr.Dataframe(
                label=i18n("all_scores"),
                interactive=False,
                datatype="str",
                wrap=True,
                max_height=320,
                elem_id="match-table",
            )
    gallery = gr.Dataset(
        label=i18n("examples"),
        components=[gr.Image(visible=False)],
        samples=[[str(EXAMPLES_DIRECTORY / one.file)] for one in examples],
        type="index",
        elem_id="match-examples",
    )
    _build_matrix(slot, language)

    inputs, outputs = [image, descriptions, language], [best, bars, table]
    run = shows_errors(_match_one(slot))
    gr.on(
        [button.click, image.change],
        run,
        inputs,
        outputs,
        trigger_mode="always_last",
        show_progress="minimal",
        api_visibility="private",
    )

    def show_example(index: int, language: Language) -> tuple[str, str]:
        return str(EXAMPLES_DIRECTORY / examples[index].file), examples[index].descriptions[
            language
        ]

    gallery.click(
        show_example, [gallery, language], [image, descriptions], api_visibility="private"
    ).then(run, inputs, outputs, api_visibility="private")
    search.click(
        shows_errors(_search_collection(slot)),
        [image, collection, top_k, language],
        outputs,
        api_visibility="private",
    )
    return MatchTab(descriptions, inputs, outputs, run)


def _match_one(slot: ModelSlot) -> Any:
    def match_one(
        image: str | None, descriptions: str, language: Language
    ) -> tuple[str, dict[str, float], dict[str, Any]]:
        service = slot.service
        ranked = match(service, open_photo(image, service), parse_lines(descriptions))
        return _shown(slot, ranked, language)

    return match_one


def _search_collection(slot: ModelSlot) -> Any:
    def search_collection(
        image: str | None,
        collection: str | None,
        top_k: float,
        language: Language,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, dict[str, float], dict[str, Any]]:
        service = slot.service
        if not collection:
            raise InputError("descriptions_missing")
        photo = open_photo(image, service)
        file = Path(collection)
        ranked = match(
            service,
            photo,
            parse_lines(read_collection(file.read_bytes(), file.name), MAX_COLLECTION_LINES),
            top_k=int(top_k),
            progress=shown_progress(progress, "encoding_texts", language),
        )
        return _shown(slot, ranked, language)

    return search_collection


def _shown(
    slot: ModelSlot, ranked: Sequence[TextScore], language: Language
) -> tuple[str, dict[str, float], dict[str, Any]]:
    first = ranked[0]
    best = (
        unread_notice(slot.service, [one.text for one in ranked], language)
        + f'<p class="headline">{html.escape(text("match_best", language, text=first.text))}</p>'
        + '<p class="explained">'
        + html.escape(text("match_confidence", language, score=percent(first.score)))
        + f" · {html.escape(text('scoring_used_softmax', language))}</p>"
    )
    headers = [text(f"column_{key}", language) for key in ("text", "score", "similarity")]
    rows = [[one.text, percent(one.score), f"{one.similarity:.3f}"] for one in ranked]
    return best, {one.text: one.score for one in ranked}, {"headers": headers, "data": rows}


def _build_matrix(slot: ModelSlot, language: gr.Radio) -> None:
    with gr.Accordion(i18n("matrix"), open=False, elem_id="matrix"):
        files = gr.File(
            label=i18n("images"),
            file_count="multiple",
            file_types=["image", ".heic", ".heif", ".avif"],
            elem_id="matrix-files",
        )
        texts = gr.Textbox(label=i18n("descriptions"), lines=4, elem_id="matrix-texts")
        button = gr.Button(i18n("matrix_button"), elem_id="matrix-button")
        picture = gr.HTML(elem_id="matrix-picture")
        download = download_button("download_svg", "matrix-svg")

    def compare(
        files: list[str] | None,
        texts: str,
        language: Language,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, Any]:
        service = slot.service
        if not files:
            raise ImageError("image_missing")
        if len(files) > _MAX_MATRIX_IMAGES:
            raise InputError("images_too_many", number=len(files), limit=_MAX_MATRIX_IMAGES)
        photos = [
            open_photo(path, service)
            for path in progress.tqdm(files, desc=text("batch_progress", language))
        ]
        matrix = match_matrix(service, photos, parse_lines(texts, _MAX_MATRIX_TEXTS))
        svg = draw_matrix(photos, matrix, text("matrix_caption", language))
        shown = f'<div class="matrix">{svg}</div>'
        return (
            unread_notice(service, matrix.texts, language) + shown,
            gr.update(value=write_export("similarities.svg", svg), visible=True),
        )

    button.click(
        shows_errors(compare),
        [files, texts, language],
        [picture, download],
        api_visibility="private",
    )
