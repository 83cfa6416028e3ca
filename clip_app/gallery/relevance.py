"""Which results of a search fit at all: the query against unrelated queries on the same photograph.

A search by similarity always has a best result, even where nothing in the gallery fits. How high a
cosine is good differs between models, queries and photographs, so no fixed cosine can tell. Instead
each result is asked how often an unrelated query reaches, on this very photograph, what the query
reaches. Unrelated queries are the query itself with every text replaced by a background word and
every image by another photograph. The best of many photographs is high by luck, so the more were
searched, the rarer a result has to be. Nothing in this depends on a model's scale.

`benchmarks/nothing_fits.py` measures it on folders of photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from clip_app.model.backgrounds import Background

# A result fits if its chance is at most this. Over nine galleries of 100 to 3,200 photographs that
# the starter had not seen, some result fitted for 85 % of the classes that were in the gallery, for
# 25 % of those taken out together with near ones, and for 6 % of absurd queries
# (`benchmarks/README.md`). With an earlier starter and photographs it had seen, they were 77, 27
# and 2 %, and half of this limit took some 4, 9 and 2 points off.
CHANCE_LIMIT = 0.03

# Where some result fits, what is searched for is there, and the line is drawn among results of at
# most this chance, so that more of the right ones lie above it. Over eight choosing sets, 1,000
# photographs at once, 57 and 59 % of the right ones do (English and Chinese), 48 and 47 % with the
# limit above, and absent things find as little as with it. It is the highest of those tried with
# which half of what lies above is right; with 0.5 it is 59 and 62 %, and 42 % right.
LINE_LIMIT = 0.3

# Share of the gallery's mean vector that is taken off every photograph. The mean holds what a model
# adds to all cosines of one query, but also the gallery's topic. With none taken off, the limit
# found 70 % of the words of a model with such offsets, simulated, against 82 % with half; with
# three quarters, far fewer of a folder of airplanes passed for "airplane".
_CENTRING = 0.5

# Beyond the best tenth of the unrelated queries their scores are taken to thin out exponentially
# (peaks over threshold, Pickands 1975), as in `clip_app.tasks.fit`.
_TAIL = 0.1

# The best of N photographs is as good by luck as the best of N ** 0.6 independent ones: between
# 100 and 5,500 photographs the best chance of absent words fell by that power, in both languages.
_LUCK = 0.6

# Photographs like the image searched for are no unrelated ones. With 30 % left out, results pass
# for 90 to 100 % of images that have others of their class in the gallery, with 10 % for 65 to 90.
_LIKE_THE_IMAGE = 0.3

# With fewer unrelated queries than this nothing is said: a tail needs at least five of them.
_FEWEST = 50

_SAMPLE = 1000
_SPREAD_SAMPLE = 64


@dataclass(frozen=True)
class Calibration:
    """What is known of a gallery before any query.

    Attributes:
        size: number of photographs in the gallery.
        sample: float32 (n, dim), unit rows, n at most 1,000: photographs drawn evenly from it.
        centre: float32 (dim,): their mean.
    """

    size: int
    sample: np.ndarray
    centre: np.ndarray


@dataclass(frozen=True)
class Term:
    """One part of a query.

    Attributes:
        features: float32 (dim,), length 1.
        weight: its factor in the sum that is searched for; negative for what is to be left out.
        background: the background in a text's language; None for an image.
    """

    features: np.ndarray
    weight: float
    background: Background | None


def calibrate(features: np.ndarray, size: int | None = None) -> Calibration:
    """The calibration of a gallery, once for each model and state of the gallery.

    Args:
        features: (n, dim), unit rows, finite: all photographs, or of a large gallery any random
            part of at least 1,000.
        size: number of photographs in the gallery, if not n.
    """
    chosen = np.random.default_rng(0).permutation(len(features))[:_SAMPLE]
    sample = np.asarray(features[chosen], np.float32)
    centre = sample.mean(axis=0) if len(sample) else np.zeros(features.shape[1], np.float32)
    return Calibration(len(features) if size is None else size, sample, centre)


def unrelated_queries(calibration: Calibration, terms: Sequence[Term]) -> np.ndarray:
    """The query with each term replaced by something unrelated of its kind, in many ways.

    Args:
        calibration: of the gallery that is searched.
        terms: of the query, which is the sum of `weight * features`.

    Returns:
        float32 (m, dim), of the length the sum has, not of length 1. Empty, so that every result
        passes, where no term has a positive weight or too little is unrelated.
    """
    none = np.empty((0, len(calibration.centre)), np.float32)
    if not any(term.weight > 0 for term in terms):
        return none
    # The same query gives the same verdict each time.
    generator = np.random.default_rng(0)
    replaced = [_unrelated(calibration, term) for term in terms]
    if min(map(len, replaced)) < _FEWEST:
        return none
    rows = max(map(len, replaced))
    total = np.zeros((rows, len(calibration.centre)), np.float32)
    for term, unrelated in zip(terms, replaced, strict=True):
        # In another order for each term, so that a word meets a different one.
        order = np.resize(generator.permutation(len(unrelated)), rows)
        total += np.float32(term.weight) * unrelated[order]
    return total


def chances(
    calibration: Calibration, query: np.ndarray, unrelated: np.ndarray, hits: np.ndarray
) -> np.ndarray:
    """How often an unrelated query would find so good a result in a gallery of this size.

    Args:
        calibration: of the gallery that was searched.
        query: (dim,), the sum of its terms, in the length that `unrelated` was made for.
        unrelated: (m, dim), from `unrelated_queries` of the same terms.
        hits: (k, dim), unit rows: the photographs found.

    Returns:
        float64 (k,) in [0, 1], small for results that fit, 1 for those that at least a tenth of the
        unrelated queries equal; NaN where nothing can be said.
    """
    if len(unrelated) < _FEWEST or not len(hits) or not len(calibration.sample):
        return np.full(len(hits), np.nan)
    centre = np.float32(_CENTRING) * calibration.centre
    start, excess = _tails((hits - centre) @ unrelated.T)
    _, typical = _tails((calibration.sample[:_SPREAD_SAMPLE] - centre) @ unrelated.T)
    # The geometric mean of this photograph's tail and the gallery's: its own is known from some 70
    # words only, and is wide where the photograph shows what several of them name.
    spread = np.sqrt(excess * typical.mean())
    beyond = ((hits - centre) @ query - start) / np.maximum(spread, 1e-9)
    once = np.where(beyond <= 0, 1.0, _TAIL * np.exp(-np.maximum(beyond, 0)))
    # log1p and expm1 keep chances of one in a million from rounding to nothing.
    return -np.expm1(calibration.size**_LUCK * np.log1p(-np.minimum(once, 1 - 1e-12)))


def fits(
    calibration: Calibration,
    query: np.ndarray,
    unrelated: np.ndarray,
    hits: np.ndarray,
    found: bool | None = None,
) -> np.ndarray:
    """Whether each result fits, True also where nothing can be said. Arguments as in `chances`.

    Args:
        found: whether any result of the ranking fits; None where `hits` begin it.

    Returns:
        bool (k,); not always a beginning of the ranking, as photographs differ in what unrelated
        queries reach on them.
    """
    told = chances(calibration, query, unrelated, hits)
    fit = ~(told > CHANCE_LIMIT)
    return ~(told > LINE_LIMIT) if (fit.any() if found is None else found) else fit


def line(fit: np.ndarray) -> int:
    """After how many results of a ranking confidence ends.

    Args:
        fit: bool (k,), whether each fits; those that do not lie among those that do.

    Returns:
        the place with the fewest results on the wrong side of it, 0 to k.
    """
    gain = np.cumsum(np.where(fit, 1, -1))
    last = len(gain) - int(np.argmax(gain[::-1])) if len(gain) else 0
    return last if last and gain[last - 1] >= 0 else 0


def _unrelated(calibration: Calibration, term: Term) -> np.ndarray:
    if term.background is not None:
        words = term.background.features
        return words[words @ term.features < term.background.near]
    likeness = calibration.sample @ term.features
    farthest = int((1 - _LIKE_THE_IMAGE) * len(likeness))
    return calibration.sample[np.argsort(likeness)[:farthest]]


def _tails(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the best tenth of each row begins, and its mean excess over that: float64 (rows,)."""
    count = round(_TAIL * scores.shape[1])
    best = np.partition(scores, -count - 1, axis=1)[:, -count - 1 :].astype(np.float64)
    return best[:, 0], best[:, 1:].mean(axis=1) - best[:, 0]
