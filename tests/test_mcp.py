"""The tools, by the reference client of MCP."""

import base64
import io
import json
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from clip_app.gallery.galleries import EXAMPLES as GALLERY
from clip_app.images import shown_name
from clip_app.strings import text
from tests.conftest import EXAMPLES, awaited


def test_photographs_are_named_by_paths_below_the_galleries_and_shown(app):
    async def ask() -> None:
        url = f"{app.url}/gradio_api/mcp/"
        async with (
            streamable_http_client(url) as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = {one.name: one for one in (await session.list_tools()).tools}
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
