"""Untrusted bytes or a file become an upright RGB picture, within limits, or an `ImageError`.

Colour profiles are ignored, as they were for the photographs CLIP models were trained on: a
wide-gamut photo looks slightly paler than in a browser, and no profile parser meets untrusted data.
"""

import hashlib
import io
import logging
import math
import os
import re
import stat
import struct
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageFile

from clip_app.dates import date_in
from clip_app.errors import ImageError
from clip_app.salvage import cut_jpeg, png_picture, webp_picture

log = logging.getLogger(__name__)

# Formats people have photographs in. Left out on purpose: EPS (starts Ghostscript), PSD, ICO and
# the decoders for rare formats, which nobody needs here and which see little testing.
# MPO (two-lens JPEG) is opened by the JPEG decoder.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM")

# Decoding this many took 0.9 GB as TIFF and 1.9 GB as WebP, whose decoder keeps copies of its own.
# It counts what is decoded, so a 200-megapixel phone JPEG passes when it is drafted down.
MAX_PIXELS = 120_000_000

# WebP, AVIF and HEIF files are read into memory whole. Uncompressed 16-bit RGB of MAX_PIXELS fits.
MAX_FILE_BYTES = 1 << 30

_LARGEST_16_BIT = 65535

_UNNAMED = "image"
_SHOWN_NAME_LENGTH = 80

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# What the files of `FORMATS` begin with; WebP, HEIF, AVIF, BMP and PPM say it further on.
_SIGNATURES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    *_TIFF,
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

# Parts of a cut file that have to be there. Cameras and downloads lose the last bytes, not more.
_WHOLE_ENOUGH = 0.95
_CUT = 1 - _WHOLE_ENOUGH
_BLOCK_ROWS = 16
# Random bytes for the missing part of a file, without 0xFF, which begins a marker in JPEG.
_NOISE = np.random.default_rng(0).integers(0, 255, 1 << 18, np.uint8).tobytes()

# Animations may fade in from one colour for seconds; and their frames are small.
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_MOST_FRAMES = 64
# Standard deviations of the brightest channel, of 0..255: codecs turn one colour into less than 1,
# and a sky at night with a few stars has 9.
_BLANK = 4.0
_PLAINLY_A_PICTURE = 32.0
_MORE_CONTRAST = 1.5

# Pages of a TIFF file that are looked at; pyramids and scans with thumbnails have a dozen.
_MOST_PAGES = 100
_TRANSPARENCY_MASK = 4  # a bit of NewSubfileType (TIFF 6.0, page 36)

