"""Many images at once: the lower part of the tab 图像分类."""

import csv
import html
import io
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import PurePath

import gradio as gr
from PIL import Image

from clip_app.errors import ClipAppError, ImageError, Reason
from clip_app.gallery.uploads import Upload
from clip_app.images import shown_name, thumbnail
from clip_app.photos import encode_files
from clip_app.prompts import shortened
from clip_app.server.answers import classification_answer
from clip_app.strings import Language, text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import Classification, classify_features
from clip_app.ui.downloads import download_button, no_formula, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.files import IMAGE_TYPES, Files
from clip_app.ui.html import notice, percent, picture_url
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Page, Values
from clip_app.ui.tabs.classify.options import Options


def build_batch(page: Page, options: Options) -> None:
    """Lay it out; it classifies with the labels and options above it."""
    with gr.Accordion(i18n("batch"), open=False, elem_id="batch"):
        files = Files(
            label=i18n("batch_files"),
            file_count="multiple",
            file_types=IMAGE_TYPES,
            elem_id="batch-files",
        )
        button = gr.Button(i18n("batch_button"), elem_id="batch-button")
        left_out = gr.HTML()
        table = gr.HTML(elem_id="batch-table")
        with gr.Row():
            as_csv = download_button("download_csv", "batch-csv")
            as_json = download_button("download_json", "batch-json")

    def classify_many(given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        service = page.slot.service
        uploads: list[Upload] = given[files] or []
        if not uploads:
            raise ImageError("image_missing")
        rows: list[tuple[str, Image.Image, Classification]] = []
        broken: list[Reason] = []
        classes = classes_from_labels(service, given[options.labels], options.templates_of(given))
        called = told_apart([shown_name(name=file.name) for file in uploads])
        photos = encode_files(
            service, (file.path for file in uploads), keep=lambda one: thumbnail(one, 96)
        )
        with closing(photos):
            for number, (name, photo) in enumerate(zip(called, photos, strict=True), 1):
                # The page's language may have been changed since.
                desc = text("batch_progress", page.language_now(given))
                progress((number, len(called)), desc=desc)
                if photo.error is not None:
                    broken.append(photo.error.reason.about(name))
                if photo.image_features is None:
                    continue
                answer = classify_features(
                    service,
                    photo.image_features[None],
                    classes,
                    independent=options.independent(given),
                )[0]
                rows.append((name, photo.kept, answer))
        language = page.language_now(given)
        reasons = " ".join(one.message(language) for one in broken)
        if not rows:
            raise ClipAppError("broken_files", reasons=reasons)
        answers = [classification_answer(name, service, answer) for name, _, answer in rows]
        json_file = write_export(
            "classification.json", json.dumps(answers, ensure_ascii=False, indent=1)
        )
        return {
            left_out: notice(text("broken_files", language, reasons=reasons)) if broken else "",
            table: _batch_table(rows, language),
            as_csv: gr.update(
                value=write_export("classification.csv", _as_csv(rows)), visible=True
            ),
            as_json: gr.update(value=json_file, visible=True),
        }

    button.click(
        shows_errors(classify_many, page.language_now),
        {files, page.language, page.spoken} | options.inputs,
        [left_out, table, as_csv, as_json],
        api_visibility="private",
    )


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, equal ones numbered: `a.jpg`, `a (2).jpg`."""
    told: list[str] = []
    taken = set(names)
    seen: set[str] = set()
    for name in names:
        path, number, one = PurePath(name), 1, name
        while one in seen or (number > 1 and one in taken):
            number += 1
            one = f"{path.stem} ({number}){path.suffix}"
        seen.add(one)
        told.append(one)
    return told


def _batch_table(
    rows: Sequence[tuple[str, Image.Image, Classification]], language: Language
) -> str:
    keys = ("column_image", "column_file", "column_label", "column_score", "column_similarity")
    head = "".join(f"<th>{html.escape(text(key, language))}</th>" for key in keys)
    body = []
    for name, picture, answer in rows:
        best = answer.results[0]
        label = text("fits_not", language) if answer.none_fits else shortened(best.label)
        cells = (name, label, percent(best.score), f"{best.similarity:.3f}")
        body.append(
            f'<tr><td><img src="{picture_url(picture)}" alt=""></td>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    return (
        f'<table class="batch"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def _as_csv(rows: Sequence[tuple[str, Image.Image, Classification]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("image", "label", "score", "similarity", "none_fits"))
    for name, _, answer in rows:
        for one in answer.results:
            writer.writerow(
                (
                    no_formula(name),
                    no_formula(one.label),
                    f"{one.score:.6f}",
                    f"{one.similarity:.6f}",
                    answer.none_fits,
                )
            )
    return buffer.getvalue()
