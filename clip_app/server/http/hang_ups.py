"""Callers who hang up are no fault of the server, and a line of the log tells of them.

Gradio, MCP's library and the server itself write a traceback for each.
"""

import logging

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clip_app.server.http.access import PREFIX, path_below_mount

log = logging.getLogger(__name__)

# Requests by these have a body, which their caller may not send to its end.
_WITH_BODY = ("POST", "PUT", "PATCH")


class _LeftError(BaseException):
    """The caller is gone before all of the request came; nothing on the way is to answer that.

    Not an `Exception`, of which MCP's library would write a traceback and go on.
    """


class HangUps:
    """ASGI middleware around the whole app; `/v1`, which counts those who leave, tells itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on until it is answered, or nobody is there to be answered."""
        if scope["type"] != "http" or path_below_mount(scope).startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        whole = scope["method"] not in _WITH_BODY

        async def received() -> Message:
            nonlocal whole
            message = await receive()
            if message["type"] == "http.disconnect" and not whole:
                raise _LeftError
            whole = whole or not message.get("more_body", False)
            return message

        try:
            await self._app(scope, received, send)
        except _LeftError:
            log.info("A caller left before its request was whole.")
        except RuntimeError as error:
            # Gradio refuses to go on with an answer: its caller's session has ended meanwhile, or
            # with the app that ran here before, and the answer so far has told that.
            if not isinstance(error.__cause__, HTTPException):
                raise
            log.info("%s: %s", scope["path"], error.__cause__)
            await send({"type": "http.response.body", "body": b""})
