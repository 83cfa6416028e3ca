"""Which results of a search fit at all: the query against unrelated queries of the same kind.

A search by similarity always has a best result, even where nothing in the gallery fits. How high a
cosine is good differs between models, queries and photographs, so no fixed cosine can tell. Instead
each result is asked: how often does an unrelated query reach, on this very photograph, what the
query reaches? Unrelated queries are the query itself with every word replaced by a background word
and every image by another photograph of the gallery. What all photographs of a gallery have in
common counts half, and the more photographs were searched, the rarer a result has to be, for the
best of many is high by luck. Nothing in this depends on a model's scale.

`benchmarks/nothing_fits.py` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from clip_app.background import Background

# A result fits if its `chances` are at most this.
CHANCE_LIMIT = 0.015

# Share of the gallery's mean vector that is taken off every photograph. It carries what a model
# adds to each cosine of a query (the gap between texts and images), but also the gallery's topic:
# with all of it taken off, "dog" would not fit in a folder of dogs.
_CENTRING = 0.5

# Beyond the best tenth of the unrelated queries their scores are taken to thin out exponentially
# (peaks over threshold, Pickands 1975), as in `clip_app.background`.
_TAIL = 0.1

# The best of N photographs is as good by luck as the best of N ** _LUCK independent ones.
_LUCK = 0.6

# With fewer unrelated queries than this left, nothing is said.
_FEWEST = 50

_SAMPLE = 1000
_SPREAD_SAMPLE = 64
_NEAR_QUANTILE = 0.98


@dataclass(frozen=True)
class Calibration:
    """What is known of a gallery before any query.

    Attributes:
        size: number of photographs in the gallery.
        sample: float32 (n, dim), unit rows, n at most 1,000: photographs drawn evenly from it.
        centre: float32 (dim,): their mean.
        near: cosine of two photographs from which on they count as near.
    """

    size: int
    sample: np.ndarray
    centre: np.ndarray
    near: float


@dataclass(frozen=True)
class Term:
    """One part of a query.

    Attributes:
        features: float32 (dim,), length 1.
        weight: its factor in the sum; negative for what is to be left out.
        background: the background of a text's language; None for an image.
    """

    features: np.ndarray
    weight: float
    background: Background | None


def calibrate(features: np.ndarray, size: int | None = None) -> Calibration:
    """The calibration of a gallery: once for each model and gallery, in some 50 ms.

    Args:
        features: (n, dim), unit rows: all photographs or, of a large gallery, any random part.
        size: number of photographs in the gallery, if not `n`.
    """
    generator = np.random.default_rng(0)
    chosen = generator.permutation(len(features))[:_SAMPLE]
    sample = np.asarray(features[chosen], np.float32)
    between = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    return Calibration(
        size=len(features) if size is None else size,
        sample=sample,
        centre=sample.mean(axis=0) if len(sample) else np.zeros(features.shape[1], np.float32),
        near=float(np.quantile(between, _NEAR_QUANTILE)) if len(between) else 1.0,
    )


def unrelated_queries(calibration: Calibration, terms: Sequence[Term]) -> np.ndarray:
    """The query with each term replaced by something unrelated of its kind, in many ways.

    Args:
        calibration: of the gallery that is searched.
        terms: of the query, which is the sum of `weight · features`, in any length.

    Returns:
        float32 (m, dim), to be compared with that sum as it is, not scaled to length 1. Empty if
        the query has no term with a positive weight, or too little is left that is unrelated.
    """
    none = np.empty((0, len(calibration.centre)), np.float32)
    if not any(term.weight > 0 for term in terms):
        return none
    generator = np.random.default_rng(0)
    columns = []
    for term in terms:
        if term.background is None:
            others, near = calibration.sample, calibration.near
        else:
            others, near = term.background.features, term.background.near
        unrelated = others[others @ term.features < near]
        if len(unrelated) < _FEWEST:
            return none
        columns.append(np.float32(term.weight) * generator.permutation(unrelated))
    rows = max(map(len, columns))
    return np.sum([np.resize(column, (rows, column.shape[1])) for column in columns], axis=0)


def chances(
    calibration: Calibration, query: np.ndarray, unrelated: np.ndarray, hits: np.ndarray
) -> np.ndarray:
    """How often luck alone would find so good a result in a gallery of this size.

    Args:
        calibration: of the gallery that was searched.
        query: (dim,), the sum of its terms.
        unrelated: (m, dim), from `unrelated_queries` of the same terms.
        hits: (k, dim), unit rows: the results.

    Returns:
        float64 (k,) in [0, 1], small for results that fit; NaN where nothing can be said.
    """
    if len(unrelated) < _FEWEST or not len(hits):
        return np.full(len(hits), np.nan)
    centre = _CENTRING * calibration.centre
    start, excess = _tails((hits - centre) @ unrelated.T)
    _, typical = _tails((calibration.sample[:_SPREAD_SAMPLE] - centre) @ unrelated.T)
    # Half of each: one photograph's own tail is known from 77 words only, and wide where it holds
    # much that background words name.
    scale = np.sqrt(excess * typical.mean())
    beyond = ((hits - centre) @ query - start) / np.maximum(scale, 1e-9)
    one = np.where(beyond > 0, _TAIL * np.exp(-np.maximum(beyond, 0)), 1.0)
    tries = float(calibration.size) ** _LUCK
    return -np.expm1(tries * np.log1p(-np.minimum(one, 1 - 1e-12)))


def fits(
    calibration: Calibration, query: np.ndarray, unrelated: np.ndarray, hits: np.ndarray
) -> np.ndarray:
    """Whether each result fits; True where nothing can be said. Arguments as in `chances`.

    Returns:
        bool (k,).
    """
    return ~(chances(calibration, query, unrelated, hits) > CHANCE_LIMIT)


def _tails(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the best tenth of each row begins, and its mean excess over that: both (rows,)."""
    count = max(1, round(_TAIL * scores.shape[1]))
    best = np.partition(scores, -count - 1, axis=1)[:, -count - 1 :].astype(np.float64)
    start = best[:, 0]
    return start, best[:, 1:].mean(axis=1) - start
