"""Makes what of the example gallery is ours: drawings, prebuilt vectors, the table of its README.

`python -m training.gallery`, whenever a picture of `assets/gallery/examples`, its entry in
`assets/gallery/sources.json` or the starter has changed.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clip_app.gallery.gallery import Gallery, open_gallery
from clip_app.gallery.prepared import VECTORS, prepared_for, save
from clip_app.gallery.stores.store import content_of
from clip_app.images import difference_hash, load_image
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.photos import decode_side
from clip_app.settings import ASSETS, Settings

GALLERY = ASSETS / "gallery"
PICTURES = GALLERY / "examples"
README = GALLERY / "README.md"

_WIDE, _HIGH = 560, 420
# Drawn four times as large and scaled down, so that edges are smooth.
_FINE = 4
_INK, _PAPER = "#1b1b1f", "#ffffff"
_COLOURS = ("#3b46c4", "#e07a1f", "#2a9d6f", "#c0392b", "#8e5bb5")


def main() -> None:
    """Draw, encode, measure, and write the tables."""
    draw_all()
    service = load_model(Settings(model="starter", device="cpu"))
    print(f"{encode_all(service)} vectors, {VECTORS.stat().st_size / 1000:.0f} KB")
    write_between("table", sources_table())
    write_between("measured", measured_table(service))


def draw_all() -> None:
    """Write the drawings of ours into `examples/charts-and-signs`."""
    folder = PICTURES / "charts-and-signs"
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in _DRAWINGS.items():
        picture = Image.new("RGB", (_WIDE * _FINE, _HIGH * _FINE), _PAPER)
        draw(_Pen(picture))
        small = picture.resize((_WIDE, _HIGH), Image.Resampling.LANCZOS)
        small.quantize(64, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


class _Pen:
    """Draws in pixels of the finished picture."""

    def __init__(self, picture: Image.Image) -> None:
        self._draw = ImageDraw.Draw(picture)

    def box(self, box: tuple[float, float, float, float], fill: str) -> None:
        self._draw.rectangle([n * _FINE for n in box], fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: str) -> None:
        place = (x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse([n * _FINE for n in place], fill=fill)

    def slice(self, x: float, y: float, radius: float, arc: tuple[float, float], fill: str) -> None:
        place = [n * _FINE for n in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.pieslice(place, *arc, fill=fill, outline=_PAPER, width=3 * _FINE)

    def shape(self, points: list[tuple[float, float]], fill: str) -> None:
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], fill=fill)

    def line(self, points: list[tuple[float, float]], fill: str, width: float) -> None:
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(fine, fill=fill, width=round(width * _FINE), joint="curve")

    def write(self, x: float, y: float, text: str, size: float, fill: str) -> None:
        """Centred at (x, y)."""
        font = ImageFont.load_default(size * _FINE)
        self._draw.text((x * _FINE, y * _FINE), text, fill, font, anchor="mm")


def _axes(pen: _Pen) -> None:
    for y in range(100, 341, 60):
        pen.line([(70, y), (520, y)], "#dddddd", 1)
    pen.line([(70, 60), (70, 340), (520, 340)], _INK, 2)


def _bar_chart(pen: _Pen) -> None:
    pen.write(295, 32, "Visitors by month", 22, _INK)
    _axes(pen)
    months = zip(("Jan", "Feb", "Mar", "Apr", "May"), (90, 140, 120, 210, 250), strict=True)
    for place, (month, height) in enumerate(months):
        pen.box((95 + 85 * place, 340 - height, 150 + 85 * place, 339), _COLOURS[0])
        pen.write(122 + 85 * place, 362, month, 18, _INK)


def _line_chart(pen: _Pen) -> None:
    pen.write(295, 32, "Temperature in a week", 22, _INK)
    _axes(pen)
    for colour, heights in zip(
        _COLOURS, ((60, 110, 90, 160, 200, 190, 240), (30, 50, 70, 65, 110, 130, 120)), strict=False
    ):
        points = [(90.0 + 68 * day, 340.0 - height) for day, height in enumerate(heights)]
        pen.line(points, colour, 5)
        for x, y in points:
            pen.disc(x, y, 7, colour)
    for day, name in enumerate("MTWTFSS"):
        pen.write(90 + 68 * day, 362, name, 18, _INK)


def _pie_chart(pen: _Pen) -> None:
    pen.write(280, 32, "How people come to work", 22, _INK)
    begin = -90.0
    for colour, (name, share) in zip(
        _COLOURS, {"bus": 35, "bicycle": 25, "car": 20, "train": 12, "on foot": 8}.items(),
        strict=True,
    ):  # fmt: skip
        pen.slice(210, 230, 160, (begin, begin + 3.6 * share), colour)
        begin += 3.6 * share
        row = 140 + 45 * _COLOURS.index(colour)
        pen.box((400, row - 10, 420, row + 10), colour)
        pen.write(482, row, f"{name} {share} %", 18, _INK)


def _stop_sign(pen: _Pen) -> None:
    pen.box((0, 0, _WIDE, _HIGH), "#bfe0f5")
    pen.box((270, 300, 290, _HIGH), "#8a8f98")

    def octagon(radius: float) -> list[tuple[float, float]]:
        turns = np.pi / 8 + np.arange(8) * np.pi / 4
        return [(280 + radius * np.cos(a), 195 + radius * np.sin(a)) for a in turns]

    pen.shape(octagon(165), _PAPER)
    pen.shape(octagon(153), "#c01818")
    pen.write(280, 195, "STOP", 92, _PAPER)


def _open_sign(pen: _Pen) -> None:
    pen.box((0, 0, _WIDE, _HIGH), "#7a5236")
    for x in range(0, _WIDE, 93):
        pen.line([(x, 0), (x, _HIGH)], "#6a4630", 3)
    pen.line([(160, 130), (280, 30), (400, 130)], "#e8dcc0", 4)
    pen.box((90, 125, 470, 305), "#f3ead6")
    pen.box((104, 139, 456, 291), "#1f6f4a")
    pen.write(280, 215, "OPEN", 100, "#f3ead6")


def _exit_sign(pen: _Pen) -> None:
    pen.box((0, 0, _WIDE, _HIGH), "#2b2d33")
    pen.box((60, 120, 500, 300), "#12934f")
    pen.write(215, 210, "EXIT", 104, _PAPER)
    pen.shape([(380, 195), (430, 195), (430, 165), (478, 210), (430, 255), (430, 225), (380, 225)], _PAPER)  # fmt: skip # noqa: E501


def _square_and_circle(pen: _Pen) -> None:
    pen.box((70, 120, 250, 300), "#d62828")
    pen.disc(410, 210, 95, "#1d5fd1")


_DRAWINGS: dict[str, Callable[[_Pen], None]] = {
    "bar-chart": _bar_chart,
    "line-chart": _line_chart,
    "pie-chart": _pie_chart,
    "stop-sign": _stop_sign,
    "open-sign": _open_sign,
    "exit-sign": _exit_sign,
    "square-and-circle": _square_and_circle,
}


def encode_all(service: ModelService) -> int:
    """Write the starter's vector of each picture; returns how many."""
    hashes, looks, pixels = [], [], []
    for path in sorted(PICTURES.rglob("*.*")):
        data = path.read_bytes()
        picture = load_image(data, name=path.name, target_side=decode_side(service))
        hashes.append(content_of(data))
        looks.append(difference_hash(picture))
        pixels.append(service.preprocess(picture))
    save(service.info.fingerprint, hashes, looks, service.encode_pixels(pixels))
    return len(hashes)


