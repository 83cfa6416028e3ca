"""What runs a model's two towers, and the one place that chooses it."""

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from clip_app.errors import ModelError
from clip_app.model.catalog import ModelSource
from clip_app.model.exporting import export_now, towers_root
from clip_app.model.info import ModelSpec
from clip_app.model.towers import Towers, find_int8_towers, find_towers
from clip_app.settings import Settings


class Engine(Protocol):
    """Two towers; arrays go in, unit rows come out.

    No more than `passes` threads call at a time, but where a GPU is lent for each call.

    Attributes:
        name: `torch` or `onnx`.
        device: where it runs, for people: `cpu`, `cuda (NVIDIA …)`.
        precision: its arithmetic: `float32`, `float16`, `bfloat16` or `int8`.
        spec: what the weights fix.
        image_batch: how many images it takes best in one pass.
        passes: how many passes it takes best at the same time.
        context_length: how many tokens of a text are read; 0 where that is not known.
    """

    name: str
    device: str
    precision: str
    spec: ModelSpec
    image_batch: int
    passes: int
    context_length: int

    def image_features(self, pixels: np.ndarray) -> np.ndarray:
        """Float32 (n, embedding_size), rows of length 1, of float32 (n, 3, height, width).

        Raises:
            ModelError: if the device has no memory left for even one image.
        """

    def text_features(self, texts: Sequence[str]) -> np.ndarray:
        """Float32 (n, embedding_size), rows of length 1; tokenizes itself.

        Raises:
            ModelError: if the device has no memory left.
        """

    def token_ids(self, texts: Sequence[str]) -> np.ndarray:
        """What the text tower reads of each text: int (n, context_length), padded."""


def open_engine(source: ModelSource, settings: Settings) -> Engine:
    """The engine for a model whose files are here or can be had: the one place that chooses.

    On a CPU that is ONNX Runtime where the model's towers have been exported, else torch. Whoever
    asks for ONNX Runtime, or for 8 bits, waits until they have been made.

    Raises:
        ModelError: if the weights or their configuration cannot be used, or 8 bits cannot.
        StorageError: if the towers in 8 bits cannot be written.
    """
    if settings.precision == "int8":
        return _int8_engine(source, settings)
    # Each engine only here: importing torch takes seconds.
    if serves_towers(settings):
        if settings.engine == "onnx":
            towers: Towers | None = export_now(source, settings)
        else:
            towers = find_towers(source, towers_root(settings))
        if towers:
            from clip_app.model.onnx_engine import OnnxEngine

            return OnnxEngine(towers, "int8" if towers.int8 else "float32")
    if not has_torch():
        raise ModelError("torch_missing", model=source.name)
    from clip_app.model.torch_engine import TorchEngine

    return TorchEngine(source, settings)


def has_torch() -> bool:
    """Whether models can be loaded that have not been exported."""
    return all(find_spec(name) for name in ("torch", "open_clip"))


def _int8_engine(source: ModelSource, settings: Settings) -> Engine:
    if not serves_towers(settings):
        raise ModelError("int8_cpu_only")
    towers = export_now(source, settings)
    root = towers_root(settings)
    if not towers.int8:  # a folder that was copied here may have 8 bits only
        found = find_int8_towers(towers, root)
        if found is None:
            if find_spec("onnx") is None:
                raise ModelError("int8_failed", model=source.name, reason="onnx is not installed")
            from clip_app.model.quantise import quantise_below

            found = quantise_below(towers, root, source.name)
        towers = found
    from clip_app.model.onnx_engine import OnnxEngine

    return OnnxEngine(towers, "int8")


def serves_towers(settings: Settings) -> bool:
    """Whether exported towers, where there are any, answer: on a CPU, in float32 or 8 bits."""
    # What lends a GPU to visitors' requests has none to see until then, and wants it asked for.
    if settings.zero_gpu or settings.engine == "torch":
        return False
    if settings.precision not in ("auto", "float32", "int8"):
        return False
    if settings.device == "auto":
        return settings.engine == "onnx" or not _has_accelerator()
    return settings.device == "cpu"


def _has_accelerator() -> bool:
    """Whether torch would find one; it is asked only where there may be one."""
    if not has_torch() or not any(
        (
            sys.platform == "darwin" and platform.machine() == "arm64",
            os.path.exists("/dev/nvidiactl"),
            os.path.exists("/dev/dxg"),  # a GPU inside WSL
            os.path.exists("/dev/kfd"),  # AMD's
            sys.platform == "win32" and shutil.which("nvidia-smi"),
        )
    ):
        return False
    from clip_app.model.torch_engine import best_device

    return best_device() != "cpu"
