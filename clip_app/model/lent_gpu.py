"""A GPU that Hugging Face lends for one call at a time: the `spaces` package on a ZeroGPU Space."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from clip_app.errors import ClipAppError, ModelError

# Seconds of GPU a call may take: a batch takes far less, and a short declaration gets a better
# place in the queue.
_SECONDS = 5


def lent(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work` as it runs on a lent GPU: in another process, forked from this one.

    Arguments and results go through a pipe. What is raised there would arrive as nothing but its
    name, so errors of ours are handed over as results.

    Args:
        work: what uses the GPU; must be wrapped before the page is served.

    Returns:
        the same to call, from any thread; whose GPU time it takes the thread's context says. It
        also raises ModelError where no GPU is lent, or is taken away again.
    """
    import spaces  # exists on such Spaces only

    @wraps(work)
    def handed_over(*arguments: Any) -> Any:
        try:
            return work(*arguments)
        except ClipAppError as error:
            return error.bare()

    on_gpu = spaces.GPU(duration=_SECONDS)(handed_over)

    @wraps(work)
    def asked(*arguments: Any) -> Any:
        try:
            answer = on_gpu(*arguments)
        except Exception as error:
            # Gradio's errors, whose `str` puts the sentence into quotation marks.
            reason = str(getattr(error, "message", error)).rstrip(". ")
            raise ModelError("gpu_not_lent", reason=reason) from error
        if isinstance(answer, ClipAppError):
            raise answer
        return answer

    return asked
