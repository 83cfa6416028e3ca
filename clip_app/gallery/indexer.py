"""Bringing an index up to what lies in its folder now: scan, compare, decode, encode, write.

Worker threads read, hash, decode and preprocess; this thread alone feeds the model; a writer thread
stores. Each stage waits for the next, so memory does not grow with the number of files.
"""

import contextlib
import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from clip_app.errors import GalleryError, ImageError, Reason
from clip_app.gallery.kinds import OTHER
from clip_app.gallery.roots import Roots, printable
from clip_app.gallery.scan import CHUNK, WHOLE, FileList, FoundFile, Shard, batched
from clip_app.gallery.stores.store import UNRELIABLE, Entry, FileRecord, Store, content_of
from clip_app.images import date_taken, difference_hash, load_image, shown_name
from clip_app.metrics import steps
from clip_app.model.info import Pixels
from clip_app.model.service import ModelService
from clip_app.photos import decode_side
from clip_app.strings import Language, text

log = logging.getLogger(__name__)

# Images in one call of the model, and files in one transaction. A sync of the disk takes
# milliseconds, so a batch of this size costs nothing and little is done again after a crash.
_ENCODE = 64
_WRITE = 256

# A slow model writes what it has after this time.
_WRITE_SECONDS = 5.0

# Decoded pictures waiting for the model, beyond those the workers are at: 0.6 MB each.
_AHEAD = 96

# Batches that may wait for the disk; what waits is done again after a crash.
_WRITES_AHEAD = 1

# A new snapshot is considered after this many written files: searching stays fast meanwhile.
_OPTIMISE_EVERY = 50_000

_PROGRESS_SECONDS = 0.2

# A file that was read again so often for its inode or ctime alone, and was the same, lies on a file
# system that makes them up, or is linked by backups: from then on that one is not compared.
_DOUBTS = 3

# The rate is over this many of those, about six seconds.
_RATE_POINTS = 30

# Broken files named in a report.
_SHOWN_BROKEN = 1000

# Kinds of left out files that a sentence names; hardly any folder has more.
_SHOWN_KINDS = 12


@dataclass(frozen=True)
class IndexProgress:
    """How far an indexer is.

    Attributes:
        done, total: files of the folder, those that need nothing included.
        rate: files a second that needed something, over the last seconds.
        seconds_left: at that rate; None while it is unknown.
    """

    done: int
    total: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True)
class BrokenFile:
    """A file without a vector, and why."""

    path: str
    reason: Reason

    def message(self, language: Language) -> str:
        """The reason as a sentence."""
        return self.reason.message(language)


@dataclass(frozen=True)
class IndexReport:
    """What one run did, in files.

    Attributes:
        found: in the folder now.
        encoded: that went through the model.
        reused: new, changed or moved, whose content was known already.
        unchanged: that needed nothing.
        forgotten: that are not in the folder any more.
        kept: pictures among those that are nowhere else, whose vectors are kept for
            `store.KEEP_DAYS` in case their files come back.
        broken: all files of the folder without a vector, up to `_SHOWN_BROKEN`.
        broken_total: how many of those there are.
        unreadable: sub-folders that could not be listed; what is known of them was kept.
        left_out: kinds of files that are not read, by their endings, and how many of each; the
            last may be "other", for what is neither picture nor video.
        nomedia: the first folders with a `.nomedia` in them, which keeps what is in and below
            them out; `.` is the gallery itself, which is indexed all the same.
        nomedia_images: pictures, by their endings, that were kept out so.
        repaired: damaged rows of the index that were made anew.
        stopped: whether it was asked to stop before the end; running it again goes on.
        seconds: how long it took.
    """

    found: int = 0
    encoded: int = 0
    reused: int = 0
    unchanged: int = 0
    forgotten: int = 0
    kept: int = 0
    broken: tuple[BrokenFile, ...] = ()
    broken_total: int = 0
    unreadable: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    nomedia: tuple[str, ...] = ()
    nomedia_images: int = 0
    repaired: int = 0
    stopped: bool = False
    seconds: float = 0.0

    def left_out_notes(self, language: Language) -> list[str]:
        """What was seen in the folder and not indexed, in sentences."""
        notes = []
        kinds = [(name, number) for name, number in self.left_out if name != OTHER]
        if kinds:
            total = sum(number for _, number in kinds)
            named = ", ".join(f"{number:,} {name}" for name, number in kinds[:_SHOWN_KINDS])
            more = ", …" if len(kinds) > _SHOWN_KINDS else ""
            notes.append(text("left_out_kinds", language, number=total, kinds=named + more))
        if others := dict(self.left_out).get(OTHER):
            notes.append(text("left_out_other", language, number=others))
        if "." in self.nomedia:
            notes.append(text("nomedia_here", language))
        if folders := [folder for folder in self.nomedia if folder != "."]:
            names = ", ".join(folders)
            notes.append(
                text("left_out_nomedia", language, number=self.nomedia_images, folders=names)
            )
        return notes


