"""`clip-app space`: the folder that it writes starts and answers, with a lent GPU too."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement

from clip_app.model.catalog import DEFAULT_PRESET, PRESETS
from clip_app.strings import text
from clip_app.terminal import main
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, ROOT, App
from tests.hub_stand_in import served

SPENT = "Hugging Face lends.*You have exceeded your free ZeroGPU quota. Try again in 0:10:00.$"


def written(folder: Path, *flags: str) -> Path:
    assert main(["space", str(folder), *flags]) == 0
    return folder


def pins(folder: Path) -> dict[str, str]:
    lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    needed = [Requirement(line) for line in lines if not line.startswith("--")]
    return {one.name: str(one.specifier) for one in needed}


def test_a_cpu_space_has_what_it_needs_and_no_more(tmp_path, capsys):
    folder = written(tmp_path / "out", "--hardware", "cpu", "--model", "starter")
    told = capsys.readouterr().out
    assert "--flavor cpu-basic" in told
    assert f"hf upload OWNER/NAME {folder} . --type space" in told
    names = {one.name for one in folder.iterdir()}
    assert names == {
        *("README.md", "LICENSE", ".gitattributes", "requirements.txt", "app.py", "space.py"),
        *("assets", "clip_app"),
    }
    made = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    assert "assets/gallery/examples/space/earth.jpg" in made
    assert not [one for one in made if re.search(r"screenshots|__pycache__|\.pyi$", one)]
    card = SpaceCard((folder / "README.md").read_text("utf-8")).data
    ours = SpaceCard((ROOT / "README.md").read_text("utf-8")).data
    assert (card.sdk, card.app_file, card.python_version) == ("gradio", "space.py", "3.12.12")
    assert card.sdk_version == ours.sdk_version
    assert card["suggested_hardware"] == "cpu-basic"
    needed = pins(folder)
    assert needed["gradio"] == f"=={card.sdk_version}"
    assert "torch" not in needed, "the starter runs without"
    assert all(one.startswith("==") for one in needed.values())


def test_large_and_binary_files_are_marked_for_the_hub(tmp_path):
    folder = written(tmp_path / "out", "--model", "starter")
    marked = re.findall(r"^\*(\.\w+) filter=lfs", (folder / ".gitattributes").read_text(), re.M)
    for one in folder.rglob("*"):
        if one.is_file() and b"\0" in one.read_bytes()[:8_000]:
            assert one.suffix in marked, one


def test_zero_gpu_has_versions_of_its_list_and_no_suggested_hardware(tmp_path):
    folder = written(tmp_path / "out", "--model", "starter")
    needed = pins(folder)
    assert (needed["torch"], needed["torchvision"]) == ("==2.11.0", "==0.26.0")
    assert needed["transformers"].startswith("==5.")
    assert "suggested_hardware" not in (folder / "README.md").read_text("utf-8")


def test_a_folder_in_use_is_left_as_it_is(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["space", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path} is there already and not empty; please name another folder for the Space.\n"
    )
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]
    assert main(["space", str(tmp_path / "mine.txt")]) == 2
    assert "mine.txt is there already; nothing is written over it." in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("bucket", ["relative", "x y", "/x y", "/", "", "/../data", "/a//b"])
def test_a_bucket_is_mounted_at_a_plain_absolute_path(tmp_path, capsys, bucket):
    assert main(["space", str(tmp_path / "out"), "--bucket", bucket]) == 2
    assert f'such as /data, not at "{bucket}".' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_models_that_cannot_go_there_say_so(tmp_path, capsys):
    weights = tmp_path / "mine.safetensors"
    weights.touch()
    assert main(["space", str(tmp_path / "out"), "--model", f"ViT-B-32:{weights}"]) == 2
    assert "weights file on this machine" in capsys.readouterr().err
    towers = tmp_path / "towers"
    towers.mkdir()
    (towers / "towers.json").write_text("{}")
    assert main(["space", str(tmp_path / "out"), "--model", str(towers)]) == 2
    assert "--hardware cpu" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    folder = written(tmp_path / "out", "--hardware", "cpu", "--model", str(towers))
    assert (folder / "models" / "towers" / "towers.json").exists()
    assert "\"models\", 'towers'" in (folder / "space.py").read_text("utf-8")
    # Inside of what it copies, it does not copy itself.
    inside = written(towers / "out", "--hardware", "cpu", "--model", str(towers))
    assert [one.name for one in (inside / "models" / "towers").iterdir()] == ["towers.json"]


def test_what_cannot_be_copied_is_one_sentence_and_leaves_the_folder_empty(tmp_path, capsys):
    model = tmp_path / "model"
    model.mkdir()
    (model / "towers.json").write_text("{}")
    for name in ("a", "b"):
        (model / name).symlink_to("nowhere")
    out = tmp_path / "out"
    out.mkdir()
    assert main(["space", str(out), "--hardware", "cpu", "--model", str(model)]) == 2
    said = capsys.readouterr().err
    assert said == f"The Space cannot be written to {out}: No such file or directory.\n"
    assert list(out.iterdir()) == []


def test_a_mounted_bucket_is_what_is_searched_and_keeps_the_indexes(tmp_path, monkeypatch):
    bucket = tmp_path / "bucket"
    folder = written(tmp_path / "out", "--model", "starter", "--bucket", str(bucket))
    entry = (folder / "space.py").read_text("utf-8").partition("from app import")[0]

    def started() -> dict[str, str]:
        with monkeypatch.context() as patch:
            for name in ("CLIP_APP_INDEX_DIR", "GRADIO_TEMP_DIR", "CLIP_APP_GALLERY_ROOTS"):
                patch.setenv(name, "")
                patch.delenv(name)
            patch.setenv("CLIP_APP_MODEL", "mine")
            exec(compile(entry, "space.py", "exec"), {"__file__": str(folder / "space.py")})
            return dict(os.environ)

    assert "CLIP_APP_GALLERY_ROOTS" not in started()
    bucket.mkdir()
    environment = started()
    assert environment["CLIP_APP_MODEL"] == "mine", "what the Space's settings say wins"
    assert environment["CLIP_APP_GALLERY_ROOTS"] == str(bucket)
    assert Path(environment["CLIP_APP_INDEX_DIR"]).parent == bucket
    assert bucket not in Path(environment["GRADIO_TEMP_DIR"]).parents


def test_the_files_of_a_model_are_preloaded_where_a_hub_says_which(tmp_path, monkeypatch, capsys):
    preset = PRESETS[DEFAULT_PRESET]
    for name in (f"{preset.hub}/open_clip_pytorch_model.bin", f"{preset.tokenizer}/config.json"):
        path = tmp_path / "hub" / name
        path.parent.mkdir(parents=True)
        path.touch()
    (path.parent / "sentencepiece.bpe.model").touch()
    with served(tmp_path / "hub") as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        card = SpaceCard((written(tmp_path / "one") / "README.md").read_text("utf-8")).data
        assert "preload_from_hub" not in card
        assert "downloads them whenever it starts" in capsys.readouterr().err, "one is missing"
        (path.parent / "tokenizer.json").touch()
        card = SpaceCard((written(tmp_path / "two") / "README.md").read_text("utf-8")).data
    assert card["preload_from_hub"] == [
        f"{preset.hub} open_clip_pytorch_model.bin",
        f"{preset.tokenizer} config.json,tokenizer.json",
    ]
    assert card.models == [preset.hub, preset.tokenizer]
    assert capsys.readouterr().err == ""


def test_with_a_lent_gpu_the_model_is_there_at_start_and_runs_inside_only(tmp_path):
    """By a stand-in of `spaces`: outside of lent functions the model has no numbers."""
    folder = written(tmp_path / "out", "--model", "starter")
    log = tmp_path / "log"
    env = {"SPACES_ZERO_GPU": "true", "SPACES_STAND_IN_LOG": str(log), "CLIP_APP_PORT": "0"}
    env |= {"PYTHONPATH": str(ROOT / "tests" / "zero_gpu"), "CLIP_APP_DEVICE": "auto"}
    running = App(program=str(folder / "space.py"), env=env)

    def asked(token: str, labels: str) -> dict[str, Any]:
        client = Client(running.url, verbose=False, headers={"X-IP-Token": token})
        return client.predict(handle_file(EXAMPLES / "cat.jpg"), labels, api_name="/classify")

    try:
        answer = asked("", "cat, rocket")
        assert answer["results"][0]["label"] == "cat"
        # One visitor's queue and quota are no other's. No label here is a background word.
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(asked, "waiting", "cat, paper dragon")
            try:
                with pytest.raises(AppError, match=SPENT):
                    pool.submit(asked, "spent", "cat, glass boat").result(PATIENCE_SECONDS)
                answer = pool.submit(asked, "", "cat, salt lake").result(PATIENCE_SECONDS)
                assert answer["results"][0]["label"] == "cat"
                assert not waiting.done()
            finally:
                (tmp_path / "log.go").touch()
            assert waiting.result(PATIENCE_SECONDS)["results"][0]["label"] == "cat"
        client = Client(running.url, verbose=False)
        assert client.predict(api_name="/health")["device"] == "cuda (stand-in)"
    finally:
        running.stop()
    noted = [json.loads(line) for line in log.read_text().splitlines()]
    assert [one["what"] for one in noted[:2]] == ["placed", "served"]
    assert noted[0]["tensors"] > 100
    assert len(noted[1]["functions"]) == 1, "each would have a process with the weights of its own"
    assert all(one["visitor"] and one["seconds"] == 5 for one in noted[2:])


def test_a_lent_gpu_without_memory_is_told_as_any(tmp_path, monkeypatch):
    """What is raised in its process arrives as our error, in both languages."""
    monkeypatch.setenv("SPACES_STAND_IN_LOG", str(tmp_path / "log"))
    code = """
import spaces
from clip_app.errors import ClipAppError, ModelError
from clip_app.model.lent_gpu import lent
def fails(kind):
    raise ModelError("space_bucket", bucket="/x") if kind else ValueError("secret")
for kind in (1, 0):
    try:
        lent(fails)(kind)
    except ModelError as error:
        print(error.message("zh"))
"""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'zero_gpu'}"}
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert told.stdout.splitlines() == [
        text("space_bucket", "zh", bucket="/x"),
        text("gpu_not_lent", "zh", reason="ValueError"),
    ], told.stderr
