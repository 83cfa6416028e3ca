"""The API's endpoints as tools for MCP clients."""

import base64
import contextlib
import functools
import io
import json
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, get_cancelled_exc_class, to_thread
from gradio.data_classes import JsonData
from gradio.mcp import GradioMCPServer
from gradio.processing_utils import save_base64_to_cache, save_bytes_to_cache
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from mcp.server import Server as BaseServer
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent
from starlette.applications import Starlette

from clip_app import __version__
from clip_app.console import printable
from clip_app.errors import ClipAppError, ImageError, InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.images import load_image, shown_name, thumbnail
from clip_app.server.http.access import BelowProxy
from clip_app.server.http.errors import RequestError
from clip_app.ui.errors import request_language
from clip_app.ui.gate import OWN_HEADER, LogIn

# Arguments that are photographs, or lists of them.
_PHOTOS = ("image", "images", "without")

# What a model is shown of a search: some hundred tokens each.
_SHOWN, _SIDE = 4, 320

# Calls that read photographs at once: should their disk hang, no more threads than these wait.
_READERS = 8

# How soon a call whose client has left is looked for in the queue again.
_FORGETTING_SECONDS = 0.1


class Server(BaseServer):
    """MCP's server, of our version, with our sentences where a call is wrong."""

    #: Which reads photographs for a call.
    tools: "Tools"

    def __init__(self, name: str) -> None:
        super().__init__(name, __version__)  # else it tells that of MCP's library
        self._reading = CapacityLimiter(_READERS)

    def call_tool(self, *, validate_input: bool = True) -> Any:
        """As in the base class, but arguments are checked by the endpoint, which says it better."""
        register = super().call_tool(validate_input=False)

        def registered(call: Callable[..., Awaitable[Any]]) -> Any:
            @functools.wraps(call)
            async def told(name: str, arguments: dict[str, Any]) -> Any:
                given = await self._read(self.tools.with_photographs, arguments)
                try:
                    answer = await call(name, given)
                except gr.Error as error:  # whose own text is the sentence in quotation marks
                    raise ValueError(error.message) from error
                answer.content += await self._read(self.tools.pictures_of, answer)
                return answer

            return register(told)

        return registered

    async def _read(self, read: Callable[[Any], Any], about: Any) -> Any:
        """What `read` returns, from a thread: a share that hangs would else stop the whole app."""
        return await to_thread.run_sync(read, about, limiter=self._reading)


