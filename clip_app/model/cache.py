"""Feature vectors that need not be computed again: in memory, and on disk for the next process."""

import contextlib
import hashlib
import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from clip_app.settings import Settings
from clip_app.temporary import whole_file

log = logging.getLogger(__name__)

# The longest list that anyone may ask about, 100,000 texts, is 300 MB with 768 numbers a text.
_STORE_BYTES = 512_000_000

# Each file is looked at when one is added; this many take 10 ms.
_STORE_FILES = 1000

# A file is a digest of the rest, the number of columns, and the rows, read without a copy.
_DIGEST_BYTES = 32
_COLUMNS_BYTES = 8


class FeatureCache:
    """Feature vectors by key, the least recently used dropped when memory is full."""

    def __init__(self, max_bytes: int) -> None:
        self._rows: LRUCache[Any, np.ndarray] = LRUCache(
            max_bytes, getsizeof=lambda row: row.nbytes
        )
        self._lock = threading.Lock()

    def get(self, key: Any) -> np.ndarray | None:
        """The vector kept under `key`."""
        with self._lock:
            return self._rows.get(key)

    def put(self, key: Any, row: np.ndarray) -> None:
        """Keep a copy of `row`; one larger than the whole cache is not kept."""
        with self._lock, contextlib.suppress(ValueError):
            self._rows[key] = row.copy()


class FeatureStore:
    """Rows of float32 by key, a file each, in a folder that any number of processes share.

    A file appears whole or not at all, and one that was damaged since counts as missing. The least
    recently used are dropped. Where the folder cannot be written, nothing is kept, and that is all.
    """

    def __init__(
        self, folder: Path, max_bytes: int = _STORE_BYTES, max_files: int = _STORE_FILES
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_files = max_files

    def get(self, key: Any) -> np.ndarray | None:
        """The rows kept under `key`, which is anything that JSON can write: (n, dim), read-only."""
        path = self._path(key)
        try:
            kept = path.read_bytes()
        except OSError:
            return None
        content = memoryview(kept)[_DIGEST_BYTES:]
        if kept[:_DIGEST_BYTES] != _digest(content):
            log.debug("%s is damaged", path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        columns = int.from_bytes(content[:_COLUMNS_BYTES], "little")
        return np.frombuffer(content[_COLUMNS_BYTES:], np.float32).reshape(-1, columns)

    def put(self, key: Any, rows: np.ndarray) -> None:
        """Keep `rows`, float32 (n, dim), under `key`; what is larger than the store is not kept."""
        content = rows.shape[1].to_bytes(_COLUMNS_BYTES, "little") + rows.tobytes()
        if _DIGEST_BYTES + len(content) > self._max_bytes:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path(key)) as file:
                file.write(_digest(content))
                file.write(content)
            self._drop_oldest()
        except OSError as error:
            log.debug("Features are not kept on disk: %s", error)

    def clear(self) -> tuple[int, int]:
        """Delete everything; returns how many files and bytes that were.

        Raises:
            OSError: if something cannot be deleted.
        """
        files = self._newest_first()
        for path, _ in files:
            path.unlink(missing_ok=True)
        return len(files), sum(size for _, size in files)

    def _path(self, key: Any) -> Path:
        return self._folder / f"{_digest(json.dumps(key).encode()).hex()}.features"

    def _newest_first(self) -> list[tuple[Path, int]]:
        """Each file and its bytes; what a process that was killed left half written, too."""
        found = []
        for path in self._folder.glob("*.features"):
            with contextlib.suppress(FileNotFoundError):  # another process has just dropped it
                status = path.stat()
                found.append((status.st_mtime_ns, path, status.st_size))
        return [(path, size) for _, path, size in sorted(found, reverse=True)]

    def _drop_oldest(self) -> None:
        total = 0
        for number, (path, size) in enumerate(self._newest_first(), 1):
            total += size
            if total > self._max_bytes or number > self._max_files:
                path.unlink(missing_ok=True)


def text_store(settings: Settings) -> FeatureStore:
    """Where the features of long lists of texts are kept."""
    return FeatureStore(settings.cache_dir / "texts")


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
