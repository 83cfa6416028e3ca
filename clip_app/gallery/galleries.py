"""The galleries of one running app: which folders a visitor may use, and indexing them."""

import contextvars
import logging
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from clip_app.errors import ClipAppError, GalleryError, OtherModelError, StorageError
from clip_app.gallery.index_report import IndexProgress, IndexReport
from clip_app.gallery.kinds import IMAGE, kind_of
from clip_app.gallery.library import IndexStatus, open_library, update_index
from clip_app.gallery.maps import Maps
from clip_app.gallery.pictures import Pictures, thumbnail_folder
from clip_app.gallery.prepared import prepared_for
from clip_app.gallery.roots import Roots, can_write, is_left_out, meant, printable
from clip_app.gallery.scan import walk
from clip_app.gallery.stores.store import Store
from clip_app.gallery.uploads import Uploads
from clip_app.gallery.watch import follow
from clip_app.model.info import ModelInfo, public_name
from clip_app.model.service import ModelService
from clip_app.photos import open_picture
from clip_app.progress import nobody_waits
from clip_app.settings import ASSETS, Settings

log = logging.getLogger(__name__)

#: What can be searched where nobody has configured a folder.
EXAMPLES = ASSETS / "gallery" / "examples"

# With the starter, whose vectors are there, it takes half a second; 150 photographs of a larger
# model take longer than anyone waits.
_EXAMPLES_SECONDS = 15

# What is done is kept anyway, so that an app that is told to stop need not wait for long.
_LAST_BATCH_SECONDS = 5

# A run that encoded fewer says little about how fast the next one will be.
_ENOUGH_TO_TELL = 20
_MEASURED = 6

# A visitor waits for it: some 50,000 files on a disk of this machine.
_COUNT_SECONDS = 0.5

# Folders offered in a list; others can be typed.
_MOST_CHOICES = 500


def _rate_of_examples(service: ModelService) -> float:
    photos = (one for one in sorted(EXAMPLES.rglob("*")) if kind_of(one.name) == IMAGE)
    paths = [os.fspath(one) for one in islice(photos, _MEASURED)]
    rows = [service.preprocess(open_picture(paths[0], service))]
    service.encode_pixels(rows)  # what is opened when it is first needed
    started = time.perf_counter()
    rows = [service.preprocess(open_picture(path, service)) for path in paths]
    decoded = time.perf_counter() - started
    service.encode_pixels(rows)
    encoded = time.perf_counter() - started - decoded
    # Read on every core, while the model has what was read before.
    return len(paths) / max(1e-6, decoded / (os.cpu_count() or 1) + encoded)


