"""Vector engines side by side: what a gallery of 10,000, 100,000 or 1,000,000 photographs costs.

    python benchmarks/vector_stores.py --photos DIR [--sizes 10000,100000] [--engines numpy,...]

Each engine is built in one process and opened in another, so that the memory of each is its own,
and every query is asked twice in turn: of the engine and of numpy, as one product with all vectors.
That makes the ratio of the two hold on a noisy machine too.

Photographs are encoded once. The larger sizes are mixtures of two of them with noise; queries are
photographs left out, and label sets as texts. An engine that can be told how hard to search is set
on one half of the queries to the least effort that finds enough, and measured on the other half.
"""

# ruff: noqa: D102 (`Engine` says what the methods of an engine do)

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TOP = 10
AIM = 0.98  # recall@10 that the gallery promises
BLOCK = 50_000  # rows made, or handed to an engine, at a time
EFFORTS = (32, 64, 128, 256, 512, 1024, 2048, 4096)
TIME_LIMIT_SECONDS = 3600

# Mixtures lie up to this far from their first photograph towards their second, plus noise of this
# length. The median similarity to the nearest neighbour is then 0.86 among 100,000; among 9,954
# real photographs it is 0.84.
MIX = 0.5
NOISE = 0.3

# Rows that compressed vectors propose for each of the `TOP` that exact ones then choose.
REFINE = 10


class Engine:
    """A candidate. `efforts` are the settings to choose from, least first.

    Attributes:
        modules: what must be installed.
        largest: rows beyond which it is not worth waiting for.
    """

    modules: tuple[str, ...] = ()
    efforts: tuple[int, ...] = (0,)
    effort_name = ""
    largest = 10_000_000

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        """Store the vectors in `folder`, ready to be opened by another process."""
        raise NotImplementedError

    def open(self, folder: Path) -> None:
        """Open what `build` left, as the application would at its start."""
        raise NotImplementedError

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        """Rows of the `TOP` nearest vectors."""
        raise NotImplementedError


class Numpy(Engine):
    """One product with a memory-mapped file."""

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        np.save(folder / "vectors.npy", vectors)

    def open(self, folder: Path) -> None:
        self.vectors = np.load(folder / "vectors.npy", mmap_mode="r")

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        return exact(self.vectors, query)


class Faiss(Engine):
    """What the faiss engines share: a snapshot file that is mapped, not read."""

    modules = ("faiss",)

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        import faiss

        index = self.make(vectors)
        index.add(vectors)
        faiss.write_index(index, str(folder / "index.faiss"))

    def make(self, vectors: np.ndarray) -> Any:
        """An empty index, trained."""
        raise NotImplementedError

    def open(self, folder: Path) -> None:
        import faiss

        self.index = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP_IFC)

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        return self.index.search(query[None], TOP, params=self.parameters(effort))[1][0]

    def parameters(self, effort: int) -> Any:
        """Search parameters for an effort."""
        return None


class FaissFlat(Faiss):
    """Exact."""

    def make(self, vectors: np.ndarray) -> Any:
        import faiss

        return faiss.IndexFlatIP(vectors.shape[1])


class FaissPq(Faiss):
    """4-bit product codes, all compared; the best are compared again with a mapped .npy file."""

    efforts = (200, 500, 1000, 2000, 5000)
    effort_name = "candidates"

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        np.save(folder / "vectors.npy", vectors)
        super().build(vectors, folder)

    def make(self, vectors: np.ndarray) -> Any:
        import faiss

        size = vectors.shape[1]
        index = faiss.index_factory(size, f"PQ{size // 2}x4fs", faiss.METRIC_INNER_PRODUCT)
        index.train(sample(vectors, 50_000))
        return index

    def open(self, folder: Path) -> None:
        super().open(folder)
        self.vectors = np.load(folder / "vectors.npy", mmap_mode="r")

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        number = min(effort, self.index.ntotal)
        return refined(self.vectors, query, self.index.search(query[None], number)[1][0])


