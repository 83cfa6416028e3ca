"""What earlier versions wrote is read as it was; what a newer one wrote is refused in a sentence.

`tests/data` keeps a small file of every released format, written by that version itself: the index
of three drawn pictures and a broken one, a taught concept of one of them, an undo file. A new
format gets a file beside these, never in their place.
"""

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_app.errors import GalleryError, InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.library import Library
from clip_app.gallery.roots import Roots
from clip_app.gallery.stores import qdrant_server
from clip_app.gallery.stores.qdrant_library import QdrantLibrary
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.qdrant_server import index_name
from clip_app.gallery.stores.sqlite_schema import VERSION
from clip_app.gallery.stores.store import Counts, Filter, IndexKey
from clip_app.model.info import ModelInfo
from clip_app.settings import Settings
from clip_app.sorting import journal
from clip_app.tasks.concept_files import concepts_from_bytes
from clip_app.terminal import main
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
INDEXES = sorted(DATA.glob("index-*.sql"))
PHOTOS = Path("/photos")

# What the version that wrote the first of them answered to a search by sun.jpg.
FOUND = {"sun.jpg": 1.0, "sea/fish.png": 0.76089, "sea/boat.jpg": 0.52426}

# Of the starter that encoded them.
FINGERPRINT, DIM = "f614d63b55abe8b0", 640


def put(dump: Path, directory: Path) -> Path:
    """The database of a dump, where an index folder would have it."""
    place = directory / "photos-b419ab5c" / f"starter-{FINGERPRINT[:8]}" / "index.sqlite"
    place.parent.mkdir(parents=True)
    with closing(sqlite3.connect(place)) as table:
        table.executescript(dump.read_text("utf-8"))
    return place


def vector(database: Path, path: str) -> np.ndarray:
    with closing(sqlite3.connect(database)) as table:
        wanted = "SELECT vector FROM images JOIN files ON image = id WHERE path = ?"
        (row,) = table.execute(wanted, (path.encode(),)).fetchone()
    return np.frombuffer(row, np.float32)


def version(database: Path) -> str:
    with closing(sqlite3.connect(database)) as table:
        return str(table.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()[0])


@pytest.fixture(scope="module")
def model(service) -> ModelInfo:
    return replace(service.info, fingerprint=FINGERPRINT, embedding_size=DIM)


@pytest.mark.parametrize("dump", INDEXES, ids=lambda one: one.stem)
def test_an_index_of_each_release_answers_as_it_did_before_and_after_it_is_written(
    dump, tmp_path, model
):
    database = put(dump, tmp_path)
    query, before = vector(database, "sun.jpg"), version(database)

    def check() -> None:
        with closing(Library(tmp_path)) as library:
            store = library.open(PHOTOS, model)
            assert store.counts() == Counts(files=3, images=3, broken=1)
            found = store.search(query, 10, Filter())
            assert [one.files[0].path for one in found] == list(FOUND)
            assert [one.similarity for one in found] == pytest.approx(
                list(FOUND.values()), abs=1e-5
            )
            record = store.records(["sun.jpg"])["sun.jpg"]
            assert (record.size, record.mtime_ns) == (1254, 1714564800 * 10**9)
            assert store.facets(Filter(below="sea")).images == 2
            assert "broken.jpg" in dict(store.broken(10))

    check()
    assert version(database) == before, "reading changes nothing"
    with closing(Library(tmp_path)) as library:
        store = library.open(PHOTOS, model)
        with store.lock():
            assert store.repair() == 0
            store.touch([("sun.jpg", 5, 6)])
    assert version(database) == str(VERSION)
    check()


def test_there_is_an_index_of_the_present_version():
    assert version_of_dumps()[-1] == VERSION, "keep an index of the version before in tests/data"


def version_of_dumps() -> list[int]:
    mark = "INSERT INTO \"meta\" VALUES('version','"
    return sorted(int(one.read_text("utf-8").partition(mark)[2][0]) for one in INDEXES)


