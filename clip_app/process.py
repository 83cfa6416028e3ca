"""What every command of the terminal shares: its language, its log, its end."""

import atexit
import logging
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from clip_app.strings import Language, language_of

# Windows knows no SIGHUP.
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


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


def heed_sigterm() -> None:
    """Let SIGTERM end the first process of a container too, at once and with exit code 143.

    To a first process the system delivers only signals that it has handlers for: without one,
    `docker stop` waited its 10 s for an `index`, and killed it.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


def exit_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal end the process as `sys.exit` does.

    By default SIGTERM and SIGHUP end Python on the spot, and what is to be tidied up stays. The
    exit code is 128 + the signal's number, as shells write it.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def leave(number: int, _: FrameType | None) -> None:
        # From here on only a second Ctrl-C interrupts; the tidying takes seconds at most.
        for one in _ENDING:
            signal.signal(one, signal.SIG_DFL if one == signal.SIGINT else signal.SIG_IGN)
        raise SystemExit(128 + number)

    for one in _ENDING:
        # What `nohup` and shells have switched off stays off.
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, leave)


def end_process(code: int) -> NoReturn:
    """End now, once what is to be tidied up at exit is tidied up.

    A thread that is inside a model's own code while the interpreter is taken apart aborts the
    process (SIGABRT, seen when a page ended while its background words were being encoded).
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
