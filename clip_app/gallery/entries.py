"""From a file of a gallery to its entry in the index: read, hash, date, decode, encode."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_app.errors import ImageError, Reason
from clip_app.gallery.prepared import Prepared
from clip_app.gallery.roots import Roots
from clip_app.gallery.scan import FoundFile
from clip_app.gallery.stores.store import Entry, content_of
from clip_app.images import date_taken, difference_hash, load_image, upright_size
from clip_app.images.keywords import keywords_among, sidecars_of
from clip_app.images.xmp import MAX_BYTES
from clip_app.metrics import steps
from clip_app.model.info import Pixels
from clip_app.model.service import ModelService
from clip_app.photos import decode_side

# Files may claim any number of keywords, of any length; people give some ten short ones.
_MOST_KEYWORDS = 200
_LONGEST_KEYWORD = 200


@dataclass
class Job:
    """A file that needs something, and what a worker made of it."""

    file: FoundFile
    hash: bytes = b""
    taken: int = 0
    file_date: bool = False
    look: int = 0
    width: int = 0
    height: int = 0
    keywords: tuple[str, ...] = ()
    pixels: Pixels | None = None
    vector: np.ndarray | None = None
    error: Reason | None = None


def decode(
    service: ModelService,
    roots: Roots,
    folder: Path,
    job: Job,
    is_new: Callable[[bytes], bool],
    prepared: Mapping[bytes, Prepared] | None,
) -> Job:
    """Read, hash, decode and preprocess one file; never raises for what is wrong with it.

    Args:
        service: the model to preprocess for.
        roots: what may be read.
        folder: the gallery.
        job: the file; what is found out is put into it.
        is_new: whether a content hash needs a vector; others are not decoded.
        prepared: by content hash, what need not be encoded.

    Returns:
        `job`.
    """
    try:
        with steps.measure("read"):
            data = roots.read(os.path.join(folder, job.file.path))
            job.hash = content_of(data)
        taken = date_taken(data)
        job.file_date = taken is None
        job.taken = job.file.mtime_ns // 1_000_000_000 if taken is None else taken
        # Also of what is known already: an earlier version has not kept it.
        with contextlib.suppress(ImageError):  # what is wrong with it is told when it is decoded
            job.width, job.height = upright_size(data)
        job.keywords = keywords_at(roots, folder, job.file, data)
        if not is_new(job.hash):
            return job
        if prepared and (known := prepared.get(job.hash)):
            job.vector, job.look = known.vector, known.look
            return job
        with steps.measure("decode"):
            image = load_image(data, name=job.file.path, target_side=decode_side(service))
            job.look = difference_hash(image)
            job.pixels = service.preprocess(image)
    except ImageError as error:
        job.error = error.reason
    return job


def encode(service: ModelService, jobs: Sequence[Job]) -> Iterator[Entry]:
    """The entries of decoded files, in their order; equal contents are encoded once.

    Raises:
        ModelError: if the device fails.
    """
    new = {job.hash: job.pixels for job in jobs if job.pixels is not None}
    vectors = {}
    if new:
        with steps.measure("encode", len(new)):
            vectors = dict(zip(new, service.encode_pixels([*new.values()]), strict=True))
    for job in jobs:
        yield Entry(
            job.file.path,
            job.file.size,
            job.file.mtime_ns,
            job.hash,
            job.taken,
            vectors.get(job.hash) if job.pixels is not None else job.vector,
            job.look,
            job.error,
            job.file.ctime_ns,
            job.file.inode,
            file_date=job.file_date,
            width=job.width,
            height=job.height,
            keywords=job.keywords,
            sidecars=None if job.error else job.file.sidecars,
        )


def keywords_at(
    roots: Roots, folder: Path, file: FoundFile, data: bytes | None = None
) -> tuple[str, ...]:
    """The keywords of a file of a gallery, the first `_MOST_KEYWORDS`; none if it cannot be read.

    Args:
        roots: what may be read.
        folder: the gallery.
        file: a file of it.
        data: its content, if that is read already.
    """
    place = os.path.join(folder, file.path)
    packets: list[bytes] = []
    for sidecar in sidecars_of(Path(place)) if file.sidecars else ():
        with contextlib.suppress(ImageError):
            packets.append(roots.head(str(sidecar), MAX_BYTES + 1))
    with contextlib.suppress(ImageError):
        content = io.BytesIO(roots.read(place) if data is None else data)
        words = keywords_among([one for one in packets if len(one) <= MAX_BYTES], content)
        lines = (" ".join(word.split())[:_LONGEST_KEYWORD] for word in words)
        return tuple(dict.fromkeys(one for one in lines if one))[:_MOST_KEYWORDS]
    return ()
