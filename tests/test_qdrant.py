"""What is Qdrant's alone: many machines at a time, its setting, and its being absent."""

import json
import shutil
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from qdrant_client import models

from clip_app.errors import InputError, StorageError
from clip_app.gallery.library import open_library
from clip_app.gallery.stores import qdrant_nodes
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.qdrant_points import point_id
from clip_app.gallery.stores.qdrant_server import QdrantServer, index_name
from clip_app.gallery.stores.qdrant_store import QdrantStore
from clip_app.gallery.stores.store import Counts, Filter, IndexKey
from clip_app.settings import Settings
from clip_app.terminal import common, main
from tests.conftest import EXAMPLES, PATIENCE_SECONDS
from tests.qdrant_servers import running
from tests.test_store_contract import DIM, entry, unit

pytestmark = pytest.mark.slow


@pytest.fixture(params=["imitation", "server"])
def server(request, tmp_path):
    address = "memory:"
    if request.param == "server":
        address = request.getfixturevalue("qdrant_address")
    server = QdrantServer(Nodes(address), tmp_path)
    yield server
    for name, *_ in server.indexes():
        server.delete(name)
    server.close()


@pytest.fixture
def machines(server, tmp_path):
    """The same index as two machines have it open."""
    key = IndexKey(tmp_path, "starter", "f" * 64, DIM)
    server.create(index_name(key), key)
    return [QdrantStore(server, index_name(key), key) for _ in range(2)]


def test_two_machines_that_write_copies_of_the_same_images_lose_none(machines):
    failures = []

    def work(machine):
        try:
            for first in range(0, 60, 10):
                machines[machine].write(
                    [entry(f"{machine}/{n}.jpg", n % 20) for n in range(first, first + 10)]
                )
        except StorageError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(machine,)) for machine in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert machines[0].counts() == Counts(files=120, images=20)
    for content in range(20):
        best = machines[1].search(unit(content), 1, Filter())[0]
        assert {file.path for file in best.files} == {
            f"{machine}/{n}.jpg"
            for machine in (0, 1)
            for n in (content, content + 20, content + 40)
        }


def test_a_file_whose_image_was_just_dropped_elsewhere_is_left_for_the_next_run(machines):
    first, second = machines
    first.write([entry("old.jpg", 1)])
    assert second.knows(entry("", 1).hash)
    first.forget(["old.jpg"])
    first.optimise()
    second.write([entry("moved.jpg", 1, vector=False), entry("other.jpg", 2)])
    assert set(second.records(["moved.jpg", "other.jpg"])) == {"other.jpg"}
    second.write([entry("moved.jpg", 1)])
    assert second.search(unit(1), 1, Filter())[0].files[0].path == "moved.jpg"


def test_an_index_of_before_ctimes_were_kept_goes_on(machines):
    store = machines[0]
    new = {"ctime_ns": 1, "inode": 2, "file_date": True}
    store.write([replace(entry("a.jpg", 1), **new), replace(entry("b.jpg", 2), **new)])
    old = ["ctime_ns", "inode", "doubts", "file_date"]
    everything = models.FilterSelector(filter=models.Filter())
    store._server.ask("delete_payload", store._files, old, points=everything, wait=True)
    for point in store._server.scroll(store._images):
        places = [
            {name: value for name, value in place.items() if name != "file_date"}
            for place in point.payload["places"]
        ]
        store._server.set_payload(store._images, {"places": places}, [point.id])
        store._server.ask("delete_payload", store._images, ["kept_since"], points=[point.id])
    record = store.records(["a.jpg"])["a.jpg"]
    assert (record.ctime_ns, record.inode, record.doubts) == (None, None, 0)
    found = store.search(unit(1), 5, Filter())
    assert [(one.files[0].path, one.files[0].file_date) for one in found] == [
        ("a.jpg", False),
        ("b.jpg", False),
    ]
    store.write([entry("copy.jpg", 1, vector=False)])
    assert store.forget(["a.jpg", "b.jpg"], keep=True) == 1
    store.optimise()
    assert store.counts() == Counts(files=1, images=1)
    assert store.knows(entry("", 2).hash)


