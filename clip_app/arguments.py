"""Command lines: help as the terminal can show it, and mistakes in one sentence of its language."""

import argparse
import re
import sys
from collections.abc import Sequence
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

    def parse_known_args(  # type: ignore[override]  # its overloads say no more than this
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parse, where a value may begin with a dash: `--text -people`, `--top-k -1`."""
        given = sys.argv[1:] if args is None else args
        return super().parse_known_args(self._with_values(list(given)), namespace)

    def _with_values(self, given: list[str]) -> list[str]:
        """Arguments in which such a value is joined to its flag: argparse takes it for a flag of
        its own, and says that the first has no value.
        """
        joined: list[str] = []
        ended = False
        for one in given:
            flag = self._option_string_actions.get(joined[-1]) if joined and not ended else None
            takes_one = flag is not None and flag.nargs is None
            if takes_one and re.match("-[^-]", one) and one not in self._option_string_actions:
                joined[-1] += f"={one}"
            else:
                ended = ended or one == "--"
                joined.append(one)
        return joined

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
