"""What was written of files, read back whole from Qdrant, for another store to be given it."""

from collections.abc import Sequence
from typing import Any

from clip_app.gallery.stores.qdrant_points import (
    file_id,
    point_id,
    record_of,
    restored,
    vector_of,
)
from clip_app.gallery.stores.qdrant_server import QdrantServer
from clip_app.gallery.stores.store import Entry


def stored_entries(
    server: QdrantServer, files: str, images: str, paths: Sequence[str]
) -> list[Entry]:
    """Those of these paths that are known, each with its image.

    Args:
        server: where they are.
        files, images: the two collections of an index.
        paths: at most `scan.CHUNK`.
    """
    points = server.retrieve(files, [file_id(path) for path in paths])
    there = [point.payload for point in points if point.payload["done"]]
    hashes = sorted({file["hash"] for file in there if not file["broken"]})
    ids = [point_id(bytes.fromhex(one)) for one in hashes]
    found = server.retrieve(images, ids, with_vectors=True)
    image_of = {point.payload["hash"]: point for point in found}
    return [
        _entry(file, image_of.get(file["hash"]))
        for file in there
        if file["broken"] or file["hash"] in image_of
    ]


def _entry(facts: dict[str, Any], image: Any | None) -> Entry:
    drawn: dict[str, Any] = {}
    if image is not None and not facts["broken"]:
        drawn = {
            "vector": vector_of(image),
            "look": int(image.payload["look"], 16),
            "width": image.payload.get("width") or 0,
            "height": image.payload.get("height") or 0,
        }
    return Entry(
        restored(facts["path"]),
        taken=facts["taken"],
        file_date=bool(facts.get("file_date")),
        keywords=tuple(facts.get("keywords") or ()),
        **vars(record_of(facts)),
        **drawn,
    )
