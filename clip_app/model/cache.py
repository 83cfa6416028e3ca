"""Feature vectors that need not be computed again."""

import contextlib
import threading
from typing import Any

import numpy as np
from cachetools import LRUCache


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
