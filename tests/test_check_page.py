"""Checking words in the page: what a visitor may send, what is counted, and in a real Chromium."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from clip_app.errors import GalleryError, InputError, ModelError, UploadLimitError
from clip_app.gallery import uploads
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.uploads import Upload
from clip_app.model.catalog import STARTER_DIRECTORY
from clip_app.model.slot import ModelSlot
from clip_app.settings import ASSETS, Settings
from clip_app.sizes import megabytes
from clip_app.tasks.classify import classify
from clip_app.tasks.concepts import learn_concept
from clip_app.tasks.evaluate import evaluate
from clip_app.ui.other_models import models_asked, models_besides
from clip_app.ui.runs import StoppedError
from clip_app.ui.tabs.classify.check_run import Asked, Check
from tests.conftest import EXAMPLES
from tests.test_page import drop

GALLERY = ASSETS / "gallery" / "examples"
CLASSES = ("birds", "food", "vehicles")
browser_test = pytest.mark.browser


def drawn() -> dict[str, Path]:
    """Photographs of three classes, by their paths."""
    return {
        f"{topic}/{path.name}": path
        for topic in CLASSES
        for path in sorted((GALLERY / topic).iterdir())
    }


def packed(path: Path, files: dict[str, Path | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            archive.writestr(name, data)
    return path


@pytest.fixture
def galleries(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "shown"))
    (tmp_path / "root").mkdir()
    settings = Settings(index_dir=tmp_path / "index", gallery_roots=(tmp_path / "root",))
    galleries = GalleryService(settings)
    yield galleries
    galleries.close()


@pytest.fixture
def check(galleries, service):
    """Checks uploads, or a folder, with the starter; the check itself is `run.of`."""
    one = Check()

    def run(*files: Path, folder: str = "", synonyms: str = "", told=lambda done, total: None):
        one.uploads = [Upload(path, path.name) for path in files]
        one.start()
        asked = Asked(folder, "auto", synonyms, "en", lambda _: run.taught)
        one.check(galleries, [lambda: service], asked, told)
        return json.loads(one.state()["result"])[0]

    run.of, run.taught = one, ()
    yield run
    one.close()


def test_a_zip_of_class_folders_is_counted_as_the_folder_is(check, service, tmp_path):
    folder = tmp_path / "plain"
    hostile = {"my set/../../../../evil.jpg": EXAMPLES / "cat.jpg", "my set/birds/run.sh": b"rm"}
    for name, path in drawn().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    inside = {f"my set/{name}": path for name, path in drawn().items()}
    answer = check(packed(tmp_path / "set.zip", {**inside, **hostile}), synonyms="food | dish")
    expected = evaluate(service, folder)
    np.testing.assert_array_equal(answer["matrix"], expected.confusion)
    assert answer["top1"]["value"] == expected.top1.value
    assert [one["name"] for one in answer["classes"]] == list(CLASSES)
    assert [one["name"] for one in answer["names_compared"]["all"]] == ["food", "dish"]
    assert not list(tmp_path.rglob("*.sh"))
    own = check.of.own
    assert all(own in path.parents for path in tmp_path.rglob("*evil*"))

    # The report names files from the folder of the upload on.
    report = json.loads(Path(check.of.files[1]).read_text("utf-8"))["evaluations"][0]
    assert str(tmp_path) not in json.dumps(report)
    assert str(tmp_path) not in Path(check.of.files[0]).read_text("utf-8")
    assert {one["file"] for one in report["worst"]} <= {f"my set/{name}" for name in drawn()}
    # A cell holds the photographs that are counted in it, and nobody else's.
    for row, column in np.argwhere(expected.confusion):
        cell = check.of.opened({"model": 0, "label": int(row), "named": int(column)})
        names = [Path(expected.paths[i]).name for i in expected.cell(row, column)]
        assert [name for name, _ in cell["photos"]] == names
    assert check.of.opened({"model": 7, "label": 0, "named": 0}) == {}

    with pytest.raises(StoppedError):
        check(tmp_path / "set.zip", told=stop)
    assert not check.of.state()["result"]


def stop(done: int, total: int) -> None:
    if done:
        raise StoppedError


def test_a_table_names_only_what_was_sent(check, tmp_path):
    outside = EXAMPLES / "rocket.jpg"
    table = tmp_path / "labels.csv"
    rows = ["birds/a.jpg,bird", "b.jpg,food", f"{outside},rocket", "../../../etc/passwd,bird"]
    table.write_text("file,label\n" + "\n".join(rows), "utf-8")
    [bird] = [path for name, path in drawn().items() if name.startswith("birds/")][:1]
    [dish] = [path for name, path in drawn().items() if name.startswith("food/")][:1]
    files = {"birds/a.jpg": bird, "deep/b.jpg": dish}
    answer = check(packed(tmp_path / "set.zip", files), table)
    assert answer["photographs"] == 2
    assert [Path(one["file"]).name for one in answer["failed"]] == ["rocket.jpg", "passwd"]
    assert not list(check.of.own.rglob("rocket*"))


def test_what_was_not_counted_is_told_once_in_both_languages(check, tmp_path):
    inside = {f"my set/{name}": path for name, path in drawn().items()}
    good = packed(tmp_path / "good.zip", {**inside, "my set/birds/broken.jpg": b"no photo"})
    flat = packed(tmp_path / "flat.zip", {"loose.jpg": EXAMPLES / "cat.jpg"})
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04broken")
    answer = check(good, flat, tmp_path / "bad.zip", packed(tmp_path / "empty.zip", {}))
    assert answer["photographs"] == len(drawn())
    assert len(answer["classes"]) == len(CLASSES)
    assert [one["en"] for one in answer["unread"]] == [
        "The archive bad.zip is damaged or was not copied to its end.",
        "The archive empty.zip is empty.",
        "loose.jpg has no label: it is in no class folder, nor in the table.",
        "my set/birds/broken.jpg is not an image this app can read.",
    ]
    assert answer["unread"][1]["zh"] == "压缩包 empty.zip 是空的。"
    report = Path(check.of.files[0]).read_text("utf-8")
    assert all(one["en"] in report for one in answer["unread"])
    with pytest.raises(InputError, match=r"empty\.zip is empty"):
        check(tmp_path / "empty.zip")


def test_folders_are_those_of_the_configured_roots(check, galleries, tmp_path):
    root = tmp_path / "root"
    for topic in CLASSES[:2]:
        (root / topic).mkdir()
        for path in sorted((GALLERY / topic).iterdir())[:2]:
            (root / topic / path.name).write_bytes(path.read_bytes())
    (root / "birds" / "link.jpg").symlink_to(EXAMPLES / "cat.jpg")
    (root / "else").symlink_to(GALLERY / "vehicles")
    answer = check(folder=str(root))
    assert answer["photographs"] == 4
    assert sum(map(sum, answer["matrix"])) == 4
    for folder in (GALLERY, root / "else", root / ".."):
        with pytest.raises(GalleryError):
            check(folder=str(folder))
    with pytest.raises(InputError, match="class folders"):
        check(folder=str(root / "birds"))


@pytest.mark.parametrize("content", [b"PK\x03\x04broken", b"Rar!\x1a\x07\x00 no zip", b""])
def test_what_is_no_zip_is_refused_in_a_sentence(check, tmp_path, content):
    (tmp_path / "set.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"set\.zip"):
        check(tmp_path / "set.zip")
    with pytest.raises(InputError, match="Drop photos"):
        check()


def test_a_zip_that_unpacks_to_too_much_is_refused(check, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 1_000_000)
    bomb = packed(tmp_path / "set.zip", {})
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/a.jpg", b"\xff\xd8\xff\xe0" + bytes(5_000_000))
    with pytest.raises(UploadLimitError):
        check(bomb)
    assert not [path for path in check.of.own.rglob("*") if path.is_file()]


def test_lists_are_offered_for_the_labels_that_were_checked(check, service, tmp_path, monkeypatch):
    photo = next(iter(drawn().values()))
    answers = classify(service, photo, [*CLASSES], "auto")
    assert check.of.listed(service, answers, "auto") is None
    for name, path in drawn().items():
        (tmp_path / "root" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "root" / name).write_bytes(path.read_bytes())
    monkeypatch.setattr("clip_app.tasks.evaluate._FEWEST_FOR_LISTS", 10)
    told = check(folder=str(tmp_path / "root"))["conformal"]
    scores = {one.label: one.score for one in answers.results}
    expected = [name for name in scores if scores[name] >= told["threshold"]]
    assert check.of.listed(service, answers, "auto") == (expected or [answers.results[0].label])
    assert check.of.listed(service, answers, "clip7") is None
    other = classify(service, photo, ["birds", "food"], "auto")
    assert check.of.listed(service, other, "auto") is None
    alone = classify(service, photo, [*CLASSES], "auto", independent=True)
    assert check.of.listed(service, alone, "auto") is None

    # With what was taught, classes of its names are other classes, and so are their lists.
    birds = learn_concept(service, "Birds", sorted((GALLERY / "birds").iterdir())[:3])
    assert check.of.listed(service, answers, "auto", [birds]) is None
    check.taught = (birds, learn_concept(service, "else", [photo]))
    again = check(folder=str(tmp_path / "root"))
    expected = evaluate(service, tmp_path / "root", concepts=[birds])
    np.testing.assert_array_equal(again["matrix"], expected.confusion)
    assert again["conformal"]["threshold"] != told["threshold"]
    assert check.of.listed(service, answers, "auto", [birds])
    assert check.of.listed(service, answers, "auto")


def test_another_model_is_loaded_only_where_there_is_memory_for_it(service, tmp_path, monkeypatch):
    shutil.copytree(STARTER_DIRECTORY, tmp_path / "second", copy_function=os.symlink)
    settings = Settings(model="starter", model_root=tmp_path)
    page = SimpleNamespace(settings=settings, slot=ModelSlot(service, settings))
    [told] = models_besides(page)
    size = sum(path.stat().st_size for path in STARTER_DIRECTORY.iterdir())
    assert (told["name"], told["needs"], told["fits"]) == ("second", megabytes(size), True)
    present, second = models_asked(page, ["second", "/etc", "none"])
    assert present() is service
    assert second().info.public_name == "second"
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=size))
    assert not models_besides(page)[0]["fits"]
    with pytest.raises(ModelError, match="second needs about"):
        second()
    shared = settings.model_copy(update={"share": True})
    assert not models_besides(SimpleNamespace(settings=shared, slot=page.slot))


@browser_test
def test_the_folders_of_a_dropped_folder_are_classes(app, open_at, tmp_path):
    for name, path in drawn().items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "set" / name)
    (tmp_path / "set" / "notes.txt").write_text("These are no labels.")
    page = open_at(app.url, "en-US", {"width": 1280, "height": 900})
    page.locator("#check > button").click()
    drop(page, "#check .up-drop", tmp_path / "set")
    page.locator("#check .sent", has_text=f"({len(drawn()) + 1})").wait_for()
    page.locator("#check-run").click()
    counted = f"Photographs: {len(drawn())}; classes: {len(CLASSES)}; unreadable: 0."
    page.locator("#check .result", has_text=counted).wait_for()
    passed = page.locator("#check .result details", has_text="notes.txt is no table of files")
    assert passed.count() == 1
    # A table in the folder counts, if it tells of the photographs there.
    labels = [f"{name},{'animal' if name.startswith('birds') else 'thing'}" for name in drawn()]
    (tmp_path / "set" / "labels.csv").write_text("\n".join(["file,label", *labels]), "utf-8")
    page.locator("#check .sent button").click()
    page.locator("#check .sent").wait_for(state="hidden")
    drop(page, "#check .up-drop", tmp_path / "set")
    page.locator("#check .sent", has_text=f"({len(drawn()) + 2})").wait_for()
    page.locator("#check-run").click()
    counted = f"Photographs: {len(drawn())}; classes: 2; unreadable: 0."
    page.locator("#check .result", has_text=counted).wait_for()


@browser_test
def test_a_zip_is_checked_a_cell_opened_and_the_report_is_what_is_shown(app, open_at, tmp_path):
    page = open_at(app.url, "en-US", {"width": 1280, "height": 900})
    page.locator("#check > button").click()
    chosen = page.locator("#check input[type=file]")
    (tmp_path / "bad.zip").write_bytes(b"Rar!\x1a\x07\x00 no zip")
    chosen.set_input_files(tmp_path / "bad.zip")
    page.locator("#check .sent", has_text="bad.zip").wait_for()
    page.locator("#check-run").click()
    page.locator("#check .error", has_text="bad.zip").wait_for()
    page.locator("#check .sent button").click()
    page.locator("#check .sent").wait_for(state="hidden")

    odd = {f"<b>&/{name}": path for name, path in drawn().items()}
    odd["<b>&/<i>x/broken.jpg"] = b"no photograph"
    chosen.set_input_files(packed(tmp_path / "set.zip", odd))
    page.locator("#check .sent", has_text="set.zip").wait_for()
    page.locator("#check .compare summary").click()
    page.locator("#check-names").fill("birds | bird")
    page.locator("#check-run").click()
    page.locator("#check .figures").wait_for()
    with page.expect_download() as got:
        page.locator("#check-json").click()
    [told] = json.loads(Path(got.value.path()).read_text("utf-8"))["evaluations"]
    # Of three classes the right one is always among the first five.
    [top1] = page.locator("#check .figures b").all_inner_texts()
    assert top1 == f"{100 * told['top1']['value']:.1f} %"
    assert f"Photographs: {len(drawn())};" in page.locator("#check .result").inner_text()
    assert told["failed"][0]["file"].endswith("broken.jpg")
    shown = page.locator("#check .matrix tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.querySelectorAll('td')]"
        ".map((cell) => Number(cell.textContent)))"
    )
    assert shown == told["confusion"]
    assert page.locator("#check tr.best").count() == 1

    cells = page.locator("#check .matrix button")
    label = told["classes"][0]["name"]
    cells.first.click()
    heading = f"{label}: {told['confusion'][0][0]} right"
    page.locator("#check .cell h5", has_text=heading).wait_for()
    pictures = page.locator("#check .cell img")
    assert pictures.count() == told["confusion"][0][0]
    page.wait_for_function(
        "[...document.querySelectorAll('#check .cell img')].every((one) => one.naturalWidth)"
    )
    page.get_by_label("中文").check()
    page.locator("#check .result h4", has_text="混淆矩阵").wait_for()
    assert re.search(
        r"照片 \d+ 张，类别 \d 个；1 张无法读取。", page.locator("#check").inner_text()
    )
    with page.expect_download() as got:
        page.locator("#check-html").click()
    report = Path(got.value.path()).read_text("utf-8")
    assert f"{100 * told['top1']['value']:.1f} %" in report
    assert "<i>x" not in report
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
