"""The gallery tab's folder: choosing it, adding photographs, reading them with progress."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError, Reason
from clip_app.gallery.galleries import EXAMPLES, GalleryService, IndexJob
from clip_app.gallery.roots import Roots
from clip_app.gallery.stores.store import Store
from clip_app.strings import Language
from clip_app.ui.desk import sent
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.parts import part
from clip_app.ui.tab import EACH, PRIVATE, Page, Values
from clip_app.ui.tabs.gallery.intake import Intake
from clip_app.ui.tabs.gallery.status import (
    name_of,
    progress_of,
    report_of,
    stamp_of,
    state_of,
    told,
)
from clip_app.ui.words import SENDING, Both, said_in_both, words

_POLL_SECONDS = 0.5

# Uploads of a visitor are kept for this long after the page was closed.
_OWN_SECONDS = 3600


@dataclass(frozen=True)
class IndexPart:
    """Its components, and the handlers that answer for them.

    Attributes:
        own: the visitor's upload folder.
        folder: the chosen gallery.
        panel: where photographs are dropped, and what is told of the gallery and its index.
        changed: counts how often there was something else to see without the visitor's choosing
            it: a run has ended, or uploads became the chosen gallery. What is shown follows its
            `change`.
    """

    page: Page
    own: gr.State
    folder: gr.Dropdown
    panel: gr.HTML
    changed: gr.State
    _intakes: dict[Path, Intake] = field(default_factory=dict)

    @property
    def inputs(self) -> set[Any]:
        """What says which gallery is meant, and in which language."""
        return {self.folder, self.own, self.page.language, self.page.spoken}

    @property
    def followers(self) -> list[Any]:
        """What `refresh` answers for: it follows the chosen gallery and its index."""
        return [self.folder, self.panel]

    def gallery(self, given: Values) -> tuple[Roots, Path, Store, str]:
        """What may be read, the gallery's folder and index, and what is chosen below that.

        Raises:
            GalleryError: if the folder may not be read, or has no index of this model.
        """
        galleries, service = self.page.galleries, self.page.slot.service
        roots = galleries.roots_of(given[self.own])
        folder = roots.resolve(given[self.folder] or "")
        if folder == EXAMPLES.resolve():
            galleries.prepared(service)
        place, below = galleries.gallery_of(folder, service.info, roots)
        return roots, place, galleries.store(place, service.info), below

    def connect(self) -> None:
        """Let the panel do what it says."""
        now, asking = self.page.language_now, self.inputs | {self.changed}
        following = [self.own, *self.followers, self.changed]
        self.panel.photos(shows_errors(self.receive, now), asking, following, **EACH)
        self.panel.read(shows_errors(self.run, now), asking, following, **PRIVATE)
        self.panel.resume(shows_errors(self.resume, now), asking, following, **PRIVATE)
        self.panel.follow(shows_errors(self.follow, now), self.inputs, self.panel, **PRIVATE)
        self.panel.halt(shows_errors(self.halt, now), self.inputs, None, **PRIVATE)

    def refresh(self, given: Values) -> Values:
        """The galleries there are, and the state of the chosen one."""
        galleries, service = self.page.galleries, self.page.slot.service
        own = given[self.own]
        choices, chosen = self._choices(given[self.folder], own, given[self.page.language])
        shown = state_of(galleries, service, chosen, own)
        job = galleries.running(service, Path(chosen)) if chosen else None
        if job is not None:
            # Its script asks to follow it.
            shown = told(progress=progress_of(galleries, job, Path(str(chosen)), own), resume=True)
        return {
            self.folder: gr.update(choices=choices, value=chosen),
            self.panel: shown,
        }

    def run(self, given: Values) -> Iterator[Values]:
        """Read the chosen gallery."""
        try:
            place = self._place(given)
            roots = self.page.galleries.roots_of(given[self.own])
            job = self.page.galleries.index(self.page.slot.service, place, roots)
            yield from self._follow(job, place, given)
        except ClipAppError as error:
            yield {self.panel: self._told(given, notices=[said_in_both(error)])}

    def resume(self, given: Values) -> Iterator[Values]:
        """Follow the run that is under way already."""
        place = self._place(given)
        job = self.page.galleries.running(self.page.slot.service, place)
        if job is not None:
            yield from self._follow(job, place, given)
        else:
            yield {self.panel: self._told(given), self.changed: given[self.changed] + 1}

    def receive(self, given: Values, event: gr.EventData) -> Iterator[Values]:
        """Take in what was dropped, and read it."""
        galleries, service = self.page.galleries, self.page.slot.service
        files = sent(event._data or {})
        known: Path | None = given[self.own]
        own = known or galleries.uploads.new_folder()
        intake = self._intakes[own] = Intake(galleries.uploads, files, own)
        try:
            # The folder is the session's before anything lies in it, so that its end removes it.
            while not intake.wait(_POLL_SECONDS):
                known = own
                yield {self.own: own, self.panel: told(progress=intake.progress)}
        finally:
            intake.stop.set()
            self._intakes.pop(own, None)
        if not any(one.is_file() for one in own.rglob("*")):
            if known is None:  # the page does not know of it, so no session would remove it
                galleries.uploads.remove(own)
            yield {self.panel: self._told(given, *intake.said, notices=intake.notices)}
            return
        choices, chosen = self._choices(str(own), own, self.page.language_now(given))
        given = {**given, self.own: own, self.folder: chosen, self.changed: given[self.changed] + 1}
        yield {
            self.own: own,
            self.folder: gr.update(choices=choices, value=chosen),
            self.changed: given[self.changed],
            self.panel: told(*intake.said, notices=intake.notices, came=True),
        }
        earlier = galleries.running(service, own)
        if earlier is None and not intake.images:  # all of them were added before
            yield {self.panel: self._told(given, *intake.said, notices=intake.notices)}
            return
        if earlier is not None:  # it may have looked before these came
            yield from self._watch(earlier, own, given, intake)
        job = galleries.index(service, own, galleries.roots_of(own))
        yield from self._follow(job, own, given, intake)

    def follow(self, given: Values) -> Values:
        """Let the index of the chosen gallery follow its folder, or do so no more."""
        galleries, place = self.page.galleries, self._place(given)
        if galleries.follows(place):
            galleries.unfollow(place)
        else:
            galleries.follow(lambda: self.page.slot.service, place, galleries.roots)
        return {self.panel: self._told(given)}

    def heed(self, given: Values, sent: Any) -> Iterator[dict[str, Any]]:
        """What the panel shows of what is read, or was, without this visitor's doing.

        Nothing if that is what was `sent`: "stamp" and "follows" as `told` last.
        """
        place = self._place(given)
        job = self.page.galleries.running(self.page.slot.service, place)
        if job is not None:
            yield from (shown[self.panel] for shown in self._watch(job, place, given, None))
        shown = self._told(given)
        if job is not None or any(shown[one] != sent.get(one) for one in ("stamp", "follows")):
            yield shown

    def news_of(self, folder: Any) -> list[Any] | None:
        """What `told` calls "stamp" and "follows", of a gallery that all may see.

        None where there is more to tell, which `heed` does. The script asks for these every few
        seconds: an event of Gradio's would cost the page 0.1 s each time.
        """
        galleries, service = self.page.galleries, self.page.slot.service
        roots = galleries.roots_of(None)
        try:
            place, _ = galleries.gallery_of(roots.resolve(str(folder)), service.info, roots)
            if galleries.running(service, place) is not None:
                return None
            stamp = stamp_of(galleries, place, galleries.store(place, service.info))
        except ClipAppError:
            return None
        return [stamp, galleries.follows(place)]

    def halt(self, given: Values) -> None:
        """Stop what is under way for the visitor's uploads or the chosen gallery."""
        if intake := self._intakes.get(given[self.own]):
            intake.stop.set()
        if job := self.page.galleries.running(self.page.slot.service, self._place(given)):
            job.stop.set()

    def _place(self, given: Values) -> Path:
        galleries = self.page.galleries
        roots = galleries.roots_of(given[self.own])
        folder = roots.resolve(given[self.folder] or "")
        return galleries.gallery_of(folder, self.page.slot.service.info, roots)[0]

    def _told(self, given: Values, *said: Both, notices: Sequence[Both] = ()) -> dict[str, Any]:
        """The state of the chosen gallery, after what has just happened."""
        galleries, service = self.page.galleries, self.page.slot.service
        shown = state_of(galleries, service, given[self.folder], given[self.own])
        return shown | {
            "said": (*said, *shown["said"]),
            "notices": [*notices, *shown["notices"]],
        }

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

    def _watch(
        self, job: IndexJob, place: Path, given: Values, intake: Intake | None
    ) -> Iterator[Values]:
        """How far a run is, until it ends."""
        said, notices = (intake.said, intake.notices) if intake else ([], [])
        while not job.wait(_POLL_SECONDS):
            progress = progress_of(self.page.galleries, job, place, given[self.own])
            yield {self.panel: told(*said, notices=notices, progress=progress)}

    def _follow(
        self, job: IndexJob, place: Path, given: Values, intake: Intake | None = None
    ) -> Iterator[Values]:
        """How far a run is, and what it did; what came with `intake` is said before that."""
        yield from self._watch(job, place, given, intake)
        said, notices = (intake.said, intake.notices) if intake else ([], [])
        shown = state_of(self.page.galleries, self.page.slot.service, str(place), given[self.own])
        if isinstance(job.error, ClipAppError):
            notices = [*notices, said_in_both(job.error)]
        elif job.error is not None:
            notices = [*notices, said_in_both(Reason("unexpected"))]
        elif job.report is not None:
            store = self.page.galleries.store(place, self.page.slot.service.info)
            counts = store.counts()
            if intake and not job.report.stopped:
                intake.learn(store)
                said, notices = intake.said, intake.notices
            if intake and intake.tells_of(counts.broken):
                shown["notices"] = ()
            done, kept = report_of(job.report, counts.images)
            # How many there are is said already.
            shown["said"] = () if done else shown["said"]
            said, notices = [*said, *done], [*notices, *kept]
        shown["said"] = (*said, *shown["said"])
        shown["notices"] = [*notices, *shown["notices"]]
        shown["read"] = shown["read"] or bool(job.report and job.report.stopped)
        yield {
            self.panel: shown,
            self.changed: given[self.changed] + 1,
        }


def build_index_part(page: Page) -> IndexPart:
    """Lay out the part and connect it."""
    own = gr.State(None, time_to_live=_OWN_SECONDS, delete_callback=_forget(page.galleries))
    folder = gr.Dropdown(
        [],
        label=i18n("gallery_folder"),
        allow_custom_value=True,
        elem_id="gallery-folder",
    )
    said = words(
        *("photos", "gallery_index", "gallery_stop", "gallery_drop", "gallery_follow"), *SENDING
    )
    for sentences in said.values():
        sentences["photos_drop"] = sentences.pop("gallery_drop")
    panel = gr.HTML(
        told(),
        **part("basics", "uploads", "intake"),
        words=said,
        apply_default_css=False,
        elem_id="gallery-intake",
    )
    built = IndexPart(page, own, folder, panel, gr.State(0))
    built.connect()
    return built


def _forget(galleries: GalleryService) -> Callable[[Path | None], None]:
    def forget(own: Path | None) -> None:
        if own is not None:
            galleries.forget_uploads(own)

    return forget