class FaissHnsw(Faiss):
    """A graph file without vectors; it searches those of a mapped .npy file, the only copy."""

    efforts = EFFORTS
    effort_name = "efSearch"

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        import faiss

        np.save(folder / "vectors.npy", vectors)
        index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 100
        index.add(vectors)
        faiss.write_index(index, str(folder / "index.faiss"), faiss.IO_FLAG_SKIP_STORAGE)

    def open(self, folder: Path) -> None:
        import faiss

        super().open(folder)
        self.vectors = np.load(folder / "vectors.npy", mmap_mode="r")
        flat = faiss.IndexFlatIP(self.vectors.shape[1])
        flat.codes = faiss.MaybeOwnedVectorUInt8.create_view(
            faiss.swig_ptr(np.asarray(self.vectors).reshape(-1).view(np.uint8)),
            self.vectors.nbytes,
            flat.codes.owner,
        )
        flat.ntotal = len(self.vectors)
        self.flat = flat  # the index holds a bare pointer
        self.index.storage, self.index.own_fields = flat, False

    def parameters(self, effort: int) -> Any:
        import faiss

        return faiss.SearchParametersHNSW(efSearch=effort)


class FaissIvf(Faiss):
    """Clusters of whole vectors."""

    efforts = (4, 8, 16, 32, 64, 128, 256, 512)
    effort_name = "nprobe"

    def make(self, vectors: np.ndarray) -> Any:
        import faiss

        lists = int(4 * len(vectors) ** 0.5)
        size = vectors.shape[1]
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, lists, faiss.METRIC_INNER_PRODUCT)
        index.train(sample(vectors, 50 * lists))
        return index

    def parameters(self, effort: int) -> Any:
        import faiss

        return faiss.SearchParametersIVF(nprobe=effort)


class Usearch(Engine):
    """A graph, mapped."""

    modules = ("usearch",)
    efforts = EFFORTS
    effort_name = "expansion"
    kind = "f32"

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        from usearch.index import Index

        index = Index(ndim=vectors.shape[1], metric="ip", dtype=self.kind, connectivity=16)
        for start in range(0, len(vectors), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(vectors)), dtype=np.uint64)
            index.add(rows, np.ascontiguousarray(vectors[start : start + BLOCK]))
        index.save(folder / "index.usearch")

    def open(self, folder: Path) -> None:
        from usearch.index import Index

        self.index = Index.restore(folder / "index.usearch", view=True)

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        if self.index.expansion_search != effort:
            self.index.expansion_search = effort
        return self.index.search(query, TOP, threads=1).keys


class UsearchF16(Usearch):
    """Half the size."""

    kind = "f16"


class Lance(Engine):
    """A versioned table, searched without an index."""

    modules = ("lancedb", "pyarrow")
    largest = 100_000

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        import lancedb
        import pyarrow as pa

        size = vectors.shape[1]
        schema = pa.schema([("row", pa.int64()), ("vector", pa.list_(pa.float32(), size))])

        def batches() -> Iterator[pa.RecordBatch]:
            for start in range(0, len(vectors), BLOCK):
                block = np.ascontiguousarray(vectors[start : start + BLOCK])
                column = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), size)
                rows = pa.array(np.arange(start, start + len(block)))
                yield pa.record_batch([rows, column], schema=schema)

        reader = pa.RecordBatchReader.from_batches(schema, batches())
        table = lancedb.connect(folder).create_table("images", reader, schema=schema)
        self.index(table, len(vectors), size)

    def index(self, table: Any, rows: int, size: int) -> None:
        """Build an index on the table."""

    def open(self, folder: Path) -> None:
        import lancedb

        self.table = lancedb.connect(folder).open_table("images")

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        asked = self.table.search(query).distance_type("dot").limit(TOP).select(["row"])
        return self.tuned(asked, effort).to_arrow()["row"].to_numpy()

    def tuned(self, asked: Any, effort: int) -> Any:
        """The query with an effort."""
        return asked


class LanceIvfPq(Lance):
    """Clusters of product codes, refined."""

    efforts = FaissIvf.efforts
    effort_name = "nprobes"
    largest = 10_000_000

    def index(self, table: Any, rows: int, size: int) -> None:
        from lancedb.index import IvfPq

        lists = int(rows**0.5)
        settings = IvfPq(distance_type="dot", num_partitions=lists, num_sub_vectors=size // 4)
        table.create_index("vector", config=settings)

    def tuned(self, asked: Any, effort: int) -> Any:
        return asked.nprobes(effort).refine_factor(REFINE)


class QdrantLocal(Engine):
    """The client's own engine for tests: numpy over lists in memory."""

    modules = ("qdrant_client",)
    largest = 10_000

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        from qdrant_client import QdrantClient, models

        client = QdrantClient(path=str(folder / "qdrant"))
        client.create_collection(
            "images",
            models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT),
        )
        for start in range(0, len(vectors), 1000):
            block = vectors[start : start + 1000]
            points = models.Batch(
                ids=list(range(start, start + len(block))), vectors=block.tolist()
            )
            client.upsert("images", points)
        client.close()

    def open(self, folder: Path) -> None:
        from qdrant_client import QdrantClient

        self.client = QdrantClient(path=str(folder / "qdrant"))

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        found = self.client.query_points("images", query, limit=TOP, with_payload=False)
        return [point.id for point in found.points]


