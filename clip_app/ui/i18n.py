"""Our strings for Gradio, which shows them in the browser's language."""

from typing import Any

import gradio as gr

from clip_app.prompts import label_sets
from clip_app.strings import LANGUAGES, STRINGS, text

_PREFIX = "clip_app_"


def label_set_string(key: str) -> str:
    """The key under which the page finds a label set's name."""
    return f"label_set_{key}"


def _translations() -> gr.I18n:
    """Our strings, under names that Gradio's own ("image", "language") do not have."""
    fixed = {
        language: {
            _PREFIX + key: text(key, language)
            for key, pair in STRINGS.items()
            if not any("{" in one.replace("{{", "") for one in pair)
        }
        | {
            _PREFIX + label_set_string(key): one.names[language]
            for key, one in label_sets().items()
        }
        for language in LANGUAGES
    }
    return gr.I18n(en=fixed["en"], **{"zh-CN": fixed["zh"]})


translations = _translations()


def i18n(key: str) -> Any:
    """The string `key` of `clip_app.strings`, which the browser shows in its language."""
    return translations(_PREFIX + key)
