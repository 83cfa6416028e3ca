"""The store gives what exact search by plain numpy gives, in every state it can be in."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clip_app.errors import GalleryError, Reason, StorageError
from clip_app.gallery.library import Library
from clip_app.gallery.stores import sqlite_schema, sqlite_view
from clip_app.gallery.stores.sqlite_database import read_facts
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Counts, Entry, Filter, IndexKey
from clip_app.model.info import ModelInfo
from tests.conftest import wait_for
from tests.gallery_helpers import digest, entry, small_store, unit, written_by_nobody

FOLDERS = ["", "a", "a b", "a0", "a/b", "a/b/c", "A", "é", "a-", "a."]
SUFFIXES = [".jpg", ".png", ".JPG", ".heic"]


def many(seeds: range) -> list[Entry]:
    return [
        entry(
            f"{FOLDERS[n % len(FOLDERS)]}/{n}{SUFFIXES[n % len(SUFFIXES)]}".lstrip("/"),
            n,
            taken=1000 * n,
        )
        for n in seeds
    ]


def exact(entries: list[Entry], query: np.ndarray, where: Filter) -> dict[bytes, set[str]]:
    """The images that pass, by the filter's definition, with their files."""
    passing: dict[bytes, set[str]] = {}
    for one in entries:
        if where.below and not one.path.startswith(where.below + "/"):
            continue
        if where.suffixes and os.path.splitext(one.path)[1].lower() not in where.suffixes:
            continue
        if where.taken_from is not None and one.taken < where.taken_from:
            continue
        if where.taken_until is not None and one.taken >= where.taken_until:
            continue
        passing.setdefault(one.hash, set()).add(one.path)
    return passing


FILTERS = [
    Filter(),
    Filter("a"),
    Filter("a/b"),
    Filter("a b"),
    Filter("a0"),
    Filter("missing"),
    Filter(suffixes=frozenset({".jpg"})),
    Filter(suffixes=frozenset({".png", ".heic"})),
    Filter(taken_from=20_000),
    Filter(taken_until=20_000),
    Filter("a", frozenset({".jpg", ".heic"}), 5_000, 70_000),
]


