"""A real Qdrant server for tests, where there is one, and nodes that can be killed and started.

`CLIP_APP_TEST_QDRANT` is the path of a `qdrant` binary, or the address of a server for tests alone.
"""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

GIVEN = os.environ.get("CLIP_APP_TEST_QDRANT", "")
_HANDED = Path(__file__).resolve().parent.parent.parent / "shared" / "qdrant" / "serve.py"
_START_SECONDS = 120
_chance = random.SystemRandom()


def binary() -> str:
    """The server's program; the test is skipped where there is none."""
    if Path(GIVEN).is_file():
        return GIVEN
    if not GIVEN and _HANDED.is_file():
        unpack = [sys.executable, str(_HANDED), "--unpack"]
        return subprocess.run(unpack, check=True, capture_output=True, text=True).stdout.strip()
    return pytest.skip("CLIP_APP_TEST_QDRANT names no qdrant binary, so none was started")


def _free_ports() -> tuple[int, int]:
    """Two that follow each other, below those that the system gives to whoever connects: a node
    that is started again might find its own taken.
    """
    while True:
        port = _chance.randrange(20_000, 32_000, 2)
        with socket.socket() as one, socket.socket() as other, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port, port + 1


class Node:
    """One node; `url` is its address, which it keeps when it is started again.

    Each has a host of its own. The third one's ports are those of the first one, as is usual; the
    second one has its own, so that nobody can tell its address by the others'.
    """

    def __init__(self, folder: Path, before: "list[Node]", settings: dict[str, str]) -> None:
        self._folder = folder
        http, grpc = before[0].ports if len(before) == 2 else _free_ports()
        self.ports: tuple[int, int] = (http, grpc)
        self._p2p, _ = _free_ports()
        host = f"127.0.0.{1 + len(before)}"
        scheme = "https" if settings.get("QDRANT__SERVICE__ENABLE_TLS") else "http"
        self.url = f"{scheme}://{host}:{http}"
        self._command = [binary(), "--disable-telemetry"]
        self._environment = os.environ | {
            "QDRANT__SERVICE__HOST": host,
            "QDRANT__SERVICE__HTTP_PORT": str(http),
            "QDRANT__SERVICE__GRPC_PORT": str(grpc),
            "QDRANT__STORAGE__STORAGE_PATH": str(folder / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(folder / "snapshots"),
            "QDRANT__TELEMETRY_DISABLED": "true",
            **settings,
        }
        if settings.get("QDRANT__CLUSTER__ENABLED"):
            self._environment["QDRANT__CLUSTER__P2P__PORT"] = str(self._p2p)
            self._command += ["--uri", f"http://{host}:{self._p2p}"]
            if before:
                self._command += ["--bootstrap", f"http://127.0.0.1:{before[0]._p2p}"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._folder, stdout=log, stderr=log
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz", timeout=2, verify=False).is_success:
                    return
            time.sleep(0.1)
        self.kill()
        raise AssertionError((self._folder / "log").read_text()[-2000:])

    def signal(self, number: int) -> None:
        """Stop it or have it go on."""
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, with whatever it is at."""
        if self.process:
            self.signal(signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def running(folder: Path, number: int = 1, **settings: str) -> Iterator[list[Node]]:
    """Nodes of a cluster, or one server, in a folder of their own."""
    if number > 1:
        settings["QDRANT__CLUSTER__ENABLED"] = "true"
    nodes: list[Node] = []
    try:
        for one in range(number):
            nodes.append(Node(folder / f"node{one}", nodes, settings))
            nodes[-1].start()
        yield nodes
    finally:
        for node in nodes:
            node.kill()


@contextlib.contextmanager
def one(folder: Path) -> Iterator[str]:
    """The address of one server: that which is given, or one that is started."""
    if GIVEN.startswith("http"):
        yield GIVEN
        return
    with running(folder) as nodes:
        yield nodes[0].url


def together(nodes: list[Node]) -> str:
    """Their addresses as the setting takes them."""
    return ",".join(node.url for node in nodes)


def settled(nodes: list[Node], collections: list[str]) -> None:
    """Wait until every replica of every part of these collections is up to date on every node."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if all(_is_settled(node, one) for node in nodes for one in collections):
            return
        time.sleep(0.2)
    raise AssertionError("replicas are still not up to date")


def _is_settled(node: Node, collection: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        told = httpx.get(f"{node.url}/collections/{collection}/cluster", timeout=5).json()["result"]
        shards = told["local_shards"] + told["remote_shards"]
        return not told["shard_transfers"] and all(one["state"] == "Active" for one in shards)
    return False


def contents(node: Node, collection: str) -> dict[str, str]:
    """What a node answers for every point of a collection, from its own replicas where it can."""
    found: dict[str, str] = {}
    ask = {"limit": 1000, "with_payload": True, "with_vector": True}
    while True:
        told = httpx.post(
            f"{node.url}/collections/{collection}/points/scroll", json=ask, timeout=30
        ).json()["result"]
        found |= {one["id"]: json.dumps(one, sort_keys=True) for one in told["points"]}
        if told["next_page_offset"] is None:
            return found
        ask["offset"] = told["next_page_offset"]


def replica_sizes(nodes: list[Node], collection: str) -> dict[int, set[int]]:
    """By part of a collection: how many points each of its replicas says that it holds."""
    found: dict[int, set[int]] = {}
    for node in nodes:
        told = httpx.get(f"{node.url}/collections/{collection}/cluster").json()["result"]
        for one in told["local_shards"]:
            found.setdefault(one["shard_id"], set()).add(one["points_count"])
    return found


def assert_same_everywhere(nodes: list[Node], collections: list[str]) -> None:
    """Every replica of every part is equal in number and content."""
    for collection in collections:
        first, *others = [contents(node, collection) for node in nodes]
        for other in others:
            assert other.keys() == first.keys(), collection
            assert other == first, collection
        sizes = replica_sizes(nodes, collection)
        assert all(len(one) == 1 for one in sizes.values()), (collection, sizes)
