"""Runs that may take long: on a thread of their own, telling how far they are until they end."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from clip_app.progress import Progress
from clip_app.ui.tab import Values

Answer = TypeVar("Answer")

_POLL_SECONDS = 0.25


class StoppedError(Exception):
    """Raised in a run that is not wanted any more."""


def followed(
    work: Callable[[Progress], Answer],
    unwanted: Callable[[], bool],
    shown: Callable[[int, int], Values],
) -> Generator[Values, None, Answer]:
    """Do `work`, and yield what is shown of (done, total) four times a second once it tells them.

    Args:
        work: takes the callback that it tells its progress.
        unwanted: looked at whenever progress is told; a generator that is closed is unwanted, too.
        shown: makes the handler's answer of how far the run is.

    Returns:
        What `work` returns.

    Raises:
        StoppedError: if the run was not wanted any more.
    """
    seen = [0, 0]
    left = False

    def told(done: int, total: int) -> None:
        if left or unwanted():
            raise StoppedError
        seen[:] = done, total

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(work, told)
        try:
            while not wait([run], _POLL_SECONDS).done:
                if seen[1]:
                    yield shown(*seen)
        finally:
            left = not run.done()
    return run.result()
