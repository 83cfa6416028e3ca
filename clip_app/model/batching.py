"""Threads for the device, and images of several callers in one forward pass."""

import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from clip_app.errors import ModelError
from clip_app.model.info import Pixels
from clip_app.model.preprocess import prepare, stacked

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


def in_halves(forward: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """`forward` of pixels; of a half after the other where they do not fit the memory together.

    Args:
        forward: raises `MemoryError` where they do not fit.
        pixels: (n, 3, height, width).

    Raises:
        ModelError: if not even one image fits.
    """
    try:
        return forward(pixels)
    except MemoryError as error:
        if len(pixels) == 1:
            raise ModelError("out_of_memory") from error
    half = len(pixels) // 2
    log.warning("Out of memory with %d images; trying %d.", len(pixels), half)
    return np.concatenate([in_halves(forward, part) for part in (pixels[:half], pixels[half:])])


class DeviceThreads:
    """The threads on which both towers run, first come, first served: one for most engines.

    OpenMP keeps a team of threads for each thread that computes. When every handler ran its own
    forward passes, those teams waited for one another on the same cores: a pass of 20 ms took
    hundreds of milliseconds of processor time.

    Args:
        number: how many passes run at the same time.
    """

    def __init__(self, number: int) -> None:
        self._executor = ThreadPoolExecutor(number, "device")

    def start(self, work: Callable[[], Any]) -> None:
        """Have `work` done after what was asked before."""
        # Where a GPU is lent to a visitor's request, the context says whose request it is.
        self._executor.submit(contextvars.copy_context().run, work)

    def run(self, work: Callable[[], _Result]) -> _Result:
        """Wait for `work`, and return or raise what it does."""
        return self._executor.submit(contextvars.copy_context().run, work).result()


class CallersThread:
    """In place of it where a GPU is lent to whoever asks: each asks on a thread of their own.

    A visitor waits in a queue there, is told of a quota that is used up, or has the call ended, and
    none of it is another's.
    """

    def run(self, work: Callable[[], _Result]) -> _Result:
        """Do `work` now."""
        return work()


@dataclass
class _Waiting:
    """One caller's images, and where their features are handed over."""

    pixels: Sequence[Pixels]
    features: Future[np.ndarray] = field(default_factory=Future)


class ImageQueue:
    """Puts whatever waited while the device was busy into the next forward pass together.

    There is no waiting time: each call asks for one pass, and a pass takes along the images of
    those behind it, whose own pass then finds nothing left to do.
    """

    def __init__(
        self,
        forward: Callable[[np.ndarray], np.ndarray],
        max_batch: int,
        device: DeviceThreads,
    ) -> None:
        self.max_batch = max_batch
        self._forward = forward
        self._device = device
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()

    def ask(self, pixels: Sequence[Pixels]) -> Future[np.ndarray]:
        """Features, once they are there, of (3, height, width) pixels, at most `max_batch`."""
        mine = _Waiting(pixels)
        self._append(mine)
        return mine.features

    def ask_for(self, make: Callable[[], Sequence[Pixels]]) -> Future[np.ndarray]:
        """`ask` for what `make` makes; its errors are those of the answer.

        Whoever waits is woken once: a thread that wakes takes turns with all others for Python's
        lock, and at 32 callers most of them would.
        """
        mine = _Waiting(())

        def run() -> None:
            try:
                mine.pixels = make()
            except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
                mine.features.set_exception(error)
            else:
                self._append(mine)

        prepare(run)
        return mine.features

    def _append(self, one: _Waiting) -> None:
        with self._lock:
            self._waiting.append(one)
        self._device.start(self._run_next)

    def _next_batch(self) -> list[_Waiting]:
        with self._lock:
            batch: list[_Waiting] = []
            room = self.max_batch
            while self._waiting and len(self._waiting[0].pixels) <= room:
                batch.append(self._waiting.popleft())
                room -= len(batch[-1].pixels)
            return batch

    def _run_next(self) -> None:
        batch = self._next_batch()
        if not batch:
            return
        try:
            features = self._forward(stacked([p for one in batch for p in one.pixels]))
        except Exception as error:  # noqa: BLE001 - handed to every caller whose images these were
            for one in batch:
                one.features.set_exception(error)
            return
        start = 0
        for one in batch:
            one.features.set_result(features[start : start + len(one.pixels)])
            start += len(one.pixels)


class CallersPasses:
    """In place of the queue where a GPU is lent to whoever asks, see `CallersThread`."""

    def __init__(self, forward: Callable[[np.ndarray], np.ndarray], max_batch: int) -> None:
        self.max_batch = max_batch
        self._forward = forward

    def ask(self, pixels: Sequence[Pixels]) -> Future[np.ndarray]:
        """As of `ImageQueue`, in a pass of its own."""
        features: Future[np.ndarray] = Future()
        features.set_result(self._forward(stacked([*pixels])))
        return features

    def ask_for(self, make: Callable[[], Sequence[Pixels]]) -> Future[np.ndarray]:
        """As of `ImageQueue`; only what is made is made elsewhere."""
        return self.ask(prepare(make).result())
