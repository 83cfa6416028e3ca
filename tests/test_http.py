"""Plain HTTP at /v1: same answers as through Gradio, and one sentence for every error."""

import asyncio
import base64
import http.server
import ipaddress
import json
import re
import socket
import subprocess
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
import schemathesis
from fastapi import FastAPI
from gradio_client import Client, handle_file
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from clip_app.gallery.galleries import GalleryService
from clip_app.model.slot import ModelSlot
from clip_app.server import endpoints
from clip_app.server.endpoints import Endpoints
from clip_app.server.http import addresses, limits
from clip_app.server.http.access import PREFIX, BelowProxy, Keys
from clip_app.server.http.app import http_app, rate_of
from clip_app.server.http.errors import RequestError
from clip_app.server.http.guesses import Guesses
from clip_app.settings import Settings
from clip_app.ui.gate import Gate, LogIn
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, ROOT, awaited, wait_for

CAT = EXAMPLES / "cat.jpg"
LABELS = "cat, dog, 汽车"
DATA_URL = "data:image/jpeg;base64," + base64.b64encode(CAT.read_bytes()).decode()
CURLS_TYPE = {"content-type": "application/x-www-form-urlencoded"}
A_JSON = {"content-type": "application/json"}
A_JPEG = {"content-type": "image/jpeg"}
ZH = {"accept-language": "zh-CN"}


@pytest.fixture(scope="module")
def made(service, tmp_path_factory):
    """Makes the app of /v1 over the real model, with settings of the test's own."""
    folder = tmp_path_factory.mktemp("http")
    opened = []

    def make(**changed: Any) -> TestClient:
        settings = Settings(model="starter", index_dir=folder / "index", **changed)
        galleries = GalleryService(settings)
        opened.append(galleries)
        slot = ModelSlot(service, settings)
        return TestClient(
            http_app(Endpoints(slot, galleries), settings, Keys(settings.keys)), headers={}
        )

    yield make
    for galleries in opened:
        galleries.close()


@pytest.fixture(scope="module")
def local(made) -> TestClient:
    return made()


def _files(*names: str, field: str = "images") -> list[tuple[str, tuple[str, bytes]]]:
    return [(field, (name, (EXAMPLES / name).read_bytes())) for name in names]


def _without_noise(answer: Any) -> Any:
    """An answer with its numbers to five places: batches of other sizes round otherwise."""
    return json.loads(json.dumps(answer), parse_float=lambda one: round(float(one), 5))


def _rounded(answer):
    """Batches of other sizes round otherwise: in the seventh place."""
    return json.loads(json.dumps(answer), parse_float=lambda one: round(float(one), 5))


def test_every_form_of_a_photograph_is_answered_as_through_gradio(app):
    url, client = f"{app.url}/v1", Client(app.url, verbose=False, download_files=False)
    classified = client.predict(handle_file(CAT), LABELS, "auto", 2, api_name="/classify")
    matched = client.predict(handle_file(CAT), "a cat\na dog", api_name="/match")
    found = client.predict("beach", None, "people", 3, api_name="/search")
    values = {"labels": LABELS, "top_k": 2}
    raw = {"content-type": "image/jpeg"}
    asked = [
        httpx.post(f"{url}/classify", files=_files("cat.jpg", field="image"), data=values),
        httpx.post(f"{url}/classify", content=CAT.read_bytes(), params=values, headers=raw),
        httpx.post(f"{url}/classify", json=values | {"image": DATA_URL}),
        httpx.post(f"{url}/classify", data=values | {"image": DATA_URL}),
        httpx.post(
            f"{url}/classify", json={"image": DATA_URL, "labels": LABELS.split(", "), "top_k": 2}
        ),
    ]
    for one in asked:
        assert one.status_code == 200, one.text
        assert _rounded(one.json() | {"image": "cat.jpg"}) == _rounded(classified)
    answer = httpx.post(f"{url}/match", json={"image": DATA_URL, "descriptions": "a cat\na dog"})
    assert _rounded(answer.json() | {"image": "cat.jpg"}) == _rounded(matched)
    several = {"text": "beach", "exclude": "people", "top_k": 3}
    assert httpx.post(f"{url}/search", json=several).json() == found
    like = httpx.post(f"{url}/search", files=_files("cat.jpg", field="image"), data={"top_k": 2})
    by_gradio = client.predict("", handle_file(CAT), "", 2, api_name="/search")
    assert _rounded(like.json()["results"]) == _rounded(by_gradio["results"])
    assert httpx.get(f"{url}/health").json().keys() == client.predict(api_name="/health").keys()


