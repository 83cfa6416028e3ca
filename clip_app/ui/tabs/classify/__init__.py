"""The tab 图像分类: one photograph and words for it, answered as one types, or many at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.prompts import parse_labels
from clip_app.strings import text
from clip_app.tasks.classify import classify
from clip_app.tasks.concepts import untaught
from clip_app.ui.advice import english_advice
from clip_app.ui.examples import load_examples
from clip_app.ui.explaining import Asked, build_explaining
from clip_app.ui.label_chips import label_chips
from clip_app.ui.looking import show_where
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.tab import PRIVATE, Follows, Page, Room, Step, Values
from clip_app.ui.tabs.classify.batch import build_batch
from clip_app.ui.tabs.classify.beside import build_beside
from clip_app.ui.tabs.classify.check import build_check, check_state
from clip_app.ui.tabs.classify.check_run import Check
from clip_app.ui.tabs.classify.options import Options, build_options
from clip_app.ui.tabs.classify.teach import build_teaching

KEY = "classify"


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it."""
    labels = label_chips(page.slot, "classify-labels")
    card_place = gr.Column()
    options = build_options(labels)
    with card_place:
        card = ResultCard.build(
            "classify-verdict",
            page,
            [page.photo, labels],
            options=[options.templates, options.own_templates, options.scoring],
        )
    check = check_state(page)
    classifying = _Classifying(page, options, card, gr.State(Wanted()), check)
    classifying.connect()
    show_where(
        card,
        lambda given: (parse_labels(given[labels]), options.templates_of(given)),
        options.inputs,
    )
    with room.below:
        build_explaining(
            card,
            lambda given: Asked(
                names := parse_labels(given[labels]),
                options.templates_of(given),
                options.independent(given),
                page.concepts.named(given, page.slot.service, names),
            ),
            options.inputs | {page.concepts.visit},
            "classify-explain",
        )
        teaching = build_teaching(page, options)
        build_batch(page, options, teaching)
        build_beside(page, options, card)
        build_check(page, options, check)
    return Follows(
        Step(
            lambda given: classifying.words(given) | teaching.taught(given),
            {labels, page.language, page.spoken, page.address, page.concepts.visit},
            [*options.all, teaching.carrier],
        ),
        Step(card.tells(classifying.answer), classifying.inputs, classifying.outputs),
    )


@dataclass(frozen=True)
class _Classifying:
    """The handlers of one photograph."""

    page: Page
    options: Options
    card: ResultCard
    wanted: gr.State
    check: gr.State

    @property
    def inputs(self) -> set[Any]:
        """What labels are asked with."""
        page = self.page
        own = {page.photo, page.language, page.spoken, page.advised, self.wanted, self.check}
        return own | {page.concepts.visit} | self.options.inputs

    @property
    def outputs(self) -> list[Any]:
        """What their answer fills."""
        return [self.card.component, self.page.advised]

    def connect(self) -> None:
        """Answer whenever words, photograph or options are others."""
        asked = self.options.changed
        answer = self.card.tells(self.answer)
        gr.on(asked, answer, self.inputs, self.outputs, trigger_mode="always_last", **PRIVATE)
        self.page.address.moved(
            self.card.tells(self.moved),
            self.inputs | {self.page.address},
            [*self.options.all, *self.outputs],
            trigger_mode="always_last",
            **PRIVATE,
        )
        # Beside the queue, so that a run of many words hears of it while it runs.
        gr.on(asked, self.note, self.inputs, None, queue=False, **PRIVATE)
        self.card.component.stop(self.stop, {self.wanted}, None, queue=False, **PRIVATE)

    def answer(self, given: Values) -> Iterator[Values]:
        """Rank the labels; how far the reading of them is, where there are many."""
        labels, path = given[self.options.labels], given[self.page.photo]
        if not path:
            yield self.card.waiting(given, "card_no_photo")
        elif not labels.strip(" ,，、;；\n\t"):
            yield self.card.waiting(given, "card_no_labels")
        else:
            yield from self._ranked(given, labels, path)

    def _ranked(self, given: Values, typed: str, path: str) -> Iterator[Values]:
        service, wanted, mine = self.page.slot.service, given[self.wanted], self._key(given)
        photo, labels = opened(path, service), parse_labels(typed)
        taught = self.page.concepts.named(given, service, labels)
        wanted.asked = mine
        try:
            answer = yield from followed(
                lambda told: classify(
                    service,
                    photo,
                    labels,
                    self.options.templates_of(given),
                    independent=self.options.independent(given),
                    progress=told,
                    concepts=taught,
                ),
                lambda: wanted.asked != mine,
                self.card.reading(given, "classify_reading"),
            )
        except StoppedError:
            if not wanted.asked:
                yield self.card.waiting(given, "classify_stopped")
            return
        advice, advised = english_advice(self.page, service, typed, labels, given)
        check: Check = given[self.check]
        missing = untaught(labels, taught)
        if listed := check.listed(service, answer, self.options.templates_of(given), taught):
            advice = text("check_card", given[self.page.language], labels=" / ".join(listed))
        yield self.card.labels_ranked(given, service, answer, labels, advice, missing) | advised

    def _key(self, given: Values) -> tuple[Any, ...]:
        asked = (self.page.photo, *self.options.all)
        return tuple(given[one] for one in asked)

    def note(self, given: Values) -> None:
        """What is asked now."""
        given[self.wanted].asked = self._key(given)

    def stop(self, given: Values) -> None:
        """Nothing is asked."""
        given[self.wanted].asked = ()

    def words(self, given: Values) -> Values:
        """When the page opens, the example's words, unless the browser's script has put some there.

        And the templates and the kind of score that its address names.
        """
        labels = self.options.labels
        # The script's first question may have come before this one.
        opening = given[self.page.spoken].language is None
        named = self.options.named(given[self.page.address]) if opening else {}
        first = load_examples()[0].labels[given[self.page.language]]
        return {labels: gr.skip() if given[labels].strip() else first} | named

    def moved(self, given: Values) -> Iterator[Values]:
        """Rank by what the address says of templates and score after Back, Forward and a link."""
        named = self.options.named(address := given[self.page.address])
        if address.get("tab") != KEY or all(given[one] == named[one] for one in named):
            yield gr.skip()
            return
        yield named
        yield from self.answer(given | named)
