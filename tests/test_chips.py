"""Labels as chips and the shared photograph, in a real Chromium: nothing typed is ever lost."""

import json
import re
import time
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect
from pydantic import ValidationError

from clip_app import strings
from clip_app.model.catalog import STARTER_DIRECTORY, find_model
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.prompts import label_sets, parse_labels
from clip_app.settings import ASSETS
from clip_app.ui.examples import load_examples, shown_example
from clip_app.ui.label_chips import FIRST_SET, label_chips
from clip_app.ui.photo_column import PhotoColumn, opened
from tests.conftest import EXAMPLES, noise
from tests.test_gallery_page import hand
from tests.test_page import DESKTOP, PHONE, answered, drop, paused, shoot, verdict

pytestmark = pytest.mark.browser

OWN = ["老虎", "小猫", "飞船"]


@pytest.fixture
def page(app, open_at):
    return open_at(app.url, "zh-CN", DESKTOP)


def chips(page) -> list[str]:
    return page.locator("#classify-labels .chip .edit").all_inner_texts()


def asked(page) -> str:
    """The text that handlers get."""
    return page.locator("#classify-labels textarea").input_value()


def entry(page):
    return page.locator("#classify-labels .entry")


def type_labels(page, *labels: str) -> None:
    """In place of those that are there."""
    while page.locator("#classify-labels .remove").count():
        page.locator("#classify-labels .remove").last.click()
    for label in labels:
        entry(page).fill(label)
        entry(page).press("Enter")
    answered(page, "")


