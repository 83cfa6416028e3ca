"""Bringing an index up to what lies in its folder now: scan, compare, decode, encode, write.

Worker threads read, hash, decode and preprocess; this thread alone feeds the model; a writer thread
stores. Each stage waits for the next, so memory does not grow with the number of files.
"""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from clip_app.errors import GalleryError
from clip_app.gallery.changes import is_settled, looks_alike, with_doubts
from clip_app.gallery.copies import Claims
from clip_app.gallery.entries import Job, decode, encode, keywords_at
from clip_app.gallery.index_report import (
    SHOWN_BROKEN,
    BrokenFile,
    IndexProgress,
    IndexReport,
    Pace,
)
from clip_app.gallery.prepared import Prepared
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.scan import CHUNK, WHOLE, FileList, FoundFile, Shard, batched
from clip_app.gallery.stores.store import Entry, FileRecord, Store
from clip_app.gallery.writer import Writer
from clip_app.metrics import steps
from clip_app.model.service import ModelService
from clip_app.photos import BATCH

# Files in one transaction. A sync of the disk takes milliseconds, so a batch of this size costs
# nothing and little is done again after a crash.
_WRITE = 256

# A slow model writes what it has after this time.
_WRITE_SECONDS = 5.0

# Decoded pictures waiting for the model, beyond those the workers are at: 0.6 MB each.
_AHEAD = 96


def index_folder(
    service: ModelService,
    store: Store,
    roots: Roots,
    *,
    shard: Shard = WHOLE,
    progress: Callable[[IndexProgress], None] | None = None,
    stop: threading.Event | None = None,
    workers: int | None = None,
    verify: bool = False,
    keep_missing: bool = True,
    prepared: Mapping[bytes, Prepared] | None = None,
) -> IndexReport:
    """Bring an index up to date with its folder.

    Args:
        service: the model whose index it is.
        store: the index.
        roots: what may be read.
        shard: the part of the files to take care of; others are left as they are.
        progress: called at most five times a second.
        stop: set it to end early; what is encoded by then is written.
        workers: decoding threads; by default one a core.
        verify: read every file and compare its content; what is the same is not encoded again.
        keep_missing: keep the vectors of pictures that are gone for `store.KEEP_DAYS`; otherwise
            they are dropped, those kept before too.
        prepared: by content hash, vectors of this model that are taken over without encoding.

    Raises:
        GalleryError: if another process is indexing, the folder is gone or cannot be listed, no
            image is left in it (an unplugged disk looks so), or the index is damaged.
        StorageError: if the disk is full; what was written before stays.
        ModelError: if the device fails; likewise.
    """
    with store.lock():
        run = Run(
            service, store, roots, shard, progress, stop, workers, verify, keep_missing, prepared
        )
        return run.report()


