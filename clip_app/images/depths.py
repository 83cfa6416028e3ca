"""The lower bytes of 16-bit colours, which Pillow leaves out."""

import sys
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from clip_app.images.limits import How, check_size, decoder_errors
from clip_app.images.modes import used_bits
from clip_app.images.opening import chosen

# How Pillow names 16-bit samples of which it keeps the upper byte, and what then yields the lower.
_NATIVE_LOW = "16B" if sys.byteorder == "little" else "16L"
_LOW_BYTES = {
    **{f"{mode};16B": f"{mode};16L" for mode in ("RGB", "RGBA", "RGBX")},
    **{f"{mode};16L": f"{mode};16B" for mode in ("RGB", "RGBA", "RGBX")},
    **{f"{mode};16N": f"{mode};{_NATIVE_LOW}" for mode in ("RGB", "RGBA", "RGBX")},
    "LA;16B": "RGBA",  # all four bytes of grey and alpha
}


def of_all_bits(image: Any, file: BinaryIO, how: How) -> Image.Image:
    """The image, or one of 8 bits made from all 16 where they hold 14 or fewer.

    Pillow keeps the upper byte of 16-bit colours, which is next to nothing of 10 or 12 bits.
    """
    wide = _raw_mode(image)
    if wide not in _LOW_BYTES or (image.format == "PNG" and getattr(image, "is_animated", False)):
        return image
    check_size(image.size, how.max_pixels, how.name)
    with decoder_errors(how.name):
        image.info.pop("xmp", None)
        image.load()
        extrema: Any = image.getextrema()  # a pair for each channel
        if min(high for _, high in extrema) >= 1 << 6:
            return image
        with chosen(file, how) as again:
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
        narrow[part] = samples[part] >> (used_bits(samples[part]) - 8)
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
