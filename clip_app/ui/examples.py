"""The example photographs, with the words that go with them."""

import filecmp
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clip_app.settings import ASSETS
from clip_app.strings import Language

EXAMPLES_DIRECTORY = ASSETS / "examples"


@dataclass(frozen=True)
class Example:
    """One photograph; `labels` and `descriptions` are ready to be put into their fields.

    Attributes:
        file: from `EXAMPLES_DIRECTORY` on, or absolute where it is part of the example gallery.
        right, right_description: the ones among `labels` and `descriptions` that fit.
        caption: what is on it, for those who do not see it.
        fails: whether the starter gets it wrong.
        why: what it gets wrong, one sentence; empty where `fails` is not set.
    """

    file: str
    labels: dict[Language, str]
    descriptions: dict[Language, str]
    right: dict[Language, str]
    right_description: dict[Language, str]
    caption: dict[Language, str]
    fails: bool
    why: dict[Language, str]

    @property
    def name(self) -> str:
        """What the page's address calls it."""
        return Path(self.file).stem


@cache
def load_examples() -> tuple[Example, ...]:
    """The examples of `assets/examples/examples.json`, in its order."""
    entries = json.loads((EXAMPLES_DIRECTORY / "examples.json").read_text("utf-8"))
    return tuple(
        Example(
            _place(one["file"]),
            one["labels"],
            {language: "\n".join(lines) for language, lines in one["descriptions"].items()},
            one["right"],
            one["right_description"],
            one["caption"],
            one.get("fails", False),
            one.get("why", {}),
        )
        for one in entries
    )


def _place(file: str) -> str:
    """See `Example.file`; an address with ".." in it is served to nobody."""
    return str((EXAMPLES_DIRECTORY / file).resolve()) if file.startswith("..") else file


@cache
def example_queries() -> tuple[dict[Language, str], ...]:
    """What to look for in the example gallery, where the starter finds it in both languages."""
    queries = json.loads((ASSETS / "gallery" / "queries.json").read_text("utf-8"))
    return tuple(one["query"] for one in queries if one.get("offered"))


def shown_example(path: str | None) -> Example | None:
    """The example that a photograph is, by its content; an upload of one counts, too."""
    if not path or not os.path.exists(path):
        return None
    known = ((one, EXAMPLES_DIRECTORY / one.file) for one in load_examples())
    return next((one for one, own in known if filecmp.cmp(path, own, shallow=False)), None)


def is_example(typed: str) -> bool:
    """Whether a field holds the words of an example, as nobody has changed them."""
    words = ((*one.labels.values(), *one.descriptions.values()) for one in load_examples())
    return any(typed in one for one in words)
