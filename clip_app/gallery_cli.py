"""The gallery's commands in the terminal: `index`, `search`, `status`, `forget`."""

import argparse
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json, printable, tell, without_halves
from clip_app.errors import GalleryError, InputError, StorageError
from clip_app.gallery.indexer import IndexProgress, IndexReport, index_folder
from clip_app.gallery.library import AnyLibrary, open_library, update_index
from clip_app.gallery.query import MAX_TERMS, TextTerm, describe, is_interpreted, parse_query
from clip_app.gallery.roots import Roots, same_name, spelled
from clip_app.gallery.scan import WHOLE, Shard
from clip_app.gallery.search import ImageTerm, SearchAnswer, image_term, search
from clip_app.gallery.stores.store import KEEP_DAYS, Filter, Store
from clip_app.images import SUPPORTED_SUFFIXES
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.server.answers import index_answer, search_answer, status_answer
from clip_app.settings import (
    INDEX_SETTINGS,
    MODEL_SETTINGS,
    Settings,
    add_flags,
    read_settings,
)
from clip_app.strings import text
from clip_app.terminal import terminal_language

_MODEL_FLAGS = ("model", "device", "precision")
_USED = (*MODEL_SETTINGS, *INDEX_SETTINGS, "gallery_roots")

# Endings of one and the same format, so that `--type jpg` finds .jpeg too.
_SAME_TYPE = ({".jpg", ".jpeg"}, {".tif", ".tiff"}, {".heic", ".heif"})


def add_gallery_commands(commands: Any) -> None:
    """Add `index`, `search`, `status` and `forget` to the subparsers of the program."""
    index = commands.add_parser("index", help="index a folder of photographs, or update its index")
    index.add_argument("folder", metavar="FOLDER", type=Path)
    index.add_argument(
        "--shard",
        type=_shard,
        default=WHOLE,
        metavar="I/N",
        help="part I of N of the files, the others being indexed on other machines",
    )
    index.add_argument(
        "--ray",
        type=positive,
        metavar="WORKERS",
        help="encode with so many workers of a Ray cluster, or of this machine where there is none",
    )
    index.add_argument(
        "--verify",
        action="store_true",
        help="read every file and compare its content; what is the same is not encoded again",
    )
    index.add_argument(
        "--forget-missing",
        action="store_true",
        help=f"drop at once what is gone, which otherwise is kept for {KEEP_DAYS} days",
    )
    index.set_defaults(run=_index)

    find = commands.add_parser("search", help="search indexed folders by words and pictures")
    find.add_argument(
        "--text", action="append", default=[], help='"beach + sunset - people"; repeatable'
    )
    find.add_argument(
        "--literal", action="store_true", help="take --text as it stands, signs and negations too"
    )
    find.add_argument(
        "--image", action="append", default=[], type=Path, help="a picture to resemble; repeatable"
    )
    find.add_argument(
        "--exclude", action="append", default=[], help="what to stay away from; repeatable"
    )
    find.add_argument("--top-k", type=positive, default=20, help="results to print; default: 20")
    find.add_argument("--folder", type=Path, help="search this indexed folder only")
    find.add_argument("--below", default="", metavar="SUBFOLDER", help="a path below the folder")
    find.add_argument(
        "--type", type=_suffixes, default=frozenset(), metavar="TYPES", help='such as "jpg,png"'
    )
    find.add_argument("--since", type=_day, metavar="DATE", help="taken on that day or later")
    find.add_argument("--until", type=_day, metavar="DATE", help="taken on that day or earlier")
    find.add_argument("--all", action="store_true", help="print what does not fit, too")
    find.set_defaults(run=_search)

    status = commands.add_parser("status", help="which folders are indexed")
    status.set_defaults(run=_status)
    forget = commands.add_parser("forget", help="delete a folder's index; the photographs stay")
    forget.add_argument("folder", metavar="FOLDER", type=Path)
    forget.set_defaults(run=_forget)

    for command in (index, find, status, forget):
        command.add_argument(
            "--index",
            dest="index_dir",
            default=argparse.SUPPRESS,
            metavar="DIR",
            help=text("setting_index_dir", terminal_language()),
        )
        add_flags(command, terminal_language(), ("gallery_store",))
        command.add_argument("--json", action="store_true", help="print one JSON object")
    for command in (index, find, status):
        add_flags(command, terminal_language(), _MODEL_FLAGS)


