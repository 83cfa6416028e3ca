"""Description matching: which text says best what an image shows, and the other way round."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from clip_app.errors import ImageError, InputError
from clip_app.model.service import ModelService
from clip_app.photos import Source, encode_photo
from clip_app.progress import Progress
from clip_app.prompts import MAX_LABELS, given_texts, parse_lines
from clip_app.scoring import similarities, softmax_scores
from clip_app.tasks.classes import Classes
from clip_app.tasks.fit import Verdict, chance_of_none, verdict

# Of more texts than this, nothing is said about whether any fits: among a collection's 100,000, the
# best of as many unrelated words does well for any picture, and so would be no yardstick.
_MOST_JUDGED = MAX_LABELS


@dataclass(frozen=True)
class TextScore:
    """One text's probability in [0, 1] among those offered, and its cosine similarity."""

    text: str
    score: float
    similarity: float


@dataclass(frozen=True)
class Matching:
    """One image's texts, best first.

    Attributes:
        results: the texts that were asked for.
        chance: how likely it is that none of the texts is right, in [0, 1]; NaN where that cannot
            be told.
    """

    results: tuple[TextScore, ...]
    chance: float

    @property
    def verdict(self) -> Verdict:
        """Whether any of the texts fits: `unsure` where the model knows too little to say."""
        return verdict(self.chance)

    @property
    def none_fits(self) -> bool:
        """Whether the texts do hardly better than words that have nothing to do with them."""
        return self.verdict == "none"


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
    image: Source | None,
    descriptions: str | Sequence[str],
    *,
    top_k: int | None = None,
) -> list[TextScore]:
    """Rank texts by how well they describe an image, best first; `judge` says whether they fit.

    Serves a handful of descriptions and a collection of 100,000 lines alike; scores are softmax
    over all of them, whatever `top_k` leaves.

    Args:
        service: the model to ask.
        image: the path of a file, its bytes, or a picture in memory.
        descriptions: one a line as typed, or already apart.
        top_k: how many to return; None or 0 for all.

    Raises:
        ImageError: if there is no image, or it cannot be read.
        InputError: if there is no text, too many, one is blank or no text, or `top_k` is no number.
        ModelError: if the device fails.
    """
    return list(judge(service, image, descriptions, top_k=top_k or None).results)


def judge(
    service: ModelService,
    image: Source | None,
    descriptions: str | Sequence[str],
    *,
    top_k: int | None = None,
    progress: Progress | None = None,
) -> Matching:
    """As `match`, with a verdict whether any of the texts fits at all.

    `progress` is called with (done, total) while texts are encoded.
    """
    if image is None:
        raise ImageError("image_missing")
    texts = typed_texts(descriptions)
    if top_k is not None and (not isinstance(top_k, int) or top_k < 0):
        raise InputError("top_k_not_whole")
    text_features = service.encode_texts(texts, progress)
    image_features = encode_photo(service, image)
    return match_features(service, image_features, texts, text_features, top_k=top_k)[0]


def match_features(
    service: ModelService,
    image_features: np.ndarray,
    texts: Sequence[str],
    text_features: np.ndarray,
    *,
    top_k: int | None = None,
) -> list[Matching]:
    """Rank texts for images, both encoded already.

    Args:
        service: the model that made the features.
        image_features: float32 (images, embedding_size), rows of length 1.
        texts: what the rows of `text_features` say; it chooses the background's language.
        text_features: float32 (texts, embedding_size), rows of length 1.
        top_k: how many texts to return for each image; None for all.

    Returns:
        One answer for each row of `image_features`.

    Raises:
        ModelError: if the device fails.
    """
    cosines = similarities(image_features, text_features)
    scores = softmax_scores(cosines, service.logit_scale)
    chances = np.full(len(image_features), np.nan)
    if len(texts) <= _MOST_JUDGED:
        chances = chance_of_none(service, image_features, Classes(tuple(texts), text_features))
    return [
        Matching(
            tuple(
                TextScore(texts[k], float(scores[i, k]), float(cosines[i, k]))
                for k in np.argsort(-cosines[i], kind="stable")[:top_k]
            ),
            float(chances[i]),
        )
        for i in range(len(image_features))
    ]


def match_matrix(
    service: ModelService, images: Sequence[Image.Image], descriptions: str | Sequence[str]
) -> SimilarityMatrix:
    """Compare every image with every text; arguments and errors as in `match`."""
    if not images:
        raise ImageError("image_missing")
    texts = typed_texts(descriptions)
    return matrix_of_features(service, service.encode_images(images), texts)


def matrix_of_features(
    service: ModelService, image_features: np.ndarray, texts: Sequence[str]
) -> SimilarityMatrix:
    """As `match_matrix`, of images that are encoded already: float32 rows of length 1."""
    cosines = similarities(image_features, service.encode_texts(texts))
    return SimilarityMatrix(tuple(texts), cosines, softmax_scores(cosines, service.logit_scale))


def typed_texts(descriptions: str | Sequence[str]) -> list[str]:
    """Descriptions one a line as typed, or already apart.

    Raises:
        InputError: if there is none, there are too many, or one is blank or no text.
    """
    if isinstance(descriptions, str):
        return parse_lines(descriptions)
    return given_texts(descriptions, "descriptions")
