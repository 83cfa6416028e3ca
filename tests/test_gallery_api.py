"""Searching through `gradio_client`, and what of a gallery can and cannot be reached over HTTP."""

import json
import shutil
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from clip_app.gallery.library import Library, update_index
from clip_app.gallery.query import parse_query
from clip_app.gallery.roots import Roots
from clip_app.gallery.search import image_term, search
from clip_app.gallery.similar import duplicates, odd
from clip_app.server.answers import duplicates_answer, odd_answer
from tests.conftest import EXAMPLES, App, noise


@pytest.fixture(scope="module")
def gallery(tmp_path_factory, service):
    """A gallery root, and the index that the app will find."""
    base = tmp_path_factory.mktemp("api").resolve()
    root = base / "photos"
    (root / "sub folder").mkdir(parents=True)
    for name in ("cat", "rocket", "coffee", "flower"):
        shutil.copy(EXAMPLES / f"{name}.jpg", root / "sub folder" / f"{name}.jpg")
    for seed in range(12):
        noise(7000 + seed).save(root / f"{seed}.png")
    (root / "secret.txt").write_text("not an image")
    library = Library(base / "index")
    update_index(library, service, root, Roots.of([root]))
    yield root, library
    library.close()


@pytest.fixture(scope="module")
def gallery_app(gallery):
    root, library = gallery
    running = App("--gallery-roots", str(root), env={"CLIP_APP_INDEX_DIR": str(library.directory)})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(gallery_app):
    # The client takes any object with a "path" for a file to fetch, unless told not to.
    return Client(gallery_app.url, verbose=False, download_files=False)


def test_search_answers_what_a_search_in_this_process_answers(client, service, gallery):
    root, library = gallery
    answer = client.predict("a rocket - cat", None, "coffee, 花", 7, api_name="/search")
    expected = search(
        service,
        [library.open(root, service.info)],
        parse_query("a rocket - cat", "coffee, 花"),
        top_k=7,
    )
    assert answer["model"] == "starter"
    assert answer["query"] == "a rocket − cat − coffee − 花"
    assert [one["path"] for one in answer["results"]] == [
        f"photos/{Path(hit.path).relative_to(root).as_posix()}" for hit in expected.hits
    ]
    assert [one["similarity"] for one in answer["results"]] == pytest.approx(
        [hit.similarity for hit in expected.hits], abs=1e-4
    )
    assert [one["fits"] for one in answer["results"]] == [hit.fits for hit in expected.hits]
    assert answer["results"][0]["path"] == "photos/sub folder/rocket.jpg"


def test_search_by_picture_leaves_the_picture_out(client, service, gallery):
    root, library = gallery
    answer = client.predict("", handle_file(str(EXAMPLES / "cat.jpg")), "", 20, api_name="/search")
    paths = [one["path"] for one in answer["results"]]
    assert len(paths) == 15
    assert "photos/sub folder/cat.jpg" not in paths
    term = image_term(service, str(EXAMPLES / "cat.jpg"), name="cat.jpg")
    expected = search(service, [library.open(root, service.info)], [term], top_k=20)
    assert paths[:5] == [
        f"photos/{Path(hit.path).relative_to(root).as_posix()}" for hit in expected.hits[:5]
    ]


@pytest.mark.parametrize("given", [["a rocket"], ["a rocket", None, "", 20]])
def test_what_plain_http_leaves_out_at_the_end_takes_its_default(client, gallery_app, given):
    url = f"{gallery_app.url}/gradio_api/call/search"
    event = httpx.post(url, json={"data": given}).json()["event_id"]
    body = httpx.get(f"{url}/{event}", timeout=60).text
    (answer,) = json.loads(body.partition("data: ")[2])
    assert answer == client.predict("a rocket", None, "", 20, False, api_name="/search")


def test_index_status_tells_galleries_by_name_not_by_place(client):
    status = client.predict(api_name="/index_status")
    assert status == {
        "model": "starter",
        "galleries": [
            {
                "gallery": "photos",
                "model": "starter",
                "usable": True,
                "files": 16,
                "images": 16,
                "broken": 0,
            }
        ],
    }


def test_copies_and_odd_ones_are_those_of_this_process(client, service, gallery):
    root, library = gallery
    store = library.open(root, service.info)
    shared = {"path_of": lambda path: f"photos/{Path(path).relative_to(root).as_posix()}"}
    near = client.predict(0.8, api_name="/duplicates")
    assert near == duplicates_answer(duplicates([store], near=0.8), **shared)
    assert len(near["groups"]) >= 1, "patterns are alike"
    assert client.predict(api_name="/duplicates") == duplicates_answer(
        duplicates([store]), **shared
    )
    odd_ones = client.predict(3, api_name="/odd")
    assert odd_ones == odd_answer(odd([store], number=3), **shared)
    assert odd_ones["odd"][0]["path"].startswith("photos/sub folder/"), "no pattern is odd here"
    for wrong in (0.5, "much", True):
        with pytest.raises(AppError, match=r"a number from 0.8 to 1"):
            client.predict(wrong, api_name="/duplicates")
    with pytest.raises(AppError, match="between 1 and 500"):
        client.predict(0, api_name="/odd")


def test_health_tells_the_times_of_each_step(client):
    client.predict("a cat", None, "", 3, api_name="/search")
    steps = client.predict(api_name="/health")["steps"]
    assert {"encode query", "search", "judge"} <= set(steps)
    assert steps["search"]["count"] >= 1
    assert 0 < steps["search"]["median_ms"] <= steps["search"]["p95_ms"]


@pytest.mark.parametrize("top_k", [0, 501, -3])
def test_a_number_of_results_out_of_range_is_one_sentence(client, top_k):
    with pytest.raises(AppError, match="between 1 and 500"):
        client.predict("a cat", None, "", top_k, api_name="/search")


def test_nothing_to_look_for_and_no_index_are_sentences_in_the_callers_language(
    gallery_app, tmp_path
):
    chinese = Client(gallery_app.url, headers={"accept-language": "zh"}, verbose=False)
    with pytest.raises(AppError, match="请输入要查找的内容"):
        chinese.predict(" ", None, "", 5, api_name="/search")
    empty = tmp_path / "empty"
    empty.mkdir()
    own = App("--gallery-roots", str(empty))
    try:
        with pytest.raises(AppError, match="No folder has been indexed yet"):
            Client(own.url, verbose=False).predict("a cat", None, "", 5, api_name="/search")
    finally:
        own.stop()


def test_files_of_a_gallery_are_not_served_by_their_path(gallery_app, gallery):
    root, library = gallery
    for path in (
        root / "sub folder" / "cat.jpg",
        root / "secret.txt",
        library.directory,
        next(library.directory.glob("*/*/index.sqlite")),
    ):
        answer = httpx.get(f"{gallery_app.url}/gradio_api/file={path}")
        assert answer.status_code in {403, 404}, path
