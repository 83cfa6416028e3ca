"""Every sentence a person sees, in English and Chinese, a file a topic.

`STRINGS` maps a key to its (English, Chinese) pair. Placeholders are `str.format` fields by name;
the values put into them are data and are never formatted again. Of `[number:photo|photos]` the
first is said where `number` is 1, else the second; so also in the page's scripts (`say`).
"""

import re
from collections.abc import Iterable
from typing import Literal

from clip_app.strings import (
    batch,
    beside,
    card,
    checking,
    explain,
    gallery,
    gallery_map,
    hosting,
    http,
    http_forms,
    images,
    intake,
    labels,
    learn,
    looking,
    map_page,
    model_page,
    models,
    page,
    search_page,
    settings,
    similar,
    sorting,
    sorting_page,
    teach_page,
    teaching,
    terminal,
    typed,
)

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

STRINGS: dict[str, tuple[str, str]] = {
    key: pair
    for topic in (
        images,
        typed,
        gallery,
        gallery_map,
        terminal,
        sorting,
        sorting_page,
        models,
        settings,
        page,
        labels,
        card,
        batch,
        beside,
        search_page,
        similar,
        intake,
        model_page,
        learn,
        looking,
        map_page,
        teaching,
        teach_page,
        checking,
        hosting,
        explain,
        http,
        http_forms,
    )
    for key, pair in topic.STRINGS.items()
}

_COUNTED = re.compile(r"\[(\w+):([^|\]]*)\|([^\]]*)\]")


def text(key: str, language: Language, **params: object) -> str:
    """The sentence `key` in `language`, its placeholders filled with `params`.

    Raises:
        KeyError: if the key is unknown or a placeholder has no value.
    """
    sentence = STRINGS[key][LANGUAGES.index(language)]
    return _COUNTED.sub(lambda one: one[2 if params[one[1]] == 1 else 3], sentence).format(**params)


def sentences(said: Iterable[str], language: Language) -> str:
    """Sentences after one another; in Chinese nothing stands between them."""
    return ("" if language == "zh" else " ").join(said)


def language_of(tag: str | None) -> Language:
    """The interface language for a BCP-47 tag or an `Accept-Language` header.

    Any Chinese (`zh`, `zh-CN`, `zh_TW`, `zh-Hant-HK` …) is Chinese. In a list the entry with the
    highest quality value that is Chinese or English decides; without one it is English.
    """
    ranked: list[tuple[float, int, Language]] = []
    for position, part in enumerate((tag or "").split(",")):
        name, _, options = part.strip().partition(";")
        primary = name.replace("_", "-").split("-")[0].lower()
        try:
            quality = float(options.strip().removeprefix("q=")) if options else 1.0
        except ValueError:
            quality = 0.0
        if primary in LANGUAGES and quality > 0:
            ranked.append((-quality, position, "zh" if primary == "zh" else "en"))
    return min(ranked)[2] if ranked else "en"
