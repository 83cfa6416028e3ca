"""Pictures of any mode become RGB of 8 bits: transparency, palettes, wide grey and floats."""

import numpy as np
from PIL import Image

LARGEST_16_BIT = 65535


def is_scaled(image: Image.Image) -> bool:
    """Whether 16-bit samples of a file that is not decoded yet will fill their 16 bits.

    Pillow stretches what JPEG 2000 has, and PGM whose header says a maximum of its own.
    """
    codecs = [(tile[0], tile[3]) for tile in getattr(image, "tile", ())]
    return image.format == "JPEG2000" or any(
        codec.startswith("ppm") and args[-1] != LARGEST_16_BIT for codec, args in codecs
    )


def rgb(image: Image.Image, scaled: bool) -> Image.Image:
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
        bits = 16 if scaled else used_bits(values if clear is None else values[~clear])
        grey = (values >> (bits - 8)).astype(np.uint8)
        if clear is not None:
            grey[clear] = 255
    else:
        grey = _stretched(values)
    return Image.fromarray(grey)


def used_bits(values: np.ndarray) -> int:
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
