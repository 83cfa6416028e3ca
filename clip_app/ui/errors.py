"""What went wrong, as one sentence in the language of whoever asked."""

import contextlib
import functools
import html
import inspect
import logging
import operator
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from clip_app.errors import ClipAppError
from clip_app.progress import NobodyWaitsError, nobody_waits
from clip_app.strings import Language, language_of, text

log = logging.getLogger(__name__)


def shows_errors(
    handler: Callable[..., Any], language: gr.Radio | Callable[[dict[Any, Any]], Language]
) -> Callable[..., Any]:
    """Make the errors of a handler of the page one sentence, in the page's language.

    Args:
        handler: takes a dict of values by component, `language` among them, and what else Gradio
            gives it; it may be a generator.
        language: the component that says which language the page is in; or, for a run that takes
            long, what says it once the error is there.
    """
    spoken = operator.itemgetter(language) if isinstance(language, gr.Radio) else language
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def yielded(given: dict[Any, Any], *rest: Any) -> Iterator[Any]:
            with (
                told(handler, lambda: spoken(given), html.escape),
                contextlib.closing(handler(given, *rest)) as steps,
            ):
                for shown in steps:
                    yield shown
                    nobody_waits.set(_caller_left())  # each step has a context of its own

        return yielded

    @functools.wraps(handler)
    def handled(given: dict[Any, Any], *rest: Any) -> Any:
        with told(handler, lambda: spoken(given), html.escape):
            return handler(given, *rest)

    return handled


def answers_errors(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """`endpoint` for Gradio: its errors are a sentence in the language of the caller's request."""

    @functools.wraps(endpoint)
    def answered(*values: Any) -> Any:
        *asked, request = values
        with told(endpoint, lambda: request_language(request), str):
            return endpoint(*asked)

    # Gradio hands over the request to whatever names it so in its signature.
    kind: Any = gr.Request | None
    asking = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=kind
    )
    known = inspect.signature(endpoint)
    wrapper: Any = answered
    wrapper.__signature__ = known.replace(parameters=[*known.parameters.values(), asking])
    wrapper.__annotations__ = {**endpoint.__annotations__, "request": kind}
    return answered


@contextlib.contextmanager
def told(
    handler: Callable[..., Any], spoken: Callable[[], Language], written: Callable[[str], str]
) -> Iterator[None]:
    """Raise errors as `gr.Error`, whose message is one sentence.

    Args:
        handler: what is run inside, named in the log where its error is nobody's mistake.
        spoken: gives the language of the sentence, once there is one.
        written: makes of the plain sentence what is shown: HTML for Gradio's messages.
    """
    nobody_waits.set(_caller_left())
    try:
        yield
        return
    except ClipAppError as error:
        language = spoken()
        sentence = error.public_message(language)
        log.info("%s: %s", type(error).__name__, error)
    except gr.Error:
        raise
    except NobodyWaitsError:
        log.info("A caller left before it was answered.")
        raise gr.Error(print_exception=False) from None
    except Exception:
        log.exception("Unexpected error in %s", handler.__name__)
        language = spoken()
        sentence = text("unexpected", language)
    raise gr.Error(
        written(sentence), title=text("error", language), print_exception=False
    ) from None


def _caller_left() -> Callable[[], bool]:
    """What tells whether whoever asked for what runs here has gone: the queue marks their event."""
    blocks, event = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if blocks is None or event is None:  # not through the queue
        return lambda: False
    # One that is cancelled is there no more.
    return lambda: not getattr(blocks._queue.event_ids_to_events.get(event), "alive", False)


def request_language(request: Any) -> Language:
    """The language that a caller of the API asks for in its `Accept-Language` header."""
    headers = getattr(request, "headers", None)
    return language_of(headers.get("accept-language") if headers else None)
