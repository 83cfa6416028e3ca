"""The terminal: `python -m clip_app classify / match / index / search / … / serve / mcp`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from clip_app import __version__
from clip_app.arguments import FAILED, Parser
from clip_app.console import (
    READER_GONE,
    ReaderGoneError,
    end_streams,
    prepare_streams,
    printable,
    tell,
)
from clip_app.errors import ClipAppError
from clip_app.network import mend_environment
from clip_app.process import start_logging, terminal_language
from clip_app.strings import text
from clip_app.terminal import (
    backup,
    classify,
    concepts,
    duplicates,
    evaluate,
    export,
    forget,
    heatmap,
    index,
    match,
    models,
    odd,
    restore,
    search,
    sort,
    space,
    status,
    tag,
    teach,
    undo,
)
from clip_app.terminal.common import with_joint_value

log = logging.getLogger(__name__)

# In the order of `--help`; each has `add`, which names its `run`.
_COMMANDS = (
    *(classify, match, heatmap, teach, concepts, evaluate, sort, tag, undo),
    *(index, search, duplicates, odd, status, forget, backup, restore),
    *(models, export, space),
)

# How a command ends by a fault of the program (EX_SOFTWARE of sysexits.h, for Python's own 1 would
# read as "done in part"), and after Ctrl-C.
_FAULT, _INTERRUPTED = 70, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 if some of the images named could not be read, and the others are answered; 2 after one
        sentence on standard error; 70 after a traceback, by a fault of the program; 130 after
        Ctrl-C; 141 if nobody reads the answers any more.
    """
    prepare_streams()
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            end_streams()
    except ClipAppError as error:
        tell(_sentence(error))
        return FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ReaderGoneError:
        return READER_GONE
    except Exception:
        log.exception("Unexpected error")
        tell(text("unexpected_terminal", terminal_language()))
        return _FAULT


def _sentence(error: ClipAppError) -> str:
    """What went wrong; of what could not be saved also where, which visitors are not told."""
    cause = error.__cause__
    if error.key == "disk_full" and isinstance(cause, OSError) and cause.filename:
        # That itself may be a file with a name for the time of writing.
        folder = printable(os.path.dirname(os.path.abspath(os.fsdecode(cause.filename))))
        return text("terminal_unsaved", terminal_language(), folder=folder, **error.params)
    return error.message(terminal_language())


def _run(given: list[str]) -> int:
    if given[:1] == ["serve"]:
        mend_environment()
        # Only here: Gradio takes seconds to import.
        from clip_app.server.serve import main as serve

        serve(given[1:])
    if given[:1] == ["mcp"]:
        mend_environment()
        from clip_app.server.mcp import main as answer_tools

        answer_tools(given[1:])
    parsed = _parser().parse_args(with_joint_value(given))
    start_logging()
    mend_environment()
    return parsed.run(parsed) or 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "python -m clip_app", description=text("command_description", terminal_language())
    )
    parser.add_argument("--version", action="version", version=f"clip_app {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    commands.add_parser("serve", help="open the page, as `python app.py`")
    commands.add_parser(
        "mcp", help="answer the MCP client that starts this, such as Claude Desktop"
    )
    return parser
