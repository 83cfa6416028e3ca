"""Keywords in XMP packets: read, and added with all else kept.

The XML is untrusted: no document type, so no entities, and limits on size and depth.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.dom import minidom
from xml.parsers import expat

from clip_app.errors import InputError

#: A sidecar of more bytes is none.
MAX_BYTES = 2_000_000
_MAX_DEPTH = 60

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


class _List(NamedTuple):
    """Where programs look for keywords.

    Attributes:
        space, prefix, local: its namespace, that one's usual prefix, its name.
        kind: of the list.
        level: what a keyword there is cut into levels at; "" where it is one word.
    """

    space: str
    prefix: str
    local: str
    kind: str
    level: str = ""

    def spelled(self, word: str) -> str:
        """A keyword as one level, as in the name of its folder: "AC/DC" is no DC within AC."""
        return word.replace(self.level, "_") if self.level else word


_WORDS = _List("http://purl.org/dc/elements/1.1/", "dc", "subject", "Bag")
_LISTS = (
    _WORDS,
    _List("http://ns.adobe.com/lightroom/1.0/", "lr", "hierarchicalSubject", "Bag", "|"),
    _List("http://www.digikam.org/ns/1.0/", "digiKam", "TagsList", "Seq", "/"),
)
_EMPTY = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="'
    + _RDF.encode()
    + b'"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
_NOT_IN_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


class _Refused(Exception):  # noqa: N818 - never leaves this file
    pass


def keywords_in(packet: bytes) -> tuple[str, ...]:
    """The keywords (dc:subject) of an XMP packet, each once; of what is no packet, none."""
    try:
        document = _parsed(packet)
    except _Refused:
        return ()
    return tuple(dict.fromkeys(_items(document, _WORDS)))


def with_keywords(packet: bytes | None, words: Sequence[str], name: str) -> bytes:
    """A sidecar with these keywords and whatever it held before; as it is, where it has them all.

    Args:
        packet: the sidecar there is; None for a new one.
        words: to be found in dc:subject, lr:hierarchicalSubject and digiKam:TagsList; in the
            latter two `|` and `/` would make levels, and become `_`.
        name: what to call the sidecar in an error.

    Raises:
        InputError: if what there is is no XMP; nothing could be kept of it.
    """
    try:
        document = _parsed(_EMPTY if packet is None else packet)
    except _Refused as error:
        raise InputError("sidecar_unreadable", name=name) from error
    found = document.getElementsByTagNameNS(_RDF, "RDF")
    if not found:
        raise InputError("sidecar_unreadable", name=name)
    clean = [" ".join(_NOT_IN_XML.sub(" ", word).split()) for word in words]
    changed = False
    for where in _LISTS:
        there = set(_items(document, where))
        wanted = dict.fromkeys(map(where.spelled, clean))
        missing = [word for word in wanted if word and word not in there]
        if missing:
            changed = True
            _add(document, found[0], where, missing)
    if not changed and packet is not None:
        return packet
    return document.toxml(encoding="utf-8")


def _parsed(packet: bytes) -> minidom.Document:
    data = packet.strip(b"\0 \r\n\t")
    if len(data) > MAX_BYTES:
        raise _Refused
    try:
        _check(data)
        return minidom.parseString(data)  # noqa: S318 - no document type, so no entities
    except (expat.ExpatError, ValueError, LookupError, RecursionError) as error:
        raise _Refused from error


def _check(data: bytes) -> None:
    """Refuse what could make a parser expand or nest without end, in whatever encoding it is."""
    depth = 0

    def begin(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise _Refused

    def end(*_: object) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(data, True)


def _items(document: minidom.Document, where: _List) -> list[str]:
    return [
        text
        for lists in document.getElementsByTagNameNS(where.space, where.local)
        for item in lists.getElementsByTagNameNS(_RDF, "li")
        if (text := _text(item))
    ]


def _text(element: minidom.Element) -> str:
    inner = (one.data for one in element.childNodes if isinstance(one, minidom.Text))
    return " ".join("".join(inner).split())


def _add(
    document: minidom.Document,
    root: minidom.Element,
    where: _List,
    words: Sequence[str],
) -> None:
    lists = root.getElementsByTagNameNS(where.space, where.local)
    if lists:
        holder = lists[0]
    else:
        holder = document.createElementNS(where.space, f"{where.prefix}:{where.local}")
        holder.setAttribute(f"xmlns:{where.prefix}", where.space)
        _description(document, root).appendChild(holder)
    kinds = [one for one in holder.childNodes if one.namespaceURI == _RDF]
    items = kinds[0] if kinds else holder.appendChild(_rdf(document, where.kind))
    for word in words:
        item = items.appendChild(_rdf(document, "li"))
        item.appendChild(document.createTextNode(word))


def _description(document: minidom.Document, root: minidom.Element) -> minidom.Element:
    found = root.getElementsByTagNameNS(_RDF, "Description")
    if found:
        return found[0]
    made = root.appendChild(_rdf(document, "Description"))
    made.setAttributeNS(_RDF, "rdf:about", "")
    return made


def _rdf(document: minidom.Document, local: str) -> minidom.Element:
    made = document.createElementNS(_RDF, f"rdf:{local}")
    made.setAttribute("xmlns:rdf", _RDF)  # another prefix may stand for it in what was there
    return made
