"""Sorting a gallery in its page: in a real Chromium, and what a request of one's own may not do."""

import csv
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from playwright.sync_api import expect

from clip_app.errors import GalleryError, InputError
from clip_app.gallery.galleries import EXAMPLES as GALLERY
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.gallery import Gallery
from clip_app.gallery.library import Library
from clip_app.gallery.roots import Roots
from clip_app.images.keywords import keywords_of
from clip_app.images.xmp import with_keywords
from clip_app.model.slot import ModelSlot
from clip_app.photos import encode_files
from clip_app.settings import Settings
from clip_app.sorting.history import kept_run
from clip_app.sorting.indexed import plan_of_index
from clip_app.sorting.journal import create
from clip_app.sorting.steps import Step
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.ui.concepts import PageConcepts, Visit
from clip_app.ui.tab import Page, Spoken
from clip_app.ui.tabs.gallery.index import IndexPart
from clip_app.ui.tabs.gallery.sorting import SortingPart
from clip_app.ui.tabs.gallery.sorting_state import Sorting
from tests.conftest import EXAMPLES, App
from tests.gallery_helpers import put
from tests.test_page import DESKTOP, paused

LABELS = "cat, tiger, coffee, cup, flower"


def fill(root: Path) -> dict[str, bytes]:
    """Two that are doubtful at 99 %, one that is sure, one that nothing fits; two sidecars."""
    for name in ("cat.jpg", "coffee.jpg", "flower.jpg", "far/rocket.jpg"):
        put(root / name, (EXAMPLES / Path(name).name).read_bytes())
    put(root / "cat.jpg.xmp", with_keywords(None, ["old"], "x"))
    put(root / "coffee.xmp", with_keywords(None, ["brown"], "x"))
    return files_of(root)


