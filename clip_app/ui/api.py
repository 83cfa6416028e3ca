"""The endpoints of the API (and of MCP): /classify, /match, /search, /index_status, /health."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app import __version__
from clip_app.answers import classification_answer, match_answer, search_answer, status_answer
from clip_app.classify import classify as classify_images
from clip_app.gallery.gallery_service import GalleryService
from clip_app.gallery.query import TextTerm, describe, parse_query
from clip_app.gallery.roots import printable
from clip_app.gallery.search import ImageTerm, image_term
from clip_app.gallery.search import search as search_galleries
from clip_app.match import match as match_texts
from clip_app.metrics import steps
from clip_app.model_service import ModelSlot
from clip_app.ui.common import open_photo, shows_errors
from clip_app.ui.photo import Photo


def build_api(slot: ModelSlot, galleries: GalleryService) -> None:
    """Add the endpoints; they have no place in the page."""

    def classify(
        image: str,
        labels: str,
        template: str = "auto",
        top_k: float = 0,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Zero-shot classification: which of the labels fits the image.

        Args:
            image: The photograph to look at.
            labels: Class names, separated by commas, semicolons or line breaks.
            template: auto, none, single, clip7, clip80, chinese, or prompts of your own with {}.
            top_k: How many labels to return, best first; 0 for all.

        Returns:
            {"image", "model", "results": [{"label", "score", "similarity"}], "none_fits"}
        """
        service = slot.service
        answer = classify_images(service, [open_photo(image, service)], labels, template)[0]
        return classification_answer(Path(image).name, service, answer, int(top_k or 0) or None)

    def match(image: str, descriptions: str, request: gr.Request | None = None) -> dict[str, Any]:
        """Rank descriptions by how well they say what the image shows.

        Args:
            image: The photograph to look at.
            descriptions: One description a line.

        Returns:
            {"image", "model", "results": [{"text", "score", "similarity"}]}
        """
        service = slot.service
        ranked = match_texts(service, open_photo(image, service), descriptions)
        return match_answer(Path(image).name, service, ranked)

    def search(
        text: str = "",
        image: str | None = None,
        exclude: str = "",
        top_k: float = 20,
        literal: bool = False,
        request: gr.Request | None = None,
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
            "nothing_fits"}
        """
        service = slot.service
        terms: list[TextTerm | ImageTerm] = [
            *parse_query(text or "", exclude or "", literal=bool(literal))
        ]
        if image:
            terms.append(image_term(service, image, name=Path(image).name))
        stores = galleries.searchable(service.info)
        answer = search_galleries(service, stores, terms, top_k=20 if top_k is None else int(top_k))
        return search_answer(
            describe(terms), service, answer, lambda path: printable(galleries.path_of(path))
        )

    def index_status() -> dict[str, Any]:
        """Which galleries are indexed, with which model, and how many photographs they hold.

        Returns:
            {"model", "galleries": [{"gallery", "model", "usable", "files", "images", "broken"}]}
        """
        info = slot.service.info
        indexes = galleries.indexed(info, galleries.roots)
        return status_answer(info.name, indexes, lambda one: printable(galleries.name_of(one)))

    def health() -> dict[str, Any]:
        """Whether the app is up, and with which model on which device.

        Returns:
            {"status", "version", "model", "device", "precision", "images", "image_passes", "texts",
            "steps": {step: {"count", "mean_ms", "median_ms", "p95_ms"}}}
        """
        service = slot.service
        return {
            "status": "ok",
            "version": __version__,
            "model": service.info.name,
            "device": service.info.device,
            "precision": service.info.precision,
            "images": service.statistics.images,
            "image_passes": service.statistics.image_passes,
            "texts": service.statistics.texts,
            "steps": {step: asdict(times) for step, times in steps.times().items()},
        }

    with gr.Row(visible=False):
        image = Photo(label="image")
        labels = gr.Textbox(label="labels")
        template = gr.Textbox("auto", label="template")
        top_k = gr.Number(0, label="top_k", precision=0)
        descriptions = gr.Textbox(label="descriptions")
        text = gr.Textbox(label="text")
        exclude = gr.Textbox(label="exclude")
        number = gr.Number(20, label="top_k", precision=0)
        literal = gr.Checkbox(False, label="literal")
        answer = gr.JSON(label="answer")
        ask_classify, ask_match, ask_search = gr.Button(), gr.Button(), gr.Button()
    ask_classify.click(
        shows_errors(classify), [image, labels, template, top_k], answer, api_name="classify"
    )
    ask_match.click(shows_errors(match), [image, descriptions], answer, api_name="match")
    ask_search.click(
        shows_errors(search), [text, image, exclude, number, literal], answer, api_name="search"
    )
    gr.api(index_status, api_name="index_status", queue=False)
    gr.api(health, api_name="health", queue=False)
