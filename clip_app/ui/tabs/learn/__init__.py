"""The tab 原理: how CLIP works, a step to try for each of five questions."""

import html
from collections.abc import Callable
from types import ModuleType
from urllib.parse import urlencode

import gradio as gr

from clip_app.strings import LANGUAGES, Language, text
from clip_app.ui.parts import PAGE
from clip_app.ui.tab import Page, Room
from clip_app.ui.tabs.learn import failing, languages, noise, pairs, speed

KEY = "learn"

# For each question the module that lays out what is tried, which is also the name of the code
# behind it in `assets/page/learn`; the tab where one goes on, where its words stand in the address,
# and the example that they are about.
_STEPS: tuple[tuple[ModuleType, str, str, str], ...] = (
    (pairs, "match", "texts", "cat"),
    (noise, "match", "texts", "cat"),
    (failing, "classify", "labels", "giraffes"),
    (speed, "gallery", "q", ""),
    (languages, "classify", "labels", "cat"),
)


def build(page: Page, _room: Room) -> None:
    """Lay out the tab; what does not move is there in both languages, and styles show one."""
    with gr.Column(elem_id="learn-questions"):
        for number, (module, *link) in enumerate(_STEPS, 1):
            with gr.Column(elem_classes="question"):
                gr.HTML(_in_both(_asked, number))
                module.build(page)
                code = _code(module.__name__.rpartition(".")[2])
                gr.HTML(_in_both(_answered, number) + code + _link(number, *link))


def _in_both(said: Callable[[int, Language], str], number: int) -> str:
    return "".join(f'<div class="{one}">{said(number, one)}</div>' for one in LANGUAGES)


def _said(key: str, language: Language, **values: int) -> str:
    return html.escape(text(key, language, **values))


def _asked(number: int, language: Language) -> str:
    return (
        f'<p class="number">{_said("learn_number", language, number=number)}</p>'
        f"<h2>{_said(f'learn_{number}', language)}</h2>"
    )


def _answered(number: int, language: Language) -> str:
    return (
        f'<details class="answer"><summary>{_said("learn_answer", language)}</summary>'
        f"<p>{_said(f'learn_{number}_answer', language)}</p>"
        f'<p class="source">{_said(f"learn_{number}_source", language)}</p></details>'
    )


def _code(name: str) -> str:
    lines = html.escape((PAGE / "learn" / f"{name}.py").read_text("utf-8").strip())
    titles = "".join(f'<span class="{one}">{_said("learn_code", one)}</span>' for one in LANGUAGES)
    return (
        f'<details class="code"><summary>{titles}</summary>'
        f'<pre tabindex="0"><code>{lines}</code></pre></details>'
    )


def _link(number: int, tab: str, field: str, photo: str) -> str:
    def one(number: int, language: Language) -> str:
        words = text(f"learn_{number}_words", language)
        values = {"tab": tab, field: words} | ({"photo": photo} if photo else {})
        address = html.escape("?" + urlencode(values))
        return f'<a href="{address}">{_said(f"learn_{number}_try", language)} →</a>'

    return _in_both(one, number)
