"""What the page tells of galleries: folders that are gone, dates, files that have changed."""

import os
import re
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clip_app.errors import ChangedImageError, GalleryError, StorageError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.pages import chosen
from clip_app.gallery.pictures import read_original
from clip_app.gallery.saved import SavedSearches
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stores.store import content_of
from clip_app.images import load_image
from clip_app.model.service import ModelService
from clip_app.settings import Settings
from clip_app.strings import LANGUAGES
from clip_app.ui.concepts import PageConcepts
from clip_app.ui.tabs.gallery.finder import Finder
from clip_app.ui.tabs.gallery.found import facts_of, public_path
from clip_app.ui.tabs.gallery.index import IndexPart
from tests.conftest import EXAMPLES
from tests.gallery_helpers import fill, picture_bytes, put, written_by_nobody


class Page:
    """The gallery tab without a browser."""

    def __init__(self, service: ModelService, root: Path, index_dir: Path) -> None:
        self.service, self.root = service, root
        settings = Settings(gallery_roots=(root,), index_dir=index_dir)
        self.galleries = GalleryService(settings)
        around: Any = SimpleNamespace(
            slot=SimpleNamespace(service=service),
            galleries=self.galleries,
            settings=settings,
            concepts=PageConcepts(settings),
        )
        # What a visitor has chosen comes by component; only these two are asked for here.
        parts: Any = SimpleNamespace(page=around, folder="folder", own="own")
        parts.gallery = partial(IndexPart.gallery, parts)
        view: Any = None
        self.finder = Finder(around, parts, SavedSearches(index_dir), view, {})

    def index(self, folder: Path) -> Any:
        job = self.galleries.index(self.service, folder, self.galleries.roots)
        assert job.wait(60)
        if job.error:
            raise job.error
        return job.report

    def rows(
        self, folder: Path, query: str = "a cat", below: str = "", own: Path | None = None
    ) -> list[dict[str, Any]]:
        """What the tiles of the first results show."""
        found = self.finder.find({"folder": str(folder), "own": own}, asked(query, below))
        return found["rows"]

    def find(self, folder: Path, query: str = "a cat", below: str = "") -> list[SearchHit]:
        """The first results themselves."""
        galleries, info = self.galleries, self.service.info
        rows = self.rows(folder, query, below)
        place, _ = galleries.gallery_of(folder, info, galleries.roots)
        hashes = [bytes.fromhex(row["hash"]) for row in rows]
        return list(chosen([galleries.store(place, info)], hashes))


def asked(query: str, below: str = "") -> dict[str, Any]:
    """What the page's script sends."""
    return {
        "query": query,
        "exclude": "",
        "literal": False,
        "liked": [],
        "pictures": [],
        "picture_weight": 1,
        "below": below,
        "kinds": [],
        "from": "",
        "until": "",
        "by_date": False,
        "offset": 0,
    }


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
        (hit,) = page.find(page.root, below=below)
        assert hit.path == str(decomposed / "E\u0301te" / "a.png")
    (row,) = page.rows(page.root / "Caf\u00e9", below="\u00c9te")
    assert row["hash"] == hit.hash.hex()
    (hit,) = page.find(page.root / "Cafe\u0301", below="\u00c9te")
    assert hit.path == str(decomposed / "E\u0301te" / "a.png")


def test_a_home_folder_means_the_same_for_all_that_the_app_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    galleries = GalleryService(Settings(index_dir=Path("~/kept")))
    kept = (galleries.library.directory, galleries.uploads.directory, galleries.pictures.folder)
    galleries.close()
    assert kept == tuple(tmp_path.resolve() / "kept" / one for one in ("", "uploads", "thumbnails"))


def test_a_date_of_the_file_is_called_so(page: Page) -> None:
    os.utime(page.root / "cat.jpg", (1e9, 1e9))
    page.index(page.root)
    (hit, *_) = page.find(page.root)
    assert hit.file_date
    for of_file in (True, False):
        told = facts_of(page.galleries, replace(hit, file_date=of_file), None)
        assert told["file_date"] == of_file
        assert "2001-09-09" in told["taken"]
    (row, *_) = page.rows(page.root)
    assert row["date"] == "2001-09-09"


def test_places_on_the_disk_are_not_told(page: Page) -> None:
    shutil.copy(page.root / "cat.jpg", page.root / "trips" / "again.jpg")
    page.index(page.root)
    (hit, *_) = page.find(page.root)
    told = facts_of(page.galleries, hit, None)
    files = {"photos/cat.jpg", "photos/trips/again.jpg"}
    for language in LANGUAGES:
        assert {told["path"][language], *(one[language] for one in told["also"])} == files
    assert str(page.root.parent) not in str(told)

    own = page.galleries.uploads.new_folder()
    for language, name in (("en", "my uploads"), ("zh", "我上传的照片")):
        path = public_path(page.galleries, str(own / "a" / "b.jpg"), own, language)
        assert path == f"{name}/a/b.jpg"
        # Another visitor is not even told whose they are.
        other = public_path(page.galleries, str(own / "a" / "b.jpg"), None, language)
        assert str(own.parent) not in other


@pytest.mark.parametrize("opened", [False, True])
def test_a_result_that_has_changed_is_read_by_the_next_run(page: Page, opened: bool) -> None:
    page.index(page.root)
    (hit, *_) = page.find(page.root)
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
    if opened:
        given = {"folder": str(page.root), "own": None}
        with pytest.raises(ChangedImageError):
            page.finder.open(given, {"hash": hit.hash.hex()})
    else:
        shutil.rmtree(page.galleries.pictures.folder)  # a thumbnail that is there reads no file
        page.rows(page.root)
    page.index(page.root)
    assert store.records(["cat.jpg"])["cat.jpg"].hash != hit.hash


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
            hit, *_ = reading.find(place / "photos")
            assert hit.path == str(place / "photos" / "cat.jpg")
            tiles = reading.rows(place / "photos")
            assert len(tiles) == 4
            assert max(load_image(tiles[0]["thumbnail"]).size) == 320
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
    hits = page.find(page.root / "trips")
    page.index(page.root)
    page.rows(page.root)
    roots = page.galleries.roots
    thumbnails = page.galleries.pictures.folder
    assert len(list(thumbnails.rglob("*.webp"))) == 4
    page.galleries.library.forget(page.root / "trips")
    # The page of another visitor may show them still: they can be opened, and not searched.
    with pytest.raises(GalleryError):
        page.galleries.store(page.root / "trips", page.service.info)
    assert read_original(hits[0], roots)
    left = [path.stem for path in thumbnails.rglob("*.webp")]
    assert left == [content_of((page.root / "cat.jpg").read_bytes()).hex()]

    own = page.galleries.uploads.new_folder()
    page.galleries.uploads.receive([EXAMPLES / "rocket.jpg"], own)
    roots = page.galleries.roots_of(own)
    assert page.galleries.index(page.service, own, roots).wait(60)
    page.rows(own, "a rocket", own=own)
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
