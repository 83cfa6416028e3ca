"""Bytes or a file become a picture, or an `ImageError`: the way in for all of the app."""

import logging
import os

from PIL import Image

from clip_app.errors import DamagedImageError
from clip_app.images.damaged import salvaged
from clip_app.images.limits import MAX_PIXELS, How, shown_name
from clip_app.images.opening import chosen, opened
from clip_app.images.upright import SIDEWAYS, orientation
from clip_app.images.whole import whole_picture

log = logging.getLogger(__name__)


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
    how = How(shown, target_side, max_pixels)
    with opened(source, shown) as file:
        try:
            return whole_picture(file, how)
        except DamagedImageError:
            saved = salvaged(file, how)
            if saved is None:
                raise
    log.info("%s is not as its format asks; what is there is shown", shown)
    return saved


def upright_size(data: bytes) -> tuple[int, int]:
    """(width, height) of the picture that `load_image` makes of a file, with no pixel decoded.

    Raises:
        ImageError: if its header cannot be read.
    """
    how = How(shown_name(data), None, MAX_PIXELS)
    with opened(data, how.name) as file:
        image = chosen(file, how)
        width, height = image.size
        turned = orientation(image) in SIDEWAYS
    return (height, width) if turned else (width, height)
