"""How long the map of a gallery takes to draw, and how well it keeps neighbours.

    python benchmarks/gallery_map.py [--sizes 1000,10000,100000] [--others]

Galleries are made of the vectors of the example photographs as in vector_stores.py: each lies
between two of them, with noise. Trustworthiness (Venna and Kaski 2001) is 1 where none of the 15
nearest places of a photograph is of one that is not among its nearest; by chance it is 0.5. It is
measured on some photographs against all. `--others` draws the same with t-SNE of scikit-learn,
which must be installed, up to 10,000 photographs.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.vector_stores import MIX, NOISE  # noqa: E402
from clip_app.gallery.clusters import groups  # noqa: E402
from clip_app.gallery.prepared import VECTORS  # noqa: E402
from clip_app.gallery.projection import NEIGHBOURS, components, project  # noqa: E402
from clip_app.scoring import unit  # noqa: E402

LOOKED_AT = 500
OTHERS_UP_TO = 10_000


def gallery(number: int) -> np.ndarray:
    """Vectors of a made-up gallery, float32 (number, dim)."""
    rng = np.random.default_rng(number)
    with np.load(VECTORS) as kept:
        photos = kept["vectors"]
    one, other = photos[rng.integers(0, len(photos), (2, number))]
    rows = unit(one + (other - one) * rng.uniform(0, MIX, (number, 1)).astype(np.float32))
    noise = rng.standard_normal(rows.shape, dtype=np.float32) * NOISE / rows.shape[1] ** 0.5
    return unit(rows + noise)


def principal_plane(rows: np.ndarray) -> np.ndarray:
    """The first two components, float32 (n, 2)."""
    return components(rows)[:, :2]


def trustworthiness(vectors: np.ndarray, places: np.ndarray) -> float:
    """See above."""
    count = len(vectors)
    some = np.random.default_rng(0).choice(count, min(LOOKED_AT, count), replace=False)
    false = 0
    for row in some:
        far = -(vectors @ vectors[row])
        near = np.square(places - places[row]).sum(1)
        far[row] = near[row] = -np.inf
        rank = np.empty(count, int)
        rank[np.argsort(far, kind="stable")] = np.arange(count)
        shown = np.argsort(near, kind="stable")[1 : NEIGHBOURS + 1]
        false += int(np.maximum(0, rank[shown] - NEIGHBOURS).sum())
    return 1 - 2 * false / (len(some) * NEIGHBOURS * (2 * count - 3 * NEIGHBOURS - 1))


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """(result, seconds, seconds of all cores together)."""
    started, busy = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - started, time.process_time() - busy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--others", action="store_true", help="t-SNE of scikit-learn, too")
    parsed = parser.parse_args()
    print("| photographs | drawn by | seconds | core seconds | groups, s | trustworthiness |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    project(gallery(100))  # what is opened when it is first needed
    for size in map(int, parsed.sizes.split(",")):
        rows = gallery(size)
        drawn: dict[str, Callable[[], np.ndarray]] = {
            "principal plane": partial(principal_plane, rows),
            "map": partial(project, rows),
        }
        if parsed.others and size <= OTHERS_UP_TO:
            from sklearn.manifold import TSNE

            tsne = TSNE(init="pca", metric="cosine", random_state=0)
            drawn["t-SNE"] = partial(tsne.fit_transform, rows)
        for name, work in drawn.items():
            places, seconds, busy = timed(work)
            _, grouping, _ = timed(partial(groups, np.ascontiguousarray(places)))
            kept = trustworthiness(rows, places)
            print(
                f"| {size:,} | {name} | {seconds:.1f} | {busy:.1f} | {grouping:.1f} | {kept:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
