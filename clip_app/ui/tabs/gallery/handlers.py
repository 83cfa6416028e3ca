"""What the gallery tab does: searching, turning pages, choosing a result, hints."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ChangedImageError
from clip_app.gallery.galleries import EXAMPLES
from clip_app.gallery.query import in_quotes
from clip_app.strings import STRINGS, text
from clip_app.ui.errors import shows_errors
from clip_app.ui.tab import Page, Room, Values
from clip_app.ui.tabs.gallery.form import Form
from clip_app.ui.tabs.gallery.panel import Panel
from clip_app.ui.tabs.gallery.search import (
    PAGE,
    Hint,
    Shown,
    exports,
    facts,
    find,
    headline,
    original,
    pictures,
)

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


@dataclass(frozen=True)
class Handlers:
    """The tab's handlers over its components.

    Attributes:
        page: the page around the tab.
        form: its left side.
        panel: its right side.
        shown: what the panel is about, a `Shown`.
        chosen: the number of the result in the detail, over all pages; -1 for none.
    """

    page: Page
    form: Form
    panel: Panel
    shown: gr.State
    chosen: gr.State

    @property
    def _context(self) -> set[Any]:
        return {self.shown, self.form.index.own, self.page.language}

    @property
    def _asked(self) -> set[Any]:
        return self._context | self.form.inputs

    @property
    def _searched(self) -> list[Any]:
        return [self.shown, *self.panel.outputs, *self.panel.downloads]

    def connect(self, tab: Room) -> None:
        """Connect the form and the panel, and let both follow gallery, visit and language."""
        self._connect_form()
        self._connect_panel()
        self._connect_visits(tab)

    def _connect_form(self) -> None:
        form, literally, language = self.form, self.panel.literally, self.page.language
        run = shows_errors(self.run, language)
        gr.on(
            [form.button.click, form.query.submit, form.exclude.submit],
            run,
            self._asked,
            self._searched,
            show_progress="minimal",
            trigger_mode="always_last",
            **_PRIVATE,
        )
        literally.click(in_quotes, form.query, form.query, show_progress="hidden", **_PRIVATE).then(
            run, self._asked, self._searched, show_progress="minimal", **_PRIVATE
        )
        form.show_all.input(
            shows_errors(self.switch, language),
            {*self._context, form.show_all},
            self._searched,
            show_progress="hidden",
            **_PRIVATE,
        )
        # Gradio's own words in an upload area stay in the old language until it is drawn anew.
        drawn: dict[str, Any] = {"outputs": form.images, "show_progress": "hidden", **_PRIVATE}
        language.input(lambda: gr.update(visible=False), **drawn).then(
            lambda: gr.update(visible=True), **drawn
        )

    def _connect_panel(self) -> None:
        panel, detail, language = self.panel, self.panel.detail, self.page.language
        run = shows_errors(self.run, language)
        for liked, control in ((True, detail.more), (False, detail.less)):
            control.click(
                shows_errors(self._hint(liked), language),
                {self.shown, self.chosen, language},
                self.shown,
                **_PRIVATE,
            ).then(run, self._asked, self._searched, **_PRIVATE)
        panel.clear.click(
            lambda now: replace(now, hints=()), self.shown, self.shown, **_PRIVATE
        ).then(run, self._asked, self._searched, **_PRIVATE)
        for step, control in ((-1, panel.previous), (1, panel.following)):
            control.click(
                shows_errors(self._turn(step), language),
                self._context,
                [self.shown, *panel.outputs],
                **_PRIVATE,
            )
        panel.results.select(
            shows_errors(self.select, language),
            self._context,
            [self.chosen, detail.group, detail.picture, detail.about, detail.download],
            show_progress="minimal",
            **_PRIVATE,
        )
        detail.close.click(lambda: gr.update(visible=False), None, detail.group, **_PRIVATE)

    def _connect_visits(self, tab: Room) -> None:
        """Sub-folders, counts and sentences follow the chosen gallery, the visit to the tab, and
        the language.
        """
        index, language = self.form.index, self.page.language
        visited = tab.select(
            lambda now: replace(now, visited=True),
            self.shown,
            self.shown,
            show_progress="hidden",
            **_PRIVATE,
        )
        for follow in (visited.then, index.folder.input, language.change):
            follow(
                shows_errors(self.refresh, language),
                {self.shown, *index.inputs},
                index.followers,
                show_progress="hidden",
                **_PRIVATE,
            ).then(
                shows_errors(self.first_search, language),
                self._asked,
                [self.form.query, *self._searched],
                show_progress="hidden",
                **_PRIVATE,
            )

    def run(self, given: Values) -> Values:
        """Search for what the form and the hints say."""
        slot, galleries, own = self.page.slot, self.page.galleries, given[self.form.index.own]
        found = find(slot, galleries, self.form.asked(given), own, given[self.shown])
        return {**self._rendered(found, given), **self._exported(found, given)}

    def switch(self, given: Values) -> Values:
        """Show what does not fit, too, or leave it out again."""
        now = replace(given[self.shown], show_all=given[self.form.show_all], page=0)
        return {**self._rendered(now, given), **self._exported(now, given)}

    def select(self, given: Values, event: gr.SelectData) -> Values:
        """Show the result that was clicked on."""
        galleries, detail = self.page.galleries, self.panel.detail
        now, own, language = (
            given[self.shown],
            given[self.form.index.own],
            given[self.page.language],
        )
        number = int(event.index)
        hit = now.on_page[number]
        try:
            to_show, file = original(hit, galleries.roots_of(own))
        except ChangedImageError:
            galleries.library.distrust(hit.path)
            raise
        return {
            self.chosen: now.page * PAGE + number,
            detail.group: gr.update(visible=True),
            detail.picture: to_show,
            detail.about: facts(galleries, hit, own, language),
            detail.download: gr.update(value=file, visible=True),
        }

    def refresh(self, given: Values) -> Values:
        """Bring the choice of galleries up to date."""
        # The language changes on every page that opens, mostly with this tab never looked at.
        return self.form.index.refresh(given) if given[self.shown].visited else gr.skip()

    def first_search(self, given: Values) -> Values:
        """On the example photographs there is something to see before anything is typed."""
        now = given[self.shown]
        if not now.visited:
            return gr.skip()
        asked = self.form.asked(given)
        typed = (asked.query or "").strip()
        untouched = not typed or typed in STRINGS["gallery_example_query"]
        on_examples = asked.folder == str(EXAMPLES.resolve()) and not asked.images
        if untouched and on_examples and self.page.galleries.prepared(self.page.slot.service):
            sample = text("gallery_example_query", given[self.page.language])
            return {self.form.query: sample, **self.run({**given, self.form.query: sample})}
        return self._rendered(now, given)

    def _turn(self, step: int) -> Any:
        def turned(given: Values) -> Values:
            now = given[self.shown]
            page = min(max(now.page + step, 0), now.pages - 1)
            return self._rendered(replace(now, page=page), given)

        return turned

    def _hint(self, liked: bool) -> Any:
        def hinted(given: Values) -> Values:
            now, chosen = given[self.shown], given[self.chosen]
            if not 0 <= chosen < len(now.hits):
                return {self.shown: now}
            hit = now.hits[chosen]
            others = tuple(one for one in now.hints if one.hash != hit.hash)
            new = Hint(hit.hash, Path(hit.path).name, liked)
            return {self.shown: replace(now, hints=(*others, new))}

        return hinted

    def _rendered(self, now: Shown, given: Values) -> Values:
        panel, galleries = self.panel, self.page.galleries
        own, language = given[self.form.index.own], given[self.page.language]
        page = text("gallery_page", language, page=now.page + 1, pages=now.pages)
        return {
            self.shown: now,
            panel.verdict: headline(self.page.slot, now, language),
            panel.literally: gr.update(visible=now.interpreted),
            panel.results: gr.update(
                value=pictures(galleries, now, galleries.roots_of(own), language),
                selected_index=None,
            ),
            panel.pager: gr.update(visible=now.pages > 1),
            panel.number: f'<p class="page">{page}</p>',
            panel.clear: gr.update(visible=bool(now.hints)),
            panel.detail.group: gr.update(visible=False),
        }

    def _exported(self, now: Shown, given: Values) -> Values:
        own, language = given[self.form.index.own], given[self.page.language]
        as_csv, as_json = exports(self.page.slot.service, self.page.galleries, now, own, language)
        return {self.panel.as_csv: as_csv, self.panel.as_json: as_json}
