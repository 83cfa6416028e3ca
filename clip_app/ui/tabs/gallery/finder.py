"""The search page itself: asks for pages of pictures, and does what is wanted with the found ones.

What is asked for is held by the script of the page (`assets/page/finder`), which sends all of it
with each page it needs; here only the visitor's own folder and the chosen gallery are known.
Answers go to carriers, components that show nothing, an own one for each kind of answer, so that
none can overtake another in the same component.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import (
    ChangedImageError,
    ChangedMapError,
    ClipAppError,
    ImageError,
    InputError,
)
from clip_app.gallery.galleries import EXAMPLES
from clip_app.gallery.on_map import in_area
from clip_app.gallery.packing import zip_of
from clip_app.gallery.pages import browse, chosen, facets, search_page
from clip_app.gallery.query import TextTerm, describe, parse_query
from clip_app.gallery.roots import Roots
from clip_app.gallery.saved import SavedSearch, SavedSearches
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stores.store import Filter, Store
from clip_app.images import FORMATS, suffixes_of
from clip_app.strings import LANGUAGES, Language
from clip_app.tasks.concepts import MARKS, untaught
from clip_app.ui.downloads import new_export
from clip_app.ui.errors import shows_errors
from clip_app.ui.examples import example_queries
from clip_app.ui.parts import part
from clip_app.ui.shell import telling_carrier
from clip_app.ui.tab import EACH, PRIVATE, Page, Values
from clip_app.ui.tabs.gallery.asked import Asked, day_of, hashes_of
from clip_app.ui.tabs.gallery.found import (
    as_file,
    facets_of,
    facts_of,
    original,
    problem_of,
    remarks,
    rows_of,
    understood,
)
from clip_app.ui.tabs.gallery.index import IndexPart
from clip_app.ui.tabs.gallery.status import name_of, stamp_of
from clip_app.ui.words import SENDING, words

log = logging.getLogger(__name__)

# Pictures a page; fifteen rows of four, so that the next ones come before one has seen these.
_PAGE = 60

# The most that "all above the line" takes; an archive of more would hardly be what is wanted.
_MOST_CHOSEN = 10_000

_ANSWERS = ("found", "opened", "packed", "kept", "heard")

#: The files of `assets/page` that are the page's own part, in the order in which they are read.
BROWSER_SIDE = (
    "basics",
    "heat",
    "finder/asking",
    "finder/terms",
    "finder/pictures",
    "finder/answers",
    "finder/news",
    "finder/board",
    "finder/filters",
    "finder/saved",
    "finder/drawer",
    "finder/where",
    "finder/selection",
    "finder/map/area",
    "finder/map/camera",
    "finder/map/points",
    "finder/map/chart",
    "finder/map/thumbs",
    "finder/map/figures",
    "finder/map/steering",
    "finder/map/legend",
    "finder/map/map",
    "finder",
)

_TO_CLASSIFY = "() => { window.clipApp.show('classify'); }"

#: Let the script ask: if it has not yet, or again, as the gallery or what is in it has changed.
ASK = "() => { window.dispatchEvent(new CustomEvent('clipapp:gallery', { detail: 'visit' })); }"
ASK_AGAIN = "() => { window.dispatchEvent(new CustomEvent('clipapp:gallery')); }"


@dataclass(frozen=True)
class Finder:
    """The handlers of the search page.

    Attributes:
        page: the page around it.
        index: the part in which the gallery is chosen.
        saved: the kept searches of this app's owner.
        view: the component that a visitor sees.
        answers: carriers by kind of answer.
    """

    page: Page
    index: IndexPart
    saved: SavedSearches
    view: gr.HTML
    answers: dict[str, gr.HTML]

    def connect(self) -> None:
        """Let the script's events have their answers."""
        page = self.page
        given = {self.index.own, self.index.folder, page.language, page.concepts.visit}
        asks: tuple[tuple[str, Any, Callable[[Values, Any], Values]], ...] = (
            ("found", self.view.ask, self.find),
            ("opened", self.view.open, self.open),
            ("packed", self.view.pack, self.pack),
            ("kept", self.view.keep, self.keep),
        )
        for kind, event, handler in asks:
            event(
                shows_errors(self._answering(kind, handler), page.language),
                given,
                [self.answers[kind]],
                **EACH,
            )
        self.view.judge(
            shows_errors(self.judge, page.language),
            given,
            [page.photo],
            **PRIVATE,
        ).success(None, None, None, js=_TO_CLASSIFY, api_visibility="private")

    def _answering(self, kind: str, handler: Callable[[Values, Any], Values]) -> Any:
        """`handler` of what the script sent; its errors are answers, and `id` tells for what."""

        def answered(given: Values, event: gr.EventData) -> Values:
            sent = event._data if isinstance(event._data, dict) else {}
            try:
                answer = handler(given, sent)
            except ClipAppError as error:
                log.info("%s: %s", type(error).__name__, error)
                answer = problem_of(error)
            if kind == "found" and not sent.get("offset"):
                answer |= self._galleries(given)
            return {self.answers[kind]: {**answer, "id": sent.get("id")}}

        return answered

    def find(self, given: Values, sent: Any) -> dict[str, Any]:
        """A page of the chosen gallery: ranked, or by date where nothing is looked for."""
        asked = Asked.read(sent)
        service, galleries = self.page.slot.service, self.page.galleries
        own = given[self.index.own]
        roots, place, store, below = self.index.gallery(given)
        where = self._where(asked, store, below)
        terms = asked.terms(service, store, self.page.concepts.store(given, service))
        if terms:
            answer = search_page(
                service,
                [store],
                terms,
                offset=asked.offset,
                limit=_PAGE,
                where=where,
                by_date=asked.by_date,
            )
        else:
            answer = browse([store], where=where, offset=asked.offset, limit=_PAGE)
        shown = {
            "offset": asked.offset,
            "rows": rows_of(galleries, answer.hits, roots),
            "following": answer.following,
            "total": answer.total,
            "above": answer.above,
            "images": answer.images,
            "searched": bool(terms),
            "stamp": stamp_of(galleries, place, store),
            "follows": None if place == own else galleries.follows(place),
        }
        if asked.offset:
            return shown
        folder = Path(given[self.index.folder])
        names = {one: name_of(galleries, folder, own, one) for one in LANGUAGES}
        typed = asked.words()
        left = [term.text for term in terms if isinstance(term, TextTerm)]
        missing = [] if asked.literal else untaught(left)
        signed = () if asked.literal else parse_query(asked.query)
        return shown | {
            "looked_for": [
                one.text for one in typed if one.weight > 0 and not one.text.startswith(MARKS)
            ],
            "unwanted": [one.text for one in signed if one.weight == -1],
            "wanted": describe([one for one in signed if one.weight != -1]),
            "query": understood(terms) if terms else "",
            "interpreted": len(typed) > 1 or any(one.weight < 0 for one in typed),
            "remarks": remarks(service, typed, answer, missing),
            "facets": facets_of(facets([store], where)),
            "among": None if where.among is None else len(where.among),
            "gallery": names,
            "is_examples": folder == EXAMPLES.resolve(),
            "kept": self._kept(place),
        }

    def open(self, given: Values, sent: Any) -> dict[str, Any]:
        """What the drawer shows of one picture."""
        hit, roots = self._hit(given, sent)
        to_show, file = self._original(hit, roots)
        return {
            "hash": hit.hash.hex(),
            "show": self._served(to_show),
            "file": self._served(file),
            **facts_of(self.page.galleries, hit, given[self.index.own]),
        }

    def judge(self, given: Values, event: gr.EventData) -> Values:
        """Put a picture before the tabs that classify and match."""
        return {self.page.photo: self.photograph(given, event._data)}

    def photograph(self, given: Values, sent: Any) -> str:
        """The path of the picture that the script names by its hash, as browsers can show it.

        Raises:
            ImageError: if it is in the gallery no more.
        """
        hit, roots = self._hit(given, sent)
        return self._original(hit, roots)[0]

    def pack(self, given: Values, sent: Any) -> dict[str, Any]:
        """A file of the chosen pictures: their originals in a .zip, or a list of them."""
        galleries, own = self.page.galleries, given[self.index.own]
        roots, _, store, below = self.index.gallery(given)
        kind = sent.get("kind")
        hits = self._chosen(given, sent, store, below)
        language: Language = given[self.page.language]
        if kind in ("csv", "json"):
            query = str(sent["asked"].get("query", ""))
            service = self.page.slot.service
            file = as_file(kind, service, galleries, hits, query, own, language)
            return {"file": self._served(file)}
        path = new_export("photos.zip")
        packed = zip_of(hits, roots, path, galleries.library.distrust)
        return {
            "file": self._served(str(path)),
            "note": {one: packed.note(one) for one in LANGUAGES} if packed.left_out else None,
        }

    def keep(self, given: Values, sent: Any) -> dict[str, Any]:
        """Keep a search of this gallery by its name, or drop the one of that name."""
        _, place, _, _ = self.index.gallery(given)
        if self._kept(place) is None:
            raise InputError("request_malformed")
        if "drop" in sent:
            self.saved.remove(place, str(sent["drop"]))
        else:
            asked = Asked.read(sent.get("asked"))
            new = SavedSearch(str(sent.get("name", "")), asked.query, asked.exclude, asked.where)
            self.saved.save(place, new)
        return {"kept": self._kept(place)}

    def _galleries(self, given: Values) -> dict[str, Any]:
        """Which galleries there are, by what they are called in the address, and the chosen one."""
        galleries, own = self.page.galleries, given[self.index.own]
        listed = [
            {
                "folder": str(folder),
                "key": self._key(folder, own),
                "name": {one: name_of(galleries, folder, own, one) for one in LANGUAGES},
            }
            for folder in galleries.choices(own)
        ]
        return {"galleries": listed, "chosen": given[self.index.folder] or ""}

    def _key(self, folder: Path, own: Path | None) -> str:
        if folder == own:
            return "mine"
        known = folder == EXAMPLES.resolve()
        return "examples" if known else self.page.galleries.name_of(folder)

    def _where(self, asked: Asked, store: Store, below: str) -> Filter:
        """Which files count, of the whole index."""
        where = asked.where_in(below)
        if not asked.among:
            return where
        drawn = self.page.galleries.maps.known(store, below)
        if drawn is None:
            raise ChangedMapError("gallery_map_changed")
        return replace(where, among=in_area(drawn, asked.among))

    def _hit(self, given: Values, sent: Any) -> tuple[SearchHit, Roots]:
        roots, _, store, _ = self.index.gallery(given)
        wanted = hashes_of([sent.get("hash") if isinstance(sent, dict) else None])
        found = chosen([store], wanted)
        if not found:
            raise ImageError("image_gone")
        return found[0], roots

    def _original(self, hit: SearchHit, roots: Roots) -> tuple[str, str]:
        try:
            return original(hit, roots)
        except ChangedImageError:
            self.page.galleries.library.distrust(hit.path)
            raise

    def _served(self, path: str) -> str:
        """Where the browser may fetch a file of ours: Gradio looks for files in values of its own
        form only.
        """
        return str(self.view.move_resource_to_block_cache(path))

    def _chosen(self, given: Values, sent: Any, store: Store, below: str) -> tuple[SearchHit, ...]:
        """The pictures that are named, or all above the line; with similarities where known."""
        asked = Asked.read(sent.get("asked"))
        service = self.page.slot.service
        wanted = hashes_of(sent["hashes"]) if "hashes" in sent else None
        where = self._where(asked, store, below)
        terms = asked.terms(service, store, self.page.concepts.store(given, service))
        if not terms:
            return chosen([store], wanted or [])
        left = set(wanted or ())
        hits: dict[bytes, SearchHit] = {}
        offset: int | None = 0
        while offset is not None and len(hits) < _MOST_CHOSEN and (wanted is None or left):
            answer = search_page(service, [store], terms, offset=offset, limit=_PAGE, where=where)
            line = answer.total if answer.above is None else answer.above
            for hit in answer.hits:
                if wanted is None and hit.rank >= line:
                    return tuple(hits.values())
                if wanted is None or hit.hash in left:
                    hits[hit.hash] = hit
                    left.discard(hit.hash)
            offset = answer.following
        # What was chosen before the words were changed may be deep in the ranking.
        rest = chosen([store], [one for one in wanted or () if one in left])
        return (*hits.values(), *rest)

    def _kept(self, place: Path) -> list[dict[str, Any]] | None:
        """The kept searches of a gallery; None where they are kept in the visitor's browser."""
        if not self.page.settings.is_personal:
            return None
        return [_asked_again(one) for one in self.saved.of(place)]