def sources_table() -> str:
    """A line for each picture."""
    lines = ["| file | what it shows | from | author | licence |", "|---|---|---|---|---|"]
    for one in _read("sources")["pictures"]:
        name = f"[`{one['file']}`](examples/{one['file']})"
        titles = f"{one['title']['en']} · {one['title']['zh']}"
        origin = f"{one['package']} {one['version']}, `{one['path']}`" if one["package"] else "ours"
        author = f"[{one['author']}]({one['url']})" if one["url"] else one["author"]
        lines.append(f"| {name} | {titles} | {origin} | {author} | {one['licence']} |")
    return "\n".join(lines)


def right_answers(gallery: Gallery) -> Iterator[tuple[dict[str, Any], int, int, int]]:
    """For each query: it, how many of the gallery are right, and of the first five in English and
    in Chinese.
    """
    labels = {one["file"]: set(one["labels"]["en"]) for one in _read("sources")["pictures"]}
    for asked in _read("queries"):
        right = {file for file, shown in labels.items() if shown & set(asked["labels"])}
        found = [
            {
                Path(hit.path).relative_to(gallery.folder).as_posix()
                for hit in gallery.search(asked["query"][language], top_k=5).hits
            }
            for language in ("en", "zh")
        ]
        english, chinese = (len(first & right) for first in found)
        yield asked, len(right), english, chinese


def measured_table(service: ModelService) -> str:
    """A line for each query, and their mean."""
    with tempfile.TemporaryDirectory() as index:
        gallery = open_gallery(PICTURES, service, index_dir=index)
        gallery.index(prepared=prepared_for(service.info.fingerprint))
        rows = list(right_answers(gallery))
    lines = ["| query | in the gallery | English | Chinese |", "|---|---:|---:|---:|"]
    for asked, number, english, chinese in rows:
        query = f"{asked['query']['en']} · {asked['query']['zh']}"
        lines.append(f"| {query} | {number} | {english} | {chinese} |")
    means = [100 * np.mean([row[n] for row in rows]) / 5 for n in (2, 3)]
    lines.append(f"| *precision at 5* | | {means[0]:.0f} % | {means[1]:.0f} % |")
    return "\n".join(lines)


def write_between(mark: str, text: str) -> None:
    """Put a table into the README, between its two marks."""
    marks = rf"(<!-- {mark} -->\n).*(<!-- end {mark} -->)"
    before = README.read_text("utf-8")
    after = re.sub(marks, lambda found: f"{found[1]}{text}\n{found[2]}", before, flags=re.DOTALL)
    README.write_text(after, "utf-8")


def _read(name: str) -> Any:
    return json.loads((GALLERY / f"{name}.json").read_text("utf-8"))


if __name__ == "__main__":
    main()
