"""What every store does alike: SQLite, Qdrant's client in its local mode, and a real server."""

import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from clip_app.errors import ClipAppError, GalleryError, Reason
from clip_app.gallery.library import Library
from clip_app.gallery.stores.qdrant_library import QdrantLibrary
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.store import (
    KEEP_DAYS,
    Counts,
    Entry,
    Facets,
    FileRecord,
    Filter,
    content_of,
)

DIM = 16
ERROR = Reason("image_damaged", {"name": "broken.jpg"})


class Model:
    """What a library asks of a model."""

    name = "starter"
    fingerprint = "f" * 64
    embedding_size = DIM


class OtherModel(Model):
    name = "another"
    public_name = "another"
    fingerprint = "a" * 64


@pytest.fixture(params=["sqlite", "qdrant", "qdrant server"])
def opened(request, tmp_path):
    """A function that opens the library, as often as wanted."""
    directory = tmp_path / "index"
    address = f"path:{directory / 'qdrant'}"
    if request.param == "qdrant server":
        address = request.getfixturevalue("qdrant_address")

    def opened():
        if request.param == "sqlite":
            return Library(directory)
        return QdrantLibrary(Nodes(address), directory)

    yield opened
    if request.param == "qdrant server":
        library = opened()
        for folder in {one.folder for one in library.galleries(None)}:
            library.forget(folder)
        library.close()


@pytest.fixture
def library(opened):
    library = opened()
    yield library
    library.close()


@pytest.fixture
def store(library, tmp_path):
    return library.open(tmp_path / "photos", Model, create=True)


def unit(seed):
    vector = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return vector / np.linalg.norm(vector)


def entry(path, content, *, vector=True, taken=0, error=None, look=None):
    """A file whose content is `content`; its vector is `unit(content)`."""
    return Entry(
        path,
        size=100 + content,
        mtime_ns=1_700_000_000_123_456_789 + content,
        hash=content_of(str(content).encode()),
        taken=taken,
        vector=unit(content) if vector and error is None else None,
        look=(2**64 - 1 - content if look is None else look) if error is None else 0,
        error=error,
    )


def write(store, *entries):
    with store.lock():
        store.write(entries)


def test_what_is_written_is_known_as_it_was_written(store):
    one, broken = entry("a/é.jpg", 1), entry("b.jpg", 2, error=ERROR)
    write(store, one, broken)
    assert store.records(["a/é.jpg", "b.jpg", "missing.jpg"]) == {
        "a/é.jpg": FileRecord(one.size, one.mtime_ns, one.hash, None),
        "b.jpg": FileRecord(broken.size, broken.mtime_ns, broken.hash, ERROR),
    }
    assert store.knows(one.hash)
    assert not store.knows(broken.hash)
    assert set(store.paths()) == {"a/é.jpg", "b.jpg"}
    assert store.broken(10) == [("b.jpg", ERROR)]
    assert store.counts() == Counts(files=1, images=1, broken=1)


def test_it_is_there_when_it_is_opened_again(opened, tmp_path):
    first = opened()
    write(first.open(tmp_path / "photos", Model, create=True), entry("a.jpg", 1))
    first.close()
    second = opened()
    store = second.open(tmp_path / "photos", Model)
    assert [one.files[0].path for one in store.search(unit(1), 5, Filter())] == ["a.jpg"]
    second.close()


def test_search_equals_numpy(store):
    contents = list(range(300))
    for first in range(0, 300, 100):
        write(store, *(entry(f"{n:03}.jpg", n) for n in contents[first : first + 100]))
    vectors = np.stack([unit(n) for n in contents])
    for seed in (1000, 1001):
        query = unit(seed)
        expected = np.argsort(-(vectors @ query))[:20]
        found = store.search(query, 20, Filter())
        assert [one.files[0].path for one in found] == [f"{n:03}.jpg" for n in expected]
        np.testing.assert_allclose(
            [one.similarity for one in found], (vectors @ query)[expected], atol=1e-6
        )
        np.testing.assert_array_equal(np.stack([one.vector for one in found]), vectors[expected])
        assert [one.look for one in found] == [2**64 - 1 - int(n) for n in expected]


def test_copies_share_one_image_in_one_batch_and_later(store):
    write(store, entry("b/1.jpg", 1), entry("a/1.jpg", 1, vector=False), entry("2.jpg", 2))
    write(store, entry("c/1.jpg", 1, vector=False))
    assert store.counts() == Counts(files=4, images=2)
    best = store.search(unit(1), 1, Filter())[0]
    assert [file.path for file in best.files] == ["a/1.jpg", "b/1.jpg", "c/1.jpg"]


