"""The tab 图像分类: one image and a list of labels, or many images at once."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.model.service import ModelService
from clip_app.photos import open_picture
from clip_app.prompts import label_sets, shared_scores, shortened
from clip_app.strings import Language, text
from clip_app.tasks.classify import Classification, classify
from clip_app.tasks.fit import CHANCE_LIMIT
from clip_app.ui.advice import english_advice
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, in_language, load_examples
from clip_app.ui.html import cut_notice, notice, percent, unread_notice
from clip_app.ui.i18n import i18n, label_set_string
from clip_app.ui.panels import examples_panel, result_panel
from clip_app.ui.progress import shown_progress
from clip_app.ui.tab import Follows, Page, Room, Step, Values
from clip_app.ui.tabs.classify.batch import build_batch
from clip_app.ui.tabs.classify.options import Options, build_options

KEY = "classify"


@dataclass(frozen=True)
class _Form:
    """What is asked for one image."""

    label_set: gr.Dropdown
    options: Options
    top_k: gr.Slider
    button: gr.Button


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it."""
    language, examples = page.language, load_examples()
    form = _build_form()
    panel = result_panel(KEY, "classify-verdict")
    with room.below:
        gallery = examples_panel(KEY)
    image, labels, options = page.photo, form.options.labels, form.options

    def classify_one(given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        service, language = page.slot.service, given[page.language]
        answer = classify(
            service,
            [open_picture(given[image], service)],
            given[labels],
            options.templates_of(given),
            independent=options.independent(given),
            progress=shown_progress(progress, "encoding_texts", language),
        )[0]
        results = answer.results[: int(given[form.top_k])]
        shown = ((one.label, one.score, one.similarity) for one in results)
        texts = [one.label for one in answer.results]
        advice, advised = english_advice(page, service, given[labels], texts, given)
        sentence = _verdict(service, answer, language) + advice
        return panel.filled(sentence, "column_label", shown, language) | advised

    def fill_labels(given: Values) -> Values:
        key, language = given[form.label_set], given[page.language]
        return {labels: _joined(label_sets()[key].labels[language], language) if key else ""}

    def show_example(given: Values) -> Values:
        chosen = examples[given[gallery]]
        return {
            image: str(EXAMPLES_DIRECTORY / chosen.file),
            labels: chosen.labels[given[language]],
        }

    def words(given: Values) -> Values:
        return {labels: in_language(given[labels], examples[0].labels, given[language])}

    result = Step(
        classify_one,
        {image, form.top_k, language, page.advised} | options.inputs,
        [*panel.outputs, page.advised],
    )
    asked: dict[str, Any] = {
        "fn": shows_errors(classify_one, language),
        "inputs": result.inputs,
        "outputs": result.outputs,
        "api_visibility": "private",
    }
    gr.on(
        [
            form.button.click,
            labels.submit,
            image.change,
            options.templates.input,
            options.scoring.input,
            form.top_k.release,
        ],
        **asked,
        trigger_mode="always_last",
        show_progress="minimal",
    )
    options.own_templates.submit(**asked)
    form.label_set.input(
        fill_labels, {form.label_set, language}, labels, api_visibility="private"
    ).then(**asked)
    gallery.click(
        show_example, {gallery, language}, [image, labels], api_visibility="private"
    ).then(**asked)
    with room.below:
        build_batch(page, options)
    return Follows(Step(words, {labels, language}, [labels]), result)


def _build_form() -> _Form:
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
        options = build_options(labels)
        top_k = gr.Slider(1, 100, value=5, step=1, label=i18n("top_k"), elem_id="top-k")
    button = gr.Button(i18n("classify_button"), variant="primary", elem_id="classify-button")
    return _Form(label_set, options, top_k, button)


def _verdict(service: ModelService, answer: Classification, language: Language) -> str:
    best = answer.results[0]
    if answer.none_fits:
        headline = notice(text("verdict_none", language))
    else:
        sentence = text(
            "verdict_best", language, label=shortened(best.label), score=percent(best.score)
        )
        headline = f'<p class="headline">{html.escape(sentence)}</p>'
    used = "softmax"
    if answer.independent:
        used = "background" if service.logit_bias is None else "sigmoid"
    sentences = [text(f"scoring_used_{used}", language)]
    if not math.isnan(answer.chance):
        chance, limit = percent(answer.chance), percent(CHANCE_LIMIT)
        sentences.insert(0, text("verdict_explained", language, chance=chance, limit=limit))
    labels = [one.label for one in answer.results]
    if not answer.independent and (shared := shared_scores(labels, language)):
        sentences.append(shared)
    explained = " ".join(sentences)
    return (
        unread_notice(service, labels, language)
        + cut_notice(answer.cut, language)
        + headline
        + f'<p class="explained">{html.escape(explained)}</p>'
    )


def _joined(labels: Sequence[str], language: Language) -> str:
    return ("，" if language == "zh" else ", ").join(labels)