def test_several_photographs_are_a_list_and_a_broken_one_does_not_stop_them(local):
    sent = [*_files("cat.jpg", "coffee.jpg"), ("images", ("notes.txt", b"milk"))]
    answers = local.post("/classify", files=sent, data={"labels": LABELS}, headers=ZH).json()
    alone = [
        local.post("/classify", files=_files(name, field="image"), data={"labels": LABELS}).json()
        for name in ("cat.jpg", "coffee.jpg")
    ]
    assert _without_noise(answers[:2]) == _without_noise(alone)
    assert answers[2] == {"image": "notes.txt", "error": "notes.txt 不是本应用能识别的图片。"}
    one = local.post("/match", json={"images": [DATA_URL], "descriptions": ["a cat"]}).json()
    assert [row["text"] for row in one[0]["results"]] == ["a cat"]
    none = local.post("/classify", json={"images": [], "labels": "a"})
    assert (none.status_code, none.json()) == (422, {"detail": "Please add an image first."})


def test_json_may_begin_with_a_byte_order_mark(local):
    body = "\ufeff" + json.dumps({"texts": ["a cat"]})
    sent = {"content-type": "application/json"}
    answer = local.post("/embed", content=body.encode(), headers=sent)
    assert answer.status_code == 200, answer.text
    assert [one["text"] for one in answer.json()["texts"]] == ["a cat"]


def test_whatever_is_wrong_with_one_of_several_in_json_is_told_in_its_place(local):
    address = "https://example.com/holiday/beach.jpg?size=2"
    broken = ["data:,%%%", "hello", None, 5, address, "data:,bWlsaw=="]
    asked = {"images": [*broken, DATA_URL], "labels": LABELS}
    *errors, good = local.post("/classify", json=asked).json()
    assert good["image"] == "image 7"
    assert good["results"][0]["label"] == "cat"
    assert [(one["image"], one["error"][:22]) for one in errors] == [
        ("image 1", "The Base64 of this ima"),
        ("image 2", "An image in JSON must "),
        ("image 3", "The value “image” is o"),
        ("image 4", "The value “image” is o"),
        ("beach.jpg", "This server fetches no"),
        ("image 6", "image 6 is not an imag"),
    ]
    told = local.post("/embed", json={"images": broken}, headers=ZH).json()["images"]
    assert told[0] == {"image": "image 1", "error": "这张图片的 Base64 数据有误，无法解码。"}
    assert [one["image"] for one in told] == [one["image"] for one in errors]
    matched = {"images": ["hello"], "descriptions": "a cat"}
    assert local.post("/match", json=matched).json()[0].keys() == {"image", "error"}