class SqliteVec(Engine):
    """An extension of SQLite that compares with every row."""

    modules = ("sqlite_vec",)
    largest = 100_000

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        self.open(folder)
        size = vectors.shape[1]
        self.base.execute(f"CREATE VIRTUAL TABLE images USING vec0(vector float[{size}])")
        self.base.executemany(
            "INSERT INTO images (rowid, vector) VALUES (?, ?)",
            ((row, vector.tobytes()) for row, vector in enumerate(vectors)),
        )
        self.base.commit()

    def open(self, folder: Path) -> None:
        import sqlite3

        import sqlite_vec

        self.base = sqlite3.connect(folder / "images.sqlite")
        self.base.enable_load_extension(True)
        sqlite_vec.load(self.base)

    def search(self, query: np.ndarray, effort: int) -> Sequence[int]:
        # It knows Euclidean and cosine distance; for vectors of length 1 the order is the same.
        found = self.base.execute(
            "SELECT rowid FROM images WHERE vector MATCH ? AND k = ?", (query.tobytes(), TOP)
        )
        return [row for (row,) in found]


ENGINES: dict[str, type[Engine]] = {
    "numpy": Numpy,
    "faiss-flat": FaissFlat,
    "faiss-pq": FaissPq,
    "faiss-hnsw": FaissHnsw,
    "faiss-ivf": FaissIvf,
    "usearch-f16": UsearchF16,
    "lancedb": Lance,
    "lancedb-ivfpq": LanceIvfPq,
    "sqlite-vec": SqliteVec,
    "qdrant-local": QdrantLocal,
}


def main() -> None:
    """Make vectors and queries, have every engine measured, and print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--photos", type=Path, help="folder of photographs, the more the better")
    source.add_argument("--features", type=Path, help=".npy file of their features, instead")
    source.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--model", default="starter", help="which encodes photographs and texts")
    parser.add_argument("--sizes", default="10000,100000", help="numbers of vectors")
    parser.add_argument("--engines", default=",".join(ENGINES), help="any of %(default)s")
    parser.add_argument("--queries", type=int, default=400, help="of each kind, at most")
    parser.add_argument("--dimensions", type=int, help="embed the vectors in more dimensions")
    parser.add_argument("--folder", type=Path, help="where to keep files; else a temporary folder")
    options = parser.parse_args()
    if options.child:
        task, name, folder = options.child
        print(json.dumps(TASKS[task](ENGINES[name](), Path(folder))))
        return
    engines = options.engines.split(",")
    if unknown := set(engines) - set(ENGINES):
        parser.error(f"unknown engines: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        photos, texts = real_features(options, folder)
        if options.dimensions:
            photos, texts = (embedded(part, options.dimensions) for part in (photos, texts))
        held = min(options.queries, len(photos) // 10)
        if not held:
            parser.error("that takes more photographs, the more the better")
        photos, held_out = photos[held:], photos[:held]
        number, size = len(photos), photos.shape[1]
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
        print(
            f"{number} photographs, {len(held_out)} more and {len(texts)} texts as queries, ",
            end="",
        )
        print(f"{size} dimensions")
        np.savez(folder / "queries.npz", text=texts, image=held_out)
        for rows in map(int, options.sizes.split(",")):
            prepare(folder, photos, rows)
            print(f"\n### {rows:,} vectors\n", flush=True)
            table(folder, engines, rows)


def real_features(options: argparse.Namespace, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features of the photographs, shuffled, and of the texts to search for."""
    from clip_app.images import SUPPORTED_SUFFIXES
    from clip_app.model.slot import load_model
    from clip_app.photos import encode_files
    from clip_app.prompts import label_sets
    from clip_app.settings import Settings

    chance = np.random.default_rng(0)
    service = load_model(Settings(model=options.model))
    if options.features:
        photos = np.load(options.features).astype(np.float32)
    else:
        files = [
            p for p in sorted(options.photos.rglob("*")) if p.suffix.lower() in SUPPORTED_SUFFIXES
        ]
        encoded = (one.image_features for one in encode_files(service, files))
        photos = np.stack([row for row in encoded if row is not None])
        np.save(folder / "features.npy", photos)
    texts = [
        (template.format(label) if language == "en" else label)
        for labels in label_sets().values()
        for language, template in (("en", "a photo of a {}."), ("zh", ""))
        for label in labels.labels[language]
    ]
    texts = list(dict.fromkeys(texts))
    chosen = [texts[i] for i in chance.permutation(len(texts))[: options.queries]]
    return photos[chance.permutation(len(photos))], service.encode_texts(chosen)


