"""What the page tells of galleries: folders that are gone, dates, files that have changed."""

import os
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clip_app.ui.tabs.gallery.search import Asked, Shown, facts, find, pictures

from clip_app.errors import GalleryError, StorageError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.pictures import read_original
from clip_app.gallery.stores.store import content_of
from clip_app.images import load_image
from clip_app.model.service import ModelService
from clip_app.settings import Settings
from tests.conftest import EXAMPLES
from tests.gallery_helpers import fill, picture_bytes, put, written_by_nobody


class Page:
    """The gallery tab without a browser."""

    def __init__(self, service: ModelService, root: Path, index_dir: Path) -> None:
        self.service, self.root = service, root
        self.galleries = GalleryService(Settings(gallery_roots=(root,), index_dir=index_dir))

    def index(self, folder: Path) -> Any:
        job = self.galleries.index(self.service, folder, self.galleries.roots)
        assert job.wait(60)
        if job.error:
            raise job.error
        return job.report

    def find(self, folder: Path, query: str = "a cat", below: str = "") -> Shown:
        asked = Asked(str(folder), query, "", None, 1, 20, True, below, None, None, None)
        slot: Any = SimpleNamespace(service=self.service)
        return find(slot, self.galleries, asked, None, Shown())


@pytest.fixture
def page(service: ModelService, tmp_path: Path) -> Page:
    root = tmp_path / "photos"
    (root / "trips").mkdir(parents=True)
    shutil.copy(EXAMPLES / "cat.jpg", root)
    fill(root, range(3), "trips")
    return Page(service, root, tmp_path / "index")


def test_a_gallery_that_is_gone_is_called_so_without_its_place(page: Page) -> None:
    page.index(page.root)
    page.index(page.root / "trips")
    shutil.rmtree(page.root / "trips")
    with pytest.raises(GalleryError) as told:
        page.find(page.root / "trips")
    for language in ("en", "zh"):
        assert "trips" in told.value.message(language)
        assert str(page.root) not in told.value.message(language)
    assert "not there any more" in str(told.value)
    shutil.rmtree(page.root)
    with pytest.raises(GalleryError, match="not there any more"):
        page.find(page.root)


def test_the_page_finds_folders_in_either_unicode_form(page: Page) -> None:
    decomposed = page.root / "Cafe\u0301"
    put(decomposed / "E\u0301te" / "a.png", picture_bytes(7))
    page.index(page.root)
    for below in ("Caf\u00e9/\u00c9te", "Cafe\u0301/E\u0301te"):
        (hit,) = page.find(page.root, below=below).hits
        assert hit.path == str(decomposed / "E\u0301te" / "a.png")
    (hit,) = page.find(page.root / "Caf\u00e9", below="\u00c9te").hits
    assert hit.path == str(decomposed / "E\u0301te" / "a.png")


def test_a_date_of_the_file_is_called_so(page: Page) -> None:
    os.utime(page.root / "cat.jpg", (1e9, 1e9))
    page.index(page.root)
    (hit, *_) = page.find(page.root).hits
    assert hit.file_date
    for language, told in (("en", "Date of the file"), ("zh", "文件日期")):
        assert f"{told}" in facts(page.galleries, hit, None, language)
        shown = facts(page.galleries, replace(hit, file_date=False), None, language)
        assert f"{told}" not in shown
        assert "2001-09-09" in shown


def test_a_result_that_has_changed_is_read_by_the_next_run(page: Page) -> None:
    page.index(page.root)
    shown = page.find(page.root)
    path = page.root / "cat.jpg"
    status = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"  ")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    # As on a file system that tells nothing but size and time.
    store = page.galleries.store(page.root, page.service.info)
    status = path.stat()
    with store.lock():
        store.touch([("cat.jpg", status.st_ctime_ns, status.st_ino)])
    pictures(page.galleries, shown, page.galleries.roots, "en")
    page.index(page.root)
    assert store.find_file("cat.jpg") != shown.hits[0].hash


def test_photographs_of_visitors_are_not_kept_when_they_are_gone(page: Page) -> None:
    own = page.galleries.uploads.new_folder()
    fill(own, range(3))
    roots = page.galleries.roots_of(own)
    assert page.galleries.index(page.service, own, roots).wait(60)
    (own / "photo 0000.png").unlink()
    job = page.galleries.index(page.service, own, roots)
    assert job.wait(60)
    assert job.report is not None
    assert (job.report.forgotten, job.report.kept) == (1, 0)


