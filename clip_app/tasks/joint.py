"""Naming photographs of one batch together, so that each helps to name those like it."""

from typing import Literal

import numpy as np

#: `mean` takes off half of what the batch shares (`clip_app.scoring.without_half_the_mean`);
#: `transclip` is `transclip_scores`.
Joint = Literal["mean", "transclip"]

# As published: the three most alike, the first guess from the eight surest of each class, ten
# rounds of five steps, and a Gaussian that counts a fiftieth, as its 384 and more dimensions would
# outvote the words.
_NEIGHBOURS = 3
_SUREST = 8
_ROUNDS = 10
_STEPS = 5
_DAMPING = 1 / 50

# A dimension in which all photographs of a class agree would count without limit.
_LEAST_VARIANCE = 1e-6

# Photographs that are compared with all others at a time: 20 MB for 5,000 of them.
_ROWS = 512


def transclip_scores(
    features: np.ndarray, scores: np.ndarray, *, rounds: int = _ROUNDS
) -> np.ndarray:
    """The scores of photographs that are named together (TransCLIP, Zanella et al. 2024).

    Each class is a Gaussian around the photographs that bear its name, photographs that are alike
    should bear the same name, and what the words say counts besides. With M for the scores that
    come out and S for those that words give, this lowers

        sum M log M - sum M log S + sum M (d/v + log v) / 100 - sum likeness M M' / 2

    over M and over the Gaussians, where d/v is the squared distance by the common variance of
    each dimension.

    Gains most where all the classes occur among the photographs; where most are missing, their
    photographs are spread over names that are not there.

    Args:
        features: float32 (images, dim), unit rows.
        scores: float64 (images, classes), rows sum to 1: what words alone say.
        rounds: how often the Gaussians are fitted anew.

    Returns:
        float64 (images, classes), rows sum to 1.
    """
    rows = features.astype(np.float64)
    likeness = _Likeness(features)
    tiny = np.finfo(np.float64).tiny
    by_words = np.log(np.maximum(scores, tiny))
    means = _first_means(rows, scores)
    precision = np.full(rows.shape[1], float(rows.shape[1]))
    names = scores
    for number in range(rounds + 1):
        if number:
            means, precision = _gaussians(rows, names)
        distances = (
            rows**2 @ precision[:, None] - 2 * rows @ (precision * means).T + means**2 @ precision
        )
        fixed = by_words - 0.5 * _DAMPING * distances
        for _ in range(_STEPS):
            names = _softmax(fixed + likeness.of_neighbours(names))
    return names


class _Likeness:
    """Which photographs are most alike, and how much: a sparse symmetric matrix."""

    def __init__(self, features: np.ndarray) -> None:
        count = min(_NEIGHBOURS, len(features) - 1)
        nearest, cosines = [], []
        for start in range(0, len(features), _ROWS):
            block = features[start : start + _ROWS] @ features.T
            block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
            found = np.argpartition(-block, max(count - 1, 0), axis=1)[:, :count]
            nearest.append(found)
            cosines.append(np.take_along_axis(block, found, axis=1))
        self._nearest = np.concatenate(nearest)
        self._weights = np.concatenate(cosines).astype(np.float64) / (2 * _NEIGHBOURS)
        # Those that have one photograph among their neighbours, side by side.
        self._order = np.argsort(self._nearest, axis=None, kind="stable")
        self._chosen = np.unique(self._nearest)
        self._starts = np.searchsorted(self._nearest.ravel()[self._order], self._chosen)

    def of_neighbours(self, names: np.ndarray) -> np.ndarray:
        """What the neighbours of each photograph are named: (images, classes)."""
        total = np.einsum("nj,njk->nk", self._weights, names[self._nearest])
        if len(self._order):
            theirs = self._weights.ravel()[self._order, None]
            theirs = theirs * names[self._order // self._nearest.shape[1]]
            total[self._chosen] += np.add.reduceat(theirs, self._starts, axis=0)
        return total


def _first_means(rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Of each class, the mean direction of the photographs that words are surest of."""
    count = min(_SUREST, len(rows))
    surest = np.argpartition(-scores, count - 1, axis=0)[:count]
    weights = np.take_along_axis(scores, surest, axis=0)
    means = np.einsum("nk,nkd->kd", weights, rows[surest])
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-300)


def _gaussians(rows: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each class, and 1 / variance of each dimension, the same for all classes."""
    mass = names.sum(axis=0)
    means = names.T @ rows / np.maximum(mass, 1e-300)[:, None]
    variance = ((rows**2).sum(axis=0) - mass @ means**2) / len(rows)
    return means, 1 / np.maximum(variance, _LEAST_VARIANCE)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
