"""From a picture to what an image tower takes, by the model's own numbers, with Pillow and numpy.

The steps are open_clip's `image_transform` for inference; the numbers differ by rounding only.
torch would do the last of them with an OpenMP team for each thread that handles requests.
"""

import contextvars
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np
from PIL import Image

from clip_app.images import normalise

_Result = TypeVar("_Result")

# Where a picture is decoded or preprocessed for somebody who waits. More at once than there are
# cores only take turns, and the model, which waits for Python's lock among them, comes late: at 32
# callers a request took 18 ms of processor time, with this 14.
_preparing = ThreadPoolExecutor(os.cpu_count() or 1, "prepare")


def prepare(work: Callable[[], _Result]) -> Future[_Result]:
    """Have `work` done once a core has time for it; it must not wait for another such."""
    return _preparing.submit(contextvars.copy_context().run, work)


# open_clip's `constants.OPENAI_DATASET_MEAN` and `_STD`: what is meant where a model says nothing.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)

# Beyond this ratio of sides a picture is squeezed first: preprocessing makes the short side as long
# as the image tower wants, and a 30,000 x 1 strip would become gigabytes.
_MAX_ASPECT = 40

_ResizeMode = Literal["shortest", "longest", "squash"]
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Preprocessing:
    """A model's own way from a picture to pixels.

    Attributes:
        image_size: (height, width) in pixels that the tower takes.
        mean, std: of each channel, colours in [0, 1].
        resize_mode: `shortest`: the shorter side is made to fit and the rest cut off; `longest`:
            the whole picture is kept and padded; `squash`: both sides are made to fit.
        interpolation: `bicubic`, or `bilinear`.
        fill_color: 0 to 255, of what `longest` pads with.
    """

    image_size: tuple[int, int]
    mean: tuple[float, ...] = _MEAN
    std: tuple[float, ...] = _STD
    resize_mode: _ResizeMode = "shortest"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    fill_color: int = 0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Preprocessing":
        """From open_clip's `preprocess_cfg`, whose `size` is a number or (height, width).

        Raises:
            KeyError, TypeError, ValueError: if it is none.
        """
        size = config["size"]
        mode = config.get("resize_mode") or "shortest"
        if mode not in get_args(_ResizeMode):
            raise ValueError(mode)
        return cls(
            image_size=(size, size) if isinstance(size, int) else (int(size[0]), int(size[1])),
            mean=_three(config.get("mean") or _MEAN),
            std=_three(config.get("std") or _STD),
            resize_mode=cast(_ResizeMode, mode),
            interpolation="bilinear" if config.get("interpolation") == "bilinear" else "bicubic",
            fill_color=int(config.get("fill_color") or 0),
        )

    def __call__(self, image: Image.Image) -> np.ndarray:
        """One picture, of any size and mode.

        Returns:
            float32 (3, height, width); in memory a pixel's colours lie side by side.
        """
        picture = self._centred(self._resized(_squeezed(normalise(image))))
        height, width = self.image_size
        std = np.asarray(self.std, np.float32)
        # Whole rows at a time: pixel by pixel, numpy took 0.4 ms instead of 0.05.
        pixels = np.asarray(picture).reshape(height, 3 * width).astype(np.float32)
        pixels *= np.tile(1 / (255 * std), width)
        pixels -= np.tile(np.asarray(self.mean, np.float32) / std, width)
        return pixels.reshape(height, width, 3).transpose(2, 0, 1)

    def seen_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What of a picture of `size` (width, height) the pixels show.

        Returns:
            left, top, right, bottom as shares of its sides; beyond 0 and 1 where it is padded.
        """
        height, width = self.image_size
        if self.resize_mode == "squash":
            return 0.0, 0.0, 1.0, 1.0
        size = _squeezed_size(size)
        pick = max if self.resize_mode == "longest" else min
        ratio = pick(size[0] / width, size[1] / height)
        across, down = width * ratio / size[0], height * ratio / size[1]
        return (1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2

    def _resized(self, image: Image.Image) -> Image.Image:
        height, width = self.image_size
        if self.resize_mode == "squash":
            size = (width, height)
        elif self.resize_mode == "shortest" and height == width:
            # torchvision's Resize cuts the longer side down, timm's ResizeKeepRatio below rounds.
            short, long = sorted(image.size)
            longer = int(width * long / short)
            size = (width, longer) if image.width <= image.height else (longer, width)
        else:
            pick = max if self.resize_mode == "longest" else min
            ratio = pick(image.height / height, image.width / width)
            size = (round(image.width / ratio), round(image.height / ratio))
        return image if size == image.size else image.resize(size, self._resampling)

    @property
    def _resampling(self) -> Image.Resampling:
        # open_clip resizes by bicubic for sizes that are no square, whatever the model says.
        height, width = self.image_size
        if self.resize_mode == "shortest" and height != width:
            return Image.Resampling.BICUBIC
        return _RESAMPLING[self.interpolation]

    def _centred(self, image: Image.Image) -> Image.Image:
        """The middle of `image`, padded where it is smaller than the tower's picture."""
        height, width = self.image_size
        if image.width < width or image.height < height:
            whole = (max(width, image.width), max(height, image.height))
            fill = self.fill_color if self.resize_mode == "longest" else 0
            canvas = Image.new("RGB", whole, (fill, fill, fill))
            corner = ((whole[0] - image.width) // 2, (whole[1] - image.height) // 2)
            canvas.paste(image, corner)
            image = canvas
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))


def stacked(pixels: "list[np.ndarray]") -> np.ndarray:
    """Pixels of several pictures as one array (n, 3, height, width), laid out as each of them is.

    An image tower on a CPU does best with a pixel's colours side by side (channels last).
    """
    return np.stack([one.transpose(1, 2, 0) for one in pixels]).transpose(0, 3, 1, 2)


def _squeezed(image: Image.Image) -> Image.Image:
    size = _squeezed_size(image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)


def _squeezed_size(size: tuple[int, int]) -> tuple[int, int]:
    short, long = sorted(size)
    if long <= _MAX_ASPECT * short:
        return size
    side = max(short, long // _MAX_ASPECT)
    return (long, side) if size[0] == long else (side, long)


def _three(value: Any) -> tuple[float, ...]:
    """A number for each channel, where one stands for all."""
    return (float(value),) * 3 if isinstance(value, int | float) else tuple(map(float, value))
