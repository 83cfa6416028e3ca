"""Where requests are worked on, so that the loop that all connections share never waits."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# Enough at once to fill the model's batches, as of Gradio's handlers; the rest waits its turn.
_THREADS = 64

_pool = ThreadPoolExecutor(_THREADS, "http")


async def in_thread(
    work: Callable[_Given, _Result], *given: _Given.args, **named: _Given.kwargs
) -> _Result:
    """What `work` returns or raises, run on a thread."""
    run = partial(contextvars.copy_context().run, work, *given, **named)
    return await asyncio.get_running_loop().run_in_executor(_pool, run)
