"""A heat map drawn over its photograph, with what it shows written below."""

import functools
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFont, PngImagePlugin

from clip_app.console import printable
from clip_app.errors import InputError
from clip_app.tasks.heatmap import Heatmap

#: The heat of the page, `--heat` of its style sheet.
_HEAT = (228, 87, 12)
_STRONGEST = 0.7
# What is not hot is as dark as this, or an orange thing would look hot.
_DIMMED = 0.64

# No longer side is drawn larger: a map has 14 cells a side.
_SIDE = 1024

# By the ending of the file that is to be written.
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

# Pillow's own font has no Chinese; these are where systems keep one that has. Looked for by name.
_FONTS = (
    *("NotoSansCJK-Regular.ttc", "NotoSerifCJK-Regular.ttc", "wqy-zenhei.ttc", "msyh.ttc"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "simsun.ttc"),
)


def heatmap_picture(picture: Image.Image, heat: Heatmap, legend: str) -> Image.Image:
    """The photograph with what speaks for the text in orange, and `legend` below it.

    Args:
        picture: of any size and mode; drawn no larger than 1,024 pixels.
        heat: its map; nothing is drawn of one that is not clear.
        legend: one line, which is kept in the file as its description too.
    """
    drawn = picture.convert("RGB")
    drawn.thumbnail((_SIDE, _SIDE))
    if heat.clear:
        drawn = drawn.point(lambda value: _DIMMED * value)
        strength = np.clip(heat.values, 0, 1) * 255 * _STRONGEST
        left, top, right, bottom = (
            round(share * side) for share, side in zip(heat.box, 2 * drawn.size, strict=True)
        )
        cells = Image.fromarray(strength.astype(np.uint8))
        mask = Image.new("L", drawn.size)
        mask.paste(
            cells.resize((right - left, bottom - top), Image.Resampling.BICUBIC), (left, top)
        )
        drawn.paste(Image.new("RGB", drawn.size, _HEAT), mask=mask)
    size = max(12, drawn.width // 32)
    whole = Image.new("RGB", (drawn.width, drawn.height + 2 * size), "white")
    whole.paste(drawn)
    place = (size // 2, drawn.height + size)
    ImageDraw.Draw(whole).text(place, legend, "black", _font(legend, size), anchor="lm")
    return whole


def check_is_picture(path: Path) -> None:
    """See that a file's name ends as one of the formats that `write_picture` writes.

    Raises:
        InputError: if it does not.
    """
    if path.suffix.lower() not in _FORMATS:
        name = printable(str(path))
        raise InputError("heat_file_format", path=name, endings=", ".join(_FORMATS))


def write_picture(made: Image.Image, legend: str, file: BinaryIO, path: Path) -> None:
    """Write a map in the format that the name `path` says, with `legend` as its description.

    Raises:
        OSError: if it cannot be written.
    """
    kind = _FORMATS[path.suffix.lower()]
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("Description", legend)
        made.save(file, kind, pnginfo=info)
        return
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = legend.encode()  # as text, all but ASCII would be lost
    made.save(file, kind, quality=92, exif=exif)


@functools.lru_cache(4)
def _named(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(name, size)


def _font(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in () if text.isascii() else _FONTS:
        try:
            return _named(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
