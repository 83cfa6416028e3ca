"""Starting and ending: proxies in the environment, settings that do not matter, signals."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from clip_app.errors import InputError
from clip_app.network import usable_proxies
from clip_app.server.serve import prepare
from clip_app.settings import INDEX_SETTINGS, Settings, read_settings
from clip_app.strings import text
from clip_app.ui.page import below_proxy
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, ROOT, App, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """`prepare` sets its own, here in the process of the tests."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("127.0.0.1:9", "http://127.0.0.1:9"),
        ("socks://h:1", "socks5://h:1"),
        ("SOCKS5H://h:1", "socks5://h:1"),
        ("socks4://h:1", None),
        ("http://h:abc", None),
        ("http://", None),
    ],
)
def test_proxies_are_kept_where_they_can_be_used(given, expected):
    assert usable_proxies({"all": given}).addresses.get("all") == expected


def test_a_proxy_that_cannot_be_used_is_named_without_its_password():
    proxies = usable_proxies({"http": "socks4://ann:secret@h:1"})
    assert proxies.unusable == (("proxy_unusable", "socks4://h:1"),)
    assert usable_proxies({"all": "socks5://h:1"}, socks=False).unusable == (
        ("proxy_needs_socks", "socks5://h:1"),
    )


def test_addresses_and_ranges_in_no_proxy_become_what_httpx_knows():
    found = {"no": "::1/128, 10.0.0.0/8 *.example.com;[::1]:80"}
    bypassed = usable_proxies(found, ["10.1.2.3", "192.168.0.1"]).bypassed
    assert bypassed == ("::1", "10.1.2.3", ".example.com", "localhost", "127.0.0.1")


def test_only_settings_that_a_command_uses_are_complained_about(monkeypatch):
    monkeypatch.setenv("CLIP_APP_PORT", "abc")
    monkeypatch.setenv("CLIP_APP_DEVICE", "toaster")
    assert read_settings(uses=INDEX_SETTINGS).port == 7860
    with pytest.raises(InputError):
        read_settings()
    with pytest.raises(InputError):
        read_settings(Namespace(port="x"), INDEX_SETTINGS)


@pytest.mark.parametrize("given", ["lab", "/lab", "/lab/", " lab/ "])
def test_a_path_below_a_proxy_is_taken_however_its_slashes_are(given):
    assert below_proxy(given) == "/lab"
    assert below_proxy("/") == below_proxy("") == ""
    assert below_proxy("https://example.org/lab/") == "https://example.org/lab"


@pytest.mark.parametrize("auth", ["ann", ":x", "ann:", " : ", "ann: ", "\t:x"])
def test_a_user_name_and_a_password_are_more_than_blanks(auth):
    with pytest.raises(InputError, match="USER:PASSWORD"):
        _ = Settings(auth=auth).credentials
    assert Settings(auth="ann: secret \r\n").credentials == ("ann", " secret ")


@pytest.mark.parametrize("given", [",", "", " , "])
def test_keys_that_did_not_arrive_open_nothing(given, capsys, monkeypatch):
    monkeypatch.setenv("LANG", "C.UTF-8")
    for flags, variable in ((["--api-keys", given], None), ([], given)):
        if variable is not None:
            monkeypatch.setenv("CLIP_APP_API_KEYS", variable)
        with pytest.raises(SystemExit) as ended:
            prepare(flags)
        assert ended.value.code == 2
        assert capsys.readouterr().err == f"{text('api_keys_empty', 'en')}\n"
    monkeypatch.delenv("CLIP_APP_API_KEYS")
    assert read_settings().keys == ()


