"""The best of many texts for the photograph: a file of them, or a pasted list."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.prompts import parse_lines
from clip_app.tasks.match import judge
from clip_app.text_files import read_collection
from clip_app.ui.i18n import i18n
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.tab import PRIVATE, Page, Values

# How many of the texts are answered with.
_BEST = 100


@dataclass(frozen=True)
class _Library:
    page: Page
    file: gr.File
    pasted: gr.Textbox
    wanted: gr.State
    card: ResultCard

    def rank(self, given: Values) -> Iterator[Values]:
        """The texts that fit best, and how far the reading of them is until then."""
        if not given[self.page.photo]:
            yield self.card.waiting(given, "card_no_photo")
            return
        texts = self._texts(given)
        if not texts:
            yield self.card.waiting(given, "collection_missing")
            return
        service, wanted = self.page.slot.service, given[self.wanted]
        photo = opened(given[self.page.photo], service)
        wanted.asked = mine = (texts,)
        try:
            answer = yield from followed(
                lambda told: judge(service, photo, texts, top_k=_BEST, progress=told),
                lambda: wanted.asked is not mine,
                self.card.reading(given, "texts_reading"),
            )
            yield self.card.texts_ranked(given, service, answer, texts)
        except StoppedError:
            yield self.card.waiting(given, "texts_stopped")

    def _texts(self, given: Values) -> list[str]:
        if given[self.file]:
            file = Path(given[self.file])
            return parse_lines(read_collection(file.read_bytes(), file.name))
        return parse_lines(given[self.pasted]) if given[self.pasted].strip() else []

    def stop(self, given: Values) -> None:
        """Nothing is asked."""
        given[self.wanted].asked = ()


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
                label=i18n("collection_pasted"), lines=4, max_lines=4, elem_id="collection-pasted"
            )
        search = gr.Button(i18n("collection_button"), elem_id="collection-button")
        inputs = [page.photo, pasted]
        card = ResultCard.build("collection-best", page, inputs, "texts", options=[file])
    library = _Library(page, file, pasted, gr.State(Wanted()), card)
    asked: set[Any] = {page.photo, file, pasted, library.wanted, page.language, page.spoken}
    search.click(card.tells(library.rank), asked, [card.component], **PRIVATE)
    card.component.stop(library.stop, {library.wanted}, None, queue=False, **PRIVATE)
    file.clear(
        lambda given: card.waiting(given, "collection_missing"),
        {page.photo, pasted, page.language},
        [card.component],
        **PRIVATE,
    )
