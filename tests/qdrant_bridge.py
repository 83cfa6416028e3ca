"""Qdrant over HTTP without its server: requests are checked, then answered by the local mode.

The client's own request models check what is sent, so a request that the real server could not
read fails here too. What the server makes of it, and how fast, this cannot show.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qdrant_client import QdrantClient
from qdrant_client.http import models

DONE = {"operation_id": 1, "status": "completed"}


class Bridge:
    """A server on a free port of this machine; `url` is its address."""

    def __init__(self) -> None:
        self._local = QdrantClient(":memory:")
        self._turn = threading.Lock()
        #: (collection, field) of every payload index that was asked for.
        self.payload_indexes: set[tuple[str, str]] = set()
        #: What collections were made with.
        self.created: dict[str, models.CreateCollection] = {}
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                try:
                    with bridge._turn:
                        result, code = bridge.route(self.command, self.path, body), 200
                except (KeyError, ValueError) as error:
                    result, code = str(error), 400
                answer = {"result": result, "status": "ok", "time": 0.0}
                data = json.dumps(answer, default=lambda one: one.model_dump(mode="json")).encode()
                self.send_response(code)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nothing: there would be a line for each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # How often, in seconds, it looks whether it shall end: a test waits for that.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def route(self, method: str, target: str, body: dict[str, Any]) -> Any:
        parts = urlsplit(target)
        found = re.fullmatch(r"/collections/([^/]+)(/.*)?", parts.path)
        assert found, target
        name, rest = found[1], found[2] or ""
        local = self._local
        writes = {"PUT /points", "POST /points/payload", "POST /points/delete"}
        if f"{method} {rest}" in {*writes, "POST /points/batch", "PUT /index"}:
            assert parse_qs(parts.query).get("wait") == ["true"], target
        match f"{method} {rest}":
            case "GET /exists":
                return {"exists": local.collection_exists(name)}
            case "PUT ":
                made = self.created[name] = models.CreateCollection(**body)
                return local.create_collection(name, vectors_config=made.vectors or {})
            case "DELETE ":
                return local.delete_collection(name)
            case "PUT /index":
                self.payload_indexes.add((name, models.CreateFieldIndex(**body).field_name))
                return DONE
            case "PUT /points":
                local.upsert(name, models.PointsList(**body).points)
                return DONE
            case "POST /points":
                asked = models.PointRequest(**body)
                return local.retrieve(
                    name, asked.ids, asked.with_payload, with_vectors=asked.with_vector
                )
            case "POST /points/scroll":
                wanted = models.ScrollRequest(**body)
                page, offset = local.scroll(
                    name,
                    scroll_filter=wanted.filter,
                    limit=wanted.limit,
                    offset=wanted.offset,
                    with_payload=wanted.with_payload,
                    with_vectors=wanted.with_vector,
                )
                return {"points": page, "next_page_offset": offset}
            case "POST /points/count":
                return local.count(name, count_filter=models.CountRequest(**body).filter)
            case "POST /points/payload":
                change = models.SetPayload(**body)
                local.set_payload(name, payload=change.payload, points=change.points)
                return DONE
            case "POST /points/delete":
                kind = models.PointIdsList if "points" in body else models.FilterSelector
                local.delete(name, points_selector=kind(**body))
                return DONE
            case "POST /points/batch":
                operations = models.UpdateOperations(**body).operations
                local.batch_update_points(name, operations)
                return [DONE for _ in operations]
            case "POST /points/query":
                query = models.QueryRequest(**body)
                return local.query_points(
                    name,
                    query=query.query,
                    query_filter=query.filter,
                    limit=query.limit,
                    offset=query.offset,
                    with_payload=query.with_payload,
                    with_vectors=query.with_vector,
                )
            case "POST /facet":
                facet = models.FacetRequest(**body)
                return local.facet(name, key=facet.key, limit=facet.limit)
        raise AssertionError(f"{method} {target}")
