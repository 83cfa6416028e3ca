"""A memory-mapped copy of an index's vectors, for searching: disposable, never the only copy.

`vectors.npy` is the matrix that exact search multiplies with, `ids.npy` says whose rows they are.
Large galleries have `codes.faiss` beside it: every vector in 4 bits for two dimensions (product
quantization, Jégou et al. 2011, in the layout of André et al. 2015), made and scanned by faiss. It
proposes rows, which are then compared exactly. All rows are scanned, so queries unlike anything in
the gallery, as words are unlike photographs, are answered as well as others; a HNSW graph took far
longer to build and missed more of what words ask for (benchmarks/README.md).

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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

log = logging.getLogger(__name__)

# From this many rows on the codes are clearly faster than the product.
CODES_FROM = 50_000

# Codes are learnt from this many rows; more changes nothing.
_LEARN_FROM = 50_000

# Rows that the codes propose at least: among 1,000 of a million were all ten best ones of every
# query tried, among 500 only 99.5 % where words were asked for.
_PROPOSED = 1000
_PROPOSED_TIMES = 4

# Rows copied at a time while writing.
_ROWS = 20_000

# Vectors up to this size are compared with their digest before they are used, others meanwhile.
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
            # The others lead to rows, or are read by faiss, which trusts what it reads.
            if size <= _CHECKED_AT_ONCE or name != "vectors.npy":
                self._check(name)
        rows, dim = facts["shape"]
        #: float32 (rows, dim), mapped: pages are read when they are needed.
        self.vectors = _mapped(folder / "vectors.npy", np.float32, (rows, dim))
        #: int64 (rows,), ascending.
        self.ids = _mapped(folder / "ids.npy", np.int64, (rows,))
        self.codes: Any = None
        if "codes.faiss" in facts["sizes"]:
            self.codes = _read_codes(folder / "codes.faiss")
            if (self.codes.ntotal, self.codes.d) != self.vectors.shape:
                raise ValueError("codes.faiss belongs to other vectors")

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
            rows = np.setdiff1d(_rows_of(self.ids, allowed), _rows_of(self.ids, gone))
            return _largest(self.ids[rows], self.vectors[rows] @ query, limit)
        if self.codes is not None:
            return self._proposed(query, limit, gone, allowed)
        similarities = self.vectors @ query
        similarities[_rows_of(self.ids, gone)] = -np.inf
        if allowed is not None:
            similarities[~np.isin(self.ids, allowed)] = -np.inf
        return _largest(self.ids, similarities, limit)

    def _proposed(
        self, query: np.ndarray, limit: int, gone: np.ndarray, allowed: np.ndarray | None
    ) -> Candidates:
        number = max(_PROPOSED, _PROPOSED_TIMES * limit)
        if allowed is not None:
            number = int(number * len(self.ids) / max(1, len(allowed)))
        while True:
            number = min(number, len(self.ids))
            _, found = self.codes.search(query[None], number)
            rows = np.sort(found[0])  # in the order of the file
            ids = self.ids[rows]
            keep = ~np.isin(ids, gone)
            if allowed is not None:
                keep &= np.isin(ids, allowed)
            if np.count_nonzero(keep) >= limit or number == len(self.ids):
                return _largest(ids[keep], self.vectors[rows[keep]] @ query, limit)
            number *= 4


def write_snapshot(
    folder: Path,
    chunks: Iterable[tuple[np.ndarray, np.ndarray]],
    rows: int,
    dim: int,
    *,
    codes: bool,
    previous: Snapshot | None,
) -> None:
    """Write a snapshot so that it is there whole or not at all.

    Args:
        folder: where; must not exist yet.
        chunks: (int64 ids, float32 (n, dim) vectors), ids ascending over all of them.
        rows: how many there are in all.
        dim: length of a vector.
        codes: whether to make the codes too.
        previous: an older snapshot, whose codes are extended where its ids begin the new ones.

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
        if codes:
            _write_codes(making / "codes.faiss", ids, vectors, previous)
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


def _write_codes(
    path: Path, ids: np.ndarray, vectors: np.ndarray, previous: Snapshot | None
) -> None:
    import faiss

    rows, dim = vectors.shape
    kept = 0 if previous is None or previous.codes is None else len(previous.ids)
    if kept and previous is not None and np.array_equal(previous.ids, ids[:kept]):
        codes = _read_codes(previous.folder / "codes.faiss")  # its own copy, to be added to
    else:
        kept = 0
        codes = faiss.index_factory(dim, f"PQ{dim // 2}x4fs", faiss.METRIC_INNER_PRODUCT)
        codes.train(np.ascontiguousarray(vectors[:: max(1, rows // _LEARN_FROM)]))
    for first in range(kept, rows, _ROWS):
        codes.add(np.ascontiguousarray(vectors[first : first + _ROWS]))
    try:
        faiss.write_index(codes, str(path))
    except RuntimeError as error:  # faiss's word for a full disk
        raise OSError(str(error)) from error


def _read_codes(path: Path) -> Any:
    import faiss  # only galleries that are large enough need it

    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:  # cut short, or of another kind
        raise ValueError(str(error)) from error


def _rows_of(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The rows of those wanted ids that there are; both ascending."""
    rows = np.searchsorted(ids, wanted)
    there = rows < len(ids)
    rows, wanted = rows[there], wanted[there]
    return rows[ids[rows] == wanted]


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