def test_a_run_that_was_cut_short_is_made_whole_by_the_next(machines):
    store = machines[0]
    with store.lock():
        store.write([entry("a/1.jpg", 1), entry("b/1.jpg", 1, vector=False), entry("2.jpg", 2)])
        assert store._runs.left_behind()
    assert not store._runs.left_behind()
    assert machines[1].repair() == 0
    # Forgotten files whose image was not told; an image that a file still has, and that is gone.
    with pytest.raises(KeyboardInterrupt), store.lock():  # noqa: PT012
        store.write([entry("3.jpg", 3)])
        store._delete_files(["a/1.jpg"])
        gone = models.PointIdsList(points=[point_id(entry("", 3).hash)])
        store._server.delete_points(store._images, gone)
        raise KeyboardInterrupt
    assert [one.path for one in store.search(unit(1), 1, Filter())[0].files] == [
        "a/1.jpg",
        "b/1.jpg",
    ]
    with store.lock():
        assert store.repair() == 2
    assert [one.path for one in store.search(unit(1), 1, Filter())[0].files] == ["b/1.jpg"]
    assert set(store.records(["a/1.jpg", "b/1.jpg", "2.jpg", "3.jpg"])) == {"b/1.jpg", "2.jpg"}
    assert not store._runs.left_behind()


def test_collections_are_made_for_large_galleries(qdrant_address, tmp_path):
    server = QdrantServer(Nodes(qdrant_address), tmp_path)
    key = IndexKey(tmp_path, "starter", "f" * 64, DIM)
    server.create(index_name(key), key)
    made = server.ask("get_collection", f"{index_name(key)}-images")
    assert made.config.params.vectors.on_disk
    assert made.config.params.on_disk_payload
    assert made.config.quantization_config.scalar.type == "int8"
    assert made.config.quantization_config.scalar.always_ram
    places = {f"places[].{one}" for one in ("folders", "suffix", "taken", "keywords")}
    assert set(made.payload_schema) == {"used", *places}
    server.delete(index_name(key))
    server.close()


def test_grpc_is_used_where_the_port_after_http_is_the_same_server(tmp_path, monkeypatch):
    monkeypatch.setattr(qdrant_nodes, "_PATIENCE_IN_RUN_SECONDS", PATIENCE_SECONDS)
    with running(tmp_path) as (node,):
        new = QdrantServer(Nodes(node.url), tmp_path)  # without collections it could be any
        known = QdrantServer(Nodes(node.url), tmp_path)
        for server, is_fast in ((new, False), (known, True)):
            client = server.nodes._clients[node.url]
            assert bool(client.init_options["prefer_grpc"]) == is_fast
            assert not server.indexes()
        node.kill()
        starting = threading.Timer(0.5, node.start)
        starting.start()
        with known.nodes.patiently():
            assert not known.indexes()  # waited for
        starting.join()  # it may answer before it says that it is ready
        assert known.nodes.interrupted == 0
        new.close()
        known.close()


def test_the_terminal_gives_the_same_results_with_either_store(
    capsys, tmp_path, monkeypatch, service
):
    monkeypatch.setattr(common, "load_service", lambda settings: service)
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    photos = tmp_path / "photos"
    photos.mkdir()
    for example in EXAMPLES.glob("*.jpg"):
        shutil.copy(example, photos)

    def results(store):
        monkeypatch.setenv("CLIP_APP_GALLERY_STORE", store)
        assert main(["index", str(photos)]) == 0
        assert main(["index", str(photos), "--json"]) == 0
        again = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert again["unchanged"] == again["found"] == 6
        assert main(["search", "--text", "a cat", "--exclude", "coffee", "--json"]) == 0
        return json.loads(capsys.readouterr().out)["results"]

    sqlite, qdrant = results("sqlite"), results(f"qdrant+path:{tmp_path / 'qdrant'}")
    assert [one["path"] for one in sqlite] == [one["path"] for one in qdrant]
    assert [one["similarity"] for one in qdrant] == pytest.approx(
        [one["similarity"] for one in sqlite], abs=1e-5
    )


