"""How a result is computed: the strip under a card, from pixels to percent, by the API's numbers.

The browser's side is `assets/page/explain.*`. It asks once the strip is open, whenever the card has
been answered, and makes the softmax of another temperature by itself.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from clip_app.prompts import TEMPLATE_SETS
from clip_app.server.answers import compared_answer, explanation_answer
from clip_app.strings import text
from clip_app.tasks.concepts import Concept, key_of
from clip_app.tasks.explain import MOST_COMPARED, by_templates, explain
from clip_app.ui.i18n import i18n
from clip_app.ui.panel import errors_in_panel
from clip_app.ui.parts import part
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.tab import EACH, PRIVATE, Values
from clip_app.ui.words import words


@dataclass(frozen=True)
class Asked:
    """What a card was asked; the fields are arguments of `explain`."""

    labels: Sequence[str]
    templates: str
    independent: bool = False
    concepts: Sequence[Concept] = field(default_factory=tuple)


def build_explaining(
    card: ResultCard, asked: Callable[[Values], Asked], inputs: set[Any], elem_id: str
) -> None:
    """Lay out the strip of `card`, folded; `asked` takes the values of `inputs`."""
    said = words("explain", "card_times", "learn_pairs_temperature", "learn_pairs_own")
    for language, sentences in said.items():
        sentences |= {
            f"templates_{key}": text(f"templates_{key}", language) for key in TEMPLATE_SETS
        }
    with gr.Accordion(i18n("explain"), open=False, elem_id=elem_id):
        panel = gr.HTML(
            {"number": 0},
            **part(
                *("basics", "above", "learn/common", "learn/temperature"),
                *("explain/codes", "explain"),
            ),
            words=said,
            sets=TEMPLATE_SETS,
            most=MOST_COMPARED,
            card=card.component.elem_id,
            photo=card.page.photo.elem_id,
            about=card.about,
            apply_default_css=False,
            elem_id=f"{elem_id}-panel",
        )
    explaining = _Explaining(card, asked, panel, gr.State(Wanted()))
    given = {card.page.photo, explaining.wanted, *inputs}
    for event, handler in (
        (panel.explain, explaining.every_step),
        (panel.templates, explaining.compare),
    ):
        # The script asks again only once it has been answered.
        answer = errors_in_panel(handler, explaining.problem)
        event(answer, given, panel, **EACH)
    # Beside the queue, so that a run hears of it while it runs.
    panel.stop(explaining.stop, {explaining.wanted}, None, queue=False, **PRIVATE)


@dataclass(frozen=True)
class _Explaining:
    """The handlers of a strip."""

    card: ResultCard
    asked: Callable[[Values], Asked]
    panel: gr.HTML
    wanted: gr.State

    def every_step(self, given: Values, sent: Any) -> Iterator[Values]:
        """The API's answer, with the place of each label among those typed, which is its colour."""
        given[self.wanted].asked = ()
        service = self.card.page.slot.service
        asked = self.asked(given)
        found = explain(
            service,
            opened(given[self.card.page.photo], service),
            asked.labels,
            asked.templates,
            independent=asked.independent,
            concepts=asked.concepts,
            about=self.card.about,
        )
        answer = explanation_answer("", service, found)
        place = {key_of(name): number for number, name in enumerate(asked.labels)}
        for one in answer["results"]:
            one["place"] = place.get(key_of(one["label"]), 0)
        # As one text: Gradio would watch every number inside of it in the browser.
        yield {self.panel: {"number": sent["number"], "explained": json.dumps(answer)}}

    def compare(self, given: Values, sent: Any) -> Iterator[Values]:
        """What other sets of templates make of it, and how far that is."""
        number, wanted = sent["number"], given[self.wanted]
        mine = wanted.asked = (object(),)
        service = self.card.page.slot.service
        photo = opened(given[self.card.page.photo], service)
        asked = self.asked(given)

        def shown(done: int, total: int) -> Values:
            counts = {"done": f"{done:,}", "total": f"{total:,}"}
            return {self.panel: {"number": number, "progress": counts}}

        try:
            found = yield from followed(
                lambda told: by_templates(
                    service,
                    photo,
                    asked.labels,
                    independent=asked.independent,
                    concepts=asked.concepts,
                    progress=told,
                ),
                lambda: wanted.asked != mine,
                shown,
            )
        except StoppedError:
            return
        yield {self.panel: {"number": number, "compared": json.dumps(compared_answer(found))}}

    def stop(self, given: Values) -> None:
        """Other sentences are not wanted any more."""
        given[self.wanted].asked = ()

    def problem(self, _: Values, error: Any) -> Values:
        """What went wrong, in the strip."""
        return {self.panel: {"error": error}}