# How Pillow names 16-bit samples of which it keeps the upper byte, and what then yields the lower.
_NATIVE_LOW = "16B" if sys.byteorder == "little" else "16L"
_LOW_BYTES = {
    **{f"{mode};16B": f"{mode};16L" for mode in ("RGB", "RGBA", "RGBX")},
    **{f"{mode};16L": f"{mode};16B" for mode in ("RGB", "RGBA", "RGBX")},
    **{f"{mode};16N": f"{mode};{_NATIVE_LOW}" for mode in ("RGB", "RGBA", "RGBX")},
    "LA;16B": "RGBA",  # all four bytes of grey and alpha
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
    """Decode `source` into an upright RGB picture.

    Of an animation, its first frame that shows something; of a TIFF file, its largest page; else
    the picture that the file calls the primary one. A file that was cut is read if 95 % of its
    picture are there.

    Args:
        source: the bytes of an image file, or the path of one.
        name: what to call the image in an error; by default the base name of the path.
        target_side: a JPEG whose shorter side is at least twice this is decoded at a half, a
            quarter or an eighth of its size, never smaller than this. A 12-megapixel photo then
            takes 20 ms instead of 73.
        max_pixels: the most pixels that are decoded.

    Raises:
        ImageError: if there is no readable image of a permitted size.
    """
    shown = shown_name(source, name)
    how = _How(shown, target_side, max_pixels)
    with _opened(source, shown) as file:
        try:
            return _picture(file, how)
        except ImageError as error:
            if error.key != "image_damaged":
                raise
            saved = _salvaged(file, how)
            if saved is None:
                raise
    log.info("%s is not as its format asks; what is there is shown", shown)
    return saved


@dataclass(frozen=True)
class _How:
    """What `load_image` was asked for."""

    name: str
    target_side: int | None
    max_pixels: int


def _picture(file: BinaryIO, how: _How) -> Image.Image:
    with _chosen(file, how) as image:
        upright = normalise(
            _of_all_bits(image, file, how), name=how.name, max_pixels=how.max_pixels
        )
        # Whether a GIF is animated, Pillow learns only by reading all of it.
        if image.format == "GIF" or (
            image.format in _ANIMATED and getattr(image, "is_animated", False)
        ):
            return _past_blank_frames(image, upright, how)
        return upright


def _chosen(file: BinaryIO, how: _How) -> ImageFile.ImageFile:
    """The picture of the file that is wanted, at the scale that is wanted, not decoded yet."""
    file.seek(0)
    image = _identified(file, how.name)
    # Only JPEG: HEIF would answer with an embedded thumbnail, which may be another picture.
    if how.target_side and image.format in ("JPEG", "MPO"):
        image.draft(None, (how.target_side, how.target_side))
    elif image.format == "TIFF" and getattr(image, "is_animated", False):
        with _decoder_errors(how.name):
            image.seek(_largest_page(image, how.max_pixels))
    elif image.format == "PPM" and image.tile[0][3] == ("RGB", _LARGEST_16_BIT):
        # Pillow would scale each sample in Python, and to 8 bits.
        image.tile = [image.tile[0]._replace(codec_name="raw", args=("RGB;16B", 0, 1))]
    return image


def _largest_page(image: Image.Image, max_pixels: int) -> int:
    """The number of the TIFF page with most pixels that is no mask and within the limit; or 0."""
    largest, most = 0, 0
    for page in range(_MOST_PAGES):
        try:
            image.seek(page)
        except EOFError:
            break
        except _DECODER_ERRORS:  # a page of a kind that Pillow cannot read
            continue
        kind = getattr(image, "tag_v2", {}).get(ExifTags.Base.NewSubfileType, 0)
        if isinstance(kind, int) and kind & _TRANSPARENCY_MASK:
            continue
        if most < (pixels := image.width * image.height) <= max_pixels:
            largest, most = page, pixels
    return largest


def _past_blank_frames(image: Image.Image, first: Image.Image, how: _How) -> Image.Image:
    """The first frame, or where it is of one colour, the first later one that shows something."""
    chosen, best = first, _contrast(first)
    left = MAX_PIXELS
    for frame in range(1, _MOST_FRAMES):
        if best >= (_BLANK if frame == 1 else _PLAINLY_A_PICTURE) or left <= 0:
            break
        try:
            with _decoder_errors(how.name):  # after the last frame, too
                image.seek(frame)
            shown = normalise(image, name=how.name, max_pixels=how.max_pixels)
        except ImageError:
            break
        left -= shown.width * shown.height
        contrast = _contrast(shown)
        # While it fades in, each frame has a little more: a frame is taken that has plainly more.
        if contrast > max(_BLANK, _MORE_CONTRAST * best):
            chosen, best = shown, contrast
    return chosen


def _contrast(image: Image.Image) -> float:
    small = image.resize((32, 32), Image.Resampling.BOX, reducing_gap=2.0)
    return float(np.asarray(small, np.float32).std(axis=(0, 1)).max())


def _of_all_bits(image: Any, file: BinaryIO, how: _How) -> Image.Image:
    """The image, or one of 8 bits made from all 16 where they hold 14 or fewer.

    Pillow keeps the upper byte of 16-bit colours, which is next to nothing of 10 or 12 bits.
    """
    wide = _raw_mode(image)
    if wide not in _LOW_BYTES or (image.format == "PNG" and getattr(image, "is_animated", False)):
        return image
    _check_size(image.size, how.max_pixels, how.name)
    with _decoder_errors(how.name):
        image.info.pop("xmp", None)
        image.load()
        extrema: Any = image.getextrema()  # a pair for each channel
        if min(high for _, high in extrema) >= 1 << 6:
            return image
        with _chosen(file, how) as again:
            again.info.pop("xmp", None)
            again.tile = [_with_raw_mode(tile, _LOW_BYTES[wide]) for tile in again.tile]
            low = np.asarray(again)
    high = np.asarray(image)
    if wide == "LA;16B":
        grey, alpha = (low[..., at].astype(np.uint16) << 8 | low[..., at + 1] for at in (0, 2))
        samples = np.stack([grey, grey, grey, alpha], axis=-1)
    else:
        samples = high.astype(np.uint16) << 8 | low
    narrow = np.empty(samples.shape, np.uint8)
    for part in (np.s_[..., :3], np.s_[..., 3:]):  # colours, and alpha where there is one
        narrow[part] = samples[part] >> (_used_bits(samples[part]) - 8)
    made = Image.fromarray(narrow)
    if "exif" in image.info:
        made.info["exif"] = image.info["exif"]
    return made


def _raw_mode(image: Image.Image) -> str:
    """How the samples lie in the file, in Pillow's words; empty if its parts differ."""
    modes = {_arguments(tile)[0] for tile in getattr(image, "tile", ()) if tile[3]}
    return str(modes.pop()) if len(modes) == 1 else ""


def _with_raw_mode(tile: Any, raw_mode: str) -> Any:
    args = _arguments(tile)
    return tile._replace(args=raw_mode if isinstance(tile[3], str) else (raw_mode, *args[1:]))


def _arguments(tile: Any) -> tuple[Any, ...]:
    return (tile[3],) if isinstance(tile[3], str) else tuple(tile[3])


def _salvaged(file: BinaryIO, how: _How) -> Image.Image | None:
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
                return _picture(file, how)
        found = _decoded(((file, one) for one in (0, 255)), how)
        enough = len(found) == 2 and _missing(*found, onwards=False) <= _CUT
    return normalise(found[0], name=how.name, max_pixels=how.max_pixels) if enough else None


def _decoded(sources: Iterable[tuple[BinaryIO, int | None]], how: _How) -> list[Image.Image]:
    """The first two pictures that can be decoded, each over a ground of the given value."""
    found: list[Image.Image] = []
    for file, ground in sources:
        with suppress(ImageError), _decoder_errors(how.name):
            image = _chosen(file, how)
            _check_size(image.size, how.max_pixels, how.name)
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
    with suppress(*_DECODER_ERRORS):
        image.load()
    image.tile = []  # nothing more to come
    if image.format == "TIFF":
        with suppress(*_DECODER_ERRORS):
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


def normalise(
    image: Image.Image, *, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """A new upright RGB picture without metadata, from a Pillow image of any mode.

    Transparency is laid over white. Of 16-bit grey, the upper 8 of the bits that are used are kept
    (`_used_bits`); 32-bit integers and floats, whose range is unknown, are stretched from their
    minimum and maximum to black and white.

    Raises:
        ImageError: if the image is empty or too large, or its file is damaged.
    """
    shown = shown_name(name=name)
    _check_size(image.size, max_pixels, shown)
    with _decoder_errors(shown):
        scaled = _is_scaled(image)
        if image.format == "TIFF":
            image.info.pop("xmp", None)  # Pillow would turn the picture by it while it loads
        image.load()
        upright = _rgb(image, scaled)
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
    """When a photograph was taken, by its metadata, in Unix seconds; None if it does not say.

    EXIF mostly has local time without a zone; it is read as the time of this machine.
    """
    try:
        image = _header(data)
        if image is None:
            return None
        with image:
            return date_in(image.getexif(), image.info.get("xmp"))
    except (*_DECODER_ERRORS, Image.DecompressionBombError, MemoryError):
        return None


def _header(data: bytes) -> Image.Image | None:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (ValueError, SyntaxError):  # too much text before the picture, say
        if not data.startswith(b"\x89PNG"):
            return None
        return Image.open(io.BytesIO(png_picture(data)), formats=FORMATS)


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


def _identified(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """The image with its header read and no pixel decoded."""
    with _decoder_errors(name):
        head = file.read(1024)
        try:
            return Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError:
            if not head.startswith(_TIFF):
                raise
            # Of a pyramid, a later page may be within the limit; each is checked by its own size.
            file.seek(0)
            return Image.OPEN["TIFF"][0](file, "")
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
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        box = head[8 : max(16, int.from_bytes(head[:4], "big"))]
        # The four bytes after the major brand are its version; then follow compatible brands.
        return any(box[at : at + 4] in _HEIF_BRANDS for at in range(0, len(box), 4) if at != 4)
    if head.startswith(b"BM"):
        return int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    return _PPM_HEAD.match(head) is not None


def browsers_show(head: bytes) -> bool:
    """Whether every browser shows a file that begins with `head` (64 bytes), as this app does.

    By what it is, whatever its name says. 16-bit PNG is not among them: browsers show it, but one
    of 12 bits as black.
    """
    if head.startswith(b"\x89PNG"):
        return head[24:25] != b"\x10"
    if head[4:8] == b"ftyp":
        return is_image_head(head) and (b"avif" in head[8:] or b"avis" in head[8:])
    return is_image_head(head) and head.startswith((b"\xff\xd8", b"GIF8", b"RIFF", b"BM"))


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
    """The EXIF orientation; 1 if there is none or the EXIF block is broken, as browsers do.

    Pillow would look into XMP too, which no browser does, and has turned a TIFF file already.
    """
    block = image.info.get("exif")
    if image.format == "TIFF" or not isinstance(block, bytes):
        return 1
    exif = Image.Exif()
    try:
        exif.load(block)
        orientation = exif.get(ExifTags.Base.Orientation, 1)
    except _DECODER_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _is_scaled(image: Image.Image) -> bool:
    """Whether 16-bit samples of a file that is not decoded yet will fill their 16 bits.

    Pillow stretches what JPEG 2000 has, and PGM whose header says a maximum of its own.
    """
    codecs = [(tile[0], tile[3]) for tile in getattr(image, "tile", ())]
    return image.format == "JPEG2000" or any(
        codec.startswith("ppm") and args[-1] != _LARGEST_16_BIT for codec, args in codecs
    )


def _rgb(image: Image.Image, scaled: bool) -> Image.Image:
    """A new RGB image from any mode."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey_8_bit(image, scaled).convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")  # Pillow would drop the alpha on the way to RGBA
    if image.has_transparency_data and image.mode not in ("CMYK", "YCbCr", "LAB", "HSV"):
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layer, mask=layer)
        return white
    return image.convert("RGB")


def _grey_8_bit(image: Image.Image, scaled: bool) -> Image.Image:
    """An 8-bit grey image from 16-bit, 32-bit or float samples."""
    values = np.asarray(image)
    # Pillow gives a 16-bit PGM as 32-bit integers of 0..65535.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        transparent = image.info.get("transparency")
        clear = values == transparent if isinstance(transparent, int) else None
        bits = 16 if scaled else _used_bits(values if clear is None else values[~clear])
        grey = (values >> (bits - 8)).astype(np.uint8)
        if clear is not None:
            grey[clear] = 255
    else:
        grey = _stretched(values)
    return Image.fromarray(grey)


def _used_bits(values: np.ndarray) -> int:
    """How many bits of 16-bit samples are used: 8, 10, 12, 14 or 16.

    Cameras, scanners and microscopes of 10 to 14 bits store their numbers as they are, and no
    header says so. The fewest bits that hold the brightest sample are taken: a picture is rarely
    darker than a quarter of its range, and one that truly is becomes up to four times brighter
    (or more, if it has no sample above 1/16), which shows its motif better than black would.
    """
    largest = int(values.max(initial=0))
    return next(bits for bits in (8, 10, 12, 14, 16) if largest < 1 << bits)


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
