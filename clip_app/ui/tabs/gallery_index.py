"""The gallery tab's left side: choosing a folder, adding photographs, indexing with progress."""

import html
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError, GalleryError, InputError
from clip_app.gallery.galleries import EXAMPLES, GalleryService, IndexJob
from clip_app.gallery.indexer import BrokenFile
from clip_app.gallery.roots import printable
from clip_app.gallery.stores.store import KEEP_DAYS, Counts
from clip_app.gallery.uploads import Received, Upload, Uploads
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.strings import Language, text
from clip_app.ui.common import i18n, notice, shows_errors
from clip_app.ui.files import Files

_POLL_SECONDS = 0.5
_NAMED_BROKEN = 20
_NAMED_LEFT_OUT = 10
_MOST_FOLDERS = 2000

# Uploads of a visitor are kept for this long after the page was closed.
_OWN_SECONDS = 3600


@dataclass(frozen=True)
class IndexPart:
    """What the rest of the tab needs.

    Attributes:
        folder: the chosen gallery.
        own: the visitor's upload folder.
        followers: what `refresh` answers for: it follows the chosen gallery and its index.
        refresh: called with folder, own and language.
    """

    folder: gr.Dropdown
    own: gr.State
    followers: list[Any]
    refresh: Callable[..., tuple[Any, ...]]


def build_index_part(
    slot: ModelSlot, galleries: GalleryService, language: gr.Radio, below: gr.Dropdown
) -> IndexPart:
    """Lay out the part and connect it; `below` is the filter that lists sub-folders."""
    own = gr.State(None, time_to_live=_OWN_SECONDS, delete_callback=_forget(galleries))
    folder = gr.Dropdown(
        [],
        label=i18n("gallery_folder"),
        info=i18n("gallery_folder_info"),
        allow_custom_value=True,
        elem_id="gallery-folder",
    )
    with gr.Row():
        index = gr.Button(i18n("gallery_index"), elem_id="gallery-index", min_width=120)
        stop = gr.Button(i18n("gallery_stop"), visible=False, elem_id="gallery-stop", min_width=80)
    status = gr.HTML(elem_id="gallery-status")
    with gr.Accordion(i18n("gallery_add"), open=False, elem_id="gallery-add"):
        files = Files(
            label=i18n("gallery_add_files"),
            file_count="multiple",
            file_types=["image", ".heic", ".heif", ".avif", ".zip"],
            elem_id="gallery-files",
        )
        add = gr.Button(i18n("gallery_add_button"), elem_id="gallery-add-button")

    def refresh(folder: str | None, own: Path | None, language: Language) -> tuple[Any, ...]:
        service = slot.service
        choices = [
            (_name(galleries, one, own, language), str(one)) for one in galleries.choices(own)
        ]
        known = [value for _, value in choices]
        # A folder of one's own that is gone is not kept in the list.
        chosen = folder if folder and (folder in known or Path(folder).is_dir()) else None
        chosen = chosen or (known[0] if known else None)
        shown, folders = _state(galleries, service, chosen, own, language)
        job = galleries.running(service, Path(chosen)) if chosen else None
        if job is not None:
            shown = _progress(galleries, job, Path(str(chosen)), own, language)
        return (
            gr.update(choices=choices, value=chosen),
            shown,
            gr.update(choices=folders),
            gr.update(visible=job is not None),
        )

    def follow(
        job: IndexJob, place: Path, own: Path | None, language: Language, before: str = ""
    ) -> Iterator[tuple[str, Any, Any]]:
        while not job.wait(_POLL_SECONDS):
            shown = _progress(galleries, job, place, own, language)
            yield before + shown, gr.skip(), gr.update(visible=True)
        if job.error is not None:
            raise job.error
        shown, folders = _state(galleries, slot.service, str(place), own, language)
        shown = before + _report(job, language) + shown
        yield shown, gr.update(choices=folders), gr.update(visible=False)

    def run(
        folder: str | None, own: Path | None, language: Language
    ) -> Iterator[tuple[str, Any, Any]]:
        service = slot.service
        roots = galleries.roots_of(own)
        place, _ = galleries.gallery_of(roots.resolve(folder or ""), service.info, roots)
        yield from follow(galleries.index(service, place, roots), place, own, language)

    def receive(
        files: list[Upload] | None, own: Path | None, language: Language
    ) -> Iterator[tuple[Any, Any, Any, Any, Any, Any]]:
        if not files:
            raise InputError("files_missing")
        own = own or galleries.uploads.new_folder()
        intake = _Intake(galleries.uploads, files, own)
        try:
            # The folder is the session's before anything lies in it, so that its end removes it.
            while not intake.wait(_POLL_SECONDS):
                yield own, gr.skip(), intake.shown(language), gr.skip(), gr.skip(), gr.skip()
        finally:
            intake.stop.set()
        if intake.error is not None and not any(own.iterdir()):
            raise intake.error
        before = intake.shown(language)
        choices = refresh(str(own), own, language)[0]
        job = galleries.index(slot.service, own, galleries.roots_of(own))
        for shown in follow(job, own, own, language, before):
            yield own, choices, *shown, None

    def halt(folder: str | None, own: Path | None, language: Language) -> None:
        roots = galleries.roots_of(own)
        place, _ = galleries.gallery_of(roots.resolve(folder or ""), slot.service.info, roots)
        job = galleries.running(slot.service, place)
        if job is not None:
            job.stop.set()

    private: dict[str, Any] = {"api_visibility": "private"}
    # A run that failed has left the button where it was.
    ended: dict[str, Any] = {
        "fn": lambda: gr.update(visible=False),
        "outputs": stop,
        "show_progress": "hidden",
        **private,
    }
    index.click(
        shows_errors(run),
        [folder, own, language],
        [status, below, stop],
        show_progress="hidden",
        **private,
    ).failure(**ended)
    stop.click(shows_errors(halt), [folder, own, language], None, **private)
    add.click(
        shows_errors(receive),
        [files, own, language],
        [own, folder, status, below, stop, files],
        show_progress="hidden",
        **private,
    ).failure(**ended)
    return IndexPart(folder, own, [folder, status, below, stop], refresh)


