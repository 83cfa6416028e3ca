"""Who may write an index: one thread of one process of this machine."""

import threading
from pathlib import Path

from filelock import FileLock, Timeout

from clip_app.errors import GalleryError


class IndexLock:
    """A lock that is told at once to be taken, not waited for."""

    def __init__(self, file: Path, folder: str) -> None:
        """A lock that nobody holds by it.

        Args:
            file: keeps other processes out; its folder must be there when it is taken.
            folder: the gallery's name, for people.
        """
        self._folder = folder
        self._threads = threading.Lock()
        self._processes = FileLock(file, timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Take it.

        Raises:
            GalleryError: if another thread or process has it.
            OSError: if the file cannot be made.
        """
        busy = GalleryError("index_busy", folder=self._folder)
        if not self._threads.acquire(blocking=False):
            raise busy
        try:
            self._processes.acquire()
        except BaseException as error:
            self._threads.release()
            if isinstance(error, Timeout):
                raise busy from error
            raise

    def release(self) -> None:
        """Give it back."""
        try:
            self._processes.release()
        finally:
            self._threads.release()
