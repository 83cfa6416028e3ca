"""Load the model, build the page, serve it until stopped."""

import contextlib
import errno
import io
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

from clip_app.arguments import FAILED, Parser
from clip_app.console import prepare_streams, printable
from clip_app.errors import ClipAppError, InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.model.backgrounds import prepare_backgrounds
from clip_app.model.slot import ModelSlot, open_slot
from clip_app.network import bypass, mend_environment
from clip_app.process import end_process, exit_on_signals, start_logging, terminal_language
from clip_app.server.endpoints import Endpoints
from clip_app.settings import Settings, add_flags, read_settings
from clip_app.strings import text
from clip_app.temporary import prepare_temporary_folder

if TYPE_CHECKING:
    import gradio as gr

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_NO_SUCH_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}

#: What is still being answered when the app is told to stop gets so long.
LAST_ANSWERS_SECONDS = 1

#: How long a signal may wait at most.
AWAKE_SECONDS = 1


@dataclass(frozen=True)
class Served:
    """What the page works with."""

    slot: ModelSlot
    endpoints: Endpoints
    settings: Settings


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve the page, as `python app.py` with these arguments, and end the process with it."""
    end_process(launch(*prepare(arguments)))


def prepare(arguments: Sequence[str]) -> tuple["gr.Blocks", Served]:
    """Read the flags, load the model and build the page.

    Raises:
        SystemExit: with code 2, after one sentence on standard error, if that cannot be done; with
            128 + its number after a signal.
    """
    prepare_streams()  # the help may be in Chinese, and the terminal not
    parser = Parser("app.py", description="Serve the page. Each flag can be set as CLIP_APP_* too.")
    add_flags(parser, terminal_language())
    flags = parser.parse_args(arguments)
    exit_on_signals()
    start_logging()
    try:
        # What can be wrong with the settings is told before the model is loaded.
        settings = read_settings(flags)
        settings.credentials, settings.keys  # noqa: B018
        tell_missing(settings)
        _usable_port(settings)
        mend_environment()
        bypass(settings.listen_on)
        prepare_temporary_folder(settings.index_dir)
        galleries = GalleryService(settings)
        loading = _loading(settings)
        # Only here: Gradio reads the environment while it is imported, for seconds.
        from clip_app.ui.page import build_demo

        slot = loading.result()
    except ClipAppError as error:
        print(error.message(terminal_language()), file=sys.stderr)
        raise SystemExit(FAILED) from error
    served = Served(slot, Endpoints(slot, galleries), settings)
    return build_demo(slot, served.endpoints, settings), served


def _loading(settings: Settings) -> Future[ModelSlot]:
    """The model as it is being loaded, on a thread that keeps nobody from ending the process.

    Where a GPU is lent, on this one: a model is placed on it by the thread that imported `spaces`.
    """
    if not settings.zero_gpu:
        return begun(lambda: open_slot(settings))
    slot: Future[ModelSlot] = Future()
    slot.set_result(open_slot(settings))
    return slot


def begun(work: Callable[[], _Result]) -> Future[_Result]:
    """What `work` returns or raises, on a thread that keeps nobody from ending the process."""
    result: Future[_Result] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result


def _usable_port(settings: Settings) -> int:
    """The port of the settings, or where that is 0, one that nobody has.

    The system gives each who asks another one. Gradio looks from 7860 on, and where two apps find
    the same one at the same moment, the second fails: its lifespan cannot be entered again.

    Raises:
        InputError: where the page could not be served at the address of the settings.
    """
    host, port = settings.listen_on.strip("[]"), settings.port
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise InputError("host_unusable", host=host) from error
    family, kind, protocol, _, address = found[0]
    try:
        with socket.socket(family, kind, protocol) as tried:
            if sys.platform != "win32":  # where it would let two programs share a port
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            return int(tried.getsockname()[1])
    except OSError as error:
        if error.errno in _NO_SUCH_ADDRESS:
            raise InputError("host_unusable", host=host) from error
        raise InputError("port_taken", port=port) from error


def tell_missing(settings: Settings) -> None:
    """Warn of gallery roots that are not there: a disk that is mounted later is no mistake."""
    roots = [str(one.expanduser()) for one in settings.gallery_roots]
    # With the separator behind it, a file is none either.
    if missing := [one for one in roots if not os.access(f"{one}{os.sep}", os.R_OK | os.X_OK)]:
        folders = printable(", ".join(missing))
        print(text("gallery_roots_missing", terminal_language(), folders=folders), file=sys.stderr)


def launch(demo: "gr.Blocks", served: Served) -> int:
    """Serve the page until Ctrl-C, SIGTERM or the end of the terminal.

    Returns:
        0 when stopped, 2 after one sentence on standard error if the port is taken.
    """
    from clip_app.ui.gate import LogIn
    from clip_app.ui.page import launch_options

    language, settings = terminal_language(), served.settings
    # Gradio would explain at length why there is no share link; one line of ours does.
    chatter = io.StringIO() if settings.share else sys.stdout
    host = settings.listen_on.strip("[]")
    log_in = LogIn(settings.credentials) if settings.credentials else None
    try:
        with contextlib.redirect_stdout(chatter):
            demo.launch(
                server_name=f"[{host}]" if ":" in host else host,
                server_port=_usable_port(settings),
                share=settings.share,
                inbrowser=settings.open_browser,
                prevent_thread_lock=True,
                quiet=True,
                # Else Gradio, which the server has just answered, would ask it for the page too and
                # end with a traceback where that takes more than 3 s, as on a busy machine.
                _frontend=False,
                **launch_options(demo, served.slot, served.endpoints, settings, log_in),
            )
    except (OSError, InputError) as error:
        log.debug("%s", error)
        print(text("port_taken", language, port=settings.port), file=sys.stderr)
        return FAILED
    if log_in:
        log_in.starting = False
    try:
        print(demo.local_url, flush=True)
        if not settings.zero_gpu:  # there, a GPU is lent to a visitor's requests only
            prepare_backgrounds(served.slot.service)
            served.endpoints.galleries.prepare(served.slot.service)
        if settings.share:
            print(demo.share_url or text("share_unreachable", language), flush=True)
        while True:
            # Not for long: a signal that comes right before it falls asleep, or on another thread,
            # is answered only once it wakes.
            time.sleep(AWAKE_SECONDS)
    except (SystemExit, KeyboardInterrupt):
        return 0
    finally:
        _close(demo, served)


def _close(demo: "gr.Blocks", served: Served) -> None:
    """Stop serving and remove what visitors have left here."""
    demo.server.config.timeout_graceful_shutdown = LAST_ANSWERS_SECONDS
    # What is cut off then, a stream that a client keeps open as a rule, is no error of the server,
    # which would write a traceback for each.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    with contextlib.redirect_stdout(io.StringIO()):
        demo.close()
    served.endpoints.galleries.close()
