"""An index as one file, and back into any store."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from clip_app.errors import GalleryError, OtherModelError, StorageError
from clip_app.gallery.backup import back_up, restore
from clip_app.gallery.library import Library
from clip_app.gallery.stores.qdrant_library import QdrantLibrary
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.store import Entry, Filter
from clip_app.strings import text
from clip_app.terminal import main
from tests.test_store_contract import ERROR, Model, OtherModel, entry, unit


def by_path(store):
    """All entries by their paths, vectors as lists so that they compare."""
    found = store.entries([*store.paths()])
    return {
        one.path: (replace(one, vector=None), None if one.vector is None else one.vector.tolist())
        for one in found
    }


@pytest.fixture
def store(tmp_path):
    library = Library(tmp_path / "index")
    store = library.open(tmp_path / "photos", Model, create=True)
    full = {"ctime_ns": 5, "inode": 7, "doubts": 2, "file_date": True, "width": 30, "height": 20}
    first = replace(entry("a/one.jpg", 1, look=2**63 + 5), **full, keywords=("雪", "dog"))
    broken = replace(entry("b/broken.jpg", 3, vector=False, error=ERROR), hash=b"")
    copy = entry("a/copy.jpg", 1, look=2**63 + 5)
    no_text = entry("a/\udcff.jpg", 4, taken=50)
    with store.lock():
        store.write([replace(first, sidecars=9), entry("two.jpg", 2), broken, no_text])
        store.write([replace(copy, vector=None, width=30, height=20)])
    yield store
    library.close()


def test_entries_are_what_was_written(store):
    first = by_path(store)["a/one.jpg"]
    assert first[0] == Entry(
        "a/one.jpg",
        size=101,
        mtime_ns=1_700_000_000_123_456_790,
        hash=first[0].hash,
        taken=0,
        look=2**63 + 5,
        ctime_ns=5,
        inode=7,
        doubts=2,
        file_date=True,
        width=30,
        height=20,
        keywords=("雪", "dog"),
        sidecars=9,
    )
    assert first[1] == unit(1).tolist()
    assert by_path(store)["a/copy.jpg"][1] == unit(1).tolist()  # a file alone can be written
    assert by_path(store)["b/broken.jpg"] == (by_path(store)["b/broken.jpg"][0], None)
    assert by_path(store)["b/broken.jpg"][0].error == ERROR


def test_to_qdrant_and_back_all_is_as_it_was(store, tmp_path):
    folder, expected = store.key.folder, by_path(store)
    back_up(store, tmp_path / "one.index")
    qdrant = QdrantLibrary(Nodes(f"path:{tmp_path / 'qdrant'}"), tmp_path / "q")
    moved, damaged = restore(qdrant, tmp_path / "one.index", Model)
    assert damaged == 0
    assert by_path(moved) == expected
    back_up(moved, tmp_path / "two.index")
    qdrant.close()
    elsewhere = Library(tmp_path / "elsewhere")
    told = []
    again, _ = restore(
        elsewhere,
        tmp_path / "two.index",
        Model,
        folder=tmp_path / "moved",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (5, 5)
    assert again.key.folder == tmp_path / "moved" != folder
    assert by_path(again) == expected
    for where in (Filter(), Filter(below="a"), Filter(keywords=frozenset({"雪"}))):
        query = unit(1)
        ours, theirs = again.search(query, 9, where), store.search(query, 9, where)
        assert [one.hash for one in ours] == [one.hash for one in theirs]
        assert [one.files for one in ours] == [one.files for one in theirs]
        assert np.allclose([one.similarity for one in ours], [one.similarity for one in theirs])
    assert again.counts() == store.counts()
    elsewhere.close()


def test_an_index_is_replaced_only_if_asked_and_then_wholly(store, tmp_path):
    back_up(store, tmp_path / "one.index")
    expected = by_path(store)
    library = Library(tmp_path / "elsewhere")
    other = library.open(store.key.folder, Model, create=True)
    with other.lock():
        other.write([entry("mine.jpg", 8), entry("two.jpg", 9)])
    with pytest.raises(GalleryError, match="has an index already"):
        restore(library, tmp_path / "one.index", Model)
    assert sorted(other.paths()) == ["mine.jpg", "two.jpg"]
    assert by_path(restore(library, tmp_path / "one.index", Model, replace=True).store) == expected
    library.close()


def test_what_cannot_be_is_told_and_leaves_nothing(store, tmp_path):
    file = tmp_path / "one.index"
    back_up(store, file)
    before = file.read_bytes()
    with pytest.raises(StorageError, match="there already"):
        back_up(store, file)
    assert file.read_bytes() == before
    with pytest.raises(StorageError, match="cannot be written"):
        back_up(store, tmp_path / "no folder" / "two.index")
    library = Library(tmp_path / "elsewhere")
    with pytest.raises(OtherModelError):
        restore(library, file, OtherModel)
    with pytest.raises(GalleryError, match="There is no file"):
        restore(library, tmp_path / "nothing", Model)
    (tmp_path / "bad").write_bytes(before[:40] + b"\0" * 400)
    with pytest.raises(GalleryError, match="damaged"):
        restore(library, tmp_path / "bad", Model)
    assert library.galleries(None) == []
    library.close()
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".clip_app")]


def test_damaged_rows_are_left_out_and_counted(tmp_path, service, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    file = str(tmp_path / "one.index")
    vector = np.eye(1, service.info.embedding_size, dtype=np.float32)[0]
    with closing(Library(tmp_path / "index")) as library:
        store = library.open(tmp_path / "photos", service.info, create=True)
        with store.lock():
            store.write([replace(entry(f"{one}.jpg", one), vector=vector) for one in range(4)])
        back_up(store, tmp_path / "one.index")
    with closing(sqlite3.connect(file)) as table, table:
        assert table.execute("UPDATE files SET size = 1 WHERE path = ?", (b"2.jpg",)).rowcount == 1
    given = ["restore", file, "--model", "starter", "--index", str(tmp_path / "again")]
    assert main(given) == 0
    told = capsys.readouterr()
    assert "3 files" in told.out
    assert told.err.splitlines()[-1] == text("restored_without", "en", number=1)
    assert main([*given, "--replace", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["files"], answer["damaged"]) == (3, 1)
    # Where it is the file that is damaged, that is what is said, and nothing is written.
    with open(file, "r+b") as pages:
        pages.seek(8192)
        pages.write(bytes(8192))
    given[-1] = str(tmp_path / "third")
    assert main(given) == 2
    assert text("backup_unreadable", "en", path=file) in capsys.readouterr().err
    assert not (tmp_path / "third").exists()
    assert not list(tmp_path.glob("one.index-*"))


def test_a_file_of_a_newer_version_is_refused(store, tmp_path):
    file = tmp_path / "one.index"
    back_up(store, file)
    table = sqlite3.connect(file)
    assert table.execute("UPDATE meta SET value = '99' WHERE key = 'version'").rowcount == 1
    table.commit()
    table.close()
    library = Library(tmp_path / "elsewhere")
    with pytest.raises(GalleryError, match="newer version"):
        restore(library, file, Model)
    library.close()