class Run:
    """One run of the indexer."""

    def __init__(
        self,
        service: ModelService,
        store: Store,
        roots: Roots,
        shard: Shard = WHOLE,
        progress: Callable[[IndexProgress], None] | None = None,
        stop: threading.Event | None = None,
        workers: int | None = None,
        verify: bool = False,
        keep_missing: bool = True,
        prepared: Mapping[bytes, Prepared] | None = None,
    ) -> None:
        """What to do; the arguments are those of `index_folder`."""
        self._service = service
        self._store = store
        self._folder = store.key.folder
        self._roots = roots
        self._shard = shard
        self._progress = Pace(progress)
        self._stop = stop or threading.Event()
        self._workers = workers or os.cpu_count() or 1
        self._verify = verify
        self._keep_missing = keep_missing
        self._prepared = prepared
        self._claims = Claims()
        # What is known of files that are read though their size and time are as they were.
        self._compared: dict[str, FileRecord] = {}
        self._counts = IndexReport()
        # The thread that writes counts too.
        self._counting = threading.Lock()

    def report(self) -> IndexReport:
        """Do it all."""
        started = time.monotonic()
        self._place = self._place_now()
        repaired = self._store.repair(thorough=self._verify)
        with FileList() as files:
            with steps.measure("scan"):
                found = files.fill(self._folder, self._roots, self._shard)
            self._check_place()  # else what the walk missed would count as removed
            known = self._store.counts()
            if not files.seen and known.files + known.broken:
                raise GalleryError("folder_empty_now", folder=printable(self._folder.name))
            self._count(found=found, repaired=repaired)
            self._progress.begin(found)
            # Closed at once when something fails, so that no worker outlives the lock.
            with contextlib.closing(self._entries(files)) as entries:
                self._write_all(entries)
            if not self._stop.is_set():
                self._forget_missing(files)
                self._store.optimise(drop_kept=not self._keep_missing)
            self._progress.end()
            broken = self._store.broken(SHOWN_BROKEN)
            return replace(
                self._counts,
                broken=tuple(BrokenFile(path, reason) for path, reason in broken),
                broken_total=self._store.counts().broken,
                unreadable=tuple(map(printable, files.unreadable)),
                left_out=files.left_out.by_number(),
                nomedia=tuple(map(printable, files.left_out.named_folders())),
                nomedia_images=files.left_out.nomedia_images,
                stopped=self._stop.is_set(),
                seconds=time.monotonic() - started,
            )

    def _entries(self, files: FileList) -> Generator[Entry]:
        """What to write for the files that need something."""
        with contextlib.closing(self._decoded(files)) as jobs:
            yield from self._encoded(jobs)

    def _decoded(self, files: FileList) -> Generator[Job]:
        """What workers made of each file that needs something, in the order of the paths."""
        with ThreadPoolExecutor(self._workers, "decode") as pool:
            waiting: deque[Future[Job]] = deque()
            try:
                for job in self._needed(files):
                    waiting.append(pool.submit(self._decode, job))
                    if len(waiting) >= self._workers + _AHEAD:
                        yield waiting.popleft().result()
                    if self._stop.is_set():
                        break
                while waiting and not self._stop.is_set():
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _needed(self, files: FileList) -> Iterator[Job]:
        """The files that are new or not as they were when last read."""
        for chunk in files.chunks():
            known = self._store.records([one.path for one in chunk])
            unseen: list[FoundFile] = []
            unlabelled: list[FoundFile] = []
            for file in chunk:
                before = known.get(file.path)
                if before and not self._verify and is_settled(before, file):
                    self._count(unchanged=1)
                    self._progress.advance(1, worked=False)
                    if before.ctime_ns is None and file.ctime_ns is not None:
                        unseen.append(file)
                    if before.sidecars != file.sidecars and before.error is None:
                        unlabelled.append(file)
                    continue
                if before and before.hash and looks_alike(before, file):
                    self._compared[file.path] = before
                yield Job(file)
            if unseen:  # an index of before these were kept: the file is believed to be as it was
                self._store.touch([(one.path, one.ctime_ns, one.inode) for one in unseen])
            self._label(unlabelled)

    def _label(self, files: list[FoundFile]) -> None:
        """Read the keywords of known files: an earlier version has not, or a sidecar changed."""
        read: list[tuple[str, int, tuple[str, ...]]] = []
        for file in files:
            if self._stop.is_set():
                break
            words = keywords_at(self._roots, self._folder, file)
            read.append((file.path, file.sidecars, words))
        if read:
            self._store.label(read)

    def _decode(self, job: Job) -> Job:
        job = decode(self._service, self._roots, self._folder, job, self._is_new, self._prepared)
        if job.error is not None:  # no fault of the file's where all of them are gone
            self._check_place()
        return job

    def _place_now(self) -> tuple[int, int]:
        """What tells the folder from another in its place, as where its disk was mounted.

        Raises:
            GalleryError: if there is none.
        """
        try:
            found = os.stat(os.path.join(self._folder, ""))
        except OSError as error:
            raise GalleryError("folder_gone", folder=printable(self._folder.name)) from error
        return found.st_dev, found.st_ino

    def _check_place(self) -> None:
        """Raise GalleryError where the folder went away during the run, with its disk or share."""
        if self._place_now() != self._place:
            raise GalleryError("folder_gone", folder=printable(self._folder.name))

    def _is_new(self, image: bytes) -> bool:
        """Whether the caller must decode this content: nobody has, nobody else is about to."""
        if self._store.knows(image) or not self._claims.take(image):
            return False
        if self._store.knows(image):  # another's was written, and let go of, in between
            self._claims.found(image)
            return False
        return True

    def _encoded(self, jobs: Iterator[Job]) -> Generator[Entry]:
        """Entries to write: an image's own entry before those of its copies."""
        for batch in batched(jobs, BATCH):
            for entry in encode(self._service, batch):
                yield from self._claims.settle(entry)
            self._progress.advance(len(batch), worked=True)

    def _write_all(self, entries: Iterator[Entry]) -> None:
        """Store entries batch by batch, behind the model's back."""
        with Writer(self._store, self._written) as writer:
            batch: list[Entry] = []
            begun = time.monotonic()
            try:
                for entry in entries:
                    batch.append(with_doubts(entry, self._compared.get(entry.path)))
                    if len(batch) >= _WRITE or time.monotonic() - begun > _WRITE_SECONDS:
                        writer.put(batch)
                        batch, begun = [], time.monotonic()
            finally:
                # Also what was encoded before a failure is kept.
                writer.put(batch)

    def _written(self, batch: list[Entry]) -> None:
        self._claims.release(batch)
        encoded = sum(one.vector is not None for one in batch)
        broken = sum(one.error is not None for one in batch)
        same = 0
        for one in batch:
            before = self._compared.pop(one.path, None)
            known = one.vector is None and one.error is None
            same += known and before is not None and before.hash == one.hash
        reused = len(batch) - encoded - broken - same
        self._count(encoded=encoded, reused=reused, unchanged=same)

    def _forget_missing(self, files: FileList) -> None:
        for chunk in batched(self._store.paths(), CHUNK):
            missing = [path for path in files.missing(chunk) if self._shard.holds(path)]
            if missing:
                kept = self._store.forget(missing, keep=self._keep_missing)
                self._count(forgotten=len(missing), kept=kept)

    def _count(self, **more: int) -> None:
        with self._counting:
            self._counts = replace(
                self._counts, **{name: getattr(self._counts, name) + n for name, n in more.items()}
            )
