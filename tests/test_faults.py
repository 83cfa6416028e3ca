"""Killed processes, full disks and damaged files: nothing lost beyond a batch, nothing wrong."""

import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_app.gallery.library import Library
from clip_app.gallery.stores.store import Filter, content_of
from clip_app.images import load_image
from clip_app.model.service import ModelService
from tests import fault_jobs
from tests.gallery_helpers import fill, picture_bytes, put
from tests.zygote import Zygote

# What may be under way when the process dies: batches that are gathered, waiting and being
# written, and one in the model.
UNFINISHED = 3 * fault_jobs.WRITE + fault_jobs.ENCODE


class Gallery:
    """A folder, its index, and every content that any of its files has ever had."""

    def __init__(self, service: ModelService, tmp_path: Path) -> None:
        self.service = service
        self.folder = tmp_path / "photos"
        self.indexes = tmp_path / "indexes"
        self.folder.mkdir()
        self.vectors: dict[bytes, np.ndarray] = {}
        self.ever: set[tuple[str, bytes]] = set()

    @property
    def arguments(self) -> dict[str, str]:
        return {"folder": str(self.folder), "indexes": str(self.indexes)}

    @property
    def database(self) -> Path | None:
        return next(iter(self.indexes.glob("*/*/index.sqlite")), None)

    def look(self) -> dict[str, bytes]:
        """The content hash of each file now; what it must be encoded to is noted."""
        now = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                content = content_of(path.read_bytes())
                if content not in self.vectors:
                    self.vectors[content] = self.service.encode_images([load_image(path)])[0]
                now[path.relative_to(self.folder).as_posix()] = content
        self.ever |= set(now.items())
        return now

    def indexed(self) -> dict[str, bytes]:
        """The content hash of each file in the index, every vector and search checked."""
        assert self.database is not None
        with closing(sqlite3.connect(self.database)) as table:
            assert table.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            hashes = dict(table.execute("SELECT hash, vector FROM images"))
        for content, vector in hashes.items():
            wanted = self.vectors[content]
            np.testing.assert_allclose(np.frombuffer(vector, np.float32), wanted, atol=1e-5)
        library = Library(self.indexes)
        try:
            store = library.open(self.folder, self.service.info)
            records = store.records([*store.paths()])
            known = {path: one.hash for path, one in records.items() if one.error is None}
            assert set(known.items()) <= self.ever
            query = next(iter(self.vectors.values()))
            searched = {}
            for one in store.search(query, 1000, Filter()):
                np.testing.assert_allclose(
                    one.similarity, query @ self.vectors[one.hash], atol=1e-5
                )
                searched |= {file.path: one.hash for file in one.files}
            assert searched == known
            return known
        finally:
            library.close()

    def check(self) -> None:
        """The index holds what an undisturbed run would give."""
        assert self.indexed() == self.look()

    def stored(self) -> set[bytes]:
        """Contents that have a vector in the index."""
        if self.database is None:
            return set()
        with closing(sqlite3.connect(self.database)) as table:
            if not table.execute("SELECT 1 FROM sqlite_master").fetchall():
                return set()
            return {row[0] for row in table.execute("SELECT hash FROM images")}


@pytest.fixture
def gallery(service: ModelService, tmp_path: Path) -> Gallery:
    return Gallery(service, tmp_path)


def test_a_killed_run_loses_no_more_than_its_unfinished_batch(
    gallery: Gallery, zygote: Zygote, tmp_path: Path
) -> None:
    rng = random.Random(1)
    log = tmp_path / "encoded"
    log.touch()
    seeds = iter(range(10_000))
    killed, longest = 0, 0.6
    fill(gallery.folder, (next(seeds) for _ in range(40)))
    for number in range(30):
        # The folder lives on meanwhile: something is new, renamed, changed and deleted.
        fill(gallery.folder, (next(seeds) for _ in range(3)), rng.choice(["", "x", "y z"]))
        files = sorted(path for path in gallery.folder.rglob("*") if path.is_file())
        renamed, changed, deleted = rng.sample(files, 3)
        renamed.rename(renamed.with_name(f"renamed {number}{renamed.suffix}"))
        put(changed, picture_bytes(5000 + number))
        deleted.unlink()
        gallery.look()
        known, encoded = gallery.stored(), log.stat().st_size
        child = zygote.start("index", **gallery.arguments, log=str(log))
        time.sleep(rng.uniform(0, longest))
        child.kill(signal.SIGKILL)
        if child.wait() == -signal.SIGKILL:
            killed += 1
        else:
            longest *= 0.8  # it was done already: this machine is fast
        encoded = log.stat().st_size - encoded
        assert encoded - len(gallery.stored() - known) <= UNFINISHED
        if gallery.stored():
            gallery.indexed()
    assert killed >= 20
    report = zygote.run("index", **gallery.arguments)
    assert (report["key"], report["repaired"]) == ("", 0)
    gallery.check()
    assert zygote.run("index", **gallery.arguments)["images"] == 0


