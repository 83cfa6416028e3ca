"""The tab 原理: its figures are those of numpy, and its code runs."""

import json
import math
import re
import runpy
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import clip_app
from clip_app.errors import GalleryError
from clip_app.model.slot import ModelSlot
from clip_app.settings import Settings
from clip_app.strings import text
from clip_app.tasks.contrastive import contrastive_loss, shuffled
from clip_app.text_lists import split_labels
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.other_models import models_asked, models_besides
from clip_app.ui.parts import PAGE
from clip_app.ui.tab import Chosen
from clip_app.ui.tabs.learn import failing, languages, noise, speed
from clip_app.ui.tabs.learn.gallery_pairs import GalleryVectors, pictures
from tests.conftest import EXAMPLES
from tests.small_models import CONFIG, write_model
from tests.test_page import DESKTOP, shoot

SNIPPETS = sorted((PAGE / "learn").glob("*.py"))


def silent(_done: int, _total: int) -> None:
    pass


def test_the_loss_is_open_clips():
    import torch
    from open_clip.loss import ClipLoss

    rng = np.random.default_rng(0)
    images, texts = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for rows in rng.normal(size=(2, 7, 32)).astype(np.float32)
    )
    wanted = ClipLoss()(torch.tensor(images), torch.tensor(texts), torch.tensor(37.5)).item()
    loss = contrastive_loss(images @ texts.T, 37.5)
    assert loss.mean == pytest.approx(wanted, rel=1e-5)
    swapped = contrastive_loss(texts @ images.T, 37.5)
    np.testing.assert_allclose(loss.by_image, swapped.by_text)
    assert contrastive_loss(np.zeros((4, 4)), 100).mean == pytest.approx(math.log(4))
    assert np.isfinite(contrastive_loss(-np.eye(4), 1e5).mean)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda path: path.stem)
def test_the_code_shown_runs_and_gives_what_the_page_gives(snippet, monkeypatch, service):
    monkeypatch.chdir(EXAMPLES_DIRECTORY)
    left = runpy.run_path(str(snippet))
    if snippet.stem == "pairs":
        wanted = contrastive_loss(left["images"] @ left["texts"].T, service.logit_scale)
        assert left["loss"] == pytest.approx(wanted.mean, rel=1e-4)
    if snippet.stem == "languages":
        assert left["in_english"].argmax() == left["in_chinese"].argmax() == 0
        assert left["between"].min() > 0.5
    if snippet.stem == "failing":
        assert left["no_cat"] > left["dog"]
    if snippet.stem == "speed":
        assert left["best"][0] == 7


def test_so_many_names_are_wrong_as_was_said_and_none_is_lost():
    labels = np.arange(50)
    mixed = shuffled(labels, 0.4, np.random.default_rng(1))
    assert np.count_nonzero(mixed != labels) == 20
    assert sorted(mixed) == sorted(labels)
    assert (shuffled(labels, 0, np.random.default_rng(1)) == labels).all()


def test_wrong_names_cost_a_head_less_than_their_share(service):
    rows = GalleryVectors().rows(service, silent)
    assert rows.shape == (len(pictures()), service.info.embedding_size)
    cat = service.encode_texts(["a cat"])[0]
    assert "cat" in pictures()[int((rows @ cat).argmax())].path  # in the order of the pictures
    head = noise.heads(rows)
    clean, fifth, *_, most = head["accuracies"]
    assert clean > 0.65
    assert clean - fifth < 0.2 * clean
    assert most < 0.6 * clean
    assert head["guess"] < most + 0.1


def test_what_fails_fails_in_both_languages(service):
    for case in failing.cases():
        for language, shares in case.shares(service).items():
            assert sum(shares) == pytest.approx(1, abs=1e-4)
            assert int(np.argmax(shares)) != case.right, (case.kind, language)
    # What the page offers to try is one of them.
    [count] = [case for case in failing.cases() if case.kind == "count"]
    for language, labels in count.labels.items():
        assert split_labels(text("learn_3_words", language)) == labels


