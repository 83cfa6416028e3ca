"""The API's endpoints as tools for MCP clients."""

import json
from typing import Any

import gradio as gr
from gradio.mcp import GradioMCPServer
from gradio_client import Client
from mcp.server import Server
from mcp.types import TextContent

from clip_app.errors import ClipAppError, InputError
from clip_app.ui.errors import request_language
from clip_app.ui.gate import OWN_HEADER, LogIn


class _Server(Server):
    def call_tool(self, *, validate_input: bool = True) -> Any:
        """As in the base class, but arguments are checked by the endpoint, which says it better."""
        return super().call_tool(validate_input=False)


class Tools(GradioMCPServer):
    """Gradio's MCP server, with answers in JSON, our errors, and the log-in.

    Args:
        blocks: the app.
        log_in: what the app asks of visitors; None where it is open.
    """

    Server = _Server

    def __init__(self, blocks: gr.Blocks, log_in: LogIn | None) -> None:
        super().__init__(blocks)
        self._own = {OWN_HEADER: log_in.own_key} if log_in else {}

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

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """As in the base class; what can be left out can be null, too."""
        schema, files = super().get_input_schema(tool_name, parameters)
        for name, one in schema["properties"].items():
            if name not in schema.get("required", ()) and isinstance(one.get("type"), str):
                one["type"] = [one["type"], "null"]
        return schema, files

    def _prepare_tool_call_args(self, name: str, arguments: dict[str, Any]) -> Any:
        """As in the base class; what is missing is None, and what is wrong is one sentence."""
        endpoint = self.tool_to_endpoint.get(name)
        request = self.mcp_server.request_context.request
        try:
            if endpoint is None:
                raise InputError("endpoint_unknown")
            known = self.api_info["named_endpoints"][endpoint]["parameters"]
            missing = {
                one["parameter_name"]: None
                for one in known
                if not one.get("parameter_has_default", False)
            }
            try:
                return super()._prepare_tool_call_args(name, missing | (arguments or {}))
            except (TypeError, ValueError) as error:
                raise InputError("request_malformed") from error
        except ClipAppError as error:
            # What an MCP client is shown is the text of the exception.
            raise ValueError(error.message(request_language(request))) from error

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """The endpoint's answer as JSON; no endpoint answers with files."""
        return [TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data]
