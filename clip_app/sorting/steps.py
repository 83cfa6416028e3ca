"""One step on the disk and back again: never over another file, and after a kill what lies there
tells whether it was done.

A move takes its new name first, as an empty file that nobody else can make, and is then renamed
over it; to another disk it is copied beside the new name, read back, renamed, and only then
deleted. So a file is at its old place or its new one at every moment, and the empty one is none.
"""

import errno
import filecmp
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from clip_app.errors import Reason
from clip_app.gallery.roots import printable

How = Literal["move", "copy", "hardlink", "symlink", "write"]

# Disks for cameras (FAT) keep times to two seconds.
_TIME_GRAIN_NS = 2 * 10**9


@dataclass(frozen=True)
class Step:
    """What is done to one file; paths are absolute and resolved.

    Attributes:
        how: `write` puts `after` at `target`, the others bring `source` there.
        source: the photograph.
        target: a name that nothing had when the step was planned, or, of `write`, a sidecar.
        size: bytes of the photograph then.
        mtime_ns: its time of change then.
        before: what the sidecar held; None if there was none.
        after: what it is to hold.
    """

    how: How
    source: str
    target: str
    size: int = 0
    mtime_ns: int = 0
    before: bytes | None = None
    after: bytes = b""


def do(step: Step, part: Path) -> Reason | None:
    """Do a step, or what is left of it; one that is done stays as it is.

    Args:
        step: what to do.
        part: a name in the folder of the target, for what is not whole yet.

    Returns:
        Why it was not done, or None.
    """
    return _tried(step, part, undoing=False)


def undo(step: Step, part: Path) -> Reason | None:
    """Put everything back as it was before a step; arguments and result as of `do`."""
    return _tried(step, part, undoing=True)


def is_done(step: Step) -> bool:
    """Whether a copy or link that a step would make is there already, from an earlier run.

    Raises:
        OSError: if it cannot be looked at.
    """
    if step.how == "copy":
        same = _as_recorded(Path(step.target), step)
        return same and filecmp.cmp(step.source, step.target, shallow=False)
    return step.how in ("hardlink", "symlink") and _is_link_to(step)


def looks_done(step: Step) -> bool:
    """Whether a step was done, by names and sizes: of photographs, no content is compared."""
    if step.how == "write":
        return _held(step) == step.after
    if step.how == "move" and os.path.lexists(step.source):
        return False
    try:
        size = os.lstat(step.target).st_size
    except OSError:
        return False
    return step.how == "symlink" or size == step.size  # or its name is only kept for it


def looks_undone(step: Step) -> bool:
    """Whether a step was not done, or undone; see `looks_done`."""
    if step.how == "write":
        return _held(step) == step.before
    if step.how == "move" and not os.path.lexists(step.source):
        return False
    return not os.path.lexists(step.target)


def _held(step: Step) -> bytes | None:
    try:
        return Path(step.target).read_bytes()
    except OSError:  # doing it tells why
        return None


def _tried(step: Step, part: Path, *, undoing: bool) -> Reason | None:
    back = undoing and step.how == "move"
    made = Path(step.source if back else step.target)
    try:
        if os.path.realpath(made.parent) != str(made.parent):
            return Reason("step_link", {"name": printable(made.parent.name)})
        if not undoing or back:
            made.parent.mkdir(parents=True, exist_ok=True)
        _clear(step, part)
        if step.how == "write":
            return _rewrite(step, part, undoing)
        if back:
            swapped = replace(step, source=step.target, target=step.source)
            return _move(swapped, made.parent / part.name)
        if undoing:
            return _remove(step)
        return {"move": _move, "copy": _copy, "hardlink": _link, "symlink": _link}[step.how](
            step, part
        )
    except OSError as error:
        with suppress(OSError):
            _clear(step, part)
        reason = error.strerror or str(error)
        return Reason("step_failed", {"name": printable(made.name), "reason": reason})


def _clear(step: Step, part: Path) -> None:
    """Remove what a kill left unfinished, on the way there or back."""
    part.unlink(missing_ok=True)
    if step.how == "move":
        (Path(step.source).parent / part.name).unlink(missing_ok=True)


