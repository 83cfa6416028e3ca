"""Description matching: which text says best what an image shows, and the other way round."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from clip_app.errors import ImageError
from clip_app.model_service import ModelService, Progress
from clip_app.prompts import MAX_COLLECTION_LINES, parse_lines
from clip_app.scoring import similarities, softmax_scores
from clip_app.text_files import read_collection as read_collection  # matching begins with it


@dataclass(frozen=True)
class TextScore:
    """One text's probability in [0, 1] among those offered, and its cosine similarity."""

    text: str
    score: float
    similarity: float


@dataclass(frozen=True)
class SimilarityMatrix:
    """Several images against several texts.

    Attributes:
        texts: the texts, in the order of the columns.
        similarities: float32 (images, texts), cosines.
        scores: float64 (images, texts), softmax over the texts of each image.
    """

    texts: tuple[str, ...]
    similarities: np.ndarray
    scores: np.ndarray


def match(
    service: ModelService,
    image: Image.Image | None,
    descriptions: str | Sequence[str],
    *,
    top_k: int | None = None,
    progress: Progress | None = None,
) -> list[TextScore]:
    """Rank texts by how well they describe an image, best first.

    Serves a handful of descriptions and a collection of 100,000 lines alike; scores are softmax
    over all of them, whatever `top_k` leaves.

    Args:
        service: the model to ask.
        image: the picture.
        descriptions: one a line as typed, or already apart.
        top_k: how many to return; None for all.
        progress: called with (done, total) while texts are encoded.

    Raises:
        ImageError: if there is no image.
        InputError: if there is no text, or too many.
        ModelError: if the device fails.
    """
    if image is None:
        raise ImageError("image_missing")
    matrix = match_matrix(service, [image], descriptions, progress=progress)
    cosines, scores = matrix.similarities[0], matrix.scores[0]
    order = np.argsort(-cosines, kind="stable")[:top_k]
    return [TextScore(matrix.texts[i], float(scores[i]), float(cosines[i])) for i in order]


def match_matrix(
    service: ModelService,
    images: Sequence[Image.Image],
    descriptions: str | Sequence[str],
    *,
    progress: Progress | None = None,
) -> SimilarityMatrix:
    """Compare every image with every text; arguments and errors as in `match`."""
    if not images:
        raise ImageError("image_missing")
    texts = (
        parse_lines(descriptions, MAX_COLLECTION_LINES)
        if isinstance(descriptions, str)
        else list(descriptions)
    )
    image_features = service.encode_images(images)
    cosines = similarities(image_features, service.encode_texts(texts, progress))
    return SimilarityMatrix(tuple(texts), cosines, softmax_scores(service, cosines))
