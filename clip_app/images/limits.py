"""What is decoded at all: formats, sizes, and the sentence for each way in which decoding fails."""

import math
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pillow_heif
from PIL import Image

from clip_app.errors import DamagedImageError, ImageError
from clip_app.sizes import beyond

# Formats people have photographs in. Left out on purpose: EPS (starts Ghostscript), PSD, ICO and
# the decoders for rare formats, which nobody needs here and which see little testing.
# MPO (two-lens JPEG) is opened by the JPEG decoder.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM")

# Decoding this many took 0.9 GB as TIFF and 1.9 GB as WebP, whose decoder keeps copies of its own.
# It counts what is decoded, so a 200-megapixel phone JPEG passes when it is drafted down.
MAX_PIXELS = 120_000_000

# WebP, AVIF and HEIF files are read into memory whole. Uncompressed 16-bit RGB of MAX_PIXELS fits.
MAX_FILE_BYTES = 1 << 30

_UNNAMED = "image"
_SHOWN_NAME_LENGTH = 80

# What the decoders raise for bytes they cannot use, collected by mutating files of every format.
DECODER_ERRORS = (
    OSError,  # most of them: "image file is truncated", UnidentifiedImageError
    SyntaxError,  # Pillow's word for a broken PNG, TIFF, JPEG 2000 or EXIF structure
    ValueError,  # header fields that are no numbers, libheif
    EOFError,  # libheif
    RuntimeError,  # libheif, libavif
    ArithmeticError,  # JPEG 2000 boxes longer than any file
    TypeError,  # TIFF tags of another type
    AssertionError,  # a palette PNG without its palette
    LookupError,  # this and the next two: Pillow itself expects them while it opens a file
    struct.error,
    zlib.error,
)

pillow_heif.register_heif_opener()
Image.init()

# Pillow refuses twice this many pixels while it opens a file, which also guards other users of
# Pillow in this process. Below that `check_size` decides, so Pillow's warning says nothing new.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def suffixes_of(formats: Iterable[str]) -> frozenset[str]:
    """The file name endings of some of `FORMATS`, lower case, with the dot."""
    wanted = set(formats)
    if "JPEG" in wanted:
        wanted.add("MPO")
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, format_name in known if format_name in wanted)


SUPPORTED_SUFFIXES = suffixes_of(FORMATS)


@dataclass(frozen=True)
class How:
    """What `load_image` was asked for."""

    name: str
    target_side: int | None
    max_pixels: int


def shown_name(source: object = None, name: str | None = None) -> str:
    """The base name to show: one short printable line, no folder."""
    if name is None and isinstance(source, str | os.PathLike):
        name = os.fsdecode(source)
    # A browser on Windows may send a whole path with backslashes.
    base = re.split(r"[/\\]", (name or "").rstrip("/\\"))[-1]
    base = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in base)
    if len(base) > _SHOWN_NAME_LENGTH:
        half = _SHOWN_NAME_LENGTH // 2
        base = f"{base[:half]}…{base[-half:]}"
    return base or _UNNAMED


def check_file_size(size: int, name: str) -> None:
    """Raise an `ImageError` if a file of `size` bytes is empty or above `MAX_FILE_BYTES`."""
    if size == 0:
        raise ImageError("image_empty", name=name)
    check_largest_file(size, name)


def check_largest_file(size: int, name: str) -> None:
    """Raise an `ImageError` if a file of `size` bytes is above `MAX_FILE_BYTES`."""
    if size > MAX_FILE_BYTES:
        shown, limit = beyond(size, MAX_FILE_BYTES)
        raise ImageError("image_file_too_large", name=name, megabytes=shown, limit=limit)


def check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    """Raise an `ImageError` if a picture (width, height) is empty or above `max_pixels`."""
    pixels = size[0] * size[1]
    if pixels <= 0:
        raise ImageError("image_empty", name=name)
    if pixels > max_pixels:
        raise _too_large(pixels, max_pixels, name)


def _too_large(pixels: int, max_pixels: int, name: str) -> ImageError:
    # Rounded up, so that just over the limit never reads as equal to it.
    return ImageError(
        "image_too_large",
        name=name,
        megapixels=math.ceil(pixels / 1e6),
        limit=f"{max_pixels / 1e6:g}",
    )


@contextmanager
def decoder_errors(name: str) -> Iterator[None]:
    """Turn what a decoder raises into an `ImageError`."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow tells the size only in its sentence.
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise _too_large(int(pixels[1]) if pixels else 2 * MAX_PIXELS, MAX_PIXELS, name) from error
    except MemoryError as error:
        raise ImageError("image_out_of_memory", name=name) from error
    except DECODER_ERRORS as error:
        raise DamagedImageError("image_damaged", name=name) from error
