"""The card that shows a result: a verdict, a bar for each name, and what the numbers mean.

The browser's side is `assets/page/card.*`. It puts every name into the page as text, dims the card
the moment what was asked is no longer what the fields hold, and draws the picture to download.
"""

import functools
import json
import math
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.components import Component

from clip_app.errors import Reason
from clip_app.model.backgrounds import background_words
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.prompts import language_of_texts, shared_scores, shortened
from clip_app.strings import LANGUAGES, Language, text
from clip_app.tasks.classify import Classification, Kind, calibrated_score, kind_of_scores
from clip_app.tasks.concepts import key_of
from clip_app.tasks.fit import CHANCE_LIMIT, UNSURE_LIMIT, Verdict
from clip_app.tasks.match import Matching
from clip_app.ui.errors import told
from clip_app.ui.html import cut_sentences, model_called, percent, unread_sentence
from clip_app.ui.parts import part
from clip_app.ui.tab import Page, Values

# As many as there are tokens `--label-0` and on; a name's place in the list, mod this, is its hue.
_HUES = 8

# How many bars are shown before one asks for all.
_SHOWN = 20

# The best score of a softmax from which on it is called sure, or fairly sure; fairly sure is also
# one that is so many times the second, for among thousands of texts none gets much. Sure needs that
# it is hardly likely that none is right, too: a fifth, which 2 % of wrong lists come below. Beside
# "none of these" at more than a quarter no verdict says what it "is".
_SURE, _FAIRLY, _LEAD = 0.9, 0.6, 4
_SURE_CHANCE, _IS_CHANCE = 0.2, 0.25

# How many times as readily as an ordinary unrelated word it is taken. With the starter that is 200
# to 7,000 for the examples' right labels, or 4 where it is unsure; some 50 for look-alikes (tea for
# coffee), and below 5 for all others.
_STANDS_OUT = ((60, "card_stands_out_much"), (10, "card_stands_out"), (3, "card_stands_out_little"))
_MOST_TIMES = 9999

# What the browser's side says by itself, as `card_` strings.
_WORDS = (
    *("how", "scores", "score", "cosine", "none", "none_what"),
    *("png", "copy", "copied", "copy_failed", "csv", "stop", "look"),
)