@dataclass
class Job:
    """A file that needs something, and what a worker made of it."""

    file: FoundFile
    hash: bytes = b""
    taken: int = 0
    file_date: bool = False
    look: int = 0
    pixels: Pixels | None = None
    error: Reason | None = None


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

    Raises:
        GalleryError: if another process is indexing, the folder is gone or cannot be listed, no
            image is left in it (an unplugged disk looks so), or the index is damaged.
        StorageError: if the disk is full; what was written before stays.
        ModelError: if the device fails; likewise.
    """
    with store.lock():
        run = Run(service, store, roots, shard, progress, stop, workers, verify, keep_missing)
        return run.report()


class Run:
    """One run of the indexer in this process; `entries` may be replaced by another pipeline."""

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
    ) -> None:
        """What to do; the arguments are those of `index_folder`."""
        self._service = service
        self._store = store
        self._folder = store.key.folder
        self._roots = roots
        self._shard = shard
        self._progress = _Pace(progress)
        self._stop = stop or threading.Event()
        self._workers = workers or os.cpu_count() or 1
        self._verify = verify
        self._keep_missing = keep_missing
        self._claims = _Claims()
        # What is known of files that are read though their size and time are as they were.
        self._compared: dict[str, FileRecord] = {}
        self._counts = IndexReport()
        # The thread that writes counts too.
        self._counting = threading.Lock()

    def report(self) -> IndexReport:
        """Do it all."""
        started = time.monotonic()
        if not self._folder.is_dir():
            raise GalleryError("folder_gone", folder=printable(self._folder.name))
        repaired = self._store.repair()
        with FileList() as files:
            with steps.measure("scan"):
                found = files.fill(self._folder, self._roots, self._shard)
            known = self._store.counts()
            if not files.seen and known.files + known.broken:
                raise GalleryError("folder_empty_now", folder=printable(self._folder.name))
            self._count(found=found, repaired=repaired)
            self._progress.begin(found)
            # Closed at once when something fails, so that no worker outlives the lock.
            with contextlib.closing(self.entries(files)) as entries:
                self._write_all(entries)
            if not self._stop.is_set():
                self._forget_missing(files)
                self._store.optimise(drop_kept=not self._keep_missing)
            self._progress.end()
            broken = self._store.broken(_SHOWN_BROKEN)
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

    def entries(self, files: FileList) -> Generator[Entry]:
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
            for file in chunk:
                before = known.get(file.path)
                if before and not self._verify and _is_settled(before, file):
                    self._count(unchanged=1)
                    self._progress.advance(1, worked=False)
                    if before.ctime_ns is None and file.ctime_ns is not None:
                        unseen.append(file)
                    continue
                if before and before.hash and _looks_alike(before, file):
                    self._compared[file.path] = before
                yield Job(file)
            if unseen:  # an index of before these were kept: the file is believed to be as it was
                self._store.touch([(one.path, one.ctime_ns, one.inode) for one in unseen])

    def _decode(self, job: Job) -> Job:
        return decode(self._service, self._roots, self._folder, job, self._is_new)

    def _is_new(self, image: bytes) -> bool:
        """Whether the caller must decode this content: nobody has, nobody else is about to."""
        return not self._store.knows(image) and self._claims.take(image)

    def _encoded(self, jobs: Iterator[Job]) -> Generator[Entry]:
        """Entries to write: an image's own entry before those of its copies."""
        for batch in batched(jobs, _ENCODE):
            for entry in encode(self._service, batch):
                yield from self._claims.settle(entry)
            self._progress.advance(len(batch), worked=True)

    def _write_all(self, entries: Iterator[Entry]) -> None:
        """Store entries batch by batch, behind the model's back."""
        with _Writer(self._store, self._written) as writer:
            batch: list[Entry] = []
            begun = time.monotonic()
            try:
                for entry in entries:
                    batch.append(_with_doubts(entry, self._compared.get(entry.path)))
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


def decode(
    service: ModelService,
    roots: Roots,
    folder: Path,
    job: Job,
    is_new: Callable[[bytes], bool] = lambda image: True,
) -> Job:
    """Read, hash, decode and preprocess one file; never raises for what is wrong with it.

    Args:
        service: the model to preprocess for.
        roots: what may be read.
        folder: the gallery.
        job: the file; what is found out is put into it.
        is_new: whether a content hash needs a vector; others are not decoded.

    Returns:
        `job`.
    """
    try:
        with steps.measure("read"):
            data = roots.read(os.path.join(folder, job.file.path))
            job.hash = content_of(data)
        taken = date_taken(data)
        job.file_date = taken is None
        job.taken = job.file.mtime_ns // 1_000_000_000 if taken is None else taken
        if not is_new(job.hash):
            return job
        with steps.measure("decode"):
            image = load_image(data, name=job.file.path, target_side=decode_side(service))
            job.look = difference_hash(image)
            job.pixels = service.preprocess(image)
    except ImageError as error:
        job.error = error.reason
    return job


