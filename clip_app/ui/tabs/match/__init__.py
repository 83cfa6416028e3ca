"""The tab 文本匹配: descriptions for an image, a text collection, several images and texts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.prompts import parse_lines
from clip_app.strings import LANGUAGES, Language, text
from clip_app.tasks.match import judge
from clip_app.ui.advice import english_advice
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import load_examples, shown_example
from clip_app.ui.explaining import Asked, build_explaining
from clip_app.ui.i18n import i18n
from clip_app.ui.looking import show_where
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.tab import PRIVATE, Follows, Page, Room, Step, Values
from clip_app.ui.tabs.match.library import build_library
from clip_app.ui.tabs.match.matrix import build_matrix

KEY = "match"

# Longer descriptions than this stay out of the page's address; some servers take 4,096 characters.
_LONGEST_ADDRESS = 1500


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it; nothing is matched before the tab is opened."""
    descriptions = gr.Textbox(
        label=i18n("descriptions"),
        value="",
        placeholder=i18n("descriptions_placeholder"),
        lines=4,
        max_lines=12,
        elem_id="match-descriptions",
    )
    card = ResultCard.build("match-best", page, [page.photo, descriptions], "texts")
    show_where(card, lambda given: (parse_lines(given[descriptions]), "none"), {descriptions})
    with room.below:
        build_explaining(
            card,
            lambda given: Asked(parse_lines(given[descriptions]), "none"),
            {descriptions},
            "match-explain",
        )
        build_library(page)
        build_matrix(page)
    # Empty until the tab is opened, then the language of the first result that it shows.
    matching = _Matching(page, descriptions, card, gr.State(""), gr.State(Wanted()))
    matching.connect(room)
    return Follows(
        Step(matching.words, {descriptions, page.language, page.address}, [descriptions]),
        Step(card.tells(matching.follow), matching.inputs, matching.outputs),
    )


