"""What the children of the zygote do; each is told and answers in JSON."""

import os
import resource
import signal
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.errors import ClipAppError
from clip_app.gallery import indexer, writer
from clip_app.gallery.library import Library, update_index
from clip_app.gallery.roots import Roots
from clip_app.gallery.stores import sqlite_view
from clip_app.gallery.stores.sqlite_database import Database
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Filter
from clip_app.model.service import ModelService

WRITE = 8
ENCODE = 4


def _small_batches() -> None:
    indexer._WRITE = WRITE
    indexer.BATCH = ENCODE
    writer._OPTIMISE_EVERY = 16
    sqlite_view._TAIL_ROWS = 20


def index(
    service: ModelService,
    folder: str,
    indexes: str,
    log: str = "",
    kill_at_size: int = 0,
    kill_at_sync: int = 0,
    full_at_size: int = 0,
    kill_at_step: int = 0,
    kill_at_write: int = 0,
    codes_from: int = 10**9,
    ahead: int = 96,
) -> dict[str, Any]:
    """Index a folder.

    Args:
        service: the starter.
        folder: the gallery.
        indexes: the index folder.
        log: gets one byte for each encoded image.
        kill_at_size: be killed by the write that would make any file larger than this.
        kill_at_sync: be killed at this call of fsync.
        full_at_size: such a write fails instead.
        kill_at_step: be killed at this step of the database engine inside a transaction.
        kill_at_write: be killed before this batch is written.
        codes_from: rows from which there are codes.
        ahead: decoded pictures that may wait.
    """
    _small_batches()
    sqlite_view.CODES_FROM = codes_from
    indexer._AHEAD = ahead
    if log:
        _log_images(service, log)
    if kill_at_write:
        _kill_at_call(SqliteStore, "write", kill_at_write)
    if kill_at_size or full_at_size:
        fatal = signal.SIG_DFL if kill_at_size else signal.SIG_IGN
        signal.signal(signal.SIGXFSZ, fatal)
        size = kill_at_size or full_at_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if kill_at_sync:
        _kill_at_call(os, "fsync", kill_at_sync)
    if kill_at_step:
        _kill_at_step(kill_at_step)
    before = service.statistics.images
    try:
        report = update_index(
            Library(Path(indexes)), service, Path(folder), Roots.of([Path(folder)])
        )
    except ClipAppError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        return {"key": error.key, "message": str(error), "images": 0}
    images = service.statistics.images - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "key": "",
        "images": images,
        "encoded": report.encoded,
        "repaired": report.repaired,
        "memory_kb": memory,
    }


def _log_images(service: ModelService, log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    encode = service.encode_pixels

    def encode_and_log(pixels: Any) -> np.ndarray:
        os.write(descriptor, b"." * len(pixels))
        return encode(pixels)

    service.encode_pixels = encode_and_log  # type: ignore[method-assign]


def _kill_at_call(module: Any, name: str, number: int) -> None:
    real, calls = getattr(module, name), iter(range(1, number + 1))

    def counted(*arguments: Any) -> Any:
        if next(calls, number) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    setattr(module, name, counted)


def _kill_at_step(number: int) -> None:
    connect, steps = Database.connect, iter(range(number))

    def step() -> int:
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def connected(database: Any) -> Any:
        connection = connect(database)
        connection.set_progress_handler(step, 20)
        return connection

    Database.connect = connected  # type: ignore[method-assign]


def query_of(seed: int, dim: int) -> np.ndarray:
    """A random query."""
    query = np.random.default_rng(seed).standard_normal(dim).astype(np.float32)
    return query / np.linalg.norm(query)


def search(
    service: ModelService, folder: str, indexes: str, seed: int = 0, limit: int = 1000
) -> dict[str, Any]:
    """(path, similarity) of everything for a random query; or the error."""
    _small_batches()
    try:
        store = Library(Path(indexes)).open(Path(folder), service.info)
        found = store.search(query_of(seed, store.key.dim), limit, Filter())
    except ClipAppError as error:
        return {"key": error.key, "message": str(error), "found": []}
    return {
        "key": "",
        "found": [[file.path, one.similarity] for one in found for file in one.files],
    }