def test_models_are_listed_whatever_the_settings():
    env = {**os.environ, "ALL_PROXY": "socks4://h:1", "CLIP_APP_PORT": "abc", "NO_PROXY": "::1/128"}
    command = [sys.executable, "-m", "clip_app", "models"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "siglip2-b-32-256" in done.stdout


@pytest.mark.parametrize("program", [["app.py"], ["-m", "clip_app", "index"]])
def test_help_is_in_the_language_of_the_terminal_whatever_it_can_write(program):
    env = {**os.environ, "LC_ALL": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8", "COLUMNS": "999"}
    command = [sys.executable, *program, "--help"]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
    assert text("setting_gallery_store", "zh") in told.stdout.decode()
    env["PYTHONIOENCODING"] = "latin-1"
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
    assert b"\\u7d22\\u5f15" in told.stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--bogus"], "--bogus is not understood here; --help tells what there is.\n"),
        (["--port"], "--port needs a value.\n"),
        (["--mcp=1"], "--mcp/--no-mcp takes no value, and was given 1.\n"),
    ],
)
def test_wrong_flags_of_the_page_are_one_sentence(flags, said, capsys, monkeypatch):
    monkeypatch.setenv("LANG", "C.UTF-8")
    with pytest.raises(SystemExit) as ended:
        prepare(flags)
    assert (ended.value.code, capsys.readouterr().err) == (2, said)