@dataclass(frozen=True)
class _Matching:
    """The handlers of descriptions.

    Attributes:
        shown_in: the language of the result shown, or "".
        wanted: a `Wanted` of each visitor.
    """

    page: Page
    descriptions: gr.Textbox
    card: ResultCard
    shown_in: gr.State
    wanted: gr.State

    @property
    def inputs(self) -> set[Any]:
        """What descriptions are matched by."""
        page = self.page
        own = {page.photo, page.language, page.spoken, page.advised}
        return own | {self.descriptions, self.shown_in, self.wanted}

    @property
    def outputs(self) -> list[Any]:
        """What their answer fills."""
        return [self.card.component, self.page.advised, self.shown_in]

    def connect(self, room: Room) -> None:
        """Match when typing has stopped, when the photograph changes, and on the first visit."""
        last: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE}
        known = [one[language] for one in _ready_made() for language in LANGUAGES]
        keep: dict[str, Any] = {
            "fn": None,
            "inputs": self.descriptions,
            "js": f"(texts) => window.clipApp.address.set({{ texts: {json.dumps(known)}.includes("
            f"texts) || texts.length > {_LONGEST_ADDRESS} ? '' : texts }})",
            **PRIVATE,
        }
        answer, component = self.card.tells(self.answer), self.card.component
        component.submit(answer, self.inputs, self.outputs, **last).then(**keep)
        # Beside the queue, so that a run of many texts hears of it while it runs.
        asked: set[Any] = {self.descriptions, self.page.photo, self.wanted}
        component.submit(self.note, asked, None, queue=False, **PRIVATE)
        component.stop(self.stop, {self.wanted}, None, queue=False, **PRIVATE)
        self.page.photo.change(
            shows_errors(self.suggest, self.page.language),
            {self.page.photo, self.descriptions, self.page.language, self.page.address},
            self.descriptions,
            **last,
        ).then(self.card.tells(self.follow), self.inputs, self.outputs, **PRIVATE).then(**keep)
        self.page.address.moved(
            self.card.tells(self.moved),
            self.inputs | {self.page.address},
            [self.descriptions, *self.outputs],
            **last,
        )
        room.select(self.card.tells(self.opened), self.inputs, self.outputs, **PRIVATE)

    def answer(self, given: Values) -> Iterator[Values]:
        """Rank what is typed; how far the reading of it is, where it is much."""
        shown = {self.shown_in: given[self.page.language]}
        typed, path = given[self.descriptions], given[self.page.photo]
        if not path:
            yield self.card.waiting(given, "card_no_photo") | shown
        elif not typed.strip():
            yield self.card.waiting(given, "match_no_texts") | shown
        else:
            for values in self._ranked(given, typed, path):
                yield values | shown

    def _ranked(self, given: Values, typed: str, path: str) -> Iterator[Values]:
        service, wanted, mine = self.page.slot.service, given[self.wanted], self._key(given)
        photo, texts = opened(path, service), parse_lines(typed)
        wanted.asked = mine
        try:
            answer = yield from followed(
                lambda told: judge(service, photo, texts, progress=told),
                lambda: wanted.asked != mine,
                self.card.reading(given, "texts_reading"),
            )
        except StoppedError:
            if not wanted.asked:
                yield self.card.waiting(given, "texts_stopped")
            return
        advice, advised = english_advice(self.page, service, typed, texts, given)
        yield self.card.texts_ranked(given, service, answer, texts, advice) | advised

    def _key(self, given: Values) -> tuple[Any, ...]:
        return given[self.descriptions], given[self.page.photo]

    def note(self, given: Values) -> None:
        """What is asked now."""
        given[self.wanted].asked = self._key(given)

    def stop(self, given: Values) -> None:
        """Nothing is asked."""
        given[self.wanted].asked = ()

    def opened(self, given: Values) -> Iterator[Values]:
        """Match when the tab is opened for the first time."""
        if not given[self.shown_in]:
            yield from self.answer(given)

    def moved(self, given: Values) -> Iterator[Values]:
        """Match what the address says after Back, Forward and a link within the page.

        One without descriptions says nothing of them: long ones are not in it.
        """
        address = given[self.page.address]
        texts = address.get("texts", "")
        if address.get("tab") != KEY or texts in ("", given[self.descriptions]):
            yield gr.skip()
            return
        yield {self.descriptions: texts}
        yield from self.answer(given | {self.descriptions: texts})

    def follow(self, given: Values) -> Iterator[Values]:
        """Bring the result up to date with language and photo, where the tab was opened."""
        if given[self.shown_in]:
            yield from self.answer(given)

    def words(self, given: Values) -> Values:
        """What the field holds when the page opens, and in the page's other language."""
        typed = given[self.descriptions] or given[self.page.address].get("texts", "")
        ready = load_examples()[0].descriptions if not typed.strip() else _ready_made_of(typed)
        return {self.descriptions: ready[given[self.page.language]] if ready else typed}

    def suggest(self, given: Values) -> Values:
        """Descriptions to try on a new photograph; those that somebody typed stay."""
        typed, path = given[self.descriptions], given[self.page.photo]
        if not path or (typed.strip() and not _ready_made_of(typed)):
            return gr.skip()
        example, address = shown_example(path), given[self.page.address]
        if example and (example.name, KEY) == (address.get("photo"), address.get("tab")):
            return {self.descriptions: address.get("texts") or typed}  # a link brings both
        ready = example.descriptions if example else _everyday()
        return {self.descriptions: ready[given[self.page.language]]}


def _everyday() -> dict[Language, str]:
    """Descriptions that a photograph of one's own is first matched with."""
    return {language: text("match_everyday", language) for language in LANGUAGES}


def _ready_made() -> list[dict[Language, str]]:
    """Descriptions that nobody typed."""
    return [*(one.descriptions for one in load_examples()), _everyday()]


def _ready_made_of(typed: str) -> dict[Language, str] | None:
    """The ready-made descriptions that a field holds, as nobody has changed them."""
    return next((one for one in _ready_made() if typed in one.values()), None)
