"""How often words are right, on photographs of a visitor's own: a part of the tab 图像分类."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError
from clip_app.strings import LANGUAGES, text
from clip_app.ui.downloads import download_button
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.other_models import models_asked, models_besides
from clip_app.ui.parts import part
from clip_app.ui.runs import StoppedError, followed
from clip_app.ui.shell import telling_carrier
from clip_app.ui.tab import EACH, PRIVATE, Page, Values
from clip_app.ui.tabs.classify.check_run import Asked, Check
from clip_app.ui.tabs.classify.options import Options
from clip_app.ui.tabs.gallery.status import name_of
from clip_app.ui.words import SENDING, words

log = logging.getLogger(__name__)

# The photographs of a check are kept for this long after the page was closed.
_KEPT_SECONDS = 3600


def check_state(page: Page) -> gr.State:
    """A visitor's check; what was uploaded for it goes when the visitor has left."""

    def forget(check: Check) -> None:
        check.close()
        if check.own is not None:
            page.galleries.uploads.remove(check.own)

    return gr.State(Check(), time_to_live=_KEPT_SECONDS, delete_callback=forget)


def build_check(page: Page, options: Options, state: gr.State) -> None:
    """Lay it out; it uses the templates chosen above."""
    with gr.Accordion(i18n("checking"), open=False, elem_id="check") as opener:
        said = words("check_", "photos_", *SENDING, "templates_")
        for language, sentences in said.items():
            sentences["photos_drop"] = sentences["check_drop"]
            sentences["templates_single"] = text("templates_single", language)
        panel = gr.HTML(
            Check().state(),
            **part("basics", "uploads", "check"),
            words=said,
            apply_default_css=False,
            elem_id="check-panel",
        )
        opened = telling_carrier("check-opened", "check")
        with gr.Row():
            files = [
                download_button("check_html", "check-html"),
                download_button("download_json", "check-json"),
            ]
    _Checking(page, options, state, panel, opened, files).connect(opener)


@dataclass(frozen=True)
class _Checking:
    """The handlers; `opened` carries the photographs of a cell, `files` are the downloads."""

    page: Page
    options: Options
    state: gr.State
    panel: gr.HTML
    opened: gr.HTML
    files: list[gr.DownloadButton]

    def connect(self, opener: gr.Accordion) -> None:
        """Let the panel do what it says."""
        language, panel = self.page.language, self.panel
        asking: set[Any] = {self.state, language}
        opener.expand(shows_errors(self.ready, language), asking, [panel], **PRIVATE)
        panel.photos(shows_errors(self.change, language), asking, [panel], **EACH)
        panel.run(
            shows_errors(self.run, self.page.language_now),
            {*asking, self.page.spoken, self.page.concepts.visit} | self.options.inputs,
            [panel, *self.files],
            **PRIVATE,
        )
        panel.stop(shows_errors(self.stop, language), asking, None, **PRIVATE)
        panel.cell(shows_errors(self.cell, language), asking, [self.opened], **PRIVATE)

    def ready(self, given: Values) -> Values:
        """The folders and models to choose from."""
        check: Check = given[self.state]
        check.choices = {"folders": _folders(self.page), "models": models_besides(self.page)}
        return {self.panel: check.state()}

    def change(self, given: Values, event: gr.EventData) -> Values:
        """Take what was dropped, or remove it."""
        check: Check = given[self.state]
        with check.lock:
            check.change(event._data or {})
            check.error = None
            return {self.panel: check.state()}

    def run(self, given: Values, event: gr.EventData) -> Iterator[Values]:
        """Check, telling how far that is."""
        check: Check = given[self.state]
        sent = event._data if isinstance(event._data, dict) else {}
        mine = check.start()
        asked = Asked(
            str(sent.get("folder") or ""),
            self.options.templates_of(given),
            str(sent.get("synonyms") or ""),
            self.page.language_now(given),
            (lambda service: self.page.concepts.store(given, service).all())
            if sent.get("taught")
            else lambda _: (),
        )

        def shown(done: int, total: int) -> Values:
            check.progress = _progress(check, done, total)
            return {self.panel: check.state()}

        yield shown(0, 0) | self._written(check)
        try:
            models = models_asked(self.page, sent.get("models"))
            yield from followed(
                lambda told: check.check(self.page.galleries, models, asked, told),
                lambda: check.wanted != mine,
                shown,
            )
        except StoppedError:
            check.stopped = True
        except ClipAppError as error:
            log.info("%s: %s", type(error).__name__, error)
            check.error = error
        finally:
            check.progress = None
        yield {self.panel: check.state()} | self._written(check)

    def stop(self, given: Values) -> None:
        """End the run at its next step."""
        given[self.state].wanted = 0

    def cell(self, given: Values, event: gr.EventData) -> Values:
        """The photographs behind a number of the matrix."""
        return {self.opened: given[self.state].opened(event._data)}

    def _written(self, check: Check) -> Values:
        both = check.files or (None, None)
        return {
            button: gr.update(value=file, visible=file is not None)
            for button, file in zip(self.files, both, strict=True)
        }


def _progress(check: Check, done: int, total: int) -> dict[str, Any]:
    key, model = check.phase
    numbers = {"model": model, "done": f"{done:,}", "total": f"{total:,}"}
    key = key if total else "check_starting"
    return {
        "done": done,
        "total": total,
        "said": {language: text(key, language, **numbers) for language in LANGUAGES},
    }


def _folders(page: Page) -> list[dict[str, Any]]:
    """The folders that may be checked, and what they are called."""
    galleries = page.galleries
    return [
        {
            "folder": str(one),
            "name": {spoken: name_of(galleries, one, None, spoken) for spoken in LANGUAGES},
        }
        for one in galleries.choices(None)
    ]
