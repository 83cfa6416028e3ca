"""What the script of the gallery's map asks: the map itself, tiles of points, and likeness.

Whole maps go as arrays of little numbers in base64: 1.4 MB for 100,000 photographs.
"""

import base64
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ChangedMapError, ClipAppError, InputError, Reason
from clip_app.gallery.maps import GalleryMap
from clip_app.gallery.on_map import OnMap, likeness
from clip_app.gallery.pages import chosen
from clip_app.gallery.roots import printable
from clip_app.gallery.search import ImageTerm
from clip_app.gallery.stores.store import Store
from clip_app.strings import LANGUAGES
from clip_app.ui.runs import StoppedError, Wanted, followed
from clip_app.ui.shell import telling_carrier
from clip_app.ui.tab import EACH, Page, Values
from clip_app.ui.tabs.gallery.asked import Asked, hashes_of
from clip_app.ui.tabs.gallery.found import problem_of, rows_of
from clip_app.ui.tabs.gallery.index import IndexPart
from clip_app.ui.tabs.gallery.status import in_both
from clip_app.ui.words import Both, said_in_both

log = logging.getLogger(__name__)

#: The most tiles that are asked for at a time.
MOST_TILES = 120

# Folders that have a colour of their own; the last one stands for all others.
_MOST_FOLDERS = 32

# Days outside of which no colour goes further: of one photograph with a wrong date, all others
# would look alike.
_PERCENTILES = (2, 98)

# Of values in one byte: 0 is what does not pass, and this the most alike.
_MOST_ALIKE = 255

_UNIX_EPOCH = date(1970, 1, 1).toordinal()

_ANSWERING: dict[str, Any] = {
    **EACH,
    # One that draws must not keep others from what is drawn already.
    "concurrency_limit": 4,
}

Handler = Callable[[Values, Any], Iterator[dict[str, Any]]]


@dataclass(frozen=True)
class MapAnswers:
    """The handlers of the map.

    Attributes:
        page: the page around it.
        index: the part in which the gallery is chosen.
        view: the component that a visitor sees.
        asking: a `Wanted` of each visitor, of whose maps only the last asked for is drawn.
    """

    page: Page
    index: IndexPart
    view: gr.HTML
    asking: gr.State

    def connect(self) -> None:
        """Let the script's events have their answers."""
        given = {self.index.own, self.index.folder, self.page.concepts.visit, self.asking}
        given |= {self.page.language}
        handlers: tuple[tuple[str, Any, Handler], ...] = (
            ("map-made", self.view.map, self.draw),
            ("map-tiles", self.view.tiles, self.tiles),
            ("map-likeness", self.view.likeness, self.likeness),
        )
        for name, event, handler in handlers:
            answer = telling_carrier(name, name)
            event(self._answering(answer, handler), given, [answer], **_ANSWERING)
        self.view.halt(self.halt, {self.asking}, None, **_ANSWERING)

    def _answering(self, carrying: gr.HTML, handler: Handler) -> Any:
        """`handler` of what the script sent; its errors are answers, and `id` tells to what."""

        def answered(given: Values, event: gr.EventData) -> Iterator[Values]:
            sent = event._data if isinstance(event._data, dict) else {}
            asked = {"id": sent.get("id")}
            try:
                for answer in handler(given, sent):
                    yield {carrying: answer | asked}
            except ClipAppError as error:
                log.info("%s: %s", type(error).__name__, error)
                yield {carrying: problem_of(error) | asked}
            except Exception:
                log.exception("Unexpected error in %s", handler)
                yield {carrying: {"problem": said_in_both(Reason("unexpected"))} | asked}

        return answered

    def draw(self, given: Values, sent: Any) -> Iterator[dict[str, Any]]:
        """The map of the chosen gallery, and before it how far it is.

        Which points are the photographs that were looked at on the map before is told with it.
        """
        asking: Wanted = given[self.asking]
        mine = asking.asked = (object(),)
        _, place, store, below = self.index.gallery(given)
        service, maps = self.page.slot.service, self.page.galleries.maps
        try:
            drawn = yield from followed(
                lambda progress: maps.drawn(service, store, below, progress),
                lambda: asking.asked != mine,
                _progress,
            )
        except StoppedError:
            yield {"stopped": True}
            return
        looking = hashes_of(sent.get("looking", []))
        looked_at = [drawn.rows[one] for one in looking if one in drawn.rows]
        yield as_sent(drawn, place / below) | {"looked_at": looked_at}

    def halt(self, given: Values) -> None:
        """Stop what is under way."""
        given[self.asking].asked = ()

    def tiles(self, given: Values, sent: Any) -> Iterator[dict[str, Any]]:
        """What the tiles of some points show."""
        roots, _, store, below = self.index.gallery(given)
        drawn = self._drawn(store, below, sent)
        points = sent.get("points")
        known = range(len(drawn.hashes))
        if not isinstance(points, list) or len(points) > MOST_TILES:
            raise InputError("request_malformed")
        if not all(type(one) is int and one in known for one in points):
            raise InputError("request_malformed")
        hits = chosen([store], [drawn.hashes[one] for one in points])
        rows = rows_of(self.page.galleries, hits, roots)
        yield {
            "state": drawn.state,
            "rows": [
                row | {"point": drawn.rows[hit.hash]} for row, hit in zip(rows, hits, strict=True)
            ],
        }

    def likeness(self, given: Values, sent: Any) -> Iterator[dict[str, Any]]:
        """How alike all points are to what is searched for, and where that lies."""
        _, _, store, below = self.index.gallery(given)
        drawn = self._drawn(store, below, sent)
        asked, service = Asked.read(sent.get("asked")), self.page.slot.service
        terms = asked.terms(service, store, self.page.concepts.store(given, service))
        found = likeness(service, store, drawn, terms, asked.where_in(below))
        values = found.similarities
        passing = ~np.isnan(values)
        low, high = (
            (float(values[passing].min()), float(values[passing].max()))
            if terms and passing.any()
            else (0.0, 1.0)
        )
        shares = (np.where(passing, values, low) - low) / max(high - low, 1e-6)
        steps = 1 + np.round(shares * (_MOST_ALIKE - 1))
        yield {
            "state": drawn.state,
            "searched": bool(terms),
            "values": _packed(np.where(passing, steps, 0), "u1"),
            "low": low,
            "high": high,
            "terms": [_as_term(one) for one in found.terms],
        }

    def _drawn(self, store: Store, below: str, sent: Any) -> GalleryMap:
        """The map that the script has."""
        drawn = self.page.galleries.maps.known(store, below)
        if drawn is None or drawn.state != sent.get("state"):
            raise ChangedMapError("gallery_map_changed")
        return drawn