class Tools(GradioMCPServer):
    """Gradio's MCP server, with answers in JSON, our errors, and the log-in.

    Args:
        blocks: the app.
        log_in: what the app asks of visitors; None where it is open.
        galleries: whose photographs can be named by their paths.
        fetch: whether photographs may be fetched from public addresses.
    """

    Server = Server  # type: ignore[assignment]  # which is made with more

    def __init__(
        self, blocks: gr.Blocks, log_in: LogIn | None, galleries: GalleryService, fetch: bool
    ) -> None:
        super().__init__(blocks)
        self._galleries = galleries
        self._fetch = fetch
        self._own = {OWN_HEADER: log_in.own_key} if log_in else {}

    def launch_mcp_on_sse(self, app: Starlette, subpath: str, root_path: str) -> None:
        """As in the base class, also behind a proxy that strips the prefix it serves under."""
        super().launch_mcp_on_sse(app, subpath, root_path)
        mounted: Any = app.routes.pop()
        app.routes.append(BelowProxy(subpath, mounted.app))

    def _get_or_create_client(self) -> Client:
        """The client by which tools ask the app itself: with a key where there is a log-in."""
        if self._client_instance is None and self.local_url:
            self._client_instance = Client(
                self.local_url,
                download_files=False,
                verbose=False,
                analytics_enabled=False,
                _skip_components=False,
                headers={"x-gradio-user": "mcp", **self._own},
            )
        return super()._get_or_create_client()

    @property
    def _file_data_tool_description(self) -> str:
        """Nothing: Gradio's sends models for an upload, where a path in the schema's form does."""
        return ""

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """As in the base class; what can be left out can be null, too."""
        schema, files = super().get_input_schema(tool_name, parameters)
        for name, one in schema["properties"].items():
            if name not in schema.get("required", ()) and isinstance(one.get("type"), str):
                one["type"] = [one["type"], "null"]
            if name in _PHOTOS:
                one.get("items", one)["format"] = (
                    "path as search answers it, data URL" + ", http or https URL" * self._fetch
                )
        return schema, files

    def create_mcp_server(self) -> BaseServer:
        """As in the base class."""
        server: Any = super().create_mcp_server()
        server.tools = self
        return server

    def _prepare_tool_call_args(self, name: str, arguments: dict[str, Any]) -> Any:
        """As in the base class; what is missing is None, and what is wrong is one sentence."""
        with self._told():
            endpoint = self.tool_to_endpoint.get(name)
            if endpoint is None:
                raise InputError(
                    "mcp_no_tool",
                    name=printable(name)[:200],
                    tools=", ".join(self.tool_to_endpoint),
                )
            known = self.api_info["named_endpoints"][endpoint]["parameters"]
            missing = {
                one["parameter_name"]: None
                for one in known
                if not one.get("parameter_has_default", False)
            }
            return super()._prepare_tool_call_args(name, missing | arguments)

    def with_photographs(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A call's arguments with photographs in place of what names them.

        Raises:
            ValueError: with one sentence, if they are malformed or a photograph cannot be had.
        """
        with self._told():
            if _holds_object(arguments.values()):
                raise InputError("request_malformed")
            return {
                name: self._photos(value) if name in _PHOTOS else value
                for name, value in arguments.items()
            }

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Errors as what an MCP client is shown: the text of the exception, one sentence."""
        language = request_language(self.mcp_server.request_context.request)
        try:
            yield
        except ClipAppError as error:
            raise ValueError(error.message(language)) from error
        except (TypeError, ValueError) as error:
            raise ValueError(InputError("request_malformed").message(language)) from error

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        """As in the base class, but for a client that leaves."""
        with self._cancelled(job):
            return [await to_thread.run_sync(job.result, abandon_on_cancel=True)]

    async def _execute_tool_with_progress(self, job: Any, progress_token: str | int) -> Any:
        """As in the base class, but for a client that leaves."""
        with self._cancelled(job):
            return await super()._execute_tool_with_progress(job, progress_token)

    @contextlib.contextmanager
    def _cancelled(self, job: Any) -> Iterator[None]:
        """Let what a client has asked for end once it leaves.

        Not by the job's own `cancel`: it would end the calls of all clients, who share a session.
        """
        try:
            yield
        except get_cancelled_exc_class():
            job.future.cancel()  # where it has not begun
            threading.Thread(target=self._forget, args=(job,), daemon=True).start()
            raise

    def _forget(self, job: Any) -> None:
        """Take what a client has asked for out of the queue, once it is there.

        Its photographs are sent first: of 24 clients that left at once most left before, and who
        asked next waited for their answers, for up to 127 s.
        """
        while not job.done():
            self.blocks._queue.event_ids_to_events.pop(job.communicator.event_id, None)
            time.sleep(_FORGETTING_SECONDS)

    def _photos(self, given: Any) -> Any:
        """Photographs as Gradio's client sends them, each in place of what names it.

        Raises:
            InputError, RequestError: if one is no text, not below the galleries, or may not be
                fetched.
        """
        if given is None:
            return None
        if isinstance(given, list):
            return [self._photos(one) for one in given]
        if not isinstance(given, str) or not given:
            raise InputError("request_malformed")
        if given.startswith("data:"):
            return self._sent(save_base64_to_cache(given, _own_folder()))
        if given.startswith(("http://", "https://")):
            if not self._fetch:
                raise RequestError(403, "http_no_addresses")
            return handle_file(given)  # Gradio asks public addresses only
        try:
            data = self._galleries.read(given)
        except (ImageError, OSError) as error:
            # One sentence for what is gone, a folder or outside, so that nobody can probe the disk.
            raise InputError("mcp_no_photograph", name=shown_name(given)) from error
        return self._sent(save_bytes_to_cache(data, Path(given).name, _own_folder()))

    def _sent(self, path: str) -> Any:
        """A file as the client sends it; Gradio removes it with what was uploaded."""
        self.blocks.upload_file_set.add(path)
        return handle_file(path)

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """The endpoint's answer as JSON."""
        # What was not asked for over HTTP is still in Gradio's wrapping.
        data = [one.root if isinstance(one, JsonData) else one for one in data]
        return [TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data]

    def pictures_of(self, answer: CallToolResult) -> list[ContentBlock]:
        """Small pictures of what a call found first."""
        told: list[ContentBlock] = []
        for one in answer.content:
            content = json.loads(one.text) if isinstance(one, TextContent) else None
            found = content.get("results", ()) if isinstance(content, dict) else ()
            told += [
                ImageContent(type="image", data=small, mimeType="image/jpeg")
                for hit in found[:_SHOWN]
                if "path" in hit and (small := self._small(hit["path"]))
            ]
        return told

    def _small(self, path: str) -> str | None:
        """A thumbnail of a found photograph, JPEG in Base64; None where it is gone."""
        buffer = io.BytesIO()
        try:
            picture = load_image(self._galleries.read(path), target_side=_SIDE)
        except ImageError:
            return None
        thumbnail(picture, _SIDE).save(buffer, "JPEG", quality=80)
        return base64.b64encode(buffer.getvalue()).decode()


def _own_folder() -> str:
    """A new folder among the uploads: calls with the same photograph would write one file else,
    each while another reads it.
    """
    return tempfile.mkdtemp(dir=get_upload_folder())


def _holds_object(values: Iterable[Any]) -> bool:
    """Whether there is a JSON object among values or in their lists.

    No tool takes one, and Gradio's client, which runs on this machine, would send any file whose
    path an object names.
    """
    return any(
        isinstance(one, dict) or (isinstance(one, list) and _holds_object(one)) for one in values
    )
