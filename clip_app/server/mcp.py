"""`clip-app mcp`: answer the MCP client that starts this program, over standard input and output.

It opens no port and no page. The client is answered while the model is still being loaded; calls
of tools wait for it.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

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
    # Only here: Gradio reads the environment while it is imported, for seconds.
    from clip_app.ui.mcp_stdio import tools_of

    endpoints = Endpoints(_Loading(loading), galleries)
    tools = tools_of(endpoints, galleries, settings.fetch_images, terminal_language())
    gone = threading.Event()

    def answer() -> None:
        try:
            asyncio.run(tools.answer(given, told, gone.set))
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
