"""Vectors laid out on a plane, so that those that are near each other stay near each other.

Principal components, then a graph of nearest neighbours, then a layout in which neighbours attract
each other and all others repel, with the forces of UMAP (McInnes et al. 2018) on the samples of
each round. All of it grows about linearly. The libraries that do this bring a compiler or
scikit-learn with them; numpy and faiss, which are here anyway, take 10 seconds for 100,000 vectors
and keep neighbours as well as t-SNE does (benchmarks/gallery_map.py).
"""

from typing import Any

import numpy as np

from clip_app.progress import Progress, silent

#: Neighbours that attract each other; and by which the layout is judged.
NEIGHBOURS = 15

# More components change the neighbours of photographs little, and cost time.
_COMPONENTS = 50

# Up to here all pairs are compared; beyond, those in cells near each other.
_EXACT = 20_000
_CELLS_LOOKED_INTO = 8

# Queries between two signs of life.
_BLOCK = 4_096

# Rounds of the layout: a small one is not yet still after 300, one of 100,000 gains nothing.
_ROUNDS, _ROUNDS_OF_MANY = 500, 300

# Of each photograph, neighbours that attract it in a round, others that repel it, and how much
# more all others repel than one neighbour attracts.
_ATTRACTING, _REPELLING, _REPULSION = 4, 8, 5.0

# Adam (Kingma & Ba 2015), whose steps do not depend on how many forces meet.
_STEP, _MOMENTUM, _SCALING = 1.0, 0.9, 0.99

# The standard deviation at the start; the layouts of all sizes end up some 30 wide.
_START = 5.0

#: What a progress counts to.
TOTAL = 100
_AFTER_COMPONENTS, _AFTER_NEIGHBOURS = 10, 40


def project(vectors: np.ndarray, progress: Progress | None = None) -> np.ndarray:
    """Places of vectors on a plane.

    Args:
        vectors: float32 (n, dim).
        progress: called with (done, `TOTAL`); what it raises ends the work.

    Returns:
        float32 (n, 2); the same each time for the same vectors on one machine.
    """
    told = progress or silent
    count = len(vectors)
    reduced = components(vectors)
    told(_AFTER_COMPONENTS, TOTAL)
    start = np.zeros((count, 2), np.float32)
    start[:, : reduced.shape[1]] = reduced[:, :2]
    if count <= 3:  # so few lie on a plane as they are
        return start
    span = TOTAL - _AFTER_NEIGHBOURS

    def of_neighbours(done: int, total: int) -> None:
        share = (_AFTER_NEIGHBOURS - _AFTER_COMPONENTS) * done // total
        told(_AFTER_COMPONENTS + share, TOTAL)

    squares, near = neighbours(reduced, min(NEIGHBOURS, count - 1), of_neighbours)
    return _laid_out(
        start, squares, near, lambda done, total: told(TOTAL - span + span * done // total, TOTAL)
    )


def components(vectors: np.ndarray) -> np.ndarray:
    """What the vectors are in the directions in which they vary most, float32 (n, at most 50).

    A direction points to where its largest number is positive, so that no library decides.
    """
    count = len(vectors)
    if not count:
        return np.zeros((0, 0), np.float32)
    mean = vectors.mean(0, dtype=np.float64).astype(np.float32)
    variances = vectors.T @ vectors / np.float32(count) - np.outer(mean, mean)
    kept = min(_COMPONENTS, count - 1, vectors.shape[1])
    directions = np.linalg.eigh(variances)[1][:, ::-1][:, :kept]
    largest = np.abs(directions).argmax(0)
    directions = directions * np.sign(directions[largest, np.arange(kept)])
    return np.asarray(vectors @ directions - mean @ directions, np.float32)


def neighbours(
    rows: np.ndarray, number: int, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest others of each row: squared distances, float32 (n, number), and which, int64.

    Where there are many rows, those of cells far from a row are not looked at: of 100,000, 97 % of
    the nearest are found.
    """
    import faiss

    count, dim = rows.shape
    rows = np.ascontiguousarray(rows)
    index: Any = faiss.IndexFlatL2(dim)
    if count > _EXACT:
        cells = faiss.IndexIVFFlat(index, dim, int(2 * count**0.5))
        cells.cp.niter, cells.cp.max_points_per_centroid = 8, 64
        cells.nprobe = _CELLS_LOOKED_INTO
        cells.train(rows)
        index = cells
    index.add(rows)
    squares = np.empty((count, number), np.float32)
    near = np.empty((count, number), np.int64)
    for first in range(0, count, _BLOCK):
        itself = np.arange(first, min(first + _BLOCK, count))[:, None]
        there, which = index.search(rows[first : first + _BLOCK], number + 1)
        which = np.where(which < 0, itself, which)  # a cell had too few
        # Itself first, which need not be found first, or at all, among many that are the same.
        order = np.argsort(np.where(which == itself, -1, there), axis=1, kind="stable")[:, 1:]
        squares[first : first + _BLOCK] = np.take_along_axis(there, order, 1)
        near[first : first + _BLOCK] = np.take_along_axis(which, order, 1)
        if progress:
            progress(int(itself[-1, 0]) + 1, count)
    return np.maximum(squares, 0), near


def _laid_out(
    start: np.ndarray, squares: np.ndarray, near: np.ndarray, progress: Progress
) -> np.ndarray:
    """Let neighbours attract each other and all others repel, from `start` on."""
    count, number = near.shape
    rng = np.random.default_rng(0)
    places = start.T / max(float(start.std()), 1e-12) * _START
    # What is the same must not lie in the same place, or nothing would part it.
    places = (places + 1e-3 * rng.standard_normal(places.shape)).astype(np.float32)
    distances = np.sqrt(squares) - np.sqrt(squares[:, :1])
    spread = np.maximum(distances.mean(1, keepdims=True), 1e-6)
    weights = np.ascontiguousarray(np.exp(-distances / spread).T, np.float32)
    others = np.ascontiguousarray(near.T)
    average, scale = np.zeros_like(places), np.zeros_like(places)
    rounds = _ROUNDS if count <= _EXACT else _ROUNDS_OF_MANY
    for done in range(rounds):
        force = np.zeros_like(places)
        attraction = 0.0
        for column in rng.choice(number, min(_ATTRACTING, number), replace=False):
            other = others[column]
            apart = places - places[:, other]
            apart *= 2 * weights[column] / (1 + (apart * apart).sum(0))
            force -= apart
            force += [np.bincount(other, one, count) for one in apart]
            attraction += float(weights[column].mean())
        for _ in range(_REPELLING):
            apart = places - places[:, rng.integers(0, count, count)]
            square = (apart * apart).sum(0)
            strength = 2 / ((0.01 + square) * (1 + square))
            limit = 4 / np.maximum(np.sqrt(square), 1e-3)
            apart *= np.minimum(strength, limit) * (2 * _REPULSION * attraction / _REPELLING)
            force += apart
        average = _MOMENTUM * average + (1 - _MOMENTUM) * force
        scale = _SCALING * scale + (1 - _SCALING) * force * force
        step = average / (1 - _MOMENTUM ** (done + 1))
        step /= np.sqrt(scale / (1 - _SCALING ** (done + 1))) + 1e-6
        places += (_STEP * (1 - done / rounds)) * step.astype(np.float32)
        progress(done + 1, rounds)
    return np.ascontiguousarray(places.T)
