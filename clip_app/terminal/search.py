"""`search`: search indexed folders by words and pictures, or list them by filters."""

import argparse
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from clip_app.console import emit, emit_json, tell, without_halves
from clip_app.errors import GalleryError, InputError
from clip_app.gallery.library import AnyLibrary
from clip_app.gallery.pages import browse
from clip_app.gallery.query import MAX_TERMS, describe, is_interpreted, parse_query
from clip_app.gallery.roots import spelled
from clip_app.gallery.search import MAX_TOP_K, SearchAnswer, image_term, search, with_concepts
from clip_app.gallery.stores.store import Filter, Store
from clip_app.images import SUPPORTED_SUFFIXES
from clip_app.model.service import ModelService
from clip_app.process import terminal_language
from clip_app.server.answers import search_answer
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.tasks.concept_files import ConceptStore
from clip_app.tasks.concepts import untaught
from clip_app.terminal import common
from clip_app.terminal.common import (
    GALLERY_SETTINGS,
    add_gallery_flags,
    add_model_flags,
    indexed_folder,
    opened_library,
    positive,
    shown,
    tell_unread,
    wrong,
)

# Endings of one and the same format, so that `--type jpg` finds .jpeg too.
_SAME_TYPE = ({".jpg", ".jpeg"}, {".tif", ".tiff"}, {".heic", ".heif"})

_TOP_K = 20

