"""The picture of a file that is as its format asks."""

from typing import BinaryIO

from PIL import Image

from clip_app.images.depths import of_all_bits
from clip_app.images.frames import past_blank_frames
from clip_app.images.limits import How
from clip_app.images.opening import chosen
from clip_app.images.upright import normalise

# Formats of animations, which may begin with a blank frame.
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")


def whole_picture(file: BinaryIO, how: How) -> Image.Image:
    """The picture of an open file, upright and RGB.

    Raises:
        ImageError: if there is no readable image of a permitted size, or it is damaged.
    """
    with chosen(file, how) as image:
        upright = normalise(of_all_bits(image, file, how), name=how.name, max_pixels=how.max_pixels)
        # Whether a GIF is animated, Pillow learns only by reading all of it.
        if image.format == "GIF" or (
            image.format in _ANIMATED and getattr(image, "is_animated", False)
        ):
            return past_blank_frames(image, upright, how)
        return upright