def test_a_server_that_does_not_answer_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert main(["status", "--gallery-store", "qdrant+http://127.0.0.1:9"]) == 2
    told = capsys.readouterr().err
    assert "The vector store http://127.0.0.1:9 does not answer" in told
    assert len(told.strip().splitlines()) == 1


def told(capsys, address, language="en_US.UTF-8", **settings):
    """What `status` says of a server that refuses, on one line and without a warning."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setenv("LC_ALL", language)
        for name, value in settings.items():
            patch.setenv(f"CLIP_APP_QDRANT_{name}", str(value))
        capsys.readouterr()
        code = main(["status", "--gallery-store", f"qdrant+{address}"])
    said = capsys.readouterr()
    assert (code == 2) == bool(said.err)
    assert len(said.err.strip().splitlines()) == (code == 2)
    assert "b'" not in said.err
    return said.err or said.out


def test_keys_and_certificates_are_told_apart(capsys, tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    settings = {
        "QDRANT__SERVICE__ENABLE_TLS": "true",
        "QDRANT__TLS__CERT": str(certificate),
        "QDRANT__TLS__KEY": str(key),
        "QDRANT__SERVICE__API_KEY": "secret",
        "QDRANT__SERVICE__READ_ONLY_API_KEY": "reader",
    }
    with running(tmp_path, **settings) as (node,):
        ours = {"CA": certificate}
        assert "is not trusted: self" in told(capsys, node.url)
        assert "不受信任" in told(capsys, node.url, "zh_CN.UTF-8")
        assert "no file with a certificate" in told(capsys, node.url, CA=key)
        assert "asks for a key" in told(capsys, node.url, **ours)
        assert "does not know the key" in told(capsys, node.url, API_KEY="other", **ours)
        assert "不认可" in told(capsys, node.url, "zh_CN.UTF-8", API_KEY="other", **ours)
        assert "does not allow this" in told(capsys, node.url, API_KEY="reader", **ours)
        assert "does not know the key" in told(capsys, node.url, API_KEY="sécret", **ours)
        assert "No folder" in told(capsys, node.url, API_KEY="secret\n", **ours)
        both = f"https://127.0.0.1:9,{node.url.removeprefix('https://')}"
        assert "No folder" in told(capsys, both, API_KEY="secret", **ours)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("1.9.7", "is of version 1.9.7; this app needs 1.16 or newer"),
        ("1.18.3", "is full; what was written before is kept"),
    ],
)
def test_an_old_server_and_a_full_disk_are_one_sentence(capsys, version, sentence):
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            # As a server on a full disk of 150 MB said it.
            reason = "No space left on device: WAL buffer size exceeds available disk space"
            answer = {"status": {"error": f"Service internal error: {reason}"}, "time": 1.09}
            if self.path == "/":
                answer = {"title": "qdrant", "version": version, "commit": "0"}
            self.send_response(200 if self.path == "/" else 500)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            """Nothing: there would be a line for each request."""

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        assert sentence in told(capsys, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_missing_client_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    monkeypatch.delitem(sys.modules, "clip_app.gallery.stores.qdrant_library")
    for name in ("mend", "nodes", "places", "points", "runs", "server", "store"):
        monkeypatch.delitem(sys.modules, f"clip_app.gallery.stores.qdrant_{name}")
    with pytest.raises(StorageError, match="pip install qdrant-client"):
        open_library(Settings(gallery_store="qdrant+memory:"))


@pytest.mark.parametrize(
    "choice",
    [
        *("mysql", "qdrant", "qdrant+ftp://host", "http://host:6333", "qdrant+http://,"),
        *("qdrant+http://a,b:99999", "qdrant+http://a:port", "qdrant+http://[::1"),
    ],
)
def test_only_known_stores_can_be_chosen(choice, monkeypatch):
    from clip_app.settings import read_settings

    monkeypatch.setenv("CLIP_APP_GALLERY_STORE", choice)
    with pytest.raises(InputError, match="gallery_store"):
        read_settings()
