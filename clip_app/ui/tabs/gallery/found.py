"""What was found in a gallery, as the search page's script shows it and as files to download."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from clip_app.errors import (
    ChangedMapError,
    ClipAppError,
    MissingIndexError,
    OtherModelError,
    Reason,
)
from clip_app.gallery.asking import AnyTerm
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.pictures import read_original
from clip_app.gallery.query import TextTerm, describe
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.search import ImageTerm, SearchAnswer, SearchHit
from clip_app.gallery.stores.store import Facets
from clip_app.images import load_image, thumbnail
from clip_app.model.service import ModelService
from clip_app.server.answers import search_answer
from clip_app.strings import LANGUAGES, Language, text
from clip_app.tasks.concepts import MARKS
from clip_app.ui.downloads import no_formula, write_export
from clip_app.ui.html import unread_sentence
from clip_app.ui.photo import shown_as_it_is
from clip_app.ui.tabs.gallery.status import asks_to_read
from clip_app.ui.words import Both, said_in_both

# Large enough for any screen, small enough to be sent at once.
_LARGEST_SHOWN = 2048

# More are no help to choose from; the rarer ones can be had by the address and the terminal.
_MOST_KEYWORDS = 60


def public_path(galleries: GalleryService, path: str, own: Path | None, language: Language) -> str:
    """A file's path from its gallery's root on: the rest of the disk is nobody's business."""
    file = Path(path)
    if own is not None and own in file.parents:
        own_path = f"{text('gallery_own', language)}/{file.relative_to(own).as_posix()}"
        return printable(own_path)
    return printable(galleries.path_of(path))


def public_paths(galleries: GalleryService, path: str, own: Path | None) -> Both:
    """The same in each language."""
    return {one: public_path(galleries, path, own, one) for one in LANGUAGES}


def rows_of(
    galleries: GalleryService, hits: Sequence[SearchHit], roots: Roots
) -> list[dict[str, Any]]:
    """One dict a picture: what its tile shows.

    Raises:
        StorageError: if a thumbnail cannot be written.
    """
    return [
        {
            "hash": hit.hash.hex(),
            "name": printable(Path(hit.path).name),
            "similarity": round(hit.similarity, 4),
            "rank": hit.rank,
            "copies": len(hit.copies),
            "width": hit.width,
            "height": hit.height,
            "date": _day(hit),
            "thumbnail": str(path),
        }
        for path, hit in zip(galleries.pictures.thumbnails(hits, roots), hits, strict=True)
    ]


def _day(hit: SearchHit) -> str:
    return datetime.fromtimestamp(hit.taken).strftime("%Y-%m-%d")


def problem_of(error: ClipAppError) -> dict[str, Any]:
    """What a script is told of an error: the sentence, whether the gallery must be read, and
    whether its map, or an area of it, is not the one there is now.
    """
    if isinstance(error, MissingIndexError | OtherModelError):
        return {"problem": asks_to_read(error), "unread": True, "old_map": False}
    old_map = isinstance(error, ChangedMapError)
    return {"problem": said_in_both(error), "unread": False, "old_map": old_map}


def facets_of(counted: Facets) -> dict[str, list[tuple[str, int]]]:
    """(name, number) of each folder, kind, year and keyword there are pictures of."""
    return {
        "folders": [(printable(name), number) for name, number in counted.folders.items()],
        "kinds": list(counted.suffixes.items()),
        "keywords": list(counted.keywords.items())[:_MOST_KEYWORDS],
        "years": [(str(year), number) for year, number in counted.years.items()],
    }


def understood(terms: Sequence[AnyTerm]) -> str:
    """How a query was taken, pictures by their names in brackets, and what was taught as typed."""
    return describe(
        [
            replace(term, name=f"[{term.name}]")
            if isinstance(term, ImageTerm) and not term.name.startswith(MARKS)
            else term
            for term in terms
        ]
    )


def remarks(
    service: ModelService,
    words: Sequence[TextTerm],
    answer: SearchAnswer,
    missing: Sequence[Reason],
) -> list[Both]:
    """What is to be said of the words: that the model does not read them, or not to their end.

    `missing` is what `untaught` says of them.
    """
    said = [said_in_both(one) for one in missing]
    texts = [term.text for term in words]
    if texts and unread_sentence(service, texts, "en"):
        said.append({one: unread_sentence(service, texts, one) for one in LANGUAGES})
    return said + [said_in_both(one) for one in answer.cut[:3]]


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


def facts_of(galleries: GalleryService, hit: SearchHit, own: Path | None) -> dict[str, Any]:
    """What is known of a picture besides its row."""
    return {
        "path": public_paths(galleries, hit.path, own),
        "also": [public_paths(galleries, path, own) for path in hit.copies[:10]],
        "taken": datetime.fromtimestamp(hit.taken).strftime("%Y-%m-%d %H:%M"),
        "file_date": hit.file_date,
        "size": hit.size,
    }


def as_file(
    kind: str,
    service: ModelService,
    galleries: GalleryService,
    hits: Sequence[SearchHit],
    query: str,
    own: Path | None,
    language: Language,
) -> str:
    """The path of a file of `kind` ("csv" or "json") that lists what was found.

    Raises:
        StorageError: if the disk is full.
    """
    answer = SearchAnswer(tuple(hits), len(hits), bool(query), False)
    data = search_answer(
        query, service, answer, lambda path: public_path(galleries, path, own, language)
    )
    if kind == "json":
        return write_export("search.json", json.dumps(data, ensure_ascii=False, indent=1))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("path", "similarity", "fits", "copies"))
    for one in data["results"]:
        copies = " | ".join(one["copies"])
        writer.writerow(
            (no_formula(one["path"]), f"{one['similarity']:.6f}", one["fits"], no_formula(copies))
        )
    return write_export("search.csv", buffer.getvalue())