def _asked_again(search: SavedSearch) -> dict[str, Any]:
    """A kept search as the script asks it."""
    where = search.where
    kinds = [one for one in FORMATS if suffixes_of([one]) <= where.suffixes]
    kinds += sorted(one or "." for one in where.suffixes - suffixes_of(kinds))
    return {
        "name": search.name,
        "query": search.query,
        "exclude": search.exclude,
        "below": where.below,
        "kinds": kinds,
        "from": day_of(where.taken_from),
        "until": day_of(where.taken_until, before=1),
        "keywords": sorted(where.keywords),
    }


def build_finder(page: Page, index: IndexPart) -> Finder:
    """Lay it out and connect it."""

    def news_of(folder: Any) -> list[Any] | None:  # Gradio marks it, which a method cannot bear
        return index.news_of(folder)

    view = gr.HTML(
        **part(*BROWSER_SIDE),
        words=words("find_", "heat_", "map_", "gallery_folder", *SENDING),
        tries=[dict(one) for one in example_queries()],
        kinds=list(FORMATS),
        apply_default_css=False,
        server_functions=[news_of],
        elem_id="finder",
    )
    answers = {one: telling_carrier(f"finder-{one}", one) for one in _ANSWERS}
    finder = Finder(page, index, SavedSearches(page.settings.index_dir), view, answers)
    finder.connect()
    return finder
