"""The running app through `gradio_client` and plain HTTP."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import numpy as np
import psutil
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from clip_app import __version__
from clip_app.images import load_image
from clip_app.tasks.classify import classify
from clip_app.tasks.concepts import learn_concept
from clip_app.ui.errors import shows_errors
from tests.conftest import EXAMPLES, App, noise, wait_for

CAT = EXAMPLES / "cat.jpg"


@pytest.fixture(scope="module")
def client(app):
    return Client(app.url, verbose=False)


def test_classify_answers_what_the_command_line_answers(client, service):
    answer = client.predict(
        handle_file(str(CAT)), "cat, dog, 汽车", "none", 2, api_name="/classify"
    )
    expected = classify(service, [load_image(CAT)], "cat, dog, 汽车", "none")[0]
    assert answer["model"] == "starter"
    assert answer["image"] == "cat.jpg"
    assert [one["label"] for one in answer["results"]] == [
        one.label for one in expected.results[:2]
    ]
    np.testing.assert_allclose(
        [one["score"] for one in answer["results"]],
        [one.score for one in expected.results[:2]],
        atol=1e-3,
    )


def test_what_is_taught_is_sent_with_the_request_and_kept_nowhere(app, client, service):
    photos = sorted((EXAMPLES.parent / "gallery" / "examples" / "birds").iterdir())
    taught = client.predict(
        "Rex", [handle_file(str(one)) for one in photos[:3]], None, 0.6, api_name="/teach"
    )
    own = learn_concept(service, "Rex", photos[:3], alpha=0.6)
    assert (taught["name"], taught["examples"], taught["counter_examples"]) == ("Rex", 3, 0)
    photo = handle_file(str(photos[4]))
    asked = ("@Rex, cat", "auto", 0)
    answer = client.predict(photo, *asked, taught["concept"], api_name="/classify")
    expected = classify(service, photos[4], "@Rex, cat", concepts=[own])
    assert "Rex" in [one["label"] for one in answer["results"]]
    assert [one["label"] for one in answer["results"]] == [one.label for one in expected.results]
    np.testing.assert_allclose(
        [one["similarity"] for one in answer["results"]],
        [one.similarity for one in expected.results],
        atol=1e-3,
    )
    without = client.predict(photo, *asked, api_name="/classify")
    assert {one["label"] for one in without["results"]} == {"@Rex", "cat"}
    assert not (app.index_dir / "concepts").exists()
    for wrong, said in (([], "no photograph to learn"), (None, "no photograph to learn")):
        with pytest.raises(AppError, match=said):
            client.predict("Rex", wrong, api_name="/teach")
    with pytest.raises(AppError, match="is not a concepts file"):
        client.predict(photo, *asked, "Rex", api_name="/classify")


def test_a_text_beyond_the_context_is_answered_and_how_much_was_read(client):
    # The starter reads 77 tokens.
    long = "a photo of a cat " * 100 + "end"
    for name, field in (("/classify", "label"), ("/match", "text")):
        more = ("none", 0) if name == "/classify" else ()
        asked = f"{long}, dog" if name == "/classify" else f"{long}\ndog"
        answer = client.predict(handle_file(str(CAT)), asked, *more, api_name=name)
        assert {one[field] for one in answer["results"]} == {long, "dog"}
        (cut,) = answer["truncated"]
        assert cut["text"] == long
        assert long.startswith(cut["read"])
        assert 77 < len(cut["read"]) < len(long)


def test_match_ranks_descriptions(client):
    answer = client.predict(handle_file(str(CAT)), "a dog\na cat", api_name="/match")
    assert [one["text"] for one in answer["results"]] == ["a cat", "a dog"]
    assert answer["none_fits"] is False
    wrong = client.predict(handle_file(str(CAT)), "a rocket", api_name="/match")
    assert wrong["none_fits"] is True


def test_as_many_descriptions_are_allowed_as_in_a_collection(client):
    too_many = "\n".join(f"{number} cats" for number in range(100_001))
    with pytest.raises(AppError, match="100,001 lines are too many; the limit is 100,000"):
        client.predict(handle_file(str(CAT)), too_many, api_name="/match")


def test_health_answers_with_model_device_and_version(client):
    health = client.predict(api_name="/health")
    assert health["status"] == "ok"
    assert (health["model"], health["version"]) == ("starter", __version__)
    assert health["device"] in {"cpu", "mps"} or health["device"].startswith("cuda")


def test_endpoints_are_documented_and_no_others_are_shown(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {
        *("/classify", "/teach", "/match", "/explain", "/heatmap", "/search", "/index_status"),
        *("/health", "/duplicates", "/odd"),
    }
    assert [p["parameter_name"] for p in named["/classify"]["parameters"]] == [
        "image",
        "labels",
        "template",
        "top_k",
        "concepts",
    ]


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("empty.png", b"", "empty"),
        ("text.jpg", b"this is not a picture", "not an image"),
        ("cut.jpg", CAT.read_bytes()[:4000], "damaged"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_broken_images_are_one_sentence_and_the_next_request_works(
    client, tmp_path, name, data, sentence
):
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(AppError) as caught:
        client.predict(handle_file(str(file)), "cat", "auto", 0, api_name="/classify")
    assert sentence in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert client.predict(handle_file(str(CAT)), "cat", "auto", 0, api_name="/classify")["results"]


def test_missing_image_and_labels_are_sentences_in_the_callers_language(app):
    chinese = Client(app.url, headers={"accept-language": "zh"}, verbose=False)
    with pytest.raises(AppError, match="请先添加一张图片"):
        chinese.predict(None, "猫", "auto", 0, api_name="/classify")
    with pytest.raises(AppError, match="请至少输入一个类别"):
        chinese.predict(handle_file(str(CAT)), "，", "auto", 0, api_name="/classify")


@pytest.mark.parametrize("path", ["/etc/passwd", "requirements.txt", "../README.md"])
def test_files_of_the_server_cannot_be_named_as_uploads(app, path):
    data = {"path": path, "meta": {"_type": "gradio.FileData"}}
    posted = httpx.post(
        f"{app.url}/gradio_api/call/classify", json={"data": [data, "cat", "auto", 0]}
    )
    body = posted.text
    if posted.status_code == 200:
        event = posted.json()["event_id"]
        body = httpx.get(f"{app.url}/gradio_api/call/classify/{event}", timeout=60).text
        assert "event: error" in body
    assert "root:" not in body
    assert httpx.get(f"{app.url}/gradio_api/file={path}").status_code in {403, 404}


def test_addresses_inside_the_network_are_not_fetched(app):
    data = {"path": f"{app.url}/config", "meta": {"_type": "gradio.FileData"}}
    posted = httpx.post(
        f"{app.url}/gradio_api/call/classify", json={"data": [data, "cat", "auto", 0]}
    )
    event = posted.json()["event_id"]
    body = httpx.get(f"{app.url}/gradio_api/call/classify/{event}", timeout=60).text
    assert "event: error" in body


def test_monitoring_is_off_and_uploads_are_limited(app):
    assert httpx.get(f"{app.url}/monitoring").status_code in {403, 404}
    too_large = b"x" * (51 * 1024 * 1024)
    answer = httpx.post(
        f"{app.url}/gradio_api/upload", files={"files": ("big.jpg", too_large)}, timeout=60
    )
    assert answer.status_code == 413


def test_mcp_offers_the_same_tools(app):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(
        f"{app.url}/gradio_api/mcp/",
        json=body,
        headers={"accept": "application/json, text/event-stream"},
        timeout=60,
        follow_redirects=True,
    )
    data = answer.text.partition("data: ")[2] or answer.text
    names = [tool["name"] for tool in json.loads(data)["result"]["tools"]]
    ends = ("classify", "teach", "match", "search", "index_status", "health", "heatmap", "explain")
    ends += ("duplicates", "odd")
    assert sorted(end for end in ends for name in names if name.endswith(end)) == sorted(ends)
    assert len(names) == len(ends)


@pytest.mark.slow
def test_sixteen_users_are_all_answered_rightly_and_memory_stays_flat(service, tmp_path):
    own = App()
    try:
        photos = []
        for seed in range(64):
            path = tmp_path / f"{seed}.png"
            noise(1000 + seed).save(path)
            photos.append(path)
        labels = "cat, dog, a pattern, 天空"
        expected = {
            path: classify(service, [load_image(path)], labels)[0].results[0] for path in photos
        }
        process = psutil.Process(own.process.pid)

        with ThreadPoolExecutor(16) as pool:
            clients = list(pool.map(lambda _: Client(own.url, verbose=False), range(16)))

        def user(number: int, rounds: int) -> int:
            client = clients[number]
            wrong = 0
            for i in range(rounds):
                path: Path = photos[(number * 7 + i) % len(photos)]
                got = client.predict(
                    handle_file(str(path)), labels, "auto", 0, api_name="/classify"
                )["results"][0]
                wanted = expected[path]
                wrong += abs(got["similarity"] - wanted.similarity) > 1e-3
            return wrong

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(lambda n: user(n, 8), range(16))) == 0
            before = process.memory_info().rss
            assert sum(pool.map(lambda n: user(n, 24), range(16))) == 0
        grown = process.memory_info().rss - before
        assert grown < 150_000_000, f"{grown / 1e6:.0f} MB more after 384 further requests"
    finally:
        own.stop()


def test_nothing_is_encoded_any_more_for_a_client_of_the_queue_that_has_left(app):
    api = f"{app.url}/gradio_api"

    def texts() -> int:
        return httpx.get(f"{app.url}/v1/health").json()["texts"]

    sent = httpx.post(f"{api}/upload", files={"files": ("cat.jpg", CAT.read_bytes())}).json()[0]
    photo = {"path": sent, "meta": {"_type": "gradio.FileData"}}
    labels = "\n".join(f"a label that no client waits for {number}" for number in range(5120))
    before = texts()
    asked = httpx.post(f"{api}/call/classify", json={"data": [photo, labels, "none", 1]})
    with httpx.stream("GET", f"{api}/call/classify/{asked.json()['event_id']}", timeout=60):
        wait_for(lambda: texts() != before)
    now, last = texts(), -1
    while now != last:
        time.sleep(2)
        now, last = texts(), now
    # Twenty batches of 256; the one that was under way when the client left is finished.
    assert now < before + 2560


def test_a_handler_encodes_no_more_for_a_caller_who_leaves_at_a_later_step(service):
    labels = [f"a label of a later step {number}" for number in range(2560)]
    ended = threading.Event()

    def steps(_: dict[Any, Any]) -> Iterator[dict[Any, str]]:
        yield {answer: "first"}
        try:
            service.encode_texts(labels)
        finally:
            ended.set()
        yield {answer: "second"}

    with gr.Blocks(analytics_enabled=False) as demo:
        asked, answer = gr.Textbox(), gr.Textbox()
        asked.submit(shows_errors(steps, lambda _: "en"), {asked}, answer, api_name="steps")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    demo.queue().launch(prevent_thread_lock=True, quiet=True, server_port=port)
    try:
        call = f"{demo.local_url}gradio_api/call/steps"
        before = service.statistics.texts
        event = httpx.post(call, json={"data": [""]}).json()["event_id"]
        with httpx.stream("GET", f"{call}/{event}", timeout=60):
            while service.statistics.texts == before:
                time.sleep(0.02)
        assert ended.wait(120)
    finally:
        demo.close(verbose=False)
    # Ten batches of 256; the one that was under way when the caller left is finished.
    assert service.statistics.texts < before + 1280
