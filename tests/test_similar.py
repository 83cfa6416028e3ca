"""Copies, near copies, typical and odd photographs: by plain numpy, in every store, everywhere."""

import csv
import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import clip_app
from clip_app.errors import InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.search import SAME_LOOK_BITS, SAME_VECTOR, shape_of, without_copies
from clip_app.gallery.similar import duplicates, leaders_of, odd
from clip_app.gallery.stores.store import Entry, Filter, Found, StoredFile, content_of
from clip_app.settings import ASSETS, Settings
from clip_app.terminal import main
from clip_app.ui.tabs.gallery.duplicates import Copies, CopiesPart
from clip_app.ui.tabs.gallery.index import IndexPart
from tests.test_store_contract import DIM, Model, opened  # noqa: F401

ANIMALS = ASSETS / "gallery" / "examples" / "animals"


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def plainly(vectors: np.ndarray, looks: np.ndarray, near: float) -> list[int]:
    """The rule of `duplicates`, one photograph after another."""
    leaders = list(range(len(vectors)))
    for i in range(len(vectors)):
        if leaders[i] == i:
            cosines = vectors @ vectors[i]
            same = np.bitwise_count(looks ^ looks[i]) <= SAME_LOOK_BITS
            for j in np.flatnonzero((cosines >= near) | (same & (cosines >= SAME_VECTOR))):
                if j > i and leaders[j] == j:
                    leaders[j] = i
    return leaders


@pytest.mark.parametrize(("dim", "near"), [(16, 0.9), (256, 0.97), (256, 0.8)])
def test_groups_are_those_of_the_plain_rule(dim, near):
    """Over several blocks, with chains: each is a step from the one before."""
    rng = np.random.default_rng(dim)
    rows = unit(rng.standard_normal((1500, dim)) + rng.standard_normal(dim))
    for start in rng.choice(1400, 60, replace=False):
        chain = rng.choice(1500, 8, replace=False)
        rows[chain[0]] = rows[start]
        for one, other in pairwise(chain):
            rows[other] = unit(rows[one] + rng.standard_normal(dim) * 0.15 / dim**0.5)
    # Half of all looks are the same within the limit.
    looks = rng.choice(np.array([0, 0b111, 2**63 - 1], np.uint64), 1500)
    looks ^= np.uint64(0x5555555555555555)  # none of them plain
    told = []
    leaders = leaders_of(rows, looks, near, lambda *done: told.append(done))
    assert leaders.tolist() == plainly(rows, looks, near)
    assert 100 < (leaders != np.arange(1500)).sum() < 1400
    assert told[-1] == (1500, 1500)


def test_pictures_without_structure_or_of_other_shapes_are_no_copies():
    """To the hash every plain surface is the same; a strip and a square can be."""
    row = unit(np.ones(16))
    rows = unit(np.stack([row, row + 0.3 * np.eye(16)[0]]) * 1.0)
    assert 0.95 < rows[0] @ rows[1] < 0.999
    patterned, plain = (np.full(2, look, np.uint64) for look in (0x5555555555555555, 0))
    for looks, sides, expected in (
        (patterned, ((400, 300), (200, 150)), 1),
        (patterned, ((400, 300), (200, 0)), 1),
        (patterned, ((50, 50), (3000, 20)), 2),
        (plain, ((50, 50), (50, 50)), 2),
        (~plain, ((50, 50), (50, 50)), 2),
    ):
        found = [
            Found(bytes([n]), 0.0, rows[n], int(looks[n]), (StoredFile("a", 1, 1),), *sides[n])
            for n in (0, 1)
        ]
        shapes = np.array([shape_of(one) for one in found])
        assert len(set(leaders_of(rows, looks, 0.9999, shapes=shapes))) == expected
        store = SimpleNamespace(key=SimpleNamespace(folder=""))
        assert len(without_copies([(store, one) for one in found], 9)) == expected
        same = [(store, replace(one, hash=b"same")) for one in found]
        assert len(without_copies(same, 9)) == 1


def test_every_store_gives_the_same_groups_and_means(opened, tmp_path):  # noqa: F811
    rng = np.random.default_rng(3)
    folder = tmp_path.resolve() / "gallery"
    folder.mkdir()
    vectors = unit(rng.standard_normal((7, DIM)) + 1)
    vectors[1] = unit(vectors[0] + 0.01 * vectors[2])
    names = ["small", "large", "other", "a/odd", "b/one", "b/two", "b/three"]
    sides = [10, 20, 5, 5, 5, 5, 5]
    vectors[3] = -vectors[3]
    entries = [
        Entry(f"{name}.png", 100 + n, 1, content_of(name.encode()), n, vectors[n], 2 ** (9 * n) - 1)
        for n, name in enumerate(names)
    ]
    entries = [
        Entry(**{**vars(one), "width": side, "height": side})
        for one, side in zip(entries, sides, strict=True)
    ]
    copy = Entry("b/other again.png", 102, 1, content_of(b"other"), 2)
    library = opened()
    store = library.open(folder, Model, create=True)
    with store.lock():
        store.write([*entries, copy])
    found = duplicates([store])
    assert found.images == 7
    shown = [[(one.path, len(one.copies)) for one in group.hits] for group in found.groups]
    at = {name: str(folder / f"{name}.png") for name in [*names, "b/other again"]}
    assert shown == [[(at["b/other again"], 1)], [(at["large"], 0), (at["small"], 0)]]
    assert [(one.files, one.spare) for one in found.groups] == [(2, 102), (2, 100)]
    assert found.groups[1].hits[1].similarity == pytest.approx(vectors[0] @ vectors[1], abs=1e-5)
    assert [len(g.hits) for g in duplicates([store], near=1).groups] == [1]
    assert duplicates([store], where=Filter(below="b")).groups == ()
    for wrong in (0.79, 1.01, float("nan")):
        with pytest.raises(InputError, match=r"from 0\.8 to 1"):
            duplicates([store], near=wrong)

    among = vectors @ vectors.T
    means = (among.sum(1) - among.diagonal()) / 6
    best = odd([store], number=100)
    order = np.argsort(-means)
    assert [one.hash for one in best.typical] == [entries[n].hash for n in order[:3]]
    assert [one.hash for one in best.odd] == [entries[n].hash for n in order[:-4:-1]]
    assert best.odd[0].path == at["a/odd"]
    assert best.odd[0].similarity == pytest.approx(means.min(), abs=1e-5)
    assert odd([store], where=Filter(below="a")).typical == ()
    library.close()


