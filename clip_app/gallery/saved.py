"""Searches that a person keeps for a gallery, in the index folder beside the gallery's index.

They are those of whoever runs the app. On a page that others reach too (`Settings.is_personal`) a
visitor's searches are nobody else's business: they belong into the visitor's browser, in the form
of `SavedSearch.to_json`.
"""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from clip_app.errors import InputError, StorageError
from clip_app.gallery.stores.store import Filter
from clip_app.temporary import whole_file

log = logging.getLogger(__name__)

#: More are a mistake, and a list that long helps nobody.
MOST = 200
LONGEST_NAME = 100
_LONGEST_TEXT = 10_000
_BUSY_SECONDS = 10


@dataclass(frozen=True)
class SavedSearch:
    """A search by its name.

    Attributes:
        query, exclude: as they were typed.
        where: the filters.
    """

    name: str
    query: str
    exclude: str = ""
    where: Filter = field(default_factory=Filter)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        where = asdict(self.where)
        del where["among"]  # a place on a map, which changes with the gallery
        where |= {name: sorted(where[name]) for name in ("suffixes", "keywords")}
        return asdict(self) | {"where": where}

    @classmethod
    def from_json(cls, data: Any) -> "SavedSearch | None":
        """What `to_json` made; None if it is anything else, as browsers may send anything."""
        try:
            where = data["where"]
            texts = [data["name"], data["query"], data["exclude"], where["below"]]
            keywords = [*where.get("keywords", ())]  # earlier versions had none
            texts += [*where["suffixes"], *keywords]
            times = where["taken_from"], where["taken_until"]
        except (TypeError, KeyError):
            return None
        sound = all(isinstance(one, str) and len(one) <= _LONGEST_TEXT for one in texts)
        if not sound or not all(one is None or type(one) is int for one in times):
            return None
        name, query, exclude, below, *_ = texts
        suffixes = frozenset(where["suffixes"])
        return cls(name, query, exclude, Filter(below, suffixes, *times, frozenset(keywords)))


def with_saved(searches: Sequence[SavedSearch], new: SavedSearch) -> tuple[SavedSearch, ...]:
    """Searches with one more, the latest first; one of its name is replaced.

    Raises:
        InputError: if it has no name, or there are too many.
    """
    new = replace(new, name=" ".join(new.name.split())[:LONGEST_NAME])
    if not new.name:
        raise InputError("saved_name_missing")
    others = without_saved(searches, new.name)
    if len(others) >= MOST:
        raise InputError("saved_too_many", limit=MOST)
    return (new, *others)


def without_saved(searches: Sequence[SavedSearch], name: str) -> tuple[SavedSearch, ...]:
    """Searches without the one of this name."""
    return tuple(one for one in searches if one.name != name)


class SavedSearches:
    """The kept searches of all galleries of one index folder; any process may change them."""

    def __init__(self, index_dir: Path) -> None:
        """Nothing is made before something is saved."""
        self._folder = index_dir.expanduser().resolve() / "searches"

    def of(self, gallery: Path) -> tuple[SavedSearch, ...]:
        """Those of a gallery, the latest first; none where its file cannot be read."""
        path = self._file(gallery)
        try:
            read = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            log.warning("The saved searches in %s cannot be read: %s", path, error)
            return ()
        kept = read if isinstance(read, list) else []
        return tuple(found for one in kept if (found := SavedSearch.from_json(one)))

    def save(self, gallery: Path, search: SavedSearch) -> tuple[SavedSearch, ...]:
        """Keep a search, in place of one of its name; returns all of the gallery.

        Raises:
            InputError: if it has no name, or there are too many.
            StorageError: if the disk is full or cannot be written.
        """
        with self._changing(gallery):
            return self._write(gallery, with_saved(self.of(gallery), search))

    def remove(self, gallery: Path, name: str) -> tuple[SavedSearch, ...]:
        """Drop the search of this name; returns what is left.

        Raises:
            StorageError: if the disk is full or cannot be written.
        """
        with self._changing(gallery):
            return self._write(gallery, without_saved(self.of(gallery), name))

    def _file(self, gallery: Path) -> Path:
        return self._folder / f"{hashlib.blake2b(bytes(gallery), digest_size=8).hexdigest()}.json"

    @contextlib.contextmanager
    def _changing(self, gallery: Path) -> Iterator[None]:
        """A context in which no other process changes what is read and then written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._file(gallery).with_suffix(".lock"), timeout=_BUSY_SECONDS):
                yield
        except (OSError, Timeout) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError("disk_full", reason=reason) from error

    def _write(self, gallery: Path, searches: tuple[SavedSearch, ...]) -> tuple[SavedSearch, ...]:
        with whole_file(self._file(gallery)) as file:
            data = [one.to_json() for one in searches]
            file.write(json.dumps(data, ensure_ascii=False, indent=1).encode())
        return searches