def test_embeddings_are_those_of_the_model(local, service):
    asked = {"images": [DATA_URL, "data:,milk"], "texts": ["a cat", "猫"]}
    answer = local.post("/embed", json=asked).json()
    assert answer["embedding_size"] == service.info.embedding_size
    rows = np.array([one["embedding"] for one in answer["texts"]])
    np.testing.assert_allclose(rows, service.encode_texts(["a cat", "猫"]), atol=1e-6)
    photo = np.array(answer["images"][0]["embedding"])
    assert photo @ photo == pytest.approx(1, abs=1e-5)
    assert photo @ rows[0] > 0.3
    assert answer["images"][1].keys() == {"image", "error"}
    assert local.post("/embed", json={"texts": "a cat"}).json()["images"] == []
    for nothing in ({}, {"images": []}, {"texts": []}):
        said = local.post("/embed", json=nothing)
        assert (said.status_code, said.json()["detail"][:29]) == (
            422,
            "Please send at least one phot",
        )


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ({"json": {"labels": "a"}}, 422, "Please add an image first."),
        ({"json": {"image": DATA_URL}}, 422, "“labels” is missing"),
        ({"json": {"image": DATA_URL, "labels": "a", "tpo_k": 3}}, 422, "is no value “tpo_k” here"),
        ({"json": {"image": DATA_URL, "labels": [1]}}, 422, "“labels” is of the wrong kind"),
        ({"json": {"image": DATA_URL, "labels": ["a", ""]}}, 422, "One of the labels"),
        ({"json": {"image": DATA_URL, "labels": ["a"] * 10_001}}, 422, "10,001"),
        ({"json": {"image": DATA_URL, "labels": "a", "top_k": 1.5}}, 422, "a whole number"),
        ({"json": {"image": 5, "labels": "a"}}, 422, "“image” is of the wrong"),
        ({"json": {"image": "/etc/passwd", "labels": "a"}}, 422, "must be a data URL"),
        ({"json": {"image": "data:,%%%", "labels": "a"}}, 422, "The Base64 of this image is"),
        ({"json": {"image": "data:,", "labels": "a"}}, 422, "is empty"),
        ({"json": {"image": "data:,bWlsaw==", "labels": "a"}}, 415, "is not an image"),
        ({"json": {"image": "http://example.com/a.jpg", "labels": "a"}}, 403, "fetches no"),
        ({"json": [1]}, 422, "cannot be understood"),
        ({"content": b"{"}, 400, "cannot be understood"),
        ({"content": b"x", "headers": {"content-type": "text/csv"}}, 415, "“text/csv” cannot be"),
        ({"files": {"photo": ("a.jpg", b"x")}, "data": {"labels": "a"}}, 422, "no value “photo”"),
        ({"files": {"labels": ("a.txt", b"a, b")}}, 422, "“labels” came as a file"),
        ({"content": b"", "params": {"labels": "a"}}, 422, "Please add an image first."),
        ({"content": b"--", "headers": {"content-type": "multipart/form-data"}}, 400, "cannot be"),
        ({"content": b"\xff\xd8\xff", "headers": {}}, 415, "in the header Content-Type"),
        ({"content": b'{"labels": "a"}', "headers": CURLS_TYPE}, 415, "header Content-Type"),
        ({"content": CAT.read_bytes(), "headers": CURLS_TYPE}, 415, "header Content-Type"),
        ({"content": b"labels=a&image=hello", "headers": CURLS_TYPE}, 422, "must be a data URL"),
        (
            {"content": b"x", "headers": {"content-encoding": "gzip"}},
            415,
            "Content-Encoding “gzip”",
        ),
        ({"content": b"x", "headers": {"content-encoding": "br"}}, 415, "Content-Encoding “br”"),
        ({"content": b"x", "headers": A_JPEG, "params": {"image": "a"}}, 422, "no value “image”"),
        ({"json": {"images": [DATA_URL] * 257, "labels": "a"}}, 422, "257 images are too many"),
    ],
)
def test_mistakes_are_one_sentence(local, how, status, said):
    answer = local.post("/classify", **how)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    chinese = local.post("/classify", **how | {"headers": how.get("headers", {}) | ZH})
    assert chinese.status_code == status
    assert any("一" <= letter <= "鿿" for letter in chinese.json()["detail"])


def test_values_in_the_address_count_beside_any_body(local):
    photo, query = {"image": DATA_URL}, {"labels": "cat, dog", "top_k": "1"}
    for how in (
        {"json": photo},
        {"data": photo},
        {"files": _files("cat.jpg", field="image")},
        {"json": photo | {"top_k": 1}},
        {"files": _files("cat.jpg", field="image"), "data": {"labels": "cat, dog"}},
    ):
        answer = local.post("/classify", params=query, **how)
        assert [one["label"] for one in answer.json()["results"]] == ["cat"], answer.text
    listed = {"image": DATA_URL, "labels": ["cat", "dog"]}
    assert local.post("/classify?labels=cat&labels=dog", json=listed).status_code == 200
    for params, how, said in (
        (query, {"json": photo | {"labels": "cat"}}, "“labels” is one in the address and another"),
        (query, {"data": photo | {"top_k": 2}}, "“top_k” is one in the address and another"),
        ({"tpo_k": 1}, {"json": listed}, "is no value “tpo_k” here"),
        ({"image": "a"}, {"json": listed}, "is no value “image” here"),
        ({"top_k": "x"}, {"json": listed}, "“top_k” is of the wrong kind"),
    ):
        answer = local.post("/classify", params=params, **how)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text
    assert local.post("/embed", params={"texts": ["a", "b"]}, json={}).json()["texts"][1:]


