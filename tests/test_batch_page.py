"""Many photographs at once, and the matrix: in a real Chromium, and what lies behind them."""

import csv
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from clip_app.errors import InputError
from clip_app.gallery.uploads import Upload
from clip_app.prompts import parse_labels
from clip_app.scoring import softmax_scores
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.match import judge, match_matrix
from clip_app.ui.desk import Desk
from clip_app.ui.tabs.classify.batch_run import (
    NONE_FITS,
    Batch,
    as_csv,
    as_json,
    as_zip,
    told_apart,
)
from tests.conftest import EXAMPLES, noise, wait_for
from tests.test_page import drop, paused, shoot

PHONE = {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1100}
DESKTOP = {"width": 1280, "height": 900}
ODD = "坏的 <b>&.png"
browser_test = pytest.mark.browser


@pytest.fixture
def open_page(app, open_at):
    return lambda locale, viewport=DESKTOP: open_at(app.url, locale, viewport)


def write_labels(page, labels: str) -> None:
    """In place of those that are there."""
    while page.locator("#classify-labels .remove").count():
        page.locator("#classify-labels .remove").last.click()
    page.locator("#classify-labels .entry").fill(labels)
    page.locator("#classify-labels .entry").press("Enter")
    # They are drawn a moment later; who looks for what to remove before that finds nothing.
    expect(page.locator("#classify-labels .chip")).to_have_count(len(parse_labels(labels)))


def lay(page, part: str, files: list[Path]) -> None:
    """Put photographs on the batch or the matrix, and wait until they lie there."""
    page.locator(f"#{part} input[type=file]").set_input_files(files)
    page.locator(f"#{part} .up-fold b", has_text=f"{len(files)} ").wait_for()


def open_batch(page, files: list[Path], labels: str) -> None:
    write_labels(page, labels)
    page.locator("#batch > button").click()
    lay(page, "batch", files)


def run_batch(page, tiles: int) -> None:
    page.locator("#batch-button").click()
    page.wait_for_function(
        "count => document.querySelectorAll('#batch .tile').length === count"
        " && !document.querySelector('#batch-button').hidden",
        arg=tiles,
    )


def groups(page) -> dict[str, list[str]]:
    """The file names of each group that is shown, by its label; the counts are true."""
    shown = page.evaluate(
        "[...document.querySelectorAll('#batch .group:not([hidden])')].map((one) =>"
        " [one.querySelector('h4').textContent,"
        " [...one.querySelectorAll('.tile .more b')].map((name) => name.textContent)])"
    )
    told = [(heading.rsplit(" ", 1), names) for heading, names in shown]
    assert [int(count) for (_, count), _ in told] == [len(names) for _, names in told]
    return {label: names for (label, _), names in told}


def correct(page, name: str, group: str) -> None:
    page.locator("#batch .tile", has_text=name).first.click()
    page.locator("#batch-move").select_option(label=group)
    page.locator("#batch .moved", has_text=name).wait_for()
    page.keyboard.press("Escape")


def download(page, button: str) -> str:
    with page.expect_download() as got:
        page.locator(button).click()
    return Path(got.value.path()).read_text("utf-8-sig")


