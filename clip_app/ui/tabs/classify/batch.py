"""Many photographs at once: the lower part of the tab 图像分类."""

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError
from clip_app.text_lists import split_labels
from clip_app.ui.downloads import download_button, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.parts import part
from clip_app.ui.tab import Page, Values
from clip_app.ui.tabs.classify.batch_run import NONE_FITS, Batch, as_csv, as_json
from clip_app.ui.tabs.classify.options import Options
from clip_app.ui.words import words

log = logging.getLogger(__name__)

# Tells the part's script what would be asked now, so that it sees when its result is older; the
# part may be opened later.
_ASKED = """(...asked) => {
  window.clipApp.asked = asked;
  window.dispatchEvent(new Event('clipapp:asked'));
}"""

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build_batch(page: Page, options: Options) -> None:
    """Lay it out; it classifies with the labels and options above it."""
    state = gr.State(Batch(), delete_callback=Batch.close)
    with gr.Accordion(i18n("batch"), open=False, elem_id="batch"):
        panel = gr.HTML(
            Batch().shown(),
            **part("basics", "uploads", "batch"),
            words=words(
                "batch", "photos", "image_file_too_large", "column_similarity", "verdict_unsure_why"
            ),
            apply_default_css=False,
            elem_id="batch-panel",
        )
        with gr.Row():
            csv_file = download_button("download_csv", "batch-csv")
            json_file = download_button("download_json", "batch-json")
    files = [csv_file, json_file]

    def written(batch: Batch) -> Values:
        run = batch.run
        if run is None or not run.rows:
            return {one: gr.update(visible=False) for one in files}
        table = write_export("classification.csv", as_csv(run))
        answers = write_export("classification.json", as_json(run))
        return {
            csv_file: gr.update(value=table, visible=True),
            json_file: gr.update(value=answers, visible=True),
        }

    def change(given: Values, event: gr.EventData) -> Values:
        batch: Batch = given[state]
        batch.error = None
        batch.change(event._data or {})
        return {panel: batch.shown()}

    def classify_many(given: Values, event: gr.EventData) -> Iterator[Values]:
        batch: Batch = given[state]
        batch.error = None
        service = page.slot.service
        together = bool((event._data or {}).get("together"))
        try:
            taught = page.concepts.named(given, service, split_labels(given[options.labels]))
            for _ in batch.classify(
                service,
                given[options.labels],
                options.templates_of(given),
                independent=options.independent(given),
                concepts=taught,
                together=together,
                asked=[*(given[one] for one in options.all), together],
            ):
                yield {panel: batch.shown()}
        except ClipAppError as error:
            log.info("%s: %s", type(error).__name__, error)
            batch.error = error
        yield {panel: batch.shown()} | written(batch)

    def stop(given: Values) -> None:
        if run := given[state].run:
            run.stop.set()

    def correct(given: Values, event: gr.EventData) -> Values:
        batch: Batch = given[state]
        number, label = event.photo, event.label
        if batch.run:
            names = [*batch.run.labels, NONE_FITS]  # -1 is the last
            batch.run.correct(number, None if label is None else names[label])
        return {panel: batch.shown()} | written(batch)

    asking: set[Any] = {state, page.language}
    panel.photos(shows_errors(change, page.language), asking, [panel], **_PRIVATE)
    panel.run(
        shows_errors(classify_many, page.language_now),
        {*asking, page.spoken, page.concepts.visit} | options.inputs,
        [panel, *files],
        **_PRIVATE,
    )
    panel.stop(shows_errors(stop, page.language), asking, None, **_PRIVATE)
    panel.correct(shows_errors(correct, page.language), asking, [panel, *files], **_PRIVATE)
    fields: list[Any] = [*options.all]
    gr.on([one.change for one in fields], None, fields, None, js=_ASKED, **_PRIVATE)