def assert_exact(store: SqliteStore, entries: list[Entry], limit: int = 7) -> None:
    vectors = {one.hash: one.vector for one in entries if one.vector is not None}
    for seed in range(3):
        query = unit(9000 + seed)
        for where in FILTERS:
            passing = exact(entries, query, where)
            order = sorted(passing, key=lambda image: -float(vectors[image] @ query))
            for number in (limit, 1000):
                found = store.search(query, number, where)
                assert [one.hash for one in found] == order[:number], (where, number)
                for one in found:
                    assert {file.path for file in one.files} == passing[one.hash]
                    assert [f.path for f in one.files] == sorted(
                        (f.path for f in one.files), key=os.fsencode
                    )
                    np.testing.assert_allclose(one.similarity, query @ vectors[one.hash], atol=1e-6)
                    np.testing.assert_array_equal(one.vector, vectors[one.hash])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots and codes from a few rows on."""
    monkeypatch.setattr(sqlite_view, "_TAIL_ROWS", 10)
    monkeypatch.setattr(sqlite_view, "CODES_FROM", 10**9)


def snapshots(place: Path) -> list[str]:
    return sorted(path.name for path in place.glob("snapshot-*"))


def test_search_without_a_snapshot_is_exact(tmp_path: Path) -> None:
    store, entries = small_store(tmp_path), many(range(60))
    store.write(entries)
    store.optimise()
    assert not snapshots(tmp_path)
    assert_exact(store, entries)


def test_search_with_a_snapshot_is_exact(tmp_path: Path, small: None) -> None:
    store, entries = small_store(tmp_path), many(range(60))
    store.write(entries)
    store.optimise()
    assert len(snapshots(tmp_path)) == 1
    assert_exact(store, entries)
    store.close()
    assert_exact(small_store(tmp_path), entries)


def test_search_with_a_snapshot_additions_and_deletions_is_exact(
    tmp_path: Path, small: None
) -> None:
    store, entries = small_store(tmp_path), many(range(100))
    store.write(entries[:80])
    store.optimise()
    (first,) = snapshots(tmp_path)
    store.write(entries[80:88])
    dropped = [entries[n].path for n in (3, 40, 79, 85)]
    store.forget(dropped)
    store.optimise()
    assert snapshots(tmp_path) == [first]
    left = [one for one in entries[:88] if one.path not in dropped]
    assert_exact(store, left)
    store.write(entries[88:])
    store.optimise()
    assert len(snapshots(tmp_path)) == 1
    assert snapshots(tmp_path) != [first]
    assert_exact(store, [*left, *entries[88:]])
    store.forget([one.path for one in entries[:40]])
    store.optimise()
    assert_exact(store, [one for one in [*left, *entries[88:]] if one not in entries[:40]])


def test_everything_may_be_dropped_and_come_back(tmp_path: Path, small: None) -> None:
    store, entries = small_store(tmp_path), many(range(40))
    for _ in range(2):
        store.write(entries)
        store.optimise()
        assert_exact(store, entries)
        store.forget([one.path for one in entries])
        store.optimise()
        assert store.counts() == Counts()
        assert store.search(unit(1), 5, Filter()) == []


def test_codes_find_what_exact_search_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_view, "CODES_FROM", 100)
    monkeypatch.setattr(sqlite_view, "_TAIL_ROWS", 10)
    store = small_store(tmp_path)
    entries = [replace(entry(f"{n % 7}/{n}.jpg", n), taken=n) for n in range(2500)]
    store.write(entries[:2300])
    store.optimise()
    (name,) = snapshots(tmp_path)
    assert (tmp_path / name / "codes.faiss").exists()
    matrix = np.stack([one.vector for one in entries if one.vector is not None])

    def recall(rows: range | list[int], where: Filter = Filter()) -> float:  # noqa: B008
        rows, hits = list(rows), 0
        for seed in range(20):
            query = unit(8000 + seed)
            best = {
                entries[rows[i]].hash for i in np.argsort(-(matrix[rows] @ query))[:10].tolist()
            }
            hits += len(best & {one.hash for one in store.search(query, 10, where)})
        return hits / 200

    assert recall(range(2300)) >= 0.99
    assert recall(range(3, 2300, 7), Filter("3")) >= 0.99
    # Extended by what comes later, and made anew where much is gone.
    store.write(entries[2300:])
    assert recall(range(2500)) >= 0.99
    store.optimise()
    assert snapshots(tmp_path) != [name]
    assert recall(range(2500)) >= 0.99
    store.forget([one.path for one in entries[:100]])
    store.optimise()
    assert recall(range(100, 2500)) >= 0.99
    store.forget([one.path for one in entries[:1000]])
    store.optimise()
    assert recall(range(1000, 2500)) >= 0.99
    store.close()
    reopened = small_store(tmp_path)
    query = unit(1)
    best = np.argsort(-(matrix[1000:] @ query))[:5] + 1000
    assert [one.hash for one in reopened.search(query, 5, Filter())] == [
        entries[n].hash for n in best
    ]


def test_an_open_reader_sees_what_another_store_writes(tmp_path: Path, small: None) -> None:
    reader, writer, entries = small_store(tmp_path), small_store(tmp_path), many(range(50))
    assert reader.search(unit(1), 5, Filter()) == []
    for end in (5, 30, 50):
        writer.write(entries[:end])
        writer.optimise()
        assert_exact(reader, entries[:end])
        assert reader.counts() == Counts(end, end, 0)
    writer.forget([one.path for one in entries[:25]])
    writer.optimise()
    assert_exact(reader, entries[25:])


def test_another_process_is_told_that_the_index_is_busy(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tests.gallery_helpers import small_store\n"
        "with small_store(Path(sys.argv[1])).lock():\n"
        "    print('locked', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        store = small_store(tmp_path)
        with pytest.raises(GalleryError) as told, store.lock():
            pass
        assert told.value.key == "index_busy"
        assert store.counts() == Counts()  # reading goes on
        other.kill()
    with store.lock():  # the system lets go of a dead process's lock
        pass


def test_a_lock_file_of_garbage_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "write.lock").write_bytes(os.urandom(1000))
    store = small_store(tmp_path)
    with store.lock():
        store.write(many(range(3)))
    assert store.counts().files == 3


def test_a_lock_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    (tmp_path / "write.lock").unlink(missing_ok=True)
    (tmp_path / "write.lock").mkdir()
    with pytest.raises(StorageError), store.lock():
        pass


def test_counts_broken_files_and_folders(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    error = Reason("image_damaged", {"name": "x.jpg"})
    broken = [Entry(f"bad/{n}.jpg", 1, 1, digest(n), 0, error=error) for n in range(3)]
    copy = replace(entry("x/y/copy.jpg", 1), vector=None)
    odd = os.fsdecode(b"caf\xe9/1.jpg")
    store.write([entry("top.jpg", 0), entry("x/y/1.jpg", 1), copy, *broken, entry(odd, 2)])
    assert store.counts() == Counts(4, 3, 3)
    assert store.broken(2) == [("bad/0.jpg", error), ("bad/1.jpg", error)]
    assert store.folders(10) == sorted(["x", "x/y", os.fsdecode(b"caf\xe9")])
    assert sorted(store.paths()) == sorted(
        ["top.jpg", "x/y/1.jpg", "x/y/copy.jpg", odd, *(one.path for one in broken)]
    )
    assert store.records(["x/y/copy.jpg"])["x/y/copy.jpg"].hash == digest(1)
    assert store.records(["bad/0.jpg", "none"])["bad/0.jpg"].error == error
    assert [store.knows(digest(n)) for n in (1, 7)] == [True, False]


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    unknown = replace(entry("b.jpg", 2), vector=None)
    with pytest.raises(Exception, match=r".*"):
        store.write([entry("a.jpg", 1), unknown])
    assert store.counts() == Counts()
    store.write([entry("a.jpg", 1)])
    assert store.counts() == Counts(1, 1, 0)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ({"fingerprint": "other"}, "index_other_model"),
        ({"dim": 8}, "index_other_model"),
        ({"folder": Path("/other")}, "index_damaged"),
    ],
)
def test_an_index_of_another_model_or_folder_is_refused(
    tmp_path: Path, key: dict[str, Any], told: str
) -> None:
    small_store(tmp_path).close()
    with pytest.raises(GalleryError) as error:
        small_store(tmp_path, **key)
    assert error.value.key == told


def test_an_index_of_a_newer_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_schema, "VERSION", sqlite_schema.VERSION + 1)
        small_store(tmp_path).close()
    with pytest.raises(GalleryError) as error:
        small_store(tmp_path)
    assert error.value.key == "index_newer"


# As the first version made it.
_VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    look INTEGER NOT NULL,
    vector BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    suffix TEXT NOT NULL,
    hash BLOB NOT NULL,
    image INTEGER,
    error TEXT,
    checksum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_image ON files (image);
CREATE INDEX files_by_taken ON files (taken);
CREATE TABLE gone (id INTEGER PRIMARY KEY);
"""