@browser_test
def test_a_batch_is_grouped_by_class_and_a_correction_goes_into_the_downloads(open_page, tmp_path):
    page = open_page("en-US")
    odd, twin, marked = tmp_path / "=cmd 'x'.png", tmp_path / "cat.jpg", tmp_path / "a!b.png"
    for seed, file in enumerate((odd, twin, marked), 5):
        noise(seed).save(file)
    files = [EXAMPLES / "cat.jpg", EXAMPLES / "rocket.jpg", odd, twin, marked]
    open_batch(page, files, "cat, rocket, coffee")
    run_batch(page, 5)
    assert "cat.jpg" in groups(page)["cat"]
    assert "rocket.jpg" in groups(page)["rocket"]
    # A group goes to the part that teaches, with its name.
    page.get_by_role("button", name="Teach with the photos of: rocket").click()
    expect(page.locator("#teach-panel .name")).to_have_value("rocket")
    expect(page.locator("#teach-panel .of img")).to_have_count(len(groups(page)["rocket"]))
    name = page.locator("#batch .tile").first.get_attribute("aria-label")
    assert re.fullmatch(r"cat\.jpg · cat >?99\.\d % · then (rocket|coffee) <?0\.\d %", name)

    correct(page, "rocket.jpg", "coffee")
    assert "rocket.jpg" in groups(page)["coffee"]
    assert "rocket.jpg" not in groups(page).get("rocket", [])
    assert page.evaluate("document.activeElement.className") == "tile"
    paused(page, 500)  # the files with the correction come by their links
    answers = json.loads(download(page, "#batch-json"))
    assert [one["results"][0]["label"] for one in answers[:2]] == ["cat", "rocket"]
    names = ["cat.jpg", "rocket.jpg", "=cmd 'x'.png", "cat (2).jpg", "a!b.png"]
    assert [one["image"] for one in answers] == names
    assert [one["corrected"] for one in answers] == [None, "coffee", None, None, None]
    lines = download(page, "#batch-csv").splitlines()
    assert lines[0] == "image,label,score,similarity,none_fits,corrected,verdict"
    assert len(lines) == 16
    assert not any(line.startswith("=") for line in lines)
    assert [row["corrected"] for row in csv.DictReader(lines)][3:6] == ["coffee"] * 3
    with page.expect_download() as got:
        page.locator("#batch-zip").click()
    assert got.value.suggested_filename == "classified.zip"
    with zipfile.ZipFile(got.value.path()) as archive:
        assert archive.namelist()[:2] == ["cat/cat.jpg", "coffee/rocket.jpg"]
        assert archive.read("coffee/rocket.jpg") == (EXAMPLES / "rocket.jpg").read_bytes()
        assert len(archive.namelist()) == 5


@browser_test
def test_what_no_label_fits_is_a_group_and_a_chip_shows_one_group_only(open_page):
    page = open_page("zh-CN")
    open_batch(page, [EXAMPLES / "cat.jpg", EXAMPLES / "rocket.jpg"], "猫、鸟")
    run_batch(page, 2)
    assert groups(page) == {"猫": ["cat.jpg"], "都不符合": ["rocket.jpg"]}
    label = page.locator("#batch .none .tile").get_attribute("aria-label")
    assert label.startswith("rocket.jpg · 都不符合，最接近 ")
    chip = page.locator("#batch .chip", has_text="都不符合")
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    assert list(groups(page)) == ["都不符合"]
    page.locator("#batch .chip", has_text="全部").click()
    assert list(groups(page)) == ["猫", "都不符合"]
    page.locator("#batch .tile").first.click()
    viewer = page.locator("#batch dialog")
    assert viewer.locator(".bars li").count() == 2
    page.keyboard.press("ArrowRight")
    assert viewer.locator("h4").inner_text() == "rocket.jpg"
    page.keyboard.press("ArrowRight")
    assert viewer.locator("h4").inner_text() == "rocket.jpg"
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    # The focus is where the arrows led to, once the dialog has given it back to where it opened.
    page.wait_for_function("said => document.activeElement.ariaLabel === said", arg=label)


