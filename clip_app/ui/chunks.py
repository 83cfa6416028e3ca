"""Which of Gradio's scripts and styles a page loads, so that it can name all of them at once.

A browser learns of them in four steps, each a round trip: the entry, the page's frame, its blocks,
and a script, an example and styles for each kind of component. Gradio's build writes into each
script which others its imports need; this reads those lists.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import gradio

_FRONTEND = Path(gradio.__file__).parent / "templates" / "frontend"
_ENTRY = re.compile(r'src="\./assets/([\w.-]+\.js)"')
_NEEDED = re.compile(r"m\.f=(\[.*?\])")
_PLACES = r"\b__vite__mapDeps\(\[([\d,]+)\]"


@dataclass(frozen=True)
class Chunks:
    """Names of files in Gradio's `assets`, in the order in which they are needed.

    All are empty where a later Gradio is built otherwise; the page then loads as Gradio has it.
    """

    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    @property
    def style(self) -> str:
        """The styles as one."""
        return "\n".join(_read(name) for name in self.styles)


def chunks_of(kinds: Iterable[str]) -> Chunks:
    """What a page with components of these kinds loads; `kinds` as `Block.get_block_name` has."""
    entry = _ENTRY.search((_FRONTEND / "index.html").read_text("utf-8"))
    frame = _imported(_read(entry[1])) if entry else []
    tables = [one for one in frame if re.fullmatch(r"core-[\w-]+\.js", one)]
    if not entry or not tables:
        return Chunks()
    found = [*frame, *_imported(_read(frame[0]))]
    for kind in sorted(kinds):
        found += _imported(_read(tables[0]), rf"[{{,]{kind}:\{{.*?\bcomponent:.*?")
    # The entry waits for none of the others, and its style is the ground of theirs.
    own = entry[1].rpartition("-")[0] + "-"
    found.sort(key=lambda one: not one.startswith(own))
    return Chunks(
        *(tuple(o for o in dict.fromkeys(found) if o.endswith(end)) for end in (".js", ".css"))
    )


def _imported(script: str, before: str = "") -> list[str]:
    """The files that the first import of a script needs, or the first one after `before`."""
    needed, places = _NEEDED.search(script), re.search(before + _PLACES, script)
    if not needed or not places:
        return []
    names = json.loads(needed[1])
    return [names[int(one)].removeprefix("./") for one in places[1].split(",")]


def _read(name: str) -> str:
    return (_FRONTEND / "assets" / name).read_text("utf-8")
