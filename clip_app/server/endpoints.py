"""What every interface over HTTP answers: classify, match, search, index_status, health.

Plain functions: the API of the page, and of MCP, only registers them. Their docstrings are what
callers are shown; each raises a `ClipAppError` for what cannot be done.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clip_app import __version__
from clip_app.errors import InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.query import TextTerm, describe, parse_query
from clip_app.gallery.roots import printable
from clip_app.gallery.search import MAX_TOP_K, ImageTerm, image_term
from clip_app.gallery.search import search as search_galleries
from clip_app.metrics import steps
from clip_app.model.slot import ModelSlot
from clip_app.photos import open_picture
from clip_app.server.answers import (
    classification_answer,
    match_answer,
    search_answer,
    status_answer,
)
from clip_app.tasks.classify import classify as classify_images
from clip_app.tasks.match import judge


@dataclass(frozen=True)
class Endpoints:
    """The functions, over one model and its galleries."""

    slot: ModelSlot
    galleries: GalleryService

    def classify(
        self,
        image: str,
        labels: str,
        template: str = "auto",
        top_k: float = 0,
    ) -> dict[str, Any]:
        """Zero-shot classification: which of the labels fits the image.

        Args:
            image: The photograph to look at.
            labels: Class names, separated by commas, semicolons or line breaks.
            template: auto, none, single, clip7, clip80, chinese, or prompts of your own with {}.
            top_k: How many labels to return, best first; 0 for all.

        Returns:
            {"image", "model", "results": [{"label", "score", "similarity"}], "verdict": fits,
            unsure or none, "none_fits"}, and "truncated": [{"text", "read"}] where labels are
            longer than the model reads
        """
        shown = _whole(0 if top_k is None else top_k)
        if shown is None or shown < 0:
            raise InputError("top_k_not_whole")
        service = self.slot.service
        photo = open_picture(image, service)
        answer = classify_images(service, [photo], labels or "", template or "auto")[0]
        return classification_answer(Path(image).name, service, answer, shown or None)

    def match(self, image: str, descriptions: str) -> dict[str, Any]:
        """Rank descriptions by how well they say what the image shows.

        Args:
            image: The photograph to look at.
            descriptions: One description a line.

        Returns:
            {"image", "model", "results": [{"text", "score", "similarity"}], "verdict": fits,
            unsure or none, "none_fits"}, and "truncated": [{"text", "read"}] where descriptions
            are longer than the model reads
        """
        service = self.slot.service
        answer = judge(service, open_picture(image, service), descriptions or "")
        return match_answer(Path(image).name, service, answer)

    def search(
        self,
        text: str = "",
        image: str | None = None,
        exclude: str = "",
        top_k: float = 20,
        literal: bool = False,
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

        Returns:
            {"query", "model", "results": [{"path", "similarity", "fits", "copies"}],
            "nothing_fits"}, and "truncated" where a text is longer than the model reads
        """
        number = _whole(20 if top_k is None else top_k)
        if number is None or not 1 <= number <= MAX_TOP_K:
            raise InputError("top_k_invalid", limit=MAX_TOP_K)
        service = self.slot.service
        terms: list[TextTerm | ImageTerm] = [
            *parse_query(text or "", exclude or "", literal=bool(literal))
        ]
        if image:
            terms.append(image_term(service, image, name=Path(image).name))
        stores = self.galleries.searchable(service.info)
        answer = search_galleries(service, stores, terms, top_k=number)
        return search_answer(
            describe(terms), service, answer, lambda path: printable(self.galleries.path_of(path))
        )

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

    def health(self) -> dict[str, Any]:
        """Whether the app is up, and with which model on which device.

        Returns:
            {"status", "version", "model", "device", "precision", "images", "image_passes", "texts",
            "steps": {step: {"count", "mean_ms", "median_ms", "p95_ms"}}}
        """
        service = self.slot.service
        return {
            "status": "ok",
            "version": __version__,
            "model": service.info.public_name,
            "device": service.info.device,
            "precision": service.info.precision,
            "images": service.statistics.images,
            "image_passes": service.statistics.image_passes,
            "texts": service.statistics.texts,
            "steps": {step: asdict(times) for step, times in steps.times().items()},
        }


def _whole(value: Any) -> int | None:
    """`value` as a whole number; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None