@browser_test
def test_uploads_are_a_line_and_can_be_taken_away(open_page, tmp_path):
    page = open_page("zh-CN")
    files = [EXAMPLES / "cat.jpg", *(tmp_path / f"{seed}.jpg" for seed in range(29))]
    for seed, file in enumerate(files[1:]):
        noise(40_000 + seed).save(file)
    open_batch(page, files, "猫")
    assert re.fullmatch(r"30 张 · \d+ KB", page.locator("#batch .up-fold b").inner_text())
    assert page.locator("#batch .up-strip li").count() == 12
    assert "+18" in page.locator("#batch .up-fold").inner_text()
    assert page.locator("#batch .up").bounding_box()["height"] <= 64
    page.get_by_role("button", name="移除 cat.jpg").click()
    page.locator("#batch .up-fold b", has_text="29 张").wait_for()
    page.get_by_role("button", name="全部移除").click()
    page.locator("#batch .up-fold").wait_for(state="hidden")
    assert page.locator("#batch-button").is_disabled()


@browser_test
def test_a_result_is_dimmed_while_the_labels_are_others(open_page):
    page = open_page("en-US")
    open_batch(page, [EXAMPLES / "cat.jpg"], "cat, dog")
    run_batch(page, 1)
    # What the fields hold reaches the part's script by an event that may come after the result.
    page.wait_for_function("window.clipApp.asked?.[0] === 'cat, dog'")
    stale = page.locator("#batch .batch.stale")
    assert stale.count() == 0
    page.get_by_label("中文").check()
    page.locator("#batch-button", has_text="重新").wait_for()
    page.get_by_label("English").check()
    page.locator("#batch-button", has_text="again").wait_for()
    assert stale.count() == 0, "words of one's own are the same in each language"
    write_labels(page, "cat, dog, bird")
    stale.wait_for()
    assert "changed since" in page.locator("#batch .stale-said").inner_text()
    write_labels(page, "cat, dog")
    stale.wait_for(state="detached")
    together = page.get_by_role("checkbox", name="Name them together")
    assert together.is_visible()
    assert (
        "Leave it off"
        in page.locator(f"#{together.get_attribute('aria-describedby')}").inner_text()
    )
    together.check()
    stale.wait_for()
    together.uncheck()
    stale.wait_for(state="detached")
    together.check()
    page.locator("#batch input[type=file]").set_input_files(EXAMPLES / "coffee.jpg")
    page.locator("#batch .up-fold b", has_text="2 photos").wait_for()
    stale.wait_for()
    run_batch(page, 2)
    assert stale.count() == 0


@browser_test
def test_a_batch_can_be_stopped_and_follows_the_language_while_it_runs(open_page, tmp_path):
    page = open_page("en-US")
    files = [tmp_path / f"{seed}.png" for seed in range(40)]
    for seed, file in enumerate(files[1:]):  # which take longer to read than JPEGs
        noise(30_000 + seed, (2000, 1500)).save(file, compress_level=1)
    files[0] = tmp_path / ODD
    files[0].write_bytes(b"no picture at all")
    open_batch(page, files, "cat, rocket")
    # By the page's own clock: on a busy machine the run would be over before a click from here.
    page.evaluate(
        """() => {
          window.told = [];
          const state = document.querySelector('#batch .state');
          new MutationObserver((_, observer) => {
            const text = state.textContent;
            if (!window.told.length && document.querySelector('#batch .tile')) {
              window.told.push(text);
              document.querySelector('[name=page-language][value=zh]').click();
            } else if (window.told.length && text.includes('还剩')) {
              window.told.push(text);
              observer.disconnect();
              document.querySelector('#batch-stop').click();
            }
          }).observe(document.querySelector('#batch'), { subtree: true, childList: true });
        }"""
    )
    page.locator("#batch-button").click()
    page.wait_for_function("window.told.length === 2")
    english, chinese = page.evaluate("window.told")
    assert re.fullmatch(r"\d+ of 40 · [\d.]+ photos/s · \d+ (?:s|min) left", english)
    assert re.match(r"\d+ .* 40 张 · 每秒 [\d.]+ 张 · 还剩", chinese)
    page.get_by_text("已停止：共 40 张").wait_for()
    done = page.locator("#batch .tile").count()
    assert 0 < done < 39
    assert page.locator("#batch .broken summary").inner_text() == "1 个文件读不了"
    page.locator("#batch .broken summary").click()
    assert page.locator("#batch .broken li").inner_text().startswith(f"{ODD} 不是")
    assert len(json.loads(download(page, "#batch-json"))) == done
    run_batch(page, 39)


