"""Requests that are not as an endpoint takes them: one sentence, in the language of the request."""

import inspect
import logging
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from gradio.route_utils import FnIndexInferError

from clip_app.strings import text
from clip_app.ui.errors import request_language

log = logging.getLogger(__name__)


class _MalformedError(Exception):
    """Values that an endpoint's components do not take."""


class CheckedBlocks(gr.Blocks):
    """Gradio's page, whose errors about a request's form are sentences of ours.

    Gradio answers with the text of whatever was raised while values were unpacked, which is for
    developers and may name files of this machine, and writes a traceback for each.
    """

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], *rest: Any, **named: Any
    ) -> Any:
        """As in the base class; what is left out at the end takes the endpoint's default.

        Raises:
            _MalformedError: if the values are not such as the components take.
        """
        try:
            inputs = [*inputs, *_defaults(block_fn, len(inputs))]
            for block, value in zip(block_fn.inputs, inputs, strict=False):
                # Gradio would take the text of a list for what was typed.
                if isinstance(block, gr.Textbox) and isinstance(value, list | dict | bool):
                    raise _MalformedError(f"{block.label}: {type(value).__name__}")
            return await super().preprocess_data(block_fn, inputs, *rest, **named)
        except gr.Error as error:
            # A visitor's mistake, such as a file of the wrong kind: no traceback in the log.
            error.print_exception = False
            raise
        except Exception as error:
            raise _MalformedError(f"{type(error).__name__}: {error}") from error

    async def process_api(self, *values: Any, **named: Any) -> dict[str, Any]:
        """As in the base class.

        Raises:
            gr.Error: with our sentence, if the request is malformed.
        """
        try:
            return await super().process_api(*values, **named)
        except _MalformedError as error:
            log.info("A request was refused: %s", str(error).splitlines()[0][:200])
            language = request_language(named.get("request"))
            raise gr.Error(
                text("request_malformed", language),
                title=text("error", language),
                print_exception=False,
            ) from None


def _defaults(block_fn: Any, given: int) -> list[Any]:
    """The values after the first `given`, if every one of them has a default.

    Gradio's Python client fills them in; plain HTTP gets here without them, and callers written
    before an endpoint had its last argument never send it.
    """
    if given >= len(block_fn.inputs):
        return []
    parameters = [*inspect.signature(block_fn.fn).parameters.values()]
    missing = [one.default for one in parameters[given : len(block_fn.inputs)]]
    return [] if inspect.Parameter.empty in missing else missing


async def _malformed(request: Request, _: Exception) -> JSONResponse:
    return JSONResponse({"detail": text("request_malformed", request_language(request))}, 422)


async def _unknown(request: Request, _: Exception) -> JSONResponse:
    return JSONResponse({"detail": text("endpoint_unknown", request_language(request))}, 404)


#: For the FastAPI app below the page: what is refused before an endpoint is found.
EXCEPTION_HANDLERS: dict[Any, Any] = {
    RequestValidationError: _malformed,
    FnIndexInferError: _unknown,
}
