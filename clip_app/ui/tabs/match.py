"""The tab 文本匹配: descriptions for an image, a text collection, several images and texts."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ImageError, InputError
from clip_app.model.slot import ModelSlot
from clip_app.prompts import parse_lines
from clip_app.strings import Language, text
from clip_app.tasks.match import Matching, judge, match_matrix, read_collection
from clip_app.ui.downloads import download_button, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.html import cut_notice, notice, percent, unread_notice
from clip_app.ui.i18n import i18n
from clip_app.ui.panels import bars_and_table, examples_panel, photo_panel, result_panel
from clip_app.ui.photo import open_photo
from clip_app.ui.progress import shown_progress
from clip_app.ui.tabs.matrix_picture import draw_matrix

# A matrix that can be looked at.
_MAX_MATRIX_IMAGES = 12
_MAX_MATRIX_TEXTS = 24


@dataclass(frozen=True)
class MatchTab:
    """The components that the page's language switch must reach.

    `run` brings the result up to date with the language where the tab has been opened already.
    """

    descriptions: gr.Textbox
    inputs: list[Any]
    outputs: list[Any]
    run: Any


def build_match_tab(slot: ModelSlot, language: gr.Radio, tab: gr.Tab) -> MatchTab:
    """Lay out the tab and connect it to `slot`; nothing is matched before `tab` is opened."""
    examples = load_examples()
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = photo_panel("match", language)
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
                    file_types=[".txt", ".csv", ".tsv", ".json", ".jsonl"],
                    elem_id="collection-file",
                )
                pasted = gr.Textbox(
                    label=i18n("collection_pasted"),
                    lines=3,
                    max_lines=6,
                    elem_id="collection-pasted",
                )
                top_k = gr.Slider(1, 100, value=10, step=1, label=i18n("top_k"))
                search = gr.Button(i18n("collection_button"), elem_id="collection-button")
        with gr.Column(scale=6, min_width=300):
            result = result_panel("match", "match-best")
    gallery = examples_panel("match")
    _build_matrix(slot, language)

    inputs, outputs = [image, descriptions, language], result.outputs
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
        [image, collection, pasted, top_k, language],
        outputs,
        api_visibility="private",
    )
    # Empty until the tab is opened, then the language of the first result that it shows.
    shown_in = gr.State("")

    def opened(*values: Any) -> tuple[Any, ...]:
        *asked, shown = values
        _, words, language = asked
        if shown == language:  # what is there now may be the result of a search
            return (*[gr.skip()] * len(outputs), shown)
        if not words:  # the page has not filled in the example yet; `follow` comes after that
            return (*[gr.skip()] * len(outputs), "opened")
        return (*run(*asked), language)

    def follow(*values: Any) -> tuple[Any, ...]:
        *asked, shown = values
        if not shown:
            return (*[gr.skip()] * len(outputs), shown)
        return (*run(*asked), asked[-1])

    inputs, outputs = [*inputs, shown_in], [*outputs, shown_in]
    tab.select(opened, inputs, outputs, show_progress="minimal", api_visibility="private")
    return MatchTab(descriptions, inputs, outputs, follow)


def _match_one(slot: ModelSlot) -> Any:
    def match_one(
        image: str | None, descriptions: str, language: Language
    ) -> tuple[str, dict[str, float], dict[str, Any]]:
        service = slot.service
        answer = judge(service, open_photo(image, service), descriptions)
        return _shown(slot, answer, language)

    return match_one


def _search_collection(slot: ModelSlot) -> Any:
    def search_collection(
        image: str | None,
        collection: str | None,
        pasted: str,
        top_k: float,
        language: Language,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, dict[str, float], dict[str, Any]]:
        service = slot.service
        photo = open_photo(image, service)
        if collection:
            file = Path(collection)
            pasted = read_collection(file.read_bytes(), file.name)
        answer = judge(
            service,
            photo,
            pasted,
            top_k=int(top_k),
            progress=shown_progress(progress, "encoding_texts", language),
        )
        return _shown(slot, answer, language)

    return search_collection


def _shown(
    slot: ModelSlot, answer: Matching, language: Language
) -> tuple[str, dict[str, float], dict[str, Any]]:
    first = answer.results[0]
    texts = [one.text for one in answer.results]
    if answer.none_fits:
        headline = notice(text("match_none", language))
    else:
        sentence = text("match_best", language, text=first.text)
        headline = f'<p class="headline">{html.escape(sentence)}</p>'
    best = (
        unread_notice(slot.service, texts, language)
        + cut_notice(slot.service.cut_texts(texts), language)
        + headline
        + '<p class="explained">'
        + html.escape(text("match_confidence", language, score=percent(first.score)))
        + f" · {html.escape(text('scoring_used_softmax', language))}</p>"
    )
    shown = ((one.text, one.score, one.similarity) for one in answer.results)
    return (best, *bars_and_table("column_text", shown, language))


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
            unread_notice(service, matrix.texts, language)
            + cut_notice(service.cut_texts(matrix.texts), language)
            + shown,
            gr.update(value=write_export("similarities.svg", svg), visible=True),
        )

    button.click(
        shows_errors(compare),
        [files, texts, language],
        [picture, download],
        api_visibility="private",
    )
