"""Runs that may take long: on a thread of their own, telling how far they are until they end."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from clip_app.progress import Progress
from clip_app.ui.tab import Values

Answer = TypeVar("Answer")

_POLL_SECONDS = 0.25


@dataclass
class Wanted:
    """What a visitor has asked last; a run for anything else is not wanted any more."""

    asked: tuple[Any, ...] = ()


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

    pool = ThreadPoolExecutor(1)
    run = pool.submit(work, told)
    try:
        while not wait([run], _POLL_SECONDS).done:
            if seen[1]:
                yield shown(*seen)
    finally:
        left = not run.done()
        # Of a page that is left Gradio closes the generator on the server's event loop: to wait
        # there for the run's next progress stood still for everybody, for minutes under load.
        pool.shutdown(wait=False)
    return run.result()
