"""Pictures whose colours, shapes and numbers are known because they are drawn here.

Photographs seldom come with such labels, and the ImageNet classifier learnt to look past them.
"""

import colorsys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training.text_data import Pair

#: The app's own twelve colours, each with typical RGB values.
COLORS: dict[Pair, tuple[int, int, int]] = {
    Pair("红色", "red"): (210, 30, 35),
    Pair("橙色", "orange"): (245, 130, 20),
    Pair("黄色", "yellow"): (250, 215, 30),
    Pair("绿色", "green"): (40, 150, 50),
    Pair("青色", "cyan"): (40, 200, 210),
    Pair("蓝色", "blue"): (30, 70, 200),
    Pair("紫色", "purple"): (120, 40, 160),
    Pair("粉色", "pink"): (250, 150, 185),
    Pair("棕色", "brown"): (120, 75, 40),
    Pair("黑色", "black"): (20, 20, 22),
    Pair("灰色", "gray"): (128, 128, 128),
    Pair("白色", "white"): (245, 245, 245),
}

#: Shapes by name, as corners on the unit circle; none means round.
SHAPES: dict[Pair, tuple[float, ...]] = {
    Pair("圆形", "circle"): (),
    Pair("正方形", "square"): (45, 135, 225, 315),
    Pair("三角形", "triangle"): (270, 30, 150),
    Pair("五边形", "pentagon"): (270, 342, 54, 126, 198),
    Pair("菱形", "diamond shape"): (270, 0, 90, 180),
    Pair("星形", "star"): tuple(270 + 36 * i for i in range(10)),
}

COUNTS = (
    Pair("一个物体", "one object"),
    Pair("两个物体", "two objects"),
    Pair("三个物体", "three objects"),
    Pair("四个物体", "four objects"),
    Pair("五个物体", "five objects"),
    Pair("许多物体", "many objects"),
)

_SIDE = 224

# Least share of a photograph's pixels that makes a colour its main one.
_MAIN_COLOR_SHARE = 0.5


@dataclass(frozen=True)
class Drawing:
    """A drawn picture and what is in it."""

    path: Path
    color: Pair
    shape: Pair
    count: Pair


def draw_pictures(folder: Path, number: int, seed: int = 0) -> list[Drawing]:
    """`number` pictures of coloured shapes on quiet grounds; those already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    drawings = []
    colors, shapes = list(COLORS), list(SHAPES)
    for index in range(number):
        # Every colour, shape and number equally often, in an order that does not repeat early.
        color = colors[index % len(colors)]
        shape = shapes[(index // len(colors)) % len(shapes)]
        count = COUNTS[(index // (len(colors) * len(shapes)) + index) % len(COUNTS)]
        path = folder / f"{index:05}.jpg"
        if not path.exists():
            rng = np.random.default_rng((seed, index))
            _draw(color, shape, COUNTS.index(count) + 1, rng).save(path, quality=92)
        drawings.append(Drawing(path, color, shape, count))
    return drawings


def _draw(color: Pair, shape: Pair, count: int, rng: np.random.Generator) -> Image.Image:
    others = [c for c in COLORS if c != color]
    # A neutral ground mostly; a coloured one is pale, so that the object's colour leads.
    ground = np.array(COLORS[others[rng.integers(len(others))]])
    pale = 255 - (255 - ground) * rng.uniform(0.05, 0.35)
    if color.english == "white":
        pale = pale * rng.uniform(0.25, 0.6)
    canvas = Image.new("RGB", (_SIDE, _SIDE), tuple(int(v) for v in pale))
    pen = ImageDraw.Draw(canvas)
    if count == len(COUNTS):
        count = int(rng.integers(8, 16))
    columns = int(np.ceil(np.sqrt(count)))
    cells = rng.permutation(columns * columns)[:count]
    cell = _SIDE / columns
    for place in cells:
        radius = cell * rng.uniform(0.28, 0.46)
        slack = cell / 2 - radius
        x = (place % columns + 0.5) * cell + rng.uniform(-slack, slack)
        y = (place // columns + 0.5) * cell + rng.uniform(-slack, slack)
        paint = _vary(COLORS[color], rng)
        _draw_shape(pen, SHAPES[shape], x, y, radius, float(rng.uniform(-20, 20)), paint)
    noisy = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    light = np.linspace(rng.uniform(0.8, 1), rng.uniform(0.8, 1), _SIDE)[:, None, None]
    lit = noisy * light + rng.normal(0, 4, noisy.shape)
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def _vary(rgb: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, int, int]:
    hue, saturation, value = colorsys.rgb_to_hsv(*(v / 255 for v in rgb))
    hue = (hue + rng.normal(0, 0.012)) % 1
    value = float(np.clip(value * rng.uniform(0.85, 1.1), 0, 1))
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return int(255 * red), int(255 * green), int(255 * blue)


def _draw_shape(
    pen: ImageDraw.ImageDraw,
    corners: Sequence[float],
    x: float,
    y: float,
    radius: float,
    turn: float,
    paint: tuple[int, int, int],
) -> None:
    if not corners:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=paint)
        return
    points = []
    for index, angle in enumerate(corners):
        # A star's every second corner is an inner one.
        reach = radius * (0.42 if len(corners) == 10 and index % 2 else 1.0)
        radians = np.deg2rad(angle + turn)
        points.append((x + reach * np.cos(radians), y + reach * np.sin(radians)))
    pen.polygon(points, fill=paint)


def main_color(image: Image.Image) -> Pair | None:
    """The colour that covers at least half of a photograph, if one does.

    Each pixel of a thumbnail goes to the nearest of the twelve colours, hue counting most.
    """
    small = np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.BOX)) / 255
    counts = Counter(_name_of(*pixel) for pixel in small.reshape(-1, 3))
    name, number = counts.most_common(1)[0]
    if number < _MAIN_COLOR_SHARE * small.shape[0] * small.shape[1]:
        return None
    return next(color for color in COLORS if color.english == name)


# Upper ends of hue in degrees; red goes round through 360.
_HUES = (
    (14, "red"),
    (42, "orange"),
    (68, "yellow"),
    (165, "green"),
    (198, "cyan"),
    (258, "blue"),
    (300, "purple"),
    (342, "pink"),
    (360, "red"),
)


def _name_of(red: float, green: float, blue: float) -> str:
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.2:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.8 else "gray"
    name = next(name for end, name in _HUES if hue * 360 <= end)
    if name in ("orange", "red", "yellow") and value < 0.62 and hue * 360 < 60 and saturation < 0.9:
        return "brown" if name != "red" or saturation < 0.65 else name
    if name == "red" and saturation < 0.55 and value > 0.75:
        return "pink"
    return name


def shuffle_key(path: Path) -> int:
    """A number that depends on the file's name only, to split sets the same way everywhere."""
    return zlib.crc32(f"{path.parent.name}/{path.name}".encode())
