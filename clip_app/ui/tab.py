"""What a tab gets from the page, and what of it follows the page's language."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, Protocol

import gradio as gr

from clip_app.gallery.galleries import GalleryService
from clip_app.model.slot import ModelSlot
from clip_app.settings import Settings
from clip_app.strings import Language

#: What a handler takes and what it answers: values by component.
Values = dict[Any, Any]


@dataclass
class Spoken:
    """The language a visitor's page is in now; None until the browser has said which."""

    language: Language | None = None


@dataclass(frozen=True)
class Page:
    """What every tab works with.

    Attributes:
        slot: the model that answers.
        galleries: the folders that can be searched.
        settings: what the app was started with.
        language: the switch at the top; a handler gets what it said when the handler was called.
        spoken: a `Spoken` of each visitor, which a run that takes long reads at each step.
        model_line: the line that names the model.
        advised: the texts with which a better model for English was named in this visit; "" before.
    """

    slot: ModelSlot
    galleries: GalleryService
    settings: Settings
    language: gr.Radio
    spoken: gr.State
    model_line: gr.HTML
    advised: gr.State

    def language_now(self, given: Values) -> Language:
        """The language the page is in now, which may not be the one it was in at the call."""
        return given[self.spoken].language or given[self.language]


@dataclass(frozen=True)
class Step:
    """A handler, the components whose values it takes, and those it answers for."""

    run: Callable[[Values], Values]
    inputs: Set[Any]
    outputs: list[Any]


@dataclass(frozen=True)
class Follows:
    """What of a tab follows the language of the page, when it opens and when it is changed.

    Attributes:
        words: answered together with the page's own words.
        result: brings what is shown up to date after that.
    """

    words: Step
    result: Step | None = None


class Tab(Protocol):
    """A module of `tabs`; its name in the page is the string `tab_` + `KEY`."""

    KEY: str

    def build(self, page: Page, tab: gr.Tab, /) -> Follows | None:
        """Lay out the tab and connect it; returns what of it follows the page's language."""
