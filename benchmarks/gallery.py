"""What a gallery costs: indexing beside its parts, and searching beside one exact product.

    python benchmarks/gallery.py [--photos DIR] [--features FILE.npy] [--sizes 100000,1000000]

Prints one report: indexing against decoding alone and the model alone, searching galleries of each
size against text encoding plus one exact product over the same vectors, and the engines of
`vector_stores.py` over the same features. Nothing here passes or fails by time.
"""

import argparse
import itertools
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
from serving import distinct_photos  # noqa: E402
from vector_stores import prepare  # noqa: E402

from clip_app.gallery.indexer import index_folder  # noqa: E402
from clip_app.gallery.query import parse_query  # noqa: E402
from clip_app.gallery.roots import Roots  # noqa: E402
from clip_app.gallery.search import search  # noqa: E402
from clip_app.gallery.stores.sqlite_store import SqliteStore  # noqa: E402
from clip_app.gallery.stores.store import Entry, Filter, IndexKey  # noqa: E402
from clip_app.images import SUPPORTED_SUFFIXES  # noqa: E402
from clip_app.metrics import steps  # noqa: E402
from clip_app.model.service import ModelService  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.photos import BATCH, open_picture  # noqa: E402
from clip_app.prompts import label_sets  # noqa: E402
from clip_app.settings import Settings  # noqa: E402

# Rows written in one transaction while a large index is made.
BLOCK = 10_000
TOP = 10


