"""Several photographs against several sentences: the lower part of the tab 文本匹配."""

import logging
from contextlib import closing
from functools import lru_cache
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from clip_app.errors import ClipAppError, Reason
from clip_app.gallery.uploads import Upload
from clip_app.images import shown_name, thumbnail
from clip_app.model.service import ModelService
from clip_app.prompts import parse_lines
from clip_app.scoring import softmax_scores
from clip_app.strings import LANGUAGES, Language, text
from clip_app.tasks.match import SimilarityMatrix, matrix_of_features
from clip_app.ui.desk import Desk
from clip_app.ui.downloads import download_button, write_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.html import picture_url
from clip_app.ui.i18n import i18n
from clip_app.ui.parts import part
from clip_app.ui.tab import EACH, PRIVATE, Page, Values
from clip_app.ui.tabs.match.matrix_picture import CELL, draw_matrix
from clip_app.ui.words import SENDING, said_in_both, words

log = logging.getLogger(__name__)

# A matrix that can be looked at.
_MAX_IMAGES = 12
_MAX_TEXTS = 24

_EXAMPLES = 4


class Matrix(Desk):
    """A visitor's photographs, or the examples while there are none, and what they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = ""
        self.examples = Desk()
        self.examples.uploads = [
            Upload(EXAMPLES_DIRECTORY / one.file, one.file) for one in load_examples()[:_EXAMPLES]
        ]

    def close(self) -> None:
        """Remove the thumbnails; called when the visitor has left."""
        super().close()
        self.examples.close()

    def compared(self, service: ModelService, language: Language) -> tuple[dict[str, Any], str]:
        """What the page's script shows, and the same as an SVG document.

        Raises:
            InputError: if there is no sentence, or too many.
            ModelError: if the device fails.
        """
        texts = parse_lines(self.texts, _MAX_TEXTS)
        own, told = _read(self, service)
        # The examples stay until there is one that can be read.
        names, pictures, features = zip(*(own or _read(self.examples, service)[0]), strict=True)
        matrix = matrix_of_features(service, np.stack(features), texts)
        shown = {
            "own": bool(own),
            "names": names,
            "pictures": pictures,
            "notices": [said_in_both(one) for one in [*told, *_notices(service, texts)]],
            **_numbers(matrix, service.logit_scale),
        }
        addresses = [_address(one) for one in pictures]
        return shown, draw_matrix(addresses, matrix, text("matrix_caption", language))


def _read(
    desk: Desk, service: ModelService
) -> tuple[list[tuple[str, str | None, np.ndarray]], list[Reason]]:
    """(name, picture, features (dim,)) of each photograph that is compared; why others are not.

    Those beyond the limit follow where one of the first is removed.
    """
    sound: list[tuple[str, str | None, np.ndarray]] = []
    told = []
    with closing(desk.encoded(service)) as encoded:
        for upload, photo in zip(desk.uploads, encoded, strict=True):
            if photo.error is not None:
                told.append(photo.error.reason)
            elif len(sound) == _MAX_IMAGES:
                values = {"number": len(desk.uploads), "limit": _MAX_IMAGES}
                told.insert(0, Reason("matrix_first", values))
                break
            elif photo.image_features is not None:
                sound.append((shown_name(name=upload.name), photo.kept, photo.image_features))
    return sound, told


def _numbers(matrix: SimilarityMatrix, logit_scale: float) -> dict[str, Any]:
    """Rows of the table, a sentence each: cosines, and both kinds of percent."""
    cosines = matrix.similarities.T
    return {
        "texts": list(matrix.texts),
        "cosine": cosines.round(6).tolist(),
        "by_photo": matrix.scores.T.round(8).tolist(),
        "by_text": softmax_scores(cosines, logit_scale).round(8).tolist(),
    }


def _notices(service: ModelService, texts: list[str]) -> list[Any]:
    """What does not stop the comparison, and makes it worth less."""
    said: list[Any] = list(service.cut_texts(texts)[:3])
    if unread := service.unread(texts):
        said.append(unread)
    return said


@lru_cache(maxsize=256)
def _address(path: str) -> str:
    with Image.open(path) as picture:
        return picture_url(thumbnail(picture, 2 * CELL))


def build_matrix(page: Page) -> None:
    """Lay it out and connect it; its script asks when it is first seen, and as one types."""
    examples = {
        language: "\n".join(one.right_description[language] for one in load_examples()[:_EXAMPLES])
        for language in LANGUAGES
    }
    state = gr.State(Matrix(), delete_callback=Matrix.close)
    with gr.Accordion(i18n("matrix"), open=False, elem_id="matrix"):
        panel = gr.HTML(
            {"photos": Desk().shown(), "asked": None, "matrix": None, "error": None},
            **part("basics", "uploads", "matrix"),
            words=words("matrix", "photos", *SENDING),
            examples=examples,
            apply_default_css=False,
            elem_id="matrix-panel",
        )
        with gr.Row():
            download = download_button("download_svg", "matrix-svg")

    def compare(given: Values, event: gr.EventData) -> Values:
        """Take in what has changed, the photographs or the sentences, and compare."""
        mine: Matrix = given[state]
        asked: dict[str, Any] = event._data or {}
        with mine.lock:
            mine.change(asked)
            mine.texts = asked["texts"]
            shown: dict[str, Any] = {
                "photos": mine.shown(),
                "asked": mine.texts,
                "matrix": None,
                "error": None,
            }
            try:
                shown["matrix"], svg = mine.compared(page.slot.service, given[page.language])
            except ClipAppError as error:
                log.info("%s: %s", type(error).__name__, error)
                shown["error"] = said_in_both(error)
                return {panel: shown, download: gr.update(visible=False)}
        file = write_export("similarities.svg", svg)
        return {panel: shown, download: gr.update(value=file, visible=True)}

    # Of what is typed the last counts, of photographs each.
    for event, how in (
        (panel.photos, EACH),
        (panel.ask, PRIVATE | {"trigger_mode": "always_last"}),
    ):
        event(
            shows_errors(compare, page.language), {state, page.language}, [panel, download], **how
        )