def test_codes_and_graph_find_most_of_the_best(service, monkeypatch):
    monkeypatch.setattr(speed, "_NUMBER", 20_000)
    monkeypatch.setattr(speed, "_LEARN_FROM", 10_000)
    told: list[tuple[int, int]] = []
    found: dict[str, float] = {}
    rows = GalleryVectors().rows(service, silent)
    speed.measure_all(service, rows, lambda *done: told.append(done), found)
    assert found["number"] == found["graph_number"] == 20_000
    assert found["codes_found"] > 0.95
    assert 0.6 < found["graph_found"] <= 1
    assert [one for one, _ in told] == sorted(one for one, _ in told)
    assert told[-1] == (100, 100)
    # Stopped early, what was measured is kept.
    early: dict[str, float] = {}
    with pytest.raises(KeyboardInterrupt):
        speed.measure_all(service, rows, _stopped, early)
    assert early["gallery"] > 0
    assert "graph" not in early


def test_the_visitors_own_gallery_is_measured_where_there_is_one():
    page = SimpleNamespace(chosen=Chosen())
    assert speed._own_rows(page, {}) is None  # a page without a search tab

    def unread(given):
        raise GalleryError("index_none")

    rows = np.eye(12, dtype=np.float32)
    page.chosen.store = lambda given: SimpleNamespace(sample=lambda number: given["rows"])
    assert np.array_equal(speed._own_rows(page, {"rows": rows}), rows)
    assert speed._own_rows(page, {"rows": rows[:5]}) is None  # too few to rank ten
    page.chosen.store = unread
    assert speed._own_rows(page, {}) is None


