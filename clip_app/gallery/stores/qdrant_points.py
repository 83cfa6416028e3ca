"""What a point of Qdrant holds, of a file and of an image: ids, payloads, conditions on them."""

import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from qdrant_client import models

from clip_app.errors import Reason
from clip_app.gallery.stores.store import DISTRUSTED, Entry, FileRecord, Filter, Found, StoredFile

# Ids of points are UUIDs made of content hashes and paths; they must never change.
_NAMESPACE = uuid.UUID("5f3a6c6e-9d0b-4a0e-8f0c-0d5f6b1f7a11")

#: What is set in a file's point to have the next indexer read the file again.
DISTRUST = {"mtime_ns": DISTRUSTED}


def point_id(thing: bytes) -> str:
    """The id of what these bytes stand for: a content hash, the name of an index."""
    return str(uuid.uuid5(_NAMESPACE, thing.hex()))


def file_id(path: str) -> str:
    """The id of a file's point, by its path below the gallery."""
    return point_id(b"file:" + os.fsencode(path))


def facts_of(entry: Entry) -> dict[str, Any]:
    """What is kept of a file."""
    parts = entry.path.split("/")[:-1]
    return {
        "path": storable(entry.path),
        "folders": [storable("/".join(parts[: n + 1])) for n in range(len(parts))],
        "suffix": entry.suffix,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "taken": entry.taken,
        "hash": entry.hash.hex(),
        "broken": entry.error is not None,
        "error": astuple(entry.error) if entry.error else None,
        "done": False,
        "ctime_ns": entry.ctime_ns,
        "inode": entry.inode,
        "doubts": entry.doubts,
        "file_date": entry.file_date,
        "keywords": [*entry.keywords],
        "sidecars": entry.sidecars,
    }


def size_of(entry: Entry) -> dict[str, int]:
    """What is kept of an image beside its vector, look and places."""
    return {"width": entry.width, "height": entry.height}


def error_of(facts: dict[str, Any]) -> Reason | None:
    """Why a file has no vector, if it has none."""
    return Reason(*facts["error"]) if facts["error"] else None


def record_of(facts: dict[str, Any]) -> FileRecord:
    """What the indexer compares a file with."""
    return FileRecord(
        facts["size"],
        facts["mtime_ns"],
        bytes.fromhex(facts["hash"]),
        error_of(facts),
        # Earlier versions kept none of these.
        facts.get("ctime_ns"),
        facts.get("inode"),
        facts.get("doubts", 0),
        facts.get("sidecars"),
    )


def place_of(facts: dict[str, Any]) -> dict[str, Any]:
    """What an image keeps of one of its files."""
    kept = {name: facts[name] for name in ("path", "folders", "suffix", "size", "taken")}
    file_date, keywords = bool(facts.get("file_date")), facts.get("keywords") or []
    return kept | {"file_date": file_date, "keywords": keywords}


def files_in(facts: dict[str, Any], where: Filter) -> list[dict[str, Any]]:
    """Those of the places in an image's payload that the filter lets through."""
    return [place for place in facts["places"] if _lets_through(where, place)]


def found_in(point: Any, query: np.ndarray | None, where: Filter) -> Found | None:
    """The image of a point, with those of its files that the filter lets through, if any are."""
    facts = point.payload or {}
    files = files_in(facts, where)
    if not files:
        return None
    vector = vector_of(point)
    return Found(
        bytes.fromhex(facts["hash"]),
        0.0 if query is None else float(np.clip(vector @ query, -1.0, 1.0)),
        vector,
        int(facts["look"], 16),
        tuple(
            StoredFile(
                restored(place["path"]),
                place["size"],
                place["taken"],
                bool(place.get("file_date")),
            )
            for place in files
        ),
        facts.get("width") or 0,
        facts.get("height") or 0,
    )


def found_in_all(points: Sequence[Any], query: np.ndarray | None, where: Filter) -> list[Found]:
    """Those of the points; none of one that another machine has changed since the server looked."""
    return [one for one in (found_in(point, query, where) for point in points) if one]


def path_order(place: dict[str, Any]) -> bytes:
    """What places are sorted by: the bytes of their paths."""
    return os.fsencode(restored(place["path"]))


def condition(where: Filter) -> Any:
    """The filter as the server understands it: one and the same file must pass all of it."""
    parts: list[Any] = []
    if below := where.below.strip("/"):
        parts.append(is_("folders", storable(below)))
    if where.suffixes:
        any_of = models.MatchAny(any=sorted(where.suffixes))
        parts.append(models.FieldCondition(key="suffix", match=any_of))
    if where.taken_from is not None or where.taken_until is not None:
        between = models.Range(gte=where.taken_from, lt=where.taken_until)
        parts.append(models.FieldCondition(key="taken", range=between))
    parts += [is_("keywords", word) for word in sorted(where.keywords)]
    must: list[Any] = [is_("used", True)]
    if parts:
        nested = models.Nested(key="places", filter=models.Filter(must=parts))
        must = [models.NestedCondition(nested=nested)]
    if where.among is not None:
        must.append(has_id(*map(point_id, where.among)))
    return models.Filter(must=must)


def _lets_through(where: Filter, place: dict[str, Any]) -> bool:
    below = where.below.strip("/")
    return (
        (not below or storable(below) in place["folders"])
        and (not where.suffixes or place["suffix"] in where.suffixes)
        and (where.taken_from is None or place["taken"] >= where.taken_from)
        and (where.taken_until is None or place["taken"] < where.taken_until)
        and where.keywords.issubset(place.get("keywords") or ())
    )


def has_id(*ids: Any) -> Any:
    """The condition that a point is one of these."""
    return models.HasIdCondition(has_id=list(ids))


def is_(field: str, value: bool | str) -> Any:
    """The condition that a field has this value."""
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def vector_of(point: Any) -> np.ndarray:
    """The float32 (dim,) vector that was asked for with a point."""
    return np.asarray(point.vector, np.float32)


# JSON holds text, and a path need not be any. No path holds the character NUL, so it can mark what
# stands for a byte.
def storable(path: str) -> str:
    """A path as text that JSON can hold."""
    return re.sub("[\udc80-\udcff]", lambda found: f"\0{ord(found[0]) - 0xDC00:02x}", path)


def restored(stored: str) -> str:
    """The path that `storable` was given."""
    return re.sub("\0(..)", lambda found: chr(0xDC00 + int(found[1], 16)), stored)
