"""The tools for the one MCP client that has started this program, through its pipes.

No port is opened: what a tool asks is run here, where over HTTP the app asks itself.
"""

from dataclasses import replace
from typing import Any

from gradio.route_utils import delete_files_created_by_app
from mcp.shared.context import RequestContext
from mcp.types import CallToolRequest
from starlette.requests import Request

from clip_app.gallery.galleries import GalleryService
from clip_app.server.endpoints import Endpoints
from clip_app.strings import Language, text
from clip_app.ui.api import build_api
from clip_app.ui.mcp_tools import Server, Tools
from clip_app.ui.requests import CheckedBlocks


def tools_of(
    endpoints: Endpoints, galleries: GalleryService, fetch: bool, language: Language
) -> "PipedTools":
    """The tools, as `Tools` has them, without a page."""
    with CheckedBlocks(title=text("title", language), analytics_enabled=False) as demo:
        build_api(endpoints)
    for endpoint in demo.fns.values():
        endpoint.queue = False  # which is asked for over HTTP
    return PipedTools(demo, galleries, fetch, language)


class _PipedServer(Server):
    #: Gradio's server asks it for headers, the language of which errors are told in.
    request: Request

    @property
    def request_context(self) -> RequestContext[Any, Any, Any]:
        """As in the base class, with a request, which pipes do not have."""
        return replace(super().request_context, request=self.request)


class PipedTools(Tools):
    """`Tools` for one client.

    Args:
        blocks: has the endpoints, none of them queued.
        galleries, fetch: as `Tools` takes them.
        language: in which errors are told.
    """

    Server = _PipedServer

    def __init__(
        self, blocks: CheckedBlocks, galleries: GalleryService, fetch: bool, language: Language
    ) -> None:
        super().__init__(blocks, None, galleries, fetch)
        headers = [(b"host", b"localhost"), (b"accept-language", language.encode())]
        scope = {"type": "http", "method": "POST", "scheme": "http", "path": "/gradio_api/mcp"}
        server: Any = self.mcp_server
        server.request = Request({**scope, "query_string": b"", "headers": headers})
        answer = server.request_handlers[CallToolRequest]
        calls = 0

        async def answered(request: CallToolRequest) -> Any:
            nonlocal calls
            calls += 1
            try:
                return await answer(request)
            finally:
                calls -= 1
                if not calls:  # copies of photographs; no visitor comes back to them
                    delete_files_created_by_app(blocks, age=None)

        server.request_handlers[CallToolRequest] = answered
