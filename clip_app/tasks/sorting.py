"""Where a photograph goes by its scores: to a class, to none, or to a person who decides."""

from dataclasses import dataclass
from typing import Literal

from clip_app.tasks.classify import Classification
from clip_app.tasks.fit import UNSURE_LIMIT

#: A best label below that is not believed.
THRESHOLD = 0.5
#: Nor is one that is not that far ahead of the next.
MARGIN = 0.1

#: `decided` is by hand.
Verdict = Literal["sure", "doubtful", "none", "decided"]


@dataclass(frozen=True)
class Choice:
    """What becomes of one photograph.

    Attributes:
        path: below the folder, with `/`.
        label: the class that it goes to; "" where it stays.
        verdict: whether that is sure.
        best, score: the label with the best score, in [0, 1].
        second, second_score: the runner-up; "" and 0 where there is one label only.
        maybe_none: whether it is doubtful that any of the labels fits.
    """

    path: str
    label: str
    verdict: Verdict
    best: str = ""
    score: float = 0.0
    second: str = ""
    second_score: float = 0.0
    maybe_none: bool = False


def choose(
    path: str, answer: Classification, threshold: float = THRESHOLD, margin: float = MARGIN
) -> Choice:
    """Which class a photograph goes to: none if none fits, to a person if it is unsure.

    Args:
        path: of the photograph.
        answer: its labels with their scores.
        threshold: the least score of a class that is believed, in [0, 1].
        margin: how far that must be ahead of the next, in [0, 1].
    """
    best = answer.results[0]
    second = answer.results[1] if len(answer.results) > 1 else None
    rest = (best.label, best.score, second.label if second else "", second.score if second else 0.0)
    if answer.none_fits:
        return Choice(path, "", "none", *rest)
    maybe_none = answer.chance > UNSURE_LIMIT
    if maybe_none or best.score < threshold or best.score - rest[3] < margin:
        return Choice(path, "", "doubtful", *rest, maybe_none)
    return Choice(path, best.label, "sure", *rest)
