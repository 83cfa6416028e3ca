"""How many wrong keys an address may send."""

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from clip_app.server.http.access import Keys, path_below_mount
from clip_app.server.http.errors import refusal, too_often


class Guesses:
    """ASGI middleware in front of whatever asks for keys: who guesses at them must wait.

    An address that has sent as many wrong keys as a caller may send requests is refused before
    its next one is looked at: else the answers would still tell which is right.

    Args:
        app: what asks for keys.
        keys: the right ones.
        rate: how many wrong ones; None for any number.
        below: where keys are asked for; elsewhere the same header may say something else.
    """

    def __init__(
        self, app: ASGIApp, keys: Keys, rate: RateLimitItem | None, below: str = ""
    ) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate
        self._below = f"{below}/"
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; refuse one with a key after too many wrong ones."""
        if self._rate and self._carries_key(scope):
            address = (scope.get("client") or ("",))[0]
            if not self._limiter.test(self._rate, address):
                error = too_often(self._limiter, self._rate, address)
                await refusal(scope, error)(scope, receive, send)
                return
            if self._keys.used(scope["headers"]) is None:
                self._limiter.hit(self._rate, address)
        await self._app(scope, receive, send)

    def _carries_key(self, scope: Scope) -> bool:
        return (
            scope["type"] == "http"
            and path_below_mount(scope).startswith(self._below)
            and self._keys.sent(scope["headers"]) is not None
        )
