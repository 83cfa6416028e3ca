"""What the image tower's frozen trunk says of photographs, computed once and kept on disk."""

import hashlib
import json
import logging
import warnings
import zlib
from collections.abc import Callable, Sequence
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

# A small batch keeps the activations in the caches of a CPU (see `clip_app.model.torch_engine`).
_BATCH = 4

# Rows written at a time: what is lost when the run is stopped.
_CHUNK = 1024

# Least share of the area that a crop keeps.
_SMALLEST_CROP = 0.35


class FeatureStore:
    """Features of photographs, each file of them computed once."""

    def __init__(self, trunk: nn.Module, folder: Path) -> None:
        self._encode = freeze(trunk)
        self._prepare = preprocessing()
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
        threads = torch.get_num_threads()
        # A core each for a batch from the file to its features: half as fast again as both cores
        # on one batch while others decode (86 to 125 photographs a second).
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for start in range(rows, len(paths), _CHUNK):
                chunk = paths[start : start + _CHUNK]
                batches = [chunk[i : i + _BATCH] for i in range(0, len(chunk), _BATCH)]
                filled = start
                for features in pool.map(lambda batch: self._features(batch, view), batches):
                    kept[filled : filled + len(features)] = features
                    filled += len(features)
                    bar.update(len(features))
                kept.flush()
                done.write_text(str(filled))
        torch.set_num_threads(threads)  # part of the setting is the whole process's
        bar.close()
        return kept

    def _features(self, paths: Sequence[Path], view: View) -> np.ndarray:
        pixels = torch.stack([self._pixels(path, view) for path in paths])
        with torch.inference_mode():
            rows = self._encode(pixels.to(memory_format=torch.channels_last)).float().numpy()
        # Not every kernel hands a NaN on.
        rows[pixels[:, 0, 0, 0].isnan().numpy()] = np.nan
        return rows

    def _pixels(self, path: Path, view: View) -> torch.Tensor:
        try:
            photo = open_photo(path)
            return self._prepare(_crop(photo, path, view) if view else photo)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            log.warning("%s cannot be read (%s) and is left out.", path.name, error)
            return torch.full((3, IMAGE_SIZE, IMAGE_SIZE), torch.nan)

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

    As the app runs it, and the very same numbers.
    """
    example = torch.zeros(_BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)
    example = example.to(memory_format=torch.channels_last)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns that it will be replaced one day
        layout = trunk.to(memory_format=torch.channels_last)
        return torch.jit.freeze(torch.jit.trace(layout, example).eval())


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
