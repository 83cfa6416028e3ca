"""The JSON that the API and the command line answer with, the same in both."""

from collections.abc import Sequence
from typing import Any

from clip_app.classify import Classification
from clip_app.match import TextScore
from clip_app.model_service import ModelService


def classification_answer(
    image: str, service: ModelService, answer: Classification, top_k: int | None = None
) -> dict[str, Any]:
    """`{"image", "model", "results": [{"label", "score", "similarity"}…], "none_fits"}`."""
    return {
        "image": image,
        "model": service.info.name,
        "results": [
            {"label": one.label, "score": one.score, "similarity": one.similarity}
            for one in answer.results[:top_k]
        ],
        "none_fits": answer.none_fits,
    }


def match_answer(image: str, service: ModelService, ranked: Sequence[TextScore]) -> dict[str, Any]:
    """`{"image", "model", "results": [{"text", "score", "similarity"}…]}`."""
    return {
        "image": image,
        "model": service.info.name,
        "results": [
            {"text": one.text, "score": one.score, "similarity": one.similarity} for one in ranked
        ],
    }
