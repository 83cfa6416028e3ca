"""What every command prints through, so that no terminal, pipe or disk can make it end badly.

Text is cleaned of what would steer a terminal, JSON is valid UTF-8 or ASCII whatever file names
hold, and a reader who has gone away (`| head -1`) is told apart from an error.
"""

import errno
import json
import os
import re
import shutil
import sys
import time
from typing import IO, Any, Self
from unicodedata import east_asian_width

from clip_app.errors import StorageError

#: Exit code of a command whose reader has gone away: that of a program that SIGPIPE ends.
READER_GONE = 141

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# What moves the cursor, colours, retitles (C0, C1) or turns the reading direction, and the halves
# of characters that stand for bytes that are no UTF-8. Joiners stay: emoji and Indic scripts
# are written with them.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

# A line of progress is rewritten at most that often.
_REWRITE_SECONDS = 0.1


class ReaderGoneError(Exception):
    """Nobody reads standard output any more; there is no reason to go on, and nothing to say."""


def prepare_streams() -> None:
    """Let standard output and error take any text, and be there even where they were closed.

    A character that the terminal's encoding lacks is written as a backslash and its number, which
    tells 猫 from 狗 where question marks would not.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file to be opened, a database say, would get this number.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if number and getattr(sys, name) is None:
            nowhere = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def end_streams() -> None:
    """Write out what is waiting; the interpreter would fail at it with noise.

    Raises:
        ReaderGoneError, StorageError: as `emit`.
    """
    try:
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)
    write("")


def printable(content: str) -> str:
    """One line of text that a terminal shows and does not obey."""
    return _UNPRINTABLE.sub(_REPLACEMENT, content)


def without_halves(content: str) -> str:
    """Text with the replacement sign for what was no UTF-8, line breaks kept: fit for a model."""
    return _SURROGATE.sub(_REPLACEMENT, content)


def write(content: str) -> None:
    """Write text of our own, such as `--help`, on standard output at once; errors as `emit`."""
    try:
        sys.stdout.write(content)
        sys.stdout.flush()
    except BrokenPipeError as error:
        _discard(sys.stdout)
        raise ReaderGoneError from error
    except OSError as error:
        _discard(sys.stdout)
        # Windows has no SIGPIPE and says EINVAL where a pipe's reader is gone.
        if os.name == "nt" and not sys.stdout.isatty() and error.errno == errno.EINVAL:
            raise ReaderGoneError from error
        raise StorageError("output_failed", reason=error.strerror or str(error)) from error


def emit(line: str) -> None:
    """Print one line of the result on standard output, at once.

    Raises:
        ReaderGoneError: if nobody reads it.
        StorageError: if it cannot be written: the disk is full.
    """
    write(f"{printable(line)}\n")


def emit_json(answer: Any) -> None:
    """Print a JSON value as one line: UTF-8 where the stream is, else ASCII; errors as `emit`."""
    line = without_halves(json.dumps(answer, ensure_ascii=False))
    # JSON takes these raw or as \u escapes; a terminal must not get them raw.
    line = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        line = json.dumps(json.loads(line))
    write(f"{line}\n")


def tell(line: str) -> None:
    """Print one line for the person on standard error, if there is anyone to read it."""
    try:
        print(printable(line), file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


class StatusLine:
    """A line of progress on standard error, rewritten in place; in a file or pipe, nothing."""

    def __init__(self) -> None:
        #: Whether there is a terminal to show it.
        self.shows = sys.stderr.isatty()
        self._told = 0.0
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    @property
    def due(self) -> bool:
        """Whether it is time for a new line."""
        return self.shows and time.monotonic() - self._told >= _REWRITE_SECONDS

    def show(self, line: str) -> None:
        """Put `line` in place of the last one, where progress is shown at all."""
        if not self.shows:
            return
        self.clear()
        self._told = time.monotonic()
        # A line that goes on in the next row could not be rewritten in place.
        room = shutil.get_terminal_size().columns - 1
        line = printable(line)
        while (width := sum(map(_columns, line))) > room:
            line = line[:-1]
        _rewrite(line)
        self._width = width

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            _rewrite(f"\r{' ' * self._width}\r")
            self._width = 0


def _columns(character: str) -> int:
    """How wide a terminal shows it: Chinese characters take two columns."""
    return 2 if east_asian_width(character) in "WF" else 1


def _rewrite(content: str) -> None:
    try:
        print(content, end="", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: IO[str]) -> None:
    """Let what could not be written go nowhere, as the interpreter tries it again at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # a stream that is no file: nothing waits for a disk or a pipe
        pass
