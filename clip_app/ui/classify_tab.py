"""The tab 图像分类: one image and a list of labels, or many images at once."""

import base64
import csv
import html
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from clip_app.answers import classification_answer
from clip_app.background import CHANCE_LIMIT
from clip_app.classify import Classification, classify
from clip_app.errors import ClipAppError, ImageError
from clip_app.images import thumbnail
from clip_app.model_service import ModelService, ModelSlot
from clip_app.prompts import label_sets, parse_labels
from clip_app.strings import Language, text
from clip_app.ui.common import (
    download_button,
    i18n,
    label_set_string,
    no_formula,
    notice,
    open_photo,
    percent,
    photo_input,
    shown_progress,
    shows_errors,
    unread_notice,
    write_export,
)
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples

_TEMPLATE_CHOICES = ("auto", "none", "single", "clip7", "clip80", "chinese", "own")


@dataclass(frozen=True)
class ClassifyTab:
    """The components that the page's language switch must reach."""

    labels: gr.Textbox
    inputs: list[Any]
    outputs: list[Any]
    run: Any


def build_classify_tab(slot: ModelSlot, language: gr.Radio) -> ClassifyTab:
    """Lay out the tab and connect it to `slot`."""
    examples = load_examples()
    with gr.Row():
        with gr.Column(scale=5, min_width=300):
            image = photo_input(
                label=i18n("image"),
                value=str(EXAMPLES_DIRECTORY / examples[0].file) if examples else None,
                sources=["upload", "clipboard", "webcam"],
                height=340,
                elem_id="classify-image",
            )
            labels = gr.Textbox(
                label=i18n("labels"),
                info=i18n("labels_info"),
                value="",
                placeholder=i18n("labels_placeholder"),
                lines=2,
                max_lines=8,
                elem_id="classify-labels",
            )
            label_set = gr.Dropdown(
                [(i18n(label_set_string(key)), key) for key in label_sets()],
                value=None,
                label=i18n("label_set"),
                info=i18n("label_set_info"),
                elem_id="label-set",
            )
            with gr.Accordion(i18n("options"), open=False):
                templates = gr.Dropdown(
                    [(i18n(f"templates_{choice}"), choice) for choice in _TEMPLATE_CHOICES],
                    value="auto",
                    label=i18n("templates"),
                    info=i18n("templates_info"),
                    elem_id="templates",
                )
                own_templates = gr.Textbox(
                    "a photo of a {}",
                    label=i18n("own_templates"),
                    visible=False,
                    lines=2,
                    elem_id="own-templates",
                )
                scoring = gr.Radio(
                    [
                        (i18n("scoring_softmax"), "softmax"),
                        (i18n("scoring_independent"), "independent"),
                    ],
                    value="softmax",
                    label=i18n("scoring"),
                    elem_id="scoring",
                )
                top_k = gr.Slider(1, 100, value=5, step=1, label=i18n("top_k"), elem_id="top-k")
            button = gr.Button(
                i18n("classify_button"), variant="primary", elem_id="classify-button"
            )
        with gr.Column(scale=6, min_width=300):
            verdict = gr.HTML(elem_id="classify-verdict")
            bars = gr.Label(label=i18n("result"), elem_id="classify-bars")
            table = gr.Dataframe(
                label=i18n("all_scores"),
                interactive=False,
                datatype="str",
                wrap=True,
                max_height=320,
                elem_id="classify-table",
            )
    gallery = gr.Dataset(
        label=i18n("examples"),
        components=[gr.Image(visible=False)],
        samples=[[str(EXAMPLES_DIRECTORY / one.file)] for one in examples],
        type="index",
        elem_id="classify-examples",
    )

    inputs = [image, labels, templates, own_templates, scoring, top_k, language]
    outputs = [verdict, bars, table]
    run = shows_errors(_classify_one(slot))
    gr.on(
        [button.click, labels.submit, image.change, templates.input, scoring.input, top_k.release],
        run,
        inputs,
        outputs,
        trigger_mode="always_last",
        show_progress="minimal",
        api_visibility="private",
    )
    own_templates.submit(run, inputs, outputs, api_visibility="private")
    templates.change(
        lambda choice: gr.update(visible=choice == "own"),
        templates,
        own_templates,
        api_visibility="private",
        show_progress="hidden",
    )

    def fill_labels(key: str | None, language: Language) -> str:
        return _joined(label_sets()[key].labels[language], language) if key else ""

    label_set.input(
        fill_labels,
        [label_set, language],
        labels,
        api_visibility="private",
    ).then(run, inputs, outputs, api_visibility="private")

    def show_example(index: int, language: Language) -> tuple[str, str]:
        return str(EXAMPLES_DIRECTORY / examples[index].file), examples[index].labels[language]

    gallery.click(
        show_example, [gallery, language], [image, labels], api_visibility="private"
    ).then(run, inputs, outputs, api_visibility="private")
    _build_batch(slot, labels, templates, own_templates, scoring, language)
    return ClassifyTab(labels, inputs, outputs, run)


