"""A small model hub on this machine, whose downloads can be made to fail in every way."""

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from clip_app.model.catalog import STARTER_DIRECTORY

MODEL = "hf-hub:tiny/clip"
WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Fault:
    """What goes wrong with one file.

    Attributes:
        kind: `cut` (the connection ends), `stall` (it stays, and nothing comes), `slow`, `status`
            (an HTTP error), `page` (HTML in place of everything), `other` (bytes that are not the
            file's).
        after: bytes of each answer that still come; of a slow one, in each tenth of a second, which
            may be changed while it goes on.
        times: for how many answers.
    """

    kind: str
    after: int = 0
    status: int = 503
    code: str = ""
    times: int = 1_000_000


class Hub(ThreadingHTTPServer):
    """Serves the repositories below a folder as the hub does."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        #: By file name; for "" every file.
        self.faults: dict[str, Fault] = {}
        #: Whether the answers carry a Content-Length (the real hub's small files do not), and
        #: whether a range is heeded.
        self.with_length = self.with_ranges = True
        #: How often it was asked whether it is there.
        self.greeted = 0
        #: Whether the answer that a file is absent names the commit, as the real hub's does, so
        #: that the cache remembers it. transformers then asks the first hub of its process for a
        #: list, so that the process must know one hub only.
        self.names_absent = False
        #: (file name, first byte) of each GET.
        self.asked: list[tuple[str, int]] = []
        self.released = threading.Event()

    def starts(self, file: str) -> list[int]:
        """At which byte each answer for a file began."""
        return [start for name, start in self.asked if name == file]


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.server
        found = re.fullmatch(r"/(?P<repo>.+?)/resolve/main/(?P<file>[^?]+)", self.path)
        if self.path == "/" or not found:
            # Beside this, the listings that transformers asks for; there is nothing to list.
            hub.greeted += self.path == "/"
            return self._short(200 if self.path == "/" else 404, "EntryNotFound")
        file = found["file"]
        fault = hub.faults.get(file) or hub.faults.get("")
        if fault and fault.times <= 0:
            fault = None
        if fault and fault.kind == "status":
            return self._short(fault.status, fault.code)
        if fault and fault.kind == "page":
            return self._short(200, "", b"<html>Please log in</html>")
        path = hub.root / found["repo"] / file
        if not path.parent.is_dir():
            return self._short(404, "RepoNotFound")
        if not path.is_file():
            return self._short(404, "EntryNotFound")
        self._send(path, fault)

    def _short(self, status: int, code: str, body: bytes = b"") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if code == "EntryNotFound" and self.server.names_absent:
            self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _send(self, path: Path, fault: Fault | None) -> None:
        hub, data = self.server, path.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and hub.with_ranges else 0
        digest = hashlib.sha256(data).hexdigest()
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Linked-Etag", f'"{digest}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if hub.with_length or self.command == "HEAD":
            self.send_header("Content-Length", str(len(data) - start))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        hub.asked.append((path.name, start))
        body = data[start:]
        if not fault:
            self.wfile.write(body)
            return
        fault.times -= 1
        if fault.kind == "other":
            self.wfile.write(bytes(len(body)))
            return
        if fault.kind == "slow":
            while body:
                step = fault.after
                try:
                    self.wfile.write(body[:step])
                except OSError:  # nobody is left to read it
                    self.close_connection = True
                    return
                body = body[step:]
                hub.released.wait(0.1)
            return
        self.wfile.write(body[: fault.after])
        self.wfile.flush()
        if fault.kind == "stall":
            hub.released.wait(60)
        self.close_connection = True


@contextmanager
def served(root: Path) -> Iterator[Hub]:
    """A hub that answers within the block."""
    hub = Hub(root)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        hub.shutdown()
        hub.server_close()


def write_repositories(root: Path) -> None:
    """A tiny model, and in another repository the tokenizer that it names."""
    text = {
        "context_length": 16,
        "vocab_size": 21_500,
        "width": 64,
        "heads": 2,
        "layers": 1,
        "hf_tokenizer_name": "tiny/words",
    }
    vision = {"image_size": 64, "patch_size": 32, "width": 64, "head_width": 32, "layers": 1}
    config = {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text}
    folder, words = root / "tiny" / "clip", root / "tiny" / "words"
    folder.mkdir(parents=True)
    words.mkdir(parents=True)
    torch.manual_seed(0)
    model = open_clip.CLIP(32, open_clip.CLIPVisionCfg(**vision), open_clip.CLIPTextCfg(**text))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / WEIGHTS)
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    (folder / CONFIG).write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    for file in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        if (STARTER_DIRECTORY / file).exists():
            shutil.copy(STARTER_DIRECTORY / file, words)
