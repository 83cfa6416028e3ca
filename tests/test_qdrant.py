"""What is Qdrant's alone: many machines at a time, its setting, and its being absent."""

import json
import shutil
import sys
import threading
from dataclasses import replace

import pytest
from qdrant_client import models

from clip_app.errors import InputError, StorageError
from clip_app.gallery.library import open_library
from clip_app.gallery.stores.qdrant_server import QdrantServer, index_name
from clip_app.gallery.stores.qdrant_store import QdrantStore
from clip_app.gallery.stores.store import Counts, Filter, IndexKey
from clip_app.settings import Settings
from clip_app.terminal import common, main
from tests.conftest import EXAMPLES
from tests.qdrant_bridge import Bridge
from tests.test_store_contract import DIM, entry, unit

pytestmark = pytest.mark.slow


@pytest.fixture
def machines(tmp_path):
    """The same index as two machines have it open."""
    server = QdrantServer("memory:", None, tmp_path)
    key = IndexKey(tmp_path, "starter", "f" * 64, DIM)
    server.create(index_name(key), key)
    yield [QdrantStore(server, f"{index_name(key)}", key) for _ in range(2)]
    server.close()


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
    store._client.delete_payload(store._files, old, points=models.Filter())
    for point in store._server.scroll(store._images):
        places = [
            {name: value for name, value in place.items() if name != "file_date"}
            for place in point.payload["places"]
        ]
        store._client.set_payload(store._images, {"places": places}, points=[point.id])
        store._client.delete_payload(store._images, ["kept_since"], points=[point.id])
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


def test_collections_are_made_for_large_galleries(tmp_path):
    bridge = Bridge()
    server = QdrantServer(bridge.url, None, tmp_path)
    key = IndexKey(tmp_path, "starter", "f" * 64, DIM)
    server.create(index_name(key), key)
    made = bridge.created[f"{index_name(key)}-images"]
    assert made.vectors.on_disk
    assert made.on_disk_payload
    assert made.quantization_config.scalar.type == "int8"
    assert made.quantization_config.scalar.always_ram
    indexed = {field for name, field in bridge.payload_indexes if name.endswith("-images")}
    places = {f"places[].{one}" for one in ("folders", "suffix", "taken", "keywords")}
    assert indexed == {"used", *places}
    server.close()
    bridge.close()


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


def test_a_missing_client_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    monkeypatch.delitem(sys.modules, "clip_app.gallery.stores.qdrant_library")
    for name in ("store", "server", "places", "points"):
        monkeypatch.delitem(sys.modules, f"clip_app.gallery.stores.qdrant_{name}")
    with pytest.raises(StorageError, match="pip install qdrant-client"):
        open_library(Settings(gallery_store="qdrant+memory:"))


@pytest.mark.parametrize("choice", ["mysql", "qdrant", "qdrant+ftp://host", "http://host:6333"])
def test_only_known_stores_can_be_chosen(choice, monkeypatch):
    from clip_app.settings import read_settings

    monkeypatch.setenv("CLIP_APP_GALLERY_STORE", choice)
    with pytest.raises(InputError, match="gallery_store"):
        read_settings()