def _classify_one(slot: ModelSlot) -> Any:
    def classify_one(
        image: str | None,
        labels: str,
        templates: str,
        own_templates: str,
        scoring: str,
        top_k: float,
        language: Language,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, dict[str, float], dict[str, Any]]:
        service = slot.service
        answer = classify(
            service,
            [open_photo(image, service)],
            labels,
            own_templates if templates == "own" else templates,
            independent=scoring == "independent",
            progress=shown_progress(progress, "encoding_texts", language),
        )[0]
        shown = answer.results[: int(top_k)]
        return (
            _verdict(service, answer, language),
            {one.label: one.score for one in shown},
            {
                "headers": [
                    text(key, language)
                    for key in ("column_label", "column_score", "column_similarity")
                ],
                "data": [[one.label, percent(one.score), f"{one.similarity:.3f}"] for one in shown],
            },
        )

    return classify_one


def _verdict(service: ModelService, answer: Classification, language: Language) -> str:
    best = answer.results[0]
    if answer.none_fits:
        headline = notice(text("verdict_none", language))
    else:
        sentence = text(
            "verdict_best", language, label=_shortened(best.label), score=percent(best.score)
        )
        headline = f'<p class="headline">{html.escape(sentence)}</p>'
    used = "softmax"
    if answer.independent:
        used = "background" if service.logit_bias is None else "sigmoid"
    sentences = [text(f"scoring_used_{used}", language)]
    if not math.isnan(answer.chance):
        chance, limit = percent(answer.chance), percent(CHANCE_LIMIT)
        sentences.insert(0, text("verdict_explained", language, chance=chance, limit=limit))
    explained = " ".join(sentences)
    labels = [one.label for one in answer.results]
    return (
        unread_notice(service, labels, language)
        + headline
        + f'<p class="explained">{html.escape(explained)}</p>'
    )


def _build_batch(
    slot: ModelSlot,
    labels: gr.Textbox,
    templates: gr.Dropdown,
    own_templates: gr.Textbox,
    scoring: gr.Radio,
    language: gr.Radio,
) -> None:
    with gr.Accordion(i18n("batch"), open=False, elem_id="batch"):
        files = gr.File(
            label=i18n("batch_files"),
            file_count="multiple",
            file_types=["image", ".heic", ".heif", ".avif"],
            elem_id="batch-files",
        )
        button = gr.Button(i18n("batch_button"), elem_id="batch-button")
        left_out = gr.HTML()
        table = gr.HTML(elem_id="batch-table")
        with gr.Row():
            as_csv = download_button("download_csv", "batch-csv")
            as_json = download_button("download_json", "batch-json")

    def classify_many(
        files: list[str] | None,
        labels: str,
        templates: str,
        own_templates: str,
        scoring: str,
        language: Language,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, str, Any, Any]:
        service = slot.service
        if not files:
            raise ImageError("image_missing")
        names = parse_labels(labels)
        chosen = own_templates if templates == "own" else templates
        rows: list[tuple[str, Image.Image, Classification]] = []
        broken: list[str] = []
        for path in progress.tqdm(files, desc=text("batch_progress", language)):
            try:
                photo = open_photo(path, service)
            except ImageError as error:
                broken.append(error.message(language))
                continue
            answer = classify(
                service, [photo], names, chosen, independent=scoring == "independent"
            )[0]
            rows.append((Path(path).name, thumbnail(photo, 96), answer))
        if not rows:
            raise ClipAppError("broken_files", reasons=" ".join(broken))
        answers = [classification_answer(name, service, answer) for name, _, answer in rows]
        return (
            notice(text("broken_files", language, reasons=" ".join(broken))) if broken else "",
            _batch_table(rows, language),
            gr.update(value=write_export("classification.csv", _as_csv(rows)), visible=True),
            gr.update(
                value=write_export(
                    "classification.json", json.dumps(answers, ensure_ascii=False, indent=1)
                ),
                visible=True,
            ),
        )

    button.click(
        shows_errors(classify_many),
        [files, labels, templates, own_templates, scoring, language],
        [left_out, table, as_csv, as_json],
        api_visibility="private",
    )


def _batch_table(
    rows: Sequence[tuple[str, Image.Image, Classification]], language: Language
) -> str:
    keys = ("column_image", "column_file", "column_label", "column_score", "column_similarity")
    head = "".join(f"<th>{html.escape(text(key, language))}</th>" for key in keys)
    body = []
    for name, picture, answer in rows:
        best = answer.results[0]
        label = text("fits_not", language) if answer.none_fits else _shortened(best.label)
        cells = (name, label, percent(best.score), f"{best.similarity:.3f}")
        body.append(
            f'<tr><td><img src="{picture_url(picture)}" alt=""></td>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    return (
        f'<table class="batch"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def picture_url(picture: Image.Image) -> str:
    """A small picture as a `data:` address."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _as_csv(rows: Sequence[tuple[str, Image.Image, Classification]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("image", "label", "score", "similarity", "none_fits"))
    for name, _, answer in rows:
        for one in answer.results:
            writer.writerow(
                (
                    no_formula(name),
                    no_formula(one.label),
                    f"{one.score:.6f}",
                    f"{one.similarity:.6f}",
                    answer.none_fits,
                )
            )
    return buffer.getvalue()


def _joined(labels: Sequence[str], language: Language) -> str:
    return ("，" if language == "zh" else ", ").join(labels)


def _shortened(label: str, length: int = 80) -> str:
    return label if len(label) <= length else f"{label[: length - 1]}…"