def main() -> None:
    """Measure everything and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder of photographs; else made of examples")
    parser.add_argument("--number", type=int, default=1000, help="photographs to index, at most")
    parser.add_argument("--features", type=Path, help=".npy of real features, to build sizes from")
    parser.add_argument("--sizes", default="100000", help="gallery sizes, by commas")
    parser.add_argument("--engines", default="numpy,faiss-pq", help="of vector_stores.py; or none")
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where large files go; else a temporary folder")
    options = parser.parse_args()
    service = load_model(Settings(model="starter"))
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
        print(f"load average before: {os.getloadavg()[0]:.1f}")
        photos = _photos(options, folder)
        features = indexing(service, photos, folder)
        if options.features:
            features = np.load(options.features).astype(np.float32)
        np.save(folder / "features.npy", features)
        for size in map(int, options.sizes.split(",")):
            searching(service, features, size, options.queries, folder)
        if options.engines:
            print(f"\n## Engines: {options.engines}", flush=True)
            command = [sys.executable, str(ROOT / "benchmarks" / "vector_stores.py")]
            command += ["--features", str(folder / "features.npy"), "--sizes", options.sizes]
            command += ["--engines", options.engines, "--queries", str(options.queries)]
            subprocess.run([*command, "--folder", str(folder / "engines")], check=True)


def _photos(options: argparse.Namespace, folder: Path) -> list[Path]:
    if options.photos is None:
        made = folder / "photos"
        made.mkdir()
        return distinct_photos(ROOT / "assets/examples", str(made), options.number)
    found = (p for p in sorted(options.photos.rglob("*")) if p.suffix.lower() in SUPPORTED_SUFFIXES)
    linked = folder / "photos"
    linked.mkdir()
    paths = []
    for number, path in enumerate(itertools.islice(found, options.number)):
        copy = linked / f"{number}{path.suffix.lower()}"
        copy.write_bytes(path.read_bytes())
        paths.append(copy)
    return paths


def indexing(service: ModelService, photos: Sequence[Path], folder: Path) -> np.ndarray:
    """Rates of decoding, of the model and of indexing; returns the features, float32 (n, dim)."""
    workers = os.cpu_count() or 1

    def decoded(path: Path) -> Any:
        return service.preprocess(open_picture(path.read_bytes(), service))

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        pixels = list(pool.map(decoded, photos))
    decode_rate = len(photos) / (time.perf_counter() - started)
    service.encode_pixels(pixels[:BATCH])
    started = time.perf_counter()
    parts = [service.encode_pixels(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)]
    model_rate = len(photos) / (time.perf_counter() - started)
    features = np.concatenate(parts)
    del pixels
    gallery = photos[0].parent.resolve()
    key = IndexKey(gallery, "starter", service.info.fingerprint, service.info.embedding_size)
    store = SqliteStore(folder / "index", key, create=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = index_folder(service, store, Roots.of([gallery]))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    again = index_folder(service, store, Roots.of([gallery]))
    store.close()
    index_rate = report.encoded / report.seconds
    both = 1 / (1 / decode_rate + 1 / model_rate)
    megabytes = sum(path.stat().st_size for path in photos) / len(photos) / 1e6
    print(f"\n## Indexing {len(photos)} photographs of {megabytes:.2f} MB\n")
    print("| | images/s |\n|---|---:|")
    print(f"| reading and decoding alone, {workers} threads | {decode_rate:.1f} |")
    print(f"| the model alone, batches of {BATCH} | {model_rate:.1f} |")
    print(f"| one after the other on the same cores | {both:.1f} |")
    print(f"| indexing | {index_rate:.1f} |")
    print(
        f"| share of the slower of the first two (aim ≥ 0.9) | "
        f"{index_rate / min(decode_rate, model_rate):.2f} |"
    )
    print(f"| share of one after the other | {index_rate / both:.2f} |")
    print(
        f"\nPeak memory grew by {grown / 1024:.0f} MB. Again, with nothing to do: "
        f"{again.seconds:.2f} s."
    )
    print("\n| step | ms an image |\n|---|---:|")
    for name in ("read", "decode", "encode", "write"):
        print(f"| {name} | {steps.times()[name].mean_ms:.2f} |")
    return features


def searching(
    service: ModelService, features: np.ndarray, size: int, queries: int, folder: Path
) -> None:
    """A gallery of `size` pictures: opening and searching it, beside one exact product."""
    place = folder / f"size-{size}"
    place.mkdir()
    np.savez(place / "queries.npz", text=features[:1])
    prepare(place, features, size)
    vectors = np.load(place / "vectors.npy", mmap_mode="r")
    key = IndexKey(folder, "starter", service.info.fingerprint, features.shape[1])
    store = SqliteStore(place / "index", key, create=True)
    started = time.perf_counter()
    with store.lock():
        for first in range(0, size, BLOCK):
            store.write(
                [
                    Entry(f"{i % 100}/{i}.jpg", 1, 1, i.to_bytes(16, "big"), i, vectors[i], look)
                    for i, look in _with_looks(first, min(first + BLOCK, size))
                ]
            )
        written = time.perf_counter() - started
        started = time.perf_counter()
        store.optimise()
        optimised = time.perf_counter() - started
    store.close()
    before = resident()
    started = time.perf_counter()
    store = SqliteStore(place / "index", key)
    images = store.counts().images
    opened = time.perf_counter() - started
    grown = resident() - before
    labels = [one for group in label_sets().values() for one in group.labels["en"]]
    chosen = [labels[i] for i in np.random.default_rng(1).permutation(len(labels))[:queries]]
    search(service, [store], parse_query("warm up"), top_k=TOP)
    texts, products, answers, searches, found_right = [], [], [], [], 0
    for number, label in enumerate(chosen):
        typed = f"{label}, seen {number} of {size}"  # never in the cache
        started = time.perf_counter()
        answer = search(service, [store], parse_query(typed), top_k=TOP)
        answers.append(time.perf_counter() - started)
        fresh = f"{label}, looked at {number} of {size}"
        texts.append(_seconds(lambda text=fresh: service.encode_texts([text])))
        query = service.encode_labels([typed], ("a photo of a {}.",))[0]
        products.append(_seconds(lambda q=query: np.argpartition(vectors @ q, -TOP)[-TOP:]))
        searches.append(_seconds(lambda q=query: store.search(q, TOP, Filter())))
        best = set(np.argsort(-(vectors @ query), kind="stable")[:TOP].tolist())
        got = {int.from_bytes(hit.hash, "big") for hit in answer.hits}
        found_right += len(best & got)
    text, product = _median(texts), _median(products)
    print(f"\n## Searching {images:,} pictures, {features.shape[1]} dimensions\n")
    print("| | |\n|---|---:|")
    print(f"| writing the index, s | {written:.1f} |")
    print(f"| making the snapshot, s | {optimised:.1f} |")
    print(f"| opening it, s (aim at 1,000,000: < 2) | {opened:.2f} |")
    print(
        f"| memory after opening, MB; the vectors are {vectors.nbytes / 1e6:.0f} MB | {grown:.0f} |"
    )
    print(f"| text encoding, ms | {text:.1f} |")
    print(f"| one exact product, ms | {product:.1f} |")
    print(f"| the store's search, ms | {_median(searches):.1f} |")
    print(f"| a whole search with its verdict, ms | {_median(answers):.1f} |")
    print(
        f"| of text encoding + product (aim at 100,000: ≤ 1.25) | "
        f"{_median(answers) / (text + product):.2f} |"
    )
    print(
        f"| recall@{TOP} against the exact product (aim ≥ 0.98) | "
        f"{found_right / (TOP * len(chosen)):.3f} |"
    )
    store.close()


def _with_looks(first: int, last: int) -> Any:
    """Row numbers with perceptual hashes that no two share, so that nothing counts as a copy."""
    looks = np.random.default_rng(first).integers(0, 2**63, last - first, np.int64)
    return zip(range(first, last), looks.tolist(), strict=True)


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _median(seconds: Sequence[float]) -> float:
    return 1000 * statistics.median(seconds)


def resident() -> float:
    """Memory of this process that is not a file's, in megabytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
