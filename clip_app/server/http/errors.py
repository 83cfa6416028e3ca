"""Every error over plain HTTP: a fitting status, and one sentence in the language of the caller."""

import logging
import math
import time
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from limits import RateLimitItem
from limits.strategies import RateLimiter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from clip_app.errors import (
    ClipAppError,
    GalleryError,
    ImageError,
    InputError,
    UploadLimitError,
)
from clip_app.server.http.access import PREFIX, path_below_mount
from clip_app.strings import Language, language_of, text

log = logging.getLogger(__name__)

# Of the kinds of an error the first that fits; what is left is the server's trouble, and passes.
_STATUS_OF_KIND: tuple[tuple[type[ClipAppError], int], ...] = (
    (UploadLimitError, 413),
    (InputError, 422),
    (ImageError, 422),
    (GalleryError, 409),
    (ClipAppError, 503),
)
_STATUS_OF_KEY = {
    "image_too_large": 413,
    "image_file_too_large": 413,
    "image_unreadable": 415,
    "image_foreign": 415,
    "image_svg": 415,
    "image_out_of_memory": 503,
}
# Where OpenAI's clients ask, which look for the sentence in an object of its own, and the Hub's,
# which look for the sentence itself.
_OPENAI = ("/embeddings", "/models")
_HUB = ("/zero-shot-image-classification", "/feature-extraction")

# What OpenAI calls it.
_CODE_OF_STATUS = {401: "invalid_api_key", 429: "rate_limit_exceeded"}

_SENTENCE_OF_STATUS = {404: "http_unknown", 405: "http_method"}


class RequestError(ClipAppError):
    """A request that is refused with a status of its own.

    Args:
        status: of HTTP.
        key, params: see `ClipAppError`.
        headers: what else the answer says, such as when to come again.
    """

    def __init__(
        self, status: int, key: str, headers: Mapping[str, str] | None = None, **params: object
    ) -> None:
        self.status = status
        self.headers = headers
        super().__init__(key, **params)


def caller_language(scope: Scope) -> Language:
    """The language that a request asks for in its `Accept-Language` header."""
    return language_of(Headers(scope=scope).get("accept-language"))


def status_of(error: ClipAppError) -> int:
    """The status of HTTP for an error of ours."""
    if isinstance(error, RequestError):
        return error.status
    kind = next(status for kind, status in _STATUS_OF_KIND if isinstance(error, kind))
    return _STATUS_OF_KEY.get(error.key, kind)


def refusal(scope: Scope, error: ClipAppError) -> JSONResponse:
    """The answer for an error: `{"detail": sentence}`, of paths the last part only.

    `"error"` beside it is OpenAI's object or the Hub's sentence, where their clients ask.
    """
    headers = error.headers if isinstance(error, RequestError) else None
    return _told(scope, error.public_message(caller_language(scope)), status_of(error), headers)


def unexpected(scope: Scope) -> JSONResponse:
    """The answer where nobody knows better, which the log then does."""
    return _told(scope, text("unexpected", caller_language(scope)), 500)


def _told(
    scope: Scope, sentence: str, status: int, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A sentence as our callers read it, and OpenAI's and the Hub's where they may be who asks."""
    answer: dict[str, Any] = {"detail": sentence}
    # In front of what is mounted, the path still has the place of the mount.
    path = path_below_mount(scope).removeprefix(PREFIX)
    if path.startswith(_HUB):
        answer["error"] = sentence
    # OpenAI's try routes that are none of ours, too.
    elif status in _SENTENCE_OF_STATUS or path.startswith(_OPENAI):
        kind = "invalid_request_error" if status < 500 else "server_error"
        code = _CODE_OF_STATUS.get(status)
        answer["error"] = {"message": sentence, "type": kind, "param": None, "code": code}
    return JSONResponse(answer, status, headers)


async def _ours(request: Request, error: Any) -> JSONResponse:
    log.info("%s: %s", type(error).__name__, error)
    return refusal(request.scope, error)


async def _starlettes(request: Request, error: Any) -> JSONResponse:
    key = _SENTENCE_OF_STATUS.get(error.status_code, "http_malformed")
    sentence = text(key, caller_language(request.scope))
    return _told(request.scope, sentence, error.status_code, error.headers)


async def _malformed(request: Request, _: Any) -> JSONResponse:
    return refusal(request.scope, RequestError(422, "http_malformed"))


#: For the FastAPI app of `/v1`.
EXCEPTION_HANDLERS: dict[Any, Any] = {
    ClipAppError: _ours,
    HTTPException: _starlettes,
    RequestValidationError: _malformed,
}


def too_often(limiter: RateLimiter, rate: RateLimitItem, caller: str) -> RequestError:
    """That a caller must wait, and for how long."""
    again = limiter.get_window_stats(rate, caller).reset_time - time.time()
    seconds = max(1, math.ceil(again))
    return RequestError(429, "http_too_often", {"retry-after": str(seconds)}, seconds=seconds)
