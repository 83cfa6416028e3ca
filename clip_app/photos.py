"""Files become features, one way for all: decoded ahead on threads, encoded together, in order."""

import contextlib
import os
import queue
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from clip_app.errors import ClipAppError, ImageError
from clip_app.images import load_image
from clip_app.metrics import steps
from clip_app.model_service import ModelService, Pixels

# Photographs in one call of the model, as in the indexer.
_BATCH = 64

# Files that are decoded or wait for the model, beyond one batch and one for each worker. Ready ones
# take 0.6 MB each.
_AHEAD = 64


@dataclass(frozen=True)
class EncodedPhoto:
    """One file's features, or why it has none.

    Attributes:
        path: as it was given.
        features: float32 (embedding_size,), of length 1; None where there is an error.
        error: what is wrong with the file.
    """

    path: str
    features: np.ndarray | None = None
    error: ClipAppError | None = None


def load_for(service: ModelService, source: str | os.PathLike[str] | bytes) -> Image.Image:
    """Decode a picture no larger than the model needs; arguments and errors as `load_image`."""
    with steps.measure("decode"):
        return load_image(source, target_side=2 * max(service.info.image_size))


def encode_files(
    service: ModelService, paths: Iterable[str], *, workers: int | None = None
) -> Generator[EncodedPhoto]:
    """Features of image files, in the order of `paths`, however many there are.

    No more than some hundred files are read ahead, so memory does not grow with their number; and
    nothing waits for a path that has not come yet, so slow `paths` (a pipe) are answered as they
    come. Close the generator to end early.

    Args:
        service: the model to ask.
        paths: gone through on a thread of its own; what it raises is raised here.
        workers: decoding threads; by default one a core.

    Yields:
        One `EncodedPhoto` for each path; a file that cannot be read is one with an error.

    Raises:
        ModelError: if the device fails.
    """
    with contextlib.closing(encode_batches(service, paths, workers=workers)) as batches:
        for batch in batches:
            yield from batch


def encode_batches(
    service: ModelService, paths: Iterable[str], *, workers: int | None = None
) -> Generator[list[EncodedPhoto]]:
    """As `encode_files`, those together that were encoded together: never one that must wait."""
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers, "decode") as pool:
        feeder = _Feeder(service, pool, workers + _AHEAD)
        threading.Thread(target=feeder.run, args=(paths,), name="paths", daemon=True).start()
        try:
            while batch := feeder.next_batch():
                yield _encoded(service, [future.result() for future in batch])
        finally:
            feeder.stop()
            pool.shutdown(cancel_futures=True)


@dataclass
class _Decoded:
    path: str
    pixels: Pixels | None = None
    error: ImageError | None = None


class _Feeder:
    """Hands paths to decoding threads, never more than `ahead` before they are asked for."""

    def __init__(self, service: ModelService, pool: ThreadPoolExecutor, ahead: int) -> None:
        self._service = service
        self._pool = pool
        self._waiting: queue.Queue[Future[_Decoded] | None] = queue.Queue()
        self._room = threading.Semaphore(ahead)
        self._stopped = False
        self._error: BaseException | None = None

    def run(self, paths: Iterable[str]) -> None:
        """Go through `paths`, on a thread of its own."""
        try:
            for path in paths:
                self._room.acquire()
                if self._stopped:
                    break
                self._waiting.put(self._pool.submit(self._decode, path))
        except BaseException as error:  # noqa: BLE001 - raised by `next_batch`
            self._error = error
        finally:
            self._waiting.put(None)

    def next_batch(self) -> list[Future[_Decoded]]:
        """What has been handed over by now, at least one and at most `_BATCH`; empty at the end.

        Raises:
            Exception: what going through the paths has raised, after what came before it.
        """
        batch: list[Future[_Decoded]] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < _BATCH:
                future = self._waiting.get(block=not batch)
                if future is None:
                    self._waiting.put(None)  # for the next call
                    break
                self._room.release()
                batch.append(future)
        if not batch and self._error is not None:
            raise self._error
        return batch

    def stop(self) -> None:
        """Ask for no more; a path that the thread waits for is not waited for."""
        self._stopped = True
        self._room.release()

    def _decode(self, path: str) -> _Decoded:
        try:
            return _Decoded(path, self._service.preprocess(load_for(self._service, path)))
        except ImageError as error:
            return _Decoded(path, error=error.bare())


def _encoded(service: ModelService, batch: list[_Decoded]) -> list[EncodedPhoto]:
    rows = iter(service.encode_pixels([one.pixels for one in batch if one.pixels is not None]))
    return [EncodedPhoto(one.path, None if one.error else next(rows), one.error) for one in batch]
