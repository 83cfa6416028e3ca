"""open_clip's image tower as fast as a device runs it without changing what it says."""

import contextlib
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

log = logging.getLogger(__name__)

#: From pixels (n, 3, height, width) on the device to features (n, embedding_size).
Tower = Callable[[torch.Tensor], torch.Tensor]

# How far frozen and plain tower may differ, in any coordinate of a unit vector.
_FREEZE_TOLERANCE = 1e-4

# The same for a recorded one in half precision; other kernels for another batch size moved a
# coordinate by 2e-4.
_RECORD_TOLERANCE = 1e-3

# A batch goes through the smallest of these that it fits, and leaves the rest of it empty. More
# sizes would waste less of a pass, and each takes memory of its own.
_RECORDED_SIZES = (1, 4, 16, 64)


def unit_rows(features: torch.Tensor) -> torch.Tensor:
    """Float32 features whose rows have length 1."""
    return torch.nn.functional.normalize(features.float(), dim=-1)


def frozen(tower: Any, plain: Tower, image_size: tuple[int, int]) -> Tower:
    """A tower for the CPU with its batch normalization folded into the convolutions.

    1.6 times as fast for the starter. One that has none, cannot be traced, or answers otherwise
    once frozen, is returned as it is.

    Args:
        tower: the module, on the CPU in float32.
        plain: what it answers now.
        image_size: (height, width) in pixels.
    """
    if not any(isinstance(m, torch.nn.BatchNorm2d) for m in tower.modules()):
        return plain
    generator = torch.Generator().manual_seed(0)
    example = torch.rand((2, 3, *image_size), generator=generator)
    example = example.to(memory_format=torch.channels_last)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of every size it fixes
            traced = torch.jit.freeze(torch.jit.trace(tower, example))
            for pixels in (example, example[:1]):  # the second size compiles for any batch
                traced(pixels)
                difference = unit_rows(traced(pixels)) - unit_rows(plain(pixels))
                if difference.abs().max() > _FREEZE_TOLERANCE:
                    return plain
    except (RuntimeError, TypeError, ValueError) as error:
        log.info("The image tower runs unfrozen: %s", error)
        return plain
    return traced


class RecordedTower:
    """A tower on CUDA whose passes are recorded once for each batch size, and played again.

    A pass starts hundreds of kernels, each by a call from Python that gives the interpreter away
    and waits to have it back. Beside 16 threads that decode, which is when an index is made, the
    device spent most of its time waiting for that. A recorded pass is one call.
    """

    def __init__(
        self,
        plain: Tower,
        image_size: tuple[int, int],
        arithmetic: Callable[[], contextlib.AbstractContextManager[Any]],
    ) -> None:
        """Nothing is recorded yet: each size is when it is first needed.

        Args:
            plain: the tower, on the GPU.
            image_size: (height, width) in pixels.
            arithmetic: the context in which it computes.
        """
        self._plain = plain
        self._image_size = image_size
        self._arithmetic = arithmetic
        self._passes: dict[int, _Pass | None] = {}
        self._pool: Any = None

    def unit_rows(self, pixels: np.ndarray) -> np.ndarray:
        """Float32 (n, embedding_size), rows of length 1, of float32 (n, height, width, 3).

        Raises:
            torch.OutOfMemoryError: if the batch does not fit.
        """
        rows = torch.from_numpy(pixels)
        size = next((size for size in _RECORDED_SIZES if size >= len(rows)), None)
        recorded = None if size is None else self._recorded(size)
        if recorded is None:
            return self._pass(rows.cuda()).cpu().numpy()
        return recorded(rows)

    def _recorded(self, size: int) -> "_Pass | None":
        if size not in self._passes:
            self._passes[size] = self._record(size)
        return self._passes[size]

    def _record(self, size: int) -> "_Pass | None":
        pixels = torch.rand((size, *self._image_size, 3), device="cuda")
        # Not in the recording: libraries choose their kernels first, and memory may not suffice.
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                expected = self._pass(pixels)
        torch.cuda.current_stream().wait_stream(aside)
        try:
            graph = torch.cuda.CUDAGraph()
            # Another model may be loaded by another thread meanwhile.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                features = self._pass(pixels)
            graph.replay()
            if (features - expected).abs().max() > _RECORD_TOLERANCE:
                raise RuntimeError("it answers otherwise")
        except (RuntimeError, torch.OutOfMemoryError) as error:
            log.warning("Passes of %d images are not recorded: %s", size, error)
            return None
        self._pool = graph.pool()
        return _Pass(graph, pixels, features)

    def _pass(self, pixels: torch.Tensor) -> torch.Tensor:
        with self._arithmetic():
            return unit_rows(self._plain(pixels.permute(0, 3, 1, 2).contiguous()))


class _Pass:
    """One recording, with the memory that it reads and writes."""

    def __init__(
        self, graph: torch.cuda.CUDAGraph, pixels: torch.Tensor, features: torch.Tensor
    ) -> None:
        self._graph, self._pixels, self._features = graph, pixels, features

    def __call__(self, rows: torch.Tensor) -> np.ndarray:
        self._pixels[: len(rows)].copy_(rows)
        self._graph.replay()
        return self._features[: len(rows)].cpu().numpy()
