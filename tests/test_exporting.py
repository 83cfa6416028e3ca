"""Exports that are killed, that fill the disk, that meet; and who answers meanwhile."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from filelock import FileLock

from clip_app.errors import ModelError
from clip_app.model import exporting
from clip_app.model.catalog import ModelSource, find_model
from clip_app.model.exporting import export_below, export_now, start_export, towers_root
from clip_app.model.slot import ModelSlot, load_model
from clip_app.model.towers import NotExportedError, find_towers, lock_file, remove_towers
from clip_app.settings import Settings
from tests.conftest import ROOT, noise, wait_for
from tests.small_models import WEIGHTS, write_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model("clip", tmp_path_factory.mktemp("model"))


@pytest.fixture
def source(folder: Path) -> ModelSource:
    return find_model(str(folder))


@pytest.fixture
def own(tmp_path: Path, folder: Path) -> Settings:
    """Settings with a cache of the test's own."""
    return Settings(model=str(folder), device="cpu", cache_dir=tmp_path / "cache", export=True)


@pytest.fixture(scope="module")
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the model is exported, as somebody has asked for ONNX Runtime."""
    cache = tmp_path_factory.mktemp("cache")
    asked = Settings(model=str(folder), device="cpu", engine="onnx", export=False, cache_dir=cache)
    assert load_model(asked).info.engine == "onnx"
    return cache


def files_below(root: Path) -> list[str]:
    """What lies there, but for locks."""
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    )


def test_the_next_process_answers_from_the_towers_of_the_first(source, own, exported):
    settings = own.model_copy(update={"cache_dir": exported})
    towers = find_towers(source, towers_root(settings))
    assert towers is not None
    assert towers.folder.name == towers.spec.fingerprint
    fast, plain = load_model(settings), load_model(settings.model_copy(update={"engine": "torch"}))
    assert (fast.info.engine, plain.info.engine) == ("onnx", "torch")
    assert fast.info.fingerprint == plain.info.fingerprint
    np.testing.assert_allclose(
        fast.encode_images([noise(1)]), plain.encode_images([noise(1)]), atol=1e-4
    )


def test_whoever_asks_for_onnx_runtime_and_cannot_get_it_hears_why(own, monkeypatch):
    asked = own.model_copy(update={"engine": "onnx", "export": False})
    monkeypatch.setattr(exporting, "why_not", lambda *_: "no room")
    with pytest.raises(ModelError, match="no room"):
        load_model(asked)


def start_arguments(source: ModelSource, settings: Settings) -> list[str]:
    """The command line of `start_export`, taken from the process itself."""
    export = start_export(source, settings)
    export.kill()
    export.wait()
    shutil.rmtree(towers_root(settings), ignore_errors=True)
    towers_root(settings).mkdir(parents=True)
    return [str(one) for one in export.args]


def test_one_that_fills_the_disk_and_one_that_is_killed_leave_nothing_that_counts(source, own):
    root = towers_root(own)
    root.mkdir(parents=True)
    arguments = start_arguments(source, own)
    limited = ["bash", "-c", 'ulimit -f 200; exec "$@"', "-", *arguments]  # of 1 KB each
    done = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr
    assert files_below(root) == []

    export = start_export(source, own)
    wait_for(lambda: list(root.glob("unfinished/*/*.onnx")), 600)
    os.killpg(export.pid, signal.SIGKILL)
    export.wait()
    assert files_below(root), "it was killed before it wrote anything"
    assert find_towers(source, root) is None
    assert load_model(own.model_copy(update={"export": False})).info.engine == "torch"

    towers = export_below(source, root)
    assert find_towers(source, root) == towers
    assert not list(root.glob("unfinished/*"))


def test_too_little_disk_or_memory_is_seen_before(source, own, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(ModelError, match="disk"):
        export_now(source, own)
    monkeypatch.undo()
    memory = exporting.psutil.virtual_memory()
    scarce = memory._replace(available=900_000_000)
    monkeypatch.setattr(exporting.psutil, "virtual_memory", lambda: scarce)
    with pytest.raises(ModelError, match="memory"):
        export_now(source, own)
    assert not towers_root(own).exists() or files_below(towers_root(own)) == []


@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_damaged_towers_are_made_again(damage, source, own, exported, caplog):
    shutil.copytree(exported, own.cache_dir)
    root = towers_root(own)
    towers = find_towers(source, root)
    weights = towers.folder / "image.onnx.data"
    whole = weights.read_bytes()
    if damage == "gone":
        weights.unlink()
    else:
        half = len(whole) // 2
        weights.write_bytes(whole[:half] + (b"" if damage == "cut" else bytes(len(whole) - half)))
    service = load_model(own.model_copy(update={"export": False}))
    assert service.info.engine == "torch"
    assert "made again" in caplog.text
    assert not towers.folder.exists()
    if damage == "cut":
        assert export_below(source, root).spec == towers.spec


def test_two_processes_export_once_and_wait_for_each_other_without_torch(source, own):
    root = towers_root(own)
    lock = lock_file(source, root)
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        exports = [start_export(source, own) for _ in range(2)]
        for waiting in [psutil.Process(export.pid) for export in exports]:
            # Until all is imported, for which it may have to wait for a core.
            while waiting.cpu_percent(1) > 20 or waiting.status() == psutil.STATUS_RUNNING:
                pass
            assert not [one.path for one in waiting.memory_maps() if "torch" in one.path]
    assert [export.wait(600) for export in exports] == [0, 0]
    assert len(list(root.glob("*/towers.json"))) == 1
    assert not list(root.glob("unfinished/*"))


def test_other_weights_are_another_model(source, own, exported, folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    write_model("clip", other, seed=1)
    root = towers_root(own.model_copy(update={"cache_dir": exported}))
    assert find_towers(find_model(str(folder)), root) is not None
    assert find_towers(find_model(str(other)), root) is None
    assert (other / WEIGHTS).stat().st_size == (folder / WEIGHTS).stat().st_size


def test_towers_take_over_while_torch_answers(own):
    slot = ModelSlot(load_model(own.model_copy(update={"export": False})), own)
    first = slot.service
    assert first.info.engine == "torch"
    before = first.encode_images([noise(2)])
    deadline = time.monotonic() + 600
    while slot.service is first and time.monotonic() < deadline:
        np.testing.assert_allclose(slot.service.encode_images([noise(2)]), before, atol=1e-4)
        time.sleep(0.2)
    assert slot.service.info.engine == "onnx"
    assert slot.service.info.fingerprint == first.info.fingerprint
    np.testing.assert_allclose(slot.service.encode_images([noise(2)]), before, atol=1e-4)


def test_a_model_that_answers_otherwise_stays_on_torch(source, own, monkeypatch, tmp_path):
    """By towers whose weights are disturbed after they were written."""
    from clip_app.model import export

    write = export._write_tower

    def disturbed(tower: Any, example: Any, dynamic: Any, path: Path, weights: Any) -> None:
        write(tower, example, dynamic, path, weights)
        data = path.with_name(f"{path.name}.data")
        numbers = np.fromfile(data, np.float32)
        numbers[::2] *= 1.1
        numbers.tofile(data)

    monkeypatch.setattr(export, "_write_tower", disturbed)
    with pytest.raises(NotExportedError, match="differ"):
        export_below(source, tmp_path)
    assert files_below(tmp_path) == []
    assert find_towers(source, tmp_path) is None


def test_the_command_exports_copies_and_removes(source, own, folder, tmp_path):
    env = {**os.environ, "CLIP_APP_CACHE_DIR": str(own.cache_dir), "LANG": "C.UTF-8"}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        whole = [sys.executable, "-m", "clip_app", *arguments]
        return subprocess.run(whole, cwd=ROOT, env=env, capture_output=True, text=True)

    out = tmp_path / "copied"
    done = command("export", str(folder), "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(out)
    answer = command(
        "classify", "assets/examples/cat.jpg", "--labels", "cat, dog", "--json", "--model", str(out)
    )
    assert answer.returncode == 0, answer.stderr
    plain = load_model(own.model_copy(update={"engine": "torch", "export": False}))
    assert "onnx" in answer.stderr
    assert plain.info.engine == "torch"
    again = command("export", str(folder), "--out", str(out))
    assert again.returncode == 2
    assert "not empty" in again.stderr
    removed = command("export", str(folder), "--remove", "--json")
    assert json.loads(removed.stdout)["bytes"] > 100_000
    assert find_towers(source, towers_root(own)) is None
    assert remove_towers(towers_root(own), source) == 0
    assert command("export").returncode == 2