def test_no_photograph_is_left_out_or_counted_twice(local):
    one, two = _files("cat.jpg", field="image"), _files("cat.jpg", "coffee.jpg")
    for how in (
        {"json": {"image": DATA_URL, "images": [DATA_URL]}},
        {"json": {"image": DATA_URL, "images": []}},
        {"files": [*one, *two]},
        {"files": one, "data": {"image": DATA_URL}},
        {"files": two, "data": {"image": DATA_URL}},
    ):
        for path in ("/classify", "/search", "/embed"):
            answer = local.post(path, **how)
            said = (answer.status_code, answer.json()["detail"][:33])
            assert said == (422, "Send one photograph as “image” or"), how
    for how in ({"files": two}, {"json": {"images": [DATA_URL] * 2}}):
        answer = local.post("/search", **how)
        assert answer.json()["detail"] == "2 images are too many; the limit is 1."
    assert local.post("/search", json={"images": ["hello"]}).status_code == 422
    mixed = local.post(
        "/embed", files=_files("coffee.jpg", "flower.jpg"), data={"images": DATA_URL}
    ).json()["images"]
    assert [each["image"] for each in mixed] == ["coffee.jpg", "flower.jpg", "image 3"]


def test_an_answer_has_so_many_results_and_no_more(local, monkeypatch):
    monkeypatch.setattr(endpoints, "_MOST_RESULTS", 5)
    asked = {"images": [DATA_URL] * 2, "labels": ["a", "b", "c"]}
    for texts in (asked["labels"], "a, b, c"):
        many = local.post("/classify", json=asked | {"labels": texts})
        assert (many.status_code, many.json()["detail"][:22]) == (422, "6 results are too many")
    chinese = local.post("/classify", json=asked, headers=ZH).json()["detail"]
    assert chinese.startswith("一次最多返回 5 个结果，这里有 6 个")
    for fewer in ({"top_k": 2}, {"images": [DATA_URL]}):
        assert local.post("/classify", json=asked | fewer).status_code == 200, fewer
    matched = {"images": [DATA_URL] * 2, "descriptions": "a\nb\nc"}
    assert "6 results are too many" in local.post("/match", json=matched).json()["detail"]
    assert local.post("/match", json=matched | {"descriptions": "a\nb"}).status_code == 200


def test_addresses_that_are_none(local):
    assert local.get("/nothing").json()["detail"].startswith("There is nothing at this address")
    wrong = local.get("/classify")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


def test_a_proxy_may_strip_its_prefix_or_pass_it_on_and_nothing_redirects(made):
    def behind_a_proxy(settings: dict[str, str], *middleware: Middleware) -> TestClient:
        routes = [BelowProxy(PREFIX, made(**settings).app)]
        outer = FastAPI(routes=routes, middleware=middleware)
        outer.root_path, outer.cookie_id, outer.tokens = "/lab", "x", {}
        return TestClient(outer, follow_redirects=False)

    key = {"authorization": "Bearer one"}
    gate = Middleware(Gate, log_in=LogIn(("ann", "secret")), keys=Keys(["one"]))
    keys = {"api_keys": "one"}
    for client, closed in (
        (behind_a_proxy({}), False),
        (behind_a_proxy(keys), True),
        (behind_a_proxy(keys | {"auth": "ann:secret"}, gate), True),
    ):
        for prefix in ("/v1", "/lab/v1"):
            for path in ("/health", "/metrics", "/openapi.json"):
                status = client.get(prefix + path).status_code
                assert status == (401 if closed else 200), (closed, prefix, path)
                assert client.get(prefix + path, headers=key).status_code == 200
            assert client.head(f"{prefix}/health", headers=key).status_code == 200
            told = client.post(f"{prefix}/embed", json={"texts": "a"}, headers=key)
            assert told.json()["texts"][0]["text"] == "a"
            for path in ("", "/", "/health/", "/classify/"):
                for method in ("GET", "POST"):
                    status = client.request(method, prefix + path, headers=key).status_code
                    assert status in ((404, 401) if path == "" else (404,)), (prefix, path)
        for path in ("/labx/v1/health", "/v1x/health", "/lab/lab/v1/health"):
            assert client.get(path, headers=key).status_code in (401, 404), path


def test_bodies_are_limited_whether_they_say_their_size_or_not(made):
    small = made(max_upload_mb=1)
    raw = {"content-type": "image/jpeg"}
    told = small.post("/classify", content=b"x" * 1_000_001, headers=raw | ZH)
    assert (told.status_code, told.json()["detail"]) == (413, "请求体超过了 1 MB 的上限。")
    pieces = (b"x" * 100_000 for _ in range(11))
    assert small.post("/classify", content=pieces, headers=raw).status_code == 413
    assert small.post("/classify", content=CAT.read_bytes(), headers=raw).status_code == 422


