"""Where requests are worked on, so that the loop that all connections share never waits."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from starlette.requests import ClientDisconnect

from clip_app.progress import NobodyWaitsError, check_wanted, nobody_waits
from clip_app.server.http.limits import room

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# Enough at once to fill the model's batches, as of Gradio's handlers; the rest waits its turn.
_THREADS = 64

_pool = ThreadPoolExecutor(_THREADS, "http")


async def in_thread(
    work: Callable[_Given, _Result], *given: _Given.args, **named: _Given.kwargs
) -> _Result:
    """What `work` returns or raises, run on a thread.

    Raises:
        ClientDisconnect: if the caller has left: 10,000 labels would be encoded for nobody, while
            others wait for an answer.
    """

    def wanted() -> _Result:
        check_wanted()  # who waited for a thread may have left, too
        return work(*given, **named)

    context = contextvars.copy_context()
    context.run(nobody_waits.set, room.get().left().is_set)
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, context.run, wanted)
    except NobodyWaitsError as error:
        raise ClientDisconnect from error
