"""Many photographs at once: the lower part of the tab 图像分类."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError
from clip_app.text_lists import split_labels
from clip_app.ui.downloads import download_button, new_export, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.parts import part
from clip_app.ui.tab import EACH, PRIVATE, Page, Values
from clip_app.ui.tabs.classify.batch_run import NONE_FITS, Batch, as_csv, as_json, as_zip
from clip_app.ui.tabs.classify.options import Options
from clip_app.ui.tabs.classify.teach import Teaching
from clip_app.ui.words import SENDING, words

log = logging.getLogger(__name__)

# Tells the part's script what would be asked now, so that it sees when its result is older; the
# part may be opened later.
_ASKED = """(...asked) => {
  window.clipApp.asked = asked;
  window.dispatchEvent(new Event('clipapp:asked'));
}"""

_TO_TEACHING = """() => {
  document.querySelector('#teach .label-wrap:not(.open)')?.click();
  requestAnimationFrame(() => {
    document.querySelector('#teach').scrollIntoView({ block: 'start' });
    document.querySelector('#teach .label-wrap').focus({ preventScroll: true });
  });
}"""


def build_batch(page: Page, options: Options, teaching: Teaching) -> None:
    """Lay it out; it classifies with the labels and options above it, and teaches what it found."""
    state = gr.State(Batch(), delete_callback=Batch.close)
    with gr.Accordion(i18n("batch"), open=False, elem_id="batch"):
        panel = gr.HTML(
            Batch().shown(),
            **part("basics", "uploads", "batch"),
            words=words("batch", "photos", *SENDING, "column_similarity", "verdict_unsure_why"),
            apply_default_css=False,
            elem_id="batch-panel",
        )
        with gr.Row():
            csv_file = download_button("download_csv", "batch-csv")
            json_file = download_button("download_json", "batch-json")
            # Made when it is asked for: it is as large as the photographs.
            sorted_file = gr.Button(
                i18n("batch_zip"), visible=False, elem_id="batch-zip", scale=0, min_width=240
            )
    _Batching(page, options, teaching, state, panel, csv_file, json_file, sorted_file).connect()


@dataclass(frozen=True)
class _Batching:
    """The handlers, and the buttons of what can be taken away."""

    page: Page
    options: Options
    teaching: Teaching
    state: gr.State
    panel: gr.HTML
    csv_file: gr.DownloadButton
    json_file: gr.DownloadButton
    sorted_file: gr.Button

    def connect(self) -> None:
        """Let the panel do what it says."""
        page, panel, options, state = self.page, self.panel, self.options, self.state
        files = [self.csv_file, self.json_file, self.sorted_file]
        asking: set[Any] = {state, page.language}
        panel.photos(shows_errors(self.change, page.language), asking, [panel], **EACH)
        panel.run(
            shows_errors(self.classify_many, page.language_now),
            {*asking, page.spoken, page.concepts.visit} | options.inputs,
            [panel, *files],
            **PRIVATE,
        )
        panel.stop(shows_errors(self.stop, page.language), asking, None, **PRIVATE)
        panel.correct(shows_errors(self.correct, page.language), asking, [panel, *files], **PRIVATE)
        panel.teach(
            shows_errors(self.teach, page.language),
            {*asking, self.teaching.lesson, page.concepts.visit} | options.inputs,
            [self.teaching.panel],
            **PRIVATE,
        ).success(None, None, None, js=_TO_TEACHING, **PRIVATE)
        self.sorted_file.click(shows_errors(self.pack, page.language), asking, [panel], **PRIVATE)
        fields = [*options.all]
        gr.on([one.change for one in fields], None, fields, None, js=_ASKED, **PRIVATE)

    def _written(self, batch: Batch) -> Values:
        run = batch.run
        if run is None or not run.rows:
            return {
                one: gr.update(visible=False)
                for one in (self.csv_file, self.json_file, self.sorted_file)
            }
        table = write_export("classification.csv", as_csv(run))
        answers = write_export("classification.json", as_json(run))
        return {
            self.csv_file: gr.update(value=table, visible=True),
            self.json_file: gr.update(value=answers, visible=True),
            self.sorted_file: gr.update(visible=True),
        }

    def change(self, given: Values, event: gr.EventData) -> Values:
        """Take photographs, or let them go."""
        batch: Batch = given[self.state]
        batch.error = None
        with batch.lock:
            batch.change(event._data or {})
            return {self.panel: batch.shown()}

    def classify_many(self, given: Values, event: gr.EventData) -> Iterator[Values]:
        """Classify all, showing what there is so far."""
        batch: Batch = given[self.state]
        batch.error = None
        service = self.page.slot.service
        together = bool((event._data or {}).get("together"))
        try:
            taught = self.page.concepts.named(
                given, service, split_labels(given[self.options.labels])
            )
            for _ in batch.classify(
                service,
                given[self.options.labels],
                self.options.templates_of(given),
                independent=self.options.independent(given),
                concepts=taught,
                together=together,
                asked=[*(given[one] for one in self.options.all), together],
            ):
                yield {self.panel: batch.shown()}
        except ClipAppError as error:
            log.info("%s: %s", type(error).__name__, error)
            batch.error = error
        yield {self.panel: batch.shown()} | self._written(batch)

    def stop(self, given: Values) -> None:
        """End the run at its next photograph."""
        if run := given[self.state].run:
            run.stop.set()

    def correct(self, given: Values, event: gr.EventData) -> Values:
        """Move a photograph to another group."""
        batch: Batch = given[self.state]
        number, label = event.photo, event.label
        if batch.run:
            names = [*batch.run.labels, NONE_FITS]  # -1 is the last
            batch.run.correct(number, None if label is None else names[label])
        return {self.panel: batch.shown()} | self._written(batch)

    def teach(self, given: Values, event: gr.EventData) -> Values:
        """Lay the photographs of a group down to be taught."""
        run = given[self.state].run
        chosen = {run.rows[one].source for one in event.photos} if run else set()
        uploads = [one for one in run.uploads if one.path in chosen] if run else []
        return self.teaching.lay(given, uploads, str(event.name))

    def pack(self, given: Values) -> Values:
        """Write the archive that was asked for."""
        batch: Batch = given[self.state]
        batch.error = None
        if batch.run is None:
            return {}
        try:
            path = new_export("classified.zip")
            batch.error = as_zip(batch.run, path, given[self.page.language]).reason
            batch.file = str(path)
        except ClipAppError as error:
            batch.error = error
        shown, batch.file = batch.shown(), ""
        return {self.panel: shown}