def version_1(place: Path, entries: list[Entry]) -> None:
    """An index as the first version wrote it, for `small_store` to open."""
    place.mkdir(exist_ok=True)
    with closing(sqlite3.connect(place / "index.sqlite")) as table:
        table.execute("PRAGMA journal_mode = WAL")
        table.executescript(_VERSION_1)
        facts = {"version": "1", "folder": b"/photos".hex(), "model": "m", "fingerprint": "f"}
        facts["dim"] = "16"
        facts["checksum"] = str(zlib.crc32("\n".join(facts.values()).encode()))
        table.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
        for number, one in enumerate(entries, 1):
            assert one.vector is not None
            look = one.look - 2**64 if one.look >= 2**63 else one.look
            vector = one.vector.tobytes()
            checksum = zlib.crc32(vector, zlib.crc32(one.hash + str(look).encode()))
            row = (number, one.hash, look, vector, checksum)
            table.execute("INSERT INTO images VALUES (?, ?, ?, ?, ?)", row)
            suffix = os.path.splitext(one.path)[1].lower()
            file = (os.fsencode(one.path), one.size, one.mtime_ns, one.taken, suffix)
            values = (*file, one.hash, number, None)
            table.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, zlib.crc32(repr(values).encode())),
            )
        table.commit()


def test_an_index_of_version_1_is_searched_and_brought_up_with_nothing_lost(
    tmp_path: Path,
) -> None:
    entries = many(range(30))
    version_1(tmp_path, entries)
    reader, store = small_store(tmp_path), small_store(tmp_path)
    assert_exact(reader, entries)
    store.distrust(entries[3].path)
    assert read_facts(tmp_path / "index.sqlite").version == 1
    assert store.records([entries[3].path])[entries[3].path].mtime_ns < 0
    with store.lock():
        assert store.repair() == 0
        store.touch([(one.path, 5, 6) for one in entries[:3]])
        store.write([entry("new.jpg", 99)])
        assert store.forget([entries[29].path], keep=True) == 1
        store.optimise()
        assert store.repair() == 0
    assert read_facts(tmp_path / "index.sqlite").version == 2
    record = store.records([entries[0].path])[entries[0].path]
    assert (record.size, record.ctime_ns, record.inode) == (entries[0].size, 5, 6)
    for one in (store, reader, small_store(tmp_path)):
        assert_exact(one, [*entries[:29], entry("new.jpg", 99)])
        assert one.counts() == Counts(30, 30, 0)


