"""The map of a gallery: places by plain numpy, groups, names, what is kept, and the answers."""

import base64
import hashlib
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import clip_app
from clip_app.errors import GalleryError, InputError
from clip_app.gallery.clusters import groups, names_of, thickest
from clip_app.gallery.galleries import EXAMPLES, GalleryService
from clip_app.gallery.maps import SIDE, Maps, forget_maps, map_folder
from clip_app.gallery.on_map import in_area, likeness
from clip_app.gallery.prepared import VECTORS
from clip_app.gallery.projection import TOTAL, components, neighbours, project
from clip_app.gallery.query import TextTerm
from clip_app.gallery.search import ImageTerm
from clip_app.gallery.stores.store import Entry, Filter
from clip_app.settings import Settings
from clip_app.strings import LANGUAGES
from clip_app.ui.runs import Wanted
from clip_app.ui.tabs.gallery.finder import Finder
from clip_app.ui.tabs.gallery.index import IndexPart
from clip_app.ui.tabs.gallery.map_answers import MapAnswers
from tests.test_store_contract import opened  # noqa: F401

with np.load(VECTORS) as _kept:
    PHOTOS = _kept["vectors"]


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def gallery(number, seed=0):
    """Vectors between two photographs each, with noise, as a large gallery has them."""
    rng = np.random.default_rng(seed)
    one, other = PHOTOS[rng.integers(0, len(PHOTOS), (2, number))]
    rows = unit(one + (other - one) * rng.uniform(0, 0.5, (number, 1)))
    return unit(rows + rng.standard_normal(rows.shape) * 0.3 / rows.shape[1] ** 0.5)


def trustworthiness(vectors, places, number=15):
    """Venna and Kaski 2001, one row after another: 1 where no neighbour on the map is a false one,
    about a half where all are by chance.
    """
    count, false = len(vectors), 0
    for row in range(count):
        far = np.square(vectors - vectors[row]).sum(1)
        near = np.square(places.astype(float) - places[row]).sum(1)
        far[row] = near[row] = -1
        rank = np.empty(count, int)
        rank[np.argsort(far, kind="stable")] = np.arange(count)
        shown = np.argsort(near, kind="stable")[1 : number + 1]
        false += np.maximum(0, rank[shown] - number).sum()
    return 1 - 2 * false / (count * number * (2 * count - 3 * number - 1))


def test_neighbours_stay_neighbours_far_better_than_on_the_principal_plane():
    told = []
    rows = gallery(1200)
    places = project(rows, lambda *done: told.append(done))
    assert told[-1] == (TOTAL, TOTAL)
    assert told == sorted(told)
    kept, plane = trustworthiness(rows, places), trustworthiness(rows, components(rows)[:, :2])
    assert (kept > 0.95, plane < 0.8) == (True, True), (kept, plane)
    assert trustworthiness(PHOTOS, project(PHOTOS)) > trustworthiness(
        PHOTOS, components(PHOTOS)[:, :2]
    )
    np.testing.assert_array_equal(places, project(rows))


def test_components_and_neighbours_are_those_of_numpy():
    rows = gallery(500)
    reduced = components(rows)
    centred = (rows - rows.mean(0)).astype(float)
    values = np.linalg.svd(centred, compute_uv=False)[:50]
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=0), values, rtol=1e-3)
    squares, near = neighbours(reduced, 15)
    apart = np.square(reduced[:, None].astype(float) - reduced[None]).sum(2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(squares, np.sort(apart, axis=1)[:, :15], rtol=1e-3, atol=1e-5)
    assert np.mean(near == np.argsort(apart, axis=1)[:, :15]) > 0.999


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 17])
def test_few_photographs_and_the_same_ones_have_places(count):
    places = project(PHOTOS[:count])
    assert places.shape == (count, 2)
    assert len(np.unique(places, axis=0)) == count
    same = project(np.repeat(PHOTOS[:1], count, axis=0))
    assert np.isfinite(same).all()
    assert groups(same).tolist() == sorted(groups(same).tolist()) or count > 3


