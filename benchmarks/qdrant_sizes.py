"""What the Qdrant store takes: memory, disk, seconds and recall, by the settings of a collection.

    CLIP_APP_TEST_QDRANT=.../qdrant python benchmarks/qdrant_sizes.py [--sizes N] [--settings 0,1]

One node on this machine is written to and searched by the store's own methods. Vectors are made up:
clusters of few degrees of freedom, whose neighbours are as near as those of photographs, so that
recall means something; of random ones every graph finds few. What a search asks of the server is
also timed in parts. Memory is what no file backs; the server takes more where it can have it, for
its files. Seconds of processor are the server's own, and hold on a machine with other work too.

What a cluster for more would take is worked out from the last row of the app's own setting.
"""

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import models

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.gallery.stores.qdrant_nodes import Nodes  # noqa: E402
from clip_app.gallery.stores.qdrant_points import condition  # noqa: E402
from clip_app.gallery.stores.qdrant_server import QdrantServer, index_name  # noqa: E402
from clip_app.gallery.stores.qdrant_store import QdrantStore  # noqa: E402
from clip_app.gallery.stores.store import Entry, Filter, IndexKey  # noqa: E402
from tests.qdrant_servers import running  # noqa: E402

DIM = 512
BATCH = 512  # files the indexer writes at a time
BLOCK = 10_000  # vectors made at a time
QUERIES = 100
TOP = 20

# A vector is a mixture of two of these directions and noise, all within so many dimensions, and a
# little noise in the others. Among 100,000 the nearest neighbour is then at a cosine of 0.84 in the
# median, as among real photographs.
DIRECTIONS = 2_000
FREEDOM = 64

FOLDERS = 100
FIRST_DAY, YEARS = 1_262_304_000, 10
YEAR = 31_557_600

FILTERS = {
    "all": Filter(),
    "1 % by folder": Filter(below="album 042"),
    "10 % by date": Filter(taken_from=FIRST_DAY + 4 * YEAR, taken_until=FIRST_DAY + 5 * YEAR),
}

_INT8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99)

#: What is changed of a collection that the store has made, before anything is written.
SETTINGS: dict[str, dict[str, Any]] = {
    "as the app makes it": {},
    "graph on disk": {"hnsw_config": models.HnswConfigDiff(on_disk=True)},
    "graph and int8 on disk": {
        "hnsw_config": models.HnswConfigDiff(on_disk=True),
        "quantization_config": models.ScalarQuantization(
            scalar=_INT8.model_copy(update={"always_ram": False})
        ),
    },
    "no int8": {"quantization_config": models.Disabled.DISABLED},
    "no int8, vectors in memory": {
        "quantization_config": models.Disabled.DISABLED,
        "vectors_config": {"": models.VectorParamsDiff(on_disk=False)},
    },
    "graph and indexes of fields on disk": {
        "hnsw_config": models.HnswConfigDiff(on_disk=True),
        "fields_on_disk": True,
    },
}

_FIELD: dict[str, Any] = {
    "keyword": models.KeywordIndexParams,
    "integer": models.IntegerIndexParams,
    "bool": models.BoolIndexParams,
}


#: Clusters that are worked out: photographs, and what a node has.
PLANNED = (10_000_000, 100_000_000, 1_000_000_000)
NODE_CORES, NODE_GB = 16, 64


@dataclass
class Row:
    """What one size took."""

    vectors: int
    seconds: float  # of writing
    processor: float  # seconds, of writing and graph
    memory: float  # MB
    disk: float  # MB
    search: float  # ms, in the median, among all


