"""Where the right one comes among candidates: what accuracy, recall and AUROC are counted from."""

import numpy as np

from clip_app.scoring import similarities

# Queries that are compared at a time, so that 25,000 captions need no square of 2.5 GB.
_BLOCK = 1024


def places(queries: np.ndarray, candidates: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How many candidates come before the right one, int (queries,).

    Of equals, the earlier comes first, as in the app's own ranking.

    Args:
        queries, candidates: unit rows.
        right: for each query the row of the right candidate.
    """
    found = []
    order = np.arange(len(candidates))
    for start in range(0, len(queries), _BLOCK):
        cosines = similarities(queries[start : start + _BLOCK], candidates)
        column = right[start : start + _BLOCK, None]
        score = np.take_along_axis(cosines, column, axis=1)
        before = (cosines > score) | ((cosines == score) & (order < column))
        found.append(before.sum(axis=1))
    return np.concatenate(found)


def within(found: np.ndarray, limit: int) -> float:
    """Percentage of places below `limit`."""
    return round(100 * float((found < limit).mean()), 2)


def auroc(right: np.ndarray, wrong: np.ndarray) -> float:
    """Chance that one of the right scores above one of the wrong ones, ties counted half."""
    above = (right[:, None] > wrong[None, :]).mean()
    return float(above + 0.5 * (right[:, None] == wrong[None, :]).mean())
