"""Searching an index in SQLite: the snapshot and the view propose, the database decides."""

import logging
import os
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from clip_app.gallery.scan import CHUNK, batched, encoded
from clip_app.gallery.stores.sqlite_database import Database
from clip_app.gallery.stores.sqlite_rows import file_is_intact, image_is_intact, marks, vector_of
from clip_app.gallery.stores.sqlite_schema import FILE, IMAGE
from clip_app.gallery.stores.sqlite_view import LiveView, View
from clip_app.gallery.stores.store import Filter, Found, StoredFile

log = logging.getLogger(__name__)

# Filters whose answers are remembered until something is written.
_FILTERS = 8


def search(
    database: Database, live: LiveView, query: np.ndarray, limit: int, where: Filter
) -> list[Found]:
    """See `Store.search`."""
    with database.reading() as reader:
        view = live.current()
        allowed = None if where.is_empty else _allowed(reader, view, where)
        snapshot, gone, tail = view.snapshot, view.gone, list(view.tail)
    ids, similarities = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    if snapshot is not None:
        there = snapshot.candidates(query, limit, gone, allowed)
        ids.append(there.ids)
        similarities.append(there.similarities)
    for some_ids, vectors in tail:
        keep = ~np.isin(some_ids, gone)
        if allowed is not None:
            keep &= np.isin(some_ids, allowed)
        ids.append(some_ids[keep])
        similarities.append((vectors @ query)[keep])
    all_ids, all_similarities = np.concatenate(ids), np.concatenate(similarities)
    best = np.argsort(-all_similarities, kind="stable")[:limit]
    return _found(database, query, all_ids[best].tolist(), where)


def _found(database: Database, query: np.ndarray, ids: Sequence[int], where: Filter) -> list[Found]:
    """The images of these ids as the database has them, compared exactly, best first."""
    images: dict[int, Any] = {}
    files: dict[int, list[StoredFile]] = {}
    condition, values = _condition(where)
    with database.reading() as reader:
        for some in batched(ids, CHUNK):
            query_images = f"SELECT {IMAGE} FROM images WHERE id IN ({marks(some)})"  # noqa: S608
            for row in reader.execute(query_images, some):
                if image_is_intact(row):
                    images[row[0]] = row
                else:
                    log.warning("A damaged row of the index is left out; index it again.")
            query_files = (
                f"SELECT {FILE}, checksum FROM files "  # noqa: S608
                f"WHERE image IN ({marks(some)}){condition} ORDER BY path"
            )
            for row in reader.execute(query_files, [*some, *values]):
                path, size, _, taken, _, digest, image, _, *_, file_date, _ = row
                if file_is_intact(row) and image in images and images[image][1] == digest:
                    files.setdefault(image, []).append(
                        StoredFile(os.fsdecode(path), size, taken, bool(file_date))
                    )
    there = [one for one in ids if one in images and one in files]
    if not there:
        return []
    vectors = np.stack([vector_of(images[one][3]) for one in there])
    similarities = np.clip(vectors @ query, -1.0, 1.0)
    return [
        Found(
            images[there[i]][1],
            float(similarities[i]),
            vectors[i],
            images[there[i]][2] % 2**64,
            tuple(files[there[i]]),
        )
        for i in np.argsort(-similarities, kind="stable")
    ]


def _allowed(reader: sqlite3.Connection, view: View, where: Filter) -> np.ndarray:
    """int64 ids, ascending, of images that have a file which the filter lets through."""
    if where not in view.filters:
        condition, values = _condition(where)
        query = f"SELECT DISTINCT image FROM files WHERE image IS NOT NULL{condition}"  # noqa: S608
        rows = reader.execute(query, values).fetchall()
        if len(view.filters) >= _FILTERS:
            view.filters.pop(next(iter(view.filters)))
        view.filters[where] = np.sort(
            np.fromiter((row[0] for row in rows if isinstance(row[0], int)), np.int64)
        )
    return view.filters[where]


def _condition(where: Filter) -> tuple[str, list[Any]]:
    """What is added to a query for files, and the values of its marks."""
    parts, values = [], list[Any]()
    if where.below:
        parts.append("path >= ? AND path < ?")
        below = encoded(where.below.strip("/"))
        values += [below + b"/", below + b"0"]  # 0 follows / in ASCII
    if where.suffixes:
        parts.append(f"suffix IN ({marks(where.suffixes)})")
        values += sorted(where.suffixes)
    if where.taken_from is not None:
        parts.append("taken >= ?")
        values.append(where.taken_from)
    if where.taken_until is not None:
        parts.append("taken < ?")
        values.append(where.taken_until)
    return "".join(f" AND {part}" for part in parts), values