def test_an_index_on_a_read_only_disk_is_searched_in_the_page(
    page: Page, service: ModelService, tmp_path: Path
) -> None:
    place = Path(tempfile.mkdtemp(dir="/tmp" if os.name == "posix" else None))
    place.chmod(0o755)
    try:
        shutil.copytree(page.root, place / "photos")
        writable = Page(service, place / "photos", place / "index")
        writable.index(place / "photos")
        writable.galleries.library.close()
        with written_by_nobody(place):
            reading = Page(service, place / "photos", place / "index")
            shown = reading.find(place / "photos")
            assert shown.hits[0].path == str(place / "photos" / "cat.jpg")
            galleries = reading.galleries
            tiles = pictures(galleries, shown, galleries.roots, "en")
            assert len(tiles) == 4
            assert max(load_image(tiles[0][0]).size) == 320
            with pytest.raises(StorageError) as told:
                reading.index(place / "photos")
            for language in ("en", "zh"):
                assert not re.search(r"/\w", told.value.message(language))
            assert "cannot be written" in str(told.value)
    finally:
        shutil.rmtree(place)


def test_an_upload_to_a_read_only_index_folder_is_told_in_words_of_its_own(
    service: ModelService,
) -> None:
    place = Path(tempfile.mkdtemp(dir="/tmp" if os.name == "posix" else None))
    place.chmod(0o755)
    try:
        (place / "photos").mkdir()
        with written_by_nobody(place):
            uploads = Page(service, place / "photos", place / "index").galleries.uploads
            with pytest.raises(StorageError) as told:
                uploads.new_folder()
        assert "Photos cannot be added" in told.value.public_message("en")
        assert "不可写" in told.value.public_message("zh")
        assert str(place) not in told.value.public_message("en")
    finally:
        shutil.rmtree(place)


def test_what_is_forgotten_leaves_no_thumbnails(page: Page, tmp_path: Path) -> None:
    page.index(page.root / "trips")
    shown = page.find(page.root / "trips")
    page.index(page.root)
    roots = page.galleries.roots
    pictures(page.galleries, shown, roots, "en")
    pictures(page.galleries, page.find(page.root, below=""), roots, "en")
    thumbnails = page.galleries.pictures.folder
    assert len(list(thumbnails.rglob("*.webp"))) == 4
    page.galleries.library.forget(page.root / "trips")
    # The page of another visitor may show them still: they can be opened, and not searched.
    with pytest.raises(GalleryError):
        page.galleries.store(page.root / "trips", page.service.info)
    assert read_original(shown.hits[0], roots)
    left = [path.stem for path in thumbnails.rglob("*.webp")]
    assert left == [content_of((page.root / "cat.jpg").read_bytes()).hex()]

    own = page.galleries.uploads.new_folder()
    page.galleries.uploads.receive([EXAMPLES / "rocket.jpg"], own)
    roots = page.galleries.roots_of(own)
    assert page.galleries.index(page.service, own, roots).wait(60)
    slot: Any = SimpleNamespace(service=page.service)
    asked = Asked(str(own), "a rocket", "", None, 1, 20, True, "", None, None, None)
    pictures(page.galleries, find(slot, page.galleries, asked, own, Shown()), roots, "en")
    assert len(list(thumbnails.rglob("*.webp"))) == 2
    page.galleries.forget_uploads(own)
    assert [path.stem for path in thumbnails.rglob("*.webp")] == left


def test_photographs_and_index_of_a_visitor_whose_app_was_killed_go_at_the_next_start(
    page: Page, service: ModelService, tmp_path: Path
) -> None:
    galleries = page.galleries
    own = galleries.uploads.new_folder()
    galleries.uploads.receive([EXAMPLES / "cat.jpg"], own)
    job = galleries.index(service, own, galleries.roots_of(own))
    assert job.wait(60)
    assert job.error is None
    beside = Page(service, page.root, tmp_path / "index").galleries
    assert own in {one.folder for one in beside.library.galleries(None)}
    galleries.library.close()
    galleries.uploads.close()  # with the lock gone and the folder still there, as after a kill
    os.utime(own, (0, 0))
    after = Page(service, page.root, tmp_path / "index").galleries
    assert not own.exists()
    assert own not in {one.folder for one in after.library.galleries(None)}
