"""Two answers side by side, by two template sets, languages or models: a part of 图像分类."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError, InputError
from clip_app.model.service import ModelService
from clip_app.prompts import language_of_texts, parse_labels, shortened
from clip_app.strings import LANGUAGES, Language, text
from clip_app.tasks.classify import Classification
from clip_app.ui.errors import shows_errors
from clip_app.ui.html import model_called
from clip_app.ui.i18n import i18n
from clip_app.ui.other_models import models_asked, models_besides
from clip_app.ui.parts import part
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, followed
from clip_app.ui.tab import EACH, PRIVATE, Page, Values
from clip_app.ui.tabs.classify.beside_run import (
    Beside,
    Mark,
    Side,
    ask_both,
    in_other_language,
    marks,
    typed_in_other_language,
)
from clip_app.ui.tabs.classify.options import TEMPLATE_CHOICES, Options
from clip_app.ui.words import words

log = logging.getLogger(__name__)

# A second model is let go this long after the page was closed; folding the part lets it go at once.
_KEPT_SECONDS = 600

# Bars of a side: what one reads of two lists that are compared by eye.
_SHOWN = 12

# Of what a card says, that which stands on a side.
_OF_A_CARD = ("state", "headline", "sure", "is", "sentence", "bars", "chance", "notices")

# A gap between scores that is told; a smaller one is no digit of what is shown.
_LEAST_GAP = 0.001


def build_beside(page: Page, options: Options, card: ResultCard) -> None:
    """Lay it out; it asks again whenever `card`, the answer above, has been answered."""
    with gr.Accordion(i18n("beside"), open=False, elem_id="beside") as opener:
        state = gr.State(Beside(), time_to_live=_KEPT_SECONDS, delete_callback=Beside.release)
        said = words("beside_", "check_model", "check_stop")
        for language, sentences in said.items():
            for choice in TEMPLATE_CHOICES:
                sentences[f"templates_{choice}"] = text(f"templates_{choice}", language)
        panel = gr.HTML(
            Beside().state(0),
            **part(
                "basics", "above", "uploads", "beside"
            ),  # of `uploads` the looks of buttons and messages
            words=said,
            templates=TEMPLATE_CHOICES,
            models=page.settings.visitors_may_change_model,
            card=card.component.elem_id,
            apply_default_css=False,
            elem_id="beside-panel",
        )
    _Comparing(page, options, state, panel).connect(opener)


@dataclass(frozen=True)
class _Comparing:
    """The handlers."""

    page: Page
    options: Options
    state: gr.State
    panel: gr.HTML

    def connect(self, opener: gr.Accordion) -> None:
        """Let the panel do what it says."""
        page, panel = self.page, self.panel
        asking: set[Any] = {self.state, page.language}
        opener.expand(shows_errors(self.ready, page.language), asking, [panel], **PRIVATE)
        opener.collapse(self.release, {self.state}, None, **PRIVATE)
        panel.compare(
            shows_errors(self.compare, page.language_now),
            {*asking, page.photo, page.spoken, page.concepts.visit} | self.options.inputs,
            [panel],
            **EACH,  # the script asks again only once it has been answered
        )
        # Beside the queue, so that a run hears of it while it runs.
        panel.stop(self.stop, {self.state}, None, queue=False, **PRIVATE)

    def ready(self, given: Values) -> Values:
        """The models to choose from, with what memory is free now."""
        beside: Beside = given[self.state]
        beside.choices = models_besides(self.page)
        return {self.panel: beside.state(0)}

    def release(self, given: Values) -> None:
        """Nobody looks: let the second model go."""
        given[self.state].wanted = 0
        given[self.state].release()

    def stop(self, given: Values, event: gr.EventData) -> None:
        """A question is not asked any more, if it still is the one that runs."""
        beside: Beside = given[self.state]
        if beside.wanted == event._data["number"]:
            beside.wanted = 0

    def compare(self, given: Values, event: gr.EventData) -> Iterator[Values]:
        """Ask both sides; how far that is, where it takes long."""
        beside: Beside = given[self.state]
        sent = event._data
        number = beside.wanted = int(sent["number"])
        beside.error = beside.answer = None

        def shown(done: int, total: int) -> Values:
            said = {one: _progress(beside, done, total, one) for one in LANGUAGES}
            progress = {"done": done, "total": total, "said": said}
            return {self.panel: beside.state(number, progress)}

        if sent["mode"] == "models":
            yield shown(0, 1)
        try:
            labels = parse_labels(given[self.options.labels])
            sides, titles, about = self._sides(given, sent, labels)
            page = self.page
            answers = yield from followed(
                lambda told: ask_both(
                    sides,
                    lambda service: opened(given[page.photo], service),
                    lambda service, names: page.concepts.named(given, service, names),
                    self.options.independent(given),
                    told,
                ),
                lambda: beside.wanted != number,
                shown,
            )
            beside.answer = about | self._shown(given, sides, answers, titles)
        except StoppedError:
            if beside.wanted:
                return
            beside.release()
        except ClipAppError as error:
            log.info("%s: %s", type(error).__name__, error)
            beside.error = error
        yield {self.panel: beside.state(number)}

    def _sides(
        self, given: Values, sent: dict[str, Any], labels: list[str]
    ) -> tuple[list[Side], list[str], dict[str, Any]]:
        """The two questions, what they are called, and what else the script is told."""
        language: Language = given[self.page.language]
        templates = self.options.templates_of(given)
        if sent["mode"] == "templates":
            chosen = [str(one) for one in sent["templates"][:2]]
            own = given[self.options.own_templates]
            sides = [Side(self._present, labels, own if one == "own" else one) for one in chosen]
            return sides, [text(f"templates_{one}", language) for one in chosen], {}
        if sent["mode"] == "languages":
            of = given[self.options.labels]
            other, unknown = in_other_language(labels)
            if sent["of"] == of:
                other, unknown = typed_in_other_language(str(sent["other"]), labels), []
            here = language_of_texts(labels)
            there = "en" if here == "zh" else "zh"
            sides = [Side(self._present, one, templates) for one in (labels, other)]
            about = {"of": of, "other": other, "unknown": unknown}
            return sides, [text(f"beside_{one}", language) for one in (here, there)], about
        name = str(sent["model"])
        _, *besides = models_asked(self.page, [name])
        if not besides:
            raise InputError("beside_choose")
        beside: Beside = given[self.state]

        def second() -> ModelService:
            beside.loading = name
            try:
                return beside.second(name, besides[0])
            finally:
                beside.loading = ""

        sides = [Side(self._present, labels, templates), Side(second, labels, templates)]
        return sides, [model_called(self._present().info, language), name], {}

    def _present(self) -> ModelService:
        return self.page.slot.service

    def _shown(
        self,
        given: Values,
        sides: Sequence[Side],
        answers: Sequence[tuple[ModelService, Classification]],
        titles: Sequence[str],
    ) -> dict[str, Any]:
        """Both sides as cards, with the marks of their bars and what differs in a sentence."""
        given = given | {self.page.language: self.page.language_now(given)}
        card = ResultCard(self.panel, self.page, (self.page.photo, self.options.labels), "labels")
        marked = marks([one for _, one in answers], [one.labels for one in sides])
        shown = []
        for (service, answer), side, marking, title in zip(
            answers, sides, marked, titles, strict=True
        ):
            few = replace(answer, results=answer.results[:_SHOWN])
            told = card.labels_ranked(given, service, few, side.labels)[self.panel]
            shown.append(
                {key: told[key] for key in _OF_A_CARD}
                | {"title": title, "marks": [asdict(one) for one in marking[:_SHOWN]]}
            )
        more = max(0, len(sides[0].labels) - _SHOWN)
        gaps = not self.options.independent(given)
        differs = _differs([one for _, one in answers], marked, gaps, given[self.page.language])
        return {"sides": shown, "differs": differs, "gaps": gaps, "more": more}


def _differs(
    answers: Sequence[Classification],
    marked: Sequence[Sequence[Mark]],
    gaps: bool,
    language: Language,
) -> list[str]:
    """What differs, in sentences: the best, the order, and the widest gap between two scores."""
    best = [shortened(one.results[0].label) for one in answers]
    first, second = marked
    same = first[0].place == second[0].place
    said = [
        text("beside_best_same" if same else "beside_best", language, one=best[0], other=best[1])
    ]
    moved = sum(one.ranks[0] != one.ranks[1] for one in first)
    key = "beside_moved" if moved else "beside_order_same"
    said.append(text(key, language, moved=moved, number=len(first)))
    at = max(range(len(first)), key=lambda i: abs(first[i].gap))
    if gaps and abs(first[at].gap) >= _LEAST_GAP:
        label = shortened(answers[0].results[at].label)
        gap = f"{100 * first[at].gap:+.1f}".replace("-", "−")
        said.append(text("beside_gap", language, label=label, gap=gap))
    return said


def _progress(beside: Beside, done: int, total: int, language: Language) -> str:
    if beside.loading:
        return text("beside_loading", language, model=beside.loading)
    if total <= 1:
        return text("beside_asking", language)
    return text("classify_reading", language, done=f"{done:,}", total=f"{total:,}")
