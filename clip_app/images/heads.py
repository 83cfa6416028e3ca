"""What a file is, by its first bytes and whatever its name says."""

import re

from PIL import Image

from clip_app.images.limits import FORMATS

#: As much of a file as tells what it is.
HEAD_BYTES = 64

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# What the files of `FORMATS` begin with; WebP, HEIF, AVIF, BMP and PPM say it further on.
_SIGNATURES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    *TIFF,
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
# What people take for a photograph that can be read, and no decoder here knows.
_FOREIGN = (
    ((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"), "JPEG XL"),
    ((b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb"), "RAW"),
    ((b"\x1aE\xdf\xa3",), "Matroska"),
)
_BMP_HEADER_SIZES = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
_PPM_HEAD = re.compile(rb"P[1-6fy]\s+(#[^\n]*\s+)*[0-9#]")


def is_image_head(head: bytes) -> bool:
    """Whether a file that begins with `head`, `HEAD_BYTES` of it, is of one of `FORMATS`.

    Stricter than Pillow, which takes every file that begins with "BM" for a bitmap at first.
    """
    if head.startswith(_SIGNATURES):
        return not head.startswith(b"CR", 8)  # Canon's raw files are TIFFs that no decoder knows
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
    """Whether every browser shows a file that begins with `head` as this app does.

    By what it is, whatever its name says. 16-bit PNG is not among them: browsers show it, but one
    of 12 bits as black.
    """
    if head.startswith(b"\x89PNG"):
        return head[24:25] != b"\x10"
    if head[4:8] == b"ftyp":
        return is_image_head(head) and (b"avif" in head[8:] or b"avis" in head[8:])
    return is_image_head(head) and head.startswith((b"\xff\xd8", b"GIF8", b"RIFF", b"BM"))


def looks_like_svg(head: bytes) -> bool:
    """Whether a text that begins with `head` is an SVG drawing, which no decoder here knows."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start


def foreign_format(head: bytes) -> str | None:
    """The name of a format of pictures or videos that is not read here; None of all else.

    Of what `has_known_signature` does not know; 64 bytes are enough.
    """
    if head[4:8] == b"ftyp":
        return {b"crx ": "RAW", b"qt  ": "MOV"}.get(head[8:12], "MP4")
    return next((name for begins, name in _FOREIGN if head.startswith(begins)), None)


def has_known_signature(head: bytes) -> bool:
    """Whether a permitted decoder claims these bytes: the file is damaged, not foreign."""
    return any(
        accept is not None and accept(head[:16]) is True
        for accept in (Image.OPEN[format_name][1] for format_name in FORMATS)
    )
