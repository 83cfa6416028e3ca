"""Teaching in the page, in a real Chromium: two classes, what it gains, files, and whose it is."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from clip_app.settings import ASSETS
from clip_app.strings import text
from clip_app.tasks.classes import examples_gain
from clip_app.tasks.concept_files import concepts_from_bytes
from clip_app.ui.tabs.classify.teach import Lesson, Teaching
from tests.conftest import ROOT, App

GALLERY = ASSETS / "gallery" / "examples"
DESKTOP = {"width": 1280, "height": 900}
LABELS = "@我家小白，@Rex & <b>"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared():
    """A page that others reach too, as far as it knows."""
    running = App(env={"PYTHONPATH": str(ROOT)}, program="tests/app_for_others.py")
    yield running
    running.stop()


def pictures(topic: str, first: int, last: int) -> list[Path]:
    return sorted((GALLERY / topic).iterdir())[first:last]


def open_teaching(page) -> None:
    page.locator("#teach > button").click()
    page.locator("#teach .nothing").wait_for()
    assert page.evaluate("clipApp.isReady()")


def lay(page, zone: str, files: list[Path]) -> None:
    page.locator(f"#teach {zone} input[type=file]").set_input_files(files)
    page.locator(f"#teach {zone} .up-fold b", has_text=str(len(files))).wait_for()


def teach(page, name: str, files: list[Path]) -> None:
    page.locator("#teach .name").fill(name)
    lay(page, ".of", files)
    page.locator("#teach .go").click()
    page.locator("#teach .state", has_text=name).wait_for()


def known(page) -> list[str]:
    return page.locator("#teach .list .head b").all_inner_texts()


def chips(page) -> list[str]:
    return page.locator("#classify-labels .edit").all_inner_texts()


def answered(page, wanted: str) -> list[str]:
    """The names of the bars, once all of `wanted` is among them."""
    page.wait_for_function(
        """wanted => { const card = document.querySelector('#classify-verdict');
        return card.querySelector('.list').textContent.includes(wanted)
          && !card.querySelector('.stale'); }""",
        arg=wanted,
    )
    return page.locator("#classify-verdict .list").inner_text().splitlines()


def problem(page) -> str:
    place = page.locator("#teach .told.error")
    place.wait_for()
    return place.inner_text()


def exported(page, button: str, tmp_path: Path) -> Path:
    with page.expect_download() as got:
        page.locator(f"#teach {button}").click()
    path = tmp_path / got.value.suggested_filename
    got.value.save_as(path)
    return path


def test_a_fault_of_the_server_is_an_answer_too():
    """Or the buttons, which wait for one, could not be pressed again."""

    def broken(given, sent):
        raise RuntimeError

    teaching = Teaching(None, None, lesson="lesson", panel="panel", carrier="carrier")
    given = {"lesson": Lesson()}
    (answer,) = teaching.answering(broken)(given, SimpleNamespace(_data={}))
    assert answer["panel"]["number"] == 1
    assert answer["panel"]["error"]["en"] == text("unexpected", "en")


def test_two_classes_are_taught_used_exchanged_and_forgotten(shared, open_at, service, tmp_path):
    page = open_at(shared.url, "zh-CN", DESKTOP)
    while page.locator("#classify-labels .remove").count():
        page.locator("#classify-labels .remove").last.click()
    open_teaching(page)
    teach(page, "我家小白", pictures("birds", 0, 4))
    assert chips(page) == ["@我家小白"]
    assert page.locator("#classify-labels .taught img").count() == 1
    assert page.locator("#teach .gain li").count() == 0
    page.locator("#teach .more summary").click()
    lay(page, ".not", pictures("birds", 5, 7))
    teach(page, "Rex & <b>", pictures("food", 0, 4))
    assert known(page) == ["@Rex & <b>", "@我家小白"]
    assert "2 张易混淆" in page.locator("#teach .list").inner_text()
    assert page.locator("#taught-names option").count() == 2

    # What the examples do for one another is what the concepts' own file says.
    file = exported(page, ".all", tmp_path)
    concepts = {one.name: one for one in concepts_from_bytes(file.read_bytes(), "file")}
    assert {name: one.examples for name, one in concepts.items()} == {"我家小白": 4, "Rex & <b>": 4}
    assert concepts["Rex & <b>"].counter_examples == 2
    gain = examples_gain(service, ["我家小白", "Rex & <b>"], "auto", concepts.values())
    assert gain.after > gain.before
    assert page.locator("#teach .gain b").all_inner_texts() == [
        f"答对 {round(8 * share)} / 8" for share in (gain.before, gain.after)
    ]

    # The answer is new at once, and hears of another photograph.
    bars = answered(page, "我家小白")
    assert "Rex & <b>" in bars
    page.locator("#classify-image input[type=file]").first.set_input_files(
        pictures("birds", 7, 8)[0]
    )
    page.locator("#classify-verdict .headline", has_text="我家小白").wait_for()

    # The search finds by it.
    page.evaluate("clipApp.go({tab: 'gallery', q: '@我家小白 + 水'})")
    page.locator("#finder .understood", has_text="@我家小白").wait_for()
    page.evaluate("clipApp.show('classify')")

    # Another visitor has nothing, and can take the file.
    other = open_at(f"{shared.url}/?labels={LABELS}", "en-US", DESKTOP)
    open_teaching(other)
    assert known(other) == []
    assert other.evaluate("clipApp.taught") == []
    assert "@我家小白" in answered(other, "@我家小白")
    other.locator("#teach .import input").set_input_files(file)
    other.locator("#teach .state", has_text="我家小白").wait_for()
    assert known(other) == ["@Rex & <b>", "@我家小白"]

    # A new name goes into the chips; what is forgotten leaves them.
    item = page.locator("#teach .list li", has_text="我家小白")
    item.get_by_role("button", name="改名").click()
    page.locator("#teach .rename").fill("小黑")
    page.locator("#teach .rename").press("Enter")
    page.locator("#teach .list b", has_text="@小黑").wait_for()
    assert chips(page) == ["@小黑", "@Rex & <b>"]
    answered(page, "小黑")
    rex = page.locator("#teach .list li", has_text="Rex")
    rex.get_by_role("button", name="忘掉").click()
    rex.get_by_role("button", name="确定忘掉？").click()
    page.wait_for_function("clipApp.taught.length === 1")
    assert chips(page) == ["@小黑"]
    assert known(other) == ["@Rex & <b>", "@我家小白"]


def test_what_cannot_be_taught_is_one_sentence(shared, open_at, tmp_path):
    page = open_at(shared.url, "zh-CN", DESKTOP)
    open_teaching(page)
    bad = tmp_path / "坏的 <b>.jpg"
    bad.write_bytes(b"no picture")
    page.locator("#teach .go").click()
    assert "请起一个名称" in problem(page)
    page.locator("#teach .name").fill("小白")
    page.locator("#teach .go").click()
    page.locator("#teach .told.error", has_text="没有可供学习").wait_for()
    lay(page, ".of", [bad])
    page.locator("#teach .go").click()
    page.locator("#teach .told.error", has_text="坏的").wait_for()
    page.locator("#teach .of .up-fold .up-plain").click()
    page.locator("#teach .told.error").wait_for(state="hidden")
    page.locator("#teach .of input[type=file]").set_input_files(pictures("animals", 0, 21))
    page.locator("#teach .told.error", has_text="最多 20 张").wait_for()
    assert "20 张" in page.locator("#teach .of .up-fold b").inner_text()
    file = tmp_path / "x.concepts"
    file.write_bytes(b"nothing")
    page.locator("#teach .import input").set_input_files(file)
    page.locator("#teach .told.error", has_text="不是概念文件").wait_for()
    page.get_by_label("English").check()
    page.locator("#teach .told.error", has_text="is not a concepts file").wait_for()
    assert page.locator(".toast-body").count() == 0
