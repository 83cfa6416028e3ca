"""Errors of a panel that a script draws: they stand in it, and it goes on."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError, Reason
from clip_app.ui.tab import Values
from clip_app.ui.words import Both, said_in_both

log = logging.getLogger(__name__)

#: Takes the values by component and what the panel's script sent with its event.
PanelHandler = Callable[[Values, Any], Iterator[Values]]


def errors_in_panel(
    handler: PanelHandler, problem: Callable[[Values, Both], Values]
) -> Callable[[Values, gr.EventData], Iterator[Values]]:
    """Answer with `problem` where a handler fails, or the panel's buttons would wait for ever."""

    def answered(given: Values, event: gr.EventData) -> Iterator[Values]:
        try:
            yield from handler(given, event._data or {})
        except ClipAppError as error:
            yield problem(given, said_in_both(error))
        except Exception:
            log.exception("Unexpected error in %s", handler)
            yield problem(given, said_in_both(Reason("unexpected")))

    answered.__name__ = getattr(handler, "__name__", "answered")
    return answered