def as_sent(drawn: GalleryMap, folder: Path) -> dict[str, Any]:
    """A map as the script takes it.

    Args:
        drawn: the map.
        folder: that it is of.
    """
    days = np.array([date.fromtimestamp(one).toordinal() for one in drawn.taken.tolist()])
    days = days.astype(np.int32) - _UNIX_EPOCH
    # An integer of JSON, also where there is none.
    ends = np.percentile(days, _PERCENTILES).astype(int).tolist() if len(days) else [0, 0]
    which, folders = _folders(drawn, folder)
    return {
        "state": drawn.state,
        "count": len(drawn.hashes),
        "points": _packed(drawn.places, "<u2"),
        "cluster": _packed(drawn.cluster, "u1"),
        "clusters": [
            {"id": number, "size": one.size, "x": one.place[0], "y": one.place[1], "name": one.name}
            for number, one in enumerate(drawn.clusters)
        ],
        "day": _packed(days, "<i4"),
        "days": ends,
        "folder": _packed(which, "u1"),
        "folders": folders,
    }


def answer_map(page: Page, index: IndexPart, view: gr.HTML) -> None:
    """Make what carries the answers, and connect the events of the view."""
    MapAnswers(page, index, view, gr.State(Wanted())).connect()


def _progress(done: int, total: int) -> dict[str, Any]:
    said = in_both("gallery_map_working", percent=100 * done // total)
    return {"progress": {"done": done, "total": total, "said": said}}


def _packed(numbers: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.asarray(numbers).astype(kind).tobytes()).decode("ascii")


def _folders(drawn: GalleryMap, folder: Path) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Each photograph's folder right below the map's, as a number, and what these are."""
    start = len(os.path.join(folder, ""))
    names = [path[start:].rpartition("/")[0].partition("/")[0] for path in drawn.paths]
    counted = Counter(names).most_common()
    own = counted if len(counted) <= _MOST_FOLDERS else counted[: _MOST_FOLDERS - 1]
    numbers = {name: number for number, (name, _) in enumerate(own)}
    listed = [{"name": _folder_name(name), "count": one} for name, one in own]
    if others := counted[len(own) :]:
        listed.append(
            {"name": in_both("gallery_map_others"), "count": sum(one for _, one in others)}
        )
    return np.array([numbers.get(name, len(own)) for name in names], np.uint8), listed


def _folder_name(name: str) -> Both:
    if not name:
        return in_both("gallery_map_here")
    return {one: printable(name) for one in LANGUAGES}


def _as_term(one: OnMap) -> dict[str, Any]:
    return {
        "text": one.term.name,
        "weight": one.term.weight,
        "picture": isinstance(one.term, ImageTerm),
        "x": one.place[0],
        "y": one.place[1],
        "nearest": list(one.nearest),
        "cosine": one.cosine,
        "among": None if math.isnan(one.among) else one.among,
    }