def files_of(root: Path) -> dict[str, bytes]:
    return {
        one.relative_to(root).as_posix(): one.read_bytes()
        for one in sorted(root.rglob("*"))
        if one.is_file()
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("roots") / "照片 & photos"


@pytest.fixture(scope="module")
def gallery_app(root):
    fill(root)
    running = App("--gallery-roots", str(root))
    yield running
    running.stop()


def planned(page, labels: str) -> None:
    """Have a plan made by labels, sure from 99 %."""
    if not page.locator("#sorting-labels .entry").is_visible():
        page.locator("#finder .tidy").click()
    page.locator("#sorting-labels .entry").fill(labels)
    page.locator("#sorting-labels .entry").press("Enter")
    page.locator("#sorting-threshold").fill("99")
    count = len(labels.split(","))
    expect(page.locator("#sorting-labels .chip")).to_have_count(count)
    paused(page, 300)
    page.locator("#sorting-plan").click()
    page.locator("#sorting .classes .class").first.wait_for()


def said(page, words: str) -> None:
    page.locator("#sorting-panel .said p", has_text=words).first.wait_for()


@pytest.mark.browser
def test_two_are_decided_by_hand_all_is_moved_and_comes_back(gallery_app, root, open_at, tmp_path):
    before = files_of(root)
    url = f"{gallery_app.url}/?tab=gallery"
    first, other = (open_at(url, one, DESKTOP, shown="") for one in ("en-US", "zh-CN"))
    planned(first, LABELS)
    planned(other, "花")
    classes = first.locator("#sorting .class h4").all_inner_texts()
    assert [one.split("\n") for one in classes] == [["flower", "1"], ["None of these: stay", "1"]]
    doubts = first.locator("#sorting .doubt")
    assert doubts.locator(".name").all_inner_texts() == ["cat.jpg", "coffee.jpg"]
    assert files_of(root) == before, "a plan touches nothing"
    # The words of sorting are no words to classify by.
    assert "tiger" not in first.url

    # One key a photograph: the second's best is a cup, its runner-up coffee.
    doubts.first.locator("button").first.focus()
    first.keyboard.press("1")
    assert first.evaluate("document.activeElement.closest('.doubt').ariaLabel") == "coffee.jpg"
    first.keyboard.press("2")
    assert first.locator("#sorting .doubt.decided").count() == 2
    with first.expect_download() as got:
        first.locator("#sorting-csv").click()
    text = Path(got.value.path()).read_text("utf-8-sig")
    rows = {row["file"]: row for row in csv.DictReader(text.splitlines())}
    assert {name: (row["class"], row["verdict"]) for name, row in rows.items()} == {
        "cat.jpg": ("cat", "decided"),
        "coffee.jpg": ("coffee", "decided"),
        "far/rocket.jpg": ("", "none"),
        "flower.jpg": ("flower", "sure"),
    }
    with first.expect_download() as got:
        first.locator("#sorting-zip").click()
    with zipfile.ZipFile(got.value.path()) as archive:
        packed = {one: archive.read(one) for one in archive.namelist()}
    assert packed == {
        f"{one}/{one}.jpg": before[f"{one}.jpg"] for one in ("cat", "coffee", "flower")
    }

    first.locator("#sorting-how").select_option("move")
    assert first.locator("#sorting-do").inner_text() == "Move 3 photos"
    first.locator("#sorting-target").fill("../outside")
    first.locator("#sorting-do").click()
    said(first, "../outside cannot be the target")
    first.locator("#sorting-target").fill("x" * 300)
    first.locator("#sorting-do").click()
    said(first, "longer than the disk can store")
    assert first.locator("#sorting-do").is_enabled()
    assert files_of(root.parent) == {f"{root.name}/{name}": data for name, data in before.items()}
    assert first.locator("#sorting .doubt.decided").count() == 2, "decisions outlive a mistake"
    first.locator("#sorting-target").fill("sorted")
    first.locator("#sorting-do").click()
    said(first, f"3 photos moved to {root.name}/sorted/…")
    assert first.locator("#sorting-panel .said button").inner_text() == "Undo …"
    # The plan is gone, and what was done is in sight.
    assert first.locator("#sorting-panel .said").evaluate(
        "(one) => { const { top, bottom } = one.getBoundingClientRect();"
        " return top >= 0 && bottom <= innerHeight; }"
    )
    moved = {
        "far/rocket.jpg": "far/rocket.jpg",
        "sorted/cat/cat.jpg": "cat.jpg",
        "sorted/cat/cat.jpg.xmp": "cat.jpg.xmp",
        "sorted/coffee/coffee.jpg": "coffee.jpg",
        "sorted/coffee/coffee.xmp": "coffee.xmp",
        "sorted/flower/flower.jpg": "flower.jpg",
    }
    assert files_of(root) == {place: before[name] for place, name in moved.items()}
    assert keywords_of(root / "sorted/cat/cat.jpg") == ("old",)
    # The index has followed: they are found where they are, and nothing is broken.
    first.wait_for_function(
        "() => document.querySelector('#finder .count').innerText.includes('4 photos')",
    )

    # The other visitor's plan is of before: what is gone is told, and nothing is lost.
    other.locator("#sorting-do").click()
    said(other, "已经不在了")
    assert files_of(root) == {place: before[name] for place, name in moved.items()}

    first.locator("#sorting-past > summary").click()
    first.locator("#sorting-past button").click()
    first.locator("#sorting .undoing li").first.wait_for()
    told = first.locator("#sorting .undoing li").all_inner_texts()
    assert len(told) == 5
    assert first.get_by_role("button", name="Do the rest instead").count() == 0, "all is done"
    assert f"{root.name}/sorted/cat/cat.jpg goes back to {root.name}/cat.jpg" in told
    assert files_of(root) == {place: before[name] for place, name in moved.items()}
    first.locator("#sorting-undo").click()
    said(first, "as they were before: 5")
    assert files_of(root) == before
    assert not (root / "sorted").exists()
    assert not first.locator("#sorting-past").is_visible()
    assert list((gallery_app.index_dir / "undo").iterdir()) == []

    # A plan that comes back is data: it names no file outside, and its labels make folders here.
    table = tmp_path / "plan.csv"
    table.write_text("file,class\n../secret.jpg,cat\n", "utf-8")
    first.locator("#sorting .back input").set_input_files(table)
    said(first, "is no photograph of the folder")
    table.write_text("file,class\nflower.jpg,../<b>up</b>\n", "utf-8")
    first.locator("#sorting .back input").set_input_files(table)
    first.locator("#sorting .class h4", has_text="../<b>up</b>").wait_for()
    first.locator("#sorting-how").select_option("tag")
    first.locator("#sorting-do").click()
    said(first, "1 photo tagged")
    assert keywords_of(root / "flower.jpg") == ("../<b>up</b>",)
    assert files_of(root) == before | {"flower.jpg.xmp": (root / "flower.jpg.xmp").read_bytes()}


@pytest.fixture
def part(service, tmp_path):
    """The handlers of the part on a gallery of one's own, and what a request hands them."""
    root = (tmp_path / "root").resolve()
    fill(root)
    settings = Settings(gallery_roots=(root,), index_dir=tmp_path / "index")
    galleries = GalleryService(settings)
    with gr.Blocks():
        parts = [gr.State(None) for _ in range(8)]
        language, spoken, own, folder, changed, state, labels, panel = parts
        concepts = PageConcepts(settings)
        page = Page(
            ModelSlot(service, settings),
            galleries,
            settings,
            language,
            spoken,
            *(None,) * 4,
            concepts,
        )
        index = IndexPart(page, own, folder, gr.HTML(), changed)
        built = SortingPart(page, index, state, labels, panel)
    given = {
        language: "en",
        spoken: Spoken("en"),
        own: None,
        folder: str(root),
        changed: 0,
        state: Sorting(),
        labels: LABELS,
        concepts.visit: Visit(),
    }
    yield built, given, root
    galleries.close()


def last(handler, given, asked=None):
    return list(handler(given, asked or {}))[-1]


SHARES = {"threshold": "99", "margin": "10", "target": "sorted"}


def test_what_a_request_may_not_do(part, tmp_path):
    built, given, root = part
    before = files_of(root)
    last(built.plan, given, SHARES)
    number = given[built.state].number
    act = {"number": number, "how": "move", "target": "sorted", "decided": []}
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "inside").symlink_to(root / "far")
    (root / "file").touch()
    names = ("../x", "/etc", str(outside), "link", "link/x", "inside", ".git", "a/.b", "file")
    for target in (*names, "file/x", "\0", "~root/x", "far/../../x"):
        with pytest.raises(GalleryError) as raised:
            last(built.act, given, act | {"target": target})
        assert raised.value.key == "target_not_allowed"
        with pytest.raises(GalleryError):  # and before anything is planned
            last(built.plan, given, SHARES | {"target": target})
    for target, key in ((" ", "target_missing"), ("a/" + "x" * 300, "target_too_long")):
        with pytest.raises(GalleryError) as raised:
            last(built.act, given, act | {"target": target})
        assert raised.value.key == key
    # Whatever else goes wrong, the panel answers, so that its buttons come back.
    event = type("Event", (), {"_data": None})()
    broken = built.told(lambda given, asked: 1 / 0)
    assert list(broken(given, event))[-1][built.panel]["notices"][0]["en"].startswith("Something")
    wrong = (
        {"how": "write"},
        {"how": "rm"},
        {"number": number - 1},
        {"decided": [[99, "cat"]]},
        {"decided": [["../a.jpg", "cat"]]},
    )
    for one in wrong:
        with pytest.raises(InputError, match="has changed"):
            last(built.act, given, act | one)
    for name in ("../../etc/passwd", "x.jsonl", "clip-app-undo-\0", "clip-app-undo-/../x", ""):
        with pytest.raises(InputError, match="no undo file"):
            last(built.undo, given, {"name": name})
    with pytest.raises(InputError, match="from 0 to 100"):
        last(built.plan, given, SHARES | {"margin": ""})
    # An undo file that leads out of the roots is refused, wherever it comes from.
    journals = tmp_path / "index" / "undo"
    step = Step("move", str(root / "a.jpg"), str(outside / "a.jpg"))
    create(journals / "clip-app-undo-1.jsonl", [step])
    with pytest.raises(InputError, match="outside"):
        last(built.undo, given, {"name": "clip-app-undo-1.jsonl"})
    (journals / "clip-app-undo-2.jsonl").symlink_to(journals / "clip-app-undo-1.jsonl")
    with pytest.raises(InputError, match="no undo file"):
        kept_run(journals, "clip-app-undo-2.jsonl", Roots.of([tmp_path]))
    with pytest.raises(InputError, match="no plan"):  # a file of the disk, not an upload
        last(built.take_table, given, {"path": str(root / "cat.jpg"), "name": "p.csv"})
    for one in ("link", "inside", "file"):
        (root / one).unlink()
    assert files_of(root) == before
    assert list(outside.iterdir()) == []


