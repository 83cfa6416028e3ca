"""The tab 文本匹配: descriptions for an image, a text collection, several images and texts."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.model.service import ModelService
from clip_app.photos import open_picture
from clip_app.strings import Language, text
from clip_app.tasks.match import Matching, judge, read_collection
from clip_app.ui.advice import english_advice
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, in_language, load_examples
from clip_app.ui.html import cut_notice, notice, percent, unread_notice
from clip_app.ui.i18n import i18n
from clip_app.ui.panels import ResultPanel, examples_panel, result_panel
from clip_app.ui.progress import shown_progress
from clip_app.ui.tab import Follows, Page, Room, Step, Values
from clip_app.ui.tabs.match.matrix import build_matrix

KEY = "match"

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it; nothing is matched before the tab is opened."""
    first = load_examples()[0]
    form = _build_form()
    panel = result_panel(KEY, "match-best")
    with room.below:
        gallery = examples_panel(KEY)
        build_matrix(page)
    # Empty until the tab is opened, then the language of the first result that it shows.
    shown_in = gr.State("")
    asking = _Asking(page, form, panel, gallery, shown_in)
    asking.connect(room)

    def words(given: Values) -> Values:
        typed = given[form.descriptions]
        return {form.descriptions: in_language(typed, first.descriptions, given[page.language])}

    return Follows(
        Step(words, {form.descriptions, page.language}, [form.descriptions]),
        Step(asking.follow, {*asking.inputs, shown_in}, [*asking.outputs, shown_in]),
    )


@dataclass(frozen=True)
class _Form:
    """What is asked: descriptions of one's own, or a collection of them."""

    descriptions: gr.Textbox
    button: gr.Button
    collection: gr.File
    pasted: gr.Textbox
    top_k: gr.Slider
    search: gr.Button


def _build_form() -> _Form:
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
    return _Form(descriptions, button, collection, pasted, top_k, search)


@dataclass(frozen=True)
class _Asking:
    """The tab's handlers."""

    page: Page
    form: _Form
    panel: ResultPanel
    gallery: gr.Dataset
    shown_in: gr.State

    @property
    def inputs(self) -> set[Any]:
        """What descriptions are matched by."""
        return {self.page.photo, self.form.descriptions, self.page.language, self.page.advised}

    @property
    def outputs(self) -> list[Any]:
        """What their answer fills."""
        return [*self.panel.outputs, self.page.advised]

    def connect(self, room: Room) -> None:
        form, language, outputs = self.form, self.page.language, self.outputs
        match_one = shows_errors(self.match_one, language)
        form.button.click(
            match_one,
            self.inputs,
            outputs,
            trigger_mode="always_last",
            show_progress="minimal",
            **_PRIVATE,
        )
        self.page.photo.change(
            shows_errors(self.follow, language),
            {*self.inputs, self.shown_in},
            [*outputs, self.shown_in],
            trigger_mode="always_last",
            show_progress="minimal",
            **_PRIVATE,
        )
        self.gallery.click(
            self.show_example,
            {self.gallery, language},
            [self.page.photo, form.descriptions],
            **_PRIVATE,
        ).then(match_one, self.inputs, outputs, **_PRIVATE)
        form.search.click(
            shows_errors(self.search_collection, language),
            {self.page.photo, form.collection, form.pasted, form.top_k, language},
            outputs,
            **_PRIVATE,
        )
        room.select(
            shows_errors(self.opened, language),
            {*self.inputs, self.shown_in},
            [*outputs, self.shown_in],
            show_progress="minimal",
            **_PRIVATE,
        )

    def match_one(self, given: Values) -> Values:
        service = self.page.slot.service
        photo = open_picture(given[self.page.photo], service)
        typed = given[self.form.descriptions]
        answer = judge(service, photo, typed)
        texts = [one.text for one in answer.results]
        advice, advised = english_advice(self.page, service, typed, texts, given)
        return self._shown(service, answer, given[self.page.language], advice) | advised

    def search_collection(self, given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        form, service, language = self.form, self.page.slot.service, given[self.page.language]
        photo = open_picture(given[self.page.photo], service)
        texts = given[form.pasted]
        if given[form.collection]:
            file = Path(given[form.collection])
            texts = read_collection(file.read_bytes(), file.name)
        answer = judge(
            service,
            photo,
            texts,
            top_k=int(given[form.top_k]),
            progress=shown_progress(progress, "encoding_texts", language),
        )
        return self._shown(service, answer, language)

    def show_example(self, given: Values) -> Values:
        chosen = load_examples()[given[self.gallery]]
        return {
            self.page.photo: str(EXAMPLES_DIRECTORY / chosen.file),
            self.form.descriptions: chosen.descriptions[given[self.page.language]],
        }

    def opened(self, given: Values) -> Values:
        """Match the example when the tab is opened for the first time."""
        language = given[self.page.language]
        if given[self.shown_in] == language:  # what is there may be the result of a search
            return gr.skip()
        if not given[self.form.descriptions]:
            # The page has not filled in the example yet; `follow` comes after that.
            return {self.shown_in: "opened"}
        return {**self.match_one(given), self.shown_in: language}

    def follow(self, given: Values) -> Values:
        """Bring the result up to date with language and photo, where the tab was opened."""
        if not given[self.shown_in]:
            return gr.skip()
        return {**self.match_one(given), self.shown_in: given[self.page.language]}

    def _shown(
        self, service: ModelService, answer: Matching, language: Language, advice: str = ""
    ) -> Values:
        first = answer.results[0]
        texts = [one.text for one in answer.results]
        # The best of a large collection is worth seeing even where it does not fit well.
        verdict = notice(text("match_none", language)) if answer.none_fits else ""
        sentence = html.escape(text("match_best", language, text=first.text))
        best = (
            unread_notice(service, texts, language)
            + cut_notice(service.cut_texts(texts), language)
            + f'{verdict}<p class="headline">{sentence}</p><p class="explained">'
            + html.escape(text("match_confidence", language, score=percent(first.score)))
            + f" · {html.escape(text('scoring_used_softmax', language))}</p>{advice}"
        )
        shown = ((one.text, one.score, one.similarity) for one in answer.results)
        return self.panel.filled(best, "column_text", shown, language)
