"""What the image tower's frozen trunk says of photographs, computed once and kept on disk."""

import hashlib
import json
import logging
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn
from tqdm import tqdm

from training.image_tower import FEATURES, IMAGE_SIZE, preprocessing

log = logging.getLogger(__name__)

#: 0 is what the app sees; each further number is another part of the photograph, mirrored half of
#: the time.
View = int

# A small batch keeps the activations in the caches of a CPU (see `clip_app.model_service`).
_BATCH = 4

# Rows written at a time: what is lost when the run is stopped.
_CHUNK = 1024

# Decoding and resizing run without Python's lock; two threads keep two cores from waiting.
_DECODERS = 2

# Least share of the area that a crop keeps.
_SMALLEST_CROP = 0.35


class FeatureStore:
    """Features of photographs, each file of them computed once."""

    def __init__(self, trunk: nn.Module, folder: Path) -> None:
        self._encode = freeze(trunk)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, paths: Sequence[Path], view: View, title: str) -> np.ndarray:
        """Pooled features, (n, 1280) float16, in the order of `paths`.

        A photograph that cannot be read gets a row of NaN and one line in the log.
        """
        key = hashlib.sha256(json.dumps([view, [_identity(p) for p in paths]]).encode())
        # Named by its photographs only: sets that share them share their features.
        path = self._folder / f"view{view}-{key.hexdigest()[:16]}.npy"
        done = path.with_suffix(".done")
        rows = int(done.read_text()) if done.exists() else 0
        if path.exists() and rows == len(paths):
            return np.load(path, mmap_mode="r")
        shape = (len(paths), FEATURES)
        mode: Literal["r+", "w+"] = "r+" if path.exists() and rows else "w+"
        kept = np.lib.format.open_memmap(path, mode, np.float16, shape)
        bar = tqdm(
            total=len(paths), initial=rows, desc=f"features {title}, view {view}", unit="photo"
        )
        for start in range(rows, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            filled = start
            for pixels in _batches(chunk, view):
                with torch.inference_mode():
                    features = self._encode(pixels.to(memory_format=torch.channels_last))
                rows_of_batch = features.float().numpy()
                # Not every kernel hands a NaN on.
                rows_of_batch[pixels[:, 0, 0, 0].isnan().numpy()] = np.nan
                kept[filled : filled + len(pixels)] = rows_of_batch
                filled += len(pixels)
                bar.update(len(pixels))
            kept.flush()
            done.write_text(str(filled))
        bar.close()
        return kept

    def readable_views(
        self, paths: Sequence[Path], views: int, title: str
    ) -> tuple[list[torch.Tensor], list[int]]:
        """Views 0 to `views` - 1 of the photographs that can be read, and their places in `paths`.

        Each view is (m, 1280) float16.
        """
        features = [self.of(paths, view, title) for view in range(views)]
        kept = readable(features[0])
        return [torch.from_numpy(view[kept]) for view in features], kept.tolist()


def readable(features: np.ndarray) -> np.ndarray:
    """Of rows of `FeatureStore.of`, the places of those whose photograph could be read, (m,)."""
    return np.flatnonzero(np.isfinite(features[:, 0]))


def _identity(path: Path) -> list[str | int]:
    # The folder's own name is enough: where the data lies must not matter.
    return [path.parent.name, path.name, path.stat().st_size if path.exists() else 0]


def freeze(trunk: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """The trunk as a frozen TorchScript graph, its normalisations folded into the convolutions.

    As the app runs it: 152 photographs a second on two cores, and the very same numbers.
    """
    example = torch.zeros(_BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)
    example = example.to(memory_format=torch.channels_last)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns that it will be replaced one day
        layout = trunk.to(memory_format=torch.channels_last)
        return torch.jit.freeze(torch.jit.trace(layout, example).eval())


def _batches(paths: Sequence[Path], view: View) -> Iterator[torch.Tensor]:
    prepare = preprocessing()

    def pixels(path: Path) -> torch.Tensor:
        try:
            photo = open_photo(path)
            return prepare(_crop(photo, path, view) if view else photo)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            log.warning("%s cannot be read (%s) and is left out.", path.name, error)
            return torch.full((3, IMAGE_SIZE, IMAGE_SIZE), torch.nan)

    with ThreadPoolExecutor(_DECODERS) as pool:
        window = [
            pool.map(pixels, paths[i : i + _BATCH])
            for i in range(0, min(len(paths), 4 * _BATCH), _BATCH)
        ]
        for start in range(0, len(paths), _BATCH):
            batch = torch.stack(list(window.pop(0)))
            ahead = start + 4 * _BATCH
            if ahead < len(paths):
                window.append(pool.map(pixels, paths[ahead : ahead + _BATCH]))
            yield batch


def open_photo(path: Path) -> Image.Image:
    """The photograph in RGB, turned upright; large JPEGs are decoded smaller."""
    image = Image.open(path)
    image.draft("RGB", (2 * IMAGE_SIZE, 2 * IMAGE_SIZE))
    return ImageOps.exif_transpose(image).convert("RGB")


def _crop(image: Image.Image, path: Path, view: View) -> Image.Image:
    # A generator of its own for each photograph: the order of the threads does not matter.
    rng = np.random.default_rng([view, zlib.crc32(f"{path.parent.name}/{path.name}".encode())])
    share = np.sqrt(rng.uniform(_SMALLEST_CROP, 1))
    width, height = (max(1, int(side * share)) for side in image.size)
    left = int(rng.integers(0, image.width - width + 1))
    top = int(rng.integers(0, image.height - height + 1))
    cropped = image.crop((left, top, left + width, top + height))
    return ImageOps.mirror(cropped) if rng.random() < 0.5 else cropped