def main() -> None:
    """Print a line for each size and setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100000", help="numbers of vectors")
    parser.add_argument(
        "--settings",
        default=",".join(map(str, range(len(SETTINGS)))),
        help="; ".join(f"{n}: {name}" for n, name in enumerate(SETTINGS)),
    )
    options = parser.parse_args()
    names = [list(SETTINGS)[int(number)] for number in options.settings.split(",")]
    heads = ["vectors", "setting", "written a second", "green after, s", "processor, s"]
    heads += ["memory, MB", "disk, MB"]
    heads += [f"{name}: ms (p95, processor), recall@{TOP}" for name in FILTERS]
    print("|".join(["", *heads, ""]), "\n|---|---|", "---:|" * (len(heads) - 2), sep="", flush=True)
    row = None
    for size in map(int, options.sizes.split(",")):
        for name in names:
            with tempfile.TemporaryDirectory() as place, running(Path(place)) as (node,):
                assert node.process
                server = QdrantServer(Nodes(node.url), Path(place))
                storage = Path(place) / "node0" / "storage"
                took = measured(server, size, name, node.process.pid, storage)
                row = row if SETTINGS[name] else took
                server.close()
    if row:
        plan(row)


def measured(server: QdrantServer, size: int, name: str, pid: int, storage: Path) -> Row:
    """Write and search, and print what that took."""
    key = IndexKey(Path("/photos"), "made-up", "f" * 64, DIM)
    server.create(index_name(key), key)
    images = f"{index_name(key)}-images"
    change = dict(SETTINGS[name])
    if change.pop("fields_on_disk", False):
        for one in (images, f"{index_name(key)}-files"):
            for field, told in server.ask("get_collection", one).payload_schema.items():
                kind = told.data_type.value
                how = _FIELD[kind](type=kind, on_disk=True)
                server.ask("create_payload_index", one, field, how, wait=True)
    if change:
        server.ask("update_collection", images, **change)
    store = QdrantStore(server, index_name(key), key)
    chance = np.random.default_rng(1)
    asked = vectors(chance, QUERIES)
    truth = {name: (np.empty((QUERIES, 0)), np.empty((QUERIES, 0), int)) for name in FILTERS}
    seconds = 0.0
    for first, block in blocks(size):
        entries = [entry(first + row, one) for row, one in enumerate(block)]
        for kind, where in FILTERS.items():
            truth[kind] = nearest(
                truth[kind], asked, first, block, [lets(where, one) for one in entries]
            )
        began = time.perf_counter()
        for some in range(0, len(entries), BATCH):
            store.write(entries[some : some + BATCH])
        seconds += time.perf_counter() - began
    began = time.perf_counter()
    while not is_green(server, images):
        time.sleep(0.5)
    green = time.perf_counter() - began
    cells = [f"{size:,}", name, f"{size / seconds:,.0f}", f"{green:.0f}"]
    row = Row(size, seconds, processor(pid), memory(pid), disk(storage), 0)
    cells += [f"{row.processor:,.0f}", f"{row.memory:,.0f}", f"{row.disk:,.0f}"]
    for kind, where in FILTERS.items():
        took, told = searched(store, asked, where, truth[kind][1], pid)
        row.search = row.search or took
        cells.append(told)
    print("|".join(["", *cells, ""]), flush=True)
    parts(store, asked, pid)
    return row


def plan(row: Row) -> None:
    """Print what clusters for more photographs would take by a row that was measured.

    Memory, disk and work grow with the photographs and their two replicas; nodes are as many as
    hold the memory in three quarters of theirs, three at least, with two parts each. The work of
    the graph and of a search grows with the logarithm of a part's photographs, where each part has
    a core to itself.
    """
    heads = ["photographs", "nodes", "parts", "memory, GB", "disk, GB", "written in, h"]
    heads += ["graph, min of all cores", "search, ms"]
    print("|".join(["", *heads, ""]), "\n|", "---:|" * len(heads), sep="")
    for photographs in PLANNED:
        times = 2 * photographs / row.vectors
        nodes = max(3, math.ceil(times * row.memory / 1000 / (0.75 * NODE_GB)))
        deeper = math.log(photographs / (2 * nodes)) / math.log(row.vectors)
        cells = [f"{photographs:,}", f"{nodes}", f"{2 * nodes}"]
        cells += [f"{times * row.memory / 1000:,.0f}", f"{times * row.disk / 1000:,.0f}"]
        cells.append(f"{photographs / row.vectors * row.seconds / 3600:,.1f}")
        cells.append(f"{times * row.processor * deeper / (nodes * NODE_CORES) / 60:,.0f}")
        cells.append(f"{row.search * deeper:.0f}")
        print("|".join(["", *cells, ""]), flush=True)


def vectors(chance: np.random.Generator, number: int) -> np.ndarray:
    """float32 (number, DIM) of length 1."""
    ground = np.random.default_rng(0)
    directions = ground.standard_normal((DIRECTIONS, FREEDOM), np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    spread, _ = np.linalg.qr(ground.standard_normal((DIM, FREEDOM)))
    two = directions[chance.integers(DIRECTIONS, size=(2, number))]
    part = 0.5 * chance.random((number, 1), np.float32)
    made = (1 - part) * two[0] + part * two[1]
    made += 0.3 / FREEDOM**0.5 * chance.standard_normal((number, FREEDOM), np.float32)
    full = made @ spread.T.astype(np.float32)
    full += 0.1 / DIM**0.5 * chance.standard_normal((number, DIM), np.float32)
    return full / np.linalg.norm(full, axis=1, keepdims=True)


def blocks(size: int) -> Iterator[tuple[int, np.ndarray]]:
    """All vectors, and the number of the first of each block."""
    for first in range(0, size, BLOCK):
        yield first, vectors(np.random.default_rng(2 + first), min(BLOCK, size - first))


def entry(number: int, vector: np.ndarray) -> Entry:
    """A photograph as a camera and a person name it, in one of the folders, of one of the years."""
    chance = np.random.default_rng(number)
    taken = FIRST_DAY + int(chance.integers(YEARS * YEAR))
    return Entry(
        f"album {number % FOLDERS:03}/IMG_{number:08}.jpg",
        size=int(chance.integers(1_000_000, 9_000_000)),
        mtime_ns=taken * 10**9,
        hash=chance.bytes(32),
        taken=taken,
        vector=vector,
        look=int(chance.integers(2**63)),
        ctime_ns=taken * 10**9,
        inode=number,
        width=4032,
        height=3024,
        sidecars=0,
    )


def lets(where: Filter, one: Entry) -> bool:
    """Whether a filter of those above lets a photograph through."""
    return one.path.startswith(where.below) and (
        where.taken_from is None or where.taken_from <= one.taken < (where.taken_until or 0)
    )


def nearest(
    known: tuple[np.ndarray, np.ndarray],
    asked: np.ndarray,
    first: int,
    block: np.ndarray,
    passes: list[bool],
) -> tuple[np.ndarray, np.ndarray]:
    """The best similarities to each query and their numbers, those of a block too."""
    rows = np.flatnonzero(passes)
    scores = np.hstack((known[0], asked @ block[rows].T))
    numbers = np.hstack((known[1], np.broadcast_to(first + rows, (len(asked), len(rows)))))
    best = np.argsort(-scores, axis=1)[:, :TOP]
    return np.take_along_axis(scores, best, 1), np.take_along_axis(numbers, best, 1)


def is_green(server: QdrantServer, images: str) -> bool:
    """Whether the graph of all that was written is ready."""
    told = server.ask("get_collection", images)
    return bool(told.status == models.CollectionStatus.GREEN)


def memory(pid: int) -> float:
    """MB of a process that no file backs."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("RssAnon")) / 1e3


