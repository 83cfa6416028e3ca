"""The gallery tab's search: what was typed becomes terms, what was found becomes pictures."""

import csv
import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.pictures import read_original
from clip_app.gallery.query import TextTerm, describe, is_interpreted, parse_query
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.search import ImageTerm, SearchAnswer, SearchHit, image_term, search
from clip_app.gallery.stores.store import Filter
from clip_app.images import load_image, suffixes_of, thumbnail
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.server.answers import search_answer
from clip_app.sizes import megabytes
from clip_app.strings import Language, text
from clip_app.ui.downloads import no_formula, write_export
from clip_app.ui.html import cut_notice, facts_table, notice, unread_notice
from clip_app.ui.photo import shown_as_it_is

PAGE = 24

# A hint from a result weighs less than what was typed.
_HINT_WEIGHT = 0.5

_DAY = 24 * 3600
_LARGEST_SHOWN = 2048


@dataclass(frozen=True)
class Hint:
    """A result that more, or less, should be like."""

    hash: bytes
    name: str
    liked: bool


@dataclass(frozen=True)
class Shown:
    """What a visitor's result panel is about.

    Attributes:
        answer: what was found; None before the first search.
        query: how it was understood.
        interpreted: whether the search field was understood as something else than its text.
        texts: the words in it.
        show_all: whether to show what does not fit.
        page: from 0.
        hints: results that more or less should be like.
        visited: whether the tab has been looked at.
    """

    answer: SearchAnswer | None = None
    query: str = ""
    interpreted: bool = False
    texts: tuple[str, ...] = ()
    show_all: bool = False
    page: int = 0
    hints: tuple[Hint, ...] = ()
    visited: bool = False

    @property
    def hits(self) -> Sequence[SearchHit]:
        """The results to show, over all pages."""
        if self.answer is None:
            return ()
        if self.show_all or not (self.answer.judged and self.answer.by_words):
            return self.answer.hits
        return [hit for hit in self.answer.hits if hit.fits]

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-len(self.hits) // PAGE))

    @property
    def on_page(self) -> Sequence[SearchHit]:
        """The results of the present page."""
        return self.hits[self.page * PAGE : (self.page + 1) * PAGE]


@dataclass(frozen=True)
class Asked:
    """The search form's fields, as the page hands them over."""

    folder: str | None
    query: str
    exclude: str
    images: list[Any] | None
    image_weight: float
    top_k: float
    show_all: bool
    below: str | None
    types: list[str] | None
    taken_from: float | None
    taken_until: float | None


def find(
    slot: ModelSlot, galleries: GalleryService, asked: Asked, own: Path | None, shown: Shown
) -> Shown:
    """Search for what is in the form and the hints."""
    service = slot.service
    roots = galleries.roots_of(own)
    place, below = galleries.gallery_of(roots.resolve(asked.folder or ""), service.info, roots)
    store = galleries.store(place, service.info)
    words = parse_query(asked.query or "", asked.exclude or "")
    pictures = [_path_of(one) for one in asked.images or ()]
    weight = asked.image_weight / max(1, len(pictures))
    terms: list[TextTerm | ImageTerm] = [
        *words,
        *(image_term(service, one, name=Path(one).name, weight=weight) for one in pictures),
        *_hint_terms(store.vectors([hint.hash for hint in shown.hints]), shown.hints),
    ]
    if not terms:
        raise InputError("query_missing")
    where = Filter(
        "/".join(part for part in (below, asked.below) if part),
        suffixes_of(asked.types) if asked.types else frozenset(),
        None if asked.taken_from is None else int(asked.taken_from),
        None if asked.taken_until is None else int(asked.taken_until) + _DAY,
    )
    answer = search(service, [store], terms, top_k=int(asked.top_k), where=where)
    return replace(
        shown,
        answer=answer,
        query=_understood(terms),
        interpreted=is_interpreted(asked.query or ""),
        texts=tuple(term.text for term in words),
        show_all=asked.show_all,
        page=0,
    )


def _path_of(image: Any) -> str:
    """A gallery component hands over (path, caption), a file component the path."""
    return str(image[0] if isinstance(image, tuple | list) else image)


def _hint_terms(vectors: dict[bytes, Any], hints: Sequence[Hint]) -> list[ImageTerm]:
    return [
        ImageTerm(
            vectors[hint.hash],
            hint.name,
            _HINT_WEIGHT if hint.liked else -_HINT_WEIGHT,
            # What is liked stays among the results; the rest of what is asked for is left out.
            b"" if hint.liked else hint.hash,
        )
        for hint in hints
        if hint.hash in vectors
    ]


def _understood(terms: Sequence[TextTerm | ImageTerm]) -> str:
    named = [
        replace(term, name=f"[{term.name}]") if isinstance(term, ImageTerm) else term
        for term in terms
    ]
    return describe(named)


