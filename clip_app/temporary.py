"""Files that are there for a while only: what visitors upload, what libraries make, what is being
written.
"""

import atexit
import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from clip_app.errors import StorageError

log = logging.getLogger(__name__)

_VARIABLE = "GRADIO_TEMP_DIR"
_TORCH = "TORCHINDUCTOR_CACHE_DIR"
_LOCK = ".in-use"


def prepare_temporary_folder(index_dir: Path) -> Path:
    """Set `GRADIO_TEMP_DIR`, unless it is set; to be called before Gradio is imported.

    Gradio's own choice is one folder for all users of a machine, where the first locks out the
    others. Ours lies in `index_dir/temporary`, is readable by nobody else, and is deleted when the
    process ends; those that a crash has left are deleted now. Where `index_dir` cannot be written,
    it lies in the system's temporary folder.

    Raises:
        StorageError: if the variable is set to a folder that cannot be written.
    """
    if given := os.environ.get(_VARIABLE):
        folder = Path(given)
        try:
            # Gradio makes this one as it starts.
            (folder / "vibe_edit_history").mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise StorageError("temporary_folder_unusable", folder=given) from error
        return folder
    parent = index_dir.expanduser().resolve() / "temporary"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
    except OSError as error:
        log.info("No temporary folder below %s: %s", index_dir.name, error.strerror)
        folder = Path(tempfile.mkdtemp(prefix="clip_app-"))
    lock = FileLock(folder / _LOCK)
    lock.acquire()

    def remove() -> None:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    os.environ[_VARIABLE] = str(folder)
    return folder


def check_is_new(path: Path) -> None:
    """See that what a person has something written to is nobody's file yet.

    Raises:
        StorageError: if there is anything of that name.
    """
    if os.path.lexists(path):
        raise StorageError("file_exists", path=str(path))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at `path` whole, once the block is left, or not at all.

    Until then it has a name of its own beside it, so that any number may write the same at once.

    Raises:
        OSError: if it cannot be written.
    """
    handle, making = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    try:
        with open(handle, "wb") as file:
            yield file
        Path(making).replace(path)
    except BaseException:
        Path(making).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def no_folder_of_torch() -> Iterator[None]:
    """Keep torch from making its cache for compiled code, which nothing here compiles.

    open_clip has it made while it is imported, among the system's temporary files, and there it
    would stay; where another user has one of that name, or the disk is full, the import would fail.
    """
    if _TORCH in os.environ:
        yield
        return
    os.environ[_TORCH] = tempfile.gettempdir()  # a folder that is there already
    try:
        yield
    finally:
        del os.environ[_TORCH]


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        # Without a lock, another process is just making it.
        if not (folder / _LOCK).exists():
            continue
        try:
            with FileLock(folder / _LOCK, timeout=0):
                pass
        except (Timeout, OSError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
