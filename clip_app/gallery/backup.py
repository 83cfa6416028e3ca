"""An index as one file, and back: to keep, to move to another machine, folder or kind of store.

The file is an index of SQLite's store, whatever store the index lies in, so that one reads it who
reads those, and nothing is encoded again.
"""

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from clip_app.errors import DamagedIndexError, GalleryError, OtherModelError, StorageError
from clip_app.gallery.library import AnyLibrary
from clip_app.gallery.roots import printable
from clip_app.gallery.scan import CHUNK, batched
from clip_app.gallery.stores.sqlite_database import read_facts
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Counts, Store
from clip_app.model.info import ModelInfo, public_name
from clip_app.progress import Progress
from clip_app.temporary import check_is_new

# What a folder of SQLite's store calls its database.
_DATABASE = "index.sqlite"


def back_up(store: Store, out: Path, progress: Progress | None = None) -> Counts:
    """Write an index into one file, which appears whole or not at all.

    What an indexer writes meanwhile may be in it or not.

    Args:
        store: the index.
        out: must not exist yet.
        progress: called with (done, total) files.

    Returns:
        how much is in it.

    Raises:
        StorageError: if the file is there, or cannot be written.
    """
    check_is_new(out)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".clip_app-") as making:
            with closing(SqliteStore(Path(making), store.key, create=True)) as copy:
                with copy.lock():
                    _copy(store, copy, progress)
                counts = copy.counts()
            (Path(making) / _DATABASE).rename(out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError("backup_unwritable", path=out, reason=reason) from error
    return counts


class Restored(NamedTuple):
    """What `restore` has made.

    Attributes:
        store: the index.
        damaged: how many files are not in it, as what the backup says of them is damaged.
    """

    store: Store
    damaged: int


def restore(
    library: AnyLibrary,
    file: Path,
    model: ModelInfo,
    *,
    folder: Path | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> Restored:
    """Make a gallery's index what it was when the file was written.

    Args:
        library: where the index is to be.
        file: what `back_up` has written.
        model: the model in use, whose vectors these must be.
        folder: where the photographs lie now; by default where they lay.
        replace: let go of what the index knows that is not in the file. Otherwise it must be empty.
        progress: called with (done, total) files.

    Returns:
        the index, and what is missing from it.

    Raises:
        GalleryError: if the file cannot be read or is of another model, or the index is not empty,
            or being written.
        StorageError: if the index cannot be written.
    """
    if not file.is_file():
        raise GalleryError("backup_missing", path=file)
    with tempfile.TemporaryDirectory(prefix="clip_app-restore-") as folder_of_copy:
        # A copy: opening one writes beside it, and it may lie where nothing can be written.
        copy = Path(folder_of_copy) / _DATABASE
        try:
            shutil.copyfile(file, copy)
        except OSError as error:
            raise StorageError("disk_full", reason=error.strerror or str(error)) from error
        try:
            key = read_facts(copy).key
        except DamagedIndexError as error:
            raise GalleryError("backup_unreadable", path=file) from error
        if key.fingerprint != model.fingerprint:
            names = {"model": public_name(key.model), "current": model.public_name}
            raise OtherModelError("index_other_model", folder=printable(key.folder.name), **names)
        with closing(SqliteStore(Path(folder_of_copy), key)) as source:
            try:
                with source.lock():
                    source.make_sound()
            except DamagedIndexError as error:
                raise GalleryError("backup_unreadable", path=file) from error
            store = library.open(folder or key.folder, model, create=True)
            if not replace and store.counts() != Counts():
                raise GalleryError("restore_not_empty", folder=printable(store.key.folder.name))
            with store.lock():
                kept, damaged = _copy(source, store, progress)
                gone = [path for path in store.paths() if path not in kept]
                store.forget(gone)
                store.optimise()
    return Restored(store, damaged)


def _copy(source: Store, target: Store, progress: Progress | None) -> tuple[set[str], int]:
    """Write all files of one index into another.

    Returns:
        their paths, and how many there are of which nothing whole can be read.
    """
    counts = source.counts()
    total = counts.files + counts.broken
    copied: set[str] = set()
    damaged = 0
    for paths in batched(source.paths(), CHUNK):
        entries = source.entries(paths)
        target.write(entries)
        copied.update(entry.path for entry in entries)
        damaged += len(paths) - len(entries)
        if progress is not None:
            progress(len(copied), max(total, len(copied)))
    return copied, damaged
