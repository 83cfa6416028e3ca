"""A model in 8 bits: made on first use, whole or not at all, and kept apart from float32."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clip_app.errors import GalleryError, ModelError
from clip_app.gallery.gallery import open_gallery
from clip_app.model import quantise
from clip_app.model.catalog import find_model
from clip_app.model.exporting import towers_root
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.model.towers import find_int8_towers, find_towers, remove_towers
from clip_app.settings import ASSETS, Settings
from clip_app.ui.tabs.model import model_table
from tests.conftest import EXAMPLES, ROOT
from tests.small_models import write_model

pytestmark = pytest.mark.slow

STARTER = find_model("starter")
FLOAT32 = find_towers(STARTER, Path())


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """Settings with a cache of the test's own."""
    return Settings(
        model="starter", device="cpu", precision="int8", cache_dir=tmp_path / "cache", export=False
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose cache has the starter in 8 bits."""
    cache = tmp_path_factory.mktemp("cache")
    return Settings(model="starter", device="cpu", precision="int8", cache_dir=cache)


@pytest.fixture(scope="module")
def int8(shared: Settings) -> ModelService:
    return load_model(shared)


def files_below(root: Path) -> list[str]:
    """What lies there, but for locks."""
    found = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(str(path.relative_to(root)) for path in found)


def command(*arguments: str, shell: str = "") -> list[str]:
    program = [sys.executable, "-m", "clip_app", *arguments]
    return ["bash", "-c", f'{shell}; exec "$@"', "-", *program] if shell else program


def environment(settings: Settings, language: str = "C.UTF-8") -> dict[str, str]:
    return {**os.environ, "CLIP_APP_CACHE_DIR": str(settings.cache_dir), "LC_ALL": language}


CLASSIFY = (
    "classify",
    "assets/examples/cat.jpg",
    "--labels",
    "cat, dog, car",
    "--model",
    "starter",
)


def test_the_first_use_makes_it_and_the_next_finds_it(own, caplog):
    caplog.set_level(logging.INFO)
    first = load_model(own)
    assert (first.info.engine, first.info.precision) == ("onnx", "int8")
    told = [line for line in caplog.messages if "int8" in line and "cosine" in line]
    assert len(told) == 1
    towers = find_int8_towers(FLOAT32, towers_root(own))
    assert towers.folder.name == f"{FLOAT32.spec.fingerprint}-int8"
    assert f"{towers.int8['texts']:.4f} for texts" in told[0]
    assert 0.98 <= towers.int8["texts"] < 0.9999
    assert towers.int8["images"] == pytest.approx(1)
    assert sum("convolutions" in line for line in caplog.messages) == 1
    caplog.clear()
    assert load_model(own).info.fingerprint == first.info.fingerprint
    assert not [line for line in caplog.messages if "cosine" in line or "convolutions" in line]


def test_nothing_is_written_into_the_assets_and_convolutions_are_not_copied(int8, shared):
    assert not list(ASSETS.rglob("*int8*"))
    (folder,) = towers_root(shared).glob("*-int8")
    assert {path.name for path in folder.iterdir()} == {
        *("image.onnx", "open_clip_model.safetensors", "tokens.json", "towers.json"),
        *("text.int8.onnx", "text.int8.onnx.data"),
    }
    embeddings = 21_066 * 384 * 4  # which stay in float32
    weights = 10_862_592  # of the matrix products, a byte each
    size = (folder / "text.int8.onnx.data").stat().st_size
    assert size == pytest.approx(embeddings + weights, rel=0.01)


def test_a_damaged_file_is_made_again(own):
    made = load_model(own).info
    towers = find_int8_towers(FLOAT32, towers_root(own))
    data = towers.folder / "text.int8.onnx.data"
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    assert find_int8_towers(FLOAT32, towers_root(own)) is None
    assert load_model(own).info.fingerprint == made.fingerprint
    assert data.read_bytes() == whole


def test_what_answers_too_differently_is_refused_and_not_kept(own, monkeypatch):
    monkeypatch.setattr(quantise, "_LEAST_COSINE", 0.9999)
    with pytest.raises(ModelError) as refused:
        load_model(own)
    assert refused.value.key == "int8_differs"
    assert "0.98" in refused.value.message("zh")
    assert files_below(own.cache_dir) == []


def test_a_full_disk_leaves_nothing_and_is_told(own):
    limited = command(*CLASSIFY, "--precision", "int8", shell="ulimit -f 20000")  # of 1 KB
    done = subprocess.run(
        limited, cwd=ROOT, env=environment(own), capture_output=True, text=True, timeout=300
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "int8" in done.stderr or "saved" in done.stderr
    assert files_below(towers_root(own)) == []
    assert load_model(own).info.precision == "int8"


def test_two_processes_make_it_once(own):
    whole = command(*CLASSIFY, "--precision", "int8", "--json")
    both = [
        subprocess.Popen(
            whole, cwd=ROOT, env=environment(own), stdout=-1, stderr=-1, text=True, encoding="utf-8"
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("mean cosine" in errors for _, errors in told) == 1
    assert len({answer for answer, _ in told}) == 1
    assert not list(towers_root(own).glob("unfinished/*"))


@pytest.mark.parametrize(
    ("device", "engine"), [("cpu", "torch"), ("cuda", "auto"), ("mps", "onnx")]
)
def test_it_is_for_cpus_on_onnx_runtime(own, device, engine):
    with pytest.raises(ModelError) as refused:
        load_model(own.model_copy(update={"device": device, "engine": engine}))
    assert refused.value.key == "int8_cpu_only"


def test_a_model_without_towers_is_exported_first(own, tmp_path):
    folder = write_model("clip", tmp_path / "model")
    service = load_model(own.model_copy(update={"model": str(folder)}))
    assert service.info.precision == "int8"
    root = towers_root(own)
    towers = find_towers(find_model(str(folder)), root)
    assert find_int8_towers(towers, root).spec.fingerprint == service.info.fingerprint
    assert remove_towers(root, find_model(str(folder))) > 1_000_000
    assert files_below(root) == []


def test_a_folder_of_8_bits_runs_wherever_it_is_copied(int8, shared, tmp_path):
    (folder,) = towers_root(shared).glob("*-int8")
    copied = load_model(str(folder), device="cpu", cache_dir=tmp_path)
    assert copied.info.precision == "int8"
    assert copied.info.fingerprint == int8.info.fingerprint
    np.testing.assert_array_equal(copied.encode_texts(["猫"]), int8.encode_texts(["猫"]))


def test_its_index_is_its_own(int8, service, tmp_path):
    index = tmp_path / "index"
    open_gallery(EXAMPLES, service, index_dir=index).index()
    with pytest.raises(GalleryError):
        open_gallery(EXAMPLES, int8, index_dir=index).search("a cat")
    gallery = open_gallery(EXAMPLES, int8, index_dir=index)
    gallery.index()
    assert Path(gallery.search("a cat").hits[0].path).name == "cat.jpg"
    assert len(list(index.glob("*/*/index.sqlite"))) == 2


def test_its_features_on_disk_are_its_own(int8, shared):
    words = tuple(f"word {number}" for number in range(80))
    plain = load_model(shared.model_copy(update={"precision": "float32"}))
    first = plain.encode_labels(words, ("{}",))
    quantised = int8.encode_labels(words, ("{}",))
    assert np.abs(first - quantised).max() > 1e-3
    np.testing.assert_array_equal(load_model(shared).encode_labels(words, ("{}",)), quantised)


@pytest.mark.parametrize(
    ("language", "sentence"), [("C.UTF-8", "mean cosine"), ("zh_CN.UTF-8", "余弦")]
)
def test_the_command_takes_it_and_removes_it(own, language, sentence):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = environment(own, language)
        return subprocess.run(
            command(*arguments), cwd=ROOT, env=env, capture_output=True, encoding="utf-8"
        )

    done = run(*CLASSIFY, "--precision", "int8", "--json")
    assert done.returncode == 0, done.stderr
    assert sentence in done.stderr
    assert "int8" in done.stderr
    assert json.loads(done.stdout.splitlines()[0])["results"][0]["label"] == "cat"
    removed = run("export", "starter", "--remove", "--json")
    assert json.loads(removed.stdout)["bytes"] > 40_000_000
    assert find_int8_towers(FLOAT32, towers_root(own)) is None


def test_the_page_shows_it(int8):
    assert "int8" in model_table(int8, "en")
    assert "int8" in model_table(int8, "zh")
