"""What a tab gets from the page, and what of it follows the page's language."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

import gradio as gr

from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.stores.store import Store
from clip_app.model.slot import ModelSlot
from clip_app.settings import Settings
from clip_app.strings import Language
from clip_app.ui.concepts import PageConcepts
from clip_app.ui.photo_column import PhotoColumn

#: What a handler takes and what it answers: values by component.
Values = dict[Any, Any]

#: How the page listens to almost all of its events: they are none of the API's, and Gradio draws no
#: progress over what they answer.
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

#: ... to those of which each counts: by itself Gradio drops an event while the one before it is
#: being answered, and with it the photographs that it brings.
EACH: dict[str, Any] = {**PRIVATE, "trigger_mode": "multiple"}


@dataclass
class Spoken:
    """The language a visitor's page is in now; None until the browser has said which."""

    language: Language | None = None


@dataclass
class Chosen:
    """The gallery that a visitor has chosen, for the tabs after the one that lets them choose.

    Attributes:
        inputs: what `store` takes the values of.
        store: its index; raises `GalleryError` where it has none that the model can search.
    """

    inputs: Set[Any] = frozenset()
    store: Callable[[Values], Store] | None = None


@dataclass(frozen=True)
class Page:
    """What every tab works with.

    Attributes:
        slot: the model that answers.
        galleries: the folders that can be searched.
        settings: what the app was started with.
        language: what the switch in the header says; a handler gets what it said when the handler
            was called.
        spoken: a `Spoken` of each visitor, which a run that takes long reads at each step.
        address: the values of the page's address, a dict of strings by name (tab, q, labels, lang,
            template …), read before the first result; `address.moved(…)` is an event like any
            other, after Back or Forward.
        photo: the photograph that classifying and matching share.
        model_told: what the header says of the model.
        advised: the texts with which a better model for English was named in this visit; "" before.
        concepts: what this visitor has taught the model.
        chosen: the gallery that this visitor searches.
    """

    slot: ModelSlot
    galleries: GalleryService
    settings: Settings
    language: gr.Radio
    spoken: gr.State
    address: gr.HTML
    photo: PhotoColumn
    model_told: gr.HTML
    advised: gr.State
    concepts: PageConcepts
    chosen: Chosen = field(default_factory=Chosen)

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


@dataclass(frozen=True)
class Room:
    """The place of a tab in the page; `build` is called inside of its column.

    Rooms are always drawn, shown or not.

    Attributes:
        key: the tab's key.
        column: where the tab is built: beside the photograph for `classify` and `match`, over the
            whole width for the others.
        below: what comes below both, over the whole width (`with room.below:`); `column` itself
            for the others.
        visit: see `select`.
    """

    key: str
    column: gr.Column
    below: gr.Column
    visit: gr.HTML

    @property
    def select(self) -> Any:
        """The event of a visit: the page has opened on this tab, or the visitor has come to it.

        It is called like `gr.Tab.select`, and stands in `gr.on` like it. The first one comes once
        the page knows its language and address.
        """
        return self.visit.select


class Tab(Protocol):
    """A module of `tabs`; its name in the page is the string `tab_` + `KEY`."""

    KEY: str

    def build(self, page: Page, room: Room, /) -> Follows | None:
        """Lay out the tab and connect it; returns what of it follows the page's language."""