def _index(parsed: argparse.Namespace) -> None:
    folder = _real(parsed.folder)
    if not folder.is_dir():
        raise GalleryError("folder_missing", folder=_shown(parsed.folder))
    settings = read_settings(parsed, _USED)
    indexer = _indexer(parsed.ray, settings)
    service = load_model(settings)
    with _library(settings) as library, _stop_on_interrupt() as stop, _Progress() as progress:
        folder = _as_indexed(library, folder)
        report = update_index(
            library,
            service,
            folder,
            Roots.of((folder, *settings.gallery_roots)),
            indexer,
            shard=parsed.shard,
            progress=progress.tell,
            stop=stop,
            verify=parsed.verify,
            keep_missing=not parsed.forget_missing,
        )
    answer = index_answer(folder, service, report, terminal_language())
    _tell_broken(answer, report)
    if parsed.json:
        emit_json(answer)
    else:
        numbers = answer | {"broken": report.broken_total}
        emit(text("terminal_indexed", terminal_language(), **numbers))
        for note in report.left_out_notes(terminal_language()):
            emit(f"  {note}")
    if report.stopped:
        raise KeyboardInterrupt  # a script must not take half an index for a whole one


def _indexer(ray_workers: int | None, settings: Settings) -> Callable[..., IndexReport]:
    if ray_workers is None:
        return index_folder
    try:
        # Only here: not everyone has Ray.
        from clip_app.gallery.ray_indexer import index_with_ray
    except ImportError as error:
        raise InputError("ray_not_installed") from error
    return partial(index_with_ray, settings=settings, ray_workers=ray_workers)


def _tell_broken(answer: dict[str, Any], report: IndexReport) -> None:
    language = terminal_language()
    for below in report.unreadable:
        tell(text("terminal_unreadable", language, path=below))
    if report.broken:
        tell(text("terminal_broken", language, number=report.broken_total))
        for one in answer["broken"]:
            tell(f"  {one['path']}: {one['reason']}")
        if more := report.broken_total - len(report.broken):
            tell(f"  {text('terminal_broken_more', language, number=more)}")
    if report.kept:
        tell(text("terminal_kept", language, kept=report.kept, days=KEEP_DAYS))
    if report.stopped:
        tell(text("terminal_stopped", language))


def _search(parsed: argparse.Namespace) -> None:
    # Everything typed is checked before the model is loaded, so that a mistake is told at once.
    typed = [without_halves(one) for one in parsed.text]
    texts = [term for one in typed for term in parse_query(one, literal=parsed.literal)]
    texts += [term for one in parsed.exclude for term in parse_query("", without_halves(one))]
    if not texts and not parsed.image:
        raise InputError("query_missing")
    if (number := len(texts) + len(parsed.image)) > MAX_TERMS:
        raise InputError("terms_too_many", number=number, limit=MAX_TERMS)
    images = [spelled(path) for path in parsed.image]
    for path in images:
        _check_readable(path)
    settings = read_settings(parsed, _USED)
    with _library(settings) as library:
        if not library.galleries(None):
            raise GalleryError("index_none")
        service = load_model(settings)
        stores = _stores(library, service, parsed.folder)
        terms: list[TextTerm | ImageTerm] = [
            *(image_term(service, str(path), name=path.name) for path in images),
            *texts,
        ]
        answer = search(service, stores, terms, top_k=parsed.top_k, where=_filter(parsed))
    query = describe(terms)
    interpreted = not parsed.literal and any(map(is_interpreted, typed))
    if interpreted or any(term.weight != 1 for term in terms):
        tell(text("gallery_understood", terminal_language(), query=query))
    for store in stores:
        if not os.path.isdir(store.key.folder):
            folder = _shown(store.key.folder)
            tell(text("terminal_folder_gone", terminal_language(), folder=folder))
    if parsed.json:
        emit_json(search_answer(query, service, answer))
    else:
        _print_hits(answer, everything=parsed.all)


def _stores(library: AnyLibrary, service: ModelService, folder: Path | None) -> list[Store]:
    """The indexes to search: of one gallery, or of all that the model can search."""
    if folder is not None:
        return [library.open(_as_indexed(library, _real(folder)), service.info)]
    statuses = library.galleries(service.info)
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
        parsed.below.strip("/").removeprefix("./"),
        parsed.type,
        parsed.since and _midnight(parsed.since),
        parsed.until and _midnight(parsed.until + timedelta(days=1)),
    )


def _print_hits(answer: SearchAnswer, *, everything: bool) -> None:
    language = terminal_language()
    hidden = 0
    for hit in answer.hits:
        fits = hit.fits or not answer.judged
        hidden += not (fits or everything)
        if fits or everything:
            note = "" if fits else f"  ({text('gallery_unfit', language)})"
            emit(f"{hit.similarity:6.3f}  {hit.path}{note}")
    for cut in answer.cut:
        tell(cut.message(language))
    if not answer.hits:
        emit(text("gallery_nothing_found", language))
    elif answer.nothing_fits:
        emit(text("gallery_nothing_fits", language))
    if hidden:
        tell(text("terminal_hidden", language, number=hidden))


