"""The example gallery: every picture listed with its licence, vectors true, queries good."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_app.gallery.galleries import EXAMPLES, GalleryService
from clip_app.gallery.gallery import open_gallery
from clip_app.gallery.prepared import VECTORS, prepared_for
from clip_app.gallery.stores.store import content_of
from clip_app.images import difference_hash, load_image
from clip_app.metrics import steps
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.photos import decode_side
from clip_app.settings import Settings
from clip_app.ui.examples import EXAMPLES_DIRECTORY, example_queries, load_examples
from tests.small_models import write_model
from training.gallery import GALLERY, README, measured_table, right_answers, sources_table

LICENCES = {
    *("CC0-1.0", "LicenseRef-public-domain", "Apache-2.0"),
    *("CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    *("GPL-2.0-or-later", "GPL-3.0-or-later", "LGPL-3.0-only"),
}
SOURCES = json.loads((GALLERY / "sources.json").read_text("utf-8"))
PICTURES = SOURCES["pictures"]
QUERIES = json.loads((GALLERY / "queries.json").read_text("utf-8"))


def files() -> list[Path]:
    return sorted(path for path in EXAMPLES.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def gallery(service, tmp_path_factory):
    """The example gallery, indexed with the vectors that come with it."""
    opened = open_gallery(EXAMPLES, service, index_dir=tmp_path_factory.mktemp("index"))
    report = opened.index(prepared=prepared_for(service.info.fingerprint))
    assert (report.encoded, report.broken_total) == (len(PICTURES), 0)
    return opened


def test_every_picture_is_listed_and_nothing_else_lies_there():
    listed = [one["file"] for one in PICTURES]
    assert len(set(listed)) == len(listed)
    assert sorted(listed) == [path.relative_to(EXAMPLES).as_posix() for path in files()]
    beside = {path.name for path in GALLERY.iterdir()}
    assert beside == {"README.md", "examples", "queries.json", "sources.json", "vectors.npz"}
    assert 80 <= len(listed) <= 150
    assert {file.split("/")[0] for file in listed} == set(SOURCES["topics"])


@pytest.mark.parametrize("one", PICTURES, ids=lambda one: one["file"])
def test_each_picture_says_what_it_shows_and_who_made_it(one):
    assert one["licence"] in LICENCES
    assert one["author"]
    assert one["path"]
    assert bool(one["package"]) is bool(one["version"]) is (one["author"] != "clip_app")
    for language in ("en", "zh"):
        assert one["title"][language]
        assert all(one["labels"][language])
    assert len(one["labels"]["en"]) == len(one["labels"]["zh"])
    chinese = one["title"]["zh"] + "".join(one["labels"]["zh"])
    assert any("\u4e00" <= sign <= "\u9fff" for sign in chinese)
    with Image.open(EXAMPLES / one["file"]) as picture:
        assert 200 <= max(picture.size) <= 640
        taken = picture.getexif().get_ifd(0x8769).get(36867)
    assert (taken or "").replace(":", "-", 2) == one.get("taken", "")


def test_no_picture_is_there_twice_and_all_are_small(gallery, service):
    assert sum(path.stat().st_size for path in files()) <= 5_000_000
    assert VECTORS.stat().st_size <= 500_000
    vectors = np.stack([one.vector for one in prepared_for(service.info.fingerprint).values()])
    assert len(vectors) == len(PICTURES)
    alike = vectors @ vectors.T - np.eye(len(vectors))
    assert alike.max() < 0.95


def test_the_readme_has_a_line_for_each_picture_and_the_measured_table(service):
    text = README.read_text("utf-8")
    assert sources_table() in text
    assert measured_table(service) in text
    assert f"{len(PICTURES)} photographs" in text


def test_the_prepared_vectors_are_what_the_starter_makes_now(service):
    prepared = prepared_for(service.info.fingerprint)
    for path in files()[::12]:
        data = path.read_bytes()
        picture = load_image(data, name=path.name, target_side=decode_side(service))
        known = prepared[content_of(data)]
        vector = service.encode_pixels([service.preprocess(picture)])[0]
        np.testing.assert_allclose(known.vector, vector, atol=1e-4)
        assert known.look == difference_hash(picture)


def encoded_so_far() -> int:
    times = steps.times()
    return times["encode"].count if "encode" in times else 0


def index_of(service: ModelService, index_dir: Path) -> tuple[int, int]:
    """How many pictures can be searched after a page's first start, and how many were encoded."""
    galleries = GalleryService(Settings(index_dir=index_dir))
    before = encoded_so_far()
    galleries.prepare(service)
    job = galleries.running(service, EXAMPLES.resolve())
    assert job is None or job.wait(120)
    images = galleries.store(EXAMPLES.resolve(), service.info).counts().images
    assert galleries.prepared(service)
    galleries.close()
    return images, encoded_so_far() - before


def test_the_first_start_encodes_nothing_with_the_starter(service, tmp_path):
    assert index_of(service, tmp_path) == (len(PICTURES), 0)


def test_another_model_encodes_the_pictures_itself(tmp_path):
    other = load_model(Settings(model=str(write_model("clip", tmp_path / "clip")), device="cpu"))
    assert prepared_for(other.info.fingerprint) == {}
    assert index_of(other, tmp_path / "index") == (len(PICTURES), len(PICTURES))


def test_a_changed_picture_is_encoded(service, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("animals/dog.jpg", "animals/pig.jpg"):
        (folder / Path(name).name).write_bytes((EXAMPLES / name).read_bytes())
    Image.open(EXAMPLES / "animals/dog.jpg").rotate(180).save(folder / "dog.jpg")
    opened = open_gallery(folder, service, index_dir=tmp_path / "index")
    before = encoded_so_far()
    opened.index(prepared=prepared_for(service.info.fingerprint))
    assert encoded_so_far() - before == 1
    assert Path(opened.search("a pig").hits[0].path).name == "pig.jpg"


def test_what_the_page_proposes_to_look_for_is_found(gallery):
    offered = [
        (asked["query"], english, chinese)
        for asked, _, english, chinese in right_answers(gallery)
        if asked.get("offered")
    ]
    assert [query for query, _, _ in offered] == [*example_queries()]
    assert len(offered) >= 12
    for query, english, chinese in offered:
        assert english >= 3, query
        assert chinese >= 3, query


def test_every_query_has_right_answers_to_find():
    for asked in QUERIES:
        right = [one for one in PICTURES if set(one["labels"]["en"]) & set(asked["labels"])]
        assert len(right) >= 3, asked


def test_the_examples_are_of_this_gallery_or_beside_it():
    assert len(load_examples()) == 16
    assert load_examples()[0].file == "cat.jpg"
    assert sum(one.fails for one in load_examples()) == 4
    places = {(EXAMPLES_DIRECTORY / one.file).parents for one in load_examples()}
    assert all(EXAMPLES in found or EXAMPLES_DIRECTORY in found for found in places)
