"""`clip-app mcp`: answer the MCP client that starts this program, over standard input and output.

It opens no port and no page. The client is answered while Gradio, of which the tools are made, is
still being imported and the model loaded; what is asked of the tools waits for them.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

from anyio import to_thread, wrap_file
from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from clip_app import __version__
from clip_app.arguments import FAILED, Parser
from clip_app.console import prepare_streams, tell
from clip_app.errors import ClipAppError
from clip_app.gallery.galleries import GalleryService
from clip_app.model.backgrounds import prepare_backgrounds
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot, open_slot
from clip_app.process import end_process, exit_on_signals, start_logging, terminal_language
from clip_app.server.endpoints import Endpoints
from clip_app.server.serve import AWAKE_SECONDS, LAST_ANSWERS_SECONDS, begun, tell_missing
from clip_app.settings import (
    FLAGS,
    INDEX_SETTINGS,
    MODEL_SETTINGS,
    Settings,
    add_flags,
    read_settings,
)
from clip_app.strings import text
from clip_app.temporary import prepare_temporary_folder

if TYPE_CHECKING:
    from clip_app.ui.mcp_stdio import PipedTools

# What the tools answer, and of which the client is told first that somebody does.
_ASKED = (
    types.ListToolsRequest,
    types.CallToolRequest,
    types.ListResourcesRequest,
    types.ListResourceTemplatesRequest,
    types.ReadResourceRequest,
    types.ListPromptsRequest,
    types.GetPromptRequest,
)

_SETTINGS = (*MODEL_SETTINGS, "fetch_images", *INDEX_SETTINGS)


@dataclass(frozen=True)
class _Loading:
    """Which model answers, for whom that can wait."""

    slot: Future[ModelSlot]

    @property
    def service(self) -> ModelService:
        """The service that answers now; waits for the model.

        Raises:
            ClipAppError: if it cannot be loaded.
        """
        return self.slot.result().service


def main(arguments: Sequence[str]) -> NoReturn:
    """Answer until standard input ends, Ctrl-C or SIGTERM, and end the process with it.

    Raises:
        SystemExit: with code 2, after one sentence on standard error, if the settings are wrong.
    """
    prepare_streams()
    settings = _settings(arguments)
    exit_on_signals()
    start_logging()
    given, told = _streams()
    try:
        tell_missing(settings)
        prepare_temporary_folder(settings.index_dir)
        galleries = GalleryService(settings)
    except ClipAppError as error:
        tell(error.message(terminal_language()))
        raise SystemExit(FAILED) from error
    loading = begun(lambda: _loaded(settings, galleries))
    tools = begun(lambda: _tools(settings, galleries, loading))
    gone = threading.Event()

    def answer() -> None:
        try:
            asyncio.run(_answer(_server(tools), given, told, gone.set))
        finally:
            gone.set()

    # On a thread: a signal could not end one that waits for the next line.
    answering = threading.Thread(target=answer, daemon=True)
    answering.start()
    try:
        while not gone.wait(AWAKE_SECONDS):
            pass
        answering.join(LAST_ANSWERS_SECONDS)
    except (SystemExit, KeyboardInterrupt):
        pass
    finally:
        galleries.close()
    end_process(0)


def _settings(arguments: Sequence[str]) -> Settings:
    language = terminal_language()
    parser = Parser("clip-app mcp", description=text("mcp_description", language))
    parser.add_argument(
        "folders", metavar="FOLDER", type=Path, nargs="*", help=text("mcp_folders", language)
    )
    add_flags(parser, language, [one for one in FLAGS if one in _SETTINGS])
    flags = parser.parse_args(arguments)
    if flags.folders:
        flags.gallery_roots = flags.folders
    try:
        return read_settings(flags, uses=(*_SETTINGS, "gallery_roots"))
    except ClipAppError as error:
        tell(error.message(language))
        raise SystemExit(FAILED) from error


def _streams() -> tuple[IO[str], IO[str]]:
    """Standard input and output, from here on for the protocol alone.

    Whatever else prints, a library or a program that is started, prints on standard error.
    """
    given, told = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return (
        open(given, encoding="utf-8", errors="replace"),
        open(told, "w", encoding="utf-8", newline="\n"),
    )


def _tools(
    settings: Settings, galleries: GalleryService, loading: Future[ModelSlot]
) -> "PipedTools":
    # Only here: to import Gradio takes 2.3 s of processor time, in which the client is answered.
    from clip_app.ui.mcp_stdio import tools_of

    endpoints = Endpoints(_Loading(loading), galleries)
    return tools_of(endpoints, galleries, settings.fetch_images, terminal_language())


def _server(tools: "Future[PipedTools]") -> Server:
    """One that says at once who it is; all else waits for the tools, which answer it."""
    server: Server = Server(text("title", terminal_language()), __version__)

    async def answered(request: Any) -> types.ServerResult:
        made = await to_thread.run_sync(tools.result)
        return await made.mcp_server.request_handlers[type(request)](request)

    server.request_handlers |= {asked: answered for asked in _ASKED}
    return server


async def _answer(server: Server, given: IO[str], told: IO[str], gone: Callable[[], None]) -> None:
    """Answer what comes from `given` into `told`, until it ends or nobody reads any more.

    Args:
        server: which answers.
        given, told: UTF-8, a message a line.
        gone: called once `given` has ended; calls under way may take until later.
    """

    async def lines() -> AsyncIterator[str]:
        async for line in wrap_file(given):
            yield line
        gone()

    try:
        async with stdio_server(cast(Any, lines()), wrap_file(told)) as (come, go):
            await server.run(come, go, server.create_initialization_options())
    except* BrokenPipeError:
        pass


def _loaded(settings: Settings, galleries: GalleryService) -> ModelSlot:
    """The model, once it can answer, also about the example photographs."""
    try:
        slot = open_slot(settings)
    except ClipAppError as error:
        tell(error.message(terminal_language()))  # a call of a tool is told, too
        raise
    prepare_backgrounds(slot.service)
    galleries.prepare(slot.service)
    galleries.prepared(slot.service)
    return slot
