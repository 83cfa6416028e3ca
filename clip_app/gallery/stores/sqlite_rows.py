"""Rows of SQLite's store: how files and images are written, and whether they are as written.

Every row carries a checksum, since SQLite has none of its own.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

import numpy as np

from clip_app.errors import Reason
from clip_app.gallery.scan import encoded
from clip_app.gallery.stores.sqlite_schema import FILE, IMAGE, NEW_FILE
from clip_app.gallery.stores.store import DISTRUSTED, Entry, kept_from

#: Why a file has no vector whose row does not say so any more.
UNKNOWN = Reason("image_damaged", {"name": "image"})

_FILE_MARKS = ", ".join("?" * len(FILE.split(", ")))
_FILE_CHANGES = ", ".join(f"{one} = excluded.{one}" for one in f"{FILE}, checksum".split(", "))


def put_image(table: sqlite3.Connection, entry: Entry) -> None:
    """Write the image of an entry that has a vector, unless it is known."""
    vector = np.ascontiguousarray(entry.vector, np.float32).tobytes()
    look = _signed(entry.look)
    table.execute(
        "INSERT INTO images (hash, look, vector, checksum) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (hash) DO NOTHING",
        (entry.hash, look, vector, _image_checksum(entry.hash, look, vector)),
    )


def put_size(table: sqlite3.Connection, entry: Entry) -> None:
    """Write how large the picture of an entry is, where that is not known yet."""
    table.execute(
        "UPDATE images SET width = ?, height = ? WHERE hash = ? AND width IS NULL",
        (entry.width, entry.height, entry.hash),
    )


def put_file(table: sqlite3.Connection, entry: Entry) -> None:
    """Write the file of an entry, whose image must be known unless the file is broken."""
    image = None
    if entry.error is None:
        known = table.execute("SELECT id FROM images WHERE hash = ?", (entry.hash,))
        image = known.fetchone()[0]
        table.execute("DELETE FROM kept WHERE id = ?", (image,))
    error = json.dumps(astuple(entry.error), ensure_ascii=False) if entry.error else None
    told = (entry.size, entry.mtime_ns, entry.taken, entry.suffix)
    seen = (entry.ctime_ns, entry.inode, entry.doubts, int(entry.file_date))
    path = encoded(entry.path)
    put_file_row(table, (path, *told, entry.hash, image, error, *seen))
    put_keywords(table, path, entry.sidecars, entry.keywords)


def put_file_row(table: sqlite3.Connection, values: tuple[Any, ...]) -> None:
    """Write the columns `FILE` of a file, with their checksum; its keywords stay."""
    table.execute(
        f"INSERT INTO files ({FILE}, checksum) VALUES ({_FILE_MARKS}, ?)"  # noqa: S608
        f" ON CONFLICT (path) DO UPDATE SET {_FILE_CHANGES}",
        (*values, _file_checksum(*values)),
    )


def put_keywords(
    table: sqlite3.Connection, path: bytes, sidecars: int | None, keywords: Sequence[str]
) -> None:
    """Write the keywords of a known file, as `condition` and `facets` look for them."""
    lines = "".join(f"\n{one}" for one in keywords) + "\n" * bool(keywords)
    table.execute(
        "UPDATE files SET keywords = ?, sidecars = ? WHERE path = ?", (lines, sidecars, path)
    )


def distrust_file(table: sqlite3.Connection, path: bytes) -> None:
    """Give a file a time that none has; where it is unknown, nothing happens."""
    for one_path, size, _, *rest in intact_files(table, [path]):
        row = (one_path, size, DISTRUSTED, *rest)
        table.execute(
            "UPDATE main.files SET mtime_ns = ?, checksum = ? WHERE path = ?",
            (DISTRUSTED, _file_checksum(*row), one_path),
        )


def intact_files(table: sqlite3.Connection, paths: Sequence[bytes]) -> list[Any]:
    """The columns `FILE` of those of these paths that are known and as they were written."""
    query = f"SELECT {FILE}, checksum FROM files WHERE path IN ({marks(paths)})"  # noqa: S608
    rows = table.execute(query, paths).fetchall()
    return [row[:-1] for row in rows if file_is_intact(row)]


def entries_of(table: sqlite3.Connection, paths: Sequence[bytes]) -> list[Entry]:
    """Those of these paths that are known and as they were written, each with its image."""
    labels = {
        path: (tuple(one for one in (lines or "").split("\n") if one), sidecars)
        for path, lines, sidecars in table.execute(
            f"SELECT path, keywords, sidecars FROM files WHERE path IN ({marks(paths)})",  # noqa: S608
            paths,
        )
    }
    files = intact_files(table, paths)
    ids = [*{file[6] for file in files if file[6] is not None}]
    query = f"SELECT {IMAGE} FROM images WHERE id IN ({marks(ids)})"  # noqa: S608
    images = {row[0]: row for row in table.execute(query, ids) if image_is_intact(row)}
    found = []
    for path, size, mtime, taken, _, digest, image, error, ctime, inode, doubts, dated in files:
        keywords, sidecars = labels[path]
        entry = Entry(
            os.fsdecode(path),
            size,
            mtime,
            digest,
            taken,
            error=error_of(error),
            ctime_ns=ctime,
            inode=inode,
            doubts=doubts or 0,
            file_date=bool(dated),
            keywords=keywords,
            sidecars=sidecars,
        )
        if image in images:
            _, _, look, vector, _, width, height = images[image]
            drawn = {"vector": vector_of(vector), "look": look % 2**64}
            found.append(replace(entry, **drawn, width=width or 0, height=height or 0))
        elif image is None:
            found.append(entry)
    return found


def drop_images(table: sqlite3.Connection, images: Sequence[int]) -> None:
    """Drop images by their ids; the snapshot may still have them."""
    rows = [(one,) for one in images]
    table.executemany("DELETE FROM images WHERE id = ?", rows)
    table.executemany("INSERT OR IGNORE INTO gone VALUES (?)", rows)
    table.executemany("DELETE FROM kept WHERE id = ?", rows)


def drop_unused_images(table: sqlite3.Connection, *, drop_kept: bool) -> None:
    """Drop images without a file, those that are kept only if told so."""
    unused = (
        "SELECT id FROM images WHERE id NOT IN (SELECT image FROM files WHERE image > 0)"
        " AND id NOT IN (SELECT id FROM kept WHERE since > ?)"
    )
    since = 2**62 if drop_kept else int(kept_from())
    drop_images(table, [row[0] for row in table.execute(unused, (since,))])


def marks(values: Any) -> str:
    """A mark for each value, to be put into a query."""
    return ",".join("?" * len(values))


def vector_of(blob: bytes) -> np.ndarray:
    """The float32 (dim,) vector of an image."""
    return np.frombuffer(blob, np.float32)


def error_of(stored: str | None) -> Reason | None:
    """Why a file has no vector, if it has none."""
    if stored is None:
        return None
    try:
        key, params = json.loads(stored)
        return Reason(str(key), dict(params))
    except (TypeError, ValueError):  # a damaged row, which `repair` has not seen yet
        return UNKNOWN


def image_is_intact(row: Any) -> bool:
    """Whether the columns `IMAGE` are as they were written."""
    _, digest, look, vector, checksum, *_ = row
    if not (isinstance(digest, bytes) and isinstance(vector, bytes)):
        return False
    return bool(_image_checksum(digest, look, vector) == checksum)


def file_is_intact(row: Any) -> bool:
    """Whether the columns `FILE` and the checksum are as they were written."""
    *values, checksum = row
    return bool(_file_checksum(*values) == checksum)


def _image_checksum(digest: bytes, look: int, vector: bytes) -> int:
    return zlib.crc32(vector, zlib.crc32(digest + str(look).encode()))


def _file_checksum(*values: Any) -> int:
    # Where all of the new columns are empty, the row and its checksum are of version 1.
    old = len(values) - len(NEW_FILE)
    if all(value is None for value in values[old:]):
        values = values[:old]
    return zlib.crc32(repr(values).encode())


def _signed(look: int) -> int:
    """A 64-bit number as SQLite keeps it."""
    return look - 2**64 if look >= 2**63 else look
