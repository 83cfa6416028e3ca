"""Two answers side by side: what they are, what is marked, and in a real Chromium."""

import os
import shutil

import pytest

from clip_app.errors import InputError
from clip_app.images import load_image
from clip_app.model.catalog import STARTER_DIRECTORY
from clip_app.prompts import label_sets
from clip_app.tasks.classify import classify
from clip_app.ui.html import percent
from clip_app.ui.tabs.classify.beside_run import (
    Beside,
    Side,
    ask_both,
    in_other_language,
    marks,
    typed_in_other_language,
)
from tests.conftest import EXAMPLES, App
from tests.test_page import dimmed

WORDS = ["tea", "juice", "coffee", "bread", "pizza", "cake"]
HAN = ["茶", "果汁", "咖啡", "面包", "披萨", "蛋糕"]
PHOTO = EXAMPLES / "coffee.jpg"


@pytest.mark.parametrize("independent", [False, True])
def test_both_sides_answer_as_classify_does_and_each_difference_is_marked(service, independent):
    sides = [Side(lambda: service, WORDS, "none"), Side(lambda: service, HAN, "chinese")]
    told = []
    found = ask_both(
        sides,
        lambda _: load_image(PHOTO),
        lambda *_: (),
        independent,
        lambda done, total: told.append((done, total)),
    )
    answers = [answer for _, answer in found]
    for side, answer in zip(sides, answers, strict=True):
        alone = classify(service, PHOTO, side.labels, side.templates, independent=independent)
        assert answer == alone
    assert told

    one, two = ({r.label: (i, r.score) for i, r in enumerate(a.results, 1)} for a in answers)
    for answer, marked in zip(answers, marks(answers, [WORDS, HAN]), strict=True):
        for result, mark in zip(answer.results, marked, strict=True):
            word, han = WORDS[mark.place], HAN[mark.place]
            assert result.label in (word, han)
            assert mark.ranks == (one[word][0], two[han][0])
            assert mark.gap == pytest.approx(two[han][1] - one[word][1])


def test_words_are_said_in_the_other_language_as_our_lists_have_them(service):
    for one in label_sets().values():
        for here, there in (("en", "zh"), ("zh", "en")):
            other, unknown = in_other_language(one.labels[here])
            assert len(other) == len(one.labels[there])
            assert not unknown
    assert in_other_language(WORDS) == (HAN, [])
    assert in_other_language(["Tea", "my grandmother"]) == (
        ["茶", "my grandmother"],
        ["my grandmother"],
    )
    assert typed_in_other_language(" 红茶 \n\n我 奶奶\n", ["tea", "x"]) == ["红茶", "我 奶奶"]
    assert typed_in_other_language("红茶，奶奶", ["tea", "x"]) == ["红茶", "奶奶"]
    with pytest.raises(InputError, match="2 words above and 1 here"):
        typed_in_other_language("红茶", ["tea", "x"])
    # Two words may be one in the other language: each keeps its place.
    side = Side(lambda: service, ["猫", "猫"], "auto")
    twice = ask_both([side, side], lambda _: load_image(PHOTO), lambda *_: (), False, print)
    assert [m.place for m in marks([a for _, a in twice], [["猫", "猫"]] * 2)[0]] == [0, 1]


def test_a_second_model_is_loaded_once_and_let_go_before_another(service):
    beside, loaded = Beside(), []

    def load(name):
        def now():
            assert beside.held is None
            loaded.append(name)
            return service

        return now

    for name in ("a", "a", "b", "a"):
        assert beside.second(name, load(name)) is service
    assert loaded == ["a", "b", "a"]
    assert beside.state(1)["held"] == "a"
    beside.release()
    assert beside.state(1)["held"] == ""


@pytest.mark.browser
def test_sides_follow_photo_and_words_and_a_second_model_is_asked(open_at, service, tmp_path):
    shutil.copytree(STARTER_DIRECTORY, tmp_path / "second", copy_function=os.symlink)
    app = App(env={"CLIP_APP_MODEL_ROOT": str(tmp_path)})
    try:
        page = open_at(app.url, "en-US", {"width": 1280, "height": 900})
        _compare(page, service)
    finally:
        app.stop()


def _compare(page, service) -> None:
    def scores(side: int) -> list[str]:
        return page.locator("#beside .one").nth(side).locator(".score").all_inner_texts()

    def expected(photo: str, labels: list[str], templates: str) -> list[str]:
        answer = classify(service, EXAMPLES / photo, labels, templates)
        return [percent(one.score) for one in answer.results]

    def mode(name: str) -> None:
        page.locator(f"#beside .modes button[value={name}]").click()
        page.locator("#beside .result:not(.stale)").wait_for()

    page.locator("#beside > button").click()
    page.locator("#beside .result:not(.stale)").wait_for()
    cat = ["cat", "dog", "rabbit", "bird", "flower", "car"]
    assert scores(0) == expected("cat.jpg", cat, "none")
    assert scores(1) == expected("cat.jpg", cat, "auto")

    # What is typed above dims both sides at once, and both answer it.
    with dimmed(page, "#beside .result"):
        page.locator("#classify-labels .entry").fill("<b>zebra</b>")
        page.locator("#classify-labels .entry").press("Enter")
    page.locator("#beside .result:not(.stale) .label", has_text="<b>zebra</b>").first.wait_for()
    assert scores(1) == expected("cat.jpg", [*cat, "<b>zebra</b>"], "auto")

    mode("languages")
    assert "<b>zebra</b>" in page.locator("#beside .by-languages .note").inner_text()
    field = page.locator("#beside textarea")
    assert field.input_value().split("\n")[:2] == ["猫", "狗"]
    field.fill("猫\n狗")
    page.locator("#beside .error", has_text="7 words above and 2 here").wait_for()
    han = ["猫", "狗", "兔子", "鸟", "花", "汽车", "斑马"]
    field.fill("\n".join(han))
    page.locator("#beside .result:not(.stale) .label", has_text="斑马").wait_for()
    assert page.locator("#beside .error").is_hidden()
    assert scores(1) == expected("cat.jpg", han, "auto")

    page.locator("#beside .modes button[value=models]").click()
    assert page.locator("#beside .load").is_disabled()
    assert "MB of memory more" in page.locator("#beside .by-models label").inner_text()
    page.get_by_label("second: about").check()
    page.locator("#beside .load").click()
    page.locator("#beside .result:not(.stale)").wait_for()
    assert page.locator("#beside .title").all_inner_texts()[1] == "second"
    assert scores(0) == scores(1)
    assert "The order is the same." in page.locator("#beside .differs").inner_text()
    page.get_by_label("中文").check()
    page.locator("#beside .differs", has_text="名次完全一样").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not page.problems
