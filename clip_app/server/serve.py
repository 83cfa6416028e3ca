"""Load the model, build the page, serve it until stopped."""

import argparse
import contextlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from clip_app.errors import ClipAppError
from clip_app.gallery.galleries import GalleryService
from clip_app.model.backgrounds import prepare_backgrounds
from clip_app.model.slot import ModelSlot, open_slot
from clip_app.settings import Settings, add_flags, read_settings
from clip_app.strings import Language, language_of, text
from clip_app.ui import build_demo, launch_options

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """What the page works with."""

    slot: ModelSlot
    galleries: GalleryService
    settings: Settings


def prepare(arguments: Sequence[str]) -> tuple[gr.Blocks, Served]:
    """Read the flags, load the model and build the page.

    Raises:
        SystemExit: with code 2, after one sentence on standard error, if that cannot be done.
    """
    parser = argparse.ArgumentParser(
        "app.py", description="Serve the page. Each flag can be set as CLIP_APP_* too."
    )
    add_flags(parser)
    flags = parser.parse_args(arguments)
    start_logging()
    try:
        settings = read_settings(flags)
        settings.credentials  # noqa: B018 - a malformed one is refused before the model is loaded
        galleries = GalleryService(settings)
        slot = open_slot(settings)
    except ClipAppError as error:
        print(error.message(terminal_language()), file=sys.stderr)
        raise SystemExit(2) from error
    return build_demo(slot, galleries, settings), Served(slot, galleries, settings)


def launch(demo: gr.Blocks, served: Served) -> int:
    """Serve the page until interrupted.

    Returns:
        0 when stopped, 2 after one sentence on standard error if the port is taken.
    """
    language, settings = terminal_language(), served.settings
    # Gradio would explain at length why there is no share link; one line of ours does.
    chatter = io.StringIO() if settings.share else sys.stdout
    try:
        with contextlib.redirect_stdout(chatter):
            demo.launch(
                server_name=settings.listen_on,
                server_port=settings.port or None,
                share=settings.share,
                inbrowser=settings.open_browser,
                prevent_thread_lock=True,
                quiet=True,
                **launch_options(settings, served.galleries),
            )
    except OSError as error:
        log.debug("%s", error)
        print(text("port_taken", language, port=settings.port), file=sys.stderr)
        return 2
    print(demo.local_url, flush=True)
    if not settings.zero_gpu:  # there, a GPU is lent to a visitor's requests only
        prepare_backgrounds(served.slot.service)
        served.galleries.prepare(served.slot.service)
    if settings.share:
        print(demo.share_url or text("share_unreachable", language), flush=True)
    demo.block_thread()
    return 0


def terminal_language() -> Language:
    """The language of messages in the terminal, by the usual environment variables."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return language_of(os.environ[name].split(".")[0])
    return "en"


def start_logging() -> None:
    """Our own messages at INFO, the libraries' at WARNING; no request lines."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("clip_app").setLevel(logging.INFO)
