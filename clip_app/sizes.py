"""How large something is, as people are told it: one way for files, limits and downloads."""

import math
from collections.abc import Callable


def megabytes(size: int, rounding: Callable[[float], int] = round) -> str:
    """What stands before "MB" for a number of bytes: "0.04", "3.27", "12.3", "1,464".

    A megabyte is a million bytes, as model hubs, disks and most file managers count.
    """
    places = 2 if size < 10_000_000 else 1 if size < 100_000_000 else 0
    step = 10 ** (6 - places)
    return f"{rounding(size / step) * step / 1_000_000:,.{places}f}"


def beyond(size: int, limit: int) -> tuple[str, str]:
    """A size above a limit, and the limit, both as `megabytes`, that never read as equal."""
    return megabytes(size, math.ceil), megabytes(limit, math.floor)
