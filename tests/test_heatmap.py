"""Where the model looks: maps of drawn scenes, what is unclear, how page and programs get it."""

import json
import re

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from clip_app.images import load_image
from clip_app.model.preprocess import Preprocessing
from clip_app.model.slot import load_model
from clip_app.settings import ASSETS, Settings
from clip_app.strings import text
from clip_app.tasks.heatmap import GRID, PASSES, heatmap
from clip_app.tasks.heatmap_picture import heatmap_picture
from clip_app.terminal import main
from tests.conftest import EXAMPLES
from tests.test_page import DESKTOP, answered, paused

CAT = EXAMPLES / "cat.jpg"
STRAWBERRY = ASSETS / "gallery" / "examples" / "food" / "strawberry.jpg"
# Where the two stand in a scene of 448 x 448 pixels, on plain ground.
BOXES = {"cat": (24, 24, 200, 200), "strawberry": (248, 248, 424, 424)}


@pytest.fixture(scope="module")
def scene():
    """A cat at the top left, a strawberry at the bottom right."""
    ground = Image.new("RGB", (448, 448), (200, 200, 196))
    for path, box in zip((CAT, STRAWBERRY), BOXES.values(), strict=True):
        picture = load_image(path)
        side = min(picture.size)
        corner = ((picture.width - side) // 2, (picture.height - side) // 2)
        square = picture.crop((*corner, corner[0] + side, corner[1] + side))
        ground.paste(square.resize((176, 176)), box[:2])
    return ground


@pytest.mark.parametrize(
    ("engine", "asked"),
    [
        ("onnx", (("cat", "strawberry"), ("cat", "strawberry"))),
        ("torch", (("cat",), ("strawberry",))),  # a map takes seconds there
    ],
)
def test_each_word_peaks_inside_its_box_in_both_languages(scene, engine, asked):
    service = load_model(Settings(model="starter", device="cpu", engine=engine))
    assert service.info.engine == engine
    english, chinese = (
        {"cat": "cat", "strawberry": "strawberry"},
        {"cat": "猫", "strawberry": "草莓"},
    )
    for words, things in ((english, asked[0]), (chinese, asked[1])):
        for thing in things:
            word = words[thing]
            others = [one for one in words.values() if one != word]
            heat = heatmap(service, scene, word, contrast=others)
            x, y = (448 * one for one in heat.peak)
            left, top, right, bottom = BOXES[thing]
            assert left < x < right, word
            assert top < y < bottom, word
            assert heat.clear
            assert heat.place == {"cat": "top_left", "strawberry": "bottom_right"}[thing]
            assert heat.values.shape == (GRID, GRID)
            assert heat.values.max() == 1
            # What speaks for the one speaks against the other.
            inside = [
                slice(int(one * GRID / 448), int(two * GRID / 448))
                for one, two in ((top, bottom), (left, right))
            ]
            assert heat.values[tuple(inside)].mean() > heat.values.mean() + 0.2


def test_a_photograph_of_nothing_is_said_to_be_unclear(service):
    plain = Image.new("RGB", (300, 200), (120, 130, 140))
    heat = heatmap(service, plain, "cat", contrast="dog")
    assert not heat.clear
    assert heatmap_picture(plain, heat, "cat").getpixel((150, 100)) == (120, 130, 140)


def test_progress_counts_to_the_end_and_may_stop_the_run(service, scene):
    told = []

    def stop(done, total):
        told.append((done, total))
        if done > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        heatmap(service, scene, "cat", progress=stop)
    assert 60 < told[-1][0] < PASSES
    heatmap(service, scene, "cat", progress=lambda *now: told.append(now))
    assert told[-1] == (PASSES, PASSES)
    # What the model made of the same copies is known: all of them for the same words, four
    # fifths for others.
    encoded = service.statistics.images
    again = heatmap(service, scene, "cat")
    assert service.statistics.images == encoded
    assert np.array_equal(again.values, heatmap(service, scene, "cat").values)
    heatmap(service, scene, "strawberry")
    assert encoded < service.statistics.images < encoded + 0.2 * PASSES


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(300, 200), (200, 300), (4200, 100)])
def test_the_box_is_what_the_pixels_show(mode, size):
    """A white picture that is black in the box alone is black all over, and white just outside."""
    preprocessing = Preprocessing((64, 64), mean=(0,) * 3, std=(1,) * 3, resize_mode=mode)
    left, top, right, bottom = preprocessing.seen_box(size)
    picture = Image.new("RGB", size, "white")
    box = (left * size[0], top * size[1], right * size[0], bottom * size[1])
    picture.paste((0, 0, 0), tuple(round(one) for one in box))
    assert preprocessing(picture)[:, 4:-4, 4:-4].max() < 0.05
    # A little more to the inside, and white shows at an edge.
    picture.paste((255, 255, 255), (0, 0, *size))
    inner = [box[0] + 0.1 * (box[2] - box[0]), box[1] + 0.1 * (box[3] - box[1])]
    inner += [box[2] - 0.1 * (box[2] - box[0]), box[3] - 0.1 * (box[3] - box[1])]
    picture.paste((0, 0, 0), tuple(round(one) for one in inner))
    assert preprocessing(picture).max() > 0.9


