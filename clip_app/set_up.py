"""Set the app up: `python3 clip_app/set_up.py` makes `.venv` and installs what the app needs in it.

    python3 clip_app/set_up.py           # everything
    python3 clip_app/set_up.py --light   # without torch, for the starter and exported models

It says first how much it will download. On Linux without an NVIDIA GPU it takes PyTorch's build for
CPUs, if its index can be reached within seconds; `TORCH_INDEX` names another index, or `pypi`.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Python looks in a script's own folder first, and modules here must not pass for others.
    _HERE = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [os.path.dirname(_HERE), *(one for one in sys.path if one != _HERE)]

import argparse
import contextlib
import json
import platform
import shutil
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# One try for the index of PyTorch; looking up a name has no limit of its own.
_SECONDS = 4.0

# Sizes of a hundred packages, asked of their server.
_ASKED_AT_ONCE = 16


def main() -> int:
    """Set it up; returns pip's exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where it is asked for
        print("Python 3.11 or newer is needed. / 需要 Python 3.11 或更新的版本。", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--light", action="store_true", help="without torch")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="default: .venv")
    flags = parser.parse_args()
    python = flags.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", flags.venv], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    requirements = ROOT / ("requirements-light.txt" if flags.light else "requirements.txt")
    index = "" if flags.light else torch_index(os.environ.get("TORCH_INDEX", "auto"))
    where = ["--extra-index-url", index] if index else []
    return install(pip, requirements, where)


def torch_index(wanted: str) -> str:
    """The index of PyTorch's builds to look in besides pip's own; "" for that one alone.

    Args:
        wanted: an address, `pypi`, or `auto`: that for CPUs where it helps and can be reached.
    """
    if wanted != "auto":
        return "" if wanted == "pypi" else wanted
    # Elsewhere the build that pip finds is the one without CUDA anyhow.
    if platform.system() != "Linux" or has_nvidia_gpu():
        return ""
    return CPU_INDEX if answers(f"{CPU_INDEX}/torch/") else ""


def has_nvidia_gpu() -> bool:
    """Whether this machine has one, or is WSL and may have one."""
    devices = ("/dev/nvidiactl", "/dev/dxg")
    return any(map(os.path.exists, devices)) or bool(shutil.which("nvidia-smi"))


def answers(address: str, seconds: float = _SECONDS) -> bool:
    """Whether something is there at an address, asked once."""
    there = threading.Event()

    def ask() -> None:
        with (
            contextlib.suppress(OSError, ValueError),
            urllib.request.urlopen(address, timeout=seconds),  # noqa: S310 - https
        ):
            there.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return there.is_set()


def size_of(address: str) -> int | None:
    """The bytes at an address: 0 of what lies on this machine, None where nothing answers."""
    if address.startswith("file:"):
        return 0
    try:
        asked = urllib.request.Request(address, method="HEAD")  # noqa: S310 - pip's own addresses
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
            return int(answer.headers.get("Content-Length") or 0)
    except (OSError, ValueError):
        return None


def install(pip: Sequence[str], requirements: Path, where: Sequence[str]) -> int:
    """Install what is listed, once it is said how much that is; returns pip's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        planned = [*pip, "install", "-q", "--dry-run", "--report", str(report), *where]
        if code := subprocess.run([*planned, "-r", str(requirements)], check=False).returncode:
            return code
        wanted = json.loads(report.read_text("utf-8"))["install"]
        print(plan(wanted, by_cpu=CPU_INDEX in where), flush=True)
        # What pip has worked out need not be worked out again, which takes it half a minute.
        pins = [f"{one['metadata']['name']}=={one['metadata']['version']}\n" for one in wanted]
        listed = Path(folder) / "pinned.txt"
        listed.write_text("".join(pins), "utf-8")
        done = [*pip, "install", "-q", "--no-deps", *where, "-r", str(listed)]
        return subprocess.run(done, check=False).returncode if pins else 0


def plan(wanted: Sequence[dict], *, by_cpu: bool) -> str:
    """What is going to be downloaded, as a sentence.

    Args:
        wanted: `install` of pip's report.
        by_cpu: whether PyTorch's builds for CPUs are among it.
    """
    from clip_app.process import terminal_language
    from clip_app.sizes import megabytes
    from clip_app.strings import text

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        sizes = list(pool.map(size_of, (one["download_info"]["url"] for one in wanted)))
    language = terminal_language()
    told = {"number": len(wanted), "megabytes": megabytes(sum(filter(None, sizes)))}
    sentence = text("set_up_size" if wanted else "set_up_nothing", language, **told)
    if unknown := sizes.count(None):
        sentence += text("set_up_unknown", language, number=unknown)
    return sentence + (text("set_up_cpu", language) if by_cpu and wanted else "")


if __name__ == "__main__":
    sys.exit(main())
