"""The second question: captions of a batch shuffled, and a head trained on wrong names."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ClipAppError
from clip_app.progress import Progress
from clip_app.scoring import similarities
from clip_app.strings import LANGUAGES
from clip_app.tasks.contrastive import head_accuracy, shuffled
from clip_app.ui.errors import shows_errors
from clip_app.ui.parts import part
from clip_app.ui.runs import followed
from clip_app.ui.tab import PRIVATE, Page, Values
from clip_app.ui.tabs.learn.gallery_pairs import GalleryVectors, pictures
from clip_app.ui.words import said_in_both, words

# 25 pairs, few enough to be seen one by one, and of all topics.
_EACH = 6

# Topics with fewer photographs have too few to learn from and to be tried on.
_LEAST = 8

#: Shares of the names that are wrong, and how often each is tried with others.
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)
_TRIES = 8


def build(page: Page) -> None:
    """Lay it out and connect it; its script asks when it is first seen."""
    vectors = GalleryVectors()
    chosen = pictures()[::_EACH]
    panel = gr.HTML(
        {"batch": None, "head": None, "done": None, "error": None},
        **part("basics", "learn/common", "learn/noise"),
        words=words("learn_noise"),
        titles=[one.title for one in chosen],
        apply_default_css=False,
        elem_id="learn-noise",
    )

    def compare(given: Values, event: gr.EventData) -> Iterator[Values]:
        """The cosines of the batch, and, once it is asked for, the heads."""
        shown: dict[str, Any] = {**given[panel], "error": None}
        service = page.slot.service

        def work(told: Progress) -> dict[str, Any]:
            rows = vectors.rows(service, told)
            if (event._data or {}).get("head"):
                return {"head": heads(rows)}
            titles = {
                each: service.encode_texts([one.title[each] for one in chosen])
                for each in LANGUAGES
            }
            cosines = {
                each: similarities(rows[::_EACH], titles[each]).round(4).tolist()
                for each in LANGUAGES
            }
            return {"batch": {"cosines": cosines, "scale": service.logit_scale}}

        try:
            shown |= yield from followed(
                work, lambda: False, lambda *done: {panel: {**shown, "done": done}}
            )
        except ClipAppError as error:
            shown["error"] = said_in_both(error)
        yield {panel: {**shown, "done": None}}

    panel.ask(
        shows_errors(compare, page.language),
        {panel, page.language},
        panel,
        trigger_mode="always_last",
        **PRIVATE,
    )


def heads(rows: np.ndarray) -> dict[str, Any]:
    """How heads do that were told wrong names for a share of the photographs, by `SHARES`."""
    counted = Counter(one.topic for one in pictures())
    topics = [topic for topic, count in counted.items() if count >= _LEAST]
    used = np.array([one.topic in topics for one in pictures()])
    right = np.array([topics.index(one.topic) for one in pictures() if one.topic in topics])
    features = rows[used]
    accuracies = []
    for share in SHARES:
        found = []
        for number in range(_TRIES):
            rng = np.random.default_rng(number)
            learnt = rng.permutation(len(right)) % 2 == 0
            told = right.copy()
            told[learnt] = shuffled(right[learnt], share, rng)
            found.append(head_accuracy(features, told, right, learnt))
        accuracies.append(float(np.mean(found)))
    return {
        "accuracies": accuracies,
        "shares": SHARES,
        "photos": len(right),
        "topics": len(topics),
        "guess": float(np.bincount(right).max() / len(right)),
    }