@browser_test
def test_the_matrix_is_filled_when_it_is_opened_and_its_numbers_are_the_apis(
    open_page, service, tmp_path
):
    page = open_page("zh-CN")
    page.get_by_role("tab", name="文本匹配").click()
    page.locator("#matrix > button").wait_for()
    page.wait_for_timeout(1000)
    assert page.locator("#matrix td.best").count() == 0, "nobody has asked for it"
    page.locator("#matrix > button").click()
    page.locator("#matrix td.best").first.wait_for()
    files = ["cat.jpg", "coffee.jpg", "flower.jpg", "rocket.jpg"]
    texts = page.locator("#matrix textarea").input_value().splitlines()
    assert texts[1] == "木桌上的一杯咖啡"

    def numbers() -> np.ndarray:
        rows = page.locator("#matrix tbody tr").all()
        return np.array(
            [
                [
                    float(re.search(r"(?:: |：)<?(-?[\d.]+)", cell.get_attribute("aria-label"))[1])
                    for cell in row.locator("td").all()
                ]
                for row in rows
            ]
        )

    expected = match_matrix(service, [Image.open(EXAMPLES / name) for name in files], texts)
    np.testing.assert_allclose(numbers(), expected.similarities.T, atol=0.02)
    shown = page.evaluate("document.querySelector('#matrix tbody td').getAttribute('aria-label')")
    assert shown.endswith("; 这张照片最配的句子; 这句话最配的照片")
    page.get_by_label("% 按照片").check()
    for column, name in enumerate(files):
        answer = {one.text: one.score for one in judge(service, EXAMPLES / name, texts).results}
        np.testing.assert_allclose(
            numbers()[:, column], [100 * answer[one] for one in texts], atol=0.11
        )
    page.get_by_label("% 按句子").check()
    by_text = 100 * softmax_scores(numbers_of(service, files, texts).T, service.logit_scale)
    np.testing.assert_allclose(numbers(), by_text, atol=0.11)
    # In the page's other language, as nobody has written anything yet.
    page.get_by_label("English").check()
    page.locator("#matrix th[scope=row]", has_text="a cup of coffee").wait_for()


def numbers_of(service, files: list[str], texts: list[str]) -> np.ndarray:
    """Cosines (photographs, texts), photographs read from their files as the page does."""
    desk = Desk()
    desk.uploads = [Upload(EXAMPLES / name, name) for name in files]
    features = np.stack([one.image_features for one in desk.encoded(service)])
    desk.close()
    return features @ service.encode_texts(texts).T


def open_matrix(open_page):
    """The Chinese page with the matrix of the examples on it."""
    page = open_page("zh-CN")
    page.get_by_role("tab", name="文本匹配").click()
    page.locator("#matrix > button").click()
    page.locator("#matrix td.best").first.wait_for()
    return page


