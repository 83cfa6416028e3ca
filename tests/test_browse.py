"""Everything in a gallery page by page: ranked, by date, counted, compared with plain numpy."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_app.gallery.pages import BLOCK, browse, chosen, facets, search_page
from clip_app.gallery.query import TextTerm, parse_query
from clip_app.gallery.search import ImageTerm, SearchAnswer, image_term, search
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Filter
from clip_app.images import load_image
from clip_app.images.xmp import with_keywords
from clip_app.model.service import ModelService
from clip_app.ui.tabs.gallery.asked import Asked
from tests.conftest import EXAMPLES
from tests.gallery_helpers import (
    entry,
    fill,
    index,
    indexed_store,
    open_store,
    picture,
    put,
    small_store,
    unit,
)

MANY = 2 * BLOCK + 137


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples in folders with dates, a copy, and patterns."""
    folder = tmp_path_factory.mktemp("photos").resolve()
    for number, photo in enumerate(sorted(EXAMPLES.glob("*.jpg"))):
        place = put(folder / "trips" / f"{number % 2}" / photo.name, photo.read_bytes())
        taken = datetime(2015 + number, 7, 1, 12).timestamp()
        os.utime(place, (taken, taken))
    shutil.copy2(folder / "trips" / "0" / "cat.jpg", folder / "copy of cat.jpg")
    fill(folder, range(30), "patterns")
    for number, path in enumerate(sorted((folder / "patterns").iterdir())):
        taken = datetime(2010, 1, 1 + number, 12).timestamp()
        os.utime(path, (taken, taken))
    return folder


store = indexed_store


