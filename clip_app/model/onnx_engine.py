"""Exported towers on ONNX Runtime: the CPU's engine, without torch in the process."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import onnxruntime
import psutil

from clip_app.errors import ModelError
from clip_app.model.batching import in_halves
from clip_app.model.tokenizer import Tokenizer
from clip_app.model.towers import (
    IMAGE_TOWER,
    IMAGE_TOWER_INT8,
    TEXT_TOWER,
    TEXT_TOWER_INT8,
    Towers,
)

# Images in one forward pass. ViT-B/32-256 takes 41 ms for one alone, 36 each of 4 and 31 each of 8;
# more would make a text that comes between wait longer, for little.
_IMAGE_BATCH = 8

# Small models, up to so many parameters, wait more than they compute where cores share a pass: at
# the end of each of many short steps for the slower one. A pass on each core, of fewer images,
# which the core's own memory holds, takes 2.6 ms an image on two cores instead of 3.2 (the
# starter), and 31.6 instead of 31.0 for ViT-B/32-256, whose weights would be in memory twice.
_SMALL = 60_000_000
_SMALL_BATCH = 4

# Errors only: what it warns of (initializers that nobody needs) is nobody's business.
_ERRORS = 3


class OnnxEngine:
    """One exported model on the CPU; see `clip_app.model.engine.Engine`.

    Each tower is opened with the first image or text: a search by words never reads the image
    tower, indexing never the text tower. Their weights are mapped, not read.
    """

    name = "onnx"

    def __init__(self, towers: Towers, precision: str = "float32") -> None:
        """Take the towers of a folder; `precision` is `float32` or `int8`.

        Raises:
            ModelError: if the folder's tokenizer cannot be read.
        """
        self._towers = towers
        self.device = "cpu"
        self.precision = precision
        small = towers.spec.parameters <= _SMALL
        self.image_batch = _SMALL_BATCH if small else _IMAGE_BATCH
        self.passes = _cores() if small else 1
        self.context_length = towers.text.context_length
        self.spec = towers.spec
        self._image_tower = self._tower(IMAGE_TOWER, IMAGE_TOWER_INT8)
        self._text_tower = self._tower(TEXT_TOWER, TEXT_TOWER_INT8)
        self._tokenizing = threading.Lock()

    def image_features(self, pixels: np.ndarray) -> np.ndarray:
        """Unit rows of pixels; a batch that does not fit the memory is halved."""
        return in_halves(self._image_pass, np.ascontiguousarray(pixels))

    def _image_pass(self, pixels: np.ndarray) -> np.ndarray:
        return _unit_rows(self._run(self._image_tower, pixels))

    def text_features(self, texts: Sequence[str]) -> np.ndarray:
        """Unit rows of texts, in one forward pass."""
        try:
            tokens = self._towers.text.trimmed(self.token_ids(texts))
            return _unit_rows(self._run(self._text_tower, np.ascontiguousarray(tokens)))
        except MemoryError as error:
            raise ModelError("out_of_memory") from error

    def token_ids(self, texts: Sequence[str]) -> np.ndarray:
        """What the text tower reads of each text."""
        with self._tokenizing:  # it is read when the first asks, and not made for two at once
            return self._tokenizer(texts)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._towers)

    def _tower(self, plain: str, int8: str) -> "_Tower":
        # A tower that gains nothing from 8 bits has none.
        in_int8 = self.precision == "int8" and os.path.exists(self._towers.file(int8))
        return _Tower(self._towers.file(int8 if in_int8 else plain))

    @staticmethod
    def _run(tower: "_Tower", batch: np.ndarray) -> np.ndarray:
        try:
            with tower.session() as session:
                features: np.ndarray = session.run(None, {session.get_inputs()[0].name: batch})[0]
        except onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException as error:
            if "allocate" in str(error):
                raise MemoryError(str(error)) from error
            raise
        return features


class _Tower:
    """One tower, opened for one batch and, with the second, for many.

    For many, all weights are laid out anew as the processor likes them, in memory of their own. A
    command that asks one thing would give that time for nothing: a first text through
    XLM-RoBERTa's tower takes 0.36 s with it and 0.13 s without; the next ones 0.02 s and 0.07 s.

    Passes at the same time do not share the cores but take one each; a pass by itself has all.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._running = 0
        self._session: onnxruntime.InferenceSession | None = None
        self._is_for_many = False
        self._on_one_core: onnxruntime.InferenceSession | None = None

    @contextmanager
    def session(self) -> Iterator[onnxruntime.InferenceSession]:
        """What runs the next batch; errors as of `InferenceSession`."""
        with self._lock:
            session = self._on_its_own_core() if self._running else self._on_all_cores()
            self._running += 1
        try:
            yield session
        finally:
            with self._lock:
                self._running -= 1

    def _on_all_cores(self) -> onnxruntime.InferenceSession:
        if self._session is None or not self._is_for_many:
            for_many = self._session is not None
            self._session = None  # the memory of one goes before that of the other comes
            self._session = self._opened(_cores(), for_many=for_many)
            self._is_for_many = for_many
        return self._session

    def _on_its_own_core(self) -> onnxruntime.InferenceSession:
        if self._on_one_core is None:
            self._on_one_core = self._opened(1, for_many=True)
        return self._on_one_core

    def _opened(self, cores: int, *, for_many: bool) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores
        options.log_severity_level = _ERRORS
        # Threads that wait by spinning take the cores from those that decode: indexing 300
        # photographs took 4 % longer with them, of the clock and of the processor.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not for_many:
            options.add_session_config_entry("session.disable_prepacking", "1")
        return onnxruntime.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])


def _cores() -> int:
    """Physical cores that this process may use: a second thread on one core gains nothing."""
    known = hasattr(os, "sched_getaffinity")  # not on macOS and Windows
    usable = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    return min(psutil.cpu_count(logical=False) or usable, usable)


def _unit_rows(features: np.ndarray) -> np.ndarray:
    features = features.astype(np.float32, copy=False)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, 1e-12)  # as torch.nn.functional.normalize
