"""The gallery tab's left side: choosing a folder, adding photographs, indexing with progress."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import InputError
from clip_app.gallery.galleries import GalleryService, IndexJob
from clip_app.strings import Language
from clip_app.ui.errors import shows_errors
from clip_app.ui.files import IMAGE_TYPES, Files
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Page, Values
from clip_app.ui.tabs.gallery.intake import Intake
from clip_app.ui.tabs.gallery.status import name_of, progress_of, report_of, state_of

_POLL_SECONDS = 0.5

# Uploads of a visitor are kept for this long after the page was closed.
_OWN_SECONDS = 3600

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


@dataclass(frozen=True)
class IndexPart:
    """Its components, and the handlers that answer for them.

    Attributes:
        own: the visitor's upload folder.
        folder: the chosen gallery.
        below: the filter that lists its sub-folders.
    """

    page: Page
    own: gr.State
    folder: gr.Dropdown
    index: gr.Button
    stop: gr.Button
    status: gr.HTML
    files: Files
    add: gr.Button
    below: gr.Dropdown

    @property
    def inputs(self) -> set[Any]:
        """What says which gallery is meant, and in which language."""
        return {self.folder, self.own, self.page.language, self.page.spoken}

    @property
    def followers(self) -> list[Any]:
        """What `refresh` answers for: it follows the chosen gallery and its index."""
        return [self.folder, self.status, self.below, self.stop]

    def connect(self) -> None:
        """Let the buttons do what they say."""
        language = self.page.language
        # A run that failed has left the button where it was.
        ended: dict[str, Any] = {
            "fn": lambda: gr.update(visible=False),
            "outputs": self.stop,
            "show_progress": "hidden",
            **_PRIVATE,
        }
        self.index.click(
            shows_errors(self.run, self.page.language_now),
            self.inputs,
            [self.status, self.below, self.stop],
            show_progress="hidden",
            **_PRIVATE,
        ).failure(**ended)
        self.stop.click(shows_errors(self.halt, language), self.inputs, None, **_PRIVATE)
        self.add.click(
            shows_errors(self.receive, self.page.language_now),
            {self.files, self.own, language, self.page.spoken},
            [self.own, *self.followers, self.files],
            show_progress="hidden",
            **_PRIVATE,
        ).failure(**ended)

    def refresh(self, given: Values) -> Values:
        """The galleries there are, and the state of the chosen one."""
        galleries, service = self.page.galleries, self.page.slot.service
        own, language = given[self.own], given[self.page.language]
        choices, chosen = self._choices(given[self.folder], own, language)
        shown, folders = state_of(galleries, service, chosen, own, language)
        job = galleries.running(service, Path(chosen)) if chosen else None
        if job is not None:
            shown = progress_of(galleries, job, Path(str(chosen)), own, language)
        return {
            self.folder: gr.update(choices=choices, value=chosen),
            self.status: shown,
            self.below: gr.update(choices=folders),
            self.stop: gr.update(visible=job is not None),
        }

    def run(self, given: Values) -> Iterator[Values]:
        """Index the chosen gallery."""
        galleries, service, own = self.page.galleries, self.page.slot.service, given[self.own]
        roots = galleries.roots_of(own)
        place, _ = galleries.gallery_of(
            roots.resolve(given[self.folder] or ""), service.info, roots
        )
        job = galleries.index(service, place, roots)
        yield from self._follow(job, place, given)

    def receive(self, given: Values) -> Iterator[Values]:
        """Take in what was uploaded and index it."""
        galleries, now = self.page.galleries, self.page.language_now
        if not given[self.files]:
            raise InputError("files_missing")
        known: Path | None = given[self.own]
        own = known or galleries.uploads.new_folder()
        intake = Intake(galleries.uploads, given[self.files], own)
        try:
            # The folder is the session's before anything lies in it, so that its end removes it.
            while not intake.wait(_POLL_SECONDS):
                known = own
                yield {self.own: own, self.status: intake.shown(now(given))}
        finally:
            intake.stop.set()
        if intake.error is not None and not any(one.is_file() for one in own.rglob("*")):
            if known is None:  # the page does not know of it, so no session would remove it
                galleries.uploads.remove(own)
            raise intake.error
        choices, chosen = self._choices(str(own), own, now(given))
        listed = gr.update(choices=choices, value=chosen)
        yield {
            self.own: own,
            self.folder: listed,
            self.status: intake.shown(now(given)),
            self.files: None,
        }
        job = galleries.index(self.page.slot.service, own, galleries.roots_of(own))
        yield from self._follow(job, own, {**given, self.own: own}, intake.shown)

    def halt(self, given: Values) -> None:
        """Stop the run over the chosen gallery."""
        galleries, service = self.page.galleries, self.page.slot.service
        roots = galleries.roots_of(given[self.own])
        place, _ = galleries.gallery_of(
            roots.resolve(given[self.folder] or ""), service.info, roots
        )
        job = galleries.running(service, place)
        if job is not None:
            job.stop.set()

    def _choices(
        self, folder: str | None, own: Path | None, language: Language
    ) -> tuple[list[tuple[str, str]], str | None]:
        """(name, folder) of each gallery, and which of them is chosen."""
        galleries = self.page.galleries
        choices = [
            (name_of(galleries, one, own, language), str(one)) for one in galleries.choices(own)
        ]
        known = [value for _, value in choices]
        # A folder of one's own that is gone is not kept in the list.
        chosen = folder if folder and (folder in known or Path(folder).is_dir()) else None
        return choices, chosen or (known[0] if known else None)

    def _follow(
        self,
        job: IndexJob,
        place: Path,
        given: Values,
        before: Callable[[Language], str] = lambda _: "",
    ) -> Iterator[Values]:
        """How far a run is, until it ends; `before` makes HTML to show above that."""
        galleries, own, now = self.page.galleries, given[self.own], self.page.language_now
        while not job.wait(_POLL_SECONDS):
            language = now(given)
            shown = before(language) + progress_of(galleries, job, place, own, language)
            yield {self.status: shown, self.stop: gr.update(visible=True)}
        if job.error is not None:
            raise job.error
        language = now(given)
        shown, folders = state_of(galleries, self.page.slot.service, str(place), own, language)
        yield {
            self.status: before(language) + report_of(job, language) + shown,
            self.below: gr.update(choices=folders),
            self.stop: gr.update(visible=False),
        }


def build_index_part(page: Page, below: gr.Dropdown) -> IndexPart:
    """Lay out the part and connect it; `below` is the filter that lists sub-folders."""
    own = gr.State(None, time_to_live=_OWN_SECONDS, delete_callback=_forget(page.galleries))
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
            file_types=[*IMAGE_TYPES, ".zip"],
            elem_id="gallery-files",
        )
        add = gr.Button(i18n("gallery_add_button"), elem_id="gallery-add-button")
    part = IndexPart(page, own, folder, index, stop, status, files, add, below)
    part.connect()
    return part


def _forget(galleries: GalleryService) -> Callable[[Path | None], None]:
    def forget(own: Path | None) -> None:
        if own is not None:
            galleries.forget_uploads(own)

    return forget