@pytest.mark.parametrize(
    ("name", "given", "takes"),
    [
        ("port", "abc", ["0", "65535"]),
        ("port", "65536", ["0", "65535"]),
        ("qdrant_replicas", "0", ["1"]),
        ("rate_limit", "5", ["120/minute", "second", "hour", "day"]),
        ("gallery_store", "foo", ["sqlite", "qdrant+http://127.0.0.1:6333"]),
        ("gallery_store", "qdrant+http://", ["sqlite", "qdrant+http://127.0.0.1:6333"]),
        ("device", "tpu", ["auto, cuda, mps, cpu"]),
        ("language", "fr", ["auto, zh, en"]),
        ("mcp", "perhaps", ["true", "false"]),
        ("SPACES_ZERO_GPU", "perhaps", ["true", "false"]),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_wrong_setting_is_named_with_what_was_given_and_what_it_takes(
    language, name, given, takes, monkeypatch
):
    monkeypatch.setenv(name if name.isupper() else f"CLIP_APP_{name.upper()}", given)
    with pytest.raises(InputError) as raised:
        read_settings()
    said = raised.value.message(language)
    quoted = f'"{given}"' if language == "en" else f"“{given}”"
    assert all(one in said for one in (name, quoted, *takes))
    assert not re.search(r"pydantic|Input should|pattern|\\d|\^", said)
    if language == "zh":  # names and values aside, nothing is left in English
        bare = re.sub(rf"“.*?”|Qdrant|{name}", "", said)
        assert set(re.findall("[a-z]{4,}", bare)) <= set(re.findall("[a-z]{4,}", " ".join(takes)))


def test_a_gallery_root_that_is_not_there_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LANG", "C.UTF-8")
    (tmp_path / "there").mkdir()
    roots = f"{tmp_path / 'there'}{os.pathsep}{tmp_path / 'nope'}"
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        prepare(["--gallery-roots", roots, "--port", str(taken.getsockname()[1])])
    told = text("gallery_roots_missing", "en", folders=tmp_path / "nope")
    assert capsys.readouterr().err.splitlines()[0] == told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_page_starts_beside_broken_proxies_and_leaves_nothing_when_it_ends(
    request, tmp_path, number
):
    (tmp_path / "tmp").mkdir()
    index = tmp_path / "index"
    # What runs the tests in the background may have switched the signal off.
    before = signal.signal(number, signal.SIG_DFL)
    running = App(
        env={
            "HTTP_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "socks://127.0.0.1:9",
            "NO_PROXY": "::1/128",
            "TMPDIR": str(tmp_path / "tmp"),
            "CLIP_APP_INDEX_DIR": str(index),
        }
    )
    request.addfinalizer(running.stop)
    signal.signal(number, before)
    # The system picks another one for each; from here on Gradio does, the same for two at once.
    assert int(running.url.rpartition(":")[2]) not in range(7860, 7960)
    assert len(list((index / "temporary").iterdir())) == 1
    with (EXAMPLES / "cat.jpg").open("rb") as file:
        uploaded = httpx.post(f"{running.url}/gradio_api/upload", files={"files": file}).json()
    assert Path(uploaded[0]).is_file()
    # The examples are being indexed since the page is served.
    databases = wait_for(lambda: list(index.rglob("index.sqlite")))
    running.process.send_signal(number)
    assert running.process.wait(PATIENCE_SECONDS) == 0
    assert "Traceback" not in running.last_words()
    assert list((index / "temporary").iterdir()) == []
    assert not Path(uploaded[0]).exists()
    left = {path.name for path in (tmp_path / "tmp").iterdir()}
    assert [one for one in left if one.startswith(("clip_app-", "torchinductor_", "gradio"))] == []
    with closing(sqlite3.connect(databases[0])) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


_LATE = """
import sys
import httpx
from clip_app.server.serve import launch, prepare

def late(*_, **__):
    raise httpx.ReadTimeout("The read operation timed out")

if __name__ == "__main__":
    httpx.head = late
    sys.exit(launch(*prepare(sys.argv[1:])))
"""


def test_a_machine_too_busy_to_answer_gradio_in_time_serves_the_page(request, tmp_path):
    program = tmp_path / "late.py"
    program.write_text(_LATE)
    running = App(program=str(program), env={"PYTHONPATH": str(ROOT)})
    request.addfinalizer(running.stop)
    assert httpx.get(running.url).status_code == 200


def _head(method: str, path: str, length: int = 0) -> bytes:
    accept = "accept: text/event-stream, application/json"
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{accept}"
    kind = "multipart/form-data; boundary=x" if path.endswith("/upload") else "application/json"
    return f"{head}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n".encode()


def test_clients_that_hang_up_and_what_is_open_at_the_end_leave_no_traceback():
    running = App("--mcp")
    host, port = running.url.removeprefix("http://").split(":")
    gradio = "/gradio_api"

    def asked(sent: bytes) -> socket.socket:
        caller = socket.create_connection((host, int(port)))
        caller.sendall(sent)
        return caller

    part = b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nhalf'
    join = json.dumps({"data": [], "fn_index": 0, "session_hash": "s"}).encode()
    for sent in (
        _head("POST", f"{gradio}/upload", 5000) + part,
        _head("POST", f"{gradio}/queue/join", 5000) + join,
        _head("POST", f"{gradio}/mcp/", 5000) + b"{",
        _head("POST", "/v1/classify", 5000) + b"{",
    ):
        asked(sent).close()
    # A page that was open before the app was started anew asks for a session that is no more.
    unknown = httpx.get(f"{running.url}{gradio}/queue/data?session_hash=s", timeout=60)
    assert "session_not_found" in unknown.text
    wait_for(lambda: "".join(running.log).count("A caller left") >= 4)
    open_still = [
        asked(_head("GET", f"{gradio}/mcp/")),
        asked(_head("GET", f"{gradio}/mcp/sse")),
        asked(_head("GET", f"{gradio}/heartbeat/s")),
        asked(_head("POST", f"{gradio}/upload", 5000) + part),
        asked(_head("POST", "/v1/classify", 5000) + b"{"),
    ]
    for one in open_still[:3]:
        assert one.recv(15) == b"HTTP/1.1 200 OK"
    running.process.terminate()
    assert running.process.wait(PATIENCE_SECONDS) == 0
    log = running.last_words()
    assert not re.search("Traceback|ERROR", log), log
    for one in open_still:
        one.close()
    running.stop()


def _can_run_here(user: int) -> bool:
    command = [sys.executable, "-c", "import gradio, clip_app.strings"]
    try:
        return not subprocess.run(command, cwd=ROOT, user=user, capture_output=True).returncode
    except OSError:
        return False


def test_the_page_starts_where_the_first_user_of_gradio_was_another():
    nobody, other = 65534, 65533
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("only root can be two users")
    if not _can_run_here(nobody):
        pytest.skip("another user cannot read this checkout")
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        base.chmod(0o755)
        home, shared = base / "home", base / "tmp"
        home.mkdir()
        os.chown(home, nobody, nobody)
        shared.mkdir()
        shared.chmod(0o1777)
        (shared / "gradio").mkdir(0o700)
        os.chown(shared / "gradio", other, other)
        env = {
            "HOME": str(home),
            "TMPDIR": str(shared),
            "CLIP_APP_INDEX_DIR": str(home / "index"),
        }
        running = App(env=env, user=nobody, group=nobody, extra_groups=[])
        try:
            with (EXAMPLES / "cat.jpg").open("rb") as file:
                answer = httpx.post(f"{running.url}/gradio_api/upload", files={"files": file})
            assert answer.status_code == 200
            assert Path(answer.json()[0]).is_relative_to(home / "index" / "temporary")
        finally:
            running.stop()
