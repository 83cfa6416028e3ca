"""What a person typed, and the prompts made of it: labels, templates, label sets."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from clip_app.errors import InputError
from clip_app.settings import ASSETS
from clip_app.strings import LANGUAGES, Language, text
from clip_app.text_lists import merged, near_duplicates, split_labels, split_lines
from clip_app.text_tables import pasted_captions

MAX_LABELS = 10_000
MAX_LABEL_LENGTH = 10_000
MAX_COLLECTION_LINES = 100_000

# Fewer texts say too little of what is asked to call a page English.
_ENGLISH_TEXTS = 3

# Near duplicates among the labels that are named; the rest goes without saying.
_PAIRS_SHOWN = 3

# CLIP's sets (Radford et al. 2021, section 3.1.4 and the authors' notebook). Kept as data, since
# open_clip, which has them too, takes seconds to import.
_CLIP_SETS = json.loads((ASSETS / "templates.json").read_text("utf-8"))

# The Chinese ones are our translations of kinds of prompt in the set of seven.
TEMPLATE_SETS: dict[str, tuple[str, ...]] = {
    "none": ("{}",),
    "single": ("a photo of a {}.",),
    "clip7": tuple(_CLIP_SETS["clip7"]),
    "clip80": tuple(_CLIP_SETS["clip80"]),
    "chinese": ("{}", "一张{}的照片。", "这是{}的图片。", "一张有{}的照片。"),
}

_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


# What is searched for is put into these, and the mean of the prompts is what is looked for:
# `benchmarks/search_frames.py` compares them with one prompt.
_SEARCH_FRAMES: dict[Language, tuple[str, ...]] = {
    "en": TEMPLATE_SETS["clip7"],
    "zh": ("{}", "一张{}的照片。", "我拍的{}。", "{}的画。"),
}

# A whole sentence gains nothing by more prompts than one: of 159 captions, the photograph was first
# for 32 % with one and for 31 % with seven.
_ONE_FRAME: dict[Language, tuple[str, ...]] = {
    "en": TEMPLATE_SETS["single"],
    "zh": (TEMPLATE_SETS["chinese"][1],),
}
_SENTENCE_WORDS = 8
_SENTENCE_CHARACTERS = 12

# What a prompt says already. "a photo of the cat" is the cat; "photo album" is none.
_FRAMED = re.compile(
    r"^(?:(?:an?|the|some)\s+)?(?:photo(?:graph)?s?|pictures?|images?|pics?)\s+of\s+(?=\S)"
    r"|^(?:[一几]张)(?=.+的(?:照片|图片|相片)$)|(?<=.)的(?:照片|图片|相片)$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class LabelSet:
    """Labels that are ready to use, by language, aligned.

    Attributes:
        starter: how often the starter put the right one first on photographs it was not trained
            on, the worse of both languages, in [0, 1]; None where it was not measured. The file
            says on which photographs.
    """

    key: str
    names: dict[Language, str]
    labels: dict[Language, tuple[str, ...]]
    starter: float | None = None


def parse_labels(typed: str) -> list[str]:
    """Labels in the order typed, cleaned as `text_lists` says, without blanks and repetitions.

    They are separated by commas, Chinese commas, semicolons, tabs or line breaks.

    Raises:
        InputError: if none is left, there are more than `MAX_LABELS`, or one is too long.
    """
    labels = merged(split_labels(typed))
    check_texts(labels, MAX_LABELS, "labels")
    return labels


def given_texts(texts: object, kind: Literal["labels", "descriptions"] = "labels") -> list[str]:
    """Labels or descriptions that came already apart, as they are.

    Raises:
        InputError: if there are none, one is blank, or something in them is no text.
    """
    if texts is None:
        raise InputError(f"{kind}_missing")
    given: list[Any] = list(texts) if isinstance(texts, Iterable) else [texts]
    for one in given:
        if not isinstance(one, str):
            raise InputError("texts_other_kind", kind=type(one).__name__)
        if not one.strip():
            raise InputError("text_empty")
    if not given:
        raise InputError(f"{kind}_missing")
    return given


def parse_synonyms(typed: str) -> list[list[str]]:
    """Names for the same thing, a line a thing: `can | tin | drink can`; a single one says nothing.

    Raises:
        InputError: if there are more than `MAX_LABELS`, or one is too long.
    """
    cells = (re.split("[|｜]", line) for line in typed.splitlines())
    lines = [merged(filter(None, (" ".join(one.split()) for one in line))) for line in cells]
    found = [names for names in lines if len(names) > 1]
    if found:
        check_texts([name for names in found for name in names], MAX_LABELS, "labels")
    return found


def parse_lines(typed: str, limit: int = MAX_COLLECTION_LINES) -> list[str]:
    """Descriptions, one a line, in the order typed, cleaned, without blanks and repetitions.

    Of a pasted table that has a column of captions, those are taken.

    Raises:
        InputError: if none is left, there are more than `limit`, or one is too long.
    """
    lines = merged(pasted_captions(typed.splitlines()) or split_lines(typed))
    check_texts(lines, limit, "descriptions")
    return lines


def shortened(label: str, length: int = 80) -> str:
    """`label`, cut to `length` characters where it is longer."""
    return label if len(label) <= length else f"{label[: length - 1]}…"


def shared_scores(labels: Sequence[str], language: Language) -> str:
    """The sentence that names labels which take the score from one another; empty without any."""
    alike = near_duplicates(labels)[:_PAIRS_SHOWN]
    pairs = "; ".join(f"{shortened(one)} = {shortened(other)}" for one, other in alike)
    return text("labels_share", language, pairs=pairs) if pairs else ""


def fill_template(template: str, label: str) -> str:
    """`template` with `label` in place of `{}`; whatever else is in either stays as it is."""
    return template.replace("{}", label)


def choose_templates(choice: str | None, labels: Sequence[str]) -> tuple[str, ...]:
    """The templates for what a person chose.

    Args:
        choice: a key of `TEMPLATE_SETS`; `auto` or nothing for `single`, or `chinese` where the
            labels are; or templates of one's own, one a line, each with `{}` in it.

    Raises:
        InputError: if a template has no `{}`.
    """
    if choice is not None and not isinstance(choice, str):
        raise InputError("texts_other_kind", kind=type(choice).__name__)
    if not choice or not choice.strip() or choice == "auto":
        return TEMPLATE_SETS["chinese" if language_of_texts(labels) == "zh" else "single"]
    if choice in TEMPLATE_SETS:
        return TEMPLATE_SETS[choice]
    own = parse_lines(choice, MAX_LABELS)
    for template in own:
        if "{}" not in template:
            raise InputError("template_without_place", template=template[:60])
    return tuple(own)


def search_prompts(typed: str) -> tuple[str, tuple[str, ...]]:
    """What a text that is searched for is about, and the templates to put that into.

    An article and "a photo of" before it go, as the templates have both.

    >>> search_prompts("a photo of a cat")[0]
    'cat'
    """
    language = language_of_texts([typed])
    about = _ARTICLE.sub("", _FRAMED.sub("", typed)) or typed
    long = (
        len(about.split()) >= _SENTENCE_WORDS
        if language == "en"
        else (len(about) >= _SENTENCE_CHARACTERS)
    )
    return about, (_ONE_FRAME if long else _SEARCH_FRAMES)[language]


def language_of_texts(texts: Sequence[str]) -> Language:
    """`zh` where at least half of the texts hold a Chinese character, else `en`."""
    chinese = sum(bool(_CHINESE.search(one)) for one in texts)
    return "zh" if texts and 2 * chinese >= len(texts) else "en"


def all_english(texts: Sequence[str]) -> bool:
    """Whether there are some texts, each has letters, and all are of the English alphabet.

    Accents, as in most other languages that are written in Latin letters, speak against it.
    """
    letters = ["".join(filter(str.isalpha, one)) for one in texts]
    return len(texts) >= _ENGLISH_TEXTS and all(one and one.isascii() for one in letters)


@cache
def label_sets() -> dict[str, LabelSet]:
    """The label sets in `assets/label_sets/`, by key, in the order of their files' `order`."""
    found = []
    for path in (ASSETS / "label_sets").glob("*.json"):
        data = json.loads(path.read_text("utf-8"))
        labels = data["labels"]
        found.append(
            (
                data.get("order", len(labels["en"])),
                LabelSet(
                    data["id"],
                    {language: data["name"][language] for language in LANGUAGES},
                    {language: tuple(labels[language]) for language in LANGUAGES},
                    data.get("starter", {}).get("accuracy"),
                ),
            )
        )
    return {one.key: one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].key))}


def check_texts(texts: Sequence[str], limit: int, kind: Literal["labels", "descriptions"]) -> None:
    """Raise an `InputError` if there are none, more than `limit`, or one is too long."""
    if not texts:
        raise InputError(f"{kind}_missing")
    if len(texts) > limit:
        raise InputError(f"{kind}_too_many", number=len(texts), limit=limit)
    longest = max(map(len, texts))
    if longest > MAX_LABEL_LENGTH:
        raise InputError("text_too_long", number=longest, limit=MAX_LABEL_LENGTH)