def test_groups_are_named_by_what_tells_them_apart(service):
    which = groups(project(PHOTOS))
    names = names_of(service, PHOTOS, which)
    assert len(names) == len(set(which.tolist())) == 10
    assert np.bincount(which).tolist() == sorted(np.bincount(which).tolist(), reverse=True)
    for language in LANGUAGES:
        assert len({one[language] for one in names}) == len(names)
    said = {tuple(one.values()) for one in names}
    # What lies in these folders beyond doubt.
    assert {("building", "建筑"), ("fish", "鱼"), ("bird", "鸟")} <= said
    # Plainly: the label that a group leads in by most of all is that group's.
    fish = next(row for row, one in enumerate(names) if one["en"] == "fish")
    cosines = PHOTOS @ unit(
        service.encode_labels(["fish"], ("a photo of a {}.",))[0]
        + service.encode_labels(
            ["鱼"], ("{}", "一张{}的照片。", "这是{}的图片。", "一张有{}的照片。")
        )[0]
    )
    leads = [(cosines[which == one].mean() - cosines.mean()) / cosines.std() for one in range(10)]
    assert int(np.argmax(leads)) == fish
    assert names_of(service, PHOTOS[:3], np.zeros(3, np.uint8)) == [
        {"en": "all photos", "zh": "全部照片"}
    ]
    # What lies together by chance has a number and no name.
    chance = names_of(service, PHOTOS, np.random.default_rng(0).permutation(which))
    assert {"en": "group 1", "zh": "第 1 组"} in chance
    assert sum(not one["en"].startswith("group ") for one in chance) <= 1


def test_the_thickest_place_is_no_mean_of_two():
    left, right = np.array([[10, 10]] * 6), np.array([[90, 90]] * 4)
    weights = thickest(np.concatenate([right, left]), 5)
    assert weights.round(3).tolist() == [0] * 4 + [1] * 6
    assert thickest(np.concatenate([right, left]), 5, np.array([2] * 4 + [1] * 6))[0] == 1


def entry(number, vector):
    content = hashlib.blake2b(f"{number}".encode(), digest_size=16).digest()
    path = f"{'ab'[number % 2]}/{number:04}.jpg"
    return Entry(path, 9, 1, content, 1_600_000_000 + 86_400 * number, vector=vector, look=number)


@pytest.fixture
def library(opened):  # noqa: F811
    library = opened()
    yield library
    library.close()


@pytest.fixture
def store(library, service, tmp_path):
    return library.open(tmp_path / "photos", service.info, create=True)


def write(store, numbers):
    rows = gallery(400)
    with store.lock():
        store.write([entry(one, rows[one]) for one in numbers])


class StoppedError(Exception):
    pass


def test_a_map_is_kept_grows_and_is_drawn_anew(library, store, service, tmp_path, monkeypatch):
    maps, told = Maps(library.directory), []

    def watched(maps, **options):
        told.clear()
        return maps.drawn(service, store, progress=lambda done, _: told.append(done), **options)

    empty = watched(maps)
    assert (empty.hashes, empty.clusters, empty.places.shape) == ((), (), (0, 2))
    write(store, range(120))
    assert maps.known(store) is None

    def stop(done, _):
        if done > 60:
            raise StoppedError

    with pytest.raises(StoppedError):
        maps.drawn(service, store, progress=stop)
    assert maps.known(store) is None
    first = watched(maps)
    assert set(told) & set(range(40, 99))
    assert list(first.hashes) == [entry(one, None).hash for one in reversed(range(120))]
    assert first.taken[0] == 1_600_000_000 + 86_400 * 119
    assert (first.places.min() > 0, first.places.max() < SIDE) == (True, True)
    assert np.ptp(first.places.astype(int), axis=0).max() > 0.9 * SIDE
    assert np.bincount(first.cluster).tolist() == [one.size for one in first.clusters]
    for number, one in enumerate(first.clusters):
        there = first.places[first.cluster == number].tolist()
        assert list(one.place) in there
    assert watched(maps) is first
    again = Maps(library.directory)
    assert watched(again).state == again.known(store).state == first.state
    assert not set(told) & set(range(16, 99)), "nothing was laid out again"
    # A few more are put beside what is like them; nothing else moves.
    write(store, range(120, 126))
    grown = watched(again)
    assert not set(told) & set(range(16, 99))
    assert (len(grown.hashes), grown.added) == (126, 6)
    assert grown.state != first.state
    np.testing.assert_array_equal(grown.places[6:], first.places)
    rows = gallery(400)
    for new in range(6):
        best = np.argsort(-(rows[119::-1] @ rows[125 - new]))[:15]
        apart = np.linalg.norm(grown.places[6:].astype(float)[best] - grown.places[new], axis=1)
        assert apart.min() < SIDE / 20
    with store.lock():
        store.forget(["a/0000.jpg"])
        store.optimise()
    assert entry(0, None).hash not in watched(again).rows
    assert again.drawn(service, store).added == 6
    # Many are laid out with all others.
    write(store, range(126, 300))
    drawn = watched(again)
    assert set(told) & set(range(40, 99))
    assert (len(drawn.hashes), drawn.added) == (299, 0)
    with monkeypatch.context() as fewer:
        fewer.setattr("clip_app.gallery.maps.MOST", 200)
        with pytest.raises(GalleryError, match="at most 200 photos, and here are 299"):
            Maps(tmp_path / "elsewhere").drawn(service, store)
    part = again.drawn(service, store, "a")
    assert set(part.hashes) == {entry(one, None).hash for one in range(2, 300, 2)}
    for file in map_folder(library.directory, store.key.folder).iterdir():
        file.write_bytes(file.read_bytes()[:500])
    assert Maps(library.directory).drawn(service, store).state == drawn.state
    library.forget(tmp_path / "photos")
    assert not map_folder(library.directory, store.key.folder).exists()
    forget_maps(library.directory, store.key.folder)


