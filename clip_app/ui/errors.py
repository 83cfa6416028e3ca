"""What went wrong, as one sentence in the language of whoever asked."""

import contextlib
import functools
import html
import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError
from clip_app.strings import Language, language_of, text

log = logging.getLogger(__name__)


def shows_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Make `handler`'s errors one sentence in the language that its last argument names.

    That argument is `language` in the page, where a message is HTML; in the API it is `request`,
    whose `Accept-Language` decides, and a message is plain text.
    """
    names = [*inspect.signature(handler).parameters]

    @contextlib.contextmanager
    def told(values: Sequence[Any], named: dict[str, Any]) -> Iterator[None]:
        given = dict(zip(names, values, strict=False)) | named
        language = given.get("language") or request_language(given.get("request"))
        try:
            yield
            return
        except ClipAppError as error:
            sentence = error.public_message(language)
            log.info("%s: %s", type(error).__name__, error)
        except gr.Error:
            raise
        except Exception:
            log.exception("Unexpected error in %s", handler.__name__)
            sentence = text("unexpected", language)
        if "language" in names:  # the page shows its messages as HTML; API callers get plain text
            sentence = html.escape(sentence)
        raise gr.Error(sentence, title=text("error", language), print_exception=False) from None

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def yielded(*values: Any, **named: Any) -> Iterator[Any]:
            with told(values, named):
                yield from handler(*values, **named)

        return yielded

    @functools.wraps(handler)
    def handled(*values: Any, **named: Any) -> Any:
        with told(values, named):
            return handler(*values, **named)

    return handled


def request_language(request: Any) -> Language:
    """The language that a caller of the API asks for in its `Accept-Language` header."""
    headers = getattr(request, "headers", None)
    return language_of(headers.get("accept-language") if headers else None)
