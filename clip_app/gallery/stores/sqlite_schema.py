"""The tables of SQLite's store, and what an index says of itself; of all that there were.

An index of the version before is read as it is, and brought up to this one where it is written.
"""

import os
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clip_app.gallery.stores.store import IndexKey

# Raised whenever older programs could not read what newer ones write. Version 1 had neither the
# table `kept` nor the columns of a file that may be NULL beside `image` and `error`.
VERSION = 2

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: snapshots go by it
    hash BLOB NOT NULL UNIQUE,
    look INTEGER NOT NULL,
    vector BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    width INTEGER,                          -- NULL where it is not known
    height INTEGER
);
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    suffix TEXT NOT NULL,
    hash BLOB NOT NULL,
    image INTEGER,                          -- NULL where the file is broken
    error TEXT,
    checksum INTEGER NOT NULL,
    ctime_ns INTEGER,
    inode INTEGER,
    doubts INTEGER,
    file_date INTEGER,
    keywords TEXT,                          -- a line each, with a break before and after
    sidecars INTEGER
) WITHOUT ROWID;
CREATE INDEX files_by_image ON files (image);
CREATE INDEX files_by_taken ON files (taken);
CREATE TABLE gone (id INTEGER PRIMARY KEY);  -- images dropped since the snapshot
"""

# Images whose files have vanished, in case these come back.
_KEPT = "CREATE TABLE kept (id INTEGER PRIMARY KEY, since INTEGER NOT NULL)"

# The columns of an image; the checksum is about those before it. Programs that know no sizes read
# and write an index that has them, so that there is no version for it.
_OLD_IMAGE = "id, hash, look, vector, checksum"
NEW_IMAGE = ("width", "height")
IMAGE = f"{_OLD_IMAGE}, {', '.join(NEW_IMAGE)}"

# Columns of a file that its checksum is about, in this order: those of every version, and those
# that version 2 has besides.
_OLD_FILE = "path, size, mtime_ns, taken, suffix, hash, image, error"
NEW_FILE = ("ctime_ns", "inode", "doubts", "file_date")
FILE = f"{_OLD_FILE}, {', '.join(NEW_FILE)}"

# Columns of a file in no checksum; programs that do not know them read and write the index too.
_LABELS = ("keywords", "sidecars")

# What earlier indexes have of each table, and what this one has besides, all of which may be NULL.
_COLUMNS = {
    "files": (f"{_OLD_FILE}, checksum", (*NEW_FILE, *_LABELS)),
    "images": (_OLD_IMAGE, NEW_IMAGE),
}


@dataclass(frozen=True)
class Facts:
    """What an index says of itself."""

    version: int
    key: IndexKey


def exists(table: sqlite3.Connection) -> bool:
    """Whether a database holds an index."""
    found = table.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()
    return bool(found[0])


def create(table: sqlite3.Connection, key: IndexKey) -> None:
    """Make the tables of an empty index."""
    for statement in (*_TABLES.split(";\n"), _KEPT):
        table.execute(statement)
    facts = {
        "version": str(VERSION),
        "folder": os.fsencode(key.folder).hex(),
        "model": key.model,
        "fingerprint": key.fingerprint,
        "dim": str(key.dim),
    }
    facts["checksum"] = _checksum(facts)
    table.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())


def migrate(table: sqlite3.Connection) -> None:
    """Bring an earlier index up to this one; nothing in it has to be made again."""
    table.execute("DROP TABLE IF EXISTS temp.kept")
    for name, (_, columns) in _COLUMNS.items():
        table.execute(f"DROP VIEW IF EXISTS temp.{name}")
        for column in columns:
            if not _has(table, name, (column,)):
                kind = "TEXT" if column == "keywords" else "INTEGER"
                table.execute(f"ALTER TABLE {name} ADD COLUMN {column} {kind}")
    if not _has(table, "kept", ("since",)):
        table.execute(_KEPT)
    facts = dict(table.execute("SELECT key, value FROM meta"))
    facts["version"] = str(VERSION)
    facts["checksum"] = _checksum(facts)
    table.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())


def facts_in(table: sqlite3.Connection) -> Facts:
    """What the index of a database says of itself.

    Raises:
        KeyError, TypeError, ValueError: if it is none, or damaged.
        sqlite3.Error: likewise, or if it cannot be read.
    """
    meta = dict(table.execute("SELECT key, value FROM meta"))
    if int(meta["version"]) <= VERSION and meta["checksum"] != _checksum(meta):
        raise ValueError("a fact is not what was written")
    folder = Path(os.fsdecode(bytes.fromhex(meta["folder"])))
    key = IndexKey(folder, meta["model"], meta["fingerprint"], int(meta["dim"]))
    return Facts(int(meta["version"]), key)


def is_current(table: sqlite3.Connection) -> bool:
    """Whether a database has all columns of this version; an empty one is as good."""
    return not exists(table) or all(
        _has(table, name, columns) for name, (_, columns) in _COLUMNS.items()
    )


def adapt(table: sqlite3.Connection) -> None:
    """Let an earlier index be read as one of this version, by means of this connection alone.

    Names in `temp` come before those in the database.
    """
    if is_current(table):
        for name in _COLUMNS:
            table.execute(f"DROP VIEW IF EXISTS temp.{name}")
        table.execute("DROP TABLE IF EXISTS temp.kept")
        return
    table.execute("PRAGMA temp_store = MEMORY")
    for name, (old, columns) in _COLUMNS.items():
        if not _has(table, name, columns):
            new = ", ".join(
                one if _has(table, name, (one,)) else f"NULL AS {one}" for one in columns
            )
            table.execute(
                f"CREATE TEMP VIEW IF NOT EXISTS {name} AS SELECT {old}, {new}"  # noqa: S608
                f" FROM main.{name}"
            )
    if not _has(table, "kept", ("since",)):
        table.execute(
            "CREATE TEMP TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, since INTEGER)"
        )


def _has(table: sqlite3.Connection, name: str, columns: Sequence[str]) -> bool:
    there = {row[1] for row in table.execute(f"PRAGMA main.table_info({name})")}
    return there.issuperset(columns)


def _checksum(meta: dict[str, str]) -> str:
    names = ("version", "folder", "model", "fingerprint", "dim")
    return str(zlib.crc32("\n".join(meta[name] for name in names).encode()))
