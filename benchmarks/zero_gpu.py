"""What a Space on ZeroGPU gives: the folder of `clip-app space`, with the real `spaces` package.

    pip install spaces
    python benchmarks/zero_gpu.py FOLDER [--model NAME] [--cold]

Starts the app as such a Space does, on this machine's GPU; who may have it and when is told by a
server here that answers `spaces` as Hugging Face's does. By it, a worker that has the GPU is kept
for the next call, or with `--cold` ended after each, as where other Spaces ask for the GPU in
between. Prints how long calls took and how long they had the GPU, and how far features lie from
float32 on the CPU. Weights are random and of the real shapes, photographs drawn (`peer_parts.py`).
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import httpx  # noqa: E402
import numpy as np  # noqa: E402
from app_server import server  # noqa: E402
from gradio_client import Client, handle_file  # noqa: E402
from peer_parts import HUB, SMALL_PHOTOGRAPHS, VIT, make_for_towers  # noqa: E402

LABELS = "cat, dog, boat, 山, beach"
CALLS = 20
AT_ONCE = 8
INDEXED = 512


@dataclass
class Lease:
    """One call's hold of the GPU, times in seconds."""

    task: str
    asked: float
    released: float | None = None
    failed: bool = False
    process: int | None = None


class Lender:
    """What `spaces` asks who may have the GPU: one at a time, in the order of asking."""

    def __init__(self, cold: bool) -> None:
        self.leases: dict[str, Lease] = {}
        self._cold = cold
        self._gpu = threading.Lock()
        self._workers: dict[str, int] = {}  # task, process
        self._numbers = count()

    def answer(self, path: str, given: dict[str, str]) -> dict[str, Any] | None:
        """What is sent in answer to a request for `path`."""
        if path == "/schedule":
            return self._schedule(given["taskId"])
        lease = self.leases.get(given.get("allowToken", ""))
        if lease and path == "/allow":
            lease.process = self._workers[lease.task] = int(given["pid"])
        if lease and path == "/release":
            lease.released, lease.failed = time.perf_counter(), given["fail"] == "true"
            if self._cold:
                with suppress(ProcessLookupError):
                    os.kill(self._workers.pop(lease.task), signal.SIGKILL)
            self._gpu.release()
        return None

    def _schedule(self, task: str) -> dict[str, Any]:
        self._gpu.acquire()
        token = str(next(self._numbers))
        self.leases[token] = Lease(task, time.perf_counter(), process=self._workers.get(task))
        idle = task in self._workers
        return {"idle": idle, "nvidiaIndex": 0, "nvidiaUUID": _gpu(), "allowToken": token}


