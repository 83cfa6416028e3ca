"""What a visitor is told of a gallery: its name, what is in it, how far its index is."""

import html
from collections.abc import Sequence
from pathlib import Path

from clip_app.errors import GalleryError, MissingIndexError, OtherModelError, Reason
from clip_app.gallery.galleries import EXAMPLES, GalleryService, IndexJob
from clip_app.gallery.roots import printable
from clip_app.gallery.stores.store import KEEP_DAYS, Counts
from clip_app.model.service import ModelService
from clip_app.strings import Language, text
from clip_app.ui.html import notice

_NAMED_BROKEN = 20
_MOST_FOLDERS = 2000


def name_of(galleries: GalleryService, folder: Path, own: Path | None, language: Language) -> str:
    """What a gallery is called; `own` is the visitor's upload folder."""
    if own is not None and folder == own:
        return text("gallery_own", language)
    if folder == EXAMPLES.resolve():
        return text("gallery_examples", language)
    return printable(galleries.name_of(folder))


def state_of(
    galleries: GalleryService,
    service: ModelService,
    folder: str | None,
    own: Path | None,
    language: Language,
) -> tuple[str, list[str]]:
    """What can be searched in a folder, as HTML, and its sub-folders."""
    if not folder:
        return "", []
    roots = galleries.roots_of(own)
    button = text("gallery_index", language)
    try:
        place, _ = galleries.gallery_of(roots.resolve(folder), service.info, roots)
    except GalleryError as error:
        return notice(error.public_message(language)), []
    name = name_of(galleries, place, own, language)
    try:
        store = galleries.store(place, service.info)
        counts, broken = store.counts(), store.broken(_NAMED_BROKEN)
        folders = [printable(one) for one in store.folders(_MOST_FOLDERS)]
    except MissingIndexError:
        return notice(text("gallery_no_index", language, gallery=name, button=button)), []
    except OtherModelError as error:
        model = error.params["model"]
        sentence = text("gallery_other_model", language, gallery=name, model=model, button=button)
        return notice(sentence), []
    except GalleryError as error:
        return notice(error.public_message(language)), []
    return _counts(counts, name, language) + _broken(counts, broken, language), folders


def _counts(counts: Counts, name: str, language: Language) -> str:
    sentence = text(
        "gallery_status", language, gallery=name, images=counts.images, files=counts.files
    )
    return f"<p>{html.escape(sentence)}</p>"


def _broken(counts: Counts, broken: Sequence[tuple[str, Reason]], language: Language) -> str:
    if not counts.broken:
        return ""
    reasons = " ".join(reason.message(language) for _, reason in broken)
    if counts.broken > len(broken):
        reasons += " …"
    return notice(text("gallery_broken", language, number=counts.broken, reasons=reasons))


def progress_of(
    galleries: GalleryService, job: IndexJob, place: Path, own: Path | None, language: Language
) -> str:
    """How far a run over the gallery `place` is, as HTML."""
    name = name_of(galleries, place, own, language)
    now = job.progress
    if now is None or not now.total:
        return f"<p>{html.escape(text('gallery_scanning', language, gallery=name))}</p>"
    left = "…" if now.seconds_left is None else duration(now.seconds_left, language)
    sentence = text(
        "gallery_progress",
        language,
        gallery=name,
        done=now.done,
        total=now.total,
        rate=now.rate,
        left=left,
    )
    return (
        f"<p>{html.escape(sentence)}</p>"
        f'<progress value="{now.done}" max="{now.total}" style="width:100%"></progress>'
    )


def report_of(job: IndexJob, language: Language) -> str:
    """What a run that has ended did, as HTML."""
    report = job.report
    if report is None:
        return ""
    if report.stopped:
        return notice(text("gallery_stopped", language))
    sentence = text(
        "gallery_done",
        language,
        seconds=report.seconds,
        encoded=report.encoded,
        reused=report.reused,
        unchanged=report.unchanged,
        forgotten=report.forgotten,
    )
    sentences = " ".join((sentence, *report.left_out_notes(language)))
    shown = f"<p>{html.escape(sentences)}</p>"
    if report.kept:
        shown += notice(text("gallery_kept", language, kept=report.kept, days=KEEP_DAYS))
    return shown


def duration(seconds: float, language: Language) -> str:
    """A length of time as people say it."""
    if seconds < 90:
        return text("duration_seconds", language, number=seconds)
    if seconds < 5400:
        return text("duration_minutes", language, number=seconds / 60)
    return text("duration_hours", language, number=seconds / 3600)
