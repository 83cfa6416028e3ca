"""The undo files that the page keeps, in a folder of the app's own."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clip_app.errors import InputError
from clip_app.gallery.roots import Roots, printable
from clip_app.sorting.journal import Journal, read
from clip_app.sorting.steps import How

# Runs that are offered; older ones are undone in the terminal.
_MOST = 20


@dataclass(frozen=True)
class Past:
    """A run that can be undone.

    Attributes:
        name: of its undo file.
        when: it was begun, ISO, in this machine's time.
        how: its steps were done.
        files: how many that were.
        source, target: of the first of them.
    """

    name: str
    when: str
    how: How
    files: int
    source: Path
    target: Path


def journal_name() -> str:
    """A name for an undo file: the time, to the microsecond."""
    return f"clip-app-undo-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}.jsonl"


def past_runs(folder: Path, roots: Roots) -> list[Past]:
    """The last runs whose undo files lie in a folder, of those inside the roots; the last first.

    Undo files are written whole, and only their first step is read here.
    """
    found: list[Past] = []
    for path in sorted(folder.glob("clip-app-undo-*.jsonl"), reverse=True):
        try:
            _, first, *_ = data = path.read_bytes().splitlines()
            step = json.loads(first)
            when = datetime.strptime(path.stem[14:29], "%Y%m%d-%H%M%S").isoformat(" ", "minutes")
            source, target = Path(step["source"]), Path(step["target"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if roots.contains(source) and roots.contains(target):
            found.append(Past(path.name, when, step["how"], len(data) - 1, source, target))
        if len(found) == _MOST:
            break
    return found


def kept_run(folder: Path, name: str, roots: Roots) -> Journal:
    """The journal of a run by the name of its undo file, as a request sends it.

    Raises:
        InputError: if there is none of this name in the folder, or a step of it leads out of the
            roots.
    """
    unreadable = InputError("journal_unreadable", name=printable(name)[:200])
    if not name.startswith("clip-app-undo-") or Path(name).name != name or "\0" in name:
        raise unreadable
    path = folder / name
    if path.is_symlink():
        raise unreadable
    if not path.exists():  # the file of a run that was undone is removed
        raise InputError("journal_gone")
    journal = read(path)
    places = {Path(one).parent for step in journal.steps for one in (step.source, step.target)}
    if not all(".." not in place.parts and roots.contains(place) for place in places):
        raise InputError("journal_outside", name=printable(name))
    return journal
