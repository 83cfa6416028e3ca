"""The fourth question: how long a search takes, measured now: by product, codes, graph."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ClipAppError, GalleryError
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.scoring import unit
from clip_app.ui.errors import shows_errors
from clip_app.ui.parts import part
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.tab import PRIVATE, Page, Values
from clip_app.ui.tabs.learn.gallery_pairs import GalleryVectors
from clip_app.ui.words import said_in_both, words

# Made-up vectors: a million of 64 numbers are 256 MB of float32, where the model's own 640 numbers
# would be 2.6 GB. The graph keeps a copy and, of each vector, its neighbours: 0.7 GB in all.
_NUMBER, _DIM = 1_000_000, 64
_CHUNK = 50_000

# Each is a mixture of so many of the gallery's photographs, so that they lie as photographs do.
_MIXED = 4

# What is built takes seconds with codes, but a minute and more with a graph on two cores: it takes
# in as many vectors as it can meanwhile.
_SECONDS = 60

# As the galleries of this app: codes propose so many, which are compared exactly.
_LEARN_FROM, _PROPOSED = 50_000, 1000

# Neighbours of a vector in the graph, and how many ways are followed at once.
_NEIGHBOURS, _FOLLOWED = 16, 64

# Of the visitor's own photographs; a store keeps what it was asked for: 26 MB.
_MOST_OWN = 10_000

_QUERIES = 20
_BEST = 10


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

        found: dict[str, Any] = {}

        def work(told: Progress) -> None:
            with measuring:
                service = page.slot.service
                rows = _own_rows(page, given)
                if rows is None:
                    rows = vectors.rows(service, told)
                measure_all(service, rows, told, found)

        try:
            yield from followed(
                work,
                lambda: mine.asked == (run,),
                lambda *done: {panel: {**shown, "times": dict(found), "done": done}},
            )
        except StoppedError:
            pass  # what was measured until then stays
        except ClipAppError as error:
            shown["error"] = said_in_both(error)
        yield {panel: {**shown, "times": found or None}}

    def stop(given: Values, event: gr.EventData) -> None:
        """Which run is wanted no more; it may not have begun yet."""
        given[wanted].asked = (int((event._data or {})["run"]),)

    asked = {wanted, page.language, *page.chosen.inputs}
    panel.ask(
        shows_errors(measure, page.language), asked, panel, trigger_mode="always_last", **PRIVATE
    )
    panel.stop(stop, {wanted}, None, queue=False, **PRIVATE)


def _own_rows(page: Page, given: Values) -> np.ndarray | None:
    """Vectors of the gallery that the visitor searches; None without enough of them."""
    if page.chosen.store is None:
        return None
    try:
        rows = page.chosen.store(given).sample(_MOST_OWN)[:_MOST_OWN]
    except GalleryError:  # not read yet, or by another model
        return None
    return rows if len(rows) > _BEST else None


def measure_all(
    service: ModelService, gallery: np.ndarray, told: Progress, found: dict[str, Any]
) -> None:
    """What a search takes, in milliseconds, one way after the other.

    Args:
        service: the model that turns words into a vector.
        gallery: float32 (photographs, dim), unit rows.
        told: called with (done, total); what it raises ends the run.
        found: takes what was measured, as soon as it was.
    """
    import faiss  # takes a while, and only here is it needed

    # Words that nobody has asked for, as those would be answered from memory.
    said = [f"{one} {time.time_ns()}" for one in ("a rocket", "火箭", "a cat", "猫", "a dog")]
    found["photos"], found["dim"] = len(gallery), _DIM
    found["words"] = _median(service.encode_texts, [[one] for one in said])
    found["gallery"] = _median(partial(_best, gallery), gallery[:_QUERIES])
    rng = np.random.default_rng(0)
    short = gallery @ rng.standard_normal((gallery.shape[1], _DIM), np.float32)
    vectors = np.empty((_NUMBER, _DIM), np.float32)
    for first in range(0, _NUMBER, _CHUNK):
        part = vectors[first : first + _CHUNK]
        part[:] = _mixtures(short, len(part), rng)
        told(10 * first // _NUMBER, 100)
    queries = _mixtures(short, _QUERIES, rng)
    found |= {"number": _NUMBER, "megabytes": vectors.nbytes // 10**6}
    found["brute"] = _median(partial(_best, vectors), queries)

    codes = faiss.index_factory(_DIM, f"PQ{_DIM // 2}x4fs", faiss.METRIC_INNER_PRODUCT)
    codes.train(vectors[:_LEARN_FROM])
    for first in range(0, _NUMBER, _CHUNK):
        codes.add(vectors[first : first + _CHUNK])
        told(10 + 20 * first // _NUMBER, 100)

    def proposed(query: np.ndarray) -> np.ndarray:
        rows = codes.search(query[None], min(_PROPOSED, _NUMBER))[1][0]
        return np.asarray(rows[_best(vectors[rows], query)])

    found["codes_megabytes"] = _NUMBER * _DIM // 4 // 10**6  # 4 bits for two numbers
    found["codes_found"] = _found(proposed, vectors, queries)
    found["codes"] = _median(proposed, queries)

    graph = faiss.IndexHNSWFlat(_DIM, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efSearch = _FOLLOWED
    started = time.monotonic()
    while graph.ntotal < _NUMBER and time.monotonic() < started + _SECONDS:
        graph.add(vectors[graph.ntotal : graph.ntotal + _CHUNK // 10])
        spent = max(graph.ntotal / _NUMBER, (time.monotonic() - started) / _SECONDS)
        told(30 + int(69 * min(1, spent)), 100)

    def followed_up(query: np.ndarray) -> np.ndarray:
        return np.asarray(graph.search(query[None], _BEST)[1][0])

    found["graph_number"] = graph.ntotal
    found["graph_seconds"] = round(time.monotonic() - started)
    found["graph_found"] = _found(followed_up, vectors[: graph.ntotal], queries)
    found["graph"] = _median(followed_up, queries)
    told(100, 100)


def _mixtures(rows: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Float32 (number, dim): unit rows, each a mixture of a few of `rows` and a little noise."""
    mixed = rng.standard_normal((number, rows.shape[1]), np.float32)
    mixed *= np.float32(np.linalg.norm(rows, axis=1).mean() / 5 / rows.shape[1] ** 0.5)
    shares = rng.dirichlet(np.ones(_MIXED), number).astype(np.float32)
    for share in shares.T:
        mixed += share[:, None] * rows[rng.integers(len(rows), size=number)]
    return unit(mixed)


def _median(work: Callable[[Any], Any], given: Iterable[Any]) -> float:
    """Milliseconds of `work`, of one thing after the other."""
    taken = []
    for one in given:
        started = time.perf_counter()
        work(one)
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.median(taken))


def _best(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """The rows most like the query, by comparing with all of them."""
    return np.argpartition(-(vectors @ query), _BEST)[:_BEST]


def _found(
    work: Callable[[np.ndarray], np.ndarray], vectors: np.ndarray, queries: np.ndarray
) -> float:
    """The share of the best rows that `work` finds."""
    return float(np.mean([np.isin(_best(vectors, one), work(one)).mean() for one in queries]))