@pytest.fixture(scope="module")
def many(service: ModelService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """More pictures than two blocks, of made-up vectors, some of which are copies of others."""
    info = service.info
    store = small_store(
        tmp_path_factory.mktemp("many"), info.embedding_size, fingerprint=info.fingerprint
    )
    dim = info.embedding_size
    entries = [entry(f"{n:05}.jpg", n, dim, taken=n * 3600) for n in range(MANY)]
    copies = [
        replace(entries[n], path=f"copy {n}.jpg", hash=entries[n].hash[::-1], look=entries[n].look)
        for n in range(0, MANY, 50)
    ]
    with store.lock():
        store.write(entries)
        store.write(copies)
        store.optimise()
    yield store
    store.close()


def all_pages(ask, limit: int) -> list[SearchAnswer]:
    pages = [ask(0, limit)]
    while pages[-1].following is not None:
        assert pages[-1].hits
        pages.append(ask(pages[-1].following, limit))
    return pages


def paths(pages: list[SearchAnswer]) -> list[str]:
    return [path for page in pages for hit in page.hits for path in (hit.path, *hit.copies)]


@pytest.mark.parametrize("limit", [60, 61, BLOCK])
def test_pages_hold_every_picture_once_in_one_order(
    service: ModelService, many: SqliteStore, limit: int
) -> None:
    terms = [ImageTerm(unit(5, service.info.embedding_size), "it")]
    pages = all_pages(
        lambda offset, number: search_page(service, [many], terms, offset=offset, limit=number),
        limit,
    )
    found = paths(pages)
    assert len(found) == len(set(found)) == many.counts().files
    assert {page.total for page in pages} == {many.counts().images}
    assert len({page.above for page in pages}) == 1
    hits = [hit for page in pages for hit in page.hits]
    similarities = [hit.similarity for hit in hits]
    np.testing.assert_allclose(similarities, sorted(similarities, reverse=True), atol=1e-6)
    assert [hit.rank for hit in hits] == sorted({hit.rank for hit in hits})
    # A copy lies beside what it is a copy of, and is no tile of its own.
    assert len(hits) == MANY
    assert sum(len(hit.copies) for hit in hits) == len(range(0, MANY, 50))


def test_the_first_page_is_what_search_finds(service: ModelService, store: SqliteStore) -> None:
    for text in ("a cat", "一杯咖啡", "sky - rocket"):
        page = search_page(service, [store], parse_query(text), limit=20)
        answer = search(service, [store], parse_query(text), top_k=20)
        shown = [(h.path, h.copies, h.fits, pytest.approx(h.similarity)) for h in answer.hits]
        assert [(h.path, h.copies, h.fits, h.similarity) for h in page.hits] == shown
        assert (page.images, page.judged, page.by_words) == (36, True, True)
        assert page.total == 36


def test_nothing_is_hidden_and_the_line_says_where_confidence_ends(
    service: ModelService, store: SqliteStore
) -> None:
    page = search_page(service, [store], [TextTerm("a cat")], limit=100)
    assert len(page.hits) == 36
    assert page.following is None
    assert "cat.jpg" in page.hits[0].path
    assert page.above is not None
    # Among the others of the cat lie patterns that unrelated words match no better in a third of
    # the cases: once one result fits, the line is that generous.
    assert 1 <= page.above <= 10
    # A filter changes what is counted.
    trips = search_page(service, [store], [TextTerm("a cat")], where=Filter(below="patterns"))
    assert trips.total == len(trips.hits) == 30
    # There is no line where only something to stay away from was typed.
    away = search_page(service, [store], parse_query("- a cat"), limit=100)
    assert away.above is None
    assert not away.judged
    assert len(away.hits) == 36


def test_a_deep_line_is_found_without_judging_all(service: ModelService, tmp_path: Path) -> None:
    """A gallery of which two thirds show one thing."""
    info = service.info
    store = small_store(tmp_path, info.embedding_size, fingerprint=info.fingerprint)
    cat = service.encode_images([load_image(EXAMPLES / "cat.jpg")])[0]
    noise = np.random.default_rng(0).standard_normal((3000, info.embedding_size)) * 0.02
    vectors = noise.astype(np.float32)
    vectors[:2000] += cat
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.lock():
        store.write(
            [
                replace(entry(f"{n}.jpg", n, info.embedding_size), vector=vectors[n])
                for n in range(3000)
            ]
        )
    page = search_page(service, [store], [TextTerm("a cat")])
    assert page.above == pytest.approx(2000, abs=40)
    store.close()


def test_above_the_line_the_last_taken_comes_first(
    service: ModelService, store: SqliteStore
) -> None:
    def ask(**options):
        return search_page(service, [store], [TextTerm("a cat")], limit=100, **options)

    plain, dated = ask(), ask(by_date=True)
    assert sorted(paths([plain])) == sorted(paths([dated]))
    assert plain.above == dated.above
    first = [hit for hit in dated.hits if hit.rank < plain.above]
    assert [hit.taken for hit in first] == sorted((hit.taken for hit in first), reverse=True)
    assert {hit.path for hit in first} == {h.path for h in plain.hits if h.rank < plain.above}
    # Below it the order is that of the ranking.
    assert [h.path for h in dated.hits[len(first) :]] == [h.path for h in plain.hits[len(first) :]]
    away = search_page(service, [store], parse_query("- a cat"), limit=100, by_date=True)
    taken = [hit.taken for hit in away.hits]
    assert taken == sorted(taken, reverse=True)


def test_by_date_pages_fit_together(service: ModelService, many: SqliteStore) -> None:
    terms = parse_query("- a cat")
    pages = all_pages(
        lambda offset, number: search_page(
            service, [many], terms, offset=offset, limit=number, by_date=True
        ),
        100,
    )
    found = paths(pages)
    assert len(found) == len(set(found)) == many.counts().files


def test_browsing_shows_the_last_taken_first(
    store: SqliteStore, many: SqliteStore, folder: Path
) -> None:
    page = browse([store], limit=100)
    assert (page.total, page.images, page.above, page.following) == (36, 36, None, None)
    taken = [hit.taken for hit in page.hits]
    assert taken == sorted(taken, reverse=True)
    assert Path(page.hits[0].path).parent.parent == folder / "trips"
    assert [hit.similarity for hit in page.hits] == [0.0] * 36
    pages = all_pages(lambda offset, limit: browse([many], offset=offset, limit=limit), 90)
    found = paths(pages)
    assert len(found) == len(set(found)) == many.counts().files
    both = browse([store, many], limit=200)
    taken = [hit.taken for hit in both.hits]
    assert taken == sorted(taken, reverse=True)
    assert both.total == 36 + many.counts().images


def test_a_picture_that_is_searched_for_is_on_no_page(
    service: ModelService, store: SqliteStore, folder: Path
) -> None:
    picture = image_term(service, str(folder / "trips" / "0" / "cat.jpg"), name="cat")
    page = search_page(service, [store], [picture], limit=100)
    assert not any("cat" in hit.path for hit in page.hits)
    assert len(page.hits) == 35


def test_facets_count_pictures(store: SqliteStore) -> None:
    everything = facets([store])
    assert everything.images == 36
    assert everything.folders == {"patterns": 30, "trips": 6}
    assert everything.suffixes == {"JPEG": 21, "PNG": 15}
    assert list(everything.years) == sorted(everything.years, reverse=True)
    assert everything.years[2010] == 30
    assert facets([store], Filter(below="trips/")).folders == {"trips/0": 3, "trips/1": 3}
    assert facets([store, store]).images == 72


def test_photographs_without_an_ending_are_a_kind_of_their_own(
    service: ModelService, tmp_path: Path
) -> None:
    photos = (tmp_path / "photos").resolve()
    photos.mkdir()
    picture(1).save(photos / "plain", "JPEG")
    picture(2).save(photos / "a.png")
    store = open_store(service, tmp_path / "index", photos)
    index(service, store)
    assert facets([store]).suffixes == {"PNG": 1, ".": 1}
    asked = dict.fromkeys(("query", "exclude", "below", "from", "until"), "")
    asked |= {"literal": False, "liked": [], "pictures": [], "picture_weight": 1, "by_date": False}
    where = Asked.read(asked | {"kinds": [".", "NOPE"], "offset": 0}).where
    assert [hit.path for hit in browse([store], limit=9, where=where).hits] == [
        str(photos / "plain")
    ]


def test_keywords_of_photograph_and_sidecar_are_read_and_follow_the_sidecar(
    service: ModelService, tmp_path: Path
) -> None:
    photos = (tmp_path / "photos").resolve()
    photos.mkdir()
    picture(1).save(photos / "a.jpg", xmp=with_keywords(None, ["sea"], "a"))
    for name in ("b.jpg", "c.jpg"):
        picture(2 if name < "c" else 3).save(photos / name)
    put(photos / "b.xmp", with_keywords(None, ["海"], "b"))
    secret = put(tmp_path / "secret.xmp", with_keywords(None, ["secret"], "c"))
    (photos / "c.jpg.xmp").symlink_to(secret)
    store = open_store(service, tmp_path / "index", photos)
    assert index(service, store).encoded == 3
    assert facets([store]).keywords == {"sea": 1, "海": 1}
    tagged = search_page(service, [store], [TextTerm("x")], where=Filter(keywords=frozenset("海")))
    assert paths([tagged]) == [str(photos / "b.jpg")]
    put(photos / "b.xmp", with_keywords(None, ["lake", "海"], "b"))
    os.utime(photos / "b.xmp", (1, 1))
    (photos / "a.jpg.xmp").write_bytes(with_keywords(None, ["sun"], "a"))
    again = index(service, store)
    assert (again.encoded, again.unchanged) == (0, 3)
    assert facets([store]).keywords == {"sea": 1, "海": 1, "lake": 1, "sun": 1}
    store.close()


def test_pictures_are_found_again_by_their_content(store: SqliteStore, folder: Path) -> None:
    page = browse([store], limit=5)
    hashes = [hit.hash for hit in reversed(page.hits)]
    again = chosen([store], [*hashes[:2], b"?" * 16, *hashes[2:]])
    assert [hit.hash for hit in again] == hashes
    assert [hit.path for hit in again] == [hit.path for hit in reversed(page.hits)]


def test_a_picture_knows_its_upright_size(service: ModelService, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (2000, 1000), "red").save(photos / "turned.jpg", exif=exif)
    Image.new("RGB", (300, 200), "blue").save(photos / "plain.png")
    store = open_store(service, tmp_path / "index", photos)
    index(service, store)
    sizes = {Path(h.path).name: (h.width, h.height) for h in browse([store]).hits}
    assert sizes == {"turned.jpg": (1000, 2000), "plain.png": (300, 200)}
    store.close()