def test_strangers_and_the_apps_own_photographs(part, service):
    built, given, root = part
    before = files_of(root)
    last(built.plan, given, SHARES)
    act = {"number": given[built.state].number, "how": "tag", "decided": []}
    shared = replace(built.page, settings=built.page.settings.model_copy(update={"share": True}))
    stranger = replace(built, page=shared)
    assert last(stranger.more, given)[built.panel]["why"]["en"].startswith("On a shared page")
    with pytest.raises(InputError, match="not touched here"):
        last(stranger.act, given, act)
    with pytest.raises(InputError, match="not touched here"):
        last(stranger.undo, given, {"name": "x"})
    allowed = shared.settings.model_copy(update={"allow_sorting": True})
    assert allowed.visitors_may_sort
    assert not shared.settings.visitors_may_sort
    galleries = GalleryService(Settings(index_dir=built.page.settings.index_dir))
    local = replace(built, page=replace(built.page, galleries=galleries))
    there = given | {built.index.folder: str(GALLERY)}
    assert local.shown(there)["why"]["en"].startswith("These are the app's own")
    with pytest.raises(InputError, match="not touched here"):
        last(local.act, there, act)
    galleries.close()
    assert files_of(root) == before


def test_photographs_of_an_index_are_named_together_where_that_is_wanted(service, tmp_path):
    names = ("cat.jpg", "coffee.jpg", "flower.jpg", "rocket.jpg")
    for name in names:
        put(tmp_path / "photos" / "in" / name, (EXAMPLES / name).read_bytes())
    library = Library(tmp_path / "index")
    gallery = Gallery(tmp_path / "photos", service, library)
    gallery.index()
    store = library.open(tmp_path / "photos", service.info)
    classes = classes_from_labels(service, "tiger, cup, rose, sun")
    found = plan_of_index(service, store, "in", classes, joint="transclip").plan
    features = np.stack(
        [one.image_features for one in encode_files(service, [EXAMPLES / name for name in names])]
    )
    wanted = classify_features(service, features, classes, joint="transclip")
    alone = plan_of_index(service, store, "in", classes).plan
    assert [one.path for one in found.choices] == list(names)
    for one, answer, by_itself in zip(found.choices, wanted, alone.choices, strict=True):
        assert one.best == answer.results[0].label
        assert one.score == pytest.approx(answer.results[0].score, abs=1e-3)
        assert one.score != by_itself.score
