"""The endpoints of the API (and of MCP): /classify, /match, /health."""

from pathlib import Path
from typing import Any

import gradio as gr

from clip_app import __version__
from clip_app.answers import classification_answer, match_answer
from clip_app.classify import classify as classify_images
from clip_app.match import match as match_texts
from clip_app.model_service import ModelSlot
from clip_app.ui.common import open_photo, shows_errors
from clip_app.ui.photo import Photo


def build_api(slot: ModelSlot) -> None:
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

    def health() -> dict[str, Any]:
        """Whether the app is up, and with which model on which device.

        Returns:
            {"status", "version", "model", "device", "precision", "images", "image_passes", "texts"}
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
        }

    with gr.Row(visible=False):
        image = Photo(label="image")
        labels = gr.Textbox(label="labels")
        template = gr.Textbox("auto", label="template")
        top_k = gr.Number(0, label="top_k", precision=0)
        descriptions = gr.Textbox(label="descriptions")
        answer = gr.JSON(label="answer")
        ask_classify, ask_match = gr.Button(), gr.Button()
    ask_classify.click(
        shows_errors(classify), [image, labels, template, top_k], answer, api_name="classify"
    )
    ask_match.click(shows_errors(match), [image, descriptions], answer, api_name="match")
    gr.api(health, api_name="health", queue=False)