def embedded(features: np.ndarray, size: int) -> np.ndarray:
    """The same features turned in a space of more dimensions: all products stay as they are."""
    chance = np.random.default_rng(1)
    turn, _ = np.linalg.qr(chance.standard_normal((size, features.shape[1])))
    return np.ascontiguousarray(features @ turn.T.astype(np.float32))


def prepare(folder: Path, photos: np.ndarray, rows: int) -> None:
    """Write `rows` vectors and, for each query, the rows nearest to it."""
    chance = np.random.default_rng(rows)
    size = photos.shape[1]
    vectors = np.lib.format.open_memmap(
        folder / "vectors.npy", "w+", dtype=np.float32, shape=(rows, size)
    )
    known = min(rows, len(photos))
    vectors[:known] = photos[:known]
    for start in range(known, rows, BLOCK):
        number = min(BLOCK, rows - start)
        first, second = (photos[chance.integers(len(photos), size=number)] for _ in range(2))
        share = chance.uniform(0, MIX, (number, 1)).astype(np.float32)
        noise = chance.standard_normal((number, size), dtype=np.float32) * (NOISE / size**0.5)
        mixed = first + share * (second - first) + noise
        vectors[start : start + number] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    vectors.flush()
    queries = np.load(folder / "queries.npz")
    truth = {kind: nearest_rows(vectors, queries[kind]) for kind in queries.files}
    (folder / "truth.json").write_text(json.dumps(truth))


def table(folder: Path, engines: Sequence[str], rows: int) -> None:
    """Measure the engines one after another and print a line for each as it is done."""
    print(
        "| engine | build, s | build, MB of memory | open, ms | disk, MB | memory after open, MB"
        " | of it private | query, ms | p95 | ratio to numpy | recall@10 texts | images |"
    )
    print("|---|" + "---:|" * 11)
    for name in engines:
        engine = ENGINES[name]
        if missing := [module for module in engine.modules if not installed(module)]:
            print(f"| {name} | not installed: {', '.join(missing)} |", flush=True)
            continue
        if rows > engine.largest:
            print(f"| {name} | left out: too slow for so many |", flush=True)
            continue
        place = folder / "store"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        try:
            built = child("build", name, folder)
            asked = child("ask", name, folder)
        except RuntimeError as error:
            print(f"| {name} | {str(error).replace('|', '/')} |", flush=True)
            continue
        disk = sum(p.stat().st_size for p in place.rglob("*") if p.is_file()) / 1e6
        shutil.rmtree(place)
        effort = f", {engine.effort_name} {asked['effort']}" if engine.effort_name else ""
        print(
            f"| {name}{effort} | {built['seconds']:.1f} | {built['memory']:.0f}"
            f" | {asked['open']:.0f} | {disk:.0f} | {asked['memory']:.0f} | {asked['private']:.0f}"
            f" | {asked['median']:.2f} | {asked['p95']:.2f} | {asked['ratio']:.3f}"
            f" | {asked['text']:.3f} | {asked['image']:.3f} |",
            flush=True,
        )


