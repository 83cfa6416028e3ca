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


# Signs count between spaces, a hyphen also before a word, so that "t-shirt", "black-and-white" and
# "-5 degrees" stay whole. Full-width signs need no space, as Chinese is written without.
# The minus sign proper is what `describe` shows; nobody types it for a hyphen.
_SIGN = re.compile(r"(?:^|\s)([+\-−–—＋－﹢﹣])\s+|([＋－])|(?:^|\s)([\-−])(?=[^\W\d_])")
_PLUS = "+＋﹢"
_HYPHENS = "-–—－﹣"
_SIGNS = {*_PLUS, *_HYPHENS, "−"}
_BLANK = "".join(_SIGNS) + " "
# As far as a sign looks to tell whether it is one.
_NEAR = 100

# Up to ten: "2001: A Space Odyssey" is no weight, nor are "7:eleven", "16:9" and "5* hotel".
_WEIGHT = re.compile(
    r"^(10|[1-9](?:\.\d{1,4})?|0?\.\d{1,4})"
    r"(?:\s*[×：]\s*|\*(?=\S)|\s+\*\s+|\s*:(?:\s+|(?=[^\x00-\x7f])))(?=[^\d\s])(.+)$"
)

# What is in quotation marks is taken as it stands. 《》 are the marks of titles.
_PAIRS = tuple(
    (one[0], one[1]) for one in ('""', "“”", "「」", "『』", "《》", "«»", "''", "‘’", "``")
)
_QUOTED = re.compile(
    r"(?:^|(?<=[\s+\-−＋－:：*×]))(?:"
    + "|".join(f"{start}[^{start}{end}]+{end}" for start, end in _PAIRS)
    + r")(?=$|[\s＋－])"
)

# Negated words by themselves ("no smoking sign", "without doubt") mostly mean something else. Only
# of these things it is clear that pictures without them are wanted.
_THING = (
    r"(?:people|persons?|humans?|men|women|children|kids|faces?|animals?|pets|dogs?|cats?|birds?"
    r"|cars?|vehicles|traffic|buildings?|houses|trees?|flowers|clouds?|text|letters|words|writing"
    r"|watermarks?|logos?|snow|water|glasses|hats?|food|furniture)"
)
_CHINESE_THING = (
    "(?:人|人物|人类|人類|行人|游客|遊客|文字|字|水印|浮水印|动物|動物|车|車|汽车|汽車|车辆|車輛"
    "|建筑|建築|房子|树|樹|云|雲|雪|水|猫|貓|狗|鸟|鳥|花|草|眼镜|眼鏡|帽子)"
)

# What is wanted ends before its separators (the lookbehinds below): a text of ten thousand commas
# would otherwise be divided in all ways, which takes minutes.
_ARTICLE = r"(?:(?:any|an?|the|some)\s+)?"
_ENGLISH = re.compile(
    rf"^(?P<wanted>.+?)(?<![\s,;])[\s,;]+(?:but\s+)?(?P<by>without|with\s+no|and\s+no|but\s+no"
    rf"|excluding|except(?:\s+for)?|but\s+not|(?<=[,;]\s)no|(?<=[,;]\s)not)\s+{_ARTICLE}(?P<unwanted>.+)$",
    re.IGNORECASE,
)
_ENGLISH_BEFORE = re.compile(
    rf"^(?:(?:no|without)\s+{_ARTICLE}(?P<unwanted>{_THING})|no(?:\s+one|-one|body))"
    rf"\s+(?:on|in|at|near|by|along|under|around|inside)\s+{_ARTICLE}(?P<wanted>.+)$",
    re.IGNORECASE,
)
_ENGLISH_ONLY = re.compile(
    rf"^(?:no|without|not|except|excluding)\s+{_ARTICLE}(?P<unwanted>{_THING})$", re.IGNORECASE
)
# "a no parking sign" is there to be seen, and nobody is to be without doubt.
_NOTICE = re.compile(r"\b(?:signs?|symbols?|notices?)$", re.IGNORECASE)
_IDIOM = re.compile(
    r"(?:doubt|question|fail|exception|borders|limits|reason|warning|end)\b", re.IGNORECASE
)

