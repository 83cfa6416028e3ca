"""Indexing on many machines: Ray's workers read and encode, this process compares and writes.

Each worker holds one model. All machines must see the gallery at the same path and have this
program installed at the same place; where no cluster is running, Ray starts workers on this
machine.
"""

import contextlib
import json
import logging
import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import ray
import ray.data
from ray.exceptions import RayError

from clip_app.errors import ModelError, Reason
from clip_app.gallery.entries import Job, decode, encode
from clip_app.gallery.index_report import IndexReport
from clip_app.gallery.indexer import Run
from clip_app.gallery.roots import Roots
from clip_app.gallery.scan import FileList, FoundFile, batched, encoded
from clip_app.gallery.stores.store import Entry, Store
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.settings import ASSETS, Settings

log = logging.getLogger(__name__)

# Files that a worker takes at a time: few enough to share out evenly and to stop soon, enough to
# fill a GPU.
_FILES = 64

# The columns of a `FoundFile` beside its path.
_NUMBERS = ("size", "mtime_ns", "ctime_ns", "inode")


def index_with_ray(
    service: ModelService,
    store: Store,
    roots: Roots,
    *,
    settings: Settings,
    ray_workers: int,
    **options: Any,
) -> IndexReport:
    """Bring an index up to date with its folder; see `indexer.index_folder`.

    Args:
        service: the model whose index it is; only its name is used.
        store: the index.
        roots: what may be read.
        settings: what the workers load their models by.
        ray_workers: how many models, on as many CPUs or GPUs.
        options: `shard`, `progress`, `stop`, `verify` and `keep_missing` as for `index_folder`.

    Raises:
        GalleryError, StorageError: as `index_folder`.
        ModelError: if the workers fail.
    """
    with store.lock():
        return _RayRun(service, store, roots, settings, ray_workers, **options).report()


class _RayRun(Run):
    """A run whose files are read and encoded elsewhere."""

    def __init__(
        self,
        service: ModelService,
        store: Store,
        roots: Roots,
        settings: Settings,
        ray_workers: int,
        **options: Any,
    ) -> None:
        super().__init__(service, store, roots, **options)
        # What `auto` is must not depend on what a worker finds on its own disk.
        self._settings = settings.model_copy(update={"model": service.info.name})
        self._ray_workers = ray_workers

    def entries(self, files: FileList) -> Generator[Entry]:
        """What to write for the files that need something."""
        blocks = [_table(jobs) for jobs in batched(self._needed(files), _FILES)]
        if not blocks or self._stop.is_set():
            return
        try:
            for batch in _encoded(blocks, self._worker(), self._ray_workers):
                for entry in _entries(batch):
                    # Workers do not see the index: what is known is found out here.
                    if entry.error is None and not self._is_new(entry.hash):
                        entry = replace(entry, vector=None, look=0)
                    yield from self._claims.settle(entry)
                self._progress.advance(len(batch["path"]), worked=True)
                if self._stop.is_set():
                    return
        except RayError as error:
            log.debug("Ray", exc_info=error)
            reason = next((line for line in reversed(str(error).splitlines()) if line.strip()), "")
            raise ModelError("ray_failed", reason=reason.strip()[:300]) from error

    def _worker(self) -> dict[str, Any]:
        return {
            "settings": self._settings,
            "fingerprint": self._service.info.fingerprint,
            "roots": self._roots,
            "folder": self._folder,
        }


class _Worker:
    """One model on one CPU or GPU, or a share of it."""

    def __init__(
        self, settings: Settings, fingerprint: str, roots: Roots, folder: Path, threads: int
    ) -> None:
        self._service = load_model(settings)
        if self._service.info.fingerprint != fingerprint:
            raise RuntimeError(f"a worker has other weights by the name {settings.model}")
        self._roots = roots
        self._folder = folder
        self._threads = ThreadPoolExecutor(threads)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        """Columns of a `FoundFile`; and besides hash, taken, file_date, width, height, look, error,
        vector.
        """
        jobs = [Job(file) for file in _files(batch)]

        def read(job: Job) -> Job:
            return decode(self._service, self._roots, self._folder, job)

        entries = list(encode(self._service, [*self._threads.map(read, jobs)]))
        nothing = np.zeros(self._service.info.embedding_size, np.float32)
        return batch | {
            "hash": np.array([one.hash.hex() for one in entries], object),
            "taken": np.array([one.taken for one in entries], np.int64),
            "file_date": np.array([one.file_date for one in entries], bool),
            "width": np.array([one.width for one in entries], np.int64),
            "height": np.array([one.height for one in entries], np.int64),
            "look": np.array([one.look for one in entries], np.uint64),
            "error": np.array(
                [json.dumps(one.error and astuple(one.error)) for one in entries], object
            ),
            "vector": np.stack([nothing if one.vector is None else one.vector for one in entries]),
        }


def _encoded(
    blocks: list[pyarrow.Table], worker: dict[str, Any], workers: int
) -> Iterator[dict[str, np.ndarray]]:
    """What the workers made of each block, in the order in which they are done."""
    with _cluster(workers):
        resources = ray.cluster_resources()
        threads = max(1, int(resources.get("CPU", 1) - 1) // workers)
        dataset = ray.data.from_arrow(blocks).map_batches(
            _Worker,
            fn_constructor_kwargs=worker | {"threads": threads},
            batch_size=_FILES,
            batch_format="numpy",
            zero_copy_batch=True,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(blocks))),
            num_cpus=threads,
            num_gpus=min(1.0, resources.get("GPU", 0) / workers),
        )
        yield from dataset.iter_batches(batch_size=None, batch_format="numpy")


@contextlib.contextmanager
def _cluster(workers: int) -> Iterator[None]:
    """The cluster of `RAY_ADDRESS`, or one of this machine alone, with a CPU for each worker."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    options: dict[str, Any] = {}
    if not os.environ.get("RAY_ADDRESS"):
        cpus = max(os.cpu_count() or 1, workers + 1)
        options = {"address": "local", "num_cpus": cpus, "include_dashboard": False}
    ray.init(
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"env_vars": {"PYTHONPATH": str(ASSETS.parent)}},
        **options,
    )
    try:
        yield
    finally:
        ray.shutdown()


def _table(jobs: list[Job]) -> pyarrow.Table:
    files = [job.file for job in jobs]
    return pyarrow.table(
        {
            "path": pyarrow.array([encoded(one.path) for one in files], pyarrow.binary()),
            **{
                name: pyarrow.array([getattr(one, name) for one in files], pyarrow.int64())
                for name in _NUMBERS
            },
        }
    )


def _files(batch: dict[str, np.ndarray]) -> list[FoundFile]:
    numbers = zip(*(batch[name].tolist() for name in _NUMBERS), strict=True)
    return [
        FoundFile(os.fsdecode(path), *some)
        for path, some in zip(batch["path"], numbers, strict=True)
    ]


def _entries(batch: dict[str, np.ndarray]) -> Iterator[Entry]:
    for i, file in enumerate(_files(batch)):
        error = json.loads(batch["error"][i])
        yield Entry(
            file.path,
            file.size,
            file.mtime_ns,
            bytes.fromhex(batch["hash"][i]),
            int(batch["taken"][i]),
            None if error else np.array(batch["vector"][i], np.float32),
            int(batch["look"][i]),
            Reason(*error) if error else None,
            file.ctime_ns,
            file.inode,
            file_date=bool(batch["file_date"][i]),
            width=int(batch["width"][i]),
            height=int(batch["height"][i]),
        )