def test_a_body_that_stops_coming_is_waited_for_a_minute(made, monkeypatch):
    monkeypatch.setattr(limits, "_SILENT_SECONDS", 0.2)
    transport = httpx.ASGITransport(made().app)

    async def stopping() -> AsyncIterator[bytes]:
        yield b'{"texts": '
        await asyncio.sleep(20)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.post("/embed", content=stopping(), headers=A_JSON)

    answer = awaited(ask())
    said = "This request stopped coming for 0 seconds; please send it again."
    assert (answer.status_code, answer.json()) == (408, {"detail": said})


def test_who_asks_too_often_waits_and_others_do_not(made):
    often = made(rate_limit="2/minute", api_keys="one,two")
    one, two = ({"authorization": f"Bearer {key}"} for key in ("one", "two"))
    assert [often.get("/health", headers=one).status_code for _ in range(3)] == [200, 200, 429]
    refused = often.get("/health", headers=one)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["detail"].startswith("Too many requests")
    assert often.get("/health", headers=two).status_code == 200


@pytest.mark.parametrize("password", [False, True])
def test_who_guesses_at_keys_waits_and_nobody_else(made, password):
    guarded = {"rate_limit": "3/minute", "api_keys": "one"}
    app = made(**guarded, **({"auth": "ann:secret"} if password else {})).app
    if password:  # which is asked for, with the key, before what is mounted
        keys = Keys(["one"])
        gates = [
            Middleware(Guesses, keys=keys, rate=rate_of(Settings(**guarded)), below=PREFIX),
            Middleware(Gate, log_in=LogIn(("ann", "secret")), keys=keys),
        ]
        app = FastAPI(routes=[BelowProxy(PREFIX, app)], middleware=gates)
        app.cookie_id, app.tokens = "x", {}
    path = "/v1/health" if password else "/health"

    def ask(host: str, key: str | None, path: str = path) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return TestClient(app, client=(host, 1)).get(path, headers=headers)

    if password:  # elsewhere it is no key
        assert {ask("1.2.3.4", "x", "/config").status_code for _ in range(5)} == {401}
    # Who sends none guesses at none.
    assert {ask("1.2.3.4", None).status_code for _ in range(5)} == {401}
    statuses = [ask("1.2.3.4", f"guess {number}").status_code for number in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    refused = ask("1.2.3.4", "one")  # else it would still be found out
    assert (refused.status_code, 1 <= int(refused.headers["retry-after"]) <= 60) == (429, True)
    assert ask("1.2.3.4", None).status_code == 401
    assert ask("5.6.7.8", "one").status_code == 200


def test_a_server_that_is_full_says_so(made, monkeypatch):
    monkeypatch.setattr(limits, "_MOST_REQUESTS", 0)
    full = made().get("/health")
    assert (full.status_code, full.headers["retry-after"]) == (503, "1")
    monkeypatch.setattr(limits, "_MOST_REQUESTS", 9)
    monkeypatch.setattr(limits, "_MOST_BODIES", 0)
    assert made().post("/embed", json={"texts": "a"}).status_code == 503


def test_keys_open_and_nothing_else_does(made):
    locked = made(api_keys="one, ключ")
    for wrong in ({}, {"authorization": "Bearer two"}, {"authorization": "Bearer"}):
        for path in ("/health", "/openapi.json", "/docs", "/metrics", "/nothing"):
            refused = locked.get(path, headers=wrong)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    for key in ("one", "ключ"):
        assert locked.get(
            "/health", headers={b"authorization": f"bearer {key}".encode()}
        ).is_success


def test_docs_need_no_other_server_and_figures_are_by_route(local):
    page = local.get("/docs").text
    assert "cdn." not in page
    script = next(one for one in page.split('"') if one.endswith("swagger-ui-bundle.js"))
    assert local.get(script).status_code == 200
    local.get("/nothing-at-all")
    figures = local.get("/metrics").text
    assert 'clip_app_requests_total{route="/docs",status="200"} 1.0' in figures
    assert "nothing-at-all" not in figures
    assert "clip_app_images_total" in figures


def test_a_caller_who_hangs_up_is_no_fault_of_the_server(app):
    left = 'clip_app_requests_total{route="/match",status="499"} 1.0'
    host, port = app.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        head = f"POST /v1/match HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1000\r\n"
        caller.sendall(f"{head}content-type: application/json\r\n\r\n{{".encode())
    wait_for(lambda: left in httpx.get(f"{app.url}/v1/metrics").text)
    assert 'route="/match",status="500"' not in httpx.get(f"{app.url}/v1/metrics").text


def test_nothing_is_encoded_any_more_for_a_caller_who_has_left(app):
    host, port = app.url.removeprefix("http://").split(":")
    before = httpx.get(f"{app.url}/v1/health").json()["texts"]
    labels = [f"a label that nobody waits for {number}" for number in range(5120)]
    asked = json.dumps({"image": DATA_URL, "labels": labels}).encode()
    head = f"POST /v1/classify HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(asked)}\r\n"
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(f"{head}content-type: application/json\r\n\r\n".encode() + asked)
        wait_for(lambda: httpx.get(f"{app.url}/v1/health").json()["texts"] != before)
    left = 'clip_app_requests_total{route="/classify",status="499"} 1.0'
    wait_for(lambda: left in httpx.get(f"{app.url}/v1/metrics").text)
    # Twenty batches of 256; the one that was under way when the caller left is finished.
    assert httpx.get(f"{app.url}/v1/health").json()["texts"] < before + 2560


def test_only_public_addresses_are_asked():
    for private in (
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "ff02::1"),
    ):
        assert not addresses.is_public(private), private
    for public in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"):
        assert addresses.is_public(public), public


