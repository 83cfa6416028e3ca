"""The app as a process of its own on a free port, and a request to it as a browser makes it."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent

# Before its model is loaded the app does not listen; a large one on a busy machine takes minutes.
START_TIMEOUT_SECONDS = 300


@contextlib.contextmanager
def server(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, float]]:
    """Start a server on a free port; yield its address and when it was started; end it after.

    Args:
        command: what starts it; the port is added to it.
        environment: what differs from this process's.

    Raises:
        RuntimeError: with what it printed, if it does not come to listen.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, str(port)],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env={**os.environ, "CLIP_APP_HOST": "127.0.0.1", **(environment or {})},
        )
        try:
            while not _listens(port):
                if (
                    process.poll() is not None
                    or time.perf_counter() - started > START_TIMEOUT_SECONDS
                ):
                    output.seek(0)
                    raise RuntimeError(f"The server did not start:\n{output.read()}")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/", started
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask_without_client(http: httpx.Client, endpoint: str, fields: list[Any], photo: Path) -> str:
    """One request as a browser makes it; `gradio_client` looks for answers every 50 ms only.

    Returns:
        the events of the answer, the last of them complete.

    Raises:
        RuntimeError: with the events, if it is not.
    """
    files = {"files": (photo.name, photo.read_bytes())}
    (path,) = http.post("/gradio_api/upload", files=files).json()
    data = [{"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": photo.name}, *fields]
    # With one session, as a page has: Gradio makes much ado about a new one.
    asked = {"data": data, "session_hash": "benchmark"}
    event = http.post(f"/gradio_api/call/{endpoint}", json=asked).json()["event_id"]
    answer = http.get(f"/gradio_api/call/{endpoint}/{event}").text
    if "event: complete" not in answer:
        raise RuntimeError(answer)
    return answer
