"""A memory-mapped copy of an index's vectors, for searching: disposable, never the only copy.

`vectors.npy` is the matrix that exact search multiplies with, `ids.npy` says whose rows they are.
Large galleries have `graph.faiss` beside it, a HNSW graph (Malkov and Yashunin 2016) built and
searched by faiss, which proposes rows; what it proposes is compared exactly afterwards. The graph
is stored without its vectors and looks into the mapped matrix, so they lie on the disk once.

Files are written beside their place and renamed, never changed: cutting short a mapped file would
end the process.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.model_service import Progress

log = logging.getLogger(__name__)

# From this many rows on the graph is faster than the product, also counting its build.
GRAPH_FROM = 200_000

# Links a row, and the width of the search while building and asking: see benchmarks/README.md.
_GRAPH_LINKS = 32
_GRAPH_BUILD_WIDTH = 100
_GRAPH_SEARCH_WIDTH = 400

# The graph proposes this many times what was asked for; exact comparison then orders them.
_GRAPH_SURPLUS = 2

# Rows copied at a time while writing.
_ROWS = 20_000

# Files up to this size are compared with their digest before they are used, larger ones meanwhile.
_CHECKED_AT_ONCE = 64 * 2**20

# Where a filter lets fewer than this share of the rows through, only those are multiplied.
_FEW = 0.2


@dataclass(frozen=True)
class Candidates:
    """Rows worth a closer look: their ids, and similarities as this copy has them."""

    ids: np.ndarray
    similarities: np.ndarray


class Snapshot:
    """An open copy; never changed once written. Reading is safe from many threads."""

    def __init__(self, folder: Path) -> None:
        """Map the files of a snapshot.

        Raises:
            OSError, ValueError: if they are missing, cut short or of another kind.
        """
        self.folder = folder
        written, _, digest = (folder / "facts.json").read_text("utf-8").partition("\n")
        if hashlib.blake2b(written.encode(), digest_size=16).hexdigest() != digest:
            raise ValueError("facts.json is damaged")
        facts = json.loads(written)
        self._digests: dict[str, str] = facts["digests"]
        for name, size in facts["sizes"].items():
            if (folder / name).stat().st_size != size:
                raise ValueError(f"{name} is cut short")
            if size <= _CHECKED_AT_ONCE or name == "ids.npy":
                self._check(name)
        rows, dim = facts["shape"]
        #: float32 (rows, dim), mapped: pages are read when they are needed.
        self.vectors = _mapped(folder / "vectors.npy", np.float32, (rows, dim))
        #: int64 (rows,), ascending.
        self.ids = _mapped(folder / "ids.npy", np.int64, (rows,))
        self.has_graph = "graph.faiss" in facts["sizes"]
        self._graph: Any = None
        self._graph_lock = threading.Lock()

    def is_intact(self) -> bool:
        """Whether every file is as it was written. Reads all of it: a second or so a gigabyte."""
        try:
            for name in self._digests:
                self._check(name)
        except ValueError:
            return False
        return True

    def _check(self, name: str) -> None:
        if _digest(self.folder / name) != self._digests[name]:
            raise ValueError(f"{name} is damaged")

    def candidates(
        self, query: np.ndarray, limit: int, gone: np.ndarray, allowed: np.ndarray | None
    ) -> Candidates:
        """The rows most like the query.

        Args:
            query: float32 (dim,), length 1.
            limit: how many rows.
            gone: int64 ids, ascending, that no longer exist.
            allowed: int64 ids, ascending, of the only rows to consider; None for all.
        """
        if allowed is not None and len(allowed) < _FEW * len(self.ids):
            rows = np.searchsorted(self.ids, allowed)
            rows = rows[rows < len(self.ids)]
            rows = rows[np.isin(self.ids[rows], allowed) & ~np.isin(self.ids[rows], gone)]
            return _largest(self.ids[rows], self.vectors[rows] @ query, limit)
        if allowed is None and limit * _GRAPH_SURPLUS <= _GRAPH_SEARCH_WIDTH:
            graph = self._opened_graph()
            if graph is not None:
                return self._from_graph(graph, query, limit, gone)
        similarities = self.vectors @ query
        if len(gone):
            rows = np.searchsorted(self.ids, gone)
            rows = rows[rows < len(self.ids)]
            similarities[rows[np.isin(self.ids[rows], gone)]] = -np.inf
        if allowed is not None:
            similarities[~np.isin(self.ids, allowed)] = -np.inf
        return _largest(self.ids, similarities, limit)

    def _from_graph(
        self, graph: Any, query: np.ndarray, limit: int, gone: np.ndarray
    ) -> Candidates:
        number = min(limit * _GRAPH_SURPLUS + len(gone), len(self.ids))
        width = max(_GRAPH_SEARCH_WIDTH, number)
        similarities, rows = graph.search(
            query[None], number, params=_faiss().SearchParametersHNSW(efSearch=width)
        )
        rows, similarities = rows[0][rows[0] >= 0], similarities[0][rows[0] >= 0]
        ids = self.ids[rows]
        there = ~np.isin(ids, gone)
        return Candidates(ids[there], similarities[there])

    def _opened_graph(self) -> Any:
        """The graph; None if there is none that can be trusted."""
        with self._graph_lock:
            if self._graph is None and self.has_graph:
                try:
                    self._check("graph.faiss")  # a damaged one would end the process
                    self._graph = _open_graph(self.folder / "graph.faiss", self.vectors)
                except (OSError, ValueError, RuntimeError) as error:
                    log.warning("The index is searched without its graph: %s", error)
                    self.has_graph = False
            return self._graph


def write_snapshot(
    folder: Path,
    chunks: Iterable[tuple[np.ndarray, np.ndarray]],
    rows: int,
    dim: int,
    *,
    graph: bool,
    previous: Snapshot | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a snapshot so that it is there whole or not at all.

    Args:
        folder: where; must not exist yet.
        chunks: (int64 ids, float32 (n, dim) vectors), ids ascending over all of them.
        rows: how many there are in all.
        dim: length of a vector.
        graph: whether to build the graph too.
        previous: an older snapshot, whose graph is extended where its ids begin the new ones.
        progress: called with (done, total) rows of the graph.

    Raises:
        OSError: if the disk is full or cannot be written; nothing is left behind.
    """
    making = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        vectors = np.lib.format.open_memmap(making / "vectors.npy", "w+", np.float32, (rows, dim))
        ids = np.lib.format.open_memmap(making / "ids.npy", "w+", np.int64, (rows,))
        # Mapped pages of a full disk would end the process; taking the room first raises instead.
        for name in ("vectors.npy", "ids.npy"):
            _reserve(making / name)
        done = 0
        for some_ids, some_vectors in chunks:
            vectors[done : done + len(some_ids)] = some_vectors
            ids[done : done + len(some_ids)] = some_ids
            done += len(some_ids)
        if done != rows:
            raise OSError(f"{done} rows came instead of {rows}")
        if graph:
            _write_graph(making / "graph.faiss", ids, vectors, previous, progress)
        vectors.flush()
        ids.flush()
        del vectors, ids
        names = sorted(path.name for path in making.iterdir())
        facts = {
            "shape": [rows, dim],
            "sizes": {name: (making / name).stat().st_size for name in names},
            "digests": {name: _digest(making / name) for name in names},
        }
        written = json.dumps(facts)
        digest = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
        (making / "facts.json").write_text(f"{written}\n{digest}", "utf-8")
        for path in (*making.iterdir(), making):
            _sync(path)
        making.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _write_graph(
    path: Path,
    ids: np.ndarray,
    vectors: np.ndarray,
    previous: Snapshot | None,
    progress: Progress | None,
) -> None:
    faiss = _faiss()
    graph, start = None, 0
    if previous is not None and previous.has_graph:
        kept = len(previous.ids)
        if np.array_equal(previous.ids, ids[:kept]):
            # Not mapped this time, and with vectors of its own: adding to a mapped graph is fatal.
            graph, start = faiss.read_index(str(previous.folder / "graph.faiss")), kept
            storage = faiss.IndexFlatIP(vectors.shape[1])
            storage.add(vectors[:kept])
            storage.this.disown()
            graph.storage, graph.own_fields = storage, True
    if graph is None:
        graph = faiss.IndexHNSWFlat(vectors.shape[1], _GRAPH_LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = _GRAPH_BUILD_WIDTH
    for first in range(start, len(vectors), _ROWS):
        graph.add(vectors[first : first + _ROWS])
        if progress:
            progress(min(first + _ROWS, len(vectors)), len(vectors))
    try:
        faiss.write_index(graph, str(path), faiss.IO_FLAG_SKIP_STORAGE)
    except RuntimeError as error:  # faiss's word for a full disk
        raise OSError(str(error)) from error


def _open_graph(path: Path, vectors: np.ndarray) -> Any:
    """The mapped graph, its vectors being those of the mapped matrix.

    Raises:
        ValueError: if it is not the graph of these vectors: searching it would be fatal.
    """
    faiss = _faiss()
    storage = faiss.IndexFlatIP(vectors.shape[1])
    storage.codes = faiss.MaybeOwnedVectorUInt8.create_view(
        faiss.swig_ptr(np.asarray(vectors).reshape(-1).view(np.uint8)),
        vectors.nbytes,
        storage.codes.owner,
    )
    storage.ntotal = len(vectors)
    graph = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    if (graph.ntotal, graph.d) != vectors.shape or graph.metric_type != storage.metric_type:
        raise ValueError("graph.faiss belongs to other vectors")
    graph.storage, graph.own_fields = storage, False
    # faiss keeps plain pointers: what they point to must live as long as the graph.
    graph.kept_alive = (storage, vectors)
    return graph


def _faiss() -> Any:
    """The faiss module; only galleries that are large enough for a graph need it."""
    import faiss

    return faiss


def _largest(ids: np.ndarray, similarities: np.ndarray, limit: int) -> Candidates:
    if limit < len(similarities):
        rows = np.argpartition(similarities, -limit)[-limit:]
        ids, similarities = ids[rows], similarities[rows]
    there = similarities > -np.inf
    return Candidates(np.asarray(ids[there]), similarities[there])


def _mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.ndarray:
    """A mapped array, whose header must be the one that such an array has."""
    header = io.BytesIO()
    kind = np.lib.format.dtype_to_descr(np.dtype(dtype))
    facts = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, facts)
    with open(path, "rb") as file:
        if file.read(header.tell()) != header.getvalue():
            raise ValueError(f"{path.name} is damaged")
    return np.load(path, mmap_mode="r")


def _reserve(path: Path) -> None:
    with open(path, "r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _sync(path: Path) -> None:
    """Have the system write a file or folder to the disk; not every system can for folders."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