@contextmanager
def lending(cold: bool) -> Iterator[tuple[Lender, str]]:
    """A lender and its address."""
    lender = Lender(cold)

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True  # or each answer's body would wait 40 ms for its head

        def do_POST(self) -> None:
            address = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(address.query).items()}
            body = json.dumps(lender.answer(address.path, given)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield lender, f"http://127.0.0.1:{serving.server_port}"
    finally:
        serving.shutdown()


def main() -> None:
    """Start, ask, print."""
    parser = argparse.ArgumentParser(description="The app as a Space on ZeroGPU.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=VIT)
    parser.add_argument("--cold", action="store_true", help="end the worker after each call")
    flags = parser.parse_args()
    home = flags.folder.resolve()
    os.environ |= {"HF_HOME": str(home / HUB), "HF_HUB_OFFLINE": "1"}
    make_for_towers(home, [] if flags.model == "starter" else [flags.model])
    photographs = sorted((home / SMALL_PHOTOGRAPHS).glob("*.jpg"))
    with tempfile.TemporaryDirectory() as name, lending(flags.cold) as (lender, address):
        out, gallery = Path(name) / "space", Path(name) / "gallery"
        gallery.mkdir()
        for photograph in photographs[:INDEXED]:
            shutil.copyfile(photograph, gallery / photograph.name)
        command = ["-m", "clip_app", "space", str(out), "--model", flags.model]
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        environment = {
            "SPACES_ZERO_GPU": "true",
            "SPACES_ZERO_DEVICE_API_URL": address,
            "ZEROGPU_OFFLOAD_DIR": f"{name}/tensors",
            "CLIP_APP_INDEX_DIR": f"{name}/index",
            "CLIP_APP_CACHE_DIR": f"{name}/cache",
            "CLIP_APP_GALLERY_ROOTS": str(gallery),
        }
        # A Space's program takes no flags; the port comes last.
        command = ["sh", "-c", f"CLIP_APP_PORT=$0 exec '{sys.executable}' '{out}/space.py'"]
        with server(command, environment) as (url, started):
            print(f"{flags.model}, started in {time.perf_counter() - started:.1f} s", flush=True)
            _measure(url, lender, photographs, gallery)
            _compare(url, flags.model, photographs[:8])


def _measure(url: str, lender: Lender, photographs: list[Path], gallery: Path) -> None:
    client = Client(url, verbose=False, download_files=False)
    files, numbers = iter(photographs[INDEXED:]), count()
    print(client.predict(api_name="/health")["device"])
    print(f"{'':34}{'s':>8}{'lent':>6}{'each s':>9}{'processes':>10}{'GPU MB':>8}")

    def timed(what: str, work: Callable[[], Any], times: int = 1) -> None:
        before, took = len(lender.leases), []
        for _ in range(times):
            started = time.perf_counter()
            work()
            took.append(time.perf_counter() - started)
        leases = list(lender.leases.values())[before:]
        had = [one.released - one.asked for one in leases if one.released] or [0.0]
        processes = len({one.process for one in leases})
        print(
            f"{what:34}{statistics.median(took):8.3f}{len(leases) / times:6.1f}"
            f"{statistics.median(had):9.3f}{processes:10}{_gpu_megabytes():>8}"
            + (" FAILED" if any(one.failed for one in leases) else ""),
            flush=True,
        )

    def classify(labels: str) -> Any:
        return client.predict(handle_file(next(files)), labels, api_name="/classify")

    timed("classify, first", lambda: classify(LABELS))
    timed("classify, second", lambda: classify(LABELS))
    timed("classify, another photograph", lambda: classify(LABELS), CALLS)
    timed("classify, other labels too", lambda: classify(f"a {next(numbers)}, b"), CALLS)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        timed(
            f"{AT_ONCE} at once",
            lambda: list(pool.map(classify, [LABELS] * AT_ONCE)),
        )
    timed(f"index {INDEXED} photographs", lambda: _index(url, gallery))
    timed("search", lambda: client.predict(f"a {next(numbers)}", api_name="/search"), CALLS)


def _index(url: str, gallery: Path) -> None:
    """Have the gallery read as the page's button does."""
    with httpx.Client(base_url=url, timeout=None) as http:
        config = http.get("/config").json()
        parts = {one["id"]: one for one in config["components"]}
        named = {one["props"].get("elem_id"): number for number, one in parts.items()}
        number, event = next(
            (number, one)
            for number, one in enumerate(config["dependencies"])
            if [named["gallery-intake"], "read"] in one["targets"]
        )
        data = [parts[one]["props"].get("value") for one in event["inputs"]]
        data[event["inputs"].index(named["gallery-folder"])] = str(gallery)
        asked = {"data": data, "fn_index": number, "session_hash": "index"}
        http.post("/gradio_api/queue/join", json=asked).raise_for_status()
        with http.stream("GET", "/gradio_api/queue/data?session_hash=index") as told:
            last = [line for line in told.iter_lines() if "process_completed" in line]
    (indexed,) = Client(url, verbose=False).predict(api_name="/index_status")["galleries"]
    if indexed["images"] != INDEXED:
        raise SystemExit(f"Indexing failed: {last}")


def _compare(url: str, model: str, photographs: list[Path]) -> None:
    """Features that came from the GPU beside those of open_clip itself, in float32 on the CPU."""
    import torch
    from PIL import Image

    from clip_app.model.catalog import find_model
    from clip_app.model.torch_engine import load_open_clip

    client = Client(url, verbose=False, download_files=False)
    plain, preprocess, _ = load_open_clip(find_model(model))
    apart = []
    for photograph in photographs:
        told = client.predict(handle_file(photograph), "cat", api_name="/explain")
        with torch.no_grad():
            row = plain.encode_image(preprocess(Image.open(photograph)).unsqueeze(0))
        apart.append(np.abs(np.array(told["vector"]) - _unit(row.numpy()[0])).max())
    print(f"furthest from float32 on the CPU: {max(apart):.1e}")


def _unit(row: np.ndarray) -> np.ndarray:
    return row / np.linalg.norm(row)


def _gpu() -> str:
    return _asked_of_driver("uuid") or "0"


def _gpu_megabytes() -> str:
    return _asked_of_driver("memory.used")


def _asked_of_driver(what: str) -> str:
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    with suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True, text=True).stdout.partition("\n")[0]
    return ""


if __name__ == "__main__":
    main()
