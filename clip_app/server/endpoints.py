"""What every interface over HTTP answers: classify, teach, match, heatmap, search, status, health.

Plain functions: the API of the page, and of MCP, only registers them. Their docstrings are what
callers are shown; each raises a `ClipAppError` for what cannot be done.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clip_app import __version__
from clip_app.errors import ImageError, InputError
from clip_app.gallery.galleries import GalleryService
from clip_app.gallery.query import describe, parse_query
from clip_app.gallery.roots import printable
from clip_app.gallery.search import MAX_TOP_K, image_term, with_concepts
from clip_app.gallery.search import search as search_galleries
from clip_app.metrics import steps
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.photos import Source, encode_files, open_picture
from clip_app.prompts import given_texts, parse_lines
from clip_app.server.answers import (
    classification_answer,
    heatmap_answer,
    match_answer,
    search_answer,
    status_answer,
)
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.concept_files import concept_to_text, concepts_from_text
from clip_app.tasks.concepts import ALPHA, learn_concept
from clip_app.tasks.heatmap import heatmap
from clip_app.tasks.match import match_features, typed_texts

# Photographs of one request to learn from.
_MOST_EXAMPLES = 100

#: A photograph of a request: its name, and the path of its file, its bytes or its picture.
Named = tuple[str, Source]

#: What one of several photographs is answered by: its JSON, or why there is none.
Each = dict[str, Any] | ImageError


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
        concepts: str = "",
    ) -> dict[str, Any]:
        """Zero-shot classification: which of the labels fits the image.

        Args:
            image: The photograph to look at.
            labels: Class names, separated by commas, semicolons or line breaks.
            template: auto, none, single, clip7, clip80, chinese, or prompts of your own with {}.
            top_k: How many labels to return, best first; 0 for all.
            concepts: What teach answered as "concept", for labels of that name; several, one a
                line.

        Returns:
            {"image", "model", "results": [{"label", "score", "similarity"}], "verdict": fits,
            unsure or none, "none_fits"}, and "truncated": [{"text", "read"}] where labels are
            longer than the model reads
        """
        _labels_shown(top_k)  # told first
        photo = (Path(image or "").name, open_picture(image, self.slot.service))
        return _only(self.classify_each([photo], labels, template, top_k, concepts))

    def classify_each(
        self,
        images: Sequence[Named],
        labels: str | Sequence[str],
        template: str = "auto",
        top_k: float = 0,
        concepts: str = "",
    ) -> list[Each]:
        """`classify` of photographs, in their order; labels as typed or already apart."""
        shown = _labels_shown(top_k)
        service = self.slot.service
        taught = concepts_from_text(concepts or "", service)
        classes = classes_from_labels(service, labels or "", template or "auto", concepts=taught)
        return [
            row
            if isinstance(row, ImageError)
            else classification_answer(
                name, service, classify_features(service, row, classes)[0], shown
            )
            for name, row in _encoded(service, images)
        ]

    def teach(
        self,
        name: str,
        images: list[str],
        without: list[str] | None = None,
        alpha: float = ALPHA,
    ) -> dict[str, Any]:
        """Learn what something looks like from photographs of it, for classify and search.

        Nothing is kept here: send "concept" with each request that is to know it.

        Args:
            name: What to call it; @name among labels or in a search then means it.
            images: Photographs of it, 1 to 100; two to eight do most.
            without: Photographs of what it is taken for and is not.
            alpha: How much the photographs count beside the name, 0 to 1.

        Returns:
            {"name", "model", "examples", "counter_examples", "concept"}
        """
        shown, away = list(images or ()), list(without or ())
        if len(shown) + len(away) > _MOST_EXAMPLES:
            number = len(shown) + len(away)
            raise InputError("concept_examples_many", number=number, limit=_MOST_EXAMPLES)
        share = ALPHA if alpha is None else alpha
        if isinstance(share, bool) or not isinstance(share, int | float):
            raise InputError("concept_alpha")
        service = self.slot.service
        concept = learn_concept(service, name or "", shown, away, alpha=share)
        return {
            "name": concept.name,
            "model": concept.model,
            "examples": concept.examples,
            "counter_examples": concept.counter_examples,
            "concept": concept_to_text(concept),
        }

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
        photo = (Path(image or "").name, open_picture(image, self.slot.service))
        return _only(self.match_each([photo], descriptions))

    def match_each(self, images: Sequence[Named], descriptions: str | Sequence[str]) -> list[Each]:
        """`match` of photographs, in their order; descriptions as typed or already apart."""
        service = self.slot.service
        texts = typed_texts(descriptions or "")
        rows = service.encode_texts(texts)
        return [
            row
            if isinstance(row, ImageError)
            else match_answer(name, service, match_features(service, row, texts, rows)[0])
            for name, row in _encoded(service, images)
        ]

    def embed(self, images: Sequence[Named], texts: Sequence[str]) -> dict[str, Any]:
        """Image and text features, float32 rows of length 1 that can be compared by dot product.

        Returns:
            {"model", "embedding_size", "images": [{"image", "embedding"}…] with an `ImageError` in
            place of each that cannot be read, "texts": [{"text", "embedding"}…]}
        """
        service = self.slot.service
        rows = service.encode_texts(given_texts(texts)) if texts else ()
        return {
            "model": service.info.public_name,
            "embedding_size": service.info.embedding_size,
            "images": [
                row if isinstance(row, ImageError) else {"image": name, "embedding": row[0]}
                for name, row in _encoded(service, images)
            ],
            "texts": [
                {"text": one, "embedding": row} for one, row in zip(texts, rows, strict=True)
            ],
        }

    def heatmap(
        self, image: str, text: str, against: str = "", template: str = "auto"
    ) -> dict[str, Any]:
        """Where the model looks: which parts of the image speak for a label or description.

        Args:
            image: The photograph to look at.
            text: A label or description.
            against: What else it could be, one a line: parts that speak for text rather than these.
            template: auto, none, single, clip7, clip80, chinese, or prompts of your own with {}.

        Returns:
            {"image", "model", "text", "against", "method", "clear", "similarity", "deletion",
            "deletion_by_chance", "peak": [x, y], "box": [left, top, right, bottom],
            "values": rows from the top, 1 the hottest}; peak and box in shares of the sides
        """
        service = self.slot.service
        others = parse_lines(against) if against and against.strip() else []
        heat = heatmap(service, image, text or "", contrast=others, templates=template)
        return heatmap_answer(Path(image).name, service, text, others, heat)

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
        number = _whole(20 if top_k is None else top_k)
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


def _encoded(
    service: ModelService, images: Sequence[Named]
) -> Iterator[tuple[str, np.ndarray | ImageError]]:
    """(name, float32 (1, embedding_size) or what is wrong with it) of photographs, in order."""
    if len(images) == 1:  # one that was seen before is answered from the cache
        ((name, source),) = images
        try:
            yield name, service.encode_images([open_picture(source, service, name=name)])
        except ImageError as error:
            yield name, error
        return
    found = encode_files(service, [source for _, source in images])
    for (name, _), one in zip(images, found, strict=True):
        if one.image_features is not None:
            yield name, one.image_features[None]
        elif one.error is not None:
            yield name, ImageError(one.error.key, **{**one.error.params, "name": name})


def _only(answers: Sequence[Each]) -> dict[str, Any]:
    """The one answer there is, or its error."""
    (answer,) = answers
    if isinstance(answer, ImageError):
        raise answer
    return answer


def _labels_shown(top_k: Any) -> int | None:
    """How many labels are answered; None for all."""
    shown = _whole(0 if top_k is None else top_k)
    if shown is None or shown < 0:
        raise InputError("top_k_not_whole")
    return shown or None


def _whole(value: Any) -> int | None:
    """`value` as a whole number; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None
