"""Our strings for Gradio, which shows them in the browser's language."""

from collections.abc import Iterable
from typing import Any

import gradio as gr

from clip_app.strings import LANGUAGES, STRINGS, Language, text

_PREFIX = "clip_app_"


def in_both(keys: Iterable[str]) -> dict[Language, dict[str, str]]:
    """Strings for a script of the page, which chooses by the language it is in; `{…}` stay."""
    return {
        language: {key: STRINGS[key][place] for key in keys}
        for place, language in enumerate(LANGUAGES)
    }


def _translations() -> gr.I18n:
    """Our strings, under names that Gradio's own ("image", "language") do not have."""
    fixed = {
        language: {
            _PREFIX + key: text(key, language)
            for key, pair in STRINGS.items()
            if not any("{" in one.replace("{{", "") for one in pair)
        }
        for language in LANGUAGES
    }
    return gr.I18n(en=fixed["en"], **{"zh-CN": fixed["zh"]})


translations = _translations()


def i18n(key: str) -> Any:
    """The string `key` of `clip_app.strings`, which the browser shows in its language."""
    return translations(_PREFIX + key)
