"""The tab 图像分类: one photograph and words for it, answered as one types, or many at once."""

import html
import math

import gradio as gr

from clip_app.model.service import ModelService
from clip_app.prompts import shared_scores, shortened
from clip_app.strings import Language, text
from clip_app.tasks.classify import Classification, classify
from clip_app.tasks.fit import CHANCE_LIMIT
from clip_app.ui.advice import english_advice
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import load_examples
from clip_app.ui.html import cut_notice, notice, percent, unread_notice
from clip_app.ui.label_chips import label_chips
from clip_app.ui.panels import result_panel
from clip_app.ui.photo_column import opened
from clip_app.ui.progress import shown_progress
from clip_app.ui.tab import Follows, Page, Room, Step, Values
from clip_app.ui.tabs.classify.batch import build_batch
from clip_app.ui.tabs.classify.options import build_options

KEY = "classify"


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it."""
    language, first = page.language, load_examples()[0]
    labels = label_chips(page.slot, "classify-labels")
    panel = result_panel(KEY, "classify-verdict")
    options = build_options(labels)

    def classify_one(given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        service, language = page.slot.service, given[page.language]
        if not given[page.photo] or not given[labels].strip():
            return panel.filled("", "column_label", (), language)
        answer = classify(
            service,
            [opened(given[page.photo], service)],
            given[labels],
            options.templates_of(given),
            independent=options.independent(given),
            progress=shown_progress(progress, "encoding_texts", language),
        )[0]
        shown = ((one.label, one.score, one.similarity) for one in answer.results[:20])
        texts = [one.label for one in answer.results]
        advice, advised = english_advice(page, service, given[labels], texts, given)
        sentence = _verdict(service, answer, language) + advice
        return panel.filled(sentence, "column_label", shown, language) | advised

    def words(given: Values) -> Values:
        """The example's words, where the browser's script has not put them there yet."""
        typed = given[labels].strip()
        return {labels: gr.skip() if typed else first.labels[given[language]]}

    result = Step(
        classify_one,
        {page.photo, language, page.advised} | options.inputs,
        [*panel.outputs, page.advised],
    )
    gr.on(
        options.changed,
        shows_errors(classify_one, language),
        result.inputs,
        result.outputs,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )
    with room.below:
        build_batch(page, options)
    return Follows(Step(words, {labels, language}, [labels]), result)


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
