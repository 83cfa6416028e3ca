"""The same photograph and words asked twice, and what differs between the two answers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from clip_app.errors import ClipAppError, InputError
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import label_sets, language_of_texts
from clip_app.strings import Language
from clip_app.tasks.classify import Classification, classify
from clip_app.tasks.concepts import Concept, key_of
from clip_app.text_lists import split_labels
from clip_app.ui.examples import load_examples
from clip_app.ui.words import said_in_both


@dataclass(frozen=True)
class Side:
    """One of the two questions.

    Attributes:
        model: gives the model that is asked; it may have to be loaded first.
        labels: in the order typed; those of both sides mean the same, place by place.
        templates: as `clip_app.prompts.choose_templates` takes them.
    """

    model: Callable[[], ModelService]
    labels: Sequence[str]
    templates: str


@dataclass(frozen=True)
class Mark:
    """What differs for one label.

    Attributes:
        place: of the label among those typed, from 0.
        ranks: on either side, from 1.
        gap: by how much the second side's score is higher, in [-1, 1].
    """

    place: int
    ranks: tuple[int, int]
    gap: float


class Beside:
    """A visitor's comparison.

    Attributes:
        wanted: the number of the question that is wanted; 0 once it is stopped.
        loading: what a model that is being loaded is called, else "".
        held: the second model and its name, kept while the visitor looks at it.
        choices: the models that can be compared with, see `models_besides`.
        answer: what is shown of the last question, None where there is nothing to show.
    """

    def __init__(self) -> None:
        self.wanted = 0
        self.loading = ""
        self.held: tuple[str, ModelService] | None = None
        self.choices: list[dict[str, Any]] = []
        self.answer: dict[str, Any] | None = None
        self.error: ClipAppError | None = None

    def second(self, name: str, load: Callable[[], ModelService]) -> ModelService:
        """The second model, loaded where it is not held; the one held before goes first."""
        if self.held is None or self.held[0] != name:
            self.held = None
            self.held = (name, load())
        return self.held[1]

    def release(self) -> None:
        """Give the memory of the second model back."""
        self.held = None

    def state(self, number: int, progress: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the page's script shows; `number` is that of its question."""
        return {
            "number": number,
            "progress": progress,
            "models": self.choices,
            "held": self.held[0] if self.held else "",
            "answer": self.answer,
            "error": said_in_both(self.error) if self.error else None,
        }


def ask_both(
    sides: Sequence[Side],
    photo: Callable[[ModelService], Image.Image],
    named: Callable[[ModelService, Sequence[str]], Iterable[Concept]],
    independent: bool,
    progress: Progress,
) -> list[tuple[ModelService, Classification]]:
    """The answers of both sides, each with the model that gave it.

    Args:
        sides: the two questions.
        photo: the photograph, decoded for a model.
        named: the concepts that labels name, for a model.
        independent: as in `classify`.
        progress: called with (done, total) while labels are encoded.

    Raises:
        InputError, ImageError, ModelError: as `classify` and the sides' `model` do.
    """
    found = []
    for side in sides:
        progress(0, 1)
        service = side.model()
        answer = classify(
            service,
            photo(service),
            list(side.labels),
            side.templates,
            independent=independent,
            progress=progress,
            concepts=named(service, side.labels),
        )
        found.append((service, answer))
    return found


def marks(answers: Sequence[Classification], labels: Sequence[Sequence[str]]) -> list[list[Mark]]:
    """For each side its results' marks, in the order of the results."""
    places = [_places(*pair) for pair in zip(answers, labels, strict=True)]
    scores = [
        {place: one.score for place, one in zip(side, answer.results, strict=True)}
        for side, answer in zip(places, answers, strict=True)
    ]
    ranks = [{place: rank for rank, place in enumerate(side, 1)} for side in places]
    first, second = ranks
    return [
        [
            Mark(place, (first[place], second[place]), scores[1][place] - scores[0][place])
            for place in side
        ]
        for side in places
    ]


def _places(answer: Classification, labels: Sequence[str]) -> list[int]:
    """The place of each result among the labels; a label may come twice."""
    left: defaultdict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        left[key_of(label)].append(place)
    return [left[key_of(one.label)].pop(0) for one in answer.results]


def in_other_language(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """The labels in the other language, as our own sets and examples have them.

    Of several translations of a word, that of the list which shares most words with `labels` is
    taken: a crane is another thing among birds than among vehicles.

    Returns:
        The labels, one for each, and those that no list has and that stay as they are.
    """
    here = language_of_texts(labels)
    there: Language = "en" if here == "zh" else "zh"
    lists = [(one.labels[here], one.labels[there]) for one in label_sets().values()]
    for example in load_examples():
        pair = split_labels(example.labels[here]), split_labels(example.labels[there])
        lists.append((tuple(pair[0]), tuple(pair[1])))
    wanted = {key_of(one) for one in labels}
    lists.sort(key=lambda pair: -len(wanted & {key_of(one) for one in pair[0]}))
    known: dict[str, str] = {}
    for ours, theirs in lists:
        for word, other in zip(ours, theirs, strict=True):
            known.setdefault(key_of(word), other)
    unknown = [one for one in labels if key_of(one) not in known]
    return [known.get(key_of(one), one) for one in labels], unknown


def typed_in_other_language(typed: str, labels: Sequence[str]) -> list[str]:
    """The labels in the other language as a visitor wrote them, one a line or as a list.

    Raises:
        InputError: if there are more or fewer than `labels`.
    """
    lines = [" ".join(line.split()) for line in typed.splitlines() if line.strip()]
    found = lines if len(lines) == len(labels) else split_labels(typed)
    if len(found) != len(labels):
        raise InputError("beside_count", number=len(labels), other=len(found))
    return found
