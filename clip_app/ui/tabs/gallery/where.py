"""Where in a found photograph the words are that were looked for: a heat map in the drawer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.model.backgrounds import background_words
from clip_app.photos import open_picture
from clip_app.prompts import language_of_texts
from clip_app.ui.looking import errors_said, looks
from clip_app.ui.runs import Wanted
from clip_app.ui.shell import telling_carrier
from clip_app.ui.tab import EACH, PRIVATE, Values
from clip_app.ui.tabs.gallery.finder import Finder


def show_where(finder: Finder) -> None:
    """Answer the drawer's script, which asks for one word and counts what it asks."""
    where = _Where(finder, telling_carrier("finder-where", "where"), gr.State(Wanted()))
    index = finder.index
    given = {index.own, index.folder, where.stopped}
    finder.view.where(where.look, given, where.carried, **EACH)
    # Beside the queue, so that a run hears of it.
    finder.view.unwhere(where.stop, {where.stopped}, None, queue=False, **PRIVATE)


@dataclass(frozen=True)
class _Where:
    """The handlers; `stopped` holds the number of the last run that is wanted no more."""

    finder: Finder
    carried: gr.HTML
    stopped: gr.State

    def look(self, given: Values, event: gr.EventData) -> Iterator[Values]:
        """The map of a word over a picture of the gallery; how far it is, while it is made."""
        sent: dict[str, Any] = event._data or {}
        run, word = int(sent["id"]), str(sent["text"])
        for state in errors_said(word, self._looked(given, sent, run, word)):
            yield {self.carried: {"id": run, **state}}

    def _looked(self, given: Values, sent: Any, run: int, word: str) -> Iterator[dict[str, Any]]:
        service, stopped = self.finder.page.slot.service, given[self.stopped]
        yield from looks(
            service,
            open_picture(self.finder.photograph(given, sent), service),
            word,
            # Against words of any kind: with nothing to compare, 49 % of the peaks on photographs
            # of COCO lay in a box of the thing, with these 53 %.
            contrast=background_words(language_of_texts([word])),
            unwanted=lambda: run <= max(stopped.asked, default=0),
        )

    def stop(self, given: Values, event: gr.EventData) -> None:
        """Which run is wanted no more; it may not have begun yet."""
        given[self.stopped].asked = (int((event._data or {})["id"]),)
