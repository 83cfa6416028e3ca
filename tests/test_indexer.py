"""Indexing: formats, what is encoded again, broken files, stopping, failing, sharing the work."""

import io
import os
import shutil
import sqlite3
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from clip_app.errors import GalleryError, ModelError, StorageError
from clip_app.gallery import index_report, indexer, scan, writer
from clip_app.gallery.copies import Claims
from clip_app.gallery.index_report import IndexProgress, IndexReport
from clip_app.gallery.roots import Roots
from clip_app.gallery.scan import FoundFile, Shard
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Counts, Entry, Filter, content_of
from clip_app.model.service import ModelService
from tests.gallery_helpers import (
    assert_same,
    contents,
    expected,
    fill,
    index,
    open_store,
    picture,
    picture_bytes,
    put,
)


class Gallery:
    """A folder with an index, and how many images went through the model in the last run."""

    def __init__(self, service: ModelService, tmp_path: Path) -> None:
        self.service = service
        self.folder = tmp_path / "photos"
        self.folder.mkdir()
        self.place = tmp_path / "index"
        self.store = open_store(service, self.place, self.folder)
        self.encoded = 0

    def index(self, **options: Any) -> IndexReport:
        before = self.service.statistics.images
        try:
            return index(self.service, self.store, **options)
        finally:
            self.encoded = self.service.statistics.images - before

    def check(self) -> None:
        assert_same(contents(self.store), expected(self.service, self.folder))


@pytest.fixture
def gallery(service: ModelService, tmp_path: Path) -> Gallery:
    return Gallery(service, tmp_path)


def test_every_format_is_indexed(gallery: Gallery) -> None:
    kinds = {
        "jpg": "JPEG",
        "png": "PNG",
        "webp": "WEBP",
        "avif": "AVIF",
        "heic": "HEIF",
        "tiff": "TIFF",
        "bmp": "BMP",
        "jp2": "JPEG2000",
        "ppm": "PPM",
    }
    for seed, (suffix, kind) in enumerate(kinds.items()):
        put(gallery.folder / f"a.{suffix}", picture_bytes(seed, kind))
        put(gallery.folder / f"b.{suffix.upper()}", picture_bytes(100 + seed, kind))
    frames = [picture(200), picture(201)]
    frames[0].save(gallery.folder / "two.gif", save_all=True, append_images=frames[1:])
    put(gallery.folder / "grey.pgm", b"P5 2 2 255\n\x00\x40\x80\xff")
    put(gallery.folder / "notes.txt", b"no image")
    report = gallery.index()
    assert (report.found, report.encoded, report.broken) == (20, 20, ())
    gallery.check()
    first = picture(200).convert("P", palette=Image.Palette.ADAPTIVE).convert("RGB")
    cosine = contents(gallery.store)["two.gif"] @ gallery.service.encode_images([first])[0]
    assert cosine > 0.95


def test_a_second_run_encodes_nothing(gallery: Gallery) -> None:
    fill(gallery.folder, range(8), "sub folder/图片")
    assert gallery.index().encoded == 8
    assert gallery.encoded == 8
    report = gallery.index()
    assert (report.unchanged, report.encoded, report.reused) == (8, 0, 0)
    assert gallery.encoded == 0
    gallery.check()


def test_a_touched_file_is_not_encoded_again(gallery: Gallery) -> None:
    fill(gallery.folder, range(4))
    gallery.index()
    os.utime(gallery.folder / "photo 0001.jpg", (1, 1))
    report = gallery.index()
    assert (report.reused, report.unchanged, gallery.encoded) == (1, 3, 0)
    assert gallery.index().unchanged == 4


def test_changed_content_of_the_same_size_is_encoded_again(gallery: Gallery) -> None:
    path = put(gallery.folder / "a.bmp", picture_bytes(1, "BMP"))
    fill(gallery.folder, range(2, 5))
    gallery.index()
    size = path.stat().st_size
    put(path, picture_bytes(9, "BMP"))
    assert path.stat().st_size == size
    report = gallery.index()
    assert (report.encoded, gallery.encoded) == (1, 1)
    assert gallery.store.counts() == Counts(4, 4, 0)
    gallery.check()


def _replace_in_place(path: Path, content: bytes) -> None:
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replace_by_renaming(path: Path, content: bytes) -> None:
    """As `rsync -t`, `cp -p` to a new name and `exiftool -P` do."""
    status = path.stat()
    making = put(path.with_suffix(".tmp"), content)
    os.utime(making, ns=(status.st_atime_ns, status.st_mtime_ns))
    making.replace(path)


