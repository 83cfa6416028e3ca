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


#: Those that the page shows, under names that Gradio's own ("image", "language") do not have.
#: `i18n` puts them in: all of them would be 12 kB of the page, compressed.
translations = gr.I18n(**{"en": {}, "zh-CN": {}})


def i18n(key: str) -> Any:
    """The string `key` of `clip_app.strings`, which the browser shows in its language."""
    for said, language in zip(translations.translations.values(), LANGUAGES, strict=True):
        said[_PREFIX + key] = text(key, language)
    return translations(_PREFIX + key)
