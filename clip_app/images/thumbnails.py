"""Smaller copies of a picture."""

from PIL import Image


def thumbnail(image: Image.Image, side: int) -> Image.Image:
    """A copy of `image` whose longer side is at most `side`; never enlarged."""
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
