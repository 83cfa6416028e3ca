"""Files to features, in one way for everybody who encodes photographs.

The page, the API, the terminal, evaluations and benchmarks read, decode and preprocess here, so
that a photograph has one vector whoever asks. The indexer, which also hashes and dates what it
reads, shares the size that pictures are decoded at.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image

from clip_app.errors import ImageError
from clip_app.images import load_image
from clip_app.metrics import steps
from clip_app.model.info import Pixels
from clip_app.model.service import ModelService

#: What a photograph can be given as: the path of a file, its bytes, or a picture in memory.
Source = str | os.PathLike[str] | bytes | Image.Image


@dataclass(frozen=True)
class EncodedPhoto:
    """One photograph after it went through the image tower.

    Attributes:
        source: what it was given as.
        image_features: float32 (embedding_size,), length 1; None where `error` is set.
        error: why it could not be read.
        kept: what `keep` made of the picture.
    """

    source: Source
    image_features: np.ndarray | None
    error: ImageError | None = None
    kept: Any = None


def open_picture(source: Source, service: ModelService, *, name: str | None = None) -> Image.Image:
    """A picture, decoded no larger than the model needs; one in memory is returned as it is.

    Raises:
        ImageError: if it cannot be read.
    """
    if isinstance(source, Image.Image):
        return source
    with steps.measure("decode"):
        return load_image(source, name=name, target_side=decode_side(service))


def decode_side(service: ModelService) -> int:
    """The `target_side` of `load_image` for a model: twice what its image tower takes.

    A JPEG drafted to it is at least as large, so that resizing it down has pixels to average.
    """
    return 2 * max(service.info.image_size)


def encode_files(
    service: ModelService,
    sources: Iterable[Source],
    *,
    workers: int | None = None,
    keep: Callable[[Image.Image], Any] | None = None,
) -> Iterator[EncodedPhoto]:
    """Features of photographs, in their order; one that cannot be read is an answer, too.

    Threads decode ahead while the model encodes, a bounded number of pictures, so memory does not
    grow with the number of files.

    Args:
        service: the model.
        sources: any number; taken as they are needed.
        workers: decoding threads; by default one a core.
        keep: called with each decoded picture, for instance to make a thumbnail.

    Raises:
        ModelError: if the device fails.
    """
    with closing(_decoded(service, sources, workers or os.cpu_count() or 1, keep)) as ready:
        while chunk := list(islice(ready, service.image_batch)):
            readable = [one.pixels for one in chunk if one.pixels is not None]
            rows = iter(service.encode_pixels(readable))
            for one in chunk:
                row = None if one.pixels is None else next(rows)
                yield EncodedPhoto(one.source, row, one.error, one.kept)


@dataclass
class _Decoded:
    source: Source
    pixels: Pixels | None = field(default=None, repr=False)
    error: ImageError | None = None
    kept: Any = None


def _decoded(
    service: ModelService,
    sources: Iterable[Source],
    workers: int,
    keep: Callable[[Image.Image], Any] | None,
) -> Generator[_Decoded]:
    def decode(source: Source) -> _Decoded:
        try:
            picture = open_picture(source, service)
            return _Decoded(source, service.preprocess(picture), None, keep and keep(picture))
        except ImageError as error:
            return _Decoded(source, error=error)

    with ThreadPoolExecutor(workers, "decode") as pool:
        waiting: deque[Future[_Decoded]] = deque()
        try:
            for source in sources:
                waiting.append(pool.submit(decode, source))
                if len(waiting) > workers + service.image_batch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