def test_filters_are_about_one_and_the_same_file(store):
    write(
        store,
        entry("trips/rome/1.jpg", 1, taken=10),
        entry("home/1.png", 1, vector=False, taken=20),
        entry("trips2/2.jpg", 2, taken=15),
        entry("trips/3.png", 3, taken=20),
    )

    def found(**options):
        images = store.search(unit(1), 10, Filter(**options))
        return {file.path for one in images for file in one.files}

    assert found(below="trips") == {"trips/rome/1.jpg", "trips/3.png"}
    assert found(below="trips/rome/") == {"trips/rome/1.jpg"}
    assert found(below="trip") == set()
    assert found(suffixes=frozenset({".png"})) == {"home/1.png", "trips/3.png"}
    assert found(below="trips", suffixes=frozenset({".png"})) == {"trips/3.png"}
    assert found(taken_from=15) == {"home/1.png", "trips2/2.jpg", "trips/3.png"}
    assert found(taken_from=10, taken_until=15) == {"trips/rome/1.jpg"}
    # One copy lies below trips, another was taken at 20: no copy passes both.
    assert found(below="trips/rome", taken_from=20) == set()


def test_a_filter_does_not_take_places_from_what_passes_it(store):
    write(store, *(entry(f"many/{n}.jpg", n) for n in range(200)))
    write(store, *(entry(f"few/{n}.jpg", n) for n in range(200, 205)))
    assert len(store.search(unit(0), 5, Filter(below="few"))) == 5


def test_a_changed_file_leaves_its_old_image(store):
    write(store, entry("a.jpg", 1), entry("b.jpg", 2))
    write(store, entry("a.jpg", 3))
    found = {one.files[0].path: one.hash for one in store.search(unit(1), 5, Filter())}
    assert found == {"a.jpg": entry("", 3).hash, "b.jpg": entry("", 2).hash}
    write(store, entry("b.jpg", 4, error=ERROR))
    assert len(store.search(unit(1), 5, Filter())) == 1
    assert store.counts().broken == 1
    with store.lock():
        store.optimise()
    assert store.counts() == Counts(files=1, images=1, broken=1)
    write(store, entry("b.jpg", 2))
    assert store.counts() == Counts(files=2, images=2, broken=0)
    assert store.broken(10) == []


def test_a_forgotten_image_waits_for_optimise_in_case_it_was_moved(store):
    write(store, entry("old.jpg", 1), entry("other.jpg", 2))
    with store.lock():
        store.forget(["old.jpg", "never.jpg"])
    assert store.knows(entry("", 1).hash)
    assert [one.files[0].path for one in store.search(unit(1), 5, Filter())] == ["other.jpg"]
    write(store, entry("new.jpg", 1, vector=False))
    assert store.search(unit(1), 1, Filter())[0].files[0].path == "new.jpg"
    with store.lock():
        store.forget(["new.jpg"])
        store.optimise()
    assert not store.knows(entry("", 1).hash)
    assert store.counts() == Counts(files=1, images=1)
    assert set(store.paths()) == {"other.jpg"}


def test_what_is_kept_is_hidden_until_a_file_holds_it_again(store, monkeypatch):
    write(store, entry("here.jpg", 1), entry("copy.jpg", 1, vector=False), entry("gone.jpg", 2))
    write(store, *(entry(f"many/{n}.jpg", n) for n in range(10, 40)))
    many = [f"many/{n}.jpg" for n in range(10, 40)]
    with store.lock():
        assert store.forget(["copy.jpg", "gone.jpg", *many, "never.jpg"], keep=True) == 31
        store.optimise()
    assert store.counts() == Counts(files=1, images=1)
    assert store.knows(entry("", 2).hash)
    # They take no places from what is there.
    found = store.search(unit(20), 1, Filter())
    assert [one.files[0].path for one in found] == ["here.jpg"]
    write(store, entry("back.jpg", 2, vector=False))
    assert store.search(unit(2), 1, Filter())[0].files[0].path == "back.jpg"
    now = time.time()
    with monkeypatch.context() as patch, store.lock():
        patch.setattr(time, "time", lambda: now + (KEEP_DAYS - 1) * 24 * 3600)
        store.optimise()
        assert store.knows(entry("", 10).hash)
        patch.setattr(time, "time", lambda: now + (KEEP_DAYS + 1) * 24 * 3600)
        store.optimise()
    assert not store.knows(entry("", 10).hash)
    assert store.knows(entry("", 2).hash)
    assert store.counts() == Counts(files=2, images=2)
    with store.lock():
        assert store.forget(["back.jpg"], keep=True) == 1
        store.optimise(drop_kept=True)
    assert not store.knows(entry("", 2).hash)


