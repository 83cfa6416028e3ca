"""The gallery tab's sorting: a plan by one's own words, then folders, tags or files to take away.

Whatever a request says is checked here: who may have photographs touched at all, where the target
lies, whose plan it is. The script (`assets/page/sorting.js`) only holds what was decided by hand.
"""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import gradio as gr

from clip_app.errors import ClipAppError, GalleryError, InputError
from clip_app.gallery.galleries import EXAMPLES
from clip_app.gallery.packing import zip_of
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.search import SearchHit
from clip_app.prompts import parse_labels
from clip_app.sorting.folders import class_folders, steps_into_folders
from clip_app.sorting.history import journal_name, kept_run, past_runs
from clip_app.sorting.indexed import plan_of_index, records_of
from clip_app.sorting.journal import Journal, Report, carry_out, create, take_back
from clip_app.sorting.plan import as_table, from_table
from clip_app.sorting.sidecars import steps_of_tags
from clip_app.sorting.steps import How
from clip_app.strings import LANGUAGES
from clip_app.tasks.classes import classes_from_labels
from clip_app.ui.downloads import new_export, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.label_chips import label_chips
from clip_app.ui.panel import PanelHandler, errors_in_panel
from clip_app.ui.parts import part
from clip_app.ui.runs import StoppedError, followed
from clip_app.ui.tab import PRIVATE, Page, Room, Values
from clip_app.ui.tabs.gallery.index import IndexPart
from clip_app.ui.tabs.gallery.sorting_shown import (
    about_undo,
    carried_out,
    past_of,
    plan_of,
    report_of,
    taken_back,
)
from clip_app.ui.tabs.gallery.sorting_state import Sorting, leave_out, share_of
from clip_app.ui.tabs.gallery.status import in_both
from clip_app.ui.uploaded import uploaded
from clip_app.ui.words import SENDING, Both, words

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class SortingPart:
    """Its components, and the handlers that answer for them."""

    page: Page
    index: IndexPart
    state: gr.State
    labels: gr.HTML
    panel: gr.HTML

    def connect(self, room: Room) -> None:
        """Let the panel do what it says."""
        page, panel = self.page, self.panel
        given = self.index.inputs | {self.state, self.labels, page.concepts.visit}
        given |= {self.index.changed}
        now = page.language_now
        answers = [panel, self.index.changed, *self.index.followers]
        gr.on(
            [room.select, self.index.folder.change],
            shows_errors(self.look, now),
            given,
            [panel],
            trigger_mode="always_last",  # the gallery may become known while an answer is made
            **PRIVATE,
        )
        runs = ((panel.plan, self.plan), (panel.act, self.act), (panel.undo, self.undo))
        for event, run in runs:
            event(shows_errors(self.told(run), now), given, answers, **PRIVATE)
        asks = (
            (panel.table, self.take_table),
            (panel.more, self.more),
            (panel.take, self.take),
            (panel.ask, self.ask),
        )
        for event, answer in asks:
            event(shows_errors(self.told(answer), now), given, answers, **PRIVATE)
        panel.halt(shows_errors(self.halt, now), given, None, **PRIVATE)

    def told(self, handler: PanelHandler) -> Callable[[Values, gr.EventData], Iterator[Values]]:
        """Let errors of a handler stand in the panel."""
        return errors_in_panel(
            handler, lambda given, said: {self.panel: self.shown(given, notices=[said])}
        )

    def shown(self, given: Values, **more: Any) -> dict[str, Any]:
        """What the script shows: the plan, what may be done, and `more`."""
        sorting: Sorting = given[self.state]
        galleries = self.page.galleries
        why = self._why_not(given)
        past = past_runs(self._journals, galleries.roots) if why is None else []
        return {
            "plan": plan_of(galleries, sorting.found, self._roots(given), sorting.doubts)
            if sorting.found
            else None,
            "number": sorting.number,
            "may": why is None,
            "why": why,
            "past": past_of(galleries, past),
            "progress": None,
            "said": [],
            "notices": [],
            "undo": None,
            "file": None,
            "asked": None,
        } | more

    def look(self, given: Values) -> Values:
        """What may be done with the chosen gallery; a plan of another one is dropped."""
        sorting: Sorting = given[self.state]
        if not given[self.index.folder]:  # asked again once it is known
            return {self.panel: self.shown(given, why=None)}
        with contextlib.suppress(GalleryError):
            if sorting.found and sorting.found.plan.folder == self._folder(given):
                return {self.panel: gr.skip()}
        sorting.put(None)
        return {self.panel: self.shown(given)}

    def plan(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """Read what is new in the gallery, and plan by its index."""
        page, service = self.page, self.page.slot.service
        sorting = self._begin(given)
        labels = parse_labels(given[self.labels])
        taught = page.concepts.named(given, service, labels)
        threshold, margin = (share_of(asked.get(one)) for one in ("threshold", "margin"))
        folder, roots = self._folder(given), self._roots(given)
        place, below = page.galleries.gallery_of(folder, service.info, roots)
        # Where nothing goes into folders, the field is not shown, so what is in it says nothing.
        wanted = asked.get("target")
        without = None if wanted is None else roots.place(folder, str(wanted))
        yield from self._read(given, place)
        store = page.galleries.store(place, service.info)
        try:
            classes = yield from followed(
                lambda progress: classes_from_labels(
                    service, labels, "auto", progress, concepts=taught
                ),
                lambda: sorting.stop,
                lambda done, total: self._progress(given, "sorting_encoding", done, total),
            )
            sorting.put(
                (
                    yield from followed(
                        lambda progress: plan_of_index(
                            service,
                            store,
                            below,
                            classes,
                            threshold=threshold,
                            margin=margin,
                            joint="transclip" if asked.get("together") else None,
                            without=without,
                            progress=progress,
                        ),
                        lambda: sorting.stop,
                        lambda done, total: self._progress(given, "sorting_planning", done, total),
                    )
                )
            )
            yield {self.panel: self.shown(given)} | self._followed(given)
        except StoppedError:
            stopped = self.shown(given, said=[in_both("sorting_stopped_plan")])
            yield {self.panel: stopped} | self._followed(given)

    def take_table(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """A plan that was taken away as CSV and edited."""
        page, service = self.page, self.page.slot.service
        file = uploaded(str(asked.get("path", "")))
        if file is None or not file.is_file():
            raise InputError("plan_unreadable", name="CSV")
        folder, roots = self._folder(given), self._roots(given)
        name = printable(str(asked.get("name", "CSV")))[:200]
        plan = from_table(file.read_bytes(), folder, name)
        place, below = page.galleries.gallery_of(folder, service.info, roots)
        given[self.state].put(records_of(page.galleries.store(place, service.info), below, plan))
        yield {self.panel: self.shown(given)}

    def more(self, given: Values, _: dict[str, Any]) -> Iterator[Values]:
        """Show more of the doubtful photographs."""
        given[self.state].show_more()
        yield {self.panel: self.shown(given)}

    def take(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """The plan as CSV, or the photographs as a .zip with a folder a class."""
        galleries = self.page.galleries
        found = given[self.state].decided(asked)
        if asked.get("kind") != "zip":
            file = write_export("plan.csv", as_table(found.plan.choices))
            yield {self.panel: self.shown(given, file=file)}
            return
        names = class_folders(found.plan)
        hits: list[SearchHit] = []
        folders: dict[str, str] = {}
        for one in found.plan.choices:
            if one.label and (hit := found.hit(one.path)):
                hits.append(hit)
                folders[hit.path] = names[one.label]
        path = new_export("sorted.zip")
        roots = self._roots(given)
        packed = zip_of(hits, roots, path, galleries.library.distrust, folders)
        left: list[Both] = [{one: packed.note(one) for one in LANGUAGES}] if packed.left_out else []
        yield {self.panel: self.shown(given, file=str(path), notices=left)}

    def act(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """Carry the plan out, all of it in an undo file before; the index follows."""
        self._check_may(given)
        plan = given[self.state].decided(asked).plan
        how, roots = str(asked.get("how")), self.page.galleries.roots
        missing: Sequence[Any]
        if how in ("tag", "tag_stem"):
            steps, missing = steps_of_tags(plan, stem=how == "tag_stem")
        elif how in get_args(How) and how != "write":
            target = roots.place(plan.folder, str(asked.get("target", "")))
            leave_out(plan, target)
            steps, missing = steps_into_folders(plan, target, cast(How, how))
        else:
            raise InputError("sorting_older")
        if not steps:
            said = report_of(Report(), missing, in_both("sorting_nothing"))
            yield {self.panel: self.shown(given, **said)}
            return
        journal = create(self._journals / journal_name(), steps)
        yield from self._carried(given, journal, carry_out, missing)

    def ask(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """What undoing a run would do."""
        self._check_may(given)
        journal = self._kept(asked)
        yield {self.panel: self.shown(given, asked=about_undo(self.page.galleries, journal))}

    def undo(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """Undo a run, or do its rest; an undo file that is not needed any more goes."""
        self._check_may(given)
        journal = self._kept(asked)
        if asked.get("rest"):
            yield from self._carried(given, journal, carry_out)
        else:
            yield from self._carried(given, journal, take_back)

    def halt(self, given: Values) -> None:
        """Stop what is under way."""
        given[self.state].stop = True

    @property
    def _journals(self) -> Path:
        """Where undo files lie: not in the galleries, where others could put theirs."""
        return self.page.galleries.library.directory / "undo"

    def _carried(
        self,
        given: Values,
        journal: Journal,
        run: Callable[..., Report],
        missing: Sequence[Any] = (),
    ) -> Iterator[Values]:
        """Do what a journal says, with progress; then read the gallery, and say what was done."""
        sorting = self._begin(given)
        try:
            report = yield from followed(
                lambda progress: run(journal, progress),
                lambda: sorting.stop,
                lambda done, total: self._progress(given, "sorting_doing", done, total),
            )
            back = run is take_back
            galleries = self.page.galleries
            done = taken_back(report) if back else carried_out(galleries, journal, report)
            said: Values = report_of(report, missing, done)
            if back and not report.failed:
                journal.path.unlink(missing_ok=True)
        except StoppedError:
            said = {"said": [in_both("sorting_stopped")]}
        if journal.path.exists():
            said["undo"] = journal.path.name
        sorting.stop = False
        sorting.put(None)
        with contextlib.suppress(GalleryError):
            service, folder = self.page.slot.service, self._folder(given)
            place = self.page.galleries.gallery_of(folder, service.info, self._roots(given))[0]
            yield from self._read(given, place)
        yield {self.panel: self.shown(given, **said)} | self._followed(given)

    def _read(self, given: Values, place: Path) -> Generator[Values]:
        """Bring a gallery's index up to date.

        Raises:
            ClipAppError: if that fails.
        """
        job = self.page.galleries.index(self.page.slot.service, place, self._roots(given))
        while not job.wait(_POLL_SECONDS):
            done, total = (job.progress.done, job.progress.total) if job.progress else (0, 0)
            yield self._progress(given, "sorting_reading", done, total)
            if given[self.state].stop:
                job.stop.set()
        if isinstance(job.error, ClipAppError):
            raise job.error

    def _followed(self, given: Values) -> Values:
        """What shows the gallery as it is read now."""
        return self.index.refresh(given) | {self.index.changed: given[self.index.changed] + 1}

    def _progress(self, given: Values, key: str, done: int, total: int) -> Values:
        said = in_both(key, done=f"{done:,}", total=f"{total:,}")
        shown = {"done": done, "total": total, "said": said}
        return {self.panel: {"progress": shown}}

    def _begin(self, given: Values) -> Sorting:
        sorting: Sorting = given[self.state]
        sorting.stop = False
        return sorting

    def _kept(self, asked: dict[str, Any]) -> Journal:
        return kept_run(self._journals, str(asked.get("name", "")), self.page.galleries.roots)

    def _roots(self, given: Values) -> Roots:
        return self.page.galleries.roots_of(given[self.index.own])

    def _folder(self, given: Values) -> Path:
        return self._roots(given).resolve(given[self.index.folder] or "")

    def _why_not(self, given: Values) -> Both | None:
        """Why photographs of the chosen gallery are not touched; None where they may be."""
        if not self.page.settings.visitors_may_sort:
            return in_both("sorting_why_shared")
        try:
            folder = self._folder(given)
        except GalleryError:
            return in_both("sorting_not_here")
        if not self.page.galleries.roots.contains(folder):
            return in_both("sorting_why_uploads")
        if Roots((EXAMPLES.resolve(),)).contains(folder):
            return in_both("sorting_why_examples")
        return None

    def _check_may(self, given: Values) -> None:
        if self._why_not(given) is not None:
            raise InputError("sorting_not_here")


def build_sorting(page: Page, room: Room, index: IndexPart) -> None:
    """Lay out the part and connect it."""
    with gr.Accordion(i18n("sorting_title"), open=False, elem_id="sorting"):
        labels = label_chips(page.slot, "sorting-labels", alone=True)
        panel = gr.HTML(
            None,
            **part("basics", "uploads", "sorting"),
            words=words("sorting_", "batch_together", *SENDING),
            apply_default_css=False,
            elem_id="sorting-panel",
        )
    SortingPart(page, index, gr.State(Sorting()), labels, panel).connect(room)
