"""What a caller may ask for: how often, how much at once, and only with a key where one is set."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clip_app.errors import ClipAppError
from clip_app.server.http.access import Keys
from clip_app.server.http.errors import RequestError, refusal, unexpected

log = logging.getLogger(__name__)

# As many as Gradio's queue holds; beyond them nobody would wait for an answer.
_MOST_REQUESTS = 1024

# Bodies in memory together, in the largest that one may be: 400 MB by default.
_MOST_BODIES = 8

_RETRY_SECONDS = "1"


class Guard:
    """ASGI middleware in front of `/v1`: keys, rates, and bodies that are too large or too many.

    Args:
        app: what it guards.
        keys: by which callers are told apart.
        closed: whether one must be sent; not where the page's log-in has been asked for already.
        rate: how often each caller may ask, by key or address; None for any number.
        max_body: bytes of the largest body.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, closed: bool, rate: RateLimitItem | None, max_body: int
    ) -> None:
        self._app = app
        self._keys = keys
        self._closed = closed
        self._rate = rate
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._max_body = max_body
        self._requests = 0
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            self._check_caller(scope)
            with self._room(scope, receive) as counted:
                await self._app(scope, counted, sent)
        except ClipAppError as error:
            await refusal(scope, error)(scope, receive, send)
        except ClientDisconnect:
            log.info("A caller left before its request was whole.")
        except Exception:
            log.exception("Unexpected error in %s", scope["path"])
            if started:
                raise
            await unexpected(scope)(scope, receive, send)

    def _check_caller(self, scope: Scope) -> None:
        key = self._keys.used(scope["headers"])
        if self._closed and key is None:
            raise RequestError(401, "http_key_needed", {"www-authenticate": "Bearer"})
        if self._rate is None:
            return
        address = (scope.get("client") or ("",))[0]
        caller = address if key is None else f"key {key}"
        if not self._limiter.hit(self._rate, caller):
            again = self._limiter.get_window_stats(self._rate, caller).reset_time - time.time()
            seconds = max(1, math.ceil(again))
            wait = {"retry-after": str(seconds)}
            raise RequestError(429, "http_too_often", wait, seconds=seconds)

    @contextmanager
    def _room(self, scope: Scope, receive: Receive) -> Iterator[Receive]:
        """Count a request, and what of its body has come; gives what to receive it by."""
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_body:
            raise self._too_large()
        if self._requests >= _MOST_REQUESTS:
            raise _busy()
        held = 0

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            held += size
            self._bytes += size
            if held > self._max_body:
                raise self._too_large()
            if self._bytes > _MOST_BODIES * self._max_body:
                raise _busy()
            return message

        self._requests += 1
        try:
            yield counted
        finally:
            self._requests -= 1
            self._bytes -= held

    def _too_large(self) -> RequestError:
        return RequestError(413, "http_too_large", limit=self._max_body // 1_000_000)


def _busy() -> RequestError:
    return RequestError(503, "http_busy", {"retry-after": _RETRY_SECONDS})