@browser_test
def test_the_matrix_takes_photographs_and_sentences_of_ones_own(open_page, tmp_path):
    page = open_matrix(open_page)
    page.locator("#matrix textarea").fill("一只猫\n桌上的一杯咖啡\n火箭 <b>&</b>")
    page.locator("#matrix th[scope=row]", has_text="火箭 <b>&</b>").wait_for()
    lay(page, "matrix", [EXAMPLES / "cat.jpg", EXAMPLES / "coffee.jpg", EXAMPLES / "rocket.jpg"])
    page.wait_for_function("document.querySelectorAll('#matrix thead img').length === 3")
    best = page.locator("#matrix tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.querySelectorAll('td')]"
        ".findIndex((cell) => cell.textContent.includes('▸')))"
    )
    assert best == [0, 1, 2]
    svg = download(page, "#matrix-svg")
    assert svg.startswith("<svg")
    assert svg.count("<image ") == 3
    assert "火箭 &lt;b&gt;&amp;&lt;/b&gt;" in svg
    # A mistake is a sentence beside it, and the next try works.
    page.locator("#matrix textarea").fill(" ")
    page.locator("#matrix .error").wait_for()
    page.locator("#matrix textarea").fill("一只猫")
    page.locator("#matrix tbody tr").nth(1).wait_for(state="detached")
    assert not page.locator("#matrix .error").is_visible()
    # Of more than 12 the first are compared; when one of these is removed, the next follows.
    page.locator("#matrix input[type=file]").set_input_files([EXAMPLES / "cat.jpg"] * 10)
    notice = page.locator("#matrix .notices .told")
    notice.get_by_text("这里有 13 张照片，只比较前 12 张。").wait_for()
    assert page.locator("#matrix thead img").count() == 12
    page.locator("#matrix .up-strip button").first.click()
    notice.wait_for(state="detached")
    names = page.locator("#matrix thead img").evaluate_all("all => all.map((one) => one.alt)")
    assert names == ["coffee.jpg", "rocket.jpg", *["cat.jpg"] * 10]
    # Those that cannot be read take no place, and one click of a double click counts.
    odd = [tmp_path / f"{number}.jpg" for number in range(12)]
    for file in odd:
        file.write_bytes(b"no picture at all")
    page.get_by_role("button", name="全部移除").click()
    page.locator("#matrix .up-fold").wait_for(state="hidden")
    page.locator("#matrix input[type=file]").set_input_files([*odd, *[EXAMPLES / "cat.jpg"] * 2])
    page.wait_for_function("document.querySelectorAll('#matrix thead img').length === 2")
    assert notice.count() == 12
    page.locator("#matrix .up-strip button").nth(3).dblclick()
    page.locator("#matrix .up-fold b", has_text="13 张").wait_for()
    notice.nth(11).wait_for(state="detached")
    paused(page, 500)
    left = page.locator("#matrix .up-strip button").evaluate_all("all => all.map((x) => x.title)")
    assert left == [file.name for file in odd if file.name != "3.jpg"] + ["cat.jpg"]


@browser_test
def test_folders_are_dropped_with_all_their_photographs_and_what_is_not_sent_is_named(
    open_page, tmp_path
):
    folder = tmp_path / "holiday"
    (folder / "second day").mkdir(parents=True)
    for name in ("cat.jpg", "coffee.jpg", "second day/cat.jpg", "second day/100 % #1.jpg"):
        noise(len(name)).save(folder / name)
    for name in ("notes.doc", "._cat.jpg"):
        (folder / name).write_text("no photograph")
    (tmp_path / "empty").mkdir()
    noise(1).save(tmp_path / "alone.png")
    page = open_page("en-US")
    page.locator("#batch > button").click()
    drop(page, "#batch .up-drop", folder, tmp_path / "empty", tmp_path / "alone.png")
    page.locator("#batch .up-fold b", has_text="5 photos").wait_for()
    said = page.locator("#batch .up-said")
    assert said.inner_text() == "There are no photos in empty."
    # What is clicked is removed, also where the page has not heard yet that something is gone.
    page.locator("#batch .up-strip li").evaluate_all(
        "all => [0, 0, 1].forEach((one) => all[one].firstChild.click())"
    )
    page.locator("#batch .up-fold b", has_text="3 photos").wait_for()
    paused(page, 300)
    left = page.locator("#batch .up-strip button").evaluate_all("all => all.map((x) => x.title)")
    assert left == ["100 % #1.jpg", "cat.jpg", "alone.png"]
    # The keyboard goes on with the one that comes into the place.
    page.locator("#batch .up-strip button").nth(1).press("Enter")
    page.locator("#batch .up-fold b", has_text="2 photos").wait_for()
    expect(page.locator("#batch .up-strip button").nth(1)).to_be_focused()
    page.get_by_role("button", name="Remove all").press("Enter")
    page.locator("#batch .up-fold").wait_for(state="hidden")
    expect(page.locator("#batch input[type=file]")).to_be_focused()
    drop(page, "#batch .up-drop", folder, tmp_path / "alone.png")
    page.locator("#batch .up-fold b", has_text="5 photos").wait_for()
    run_batch(page, 5)
    page.get_by_role("button", name="Remove all").click()
    page.locator("#batch .up-fold").wait_for(state="hidden")

    page.route("**/gradio_api/upload*", lambda route: route.abort())
    drop(page, "#batch .up-drop", folder, tmp_path / "alone.png")
    said.get_by_text("holiday/cat.jpg could not be uploaded.").wait_for()
    assert said.inner_text().count("could not be uploaded") == 3
    assert said.inner_text().endswith("2 more files were not uploaded.")
    page.get_by_label("中文").check()
    said.get_by_text("另有 2 个文件没有上传。").wait_for()
    page.unroute("**/gradio_api/upload*")
    lay(page, "batch", [tmp_path / "alone.png"])
    assert not said.inner_text()


