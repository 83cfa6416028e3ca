"""Whether a file is as it was when it was last read, and how far that can be relied on."""

from dataclasses import replace

from clip_app.gallery.scan import FoundFile
from clip_app.gallery.stores.store import UNRELIABLE, Entry, FileRecord

# A file that was read again so often for its inode or ctime alone, and was the same, lies on a file
# system that makes them up, or is linked by backups: from then on that one is not compared.
_DOUBTS = 3


def is_settled(before: FileRecord, file: FoundFile) -> bool:
    """Whether a file needs nothing: it is as it was, and not at fault for want of a permission.

    What could not even be read, or not for want of memory, may be readable now.
    """
    passing = not before.hash or (before.error and before.error.key) == "image_out_of_memory"
    return not passing and looks_alike(before, file) and not _differing(before, file)


def looks_alike(before: FileRecord, file: FoundFile) -> bool:
    """Whether size and time are as they were."""
    return (before.size, before.mtime_ns) == (file.size, file.mtime_ns)


def _differing(before: FileRecord, now: FoundFile | Entry) -> set[str]:
    """Which of ctime and inode are not what they were, so that the file may have been replaced."""
    pairs = {
        "ctime_ns": (before.ctime_ns, now.ctime_ns),
        "inode": (before.inode, now.inode),
    }
    return {
        name
        for name, (then, present) in pairs.items()
        if then not in (None, UNRELIABLE) and present is not None and then != present
    }


def with_doubts(entry: Entry, before: FileRecord | None) -> Entry:
    """An entry that keeps in mind how often its file was read again for nothing.

    Args:
        entry: what was read.
        before: what was known, if the file's size and time are still those.
    """
    if before is None or entry.hash != before.hash:
        return entry
    differing = _differing(before, entry)
    doubts = before.doubts + bool(differing)
    ignored = {name for name in ("ctime_ns", "inode") if getattr(before, name) == UNRELIABLE}
    if doubts >= _DOUBTS:
        ignored |= differing
        doubts = 0
    return replace(
        entry,
        doubts=doubts,
        ctime_ns=UNRELIABLE if "ctime_ns" in ignored else entry.ctime_ns,
        inode=UNRELIABLE if "inode" in ignored else entry.inode,
    )
