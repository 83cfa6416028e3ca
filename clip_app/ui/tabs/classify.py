"""The tab 图像分类: one image and a list of labels, or many images at once."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.prompts import label_sets, shared_scores, shortened
from clip_app.strings import Language, text
from clip_app.tasks.classify import Classification, classify
from clip_app.tasks.fit import CHANCE_LIMIT
from clip_app.ui.common import (
    cut_notice,
    i18n,
    label_set_string,
    notice,
    open_photo,
    percent,
    shown_progress,
    shows_errors,
    unread_notice,
)
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.panels import bars_and_table, examples_panel, photo_panel, result_panel
from clip_app.ui.tabs.batch import build_batch

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
            image = photo_panel("classify", language)
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
            result = result_panel("classify", "classify-verdict")
    gallery = examples_panel("classify")

    inputs = [image, labels, templates, own_templates, scoring, top_k, language]
    outputs = result.outputs
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
    build_batch(slot, labels, templates, own_templates, scoring, language)
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
        shown = ((one.label, one.score, one.similarity) for one in answer.results[: int(top_k)])
        bars, table = bars_and_table("column_label", shown, language)
        return _verdict(service, answer, language), bars, table

    return classify_one


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
