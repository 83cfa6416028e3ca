"""Lists as people paste them: numbering, bullets, quotes, brackets and tabs come off.

A sign counts as decoration only where the list as a whole bears it: "7 eleven", "2.5 mm", "1.",
"*NSYNC" and "-5 degrees" are what they are. Every step takes time linear in the text.
"""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


def words(text: str) -> tuple[str, ...]:
    """A constant list of words, written with spaces between them."""
    return tuple(text.split())


#: Opening marks and the closing ones that belong to them. 《》 are part of a title, so they stay.
QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”",
    "‘": "’",
    "„": "“",
    "「": "」",
    "『": "』",
    "«": "»",
    "＂": "＂",
    "﹁": "﹂",
}

# Column and key names that announce captions, best first; compared by `name_of_column`.
_CAPTION_NAMES = words(
    "caption captions text texts description descriptions comment comments sentence sentences "
    "title label labels "
    "描述 文本 说明 說明 句子 标题 標題 字幕 图说 圖說 标签 標籤 类别 類別"
)
_CAPTION_PART = re.compile(
    r"(?:.*_)?(?:caption|text|description|sentence|comment)s?(?:_?(?:\d|en|eng|zh|cn))?"
    r"|.*(?:描述|文本|说明|說明|句子|标题|標題)"
)

_LINE_ENDS = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_STRONG = f",，;；{_LINE_ENDS}"
_WEAK = "、\t"

# An item of a list: quoted, with or without a number before it, or whatever comes up to the next
# separator. No quotation holds its own marks, so that none is looked through twice.
_LEAD = r"[^\S\n]{0,8}(?:(?:[(（]?\d{1,6}[.．)）、]?|[-*+•●])[^\S\n]{0,8})?"
_QUOTED = "|".join(
    f"{start}[^{start}{end}{_LINE_ENDS}]*{end}" for start, end in QUOTES.items() if start != "„"
)


def _items(separators: str) -> re.Pattern[str]:
    return re.compile(rf"{_LEAD}(?:{_QUOTED})[^\S\n\t]*(?=[{separators}]|\Z)|[^{separators}]+")


_STRONG_ITEMS = _items(_STRONG)
_WEAK_ITEMS = _items(_WEAK)

