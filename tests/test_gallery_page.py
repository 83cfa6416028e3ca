"""The search page in a real Chromium: browse, search, steer, choose, in two languages."""

import base64
import csv
import io
import json
import math
import os
import re
import shutil
import zipfile
from contextlib import closing
from datetime import datetime
from mimetypes import guess_type
from pathlib import Path

import pytest
from playwright.sync_api import expect

from clip_app.gallery.galleries import EXAMPLES as GALLERY
from clip_app.gallery.library import open_library
from clip_app.images.xmp import with_keywords
from clip_app.settings import Settings
from tests.conftest import EXAMPLES, App, assert_soon, noise, wait_for
from tests.test_page import DESKTOP, PHONE, paused, shoot

pytestmark = pytest.mark.browser

TABLET = {"width": 820, "height": 1100}

# 4 examples and 40 patterns, one picture twice.
PICTURES = 44


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A gallery root: the examples in folders, a copy, a broken file, many patterns."""
    root = tmp_path_factory.mktemp("roots") / "照片 & photos"
    for name, folder in (("cat", "动物"), ("rocket", "sky"), ("galaxies", "sky"), ("coffee", "")):
        (root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / f"{name}.jpg", root / folder / f"{name}.jpg")
    shutil.copy(EXAMPLES / "cat.jpg", root / "cat copy.jpg")
    (root / "sky" / "rocket.xmp").write_bytes(with_keywords(None, ["launch, 1"], "rocket"))
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    (root / "film.MOV").touch()
    (root / "patterns").mkdir()
    for seed in range(40):
        file = root / "patterns" / f"{seed:02}.png"
        noise(9000 + seed).save(file)
        taken = datetime(2019 if seed < 15 else 2021, 3, 1).timestamp() + 86_400 * seed
        os.utime(file, (taken, taken))
    return root


@pytest.fixture(scope="module")
def gallery_app(photos):
    running = App("--gallery-roots", str(photos))
    yield running
    running.stop()


@pytest.fixture
def open_gallery(gallery_app, open_at):
    """Opens the search page, by default that of a gallery of which everything is read."""

    def opened(
        locale: str, viewport=DESKTOP, url: str = gallery_app.url, address: str = "", read=True
    ):
        page = open_at(f"{url}/?tab=gallery{address}", locale, viewport, shown="")
        page.wait_for_function(
            "() => document.querySelector('#finder .tile, #finder .problem:not([hidden]) button')",
        )
        if read and not page.locator("#finder .tile").count():
            read_photos(page)
        return page

    return opened


def read_photos(page) -> None:
    """Read the chosen gallery; its photographs are shown by themselves after that."""
    page.locator("#gallery-panel").get_by_role(
        "button", name=re.compile("Read photos|读取照片")
    ).click()
    page.locator("#finder .tile").first.wait_for()
    counted(page, str(PICTURES))


def counted(page, text: str) -> None:
    """Wait until the line of counts says `text` of what is asked now."""
    page.wait_for_function(
        """text => document.querySelector('#finder .count').innerText.includes(text)
          && !document.querySelector('#finder .board').classList.contains('stale')""",
        arg=text,
    )


def found(page) -> None:
    """Wait until the question that was asked, as at once on Enter, is answered."""
    page.wait_for_function(
        "() => !document.querySelector('#finder .board').classList.contains('stale')",
    )


def settled(page) -> None:
    """Wait until the question that is asked after a pause in typing is answered."""
    paused(page, 700)
    found(page)


def look_for(page, typed: str) -> None:
    page.locator("#finder .query").fill(typed)
    page.locator("#finder .query").press("Enter")
    found(page)


def names(page) -> list[str]:
    """File names of the tiles in the document, in the order in which they are read out."""
    labels = page.locator("#finder .tile .open").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    return [re.split("[,，]", label)[1].strip() for label in labels]


def terms(page) -> list[str]:
    return page.locator("#finder .term span").all_inner_texts()


def order(page) -> list[str]:
    """File names in the order in which they are read out, "|" for the line."""
    said = page.locator("#finder .board > li").evaluate_all(
        "all => all.map(x => x.querySelector('.open')?.getAttribute('aria-label') ?? '|')"
    )
    return [one if one == "|" else re.split("[,，]", one)[1].strip() for one in said]


def hand(page, kind: str, target: str, *files: Path) -> None:
    """Drop or paste files on an element, as the browser tells of it."""
    data = [
        [one.name, guess_type(one.name)[0] or "", base64.b64encode(one.read_bytes()).decode()]
        for one in files
    ]
    page.evaluate(
        """([kind, target, files]) => {
          const data = new DataTransfer();
          for (const [name, type, base64] of files) {
            const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
            data.items.add(new File([bytes], name, { type }));
          }
          const how = { bubbles: true, cancelable: true };
          document.querySelector(target).dispatchEvent(kind === 'drop'
            ? new DragEvent(kind, { ...how, dataTransfer: data })
            : new ClipboardEvent(kind, { ...how, clipboardData: data }));
        }""",
        [kind, target, data],
    )


def open_drawer(page, place: int = 0) -> None:
    page.locator(f"#finder .tile[data-place='{place}'] .open").click()
    page.locator("#finder .facts dd").nth(2).wait_for()


def test_photographs_come_before_any_query_and_search_hides_none(open_gallery, photos):
    page = open_gallery("zh-CN")
    counted(page, f"{PICTURES} 张照片，新的在前")
    look_for(page, "发射台上的火箭")
    assert names(page)[0] == "rocket.jpg"
    said = page.locator("#finder .count").inner_text()
    above, rest = map(
        int, re.fullmatch(r"最像的 (\d+) 张 · 其余 (\d+) 张按相似度排在后面", said).groups()
    )
    assert above >= 1
    assert above + rest == PICTURES
    line = page.locator("#finder .line")
    assert "把握不大" in line.inner_text()
    # The line runs between the last that fits and the first that does not.
    order = page.locator("#finder .board > li").evaluate_all("all => all.map(x => x.className)")
    assert [one.startswith("line") for one in order].index(True) == above
    assert "不太相符" not in page.locator("#finder").inner_text()
    label = page.locator("#finder .tile .open").first.get_attribute("aria-label")
    assert re.fullmatch(r"第 1 张，rocket\.jpg，相似度 0\.\d{3}", label)
    shoot(page, "gallery-found")


def test_words_nothing_fits_are_ranked_too(open_gallery):
    page = open_gallery("en-US")
    look_for(page, "a court of law in session")
    counted(page, "Nothing matches well")
    assert page.locator("#finder .tile").count() > 10
    look_for(page, "")
    counted(page, f"{PICTURES} photos, newest first")
    assert page.locator("#finder .problem:visible").count() == 0, "an empty field is no mistake"


def test_search_answers_as_one_types(open_gallery):
    page = open_gallery("en-US")
    page.locator("#finder .query").press_sequentially("a cat", delay=30)
    counted(page, "good match")
    assert names(page)[0] in ("cat.jpg", "cat copy.jpg")
    assert "q=a+cat" in page.url
    # What was typed on the way is one step of the way back, not one a key.
    page.go_back()
    counted(page, f"{PICTURES} photos")
    assert page.locator("#finder .query").input_value() == ""


def test_the_drawer_shows_moves_closes_and_gives_the_focus_back(open_gallery, photos):
    page = open_gallery("zh-CN")
    look_for(page, "猫")
    open_drawer(page)
    drawer = page.locator("#finder .drawer")
    about = drawer.inner_text()
    assert re.search(r"cat( copy)?\.jpg", about)
    assert str(photos.parent) not in about
    page.wait_for_function("() => document.querySelector('#finder .whole').naturalWidth > 400")
    shoot(page, "gallery-drawer")
    with page.expect_download() as download:
        drawer.locator(".original").click()
    assert Path(download.value.path()).read_bytes() == (EXAMPLES / "cat.jpg").read_bytes()
    first = drawer.locator(".name").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "first => document.querySelector('#finder .drawer .name').innerText !== first", arg=first
    )
    for _ in range(12):  # the focus goes round inside
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.drawer') !== null")
    page.keyboard.press("Escape")
    assert not drawer.is_visible()
    place = page.evaluate("document.activeElement.closest('.tile')?.dataset.place")
    assert place == "1"
    page.keyboard.press("x")
    assert (
        page.locator("#finder .tile[data-place='1'] .tick").get_attribute("aria-checked") == "true"
    )


def test_the_language_switch_keeps_drawer_selection_and_words(open_gallery):
    page = open_gallery("zh-CN")
    look_for(page, "猫")
    page.locator("#finder .tile .tick").nth(1).click()
    open_drawer(page, 2)
    name = page.locator("#finder .drawer .name").inner_text()
    page.get_by_label("English").check()
    paused(page, 2500)

    def left() -> list[str]:
        said = page.locator("#finder").inner_text().replace("照片 & photos", "").replace("动物", "")
        chinese = [one for one in said.splitlines() if any("\u4e00" <= c <= "\u9fff" for c in one)]
        return [one for one in chinese if "猫" not in one]

    assert_soon(left, [])
    assert page.locator("#finder .drawer").is_visible()
    assert page.locator("#finder .drawer .name").inner_text() == name
    assert page.locator("#finder .picked b").inner_text() == "1 selected"
    assert page.locator("#finder .query").input_value() == "猫"
    shoot(page, "gallery-switched")


def test_nothing_closes_a_photograph_that_was_opened_meanwhile(app, open_at, new_context):
    """A page that opens is told of its visit twice, here between answer and tiles; and news are
    asked for a moment after they were heard of.
    """
    context = new_context(locale="en-US", viewport=DESKTOP)
    context.add_init_script(
        """window.answers = [];
        addEventListener('clipapp:found', ({ detail }) => {
          if (!detail) return;
          if (!answers.length) {
            dispatchEvent(new CustomEvent('clipapp:gallery', { detail: 'visit' }));
          }
          answers.push(detail);
        });"""
    )
    page = open_at(f"{app.url}/?tab=gallery", "en-US", DESKTOP, "#finder .tile", context)
    drawer = page.locator("#finder .drawer")
    open_drawer(page)
    paused(page, 1000)
    found(page)
    assert drawer.is_visible()
    assert len(page.evaluate("[...new Set(answers.map((one) => one.id))]")) == 1
    page.keyboard.press("Escape")
    page.evaluate(
        """() => {
          document.activeElement.blur();
          const stamp = [...answers[0].stamp];
          stamp[1] += 1;
          const told = { said: [], notices: [], progress: null, read: false, follows: false };
          dispatchEvent(new CustomEvent('clipapp:heard', { detail: { ...told, stamp } }));
          document.querySelector('#finder .tile .open').click();
        }"""
    )
    page.locator("#finder .news", has_text="One new photo").wait_for()
    assert drawer.is_visible()


def test_hints_are_chips_and_go_with_the_words_they_were_given_for(open_gallery):
    page = open_gallery("en-US")
    look_for(page, "a cat")
    first = names(page)[0]
    open_drawer(page)
    page.locator("#finder .unlike").click()
    settled(page)
    assert terms(page) == ["less like " + first.removesuffix(".jpg")]
    assert first not in names(page)
    page.locator("#finder .term button").click()
    settled(page)
    assert terms(page) == []
    assert names(page)[0] == first
    open_drawer(page)
    page.locator("#finder .like").click()
    settled(page)
    assert len(terms(page)) == 1
    look_for(page, "a rocket")
    assert terms(page) == []
    assert names(page)[0] == "rocket.jpg"


def test_what_is_subtracted_becomes_chips_and_can_be_taken_literally(open_gallery):
    page = open_gallery("en-US")
    look_for(page, "sky - rocket")
    assert terms(page) == ["without rocket"]
    box = page.locator("#finder .query")
    assert box.input_value() == "sky"
    assert "sky − rocket" in page.locator("#finder .understood").inner_text()
    assert names(page)[0] != "rocket.jpg"
    page.locator("#finder .understood button").click()
    settled(page)
    assert box.input_value() == "sky - rocket"
    assert terms(page) == []
    look_for(page, "no smoking sign")
    assert not page.locator("#finder .understood").is_visible()


def test_a_picture_finds_its_like_but_neither_itself_nor_what_is_excluded(app, open_gallery):
    page = open_gallery("en-US", url=app.url)
    bird = GALLERY / "birds" / "kingfisher.jpg"
    page.locator("#finder .file").set_input_files(bird)
    page.locator("#finder .term img").wait_for()
    settled(page)
    birds = {path.name for path in (GALLERY / "birds").iterdir()}
    assert bird.name not in names(page)
    assert birds.intersection(names(page)[:3])
    assert not page.locator("#finder .weight").is_visible()
    page.locator("#finder .query").fill("a bird")
    settled(page)
    assert page.locator("#finder .weight").is_visible()
    look_for(page, "- bird")
    assert "without bird" in terms(page)
    shown = names(page)[:6]
    assert len(birds.intersection(shown)) <= 1, f"birds without birds: {shown}"
    assert shown[0] not in birds
    shoot(page, "gallery-by-image")


def test_an_unreadable_picture_is_one_sentence(open_gallery, tmp_path):
    open_gallery("en-US")  # reading the photographs takes what was left out of the remarks away
    page = open_gallery("en-US", address="&type=NOPE&from=soon&gallery=nowhere")
    page.locator("#finder .remarks", has_text="left out: nowhere, NOPE, soon").wait_for()
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"no picture")
    page.locator("#finder .file").set_input_files(fake)
    page.locator("#finder .problem").first.get_by_text("fake.jpg").wait_for()
    # It is not looked for, and what was shown stays until something else is asked.
    counted(page, f"{PICTURES} photos")
    assert terms(page) == []
    page.locator("#finder .query").fill("bird")
    page.locator("#finder .problem").first.wait_for(state="hidden")


def test_an_unreadable_picture_before_another_is_not_looked_for_later(app, open_gallery, tmp_path):
    page = open_gallery("en-US", url=app.url)
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"no picture")
    for one in (fake, GALLERY / "birds" / "kingfisher.jpg"):  # the second before the first's answer
        hand(page, "drop", "#finder .query", one)
    page.locator("#finder .problem").first.get_by_text("fake.jpg").wait_for()
    look_for(page, "a cat")
    assert "like fake" not in terms(page)
    assert names(page)
    assert not page.locator("#finder .problem").first.is_visible()


def test_what_is_no_picture_is_named_and_what_was_found_stays(app, open_gallery, tmp_path):
    page = open_gallery("zh-CN", url=app.url)
    look_for(page, "鸟")
    found = names(page)[:5]
    for name, content in (("笔记.txt", b"text"), ("录像.mp4", b"\0\0\0\x18ftypmp42" + bytes(900))):
        file = tmp_path / name
        file.write_bytes(content)
        hand(page, "drop", "#finder .query", file)
        page.locator("#finder .problem").first.get_by_text(name).wait_for()
        settled(page)
        assert names(page)[:5] == found
        assert page.locator("#finder .query").input_value() == "鸟"


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_what_is_offered_to_look_for_fills_one_line(app, open_gallery, language):
    page = open_gallery(language, url=app.url)
    offered = page.locator("#finder .tries .pill:visible")
    for width, least in ((1920, 6), (1440, 6), (1024, 4), (768, 16), (390, 16), (1440, 6)):
        page.set_viewport_size({"width": width, "height": 900})
        paused(page, 300)  # the observer of its size
        tops = offered.evaluate_all("all => all.map((one) => one.offsetTop)")
        assert len(tops) >= least, width
        assert len(set(tops)) == 1, width
        # No further one would have had room, unless all are there.
        if len(tops) < 16:
            room = page.evaluate(
                """() => {
                  const box = document.querySelector('#finder .tries');
                  const all = [...box.querySelectorAll('.pill')];
                  const next = all.findIndex((one) => one.hidden);
                  all[next].hidden = false;
                  const fits = all[next].offsetTop === all[0].offsetTop;
                  all[next].hidden = true;
                  return fits;
                }"""
            )
            assert not room, width
    # The keyboard stays in the line when its place is hidden.
    offered.last.focus()
    page.set_viewport_size({"width": 1024, "height": 900})
    expect(offered.last).to_be_focused()


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_dropped_or_pasted_on_the_bar_is_looked_for(app, open_gallery, kind):
    page = open_gallery("en-US", url=app.url)
    hand(page, kind, "#finder .query", GALLERY / "birds" / "kingfisher.jpg")
    page.locator("#finder .term img").wait_for()
    settled(page)
    assert terms(page) == ["like kingfisher"]
    birds = {path.name for path in (GALLERY / "birds").iterdir()}
    assert len(birds.intersection(names(page)[:3])) >= 2
    assert "kingfisher.jpg" not in names(page)


def test_the_photo_of_the_classify_tab_finds_its_like(app, open_at):
    page = open_at(app.url, "en-US", DESKTOP)
    page.wait_for_function("window.clipApp.isReady()")
    page.locator("#classify-image .similar").click()
    page.wait_for_function("() => document.body.dataset.tab === 'gallery'")
    page.locator("#finder .term img").wait_for()
    page.locator("#finder .tile").first.wait_for()
    settled(page)
    assert "cat" in terms(page)[0]
    assert any(one.startswith("cat") for one in names(page)[:3])


def test_chosen_filters_are_chips_in_the_bar_and_the_panel_moves_nothing(open_gallery):
    page = open_gallery("en-US")
    panel, summary = page.locator("#finder .choices"), page.locator("#finder .filters > summary")
    assert not panel.is_visible()
    paused(page, 300)  # all is drawn that comes with the photographs
    places = [page.locator(one).first for one in ("#finder .field", "#finder .tile")]
    before = [one.bounding_box() for one in places]
    summary.click()
    assert panel.is_visible()
    assert [one.bounding_box() for one in places] == before
    panel.get_by_role("button", name=re.compile("^launch, 1")).click()
    counted(page, "1 photo")
    assert (terms(page), names(page)) == (["tagged launch, 1"], ["rocket.jpg"])
    page.go_back()
    counted(page, f"{PICTURES} photos")
    for facet in ("PNG", "2019", "patterns"):
        panel.get_by_role("button", name=re.compile(f"^{facet}")).click()
        settled(page)
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    assert terms(page) == ["in patterns", "PNG", "2019"]
    counted(page, "15 photos")
    shoot(page, "gallery-facets")
    # They are in the address: Back takes the last one off, and a reload keeps them.
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('#finder .term').length === 2")
    assert terms(page) == ["PNG", "2019"]
    page.go_forward()
    page.reload()
    page.locator("#finder .tile").first.wait_for()
    assert terms(page) == ["in patterns", "PNG", "2019"]
    counted(page, "15 photos")
    page.locator("#finder .term").get_by_label("Remove: 2019").click()
    counted(page, "40 photos")
    summary.click()
    page.locator("#finder .choices input[type=date]").first.fill("2021-03-16")
    settled(page)
    assert terms(page)[-1] == "since 2021-03-16"
    page.mouse.click(8, 600)
    assert not panel.is_visible(), "a click elsewhere closes it"
    for _ in range(3):
        page.locator("#finder .term button").first.click()
    counted(page, f"{PICTURES} photos")
    assert terms(page) == []


def test_by_date_what_fits_is_sorted_and_the_rest_stays_behind_the_line(open_gallery):
    page = open_gallery("en-US")
    look_for(page, "tie-dye")
    fit = int(re.match(r"\d+", page.locator("#finder .count").inner_text())[0])
    ranked = order(page)
    assert 2 <= fit <= len(ranked)
    page.locator("#finder .sort select").select_option("find_by_date")
    settled(page)
    dated = order(page)
    assert dated.index("|") == fit
    assert sorted(dated[:fit]) == sorted(ranked[:fit])
    # The later a pattern's number, the newer it is.
    patterns = [one for one in dated[:fit] if one.endswith(".png")]
    assert len(patterns) >= 2
    assert patterns == sorted(patterns, reverse=True)
    both = min(len(ranked), len(dated))
    assert dated[fit:both] == ranked[fit:both]


def test_scrolling_touches_no_tile_that_stays(app, open_gallery):
    page = open_gallery("en-US", url=app.url)
    look_for(page, "a bird")
    changed = page.evaluate(
        """async () => {
          const board = document.querySelector('#finder .board');
          const there = new Set(board.children);
          let seen = [];
          new MutationObserver((all) => seen.push(...all)).observe(
            board, { attributes: true, childList: true, characterData: true, subtree: true });
          for (let step = 0; step < 40; step += 1) {
            scrollBy(0, 30);
            await new Promise(requestAnimationFrame);
          }
          await new Promise((done) => setTimeout(done, 100));
          const added = seen.flatMap((one) => [...one.addedNodes]);
          const tiles = [...there].filter((one) => !one.matches('.line'));
          const stayed = (one) => tiles.some((tile) => tile.contains(one));
          return {
            added: added.length,
            again: added.filter((one) => there.has(one) && !one.matches('.line')).length,
            renamed: seen.filter((one) => one.type === 'attributes' && stayed(one.target)).length,
          };
        }"""
    )
    assert changed["added"] > 5
    assert (changed["again"], changed["renamed"]) == (0, 0)


def test_facets_dates_and_order(open_gallery):
    page = open_gallery("en-US")
    page.locator("#finder .filters > summary").click()
    page.locator("#finder .choices").get_by_role("button", name=re.compile("^sky")).click()
    counted(page, "2 photos")
    assert set(names(page)) == {"rocket.jpg", "galaxies.jpg"}
    page.locator("#finder .choices").get_by_role("button", name=re.compile("^sky")).click()
    counted(page, f"{PICTURES} photos")
    page.locator("#finder .choices").get_by_role("button", name=re.compile("^PNG")).click()
    counted(page, "40 photos")
    page.locator("#finder .choices").get_by_role("button", name=re.compile("^PNG")).click()
    page.locator("#finder .choices input[type=date]").nth(1).fill("1999-12-31")
    counted(page, "No photo passes these filters")
    page.locator("#finder .choices input[type=date]").nth(1).fill("")
    look_for(page, "a cat")
    page.locator("#finder .sort select").select_option("find_by_date")
    settled(page)
    assert page.locator("#finder .line").count() == 1, (
        "what does not fit comes after the line still"
    )
    assert "sort=date" in page.url


def test_copies_are_shown_in_groups_with_odd_ones_and_listed(open_gallery):
    page = open_gallery("zh-CN")
    page.locator("#finder").get_by_role("button", name="找重复").click()
    panel = page.locator("#copies-panel")
    near = panel.get_by_label("相似度多少算重复")
    assert near.input_value() == "0.97"
    near.select_option("1")  # the patterns are alike, and other tests may read more of them
    panel.get_by_role("button", name="找重复照片").click()
    group = panel.locator(".groups > li")
    group.first.wait_for()
    assert group.count() == 1
    assert group.locator(".name").all_inner_texts() == ["cat copy.jpg"]
    assert "另有 1 个相同文件" in group.locator(".same").inner_text()
    assert "动物/cat.jpg" in group.locator(".same").inner_text()
    size = math.ceil((EXAMPLES / "cat.jpg").stat().st_size / 1000)
    assert group.locator(".facts").inner_text().endswith(f" · {size} KB")
    assert panel.locator(".sum").inner_text().endswith(f"可省 {size} KB。")
    # Pressed again it leads there, and closes nothing.
    page.locator("#finder").get_by_role("button", name="找重复").click()
    expect(page.locator("#copies .label-wrap.open")).to_be_focused()
    assert panel.locator(".sum").inner_text().startswith(f"{PICTURES} 张照片里有 1 组重复")
    assert group.locator("img").evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    strips = panel.locator("section").all()
    odd, typical = (one.locator("li .name").all_inner_texts() for one in strips)
    assert len(odd) == len(typical) == 8
    assert {"rocket.jpg", "coffee.jpg", "galaxies.jpg"} <= set(odd)
    assert all(one.endswith(".png") for one in typical)
    with page.expect_download() as caught:
        panel.get_by_role("button", name="列表存成 CSV").click()
    rows = list(csv.DictReader(io.StringIO(caught.value.path().read_text("utf-8-sig"))))
    assert [Path(one["path"]).name for one in rows] == ["cat copy.jpg", "cat.jpg"]
    page.get_by_label("English").check()
    panel.get_by_text(f"1 group of copies among {PICTURES} photos").wait_for()


def test_the_selection_is_packed_and_listed(open_gallery, photos):
    page = open_gallery("en-US")
    look_for(page, "a cat")
    tiles = page.locator("#finder .tile")
    tiles.nth(0).locator(".tick").click()
    tiles.nth(2).locator(".open").click(modifiers=["Shift"])
    assert page.locator("#finder .picked b").inner_text() == "3 selected"
    bar = page.locator("#finder .picked").bounding_box()
    assert bar["y"] + bar["height"] <= DESKTOP["height"], "in view wherever one has scrolled to"
    wanted = names(page)[:3]
    with page.expect_download() as download:
        page.locator("#finder .zip").click()
    packed = zipfile.ZipFile(download.value.path())
    assert sorted(packed.namelist()) == sorted(wanted)
    for name in wanted:
        assert packed.read(name) == next(photos.rglob(name)).read_bytes()
    with page.expect_download() as download:
        page.locator("#finder .json").click()
    answer = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert answer["query"] == "a cat"
    assert [one["path"].split("/")[-1] for one in answer["results"]] == wanted
    with page.expect_download() as download:
        page.locator("#finder .csv").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
    assert [row["path"] for row in rows] == [one["path"] for one in answer["results"]]
    similarities = [float(row["similarity"]) for row in rows]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities == pytest.approx([one["similarity"] for one in answer["results"]], abs=1e-5)
    page.locator("#finder .above").click()
    above = re.match(r"\d+", page.locator("#finder .count").inner_text())[0]
    assert page.locator("#finder .picked b").inner_text() == f"{above} selected"


def test_the_address_holds_the_search_and_back_returns_to_it(open_gallery):
    page = open_gallery("en-US", address="&q=a%20rocket")
    settled(page)
    assert page.locator("#finder .query").input_value() == "a rocket"
    assert names(page)[0] == "rocket.jpg"
    look_for(page, "a cat")
    page.go_back()
    settled(page)
    assert page.locator("#finder .query").input_value() == "a rocket"
    assert names(page)[0] == "rocket.jpg"
    page.locator("#finder .gallery select").select_option(label="照片 & photos/sky")
    counted(page, "")
    page.wait_for_function("() => location.search.includes('gallery=')")
    settled(page)
    assert page.locator("#finder .query").input_value() == "a rocket", "nothing typed is wiped"
    assert set(names(page)) == {"rocket.jpg", "galaxies.jpg"}
    page.reload()
    page.locator("#finder .tile").first.wait_for()
    settled(page)
    assert set(names(page)) == {"rocket.jpg", "galaxies.jpg"}
    # The link alone, in a browser that has not been here, leads there too.
    other = open_gallery("en-US", address="&" + page.url.split("?")[1])
    settled(other)
    assert other.locator("#finder .query").input_value() == "a rocket"
    assert names(other) == names(page)


def test_what_is_typed_while_the_gallery_changes_is_kept_and_searched_there(open_gallery):
    page = open_gallery("en-US")
    page.locator("#finder .gallery select").select_option(label="照片 & photos/sky")
    page.locator("#finder .query").press_sequentially("a rocket", delay=60)
    page.wait_for_function("() => document.querySelectorAll('#finder .tile').length === 2")
    settled(page)
    paused(page, 1500)  # what would come late and overwrite it
    assert page.locator("#finder .query").input_value() == "a rocket"
    assert names(page) == ["rocket.jpg", "galaxies.jpg"]


def test_a_found_photograph_is_handed_to_the_classify_tab(open_gallery):
    page = open_gallery("en-US")
    look_for(page, "a rocket")
    open_drawer(page)
    page.locator("#finder .judge").click()
    page.wait_for_function("() => document.body.dataset.tab === 'classify'")
    page.wait_for_function(
        "() => document.querySelector('#classify-image .shown').src.includes('rocket')"
    )


@pytest.mark.parametrize("viewport", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_every_width_shows_whole_columns(app, open_gallery, viewport):
    page = open_gallery("en-US", viewport, url=app.url, address="&type=JPEG&from=2000-01-01")
    look_for(page, "a bird")
    paused(page, 300)
    assert terms(page) == ["JPEG", "since 2000-01-01"]
    # The header, of 56 px, covers no part of the bar.
    assert page.locator("#finder .field").bounding_box()["y"] >= 56
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"the page is {overflow} px wider than the screen"
    boxes = [one.bounding_box() for one in page.locator("#finder .tile").all()[:12]]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= viewport["width"] for box in boxes)
    if viewport is PHONE:
        assert len({round(box["x"]) for box in boxes}) == 2
        # After a search the first photographs are in view.
        assert boxes[0]["y"] + boxes[0]["height"] / 2 < viewport["height"]
        # Between the bar and the photographs there are at most two rows.
        rows = page.locator("#finder .row > *").evaluate_all(
            "all => all.map(x => x.getBoundingClientRect()).filter(x => x.height)"
            ".map(x => Math.round((x.top + x.bottom) / 40))"
        )
        assert len(set(rows)) <= 2
        open_drawer(page)
        sheet = page.locator("#finder .drawer").bounding_box()
        assert sheet["width"] == viewport["width"]
    shoot(page, f"gallery-{viewport['width']}")


def test_examples_are_shown_and_offered_at_once_and_further_ones_as_one_scrolls(app, open_gallery):
    page = open_gallery("en-US", url=app.url)
    total = int(page.locator("#finder .count").inner_text().split()[0])
    assert total > 100
    page.locator("#finder .tries").get_by_role("button", name="a bird", exact=True).click()
    settled(page)
    birds = {path.name for path in (GALLERY / "birds").iterdir()}
    assert set(names(page)[:5]) <= birds
    seen = set()

    def scrolled() -> bool:
        seen.update(
            page.locator("#finder .tile").evaluate_all("all => all.map(x => x.dataset.place)")
        )
        page.mouse.wheel(0, 900)
        paused(page, 120)
        # At the end, where nothing lies ahead: in between, up to 82 are near the window.
        return len(seen) == total and page.evaluate(
            "scrollY + innerHeight >= document.documentElement.scrollHeight - 1"
        )

    wait_for(scrolled)
    assert page.locator("#finder .tile").count() < 60, "only those near the window are there"


def test_own_photographs_are_read_at_once_and_shown(open_gallery, tmp_path):
    page = open_gallery("en-US")
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(EXAMPLES / "flower.jpg", "holiday/flower.jpg")
        packed.writestr("../../outside.jpg", (EXAMPLES / "coffee.jpg").read_bytes())
        packed.writestr("notes.txt", "no picture")
        packed.writestr("torn.jpg", b"\xff\xd8\xff\xe0 begins as a photograph")
        packed.writestr("locked.jpg", b"secret")
    data = bytearray(archive.read_bytes())
    data[data.rindex(b"locked.jpg") - 46 + 8] |= 1  # as if it had a password
    archive.write_bytes(data)
    page.locator("#finder .query").fill("a flower")
    page.locator("#finder .add").click()
    page.locator("#gallery-intake input[type=file]").set_input_files(
        [archive, EXAMPLES / "photographer.jpg"]
    )
    panel = page.locator("#gallery-panel")
    panel.get_by_text("locked.jpg is protected by a password").wait_for()
    assert "notes.txt" in panel.inner_text()
    page.wait_for_function("() => document.querySelectorAll('#finder .tile').length === 3")
    settled(page)
    panel.get_by_text("usable photos: 3 · cannot be read: 1 (torn.jpg)").wait_for()
    assert "Files received: 6" in panel.inner_text()
    assert page.locator("#finder .query").input_value() == "a flower"
    assert "torn.jpg is damaged" in panel.inner_text(), "each with its reason"
    # All that came are shown first; what was typed before is there for Enter.
    counted(page, "3 photos, newest first")
    page.locator("#finder .query").press("Enter")
    settled(page)
    assert names(page)[0] == "flower.jpg"
    shoot(page, "gallery-own")
    chosen = page.locator("#finder .gallery select")
    assert chosen.evaluate("one => one.selectedOptions[0].text") == "my uploads"
    other = open_gallery("en-US")
    assert "my uploads" not in other.locator("#finder .gallery select").inner_text()


def test_own_photographs_dropped_are_found(open_gallery):
    page = open_gallery("en-US")
    page.locator("#finder .add").click()
    page.locator("#gallery-intake .up-drop").wait_for()
    files = (EXAMPLES / "flower.jpg", EXAMPLES / "coffee.jpg")
    hand(page, "drop", "#gallery-intake .up-drop", *files)
    page.wait_for_function("() => document.querySelectorAll('#finder .tile').length === 2")
    look_for(page, "a cup of coffee")
    assert names(page) == ["coffee.jpg", "flower.jpg"]
    # Two steps back lies the gallery that was looked at before, also in the address.
    assert "gallery=mine" in page.url
    page.go_back()
    page.go_back()
    counted(page, str(PICTURES))
    chosen = page.locator("#finder .gallery select")
    assert chosen.evaluate("one => one.selectedOptions[0].text") == "照片 & photos"
    assert "gallery=" not in page.url


def test_a_search_is_kept_used_and_forgotten(open_gallery):
    page = open_gallery("en-US")
    look_for(page, "a rocket")
    page.locator("#finder .filters > summary").click()
    page.locator("#finder .choices").get_by_role("button", name=re.compile("^sky")).click()
    settled(page)
    page.keyboard.press("Escape")
    tries = page.locator("#finder .tries")
    tries.get_by_role("button", name="Save this search").click()
    tries.get_by_text("★ a rocket").wait_for()
    page.goto(page.url.split("?")[0] + "?tab=gallery")
    tries.get_by_text("★ a rocket").click()
    settled(page)
    assert names(page) == ["rocket.jpg", "galaxies.jpg"], "with the filters it was kept with"
    assert terms(page) == ["in sky"]
    tries.locator(".x").click()
    tries.get_by_text("★ a rocket").wait_for(state="detached")
    page.reload()
    page.locator("#finder .tile").first.wait_for()
    settled(page)
    assert tries.get_by_text("★").count() == 0


def test_an_index_that_is_forgotten_while_it_is_shown_can_be_made_again(open_gallery, gallery_app):
    page = open_gallery("en-US")
    look_for(page, "a rocket")
    with closing(open_library(Settings(index_dir=gallery_app.index_dir))) as library:
        for one in library.galleries(None):
            library.forget(one.folder)
    page.get_by_label("中文").check()
    look_for(page, "一只猫")
    problem = page.locator("#finder .problem").first
    assert "还没有索引，请先点“读取照片”" in problem.inner_text()
    page.locator("#finder .add").click()
    expect(page.locator("#gallery-panel .label-wrap.open")).to_be_focused()
    # There is no map that would be made for ever either.
    page.locator("#finder .views .chart").click()
    assert not page.locator("#finder .map").is_visible()
    page.locator("#finder .views .grid").click()
    # The panel says so too and lets it be read again, with what was typed searched for after it.
    panel = page.locator("#gallery-intake")
    panel.get_by_text("还没读过这里的照片").wait_for()
    page.locator("#gallery-index").click()
    page.locator("#finder .tile").first.wait_for()
    settled(page)
    assert names(page)[0] in ("cat.jpg", "cat copy.jpg")
    assert not page.locator("#finder .problem").first.is_visible()


def test_open_pages_hear_of_what_a_followed_folder_has_read(open_gallery, photos):
    page, other = open_gallery("en-US"), open_gallery("zh-CN")
    other.locator("#finder .tile .tick").first.click()
    page.locator("#finder .add").click()
    page.locator("#gallery-follow").check()
    try:
        noise(9999).save(photos / "new.png")
        counted(page, str(PICTURES + 1))
        panel = page.locator("#gallery-status")
        expect(panel).to_contain_text(f"{PICTURES + 1} photos can be searched")
        assert names(page)[0] == "new.png"
        # Where something is selected it is offered.
        other.evaluate("window.dispatchEvent(new Event('focus'))")
        news = other.locator("#finder .news")
        expect(news).to_contain_text("新读了 1 张照片。")
        assert other.locator("#finder .count").inner_text().startswith(f"{PICTURES} ")
        assert other.locator("#finder .picked").is_visible()
        news.get_by_role("button", name="显示").click()
        counted(other, str(PICTURES + 1))
        assert news.is_hidden()
        other.locator("#finder .add").click()
        expect(other.locator("#gallery-follow")).to_be_checked()
        other.locator("#finder .picked .none").click()
    finally:
        (photos / "new.png").unlink()
    counted(page, str(PICTURES))
    counted(other, str(PICTURES))
    page.locator("#gallery-follow").uncheck()


def test_news_is_offered_where_it_would_move_what_one_reads(open_gallery, photos):
    long = photos / "IMG_20240812_103015_taken_by_a_phone_with_long_names.png"
    page = open_gallery("en-US", {"width": 1440, "height": 700})
    page.locator("#finder .add").click()
    page.locator("#gallery-follow").check()
    try:
        page.locator("#gallery-panel .label-wrap").click()
        # To ask whether there is any takes no event of Gradio's, which would busy the page. At
        # first there is: what the follower finds when it begins, which may take more than one ask.
        answers = re.compile("component_server")
        events = []
        page.on("request", lambda one: "queue/join" in one.url and events.append(one.post_data))
        for _ in range(10):
            events.clear()
            for _ in range(2):
                with page.expect_response(answers):
                    pass
            if not events:
                break
        assert events == []
        page.wait_for_function("document.querySelector('#finder .board').offsetHeight > 1000")
        page.evaluate("scrollTo(0, 500)")
        place_of = page.locator("#finder .tile[data-place='20']").bounding_box
        before = place_of()
        shutil.copy(EXAMPLES / "coffee.jpg", long.with_suffix(".jpg"))  # a copy of another
        noise(9998).save(long)
        news = page.locator("#finder .news")
        expect(news).to_contain_text("One new photo")
        assert place_of() == before
        counted(page, f"{PICTURES} ")
        news.get_by_role("button", name="Show").click()
        counted(page, f"{PICTURES + 1} ")
        assert page.evaluate("scrollY") == 0
        look_for(page, "noise")
        # An open photograph leaves the tools one line, and its long path breaks after its signs.
        open_drawer(page)
        assert page.locator("#finder .tools").bounding_box()["height"] < 60
        assert page.locator("#finder .size input").is_visible()
        page.keyboard.press("Escape")
        page.locator("#finder .query").fill("")
        page.locator("#finder .query").press("Enter")
        counted(page, f"{PICTURES + 1} ")
        open_drawer(page, names(page).index(long.name))
        path = page.locator("#finder .facts dd", has_text=long.name)
        assert path.locator("wbr").count() == long.name.count("_") + 1  # and "/"
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
    finally:
        long.unlink(missing_ok=True)
        long.with_suffix(".jpg").unlink(missing_ok=True)
    counted(page, f"{PICTURES} ")
    page.locator("#finder .add").click()
    page.locator("#gallery-follow").uncheck()


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
    panel = page.locator("#gallery-intake")
    page.locator("#finder .add").click()
    page.locator("#gallery-intake input[type=file]").set_input_files(archive_of_many)
    panel.get_by_text(re.compile("my uploads: [1-9]")).wait_for()
    page.evaluate(
        """() => {
          const panel = document.querySelector('#gallery-intake');
          window.said = new Set();
          new MutationObserver(() => window.said.add(panel.innerText))
            .observe(panel, { subtree: true, childList: true, characterData: true });
        }"""
    )
    page.get_by_label("中文").check()
    panel.get_by_text("600 张照片").first.wait_for()
    ended = panel.inner_text()
    going_on = [
        one for one in page.evaluate("[...window.said]") if re.search(r"我上传的照片：\d", one)
    ]
    assert len(going_on) > 3, "it was over before"
    for said in (*going_on[-3:], ended):
        assert not re.search("[A-Za-z]{2,}", re.sub(r"notes\.txt|txt|zip", "", said)), said