class IndexJob:
    """One run of the indexer on a thread of its own. It goes on when its visitor leaves."""

    def __init__(self, run: Callable[["IndexJob"], IndexReport]) -> None:
        self.stop = threading.Event()
        self.progress: IndexProgress | None = None
        self.report: IndexReport | None = None
        self.error: Exception | None = None
        self._run = run
        # Where a GPU is lent to a visitor's request, the context says whose request it is.
        work = partial(contextvars.copy_context().run, self._work)
        self._thread = threading.Thread(target=work, name="index", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, at most so long; returns whether it has ended."""
        self._thread.join(seconds)
        return not self.is_running

    def _work(self) -> None:
        nobody_waits.set(lambda: False)  # of the index others wait too
        try:
            self.report = self._run(self)
        except ClipAppError as error:
            # Whoever watches is told too, but perhaps nobody does.
            log.warning("Indexing ended early: %s", error)
            self.error = error
        except Exception as error:
            log.exception("Unexpected error while indexing")
            self.error = error


class GalleryService:
    """Folders, indexes, thumbnails, uploads and index jobs of this process."""

    def __init__(self, settings: Settings) -> None:
        self.library = open_library(settings)
        self.pictures = Pictures(self._thumbnail_folder(), self.library.distrust)
        self.maps = Maps(self.library.directory)
        self.uploads = Uploads(self.library.directory / "uploads")
        #: The configured folders; the example photographs where there are none.
        self.roots = Roots.of(settings.gallery_roots or (EXAMPLES,))
        self._jobs: dict[tuple[Path, str], IndexJob] = {}
        self._rates: dict[str, float] = {}
        self._changes: Counter[Path] = Counter()
        self._followed: dict[Path, threading.Event] = {}
        self._lock = threading.Lock()
        for own in self.uploads.abandoned():
            try:
                self.forget_uploads(own)
            except StorageError as error:  # a disk that is only read now must not end the start
                log.warning("What a visitor left cannot be removed: %s", error)

    def _thumbnail_folder(self) -> Path:
        """Below the index folder; where that is on a read-only disk, for as long as this runs."""
        folder = thumbnail_folder(self.library.directory)
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if can_write(there):
            return folder
        self._temporary = tempfile.TemporaryDirectory(prefix="clip_app-thumbnails-")
        return Path(self._temporary.name)

    def roots_of(self, own: Path | None) -> Roots:
        """What a visitor may reach: the configured folders and the visitor's own uploads."""
        return self.roots if own is None else Roots((*self.roots.folders, own))

    def choices(self, own: Path | None) -> list[Path]:
        """Folders to offer: the visitor's own, the roots, and the folders directly below these."""
        found = [own] if own else []
        for root in self.roots.folders:
            found.append(root)
            try:
                below = sorted(path for path in root.iterdir() if path.is_dir())
            except OSError as error:
                log.warning("The gallery root %s cannot be listed: %s", root, error)
                continue
            found += [path for path in below if not is_left_out(path.name)]
        return found[:_MOST_CHOICES]

    def index(self, service: ModelService, folder: Path, roots: Roots) -> IndexJob:
        """Start bringing a gallery's index up to date, or join the run that does so already."""
        key = (folder, service.info.fingerprint)
        with self._lock:
            job = self._jobs.get(key)
            if job is None or not job.is_running:

                def run(job: IndexJob) -> IndexReport:
                    def tell(progress: IndexProgress) -> None:
                        job.progress = progress

                    report = update_index(
                        self.library,
                        service,
                        folder,
                        roots,
                        progress=tell,
                        stop=job.stop,
                        # What a visitor's photographs were is nobody's business afterwards.
                        keep_missing=folder.parent != self.uploads.directory,
                        prepared=(
                            prepared_for(service.info.fingerprint)
                            if folder == EXAMPLES.resolve()
                            else None
                        ),
                    )
                    if report.encoded or report.reused or report.forgotten:
                        self._changes[folder] += 1
                    if report.encoded >= _ENOUGH_TO_TELL:
                        rate = report.encoded / report.seconds
                        self._rates[service.info.fingerprint] = rate
                    return report

                job = self._jobs[key] = IndexJob(run)
            return job

    def running(self, service: ModelService, folder: Path) -> IndexJob | None:
        """The run that is under way for a gallery, if there is one."""
        with self._lock:
            job = self._jobs.get((folder, service.info.fingerprint))
            return job if job is not None and job.is_running else None

    def changes(self, folder: Path) -> int:
        """How many runs of this process have changed the index of a gallery."""
        return self._changes[folder]

    def follow(self, service: Callable[[], ModelService], folder: Path, roots: Roots) -> None:
        """From now on, run `index` whenever a folder changes, with the model in use by then."""
        with self._lock:
            if folder in self._followed:
                return
            stop = self._followed[folder] = threading.Event()

        def run() -> None:
            if earlier := self.running(service(), folder):
                earlier.wait()  # it may have looked before what changed
            job = self.index(service(), folder, roots)
            job.wait()
            if isinstance(job.error, ClipAppError):
                raise job.error

        def work() -> None:
            # A run writes into the log by itself what ended it.
            follow(folder, run, log.debug, stop, index_dir=self.library.directory)

        threading.Thread(target=work, name="follow", daemon=True).start()

    def unfollow(self, folder: Path) -> None:
        """End `follow`; a run that is under way goes on."""
        with self._lock:
            if stop := self._followed.pop(folder, None):
                stop.set()

    def follows(self, folder: Path) -> bool:
        """Whether the index of a folder is kept up to date by itself."""
        return folder in self._followed

    def unread(self, folder: Path, roots: Roots) -> int | None:
        """How many photographs lie in a folder; None where counting them takes too long."""
        started = time.monotonic()
        number = 0
        for _ in walk(folder, roots, []):
            number += 1
            if time.monotonic() - started > _COUNT_SECONDS:
                return None
        return number

    def rate(self, service: ModelService) -> float:
        """Photographs a second that this machine reads with a model: of the last run that read
        some, else measured on the examples.
        """
        known = self._rates.get(service.info.fingerprint)
        if known is None:
            known = self._rates[service.info.fingerprint] = _rate_of_examples(service)
        return known

    def gallery_of(self, folder: Path, model: ModelInfo, roots: Roots) -> tuple[Path, str]:
        """The gallery that covers a folder, and the folder's path below it.

        That is the nearest folder above with an index, else the folder itself.
        """
        for place in (folder, *folder.parents):
            if not roots.contains(place):
                break
            try:
                self.library.open(place, model)
            except GalleryError:
                continue
            return place, "" if place == folder else folder.relative_to(place).as_posix()
        return folder, ""

    def store(self, folder: Path, model: ModelInfo) -> Store:
        """A gallery's index.

        Raises:
            GalleryError: if it has none, or only one of another model.
        """
        return self.library.open(folder, model)

    def indexed(self, model: ModelInfo, roots: Roots) -> list[IndexStatus]:
        """The indexes of galleries inside the roots; those of other models too."""
        return [one for one in self.library.galleries(model) if roots.contains(one.folder)]

    def searchable(self, model: ModelInfo) -> list[Store]:
        """The indexes of all galleries inside the configured roots.

        Raises:
            GalleryError: if there is none that the model can search.
        """
        indexes = self.indexed(model, self.roots)
        usable = [self.library.open(one.folder, model) for one in indexes if one.usable]
        if not usable and indexes:
            other = indexes[0]
            raise OtherModelError(
                "index_other_model",
                folder=printable(self.name_of(other.folder)),
                model=public_name(other.model),
                current=model.public_name,
            )
        if not usable:
            for folder in sorted(filter(self.roots.contains, self.library.folders())):
                self.library.open(folder, model)  # raises what is wrong with it
            raise GalleryError("index_none")
        return usable

    def path_of(self, path: str) -> str:
        """A file's path from its root on: the rest of the disk is nobody's business."""
        file = Path(path)
        return f"{self.name_of(file.parent)}/{file.name}"

    def read(self, path: str) -> bytes:
        """The content of a photograph below the configured roots, by its whole path or `path_of`.

        Raises:
            ImageError: if there is none, or it lies outside.
        """
        # A file that is really called %FF.jpg comes first.
        for one in dict.fromkeys((path, meant(path))):
            first, _, below = one.partition("/")
            for root in self.roots.folders if first and below else ():
                if first == root.name and (root / below).is_file():
                    return self.roots.read(str(root / below))
        return self.roots.read(path if os.path.lexists(path) else meant(path))

    def name_of(self, folder: Path) -> str:
        """A gallery's name for people: its path from its root on, no more of the disk."""
        for root in self.roots.folders:
            if folder == root or root in folder.parents:
                return "/".join((root.name, *folder.relative_to(root).parts))
        return folder.name

    def forget_uploads(self, own: Path) -> None:
        """Delete a visitor's photographs and their index."""
        with self._lock:
            jobs = [job for (folder, _), job in self._jobs.items() if folder == own]
        for job in jobs:
            job.stop.set()
            job.wait(30)
        try:
            self.library.forget(own)
        except GalleryError as error:
            log.debug("%s", error)
        self.uploads.remove(own)

    def close(self) -> None:
        """End all runs of the indexer after their present batch; delete the visitors' uploads."""
        for folder in list(self._followed):
            self.unfollow(folder)
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop.set()
        for job in jobs:
            job.wait(_LAST_BATCH_SECONDS)
        for own in list(self.uploads.folders):
            self.forget_uploads(own)
        self.uploads.close()

    def prepare(self, service: ModelService) -> None:
        """Index the example photographs, so that there is something to search at once."""
        examples = EXAMPLES.resolve()
        if examples in self.roots.folders:
            self.index(service, examples, self.roots)

    def prepared(self, service: ModelService) -> bool:
        """Whether the example photographs can be searched; waits a moment where they soon can."""
        job = self.running(service, EXAMPLES.resolve())
        if job is not None:
            job.wait(_EXAMPLES_SECONDS)
        try:
            return self.library.open(EXAMPLES.resolve(), service.info).counts().images > 0
        except GalleryError:
            return False
