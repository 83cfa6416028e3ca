"""The first question: four photographs, four captions, and the loss they are trained by."""

from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ClipAppError, InputError
from clip_app.gallery.uploads import Upload
from clip_app.images import shown_name
from clip_app.model.service import ModelService
from clip_app.scoring import similarities
from clip_app.strings import LANGUAGES
from clip_app.ui.desk import Desk, sent
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.parts import part
from clip_app.ui.tab import EACH, Page, Values
from clip_app.ui.words import SENDING, said_in_both, words

_PAIRS = 4

# Longer than any model reads to its end.
_LONGEST_CAPTION = 500


class Pairs(Desk):
    """A visitor's four photographs: the first examples, until some are replaced.

    Attributes:
        pairs: what `compared` found last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pairs: dict[str, Any] | None = None
        self.uploads = [
            Upload(EXAMPLES_DIRECTORY / one.file, one.file) for one in load_examples()[:_PAIRS]
        ]

    def compared(self, service: ModelService, captions: list[str]) -> dict[str, Any]:
        """The cosines that the page's script makes losses of, and pictures to show.

        Raises:
            ImageError: if a photograph cannot be read.
            InputError: if a caption is empty.
            ModelError: if the device fails.
        """
        if not all(captions):
            raise InputError("learn_pairs_empty")
        photos = list(self.encoded(service))
        rows = []
        for photo in photos:
            if photo.error is not None:
                raise photo.error
            rows.append(photo.image_features)
        cosines = similarities(np.array(rows), service.encode_texts(captions))
        return {
            "captions": captions,
            "names": [shown_name(name=one.name) for one in self.uploads],
            "pictures": [one.kept for one in photos],
            "cosines": cosines.round(6).tolist(),
            "scale": service.logit_scale,
        }


def build(page: Page) -> None:
    """Lay it out and connect it; its script asks when it is first seen."""
    captions = {
        language: [one.right_description[language] for one in load_examples()[:_PAIRS]]
        for language in LANGUAGES
    }
    state = gr.State(Pairs(), delete_callback=Pairs.close)
    panel = gr.HTML(
        {"pairs": None, "error": None},
        **part("basics", "learn/common", "learn/temperature", "learn/pairs"),
        words=words("learn_pairs", *SENDING),
        captions=captions,
        longest=_LONGEST_CAPTION,
        apply_default_css=False,
        elem_id="learn-pairs",
    )

    def compare(given: Values, event: gr.EventData) -> Values:
        """Take in a photograph or captions, and compare each with each."""
        mine: Pairs = given[state]
        asked: dict[str, Any] = event._data or {}
        typed = [str(one).strip()[:_LONGEST_CAPTION] for one in asked["captions"][:_PAIRS]]
        with mine.lock:
            before = list(mine.uploads)
            for upload in sent(asked)[:1]:
                mine.uploads[int(asked["place"]) % _PAIRS] = upload
            problem = None
            try:
                mine.pairs = mine.compared(page.slot.service, typed)
            except ClipAppError as error:
                mine.uploads = before
                problem = said_in_both(error)
            return {panel: {"pairs": mine.pairs, "error": problem}}

    panel.ask(
        shows_errors(compare, page.language),
        {state, page.language},
        panel,
        **EACH,
    )
