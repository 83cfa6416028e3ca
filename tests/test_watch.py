"""A followed folder: the program in a process, on real files; and what it does not wake up for."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import psutil
import pytest
from watchfiles import Change

from clip_app.errors import GalleryError
from clip_app.gallery import watch
from clip_app.gallery.galleries import GalleryService
from clip_app.settings import Settings
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, ROOT, assert_soon, noise, wait_for


@pytest.mark.slow
def test_index_follows_its_folder_and_rests_in_between(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", photos)
    env = os.environ | {
        "CLIP_APP_MODEL": "starter",
        "CLIP_APP_INDEX_DIR": str(tmp_path / "index"),
        "LC_ALL": "C",
    }
    program = subprocess.Popen(
        [sys.executable, "-m", "clip_app", "index", str(photos), "--watch"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: queue.Queue[str] = queue.Queue()
    assert program.stdout
    reader = threading.Thread(target=lambda: [lines.put(one) for one in program.stdout or ()])
    reader.start()

    def next_line() -> str:
        return lines.get(timeout=PATIENCE_SECONDS)

    def used() -> float:
        """Seconds of a core so far."""
        times = psutil.Process(program.pid).cpu_times()
        return times.user + times.system

    def rests() -> bool:
        before = used()
        time.sleep(1)
        return used() - before < 0.03

    try:
        while "1 encoded" not in next_line():
            pass  # what is told of the model
        time.sleep(2.5)
        more = tmp_path / "more"
        more.mkdir()
        for seed in range(3):
            noise(seed).save(more / f"{seed}.png")
        more.rename(photos / "more")  # all at once, however slow it is to draw them
        assert "4 images" in (line := next_line()), line
        assert "3 encoded" in line
        photos.rename(tmp_path / "away")
        assert "photos" in (line := next_line()), line
        (tmp_path / "away" / "cat.jpg").unlink()
        (tmp_path / "away").rename(photos)
        assert "1 gone" in (line := next_line()), line
        wait_for(rests)  # the line comes a moment before the end of the run
        (photos / "notes.txt").write_text("no photograph")
        before = used()
        time.sleep(3)
        assert used() - before < 0.1
        assert lines.empty()
        photos.rename(tmp_path / "away")
        assert "photos" in (line := next_line()), line
        (tmp_path / "away").rename(photos)
        assert "0 encoded" in (line := next_line()), line  # that it is back
        program.send_signal(signal.SIGINT)
        assert program.wait(PATIENCE_SECONDS) == 0
        reader.join(PATIENCE_SECONDS)
        assert "".join(lines.queue).strip() == "The folder is no longer followed."
    finally:
        program.kill()
        program.wait()


def test_a_running_page_follows_a_folder_by_polling_too(tmp_path, service, monkeypatch):
    monkeypatch.setattr(watch, "_POLL_MS", 300)
    monkeypatch.setattr(watch, "_shares", lambda folder: frozenset({str(folder)}))
    photos = (tmp_path / "photos").resolve()
    photos.mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", photos)
    galleries = GalleryService(Settings(index_dir=tmp_path / "index", gallery_roots=[photos]))

    def files() -> int:
        try:
            return galleries.store(photos, service.info).counts().files
        except GalleryError:
            return 0

    try:
        galleries.follow(lambda: service, photos, galleries.roots)
        assert galleries.follows(photos)
        assert_soon(files, 1)
        # Whole at once: a second change would begin a run that goes on after the folder is let be.
        noise(1).save(tmp_path / "new.png")
        (tmp_path / "new.png").rename(photos / "new.png")
        assert_soon(files, 2)
        galleries.unfollow(photos)
        assert not galleries.follows(photos)
        noise(2).save(photos / "newer.png")
        time.sleep(2.5)
        assert files() == 2
    finally:
        galleries.close()


@pytest.mark.parametrize(
    ("mounted", "shares"),
    [
        ({"/": "ext4"}, set()),
        ({"/": "ext4", "/srv/nas": "nfs4"}, {"/srv/nas"}),
        ({"/": "overlay", "/srv/nas/photos": "fuse"}, {"/srv/nas/photos"}),  # bindfs
        ({"/": "ext4", "/srv/nas": "fuse.rclone"}, {"/srv/nas"}),
        ({"/": "ext4", "/srv/nas": "fuseblk"}, set()),  # an NTFS disk of this machine
        ({"/": "9p", "/srv/nas": "ext4"}, set()),
        ({"/": "ext4", "/srv/nas/photos/old": "CIFS"}, {"/srv/nas/photos/old"}),
        ({"/": "ext4", "/srv/nas/photos2": "cifs"}, set()),
        ({"/": "virtiofs"}, {"/"}),
    ],
)
def test_a_share_is_known_by_its_file_system_also_below_the_folder(monkeypatch, mounted, shares):
    disks = [
        types.SimpleNamespace(mountpoint=place, fstype=kind) for place, kind in mounted.items()
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: disks)
    assert watch._shares(Path("/srv/nas/photos")) == shares


def test_a_share_that_is_mounted_later_is_read_at_once_and_looked_at_from_then_on(
    tmp_path, monkeypatch
):
    shares: list[str] = []
    polled: list[bool | None] = []
    watch_files = watch.watch

    def watched(*folders, force_polling, **how):
        polled.append(force_polling)
        return watch_files(*folders, force_polling=force_polling, **how)

    monkeypatch.setattr(watch, "watch", watched)
    monkeypatch.setattr(watch, "_shares", lambda folder: frozenset(shares))
    stop, ran = threading.Event(), threading.Semaphore(0)
    follower = threading.Thread(
        target=watch.follow,
        args=(tmp_path, ran.release, pytest.fail, stop),
        kwargs={"index_dir": tmp_path / "index"},
    )
    follower.start()
    try:
        assert ran.acquire(timeout=PATIENCE_SECONDS)
        shares.append(str(tmp_path / "nas"))
        assert ran.acquire(timeout=PATIENCE_SECONDS)
    finally:
        stop.set()
        follower.join(PATIENCE_SECONDS)
    assert polled == [None, True]


@pytest.mark.parametrize("poll", [False, True])
def test_names_that_are_no_text_and_links_in_a_circle_are_followed_too(tmp_path, monkeypatch, poll):
    monkeypatch.setattr(watch, "_POLL_MS", 200)
    folder = tmp_path / "gallery"
    strange = folder / os.fsdecode(b"caf\xe9")
    strange.mkdir(parents=True)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    stop, seen = threading.Event(), set[str]()

    follower = threading.Thread(
        target=watch.follow,
        args=(folder, lambda: seen.update(os.listdir(strange)), pytest.fail, stop),
        kwargs={"index_dir": tmp_path / "index", "poll": poll},
    )
    follower.start()
    try:
        for name in ("first.jpg", "second.jpg", os.fsdecode(b"third\xe9.jpg")):
            (strange / name).touch()
            wait_for(lambda name=name: name in seen)
    finally:
        stop.set()
        follower.join(PATIENCE_SECONDS)
    assert not follower.is_alive()


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("a.jpg", True),
        ("new folder", True),
        ("sub/photo.xmp", True),
        ("sub/.nomedia", True),
        ("index/g/m/index.sqlite", False),
        ("index/thumbnails/1.jpg", False),
        (".git/a.jpg", False),
        ("@eaDir/a.jpg", False),
        (".a.jpg.part", False),
        ("film.mov", False),
        ("notes.txt", False),
    ],
)
def test_only_what_can_be_a_photograph_wakes_it(tmp_path, path, matters):
    told = watch._Matters(tmp_path, tmp_path / "index")(Change.added, str(tmp_path / path))
    assert told is matters
