"""Starting and ending: proxies in the environment, settings that do not matter, signals."""

import os
import signal
import subprocess
import sys
from argparse import Namespace

import pytest

from clip_app.errors import InputError
from clip_app.network import usable_proxies
from clip_app.settings import INDEX_SETTINGS, read_settings
from clip_app.strings import text
from tests.conftest import ROOT, App


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


def test_the_page_starts_beside_broken_proxies_and_leaves_nothing_when_it_ends(tmp_path):
    (tmp_path / "tmp").mkdir()
    running = App(
        env={
            "HTTP_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "socks://127.0.0.1:9",
            "NO_PROXY": "::1/128",
            "TMPDIR": str(tmp_path / "tmp"),
            "CLIP_APP_INDEX_DIR": str(tmp_path / "index"),
        }
    )
    assert len(list((tmp_path / "index" / "temporary").iterdir())) == 1
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    assert list((tmp_path / "index" / "temporary").iterdir()) == []
    assert list((tmp_path / "tmp").glob("clip_app-*")) == []
