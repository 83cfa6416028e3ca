"""The tools, by the reference client of MCP."""

import asyncio
import base64
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from clip_app import __version__
from clip_app.gallery.galleries import EXAMPLES as GALLERY
from clip_app.images import shown_name
from clip_app.strings import text
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, ROOT, App, awaited


@contextlib.asynccontextmanager
async def connected(app: App) -> AsyncIterator[ClientSession]:
    """A client of the running app, over HTTP."""
    async with (
        streamable_http_client(f"{app.url}/gradio_api/mcp/") as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        yield session


def test_photographs_are_named_by_paths_below_the_galleries_and_shown(app):
    async def ask() -> None:
        async with connected(app) as session:
            tools = {one.name: one for one in (await session.list_tools()).tools}
            assert "upload" not in tools["classify"].description
            assert "path" in tools["classify"].inputSchema["properties"]["image"]["format"]

            found = await session.call_tool("search", {"text": "beach", "top_k": 6})
            assert not found.isError
            kinds = [one.type for one in found.content]
            assert kinds == ["text", "image", "image", "image", "image"]
            picture = Image.open(io.BytesIO(base64.b64decode(found.content[1].data)))
            assert max(picture.size) == 320
            paths = [one["path"] for one in json.loads(found.content[0].text)["results"]]

            whole = str(GALLERY.resolve() / paths[0].partition("/")[2])
            data = (
                "data:image/jpeg;base64,"
                + base64.b64encode((EXAMPLES / "cat.jpg").read_bytes()).decode()
            )
            for image in (paths[0], whole, data):
                arguments = {"image": image, "labels": "beach, cat"}
                answer = await session.call_tool("classify", arguments)
                assert not answer.isError, answer.content
                best = json.loads(answer.content[0].text)["results"][0]["label"]
                assert best == ("cat" if image is data else "beach")
            taught = await session.call_tool("teach", {"name": "Sand", "images": paths[:2]})
            assert json.loads(taught.content[0].text)["examples"] == 2

            async def refused(tool: str, **arguments: Any) -> str:
                answer = await session.call_tool(tool, {"labels": "cat"} | arguments)
                assert answer.isError, arguments
                return answer.content[0].text

            # What is there outside, what is not, and folders are refused alike.
            there, gone = str(EXAMPLES / "cat.jpg"), str(EXAMPLES / "dog.jpg")
            folder, long = str(GALLERY), f"{paths[0].partition('/')[0]}/{'x' * 5000}"
            up = f"{paths[0]}/../../../../examples/cat.jpg"
            for path in (there, gone, folder, long, up, "/etc/passwd", "cat.jpg", "a\0b"):
                sentence = await refused("classify", image=path)
                name = shown_name(path)
                assert sentence == text("mcp_no_photograph", "en", name=name), path
            assert "address" in await refused("classify", image="https://example.org/a.jpg")

            # Nor may an object name a file: the client that sends it on runs on the server.
            malformed = text("request_malformed", "en")
            meta = {"meta": {"_type": "gradio.FileData"}}
            for path in (there, gone, "assets/examples/cat.jpg", paths[0]):
                for named in ({"path": path}, {"path": path} | meta, {"url": path} | meta):
                    assert await refused("classify", image=named) == malformed
                    assert await refused("classify", image=data, labels=named) == malformed
                    for given in ([named], [[named]], [paths[0], named]):
                        assert await refused("teach", name="a", images=given) == malformed
            for other in (5, True, "", [5], [""]):
                assert await refused("classify", image=other) == malformed

    awaited(ask())


def test_nothing_is_encoded_any_more_for_a_client_that_has_left(app):
    labels = "\n".join(f"a label that no model waits for {number}" for number in range(5120))
    photo = base64.b64encode((EXAMPLES / "cat.jpg").read_bytes()).decode()
    asked = {"image": f"data:image/jpeg;base64,{photo}", "labels": labels}

    async def ask() -> None:
        async with connected(app) as session:
            await session.call_tool("classify", asked)

    async def texts() -> int:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{app.url}/v1/health")).json()["texts"]

    async def leave() -> None:
        before = await texts()
        asking = asyncio.create_task(ask())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await texts() == before:
                await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait([asking])
        now, last = await texts(), -1
        while now != last:
            await asyncio.sleep(2)
            now, last = await texts(), now
        # Twenty batches of 256; the one that was under way when the client left is finished.
        assert now < before + 2560

    awaited(leave())


def test_a_photograph_whose_name_is_no_utf8_is_found_shown_and_asked_about(tmp_path):
    root = tmp_path.resolve() / "photos"
    names = [b"\xff.jpg", b"caf\xe9/50%DE.jpg", b"%E9.jpg"]
    for name, photo in zip(names, ("cat", "rocket", "coffee"), strict=True):
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes((EXAMPLES / f"{photo}.jpg").read_bytes())
        except OSError:
            pytest.skip("names are UTF-8 here")
    env = {"CLIP_APP_INDEX_DIR": str(tmp_path / "index"), "CLIP_APP_MODEL": "starter"}
    index = [sys.executable, "-m", "clip_app", "index", str(root)]
    subprocess.run(index, cwd=ROOT, env=os.environ | env, check=True, capture_output=True)
    running = App("--mcp", "--gallery-roots", str(root), env=env)

    async def ask() -> None:
        async with connected(running) as session:
            found = await session.call_tool("search", {"text": "a photo", "top_k": 3})
            assert [one.type for one in found.content] == ["text", *["image"] * 3]
            paths = [one["path"] for one in json.loads(found.content[0].text)["results"]]
            expected = ["photos/%E9.jpg", "photos/%FF.jpg", "photos/caf%E9/50%25DE.jpg"]
            assert sorted(paths) == expected
            labels = "cat, rocket, coffee"
            for path, best in zip(expected, ("coffee", "cat", "rocket"), strict=True):
                for image in (path, str(root.parent / path)):
                    asked = {"image": image, "labels": labels}
                    answer = await session.call_tool("classify", asked)
                    assert not answer.isError, answer.content
                    assert json.loads(answer.content[0].text)["results"][0]["label"] == best
                like = await session.call_tool("search", {"image": path})
                hits = json.loads(like.content[0].text)["results"]
                assert path not in [one["path"] for one in hits]
                assert len(hits) == 2

    try:
        awaited(ask())
    finally:
        running.stop()


def _rounded(answer: Any) -> tuple[bool, list[Any]]:
    """What a tool answered, numbers to four places: batches of other sizes round otherwise."""
    told = [one.text if one.type == "text" else one.data for one in answer.content]
    if not answer.isError:
        told[0] = json.loads(told[0], parse_float=lambda one: round(float(one), 4))
    return answer.isError, told


def test_a_client_that_starts_the_program_finds_the_same_tools_and_answers(app, tmp_path):
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "clip_app", "mcp", str(GALLERY)],
        cwd=ROOT,
        env={**os.environ, "CLIP_APP_MODEL": "starter", "CLIP_APP_INDEX_DIR": str(tmp_path)},
    )
    searched = {"text": "beach", "top_k": 6}
    before = {one.pid for one in psutil.Process().children()}

    async def ask() -> None:
        async with (
            streamable_http_client(f"{app.url}/gradio_api/mcp/") as (coming, going, _),
            ClientSession(coming, going) as over_http,
            stdio_client(program) as (reading, writing),
            ClientSession(reading, writing) as session,
        ):
            assert await session.initialize() == await over_http.initialize()
            assert await session.list_tools() == await over_http.list_tools()
            found = await session.call_tool("search", searched)
            assert _rounded(found) == _rounded(await over_http.call_tool("search", searched))
            path = json.loads(found.content[0].text)["results"][0]["path"]
            for tool, arguments in (
                ("classify", {"image": path, "labels": "beach, cat"}),
                ("classify", {"image": path, "labels": "", "template": None}),
                ("classify", {"image": "/etc/passwd", "labels": "cat"}),
                ("search", searched | {"top_k": 1.5}),
                ("odd", {"number": 2}),
                ("nothing", {}),
            ):
                answer = await session.call_tool(tool, arguments)
                same = await over_http.call_tool(tool, arguments)
                assert _rounded(answer) == _rounded(same), tool
            same = {"image": path, "labels": "beach, cat"}
            at_once = await asyncio.gather(
                *(session.call_tool("classify", same) for _ in range(16))
            )
            assert not any(one.isError for one in at_once), at_once
            left = [one for one in (tmp_path / "temporary").rglob("*.jpg") if one.is_file()]
            assert left == []  # copies of photographs are gone once the call is answered

            (child,) = (one for one in psutil.Process().children() if one.pid not in before)
            assert child.net_connections() == []
            child.terminate()  # while it waits for the next line
            child.wait(PATIENCE_SECONDS)

    awaited(ask())


