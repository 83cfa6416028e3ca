"""The best of many texts for the photograph: a file of them, or a pasted list."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.prompts import parse_lines
from clip_app.strings import text
from clip_app.tasks.match import judge, read_collection
from clip_app.ui.i18n import i18n
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, followed
from clip_app.ui.tab import Page, Values

# How many of the texts are answered with.
_BEST = 100

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass
class _Halt:
    """Whether a visitor has asked for an end of the run."""

    asked: bool = False


@dataclass(frozen=True)
class _Library:
    page: Page
    file: gr.File
    pasted: gr.Textbox
    halt: gr.State
    card: ResultCard

    def search(self, given: Values) -> Iterator[Values]:
        """The texts that fit best, and how far the reading of them is until then."""
        if not given[self.page.photo]:
            yield self.card.waiting(given, "card_no_photo")
            return
        texts = self._texts(given)
        if not texts:
            yield self.card.waiting(given, "collection_missing")
            return
        service, halt = self.page.slot.service, given[self.halt]
        photo = opened(given[self.page.photo], service)
        halt.asked = False
        try:
            answer = yield from followed(
                lambda told: judge(service, photo, texts, top_k=_BEST, progress=told),
                lambda: halt.asked,
                lambda done, total: self._progress(given, done, total),
            )
            yield self.card.texts_ranked(given, service, answer, texts)
        except StoppedError:
            yield self.card.waiting(given, "collection_stopped")

    def _texts(self, given: Values) -> list[str]:
        if given[self.file]:
            file = Path(given[self.file])
            return parse_lines(read_collection(file.read_bytes(), file.name))
        return parse_lines(given[self.pasted]) if given[self.pasted].strip() else []

    def _progress(self, given: Values, done: int, total: int) -> Values:
        spoken = given | {self.page.language: self.page.language_now(given)}
        counts = {"done": f"{done:,}", "total": f"{total:,}"}
        sentence = text("collection_reading", spoken[self.page.language], **counts)
        return self.card.running(spoken, sentence, done, total)

    def stop(self, given: Values) -> None:
        given[self.halt].asked = True


def build_library(page: Page) -> None:
    """Lay out the part and connect it."""
    with gr.Accordion(i18n("collection"), open=False, elem_id="collection"):
        with gr.Row():
            file = gr.File(
                label=i18n("collection_file"),
                file_types=[".txt", ".csv", ".tsv", ".json", ".jsonl"],
                height=150,
                elem_id="collection-file",
            )
            pasted = gr.Textbox(
                label=i18n("collection_pasted"), lines=4, max_lines=8, elem_id="collection-pasted"
            )
        search = gr.Button(i18n("collection_button"), elem_id="collection-button")
        inputs = [page.photo, pasted]
        card = ResultCard.build("collection-best", page, inputs, "texts", options=[file])
    library = _Library(page, file, pasted, gr.State(_Halt()), card)
    asked: set[Any] = {page.photo, file, pasted, library.halt, page.language, page.spoken}
    search.click(card.tells(library.search), asked, card.outputs, **_PRIVATE)
    card.component.stop(library.stop, {library.halt}, None, **_PRIVATE)
    file.clear(
        lambda given: card.waiting(given, "collection_missing"),
        {page.photo, pasted, page.language},
        card.outputs,
        **_PRIVATE,
    )
