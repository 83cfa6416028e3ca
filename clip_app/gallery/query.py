"""What a person typed into the search field, as weighted terms: `beach + sunset - people`.

CLIP models hardly understand negation: "cat without glasses" finds cats with glasses. So what is
negated in plain words, in either language, becomes a term to subtract, and is shown as one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clip_app.errors import InputError
from clip_app.prompts import MAX_LABEL_LENGTH

# A query that long is a mistake, and each term costs a text encoding.
MAX_TERMS = 32


@dataclass(frozen=True)
class TextTerm:
    """A text to look for, or with a negative weight to stay away from."""

    text: str
    weight: float = 1.0

    @property
    def name(self) -> str:
        """What to call it."""
        return self.text


class Named(Protocol):
    """Any term: what it is called, and its weight."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def weight(self) -> float: ...  # noqa: D102


# Signs count only between spaces, so that "t-shirt" and "black-and-white" stay whole. Full-width
# signs need none, as Chinese is written without.
# The last of them is what `describe` shows.
_SIGN = re.compile(r"(?:^|\s)([+\-−])\s+|\s*([＋－])\s*|(?:^|\s)(-)(?=\S)")
_WEIGHT = re.compile(r"^(\d{1,4}(?:\.\d{1,4})?)\s*[*×:：]\s*(?=\D)(.+)$")

# What is wanted ends before its separators (the lookbehinds below): a text of ten thousand commas
# would otherwise be divided in all ways, which takes minutes.
_ARTICLE = r"(?:(?:any|an?|the|some)\s+)?"
_ENGLISH = re.compile(
    rf"^(?P<wanted>.+?)(?<![\s,;])[\s,;]+(?:but\s+)?(?:without|with\s+no|and\s+no|but\s+no"
    rf"|excluding|except(?:\s+for)?|but\s+not|(?<=[,;]\s)no|(?<=[,;]\s)not)\s+{_ARTICLE}(?P<unwanted>.+)$",
    re.IGNORECASE,
)
_ENGLISH_ONLY = re.compile(
    rf"^(?:no|without|not|except|excluding)\s+{_ARTICLE}(?P<unwanted>.+)$", re.IGNORECASE
)

# 不戴眼镜 is "not wearing glasses": the verb stays with what is worn. 无 alone begins many words
# that negate nothing (无人机 is a drone), so it counts in set phrases only.
_NOT_HAVE = r"(?:没有|不含|不带|不要|除了|除去|排除)"
_NOT_WEAR = r"不(?=戴|穿|是|在)"
_CHINESE_BEFORE = re.compile(
    rf"^(?:{_NOT_HAVE}|{_NOT_WEAR})(?P<unwanted>.+?)(?:以外|之外)?的(?P<wanted>[^的].*)$"
)
_CHINESE_AFTER = re.compile(
    rf"^(?P<wanted>.+?)(?<![，,、\s])[，,、\s]*(?:但|而|且|并|但是|而且|里|中|上)?"
    rf"(?:{_NOT_HAVE}|{_NOT_WEAR})(?P<unwanted>[^的]+?)(?:以外|之外)?$"
)
_CHINESE_ONLY = re.compile(rf"^(?:{_NOT_HAVE}|{_NOT_WEAR})(?P<unwanted>[^的]+)$")
_NOBODY = re.compile(r"^(?:空无一人|无人|没人)的(?P<wanted>.+)$")


def parse_query(typed: str, exclude: str = "") -> list[TextTerm]:
    """The terms of a query.

    Terms are joined by ` + ` and ` - ` between spaces (or full-width ＋ －); a number with a colon
    before a term is its weight (`2: beach`). What is negated in words ("without people", 没有人的)
    is subtracted.

    Args:
        typed: the search field.
        exclude: another field, whose parts (separated by commas, semicolons, line breaks) are
            subtracted all.

    Raises:
        InputError: if there are too many terms, or one is too long.
    """
    terms: list[TextTerm] = []
    for sign, part in _signed_parts(typed):
        _check_length(part)
        weight, text = _weighted(part)
        for wanted, piece in _negation(text):
            terms.append(TextTerm(piece, weight * sign * (1 if wanted else -1)))
    for part in re.split(r"[,，、;；\n\r]+", exclude):
        if part.strip():
            weight, text = _weighted(part.strip())
            terms.append(TextTerm(text, -weight))
    if len(terms) > MAX_TERMS:
        raise InputError("terms_too_many", number=len(terms), limit=MAX_TERMS)
    for term in terms:
        _check_length(term.text)
    return terms


def describe(terms: Sequence[Named]) -> str:
    """The terms as they were understood, in the syntax of `parse_query`."""
    parts = []
    for term in terms:
        size = abs(term.weight)
        weight = "" if size == 1 else f"{size:g}: "
        sign = "−" if term.weight < 0 else "+"
        parts.append(f"{sign} {weight}{term.name}")
    return " ".join(parts).removeprefix("+ ")


def _check_length(text: str) -> None:
    if len(text) > MAX_LABEL_LENGTH:
        raise InputError("text_too_long", number=len(text), limit=MAX_LABEL_LENGTH)


def _signed_parts(typed: str) -> list[tuple[int, str]]:
    parts, sign, start = [], 1, 0
    # One space for many: what the patterns would try again from each of them.
    typed = " ".join(typed.split())
    for found in _SIGN.finditer(typed):
        parts.append((sign, typed[start : found.start()]))
        sign = -1 if (found[1] or found[2] or found[3]) in "-－−" else 1
        start = found.end()
    parts.append((sign, typed[start:]))
    return [(sign, part.strip()) for sign, part in parts if part.strip()]


def _weighted(part: str) -> tuple[float, str]:
    found = _WEIGHT.match(part)
    return (float(found[1]), found[2].strip()) if found else (1.0, part)


def _negation(text: str) -> list[tuple[bool, str]]:
    """(whether it is wanted, piece) of a text in which something may be negated."""
    if found := _NOBODY.match(text):
        return [(True, found["wanted"].strip()), (False, "人")]
    for pattern in (_CHINESE_BEFORE, _ENGLISH, _CHINESE_AFTER):
        if found := pattern.match(text):
            wanted, unwanted = found["wanted"].strip(), found["unwanted"].strip()
            if wanted and unwanted:
                return [(True, wanted), (False, unwanted)]
    for pattern in (_ENGLISH_ONLY, _CHINESE_ONLY):
        if (found := pattern.match(text)) and (unwanted := found["unwanted"].strip()):
            return [(False, unwanted)]
    return [(True, text)]