@dataclass(frozen=True)
class ResultCard:
    """A component, and what makes its values.

    Attributes:
        component: what is shown.
        page: whose language and model it shows.
        inputs: the photograph and the text that are asked about, components with text or a path
            for a value. As soon as what they hold is not what the answer shown was asked with, the
            card is dimmed. A `gr.Textbox` and the photograph are read where they are; any other
            tells of itself by the event `clipapp:stale` of `window`, whose `detail` is
            `{id, value}`, or its `elem_id` alone while it cannot say the value yet.
        about: whether names are labels or whole texts.
    """

    component: gr.HTML
    page: Page
    inputs: tuple[Component, ...]
    about: Literal["labels", "texts"]

    @classmethod
    def build(
        cls,
        elem_id: str,
        page: Page,
        inputs: Sequence[Component],
        about: Literal["labels", "texts"] = "labels",
        options: Sequence[Component] = (),
    ) -> "ResultCard":
        """Lay out an empty card.

        Args:
            elem_id: of the card.
            page: what every tab works with.
            inputs: see the attribute; each has an `elem_id`.
            about: see the attribute.
            options: what else an answer depends on; a change of one dims the card until the next.
        """
        component = gr.HTML(
            None,
            apply_default_css=False,
            elem_id=elem_id,
            watched=[one.elem_id for one in (*inputs, *options)],
            photo=page.photo.elem_id,
            name=elem_id,
            **part("basics", "card"),
        )
        return cls(component, page, tuple(inputs), about)

    def labels_ranked(
        self,
        given: Values,
        service: ModelService,
        answer: Classification,
        order: Sequence[str],
        advice: str = "",
        missing: Sequence[Reason] = (),
    ) -> Values:
        """What is shown of a classification.

        Args:
            given: the handler's values, with those of `inputs` and the page's language.
            service: the model that answered.
            answer: what it said.
            order: the labels as they were typed; a label's place in it is its colour.
            advice: a sentence below the bars.
            missing: what `untaught` says of the labels.
        """
        language = given[self.page.language]
        kind = kind_of_scores(service, independent=answer.independent)
        names = [one.label for one in answer.results]
        said = [text(f"scoring_used_{kind}", language)]
        if kind == "softmax" and (shared := shared_scores(names, language)):
            said.append(shared)
        if kind == "softmax" and (calibrated := _calibrated(service, answer, language)):
            said.append(calibrated)
        ranked = [(one.label, one.score, one.similarity) for one in answer.results]
        bars = _bars(ranked, order, kind, language)
        verdict = _verdict("verdict", bars, kind, answer.chance, answer.verdict, language)
        return self._answered(
            given,
            service,
            bars,
            verdict,
            answer.chance,
            said,
            answer.cut,
            advice,
            len(names),
            missing,
        )

    def texts_ranked(
        self,
        given: Values,
        service: ModelService,
        answer: Matching,
        order: Sequence[str],
        advice: str = "",
    ) -> Values:
        """What is shown of texts matched with a photograph; arguments as in `labels_ranked`.

        `order` may hold more texts than `answer` does: the card says how many there are.
        """
        language = given[self.page.language]
        ranked = [(one.text, one.score, one.similarity) for one in answer.results]
        bars = _bars(ranked, order, "softmax", language)
        verdict = _verdict("match", bars, "softmax", answer.chance, answer.verdict, language)
        said = [text("match_used_softmax", language)]
        cut = service.cut_texts([one.text for one in answer.results])
        return self._answered(
            given, service, bars, verdict, answer.chance, said, cut, advice, len(order)
        )

    def waiting(self, given: Values, key: str) -> Values:
        """Nothing to answer yet: the string `key` says what is missing, which is no mistake."""
        return self._filled(given, "waiting", {"sentence": text(key, given[self.page.language])})

    def reading(self, given: Values, key: str) -> Callable[[int, int], Values]:
        """What shows how far a long run is, by the string `key` with `done` and `total` in it.

        What was shown before stays below, dimmed. `given` has `page.spoken`.
        """

        def shown(done: int, total: int) -> Values:
            now = {self.page.language: self.page.language_now(given)}
            counts = {"done": f"{done:,}", "total": f"{total:,}"}
            sentence = text(key, now[self.page.language], **counts)
            progress = {"sentence": sentence, "done": done, "total": total}
            return self._filled(given | now, "running", progress)

        return shown

    def tells(self, handler: Callable[[Values], Iterator[Any]]) -> Callable[..., Any]:
        """Make the errors of a handler a sentence in the card, where its answer would be."""

        @functools.wraps(handler)
        def answered(given: Values) -> Iterator[Any]:
            try:
                with told(handler, lambda: given[self.page.language], str):
                    yield from handler(given)
            except gr.Error as error:
                yield self._filled(given, "problem", {"sentence": str(error.message)})

        return answered

    def _answered(
        self,
        given: Values,
        service: ModelService,
        bars: list[dict[str, Any]],
        verdict: dict[str, Any],
        chance: float,
        said: list[str],
        cut: Sequence[CutText],
        advice: str,
        total: int,
        missing: Sequence[Reason] = (),
    ) -> Values:
        language = given[self.page.language]
        unread = unread_sentence(service, [one["label"] for one in bars], language)
        some, untaught = total > len(bars), [one.message(language) for one in missing]
        counts = {"shown": f"{len(bars):,}", "number": f"{total:,}"}
        return self._filled(
            given,
            verdict.pop("state"),
            verdict
            | {
                # Gradio's page makes a proxy of each object of a value, which with 10,000 bars
                # would hold it up for a second.
                "bars": json.dumps(bars, ensure_ascii=False),
                "limit": _SHOWN,
                "more": text("card_show_all", language, number=f"{len(bars):,}"),
                "of": text("card_best_of", language, **counts) if some else "",
                "chance": None if math.isnan(chance) else _chance(chance, language),
                "notices": [*untaught, *filter(None, [unread]), *cut_sentences(cut, language)],
                "said": [*said, text("card_cosine_explained", language)],
                "advice": advice,
                "model": text("card_model", language, name=model_called(service.info, language)),
            },
        )

    def _filled(self, given: Values, state: str, shown: dict[str, Any]) -> Values:
        """A value of the component: never one that it had before, so that the browser hears of it.

        `asked` has the texts and photographs that were asked with, by the ids of their fields.
        """
        language = given[self.page.language]
        asked = {one.elem_id: given[one] or "" for one in self.inputs}
        words = {key: text(f"card_{key}", language) for key in _WORDS}
        titles = " · ".join(text("title", one) for one in reversed(LANGUAGES))
        value = {"run": uuid.uuid4().hex, "state": state, "asked": asked, "words": words}
        return {self.component: value | {"title": titles, "about": self.about} | shown}


