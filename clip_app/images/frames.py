"""Which page of a TIFF file and which frame of an animation stands for the whole."""

import numpy as np
from PIL import ExifTags, Image

from clip_app.errors import ImageError
from clip_app.images.limits import DECODER_ERRORS, MAX_PIXELS, How, decoder_errors
from clip_app.images.upright import normalise

# Animations may fade in from one colour for seconds; and their frames are small.
_MOST_FRAMES = 64
# Standard deviations of the brightest channel, of 0..255: codecs turn one colour into less than 1,
# and a sky at night with a few stars has 9.
_BLANK = 4.0
_PLAINLY_A_PICTURE = 32.0
_MORE_CONTRAST = 1.5

# Pages of a TIFF file that are looked at; pyramids and scans with thumbnails have a dozen.
_MOST_PAGES = 100
_TRANSPARENCY_MASK = 4  # a bit of NewSubfileType (TIFF 6.0, page 36)


def largest_page(image: Image.Image, max_pixels: int) -> int:
    """The number of the TIFF page with most pixels that is no mask and within the limit; or 0."""
    largest, most = 0, 0
    for page in range(_MOST_PAGES):
        try:
            image.seek(page)
        except EOFError:
            break
        except DECODER_ERRORS:  # a page of a kind that Pillow cannot read
            continue
        kind = getattr(image, "tag_v2", {}).get(ExifTags.Base.NewSubfileType, 0)
        if isinstance(kind, int) and kind & _TRANSPARENCY_MASK:
            continue
        if most < (pixels := image.width * image.height) <= max_pixels:
            largest, most = page, pixels
    return largest


def past_blank_frames(image: Image.Image, first: Image.Image, how: How) -> Image.Image:
    """The first frame, or where it is of one colour, the first later one that shows something."""
    chosen, best = first, _contrast(first)
    left = MAX_PIXELS
    for frame in range(1, _MOST_FRAMES):
        if best >= (_BLANK if frame == 1 else _PLAINLY_A_PICTURE) or left <= 0:
            break
        try:
            with decoder_errors(how.name):  # after the last frame, too
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