def _kill_everywhere(gallery: Gallery, zygote: Zygote, how: str, steps: Iterator[int]) -> int:
    """Kill a run at each step in turn, each time resumed to its end; returns how many steps."""
    pristine = gallery.indexes.with_name("pristine")
    if gallery.indexes.exists():
        shutil.copytree(gallery.indexes, pristine)
    gallery.look()
    kills = 0
    for step in steps:
        child = zygote.start("index", **gallery.arguments, **{how: step})
        status = child.wait()
        if status == 0:
            break
        assert status in (-signal.SIGKILL, -signal.SIGXFSZ)
        kills += 1
        if gallery.stored():
            gallery.indexed()
        report = zygote.run("index", **gallery.arguments)
        assert (report["key"], report["repaired"]) == ("", 0)
        gallery.check()
        shutil.rmtree(gallery.indexes)
        if pristine.exists():
            shutil.copytree(pristine, gallery.indexes)
    return kills


def test_killed_at_every_write_of_a_first_run(gallery: Gallery, zygote: Zygote) -> None:
    fill(gallery.folder, range(3))
    # The write-ahead log grows by a page and its head with each write: stop at each in turn, and
    # in the midst of one now and then.
    pages = iter([1, 2000, *range(32, 40_000, 4096 + 24), 10**6])
    assert _kill_everywhere(gallery, zygote, "kill_at_size", pages) >= 8


def test_killed_at_every_sync_of_a_run_that_makes_a_snapshot(
    gallery: Gallery, zygote: Zygote
) -> None:
    fill(gallery.folder, range(10))
    zygote.run("index", **gallery.arguments)
    fill(gallery.folder, range(10, 24))
    assert _kill_everywhere(gallery, zygote, "kill_at_sync", iter(range(1, 30))) >= 4


def test_killed_within_transactions(gallery: Gallery, zygote: Zygote) -> None:
    fill(gallery.folder, range(3))
    zygote.run("index", **gallery.arguments)
    gallery.look()
    put(gallery.folder / "photo 0000.png", picture_bytes(50))
    (gallery.folder / "photo 0001.jpg").unlink()
    assert _kill_everywhere(gallery, zygote, "kill_at_step", iter(range(1, 200, 4))) >= 8


@contextmanager
def _small_disk(place: Path, size: str) -> Iterator[bool]:
    """A file system of its own where that is permitted; whether it is one."""
    place.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)]
    try:
        real = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        real = False
    try:
        yield real
    finally:
        if real:
            subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize("free_kb", [0, 40, 100, 160, 220])
def test_a_full_disk_is_told_of_and_loses_nothing(
    gallery: Gallery, zygote: Zygote, free_kb: int
) -> None:
    fill(gallery.folder, range(6))
    with _small_disk(gallery.indexes, "4m") as real:
        zygote.run("index", **gallery.arguments)
        before = gallery.look()
        assert gallery.indexed() == before
        fill(gallery.folder, range(6, 46))
        gallery.look()
        if real:
            filler = gallery.indexes / "filler"
            free = shutil.disk_usage(gallery.indexes).free
            filler.write_bytes(bytes(max(0, free - free_kb * 1024)))
            report = zygote.run("index", **gallery.arguments)
        else:
            report = zygote.run("index", **gallery.arguments, full_at_size=(free_kb + 40) * 1024)
        assert report["key"] == "disk_full", report
        assert report["message"]
        # Also while the disk is full, the index is not taken for damaged.
        assert not list(gallery.indexes.glob("*/*damaged*"))
        kept = zygote.run("search", **gallery.arguments)
        assert kept["key"] in ("", "disk_full")
        if kept["key"] == "":
            assert {path for path, _ in kept["found"]} >= set(before)
        if real:
            filler.unlink()
        assert set(gallery.indexed().items()) >= set(before.items())
        assert zygote.run("index", **gallery.arguments)["key"] == ""
        gallery.check()


Damage = Callable[[Path, random.Random], None]


def _truncate(path: Path, rng: random.Random) -> None:
    with open(path, "r+b") as file:
        file.truncate(rng.randrange(path.stat().st_size))


