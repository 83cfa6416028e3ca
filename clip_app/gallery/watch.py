"""Following a folder: its index is brought up to date when something changes, and only then."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from watchfiles import Change, watch
from watchfiles._rust_notify import WatchfilesRustInternalError

from clip_app.errors import ClipAppError
from clip_app.gallery.kinds import IMAGE, UNKNOWN, kind_of
from clip_app.gallery.roots import is_left_out
from clip_app.images.keywords import SIDECAR

# A run begins when so long nothing changed: half a copied photograph is not worth reading.
_QUIET_MS = 1000

# What never rests is read that often all the same.
_LONGEST_MS = 60_000

# A share tells nobody of what other machines do there, so that its files are looked at. A host's
# disks in virtual machines and containers are shares too, and so may be all that a program serves
# (FUSE: sshfs, rclone, mergerfs, …); a disk of this machine that needs one for it is `fuseblk`.
_POLL_MS = 10_000
_SHARES = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "afs", "ceph", "lustre", "gpfs"),
    *("gfs2", "ocfs2", "beegfs", "9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs", "wslfs"),
    *("fakeowner", "fuse", "macfuse", "osxfuse"),
)

# After an error that no change ended, such as a full disk: tried again, more and more seldom.
_RETRY_FIRST, _RETRY_LAST = 60, 3600


def follow(
    folder: Path,
    run: Callable[[], object],
    failed: Callable[[ClipAppError], object],
    stop: threading.Event,
    *,
    index_dir: Path,
    poll: bool = False,
) -> None:
    """Call `run` at once and after each change below a folder, until `stop` is set.

    A folder that is not there is waited for.

    Args:
        folder: the gallery, resolved.
        run: brings its index up to date.
        failed: is told of an error of `run`, once for each that differs from the one before.
        stop: is looked at every second.
        index_dir: where indexes are written; if it lies in the folder, it is no change of it.
        poll: look at every file each 10 s instead of waiting for the system to tell; network
            shares are always looked at.
    """
    told, wait, waited = "", _RETRY_FIRST, 0
    for changed in _moments(folder, stop, index_dir, poll):
        waited += 1
        if not changed and not (told and waited >= wait):
            continue
        try:
            run()
            told, wait = "", _RETRY_FIRST
        except ClipAppError as error:
            if str(error) != told:
                failed(error)
            else:
                wait = min(2 * wait, _RETRY_LAST)
            told = str(error)
        waited = 0


def _moments(folder: Path, stop: threading.Event, index_dir: Path, poll: bool) -> Iterator[bool]:
    """About every second, whether something has changed since the moment before."""
    gone = False
    while not stop.is_set():
        place = _place(folder)
        if place is None:
            yield not gone
            gone = True
            stop.wait(_QUIET_MS / 1000)
            continue
        gone, first = False, True
        try:
            for changes in watch(
                folder,
                watch_filter=_Matters(folder, index_dir),
                debounce=_LONGEST_MS,
                step=_QUIET_MS,
                stop_event=stop,
                rust_timeout=_QUIET_MS,
                yield_on_timeout=True,
                force_polling=poll or bool(place.shares) or None,
                poll_delay_ms=_POLL_MS,
                ignore_permission_denied=True,
            ):
                if _place(folder) != place:  # gone, or a disk was put in its place or into it
                    break
                # The first run comes when it is watched already: nothing falls in between.
                yield first or bool(changes)
                first = False
        except (OSError, WatchfilesRustInternalError, UnicodeEncodeError):
            # Gone just now; more folders than the system watches; names that are no UTF-8, of which
            # nothing can be told, not even that they were read; links in a circle.
            if poll and folder.is_dir():  # a run looks at every file, too
                yield True
                stop.wait(_POLL_MS / 1000)
            poll = poll or folder.is_dir()


class _Matters:
    """Whether a change can have to do with photographs of a gallery."""

    def __init__(self, folder: Path, index_dir: Path) -> None:
        self._folder = os.path.join(folder, "")
        self._index = os.path.join(index_dir, "")

    def __call__(self, change: Change, path: str) -> bool:
        if path.startswith(self._index):
            return False
        *folders, name = path.removeprefix(self._folder).split(os.sep)
        if any(map(is_left_out, folders)):
            return False
        if name == ".nomedia" or name.lower().endswith(SIDECAR):
            return True
        return not is_left_out(name) and kind_of(name) in (IMAGE, UNKNOWN)


class _Place(NamedTuple):
    """What tells a folder from another of its name.

    Attributes:
        shares: where disks of other machines begin that it lies on or that lie below it.
    """

    device: int
    inode: int
    shares: frozenset[str]


def _place(folder: Path) -> _Place | None:
    """What a folder is now; None where there is none."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return _Place(found.st_dev, found.st_ino, _shares(folder))


def _shares(folder: Path) -> frozenset[str]:
    """Where shares are mounted that hold a folder or something below it."""
    # The last of several that are mounted at one place hides the others.
    kinds = {Path(one.mountpoint): one.fstype for one in psutil.disk_partitions(all=True)}
    nearest = next((one for one in (folder, *folder.parents) if one in kinds), folder)
    return frozenset(
        str(one)
        for one, kind in kinds.items()
        if (one == nearest or folder in one.parents) and kind.lower().split(".")[0] in _SHARES
    )