# 不戴眼镜 is "not wearing glasses": the verb stays with what is worn. 无 and 没 alone begin many
# words that negate nothing (无人机 is a drone, 没关系 "never mind"), so they count before known
# things only.
_NOT = (
    r"(?P<by>[没沒]有|不包?含|不[带帶要]|[别別]要|除了|除去|排除|[不没沒](?=[戴穿])|不(?=是|在)"
    rf"|[没沒无無](?={_CHINESE_THING}(?:的|$)))"
)
_CHINESE_BEFORE = re.compile(
    rf"^{_NOT}(?P<unwanted>.+?)(?:(?:以外|之外)?的|(?:以外|之外)[，,\s]*)(?P<wanted>[^的].*)$"
)
_CHINESE_AFTER = re.compile(
    rf"^(?P<wanted>.+?)(?<![，,、\s])[，,、\s]*(?:但|而|且|并|並|但是|而且|里|裡|裏|中|上)?"
    rf"{_NOT}(?P<unwanted>[^的]+?)(?:以外|之外)?$"
)
_CHINESE_ONLY = re.compile(rf"^{_NOT}(?P<unwanted>{_CHINESE_THING})$")
_NOBODY = re.compile(r"^空[无無]一人的(?P<wanted>.+)$")
# 不要停车 is what a sign says, not a wish for pictures without it.
_FORBIDDEN = re.compile(
    "停[车車]|吸[烟煙]|抽[烟煙]|拍照|拍[摄攝]|入[内內]|[进進]入|触摸|觸摸|踩踏|[践踐]踏|靠近|攀爬|游泳"
    "|喧[哗嘩]|打[扰擾]|[说說][话話]|奔跑|[乱亂]扔|[鸣鳴]笛|投喂|投餵"
)


def parse_query(typed: str, exclude: str = "", *, literal: bool = False) -> list[TextTerm]:
    """The terms of a query.

    Terms are joined by ` + ` and ` - ` between spaces (or full-width ＋ －); a number up to ten
    with a colon before a term is its weight (`2: beach`). What is negated in words ("without
    people", 没有人的) is subtracted. A hyphen between two capitalized words or numbers is a
    hyphen ("New York - Paris"), and what is in quotation marks is taken as it stands.

    Args:
        typed: the search field.
        exclude: another field, whose parts (separated by commas, semicolons, line breaks) are
            subtracted all.
        literal: take the search field as it stands.

    Raises:
        InputError: if there are too many terms, or one is too long.
    """
    terms: list[TextTerm] = []
    typed = " ".join(typed.split())
    for sign, part in [(1, typed)] if literal and typed else _signed_parts(typed):
        _check_length(part)
        for text, weight in [(part, 1.0)] if literal else _weighed_pieces(part):
            terms.append(TextTerm(text, sign * weight))
    for part in re.split(r"[,，、;；\n\r]+", exclude):
        if part.strip():
            weight, text = _weighted(part.strip())
            terms.append(TextTerm(_without_quotes(text), -weight))
    if len(terms) > MAX_TERMS:
        raise InputError("terms_too_many", number=len(terms), limit=MAX_TERMS)
    for term in terms:
        _check_length(term.text)
    return terms


def describe(terms: Sequence[Named]) -> str:
    """The terms as they were understood, in the syntax of `parse_query`.

    A text that would be understood otherwise when typed is in quotation marks.
    """
    parts = []
    for term in terms:
        size = abs(term.weight)
        weight = "" if size == 1 else f"{size:g}: "
        sign = "−" if term.weight < 0 else "+"
        # A sign at its end would be taken for one of those between the terms.
        alone = len(terms) == 1 and term.weight == 1
        open_ended = not alone and bool({term.name[:1], term.name[-1:]} & _SIGNS)
        name = in_quotes(term.name) if open_ended or is_interpreted(term.name) else term.name
        parts.append(f"{sign} {weight}{name}")
    return " ".join(parts).removeprefix("+ ")


