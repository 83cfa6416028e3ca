"""A small process that forks a child for each job and kills it at one of its file operations.

A fork of the tests' own process, once that holds a model, takes ten times as long.
"""

import json
import os
import signal
import sys
from pathlib import Path

from clip_app.sorting.folders import steps_into_folders
from clip_app.sorting.journal import carry_out, create, read, take_back
from clip_app.sorting.plan import Plan
from clip_app.tasks.sorting import Choice

# What touches the disk by a name, and what makes it last.
OPERATIONS = (
    *("open", "sendfile", "replace", "unlink", "fsync", "link", "symlink"),
    *("mkdir", "rmdir", "close", "utime"),
)
PHOTOS = {"a.png": "cat", "b.png": "cat", "x/a.png": "cat", "x/c.png": "dog: big", "d.png": ""}


def plan_for(folder: Path) -> Plan:
    return Plan(folder, [Choice(path, label, "decided") for path, label in PHOTOS.items()])


def as_on_another_disk() -> None:
    """Renames between folders fail as between two disks."""
    real = os.replace

    def replace(source, target):
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(18, "Invalid cross-device link")
        real(source, target)

    os.replace = replace


def kill_at(number: int) -> None:
    """Be killed before the operation of this number."""
    count = iter(range(1, number))

    def counted(real):
        def call(*given, **named):
            if next(count, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)

        return call

    for name in OPERATIONS:
        if hasattr(os, name):
            setattr(os, name, counted(getattr(os, name)))


def work(job: dict) -> None:
    file, folder = Path(job["file"]), Path(job["folder"])
    if job["far"]:
        as_on_another_disk()
    planned = steps_into_folders(plan_for(folder), folder.parent / "sorted", "move")[0]
    kill_at(job["number"])
    if job["act"] == "create":
        create(file, planned)
    else:
        {"do": carry_out, "undo": take_back}[job["act"]](read(file))


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(json.loads(line))
            except BaseException as error:  # noqa: BLE001 - a child must not go on as its parent
                sys.stderr.write(repr(error))
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