@browser_test
def test_an_upload_of_many_can_be_stopped_and_what_is_dropped_meanwhile_follows(
    open_page, tmp_path
):
    many, later = tmp_path / "many", tmp_path / "later.png"
    many.mkdir()
    for number in range(8):
        noise(number).save(many / f"{number}.png")
    noise(8).save(later)
    page = open_page("zh-CN")
    page.locator("#batch > button").click()
    said, halt = page.locator("#batch .up-said"), page.locator("#batch .up-halt")
    held: list[Route] = []
    page.route("**/gradio_api/upload*", lambda route: held.append(route))

    def on_their_way() -> int:
        page.wait_for_timeout(50)  # Playwright tells of them in a call of its own only
        return len(held)

    # What is dropped while others are on their way is counted with them, and follows them.
    drop(page, "#batch .up-drop", many)
    said.get_by_text("共 8 张").wait_for()
    drop(page, "#batch .up-drop", later)
    said.get_by_text("共 9 张").wait_for()
    wait_for(lambda: on_their_way() == 3)
    held.pop(0).continue_()
    said.get_by_text("正在上传第 2 张").wait_for()
    shoot(page, "uploading")
    halt.click()
    said.get_by_text("已停止上传：共 9 个文件，已传 1 个。").wait_for()
    page.locator("#batch .up-fold b", has_text="1 张").wait_for()
    assert halt.is_hidden()
    assert page.evaluate("document.activeElement.type") == "file"
    shoot(page, "upload-stopped")
    page.get_by_label("English").check()
    said.get_by_text("Stopped: 1 of 9 uploaded.").wait_for()
    held.clear()
    drop(page, "#batch .up-drop", later)
    wait_for(lambda: on_their_way() == 1)
    held.pop().continue_()
    page.locator("#batch .up-fold b", has_text="2 photos").wait_for()
    assert not said.inner_text()
    # To remove all ends what is on its way, too, and what was said of it.
    drop(page, "#batch .up-drop", many)
    wait_for(lambda: on_their_way() == 3)
    page.get_by_role("button", name="Remove all").click()
    page.locator("#batch .up-fold").wait_for(state="hidden")
    assert not said.inner_text()
    page.unroute("**/gradio_api/upload*")
    # What arrives before the answer to what came before it is kept as well.
    held.clear()
    page.route("**/queue/join*", lambda route: held.append(route))
    for one in ([later], [many / "0.png", many / "1.png"], [many / "2.png"]):
        page.locator("#batch input[type=file]").set_input_files(one)
        said.get_by_text("Uploading").wait_for()
        expect(said).to_be_empty()
    wait_for(lambda: on_their_way() == 3)
    for one in held:
        one.continue_()
    page.unroute("**/queue/join*")
    page.locator("#batch .up-fold b", has_text="4 photos").wait_for()


