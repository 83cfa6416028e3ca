"""The undo file: every step is in it, and on the disk, before the first of them is done.

What lies on the disk says how far a run came, so a killed one needs no marks to go on or back.
"""

import base64
import errno
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock, Timeout

from clip_app.errors import InputError, Reason, StorageError
from clip_app.gallery.roots import printable
from clip_app.progress import Progress
from clip_app.sorting.steps import How, Step, do, looks_done, looks_undone, undo, write_whole

_VERSION = 1


@dataclass(frozen=True)
class Journal:
    """What is to be done, as the undo file holds it.

    Attributes:
        path: of the file.
        token: of this journal alone, in the names of what is not whole yet.
        folders: those that the steps make, and that go again where nothing else came into them.
        steps: in their order.
    """

    path: Path
    token: str
    folders: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass
class Report:
    """What has become of the steps of a journal.

    Attributes:
        done: how many are done, or undone.
        before: how many of these looked so before the run.
        failed: the file of each other one, and why.
    """

    done: int = 0
    before: int = 0
    failed: list[tuple[str, Reason]] = field(default_factory=list)

    @property
    def changed_nothing(self) -> bool:
        """Whether all was as it should be before the run."""
        return not self.failed and 0 < self.done == self.before


def create(path: Path, steps: Sequence[Step]) -> Journal:
    """Write the undo file, whole and on the disk when this returns.

    Raises:
        StorageError: if it cannot be written, or there is one of this name.
    """
    parents = {one for step in steps for one in Path(step.target).parents}
    folders = tuple(sorted(str(one) for one in parents if not one.exists()))
    token = secrets.token_hex(4)
    header = {"clip_app_journal": _VERSION, "token": token, "folders": folders}
    lines = [header, *map(_as_json, steps)]
    content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        write_whole(path, content, path.with_name(f".{path.name}.part"))
    except OSError as error:
        raise _unwritable(path, error) from error
    return Journal(path, token, folders, tuple(steps))


def _unwritable(path: Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError("journal_unwritable", name=printable(path.name), reason=reason)


def read(path: Path) -> Journal:
    """The journal in an undo file.

    Raises:
        InputError: if it cannot be read, is none or of a newer program.
    """
    try:
        head, *lines = path.read_bytes().splitlines()
        header = json.loads(head)
        token = bytes.fromhex(header["token"]).hex()
        if int(header["clip_app_journal"]) > _VERSION:
            raise InputError("journal_newer", name=printable(path.name))
        steps = tuple(_from_json(json.loads(line)) for line in lines)
        return Journal(path.resolve(), token, tuple(map(str, header["folders"])), steps)
    except FileNotFoundError as error:
        raise InputError("file_not_found", name=printable(str(path))) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError("journal_unreadable", name=printable(path.name)) from error


def carry_out(journal: Journal, progress: Progress | None = None) -> Report:
    """Do the steps, or what is left of them.

    Raises:
        InputError: if the journal is being carried out or undone already.
        StorageError: if that cannot be found out, since nothing can be written beside it.
    """
    report = Report()
    with _alone(journal):
        for number, (step, part) in enumerate(_with_parts(journal)):
            report.before += looks_done(step)
            _note(report, step, do(step, part))
            if progress:
                progress(number + 1, len(journal.steps))
    return report


def take_back(journal: Journal, progress: Progress | None = None) -> Report:
    """Undo the steps, last first, and remove the folders that they made, where these are empty.

    What was changed since is left alone and told. May be killed and called again.

    Raises:
        InputError, StorageError: as `carry_out`.
    """
    report = Report()
    with _alone(journal):
        for number, (step, part) in enumerate(reversed(list(_with_parts(journal)))):
            report.before += looks_undone(step)
            _note(report, step, undo(step, part))
            if progress:
                progress(number + 1, len(journal.steps))
        for folder in reversed(journal.folders):  # those within others first
            try:
                os.rmdir(folder)
            except OSError:  # something else lies there, or it is gone
                continue
    return report


@contextmanager
def _alone(journal: Journal) -> Iterator[None]:
    """Keep everybody else from these steps: half done and half undone, no two runs agree on what
    a file at its new place means.
    """
    file = journal.path.with_name(f".{journal.path.name}.lock")
    busy = InputError("journal_busy", name=printable(journal.path.name))
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise busy from error
    except OSError as error:
        raise _unwritable(journal.path, error) from error
    try:
        if not file.exists():  # taken just as another run ended, whose file it was
            raise busy
        yield
        with suppress(OSError):  # Windows keeps open files; who holds it leaves no litter
            file.unlink()
    finally:
        lock.release()


def _with_parts(journal: Journal) -> Iterator[tuple[Step, Path]]:
    for number, step in enumerate(journal.steps):
        yield step, Path(step.target).parent / f".clip-app-{journal.token}-{number}.part"


def _note(report: Report, step: Step, reason: Reason | None) -> None:
    if reason is None:
        report.done += 1
    else:
        report.failed.append((step.source, reason))


def _as_json(step: Step) -> dict[str, Any]:
    # json writes bytes of names that are no UTF-8, which Python keeps as halves, as \udcxx.
    line: dict[str, Any] = {"how": step.how, "source": step.source, "target": step.target}
    if step.how == "write":
        before = None if step.before is None else base64.b64encode(step.before).decode()
        return {**line, "before": before, "after": base64.b64encode(step.after).decode()}
    return {**line, "size": step.size, "mtime_ns": step.mtime_ns}


def _from_json(line: dict[str, Any]) -> Step:
    how, source, target = line["how"], line["source"], line["target"]
    if how not in get_args(How) or not (os.path.isabs(source) and os.path.isabs(target)):
        raise ValueError(how)
    if how == "write":
        before = line["before"]
        return Step(
            how,
            source,
            target,
            before=None if before is None else base64.b64decode(before),
            after=base64.b64decode(line["after"]),
        )
    return Step(how, source, target, int(line["size"]), int(line["mtime_ns"]))
