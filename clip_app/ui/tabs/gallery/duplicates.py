"""The gallery tab's copies: groups of them, and the photographs most and least like all others.

Nothing is deleted: who wants to takes the list away as CSV.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import InputError
from clip_app.gallery.roots import printable
from clip_app.gallery.search import SearchHit
from clip_app.gallery.similar import LEAST_NEAR, NEAR, Duplicates, Odd, duplicates, odd
from clip_app.gallery.stores.store import Filter
from clip_app.ui.downloads import no_formula, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.panel import PanelHandler, errors_in_panel
from clip_app.ui.parts import part
from clip_app.ui.runs import StoppedError, followed
from clip_app.ui.tab import PRIVATE, Page, Values
from clip_app.ui.tabs.gallery.found import public_path, public_paths
from clip_app.ui.tabs.gallery.index import IndexPart
from clip_app.ui.tabs.gallery.status import in_both
from clip_app.ui.words import words

# Groups that are shown at first, and with each "more": their thumbnails are made.
_AT_ONCE = 20

# Pictures of a group, files of the same bytes of a picture, and photographs of a strip.
_OF_GROUP, _NAMED, _STRIP = 12, 3, 8


@dataclass
class Copies:
    """What a visitor was shown.

    Attributes:
        folder: where; None before anything was looked for.
        found, odd: what; None until it is there.
        shown: how many groups.
        stop: to end what is under way.
    """

    folder: str | None = None
    found: Duplicates | None = None
    odd: Odd | None = None
    shown: int = _AT_ONCE
    stop: bool = False


@dataclass(frozen=True)
class CopiesPart:
    """Its components, and the handlers that answer for them."""

    page: Page
    index: IndexPart
    state: gr.State
    panel: gr.HTML

    def connect(self) -> None:
        """Let the panel do what it says."""
        panel, now = self.panel, self.page.language_now
        given = self.index.inputs | {self.state}
        self.index.folder.change(shows_errors(self.clear, now), given, [panel], **PRIVATE)
        for event, run in ((panel.look, self.look), (panel.more, self.more), (panel.csv, self.csv)):
            event(shows_errors(self.told(run), now), given, [panel], **PRIVATE)
        panel.halt(shows_errors(self.halt, now), given, None, **PRIVATE)

    def told(self, handler: PanelHandler) -> Callable[[Values, gr.EventData], Iterator[Values]]:
        """Let errors of a handler stand in the panel."""
        return errors_in_panel(
            handler, lambda given, said: {self.panel: self.shown(given, notice=said)}
        )

    def clear(self, given: Values) -> Values:
        """Forget what was found in another gallery."""
        copies: Copies = given[self.state]
        if copies.folder == given[self.index.folder]:  # it was told again, as after a run
            return {self.panel: gr.skip()}
        copies.folder = copies.found = copies.odd = None
        return {self.panel: self.shown(given)}

    def look(self, given: Values, asked: dict[str, Any]) -> Iterator[Values]:
        """Compare all photographs of the chosen folder."""
        copies: Copies = given[self.state]
        copies.stop, copies.found, copies.odd = False, None, None
        copies.folder = given[self.index.folder]
        _, _, store, below = self.index.gallery(given)
        stores, where = [store], Filter(below)
        near = _number(asked.get("near"))
        try:
            copies.found = yield from followed(
                lambda progress: duplicates(stores, near=near, where=where, progress=progress),
                lambda: copies.stop,
                self._progress,
            )
        except StoppedError:
            yield {self.panel: self.shown(given, notice=in_both("copies_stopped"))}
            return
        copies.odd, copies.shown = odd(stores, number=_STRIP, where=where), _AT_ONCE
        yield {self.panel: self.shown(given)}

    def more(self, given: Values, _: dict[str, Any]) -> Iterator[Values]:
        """Show more groups."""
        given[self.state].shown += _AT_ONCE
        yield {self.panel: self.shown(given)}

    def csv(self, given: Values, _: dict[str, Any]) -> Iterator[Values]:
        """All groups as a table, a line a file."""
        found: Duplicates | None = given[self.state].found
        if found is not None:
            language = self.page.language_now(given)
            own = given[self.index.own]
            table = as_table(
                found, lambda path: public_path(self.page.galleries, path, own, language)
            )
            yield {self.panel: self.shown(given, file=write_export("copies.csv", table))}

    def halt(self, given: Values) -> None:
        """Stop what is under way."""
        given[self.state].stop = True

    def shown(self, given: Values, **more: Any) -> dict[str, Any]:
        """What the script shows: groups, strips, and `more`."""
        copies: Copies = given[self.state]
        row = partial(self._rows, given)
        answer: dict[str, Any] = {"progress": None, "notice": None, "file": None, "found": None}
        if copies.found is not None and copies.odd is not None:
            groups = copies.found.groups
            answer["found"] = {
                "images": copies.found.images,
                "groups": len(groups),
                "spare": sum(one.spare for one in groups),
                "shown": [
                    {"photos": row(one.hits[:_OF_GROUP]), "more": len(one.hits[_OF_GROUP:])}
                    for one in groups[: copies.shown]
                ],
                "typical": row(copies.odd.typical),
                "odd": row(copies.odd.odd),
            }
        return answer | more

    def _rows(self, given: Values, hits: Sequence[SearchHit]) -> list[dict[str, Any]]:
        galleries, own = self.page.galleries, given[self.index.own]
        pictures = galleries.pictures.thumbnails(hits, galleries.roots_of(own))
        return [
            {
                "picture": str(picture),
                "name": printable(Path(hit.path).name),
                "path": public_paths(galleries, hit.path, own),
                "same": [public_paths(galleries, path, own) for path in hit.copies[:_NAMED]],
                "copies": len(hit.copies),
                "similarity": round(hit.similarity, 3),
                "pixels": f"{hit.width}×{hit.height}" if hit.width else "",
                "size": hit.size,
            }
            for hit, picture in zip(hits, pictures, strict=True)
        ]

    def _progress(self, done: int, total: int) -> Values:
        said = in_both("copies_working", done=f"{done:,}", total=f"{total:,}")
        return {self.panel: {"progress": {"done": done, "total": total, "said": said}}}


def as_table(found: Duplicates, path_of: Callable[[str], str]) -> str:
    """CSV of all groups: a line for each file, the largest picture of a group first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("group", "path", "width", "height", "bytes", "similarity", "same_bytes_as"))
    for number, group in enumerate(found.groups, 1):
        for hit in group.hits:
            first = no_formula(path_of(hit.path))
            facts = (hit.width or "", hit.height or "", hit.size, f"{hit.similarity:.4f}")
            writer.writerow((number, first, *facts, ""))
            for path in hit.copies:
                writer.writerow((number, no_formula(path_of(path)), *facts, first))
    return buffer.getvalue()


def build_duplicates(page: Page, index: IndexPart) -> None:
    """Lay out the part and connect it."""
    with gr.Accordion(i18n("copies_title"), open=False, elem_id="copies"):
        panel = gr.HTML(
            None,
            **part("basics", "duplicates"),
            words=words("copies_", "odd_"),
            near=NEAR,
            apply_default_css=False,
            elem_id="copies-panel",
        )
    CopiesPart(page, index, gr.State(Copies()), panel).connect()


def _number(near: Any) -> float:
    """A cosine as a request sends it."""
    try:
        return float(near)
    except (TypeError, ValueError) as error:
        raise InputError("near_invalid", least=LEAST_NEAR) from error
