"""The real starter model, the running app and a real browser, each made once."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import numpy as np
import pytest
from PIL import Image

from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.settings import Settings
from clip_app.terminal import common
from tests import qdrant_servers
from tests.zygote import Zygote

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "assets" / "examples"

# How long a test waits for an answer, a page or the end of a process that hangs else: where every
# core is taken, what is done in one second elsewhere takes ten.
PATIENCE_SECONDS = 120

# What a browser needs where there is no screen, no GPU and no internet.
_CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    """A folder of the session's own in place of the user's cache, here and in its processes; now,
    since test files make settings as they are read.
    """
    folder = tempfile.TemporaryDirectory(prefix="clip_app-test-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setenv("CLIP_APP_CACHE_DIR", folder.name)
    # Small models of other tests are not worth a process each, which takes 14 s and outlives them.
    patch.setenv("CLIP_APP_EXPORT", "false")
    # How long an example takes says nothing where other processes take the cores: 200 ms are soon
    # over, and so is the second in which examples are to be drawn.
    hypothesis.settings.register_profile(
        "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("patient")
    # That of httpx for all who say nothing else, Gradio's client among them, is 5 s.
    for step in ("connect", "read", "write", "pool"):
        patch.setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, step, PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    return Path(os.environ["CLIP_APP_CACHE_DIR"])


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Ctrl-C for the programs that tests start, also where a shell runs the tests with `&`: it
    switches SIGINT off, which is inherited, and which the programs rightly leave off.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(model="starter", device="cpu")


@pytest.fixture(scope="session")
def service(settings: Settings) -> ModelService:
    return load_model(settings)


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: ModelService) -> None:
    """English, the starter model, already loaded, and an index folder of the test's own."""
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("CLIP_APP_MODEL", "starter")
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setattr(common, "load_service", lambda settings: service)


@pytest.fixture(scope="session")
def qdrant_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Qdrant server; the test is skipped where there is none."""
    with qdrant_servers.one(tmp_path_factory.mktemp("qdrant")) as address:
        yield address


@pytest.fixture(scope="session")
def cat() -> Image.Image:
    return Image.open(EXAMPLES / "cat.jpg").convert("RGB")


# What starts a program, a browser or a training run, once a session or oftener.
_SLOW_FIXTURES = {"app", "browser", "gallery_app", "zygote", "built", "installed"}


# Files of minutes; begun last, each would keep one of two workers busy alone.
_LONG = (
    *("test_training", "test_exporting", "test_faults"),
    *("test_gallery_page", "test_chips", "test_shell", "test_result_card"),
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only tests of a mark are asked for that few files have, the others are not read, which
    import all that the app does: 15 s a process.
    """
    asked = re.match("browser|alone", str(config.getoption("markexpr")))
    if asked is None or collection_path.suffix != ".py":
        return None
    return f"mark.{asked[0]}" not in collection_path.read_text("utf-8") or None


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, and mark what `make quick` leaves out by what it needs."""
    items.sort(key=lambda item: item.path.stem not in _LONG)
    for item in items:
        if _SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def noise(seed: int, size: tuple[int, int] = (256, 256)) -> Image.Image:
    """A picture that no other seed makes."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


class App:
    """The app as a process of its own, on a free port."""

    def __init__(
        self,
        *flags: str,
        env: dict[str, str] | None = None,
        program: str = "app.py",
        python: str = sys.executable,
        **how: Any,
    ) -> None:
        """`program` is what serves the app, by `python`; `how` is for `subprocess.Popen`."""
        self._index = tempfile.TemporaryDirectory(prefix="clip_app-test-")
        self.index_dir = Path((env or {}).get("CLIP_APP_INDEX_DIR", self._index.name))
        self.process = subprocess.Popen(
            [python, program, "--port", "0", *flags],
            cwd=ROOT,
            env={
                **os.environ,
                "CLIP_APP_MODEL": "starter",
                "CLIP_APP_INDEX_DIR": self._index.name,
                **(env or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **how,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.told(r"http://127\.0\.0\.1:\d+")

    def _read(self) -> None:
        self.log.extend(self.process.stdout or ())

    def told(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> str:
        """What of the log matches, once something does; fails if the app ends without."""
        deadline = time.monotonic() + seconds
        while True:
            running = self._reader.is_alive()
            log = "".join(self.log)
            if found := re.search(pattern, log):
                return found[0]
            if not running or time.monotonic() > deadline:
                raise AssertionError(f"no {pattern} in:\n{log}")
            time.sleep(0.02)

    def last_words(self) -> str:
        """The whole log of an app that has ended."""
        self._reader.join(PATIENCE_SECONDS)
        return "".join(self.log)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._index.cleanup()


@pytest.fixture(scope="session")
def app() -> Iterator[App]:
    running = App("--mcp")
    yield running
    running.stop()


def wait_for(what: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """What it returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def assert_soon(ask: Callable[[], Any], wanted: Any) -> None:
    """Assert that something is as wanted, or will be: others are still at it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == wanted


def awaited(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns or raises; on a thread, as a browser leaves a loop on this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * PATIENCE_SECONDS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture
def new_context(browser: Any) -> Iterator[Any]:
    """Makes a context of the browser, closed after the test, whose pages are waited for long."""
    contexts = []

    def made(**how: Any) -> Any:
        context = browser.new_context(**how)
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        contexts.append(context)
        return context

    yield made
    for context in contexts:
        context.close()


@pytest.fixture
def open_at(new_context: Any) -> Iterator[Any]:
    """Opens a page of its own at an address; no script may have failed.

    By then `shown` is there, the example's answer unless said, or its address read where that is
    "". `how` is for the browser's context, unless the page is to be another one of `context`.
    """
    pages = []

    def opened(
        url: str,
        locale: str,
        viewport: dict[str, int],
        shown: str = "#classify-verdict .headline",
        context: Any = None,
        **how: Any,
    ) -> Any:
        if context is None:
            context = new_context(locale=locale, viewport=viewport, **how)
        page = context.new_page()
        pages.append(page)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(url)
        if shown:
            page.wait_for_selector(shown)
        else:
            page.wait_for_function("window.clipApp.isReady()")
        return page

    yield opened
    assert [page.problems for page in pages if page.problems] == []


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    running = Zygote()
    yield running
    running.stop()