def child(task: str, name: str, folder: Path) -> dict[str, Any]:
    """Run a task in a process of its own.

    Raises:
        RuntimeError: if it fails, with the last line that it wrote.
    """
    command = [sys.executable, __file__, "--child", task, name, str(folder)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
            # OpenMP's threads spin while they wait. With other work on the same two cores faiss
            # then took more than 120 s for what takes 11 s if they sleep, and 12 s on one thread.
            env=os.environ | {"OMP_WAIT_POLICY": "passive"},
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"took more than {TIME_LIMIT_SECONDS} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise RuntimeError(lines[-1])
    return json.loads(done.stdout.splitlines()[-1])


def build(engine: Engine, folder: Path) -> dict[str, Any]:
    """Store all vectors; seconds, and the most memory that it took for it."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    for module in engine.modules:
        importlib.import_module(module)
    memory = Watch()
    began = time.perf_counter()
    engine.build(vectors, folder / "store")
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "memory": memory.most()}


def ask(engine: Engine, folder: Path) -> dict[str, Any]:
    """Open the store, find the least effort that is enough, and ask."""
    queries = dict(np.load(folder / "queries.npz"))
    truth = json.loads((folder / "truth.json").read_text())
    for module in engine.modules:
        importlib.import_module(module)
    memory, private = used_memory()
    began = time.perf_counter()
    engine.open(folder / "store")
    answer: dict[str, Any] = {"open": 1000 * (time.perf_counter() - began)}
    memory_after, private_after = used_memory()
    answer |= {"memory": memory_after - memory, "private": private_after - private}
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    vectors.sum(axis=1)  # read the file before anything is timed
    for effort in engine.efforts:
        if effort == engine.efforts[-1]:
            break
        recalls = [
            statistics.mean(
                recall(engine.search(query, effort), nearest)
                for query, nearest in zip(queries[kind][::2], truth[kind][::2], strict=True)
            )
            for kind in queries
        ]
        if min(recalls) >= AIM:
            break
    durations: list[float] = []
    baseline: list[float] = []
    for kind in queries:
        recalls = []
        for query, nearest in zip(queries[kind][1::2], truth[kind][1::2], strict=True):
            began = time.perf_counter()
            found = engine.search(query, effort)
            between = time.perf_counter()
            exact(vectors, query)
            durations.append(between - began)
            baseline.append(time.perf_counter() - between)
            recalls.append(recall(found, nearest))
        answer[kind] = statistics.mean(recalls)
    median = statistics.median(durations)
    answer |= {"effort": effort, "median": 1000 * median}
    answer["p95"] = 1000 * statistics.quantiles(durations, n=20)[-1]
    answer["ratio"] = median / statistics.median(baseline)
    return answer


TASKS = {"build": build, "ask": ask}


def exact(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Rows of the nearest vectors, the nearest first."""
    scores = vectors @ query
    top = np.argpartition(scores, -TOP)[-TOP:]
    return top[np.argsort(-scores[top])]


def nearest_rows(vectors: np.ndarray, queries: np.ndarray) -> list[list[int]]:
    """What `exact` answers, for many queries at once."""
    rows = np.zeros((len(queries), 0), dtype=np.int64)
    scores = np.zeros((len(queries), 0), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        block = queries @ vectors[start : start + BLOCK].T
        numbers = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
        rows, scores = np.hstack((rows, numbers)), np.hstack((scores, block))
        best = np.argpartition(scores, -TOP, axis=1)[:, -TOP:]
        rows, scores = (np.take_along_axis(part, best, axis=1) for part in (rows, scores))
    return rows.tolist()


def refined(vectors: np.ndarray, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The nearest of some rows."""
    rows = np.sort(rows[rows >= 0])  # in the order of the file
    return rows[exact(vectors[rows], query)]


def recall(found: Sequence[int], nearest: Sequence[int]) -> float:
    """Share of the nearest rows that were found."""
    return len(set(map(int, found)) & set(nearest)) / len(nearest)


def sample(vectors: np.ndarray, number: int) -> np.ndarray:
    """Some rows to train on."""
    rows = np.random.default_rng(0).permutation(len(vectors))[:number]
    return np.ascontiguousarray(vectors[np.sort(rows)])


def installed(module: str) -> bool:
    """Whether a package can be imported here."""
    return importlib.util.find_spec(module) is not None


class Watch:
    """The most private memory that this process takes from now on, in MB more than now."""

    def __init__(self) -> None:
        self._before = self._most = used_memory()[1]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def most(self) -> float:
        """Stop looking and tell."""
        self._done.set()
        self._thread.join()
        return self._most - self._before

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self._most = max(self._most, used_memory()[1])


def used_memory() -> tuple[float, float]:
    """MB of memory in use, and those of it that no file backs."""
    import psutil

    info = psutil.Process().memory_info()
    return info.rss / 1e6, (info.rss - getattr(info, "shared", 0)) / 1e6


if __name__ == "__main__":
    main()
