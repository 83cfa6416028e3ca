"""What the pages of a large gallery cost: by date, ranked, and counted.

    python benchmarks/browse.py [--sqlite 100000] [--qdrant 5000] [--pages 5]

Prints a table: milliseconds for the first page and one half-way by date, the counts by folder, kind
and year, the first page of a search and one after a twentieth of all. Vectors are made up, in the
length of the starter's; Qdrant is the client's imitation in this process, which compares in Python.
Nothing here passes or fails by time.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
from gallery import resident  # noqa: E402

from clip_app.gallery.pages import browse, facets, search_page  # noqa: E402
from clip_app.gallery.query import parse_query  # noqa: E402
from clip_app.gallery.stores.qdrant_library import QdrantLibrary  # noqa: E402
from clip_app.gallery.stores.qdrant_nodes import Nodes  # noqa: E402
from clip_app.gallery.stores.sqlite_store import SqliteStore  # noqa: E402
from clip_app.gallery.stores.store import Entry, Filter, IndexKey, Store  # noqa: E402
from clip_app.model.service import ModelService  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.settings import Settings  # noqa: E402

BLOCK = 5000
DAY = 24 * 3600


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sqlite", type=int, default=100_000, help="photographs; 0 leaves it out")
    parser.add_argument("--qdrant", type=int, default=5_000, help="likewise")
    parser.add_argument("--pages", type=int, default=5, help="how often each is measured")
    options = parser.parse_args()
    service = load_model(Settings(model="starter"))
    info = service.info
    columns = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if size := options.sqlite:
            key = IndexKey(folder, info.name, info.fingerprint, info.embedding_size)
            store = SqliteStore(folder / "index", key, create=True)
            fill(store, size)
            columns[f"SQLite, {size:,}"] = measured(service, store, size, options.pages)
            store.close()
        if size := options.qdrant:
            library = QdrantLibrary(Nodes("memory:"), folder)
            qdrant = library.open(folder, info, create=True)
            fill(qdrant, size)
            columns[f"Qdrant in memory, {size:,}"] = measured(service, qdrant, size, options.pages)
            library.close()
    print(f"\n| ms | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    for name in next(iter(columns.values())):
        print(f"| {name} | {' | '.join(f'{one[name]:,.0f}' for one in columns.values())} |")


def fill(store: Store, size: int) -> None:
    """Photographs of 20 years in 100 folders; no two look alike."""
    random = np.random.default_rng(0)
    looks = random.integers(0, 2**63, size, np.int64).tolist()
    taken = random.integers(0, 20 * 365 * DAY, size, np.int64) + 1_000_000_000
    centre = random.standard_normal(store.key.dim)
    with store.lock():
        for first in range(0, size, BLOCK):
            rows = range(first, min(first + BLOCK, size))
            vectors = random.standard_normal((len(rows), store.key.dim)) + centre
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            store.write(
                [
                    Entry(
                        f"{row % 100:02}/sub/{row}.{'png' if row % 7 == 0 else 'jpg'}",
                        1,
                        1,
                        row.to_bytes(16, "big"),
                        int(taken[row]),
                        vector.astype(np.float32),
                        looks[row],
                        width=4000,
                        height=3000,
                    )
                    for row, vector in zip(rows, vectors, strict=True)
                ]
            )
        store.optimise()


def measured(service: ModelService, store: Store, size: int, times: int) -> dict[str, float]:
    """Milliseconds by what was asked for; and the memory it all left behind, in MB."""
    stores = [store]
    deep, half = size // 20, size // 2
    searched = iter(f"a thing that is looked for, number {number}" for number in range(1000))
    service.encode_texts(["warm up"])
    before = resident()
    found = {
        "by date, first page, first time": _ms(lambda: browse(stores)),
        "by date, first page": _median(times, lambda n: browse(stores)),
        "by date, half-way": _median(times, lambda n: browse(stores, offset=half + 60 * n)),
        "counts by folder, kind, year, first time": _ms(lambda: facets(stores)),
        "the same again": _median(times, lambda n: facets(stores)),
        "counts of one folder": _median(times, lambda n: facets(stores, Filter(below=f"{n:02}"))),
        "search, first page": _median(
            times, lambda n: search_page(service, stores, parse_query(next(searched)))
        ),
    }
    terms = parse_query("one query of which pages are looked at")
    search_page(service, stores, terms)
    found["the same query, next page"] = _median(
        times, lambda n: search_page(service, stores, terms, offset=60 * n)
    )
    found["the same query, after a twentieth"] = _median(
        times, lambda n: search_page(service, stores, terms, offset=deep + 60 * n)
    )
    found["a new query, page by date"] = _median(
        times, lambda n: search_page(service, stores, parse_query(next(searched)), by_date=True)
    )
    found["memory grown, MB"] = resident() - before
    return found


def _median(times: int, ask: Callable[[int], object]) -> float:
    return statistics.median(_ms(lambda n=number: ask(n)) for number in range(times))


def _ms(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
