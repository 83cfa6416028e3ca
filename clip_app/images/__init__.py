"""Untrusted bytes or a file become an upright RGB picture, within limits, or an `ImageError`.

Colour profiles are ignored, as they were for the photographs CLIP models were trained on: a
wide-gamut photo looks slightly paler than in a browser, and no profile parser meets untrusted data.
"""

from clip_app.images.dates import date_taken
from clip_app.images.hashes import content_hash, difference_hash
from clip_app.images.heads import HEAD_BYTES, browsers_show, is_image_head
from clip_app.images.limits import (
    FORMATS,
    MAX_FILE_BYTES,
    MAX_PIXELS,
    SUPPORTED_SUFFIXES,
    check_largest_file,
    shown_name,
    suffixes_of,
)
from clip_app.images.load import load_image, upright_size
from clip_app.images.opening import check_regular, not_opened, opened
from clip_app.images.thumbnails import thumbnail
from clip_app.images.upright import normalise

__all__ = [
    "FORMATS",
    "HEAD_BYTES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "SUPPORTED_SUFFIXES",
    "browsers_show",
    "check_largest_file",
    "check_regular",
    "content_hash",
    "date_taken",
    "difference_hash",
    "is_image_head",
    "load_image",
    "normalise",
    "not_opened",
    "opened",
    "shown_name",
    "suffixes_of",
    "thumbnail",
    "upright_size",
]
