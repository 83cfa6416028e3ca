"""The picture of a file that was cut or damaged, if enough of it is there."""

import io
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from clip_app.errors import ImageError
from clip_app.images.limits import DECODER_ERRORS, How, check_size, decoder_errors
from clip_app.images.opening import chosen
from clip_app.images.salvage import cut_jpeg, png_picture, webp_picture
from clip_app.images.upright import normalise
from clip_app.images.whole import whole_picture

# Parts of a cut file that have to be there. Cameras and downloads lose the last bytes, not more.
_WHOLE_ENOUGH = 0.95
_CUT = 1 - _WHOLE_ENOUGH
_BLOCK_ROWS = 16
# Random bytes for the missing part of a file, without 0xFF, which begins a marker in JPEG.
_NOISE = np.random.default_rng(0).integers(0, 255, 1 << 18, np.uint8).tobytes()


def salvaged(file: BinaryIO, how: How) -> Image.Image | None:
    """The picture of a damaged file, if enough of it is there.

    It is decoded twice, with different bytes or colours in place of what is missing: where the two
    differ, nothing was known. That needs no setting of Pillow, which all threads would share.
    """
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head.startswith(b"\xff\xd8"):
        jpeg = cut_jpeg(file.read())
        if jpeg is None:
            return None
        found = _decoded(((io.BytesIO(jpeg.completed(one)), None) for one in (b"", _NOISE)), how)
        enough = len(found) == 2 and (jpeg.whole or _missing(*found, onwards=True) <= _CUT)
    elif head.startswith(b"RIFF"):
        data = file.read()
        fillers = (b"\0", b"\x55", _NOISE)  # lossless WebP does not take every byte
        found = _decoded(((io.BytesIO(webp_picture(data, one)), None) for one in fillers), how)
        enough = len(found) == 2 and _missing(*found, onwards=True) <= _CUT
    else:
        if head.startswith(b"\x89PNG"):
            file = io.BytesIO(png_picture(file.read()))
            with suppress(ImageError):
                return whole_picture(file, how)
        found = _decoded(((file, one) for one in (0, 255)), how)
        enough = len(found) == 2 and _missing(*found, onwards=False) <= _CUT
    return normalise(found[0], name=how.name, max_pixels=how.max_pixels) if enough else None


def _decoded(sources: Iterable[tuple[BinaryIO, int | None]], how: How) -> list[Image.Image]:
    """The first two pictures that can be decoded, each over a ground of the given value."""
    found: list[Image.Image] = []
    for file, ground in sources:
        with suppress(ImageError), decoder_errors(how.name):
            image = chosen(file, how)
            check_size(image.size, how.max_pixels, how.name)
            if ground is None:
                image.load()
            else:
                _load_over(image, ground)
            found.append(image)
        if len(found) == 2:
            break
    return found


def _load_over(image: Any, ground: int) -> None:
    """Decode what can be decoded of an image file over a ground that is not left black."""
    prepare = image.load_prepare

    def load_prepare() -> None:
        prepare()
        image.im.paste(
            (ground,) * image.im.bands if image.im.bands > 1 else ground, (0, 0, *image.im.size)
        )

    image.load_prepare = load_prepare
    with suppress(*DECODER_ERRORS):
        image.load()
    image.tile = []  # nothing more to come
    if image.format == "TIFF":
        with suppress(*DECODER_ERRORS):
            image.load_end()  # turns the picture
    image.load()


def _missing(one: Image.Image, other: Image.Image, *, onwards: bool) -> float:
    """The part of two pictures of the same file that differs, 0..1.

    `onwards`: whatever lies behind the first difference counts as missing, for codecs that find
    their way again in noise.
    """
    if one.size != other.size:
        return 1.0
    differ = np.asarray(one) != np.asarray(other)
    differ = differ.any(axis=-1) if differ.ndim == 3 else differ
    missing = float(differ.mean())
    rows = np.flatnonzero(differ.any(axis=1))
    if not onwards or not rows.size:
        return missing
    height, width = differ.shape
    # Blocks of 16 rows are coded from left to right; what is scaled down has fewer rows in one.
    block = min(_BLOCK_ROWS, height - rows[0])
    there = rows[0] * width + block * np.flatnonzero(differ[rows[0]])[0]
    return max(missing, 1 - there / differ.size)
