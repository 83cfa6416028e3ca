"""Features of long lists of texts, on disk for the next process."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from clip_app.model.backgrounds import TEMPLATES, background_for, background_words
from clip_app.model.cache import FeatureStore, text_store
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.settings import Settings
from clip_app.terminal import main
from tests.conftest import ROOT

KEY = ["fingerprint", "float32", ["{}"], ["a cat", "\ud800 half a character", "猫"]]
ROWS = np.random.default_rng(0).standard_normal((3, 640)).astype(np.float32)
WORDS = [f"word {number}" for number in range(64)]


def starter(cache_dir: Path) -> ModelService:
    return load_model(Settings(model="starter", device="cpu", cache_dir=cache_dir))


def encoded(service: ModelService, *arguments) -> tuple[np.ndarray, int]:
    """Features of labels, and for how many prompts the text tower ran."""
    before = service.statistics.texts
    features = service.encode_labels(*arguments)
    return features, service.statistics.texts - before


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_arrays_come_back_as_they_were_and_by_their_own_key(tmp_path):
    store = FeatureStore(tmp_path / "new" / "folder")
    assert store.get(KEY) is None
    store.put(KEY, ROWS)
    kept = FeatureStore(tmp_path / "new" / "folder").get(KEY)
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, ROWS)
    for other in (
        ["another", *KEY[1:]],
        [KEY[0], "float16", *KEY[2:]],
        [*KEY[:2], ["a {}"], KEY[3]],
        [*KEY[:3], KEY[3][:2]],
        [*KEY[:2], ["{}", KEY[3][0]], KEY[3][1:]],
    ):
        assert store.get(other) is None


@pytest.mark.parametrize("damage", ["bit", "short", "empty", "long", "folder"])
def test_what_is_damaged_counts_as_missing_and_is_written_again(tmp_path, damage):
    store = FeatureStore(tmp_path)
    store.put(KEY, ROWS)
    [path] = files(tmp_path)
    whole = path.read_bytes()
    if damage == "bit":
        path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"short": whole[:-1], "empty": b"", "long": whole + b"\0"}[damage])
    assert store.get(KEY) is None
    store.put(KEY, ROWS)
    if damage == "folder":
        assert files(tmp_path) == []
    else:
        np.testing.assert_array_equal(store.get(KEY), ROWS)
        assert [one.read_bytes() for one in files(tmp_path)] == [whole]


def test_processes_that_write_the_same_at_once_leave_one_whole_file(tmp_path):
    program = f"""if True:
        import sys, numpy as np
        from clip_app.model.cache import FeatureStore
        store = FeatureStore(__import__("pathlib").Path({str(tmp_path)!r}))
        rows = np.arange(500_000, dtype=np.float32).reshape(-1, 500)
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(30):
            store.put("key", rows)
            assert np.array_equal(store.get("key"), rows)
    """
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for one in writers:
        assert one.stdout.readline() == "ready\n"
    for one in writers:
        one.stdin.write("\n")
        one.stdin.flush()
    for one in writers:
        one.communicate(timeout=120)
        assert one.returncode == 0
    assert len(files(tmp_path)) == 1
    assert FeatureStore(tmp_path).get("key").shape == (1000, 500)


def test_least_recently_used_go_first(tmp_path):
    size = ROWS.nbytes + 200
    store = FeatureStore(tmp_path, max_bytes=3 * size)
    for number in range(3):
        before = set(files(tmp_path))
        store.put(number, ROWS)
        [path] = set(files(tmp_path)) - before
        os.utime(path, (number, number))
    half_written = tmp_path / "tmpabc.features"  # by a process that was killed
    half_written.write_bytes(b"half")
    os.utime(half_written, (0, 0))
    assert store.get(0) is not None
    store.put(3, ROWS)
    assert [store.get(number) is not None for number in range(4)] == [True, False, True, True]
    assert not half_written.exists()
    store.put("larger than all", np.zeros((4, size), np.float32))
    assert len(files(tmp_path)) == 3
    FeatureStore(tmp_path, max_files=2).put("one more", ROWS)
    assert len(files(tmp_path)) == 2


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    program = f"""if True:
        import resource, pathlib, numpy as np
        from clip_app.model.cache import FeatureStore
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        FeatureStore(pathlib.Path({str(tmp_path)!r})).put("key", np.zeros((1000, 500), np.float32))
    """
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    assert files(tmp_path) == []


def test_lists_are_encoded_once_for_all_processes(tmp_path):
    one, other = starter(tmp_path), starter(tmp_path)
    first, prompts = encoded(one, [*WORDS, WORDS[3]], ("{}",))
    assert prompts == 64
    again, prompts = encoded(other, [*WORDS, WORDS[3]], ("{}",))
    assert prompts == 0
    np.testing.assert_array_equal(again, first)
    fresh, prompts = encoded(starter(tmp_path / "empty"), WORDS, ("{}",))
    assert prompts == 64
    np.testing.assert_allclose(again[:64], fresh, atol=1e-6, rtol=0)
    # What was read is in memory now, each text by itself.
    assert encoded(other, WORDS[:5], ("{}",))[1] == 0
    # Another template is another list.
    assert encoded(other, WORDS, ("a {}",))[1] == 64
    assert encoded(other, [*WORDS[1:], "x"], ("a {}",))[1] == 1


def test_other_weights_precisions_and_architectures_share_nothing(tmp_path):
    service = starter(tmp_path)
    encoded(service, WORDS, ("{}",))
    for change in (
        {"fingerprint": "0123456789abcdef"},
        {"precision": "float16"},
        {"architecture": "another-quickgelu"},
    ):
        other = starter(tmp_path)
        other.info = dataclasses.replace(service.info, **change)
        assert encoded(other, WORDS, ("{}",))[1] == 64


def test_what_is_asked_once_leaves_no_trace(tmp_path):
    service = starter(tmp_path)
    service.encode_texts(["a cat"])
    service.encode_labels(WORDS[:63], ("a photo of a {}.",))
    assert files(tmp_path) == []
    service.encode_labels(["one label"], ["a {}"] * 64)
    assert len(files(tmp_path)) == 1
    assert "label" not in files(tmp_path)[0].read_bytes().decode("latin-1")


def test_a_damaged_file_costs_no_answer(tmp_path):
    expected = starter(tmp_path).encode_texts(WORDS)
    [path] = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    features, prompts = encoded(starter(tmp_path), WORDS, ("{}",))
    assert prompts == 64
    np.testing.assert_allclose(features, expected, atol=1e-6, rtol=0)
    assert encoded(starter(tmp_path), WORDS, ("{}",))[1] == 0


def test_a_folder_that_cannot_be_written_costs_only_the_keeping(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    service = starter(tmp_path / "file" / "cache")
    caplog.clear()
    with caplog.at_level("INFO"):
        assert np.isfinite(encoded(service, WORDS, ("{}",))[0]).all()
    assert [one.message for one in caplog.records] == []


def test_the_background_of_a_second_process_is_the_same_and_there_at_once(tmp_path):
    first = background_for(starter(tmp_path), "zh")
    service = starter(tmp_path)
    before = service.statistics.texts
    started = time.process_time()  # by the clock it is longer where cores are taken
    second = background_for(service, "zh")
    assert time.process_time() - started < 1  # some 30 ms; encoding takes 2 s on each core
    assert service.statistics.texts == before
    np.testing.assert_array_equal(second.features, first.features)
    assert second.near == first.near
    assert second.features.shape == (len(background_words("zh")), 640)
    [row] = starter(tmp_path).encode_labels([background_words("zh")[7]], TEMPLATES["zh"])
    np.testing.assert_allclose(second.features[7], row, atol=1e-6, rtol=0)


def test_a_command_deletes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLIP_APP_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    beside = tmp_path / "other.features"
    beside.write_text("not ours")
    store = text_store(Settings())
    store.put("one", ROWS)
    store.put("two", ROWS)
    size = sum(path.stat().st_size for path in files(tmp_path / "texts"))
    assert main(["models", "--remove-text-features", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"lists": 2, "bytes": size}
    assert files(tmp_path) == [beside]
    assert main(["models", "--remove-text-features"]) == 0
    assert "0 lists of texts (0.0 MB)" in capsys.readouterr().out
