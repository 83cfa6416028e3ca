"""The page in a real Chromium: what a visitor does, in both languages, desktop and phone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from tests.conftest import EXAMPLES, ROOT, App, assert_soon

pytestmark = pytest.mark.browser

# Where a person can look at what the tests saw; ignored by git.
SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture
def open_page(app, open_at):
    return lambda locale, viewport=DESKTOP: open_at(app.url, locale, viewport)


def verdict(page) -> str:
    return page.locator("#classify-verdict").inner_text()


def answered(page, text: str) -> None:
    """Wait until the verdict says `text` of what is asked now."""
    page.wait_for_function(
        """text => {
          const card = document.querySelector('#classify-verdict .result');
          return card && !card.classList.contains('stale')
            && card.querySelector('.verdict').innerText.includes(text);
        }""",
        arg=text,
    )


def paused(page, milliseconds: int) -> None:
    """Wait so long by the page's own clock, until what it was to do by itself is done and drawn;
    a page that gets no core does not do in half a second of ours what it does in half of its own.
    """
    page.evaluate(
        """pause => new Promise((done) => setTimeout(
          () => requestAnimationFrame(() => requestAnimationFrame(done)), pause))""",
        milliseconds,
    )


@contextmanager
def dimmed(page, selector: str) -> Iterator[None]:
    """What is done within dims an answer, were it but for a moment that nobody sees."""
    page.evaluate(
        """selector => {
          const one = document.querySelector(selector);
          window.dimmed = false;
          new MutationObserver(() => { window.dimmed ||= one.classList.contains('stale'); })
            .observe(one, { attributes: true });
        }""",
        selector,
    )
    yield
    page.wait_for_function("window.dimmed")


# What shows that a tab has been filled; what stands below the screen comes last.
_FILLED = {
    "classify": ["#classify-verdict .headline"],
    "match": ["#match-best .headline:not(:empty)"],
    "gallery": ["#finder .tile"],
    "learn": ["#learn-pairs td.pair", "#learn-noise [data-loss]", "#learn-languages .figure"],
    "model": ["#model-catalog li"],
}


def filled(page, tab: str) -> None:
    """Wait until a tab that is shown holds what it will, and nothing fades any more."""
    for part in _FILLED[tab]:
        page.locator(part).first.wait_for()
    paused(page, 500)


def classify(page, labels: str, expected: str) -> None:
    page.locator("#classify-labels textarea").fill(labels)
    answered(page, expected)


def drop(page, selector: str, *files: Path) -> None:
    """Drop files and folders of the disk on an element, as from a file manager."""
    target = page.locator(selector).first
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(one) for one in files], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})


def shoot(page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("locale", "headline", "field"),
    [
        ("en-US", "It’s “cat”", "Your words"),
        ("zh-CN", "是“猫”", "候选词"),
        ("zh", "是“猫”", "候选词"),
        ("zh-TW", "是“猫”", "候选词"),
        ("fr-FR", "It’s “cat”", "Your words"),
    ],
)
def test_page_opens_in_the_browsers_language_with_an_example_classified(
    open_page, locale, headline, field, viewport
):
    page = open_page(locale, viewport)
    assert headline in verdict(page)
    assert page.get_by_role("textbox", name=field).is_visible()
    first = page.locator("#classify-verdict .row .name").first.inner_text()
    assert first in ("cat", "猫")
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"the page is {overflow} px wider than the screen"
    shoot(page, f"open-{locale}-{viewport['width']}")


def test_upload_labels_and_bars_in_both_languages(open_page):
    page = open_page("en-US")
    page.get_by_label("remove the photo").click()
    page.locator("#classify-image .file").set_input_files(EXAMPLES / "coffee.jpg")
    page.wait_for_selector("#classify-image .shown[src]")
    classify(page, "coffee, dog, car", "coffee")
    classify(page, "狗、咖啡、汽车", "咖啡")
    names = page.locator("#classify-verdict .row .name").all_inner_texts()
    assert names[0] == "咖啡"
    assert set(names) == {"狗", "咖啡", "汽车"}
    classify(page, "airplane, piano", "None of these labels")
    shoot(page, "none-fits")


def test_switch_changes_every_word_and_is_remembered(open_page):
    page = open_page("zh")
    page.get_by_label("English").check()
    page.wait_for_function(
        "document.querySelector('#classify-verdict').innerText.includes('It’s “cat”')"
    )

    def left() -> list[str]:
        body = page.locator("body").inner_text().replace("中文", "")
        return [line for line in body.splitlines() if any("\u4e00" <= c <= "\u9fff" for c in line)]

    assert_soon(left, [])  # Gradio's "loading" fades
    shoot(page, "switched")
    page.reload()
    page.wait_for_selector("#classify-verdict .headline")
    assert "It’s “cat”" in verdict(page)
    page.get_by_label("中文").check()
    page.wait_for_function(
        "document.querySelector('#classify-verdict').innerText.includes('是“猫”')"
    )
    assert page.get_by_role("tab").all_inner_texts() == [
        "图像分类",
        "文本匹配",
        "图库搜索",
        "原理",
        "模型",
    ]


@pytest.mark.parametrize(
    ("locale", "no_label", "not_image"),
    [
        ("en-US", "Write a few words", "not an image"),
        ("zh-CN", "写几个候选词", "不是"),
    ],
)
def test_mistakes_are_one_sentence_and_the_next_request_works(
    open_page, tmp_path, locale, no_label, not_image
):
    page = open_page(locale)
    page.locator("#classify-labels textarea").fill(" , ")
    page.locator("#classify-verdict").get_by_text(no_label).wait_for()
    shoot(page, f"error-{locale}")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture at all")
    page.locator("#batch button").first.click()
    page.locator("#batch input[type=file]").set_input_files(bad)
    page.locator("#batch .up-fold b", has_text="1 ").wait_for()
    page.locator("#classify-labels textarea").fill("cat")
    page.locator("#batch-button").click()
    page.get_by_text(not_image).first.wait_for()
    assert "Traceback" not in page.locator("body").inner_text()
    classify(page, "cat, dog", "cat")


def test_label_set_is_one_click_and_examples_fill_the_fields(open_page):
    page = open_page("zh-CN")
    page.locator("#classify-image .strip button").nth(3).click()
    answered(page, "火箭")
    page.locator("#classify-labels .pill", has_text="CIFAR-10").click()
    page.wait_for_function(
        "document.querySelector('#classify-labels textarea').value.includes('飞机')"
    )
    answered(page, "")


def test_matching_and_a_collection(open_page, tmp_path):
    page = open_page("zh-CN")
    page.get_by_role("tab", name="文本匹配").click()
    page.locator("#match-best .headline").wait_for()
    assert "一只猫的脸部特写" in page.locator("#match-best").inner_text()
    shoot(page, "match-zh")
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join([*(f"第{i}号汽车" for i in range(300)), "一只小猫"]), "utf-8")
    page.locator("#collection button").first.click()
    page.locator("#collection-file input[type=file]").set_input_files(texts)
    page.locator("#collection-file .file-preview").wait_for()
    best = page.locator("#collection-best .headline")
    page.locator("#collection-button").click()
    best.filter(has_text="“一只小猫”").wait_for()
    assert "共 301 句" in page.locator("#collection-best .of").inner_text()
    page.locator("#collection-file button[aria-label]").last.click()
    page.locator("#collection-pasted textarea").fill("一列火车\n一只猫和它的胡须")
    page.locator("#collection-button").click()
    best.filter(has_text="“一只猫和它的胡须”").wait_for()


def test_matching_waits_for_its_tab_and_both_results_follow_the_language(open_page):
    page = open_page("en-US")
    assert page.locator("#match-best .headline:not(:empty)").count() == 0
    page.get_by_label("中文").check()
    page.wait_for_function(
        "document.querySelector('#classify-verdict').innerText.includes('是“猫”')"
    )
    assert page.locator("#match-best .headline:not(:empty)").count() == 0
    page.get_by_role("tab", name="文本匹配").click()
    page.locator("#match-best .headline", has_text="最配的一句").wait_for()
    page.locator("#collection .label-wrap").click()
    page.locator("#collection-file", has_text="点击上传").wait_for()
    page.get_by_label("English").check()
    page.locator("#match-best .headline", has_text="Best fit").wait_for()
    page.locator("#collection-file", has_text="Click to Upload").wait_for()
    page.get_by_role("tab", name="Classify").click()
    page.locator("#classify-verdict .headline", has_text="It’s").wait_for()
    # What a person typed and matched stays when the tab is opened again.
    page.get_by_role("tab", name="Match", exact=True).click()
    page.locator("#match-descriptions textarea").fill("a dog\na kitten")
    page.locator("#match-best .headline", has_text="a kitten").wait_for()
    page.get_by_role("tab", name="Classify").click()
    page.get_by_role("tab", name="Match", exact=True).click()
    page.wait_for_timeout(1000)
    assert "a kitten" in page.locator("#match-best").inner_text()


def test_labels_with_markup_are_shown_as_text(open_page):
    page = open_page("en-US")
    classify(page, "<img src=x onerror=alert(1)>, cat", "cat")
    assert page.locator("#classify-verdict img, #classify-labels img").count() == 0


def test_model_tab_shows_the_catalog_and_refuses_paths(open_page):
    page = open_page("en-US")
    page.get_by_role("tab", name="Model").click()
    page.locator("#model-catalog li").first.wait_for()
    assert "siglip2-b-32-256" in page.locator("#model-catalog").inner_text()
    assert page.locator("#model-about caption").inner_text() == "The model that answers now"
    choice = page.locator("#model-choice input")
    choice.fill("/etc")
    choice.press("Enter")
    page.locator("#model-load").click()
    page.get_by_text("only folders below").first.wait_for()
    shoot(page, "model")
    choice.fill("no-such-model")
    choice.press("Enter")
    page.locator("#model-load").click()
    page.get_by_text("take one from the list").first.wait_for()
    page.get_by_label("中文").check()
    page.locator("#model-said .zh", has_text="从下面的列表").wait_for()
    page.get_by_label("English").check()
    page.locator("#model-said .en").wait_for()
    choice.fill("starter")
    choice.press("Enter")
    page.locator("#model-load").click()
    page.get_by_text("starter now answers").first.wait_for()


@pytest.mark.parametrize("name", ["猫 photo.heic", '100% #1 "done"?.jpg', "%41%2F..%2e.png"])
def test_photographs_of_any_name_and_format_are_shown(open_page, tmp_path, name):
    page = open_page("en-US")
    photo = tmp_path / name
    pillow_heif.register_heif_opener()
    Image.open(EXAMPLES / "cat.jpg").save(photo)
    page.get_by_label("remove the photo").click()
    page.locator("#classify-image .file").set_input_files(photo)
    page.wait_for_function(
        "() => { const i = document.querySelector('#classify-image .shown[src]');"
        " return i && i.complete && i.naturalWidth > 100; }",
    )
    classify(page, "piano, cat", "cat")


def test_every_open_page_names_the_model_that_another_visitor_has_loaded(open_at, tmp_path):
    for name in ("second", "third"):
        shutil.copytree(ROOT / "assets" / "starter", tmp_path / name)
    app = App("--model-root", str(tmp_path))
    try:
        pages = [open_at(app.url, "en-US", DESKTOP) for _ in range(2)]
        for page, name in zip(pages, ("second", "third"), strict=True):
            page.get_by_role("tab", name="Model", exact=True).click()
            page.locator("#model-choice input").fill(name)
            page.locator("#model-choice input").press("Enter")
            page.locator("#model-load").click()
            page.locator("#model-chip", has_text=name).wait_for()
            page.locator("#model-about").get_by_text(name).wait_for()
            paused(page, 3_000)  # after the clicks it asks once more
        # The first one, where nothing was done since, asks nothing; but knows at the next.
        asked: list[str] = []
        pages[0].on("request", lambda request: asked.append(request.url))
        paused(pages[0], 12_000)
        assert asked == []
        assert "second" in pages[0].locator("#model-chip").inner_text()
        pages[0].keyboard.press("Shift")
        pages[0].locator("#model-chip", has_text="third").wait_for()
        pages[0].locator("#model-about").get_by_text("third").wait_for()
    finally:
        app.stop()