def processor(pid: int) -> float:
    """Seconds of processor that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk(folder: Path) -> float:
    """MB that files take."""
    files = (os.path.join(place, one) for place, _, names in os.walk(folder) for one in names)
    return sum(os.stat(one).st_blocks for one in files) * 512 / 1e6


def timed(
    ask: Callable[[np.ndarray], Any], asked: np.ndarray, pid: int
) -> tuple[list[Any], float, str]:
    """Answers, the median in ms, and told with that for 95 of 100 and the server's processor."""
    for query in asked[:10]:
        ask(query)
    answers, durations = [], []
    before = processor(pid)
    for query in asked:
        began = time.perf_counter()
        answers.append(ask(query))
        durations.append(1000 * (time.perf_counter() - began))
    slow = statistics.quantiles(durations, n=20)[-1]
    busy = 1000 * (processor(pid) - before) / len(asked)
    middle = statistics.median(durations)
    return answers, middle, f"{middle:.1f} ({slow:.1f}, {busy:.1f})"


def searched(
    store: QdrantStore, asked: np.ndarray, where: Filter, truth: np.ndarray, pid: int
) -> tuple[float, str]:
    """How long searches take, in ms and told, and how many of the nearest they find."""
    answers, middle, told = timed(lambda query: store.search(query, TOP, where), asked, pid)
    shares = []
    for found, numbers in zip(answers, truth, strict=True):
        those = {int(one.files[0].path[-12:-4]) for one in found}
        shares.append(len(those.intersection(numbers.tolist())) / len(numbers))
    return middle, f"{told}, {statistics.mean(shares):.3f}"


def parts(store: QdrantStore, asked: np.ndarray, pid: int) -> None:
    """Print what of a search among all takes the time."""
    how = models.SearchParams(
        quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0)
    )
    for name, options in {
        "filter, payload and vectors": {
            "query_filter": condition(Filter()),
            "with_payload": True,
            "with_vectors": True,
        },
        "payload and vectors": {"with_payload": True, "with_vectors": True},
        "payload": {"with_payload": True},
        "vectors": {"with_payload": False, "with_vectors": True},
        "neither": {"with_payload": False},
    }.items():

        def ask(query: np.ndarray, options: dict[str, Any] = options) -> Any:
            return store._server.ask(
                "query_points",
                store._images,
                query=query.tolist(),
                limit=TOP,
                search_params=how,
                **options,
            )

        print(f"  {name}: {timed(ask, asked, pid)[2]} ms", flush=True)


if __name__ == "__main__":
    main()
