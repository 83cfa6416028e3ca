"""The application without torch: `make run LIGHT=1`, in an environment made for the test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from tests.conftest import EXAMPLES, ROOT, App

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment, set up as the README says."""
    venv = tmp_path_factory.mktemp("light") / "venv"
    make = ["make", "setup", "LIGHT=1", f"PYTHON={sys.executable}", f"VENV={venv}"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return venv / "bin" / "python"


def command(
    python: Path, *arguments: str, index: Path | None = None
) -> subprocess.CompletedProcess:
    env = {**os.environ, "CLIP_APP_INDEX_DIR": str(index or "")} if index else {**os.environ}
    whole = [str(python), "-m", "clip_app", *arguments]
    return subprocess.run(whole, cwd=ROOT, env=env, capture_output=True, text=True)


def test_it_lists_only_what_the_whole_set_up_has_too():
    def entries(name: str) -> set[str]:
        lines = (ROOT / name).read_text("utf-8").splitlines()
        return {line for line in lines if line and not line.startswith("#")}

    assert entries("requirements-light.txt") < entries("requirements.txt")


def test_there_is_no_torch_and_the_terminal_answers_all_the_same(light, service, tmp_path):
    missing = subprocess.run([light, "-c", "import torch"], capture_output=True, text=True)
    assert "No module named 'torch'" in missing.stderr
    cat = str(EXAMPLES / "cat.jpg")
    done = command(light, "classify", cat, "--labels", "cat, dog, 火箭", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["model"] == "starter"
    best = answer["results"][0]
    here = command(Path(sys.executable), "classify", cat, "--labels", "cat, dog, 火箭", "--json")
    assert best == pytest.approx(json.loads(here.stdout)["results"][0], abs=1e-4)
    done = command(
        light, "match", cat, "--descriptions", "火箭", "--descriptions", "一只猫", "--json"
    )
    assert json.loads(done.stdout)["results"][0]["text"] == "一只猫"
    assert command(light, "index", str(EXAMPLES), index=tmp_path).returncode == 0
    done = command(light, "search", "--text", "a rocket", "--json", index=tmp_path)
    assert Path(json.loads(done.stdout)["results"][0]["path"]).name == "rocket.jpg"


@pytest.mark.parametrize("model", ["vit-b-32-openai", "ViT-B-32:openai", "hf-hub:laion/anything"])
def test_other_models_say_what_to_install(light, model):
    done = command(
        light, "classify", str(EXAMPLES / "cat.jpg"), "--labels", "a, b", "--model", model
    )
    assert done.returncode == 2
    assert "needs torch" in done.stderr
    assert "requirements.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_8_bits_and_torch_say_what_is_missing(light, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIP_APP_CACHE_DIR", str(tmp_path))  # 8 bits made elsewhere would serve
    cat = str(EXAMPLES / "cat.jpg")
    for flags, missing in ((("--precision", "int8"), "onnx"), (("--engine", "torch"), "torch")):
        done = command(light, "classify", cat, "--labels", "a, b", *flags)
        assert done.returncode == 2
        assert missing in done.stderr
        assert "Traceback" not in done.stderr


def test_the_page_answers(light):
    app = App(python=str(light), env={"CLIP_APP_MODEL": "auto", "HF_HUB_OFFLINE": "1"})
    try:
        client = Client(app.url, verbose=False)
        answer = client.predict(
            handle_file(EXAMPLES / "flower.jpg"), "flower, cat, coffee", api_name="/classify"
        )
        assert answer["results"][0]["label"] == "flower"
    finally:
        app.stop()
