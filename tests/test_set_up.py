"""`clip_app/set_up.py`: where PyTorch comes from, and what is said before it is downloaded."""

import base64
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from clip_app import set_up
from tests.conftest import PATIENCE_SECONDS, ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def wheel(folder: Path, version: str) -> Path:
    """A package called torch that holds a megabyte of nothing."""
    folder.mkdir(parents=True)
    path = folder / f"torch-{version}-py3-none-any.whl"
    about = f"torch-{version}.dist-info"
    files = {
        "torch/data": os.urandom(1_000_000),
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()},\n"
        for name, data in files.items()
    )
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (files | {f"{about}/RECORD": record.encode()}).items():
            file.writestr(name, data)
    return path


@pytest.fixture
def indexes(tmp_path, monkeypatch) -> Iterator[str]:
    """The address of two indexes: `pypi/` with torch 99.0, and `cpu/` with 99.0+cpu."""
    wheel(tmp_path / "pypi" / "torch", "99.0")
    wheel(tmp_path / "cpu" / "torch", "99.0+cpu")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    for name in [one for one in os.environ if one.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/pypi")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setattr(set_up, "CPU_INDEX", f"{address}/cpu")
    monkeypatch.setattr(set_up, "_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(set_up, "answers", partial(set_up.answers, seconds=PATIENCE_SECONDS))
    monkeypatch.setattr(set_up, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(set_up.platform, "system", lambda: "Linux")
    yield address
    server.shutdown()
    server.server_close()


def test_without_a_gpu_pytorch_comes_in_its_build_for_cpus(indexes, tmp_path, capsys, monkeypatch):
    index = set_up.torch_index("auto")
    assert index == f"{indexes}/cpu"
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("torch>=2\n")
    assert set_up.install(PIP, requirements, ["--extra-index-url", index]) == 0
    assert (tmp_path / "installed" / "torch-99.0+cpu.dist-info").is_dir()
    told = capsys.readouterr().out
    assert told.startswith("Setting up: 1 package, 1.00 MB to download. No NVIDIA GPU was found")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    entry = {"download_info": {"url": f"{indexes}/pypi/torch/torch-99.0-py3-none-any.whl"}}
    gone = {"download_info": {"url": f"{indexes}/pypi/torch/nothing.whl"}}
    told = set_up.plan([entry, gone], by_cpu=False)
    assert told == "正在安装：2 个软件包，需下载 1.00 MB。另有 1 个大小未知。"


def test_where_pytorch_comes_from(indexes, monkeypatch):
    assert set_up.torch_index("pypi") == ""
    assert set_up.torch_index("https://download.pytorch.org/whl/cu128").endswith("cu128")
    with monkeypatch.context() as patch:
        patch.setattr(set_up, "has_nvidia_gpu", lambda: True)
        assert set_up.torch_index("auto") == ""
    with monkeypatch.context() as patch:
        patch.setattr(set_up.platform, "system", lambda: "Darwin")
        assert set_up.torch_index("auto") == "", "pip finds no other there"
    with monkeypatch.context() as patch:
        patch.setattr(set_up, "CPU_INDEX", f"{indexes}/nothing")
        assert set_up.torch_index("auto") == ""


def test_an_index_that_does_not_answer_is_given_up_soon():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as silent:
        assert not set_up.answers(f"http://127.0.0.1:{silent.server_address[1]}/torch/", 0.3)


def test_as_a_script_it_takes_none_of_its_neighbours_for_another_module(tmp_path):
    shutil.copytree(ROOT / "clip_app", tmp_path / "clip_app")
    (tmp_path / "clip_app" / "json.py").write_text("raise ImportError")
    script = os.path.join("clip_app", "set_up.py")
    told = subprocess.run(
        [sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "--light" in told.stdout, told.stderr
