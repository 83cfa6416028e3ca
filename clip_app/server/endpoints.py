"""What every interface over HTTP answers: classify, teach, match, heatmap, search and the like.

Plain functions: the API of the page, and of MCP, only registers them. Their docstrings are what
callers are shown; each raises a `ClipAppError` for what cannot be done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clip_app import __version__
from clip_app.errors import ImageError, InputError
from clip_app.metrics import steps
from clip_app.model.service import ModelService
from clip_app.photos import Source, encode_files, encode_photo, open_picture
from clip_app.prompts import given_texts, parse_labels, parse_lines
from clip_app.server.answers import (
    classification_answer,
    compared_answer,
    explanation_answer,
    heatmap_answer,
    match_answer,
)
from clip_app.server.gallery_endpoints import GalleryEndpoints, whole
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.concept_files import concept_to_text, concepts_from_text
from clip_app.tasks.concepts import ALPHA, learn_concept
from clip_app.tasks.explain import SHOWN, by_templates, explain
from clip_app.tasks.heatmap import heatmap
from clip_app.tasks.match import match_features, typed_texts

# Photographs of one request to learn from.
_MOST_EXAMPLES = 100

# Scores in one answer, images times labels: each takes 94 bytes as JSON and ten times that before.
_MOST_RESULTS = 100_000

#: A photograph of a request: its name, and the path of its file, its bytes or its picture.
Named = tuple[str, Source]

#: What one of several photographs is answered by: its JSON, or why there is none.
Each = dict[str, Any] | ImageError


class Endpoints(GalleryEndpoints):
    """The functions, over one model and its galleries."""

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
        photo = (Path(image or "").name, image)
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
        typed = labels or ""
        names = parse_labels(typed) if isinstance(typed, str) else given_texts(typed)
        _check_results(len(images) * min(shown or len(names), len(names)), "results_many_labels")
        classes = classes_from_labels(service, names, template or "auto", concepts=taught)
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
        photo = (Path(image or "").name, image)
        return _only(self.match_each([photo], descriptions))

    def match_each(self, images: Sequence[Named], descriptions: str | Sequence[str]) -> list[Each]:
        """`match` of photographs, in their order; descriptions as typed or already apart."""
        service = self.slot.service
        texts = typed_texts(descriptions or "")
        _check_results(len(images) * len(texts), "results_many_texts")
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

    def explain(
        self,
        image: str,
        labels: str = "",
        template: str = "auto",
        concepts: str = "",
        descriptions: str = "",
        independent: bool = False,
        top_k: float = SHOWN,
        other_templates: bool = False,
    ) -> dict[str, Any]:
        """How the scores of classify or match come about: vectors, cosines, temperature, softmax.

        Args:
            image: The photograph to look at.
            labels, template, concepts: As classify takes them.
            descriptions: In place of labels: as match takes them.
            independent: Whether each label is scored by itself, as the page can.
            top_k: Of how many labels, best first, the vector is told, 1 to 100.
            other_templates: Whether the other sets of templates are tried on the labels, too.

        Returns:
            {"image", "model", "pixels": {"width", "height", "box"}, "vector", "templates",
            "scoring": softmax, sigmoid or background, "logit_scale", "logit_bias",
            "results": [{"label", "score", "similarity", "logit", "vector", "near", "taught"}],
            "similarities": of all labels, best first, "background", "none": {"lead", "chance"},
            "calibrated": {"temperature", "score"}}, and where asked for "other_templates":
            [{"template", "prompts", "results": [{"label", "score", "similarity"}]}]
        """
        shown = whole(SHOWN if top_k is None else top_k)
        service = self.slot.service
        photo = open_picture(image, service)
        texts = bool(descriptions and descriptions.strip())
        names = parse_lines(descriptions) if texts else parse_labels(labels or "")
        how: dict[str, Any] = {
            "independent": bool(independent) and not texts,
            "concepts": [] if texts else concepts_from_text(concepts or "", service),
        }
        about: Literal["labels", "texts"] = "texts" if texts else "labels"
        prompts = "none" if texts else template
        found = explain(service, photo, names, prompts, shown=shown, about=about, **how)
        answer = explanation_answer(Path(image).name, service, found)
        if other_templates:
            compared = by_templates(service, photo, names, **how)
            answer["other_templates"] = compared_answer(compared)
        return answer

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
            yield name, encode_photo(service, source, name=name)
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


def _check_results(number: int, key: str) -> None:
    if number > _MOST_RESULTS:
        raise InputError(key, number=number, limit=_MOST_RESULTS)


def _labels_shown(top_k: Any) -> int | None:
    """How many labels are answered; None for all."""
    shown = whole(0 if top_k is None else top_k)
    if shown is None or shown < 0:
        raise InputError("top_k_not_whole")
    return shown or None
