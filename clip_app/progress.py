"""How long-running work tells how far it is, and ends where nobody waits for it any more."""

from collections.abc import Callable
from contextvars import ContextVar

#: Called with (done, total) after each batch.
Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """The `Progress` that tells nobody."""


#: Whether whoever asked for what this context works on has gone away.
nobody_waits: ContextVar[Callable[[], bool]] = ContextVar("nobody_waits", default=lambda: False)


class NobodyWaitsError(Exception):
    """Whoever asked has gone away; no person is left to read a sentence."""


def check_wanted() -> None:
    """Ask between two batches whether the next is still of use.

    Raises:
        NobodyWaitsError: if it is not.
    """
    if nobody_waits.get()():
        raise NobodyWaitsError