def headline(slot: ModelSlot, shown: Shown, language: Language) -> str:
    """What was searched for and how it went, as HTML."""
    if shown.answer is None:
        return ""
    hits, answer = shown.hits, shown.answer
    parts = [unread_notice(slot.service, shown.texts, language)] if shown.texts else []
    parts.append(cut_notice(answer.cut, language))
    understood = text("gallery_understood", language, query=shown.query)
    parts.append(f'<p class="headline">{html.escape(understood)}</p>')
    if not answer.hits:
        parts.append(notice(text("gallery_nothing_found", language)))
    elif answer.nothing_fits:
        parts.append(notice(text("gallery_nothing_fits", language)))
    if hits:
        found = text("gallery_found", language, number=len(hits), images=answer.images)
        parts.append(f'<p class="explained">{html.escape(found)}</p>')
    if answer.judged and answer.hits and (answer.by_words or not all(hit.fits for hit in hits)):
        explained = text("gallery_cut_explained", language)
        parts.append(f'<p class="explained">{html.escape(explained)}</p>')
    return "".join(parts)


def pictures(
    galleries: GalleryService, shown: Shown, roots: Roots, language: Language
) -> list[tuple[str, str]]:
    """(thumbnail, caption) of each result on the page."""
    hits = shown.on_page
    return [
        (str(path), caption(hit, language))
        for path, hit in zip(galleries.pictures.thumbnails(hits, roots), hits, strict=True)
    ]


def caption(hit: SearchHit, language: Language) -> str:
    """Similarity, file name, and what else there is to know at a glance."""
    parts = [f"{hit.similarity:.3f}", printable(Path(hit.path).name)]
    if hit.copies:
        parts[0] += f" ×{len(hit.copies) + 1}"
    if not hit.fits:
        parts.insert(1, text("gallery_unfit", language))
    return " · ".join(parts)


def original(hit: SearchHit, roots: Roots) -> tuple[str, str]:
    """(picture to show, file to download): the original as it is, or a JPEG to show where
    browsers cannot show it.

    Raises:
        ImageError: if the file is gone or has changed since it was indexed.
        StorageError: if the disk is full.
    """
    data = read_original(hit, roots)
    name = printable(Path(hit.path).name)
    file = write_export(name, data)
    if shown_as_it_is(name, data):
        return file, file
    picture = thumbnail(load_image(data, name=name), _LARGEST_SHOWN)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return write_export(f"{Path(name).stem}.jpg", buffer.getvalue()), file


def facts(galleries: GalleryService, hit: SearchHit, own: Path | None, language: Language) -> str:
    """What is known of a result, as an HTML table."""

    def shown_path(path: str) -> str:
        return printable(public_path(galleries, path, own, language))

    date = "gallery_file_date" if hit.file_date else "gallery_taken"
    rows = {
        "gallery_path": shown_path(hit.path),
        "column_similarity": f"{hit.similarity:.4f}",
        date: datetime.fromtimestamp(hit.taken).strftime("%Y-%m-%d %H:%M"),
        "gallery_size": f"{megabytes(hit.size)} MB",
    }
    if hit.copies:
        rows["gallery_also"] = ", ".join(map(shown_path, hit.copies[:10]))
    return facts_table(rows, language)


def public_path(galleries: GalleryService, path: str, own: Path | None, language: Language) -> str:
    """A file's path from its gallery's root on: the rest of the disk is nobody's business."""
    file = Path(path)
    if own is not None and own in file.parents:
        return f"{text('gallery_own', language)}/{file.relative_to(own).as_posix()}"
    return galleries.path_of(path)


def exports(
    service: ModelService,
    galleries: GalleryService,
    shown: Shown,
    own: Path | None,
    language: Language,
) -> tuple[Any, Any]:
    """Download buttons for all results, as CSV and JSON."""
    if not shown.hits or shown.answer is None:
        return gr.update(visible=False), gr.update(visible=False)

    def path_of(path: str) -> str:
        return printable(public_path(galleries, path, own, language))

    answer = replace(shown.answer, hits=tuple(shown.hits))
    data = search_answer(shown.query, service, answer, path_of)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("path", "similarity", "fits", "copies"))
    for one in data["results"]:
        copies = " | ".join(one["copies"])
        writer.writerow(
            (no_formula(one["path"]), f"{one['similarity']:.6f}", one["fits"], no_formula(copies))
        )
    as_json = json.dumps(data, ensure_ascii=False, indent=1)
    return (
        gr.update(value=write_export("search.csv", buffer.getvalue()), visible=True),
        gr.update(value=write_export("search.json", as_json), visible=True),
    )