@browser_test
def test_an_unreadable_file_leaves_the_matrix_that_was_there(open_page, tmp_path):
    page = open_matrix(open_page)
    examples = page.locator("#matrix thead img").count()
    bad = tmp_path / "账单.jpg"
    bad.write_bytes(b"no picture at all")
    for files, photos in (([bad], examples), ([EXAMPLES / "cat.jpg"], 1)):
        page.locator("#matrix input[type=file]").set_input_files(files)
        page.wait_for_function(
            "count => document.querySelectorAll('#matrix thead img').length === count"
            " && document.querySelector('#matrix .notices').innerText.includes('账单.jpg')",
            arg=photos,
            timeout=60_000,
        )
        assert page.locator("#matrix .error").is_hidden()
        assert page.locator("#matrix .example").is_visible() == (photos == examples)


@browser_test
@pytest.mark.parametrize(
    ("viewport", "theme"),
    [(DESKTOP, "light"), (TABLET, "dark"), (PHONE, "light"), (PHONE, "dark")],
    ids=["desktop", "tablet", "phone", "phone-dark"],
)
def test_the_matrix_can_be_read_on_every_screen(app, open_at, tmp_path, viewport, theme):
    page = open_at(f"{app.url}/?__theme={theme}", "en-US", viewport)
    page.evaluate("document.querySelector('#tab-match').click()")
    page.locator("#matrix > button").click()
    page.locator("#matrix td.best").first.wait_for()
    sizes = (
        "(() => { const of = (one) => document.querySelector('#matrix ' + one)"
        ".getBoundingClientRect(); return [of('.sheet').width, of('th[scope=row]').width,"
        " of('table').width]; })()"
    )
    whole, labels, table = page.evaluate(sizes)
    assert labels <= 0.4 * whole
    assert table == pytest.approx(whole, abs=1), "four photographs fit, and take the whole width"
    assert not page.locator("#matrix .hint").is_visible()
    files = [tmp_path / f"{seed}.jpg" for seed in range(12)]
    for seed, file in enumerate(files):
        noise(60_000 + seed).save(file)
    lay(page, "matrix", files)
    page.wait_for_function("document.querySelectorAll('#matrix thead img').length === 12")
    whole, labels, table = page.evaluate(sizes)
    if viewport is PHONE:
        assert page.locator("#matrix .hint").inner_text() == "↔ Swipe sideways: 12 photos"
        page.locator("#matrix .sheet").evaluate("sheet => sheet.scrollLeft = 300")
        box = page.locator("#matrix th[scope=row]").first.bounding_box()
        sheet = page.locator("#matrix .sheet").bounding_box()
        assert box["x"] == pytest.approx(sheet["x"], abs=2), "the sentences stay"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(LOWEST_CONTRAST) >= 4.5


# Of the numbers on their fields: colours as the browser paints them.
LOWEST_CONTRAST = """(() => {
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  const light = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return Math.min(...[...document.querySelectorAll('#matrix tbody td')].map((cell) => {
    const { color, backgroundColor } = getComputedStyle(cell);
    const [one, other] = [light(color), light(backgroundColor)];
    return Math.max(one, other) / Math.min(one, other);
  }));
})()"""


def test_a_desk_takes_only_what_was_uploaded_to_this_page(tmp_path, monkeypatch, service):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    inside = tmp_path / "uploads" / "a" / "cat.jpg"
    inside.parent.mkdir(parents=True)
    inside.write_bytes((EXAMPLES / "cat.jpg").read_bytes())
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(inside.read_bytes())
    link = tmp_path / "uploads" / "link.jpg"
    link.symlink_to(outside)
    around = tmp_path / "uploads" / ".." / "secret.jpg"
    desk = Desk()
    sent = [{"path": str(path), "name": "x.jpg"} for path in (outside, link, around, inside)]
    desk.change({"files": sent})
    assert [one.path for one in desk.uploads] == [inside.resolve()]
    (photo,) = desk.encoded(service)
    shown = Path(photo.kept)
    assert Image.open(shown).size == (480, 480) or max(Image.open(shown).size) <= 480
    assert desk.shown()["count"] == 1
    desk.close()
    assert not shown.exists(), "thumbnails go with their visitor"


