"""The similarity matrix as a picture: thumbnails on one side, texts on the other.

It is SVG, so that texts in any script are drawn with the viewer's own fonts.
"""

import textwrap
import unicodedata
from collections.abc import Sequence
from xml.sax.saxutils import escape

from clip_app.tasks.match import SimilarityMatrix

#: Side of a field, in pixels at 100 %.
CELL = 88
_TEXT_WIDTH = 250
_LINE = 15
_LINE_CELLS = 34  # half-width characters on a line of a text's label
_LINES = 5


def draw_matrix(images: Sequence[str], matrix: SimilarityMatrix, caption: str) -> str:
    """An SVG document with a column for each image and a row for each text.

    Args:
        images: addresses of the pictures, in the order of the matrix's rows; `data:`, so that the
            file stands alone.
        matrix: similarities and scores, one row an image.
        caption: plain text under the picture.
    """
    cosines = matrix.similarities
    low, high = float(cosines.min()), float(cosines.max())
    width = _TEXT_WIDTH + CELL * len(images) + 8
    height = CELL * (len(matrix.texts) + 1) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    ]
    best = cosines.argmax(axis=1)
    for column, image in enumerate(images):
        x = _TEXT_WIDTH + column * CELL
        parts.append(
            f'<image href="{image}" x="{x + 2}" y="2" width="{CELL - 4}" height="{CELL - 4}"/>'
        )
        for row in range(len(matrix.texts)):
            y = (row + 1) * CELL
            strength = (cosines[column, row] - low) / (high - low) if high > low else 0.5
            ink = "#ffffff" if strength > 0.55 else "#1f2937"
            outline = ' stroke="#ea580c" stroke-width="3"' if best[column] == row else ""
            parts.append(
                f'<rect x="{x + 2}" y="{y + 2}" width="{CELL - 4}" height="{CELL - 4}" rx="4" '
                f'fill="{_blue(strength)}"{outline}/>'
                f'<text x="{x + CELL / 2}" y="{y + CELL / 2 + 5}" text-anchor="middle" '
                f'font-size="15" fill="{ink}">{cosines[column, row]:z.3f}</text>'
            )
    for row, label in enumerate(matrix.texts):
        lines = _wrapped(label)
        top = (row + 1.5) * CELL - (len(lines) - 1) * _LINE / 2 + 4
        parts.extend(
            f'<text x="{_TEXT_WIDTH - 10}" y="{top + i * _LINE}" text-anchor="end" '
            f'fill="#1f2937">{escape(line)}</text>'
            for i, line in enumerate(lines)
        )
    parts.append(f'<text x="8" y="{height - 10}" fill="#6b7280">{escape(caption)}</text></svg>')
    return "".join(parts)


def _blue(strength: float) -> str:
    """White to blue, perceived lightness falling evenly enough for a heat map."""
    start, end = (239, 246, 255), (29, 78, 216)
    return "#" + "".join(
        f"{round(a + (b - a) * strength):02x}" for a, b in zip(start, end, strict=True)
    )


def _wrapped(label: str) -> list[str]:
    printable = "".join(c if c.isprintable() else " " for c in label)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in printable) > len(printable) / 3
    lines = textwrap.wrap(printable, _LINE_CELLS // 2 if wide else _LINE_CELLS)
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], lines[_LINES - 1][:-1] + "…"]