def test_what_is_not_there_any_more_is_not_in_the_sample(store):
    write(store, entry("here.jpg", 1), *(entry(f"many/{n}.jpg", n) for n in range(10, 40)))
    with store.lock():
        store.optimise()
    write(store, entry("later.jpg", 2), entry("gone.jpg", 3))
    many = [f"many/{n}.jpg" for n in range(10, 40)]
    with store.lock():
        store.forget([*many, "gone.jpg"], keep=True)
    there = store.sample(50)
    assert {row.tobytes() for row in there} == {
        entry("", content).vector.tobytes() for content in (1, 2)
    }


def test_what_tells_a_replaced_file_is_kept_and_noted(store):
    seen = {"ctime_ns": 7, "inode": 2**63 - 1, "doubts": 2, "file_date": True}
    write(store, replace(entry("a.jpg", 1), **seen), entry("b.jpg", 2))

    def known(path):
        record = store.records([path])[path]
        return record.ctime_ns, record.inode, record.doubts

    assert known("a.jpg") == (7, 2**63 - 1, 2)
    assert known("b.jpg") == (None, None, 0)
    with store.lock():
        store.touch([("b.jpg", 3, 4)])
    assert known("b.jpg") == (3, 4, 0)
    dates = {
        file.path: file.file_date
        for one in store.search(unit(1), 9, Filter())
        for file in one.files
    }
    assert dates == {"a.jpg": True, "b.jpg": False}
    store.distrust("b.jpg")
    store.distrust("never.jpg")
    record = store.records(["b.jpg"])["b.jpg"]
    assert record.mtime_ns < -(2**62)
    assert record.hash == entry("", 2).hash
    assert set(store.paths()) == {"a.jpg", "b.jpg"}


def test_vectors_sample_and_folders(store):
    assert store.sample(10).shape == (0, DIM)
    write(store, *(entry(f"{'abc'[n % 3]}/deep/{n}.jpg", n) for n in range(60)))
    write(store, entry("top.jpg", 60))
    got = store.vectors([entry("", n).hash for n in (3, 7)] + [b"?" * 16])
    assert set(got) == {entry("", 3).hash, entry("", 7).hash}
    np.testing.assert_array_equal(got[entry("", 3).hash], unit(3))
    sample = store.sample(20)
    assert sample.dtype == np.float32
    assert 15 <= len(sample) <= 40
    assert store.sample(20) is sample
    everything = {unit(n).tobytes() for n in range(61)}
    assert {row.tobytes() for row in sample} <= everything
    assert store.folders(100) == ["a", "a/deep", "b", "b/deep", "c", "c/deep"]


def test_a_name_that_is_no_text_comes_back_as_it_was(store):
    path = "caf\udce9/x\udcff.jpg"
    write(store, entry(path, 1))
    assert list(store.paths()) == [path]
    assert list(store.records([path])) == [path]
    assert store.search(unit(1), 1, Filter())[0].files[0].path == path
    assert len(store.search(unit(1), 1, Filter(below="caf\udce9"))) == 1


def test_only_one_may_write(store):
    with store.lock(), pytest.raises(GalleryError) as refused, store.lock():
        pass
    assert refused.value.key == "index_busy"
    write(store, entry("a.jpg", 1))