def test_the_terminal_writes_the_map_and_says_where(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    out = tmp_path / "map.png"
    flags = ["--model", "starter", "--against", "狗", "--out", str(out)]
    assert main(["heatmap", str(CAT), "猫", *flags]) == 0
    assert "判断“猫”，它主要看照片的" in capsys.readouterr().out
    with Image.open(out) as made, Image.open(CAT) as photo:
        assert made.text["Description"] == "它看了哪里：猫（对比 狗）"
        assert made.width == photo.width
        assert made.height > photo.height  # the legend
    assert main(["heatmap", str(CAT), "猫", *flags[:4], "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["against"], answer["method"]) == ("猫", ["狗"], "occlusion")
    assert np.array(answer["values"]).max() == 1
    nowhere = str(tmp_path / "no" / "a.png")
    assert main(["heatmap", str(CAT), "猫", *flags[:2], "--out", nowhere]) == 2
    assert "无法写入" in capsys.readouterr().err


def test_a_map_replaces_no_file_and_is_of_the_format_that_its_name_says(tmp_path, capsys):
    photo = tmp_path / "ow.jpg"
    photo.write_bytes(CAT.read_bytes())
    given = ["heatmap", str(photo), "cat", "--model", "starter", "--out"]
    for out, said in ((photo, "there already"), (tmp_path / "map.gif", ".png, .jpg, .jpeg, .webp")):
        assert main([*given, str(out)]) == 2
        assert said in capsys.readouterr().err
    assert photo.read_bytes() == CAT.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["ow.jpg"]
    for name, kind in (("map.JPG", "JPEG"), ("map.webp", "WEBP")):
        assert main([*given, str(tmp_path / name)]) == 0
        with Image.open(tmp_path / name) as made:
            assert made.format == kind
            assert made.getexif()[270] == "Where it looked: cat"


def test_the_api_answers_as_python_does(app, service):
    answer = Client(app.url, verbose=False).predict(
        handle_file(CAT), "cat", "dog\nbird", "auto", api_name="/heatmap"
    )
    heat = heatmap(service, CAT, "cat", contrast=["dog", "bird"])
    assert answer["against"] == ["dog", "bird"]
    assert np.allclose(answer["values"], heat.values, atol=0.01)
    assert answer["peak"] == pytest.approx(heat.peak, abs=1e-4)
    assert answer["clear"] is heat.clear is True


@pytest.mark.browser
def test_a_bar_shows_where_it_looked_until_words_or_photograph_change(app, open_at):
    page = open_at(app.url, "zh-CN", {"width": 390, "height": 844})
    row = page.locator("#classify-verdict .row").first
    page.wait_for_function("window.clipApp.isReady()")
    paused(page, 500)
    answered(page, "猫")  # the result of the page's language
    row.focus()
    page.keyboard.press("Enter")
    legend, said = (
        page.locator("#classify-image .legend"),
        page.locator("#classify-image .where"),
    )
    legend.wait_for()
    assert row.get_attribute("aria-pressed") == "true"
    assert legend.inner_text() == "它看了哪里：猫 ×"
    assert re.fullmatch("判断“猫”，它主要看照片的.{2}。", said.inner_text())
    assert text("heat_cropped", "zh") in page.locator("#classify-image .looked .how").inner_text()
    # The canvas is orange where the map is hottest, dark where it is not and was not seen.
    paint = """() => {
        const [one, legend] = ['.glass', '.legend'].map((name) => document.querySelector(name));
        const dots = one.getContext('2d').getImageData(0, 0, one.width, one.height).data;
        let hot = 0; for (let at = 0; at < dots.length; at += 4) hot = Math.max(hot, dots[at]);
        return [one.width / one.height, hot, dots[0], legend.getBoundingClientRect().top]; }"""
    ratio, hot, corner, top = page.evaluate(paint)
    with Image.open(CAT) as photo:
        assert ratio == pytest.approx(photo.width / photo.height, abs=0.01)
    assert hot > 200
    assert corner < 30
    assert 0 < top < 844, "the photograph came into view"
    legend.click()
    assert legend.is_hidden()
    assert row.get_attribute("aria-pressed") == "false"
    row.click()
    legend.wait_for()
    page.locator("#classify-image .strip button").nth(1).click()
    legend.wait_for(state="hidden")
    assert page.locator("#classify-image .looked").is_hidden()


@pytest.mark.browser
def test_the_drawer_of_a_hit_shows_where_each_word_is(app, open_at):
    page = open_at(
        f"{app.url}?tab=gallery&q=猫 %2B 石头", "zh-CN", DESKTOP, shown="#finder .board .open"
    )
    drawer = page.locator("#finder .drawer")
    page.locator("#finder .board .open").first.click()
    words = drawer.locator(".words button")
    words.first.wait_for()
    assert words.all_inner_texts() == ["“猫”在哪里？", "“石头”在哪里？"]
    words.first.click()
    legend = drawer.locator(".legend")
    legend.wait_for()
    assert legend.inner_text() == "它看了哪里：猫 ×"
    assert "判断“猫”" in drawer.locator(".where").inner_text()
    assert words.first.get_attribute("aria-pressed") == "true"
    over, under = (drawer.locator(one).bounding_box() for one in (".glass", ".whole"))
    assert over == pytest.approx(under, abs=1)
    page.locator(".masthead .languages input[value=en]").check(force=True)
    assert legend.inner_text() == "Where it looked: 猫 ×"
    assert "For “猫”" in drawer.locator(".where").inner_text()
    # The next photograph is looked at afresh.
    drawer.locator(".next").click()
    legend.wait_for(state="hidden")
    assert words.first.get_attribute("aria-pressed") == "false"
