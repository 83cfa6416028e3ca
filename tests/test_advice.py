"""The line that names a better model for English: where it stands, and that it stands once."""

from dataclasses import replace

import gradio as gr
import pytest

from clip_app.gallery.galleries import GalleryService
from clip_app.model.catalog import DEFAULT_PRESET, STARTER_DIRECTORY, find_model
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.prompts import parse_labels
from clip_app.settings import Settings
from clip_app.ui.advice import english_advice
from clip_app.ui.concepts import PageConcepts
from clip_app.ui.examples import load_examples
from clip_app.ui.photo_column import photo_column
from clip_app.ui.tab import Page, Spoken
from tests.conftest import ROOT, App
from tests.test_page import classify, shoot

LABELS = "cat, dog, car"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The starter's files elsewhere, so that it is a model like any other."""
    made = tmp_path_factory.mktemp("model")
    for file in STARTER_DIRECTORY.iterdir():
        (made / file.name).symlink_to(file)
    return made


@pytest.fixture(scope="module")
def bilingual(folder, settings):
    """A small real model under the name of the default preset."""
    return ModelService(replace(find_model(str(folder)), name=DEFAULT_PRESET), settings)


@pytest.fixture
def ask(bilingual, settings, tmp_path):
    """Asks for the line as a tab does; remembers as the page does."""
    galleries = GalleryService(settings.model_copy(update={"index_dir": tmp_path}))
    with gr.Blocks():
        model = ModelSlot(bilingual, settings)
        page = Page(
            model,
            galleries,
            settings,
            gr.Radio(["zh", "en"]),
            gr.State(Spoken()),
            gr.HTML(),
            photo_column(model, "photo"),
            gr.HTML(),
            gr.State(""),
            PageConcepts(settings),
        )

    kept = {page.advised: ""}

    def asked(typed, language="en", service=bilingual, **changed):
        here = replace(page, settings=Settings(**changed)) if changed else page
        given = kept | {page.language: language}
        line, remembered = english_advice(here, service, typed, parse_labels(typed), given)
        kept.update(remembered)
        return line

    return asked


def test_it_has_both_figures_in_the_language_of_the_page(ask):
    english, chinese = ask(LABELS), ask(LABELS, "zh")
    for line in (english, chinese):
        for fact in ("siglip2-b-16-256", "79.1", "62.4"):
            assert fact in line
        assert "<" not in line
    assert "is better at English" in english
    assert "See tab Model" in english
    assert "的英文更准" in chinese
    assert "“模型”页" in chinese


def test_it_is_a_plain_fact_where_visitors_may_not_change_the_model(ask):
    line = ask(LABELS, host="0.0.0.0")
    assert "siglip2-b-16-256" in line
    assert "tab Model" not in line


def test_it_stays_with_the_first_english_texts_and_never_comes_back(ask):
    assert ask(LABELS)
    assert ask(LABELS)
    assert not ask("apple, pear, plum")
    assert ask(LABELS)


@pytest.mark.parametrize(
    "typed",
    ["cat, dog", "cat, dog, 汽车", "猫，狗，汽车", "1, 2, 3", "chat, chien, fenêtre"],
)
def test_it_keeps_still_without_some_texts_that_are_all_english(ask, typed):
    assert not ask(typed)
    assert ask(LABELS)  # and has not been used up


def test_it_keeps_still_with_the_examples_and_with_the_starter(ask, service):
    assert not any(ask(one.labels["en"]) for one in load_examples())
    assert not ask(LABELS, service=service)


@pytest.mark.browser
def test_the_page_shows_it_with_the_result_in_both_languages(folder, open_at):
    app = App(
        "--model",
        str(folder),
        env={"PYTHONPATH": str(ROOT)},
        program="tests/app_as_preset.py",
    )
    try:
        page = open_at(app.url, "zh-CN", {"width": 1280, "height": 900})
        advice = page.locator("#classify-verdict .advice")
        assert advice.is_hidden()
        classify(page, LABELS, "")
        page.locator("#classify-verdict .advice", has_text="的英文更准").wait_for()
        shoot(page, "advice-zh")
        page.get_by_label("English").check()
        page.locator("#classify-verdict .advice", has_text="is better at English").wait_for()
        shoot(page, "advice-en")
        page.get_by_role("tab", name="Match", exact=True).click()
        page.locator("#match-best .headline").wait_for()
        page.locator("#match-descriptions textarea").fill("a cat\na dog\na car")
        page.locator("#match-best .headline", has_text="“a cat”").wait_for()
        page.wait_for_timeout(1000)
        assert page.locator("#match-best .advice").is_hidden()
        page.get_by_role("tab", name="Classify").click()
        classify(page, "kitten, puppy, lorry", "kitten")
        assert advice.is_hidden()
    finally:
        app.stop()
