"""The third question: photographs that CLIP gets wrong; one guesses first, then sees."""

from dataclasses import dataclass

import gradio as gr

from clip_app.errors import ClipAppError
from clip_app.model.service import ModelService
from clip_app.strings import LANGUAGES, Language, text
from clip_app.tasks.classify import classify
from clip_app.text_lists import split_labels
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.parts import part
from clip_app.ui.tab import PRIVATE, Page, Values
from clip_app.ui.tabs.learn.gallery_pairs import pictures
from clip_app.ui.words import said_in_both, words

# What goes wrong with each of the examples that fail; `learn_failing_why_` + this says why.
_KINDS = {
    "giraffes.jpg": "count",
    "square-and-circle.png": "sides",
    "exit-sign.png": "letters",
    "blue-flowers.jpg": "colours",
}

# Photographs of the gallery that fail with labels of ours, `learn_failing_` + kind + `_labels`,
# with the places of the right ones.
_OTHERS = {
    "strawberry.jpg": ("no", 1),
    "lion.jpg": ("style", 0),
    "bar-chart.png": ("print", 1),
}


@dataclass(frozen=True)
class Case:
    """One photograph, what may be said of it, and which of that is right.

    Attributes:
        kind: what it is about, the end of string keys.
        path: of the picture.
        labels: to choose from, of each language in the same order.
        right: the place of the right one.
    """

    kind: str
    path: str
    caption: dict[Language, str]
    labels: dict[Language, list[str]]
    right: int

    def shares(self, service: ModelService) -> dict[Language, list[float]]:
        """What the model gives each label, in each language.

        Raises:
            ModelError: if the device fails.
        """
        found = {}
        for language, names in self.labels.items():
            ranked = classify(service, self.path, names).results
            scores = {one.label: one.score for one in ranked}
            found[language] = [round(scores[name], 6) for name in names]
        return found


def cases() -> list[Case]:
    """Those that fail of the examples, and others with labels that make them fail."""
    by_file = {one.file.rpartition("/")[2]: one for one in load_examples()}
    found = []
    for file, kind in _KINDS.items():
        one = by_file[file]
        labels = {each: split_labels(one.labels[each]) for each in LANGUAGES}
        right = labels["en"].index(one.right["en"])
        found.append(Case(kind, _path(one.file), one.caption, labels, right))
    for picture in pictures():
        if known := _OTHERS.get(picture.path.rpartition("/")[2]):
            kind, right = known
            typed = {each: text(f"learn_failing_{kind}_labels", each) for each in LANGUAGES}
            labels = {each: split_labels(typed[each]) for each in LANGUAGES}
            found.append(Case(kind, picture.path, picture.title, labels, right))
    return found


def _path(file: str) -> str:
    return str(EXAMPLES_DIRECTORY / file)


def build(page: Page) -> None:
    """Lay it out and connect it; a photograph is judged once somebody has guessed."""
    known = cases()
    panel = gr.HTML(
        {"answers": {}, "error": None},
        **part("basics", "learn/common", "learn/failing"),
        words=words("learn_failing"),
        apply_default_css=False,
        elem_id="learn-failing",
    )
    # Only now is there a component to whose files the photographs can belong.
    panel.props["cases"] = [
        {
            "kind": one.kind,
            "path": panel.move_resource_to_block_cache(one.path),
            "caption": one.caption,
            "labels": one.labels,
            "right": one.right,
        }
        for one in known
    ]

    def judge(given: Values, event: gr.EventData) -> Values:
        """What the model makes of the photographs that were guessed at, by their place."""
        places = {int(one) % len(known) for one in (event._data or {})["places"]}
        try:
            answers = {str(one): known[one].shares(page.slot.service) for one in places}
        except ClipAppError as error:
            return {panel: {"answers": {}, "error": said_in_both(error)}}
        return {panel: {"answers": answers, "error": None}}

    panel.ask(
        shows_errors(judge, page.language),
        {page.language},
        panel,
        trigger_mode="always_last",
        **PRIVATE,
    )