def paste(page, text: str) -> None:
    entry(page).evaluate(
        """(node, text) => {
          const data = new DataTransfer();
          data.setData('text/plain', text);
          node.dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def pill(page, name: str):
    return page.locator("#classify-labels .pill", has_text=name)


def upload(page, file) -> None:
    page.locator("#classify-image .file").set_input_files(file)


def settled(page) -> None:
    """After a pause in typing, a run, and time for what should not happen."""
    paused(page, 900)
    page.wait_for_function("!document.querySelector('#classify-verdict .result.stale')")


def test_passing_the_sets_by_keyboard_or_pointer_changes_nothing(page):
    type_labels(page, *OWN)
    entry(page).focus()
    for _ in range(14):
        page.keyboard.press("Tab")
    for one in page.locator("#classify-labels .pill").all():
        one.focus()
        one.hover()
    page.locator("h1").first.click(force=True)
    settled(page)
    assert chips(page) == OWN
    assert "小猫" in verdict(page)
    assert page.locator("#classify-labels .pill[aria-pressed=true]").count() == 0


def test_enter_and_every_separator_make_a_chip(page):
    type_labels(page, "小猫")
    for text in ("狗,", "鸟，", "鱼、", "马;", "牛；"):
        entry(page).press_sequentially(text)
    assert chips(page) == ["小猫", "狗", "鸟", "鱼", "马", "牛"]
    entry(page).press("Backspace")
    assert chips(page)[-1] == "马"
    entry(page).press_sequentially("狗")
    entry(page).press("Enter")
    assert chips(page).count("狗") == 1, "said twice, and it stands once"


def test_what_is_typed_counts_after_a_pause_and_at_once_on_enter(page):
    type_labels(page, "汽车", "飞机")
    entry(page).press_sequentially("小猫")
    answered(page, "小猫")  # nothing was pressed
    assert chips(page) == ["汽车", "飞机"]
    assert parse_labels(asked(page)) == ["汽车", "飞机", "小猫"]
    entry(page).fill("猫的脸")
    entry(page).press("Enter")
    assert chips(page)[-1] == "猫的脸"
    answered(page, "猫的脸")


@pytest.mark.alone
def test_the_run_comes_400_ms_after_the_last_key(page):
    runs = []
    page.on("request", lambda one: "/queue/join" in one.url and runs.append(one))
    for letter in "一只猫的脸":
        entry(page).press_sequentially(letter)
        page.wait_for_timeout(120)
    assert runs == []
    page.wait_for_timeout(700)
    assert len(runs) == 1


# Lists as people have them, and their words.
PASTED = {
    "cat, dog，bird、fish": ["cat", "dog", "bird", "fish"],
    "1. 小猫\n2. 小狗\n3. 汽车\n": ["小猫", "小狗", "汽车"],
    '"hot dog, plain", cat': ["hot dog, plain", "cat"],
    "cat\tdog\ncar\tbus": ["cat", "dog", "car", "bus"],
    '["a cat", "salt, pepper"]': ["a cat", "salt, pepper"],
}


def test_pasted_lists_become_chips_and_are_asked_as_the_server_reads_them(page):
    for pasted, expected in PASTED.items():
        while page.locator("#classify-labels .remove").count():
            page.locator("#classify-labels .remove").last.click()
        paste(page, pasted)
        page.wait_for_function(
            "n => document.querySelectorAll('#classify-labels .chip').length === n",
            arg=len(expected),
        )
        assert chips(page) == expected
        assert parse_labels(asked(page)) == expected


def test_enter_that_ends_a_word_of_an_input_method_makes_no_chip(page):
    type_labels(page, "小猫")
    entry(page).focus()
    keyboard = page.context.new_cdp_session(page)
    composing = {"selectionStart": 6, "selectionEnd": 6}
    keyboard.send("Input.imeSetComposition", {"text": "laohu，", **composing})
    page.keyboard.press("Enter")
    settled(page)
    assert chips(page) == ["小猫"]
    assert parse_labels(asked(page)) == ["小猫"], (
        "letters of a word not chosen yet count for nothing"
    )
    entry(page).fill("")
    keyboard.send("Input.imeSetComposition", {"text": "laohu", **composing})
    keyboard.send("Input.insertText", {"text": "老虎"})
    paused(page, 600)
    assert parse_labels(asked(page)) == ["小猫", "老虎"]
    page.keyboard.press("Enter")
    assert chips(page) == ["小猫", "老虎"]


def test_a_chip_is_removed_edited_and_reached_by_keys(page):
    type_labels(page, *OWN)
    page.get_by_label("删除 老虎").click()
    assert chips(page) == ["小猫", "飞船"]
    page.locator("#classify-labels .edit", has_text="飞船").click()
    page.locator("#classify-labels .inline").fill("火箭")
    page.keyboard.press("Enter")
    assert chips(page) == ["小猫", "火箭"]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.innerText") == "小猫"
    page.keyboard.press("Delete")
    assert chips(page) == ["火箭"]


def test_what_is_clicked_while_a_chip_is_edited_acts(page):
    edit = page.locator("#classify-labels .edit")
    box = page.locator("#classify-labels .inline")
    for words in ("豹子", "老虎", "豹子，幼猫"):
        type_labels(page, *OWN)
        edit.first.click()
        box.fill(words)
        page.get_by_label("删除 飞船").click()
        box.wait_for(state="detached")
        assert chips(page) == [*words.split("，"), "小猫"]
        edit.first.click()
        box.fill("狮子")
        edit.last.click()
        page.locator("#classify-labels .edit", has_text="狮子").wait_for()
        assert box.input_value() == "小猫"
        box.fill("猫咪")
        pill(page, "日常物品").click()
        page.locator("#classify-labels .pill[aria-pressed=true]", has_text="日常物品").wait_for()


def test_a_set_replaces_what_was_typed_and_undo_brings_it_back(page):
    type_labels(page, *OWN)
    entry(page).fill("还没写完")
    pill(page, "颜色").click()
    assert chips(page) == list(label_sets()["colors"].labels["zh"])
    assert pill(page, "颜色").get_attribute("aria-pressed") == "true"
    page.locator("#classify-labels .said button", has_text="撤销").click()
    assert chips(page) == OWN
    assert entry(page).input_value() == "还没写完"
    assert page.locator("#classify-labels .pill[aria-pressed=true]").count() == 0
    pill(page, "颜色").click()
    page.locator("#classify-labels .remove").first.click()
    assert pill(page, "颜色").get_attribute("aria-pressed") == "false"


def test_a_long_list_is_one_chip_and_can_be_edited_as_text(page):
    pill(page, "ImageNet").click()
    answered(page, "猫")
    assert len(chips(page)) == 1
    assert "1,000" in chips(page)[0]
    page.get_by_role("button", name="批量粘贴").click()
    area = page.locator("#classify-labels textarea")
    area.fill("\n".join([*(f"第{number}号" for number in range(99)), "一只小猫"]))
    answered(page, "一只小猫")
    page.get_by_role("button", name="收起").click()
    assert "100" in chips(page)[0]
    page.locator("#classify-labels .remove").click()
    assert chips(page) == []


def test_the_first_own_photograph_is_judged_with_everyday_words(page):
    upload(page, EXAMPLES / "coffee.jpg")  # as if it were one's own: by its name, it is not
    answered(page, "咖啡")
    own = noise(77)
    file = EXAMPLES.parent.parent / "screenshots" / "own.png"
    file.parent.mkdir(exist_ok=True)
    own.save(file)
    upload(page, file)
    page.wait_for_function(
        "document.querySelector('#classify-labels .edit').innerText.includes('63')"
    )
    everyday = label_sets()[FIRST_SET]
    assert parse_labels(asked(page)) == list(everyday.labels["zh"])
    assert pill(page, everyday.names["zh"]).get_attribute("aria-pressed") == "true"
    assert "own.png" in page.locator("#classify-image .shown").get_attribute("alt")


def test_typed_words_stay_with_an_own_photograph_and_an_example_offers_its_words(page, tmp_path):
    type_labels(page, *OWN)
    file = tmp_path / "mine.png"
    noise(78).save(file)
    upload(page, file)
    page.wait_for_function("document.querySelector('#classify-image .shown').alt.includes('mine')")
    settled(page)
    assert chips(page) == OWN
    page.locator("#classify-image .strip button").nth(1).click()
    settled(page)
    assert chips(page) == OWN
    page.locator("#classify-labels .said button", has_text="换成这些").click()
    answered(page, "咖啡")
    assert chips(page) == parse_labels(load_examples()[1].labels["zh"])
    page.locator("#classify-image .strip button").nth(3).click()
    answered(page, "火箭")  # untouched words are an example's, and go with the next
    assert chips(page) == parse_labels(load_examples()[3].labels["zh"])
    assert page.url.endswith("?photo=rocket")  # a link brings both, and so does a reload


def test_a_file_that_cannot_be_read_is_a_sentence_and_what_was_there_stays(page, tmp_path):
    mine = tmp_path / "mine.jpg"
    Image.open(EXAMPLES / "coffee.jpg").save(mine, quality=90)
    type_labels(page, "茶", "咖啡", "猫")
    upload(page, mine)
    page.wait_for_function("document.querySelector('#classify-image .shown').alt.includes('mine')")
    answered(page, "咖啡")
    problem = page.locator("#classify-image .problem")
    address = page.locator("#classify-image .shown").get_attribute("src")
    files = {
        "账单.jpg": b"no picture at all",
        "半张.jpg": mine.read_bytes()[:3000],
        "空.png": b"",
        "录像.mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(1000),
        "笔记.txt": b"dropped",
    }
    for name, content in files.items():
        bad = tmp_path / name
        bad.write_bytes(content)
        if name in ("录像.mp4", "笔记.txt"):
            hand(page, "drop", "#classify-image .stage", bad)
        else:
            upload(page, bad)
        problem.get_by_text(name).wait_for()
        answered(page, "咖啡")
        assert page.locator("#classify-image .shown").get_attribute("src") == address
        assert problem.inner_text().count("。") == 1
    shoot(page, "unreadable")
    assert page.locator(".toast-body").count() == 0
    type_labels(page, "猫", "咖啡")  # what is asked next is asked of the photograph that is there
    answered(page, "咖啡")
    page.locator("#tab-match").click()
    upload(page, tmp_path / "账单.jpg")
    problem.get_by_text("账单.jpg").wait_for()
    assert page.locator("#classify-image .shown").get_attribute("src") == address
    page.locator("#tab-classify").click()
    page.locator("#classify-image .strip button").first.click()
    answered(page, "猫")
    assert problem.is_hidden()


def test_a_folder_and_an_upload_that_fails_are_sentences_and_what_was_there_stays(page, tmp_path):
    problem = page.locator("#classify-image .problem")
    address = page.locator("#classify-image .shown").get_attribute("src")
    (tmp_path / "假期").mkdir()
    mine = tmp_path / "mine.png"
    Image.new("RGB", (90, 90), "teal").save(mine)
    drop(page, "#classify-image .stage", tmp_path / "假期")
    problem.get_by_text("无法读取 假期：它是一个文件夹").wait_for()
    page.route("**/gradio_api/upload*", lambda route: route.abort())
    upload(page, mine)
    problem.get_by_text("mine.png 上传失败").wait_for()
    answered(page, "猫")
    assert page.locator("#classify-image .shown").get_attribute("src") == address
    page.unroute("**/gradio_api/upload*")
    upload(page, mine)
    page.locator('#classify-image .shown[alt*="mine"]').wait_for()
    assert problem.is_hidden()


def test_no_photograph_and_no_words_are_no_mistakes(page):
    page.get_by_role("button", name="移除照片").click()
    page.wait_for_function("!document.querySelector('#classify-verdict').innerText.includes('99')")
    page.locator("#classify-image .none").wait_for()
    page.locator("#classify-image .strip button").first.click()
    answered(page, "猫")
    while page.locator("#classify-labels .remove").count():
        page.locator("#classify-labels .remove").last.click()
    page.wait_for_function("!document.querySelector('#classify-verdict').innerText.includes('99')")
    settled(page)
    assert page.locator(".toast-body").count() == 0
    assert chips(page) == []


def test_words_follow_the_language_while_they_are_not_a_persons_own(page):
    # The answer in the other language is as good as new, and so is how it was computed.
    answered(page, "猫")
    page.locator("#classify-explain > button").click()
    fresh = page.locator("#classify-explain .strip:not(.stale) .choice")
    for language, word in (("English", "cat"), ("中文", "猫")):
        page.get_by_label(language).check()
        row = page.locator("#classify-verdict .result:not(.stale) .row .name").first
        expect(row).to_have_text(word)
        expect(page.locator("#classify-verdict .png")).to_be_enabled()
        expect(fresh.first).to_have_text(word)
    # What was pasted is asked as its chips say it.
    paste(page, "虎\n狮")
    page.locator("#classify-verdict .result:not(.stale) .name", has_text="狮").wait_for()
    settled(page)
    assert page.locator("#classify-verdict .stale").count() == 0
    pill(page, "颜色").click()
    page.get_by_label("English").check()
    page.wait_for_function("document.querySelector('#classify-labels .edit').innerText === 'red'")
    type_labels(page, "kitten", "小猫")
    page.get_by_label("中文").check()
    settled(page)
    assert chips(page) == ["kitten", "小猫"]


def test_typed_words_and_sets_are_in_the_address(app, open_at, page):
    type_labels(page, *OWN)
    settled(page)
    page.reload()
    answered(page, "小猫")
    assert chips(page) == OWN
    pill(page, "颜色").click()
    settled(page)
    assert "set=colors" in page.url
    assert "labels" not in page.url


def test_links_of_the_page_and_back_bring_their_words(page):
    def shown(words: list[str]) -> None:
        page.wait_for_function(
            """words => words.every((one) =>
              document.querySelector('#classify-verdict .list').textContent.includes(one))""",
            arg=words,
        )
        assert chips(page) == words

    type_labels(page, *OWN)
    settled(page)
    page.evaluate("clipApp.show('learn')")
    page.locator("#learn-questions a[href*='tab=classify']:visible").first.click()
    shown(strings.text("learn_3_words", "zh").split("，"))
    assert "giraffes" in page.locator("#classify-image .shown").get_attribute("src")
    page.evaluate("clipApp.show('learn')")
    page.evaluate("clipApp.go({tab: 'classify', labels: '小猫, 直升机'})")
    shown(["小猫", "直升机"])
    for _ in range(4):
        page.go_back()
        settled(page)
    shown(OWN)


def test_the_templates_are_in_the_address(app, open_at):
    page = open_at(f"{app.url}/?template=clip7&labels=a+kitten,a+truck", "en-US", DESKTOP)
    answered(page, "a kitten")
    page.locator("#classify-options button").first.click()
    expect(page.locator("#templates input")).to_have_value("CLIP's 7 sentences")
    page.locator("#templates input").click()
    page.get_by_role("option", name="None: the word alone").click()
    page.wait_for_url("**template=none**")
    answered(page, "a kitten")
    # Sentences of one's own and the kind of score, too; Back brings what was before them.
    page.evaluate("clipApp.go({template: 'a blurry {}.', scoring: 'independent'})")
    own, score = page.locator("#own-templates textarea"), page.locator("#scoring input:checked")
    expect(own).to_have_value("a blurry {}.")
    expect(score).to_have_value("independent")
    linked = f"{page.url}&photo=giraffes"
    page.go_back()
    expect(page.locator("#templates input")).to_have_value("None: the word alone")
    page.goto(linked)
    page.wait_for_selector("#classify-verdict .headline")
    page.locator("#classify-options button").first.click()
    expect(own).to_have_value("a blurry {}.")
    expect(score).to_have_value("independent")


@pytest.mark.alone
def test_a_run_of_many_words_says_how_far_it_is_and_ends_when_others_are_asked(page):
    area = page.locator("#classify-labels textarea")
    running = page.locator("#classify-verdict .line")
    area.fill("，".join(f"第{number}种{'长' * (number % 9)}东西" for number in range(3000)))
    running.wait_for()
    started = time.monotonic()
    pill(page, "CIFAR-10").click()
    answered(page, "猫")
    assert time.monotonic() - started < 8, "3,000 words take 15 seconds"
    area.fill("，".join(f"另外{number}种{'长' * (number % 9)}东西" for number in range(3000)))
    running.wait_for()
    page.locator("#classify-verdict").get_by_role("button", name="停止").click()
    page.locator("#classify-verdict .hint", has_text="停下了").wait_for(timeout=8_000)


def test_a_photograph_is_pasted_and_dropped(page):
    for event, target in (("paste", "body"), ("drop", "#classify-image .stage")):
        page.evaluate(
            """async ([event, target]) => {
              const canvas = document.createElement('canvas');
              canvas.width = event === 'paste' ? 120 : 130;
              const blob = await new Promise((done) => canvas.toBlob(done));
              const data = new DataTransfer();
              data.items.add(new File([blob], `${event}.png`, { type: 'image/png' }));
              const Kind = event === 'paste' ? ClipboardEvent : DragEvent;
              const name = event === 'paste' ? 'clipboardData' : 'dataTransfer';
              const how = { [name]: data, bubbles: true, cancelable: true };
              document.querySelector(target).dispatchEvent(new Kind(event, how));
            }""",
            [event, target],
        )
        page.locator(f'#classify-image .shown[alt*="{event}.png"]').wait_for()


def test_search_similar_hands_the_photograph_to_whoever_listens(page):
    page.evaluate(
        "window.addEventListener('clipapp:search-image', (e) => { window.heard = e.detail; })"
    )
    page.get_by_role("button", name="搜类似").click()
    assert page.evaluate("window.heard.orig_name") == "cat.jpg"


def test_the_last_words_of_a_visitor_are_offered_the_next_time(app, page):
    type_labels(page, *OWN)
    settled(page)
    page.goto(app.url)
    answered(page, "猫")
    assert "小猫" not in chips(page)
    pill(page, "上次的词").click()
    assert chips(page) == OWN
    assert pill(page, "上次的词").count() == 0


def test_an_example_that_the_model_gets_wrong_says_so(page):
    wrong = next(place for place, one in enumerate(load_examples()) if one.fails)
    assert page.locator("#classify-image .why").is_hidden()
    page.locator("#classify-image .strip button").nth(wrong).click()
    page.locator("#classify-image .why", has_text=load_examples()[wrong].why["zh"]).wait_for()


def test_weak_sets_are_marked_and_say_so_once_chosen(page):
    page.locator("#classify-labels .legend", has_text="入门模型不擅长").wait_for()
    assert "poor" in pill(page, "颜色").get_attribute("class")
    assert "poor" not in pill(page, "日常物品").get_attribute("class")
    pill(page, "颜色").click()
    page.locator("#classify-labels .poor-said", has_text="靠猜").wait_for()
    pill(page, "CIFAR-10").click()
    assert page.locator("#classify-labels .poor-said").is_hidden()


def test_everything_has_a_name_in_the_language_of_the_page(page):
    tree = page.locator("#stage").aria_snapshot()
    unnamed = [line for line in tree.splitlines() if re.fullmatch(r"\s*- (button|textbox):?", line)]
    assert unnamed == []
    for one in load_examples():
        assert f'button "{one.caption["zh"]}"' in tree
    assert f'img "{load_examples()[0].caption["zh"]}"' in tree
    assert 'button "删除 猫"' in tree
    left = re.findall(r'(?:button|textbox|img|group) "([A-Za-z ]+)"', tree)
    assert left == []


def test_chips_wrap_on_a_phone_and_fields_do_not_zoom(app, open_at):
    page = open_at(app.url, "zh-CN", PHONE)
    tops = page.locator("#classify-labels .chip").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().top)"
    )
    assert len(set(tops)) > 1
    for field in (".entry", "textarea"):
        size = page.locator(f"#classify-labels {field}").evaluate(
            "e => getComputedStyle(e).fontSize"
        )
        assert float(size.removesuffix("px")) >= 16
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    shoot(page, "chips-phone")


def test_a_visitor_cannot_have_another_file_of_the_server_looked_at(app):
    config = json.load(urllib.request.urlopen(f"{app.url}/config"))
    column = next(
        one["id"] for one in config["components"] if one["props"].get("elem_id") == "classify-image"
    )
    body = {
        "session_hash": "x",
        "component_id": column,
        "fn_name": "take_photo",
        "data": [str(EXAMPLES / "cat.jpg"), "cat.jpg"],
    }
    request = urllib.request.Request(
        f"{app.url}/gradio_api/component_server",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    answer = json.load(urllib.request.urlopen(request))
    assert "path" not in answer
    assert "cat.jpg" in answer["problem"]["en"]


def test_only_files_that_gradio_has_taken_in_are_photographs():
    """A path without what Gradio marks its uploads with would not be looked at."""
    with pytest.raises(ValidationError):
        PhotoColumn.data_model.model_validate(
            {"path": "/etc/passwd"}, context={"validate_meta": True}
        )


def test_a_photograph_is_decoded_once_and_encoded_once(service, tmp_path):
    file = tmp_path / "one.png"
    noise(79).save(file)
    before = service.statistics.images
    first = opened(str(file), service)
    assert opened(str(file), service) is first
    service.encode_images([first])
    service.encode_images([opened(str(file), service)])
    assert service.statistics.images == before + 1
    Image.new("RGB", (40, 40)).save(file)
    assert opened(str(file), service).size == (40, 40), "another file of the same name"


def test_an_example_is_known_by_what_it_is(tmp_path):
    copy = tmp_path / "mine.jpg"
    copy.write_bytes((EXAMPLES / "coffee.jpg").read_bytes())
    assert shown_example(str(copy)) is load_examples()[1]
    noise(80).save(tmp_path / "coffee.jpg")
    assert shown_example(str(tmp_path / "coffee.jpg")) is None
    assert shown_example(None) is None


def test_only_the_starter_has_weak_sets_and_each_says_on_what_it_was_measured(
    service, settings, tmp_path
):
    for name in STARTER_DIRECTORY.iterdir():
        (tmp_path / name.name).symlink_to(name)
    other = ModelService(find_model(str(tmp_path)), settings)
    poor = label_chips(ModelSlot(service, settings), "one").poor_sets()
    assert poor == ["scenes", "colors", "actions", "art_styles", "emotions"]
    for file in (ASSETS / "label_sets").glob("*.json"):
        measured = json.loads(file.read_text("utf-8")).get("starter")
        assert measured is None or measured["measured_on"]
    assert label_chips(ModelSlot(other, settings), "two").poor_sets() == []


def test_a_link_of_the_page_brings_its_descriptions(page):
    page.wait_for_function("window.clipApp.isReady()")
    for number in (1, 2):
        page.evaluate("clipApp.show('learn')")
        page.locator("#learn-questions a[href*='tab=match']:visible").nth(number - 1).click()
        texts = strings.text(f"learn_{number}_words", "zh")
        page.wait_for_function(
            """texts => {
              const card = document.querySelector('#match-best .result');
              return !card.classList.contains('stale')
                && texts.every((one) => card.querySelector('.list').innerText.includes(one));
            }""",
            arg=texts.split("\n"),
        )
        assert page.locator("#match-descriptions textarea").input_value() == texts