def test_reading_from_many_threads_while_one_writes(store):
    write(store, entry("first.jpg", 1000))
    failures = []

    def read():
        try:
            for n in range(15):
                store.knows(entry("", n).hash)
                assert store.search(unit(1000), 1, Filter())[0].files[0].path == "first.jpg"
        except (ClipAppError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for first in range(0, 100, 20):
        write(store, *(entry(f"{n}.jpg", n) for n in range(first, first + 20)))
    for thread in threads:
        thread.join()
    assert not failures
    assert store.counts() == Counts(files=101, images=101)


def test_pages_of_the_ranking_are_together_all_there_is_and_exact(store):
    for first in range(0, 300, 100):
        write(store, *(entry(f"{n:03}.jpg", n) for n in range(first, first + 100)))
    with store.lock():
        store.optimise()
    write(store, *(entry(f"late/{n}.jpg", n) for n in range(300, 310)))
    query = unit(1000)
    vectors = np.stack([unit(n) for n in range(310)])
    expected = [entry("", int(n)).hash for n in np.argsort(-(vectors @ query))]
    pages = [store.ranked(query, 70, Filter(), offset) for offset in range(0, 400, 70)]
    assert [len(page) for page in pages] == [70, 70, 70, 70, 30, 0]
    assert [one.hash for page in pages for one in page] == expected
    np.testing.assert_allclose(
        [one.similarity for one in pages[1]], np.sort(vectors @ query)[::-1][70:140], atol=1e-6
    )
    late = store.ranked(query, 20, Filter(below="late"))
    assert [one.hash for one in late] == [
        one for one in expected if one in {entry("", n).hash for n in range(300, 310)}
    ]
    with store.lock():
        store.forget([late[0].files[0].path])
    assert [one.hash for one in store.ranked(query, 20, Filter(below="late"))] == [
        one.hash for one in late[1:]
    ]


def test_all_images_come_by_date_page_by_page(store):
    write(store, *(entry(f"{n}.jpg", n, taken=1000 - n) for n in range(50)))
    # An image is as new as the newest of its files.
    write(store, entry("copy of 30.png", 30, vector=False, taken=5000))
    order = [30, *range(30), *range(31, 50)]
    pages = [store.newest(20, Filter(), offset) for offset in (0, 20, 40, 60)]
    assert [one.hash for page in pages for one in page] == [entry("", n).hash for n in order]
    assert {one.similarity for one in pages[0]} == {0.0}
    assert [file.path for file in pages[0][0].files] == ["30.jpg", "copy of 30.png"]
    jpeg = Filter(suffixes=frozenset({".jpg"}))
    assert [one.hash for one in store.newest(50, jpeg)] == [entry("", n).hash for n in range(50)]
    assert store.matching(jpeg) == 50
    assert store.matching(Filter(taken_from=1000)) == 2
    query = unit(1000)
    best = store.ranked(query, 10, Filter())
    by_date = store.newest(6, Filter(), 2, among=(query, 10))
    taken = {one.hash: max(file.taken for file in one.files) for one in best}
    expected = sorted(best, key=lambda one: -taken[one.hash])[2:8]
    assert [one.hash for one in by_date] == [one.hash for one in expected]
    assert [one.similarity for one in by_date] == pytest.approx(
        [one.similarity for one in expected], abs=1e-6
    )


def test_images_of_one_second_come_by_their_paths(store):
    write(store, *(entry(f"{n}.jpg", n, taken=1000) for n in (7, 3, 9, 1)))
    write(store, entry("2.jpg", 2, taken=1000), entry("0.jpg", 7, vector=False, taken=1000))
    among = (unit(1), 5)
    for where in (Filter(), Filter(taken_from=1000)):
        for found in (store.newest(9, where), store.newest(9, where, among=among)):
            assert [one.files[0].path for one in found] == [
                "0.jpg",
                "1.jpg",
                "2.jpg",
                "3.jpg",
                "9.jpg",
            ]


def test_keywords_filter_are_counted_and_outlast_what_else_is_noted(store):
    given = replace(entry("trips/a.jpg", 1), keywords=("sea", "sea shore"), sidecars=7)
    write(
        store, given, replace(entry("b.jpg", 2), keywords=("sea",), sidecars=0), entry("c.jpg", 3)
    )

    def having(*words, **more):
        where = Filter(keywords=frozenset(words), **more)
        found = [store.search(unit(1), 9, where), store.ranked(unit(1), 9, where)]
        found.append(store.newest(9, where))
        paths = [sorted(one.files[0].path for one in some) for some in found]
        assert paths == [paths[0]] * 3
        assert store.matching(where) == store.facets(where).images == len(paths[0])
        return paths[0]

    assert having("sea") == ["b.jpg", "trips/a.jpg"]
    assert having("sea", "sea shore") == ["trips/a.jpg"]
    assert having("sea", below="trips") == ["trips/a.jpg"]
    assert having("shore") == having("se") == having("") == []
    assert store.facets(Filter()).keywords == {"sea": 2, "sea shore": 1}
    with store.lock():
        store.touch([("trips/a.jpg", 3, 4)])
        store.label([("c.jpg", 9, ("1", "海")), ("b.jpg", 0, ()), ("gone.jpg", 1, ("x",))])
    assert store.records(["trips/a.jpg"])["trips/a.jpg"].sidecars == 7
    assert store.records(["c.jpg"])["c.jpg"].sidecars == 9
    assert store.facets(Filter()).keywords == {"sea": 1, "sea shore": 1, "1": 1, "海": 1}
    assert having("1") == having("海") == ["c.jpg"]
    write(store, entry("trips/a.jpg", 4))  # the file is another now
    assert having("sea") == []
    assert store.records(["trips/a.jpg"])["trips/a.jpg"].sidecars is None


def test_facets_count_images_by_folder_kind_and_year(store):
    def at(year, month=6):
        return int(datetime(year, month, 15).timestamp())

    write(
        store,
        entry("top.jpg", 1, taken=at(2019)),
        entry("trips/rome/2.jpg", 2, taken=at(2020, 1)),
        entry("trips/rome/deep/3.png", 3, taken=at(2020, 12)),
        entry("trips/oslo/4.png", 4, taken=at(1965)),
        entry("trips/oslo/5.PNG", 5, taken=at(2021)),
        entry("home/again.jpg", 2, vector=False, taken=at(2020, 1)),
        entry("trips/rome/same.jpg", 2, vector=False, taken=at(2020, 1)),
        entry("broken/6.jpg", 6, error=ERROR),
    )
    assert store.facets(Filter()) == Facets(
        5,
        {"trips": 4, "home": 1},
        {".png": 3, ".jpg": 2},
        {2020: 2, 2019: 1, 2021: 1, 1965: 1},
    )
    rome = Facets(2, {"trips/rome/deep": 1}, {".jpg": 1, ".png": 1}, {2020: 2})
    assert store.facets(Filter(below="trips/rome")) == rome
    assert store.facets(Filter(suffixes=frozenset({".gif"}))) == Facets()
    write(store, entry("trips/rome/7.jpg", 7, taken=at(2022)))
    assert store.facets(Filter(below="trips/rome")).images == 3
    assert store.matching(Filter(below="trips/rome")) == 3


def test_images_are_found_by_content_and_know_their_size(store):
    sized = {"width": 4000, "height": 3000}
    write(store, replace(entry("a.jpg", 1), **sized), entry("b.jpg", 2), entry("gone.jpg", 3))
    with store.lock():
        store.forget(["gone.jpg"])
    hashes = [entry("", n).hash for n in (2, 3, 1, 9)]
    there = store.images(hashes)
    assert [one.hash for one in there] == [hashes[0], hashes[2]]
    assert [(one.width, one.height) for one in there] == [(0, 0), (4000, 3000)]
    # A file that is read again tells what an earlier version has not kept, and only that.
    write(store, replace(entry("b.jpg", 2, vector=False), width=10, height=20))
    write(store, replace(entry("a.jpg", 1, vector=False), width=1, height=1))
    there = store.images(hashes)
    assert [(one.width, one.height) for one in there] == [(10, 20), (4000, 3000)]
    assert store.ranked(unit(1), 1, Filter())[0].width == 4000


def test_a_library_opens_lists_and_forgets(library, tmp_path):
    photos, others = tmp_path / "photos", tmp_path / "others"
    with pytest.raises(GalleryError) as missing:
        library.open(photos, Model)
    assert missing.value.key == "index_missing"
    store = library.open(photos, Model, create=True)
    write(store, entry("a.jpg", 1))
    library.open(others, Model, create=True)
    assert library.open(photos, Model) is store
    with pytest.raises(GalleryError) as other:
        library.open(photos, OtherModel)
    assert other.value.key == "index_other_model"
    library.open(photos, OtherModel, create=True)

    def listed(model):
        return [(one.folder, one.model, one.usable) for one in library.galleries(model)]

    assert listed(Model) == [
        (others, "starter", True),
        (photos, "starter", True),
        (photos, "another", False),
    ]
    assert not any(usable for _, _, usable in listed(None))
    assert library.galleries(Model)[1].counts == Counts(files=1, images=1)
    assert library.forget(photos) == 2
    assert listed(Model) == [(others, "starter", True)]
    with pytest.raises(GalleryError) as gone:
        library.forget(photos)
    assert gone.value.key == "index_missing"


def test_starting_again_is_empty(library, tmp_path):
    store = library.open(Path(tmp_path / "photos"), Model, create=True)
    write(store, entry("a.jpg", 1))
    again = library.start_again(store)
    assert again.counts() == Counts()
    write(again, entry("a.jpg", 1))
    assert again.counts() == Counts(files=1, images=1)