def test_an_index_of_before_keywords_is_read_and_brought_up(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    seen = [replace(one, ctime_ns=5, inode=6) for one in many(range(3))]
    with store.lock():
        store.write(seen)
    store.close()
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as table:
        for column in ("keywords", "sidecars"):
            table.execute(f"ALTER TABLE files DROP COLUMN {column}")
    store = small_store(tmp_path)
    assert_exact(store, seen)
    assert store.records([seen[0].path])[seen[0].path].sidecars is None
    assert store.facets(Filter(keywords=frozenset({"1"}))).images == 0
    with store.lock():
        assert store.repair() == 0
        store.label([(seen[0].path, 0, ("1",))])
    assert store.facets(Filter(keywords=frozenset({"1"}))).images == 1
    assert_exact(store, seen)
    store.close()


def test_an_index_of_version_1_on_a_read_only_disk_is_searched(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    try:
        entries = many(range(20))
        version_1(place / "index", entries)
        with written_by_nobody(place / "index"):
            store = SqliteStore(place / "index", IndexKey(Path("/photos"), "m", "f", 16))
            assert_exact(store, entries)
            store.close()
    finally:
        shutil.rmtree(place)


@pytest.mark.parametrize("left", ["nothing", "log", "log without its index"])
def test_an_index_on_a_read_only_disk_is_searched_and_says_that_it_cannot_be_written(
    tmp_path: Path, left: str
) -> None:
    entries = many(range(30))
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    try:
        store = small_store(place / "made")
        store.write(entries[:20])
        if left == "nothing":
            store.close()
            (place / "made").rename(place / "index")
            entries = entries[:20]
        else:
            store.write(entries[20:])
            shutil.copytree(place / "made", place / "index")  # as a killed run leaves it
            store.close()
            if left != "log":
                (place / "index" / "index.sqlite-shm").unlink()
        with written_by_nobody(place / "index"):
            opened = SqliteStore(place / "index", IndexKey(Path("/photos"), "m", "f", 16))
            assert_exact(opened, entries)
            assert opened.counts().files == len(entries)
            with pytest.raises(StorageError) as told, opened.lock():
                pass
            assert told.value.key == "index_read_only"
            with pytest.raises(StorageError) as told:
                opened.distrust(entries[0].path)
            assert told.value.key == "index_read_only"
            opened.close()
            with pytest.raises(StorageError) as told:
                small_store(place / "index" / "new")
            assert told.value.key == "index_read_only"
    finally:
        shutil.rmtree(place)


def test_damage_of_a_snapshot_is_not_copied_into_the_next(tmp_path: Path, small: None) -> None:
    store, entries = small_store(tmp_path), many(range(80))
    store.write(entries[:40])
    store.optimise()
    (name,) = snapshots(tmp_path)
    assert_exact(store, entries[:40])
    with open(tmp_path / name / "vectors.npy", "r+b") as file:
        file.seek(500)
        file.write(bytes(64))
    store.write(entries[40:])
    store.optimise()
    assert snapshots(tmp_path) != [name]
    assert_exact(store, entries)


def test_damage_found_late_stops_the_use_of_a_snapshot(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clip_app.gallery.stores.snapshot._CHECKED_AT_ONCE", 0)
    store, entries = small_store(tmp_path), many(range(40))
    store.write(entries)
    store.optimise()
    store.close()
    (name,) = snapshots(tmp_path)
    with open(tmp_path / name / "vectors.npy", "r+b") as file:
        file.seek(500)
        file.write(bytes(640))
    store = small_store(tmp_path)
    store.counts()
    wait_for(lambda: store._view.now.snapshot is None)
    assert_exact(store, entries)


def test_what_a_killed_run_left_of_a_snapshot_is_removed(tmp_path: Path, small: None) -> None:
    store, entries = small_store(tmp_path), many(range(40))
    store.write(entries)
    store.optimise()
    kept = snapshots(tmp_path)
    for name in ("snapshot-1.99.tmp", "snapshot-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vectors.npy").write_bytes(b"x")
    with store.lock():
        assert store.repair() == 0
    assert snapshots(tmp_path) == kept


def _damage_rows(place: Path, statement: str) -> None:
    with closing(sqlite3.connect(place / "index.sqlite")) as table:
        table.execute("PRAGMA foreign_keys = OFF")
        assert table.execute(statement).rowcount > 0
        table.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE images SET vector = zeroblob(64) WHERE id = 5",
        "UPDATE images SET vector = 'text' WHERE id = 5",
        "UPDATE images SET hash = 7 WHERE id = 5",
        "UPDATE images SET look = look + 1 WHERE id = 5",
        "UPDATE images SET id = 1000 WHERE id = 5",
        "UPDATE files SET image = 6 WHERE image = 5",
        "UPDATE files SET suffix = '.png' WHERE image = 5",
        "UPDATE files SET path = CAST('elsewhere.jpg' AS BLOB) WHERE image = 5",
        "UPDATE files SET error = '{' WHERE image = 5",
        "UPDATE files SET image = NULL WHERE image = 5",
        "INSERT INTO gone VALUES (5)",
        "INSERT INTO kept VALUES (5, 9e9)",
        "UPDATE files SET inode = 5, ctime_ns = 5 WHERE image = 5",
        "UPDATE files SET doubts = NULL, file_date = NULL WHERE image = 5",
    ],
)
def test_a_damaged_row_is_never_returned_and_dropped_by_repair(
    tmp_path: Path, statement: str
) -> None:
    store, entries = small_store(tmp_path), many(range(10))
    store.write(entries)
    _damage_rows(tmp_path, statement)
    where = {one.hash: one.path for one in entries}
    for one in store.search(unit(1), 20, Filter()):
        assert [file.path for file in one.files] == [where[one.hash]]
        np.testing.assert_array_equal(one.vector, unit(entries_seed(entries, one.hash)))
    store.folders(10)
    store.broken(10)
    with store.lock():
        assert store.repair() > 0
        known = store.records([one.path for one in entries])
        missing = [one for one in entries if one.path not in known]
        assert len(missing) <= 2
        store.write(missing)
        store.optimise()
        assert store.repair() == 0
    assert_exact(store, entries)


def entries_seed(entries: list[Entry], image: bytes) -> int:
    return next(n for n, one in enumerate(entries) if one.hash == image)


def test_a_damaged_index_of_the_database_is_mended(tmp_path: Path) -> None:
    store, entries = small_store(tmp_path), many(range(10))
    store.write(entries)
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as table:
        # As if the index had lost its rows: they are no longer found by their image.
        table.execute("PRAGMA writable_schema = ON")
        schema = "SELECT rootpage FROM sqlite_master WHERE name = 'files_by_image'"
        (page,) = table.execute(schema).fetchone()
        table.execute("CREATE INDEX other ON files (image) WHERE image < 0")
        (empty,) = table.execute(schema.replace("files_by_image", "other")).fetchone()
        table.executemany(
            "UPDATE sqlite_master SET rootpage = ? WHERE name = ?",
            [(empty, "files_by_image"), (page, "other")],
        )
        table.commit()
    store.close()
    store = small_store(tmp_path)
    with store.lock():
        store.repair()
    assert_exact(store, entries)


PATHS = st.sampled_from([f"{folder}{n}.jpg" for folder in ("", "a/", "a b/") for n in range(4)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(st.tuples(PATHS, st.integers(0, 9)), max_size=6)),
        st.tuples(st.just("forget"), st.lists(PATHS, max_size=4)),
        st.tuples(st.just("optimise"), st.just([])),
        st.tuples(st.just("reopen"), st.just([])),
    ),
    max_size=12,
)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_any_sequence_of_changes_ends_as_in_a_plain_dict(
    tmp_path_factory: pytest.TempPathFactory, small_tail: None, steps: list[tuple[str, list[Any]]]
) -> None:
    place = tmp_path_factory.mktemp("index")
    store, model = small_store(place), dict[str, int]()
    reader = small_store(place)
    for what, values in steps:
        if what == "write":
            store.write([entry(path, seed) for path, seed in values])
            model |= dict(values)
        elif what == "forget":
            store.forget(values)
            for path in values:
                model.pop(path, None)
        elif what == "optimise":
            store.optimise()
            assert store.counts().images == len(set(model.values()))
        else:
            store.close()
            store = small_store(place)
        for one in (store, reader):
            found = {
                file.path: image.hash
                for image in one.search(unit(77), 100, Filter())
                for file in image.files
            }
            assert found == {path: digest(seed) for path, seed in model.items()}
    assert list(store.paths()) == sorted(model, key=os.fsencode)
    reader.close()
    store.close()


