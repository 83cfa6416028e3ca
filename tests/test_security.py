"""With a log-in, no route answers without it; mistakes say no more than they must."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.types import Message

from clip_app.model.catalog import STARTER_DIRECTORY
from clip_app.server.http.access import Keys
from clip_app.ui.gate import Gate, LogIn, is_open
from tests.conftest import EXAMPLES, ROOT, App

pytestmark = pytest.mark.slow

USER, PASSWORD = "ann", "ключ:密码 ü"
LOG_IN = httpx.BasicAuth(USER, PASSWORD)
KEY = "a-key-of-the-test"
ACCEPT = {"accept": "application/json, text/event-stream"}

# What a stranger gets: the log-in page and what it is made of.
OPEN = {
    "/",
    "/assets/{path:path}",
    "/favicon.ico",
    "/login",
    "/login/",
    "/manifest.json",
    "/robots.txt",
    "/static/{path:path}",
    "/svelte/{path:path}",
    "/theme.css",
}

# All other routes; one that Gradio adds makes the test fail, so that somebody looks at it.
CLOSED = {
    "/config",
    "/config/",
    "/gradio_api/api/{api_name}",
    "/gradio_api/api/{api_name}/",
    "/gradio_api/app_id",
    "/gradio_api/app_id/",
    "/gradio_api/call/v2/{api_name}",
    "/gradio_api/call/v2/{api_name}/",
    "/gradio_api/call/v2/{api_name}/{event_id}",
    "/gradio_api/call/{api_name}",
    "/gradio_api/call/{api_name}/",
    "/gradio_api/call/{api_name}/{event_id}",
    "/gradio_api/cancel",
    "/gradio_api/component_server",
    "/gradio_api/component_server/",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/deep_link",
    "/gradio_api/dev/reload",
    "/gradio_api/file/{path:path}",
    "/gradio_api/file={path_or_url:path}",
    "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/info",
    "/gradio_api/info/",
    "/gradio_api/login_check",
    "/gradio_api/login_check/",
    "/gradio_api/mcp",
    "/gradio_api/mcp/messages",
    "/gradio_api/mcp/schema",
    "/gradio_api/mcp/sse",
    "/gradio_api/openapi.json",
    "/gradio_api/process_recording",
    "/gradio_api/proxy={url_path:path}",
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/queue/status",
    "/gradio_api/reset",
    "/gradio_api/reset/",
    "/gradio_api/run-history/buckets",
    "/gradio_api/run-history/connect",
    "/gradio_api/run-history/records",
    "/gradio_api/run-history/records/{endpoint}/{record_id}/assets/{asset_id}",
    "/gradio_api/run/{api_name}",
    "/gradio_api/run/{api_name}/",
    "/gradio_api/runs",
    "/gradio_api/runs/",
    "/gradio_api/startup-events",
    "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/theme.css",
    "/gradio_api/token",
    "/gradio_api/token/",
    "/gradio_api/undo-vibe-edit",
    "/gradio_api/undo-vibe-edit/",
    "/gradio_api/upload",
    "/gradio_api/upload_progress",
    "/gradio_api/user",
    "/gradio_api/user/",
    "/gradio_api/vibe-code",
    "/gradio_api/vibe-code/",
    "/gradio_api/vibe-edit",
    "/gradio_api/vibe-edit/",
    "/gradio_api/vibe-starter-queries",
    "/gradio_api/vibe-starter-queries/",
    "/logout",
    "/monitoring",
    "/monitoring/summary",
    "/monitoring/{key}",
    "/openapi.json",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/v1",
    "/v1/classify",
    "/v1/docs",
    "/v1/docs/oauth2-redirect",
    "/v1/embed",
    "/v1/embeddings",
    "/v1/feature-extraction",
    "/v1/health",
    "/v1/match",
    "/v1/metrics",
    "/v1/models",
    "/v1/models/{name:path}",
    "/v1/openapi.json",
    "/v1/search",
    "/v1/static-offline-docs",
    "/v1/zero-shot-image-classification",
}


@pytest.fixture(scope="module")
def locked() -> Iterator[App]:
    env = {
        "CLIP_APP_AUTH": f"{USER}:{PASSWORD}",
        "CLIP_APP_API_KEYS": KEY,
        "PYTHONPATH": str(ROOT),
    }
    flags = ("--mcp", "--model", str(STARTER_DIRECTORY))
    running = App(*flags, env=env, program="tests/app_with_routes.py")
    yield running
    running.stop()


def test_every_route_is_known_and_all_but_the_log_in_page_ask_for_the_password(locked):
    # Gradio tells MCP's address before the launch is over.
    found = set(json.loads(locked.told(r'(?m)^\[".*\]$')))
    assert found - OPEN - CLOSED == set()
    assert {"/gradio_api/mcp", "/gradio_api/queue/join", "/login"} <= found
    for route in sorted(found | CLOSED):
        path = re.sub(r"{[^}]*}", "x", route)
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            status = httpx.request(method, locked.url + path, timeout=30).status_code
            allowed = route in OPEN and is_open(method, path)
            assert (status != 401) == allowed, (method, route, status)
    for path in ("/config", "/gradio_api/info", "/gradio_api/mcp/schema", "/gradio_api/user"):
        assert httpx.get(locked.url + path, auth=LOG_IN).status_code == 200
        assert httpx.get(locked.url + path, auth=(USER, "wrong")).status_code == 401


def test_a_key_or_the_log_in_opens_plain_http_and_a_key_nothing_else(locked):
    key, wrong = ({"authorization": f"Bearer {one}"} for one in (KEY, f"{KEY}x"))
    for path in ("/v1/health", "/v1/openapi.json", "/v1/docs", "/v1/metrics"):
        assert httpx.get(locked.url + path, headers=key).status_code == 200
        assert httpx.get(locked.url + path, auth=LOG_IN).status_code == 200
        assert httpx.get(locked.url + path, headers=wrong).status_code == 401
    for path in ("/config", "/v1", "/v1x", "//v1/health", "/gradio_api/info", "/V1/health"):
        assert httpx.get(locked.url + path, headers=key).status_code == 401, path
    for path in ("/v1/../config", "/v1//config", "/v1/%2e%2e/config", "/v1%2f../config"):
        assert httpx.get(locked.url + path, headers=key).status_code in (401, 404), path


@pytest.mark.parametrize("path", ["/", "/gradio_api/queue/join", "/assets/x.js"])
def test_a_websocket_is_refused(path):
    sent: list[Message] = []
    gradio_app = SimpleNamespace(cookie_id="x", tokens={})
    scope = {"type": "websocket", "path": path, "headers": [], "app": gradio_app}

    async def let_in(*_: Any) -> None:
        sent.append({"type": "websocket.accept"})

    async def send(message: Message) -> None:
        sent.append(message)

    # On a thread of its own: the browser of other tests keeps a loop running on this one.
    gate = Gate(let_in, LogIn((USER, PASSWORD)), Keys([KEY]))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, gate(scope, let_in, send)).result()
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "path",
    [
        "//gradio_api/mcp/schema",
        "/assets/..%2fconfig",
        "/static/%2e%2e/config",
        "/GRADIO_API/info",
        "/gradio_api%2finfo",
        "/config/",
    ],
)
def test_no_other_spelling_of_a_path_leads_in(locked, path):
    assert httpx.get(locked.url + path).status_code == 401


def test_the_log_in_page_holds_no_documentation_and_the_form_opens_the_rest(locked):
    page = httpx.get(f"{locked.url}/?all_endpoints=true").text
    assert "/classify" not in page
    style = re.search(r'href="\.(/page/gradio-\w+\.css)"', page)[1]
    assert httpx.get(locked.url + style).status_code == 200
    with httpx.Client(base_url=locked.url) as client:
        form = {"username": USER, "password": PASSWORD}
        assert client.post("/login", data=form | {"password": "x"}).status_code == 400
        assert client.post("/login", data=form).status_code == 200
        assert client.get("/config").status_code == 200


def _tool(url: str, name: str, arguments: dict[str, Any], language: str = "en") -> tuple[bool, str]:
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    answer = httpx.post(
        f"{url}/gradio_api/mcp/",
        json=body,
        headers=ACCEPT | {"accept-language": language},
        auth=LOG_IN,
        timeout=60,
    )
    result = json.loads(answer.text.partition("data: ")[2])["result"]
    return result["isError"], result["content"][0]["text"]


@pytest.mark.parametrize("more", [{}, {"image": None}])
def test_mcp_searches_with_the_log_in_and_answers_in_json(locked, more):
    wrong, answer = _tool(locked.url, "search", {"text": "beach", **more})
    assert not wrong
    assert json.loads(answer)["query"] == "beach"


@pytest.mark.parametrize("arguments", [{"text": ["a"]}, {"nope": 1}, {"image": "/etc/passwd"}])
def test_mcp_says_what_is_wrong_in_one_sentence_of_ours(locked, arguments):
    wrong, sentence = _tool(locked.url, "search", arguments, "zh")
    assert wrong
    assert sentence.startswith("无法读取 passwd" if "image" in arguments else "无法理解这个请求")


def _ask(url: str, name: str, body: str) -> str:
    headers = {"content-type": "application/json"}
    with httpx.Client(base_url=url, auth=LOG_IN, timeout=60) as client:
        asked = client.post(f"/gradio_api/call/{name}", content=body, headers=headers)
        if asked.status_code != 200:
            return asked.text
        return client.get(f"/gradio_api/call/{name}/{asked.json()['event_id']}").text


def _classify(url: str, body: str) -> str:
    return _ask(url, "classify", body)


@pytest.mark.parametrize("top_k", ["-3", "-1", "1.5", "NaN", "Infinity", '"many"', "true", "[1]"])
def test_a_number_of_labels_that_is_none_is_one_sentence(locked, top_k):
    assert "must be a whole number" in _classify(
        locked.url, f'{{"data": [null, "a", "auto", {top_k}]}}'
    )


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"data": null}',
        '{"data": []}',
        '{"data": [5, "a", "auto", 0]}',
        '{"data": ["/etc/passwd", "a", "auto", 0]}',
        '{"data": [null, ["a"], "auto", 0]}',
    ],
)
def test_a_malformed_request_is_one_sentence_and_no_text_for_developers(locked, body):
    answer = _classify(locked.url, body)
    assert "This request cannot be understood" in answer
    assert "pydantic" not in answer


def test_errors_of_the_api_are_plain_text(locked):
    with (EXAMPLES / "cat.jpg").open("rb") as file:
        path = httpx.post(
            f"{locked.url}/gradio_api/upload", files={"files": file}, auth=LOG_IN
        ).json()[0]
    photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = _classify(locked.url, json.dumps({"data": [photo, "cat", "a photo", 0]}))
    assert 'The template \\"a photo\\" has no {}' in answer


def test_no_answer_tells_where_the_app_and_its_indexes_lie(locked):
    none, beach = '{"data": []}', '{"data": ["beach", null, "", 5, false]}'
    with httpx.Client(base_url=locked.url, auth=LOG_IN, timeout=60) as client:
        pages = (
            *("/", "/config", "/gradio_api/info", "/openapi.json", "/gradio_api/mcp/schema"),
            *("/v1/health", "/v1/openapi.json", "/v1/metrics", "/v1/nothing"),
        )
        answers = {page: client.get(page).text for page in pages}
        names = {"health": none, "index_status": none, "search": beach, "classify": none}
        for name, body in names.items():
            answers[name] = _ask(locked.url, name, body)
        for path in ("file=/etc/passwd", "file=app.py", "call/nothing"):
            answers[path] = client.get(f"/gradio_api/{path}").text
    tools: list[tuple[str, dict[str, Any]]] = [
        ("health", {}),
        ("index_status", {}),
        ("search", {"text": "beach"}),
        ("search", {"text": ["a"]}),
        ("classify", {"image": str(EXAMPLES / "nothing.jpg"), "labels": "a"}),
    ]
    for number, (tool, arguments) in enumerate(tools):
        answers[f"{tool} by MCP, {number}"] = _tool(locked.url, tool, arguments)[1]
    assert '"model": "starter"' in answers["health"]
    assert json.loads(answers["health by MCP, 0"])["model"] == "starter"
    # Gradio names the files that it serves by their place in its own folder.
    served = re.compile(re.escape(str(locked.index_dir / "temporary")) + r'[^"]*')
    for name, told in answers.items():
        answer = served.sub("", told)
        for place in (str(ROOT), str(locked.index_dir)):
            at = answer.find(place)
            assert at < 0, (name, answer[max(0, at - 200) : at + 200])


@pytest.mark.browser
def test_the_log_in_page_works_in_a_browser(locked, new_context):
    page = new_context(locale="en-US", viewport={"width": 1280, "height": 900}).new_page()
    refused: list[str] = []
    problems: list[str] = []
    page.on("response", lambda one: refused.append(one.url) if one.status >= 400 else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(locked.url)
    name, password = page.get_by_label("username"), page.locator("input[type=password]")
    name.wait_for()
    page.wait_for_load_state("networkidle")
    assert refused == []
    name.fill(USER)
    password.fill("wrong")
    page.get_by_role("button", name="Login").click()
    page.get_by_text("Incorrect Credentials").wait_for()
    assert refused == [f"{locked.url}/login"]
    name.fill(USER)
    password.fill(PASSWORD)
    page.get_by_role("button", name="Login").click()
    page.wait_for_selector("#classify-verdict .headline")
    assert "It’s “cat”" in page.locator("#classify-verdict").inner_text()
    page.get_by_role("tab", name="Search").click()
    page.locator("#finder .tile").first.wait_for()
    page.locator("#finder .query").fill("a cat")
    page.locator("#finder .query").press("Enter")
    page.wait_for_function(
        "() => document.querySelector('#finder .count').innerText.includes('good match')",
    )
    assert (refused, problems) == ([f"{locked.url}/login"], [])
