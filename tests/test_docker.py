"""The image and what starts it, so far as they can be tried without Docker."""

import contextlib
import fnmatch
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import yaml

from clip_app.gallery.scan import Shard
from clip_app.model.catalog import DEFAULT_PRESET
from clip_app.settings import Settings
from tests.conftest import PATIENCE_SECONDS, ROOT

DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_its_linter_finds_nothing():
    hadolint = shutil.which(
        "hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    )
    if not hadolint:
        pytest.skip("hadolint is not installed")
    told = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "")


def test_what_it_copies_is_there_and_not_ignored():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    taken = [line[1:] for line in lines if line.startswith("!")]
    copied = [
        name.strip("/")
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
        for name in line.split()
    ]
    assert len(copied) >= 6
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, one) for one in taken), name


def test_every_target_ends_as_an_ordinary_user_by_number():
    for target in DOCKERFILE.split("\nFROM ")[1:]:
        if re.match(r"base AS", target):
            assert re.findall(r"^USER (\S+)$", target, re.M) == ["1000"]


def health(port: int) -> int:
    """The exit code of the image's health check."""
    command = json.loads(re.search(r"HEALTHCHECK .*\\\n\s+CMD (\[.+\])", DOCKERFILE)[1])
    assert command[0] == "python"
    env = {**os.environ, "CLIP_APP_PORT": str(port)}
    checked = subprocess.run([sys.executable, *command[1:]], env=env, stderr=subprocess.DEVNULL)
    return checked.returncode


def test_the_health_check_tells_an_app_that_answers_from_one_that_does_not(app):
    assert health(int(app.url.rpartition(":")[2])) == 0
    status = [401]

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status[0])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        port = server.server_address[1]
        assert health(port) == 0, "a log-in is asked for"
        status[0] = 503
        assert health(port) != 0
        server.shutdown()
    assert health(port) != 0, "nobody is there"


_FIRST = ["unshare", "--map-root-user", "--pid", "--fork"]


@pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run([*_FIRST, "true"], capture_output=True).returncode,
    reason="no namespaces of processes here",
)
@pytest.mark.parametrize("program", [["-m", "clip_app", "index", "photos", "--watch"], ["app.py"]])
def test_sigterm_ends_the_first_process_of_a_container(tmp_path, program):
    (tmp_path / "photos").mkdir()
    if program == ["app.py"]:
        program = [str(ROOT / "app.py"), "--port", "0"]
    # Held where the libraries load, after the start of the program.
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins, time\nreal = builtins.__import__\n"
        "def held(name, *rest, **more):\n"
        "    if name in ('clip_app.terminal', 'clip_app.server.serve'):\n"
        "        print('loads', flush=True)\n        time.sleep(60)\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = held\n"
    )
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [*_FIRST, sys.executable, *program],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    ) as outside:
        assert outside.stdout
        assert outside.stdout.readline() == "loads\n"
        (first,) = psutil.Process(outside.pid).children()
        try:
            first.terminate()
            assert outside.wait(PATIENCE_SECONDS) == 143
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                first.kill()


def test_what_starts_it_sets_settings_that_there_are():
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["app"]
    assert composed["read_only"]
    assert (DEPLOY / composed["build"]["context"]).resolve() == ROOT
    assert composed["build"]["target"] in re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.M)
    manifests = [*yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))]
    (pod,) = [one["spec"]["template"]["spec"] for one in manifests if one["kind"] == "Deployment"]
    assert pod["enableServiceLinks"] is False, "a service called clip-app would set CLIP_APP_PORT"
    assert pod["securityContext"]["runAsNonRoot"]
    deployed = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert deployed.keys() == composed["environment"].keys()
    for environment in (deployed, composed["environment"]):
        given = {name.removeprefix("CLIP_APP_").lower(): one for name, one in environment.items()}
        assert given.keys() <= Settings.model_fields.keys()
        assert Settings(**given).gallery_store == "qdrant+http://qdrant:6333"


def test_the_pods_that_index_share_out_every_part_and_nothing_else(tmp_path):
    job = yaml.safe_load((DEPLOY / "kubernetes-index.yaml").read_text("utf-8"))["spec"]
    assert job["completionMode"] == "Indexed", "else the pods are not numbered"
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    given = {one["name"]: one.get("value") for one in container["env"]}
    parts = job["completions"]
    assert given.pop("PARTS") == str(parts)
    names = {name.removeprefix("CLIP_APP_").lower(): one for name, one in given.items()}
    assert (
        names.keys() == {"model", "gallery_store", "qdrant_api_key"} <= Settings.model_fields.keys()
    )
    assert names["model"] == DEFAULT_PRESET
    assert names["gallery_store"] == "qdrant+http://qdrant:6333"
    (cache,) = [one for one in pod["volumes"] if one["name"] == "cache"]
    assert "emptyDir" in cache, "the lock in a shared one would let one pod in at a time"

    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    shards = []
    for number in range(parts):
        numbered = {"PATH": path, "PARTS": str(parts), "JOB_COMPLETION_INDEX": str(number)}
        told = subprocess.run(
            container["command"], env=numbered, capture_output=True, text=True, check=True
        ).stdout.split()
        assert told[:-1] == ["-m", "clip_app", "index", "/photos", "--shard"]
        shards.append(Shard.parse(told[-1]))
    assert shards == [Shard(number, parts) for number in range(parts)]


@pytest.mark.parametrize(
    "manifest", sorted(DEPLOY.glob("kubernetes*.yaml")), ids=lambda one: one.stem
)
def test_kubernetes_takes_the_manifest(manifest):
    validator = pytest.importorskip("kubernetes_validate")
    for one in yaml.safe_load_all(manifest.read_text("utf-8")):
        validator.validate(one, validator.latest_version(), strict=True)
