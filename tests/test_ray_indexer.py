"""Indexing with two of Ray's workers gives the index that one process makes."""

import os
import shutil
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from clip_app.gallery.indexer import index_folder
from clip_app.gallery.library import Library
from clip_app.gallery.roots import Roots
from clip_app.gallery.stores.store import Counts, content_of
from clip_app.terminal import main
from tests.conftest import EXAMPLES, noise

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="Ray is not installed")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "copies").mkdir(parents=True)
    for example in EXAMPLES.glob("*.jpg"):
        shutil.copy(example, folder)
    shutil.copy(EXAMPLES / "cat.jpg", folder / "copies" / "cat again.jpg")
    for seed in range(200):
        noise(seed, (96, 64)).save(folder / f"{seed}.png", compress_level=1)
    (folder / "broken.jpg").write_bytes((EXAMPLES / "cat.jpg").read_bytes()[:3000])
    (folder / "film.MP4").touch()
    (folder / "hidden").mkdir()
    (folder / "hidden" / ".nomedia").touch()
    shutil.copy(EXAMPLES / "cat.jpg", folder / "hidden")
    if sys.platform == "linux":
        shutil.copy(EXAMPLES / "rocket.jpg", os.fsencode(folder) + b"/caf\xe9.jpg")
    return folder


def test_two_workers_make_the_same_index_as_one_process(photos, tmp_path, service, settings):
    from clip_app.gallery.ray_indexer import index_with_ray

    roots = Roots.of([photos])
    single, many = Library(tmp_path / "single"), Library(tmp_path / "many")
    one = single.open(photos, service.info, create=True)
    two = many.open(photos, service.info, create=True)
    expected = index_folder(service, one, roots)
    told = []
    options = {"settings": settings, "ray_workers": 2}
    report = index_with_ray(service, two, roots, progress=told.append, **options)
    assert (report.encoded, report.reused) == (expected.encoded, expected.reused)
    assert report.broken == expected.broken
    assert report.left_out == expected.left_out == (("mp4", 1),)
    assert (report.nomedia, report.nomedia_images) == (("hidden",), 1)
    assert told[-1].done == told[-1].total == report.found

    paths = sorted(one.paths())
    assert sorted(two.paths()) == paths
    # Workers read no sidecars; the next run does.
    unread = {path: replace(record, sidecars=None) for path, record in one.records(paths).items()}
    assert two.records(paths) == unread
    assert two.counts() == one.counts() == Counts(files=len(paths) - 1, images=206, broken=1)
    hashes = [content_of(path.read_bytes()) for path in photos.glob("*.*g")]
    before, after = one.vectors(hashes), two.vectors(hashes)
    assert before.keys() == after.keys()
    assert len(before) == 206
    for image, vector in before.items():
        np.testing.assert_allclose(after[image], vector, atol=1e-5)

    # Nothing is left to do, so no worker is started; a moved file is not encoded again.
    again = index_with_ray(service, two, roots, **options)
    assert again.unchanged == again.found
    assert two.records(paths) == one.records(paths)
    (photos / "0.png").rename(photos / "moved.png")
    moved = index_with_ray(service, two, roots, **options)
    assert (moved.encoded, moved.reused, moved.forgotten) == (0, 1, 1)
    stop = threading.Event()
    stop.set()
    assert index_with_ray(service, two, roots, stop=stop, **options).stopped
    single.close()
    many.close()


def test_missing_ray_is_one_sentence(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "clip_app.gallery.ray_indexer", raising=False)
    assert main(["index", str(photos), "--index", str(tmp_path / "index"), "--ray", "2"]) == 2
    told = capsys.readouterr().err
    assert 'pip install "ray[data]"' in told
    assert len(told.strip().splitlines()) == 1
