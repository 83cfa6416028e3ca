"""Command lines: help as the terminal can show it, and mistakes in one sentence of its language."""

import argparse
import re
from typing import Any

from clip_app.console import tell, write
from clip_app.process import terminal_language
from clip_app.strings import text

#: Exit code after one sentence that says what is wrong.
FAILED = 2


class Parser(argparse.ArgumentParser):
    """A parser that prints as the commands do."""

    def print_help(self, file: Any = None) -> None:
        """Print how to use it; errors as `clip_app.console.write`."""
        write(self.format_help())

    def error(self, message: str) -> Any:
        """Print what is wrong in one sentence, and end with code 2."""
        tell(_sentence(message))
        self.exit(FAILED)


# What argparse says, in English only; the first that is found says what to tell instead.
_MISTAKES = (
    (
        r"argument [A-Z]+: invalid choice: (?P<given>.+) \(choose from (?P<choices>.+)\)",
        "argument_command",
    ),
    (
        r"argument (?P<name>.+?): invalid choice: (?P<given>.+) \(choose from (?P<choices>.+)\)",
        "choice_unknown",
    ),
    (r"argument (?P<name>.+?): expected .*argument", "argument_without_value"),
    (r"argument (?P<name>.+?): invalid \w+ value: (?P<given>.+)", "argument_number"),
    (r"argument (?P<name>.+?): not allowed with argument (?P<other>.+)", "argument_not_with"),
    (r"argument (?P<name>.+?): ignored explicit argument (?P<given>.+)", "argument_takes_none"),
    (r"the following arguments are required: (?P<names>.+)", "arguments_missing"),
    (r"unrecognized arguments: (?P<given>.+)", "arguments_unknown"),
    (r"ambiguous option: (?P<given>.+) could match (?P<choices>.+)", "argument_ambiguous"),
)


def _sentence(message: str) -> str:
    """What argparse found wrong, as a sentence in the terminal's language."""
    for pattern, key in _MISTAKES:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            told = {name: value.replace("'", "") for name, value in found.groupdict().items()}
            return text(key, terminal_language(), **told)
    # A type of our own has said it (`common.wrong`), without the name.
    return message.removeprefix("argument ").replace(": ", " ", 1)
