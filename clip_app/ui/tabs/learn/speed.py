"""The fourth question: how long a search takes, measured now, with and without an index."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ClipAppError
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.scoring import unit
from clip_app.ui.errors import shows_errors
from clip_app.ui.parts import part
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.tab import Page, Values
from clip_app.ui.tabs.learn.gallery_pairs import GalleryVectors
from clip_app.ui.words import said_in_both, words

# Made-up vectors: as many as 256 MB of float32 hold, which any machine that runs a model has free.
_MOST = 100_000
_BYTES = 256 * 10**6

# The index: vectors lie in so many groups, and those nearest to the query are looked through.
_GROUPS = 250
_LOOKED_AT = 10

# How far a vector lies from the middle of its group, beside a length of 1.
_SPREAD = 3.0

_QUERIES = 20
_BEST = 10

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(page: Page) -> None:
    """Lay it out and connect it; nothing is measured before it is asked for."""
    vectors = GalleryVectors()
    wanted = gr.State(Wanted())
    # One at a time: two would measure each other.
    measuring = threading.Lock()
    panel = gr.HTML(
        {"run": 0, "times": None, "done": None, "error": None},
        **part("basics", "learn/common", "learn/speed"),
        words=words("learn_speed"),
        apply_default_css=False,
        elem_id="learn-speed",
    )

    def measure(given: Values, event: gr.EventData) -> Iterator[Values]:
        """Measure, and tell how far it is."""
        mine, run = given[wanted], int((event._data or {})["run"])
        shown: dict[str, Any] = {"run": run, "times": None, "done": None, "error": None}

        def work(told: Progress) -> dict[str, Any]:
            with measuring:
                service = page.slot.service
                return times(service, vectors.rows(service, told), told)

        try:
            shown["times"] = yield from followed(
                work, lambda: mine.asked == (run,), lambda *done: {panel: {**shown, "done": done}}
            )
        except StoppedError:
            pass
        except ClipAppError as error:
            shown["error"] = said_in_both(error)
        yield {panel: shown}

    def stop(given: Values, event: gr.EventData) -> None:
        """Which run is wanted no more; it may not have begun yet."""
        given[wanted].asked = (int((event._data or {})["run"]),)

    asked = {wanted, page.language}
    panel.ask(
        shows_errors(measure, page.language), asked, panel, trigger_mode="always_last", **_PRIVATE
    )
    panel.stop(stop, {wanted}, None, queue=False, **_PRIVATE)


def times(service: ModelService, gallery: np.ndarray, told: Progress) -> dict[str, Any]:
    """What a search takes, in milliseconds.

    Args:
        service: the model that turns words into a vector.
        gallery: float32 (photographs, dim), unit rows.
        told: called with (done, total) while vectors are made up.
    """
    dim = gallery.shape[1]
    number = min(_MOST, _BYTES // (4 * dim)) // _GROUPS * _GROUPS
    rng = np.random.default_rng(0)
    middles = unit(rng.standard_normal((_GROUPS, dim), np.float32))
    vectors = np.empty((number, dim), np.float32)
    each = number // _GROUPS
    for group in range(_GROUPS):
        noise = rng.standard_normal((each, dim), np.float32) * np.float32(_SPREAD / dim**0.5)
        vectors[group * each : (group + 1) * each] = unit(middles[group] + noise)
        told(group + 1, _GROUPS + _QUERIES)
    brute, indexed, found = [], [], 0
    for place in range(_QUERIES):
        aside = rng.standard_normal(dim, np.float32) * np.float32(_SPREAD / dim**0.5)
        query = unit(middles[rng.integers(_GROUPS)] + aside)
        took, best = _timed(_best, vectors, query)
        brute.append(took)
        took, near = _timed(_near, vectors, middles, query)
        indexed.append(took)
        found += len(np.intersect1d(best, near))
        told(_GROUPS + place + 1, _GROUPS + _QUERIES)
    # Words that nobody has asked for, as those would be answered from memory.
    said = [f"{one} {time.time_ns()}" for one in ("a rocket", "火箭", "a cat", "猫", "a dog")]
    of_words = [_timed(service.encode_texts, [one])[0] for one in said]
    of_gallery = [_timed(_best, gallery, gallery[0])[0] for _ in range(_QUERIES)]
    return {
        "dim": dim,
        "photos": len(gallery),
        "number": number,
        "megabytes": round(vectors.nbytes / 1e6),
        "words": float(np.median(of_words)),
        "gallery": float(np.median(of_gallery)),
        "brute": float(np.median(brute)),
        "indexed": float(np.median(indexed)),
        "looked": _LOOKED_AT / _GROUPS,
        "found": found / (_BEST * _QUERIES),
    }


def _timed(work: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work(*given)
    return 1000 * (time.perf_counter() - started), result


def _best(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The rows most like the query, by comparing with all of them."""
    return np.argpartition(-(vectors @ query), _BEST)[:_BEST]


def _near(vectors: np.ndarray, middles: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The same among the groups whose middles are nearest; rows lie group by group."""
    each = len(vectors) // len(middles)
    groups = np.argpartition(-(middles @ query), _LOOKED_AT)[:_LOOKED_AT]
    cosines = np.stack([vectors[one * each : (one + 1) * each] @ query for one in groups])
    best = np.argpartition(-cosines.ravel(), _BEST)[:_BEST]
    return groups[best // each] * each + best % each
