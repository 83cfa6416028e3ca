"""Once through all images of an index in Qdrant: in the order of their dates, and counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clip_app.gallery.stores.qdrant_points import files_in, path_order, restored
from clip_app.gallery.stores.store import Facets, Filter


@dataclass(frozen=True)
class Walk:
    """What a filter lets through.

    Attributes:
        newest: ids of points, the last taken first; of one second, by their paths.
        facets: how many there are.
    """

    newest: list[str]
    facets: Facets


def walk(points: Iterable[Any], where: Filter) -> Walk:
    """Go through points of images that have their places with them."""
    dated: list[tuple[tuple[int, bytes], str]] = []
    folders, suffixes, years = Counter[str](), Counter[str](), Counter[int]()
    keywords = Counter[str]()
    below = where.below.strip("/")
    for point in points:
        files = files_in(point.payload, where)
        if not files:  # another machine has moved them meanwhile
            continue
        dated.append((min((-file["taken"], path_order(file)) for file in files), point.id))
        folders.update({one for file in files if (one := _folder(restored(file["path"]), below))})
        suffixes.update({file["suffix"] for file in files})
        keywords.update({word for file in files for word in file.get("keywords") or ()})
        years.update({datetime.fromtimestamp(file["taken"]).year for file in files})
    newest = [name for _, name in sorted(dated)]
    return Walk(
        newest,
        Facets(
            len(newest),
            dict(folders.most_common()),
            dict(suffixes.most_common()),
            dict(years.most_common()),
            dict(keywords.most_common()),
        ),
    )


def _folder(path: str, below: str) -> str:
    """The sub-folder right below a folder that a file lies in; empty if it lies in itself."""
    start = f"{below}/" if below else ""
    first, slash, _ = path[len(start) :].partition("/")
    return start + first if slash else ""
