"""Users of plain HTTP at /v1, what limits them, and a soak; parts of `serving.py`."""

import contextlib
import http.client
import itertools
import json
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil

from clip_app.model.service import ModelService
from clip_app.photos import encode_files
from clip_app.tasks.classify import classify

# How far a similarity may be from that of this process: batches of other sizes round otherwise.
_CLOSE = 1e-3

# Memory is looked at so often while a server soaks.
_SAMPLE_SECONDS = 2.0

Connection = http.client.HTTPConnection


def connect(url: str) -> Connection:
    """A user's connection, which is kept."""
    return Connection(urlsplit(url).netloc)


def ask(connection: Connection, photo: Path, labels: str) -> dict[str, object]:
    """One photograph and its answer.

    Raises:
        RuntimeError: with what came instead.
    """
    connection.request(
        "POST",
        f"/v1/classify?template=single&labels={quote(labels)}",
        photo.read_bytes(),
        {"Content-Type": "image/jpeg"},
    )
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {body.decode()}")
    return json.loads(body)


def limit(service: ModelService, photos: Sequence[Path], seconds: float) -> tuple[float, float]:
    """What decoding, preprocessing and encoding in this process reaches, and nothing else.

    The best of one decoding thread and of one a core, each for half of the time.

    Returns:
        photographs a second, and milliseconds of processor time a photograph.
    """
    rates = []
    unseen = itertools.cycle(photos)
    for workers in {1, os.cpu_count() or 1}:
        with contextlib.closing(encode_files(service, unseen, workers=workers)) as encoded:
            for _ in itertools.islice(encoded, 100):
                pass
            began, busy, number = time.perf_counter(), time.process_time(), 0
            while time.perf_counter() - began < seconds / 2:
                next(encoded)
                number += 1
            busy = 1000 * (time.process_time() - busy) / number
            rates.append((number / (time.perf_counter() - began), busy))
    return max(rates)


def server_process() -> psutil.Process:
    """The server that this process has started."""
    (process,) = psutil.Process().children()
    return process


def busy_ms(process: psutil.Process) -> float:
    """Milliseconds of processor time that a process has taken."""
    times = process.cpu_times()
    return 1000 * (times.user + times.system)


@contextlib.contextmanager
def idle_connections(url: str, number: int) -> Iterator[None]:
    """Open connections that ask nothing and stay."""
    where = urlsplit(url)
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            address = (where.hostname or "", where.port or 80)
            stack.enter_context(socket.create_connection(address, 30))
        yield


def allow_files(number: int) -> None:
    """Let this process and those that it starts open so many files, if they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


@dataclass
class Soaked:
    """What came of a soak: answers, those that were wrong, and megabytes of memory over time."""

    answers: int = 0
    wrong: int = 0
    megabytes: list[float] = field(default_factory=list)


def soak(
    url: str,
    server: psutil.Process,
    service: ModelService,
    photos: Sequence[Path],
    labels: str,
    users: int,
    minutes: float,
) -> Soaked:
    """Ask for so long, compare each answer with this process's, and watch the server's memory."""
    rows = [
        {row.label: row.similarity for row in one.results}
        for start in range(0, len(photos), 64)
        for one in classify(service, list(photos[start : start + 64]), labels, "single")
    ]
    found, lock = Soaked(), threading.Lock()
    turn = itertools.cycle(range(len(photos)))
    end = time.monotonic() + 60 * minutes

    def use() -> None:
        with contextlib.closing(connect(url)) as connection:
            while time.monotonic() < end:
                with lock:
                    index = next(turn)
                answer = ask(connection, photos[index], labels)
                told = {row["label"]: row["similarity"] for row in answer["results"]}  # type: ignore[attr-defined]
                right = told.keys() == rows[index].keys() and all(
                    abs(told[label] - rows[index][label]) < _CLOSE for label in told
                )
                with lock:
                    found.answers += 1
                    found.wrong += not right

    threads = [threading.Thread(target=use) for _ in range(users)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found.megabytes.append(server.memory_info().rss / 1e6)
        time.sleep(_SAMPLE_SECONDS)
    return found
