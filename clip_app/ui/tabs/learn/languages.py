"""The fifth question: the same words in both languages, and models that read only one."""

from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ClipAppError, InputError, Reason
from clip_app.model.catalog import DEFAULT_PRESET, PRESETS
from clip_app.model.service import ModelService
from clip_app.photos import open_picture
from clip_app.prompts import parse_labels
from clip_app.scoring import similarities, softmax_scores
from clip_app.strings import LANGUAGES, Language
from clip_app.tasks.classes import classes_from_labels
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import EXAMPLES_DIRECTORY, Example, load_examples
from clip_app.ui.other_models import models_asked, models_besides
from clip_app.ui.parts import part
from clip_app.ui.tab import PRIVATE, Page, Values
from clip_app.ui.words import said_in_both, words

_PHOTOS = 6

# More pairs of words than can be compared at a glance.
_MOST_WORDS = 20

# Beside the default model: the first CLIP, and a later one of its size; both read English only.
_ENGLISH_ONLY = ("vit-b-32-openai", "vit-b-32-laion2b")


def build(page: Page) -> None:
    """Lay it out and connect it; its script asks when it is first seen."""
    examples = load_examples()[:_PHOTOS]
    told = [PRESETS[key] for key in (DEFAULT_PRESET, *_ENGLISH_ONLY)]
    panel = gr.HTML(
        {"words": None, "other": None, "besides": [], "error": None, "asked": {"turn": 0}},
        **part("basics", "learn/common", "learn/languages"),
        words=words("learn_languages"),
        models=[{"name": one.key, "chinese": one.chinese} for one in told],
        apply_default_css=False,
        elem_id="learn-languages",
    )
    # Only now is there a component to whose files the photographs can belong.
    panel.props["photos"] = [
        {
            "path": panel.move_resource_to_block_cache(EXAMPLES_DIRECTORY / one.file),
            "caption": one.caption,
            "labels": one.labels,
        }
        for one in examples
    ]

    def compare(given: Values, event: gr.EventData) -> Values:
        """Score a photograph by the same words in both languages; by another model, too, if asked.

        That one is loaded for this answer and let go after it.
        """
        asked: dict[str, Any] = event._data or {}
        typed = {one: str(asked["labels"][one]) for one in LANGUAGES}
        example = examples[int(asked["photo"]) % len(examples)]
        shown: dict[str, Any] = {"words": None, "other": None, "error": None, "asked": asked}
        try:
            shown["words"] = compared(page.slot.service, example, typed)
            for load in models_asked(page, [asked.get("model")])[1:]:
                shown["other"] = compared(load(), example, typed)
        except ClipAppError as error:
            shown["error"] = said_in_both(error)
        # After that, as the memory that is free is told.
        shown["besides"] = models_besides(page, unread="zh")
        return {panel: shown}

    panel.ask(
        shows_errors(compare, page.language),
        {page.language},
        panel,
        trigger_mode="always_last",
        **PRIVATE,
    )


def compared(service: ModelService, example: Example, typed: dict[Language, str]) -> dict[str, Any]:
    """Names, scores and cosines of both languages, and the cosine of each word with its other.

    Raises:
        InputError: if there are no words, too many, or not as many in both languages.
        ModelError: if the device fails.
    """
    names = {one: parse_labels(typed[one]) for one in LANGUAGES}
    counts = {one: len(names[one]) for one in LANGUAGES}
    if counts["en"] != counts["zh"]:
        raise InputError("learn_languages_uneven", **counts)
    if counts["en"] > _MOST_WORDS:
        raise InputError("learn_languages_many", limit=_MOST_WORDS)
    picture = open_picture(EXAMPLES_DIRECTORY / example.file, service)
    features = service.encode_images([picture])
    weights = {one: classes_from_labels(service, names[one]).weights for one in LANGUAGES}
    cosines = {one: similarities(features, weights[one])[0] for one in LANGUAGES}
    unread = None if service.reads("zh") else Reason("language_unread", {"better": DEFAULT_PRESET})
    return {
        "names": names,
        "cosines": {one: cosines[one].round(6).tolist() for one in LANGUAGES},
        "scores": {
            one: softmax_scores(cosines[one], service.logit_scale).round(6).tolist()
            for one in LANGUAGES
        },
        "between": np.sum(weights["en"] * weights["zh"], axis=1).round(4).tolist(),
        "unread": said_in_both(unread) if unread else None,
    }
