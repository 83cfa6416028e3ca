"""The gallery tab in a real Chromium: index, search, look closer, steer, page, in two languages."""

import csv
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from clip_app.gallery.galleries import EXAMPLES as GALLERY
from tests.conftest import EXAMPLES, App, noise
from tests.test_page import DESKTOP, PHONE, shoot

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A gallery root: the examples in folders, a copy, a broken file, many patterns."""
    root = tmp_path_factory.mktemp("roots") / "照片 & photos"
    for name, folder in (("cat", "动物"), ("rocket", "sky"), ("galaxies", "sky"), ("coffee", "")):
        (root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / f"{name}.jpg", root / folder / f"{name}.jpg")
    shutil.copy(EXAMPLES / "cat.jpg", root / "cat copy.jpg")
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    (root / "film.MOV").touch()
    (root / "patterns").mkdir()
    for seed in range(40):
        noise(9000 + seed).save(root / "patterns" / f"{seed:02}.png")
    return root


@pytest.fixture(scope="module")
def gallery_app(photos):
    running = App("--gallery-roots", str(photos))
    yield running
    running.stop()


@pytest.fixture
def open_gallery(gallery_app, open_at):
    def opened(locale: str, viewport=DESKTOP, url: str = gallery_app.url):
        page = open_at(url, locale, viewport)
        name = "图库搜索" if locale.startswith("zh") else "Search"
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_selector("#gallery-status p", timeout=60_000)
        return page

    return opened


def index(page) -> None:
    page.locator("#gallery-index").click()
    page.wait_for_function(
        "() => /44|43/.test(document.querySelector('#gallery-status').innerText)", timeout=90_000
    )


def look_for(page, typed: str, expected: str) -> None:
    page.locator("#gallery-query textarea, #gallery-query input").first.fill(typed)
    page.locator("#gallery-search").click()
    page.wait_for_function(
        "text => document.querySelector('#gallery-verdict').innerText.includes(text)",
        arg=expected,
        timeout=60_000,
    )
    page.wait_for_timeout(700)  # pictures follow their sentence


def captions(page) -> list[str]:
    return page.locator("#gallery-results .caption-label").all_inner_texts()


def test_index_search_look_closer_and_steer_in_both_languages(open_gallery, photos):
    page = open_gallery("zh-CN")
    status = page.locator("#gallery-status")
    if "还没有索引" in status.inner_text():
        shoot(page, "gallery-unindexed")
    index(page)
    # 4 examples and 40 patterns, one picture twice; the broken file is named.
    assert "可搜索 44 张图片（45 个文件）" in status.inner_text()
    assert "broken.jpg" in status.inner_text()
    page.get_by_text("另有 1 个其他类型的文件未读取：1 mov。").wait_for(timeout=60_000)
    shoot(page, "gallery-indexed")

    look_for(page, "发射台上的火箭", "发射台上的火箭")
    assert "rocket.jpg" in captions(page)[0]
    look_for(page, "a cat", "a cat")
    assert re.fullmatch(r"0\.\d{3} ×2 · cat( copy)?\.jpg", captions(page)[0])
    shoot(page, "gallery-found")

    page.locator("#gallery-results img").first.click()
    page.locator("#gallery-facts table").wait_for(timeout=60_000)
    about = page.locator("#gallery-facts").inner_text()
    assert "动物/cat.jpg" in about
    assert "cat copy.jpg" in about
    assert str(photos.parent) not in about
    page.wait_for_function(
        "() => { const i = document.querySelector('#gallery-picture img');"
        " return i && i.complete && i.naturalWidth > 400; }",
        timeout=60_000,
    )
    shoot(page, "gallery-detail")
    with page.expect_download() as download:
        page.locator("#gallery-download").click()
    assert Path(download.value.path()).read_bytes() == (EXAMPLES / "cat.jpg").read_bytes()

    page.locator("#gallery-less").click()
    page.wait_for_function(
        "() => /− 0.5: \\[cat/.test(document.querySelector('#gallery-verdict').innerText)",
        timeout=60_000,
    )
    assert not any("cat" in one for one in captions(page))
    page.locator("#gallery-clear").click()
    page.wait_for_function(
        "() => !document.querySelector('#gallery-verdict').innerText.includes('[cat')"
    )
    page.get_by_label("English").check()
    page.wait_for_function(
        "() => document.querySelector('#gallery-verdict').innerText.includes('Searched for: a cat')"
        " && document.querySelector('#gallery-status').innerText.includes('44 pictures')",
        timeout=60_000,
    )
    page.wait_for_timeout(1500)
    body = page.locator("body").inner_text().replace("中文", "").replace("照片 & photos", "")
    left = [line for line in body.splitlines() if any("\u4e00" <= c <= "\u9fff" for c in line)]
    assert left == []
    shoot(page, "gallery-switched")


def test_excluded_words_filters_paging_and_downloads(open_gallery):
    page = open_gallery("en-US")
    index(page)
    look_for(page, "sky - rocket", "sky − rocket")
    page.locator("#gallery-all input").check()
    page.wait_for_function(
        "() => document.querySelectorAll('#gallery-results .caption-label').length === 24",
        timeout=60_000,
    )
    first = captions(page)
    assert first[0].split(" · ")[-1] != "rocket.jpg"
    assert page.locator("#gallery-page").inner_text() == "Page 1 of 2"
    page.locator("#gallery-next-page").click()
    page.wait_for_function(
        "() => document.querySelector('#gallery-page').innerText === 'Page 2 of 2'"
    )
    page.wait_for_timeout(700)
    second = captions(page)
    assert len(second) == 20
    assert len({one.split(" · ")[-1] for one in first + second}) == 44
    scores = [float(one.split()[0]) for one in first + second]
    assert scores == sorted(scores, reverse=True)
    shoot(page, "gallery-page-2")
    with page.expect_download() as download:
        page.locator("#gallery-json").click()
    answer = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert answer["query"] == "sky − rocket"
    assert len(answer["results"]) == 44
    assert all(one["path"].startswith("照片 & photos/") for one in answer["results"])
    with page.expect_download() as download:
        page.locator("#gallery-csv").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
    assert [row["path"] for row in rows] == [one["path"] for one in answer["results"]]

    page.locator("#gallery-filters button").first.click()
    page.locator("#gallery-below input").fill("sky")
    page.locator("#gallery-below input").press("Enter")
    look_for(page, "a cat", "a cat")
    page.wait_for_function(
        "() => document.querySelectorAll('#gallery-results .caption-label').length === 2"
    )
    assert {one.split(" · ")[-1] for one in captions(page)} == {"rocket.jpg", "galaxies.jpg"}
    page.locator("#gallery-exclude textarea, #gallery-exclude input").first.fill("night")
    look_for(page, "a cat", "a cat − night")
    shoot(page, "gallery-filtered")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_picture_finds_its_like_but_not_itself(open_gallery, viewport):
    page = open_gallery("zh-TW", viewport)
    index(page)
    page.locator("#gallery-images input[type=file]").set_input_files(EXAMPLES / "rocket.jpg")
    page.wait_for_selector("#gallery-images img", timeout=30_000)
    page.locator("#gallery-all input").check()
    look_for(page, "", "[rocket.jpg]")
    found = captions(page)
    assert len(found) > 1
    assert not any("rocket" in one for one in found)
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"the page is {overflow} px wider than the screen"
    shoot(page, f"gallery-by-image-{viewport['width']}")


def test_what_was_taken_apart_is_taken_literally_with_one_click(open_gallery):
    page = open_gallery("en-US")
    index(page)
    button = page.locator("#gallery-literally")
    look_for(page, "no smoking sign", "Searched for: no smoking sign")
    assert not button.is_visible()
    look_for(page, "sky - rocket", "Searched for: sky − rocket")
    button.click()
    page.wait_for_function(
        """() => document.querySelector('#gallery-verdict').innerText.includes('"sky - rocket"')""",
        timeout=60_000,
    )
    box = page.locator("#gallery-query textarea, #gallery-query input").first
    assert box.input_value() == '"sky - rocket"'


def test_nothing_that_fits_and_nothing_typed_are_sentences(open_gallery):
    page = open_gallery("en-US")
    index(page)
    look_for(page, "a court of law in session", "Nothing in this gallery fits well")
    assert captions(page) == []
    shoot(page, "gallery-nothing")
    page.locator("#gallery-all input").check()
    page.locator("#gallery-results .caption-label").first.wait_for()
    assert "does not fit" in captions(page)[0]
    page.locator("#gallery-query textarea, #gallery-query input").first.fill(" ")
    page.locator("#gallery-search").click()
    page.get_by_text("Please type what to look for").first.wait_for()
    folder = page.locator("#gallery-folder input")
    folder.fill("/etc")
    folder.press("Enter")
    page.locator("#gallery-index").click()
    page.get_by_text("not a folder below").first.wait_for()
    assert "Traceback" not in page.locator("body").inner_text()
    shoot(page, "gallery-error")


def test_own_photographs_come_from_files_and_archives(open_gallery, tmp_path):
    page = open_gallery("en-US")
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(EXAMPLES / "flower.jpg", "holiday/flower.jpg")
        packed.writestr("../../outside.jpg", (EXAMPLES / "coffee.jpg").read_bytes())
        packed.writestr("notes.txt", "no picture")
        packed.writestr("locked.jpg", b"secret")
    data = bytearray(archive.read_bytes())
    data[data.rindex(b"locked.jpg") - 46 + 8] |= 1  # as if it had a password
    archive.write_bytes(data)
    page.locator("#gallery-add button").first.click()
    page.locator("#gallery-files input[type=file]").set_input_files(
        [archive, EXAMPLES / "photographer.jpg"]
    )
    page.wait_for_timeout(1500)
    page.locator("#gallery-add-button").click()
    page.wait_for_function(
        "() => document.querySelector('#gallery-status').innerText.includes('3 pictures in 3')",
        timeout=90_000,
    )
    status = page.locator("#gallery-status").inner_text()
    assert "my uploads" in status
    assert "notes.txt" in status
    assert "locked.jpg is protected by a password" in status
    assert page.locator("#gallery-files .file-preview").count() == 0, "the list is empty again"
    look_for(page, "a flower", "a flower")
    assert "flower.jpg" in captions(page)[0]
    shoot(page, "gallery-own")
    other = open_gallery("en-US")
    assert "my uploads" not in other.locator("#gallery-folder").inner_text()
    other.locator("#gallery-folder input").click()
    assert "my uploads" not in other.locator("body").inner_text()


def test_examples_can_be_searched_at_once(app, open_gallery):
    page = open_gallery("en-US", url=app.url)
    page.wait_for_function(
        "() => document.querySelector('#gallery-verdict').innerText.includes('a bird')",
        timeout=60_000,
    )
    page.wait_for_timeout(700)
    birds = {path.name for path in (GALLERY / "birds").iterdir()}
    assert {caption.split(" · ")[-1] for caption in captions(page)[:5]} <= birds
    shoot(page, "gallery-examples")


@pytest.fixture(scope="module")
def archive_of_many(tmp_path_factory):
    """As many pictures as take some seconds to index."""
    archive = tmp_path_factory.mktemp("many") / "many.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for seed in range(600):
            file = io.BytesIO()
            noise(20_000 + seed, (640, 480)).save(file, "JPEG")
            packed.writestr(f"{seed}.jpg", file.getvalue())
        packed.writestr("notes.txt", "no picture")
    return archive


def test_a_run_follows_the_language_the_page_is_changed_to(open_gallery, archive_of_many):
    page = open_gallery("en-US")
    status = page.locator("#gallery-status")
    page.locator("#gallery-add button").first.click()
    page.locator("#gallery-files input[type=file]").set_input_files(archive_of_many)
    page.wait_for_timeout(2000)
    page.locator("#gallery-add-button").click()
    status.get_by_text(re.compile("Indexing my uploads: [1-9]")).wait_for(timeout=90_000)
    page.get_by_label("中文").check()
    page.wait_for_function(
        "() => document.querySelector('#gallery-status').innerText.includes('正在索引')"
    )
    page.wait_for_timeout(1500)  # three further lines of the run
    going_on = status.inner_text()
    assert "正在索引 我上传的照片" in going_on, "else it was over before"
    page.wait_for_function(
        "() => document.querySelector('#gallery-status').innerText.includes('600 个文件')",
        timeout=90_000,
    )
    ended = status.inner_text()
    assert not re.search("[A-Za-z]{2,}", going_on.replace("notes.txt", "")), going_on
    assert not re.search("[A-Za-z]{2,}", ended.replace("notes.txt", "")), ended
