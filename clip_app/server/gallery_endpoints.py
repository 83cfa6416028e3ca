"""What is answered about indexed galleries; see `endpoints`, which it is part of."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_app.errors import InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.query import describe, parse_query
from clip_app.gallery.roots import addressed, printable
from clip_app.gallery.search import MAX_TOP_K, image_term, with_concepts
from clip_app.gallery.search import search as search_galleries
from clip_app.gallery.similar import LEAST_NEAR, NEAR
from clip_app.gallery.similar import duplicates as find_duplicates
from clip_app.gallery.similar import odd as find_odd
from clip_app.model.slot import Slot
from clip_app.server.answers import (
    duplicates_answer,
    odd_answer,
    search_answer,
    status_answer,
)
from clip_app.tasks.concept_files import concepts_from_text


@dataclass(frozen=True)
class GalleryEndpoints:
    """Those about galleries, and what all have.

    Attributes:
        slot: which model answers.
        galleries: what is indexed.
    """

    slot: Slot
    galleries: GalleryService

    def search(
        self,
        text: str = "",
        image: str | None = None,
        exclude: str = "",
        top_k: float = 20,
        literal: bool = False,
        concepts: str = "",
    ) -> dict[str, Any]:
        """Search the indexed galleries for photographs, by words, by a picture, or both.

        In Python, make the client with download_files=False: it would take each "path" of the
        answer for a file to fetch.

        Args:
            text: What to look for; terms can be joined: beach + sunset - people. "query" in the
                answer says how it was understood.
            image: A picture that the results should be like; it is left out itself.
            exclude: What to stay away from, separated by commas.
            top_k: How many photographs, 1 to 500.
            literal: Take the text as it stands; so is a part of it in quotation marks.
            concepts: What teach answered as "concept", for @name in the text; several, one a line.

        Returns:
            {"query", "model", "results": [{"path", "similarity", "fits", "copies"}],
            "judged", "nothing_fits"}, "fits" null where nothing was judged, and "truncated" where
            a text is longer than the model reads
        """
        like = (Path(image).name, image) if image else None
        return self.search_like(text, like, exclude, top_k, literal, concepts)

    def search_like(
        self,
        text: str = "",
        image: tuple[str, str | bytes] | None = None,
        exclude: str = "",
        top_k: float = 20,
        literal: bool = False,
        concepts: str = "",
    ) -> dict[str, Any]:
        """`search`; the picture with its name, as the path of its file or its bytes."""
        number = whole(20 if top_k is None else top_k)
        if number is None or not 1 <= number <= MAX_TOP_K:
            raise InputError("top_k_invalid", limit=MAX_TOP_K)
        service = self.slot.service
        taught = () if literal else concepts_from_text(concepts or "", service)
        terms = with_concepts(
            service, parse_query(text or "", exclude or "", literal=bool(literal)), taught
        )
        if image:
            terms.append(image_term(service, image[1], name=image[0]))
        stores = self.galleries.searchable(service.info)
        answer = search_galleries(service, stores, terms, top_k=number)
        return search_answer(describe(terms), service, answer, self._path_of)

    def duplicates(self, near: float = NEAR) -> dict[str, Any]:
        """Groups of copies and near copies in the indexed galleries, the largest savings first.

        Nothing is deleted.

        Args:
            near: Least cosine of near copies, 0.8 to 1; 1 for files of the same bytes only.

        Returns:
            {"images", "near", "files", "spare_bytes", "groups": [[{"path", "copies", "similarity",
            "width", "height", "bytes"}]]}, the largest picture of each group first, "copies" files
            of the same bytes
        """
        least = NEAR if near is None else near
        if isinstance(least, bool) or not isinstance(least, int | float):
            raise InputError("near_invalid", least=LEAST_NEAR)
        stores = self.galleries.searchable(self.slot.service.info)
        return duplicates_answer(find_duplicates(stores, near=least), self._path_of)

    def odd(self, number: float = 10) -> dict[str, Any]:
        """The photographs least like all others in the indexed galleries, and the most typical.

        Args:
            number: How many of each, 1 to 500.

        Returns:
            {"images", "typical": [{"path", "copies", "similarity", "width", "height", "bytes"}],
            "odd": […]}, "similarity" the mean cosine with all others
        """
        wanted = whole(10 if number is None else number)
        if wanted is None or not 1 <= wanted <= MAX_TOP_K:
            raise InputError("top_k_invalid", limit=MAX_TOP_K)
        stores = self.galleries.searchable(self.slot.service.info)
        return odd_answer(find_odd(stores, number=wanted), self._path_of)

    def _path_of(self, path: str) -> str:
        return printable(addressed(self.galleries.path_of(path)))

    def index_status(self) -> dict[str, Any]:
        """Which galleries are indexed, with which model, and how many photographs they hold.

        Returns:
            {"model", "galleries": [{"gallery", "model", "usable", "files", "images", "broken"}]}
        """
        info = self.slot.service.info
        indexes = self.galleries.indexed(info, self.galleries.roots)
        return status_answer(
            info.public_name, indexes, lambda one: printable(self.galleries.name_of(one))
        )


def whole(value: Any) -> int | None:
    """`value` as a whole number, as JSON may bring it; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None
