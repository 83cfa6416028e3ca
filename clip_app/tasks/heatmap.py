"""Where a model looks: which parts of a photograph its similarity to a text rests on.

By occlusion, which needs nothing of a model but that it answers, so that every engine has it: parts
of the photograph are covered, or everything but them, and each part is told how much of the
similarity went or came with it. Covered is what is blurred beyond recognition; grey would be a
thing of its own. All copies are made of the pixels that the image tower takes, and what the model
made of a copy is kept: four fifths of them are the same for any other text about the photograph.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from clip_app.errors import InputError
from clip_app.model.info import Pixels
from clip_app.model.service import ModelService
from clip_app.photos import Source, open_picture
from clip_app.progress import Progress
from clip_app.prompts import (
    MAX_LABEL_LENGTH,
    choose_templates,
    given_texts,
    parse_labels,
    shortened,
)

#: Rows and columns of a map.
GRID = 14

# Windows stand at 7 x 7 places, each 3/7 of a side wide: 6 cells. On photographs of COCO windows of
# 2/7 and of 4/7 found what was named less often, all three together no oftener, and a second, finer
# look where the first was hottest made no map better.
_PLACES, _WIDE = 7, 6

# What a photograph is blurred to, in cells a side: people, animals and letters are gone, light and
# ground stay.
_BLURRED = 5

# A map is tested by covering its hottest cells, these shares of all, beside the same map shifted
# and mirrored so many ways, which is as smooth.
_SHARES = (0.1, 0.2, 0.4)
_SHIFTED = 7

#: How many copies of a photograph are encoded for one map.
PASSES = 2 + 2 * _PLACES**2 + len(_SHARES) * (1 + _SHIFTED)


@dataclass(frozen=True)
class Heatmap:
    """What of a photograph speaks for a text.

    Attributes:
        values: float32 (14, 14) in [-1, 1], from the top left: how much each part adds to the
            similarity, as a share of what the best one adds; below 0 where it takes off.
        box: left, top, right and bottom of what the values cover, as shares of the photograph's
            sides. Models cut off or pad what is no square, so it may be less than the photograph
            or reach beyond it.
        method: how it was made.
        similarity: of the photograph to the text, less that to what it was compared with.
        deletion: what of `similarity` is left, on average, while the hottest tenth to two fifths
            of the map are covered.
        deletion_by_chance: the same of maps that are as smooth and mean nothing, the best of them.
    """

    values: np.ndarray
    box: tuple[float, float, float, float]
    method: Literal["occlusion"]
    similarity: float
    deletion: float
    deletion_by_chance: float

    @property
    def clear(self) -> bool:
        """Whether covering its hottest parts costs more than covering any others as large."""
        return self.deletion < self.deletion_by_chance

    @property
    def cropped(self) -> bool:
        """Whether the model did not see the whole photograph."""
        left, top, _, _ = self.box
        return max(left, top) > 0.01

    @property
    def peak(self) -> tuple[float, float]:
        """The middle of the hottest part: x and y as shares of the photograph's sides."""
        row, column = np.unravel_index(int(self.values.argmax()), self.values.shape)
        left, top, right, bottom = self.box
        x, y = (float(place + 0.5) / GRID for place in (column, row))
        return left + x * (right - left), top + y * (bottom - top)

    @property
    def place(self) -> str:
        """In which ninth of the photograph the peak is: `top_left`, `top`, … `bottom_right`."""
        x, y = (min(2, max(0, int(3 * one))) for one in self.peak)
        return _PLACE_NAMES[y][x]


_PLACE_NAMES = (
    ("top_left", "top", "top_right"),
    ("left", "middle", "right"),
    ("bottom_left", "bottom", "bottom_right"),
)


