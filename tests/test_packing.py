"""Originals in an archive, and searches that are kept."""

import hashlib
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from clip_app.errors import InputError, StorageError
from clip_app.gallery import packing
from clip_app.gallery.packing import zip_of
from clip_app.gallery.roots import Roots
from clip_app.gallery.saved import MOST, SavedSearch, SavedSearches
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stores.store import Filter, content_of
from tests.conftest import PATIENCE_SECONDS, ROOT
from tests.gallery_helpers import put, written_by_nobody


def hit(path: Path) -> SearchHit:
    data = path.read_bytes()
    return SearchHit(str(path), 0.5, True, (), content_of(data), len(data), 0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return (tmp_path / "root").resolve()


def test_originals_come_as_they_are_with_names_told_apart(root: Path, tmp_path: Path) -> None:
    files = [
        put(root / "a" / "猫 1.jpg", b"one"),
        put(root / "b" / "猫 1.jpg", b"two"),
        put(root / "b" / "IMG.JPG", b"three"),
        put(root / "c" / "img.jpg", b"four" * 1_000_000),
    ]
    for one, year in zip(files, (2019, 2020, 1970, 2200), strict=True):
        os.utime(one, (time.mktime((year, 5, 6, 7, 8, 10, 0, 0, -1)),) * 2)
    packed = zip_of([hit(one) for one in files], Roots.of([root]), tmp_path / "photos.zip")
    assert (packed.files, packed.left_out, packed.note("en")) == (4, (), "")
    with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
        dates = [one.date_time for one in archive.infolist()]
        assert dates[:2] == [(2019, 5, 6, 7, 8, 10), (2020, 5, 6, 7, 8, 10)]
        assert [one[0] for one in dates[2:]] == [1980, 2107]
        assert archive.testzip() is None
        assert archive.namelist() == ["猫 1.jpg", "猫 1 (2).jpg", "IMG.JPG", "img (2).jpg"]
        assert [archive.read(one) for one in archive.namelist()] == [
            one.read_bytes() for one in files
        ]


def test_what_changed_vanished_or_leads_out_is_left_out_and_named(
    root: Path, tmp_path: Path
) -> None:
    names = ("kept.jpg", "changed.jpg", "gone.jpg", "link.jpg")
    hits = [hit(put(root / name, name.encode())) for name in names]
    (root / "changed.jpg").write_bytes(b"other bytes")
    (root / "gone.jpg").unlink()
    (root / "link.jpg").unlink()
    (root / "link.jpg").symlink_to(put(tmp_path / "secret", b"link.jpg"))
    told: list[str] = []
    packed = zip_of(hits, Roots.of([root]), tmp_path / "photos.zip", told.append)
    assert packed.left_out == names[1:]
    assert told == [str(root / "changed.jpg")]
    assert "changed.jpg, gone.jpg, link.jpg" in packed.note("en")
    assert "有 3 张" in packed.note("zh")
    with zipfile.ZipFile(tmp_path / "photos.zip") as archive:
        assert archive.namelist() == ["kept.jpg"]
    with pytest.raises(InputError) as told_error:
        zip_of(hits[1:], Roots.of([root]), tmp_path / "none.zip")
    assert told_error.value.key == "zip_empty"
    assert not (tmp_path / "none.zip").exists()


def test_an_archive_has_a_limit_and_a_full_disk_leaves_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = hit(put(root / "a.jpg", b"x" * 1000))
    monkeypatch.setattr(packing, "MAX_BYTES", 1999)
    with pytest.raises(InputError) as told:
        zip_of([one, one], Roots.of([root]), tmp_path / "a.zip")
    assert told.value.key == "zip_too_large"
    assert not (tmp_path / "a.zip").exists()
    with pytest.raises(StorageError):
        zip_of([one], Roots.of([root]), tmp_path / "no such folder" / "a.zip")


def test_no_original_is_held_in_memory(root: Path, tmp_path: Path) -> None:
    large = root / "large.bmp"
    put(large, b"")
    with large.open("wb") as file:
        file.truncate(200 * 2**20)
    with large.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    one = SearchHit(str(large), 0.5, True, (), digest, 200 * 2**20, 0)
    tracemalloc.start()
    assert zip_of([one], Roots.of([root]), tmp_path / "large.zip").files == 1
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


DOGS = SavedSearch(
    "狗 at home", "狗 - 草地", "人", Filter("trips/狗", frozenset({".jpg", ".png"}), 5, None)
)


def test_searches_are_kept_for_their_gallery_and_found_by_another_process(
    tmp_path: Path, root: Path
) -> None:
    saved = SavedSearches(tmp_path)
    assert saved.of(root) == ()
    assert saved.save(root, DOGS) == (DOGS,)
    cats = SavedSearch("cats", "a cat")
    saved.save(root, cats)
    assert SavedSearches(tmp_path).of(root) == (cats, DOGS)
    assert saved.of(root / "other") == ()
    newer = SavedSearch("狗 at home", "two dogs")
    assert saved.save(root, SavedSearch("  狗 at\n home ", "two dogs")) == (newer, cats)
    assert saved.remove(root, "cats") == (newer,)
    assert SavedSearches(tmp_path).of(root) == (newer,)


def test_two_processes_lose_none_of_each_others_searches(tmp_path: Path, root: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from clip_app.gallery.saved import SavedSearch, SavedSearches\n"
        "for n in range(20):\n"
        "    SavedSearches(Path(sys.argv[1])).save(\n"
        "        Path(sys.argv[2]), SavedSearch(f'{sys.argv[3]} {n}', 'x')\n"
        "    )\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path, root, who], cwd=ROOT)
        for who in "ab"
    ]
    assert [run.wait(PATIENCE_SECONDS) for run in runs] == [0, 0]
    names = {one.name for one in SavedSearches(tmp_path).of(root)}
    assert names == {f"{who} {n}" for who in "ab" for n in range(20)}


def test_what_cannot_be_kept_or_read_is_told(tmp_path: Path, root: Path) -> None:
    saved = SavedSearches(tmp_path / "index")
    with pytest.raises(InputError) as told:
        saved.save(root, SavedSearch(" \n", "x"))
    assert told.value.key == "saved_name_missing"
    saved.save(root, DOGS)
    (file,) = (tmp_path / "index" / "searches").glob("*.json")
    whole = file.read_text("utf-8")
    file.write_text(whole[:50], "utf-8")
    assert saved.of(root) == ()
    file.write_text(whole.replace('"狗 - 草地"', "5"), "utf-8")
    assert saved.of(root) == ()
    for number in range(MOST):
        saved.save(root, SavedSearch(f"{number}", "x"))
    with pytest.raises(InputError) as told:
        saved.save(root, DOGS)
    assert told.value.key == "saved_too_many"
    with written_by_nobody(tmp_path / "index"), pytest.raises(StorageError):
        saved.remove(root, "0")
    assert len(saved.of(root)) == MOST


@pytest.mark.parametrize(
    "data",
    [None, 5, "x", [], {}, {**DOGS.to_json(), "query": None}, {**DOGS.to_json(), "where": 1}],
)
def test_what_a_browser_sends_is_a_search_or_nothing(data: object) -> None:
    assert SavedSearch.from_json(data) is None
    assert SavedSearch.from_json(DOGS.to_json()) == DOGS
