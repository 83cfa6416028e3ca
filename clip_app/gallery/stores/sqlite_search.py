"""Searching an index in SQLite: the snapshot and the view propose, the database decides."""

import json
import logging
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clip_app.gallery.scan import CHUNK, batched, encoded
from clip_app.gallery.stores.sqlite_database import Database
from clip_app.gallery.stores.sqlite_rows import file_is_intact, image_is_intact, marks, vector_of
from clip_app.gallery.stores.sqlite_schema import FILE, IMAGE
from clip_app.gallery.stores.sqlite_view import LiveView, View, remembered
from clip_app.gallery.stores.store import Filter, Found, StoredFile

log = logging.getLogger(__name__)


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
    found = images_of(database, all_ids[best].tolist(), where, query)
    return sorted(found, key=lambda one: -one.similarity)


def images_of(
    database: Database, ids: Sequence[int], where: Filter, query: np.ndarray | None = None
) -> list[Found]:
    """The images of these ids as the database has them, compared exactly with the query.

    Those that are damaged, or have no file that the filter lets through, are left out.
    """
    images: dict[int, Any] = {}
    files: dict[int, list[StoredFile]] = {}
    limits, values = condition(replace(where, among=None))  # by which the ids were chosen
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
                f"WHERE image IN ({marks(some)}){limits} ORDER BY path"
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
    likeness = np.zeros(len(vectors)) if query is None else np.clip(vectors @ query, -1.0, 1.0)
    return [
        Found(
            images[one][1],
            float(similarity),
            vector,
            images[one][2] % 2**64,
            tuple(files[one]),
            images[one][5] or 0,
            images[one][6] or 0,
        )
        for one, similarity, vector in zip(there, likeness, vectors, strict=True)
    ]


def _allowed(reader: sqlite3.Connection, view: View, where: Filter) -> np.ndarray:
    """int64 ids, ascending, of images that have a file which the filter lets through."""

    def ask() -> np.ndarray:
        limits, values = condition(where)
        query = f"SELECT DISTINCT image FROM files WHERE image IS NOT NULL{limits}"  # noqa: S608
        rows = reader.execute(query, values).fetchall()
        return np.sort(np.fromiter((row[0] for row in rows if isinstance(row[0], int)), np.int64))

    return remembered(view.filters, where, ask)


def condition(where: Filter) -> tuple[str, list[Any]]:
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
    for word in sorted(where.keywords):
        parts.append("instr(keywords, ?)")
        values.append(f"\n{word}\n")
    if where.among is not None:
        # One value however many they are, of which SQLite takes 32,766 at most.
        hashes = "SELECT value FROM json_each(?)"
        parts.append(f"image IN (SELECT id FROM images WHERE hex(hash) IN ({hashes}))")  # noqa: S608
        values.append(json.dumps([one.hex().upper() for one in where.among]))
    return "".join(f" AND {part}" for part in parts), values
