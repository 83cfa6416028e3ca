"""What runs a model's two towers, and the one place that chooses it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from clip_app.model.catalog import ModelSource
from clip_app.model.info import ModelSpec
from clip_app.settings import Settings


class Engine(Protocol):
    """Two towers. One thread calls at a time; arrays go in, unit rows come out.

    Attributes:
        device: where it runs, for people: `cpu`, `cuda (NVIDIA …)`.
        precision: its arithmetic: `float32`, `float16` or `bfloat16`.
        spec: what the weights fix.
        image_batch: how many images it takes best in one pass.
        context_length: how many tokens of a text are read; 0 where that is not known.
    """

    device: str
    precision: str
    spec: ModelSpec
    image_batch: int
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
    """The engine for a model whose files are here or can be had.

    Raises:
        ModelError: if the weights or their configuration cannot be used.
    """
    # Only here: torch and open_clip take seconds to import, and not every command encodes.
    from clip_app.model.torch_engine import TorchEngine

    return TorchEngine(source, settings)