def _bars(
    ranked: Sequence[tuple[str, float, float]], order: Sequence[str], kind: Kind, language: Language
) -> list[dict[str, Any]]:
    """A bar for each (name, score, similarity): `shown` is the score to read, `width` in [0, 1]."""
    # What was taught is named without its @.
    place = {key_of(name): number for number, name in enumerate(order)}
    words = len(background_words(language_of_texts(order)))
    bars = []
    for name, score, similarity in ranked:
        shown, width = percent(score), score
        if kind == "background":
            times = _times(score, words)
            shown = text("card_times", language, times=_readable(times))
            # An ordinary word is 1 and has no bar; as good as all of them together is a full one.
            width = math.log(max(times, 1)) / math.log(words)
        bars.append(
            {
                "label": name,
                "score": float(f"{score:.6g}"),
                "similarity": round(similarity, 6),
                "shown": shown,
                "width": round(min(width, 1), 4),
                "hue": place.get(key_of(name), 0) % _HUES,
            }
        )
    return bars


def _calibrated(service: ModelService, answer: Classification, language: Language) -> str:
    """How often the best label is right where scores are such; "" where nobody measured it."""
    measured = calibrated_score(service, np.array([one.similarity for one in answer.results]))
    if measured is None:
        return ""
    return text("card_calibrated", language, score=f"{min(round(100 * measured[1]), 99)} %")


def _times(score: float, words: int) -> float:
    """How many times as readily as an ordinary one of `words` it was taken, by its share of all."""
    return min(words * score / max(1 - score, 1e-12), _MOST_TIMES)


def _readable(times: float) -> str:
    if times < 0.1:
        return "<0.1"
    return f"{times:.1f}" if times < 10 else f"{times:,.0f}"


def _verdict(
    about: str,
    bars: list[dict[str, Any]],
    kind: Kind,
    chance: float,
    judged: Verdict,
    language: Language,
) -> dict[str, Any]:
    """The state, the headline, how sure it is, and a sentence where there is more to say."""
    best = bars[0]
    if judged == "none":
        return {
            "state": judged,
            "headline": text(f"{about}_none", language),
            "sure": "",
            "is": False,
            "sentence": text("verdict_doubtful", language),
        }
    sure, key = _sureness(bars, kind, chance, language)
    sentence = "verdict_alone" if len(bars) == 1 and kind == "softmax" else ""
    # Where nothing can be said of "none of these", that is no sign of an unknown field.
    if judged == "unsure" and not math.isnan(chance):
        sentence = "verdict_unsure_why"
    return {
        "state": "fits",
        "headline": text(f"{about}_{key}", language, label=shortened(best["label"])),
        "sure": sure,
        "is": key == "is",
        "sentence": text(sentence, language) if sentence else "",
    }


def _sureness(
    bars: list[dict[str, Any]], kind: Kind, chance: float, language: Language
) -> tuple[str, str]:
    """How sure the verdict is, and whether it says what it "is" or what is "closest"."""
    score, shown = bars[0]["score"], bars[0]["shown"]
    if kind == "background":
        words = len(background_words(language_of_texts([bars[0]["label"]])))
        times = _times(score, words)
        degree = next((key for least, key in _STANDS_OUT if times >= least), "card_stands_out_not")
        key = "is" if times >= _STANDS_OUT[1][0] else "closest"
        return text(degree, language, score=shown), key
    if math.isnan(chance):
        return shown, "closest"
    if chance > UNSURE_LIMIT:
        return text("verdict_unsure", language, score=shown), "closest"
    by_itself = kind == "sigmoid" or len(bars) == 1
    if (by_itself or score >= _SURE) and chance <= _SURE_CHANCE:
        return text("verdict_sure", language, score=shown), "is"
    fairly = by_itself or score >= _FAIRLY or score >= _LEAD * bars[1]["score"]
    if fairly and chance <= _IS_CHANCE:
        return text("verdict_fairly", language, score=shown), "is"
    return text("verdict_close", language, score=shown), "closest"


def _chance(chance: float, language: Language) -> dict[str, Any]:
    """The bar of "none of these"."""
    limits = {"limit": f"{100 * CHANCE_LIMIT:.0f} %", "unsure": f"{100 * UNSURE_LIMIT:.0f} %"}
    return {
        "shown": percent(chance),
        "width": round(chance, 4),
        "explained": text("card_none_explained", language, **limits),
    }