def _flip(path: Path, rng: random.Random) -> None:
    with open(path, "r+b") as file:
        for _ in range(rng.choice([1, 1, 1, 8])):
            at = rng.randrange(path.stat().st_size)
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ (1 << rng.randrange(8))]))


def _overwrite(path: Path, rng: random.Random) -> None:
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(rng.randrange(size))
        file.write(rng.randbytes(min(size, 5000)))


def _delete(path: Path, rng: random.Random) -> None:
    path.unlink()


def _damaged(
    gallery: Gallery, zygote: Zygote, name: str, damages: list[Damage], rounds: int
) -> None:
    """Damage a file of the index in many ways; search; index; compare."""
    pristine = gallery.indexes.with_name("pristine")
    shutil.copytree(gallery.indexes, pristine)
    now = gallery.look()
    right = {path: similarity for path, similarity in _search(gallery, zygote)["found"]}
    assert set(right) == set(now)
    for number in range(rounds):
        rng = random.Random(f"{name} {number}")
        damage = damages[number % len(damages)]
        shutil.rmtree(gallery.indexes)
        shutil.copytree(pristine, gallery.indexes)
        (path,) = gallery.indexes.glob(f"*/*/{name}")
        damage(path, rng)
        what = f"{damage.__name__} {name} {number}"
        answer = _search(gallery, zygote)
        for found, similarity in answer["found"]:
            assert right[found] == pytest.approx(similarity, abs=1e-5), what
        if not answer["key"] and name.startswith("snapshot"):
            assert len(answer["found"]) == len(right), what
        report = zygote.run("index", **gallery.arguments)
        assert report["key"] == "", (what, report)
        try:
            gallery.check()
        except Exception as error:
            raise AssertionError(what) from error


def _search(gallery: Gallery, zygote: Zygote) -> Any:
    return zygote.run("search", **gallery.arguments)


def test_a_damaged_database_gives_nothing_wrong_and_is_made_anew(
    gallery: Gallery, zygote: Zygote
) -> None:
    fill(gallery.folder, range(8))
    fill(gallery.folder, range(8, 12), "sub")
    zygote.run("index", **gallery.arguments)
    _damaged(gallery, zygote, "index.sqlite", [_flip, _flip, _flip, _truncate, _overwrite], 60)


@pytest.mark.parametrize("damage", [_delete, _flip, _truncate, _overwrite])
def test_a_damaged_or_missing_write_ahead_log(
    gallery: Gallery, zygote: Zygote, damage: Damage
) -> None:
    fill(gallery.folder, range(8))
    zygote.run("index", **gallery.arguments)
    gallery.look()
    fill(gallery.folder, range(8, 20))
    assert zygote.start("index", **gallery.arguments, kill_at_write=2).wait() < 0
    gallery.look()
    (log,) = gallery.indexes.glob("*/*/index.sqlite-wal")
    assert log.stat().st_size
    damage(log, random.Random(3))
    answer = _search(gallery, zygote)
    query = fault_jobs.query_of(0, gallery.service.info.embedding_size)
    for path, similarity in answer["found"]:
        (content,) = (content for name, content in gallery.ever if name == path)
        assert similarity == pytest.approx(float(query @ gallery.vectors[content]), abs=1e-5)
    assert zygote.run("index", **gallery.arguments)["key"] == ""
    gallery.check()


@pytest.mark.parametrize("name", ["vectors.npy", "ids.npy", "facts.json", "codes.faiss"])
def test_a_damaged_snapshot_gives_nothing_wrong_and_crashes_nothing(
    gallery: Gallery, zygote: Zygote, name: str
) -> None:
    fill(gallery.folder, range(24))
    zygote.run("index", **gallery.arguments, codes_from=10)
    _damaged(
        gallery, zygote, f"snapshot-*/{name}", [_flip, _flip, _truncate, _overwrite, _delete], 10
    )


def test_memory_does_not_grow_with_the_number_of_files(
    gallery: Gallery, zygote: Zygote, tmp_path: Path
) -> None:
    peaks = []
    same = picture_bytes(0)
    for images, copies in ((100, 1000), (300, 6000)):
        folder = tmp_path / f"{images}"
        fill(folder, range(images))
        for copy in range(copies):
            put(folder / f"copies {copy % 7}" / f"{copy}.png", same)
        report = zygote.run("index", folder=str(folder), indexes=str(gallery.indexes), ahead=8)
        assert report["images"] == images
        peaks.append(report["memory_kb"])
    # Two runs of the same folder differ by 15 MB; 200 decoded pictures would be 120 MB.
    assert peaks[1] - peaks[0] < 40_000
