"""All images of an index in SQLite, page by page: ranked, by date, and counted by parts.

An order is made once and remembered until something is written, 8 bytes an image; a page of it
costs what its own rows cost.
"""

import os
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from clip_app.gallery.scan import CHUNK, batched, encoded
from clip_app.gallery.stores.sqlite_database import Database
from clip_app.gallery.stores.sqlite_rows import marks
from clip_app.gallery.stores.sqlite_search import condition, images_of
from clip_app.gallery.stores.sqlite_view import LiveView, View, remembered
from clip_app.gallery.stores.store import Facets, Filter, Found

# Between the years 1697 and 4147, which every system can name.
_EARLIEST, _LATEST = -(2**33), 2**36


def ranked(
    database: Database, live: LiveView, query: np.ndarray, page: slice, where: Filter
) -> list[Found]:
    """See `Store.ranked`."""
    with database.reading() as reader:
        ids = _ranking(reader, live.current(), query, where)[page]
    return images_of(database, ids.tolist(), where, query)


def similarities(
    database: Database, live: LiveView, query: np.ndarray, where: Filter
) -> dict[bytes, float]:
    """See `Store.similarities`."""
    with database.reading() as reader:
        ids, likeness = _likeness(reader, live.current(), query, where)
        hashes = dict(reader.execute("SELECT id, hash FROM images"))
    pairs = zip(ids.tolist(), np.clip(likeness, -1, 1).tolist(), strict=True)
    return {hashes[one]: like for one, like in pairs if one in hashes}


def newest(
    database: Database,
    live: LiveView,
    page: slice,
    where: Filter,
    among: tuple[np.ndarray, int] | None,
) -> list[Found]:
    """See `Store.newest`."""
    with database.reading() as reader:
        view = live.current()
        ids = _timeline(reader, view, where)
        if among is not None:
            query, number = among
            ids = ids[np.isin(ids, _ranking(reader, view, query, where)[:number])]
    return images_of(database, ids[page].tolist(), where, among[0] if among else None)


def matching(database: Database, live: LiveView, where: Filter) -> int:
    """See `Store.matching`."""
    with database.reading() as reader:
        return len(_timeline(reader, live.current(), where))


def images(database: Database, hashes: Sequence[bytes]) -> list[Found]:
    """See `Store.images`."""
    ids: dict[bytes, int] = {}
    with database.reading() as reader:
        for some in batched(hashes, CHUNK):
            query = f"SELECT hash, id FROM images WHERE hash IN ({marks(some)})"  # noqa: S608
            ids.update(reader.execute(query, some).fetchall())
    return images_of(database, [ids[one] for one in hashes if one in ids], Filter())


def facets(database: Database, live: LiveView, where: Filter) -> Facets:
    """See `Store.facets`."""
    with database.reading() as reader:
        view = live.current()
        return remembered(view.facets, where, lambda: _counted(reader, where))


def _timeline(reader: sqlite3.Connection, view: View, where: Filter) -> np.ndarray:
    """int64 ids of the images that a filter lets through, the last taken first; of one second, by
    their paths.
    """

    def ask() -> np.ndarray:
        # As rows lie, in the table or in its index by dates, so that nothing has to be sorted.
        dated = where.taken_from is not None or where.taken_until is not None
        order = "taken, path" if dated else "path"
        ids, taken = _columns(_rows(reader, "image, taken", where, order), 2)
        ids = ids[np.argsort(-taken, kind="stable")]
        _, first = np.unique(ids, return_index=True)
        return np.asarray(ids[np.sort(first)])

    return remembered(view.timelines, where, ask)


def _ranking(
    reader: sqlite3.Connection, view: View, query: np.ndarray, where: Filter
) -> np.ndarray:
    """int64 ids of the images that a filter lets through, the most similar first."""

    def ask() -> np.ndarray:
        ids, likeness = _likeness(reader, view, query, where)
        return np.asarray(ids[np.argsort(-likeness, kind="stable")])

    return remembered(view.rankings, (query.tobytes(), where), ask)


def _likeness(
    reader: sqlite3.Connection, view: View, query: np.ndarray, where: Filter
) -> tuple[np.ndarray, np.ndarray]:
    """int64 ids of the images that a filter lets through, and their float32 inner products."""
    ids = np.concatenate([np.empty(0, np.int64), *(some for some, _ in view.parts)])
    products = [vectors @ query for _, vectors in view.parts]
    likeness = np.concatenate([np.empty(0, np.float32), *products])
    keep = np.isin(ids, _timeline(reader, view, where))
    return ids[keep], likeness[keep]


def _counted(reader: sqlite3.Connection, where: Filter) -> Facets:
    start = encoded(where.below.strip("/")) + b"/" if where.below else b""
    # The first part of the path below the chosen folder, if a folder is what it names.
    below = f"substr(path, {len(start) + 1})"
    folder = f"CAST(substr({below}, 1, max(0, instr({below}, x'2f') - 1)) AS BLOB)"
    rows = list(_rows(reader, f"image, taken, {folder}, CAST(suffix AS TEXT), keywords", where))
    ids, taken = _columns((row[:2] for row in rows), 2)
    folders = _per_part(ids, [row[2] for row in rows])
    labelled = [(row[0], word) for row in rows if row[4] for word in str(row[4]).split("\n")[1:-1]]
    those = np.fromiter((image for image, _ in labelled), np.int64, len(labelled))
    return Facets(
        len(np.unique(ids)),
        {os.fsdecode(start + name): number for name, number in folders.items() if name},
        _per_part(ids, [row[3] for row in rows]),
        _per_part(ids, _years(taken)),
        _per_part(those, [word for _, word in labelled]),
    )


def _per_part(ids: np.ndarray, parts: Sequence[Any]) -> dict[Any, int]:
    """How many different images there are in each part, the largest first."""
    numbers = {part: number for number, part in enumerate(sorted(set(parts)))}
    which = np.fromiter((numbers[part] for part in parts), np.int64, len(parts))
    once = np.unique(ids * len(numbers) + which) % max(1, len(numbers))
    counts = np.bincount(once, minlength=len(numbers)).tolist()
    pairs = zip(numbers, counts, strict=True)
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def _years(taken: np.ndarray) -> list[int]:
    """The year of each moment in this machine's time, without asking for each by itself."""
    if not len(taken):
        return []
    taken = np.clip(taken, _EARLIEST, _LATEST)
    first, last = (datetime.fromtimestamp(int(t)).year for t in (taken.min(), taken.max()))
    begins = [datetime(year, 1, 1).timestamp() for year in range(first + 1, last + 1)]
    return (first + np.searchsorted(begins, taken, side="right")).tolist()


def _rows(reader: sqlite3.Connection, columns: str, where: Filter, order: str = "") -> Any:
    limits, values = condition(where)
    ordered = f" ORDER BY {order}" if order else ""
    # Damaged rows, which `repair` has not seen yet, may hold anything. No index of images is used
    # so, by whose order the rows would cost three times as much.
    sound = "typeof(image) = 'integer' AND typeof(taken) = 'integer'"
    query = f"SELECT {columns} FROM files WHERE {sound}{limits}{ordered}"  # noqa: S608
    return reader.execute(query, values)


def _columns(rows: Any, number: int) -> tuple[np.ndarray, ...]:
    table = np.fromiter((value for row in rows for value in row), np.int64).reshape(-1, number)
    return tuple(table.T)