def _as_recorded(path: Path, step: Step) -> bool:
    """Whether a regular file is there, of the size and time of the photograph as it was planned."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    near = abs(found.st_mtime_ns - step.mtime_ns) < _TIME_GRAIN_NS
    return stat.S_ISREG(found.st_mode) and found.st_size == step.size and near


def _is_reserved(path: Path) -> bool:
    """Whether there is an empty file, as a step that was killed leaves to keep a name."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _about(key: str, path: Path) -> Reason:
    return Reason(key, {"name": printable(path.name)})


def _move(step: Step, part: Path) -> Reason | None:
    source, target = Path(step.source), Path(step.target)
    arrived = _as_recorded(target, step)
    if arrived and _is_reserved(source):  # the way back was begun
        source.unlink()
    if not os.path.lexists(source):
        return None if arrived else _about("step_missing", source)
    if not _as_recorded(source, step):
        return _about("step_changed", source)
    if not (arrived and filecmp.cmp(source, target, shallow=False)):
        if not _reserve(target):
            return _about("step_taken", target)
        try:
            os.replace(source, target)
            return None
        except OSError as error:
            if error.errno != errno.EXDEV:
                _release(target)
                raise
        if reason := _copy_over(source, target, part):
            return reason
    source.unlink()
    return None


def _copy(step: Step, part: Path) -> Reason | None:
    source, target = Path(step.source), Path(step.target)
    if not _as_recorded(source, step):
        return _about("step_changed" if os.path.lexists(source) else "step_missing", source)
    if is_done(step):
        return None
    if not _reserve(target):
        return _about("step_taken", target)
    return _copy_over(source, target, part)


def _copy_over(source: Path, target: Path, part: Path) -> Reason | None:
    """Copy to a name that is reserved; what was written is read back before it counts."""
    try:
        shutil.copy2(source, part, follow_symlinks=False)
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        if not filecmp.cmp(source, part, shallow=False):
            part.unlink()
            _release(target)
            return _about("step_differs", target)
        os.replace(part, target)
        sync_folder(target.parent)
    except OSError:
        _release(target)
        raise
    return None


def _link(step: Step, part: Path) -> Reason | None:
    source, target = Path(step.source), Path(step.target)
    if not _as_recorded(source, step):
        return _about("step_changed" if os.path.lexists(source) else "step_missing", source)
    if _is_link_to(step):
        return None
    if os.path.lexists(target):
        return _about("step_taken", target)
    (os.link if step.how == "hardlink" else os.symlink)(source, target)
    return None


def _is_link_to(step: Step) -> bool:
    if step.how == "symlink":
        return os.path.islink(step.target) and os.readlink(step.target) == step.source
    try:
        return os.path.samestat(os.lstat(step.source), os.lstat(step.target))
    except FileNotFoundError:
        return False


def _remove(step: Step) -> Reason | None:
    """Take a copy or link away, if it is as it was made and not the last of its kind."""
    source, target = Path(step.source), Path(step.target)
    if not os.path.lexists(target):
        return None
    if step.how == "copy":
        ours = _as_recorded(target, step) or _is_reserved(target)
    else:
        ours = _is_link_to(step)
    if not ours:
        return _about("step_changed", target)
    if not os.path.lexists(source) and step.how != "symlink":
        return _about("step_last", target)
    target.unlink()
    return None


def _rewrite(step: Step, part: Path, undoing: bool) -> Reason | None:
    target = Path(step.target)
    old, new = (step.after, step.before) if undoing else (step.before, step.after)
    if target.is_symlink():
        return _about("step_changed", target)
    found = target.read_bytes() if target.exists() else None
    if found == new:
        return None
    if found != old:
        return _about("step_changed", target)
    if new is None:
        target.unlink()
        return None
    write_whole(target, new, part)
    return None


def write_whole(target: Path, content: bytes, part: Path) -> None:
    """Let a file hold `content`, at once or not at all, and on the disk when this returns.

    Raises:
        OSError: if it cannot be written.
    """
    with open(part, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if target.exists():
        shutil.copymode(target, part)
    os.replace(part, target)
    sync_folder(target.parent)


def _reserve(target: Path) -> bool:
    """Take a name that nothing has; whether it is ours."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _is_reserved(target)
    return True


def _release(target: Path) -> None:
    if _is_reserved(target):
        target.unlink()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system offers that."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
