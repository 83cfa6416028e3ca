"""The log-in in front of every route, whoever has mounted it.

Gradio asks for the log-in route by route and leaves some out, MCP among them. This stands before
all of them and lets nothing through but what the log-in page itself is made of.
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clip_app.server.http.access import Keys, path_below_mount
from clip_app.server.http.errors import RequestError, refusal

#: What the log-in page needs: its scripts and styles, which are Gradio's and the same everywhere,
#: and sending the form. No other route answers a visitor who has not logged in.
OPEN_ROUTES = (
    ("GET", "/"),
    ("POST", "/login"),
    ("POST", "/login/"),
    ("GET", "/theme.css"),
    ("GET", "/favicon.ico"),
    # The page's title and icon; browsers fetch it without the cookie, even after the log-in.
    ("GET", "/manifest.json"),
    ("GET", "/robots.txt"),
)
OPEN_FOLDERS = ("/assets/", "/static/", "/svelte/")

# Only plain names: nothing that a later reader could take for another path.
_PLAIN = re.compile(r"/(?:[\w.~@+-]+/)*[\w.~@+-]*", re.ASCII)

#: The header by which the app knows its own requests: MCP's tools ask the app over HTTP.
OWN_HEADER = "x-clip-app-own"


class LogIn:
    """What one running app lets in.

    Args:
        credentials: user name and password.

    Attributes:
        own_key: what `OWN_HEADER` has to say in the app's own requests.
        starting: whether Gradio is still starting: it asks for one page of its own by then.
    """

    def __init__(self, credentials: tuple[str, str]) -> None:
        self.user = credentials[0]
        self.own_key = secrets.token_urlsafe(32)
        self.starting = True
        self.token = secrets.token_urlsafe(32)
        # Clients differ in how they write letters beyond ASCII.
        pair = ":".join(credentials)
        self._basic = [pair.encode("utf-8"), pair.encode("latin-1", "ignore")]

    def holds(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request carries the password, or is the app's own."""
        for name, value in headers:
            if name == OWN_HEADER.encode() and hmac.compare_digest(value, self.own_key.encode()):
                return True
            if name == b"authorization":
                given = _basic(value)
                matches = [hmac.compare_digest(given, one) for one in self._basic]
                if any(matches):
                    return True
        return False


class Gate:
    """ASGI middleware of a Gradio app that asks for a log-in, by cookie or by HTTP Basic.

    Args:
        app: what it stands before.
        log_in: what it asks for.
        keys: what opens `/v1` as well.
    """

    def __init__(self, app: ASGIApp, log_in: LogIn, keys: Keys) -> None:
        self._app = app
        self._log_in = log_in
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what has a log-in or needs none; answer the rest with 401."""
        path = path_below_mount(scope)
        if scope["type"] == "lifespan" or _logged_in(scope):
            await self._app(scope, receive, send)
        elif self._log_in.holds(scope["headers"]):
            await self._app(self._with_log_in(scope), receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif self._keys.opens(path, scope["headers"]):
            await self._app(scope, receive, send)
        elif path == "/" and is_open(scope["method"], path):
            await self._app({**scope, "query_string": b""}, receive, _without_api(send))
        elif is_open(scope["method"], path) or (self._log_in.starting and path == _START):
            await self._app(scope, receive, send)
        else:
            await _refusal(scope)(scope, receive, send)

    def _with_log_in(self, scope: Scope) -> Scope:
        """The request as if it came from a browser that has logged in."""
        gradio_app: Any = scope["app"]
        # Each time: logging out anywhere removes all of a user's tokens.
        gradio_app.tokens[self._log_in.token] = self._log_in.user
        name = f"access-token-unsecure-{gradio_app.cookie_id}"
        left_out = {b"cookie", b"authorization", OWN_HEADER.encode()}
        headers = [one for one in scope["headers"] if one[0] not in left_out]
        cookie = f"{name}={self._log_in.token}".encode()
        return {**scope, "headers": [*headers, (b"cookie", cookie)]}


def _logged_in(scope: Scope) -> bool:
    """Whether the cookie is one that Gradio has given out; read as Gradio reads it."""
    gradio_app: Any = scope["app"]
    cookies = HTTPConnection(scope).cookies
    token = cookies.get(f"access-token-{gradio_app.cookie_id}") or cookies.get(
        f"access-token-unsecure-{gradio_app.cookie_id}"
    )
    return token is not None and gradio_app.tokens.get(token) is not None


def _refusal(scope: Scope) -> JSONResponse:
    # Browsers would open a dialogue of their own over the log-in page.
    browser = "sec-fetch-mode" in Headers(scope=scope)
    realm = {} if browser else {"www-authenticate": _REALM}
    return refusal(scope, RequestError(401, "login_needed", realm))


def _without_api(send: Send) -> Send:
    """`send` for the log-in page, into which Gradio writes the whole documentation of the API."""
    start: list[Message] = []
    body = bytearray()

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.append(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        page = _API_INFO.sub(rb"\1{}\2", bytes(body))
        headers = [one for one in start[0]["headers"] if one[0] != b"content-length"]
        if body:  # an answer to HEAD has none
            headers.append((b"content-length", str(len(page)).encode()))
        await send({**start[0], "headers": headers})
        await send({**message, "body": page})

    return sent


_API_INFO = re.compile(rb"(window\.gradio_api_info = ).*?(;</script>)", re.DOTALL)
_START = "/gradio_api/startup-events"
_REALM = 'Basic realm="clip_app", charset="UTF-8"'


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no log-in."""
    method = "GET" if method == "HEAD" else method
    if (method, path) in OPEN_ROUTES:
        return True
    plain = _PLAIN.fullmatch(path) and ".." not in path
    return method == "GET" and bool(plain) and path.startswith(OPEN_FOLDERS)


def _basic(value: bytes) -> bytes:
    """User and password of an `Authorization` header, as UTF-8; empty if it has none."""
    scheme, _, encoded = value.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