@pytest.mark.parametrize("replace_file", [_replace_in_place, _replace_by_renaming])
def test_a_file_replaced_with_its_size_and_time_kept_is_noticed(
    gallery: Gallery, replace_file: Any
) -> None:
    one, two = (put(gallery.folder / f"{n}.bmp", picture_bytes(n, "BMP")) for n in (1, 2))
    three = put(gallery.folder / "3.bmp", picture_bytes(3, "BMP"))
    for path in (one, two, three):
        os.utime(path, (1e9, 1e9))
    gallery.index()
    first, second = one.read_bytes(), two.read_bytes()
    replace_file(one, second)
    replace_file(two, first)
    report = gallery.index()
    assert (report.reused, report.unchanged, gallery.encoded) == (2, 1, 0)
    gallery.check()
    replace_file(three, picture_bytes(9, "BMP"))
    assert gallery.index().encoded == 1
    gallery.check()


class _Reads:
    """How many files the indexer reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        read = indexer.Roots.read

        def counted(roots: Any, path: str) -> bytes:
            self.number += 1
            return read(roots, path)

        monkeypatch.setattr(indexer.Roots, "read", counted)

    def of(self, run: Any) -> int:
        before = self.number
        run()
        return self.number - before


def test_another_mode_or_a_hard_link_costs_one_reading_and_no_encoding(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(gallery.folder, range(6))
    gallery.index()
    reads = _Reads(monkeypatch)
    (gallery.folder / "photo 0000.png").chmod(0o600)
    os.link(gallery.folder / "photo 0001.jpg", tmp_path / "backup.jpg")
    report = gallery.index()
    assert (report.unchanged, report.reused, report.encoded) == (6, 0, 0)
    assert (reads.number, gallery.encoded) == (2, 0)
    assert reads.of(gallery.index) == 0
    gallery.check()


@pytest.mark.parametrize("made_up", ["inode", "ctime_ns"])
def test_what_a_file_system_makes_up_does_not_have_a_gallery_read_for_ever(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, made_up: str
) -> None:
    walk, mounts = scan.walk, iter(range(1, 100))

    def mounted_anew(*arguments: Any) -> Any:
        mount = next(mounts)
        for file in walk(*arguments):
            yield replace(file, **{made_up: getattr(file, made_up) + mount})

    monkeypatch.setattr(scan, "walk", mounted_anew)
    fill(gallery.folder, range(4))
    gallery.index()
    reads = _Reads(monkeypatch)
    assert [reads.of(gallery.index) for _ in range(6)] == [4, 4, 4, 0, 0, 0]
    # The other one is still to be relied on.
    put(gallery.folder / "0.bmp", picture_bytes(10, "BMP"))
    assert gallery.index().encoded == 1
    _replace_by_renaming(gallery.folder / "0.bmp", picture_bytes(11, "BMP"))
    assert gallery.index().encoded == 1


def test_verifying_reads_everything_and_encodes_what_differs(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery.folder, range(5))
    put(gallery.folder / "broken.jpg", b"x")
    path = put(gallery.folder / "a.bmp", picture_bytes(1, "BMP"))
    gallery.index()
    reads = _Reads(monkeypatch)
    report = gallery.index(verify=True)
    assert (report.unchanged, report.reused, report.encoded, report.broken_total) == (6, 0, 0, 1)
    assert (reads.number, gallery.encoded) == (7, 0)
    # What nothing but the content tells, not even the record.
    found = FoundFile("a.bmp", *_seen(path))
    monkeypatch.setattr(scan, "walk", lambda *_: iter([found]))
    put(path, picture_bytes(2, "BMP"))
    assert gallery.index(keep_missing=False).unchanged == 1
    assert gallery.index(verify=True).encoded == 1


def _seen(path: Path) -> tuple[int, int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def test_a_file_whose_content_was_found_changed_is_read_by_the_next_run(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery.folder, range(3))
    gallery.index()
    reads = _Reads(monkeypatch)
    gallery.store.distrust("photo 0001.jpg")
    gallery.store.distrust("never.jpg")
    assert reads.of(gallery.index) == 1
    assert reads.of(gallery.index) == 0
    gallery.check()


def _empty(folder: Path) -> None:
    folder.mkdir()


@pytest.mark.parametrize("leave", [_empty, lambda folder: None], ids=["mount point", "nothing"])
def test_what_vanishes_is_kept_hidden_and_comes_back_without_encoding(
    gallery: Gallery, tmp_path: Path, leave: Any
) -> None:
    fill(gallery.folder, range(3), "a")
    fill(gallery.folder, range(3, 33), "share")
    put(gallery.folder / "share" / "copy.png", picture_bytes(0))
    gallery.index()
    away = tmp_path / "away"
    (gallery.folder / "share").rename(away)
    leave(gallery.folder / "share")
    report = gallery.index()
    assert (report.forgotten, report.kept) == (31, 30)
    assert gallery.store.counts() == Counts(3, 3, 0)
    gallery.check()
    query = gallery.service.encode_images([picture(4)])[0]
    found = gallery.store.search(query, 3, Filter())
    assert sorted(file.path for one in found for file in one.files) == sorted(
        path for path in contents(gallery.store)
    )
    assert gallery.index().kept == 0  # it is said once
    shutil.rmtree(gallery.folder / "share", ignore_errors=True)
    away.rename(gallery.folder / "share")
    report = gallery.index()
    assert (report.reused, report.encoded, gallery.encoded) == (31, 0, 0)
    gallery.check()


def test_what_vanished_is_dropped_after_a_month_or_when_asked(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery.folder, range(4))
    gallery.index()
    content = (gallery.folder / "photo 0001.jpg").read_bytes()
    image = content_of(content)
    (gallery.folder / "photo 0001.jpg").unlink()
    assert gallery.index().kept == 1
    assert gallery.store.knows(image)
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + 31 * 24 * 3600)
        gallery.index()
    assert not gallery.store.knows(image)
    put(gallery.folder / "photo 0001.jpg", content)
    assert gallery.index().encoded == 1
    (gallery.folder / "photo 0001.jpg").unlink()
    gallery.index()
    assert gallery.store.knows(image)
    report = gallery.index(keep_missing=False)
    assert (report.kept, gallery.store.knows(image)) == (0, False)
    (gallery.folder / "photo 0002.png").unlink()
    assert gallery.index(keep_missing=False).kept == 0
    assert gallery.store.counts() == Counts(2, 2, 0)
    with closing(sqlite3.connect(gallery.place / "index.sqlite")) as table:
        assert table.execute("SELECT count(*) FROM images").fetchone() == (2,)


def test_no_count_is_lost_between_threads(gallery: Gallery) -> None:
    run = indexer.Run(gallery.service, gallery.store, Roots.of([gallery.folder]))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda: [run._count(unchanged=1) for _ in range(3000)])
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert run._counts.unchanged == 9000


def test_dates_of_files_are_told_from_those_of_photographs(gallery: Gallery) -> None:
    exif = Image.Exif()
    exif[306] = "2020:01:02 03:04:05"
    picture(1).save(gallery.folder / "dated.jpg", exif=exif)
    put(gallery.folder / "undated.png", picture_bytes(2))
    os.utime(gallery.folder / "undated.png", (1e9, 1e9))
    gallery.index()
    query = gallery.service.encode_images([picture(1)])[0]
    files = [one for found in gallery.store.search(query, 9, Filter()) for one in found.files]
    told = {one.path: (one.file_date, one.taken) for one in files}
    moment = int(datetime(2020, 1, 2, 3, 4, 5).timestamp())
    assert told == {"dated.jpg": (False, moment), "undated.png": (True, 10**9)}


def test_renamed_and_moved_files_are_not_encoded_again(gallery: Gallery) -> None:
    fill(gallery.folder, range(6))
    gallery.index()
    (gallery.folder / "photo 0000.png").rename(gallery.folder / "other.png")
    (gallery.folder / "deep/er").mkdir(parents=True)
    (gallery.folder / "photo 0001.jpg").rename(gallery.folder / "deep/er/photo 0001.jpg")
    report = gallery.index()
    assert (report.reused, report.forgotten, gallery.encoded) == (2, 2, 0)
    gallery.check()


def test_a_renamed_folder_is_not_encoded_again_though_the_index_is_tidied_in_mid_run(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery.folder, range(12), "b")
    gallery.index()
    monkeypatch.setattr(indexer, "_WRITE", 2)
    monkeypatch.setattr(writer, "_OPTIMISE_EVERY", 2)
    # Contents change places: for a while no file holds the one that is written over first.
    names = sorted((gallery.folder / "b").iterdir())
    files = [path.read_bytes() for path in names]
    for path, content in zip(names, files[1:] + files[:1], strict=True):
        put(path, content)
    report = gallery.index()
    assert (report.reused, gallery.encoded) == (12, 0)
    (gallery.folder / "b").rename(gallery.folder / "a")
    report = gallery.index()
    assert (report.reused, report.forgotten, gallery.encoded) == (12, 12, 0)
    gallery.check()


def test_duplicates_within_one_run_are_encoded_once(gallery: Gallery) -> None:
    fill(gallery.folder, range(3))
    for n in range(40):
        put(gallery.folder / f"copies {n % 3}/{n}.png", picture_bytes(0))
    report = gallery.index()
    assert (report.found, report.encoded, report.reused) == (43, 3, 40)
    assert gallery.encoded == 3
    assert gallery.store.counts() == Counts(43, 3, 0)
    gallery.check()


def test_a_duplicate_added_later_is_not_encoded(gallery: Gallery) -> None:
    fill(gallery.folder, range(3))
    gallery.index()
    shutil.copy(gallery.folder / "photo 0000.png", gallery.folder / "copy.png")
    assert gallery.index().reused == 1
    assert gallery.encoded == 0
    gallery.check()


def test_copies_of_a_broken_file_are_each_named_in_their_own_reason(gallery: Gallery) -> None:
    broken = picture_bytes(1)[:100]
    for name in ("a.png", "b.png", "c.png"):
        put(gallery.folder / name, broken)
    fill(gallery.folder, range(2))
    report = gallery.index()
    assert [one.path for one in report.broken] == ["a.png", "b.png", "c.png"]
    assert [one.path in one.message("en") for one in report.broken] == [True] * 3
    assert (report.broken_total, gallery.store.counts()) == (3, Counts(2, 2, 3))
    gallery.check()


def test_a_mended_file_is_encoded(gallery: Gallery) -> None:
    path = put(gallery.folder / "a.png", picture_bytes(1)[:100])
    fill(gallery.folder, range(2, 4))
    assert gallery.index().broken_total == 1
    put(path, picture_bytes(1))
    report = gallery.index()
    assert (report.encoded, report.broken_total) == (1, 0)
    gallery.check()


def test_deleted_files_are_forgotten_with_their_images(gallery: Gallery) -> None:
    fill(gallery.folder, range(5))
    shutil.copy(gallery.folder / "photo 0000.png", gallery.folder / "copy.png")
    gallery.index()
    (gallery.folder / "photo 0000.png").unlink()
    (gallery.folder / "photo 0001.jpg").unlink()
    assert gallery.index().forgotten == 2
    assert gallery.store.counts() == Counts(4, 4, 0)
    gallery.check()


def test_two_files_that_exchange_their_contents_exchange_their_vectors(gallery: Gallery) -> None:
    fill(gallery.folder, range(0, 6, 2))
    gallery.index()
    a, b = gallery.folder / "photo 0000.png", gallery.folder / "photo 0002.png"
    content = a.read_bytes()
    put(a, b.read_bytes())
    put(b, content)
    report = gallery.index()
    assert (report.reused, gallery.encoded) == (2, 0)
    gallery.check()


def test_a_file_that_moves_while_another_takes_its_name(gallery: Gallery) -> None:
    fill(gallery.folder, range(4))
    gallery.index()
    (gallery.folder / "photo 0000.png").rename(gallery.folder / "z.png")
    put(gallery.folder / "photo 0000.png", picture_bytes(77))
    report = gallery.index()
    assert (report.encoded, report.reused, gallery.encoded) == (1, 1, 1)
    gallery.check()


def _broken_files() -> dict[str, bytes]:
    jpeg = picture_bytes(50, "JPEG")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    bomb = io.BytesIO()
    Image.new("1", (40_000, 40_000)).save(bomb, "PNG")
    return {
        "empty.jpg": b"",
        "text.png": b"this is no picture",
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "cut.webp": picture_bytes(51, "WEBP")[:60],
        "cut.heic": picture_bytes(52, "HEIF")[:200],
        "cut.avif": picture_bytes(53, "AVIF")[:200],
        "cut.tif": picture_bytes(54, "TIFF")[:500],
        "cut.jp2": picture_bytes(55, "JPEG2000")[:80],
        "cut.gif": picture_bytes(56, "GIF")[:40],
        "cut.ppm": b"P6 64 64 255\nabc",
        "drawing.jpg": svg,
        "bomb.png": bomb.getvalue(),
        "zeros.bmp": bytes(1000),
        "wrong.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)),
    }


def test_broken_files_never_shift_the_vectors_of_others(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "BATCH", 4)
    monkeypatch.setattr(indexer, "_WRITE", 3)
    broken = _broken_files()
    for seed, (name, content) in enumerate(broken.items()):
        put(gallery.folder / f"{seed:03d} broken {name}", content)
        put(gallery.folder / f"{seed:03d} whole.png", picture_bytes(seed))
    report = gallery.index()
    named = {one.path.split(" ", 2)[2]: one for one in report.broken}
    assert sorted(named) == sorted(broken)
    for name, one in named.items():
        for language in ("en", "zh"):
            assert name.split(".")[0] in one.message(language)
    gallery.check()
    assert gallery.index().unchanged == 2 * len(broken)
    assert gallery.encoded == 0


def test_odd_names_and_shapes_are_indexed(gallery: Gallery) -> None:
    folder = os.fsencode(gallery.folder)
    for n, name in enumerate(
        [b"caf\xe9.png", b"\xff\xfe.png", "星空 🌌.png".encode(), b"a\nb.png", b"quote'\".png"]
    ):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(picture_bytes(n))
    picture(1).resize((1, 1)).save(gallery.folder / "pixel.png")
    picture(2).resize((3000, 1)).save(gallery.folder / "strip.png")
    report = gallery.index()
    assert (report.encoded, report.broken) == (7, ())
    gallery.check()
    assert gallery.index().unchanged == 7


def test_dates_that_no_database_can_keep_are_clipped(gallery: Gallery) -> None:
    for n, moment in enumerate((2**33, 2**33 + 2**32, -(2**31), 0)):
        path = put(gallery.folder / f"{n}.png", picture_bytes(n))
        os.utime(path, (moment, moment))
    assert gallery.index().encoded == 4
    assert gallery.index().unchanged == 4


def test_a_run_that_is_stopped_goes_on_where_it_was(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "BATCH", 4)
    monkeypatch.setattr(indexer, "_WRITE", 4)
    monkeypatch.setattr(indexer, "_AHEAD", 2)
    monkeypatch.setattr(index_report, "_PROGRESS_SECONDS", 0.0)
    fill(gallery.folder, range(24))
    stop = threading.Event()

    def stop_early(progress: IndexProgress) -> None:
        if progress.done >= 8:
            stop.set()

    first = gallery.index(stop=stop, progress=stop_early, workers=2)
    assert first.stopped
    assert 8 <= first.encoded < 24
    assert gallery.store.counts().files == first.encoded == gallery.encoded
    second = gallery.index()
    assert (second.unchanged, second.encoded) == (first.encoded, 24 - first.encoded)
    assert gallery.encoded == 24 - first.encoded
    gallery.check()


def test_progress_ends_at_the_number_of_files(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_report, "_PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(indexer, "BATCH", 4)
    fill(gallery.folder, range(9))
    put(gallery.folder / "broken.jpg", b"x")
    told: list[IndexProgress] = []
    gallery.index(progress=told.append)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 10, 10)
    told.clear()
    report = gallery.index(progress=told.append)
    assert told[-1].done == told[-1].total == report.found == 10


def test_an_emptied_folder_keeps_its_index(gallery: Gallery) -> None:
    fill(gallery.folder, range(3))
    gallery.index()
    away = gallery.folder.with_name("away")
    gallery.folder.rename(away)
    with pytest.raises(GalleryError, match="not there any more"):
        gallery.index()
    gallery.folder.mkdir()
    for shard in (Shard(), Shard(0, 2), Shard(1, 2)):
        with pytest.raises(GalleryError, match="unplugged"):
            gallery.index(shard=shard)
    gallery.folder.rmdir()
    away.rename(gallery.folder)
    assert gallery.index().unchanged == 3
    gallery.check()


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("when", ["listing", "reading"])
def test_a_disk_that_goes_away_in_mid_run_takes_nothing_out_of_the_index(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, verify: bool, when: str
) -> None:
    fill(gallery.folder, range(3))
    (gallery.folder / "below").mkdir()
    fill(gallery.folder / "below", range(3, 6))
    gallery.index()
    fill(gallery.folder, [6])
    away = gallery.folder.with_name("away")
    owner, name = {"listing": (os, "scandir"), "reading": (indexer.Roots, "read")}[when]
    real = getattr(owner, name)
    calls = iter(range(100))

    def interrupted(*arguments: Any) -> Any:
        if next(calls) == (1 if when == "listing" else 0):
            gallery.folder.rename(away)
            gallery.folder.mkdir()  # what a disk was mounted on
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(GalleryError, match="not there any more"):
            gallery.index(verify=verify)
    counts = gallery.store.counts()
    assert (counts.files, counts.broken) == (6, 0)
    gallery.folder.rmdir()
    away.rename(gallery.folder)
    report = gallery.index()
    assert (report.unchanged, report.encoded) == (6, 1)
    gallery.check()


def test_a_file_that_could_not_be_read_is_tried_again(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery.folder, range(3))
    real = os.open

    def refused(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).endswith("0001.jpg"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        report = gallery.index()
    assert [one.reason.key for one in report.broken] == ["image_cannot_be_opened"]
    assert gallery.index().encoded == 1
    gallery.check()


def test_a_folder_in_the_place_of_a_file_ends_nothing(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery.folder, range(4))
    read = indexer.Roots.read

    def replaced(roots: Any, path: str) -> bytes:
        if path.endswith("0001.jpg"):
            os.unlink(path)
            os.mkdir(path)
        return read(roots, path)

    monkeypatch.setattr(indexer.Roots, "read", replaced)
    report = gallery.index()
    assert (report.encoded, [one.reason.key for one in report.broken]) == (3, ["image_is_folder"])


@pytest.mark.parametrize("where", ["model", "disk"])
def test_a_failure_in_mid_run_keeps_what_was_written_and_lets_go_of_the_lock(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(indexer, "BATCH", 4)
    monkeypatch.setattr(indexer, "_WRITE", 4)
    fill(gallery.folder, range(24))
    calls = iter(range(100))
    owner, name, error = {
        "model": (ModelService, "encode_pixels", ModelError("out_of_memory")),
        "disk": (SqliteStore, "write", StorageError("disk_full", reason="no space")),
    }[where]
    real = getattr(owner, name)

    def failing(self: Any, *arguments: Any) -> Any:
        if next(calls) >= 3:
            raise error
        return real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing)
        with pytest.raises(type(error)):
            gallery.index()
    assert not [one for one in threading.enumerate() if one.name.startswith(("decode", "write"))]
    assert gallery.store.counts().files == 12
    report = gallery.index()
    assert (report.unchanged, report.encoded) == (12, 12)
    gallery.check()


def test_a_second_thread_and_a_second_store_are_told_to_wait(
    gallery: Gallery, service: ModelService
) -> None:
    fill(gallery.folder, range(2))
    other = open_store(service, gallery.place, gallery.folder)
    with gallery.store.lock():
        for store in (gallery.store, other):
            with pytest.raises(GalleryError) as told:
                index(service, store)
            assert told.value.key == "index_busy"
    assert index(service, other).encoded == 2
    gallery.check()


def test_shards_together_do_what_one_run_does(gallery: Gallery) -> None:
    fill(gallery.folder, range(15))
    fill(gallery.folder, range(15, 20), "sub")
    found = [gallery.index(shard=Shard.parse(f"{n}/3")).found for n in (1, 2, 3)]
    assert sum(found) == 20
    assert min(found) > 0
    gallery.check()
    for path in gallery.folder.glob("*.png"):
        path.unlink()
    gone = [
        sum(shard.holds(f"photo {seed:04d}.png") for seed in range(0, 15, 2))
        for shard in (Shard(0, 3), Shard(1, 3), Shard(2, 3))
    ]
    assert [gallery.index(shard=Shard(n, 3)).forgotten for n in range(3)] == gone
    gallery.check()
    assert gallery.index().unchanged == 12


def test_vectors_have_length_one(gallery: Gallery) -> None:
    fill(gallery.folder, range(4))
    gallery.index()
    lengths = [np.linalg.norm(vector) for vector in contents(gallery.store).values()]
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_what_was_written_just_before_it_was_claimed_is_not_encoded_again():
    claims, content = Claims(), content_of(b"the same")
    owner, waiting, late = (Entry(name, 1, 1, content, 1) for name in ("a", "b", "c"))
    assert claims.take(content)
    assert claims.settle(waiting) == []
    claims.found(content)
    assert claims.settle(owner) == [owner, waiting]
    assert not claims.take(content)
    assert claims.settle(late) == [late]
    claims.release([owner])
    assert claims.take(content)