# What is printed where nothing fits.
_NEAREST = 5


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("search", help="search indexed folders by words and pictures")
    command.add_argument(
        "--text", action="append", default=[], help='"beach + sunset - people"; repeatable'
    )
    command.add_argument(
        "--literal", action="store_true", help="take --text as it stands, signs and negations too"
    )
    command.add_argument(
        "--image", action="append", default=[], type=Path, help="a picture to resemble; repeatable"
    )
    command.add_argument(
        "--exclude", action="append", default=[], help="what to stay away from; repeatable"
    )
    command.add_argument(
        "--top-k", type=positive, default=_TOP_K, help=f"results to print; default: {_TOP_K}"
    )
    command.add_argument("--folder", type=Path, help="search this indexed folder only")
    common.add_below_flag(command)
    command.add_argument(
        "--type", type=_suffixes, default=frozenset(), metavar="TYPES", help='such as "jpg,png"'
    )
    command.add_argument("--since", type=_day, metavar="DATE", help="taken on that day or later")
    command.add_argument("--until", type=_day, metavar="DATE", help="taken on that day or earlier")
    command.add_argument(
        "--keyword", action="append", default=[], help="that the photograph was given; repeatable"
    )
    command.add_argument("--all", action="store_true", help="print what does not fit, too")
    add_gallery_flags(command)
    add_model_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Print what fits best."""
    # Everything typed is checked before the model is loaded, so that a mistake is told at once.
    typed = [without_halves(one) for one in parsed.text]
    texts = [term for one in typed for term in parse_query(one, literal=parsed.literal)]
    texts += [term for one in parsed.exclude for term in parse_query("", without_halves(one))]
    where = _filter(parsed)
    asked = bool(texts or parsed.image)
    if not asked and where.is_empty:
        raise InputError("query_missing")
    if parsed.top_k > MAX_TOP_K:
        raise InputError("top_k_invalid", limit=MAX_TOP_K)
    if (number := len(texts) + len(parsed.image)) > MAX_TERMS:
        raise InputError("terms_too_many", number=number, limit=MAX_TERMS)
    images = [spelled(path) for path in parsed.image]
    for path in images:
        _check_readable(path)
    settings = read_settings(parsed, GALLERY_SETTINGS)
    with opened_library(settings) as library:
        if library.is_empty():
            raise GalleryError("index_none")
        service = common.load_service(settings)
        stores = _stores(library, service, parsed.folder)
        kept = ConceptStore(settings.index_dir, service.info.fingerprint)
        taught = () if parsed.literal else kept.named(term.text for term in texts)
        terms = [
            *(image_term(service, str(path), name=path.name) for path in images),
            *with_concepts(service, texts, taught),
        ]
        if asked:
            answer = search(service, stores, terms, top_k=parsed.top_k, where=where)
        else:
            answer = browse(stores, where=where, limit=parsed.top_k)
        if not parsed.literal:
            for one in untaught((term.text for term in texts), taught):
                tell(one.message(terminal_language()))
    tell_unread(service, [term.text for term in texts])
    query = describe(terms)
    interpreted = not parsed.literal and any(map(is_interpreted, typed))
    if interpreted or any(term.weight != 1 for term in terms):
        tell(text("gallery_understood", terminal_language(), query=query))
    for store in stores:
        if not os.path.isdir(store.key.folder):
            folder = shown(store.key.folder)
            tell(text("terminal_folder_gone", terminal_language(), folder=folder))
    if parsed.json:
        emit_json(search_answer(query, service, answer))
    else:
        _print_hits(answer, parsed, asked=asked)


def _stores(library: AnyLibrary, service: ModelService, folder: Path | None) -> list[Store]:
    """The indexes to search: of one gallery, or of all that the model can search."""
    if folder is not None:
        return [library.open(indexed_folder(library, folder), service.info)]
    statuses = library.galleries(service.info)
    if not statuses:
        raise GalleryError("indexes_left_out")
    usable = [library.open(one.folder, service.info) for one in statuses if one.usable]
    if not usable:
        raise GalleryError(
            "indexes_unreadable",
            model=", ".join(sorted({one.model for one in statuses})),
            current=service.info.name,
        )
    return usable


def _filter(parsed: argparse.Namespace) -> Filter:
    return Filter(
        common.below(parsed),
        parsed.type,
        parsed.since and _midnight(parsed.since),
        parsed.until and _midnight(parsed.until + timedelta(days=1)),
        frozenset(parsed.keyword),
    )


def _print_hits(answer: SearchAnswer, parsed: argparse.Namespace, *, asked: bool) -> None:
    language = terminal_language()
    fitting = [hit for hit in answer.hits if hit.fits or not answer.judged]
    # Where nothing fits, what comes nearest tells whether the words or the photographs are wrong.
    printed = answer.hits if parsed.all else fitting or answer.hits[:_NEAREST]
    if not answer.hits:
        emit(text("gallery_nothing_found", language))
    elif answer.nothing_fits:
        emit(text("gallery_nothing_fits", language))
    for hit in printed:
        note = f"  ({text('gallery_unfit', language)})" if answer.judged and not hit.fits else ""
        emit(f"{hit.similarity:6.3f}  {hit.path}{note}" if asked else hit.path)
    for cut in answer.cut:
        tell(cut.message(language))
    if asked and answer.hits and not answer.judged:
        tell(text("terminal_unjudged", language))
    if hidden := len(answer.hits) - len(printed):
        tell(text("terminal_hidden", language, number=hidden))
    elif len(answer.hits) == parsed.top_k == _TOP_K:
        tell(text("terminal_top_k", language, number=_TOP_K))


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        raise InputError("file_not_found", name=shown(path)) from error


def _suffixes(typed: str) -> frozenset[str]:
    wanted = {f".{one.strip().lstrip('.').lower()}" for one in typed.split(",") if one.strip()}
    if unknown := wanted - SUPPORTED_SUFFIXES:
        raise wrong("argument_types", types=", ".join(sorted(unknown)))
    for same in _SAME_TYPE:
        if wanted & same:
            wanted |= same
    return frozenset(wanted)


def _day(typed: str) -> date:
    try:
        day = date.fromisoformat(typed)
        _midnight(day + timedelta(days=1))
    except (ValueError, OverflowError, OSError) as error:
        raise wrong("argument_date") from error
    return day


def _midnight(day: date) -> int:
    """Unix seconds, in the time of this machine, as dates in photographs are read."""
    return int(datetime(day.year, day.month, day.day).timestamp())
