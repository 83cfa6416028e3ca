"""What the search page's script asks: words, pictures, filters, and from which place on."""

import math
import os
import threading
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from cachetools import LRUCache, cached

from clip_app.errors import InputError
from clip_app.gallery.asking import AnyTerm
from clip_app.gallery.query import TextTerm, parse_query
from clip_app.gallery.search import ImageTerm, image_term, with_concepts
from clip_app.gallery.stores.store import Filter, Store
from clip_app.images import FORMATS, suffixes_of
from clip_app.model.service import ModelService
from clip_app.tasks.concept_files import ConceptStore
from clip_app.ui.uploaded import uploaded

#: Content hashes have 16 bytes.
_HASH_BYTES = 16

# Anything longer is no list that a person has chosen.
_MOST = 10_000
_MOST_KINDS = 100


@dataclass(frozen=True)
class Liked:
    """A picture of the gallery that results should be like, or with a negative weight not."""

    hash: bytes
    name: str
    weight: float


@dataclass(frozen=True)
class Asked:
    """One question of the page.

    Attributes:
        query, exclude: as typed.
        literal: whether the words are taken as they stand.
        liked: pictures of the gallery.
        pictures: (path, name) of uploads to look for.
        picture_weight: of all of these together; the words weigh 1.
        below: a sub-folder; "" for the whole gallery.
        kinds: names of `images.FORMATS`, or endings, "." for files without; none for all.
        taken_from, taken_until: Unix seconds, the first one and the first one not any more.
        keywords: that photographs were given; all of them must be there.
        among: an area of the gallery's map, see `on_map.in_area`; "" for all.
        by_date: whether what fits is shown by its date.
        offset: the place of the first picture to show.
    """

    query: str
    exclude: str
    literal: bool
    liked: tuple[Liked, ...]
    pictures: tuple[tuple[str, str], ...]
    picture_weight: float
    below: str
    kinds: tuple[str, ...]
    taken_from: int | None
    taken_until: int | None
    keywords: tuple[str, ...]
    among: str
    by_date: bool
    offset: int

    @classmethod
    def read(cls, data: Any) -> "Asked":
        """What the script sent, which may be anything.

        Raises:
            InputError: if it is not of this form, or names a file that was not uploaded here.
        """
        try:
            return cls(
                query=_text(data["query"]),
                exclude=_text(data["exclude"]),
                literal=bool(data["literal"]),
                liked=tuple(
                    Liked(hash_of(one["hash"]), _text(one["name"]), _weight(one["weight"]))
                    for one in data["liked"]
                ),
                pictures=tuple((_upload(one["path"]), one["name"]) for one in data["pictures"]),
                picture_weight=_weight(data["picture_weight"]),
                below=_text(data["below"]).strip("/"),
                kinds=tuple(
                    one
                    for one in dict.fromkeys(map(_text, data["kinds"][:_MOST_KINDS]))
                    if one in FORMATS or one.startswith(".")
                ),
                taken_from=day(data["from"]),
                taken_until=day(data["until"], after=1),
                keywords=tuple(_text(one) for one in data.get("keywords", ())),
                among=_text(data.get("among", "")),
                by_date=bool(data["by_date"]),
                offset=max(0, int(data["offset"])),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("request_malformed") from error

    @property
    def where(self) -> Filter:
        """Which files to consider; `below` is that of the page, not of a gallery above it."""
        endings = {one.rstrip(".") for one in self.kinds if one.startswith(".")}
        suffixes = suffixes_of(self.kinds) | endings
        times = self.taken_from, self.taken_until
        return Filter(self.below, suffixes, *times, frozenset(self.keywords))

    def where_in(self, folder: str) -> Filter:
        """The same for an index in which the page's gallery is a sub-folder; "" if it is all."""
        return replace(self.where, below="/".join(one for one in (folder, self.below) if one))

    def words(self) -> tuple[TextTerm, ...]:
        """The words, taken apart.

        Raises:
            InputError: if there are too many.
        """
        return tuple(parse_query(self.query, self.exclude, literal=self.literal))

    def terms(self, service: ModelService, store: Store, taught: ConceptStore) -> list[AnyTerm]:
        """All that is looked for; nothing where the gallery is only looked through.

        Args:
            service: the model that made the index.
            store: the index.
            taught: where words with an @ before them are looked up, unless taken as they stand.

        Raises:
            ImageError: if an uploaded picture cannot be read.
            InputError, ModelError, StorageError, GalleryError: as for a search.
        """
        weight = self.picture_weight / max(1, len(self.pictures))
        vectors = store.vectors([one.hash for one in self.liked])
        words = self.words()
        concepts = () if self.literal else taught.named(one.text for one in words)
        return [
            *with_concepts(service, words, concepts),
            *(
                replace(_encoded(service, path, os.stat(path).st_mtime_ns, name), weight=weight)
                for path, name in self.pictures
            ),
            *(
                # What is liked stays among the results; what all is to be like, and what is not
                # liked, need not be shown again.
                ImageTerm(
                    vectors[one.hash],
                    one.name,
                    one.weight,
                    b"" if 0 < one.weight < 1 else one.hash,
                )
                for one in self.liked
                if one.hash in vectors
            ),
        ]


@cached(
    LRUCache(64),
    key=lambda service, path, changed, name: (service.info.fingerprint, path, changed, name),
    lock=threading.Lock(),
)
def _encoded(service: ModelService, path: str, _: int, name: str) -> ImageTerm:
    """An upload's term, encoded once for all pages of what is found by it."""
    return image_term(service, path, name=name)


def hash_of(given: Any) -> bytes:
    """A content hash from its hexadecimal form.

    Raises:
        ValueError, TypeError: if it is none.
    """
    content = bytes.fromhex(given)
    if len(content) != _HASH_BYTES:
        raise ValueError(given)
    return content


def hashes_of(given: Any) -> list[bytes]:
    """Content hashes from their hexadecimal forms.

    Raises:
        InputError: if they are none, or too many.
    """
    if not isinstance(given, list) or len(given) > _MOST:
        raise InputError("request_malformed")
    try:
        return [hash_of(one) for one in given]
    except (ValueError, TypeError) as error:
        raise InputError("request_malformed") from error


def day(given: Any, after: int = 0) -> int | None:
    """Unix seconds of the beginning, here, of a day `after` one like 2024-05-31; None for "".

    Raises:
        ValueError, TypeError: if it is no day.
    """
    if not given:
        return None
    start = date.fromisoformat(given) + timedelta(days=after)
    return math.floor(datetime(start.year, start.month, start.day).timestamp())


def day_of(second: int | None, before: int = 0) -> str:
    """The day `before` one that begins at these Unix seconds, as `day` reads it; "" for None."""
    if second is None:
        return ""
    return (datetime.fromtimestamp(second).date() - timedelta(days=before)).isoformat()


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(given)
    return given


def _weight(given: Any) -> float:
    weight = float(given)
    if not -3 <= weight <= 3:
        raise ValueError(given)
    return weight


def _upload(given: Any) -> str:
    path = uploaded(_text(given))
    if path is None or not path.is_file():
        raise ValueError(given)
    return str(path)
