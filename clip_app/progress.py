"""How long-running work tells how far it is."""

from collections.abc import Callable

#: Called with (done, total) after each batch.
Progress = Callable[[int, int], None]