class Pictures(NamedTuple):
    """Where pictures are, and how many were asked for at once."""

    url: str
    counts: dict[str, int]


@pytest.fixture
def pictures() -> Iterator["Pictures"]:
    """A web server with a photograph, one too large, and ways to places that are not public.

    What is slow comes once three have been asked for at the same time; /stuck never does.
    """

    counts, counting = {"now": 0, "most": 0}, threading.Condition()
    ended = threading.Event()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            elsewhere = {
                "/inside": f"http://127.0.0.2:{self.server.server_port}/cat.jpg",
                "/file": "file:///etc/passwd",
                "/moved": "/cat.jpg",
                "/round": "/round",
            }.get(self.path)
            with counting:
                counts["now"] += 1
                counts["most"] = max(counts["most"], counts["now"])
                counting.notify_all()
                if self.path.startswith("/slow"):
                    counting.wait_for(lambda: counts["most"] >= 3, PATIENCE_SECONDS)
            if self.path == "/stuck":
                ended.wait(PATIENCE_SECONDS)
            with counting:
                counts["now"] -= 1
            self.send_response(302 if elsewhere else 200 if self.path != "/none" else 404)
            if elsewhere:
                self.send_header("location", elsewhere)
            self.end_headers()
            for _ in range(30 if self.path == "/large" else 1):
                self.wfile.write(CAT.read_bytes() if self.path != "/large" else b"x" * 100_000)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Pictures(f"http://127.0.0.1:{server.server_port}", counts)
    ended.set()
    server.shutdown()
    server.server_close()


def test_pictures_are_fetched_within_limits_and_nothing_inside(made, pictures, monkeypatch):
    fetching = made(fetch_images=True, max_upload_mb=1)

    def ask(address: str) -> tuple[int, Any]:
        answer = fetching.post("/classify", json={"image": address, "labels": LABELS})
        return answer.status_code, answer.json()

    # As it is: this machine is not public, by whatever name.
    port = pictures.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"):
        assert ask(f"http://{host}:{port}/cat.jpg")[0] == 403, host
    assert ask("http:///cat.jpg")[0] == ask("http://nowhere.invalid/a.jpg")[0] == 422
    # One address of this machine in place of the internet.
    monkeypatch.setattr(
        addresses, "is_public", lambda ip: ip == str(ipaddress.ip_address(2130706433))
    )
    for path in ("/cat.jpg", "/moved"):
        status, answer = ask(pictures.url + path)
        assert (status, answer["results"][0]["label"]) == (200, "cat")
    assert ask(f"{pictures.url}/inside") == (
        403,
        {"detail": "Only pictures at public addresses are fetched."},
    )
    status, answer = ask(f"{pictures.url}/large")
    assert (status, answer["detail"][:32]) == (413, "The picture at this address is l")
    for path in ("/none", "/file", "/round"):
        assert ask(pictures.url + path)[0] == 422


