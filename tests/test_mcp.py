"""The tools, by the reference client of MCP."""

import asyncio
import base64
import io
import json

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from clip_app.gallery.galleries import EXAMPLES as GALLERY
from tests.conftest import EXAMPLES


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

            outside = (str(EXAMPLES / "cat.jpg"), "/etc/passwd", f"{paths[0]}/../../../app.py")
            refused = [(one, "cannot be understood") for one in outside]
            for image, why in [*refused, ("https://example.org/a.jpg", "address")]:
                answer = await session.call_tool("classify", {"image": image, "labels": "cat"})
                assert answer.isError
                assert why in answer.content[0].text

    asyncio.run(ask())