def _stopped(_done: int, _total: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.browser
def test_the_five_questions_are_answered_by_trying(app, open_at, service):
    page = open_at(f"{app.url}?tab=learn", "zh-CN", DESKTOP, shown="#learn-pairs td.pair")
    examples = load_examples()[:4]
    photos = [EXAMPLES_DIRECTORY / one.file for one in examples]
    images = service.encode_images([Image.open(one).convert("RGB") for one in photos])

    def cosines(captions: list[str]) -> np.ndarray:
        return images @ service.encode_texts(captions).T

    def loss_shown(part: str = "pairs") -> float:
        return float(page.locator(f"#learn-{part} [data-loss]").get_attribute("data-loss"))

    captions = [one.right_description["zh"] for one in examples]
    scale = service.logit_scale
    right = contrastive_loss(cosines(captions), scale).mean
    assert loss_shown() == pytest.approx(right, abs=2e-3)

    # Two captions swapped, the temperature, and back again.
    for row in (0, 2):
        page.locator("#learn-pairs .said").nth(row).click()
    swapped = cosines([captions[one] for one in (2, 1, 0, 3)])
    assert loss_shown() == pytest.approx(contrastive_loss(swapped, scale).mean, rel=1e-2)
    page.locator("#learn-pairs input[type=range]").fill("1")
    assert loss_shown() == pytest.approx(contrastive_loss(swapped, 10).mean, rel=1e-2)
    page.locator("#learn-pairs .own").click()
    page.locator("#learn-pairs .right").click()
    assert loss_shown() == pytest.approx(right, abs=2e-3)

    # A caption and a photograph of one's own; a file that is none is told.
    page.locator("#learn-pairs summary").click()
    page.locator("#learn-pairs input[type=text]").nth(1).fill("<b>一条狗</b>")
    page.locator("#learn-pairs input[type=text]").nth(1).press("Enter")
    page.locator("#learn-pairs .said", has_text="<b>一条狗</b>").wait_for()
    mine = [captions[0], "<b>一条狗</b>", *captions[2:]]
    wanted = contrastive_loss(cosines(mine), scale).mean
    assert loss_shown() == pytest.approx(wanted, rel=1e-2)
    page.locator("#learn-pairs input[type=file]").nth(1).set_input_files(
        {"name": "no (1).jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )
    page.locator("#learn-pairs .told:visible", has_text="no (1).jpg").wait_for()
    assert loss_shown() == pytest.approx(wanted, rel=1e-2)
    page.locator("#learn-pairs input[type=file]").nth(1).set_input_files(EXAMPLES / "cat.jpg")
    page.wait_for_function(
        "[...document.querySelectorAll('#learn-pairs th img')].map((one) => one.alt)"
        ".join() === 'cat.jpg,cat.jpg,flower.jpg,rocket.jpg'"
    )

    # Captions shuffled, and a head.
    chosen = pictures()[::6]
    rows = GalleryVectors().rows(service, silent)[::6]
    page.locator("#learn-noise [data-loss]").wait_for()
    every = rows @ service.encode_texts([one.title["zh"] for one in chosen]).T
    clean = contrastive_loss(every, scale).mean
    assert loss_shown("noise") == pytest.approx(clean, rel=1e-2)
    page.locator("#learn-noise input[type=range]").fill("12")
    assert loss_shown("noise") > clean + 0.5
    page.locator("#learn-noise .train").click()
    page.locator("#learn-noise [data-accuracy]").first.wait_for()
    shown = page.locator("#learn-noise [data-accuracy]").evaluate_all(
        "all => all.map((one) => Number(one.dataset.accuracy))"
    )
    assert shown == pytest.approx(noise.heads(GalleryVectors().rows(service, silent))["accuracies"])

    # Guess first, then see.
    case = failing.cases()[0]
    assert page.locator("#learn-failing .guess b").count() == 0
    cases = page.locator("#learn-failing .case")
    tops = cases.evaluate_all("all => all.map((one) => one.offsetTop)")
    assert tops.count(max(tops)) > 1, "none stands alone"
    page.locator("#learn-failing .guess").nth(case.right).click()
    page.locator("#learn-failing .why").wait_for()
    first = page.locator("#learn-failing .case").first
    told = [float(re.sub(r"[<>%\s]", "", one)) for one in first.locator("b").all_inner_texts()]
    assert told == pytest.approx([100 * one for one in case.shares(service)["zh"]], abs=0.06)
    assert text("learn_failing_why_count", "zh") in first.inner_text()

    # Measuring, stopped; the gallery is that of the search tab, which is the examples.
    page.locator("#learn-speed .go").click()
    page.locator("#learn-speed .halt").click()
    page.locator("#learn-speed .halt").wait_for(state="hidden")

    # The same words in both languages.
    page.locator("#learn-languages .pairs .figure").first.wait_for()
    answers = {}
    for language in ("en", "zh"):
        labels = load_examples()[0].labels[language]
        ranked = clip_app.classify(service, photos[0], labels).results
        answers[language] = ranked[0].label
    assert answers["zh"] in page.locator("#learn-languages .step > .verdict").inner_text()
    page.locator("#learn-languages summary").click()
    page.locator("#learn-languages input[type=text]").nth(0).fill("cat, dog, bird")
    page.locator("#learn-languages input[type=text]").nth(0).press("Enter")
    page.locator("#learn-languages .told:visible").wait_for()
    assert page.locator("#learn-languages .told").inner_text() == text(
        "learn_languages_uneven", "zh", en=3, zh=6
    )
    # No model that reads English only lies here; the answers are folded, their sources with them.
    elsewhere = page.locator("#learn-languages .elsewhere")
    assert elsewhere.inner_text() == text("learn_languages_none", "zh")
    answer = page.locator("#learn-questions .zh details.answer").first
    assert not answer.locator(".source").is_visible()
    answer.locator("summary").click()
    assert answer.locator(".source").inner_text() == text("learn_1_source", "zh")
    shoot(page, "learn")
    page.evaluate("document.querySelector('[name=page-language][value=en]').click()")
    page.locator("#learn-pairs .said", has_text="a flower").or_(
        page.locator("#learn-failing h3", has_text="How many giraffes?")
    ).first.wait_for()
    assert "Question 1" in page.locator("#learn-questions").inner_text()


def test_a_model_of_english_only_is_offered_and_asked(service, tmp_path):
    folder = write_model("clip", tmp_path / "english")
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    (folder / CONFIG).write_text(json.dumps({**config, "languages": ["en"]}), "utf-8")
    write_model("clip", tmp_path / "unknown")
    settings = Settings(model="starter", model_root=tmp_path)
    page = SimpleNamespace(settings=settings, slot=ModelSlot(service, settings))
    [told] = models_besides(page, unread="zh")
    assert (told["name"], told["fits"]) == ("english", True)
    _, english = models_asked(page, ["english"])
    labels = {"en": "cat, dog, bird", "zh": "猫，狗，鸟"}
    found = languages.compared(english(), load_examples()[0], labels)
    assert found["unread"]
    assert found["cosines"]["en"] != found["cosines"]["zh"]
    for scores in found["scores"].values():
        assert sum(scores) == pytest.approx(1, abs=1e-5)
