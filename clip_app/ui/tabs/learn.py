"""The tab 原理: how CLIP works, with something to try for each question."""

import html
from urllib.parse import urlencode

import gradio as gr

from clip_app.strings import LANGUAGES, text
from clip_app.ui.tab import Page, Room

KEY = "learn"

# For each question the tab where it is tried, and where its words stand in the address.
_TRIES = (
    ("match", "texts"),
    ("match", "texts"),
    ("classify", "labels"),
    ("gallery", "q"),
    ("classify", "labels"),
)


def build(_page: Page, _room: Room) -> None:
    """Lay out the tab; both languages are in it, and the style sheet shows one."""
    gr.HTML("".join(map(_question, range(1, len(_TRIES) + 1))), elem_id="learn-questions")


def _question(number: int) -> str:
    tab, field = _TRIES[number - 1]
    parts = []
    for language in LANGUAGES:
        said = {
            key: html.escape(text(f"learn_{number}{key}", language))
            for key in ("", "_answer", "_try")
        }
        words = text(f"learn_{number}_words", language)
        link = html.escape("?" + urlencode({"tab": tab, field: words}))
        parts.append(
            f'<div class="{language}"><p class="number">'
            f"{html.escape(text('learn_number', language, number=number))}</p>"
            f"<h2>{said['']}</h2><p>{said['_answer']}</p>"
            f'<a href="{link}">{said["_try"]} →</a></div>'
        )
    return f'<section class="question">{"".join(parts)}</section>'