@pytest.fixture
def small_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_view, "_TAIL_ROWS", 2)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    store.close()
    with pytest.raises(GalleryError) as told:
        store.search(unit(1), 3, Filter())
    assert told.value.key == "index_missing"


def test_a_missing_index_is_not_made_by_looking(tmp_path: Path) -> None:
    key = small_store(tmp_path / "one").key
    with pytest.raises(GalleryError) as told:
        SqliteStore(tmp_path / "two", key)
    assert told.value.key == "index_missing"
    assert not (tmp_path / "two").exists()


class TestLibrary:
    """Indexes side by side."""

    @staticmethod
    def model(name: str = "m", fingerprint: str = "0123456789abcdef") -> ModelInfo:
        return ModelInfo(
            name=name,
            title=name,
            architecture=name,
            engine="torch",
            device="cpu",
            precision="float32",
            scoring="softmax",
            languages=None,
            image_size=(8, 8),
            embedding_size=16,
            parameters=1,
            is_starter=False,
            load_seconds=0.0,
            fingerprint=fingerprint,
        )

    def test_another_model_gets_an_index_beside_the_first(self, tmp_path: Path) -> None:
        library, folder = Library(tmp_path), Path("/photos")
        library.open(folder, self.model(), create=True).write([entry("a.jpg", 1)])
        other = self.model("n", "ffffffff00000000")
        with pytest.raises(GalleryError) as told:
            library.open(folder, other)
        assert told.value.key == "index_other_model"
        library.open(folder, other, create=True)
        assert library.open(folder, self.model()).counts().files == 1
        assert [one.usable for one in library.galleries(other)] == [True, False]
        assert library.forget(folder) == 2
        assert library.galleries(other) == []

    def test_the_same_weights_under_another_name_share_an_index(self, tmp_path: Path) -> None:
        library, folder = Library(tmp_path), Path("/photos")
        library.open(folder, self.model(), create=True).write([entry("a.jpg", 1)])
        again = Library(tmp_path)
        assert again.open(folder, self.model("path/to/m.pt")).counts().files == 1
        assert [one.usable for one in again.galleries(self.model("path/to/m.pt"))] == [True]

    def test_an_index_that_another_process_began_again_is_reopened(self, tmp_path: Path) -> None:
        here, there, folder = Library(tmp_path), Library(tmp_path), Path("/photos")
        here.open(folder, self.model(), create=True).write([entry("a.jpg", 1)])
        there.forget(folder)
        with pytest.raises(GalleryError) as told:
            here.open(folder, self.model())
        assert told.value.key == "index_missing"
        there.open(folder, self.model(), create=True).write([entry("b.jpg", 2)])
        assert list(here.open(folder, self.model()).paths()) == ["b.jpg"]

    def test_a_damaged_index_is_set_aside_when_it_is_made_again(self, tmp_path: Path) -> None:
        library, folder = Library(tmp_path), Path("/photos")
        library.open(folder, self.model(), create=True).write([entry("a.jpg", 1)])
        library.close()
        (database,) = tmp_path.glob("*/*/index.sqlite")
        database.write_bytes(b"garbage" * 1000)
        with pytest.raises(GalleryError) as told:
            library.open(folder, self.model())
        assert told.value.key == "index_damaged"
        assert library.galleries(self.model()) == []
        assert library.open(folder, self.model(), create=True).counts() == Counts()
        assert len(list(tmp_path.glob("*/*damaged*/index.sqlite.damaged"))) == 1

    def test_a_full_disk_is_not_taken_for_damage(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library, folder = Library(tmp_path), Path("/photos")
        library.open(folder, self.model(), create=True).write([entry("a.jpg", 1)])
        library.close()

        def full(*_: Any, **__: Any) -> Callable[..., Any]:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", full)
            with pytest.raises(StorageError):
                library.open(folder, self.model(), create=True)
        assert library.open(folder, self.model(), create=True).counts().files == 1
