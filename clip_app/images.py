"""Untrusted bytes or a file become an upright RGB picture, within limits, or an `ImageError`.

Colour profiles are ignored, as they were for the photographs CLIP models were trained on: a
wide-gamut photo looks slightly paler than in a browser, and no profile parser meets untrusted data.
"""

import hashlib
import io
import math
import os
import re
import stat
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

from clip_app.errors import ImageError

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

# What the files of `FORMATS` begin with; WebP, HEIF, AVIF, BMP and PPM say it further on.
_SIGNATURES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",  # TIFF, and the next three
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"\0\0\0\x0cjP  \r\n\x87\n",  # JPEG 2000, in a box and bare
    b"\xff\x4f\xff\x51",
)
# Brands of ISO/IEC 23008-12 (HEIF), annex B, and of AV1 Image File Format.
_HEIF_BRANDS = frozenset(
    (
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
        *(b"mif1", b"mif2", b"msf1", b"avif", b"avis"),
    )
)
_BMP_HEADER_SIZES = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
_PPM_HEAD = re.compile(rb"P[1-6fy]\s+(#[^\n]*\s+)*[0-9#]")

# What the decoders raise for bytes they cannot use, collected by mutating files of every format.
_DECODER_ERRORS = (
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

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

pillow_heif.register_heif_opener()
Image.init()

# Pillow refuses twice this many pixels while it opens a file, which also guards other users of
# Pillow in this process. Below that `_check_size` decides, so Pillow's warning says nothing new.
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


def load_image(
    source: bytes | os.PathLike[str] | str,
    *,
    name: str | None = None,
    target_side: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """Decode `source` into an upright RGB picture; of an animation, its first frame.

    Args:
        source: the bytes of an image file, or the path of one.
        name: what to call the image in an error; by default the base name of the path.
        target_side: a JPEG whose shorter side is at least twice this is decoded at a half, a
            quarter or an eighth of its size, never smaller than this. A 12-megapixel photo then
            takes 20 ms instead of 73.
        max_pixels: the most pixels that are decoded.

    Raises:
        ImageError: if there is no readable, complete image of a permitted size.
    """
    shown = shown_name(source, name)
    with _opened(source, shown) as file, _identified(file, shown) as image:
        # Only JPEG: HEIF would answer with an embedded thumbnail, which may be another picture.
        if target_side and image.format in ("JPEG", "MPO"):
            image.draft(None, (target_side, target_side))
        return normalise(image, name=shown, max_pixels=max_pixels)


def normalise(
    image: Image.Image, *, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """A new upright RGB picture without metadata, from a Pillow image of any mode.

    Transparency is laid over white. 16-bit grey keeps its upper 8 bits; 32-bit integers and floats,
    whose range is unknown, are stretched from their minimum and maximum to black and white.

    Raises:
        ImageError: if the image is empty or too large, or its file is damaged.
    """
    shown = shown_name(name=name)
    _check_size(image.size, max_pixels, shown)
    with _decoder_errors(shown):
        image.load()
        upright = _rgb(image)
        transpose = _UPRIGHT.get(_orientation(image))
        if transpose is not None:
            upright = upright.transpose(transpose)
    # A second call must not turn the picture again.
    upright.info.clear()
    return upright


def thumbnail(image: Image.Image, side: int) -> Image.Image:
    """A copy of `image` whose longer side is at most `side`; never enlarged."""
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def difference_hash(image: Image.Image) -> int:
    """64 bits that differ in few places between copies of a picture saved or scaled differently.

    Each bit says whether a pixel is brighter than its right neighbour in a 9 x 8 grey version
    (dHash, Krawetz 2013, "Kind of Like That").
    """
    small = image.convert("L").resize((9, 8), Image.Resampling.BOX, reducing_gap=2.0)
    grey = np.asarray(small, np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] > grey[:, 1:]).tobytes(), "big")


def date_taken(data: bytes) -> int | None:
    """When a photograph was taken, by its EXIF block, in Unix seconds; None if it does not say.

    EXIF has local time without a zone; it is read as the time of this machine.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            exif = image.getexif()
            moment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
            moment = moment or exif.get(ExifTags.Base.DateTime)
        return int(datetime.strptime(moment, "%Y:%m:%d %H:%M:%S").timestamp()) if moment else None
    except (*_DECODER_ERRORS, Image.DecompressionBombError, MemoryError):
        return None


def content_hash(image: Image.Image) -> str:
    """A key that two images share only if their mode, size and pixels are equal."""
    header = f"{image.mode} {image.width} {image.height} ".encode()
    digest = hashlib.blake2b(header, digest_size=16)
    digest.update(image.tobytes())
    return digest.hexdigest()


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


@contextmanager
def _opened(source: bytes | os.PathLike[str] | str, name: str) -> Iterator[BinaryIO]:
    """The source as a file. A folder, pipe or device is refused before it could block."""
    if isinstance(source, bytes):
        _check_file_size(len(source), name)
        yield io.BytesIO(source)
        return
    try:
        status = os.stat(source)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("image_is_folder", name=name)
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("image_unreadable", name=name)
        _check_file_size(status.st_size, name)
        file = open(source, "rb")  # noqa: SIM115  # closed below; only opening may fail here
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError("image_not_found", name=name) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ImageError("image_cannot_be_opened", name=name) from error
    with file:
        yield file


def _check_file_size(size: int, name: str) -> None:
    if size == 0:
        raise ImageError("image_empty", name=name)
    if size > MAX_FILE_BYTES:
        raise ImageError(
            "image_file_too_large",
            name=name,
            megabytes=math.ceil(size / 2**20),
            limit=MAX_FILE_BYTES // 2**20,
        )


def _identified(file: BinaryIO, name: str) -> Image.Image:
    """The image with its header read and no pixel decoded."""
    with _decoder_errors(name):
        head = file.read(1024)
        try:
            return Image.open(file, formats=FORMATS)
        except Image.UnidentifiedImageError as error:
            if _looks_like_svg(head):
                raise ImageError("image_svg", name=name) from error
            if not _has_known_signature(head):
                raise ImageError("image_unreadable", name=name) from error
            raise


def _looks_like_svg(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start


def is_image_head(head: bytes) -> bool:
    """Whether a file that begins with `head` is of one of `FORMATS`; 64 bytes are enough.

    Stricter than Pillow, which takes every file that begins with "BM" for a bitmap at first.
    """
    if head.startswith(_SIGNATURES):
        return not head.startswith(
            b"CR", 8
        )  # a Canon raw file is a TIFF that no decoder here knows
    if head[:4] in (b"RIFF", b"RIFX"):
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        box = head[8 : max(16, int.from_bytes(head[:4], "big"))]
        # The four bytes after the major brand are its version; then follow compatible brands.
        return any(box[at : at + 4] in _HEIF_BRANDS for at in range(0, len(box), 4) if at != 4)
    if head.startswith(b"BM"):
        return int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    return _PPM_HEAD.match(head) is not None


def _has_known_signature(head: bytes) -> bool:
    """Whether a permitted decoder claims these bytes: the file is damaged, not foreign."""
    return any(
        accept is not None and accept(head[:16]) is True
        for accept in (Image.OPEN[format_name][1] for format_name in FORMATS)
    )


@contextmanager
def _decoder_errors(name: str) -> Iterator[None]:
    """Turn what a decoder raises into an `ImageError`."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow tells the size only in its sentence.
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise _too_large(int(pixels[1]) if pixels else 2 * MAX_PIXELS, MAX_PIXELS, name) from error
    except MemoryError as error:
        raise ImageError("image_out_of_memory", name=name) from error
    except _DECODER_ERRORS as error:
        raise ImageError("image_damaged", name=name) from error


def _check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
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


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 if there is none or the EXIF block is broken, as browsers do."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _DECODER_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    """A new RGB image from any mode."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey_8_bit(image).convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")  # Pillow would drop the alpha on the way to RGBA
    if image.has_transparency_data and image.mode not in ("CMYK", "YCbCr", "LAB", "HSV"):
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layer, mask=layer)
        return white
    return image.convert("RGB")


def _grey_8_bit(image: Image.Image) -> Image.Image:
    """An 8-bit grey image from 16-bit, 32-bit or float samples."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        grey = (values >> 8).astype(np.uint8)
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            grey[values == transparent] = 255
    elif image.mode == "I" and image.format == "PPM":  # Pillow scales a 16-bit PGM to 0..65535
        grey = (values >> 8).astype(np.uint8)
    else:
        grey = _stretched(values)
    return Image.fromarray(grey)


def _stretched(values: np.ndarray) -> np.ndarray:
    """`values` mapped from minimum..maximum to 0..255; no contrast at all is black."""
    known = values[np.isfinite(values)]
    stretched = np.zeros(values.shape, np.uint8)
    if known.size and (low := float(known.min())) < (high := float(known.max())):
        # Row by row, so that double precision does not cost eight bytes a pixel.
        for row, target in zip(values, stretched, strict=True):
            numbers = np.nan_to_num(row.astype(np.float64), nan=low, posinf=high, neginf=low)
            target[:] = np.rint(np.interp(numbers, (low, high), (0, 255)))
    return stretched
