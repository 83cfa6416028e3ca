"""How long each step takes: counted in this process, shown by `/health` and the metrics page."""

import contextlib
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

# Percentiles are over this many latest measurements.
_REMEMBERED = 1000


@dataclass(frozen=True)
class StepTimes:
    """One step: how often, and milliseconds an item: the mean of all, the rest of the latest."""

    count: int
    mean_ms: float
    median_ms: float
    p95_ms: float


class Steps:
    """Times by step. May be used from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, tuple[int, float]] = {}
        self._latest: dict[str, deque[float]] = {}

    @contextlib.contextmanager
    def measure(self, step: str, items: int = 1) -> Iterator[None]:
        """Note how long the block took for `items` items."""
        started = time.perf_counter()
        yield
        self.note(step, time.perf_counter() - started, items)

    def note(self, step: str, seconds: float, items: int = 1) -> None:
        """Note that `items` items took `seconds` together."""
        with self._lock:
            count, total = self._totals.get(step, (0, 0.0))
            self._totals[step] = (count + items, total + seconds)
            self._latest.setdefault(step, deque(maxlen=_REMEMBERED)).append(seconds / items)

    def times(self) -> dict[str, StepTimes]:
        """Every step so far, in alphabetical order."""
        with self._lock:
            totals = dict(self._totals)
            latest = {step: sorted(values) for step, values in self._latest.items()}
        return {
            step: StepTimes(
                count,
                1000 * total / count,
                1000 * statistics.median(latest[step]),
                1000 * latest[step][min(len(latest[step]) - 1, int(0.95 * len(latest[step])))],
            )
            for step, (count, total) in sorted(totals.items())
        }


#: The times of this process.
steps = Steps()