def test_an_index_of_a_newer_version_is_one_sentence(tmp_path, model, caplog, capsys):
    database = put(INDEXES[-1], tmp_path)
    with closing(sqlite3.connect(database)) as table:
        table.execute("UPDATE meta SET value = ? WHERE key = 'version'", (VERSION + 1,))
        table.commit()
    with closing(Library(tmp_path)) as library, pytest.raises(GalleryError) as told:
        library.open(PHOTOS, model)
    assert told.value.key == "index_newer"
    said = "The index of photos was written by a newer version of this program."
    assert told.value.message("en") == said
    service = GalleryService(Settings(index_dir=tmp_path))
    service.roots = Roots((PHOTOS,))  # which is not there now
    with closing(service), pytest.raises(GalleryError) as told:
        service.searchable(model)
    assert told.value.public_message("en") == said
    photos, starter = str(PHOTOS), ("--model", "starter")
    for command, code in (
        (("status",), 0),
        (("search", "--text", "sun", *starter), 2),
        (("search", "--text", "sun", "--folder", photos, *starter), 2),
        (("duplicates", photos, *starter), 2),
        (("forget", photos), 2),
    ):
        caplog.clear()
        assert main([*command, "--index", str(tmp_path)]) == code
        told = "".join([caplog.text, *capsys.readouterr()])
        assert told.count(said) == 1, command
        assert "No folder has been indexed" not in told
    assert version(database) == str(VERSION + 1), "and left as it is"


def test_so_is_one_in_qdrant(tmp_path, model, monkeypatch, caplog):
    key = IndexKey(PHOTOS, model.name, model.fingerprint, DIM)
    with closing(QdrantLibrary(Nodes(f"path:{tmp_path / 'qdrant'}"), tmp_path)) as library:
        assert library.is_empty()
        with monkeypatch.context() as newer:
            newer.setattr(qdrant_server, "VERSION", qdrant_server.VERSION + 1)
            library._server.create(index_name(key), key)
        for refused in (
            lambda: library.open(PHOTOS, model),
            lambda: library.open(PHOTOS, model, create=True),
            lambda: library.forget(PHOTOS),
        ):
            with pytest.raises(GalleryError) as told:
                refused()
            assert told.value.key == "index_newer"
        assert library.galleries(model, closely=True) == []
        assert "The index of photos was written by a newer version of this program." in caplog.text
        assert (library.is_empty(), library.folders()) == (False, {PHOTOS}), "and left as it is"


def test_what_was_taught_is_read_and_of_a_newer_version_is_one_sentence(tmp_path):
    data = (DATA / "concepts-0.2.0.safetensors").read_bytes()
    (sun,) = concepts_from_bytes(data, "sun")
    assert (sun.name, sun.examples, sun.counter_examples, sun.alpha) == ("Sun", 1, 1, 0.7)
    assert (sun.model, sun.fingerprint, len(sun.thumbnails)) == ("starter", FINGERPRINT, 1)
    database = put(INDEXES[0], tmp_path)
    assert float(sun.mean @ vector(database, "sun.jpg")) == pytest.approx(1, abs=1e-4)
    assert sun.away is not None
    assert float(sun.away @ vector(database, "sea/boat.jpg")) == pytest.approx(1, abs=1e-4)
    with pytest.raises(InputError) as told:
        concepts_from_bytes(data.replace(b'"version":"1"', b'"version":"2"'), "sun")
    assert told.value.key == "concepts_newer"


def test_a_run_is_undone_by_its_file_and_of_a_newer_version_is_one_sentence(tmp_path, capsys):
    written = (DATA / "undo-0.2.0.jsonl").read_text("utf-8")
    for name in ("photos", "sorted"):
        written = written.replace(f"/{name}", f"{tmp_path}/{name}")
    undo = tmp_path / "undo.jsonl"
    head, *steps = map(json.loads, written.splitlines())
    for step in steps:
        moved = Path(step["target"])
        moved.parent.mkdir(parents=True)
        Path(step["source"]).parent.mkdir(parents=True, exist_ok=True)
        moved.write_bytes(bytes(step["size"]))
        os.utime(moved, ns=(step["mtime_ns"], step["mtime_ns"]))
    newer = {**head, "clip_app_journal": 2}
    undo.write_text("\n".join(map(json.dumps, [newer, *steps])))
    with pytest.raises(InputError) as told:
        journal.read(undo)
    assert told.value.key == "journal_newer"
    undo.write_text(written)
    assert main(["undo", str(undo)]) == 0
    assert "2 brought back" in capsys.readouterr().out
    left = {one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*") if one.is_file()}
    assert left >= {"photos/sun.jpg", "photos/sea/boat.jpg"}
    assert not (tmp_path / "sorted").exists()