def test_pictures_of_one_request_share_one_time_and_one_size(made, pictures, monkeypatch):
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    monkeypatch.setattr(limits, "_MOST_BODIES", 1)
    fetching = made(fetch_images=True, max_upload_mb=1)
    labels = {"labels": "cat, dog"}

    def ask(*paths: str) -> httpx.Response:
        images = [pictures.url + path for path in paths]
        return fetching.post("/classify", json=labels | {"images": images})

    found = ask(*(f"/slow{number}" for number in range(12)))
    assert [one["results"][0]["label"] for one in found.json()] == ["cat"] * 12
    assert 3 <= pictures.counts["most"] <= 8
    together = ask(*["/cat.jpg"] * (1_000_000 // CAT.stat().st_size + 2))
    assert "The pictures of this request are larger than 1 MB together" in together.text
    assert sum("results" in one for one in together.json()) > 9
    # What was fetched is counted no longer, or there were no room for more.
    assert ask(*["/cat.jpg"] * 12).status_code == 200
    monkeypatch.setattr(limits, "_FETCHING_SECONDS", 0.2)
    assert "seconds that one request has for all" in ask("/stuck").text


def test_a_picture_that_is_too_large_is_not_kept_by_its_error(pictures, monkeypatch):
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    guard = limits.Guard(FastAPI(), Keys(()), closed=False, rate=None, max_body=1_000_000)

    async def refused() -> RequestError:
        limits.room.set(limits.Room(guard, 1_000_000, asyncio.Event().wait))
        with pytest.raises(RequestError) as error:
            await addresses.Fetcher(1_000_000)(f"{pictures.url}/large")
        return error.value

    frames = [frame for frame, _ in traceback.walk_tb(awaited(refused()).__traceback__)]
    kept = [one for frame in frames for one in frame.f_locals.values()]
    assert [len(one) for one in kept if isinstance(one, bytearray)] == [0]
    assert guard.bytes == 0


def test_many_at_once_are_each_answered_right(local):
    names = [path.name for path in sorted(EXAMPLES.glob("*.jpg"))]
    labels = ", ".join(name.removesuffix(".jpg") for name in names)

    def ask(name: str) -> list[dict[str, Any]]:
        sent = _files(name, field="image")
        return local.post("/classify", files=sent, data={"labels": labels}).json()["results"]

    alone = {name: _without_noise(ask(name)) for name in names}
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(ask, names * 4))
    for name, results in zip(names * 4, together, strict=True):
        assert _without_noise(results) == alone[name]
    assert len({results[0]["label"] for results in together}) == len(names)


_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("page", ["docs/api.md", "docs/zh-CN/api.md"])
def test_examples_of_the_documentation_run(app, page, monkeypatch, capsys):
    monkeypatch.chdir(EXAMPLES)
    whole = (ROOT / page).read_text("utf-8").replace("http://127.0.0.1:7860", app.url)
    shell, python = (
        [one for one in re.findall(rf"```{language}\n(.*?)```", whole, re.DOTALL) if "/v1" in one]
        for language in ("sh", "python")
    )
    commands = "".join(shell).splitlines()
    for command in commands:
        told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert ("# HELP" if "metrics" in command else '"model":') in told.stdout, command
    assert len(commands) == 10
    for code in python:
        exec(code, {})
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first in ("cat fits", "猫 fits")
    assert len(set(last.split())) == 1


def test_whatever_is_sent_is_answered_as_the_openapi_says(local):
    described = schemathesis.openapi.from_asgi("/openapi.json", local.app)
    paths = set()
    for found in described.get_all_operations():
        operation = found.ok()
        paths.add(operation.path)

        @bounded(max_examples=25, database=None, suppress_health_check=HealthCheck)
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=_CHECKS)

        answers()
    assert {"/classify", "/match", "/search", "/embed", "/health"} <= paths


def test_a_request_that_the_end_of_the_app_cuts_off_is_told_so():
    told: list[Any] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        told.append(message)

    async def ended() -> None:
        guard = limits.Guard(slow, Keys(()), closed=False, rate=None, max_body=1_000)
        scope = {"type": "http", "method": "POST", "path": "/v1/classify", "headers": []}
        request = asyncio.create_task(guard(scope, asyncio.Event().wait, send))
        await asyncio.sleep(0)
        request.cancel()
        await request

    awaited(ended())
    assert told[0]["status"] == 503
    assert "is being stopped" in json.loads(told[1]["body"])["detail"]