class _Intake:
    """Taking in an upload on a thread of its own, so that the page shows how far it is."""

    def __init__(self, uploads: Uploads, files: Sequence[Upload], own: Path) -> None:
        self.stop = threading.Event()
        self.error: ClipAppError | None = None
        self._received: Received | None = None
        self._now = (0, len(files))

        def work() -> None:
            try:
                self._received = uploads.receive(files, own, progress=self._tell, stop=self.stop)
            except ClipAppError as error:
                self.error = error

        self._thread = threading.Thread(target=work, name="receive", daemon=True)
        self._thread.start()

    def _tell(self, done: int, total: int) -> None:
        self._now = (done, total)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long; returns whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def shown(self, language: Language) -> str:
        """How far it is, or what became of it, as HTML."""
        received = self._received
        if self.error is not None:
            return notice(self.error.message(language))
        if received is None:
            done, total = self._now
            sentence = text("gallery_receiving", language, done=done, total=total)
            return f"<p>{html.escape(sentence)}</p>"
        good = received.images - received.unreadable_total
        parts = [f"<p>{html.escape(text('gallery_received', language, images=good))}</p>"]
        named = {
            "gallery_unreadable": (received.unreadable_total, received.unreadable),
            "gallery_left_out": (received.left_out_total, received.left_out),
        }
        for key, (number, names) in named.items():
            if number:
                some = ", ".join(names[:_NAMED_LEFT_OUT]) + " …" * (number > _NAMED_LEFT_OUT)
                parts.append(notice(text(key, language, number=number, names=some)))
        if number := received.refused_total:
            reasons = " ".join(one.message(language) for one in received.refused[:_NAMED_LEFT_OUT])
            reasons += " …" * (number > _NAMED_LEFT_OUT)
            parts.append(notice(text("gallery_refused", language, number=number, reasons=reasons)))
        return "".join(parts)


def _forget(galleries: GalleryService) -> Callable[[Path | None], None]:
    def forget(own: Path | None) -> None:
        if own is not None:
            galleries.forget_uploads(own)

    return forget


def _name(galleries: GalleryService, folder: Path, own: Path | None, language: Language) -> str:
    if own is not None and folder == own:
        return text("gallery_own", language)
    if folder == EXAMPLES.resolve():
        return text("gallery_examples", language)
    return printable(galleries.name_of(folder))


def _state(
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
    name = _name(galleries, place, own, language)
    try:
        store = galleries.store(place, service.info)
        counts, broken = store.counts(), store.broken(_NAMED_BROKEN)
        folders = [printable(one) for one in store.folders(_MOST_FOLDERS)]
    except GalleryError as error:
        if error.key == "index_missing":
            return notice(text("gallery_no_index", language, gallery=name, button=button)), []
        if error.key == "index_other_model":
            model = error.params["model"]
            sentence = text(
                "gallery_other_model", language, gallery=name, model=model, button=button
            )
            return notice(sentence), []
        return notice(error.public_message(language)), []
    return _counts(counts, name, language) + _broken(counts, broken, language), folders


def _counts(counts: Counts, name: str, language: Language) -> str:
    sentence = text(
        "gallery_status", language, gallery=name, images=counts.images, files=counts.files
    )
    return f"<p>{html.escape(sentence)}</p>"


def _broken(
    counts: Counts, broken: Sequence[tuple[str, tuple[str, dict[str, Any]]]], language: Language
) -> str:
    if not counts.broken:
        return ""
    reasons = " ".join(BrokenFile(path, *error).message(language) for path, error in broken)
    if counts.broken > len(broken):
        reasons += " …"
    return notice(text("gallery_broken", language, number=counts.broken, reasons=reasons))


def _progress(
    galleries: GalleryService, job: IndexJob, place: Path, own: Path | None, language: Language
) -> str:
    name = _name(galleries, place, own, language)
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


def _report(job: IndexJob, language: Language) -> str:
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