def _status(parsed: argparse.Namespace) -> None:
    settings = read_settings(parsed, _USED if "model" in parsed else INDEX_SETTINGS)
    # Loading a model takes seconds, so it is only compared with where one was asked for.
    model = load_model(settings).info if "model" in parsed else None
    with _library(settings) as library:
        statuses = library.galleries(model)
    answer = status_answer(model.name if model else None, statuses)
    if model is None:
        for one in answer["galleries"]:
            del one["usable"]
    if parsed.json:
        emit_json(answer)
        return
    language = terminal_language()
    if not statuses:
        emit(text("index_none", language))
    for one in answer["galleries"]:
        emit(one["gallery"])
        usable = f"; {text('terminal_usable', language)}" if one.get("usable") else ""
        emit(f"  {text('terminal_status', language, **one)}{usable}")


def _forget(parsed: argparse.Namespace) -> None:
    with _library(read_settings(parsed, INDEX_SETTINGS)) as library:
        folder = _as_indexed(library, _real(parsed.folder))
        number = library.forget(folder)
    if parsed.json:
        emit_json({"folder": str(folder), "indexes": number})
    else:
        emit(text("terminal_forgotten", terminal_language(), folder=folder))


@contextlib.contextmanager
def _library(settings: Settings) -> Iterator[AnyLibrary]:
    try:
        with contextlib.closing(open_library(settings)) as library:
            yield library
    except StorageError as error:
        if error.key != "index_read_only":
            raise
        folder = _shown(settings.index_dir)
        raise StorageError("terminal_index_read_only", folder=folder, **error.params) from error


def _as_indexed(library: AnyLibrary, folder: Path) -> Path:
    """A gallery's folder as its index has it, which may be in the other Unicode form.

    Where there are two folders of one name, each in its form, they are two galleries.
    """
    if str(folder).isascii():
        return folder
    known = [str(one.folder) for one in library.galleries(None)]
    twin = str(folder) if str(folder) in known else same_name(str(folder), known)
    if twin is None or (folder.exists() and not _is_same_folder(folder, twin)):
        return folder
    return Path(twin)


def _is_same_folder(one: Path, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


@contextlib.contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one ends the program as usual."""
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("")  # below the line of progress
        tell(text("terminal_stopping", terminal_language()))

    in_charge = threading.current_thread() is threading.main_thread()
    if in_charge:
        signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        if in_charge:
            signal.signal(signal.SIGINT, before)


class _Progress(StatusLine):
    """How far an indexer is."""

    def tell(self, progress: IndexProgress) -> None:
        """Show it, if it is time to."""
        if not self.due:
            return
        begun = progress.rate == 0 or progress.seconds_left is None
        self.show(
            text(
                "terminal_progress_begun" if begun else "terminal_progress",
                terminal_language(),
                done=progress.done,
                total=progress.total,
                rate=progress.rate,
                left=timedelta(seconds=round(progress.seconds_left or 0)),
            )
        )


def _real(folder: Path) -> Path:
    """The resolved path of a folder, which need not be there any more."""
    try:
        return spelled(folder.expanduser().resolve()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise GalleryError("folder_missing", folder=_shown(folder)) from error


def _shown(path: Path) -> str:
    return printable(str(path))


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        raise InputError("file_not_found", name=printable(path.name)) from error


def positive(value: str) -> int:
    """A whole number from 1 on, for argparse."""
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _shard(typed: str) -> Shard:
    try:
        return Shard.parse(typed)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be I/N, such as 1/4") from error


def _suffixes(typed: str) -> frozenset[str]:
    wanted = {f".{one.strip().lstrip('.').lower()}" for one in typed.split(",") if one.strip()}
    if unknown := wanted - SUPPORTED_SUFFIXES:
        raise argparse.ArgumentTypeError(f"no image type: {', '.join(sorted(unknown))}")
    for same in _SAME_TYPE:
        if wanted & same:
            wanted |= same
    return frozenset(wanted)


def _day(typed: str) -> date:
    try:
        day = date.fromisoformat(typed)
        _midnight(day + timedelta(days=1))
    except (ValueError, OverflowError, OSError) as error:
        raise argparse.ArgumentTypeError("must be a date such as 2024-05-31") from error
    return day


def _midnight(day: date) -> int:
    """Unix seconds, in the time of this machine, as dates in photographs are read."""
    return int(datetime(day.year, day.month, day.day).timestamp())
