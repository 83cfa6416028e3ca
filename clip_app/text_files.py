"""Texts out of a file that a person gives: .txt, .csv, .tsv, .json, .jsonl, in any encoding."""

import codecs
import json
import re

from clip_app.errors import InputError
from clip_app.text_lists import texts_in
from clip_app.text_tables import table_captions

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

# Latin letters with accents, and typographic quotes and dashes, in cp1252.
_LATIN_BYTE = re.compile(rb"[\x80\x82\x84\x85\x91-\x97\xa0\xa3\xa9\xab\xae\xb0\xb4\xbb\xbf-\xff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")

# Each encoding's bytes of its most frequent characters: the first level of GB 2312, that of Big5,
# and the punctuation of both. Text in one of them, read as the other, rarely falls there.
_FREQUENT = {
    "gb18030": re.compile(rb"[\xb0-\xd7\xa3][\xa1-\xfe]|\xa1[\xa1-\xbf]"),
    "big5hkscs": re.compile(rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]|\xa1[\x40-\x7e\xa1-\xbf]"),
}
# Less than that is no Chinese text: better none than nonsense.
_LEAST_FREQUENT = 0.5

# Tabs, line ends, form feeds and the old mark for the end of a file are no sign of a binary file.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufffd\ue000-\uf8ff]")
_MOST_CONTROL = 0.05


def read_collection(data: bytes, name: str) -> str:
    """The texts of a file, one a line.

    A table gives its column of captions, see `text_tables`; JSON its texts, or the captions of its
    objects; any other file is taken as it is. Encodings: UTF-8, UTF-16 and UTF-32, and where they
    can be told, GB 18030, Big5 and Windows-1252.

    Raises:
        InputError: if it is no text in these encodings, or JSON without texts.
    """
    content = decode_text(data, name)
    endings = name.lower().split(".")[1:]
    if "json" in endings or "jsonl" in endings or "ndjson" in endings:
        texts = _json_texts(content, name)
    elif "csv" in endings or "tsv" in endings or "tab" in endings:
        texts = table_captions(content.splitlines())
    else:
        return content
    return "\n".join(" ".join(text.split()) for text in texts)


def decode_text(data: bytes, name: str) -> str:
    """The text in a file's bytes, without NULs.

    Raises:
        InputError: if it is no text in an encoding that can be told.
    """
    content = _decoded(data)
    if content is not None:
        control = len(_CONTROL.findall(content))
        if control <= _MOST_CONTROL * len(content):
            return content.replace("\0", "").replace("\ufeff", "")
    raise InputError("collection_unreadable", name=name)


def _decoded(data: bytes) -> str | None:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if encoding := _unmarked_utf16(data):
        return data.decode(encoding, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # Cut off within the last character, or a few bytes damaged among many that are right.
        mended = data.decode(errors="replace")
        damaged = mended.count("\ufffd")
        right = sum(ord(one) > 127 for one in mended) - damaged
        if right >= 10 * damaged or (right and error.reason == "unexpected end of data"):
            return mended.replace("\ufffd", "")
    if _is_latin(data):
        return data.decode("cp1252", "replace")
    shares = {encoding: _frequent_share(data, encoding) for encoding in _FREQUENT}
    best = max(shares, key=lambda encoding: shares[encoding])
    return data.decode(best, "ignore") if shares[best] >= _LEAST_FREQUENT else None


def _unmarked_utf16(data: bytes) -> str:
    """UTF-16 without its mark, told by the zero half of its Latin letters and line ends."""
    half = len(data) // 2
    even, odd = data[::2].count(0), data[1::2].count(0)
    if max(even, odd) < 0.2 * half or min(even, odd) > 0.02 * half:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_latin(data: bytes) -> bool:
    """Whether the bytes above ASCII are single accented letters and marks among Latin letters."""
    runs = _HIGH_RUN.findall(data)
    single = sum(len(run) == 1 and bool(_LATIN_BYTE.fullmatch(run)) for run in runs)
    letters = len(re.findall(rb"[A-Za-z]", data))
    return single >= 0.9 * len(runs) and letters >= 2 * len(runs)


def _frequent_share(data: bytes, encoding: str) -> float:
    """The share of frequent characters among those above ASCII; 0 where it cannot be decoded."""
    try:
        content = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:
            return 0.0
        content = data[: error.start].decode(encoding)
    above = [one for one in content if ord(one) > 127]
    frequent = sum(bool(_FREQUENT[encoding].fullmatch(one.encode(encoding))) for one in above)
    return frequent / max(1, len(above))


def _json_texts(content: str, name: str) -> list[str]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = []
        for line in content.splitlines():  # one value a line
            try:
                value.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
    texts = texts_in(value)
    if not texts:
        raise InputError("collection_no_texts", name=name)
    return texts
