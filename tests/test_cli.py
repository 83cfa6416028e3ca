import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from gradio_client import Client

from clip_app.images import load_image
from clip_app.settings import Settings, read_settings
from clip_app.tasks.classify import classify
from tests.conftest import EXAMPLES, ROOT, App

pytestmark = pytest.mark.slow

CAT = str(EXAMPLES / "cat.jpg")


def run(*arguments: str, language: str = "C") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clip_app", *arguments],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": language, "CLIP_APP_MODEL": "starter"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_classify_prints_one_json_object_for_each_image(service):
    coffee = str(EXAMPLES / "coffee.jpg")
    done = run("classify", CAT, coffee, "--labels", "cat, coffee, 狗", "--top-k", "2", "--json")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == [CAT, coffee]
    assert answers[0]["model"] == "starter"
    assert [answer["results"][0]["label"] for answer in answers] == ["cat", "coffee"]
    assert all(len(answer["results"]) == 2 for answer in answers)
    expected = classify(service, [load_image(CAT)], "cat, coffee, 狗")[0].results[0]
    got = answers[0]["results"][0]
    assert set(got) == {"label", "score", "similarity"}
    np.testing.assert_allclose(
        (got["score"], got["similarity"]), (expected.score, expected.similarity), atol=1e-4
    )


def test_match_takes_repeated_descriptions_or_a_file(tmp_path):
    lines = ["a dog in the snow", "a close-up of a cat's face"]
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(lines), "utf-8")
    by_flag = run("match", CAT, "--descriptions", lines[0], "--descriptions", lines[1], "--json")
    by_file = run("match", CAT, "--file", str(file), "--json")
    assert by_flag.returncode == 0, by_flag.stderr
    answer = json.loads(by_flag.stdout)
    assert answer["results"][0]["text"] == lines[1]
    assert set(answer["results"][0]) == {"text", "score", "similarity"}
    assert json.loads(by_file.stdout) == answer


def test_models_lists_every_preset_and_the_starter():
    listed = json.loads(run("models", "--json").stdout)
    keys = [model["key"] for model in listed]
    assert keys[0] == "starter"
    assert "xlm-roberta-base-vit-b-32" in keys
    assert all(model.get("licence") for model in listed[1:])
    assert "siglip2-b-16-256" in run("models").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("classify", "no-such.jpg", "--labels", "cat"), "no-such.jpg"),
        (("classify", CAT, "--labels", " , "), "at least one label"),
        (("classify", CAT, "--labels", "cat", "--template", "photo"), "has no {}"),
        (("classify", CAT, "--labels", "cat", "--model", "nope"), "no model called"),
        (("classify", CAT, "--labels", "cat", "--device", "toaster"), "device"),
        (("match", CAT, "--file", "no-such.txt"), "no-such.txt"),
    ],
)
def test_mistakes_end_in_code_2_and_one_sentence(arguments, sentence):
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_mistakes_are_told_in_the_terminals_language():
    assert (
        "请至少输入一个类别" in run("classify", CAT, "--labels", "", language="zh_CN.UTF-8").stderr
    )


def test_settings_come_from_the_environment_and_flags_win(monkeypatch):
    monkeypatch.setenv("CLIP_APP_PORT", "9000")
    monkeypatch.setenv("CLIP_APP_LANGUAGE", "zh")
    assert read_settings().port == 9000
    from argparse import Namespace

    both = read_settings(Namespace(port="9001"))
    assert (both.port, both.language) == (9001, "zh")


def test_visitors_may_change_the_model_only_on_a_private_page(monkeypatch):
    assert Settings().visitors_may_change_model
    assert not Settings(share=True).visitors_may_change_model
    assert not Settings(host="0.0.0.0").visitors_may_change_model
    assert Settings(host="0.0.0.0", allow_model_change=True).visitors_may_change_model
    monkeypatch.setenv("SPACE_ID", "somebody/space")
    assert not Settings().visitors_may_change_model
    assert Settings().listen_on == "0.0.0.0"


def test_an_unreachable_share_server_is_one_line_and_the_app_goes_on():
    import httpx

    running = App("--share", env={"LC_ALL": "C"})
    try:
        assert httpx.get(running.url).status_code == 200
        running.told("share server cannot be reached|gradio.live")
        assert httpx.get(running.url).status_code == 200
    finally:
        running.stop()


def test_a_taken_port_is_one_sentence(app):
    port = app.url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "app.py", "--port", port, "--model", "starter"],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert f"Port {port} is in use" in done.stderr
    assert "ready on" not in done.stderr, "told before the model is loaded"
    assert "Traceback" not in done.stderr


class _HubWithoutFiles(BaseHTTPRequestHandler):
    """A model hub that answers, and has nothing."""

    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def test_starter_answers_while_the_default_is_fetched_and_stays_if_that_fails(tmp_path):
    hub = ThreadingHTTPServer(("127.0.0.1", 0), _HubWithoutFiles)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    app = App(
        env={
            "CLIP_APP_MODEL": "auto",
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": "0",
        }
    )
    try:
        # Whether it has failed before the page is served is a matter of luck.
        app.told("goes on answering")
        log = "".join(app.log)
        assert "starter model answers while xlm-roberta-base-vit-b-32 is being downloaded" in log
        assert log.count("goes on answering") == 1
        assert "Traceback" not in log
        assert Client(app.url, verbose=False).predict(api_name="/health")["model"] == "starter"
    finally:
        app.stop()
        hub.shutdown()
