"""What a caller may ask for: how often, how much at once, and only with a key where one is set."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clip_app.errors import ClipAppError
from clip_app.server.http.access import Keys
from clip_app.server.http.errors import RequestError, refusal, too_often, unexpected

log = logging.getLogger(__name__)

# As many as Gradio's queue holds; beyond them nobody would wait for an answer.
_MOST_REQUESTS = 1024

# Bodies, and pictures fetched for them, in memory together, in the largest that one may be:
# 400 MB by default.
_MOST_BODIES = 8

_RETRY_SECONDS = "1"

# How long nothing of a body may come: who sends one slowly holds a place of 1,024 with it.
_SILENT_SECONDS = 60.0

# Pictures of one request that are fetched at the same time, and for how long all of them are.
_FETCHED_AT_ONCE = 8
_FETCHING_SECONDS = 30.0


class Room:
    """What one request holds in memory, and the time it has to fetch more of it.

    Args:
        guard: which counts what all requests hold.
        largest: bytes of one request, whether they were sent or fetched.
        receive: what else the server tells of the request once its body is whole.

    Attributes:
        held: bytes so far.
        sent: those of them that came as its body.
    """

    def __init__(self, guard: "Guard", largest: int, receive: Receive) -> None:
        self._guard = guard
        self._largest = largest
        self._receive = receive
        self._left = threading.Event()
        self._watch: asyncio.Task[None] | None = None
        self.held = 0
        self.sent = 0
        self._fetching = asyncio.Semaphore(_FETCHED_AT_ONCE)
        self._until: float | None = None

    def take(self, size: int, too_large: str = "http_too_large") -> None:
        """Count bytes that have come.

        Args:
            size: how many.
            too_large: the sentence if the request holds too many by them.

        Raises:
            RequestError: if it does, or all requests together do.
        """
        self.held += size
        self._guard.bytes += size
        if self.held > self._largest:
            raise RequestError(413, too_large, limit=self._largest // 1_000_000)
        if self._guard.bytes > _MOST_BODIES * self._largest:
            raise _busy()

    def give_back(self, size: int) -> None:
        """Count bytes that are held no longer."""
        self.held -= size
        self._guard.bytes -= size

    def left(self) -> threading.Event:
        """What is set once the caller has left; to be asked for when the body is whole."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._until_left())
        return self._left

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()

    def close(self) -> None:
        """Hold nothing any more, and watch nobody."""
        self.give_back(self.held)
        if self._watch is not None:
            self._watch.cancel()

    @asynccontextmanager
    async def fetching(self) -> AsyncIterator[None]:
        """Wait for a turn to fetch one picture.

        Raises:
            RequestError: once all the time that pictures of one request have is over.
        """
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + _FETCHING_SECONDS
        try:
            async with asyncio.timeout_at(self._until) as limit, self._fetching:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            seconds = int(_FETCHING_SECONDS)
            raise RequestError(422, "http_fetching_long", seconds=seconds) from error


#: Of the request that is being answered.
room: ContextVar[Room] = ContextVar("room")


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
        self.bytes = 0

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
            log.info("A caller left before it was answered.")
        except asyncio.CancelledError:  # the app ends, and waits for its last answers no longer
            if started:
                raise
            await refusal(scope, RequestError(503, "http_ending"))(scope, receive, send)
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
            raise too_often(self._limiter, self._rate, caller)

    @contextmanager
    def _room(self, scope: Scope, receive: Receive) -> Iterator[Receive]:
        """Count a request, and what of its body has come; gives what to receive it by."""
        headers = Headers(scope=scope)
        encoding = headers.get("content-encoding", "identity")
        if encoding.strip().lower() not in ("identity", ""):
            raise RequestError(415, "http_encoding", given=encoding[:80])
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_body:
            raise RequestError(413, "http_too_large", limit=self._max_body // 1_000_000)
        if self._requests >= _MOST_REQUESTS:
            raise _busy()
        held = Room(self, self._max_body, receive)

        whole = False

        async def counted() -> Message:
            nonlocal whole
            if whole:  # what comes then is that the caller has left
                return await receive()
            try:
                async with asyncio.timeout(_SILENT_SECONDS):
                    message = await receive()
            except TimeoutError as error:
                raise RequestError(408, "http_slow", seconds=int(_SILENT_SECONDS)) from error
            whole = not message.get("more_body", False)
            size = len(message.get("body", b""))
            held.sent += size
            held.take(size)
            return message

        self._requests += 1
        before = room.set(held)
        try:
            yield counted
        finally:
            room.reset(before)
            self._requests -= 1
            held.close()


def _busy() -> RequestError:
    return RequestError(503, "http_busy", {"retry-after": _RETRY_SECONDS})