def encode(service: ModelService, jobs: Sequence[Job]) -> Iterator[Entry]:
    """The entries of decoded files, in their order; equal contents are encoded once.

    Raises:
        ModelError: if the device fails.
    """
    new = {job.hash: job.pixels for job in jobs if job.pixels is not None}
    vectors = {}
    if new:
        with steps.measure("encode", len(new)):
            vectors = dict(zip(new, service.encode_pixels([*new.values()]), strict=True))
    for job in jobs:
        yield Entry(
            job.file.path,
            job.file.size,
            job.file.mtime_ns,
            job.hash,
            job.taken,
            vectors.get(job.hash) if job.pixels is not None else None,
            job.look,
            job.error,
            job.file.ctime_ns,
            job.file.inode,
            file_date=job.file_date,
        )


class _Writer:
    """A thread that stores batches while the model goes on; its failure is raised by `put`."""

    def __init__(self, store: Store, written: Callable[[list[Entry]], None]) -> None:
        self._store = store
        self._written = written
        self._queue: queue.Queue[list[Entry] | None] = queue.Queue(_WRITES_AHEAD)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="write", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def put(self, batch: list[Entry]) -> None:
        """Hand over a batch.

        Raises:
            StorageError: if an earlier one could not be stored.
        """
        if self._error is not None:
            raise self._error
        if batch:
            self._queue.put(batch)

    def _run(self) -> None:
        unoptimised = 0
        while (batch := self._queue.get()) is not None:
            if self._error is not None:
                continue  # the queue is emptied, so that nobody waits for a place in it
            try:
                with steps.measure("write", len(batch)):
                    self._store.write(batch)
                self._written(batch)
                unoptimised += len(batch)
                if unoptimised >= _OPTIMISE_EVERY:
                    unoptimised = 0
                    self._store.optimise(keep_unused=True)
            except Exception as error:  # noqa: BLE001 - raised by `put` or at the end
                self._error = error


class _Claims:
    """Which new contents are on their way, so that several copies of one are encoded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed: dict[bytes, Reason | Literal["waited for"] | None] = {}
        self._copies: dict[bytes, list[Entry]] = {}

    def take(self, image: bytes) -> bool:
        """Whether the caller is the first with this content, and so must decode it."""
        with self._lock:
            if image in self._claimed:
                return False
            self._claimed[image] = "waited for"
            return True

    def settle(self, entry: Entry) -> list[Entry]:
        """What can be written now: this entry unless its content is waited for, and its copies."""
        with self._lock:
            if entry.vector is not None or entry.error is not None:
                if entry.hash in self._claimed:
                    self._claimed[entry.hash] = entry.error
                copies = self._copies.pop(entry.hash, []) if entry.hash else []
                return [entry, *(_like(copy, entry.error) for copy in copies)]
            outcome = self._claimed.get(entry.hash)
            if outcome == "waited for":
                self._copies.setdefault(entry.hash, []).append(entry)
                return []
            return [_like(entry, outcome)]

    def release(self, written: list[Entry]) -> None:
        """Let go of contents that the store knows by now."""
        with self._lock:
            for entry in written:
                if self._claimed.get(entry.hash, "waited for") != "waited for":
                    del self._claimed[entry.hash]


def _is_settled(before: FileRecord, file: FoundFile) -> bool:
    """Whether a file needs nothing: it is as it was, and not at fault for want of a permission.

    What could not even be read, or not for want of memory, may be readable now.
    """
    passing = not before.hash or (before.error and before.error.key) == "image_out_of_memory"
    return not passing and _looks_alike(before, file) and not _differing(before, file)


def _looks_alike(before: FileRecord, file: FoundFile) -> bool:
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


def _with_doubts(entry: Entry, before: FileRecord | None) -> Entry:
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


def _like(copy: Entry, error: Reason | None) -> Entry:
    """A copy with the outcome of its first file, in words about the copy itself."""
    if error is None:
        return copy
    return replace(copy, error=error.about(shown_name(copy.path)))


class _Pace:
    """Calls back with how far a run is, at most a few times a second."""

    def __init__(self, callback: Callable[[IndexProgress], None] | None) -> None:
        self._callback = callback
        self._total = 0
        self._done = 0
        self._told = 0.0
        self._points: deque[tuple[float, int]] = deque(maxlen=_RATE_POINTS)
        self._worked = 0

    def begin(self, total: int) -> None:
        """There are `total` files."""
        self._total = total
        self._tell()

    def advance(self, number: int, *, worked: bool) -> None:
        """`number` more files are done, with work or because they needed none."""
        self._done += number
        self._worked += number if worked else 0
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._tell()

    def end(self) -> None:
        """Tell where the run ended."""
        self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        self._points.append((self._told, self._worked))
        (then, before), (now, worked) = self._points[0], self._points[-1]
        rate = (worked - before) / (now - then) if now > then else 0.0
        left = (self._total - self._done) / rate if rate else None
        if self._callback:
            self._callback(IndexProgress(self._done, self._total, rate, left))
