"""First starts with a hub, as a person has them: the download shown, broken off, gone on with; the
model taking over, its towers exported behind it; and the next start, which needs no hub.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from tests.app_with_small_default import PRESET
from tests.conftest import EXAMPLES, ROOT, App, wait_for
from tests.hub_stand_in import WEIGHTS, Fault, Hub, served
from tests.small_models import ARCHITECTURES, publish

pytestmark = pytest.mark.slow

CAT = str(EXAMPLES / "cat.jpg")
LABELS = "cat, dog, 一只猫"


class Place:
    """A hub with small models, and a home in which nothing has been downloaded yet."""

    def __init__(self, hub: Hub, home: Path) -> None:
        self.hub = hub
        self.cache = home / "cache"
        self.index = home / "index"
        self.env = {name: value for name, value in os.environ.items() if name[:3] != "HF_"} | {
            "CLIP_APP_CACHE_DIR": str(self.cache),
            "CLIP_APP_DEVICE": "cpu",
            "CLIP_APP_EXPORT": "true",
            "CLIP_APP_INDEX_DIR": str(self.index),
            "CLIP_APP_MODEL": "auto",
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(home / "hub"),
            "LANG": "C.UTF-8",
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "clip_app", *arguments]
        return subprocess.run(whole, cwd=ROOT, env=self.env, capture_output=True, text=True)

    def exported(self) -> int:
        """How many models the next process would find exported."""
        sources = self.cache / "towers" / "sources"
        return sum(path.suffix == "" for path in sources.glob("*"))


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    for architecture in ARCHITECTURES:
        publish(architecture, root, f"tiny/{architecture}")
    publish("xlm-roberta", root, PRESET.hub, PRESET.tokenizer)
    return root


@pytest.fixture(scope="module")
def place(
    repositories: Path, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path
) -> Iterator[Place]:
    with served(repositories) as hub:
        hub.names_absent = True
        yield Place(hub, tmp_path_factory.mktemp("home"))


class FirstApp(App):
    """The app whose default preset is a small model."""

    def __init__(self, place: Place, *flags: str) -> None:
        super().__init__(*flags, env=place.env, program="-mtests.app_with_small_default")
        self.client = Client(self.url, verbose=False, download_files=False)

    def classify(self) -> dict[str, Any]:
        answer = self.client.predict(handle_file(CAT), LABELS, api_name="/classify")
        assert isinstance(answer, dict)
        return answer


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The same answer of two engines, which is not that all labels are alike."""
    first, second = ({hit["label"]: hit for hit in answer["results"]} for answer in (one, other))
    assert list(first) == list(second)
    for key in ("score", "similarity"):
        expected = [hit[key] for hit in first.values()]
        assert [hit[key] for hit in second.values()] == pytest.approx(expected, abs=1e-4)
        assert max(expected) - min(expected) > 1e-2


def ask(place: Place, architecture: str) -> tuple[dict[str, Any], str]:
    """What `classify` answers by a model of the hub, and what it tells."""
    named = ("--model", f"hf-hub:tiny/{architecture}", "--json")
    done = place.command("classify", CAT, "--labels", LABELS, *named)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def first_answers(place: Place) -> dict[str, dict[str, Any]]:
    """What each architecture answers at its first start; the exports go on behind."""
    answers = {}
    for architecture in ARCHITECTURES:
        answers[architecture], told = ask(place, architecture)
        assert f"Downloading hf-hub:tiny/{architecture}" in told
        assert "(torch, float32)" in told
    return answers


@pytest.mark.usefixtures("first_answers")  # whose exports take their time meanwhile
def test_the_page_shows_a_download_goes_on_with_it_and_hands_over_twice(place, open_at, tmp_path):
    photos = tmp_path / "photos"
    shutil.copytree(EXAMPLES, photos, ignore=shutil.ignore_patterns("*.md"))
    flags = ("--gallery-roots", str(photos))

    # The first start is ended in the middle of the download.
    before = len(place.hub.starts(WEIGHTS))
    # The page is opened meanwhile, which may take long, and must not be the end of it.
    place.hub.faults[WEIGHTS] = slow = Fault("slow", after=2_000)
    app = FirstApp(place, *flags)
    try:
        assert app.classify()["model"] == "starter"
        page = open_at(app.url, "en-US", {"width": 1280, "height": 800})
        line = page.locator("#model-line")

        def shown(pattern: str) -> str:
            return wait_for(lambda: re.search(pattern, line.inner_text()))[1]

        slow.after = 20_000
        left = r"0\.\d MB/s, \d+ (?:s|min) left\. The starter model answers"
        megabytes = int(shown(rf"{PRESET.key}, (\d) of 6 MB, {left}"))
        shown(rf"{PRESET.key}, ({megabytes + 1}) of 6 MB, {left}")
        slow.after = 2_000
        page.get_by_text("中文", exact=True).click()
        shown(rf"正在下载 {PRESET.key}，(\d) / 6 MB，0\.\d MB/s，还需")
    finally:
        app.stop()
    place.hub.faults.clear()

    # The second goes on, hands over to torch, and from it to the exported towers.
    app = FirstApp(place, *flags)
    try:
        app.told(rf"Model {PRESET.key} ready on cpu \(torch", 600)
        first, again = place.hub.starts(WEIGHTS)[before:]
        assert first == 0
        assert 100_000 < again < 6_000_000
        by_torch = wait_for(lambda: (one := app.classify())["model"] == PRESET.key and one, 600)
        indexed = place.command(
            "index", str(photos), "--model", f"hf-hub:{PRESET.hub}", "--engine", "torch"
        )
        assert indexed.returncode == 0, indexed.stderr
        app.told(rf"{PRESET.key} answers from ONNX Runtime now", 600)
        assert_same(by_torch, app.classify())
        found = app.client.predict("a cat", None, "", 3, True, api_name="/search")
        assert found["model"] == PRESET.key
        assert len(found["results"]) == 3
    finally:
        app.stop()

    # The third needs neither the hub nor torch.
    asked = len(place.hub.asked)
    place.hub.faults[""] = Fault("status", status=503)
    app = FirstApp(place, *flags)
    try:
        app.told(rf"Model {PRESET.key} ready on cpu \(onnx")
        assert_same(by_torch, app.classify())
        assert app.client.predict("a cat", None, "", 3, True, api_name="/search") == found
    finally:
        app.stop()
        place.hub.faults.clear()
    assert len(place.hub.asked) == asked


def test_each_architecture_answers_alike_from_its_export_and_without_the_hub(place, first_answers):
    wait_for(lambda: place.exported() == len(ARCHITECTURES) + 1, 600)  # and the page's
    place.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    for architecture, first in first_answers.items():
        answer, told = ask(place, architecture)
        assert "(onnx, float32)" in told
        assert "Downloading" not in told
        assert_same(first, answer)
