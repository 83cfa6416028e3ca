"""The shell of the page: a room a tab, and what Gradio and the shell's script tell each other.

The header is served with the page (`served`), not made by Gradio: it is there before Gradio is.
Rooms are columns, all of them drawn from the beginning; `body[data-tab]` says which one the style
sheet shows. Gradio's own tabs could not share a photograph between two of them, and would draw a
second bar. `Room.select` says when one is visited.
"""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from clip_app.settings import Settings
from clip_app.strings import Language
from clip_app.ui.tab import Room

#: The tabs that stand beside the photograph, which is the same for both.
BESIDE_PHOTO = ("classify", "match")

_VISITS = "window.clipApp.onTab((tab) => { if (tab === props.value) trigger('select'); });"
_MOVES = "window.clipApp.onAddress((now) => { props.value = now; trigger('moved'); });"
_TELL = """
const tell = () => window.dispatchEvent(
  new CustomEvent('clipapp:EVENT', { detail: props.value }));
watch('value', tell);
"""
_MODEL = """
const tell = () => { if (props.value) window.clipApp.model(props.value); };
watch('value', tell);
tell();
"""


def fixed_language(settings: Settings) -> Language | None:
    """The language that the page opens in whatever the browser says; None where that decides."""
    return settings.language if settings.language != "auto" else None


def carrier(
    name: str, script: str, value: Any = None, asks: Sequence[Callable[..., Any]] = ()
) -> gr.HTML:
    """A component that shows nothing: what it holds goes to or comes from the shell's script.

    Args:
        name: its id in the page.
        script: runs in the browser once the component is there.
        value: what it holds at first.
        asks: functions that the script may call, as `server.NAME`.
    """
    return gr.HTML(
        value,
        html_template="",
        js_on_load=script,
        server_functions=list(asks),
        visible="hidden",
        elem_id=name,
        container=False,
    )


def telling_carrier(name: str, event: str) -> gr.HTML:
    """A carrier of which the page's scripts hear each value, as `clipapp:EVENT` of the window."""
    return carrier(name, _TELL.replace("EVENT", event))


def language_switch(settings: Settings) -> gr.Radio:
    """Gradio's side of the switch in the header, which clicks on it."""
    return gr.Radio(
        ["zh", "en"],
        value=fixed_language(settings) or "en",
        show_label=False,
        visible="hidden",
        elem_id="language",
    )


def address_carrier() -> gr.HTML:
    """The address's values, a dict by name; its event `moved` is Back or Forward."""
    return carrier("address", _MOVES, {})


def model_carrier() -> gr.HTML:
    """What the header says of the model: see `clipApp.model` in `assets/page/shell.js`."""
    return carrier("model-told", _MODEL)


def room(key: str, below: gr.Column | None = None) -> Room:
    """The place of a tab, made where it is called."""
    with gr.Column(elem_id=f"room-{key}", elem_classes=["room", f"room-{key}"]) as column:
        visit = carrier(f"visit-{key}", _VISITS, key)
    return Room(key, column, below or column, visit)


def rooms_below_stage(keys: Sequence[str]) -> dict[str, gr.Column]:
    """For each tab of the stage what comes below it, over the whole width."""
    return {
        key: gr.Column(elem_id=f"below-{key}", elem_classes=["room", f"room-{key}"], render=False)
        for key in keys
    }