def test_a_run_shows_itself_at_most_twice_a_second_and_encodes_nothing_twice(
    tmp_path, monkeypatch, service
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    batch = Batch()
    for seed in range(40):
        path = tmp_path / f"{seed}.jpg"
        noise(70_000 + seed).save(path)
        batch.uploads.append(Upload(path, path.name))
    shown = sum(1 for _ in batch.classify(service, "cat, dog", "auto", independent=False))
    assert batch.run.state == "done"
    assert 1 <= shown <= 1 + batch.run.seconds / 0.5
    images = service.statistics.images
    first = [one.answer["results"] for one in batch.run.rows]
    for _ in batch.classify(service, "cat, dog", "auto", independent=False):
        pass
    assert service.statistics.images == images
    for one, before in zip(batch.run.rows, first, strict=True):
        # The last digits depend on how many are scored together.
        for name in ("score", "similarity"):
            again = {hit["label"]: hit[name] for hit in one.answer["results"]}
            expected = {hit["label"]: hit[name] for hit in before}
            assert again == pytest.approx(expected, abs=1e-6)
    for _ in batch.classify(service, "cat, dog", "auto", independent=False, together=True):
        pass
    features = np.stack([one.image_features for one in batch.encoded(service)])
    classes = classes_from_labels(service, "cat, dog", "auto")
    wanted = classify_features(service, features, classes, joint="transclip")
    for one, together in zip(batch.run.rows, wanted, strict=True):
        (name, score), *_ = [(hit.label, hit.score) for hit in together.results]
        assert one.answer["results"][0]["label"] == name
        assert one.answer["results"][0]["score"] == pytest.approx(score, abs=1e-5)
    assert [one.answer["results"] for one in batch.run.rows] != first
    with pytest.raises(InputError, match="share 100 %"):
        next(batch.classify(service, "cat, dog", "auto", independent=True, together=True))
    batch.run.correct(3, NONE_FITS)
    batch.run.correct(4, "dog")
    batch.run.correct(4, None)
    assert [one["corrected"] for one in json.loads(as_json(batch.run))][2:6] == [
        None,
        NONE_FITS,
        None,
        None,
    ]
    rows = list(csv.DictReader(as_csv(batch.run).splitlines()))
    assert [one["corrected"] for one in rows[6:10]] == [NONE_FITS, NONE_FITS, "", ""]
    verdicts = ["fits", "none", "unsure", "fits", "none"]
    for number, verdict in enumerate(verdicts):
        batch.run.rows[number].answer["verdict"] = verdict
    batch.run.rows[0].answer["results"][0]["label"] = "cat"
    batch.run.correct(4, "dog")
    batch.run.rows[1].source.unlink()
    packed = as_zip(batch.run, tmp_path / "sorted.zip", "zh")
    assert packed.reason.message("en").endswith("(1): 1.jpg")
    with zipfile.ZipFile(tmp_path / "sorted.zip") as archive:
        entries = ["cat/0.jpg", "不好说/2.jpg", "都不符合/3.jpg", "dog/4.jpg"]
        assert archive.namelist()[:4] == entries
        assert archive.read("dog/4.jpg") == (tmp_path / "4.jpg").read_bytes()
    batch.close()


def test_equal_names_are_told_apart():
    assert told_apart(["a.jpg", "a.jpg", "a (2).jpg"]) == ["a.jpg", "a (3).jpg", "a (2).jpg"]
