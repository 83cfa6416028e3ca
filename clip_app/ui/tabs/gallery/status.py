"""What a visitor is told of a gallery: its name, what is in it, how far its index is.

Sentences are made in both languages, since the page may change its language while they stand.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clip_app.errors import GalleryError, MissingIndexError, OtherModelError, Reason
from clip_app.gallery.galleries import EXAMPLES, GalleryService, IndexJob
from clip_app.gallery.index_report import IndexReport
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.stores.store import KEEP_DAYS, Counts, Store
from clip_app.model.service import ModelService
from clip_app.strings import LANGUAGES, Language, sentences, text
from clip_app.ui.words import Both, said_in_both

_NAMED_BROKEN = 20


def name_of(galleries: GalleryService, folder: Path, own: Path | None, language: Language) -> str:
    """What a gallery is called; `own` is the visitor's upload folder."""
    if own is not None and folder == own:
        return text("gallery_own", language)
    if folder == EXAMPLES.resolve():
        return text("gallery_examples", language)
    return printable(galleries.name_of(folder))


def told(*said: Both, notices: Sequence[Both] = (), **more: Any) -> dict[str, Any]:
    """What the panel's script shows.

    Args:
        said: sentences.
        notices: sentences that stand out.
        more: `progress`, of `progress_of`; `read`, whether the folder is to be read; `came`,
            whether uploads have just become the chosen gallery; `follows`, whether the index
            follows its folder by itself, None where it cannot; `stamp`, of `stamp_of`.
    """
    nothing = {"progress": None, "read": False, "follows": None, "stamp": None}
    return {"said": said, "notices": [*notices], **nothing, **more}


def in_both(key: str, **params: Any) -> Both:
    """The sentence `key` in both languages; a parameter that can be called is asked for each."""
    return {
        language: text(
            key,
            language,
            **{name: one(language) if callable(one) else one for name, one in params.items()},
        )
        for language in LANGUAGES
    }


def state_of(
    galleries: GalleryService, service: ModelService, folder: str | None, own: Path | None
) -> dict[str, Any]:
    """What can be searched in a folder, as `told`."""
    if not folder:
        return told()
    roots = galleries.roots_of(own)
    try:
        place, _ = galleries.gallery_of(roots.resolve(folder), service.info, roots)
        store = galleries.store(place, service.info)
        follows = None if place == own else galleries.follows(place)
        stamp = stamp_of(galleries, place, store)
        said = _counts(store.counts())
        return told(said, notices=_broken(store), follows=follows, stamp=stamp)
    except MissingIndexError:
        return told(_unread(galleries, service, place, roots), read=True)
    except OtherModelError as error:
        return told(asks_to_read(error), read=True)
    except GalleryError as error:
        return told(notices=[said_in_both(error)])


def stamp_of(galleries: GalleryService, place: Path, store: Store) -> list[Any]:
    """The gallery, how many photographs it has, and what else differs after each change."""
    counts = store.counts()
    return [str(place), counts.images, counts.files, counts.broken, galleries.changes(place)]


def asks_to_read(error: MissingIndexError | OtherModelError) -> Both:
    """What an index is missing for, and the button of the panel that makes it."""
    key = "gallery_other_model" if isinstance(error, OtherModelError) else "gallery_unread"
    return in_both(key, button=_read_button, **error.params)


def _read_button(language: Language) -> str:
    return text("gallery_index", language)


def _unread(galleries: GalleryService, service: ModelService, place: Path, roots: Roots) -> Both:
    number, rate = galleries.unread(place, roots), galleries.rate(service)
    if number is None:
        many = {"rate": _two_digits(60 * rate)}
        return in_both("gallery_no_index_many", button=_read_button, **many)
    if not number:
        return in_both("gallery_empty")
    time = _duration_of(max(1.0, number / rate))
    return in_both("gallery_no_index", button=_read_button, number=number, time=time)


def _two_digits(number: float) -> int:
    """A measured number as exact as it is worth."""
    return int(float(f"{number:.2g}"))


def _counts(counts: Counts) -> Both:
    key = "gallery_status_copies" if counts.files > counts.images else "gallery_status"
    return in_both(key, images=counts.images, files=counts.files)


def _broken(store: Store) -> list[Both]:
    number = store.counts().broken
    if not number:
        return []
    reasons = named([reason for _, reason in store.broken(_NAMED_BROKEN)], number)
    return [in_both("gallery_broken", number=number, reasons=reasons)]


def progress_of(
    galleries: GalleryService, job: IndexJob, place: Path, own: Path | None
) -> dict[str, Any]:
    """How far a run over the gallery `place` is: {"done", "total", "said", "stop"}."""

    def name(language: Language) -> str:
        return name_of(galleries, place, own, language)

    now = job.progress
    if job.stop.is_set():
        said = in_both("gallery_stopping")
    elif now is None or not now.total:
        said = in_both("gallery_scanning", gallery=name)
    elif now.seconds_left is None:
        said = in_both("gallery_starting", gallery=name, total=now.total)
    else:
        left, rate = _duration_of(now.seconds_left), max(1, round(now.rate))
        facts = {"done": now.done, "total": now.total, "rate": rate, "left": left}
        said = in_both("gallery_progress", gallery=name, **facts)
    done, total = (now.done, now.total) if now else (0, 0)
    return {"done": done, "total": total, "said": said, "stop": not job.stop.is_set()}


def report_of(report: IndexReport, images: int) -> tuple[list[Both], list[Both]]:
    """What a run that has ended did, sentences and notices; `images` can be searched now."""
    if report.stopped:
        return [], [in_both("gallery_stopped", button=_read_button)]
    time = _duration_of(max(1.0, report.seconds))
    said = [in_both("gallery_done", images=images, time=time)]
    # What is zero is not worth a word, nor that all is new where all is.
    numbers = {
        "gallery_done_new": report.encoded if report.encoded < images else 0,
        "gallery_done_moved": report.reused,
        "gallery_done_removed": report.forgotten,
    }
    said += [in_both(key, number=number) for key, number in numbers.items() if number]
    if any(report.left_out_notes(LANGUAGES[0])):
        said.append({one: sentences(report.left_out_notes(one), one) for one in LANGUAGES})
    kept = [in_both("gallery_kept", kept=report.kept, days=KEEP_DAYS)] if report.kept else []
    return said, kept


def named(reasons: Sequence[Reason], number: int) -> Callable[[Language], str]:
    """The sentences of some reasons, of `number` in all."""
    return lambda language: (
        sentences((one.message(language) for one in reasons), language)
        + " …" * (number > len(reasons))
    )


def _duration_of(seconds: float) -> Callable[[Language], str]:
    return lambda language: duration(seconds, language)


def duration(seconds: float, language: Language) -> str:
    """A length of time as people say it."""
    if seconds < 90:
        return text("duration_seconds", language, number=seconds)
    if seconds < 5400:
        return text("duration_minutes", language, number=seconds / 60)
    return text("duration_hours", language, number=seconds / 3600)
