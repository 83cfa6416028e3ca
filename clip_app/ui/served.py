"""The page as it is served: our head and header around Gradio's, and what they need.

Gradio's own head tells whoever pastes a link that this is "Gradio", and its page is blank until
600 kB of scripts have run; so the header, the heading and the first photograph are served. Its 45
scripts are named in the head, rather than found one after another, and its 30 styles come as one
file: a browser asks a server for six things at a time.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from gradio.route_utils import get_root_url
from jinja2 import Environment, FileSystemLoader
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clip_app.server.http.access import path_below_mount
from clip_app.settings import Settings
from clip_app.strings import LANGUAGES, STRINGS, language_of, text
from clip_app.ui.chunks import chunks_of
from clip_app.ui.parts import PAGE
from clip_app.ui.shell import fixed_language

#: Where the browser finds what lies in `assets/page`.
FOLDER = "/page/"

# Gradio's scripts and its theme are named by a hash of what is in them; ours are not.
_FOR_EVER = "public, max-age=31536000, immutable"
_A_DAY = "public, max-age=86400"

# What the shell's script says itself.
_WORDS = ("title", "language", "theme_auto", "theme_light", "theme_dark")

_TEMPLATES = Environment(loader=FileSystemLoader(PAGE), autoescape=True, trim_blocks=True)

# Tags by which Gradio introduces itself, and the scripts with the whole configuration.
_TAGS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_CONFIG = re.compile(
    rb"<script>window\.gradio_config = .*?</script>\s*(?=<script data-)", re.DOTALL
)
_BODY = re.compile(rb"<body[^>]*>")
_STYLE = re.compile(rb'<link rel="stylesheet"[^>]*href="\./assets/[^>]*>')
_THEME = re.compile(rb'"theme_hash":\s*"(\w+)"')


class ServedPage:
    """ASGI middleware of a Gradio app: puts the head, the header and a first paint into its page.

    Args:
        tabs: the keys of the tabs, in their order.
        settings: what the app was started with.
        model: gives what the header says of the model that answers.
        kinds: of components in the page, as `Block.get_block_name` has them.
    """

    def __init__(
        self,
        app: ASGIApp,
        tabs: list[str],
        settings: Settings,
        model: Callable[[], dict[str, Any]],
        kinds: Iterable[str],
    ) -> None:
        self._app = app
        self._tabs = tabs
        self._settings = settings
        self._model = model
        self._files = StaticFiles(directory=PAGE)
        # Gradio compresses by the ending of a path, and so leaves out the page: 290 kB.
        self._page = GZipMiddleware(self._serve_page, minimum_size=1000)
        self._chunks = chunks_of(kinds)
        self._style = self._chunks.style
        version = hashlib.sha256(self._style.encode()).hexdigest()[:16]
        self._style_path = f"{FOLDER}gradio-{version}.css"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file of ours, dress Gradio's page, or pass the request on."""
        path = path_below_mount(scope)
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif path == self._style_path:
            style = Response(self._style, media_type="text/css")
            await style(scope, receive, _Cached(send, _FOR_EVER))
        elif path.startswith(FOLDER):
            inner = {**scope, "root_path": "", "path": path.removeprefix(FOLDER[:-1])}
            await self._files(inner, receive, _Cached(send, _A_DAY))
        elif path == "/" and scope["method"] == "GET":
            await self._page(scope, receive, send)
        elif path.startswith("/assets/") or (path == "/theme.css" and scope["query_string"]):
            await self._app(scope, receive, _Cached(send, _FOR_EVER))
        else:
            await self._app(scope, receive, send)

    async def _serve_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, _Dressing(send, lambda page: self._dressed(page, scope)))

    def _dressed(self, page: bytes, scope: Scope) -> bytes:
        request = Request(scope)
        fixed = fixed_language(self._settings)
        known: dict[str, Any] = {
            # Before the log-in there is nothing to go to.
            "inside": not re.search(rb'"auth_required":\s*true', page),
            "text": text,
            "language": fixed or language_of(request.headers.get("accept-language")),
            "root": get_root_url(request, "/", request.scope.get("root_path")),
            "tabs": self._tabs,
            "mark": (PAGE / "mark.svg").read_text("utf-8"),
            "style": (PAGE / "shell.css").read_text("utf-8"),
            "script": (PAGE / "shell.js").read_text("utf-8"),
            "chunks": self._chunks,
            "theme": theme[1].decode() if (theme := _THEME.search(page)) else "",
            "gradio_style": "." + self._style_path,
            "told": {
                "language": fixed,
                "words": {key: {one: text(key, one) for one in LANGUAGES} for key in _WORDS},
                "names": [
                    [*pair, *re.findall(r"gradio (\w+\.\w+)", key)]
                    for key, pair in STRINGS.items()
                    if key.startswith("gradio ")
                ],
                "model": self._model(),
            },
        }
        head, body = (
            _TEMPLATES.get_template(name).render(known).encode()
            for name in ("head.html", "shell.html")
        )
        config = _CONFIG.search(page)
        if not config:
            return page
        # Behind the header: on a slow line it takes longer than everything else.
        before, after = page[: config.start()], page[config.end() :]
        if self._chunks.styles:
            after = _STYLE.sub(b"", after)
        begin = _BODY.search(after)
        if not begin:
            return page
        return b"".join(
            (
                _TAGS.sub(b"", before) + head + after[: begin.end()],
                body + config[0] + after[begin.end() :],
            )
        )


class _Cached:
    """Sends an answer on with how long browsers may keep it."""

    def __init__(self, send: Send, how_long: str) -> None:
        self._send = send
        self._how_long = how_long

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            headers = MutableHeaders(raw=list(message["headers"]))
            headers["cache-control"] = self._how_long
            message = {**message, "headers": headers.raw}
        await self._send(message)


class _Dressing:
    """Sends an answer on; a page of HTML goes through `dress` first, whole."""

    def __init__(self, send: Send, dress: Callable[[bytes], bytes]) -> None:
        self._send = send
        self._dress = dress
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = MutableHeaders(raw=message["headers"]).get("content-type", "")
            if kind.startswith("text/html"):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        page = self._dress(bytes(self._body))
        headers = MutableHeaders(raw=list(self._start["headers"]))
        headers["content-length"] = str(len(page))
        await self._send({**self._start, "headers": headers.raw})
        await self._send({**message, "body": page})