def heatmap(
    service: ModelService,
    image: Source | None,
    text: str,
    *,
    contrast: str | Sequence[str] | None = None,
    templates: str | None = None,
    progress: Progress | None = None,
) -> Heatmap:
    """Which parts of a photograph speak for a text.

    >>> import clip_app
    >>> model = clip_app.load_model("starter")
    >>> clip_app.heatmap(model, "assets/examples/cat.jpg", "cat", contrast="dog").clear
    True

    Args:
        service: the model to ask.
        image: the path of a file, its bytes, or a picture in memory.
        text: a label or description.
        contrast: what else it could be, as typed or already apart: the map then says what speaks
            for `text` rather than for the mean of these.
        templates: see `clip_app.prompts.choose_templates`.
        progress: called with (done, total) copies encoded; what it raises ends the run.

    Raises:
        ImageError: if there is no image, or it cannot be read.
        InputError: if there is no text, it is too long, or the same as all of `contrast`.
        ModelError: if the device fails.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("heat_text_missing")
    if isinstance(contrast, str):
        others = parse_labels(contrast) if contrast.strip() else []
    else:
        others = given_texts(contrast) if contrast else []
    if len(text) > MAX_LABEL_LENGTH:
        raise InputError("text_too_long", number=len(text), limit=MAX_LABEL_LENGTH)
    words = [text, *(one for one in others if one.strip() != text.strip())]
    if others and len(words) == 1:
        raise InputError("heat_contrast_same", text=shortened(text))
    picture = open_picture(image, service)
    weights = service.encode_labels(words, choose_templates(templates, words))
    direction = weights[0] - weights[1:].mean(axis=0) if len(words) > 1 else weights[0]
    looking = _Looking(service, service.preprocess(picture), direction, progress)
    values = looking.found()
    own, by_chance = looking.tested(values)
    return Heatmap(
        values=values,
        box=service.seen_box(picture.size),
        method="occlusion",
        similarity=looking.whole,
        deletion=own,
        deletion_by_chance=by_chance,
    )


class _Looking:
    """One photograph and one direction among the features, asked again and again."""

    def __init__(
        self,
        service: ModelService,
        pixels: Pixels,
        direction: np.ndarray,
        progress: Progress | None,
    ) -> None:
        self._service = service
        self._pixels = pixels
        self._direction = direction
        self._progress = progress
        self._done = 0
        self._blurred = blurred(pixels)
        self._photo = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
        pair = self._seen(np.stack([np.ones((GRID, GRID)), np.zeros((GRID, GRID))]))
        self.whole, self._nothing = pair.tolist()

    def found(self) -> np.ndarray:
        """The map, its best cell 1 and its median 0: what goes and what comes with each window."""
        middles = [GRID * (2 * place + 1) // (2 * _PLACES) for place in range(_PLACES)]
        windows = _windows([(y, x) for y in middles for x in middles])
        gone = self.whole - self._seen(1 - windows)
        come = self._seen(windows) - self._nothing
        values = _standard(_spread(gone, windows)) + _standard(_spread(come, windows))
        values -= np.median(values)
        return np.clip(values / max(float(values.max()), 1e-12), -1, 1).astype(np.float32)

    def tested(self, values: np.ndarray) -> tuple[float, float]:
        """The similarity left while hot cells are covered: of this map, and the best of others."""
        rng = np.random.default_rng(0)
        maps = [values]
        while len(maps) <= _SHIFTED:
            shift = rng.integers(GRID // 4, GRID - GRID // 4, 2)
            mirrored = values[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
            maps.append(np.roll(mirrored, shift, (0, 1)))
        covers = np.stack([hottest(one, share) for one in maps for share in _SHARES])
        left = self._seen(1 - covers).reshape(len(maps), -1).mean(axis=1)
        return float(left[0]), float(left[1:].min())

    def _seen(self, shown: np.ndarray) -> np.ndarray:
        """Similarities of copies that show only those cells that are 1 in (n, 14, 14)."""
        rows = self._service.encode_once(
            [(self._photo, np.packbits(one == 1).tobytes()) for one in shown],
            self._copy,
            self._told,
        )
        self._done += len(shown)
        self._told(0)
        return rows @ self._direction

    def _copy(self, key: tuple[bytes, bytes]) -> Pixels:
        cells = np.unpackbits(np.frombuffer(key[1], np.uint8), count=GRID**2)
        return shown_through(self._pixels, self._blurred, cells.reshape(GRID, GRID))

    def _told(self, done: int, _total: int = 0) -> None:
        if self._progress:
            self._progress(self._done + done, PASSES)


def blurred(pixels: Pixels) -> Pixels:
    """Pixels (3, height, width) of which nothing can be recognised but where it is light."""
    return np.stack([_resized(_resized(one, (_BLURRED,) * 2), one.shape) for one in pixels])


def shown_through(pixels: Pixels, hidden: Pixels, share: np.ndarray) -> Pixels:
    """`pixels` where `share`, cells in [0, 1], is 1, and `hidden` where it is 0; soft at edges."""
    seen = _resized(share, pixels.shape[1:])[..., None]
    mixed = hidden.transpose(1, 2, 0) * (1 - seen) + pixels.transpose(1, 2, 0) * seen
    return mixed.transpose(2, 0, 1)


def hottest(values: np.ndarray, share: float) -> np.ndarray:
    """1 in the hottest cells of a map, a `share` of all, and 0 in the others; float32."""
    marked = np.zeros(values.size, np.float32)
    marked[np.argsort(-values, axis=None, kind="stable")[: round(share * values.size)]] = 1
    return marked.reshape(values.shape)


def _windows(middles: Sequence[tuple[int, int]]) -> np.ndarray:
    """Float32 (n, 14, 14): 1 in windows around (row, column), where they fit."""
    cells = np.zeros((len(middles), GRID, GRID), np.float32)
    for one, (y, x) in zip(cells, middles, strict=True):
        one[
            max(0, y - _WIDE // 2) : y + (_WIDE + 1) // 2,
            max(0, x - _WIDE // 2) : x + (_WIDE + 1) // 2,
        ] = 1
    return cells


def _spread(effects: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """For each cell the mean effect of the windows that it lies in."""
    return np.tensordot(effects, windows, 1) / np.maximum(windows.sum(axis=0), 1e-12)


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(float(values.std()), 1e-12)


def _resized(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Float32 of (height, width), averaged or interpolated to `size`."""
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))