def test_the_program_says_nothing_else_answers_without_a_model_and_ends_with_its_input(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-m", "clip_app", "mcp"],
        cwd=ROOT,
        env={**os.environ, "CLIP_APP_INDEX_DIR": str(tmp_path), "LC_ALL": "zh_CN.UTF-8"}
        | {"CLIP_APP_MODEL": "no/such"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t"}}
    client["clientInfo"]["version"] = "1"

    def ask(number: int, method: str, **params: Any) -> Any:
        asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        program.stdin.write(json.dumps(asked) + "\n")
        program.stdin.flush()
        return json.loads(program.stdout.readline())["result"]

    server = ask(1, "initialize", **client)["serverInfo"]
    assert server == {"name": text("title", "zh"), "version": __version__}
    program.stdin.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    assert len(ask(2, "tools/list")["tools"]) == 10
    refused = ask(3, "tools/call", name="health", arguments={})
    assert refused["isError"]
    assert refused["content"][0]["text"].startswith("没有名为“no/such”的模型")
    unknown = ask(4, "tools/call", name="nothing", arguments={})["content"][0]["text"]
    assert unknown.startswith("没有名为“nothing”的工具；可用的工具有 classify, ")
    answered, told = program.communicate(timeout=PATIENCE_SECONDS)
    assert (program.returncode, answered) == (0, "")
    assert "Traceback" not in told


def test_schema_and_sse_are_found_behind_a_proxy_that_strips_its_prefix_or_not():
    app = App("--mcp", env={"GRADIO_ROOT_PATH": "/lab"})
    try:
        for prefix in ("", "/lab"):
            address = f"{app.url}{prefix}/gradio_api/mcp"
            assert httpx.get(f"{address}/schema").json()[0]["name"] == "classify"

            async def ask(address: str = address) -> None:
                async with (
                    sse_client(f"{address}/sse", timeout=PATIENCE_SECONDS) as streams,
                    ClientSession(*streams) as sse,
                ):
                    await sse.initialize()
                    assert len((await sse.list_tools()).tools) == 10
                async with (
                    streamable_http_client(f"{address}/") as (reading, writing, _),
                    ClientSession(reading, writing) as session,
                ):
                    await session.initialize()
                    assert not (await session.call_tool("index_status", {})).isError

            awaited(ask())
    finally:
        app.stop()