def is_interpreted(typed: str) -> bool:
    """Whether a query is understood as something else than the text that it is."""
    typed = " ".join(typed.split())
    parts = _signed_parts(typed)
    return bool(typed) and (parts != [(1, typed)] or _weighed_pieces(typed) != [(typed, 1.0)])


def in_quotes(text: str) -> str:
    """The text in quotation marks that do not occur in it, so that it is taken as it stands."""
    pair = next((one for one in _PAIRS if one[0] not in text and one[1] not in text), None)
    return f"{pair[0]}{text}{pair[1]}" if pair else text


def _check_length(text: str) -> None:
    if len(text) > MAX_LABEL_LENGTH:
        raise InputError("text_too_long", number=len(text), limit=MAX_LABEL_LENGTH)


def _signed_parts(typed: str) -> list[tuple[int, str]]:
    """(1 or -1, part) of a text without runs of spaces, from each of which patterns would start."""
    if " " in typed and not typed.strip(_BLANK):
        return []  # signs with nothing between them
    parts, sign, start = [], 1, 0
    # In quotation marks there are no signs.
    bare = _QUOTED.sub(lambda found: "x" * len(found[0]), typed)
    for found in _SIGN.finditer(bare):
        which = found[1] or found[2] or found[3]
        if not _is_sign(which, bare, found.start(), found.end()):
            continue
        parts.append((sign, typed[start : found.start()]))
        sign = 1 if which in _PLUS else -1
        start = found.end()
    parts.append((sign, typed[start:]))
    return [(sign, part.strip()) for sign, part in parts if part.strip()]


def _is_sign(which: str, typed: str, start: int, end: int) -> bool:
    """Whether a hyphen subtracts: not in "New York - Paris", "pages 10 - 20" and "- 5 degrees"."""
    after = typed[end : end + _NEAR]
    if which not in _HYPHENS or _WEIGHT.match(after):
        return True
    before = typed[typed.rfind(" ", 0, start) + 1 : start]
    if not before or which == "－":
        return not after[:1].isdigit()
    return not (_begins_name(before) and _begins_name(after))


def _begins_name(text: str) -> bool:
    return text[:1].isupper() or text[:1].isdigit()


def _weighed_pieces(part: str) -> list[tuple[str, float]]:
    """(text, weight) of the terms that a part between signs holds."""
    weight, text = _weighted(part)
    if (plain := _without_quotes(text)) != text:
        return [(plain, weight)]
    return [(piece, weight if wanted else -weight) for wanted, piece in _negation(text)]


def _weighted(part: str) -> tuple[float, str]:
    found = _WEIGHT.match(part)
    if found and (weight := float(found[1])):
        return weight, found[2].strip()
    return 1.0, part


def _without_quotes(text: str) -> str:
    inner = text[1:-1].strip()
    return inner if inner and _QUOTED.fullmatch(text) else text


def _negation(text: str) -> list[tuple[bool, str]]:
    """(whether it is wanted, piece) of a text in which something may be negated."""
    if found := _NOBODY.match(text):
        return [(True, found["wanted"].strip()), (False, "人")]
    if (found := _ENGLISH_BEFORE.match(text)) and not _NOTICE.search(text):
        return [(True, found["wanted"].strip()), (False, found["unwanted"] or "people")]
    for pattern in (_CHINESE_BEFORE, _ENGLISH, _CHINESE_AFTER):
        if found := pattern.match(text):
            wanted, unwanted = found["wanted"].strip(), found["unwanted"].strip()
            if wanted and unwanted and not _is_saying(found["by"], unwanted):
                return [(True, wanted), (False, unwanted)]
    for pattern in (_ENGLISH_ONLY, _CHINESE_ONLY):
        if found := pattern.match(text):
            return [(False, found["unwanted"])]
    return [(True, text)]


def _is_saying(by: str, unwanted: str) -> bool:
    """Whether a negating word and what follows are one phrase that subtracts nothing."""
    if by in ("不要", "别要", "別要"):
        return bool(_FORBIDDEN.match(unwanted))
    if by.lower().endswith("no"):
        return bool(_NOTICE.search(unwanted))
    return by.lower() == "without" and bool(_IDIOM.match(unwanted))
