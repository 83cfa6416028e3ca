"""Many images at once: the lower part of the tab 图像分类."""

import csv
import html
import io
import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import gradio as gr
from PIL import Image

from clip_app.errors import ClipAppError, ImageError
from clip_app.gallery.uploads import Upload
from clip_app.images import shown_name, thumbnail
from clip_app.model.slot import ModelSlot
from clip_app.photos import open_picture
from clip_app.prompts import parse_labels, shortened
from clip_app.server.answers import classification_answer
from clip_app.strings import Language, text
from clip_app.tasks.classify import Classification, classify
from clip_app.ui.common import (
    download_button,
    i18n,
    no_formula,
    notice,
    percent,
    picture_url,
    shows_errors,
    write_export,
)
from clip_app.ui.files import Files


def build_batch(
    slot: ModelSlot,
    labels: gr.Textbox,
    templates: gr.Dropdown,
    own_templates: gr.Textbox,
    scoring: gr.Radio,
    language: gr.Radio,
) -> None:
    """Lay it out; it classifies with the labels and options above it."""
    with gr.Accordion(i18n("batch"), open=False, elem_id="batch"):
        files = Files(
            label=i18n("batch_files"),
            file_count="multiple",
            file_types=["image", ".heic", ".heif", ".avif"],
            elem_id="batch-files",
        )
        button = gr.Button(i18n("batch_button"), elem_id="batch-button")
        left_out = gr.HTML()
        table = gr.HTML(elem_id="batch-table")
        with gr.Row():
            as_csv = download_button("download_csv", "batch-csv")
            as_json = download_button("download_json", "batch-json")

    def classify_many(
        files: list[Upload] | None,
        labels: str,
        templates: str,
        own_templates: str,
        scoring: str,
        language: Language,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[str, str, Any, Any]:
        service = slot.service
        if not files:
            raise ImageError("image_missing")
        names = parse_labels(labels)
        chosen = own_templates if templates == "own" else templates
        rows: list[tuple[str, Image.Image, Classification]] = []
        broken: list[str] = []
        called = told_apart([shown_name(name=file.name) for file in files])
        for file, name in zip(
            progress.tqdm(files, desc=text("batch_progress", language)), called, strict=True
        ):
            try:
                photo = open_picture(file.path, service, name=name)
            except ImageError as error:
                broken.append(error.message(language))
                continue
            answer = classify(
                service, [photo], names, chosen, independent=scoring == "independent"
            )[0]
            rows.append((name, thumbnail(photo, 96), answer))
        if not rows:
            raise ClipAppError("broken_files", reasons=" ".join(broken))
        answers = [classification_answer(name, service, answer) for name, _, answer in rows]
        return (
            notice(text("broken_files", language, reasons=" ".join(broken))) if broken else "",
            _batch_table(rows, language),
            gr.update(value=write_export("classification.csv", _as_csv(rows)), visible=True),
            gr.update(
                value=write_export(
                    "classification.json", json.dumps(answers, ensure_ascii=False, indent=1)
                ),
                visible=True,
            ),
        )

    button.click(
        shows_errors(classify_many),
        [files, labels, templates, own_templates, scoring, language],
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
