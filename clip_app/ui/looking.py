"""Where the model looked: choose a bar of a result card, and its heat map lies on the photograph.

The card's script asks by `select`; the map goes to the photograph's script through a carrier, by
the event `clipapp:looked` of `window`. Stop comes back by `clipapp:look-stop`.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from clip_app.errors import ClipAppError, Reason
from clip_app.model.service import ModelService
from clip_app.prompts import shortened
from clip_app.server.answers import heatmap_sentence
from clip_app.strings import LANGUAGES, Language, sentences, text
from clip_app.tasks.heatmap import PASSES, heatmap
from clip_app.ui.photo_column import opened
from clip_app.ui.result_card import ResultCard
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.shell import carrier
from clip_app.ui.tab import EACH, PRIVATE, Values
from clip_app.ui.words import said_in_both

log = logging.getLogger(__name__)

# `CARD` is the card's id.
_SCRIPT = """
const tell = () => {
  if (props.value) window.dispatchEvent(new CustomEvent('clipapp:looked', { detail: props.value }));
};
watch('value', tell);
window.addEventListener('clipapp:look-stop', ({ detail }) => {
  if (detail === CARD) trigger('stop');
});
"""

#: The names that a card ranks and the templates they are put into, by a handler's values.
Words = Callable[[Values], tuple[Sequence[str], str]]


def show_where(card: ResultCard, words: Words, inputs: set[Any]) -> None:
    """Answer when a bar of `card` is chosen; `words` takes the values of `inputs`."""
    name = str(card.component.elem_id)
    carried = carrier(f"{name}-heat", _SCRIPT.replace("CARD", json.dumps(name)))
    looking = _Looking(card, words, carried, gr.State(Wanted()))
    asked = {card.page.photo, card.page.language, looking.wanted, *inputs}
    # Each choice at once, and runs for those before hear of it: of what "always_last" keeps for
    # later it tells what was chosen first.
    card.component.select(looking.look, asked, carried, **EACH)
    carried.stop(looking.stop, {looking.wanted}, None, queue=False, **PRIVATE)


@dataclass(frozen=True)
class _Looking:
    """The handlers of a card's bars."""

    card: ResultCard
    words: Words
    carried: gr.HTML
    wanted: gr.State

    def look(self, given: Values, chosen: gr.EventData) -> Iterator[Values]:
        """The map of the chosen name against the others; how far it is, while it is made."""
        name = str(chosen.label)
        for state in errors_said(name, self._looked(given, name, int(chosen.turn))):
            yield self._told(**state)

    def _looked(self, given: Values, name: str, turn: int) -> Iterator[dict[str, Any]]:
        page, wanted = self.card.page, given[self.wanted]
        # Runs do not begin in the order of their choices.
        if (turn,) < wanted.asked:
            return
        mine = wanted.asked = (turn,)
        service = page.slot.service
        photo = opened(given[page.photo], service)
        names, templates = self.words(given)
        yield from looks(
            service,
            photo,
            name,
            contrast=names,
            templates=templates,
            unwanted=lambda: wanted.asked != mine,
        )

    def _told(self, **state: Any) -> Values:
        # An answer equal to the one before would go unnoticed.
        told = {"card": self.card.component.elem_id, "at": time.monotonic_ns(), **state}
        return {self.carried: told}

    def stop(self, given: Values) -> None:
        """None is asked."""
        given[self.wanted].asked = ()


def looks(
    service: ModelService,
    photo: Image.Image,
    name: str,
    *,
    unwanted: Callable[[], bool],
    contrast: Sequence[str] | None = None,
    templates: str | None = None,
) -> Iterator[dict[str, Any]]:
    """What `heatOver` of the page paints, one state after the other, until a map is there; what is
    said of it is said in both languages, so that it follows the page's switch.

    Args:
        service: the model to ask.
        photo: the photograph, decoded.
        name: what is looked for in it; `contrast` and `templates` are as in `heatmap`.
        unwanted: looked at again and again; once it is true nothing more is told.

    Raises:
        InputError, ModelError: as `heatmap` does.
    """
    try:
        heat = yield from followed(
            lambda now: heatmap(
                service, photo, name, contrast=contrast, templates=templates, progress=now
            ),
            unwanted,
            lambda done, total: {"label": name, "state": "running", "done": done, "total": total},
        )
    except StoppedError:
        return

    def how(language: Language) -> str:
        said = [text("heat_how", language, passes=PASSES)]
        if heat.cropped:
            said.append(text("heat_cropped", language))
        return sentences(said, language)

    yield {
        "label": name,
        "state": "shown" if heat.clear else "unclear",
        "legend": said_in_both(Reason("heat_legend", {"text": shortened(name, 24)})),
        "sentence": {one: heatmap_sentence(name, heat, one) for one in LANGUAGES},
        "how": {one: how(one) for one in LANGUAGES},
        "values": [[round(one, 3) for one in row] for row in heat.values.tolist()],
        "box": list(heat.box),
    }


def errors_said(name: str, states: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """`states` of `looks`; an error is the last of them, as one sentence in both languages.

    Args:
        name: what is looked for.
        states: they may raise anything.
    """
    try:
        yield from states
        return
    except ClipAppError as error:
        log.info("%s: %s", type(error).__name__, error)
        said = said_in_both(error)
    except Exception:
        log.exception("Unexpected error in a heat map")
        said = said_in_both(Reason("unexpected"))
    yield {"label": name, "state": "unclear", "sentence": said}