@pytest.mark.usefixtures("at_terminal")
def test_copies_of_photographs_in_the_terminal_and_in_python(capsys, tmp_path, service):
    folder = tmp_path.resolve() / "photos"
    shutil.copytree(ANIMALS, folder)
    (folder / "again").mkdir()
    shutil.copy(folder / "bee.jpg", folder / "again")
    cow = Image.open(folder / "cow.jpg")
    width, height = cow.size
    cow.resize((width // 2, height // 2)).save(folder / "again" / "half.jpg", quality=85)
    cow.crop((8, 8, width - 8, height - 8)).save(folder / "again" / "cut.jpg", quality=60)

    gallery = clip_app.open_gallery(folder, service, index_dir=tmp_path / "index")
    gallery.index()
    groups = gallery.duplicates().groups
    # Cat and kitten, horses and horse are no copies.
    assert {frozenset((hit.path, *hit.copies)) for g in groups for hit in g.hits} == {
        frozenset({str(folder / "bee.jpg"), str(folder / "again" / "bee.jpg")}),
        *(
            frozenset({str(folder / name)})
            for name in ("cow.jpg", "again/half.jpg", "again/cut.jpg")
        ),
    }
    capsys.readouterr()
    assert main(["duplicates", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    cows = next(one for one in told["groups"] if len(one) == 3)
    assert cows[0]["path"] == str(folder / "cow.jpg")
    assert {(one["width"], one["height"]) for one in cows} == {
        (width, height),
        (width // 2, height // 2),
        (width - 16, height - 16),
    }
    sizes = {path: path.stat().st_size for path in folder.rglob("*.jpg")}
    again = [size for path, size in sizes.items() if path.parent.name == "again"]
    assert (told["files"], told["spare_bytes"]) == (5, sum(again))
    assert main(["duplicates", str(folder), "--near", "1"]) == 0
    printed = capsys.readouterr().out
    assert "1 group of copies among 31 pictures" in printed
    assert "cow" not in printed
    assert main(["odd", str(folder), "--number", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["images"] == 31
    assert [one["path"] for one in told["odd"]] == [one.path for one in gallery.odd(number=4).odd]
    assert main(["duplicates", str(folder), "--near", "0.5"]) == 2
    assert set(folder.rglob("*.jpg")) == set(sizes), "nothing is deleted"


def test_the_page_shows_groups_and_hands_out_a_list(tmp_path, service):
    """The panel's handlers, as a request calls them."""
    root = tmp_path.resolve() / "photos"
    (root / "new").mkdir(parents=True)
    for name in ("cow.jpg", "bee.jpg", "dog.jpg"):
        shutil.copy(ANIMALS / name, root)
    shutil.copy(root / "bee.jpg", root / "new" / "=bee.jpg")
    cow = Image.open(root / "cow.jpg")
    cow.crop((8, 8, cow.width - 8, cow.height - 8)).save(root / "new" / "cow.jpg")
    settings = Settings(gallery_roots=(root,), index_dir=tmp_path / "index")
    galleries = GalleryService(settings)
    assert galleries.index(service, root, galleries.roots).wait(60)
    page = SimpleNamespace(
        slot=SimpleNamespace(service=service),
        galleries=galleries,
        language_now=lambda given: "en",
    )
    index = IndexPart(page, "own", "folder", None, None)
    part = CopiesPart(page, index, "state", "panel")
    given = {"folder": str(root), "own": None, "state": Copies()}

    def last(handler, asked=None):
        return [*handler(given, asked or {})][-1]["panel"]

    found = last(part.look, {"near": "0.95"})["found"]
    assert (found["images"], found["groups"]) == (4, 2)
    names = [[one["path"]["zh"] for one in group["photos"]] for group in found["shown"]]
    assert sorted(names) == [["photos/bee.jpg"], ["photos/cow.jpg", "photos/new/cow.jpg"]]
    bee = found["shown"][names.index(["photos/bee.jpg"])]["photos"][0]
    assert (bee["copies"], bee["same"][0]["en"]) == (1, "photos/new/=bee.jpg")
    assert bee["pixels"] == "560×315"
    assert Path(bee["picture"]).is_file()
    assert (len(found["odd"]), len(found["typical"])) == (2, 2)
    with open(last(part.csv)["file"], encoding="utf-8-sig") as file:
        rows = [*csv.DictReader(file)]
    assert {one["path"]: one["same_bytes_as"] for one in rows} == {
        "photos/cow.jpg": "",
        "photos/new/cow.jpg": "",
        "photos/bee.jpg": "",
        "photos/new/=bee.jpg": "photos/bee.jpg",
    }
    assert {int(one["bytes"]) for one in rows} == {
        one.stat().st_size for one in root.rglob("*.jpg") if one.name != "dog.jpg"
    }
    assert last(part.look, {"near": "1"})["found"]["groups"] == 1
    for wrong in ("much", None, "0"):
        with pytest.raises(InputError, match="How alike"):
            last(part.look, {"near": wrong})
    galleries.close()