# Byte order mark, zero width space, word joiner, soft hyphen, marks of reading direction.
_INVISIBLE = dict.fromkeys(
    (0xFEFF, 0x200B, 0x2060, 0xAD, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)

_NUMERALS = words("一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八 十九 二十")
_MARK = re.compile(
    r"(?:"
    r"(?P<bullet>[-*+–—·](?:\s+\[[ xX]?\])?\s|[•●○▪■◦‣◆►▶✓✔])"
    r"|(?P<circled>[①-⑳㉑-㉟㊱-㊿❶-❿➀-➓⓫-⓴])"
    r"|(?:[(（](?P<enclosed>\d{1,6}|[a-z]|[一二三四五六七八九十]{1,2})[)）]"
    r"|[\[【](?P<reference>\d{1,6})[\]】]"
    r"|(?P<number>\d{1,6})(?:[)）、]|[.．](?!\d)|[:：](?=\s)|\s[-–—](?=\s)|\ufe0f?\u20e3|(?=\t))"
    r"|(?P<letter>[a-z])\)"
    r"|(?P<initial>[A-Za-z])[.．](?=\s)"
    r"|(?P<numeral>[一二三四五六七八九十]{1,2})[、.．)）])(?P<space>\s?)"
    r")\s*(?P<rest>.*\S)",
    re.DOTALL,
)
_KINDS = tuple(name for name in _MARK.groupindex if name not in ("space", "rest"))

_INLINE = re.compile(r"(?:^|(?<=\s))(?=\d{1,3}(?:[.)]\s|[、．）]))|(?=[①-⑳])|(?=[(（]\d{1,3}[)）])")

# Quotation marks inside one another that are taken off.
_MOST_QUOTES = 4

_ARTICLES = re.compile(
    r"(?:(?:an?|the|some)\s+|[一这這那][只隻个個条條张張朵辆輛本头頭匹位名座棵片杯])"
)


def split_labels(typed: str) -> list[str]:
    """The labels in a text: apart at commas, semicolons, tabs and line breaks, cleaned.

    A list in brackets, as JSON and programs write it, is taken apart; what is quoted keeps its
    commas.
    """
    listed = _bracketed(_visible(typed))
    if isinstance(listed, list):
        return listed
    return _split(listed)


def split_lines(typed: str) -> list[str]:
    """The descriptions in a text: one a line, and one a cell where cells of a table were pasted."""
    typed = _visible(typed)
    listed = _bracketed(typed)
    if isinstance(listed, list):
        return listed
    if listed is not typed:
        return _split(listed)
    lines = _without_numbers([line for line in typed.splitlines() if line.strip()])
    return _cleaned(cell for line in lines for cell in line.split("\t"))


def merged(texts: Iterable[str]) -> list[str]:
    """The texts in their order, each once: capitals, full width and spaces make no difference."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(_folded(text), text)
    return list(first.values())


def near_duplicates(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs that differ by an article or a plural "s" only: they share what one would score."""
    first: dict[str, str] = {}
    pairs = []
    for text in texts:
        folded = _folded(text)
        article = _ARTICLES.match(folded)
        key = folded[article.end() :] if article else folded
        others = (key, key.removesuffix("s"), f"{key}s")
        if other := next((first[one] for one in others if one in first), None):
            pairs.append((other, text))
        first.setdefault(key, text)
    return pairs


def unquoted(text: str) -> str:
    """A text without the quotation marks that enclose the whole of it."""
    text = text.strip()
    for _ in range(_MOST_QUOTES):
        if len(text) < 2 or QUOTES.get(text[0]) != text[-1]:
            break
        mark, inner = text[0], text[1:-1]
        # "the ""big"" cat" is how tables write quotation marks inside quotation marks.
        plain = inner
        if mark == '"':  # the "big" cat inside them is quoted itself
            plain = re.sub(r'(?<!\S)"[^"]+"(?!\S)', "", inner.replace('""', ""))
        if mark == "'":  # an apostrophe is no quotation mark
            plain = re.sub(r"\b'\b", "", plain)
        encloses = mark not in plain and text[-1] not in plain
        if not (encloses or inner[:1] == mark == inner[-1:]):
            break
        text = (inner.replace('""', '"') if mark == '"' and encloses else inner).strip()
    return text


def name_of_column(cell: str) -> str:
    """A column's name as it is compared: case, width, spaces and hyphens make no difference."""
    return re.sub(r"[\s\-_]+", "_", _folded(unquoted(cell)).strip("#:：*"))


def caption_rank(name: str) -> int | None:
    """How surely a column or key of that name holds captions, 0 best; None where it does not."""
    name = name_of_column(name)
    if name in _CAPTION_NAMES:
        return _CAPTION_NAMES.index(name)
    return len(_CAPTION_NAMES) if len(name) < 60 and _CAPTION_PART.fullmatch(name) else None


def texts_in(value: Any) -> list[str]:
    """The texts in a decoded JSON value.

    That is a list of texts or of objects with a caption, an object that holds such a list, or one
    whose values are texts.
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value if isinstance(one, str | dict) for text in texts_in(one)]
    if not isinstance(value, dict):
        return []
    ranked = [(rank, key) for key in value if (rank := caption_rank(key)) is not None]
    for _, key in sorted(ranked, key=lambda pair: pair[0]):
        if texts := texts_in(value[key]):
            return texts
    for inside in value.values():
        # A list of plain texts under another name may be file names; one of objects says more.
        objects = isinstance(inside, list) and all(isinstance(one, dict) for one in inside)
        if objects and (texts := texts_in(inside)):
            return texts
    plain = all(isinstance(one, str) for one in value.values())
    return list(value.values()) if plain and all(key.isdigit() for key in value) else []


@dataclass(frozen=True)
class _Mark:
    """What stands before an item: its kind, its place in the order, the space after it."""

    kind: str
    value: int | None
    space: str
    rest: str


def _visible(typed: str) -> str:
    """A text without signs that nobody sees or typed: they come along when files and pages are
    copied, and would be part of a label or hide its number. Joiners stay, emoji need them.
    """
    return typed.translate(_INVISIBLE)


def _bracketed(typed: str) -> list[str] | str:
    """The texts of a JSON list, or what is between the brackets of another, or all as it is."""
    text = typed.strip()
    if text[:1] + text[-1:] not in ("[]", "{}", "()"):
        return typed
    try:
        texts = _cleaned(texts_in(json.loads(text)))
    except (ValueError, RecursionError):
        texts = []
    inner = text[1:-1].strip()
    if not texts and text[0] == "[" and re.fullmatch(r"[\d\s.,-]+", inner):
        return inner
    if not texts and inner[:1] in QUOTES and QUOTES[inner[:1]] in inner[1:]:
        return inner
    if not texts and text[0] == "[" and "," in inner and not re.search(r"[\[\]]", inner):
        return inner
    return texts or typed


def _split(text: str) -> list[str]:
    chunks = _STRONG_ITEMS.findall(text)
    plain = _without_numbers([chunk for chunk in chunks if chunk.strip()])
    if len(chunks) == 1 and len(inline := _INLINE.split(text)) > 2:
        # "1. cat 2. dog": nothing but the numbers stands between them.
        bare = _without_numbers(inline[1:])
        plain = bare if not inline[0].strip() and bare != inline[1:] else plain
    elif plain == [chunk for chunk in chunks if chunk.strip()]:
        # "1. cat, dog" and then "2. bird": the lines bear numbers, not the labels.
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and (bare := _without_numbers(lines)) != lines:
            plain = [chunk for line in bare for chunk in _STRONG_ITEMS.findall(line)]
    return _cleaned(label for chunk in plain for label in _WEAK_ITEMS.findall(chunk))


def _cleaned(texts: Iterable[str]) -> list[str]:
    return [text for one in texts if (text := unquoted(one))]


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _without_numbers(items: list[str]) -> list[str]:
    """The items without their numbers or bullets, if the list as a whole bears them."""
    marks = [_mark(item) for item in items]
    found = [mark for mark in marks if mark]
    if not found or not _is_numbered(found, len(items)):
        return items
    return [mark.rest if mark else item for mark, item in zip(marks, items, strict=True)]


def _mark(item: str) -> _Mark | None:
    found = _MARK.match(item.strip())
    if not found:
        return None
    kind = next(name for name in _KINDS if found[name])
    sign = found[kind].lower()
    value: int | None = None
    if kind == "circled":
        value = int(unicodedata.numeric(sign))
    elif sign.isdigit():
        value = int(sign)
    elif sign in _NUMERALS:
        value = _NUMERALS.index(sign) + 1
    elif len(sign) == 1 and "a" <= sign <= "z":
        value = ord(sign) - ord("a") + 1
    return _Mark(kind, value, found["space"] or "", found["rest"])


def _is_numbered(marks: Sequence[_Mark], items: int) -> bool:
    if {mark.kind for mark in marks} == {"bullet"}:
        return 2 * len(marks) >= items
    values = [mark.value for mark in marks if mark.value is not None]
    if len(values) < len(marks):
        return False
    if items == 1:
        mark = marks[0]
        first = mark.value == 1 and mark.kind in ("number", "enclosed")
        return mark.kind == "circled" or mark.space == "\t" or (first and bool(mark.space))
    if marks[0].kind == "initial" and values[0] != 1:
        return False  # "J. Smith" and "K. Jones" are names
    steps = {after - before for before, after in itertools.pairwise(values)}
    consecutive = steps == {1}
    if len(marks) < items:  # a heading, or a line that was broken in two
        return consecutive and len(marks) > 2 and 4 * len(marks) >= 3 * items
    firm = all(mark.space or mark.kind == "circled" for mark in marks)
    return consecutive or (firm and (min(steps) > 0 or set(values) == {1}))
