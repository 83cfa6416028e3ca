"""Finding rows of SQLite's store that are not as they were written, and dropping them."""

import logging
import time
from typing import Any

from clip_app.errors import DamagedIndexError
from clip_app.gallery.scan import CHUNK, batched
from clip_app.gallery.stores.sqlite_database import Database
from clip_app.gallery.stores.sqlite_rows import (
    drop_images,
    file_is_intact,
    image_is_intact,
    marks,
)
from clip_app.gallery.stores.sqlite_schema import FILE, IMAGE

log = logging.getLogger(__name__)


def repair(database: Database) -> int:
    """Drop rows that are not as they were written, so that their files are read again.

    Call it with the lock held, before indexing.

    Returns:
        how many rows were dropped.

    Raises:
        GalleryError: if the database itself is damaged.
    """
    make_sound(database)
    images, files, hidden = _damaged_rows(database)
    damaged = len(images) + len(files) + hidden
    if damaged:
        log.warning("%d damaged rows of the index are made anew.", damaged)
        with database.transaction() as table:
            for some in batched(images, CHUNK):
                query = f"DELETE FROM files WHERE image IN ({marks(some)})"  # noqa: S608
                table.execute(query, some)
                drop_images(table, some)
            table.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in files])
            table.execute("DELETE FROM gone WHERE id IN (SELECT id FROM images)")
            table.execute("DELETE FROM kept WHERE id IN (SELECT image FROM files)")
            table.execute("DELETE FROM kept WHERE id NOT IN (SELECT id FROM images)")
            # No name of a snapshot, but a new one: every reader begins again.
            name = f"repaired-{time.time_ns():x}"
            table.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (name,))
        if any(_damaged_rows(database)):  # not even to be found where they must be
            raise DamagedIndexError("index_damaged", folder=database.gallery)
    return damaged


def make_sound(database: Database) -> None:
    """Mend the database itself, whatever its rows hold; call it with the lock held.

    Raises:
        GalleryError: if it cannot be mended.
    """
    if not _is_sound(database):
        with database.transaction() as table:
            table.execute("REINDEX")  # damage to the database's own indexes is mended by this
        if not _is_sound(database):
            raise DamagedIndexError("index_damaged", folder=database.gallery)


def _is_sound(database: Database) -> bool:
    with database.errors():
        found = database.reader.execute("PRAGMA integrity_check(1)").fetchone()
    return bool(found[0] == "ok")


def _damaged_rows(database: Database) -> tuple[list[int], list[Any], int]:
    """Ids of damaged images, paths of damaged files, and how many images are hidden wrongly."""
    with database.errors():
        query = f"SELECT {IMAGE} FROM images"  # noqa: S608
        images = [row[0] for row in database.rows(query) if not image_is_intact(row)]
        query = f"SELECT {FILE}, checksum FROM files NOT INDEXED"  # noqa: S608
        files = [row[0] for row in database.rows(query) if not file_is_intact(row)]
        # An image's number is in no checksum, but its files know what it must be.
        query = (
            "SELECT path, other.id FROM files NOT INDEXED LEFT JOIN images ON images.id = image"
            " LEFT JOIN images AS other ON other.hash = files.hash"
            " WHERE image IS NOT NULL AND images.hash IS NOT files.hash"
        )
        for path, other in database.rows(query):
            files.append(path)
            if other is not None:
                images.append(other)
        hidden = database.one("SELECT count(*) FROM gone JOIN images USING (id)")
        hidden += database.one("SELECT count(DISTINCT id) FROM kept JOIN files ON image = id")
        hidden += database.one("SELECT count(*) FROM kept WHERE id NOT IN (SELECT id FROM images)")
    return images, files, hidden