def polygon(*corners):
    return base64.urlsafe_b64encode(np.array(corners, "<u2").tobytes()).decode().rstrip("=")


def test_areas_filter_and_likeness_is_that_of_numpy(library, store, service):
    write(store, range(120))
    drawn = Maps(library.directory).drawn(service, store)
    # A grid of places instead, whose insides are known: 12 in a row.
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(10)), -1).reshape(-1, 2) * 1000
    drawn = replace(drawn, places=grid.astype(np.uint16))

    def inside(*corners):
        found = in_area(drawn, f"{drawn.state}.{polygon(*corners)}")
        return sorted(tuple((grid[drawn.rows[one]] // 1000).tolist()) for one in found)

    assert inside((500, 500), (2500, 500), (2500, 2500), (500, 2500)) == [
        *((1, 1), (1, 2), (2, 1), (2, 2))
    ]
    # A bow tie, whose middle is crossed twice; and an L, whose corner is left out.
    bow = inside((500, 500), (4500, 4600), (4500, 500), (500, 4600))
    assert {(1, 2), (4, 2)} <= set(bow)
    assert not {(2, 1), (2, 4), (3, 1)} & set(bow)
    ell = inside((500, 500), (4500, 500), (4500, 1500), (1500, 1500), (1500, 4500), (500, 4500))
    assert ell == [*((1, n) for n in range(1, 5)), *((n, 1) for n in range(2, 5))]
    first = in_area(drawn, f"{drawn.state}.c0")
    assert len(first) == drawn.clusters[0].size
    for wrong in ("", "x", drawn.state, f"{drawn.state}.AAAA", f"{drawn.state}.é", "a.b.c"):
        with pytest.raises(InputError):
            in_area(drawn, wrong)

    where = Filter(below="a", among=first)
    terms = [TextTerm("dog"), TextTerm("car", -0.5)]
    found = likeness(service, store, drawn, terms, where)
    rows = gallery(400)[119::-1]
    passing = np.array([one in first for one in drawn.hashes]) & (np.arange(120) % 2 == 1)
    np.testing.assert_array_equal(~np.isnan(found.similarities), passing)
    query = {one.hash: one.similarity for one in store.ranked(rows[5], 200, where)}
    assert set(query) == {drawn.hashes[row] for row in np.flatnonzero(passing)}
    plain = likeness(service, store, drawn, [ImageTerm(rows[5], "x")], where).similarities
    np.testing.assert_allclose(plain[passing], (rows @ rows[5])[passing], atol=1e-5)
    every = likeness(service, store, drawn, [], Filter())
    assert (np.unique(every.similarities).tolist(), every.terms) == ([1], ())
    dog, car = found.terms
    assert (dog.term.text, car.term.weight) == ("dog", -0.5)
    vector = clip_app.gallery.asking.words_of(service, "dog")
    assert list(dog.nearest) == np.argsort(-(rows @ vector), kind="stable")[:15].tolist()
    near = rows[list(dog.nearest)]
    assert dog.cosine == pytest.approx(float((near @ vector).mean()), abs=1e-5)
    pairs = [float(one @ other) for one, other in combinations(near, 2)]
    assert dog.among == pytest.approx(np.mean(pairs), abs=1e-5)
    assert dog.among > dog.cosine, "words lie apart from photographs"


def test_what_the_page_asks_is_answered_within_the_roots(tmp_path, service):
    """The handlers as a request calls them: map, tiles, likeness, and an area as a filter."""
    root = EXAMPLES.resolve()
    galleries = GalleryService(Settings(gallery_roots=(root,), index_dir=tmp_path / "index"))
    assert galleries.index(service, root, galleries.roots).wait(60)
    page = SimpleNamespace(
        slot=SimpleNamespace(service=service),
        galleries=galleries,
        settings=SimpleNamespace(is_personal=False),
        concepts=SimpleNamespace(store=lambda *_: SimpleNamespace(named=lambda names: [])),
    )
    index = IndexPart(page, "own", "folder", None, None)
    answers = MapAnswers(page, index, None, "asking")
    given = {"folder": str(root), "own": None, "asking": Wanted()}

    def unpacked(packed, kind):
        return np.frombuffer(base64.b64decode(packed), kind)

    told = [*answers.draw(given, {})]
    assert all(set(one) == {"progress"} for one in told[:-1])
    made = told[-1]
    state = made["state"]
    drawn = galleries.maps.known(galleries.store(root, service.info))
    assert (state, made["count"]) == (drawn.state, 150)
    np.testing.assert_array_equal(unpacked(made["points"], "<u2").reshape(-1, 2), drawn.places)
    cluster = unpacked(made["cluster"], "u1")
    assert [one["size"] for one in made["clusters"]] == np.bincount(cluster).tolist()
    folder = unpacked(made["folder"], "u1")
    assert [one["count"] for one in made["folders"]] == np.bincount(folder).tolist()
    animals = next(n for n, one in enumerate(made["folders"]) if one["name"]["en"] == "animals")
    those = [Path(drawn.paths[row]).parent.name for row in np.flatnonzero(folder == animals)]
    assert set(those) == {"animals"}
    days = unpacked(made["day"], "<i4")
    assert days.min() <= made["days"][0] <= made["days"][1] <= days.max()

    # What was looked at on the map before is found again, but for what is gone.
    looking = [drawn.hashes[140].hex(), "0" * 32, drawn.hashes[3].hex()]
    *_, again = answers.draw(given, {"looking": looking})
    assert (made["looked_at"], again["looked_at"]) == ([], [140, 3])

    (tiles,) = answers.tiles(given, {"state": state, "points": [3, 140]})
    assert [one["point"] for one in tiles["rows"]] == [3, 140]
    assert [one["hash"] for one in tiles["rows"]] == [drawn.hashes[n].hex() for n in (3, 140)]
    assert all(Path(one["thumbnail"]).is_file() for one in tiles["rows"])
    asked = {
        **{"query": "dog", "exclude": "", "literal": False, "liked": [], "pictures": []},
        **{"picture_weight": 1, "below": "animals", "kinds": [], "from": "", "until": ""},
        **{"by_date": False, "offset": 0},
    }
    (alike,) = answers.likeness(given, {"state": state, "asked": asked})
    values = unpacked(alike["values"], "u1")
    np.testing.assert_array_equal(values > 0, folder == animals)
    assert values.max() == 255
    best = Path(drawn.paths[int(values.argmax())]).name
    assert "dog" in best, best
    assert [one["text"] for one in alike["terms"]] == ["dog"]
    (mask,) = answers.likeness(given, {"state": state, "asked": {**asked, "query": ""}})
    assert not mask["searched"]
    assert set(unpacked(mask["values"], "u1").tolist()) == {0, 255}

    finder = Finder(page, index, None, None, {})
    whole = {**asked, "below": "", "query": "", "among": f"{state}.c0"}
    found = finder.find(given, whole)
    assert found["among"] == found["total"] == made["clusters"][0]["size"]
    hashes = {drawn.hashes[row].hex() for row in np.flatnonzero(cluster == 0)}
    assert {one["hash"] for one in found["rows"]} == hashes
    assert found["facets"]["folders"]
    ranked = finder.find(given, {**whole, "query": "dog"})
    assert {one["hash"] for one in ranked["rows"]} == hashes
    assert finder.find(given, {**asked, "among": ""})["among"] is None

    for wrong in ({"points": [150]}, {"points": [-1]}, {"points": 3}, {"points": [1] * 121}):
        with pytest.raises(InputError):
            next(answers.tiles(given, {"state": state, **wrong}))
    with pytest.raises(InputError, match="drawn anew"):
        next(answers.tiles(given, {"state": "0" * 16, "points": [1]}))
    with pytest.raises(InputError, match="drawn anew"):
        finder.find(given, {**whole, "among": "0" * 16 + ".c0"})
    for handler in (answers.draw, answers.tiles, answers.likeness):
        with pytest.raises(GalleryError):
            next(handler({**given, "folder": str(tmp_path)}, {"state": state}))
    galleries.close()
