"""Files become features, one way for all: decoded ahead on threads, encoded together, in order.

The page, the API, the terminal, evaluations and benchmarks read, decode and preprocess here, so
that a photograph has one vector whoever asks. The indexer, which also hashes and dates what it
reads, has its own stages and shares `decode_side`.
"""

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from clip_app.errors import ImageError
from clip_app.images import load_image, not_opened, opened, shown_name
from clip_app.metrics import steps
from clip_app.model.info import Pixels
from clip_app.model.preprocess import prepare
from clip_app.model.service import ModelService
from clip_app.progress import check_wanted

#: Photographs in one call of the model, here and in the indexer.
BATCH = 64

# Files that are decoded or wait for the model, beyond one batch and one for each worker. Ready ones
# take 0.6 MB each.
_AHEAD = 64


_File = str | os.PathLike | bytes

#: What a photograph can be given as: the path of a file, its bytes, or a picture in memory.
Source = _File | Image.Image

#: Several of them.
Sources = list[Any] | tuple[Any, ...]


@dataclass(frozen=True)
class EncodedPhoto:
    """One photograph's features, or why it has none.

    Attributes:
        source: as it was given.
        image_features: float32 (embedding_size,), of length 1; None where there is an error.
        error: what is wrong with it.
        kept: what `keep` made of the picture.
    """

    source: Any
    image_features: np.ndarray | None = None
    error: ImageError | None = None
    kept: Any = None


def decode_side(service: ModelService) -> int:
    """The `target_side` of `load_image` for a model: twice what its image tower takes.

    A JPEG drafted to it is at least as large, so that resizing it down has pixels to average.
    """
    return 2 * max(service.info.image_size)


def open_picture(
    source: Source | None, service: ModelService, *, name: str | None = None
) -> Image.Image:
    """A picture, decoded no larger than the model needs; one in memory is returned as it is.

    Raises:
        ImageError: if there is none (None, or an empty path), or it cannot be read.
    """
    if isinstance(source, Image.Image):
        return source
    file = _file(source)
    shown = shown_name(file, name)
    return prepare(partial(_decoded, _read(file, shown), service, shown)).result()


def _file(source: Any) -> _File:
    if source is None or (isinstance(source, str) and not source):
        raise ImageError("image_missing")
    if not isinstance(source, _File):
        raise ImageError("image_other_kind", kind=type(source).__name__)
    return source


def _read(file: _File, name: str) -> bytes:
    """What a file holds. Not on the threads of `prepare`: with a share that hangs, two photographs
    on it would hold them both, and everybody would wait for a disk that they do not use.
    """
    if isinstance(file, bytes):
        return file
    with opened(file, name) as found:
        try:
            return found.read()
        except OSError as error:
            raise not_opened(error, file, name) from error


def _decoded(data: bytes, service: ModelService, name: str) -> Image.Image:
    with steps.measure("decode"):
        return load_image(data, name=name, target_side=decode_side(service))


def encode_photo(
    service: ModelService, source: Source | None, *, name: str | None = None
) -> np.ndarray:
    """Features of one photograph that somebody waits for.

    A file seen before, wherever it lies, is answered from the cache without being decoded. Telling
    it by its pixels, as a picture in memory is, took half as long as decoding them.

    Args:
        service: the model to ask.
        source: as of `open_picture`.
        name: what to call it in an error.

    Returns:
        float32 (1, embedding_size), a row of length 1.

    Raises:
        ImageError: as `open_picture`.
        ModelError: if the device fails.
    """
    if isinstance(source, Image.Image):
        return service.encode_images([source])
    file = _file(source)
    shown = shown_name(file, name)
    data = _read(file, shown)
    key = ("file", hashlib.blake2b(data).digest())
    return service.encode_once([key], lambda _: service.preprocess(_decoded(data, service, shown)))


def encode_files(
    service: ModelService,
    sources: Iterable[Source],
    *,
    workers: int | None = None,
    keep: Callable[[Image.Image], Any] | None = None,
) -> Generator[EncodedPhoto]:
    """Features of photographs, in the order of `sources`, however many there are.

    No more than some hundred files are read ahead, so memory does not grow with their number; and
    nothing waits for one that has not come yet, so slow `sources` (a pipe) are answered as they
    come. Close the generator to end early.

    Args:
        service: the model to ask.
        sources: gone through on a thread of its own; what it raises is raised here.
        workers: decoding threads; by default one a core.
        keep: called with each decoded picture, for instance to make a thumbnail.

    Yields:
        One `EncodedPhoto` for each source; a file that cannot be read is one with an error.

    Raises:
        ModelError: if the device fails.
    """
    with contextlib.closing(encode_batches(service, sources, workers, keep)) as batches:
        for batch in batches:
            yield from batch


def encode_batches(
    service: ModelService,
    sources: Iterable[Source],
    workers: int | None = None,
    keep: Callable[[Image.Image], Any] | None = None,
) -> Generator[list[EncodedPhoto]]:
    """As `encode_files`, those together that were encoded together: never one that must wait."""
    workers = workers or os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers, "decode")
    feeder = _Feeder(service, pool, workers + _AHEAD, keep)
    threading.Thread(target=feeder.run, args=(sources,), name="paths", daemon=True).start()
    try:
        while batch := feeder.next_batch():
            check_wanted()
            yield _encoded(service, [future.result() for future in batch])
    finally:
        feeder.stop()
        # Not waiting: a file that is being read may lie on a share that hangs.
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class _Decoded:
    source: Source
    pixels: Pixels | None = None
    error: ImageError | None = None
    kept: Any = None


class _Feeder:
    """Hands sources to decoding threads, never more than `ahead` before they are asked for."""

    def __init__(
        self,
        service: ModelService,
        pool: ThreadPoolExecutor,
        ahead: int,
        keep: Callable[[Image.Image], Any] | None,
    ) -> None:
        self._service = service
        self._pool = pool
        self._keep = keep
        self._waiting: queue.Queue[Future[_Decoded] | None] = queue.Queue()
        self._room = threading.Semaphore(ahead)
        self._stopped = False
        self._error: BaseException | None = None

    def run(self, sources: Iterable[Source]) -> None:
        """Go through `sources`, on a thread of its own."""
        try:
            for source in sources:
                self._room.acquire()
                if self._stopped:
                    break
                self._waiting.put(self._pool.submit(self._decode, source))
        except BaseException as error:  # noqa: BLE001 - raised by `next_batch`
            self._error = error
        finally:
            self._waiting.put(None)

    def next_batch(self) -> list[Future[_Decoded]]:
        """What has been handed over by now, at least one and at most `BATCH`; empty at the end.

        Raises:
            Exception: what going through the paths has raised, after what came before it.
        """
        batch: list[Future[_Decoded]] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < BATCH:
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

    def _decode(self, source: Source) -> _Decoded:
        try:
            picture = open_picture(source, self._service)
            kept = self._keep(picture) if self._keep else None
            return _Decoded(source, self._service.preprocess(picture), kept=kept)
        except ImageError as error:
            return _Decoded(source, error=error.bare())


def _encoded(service: ModelService, batch: list[_Decoded]) -> list[EncodedPhoto]:
    rows = iter(service.encode_pixels([one.pixels for one in batch if one.pixels is not None]))
    return [
        EncodedPhoto(one.source, None if one.error else next(rows), one.error, one.kept)
        for one in batch
    ]
