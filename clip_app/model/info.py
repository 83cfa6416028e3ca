"""What is known about a model: what its weights fix, and what a person is shown."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clip_app.model.preprocess import Preprocessing
from clip_app.prompts import shortened
from clip_app.strings import Language, text

Scoring = Literal["softmax", "sigmoid"]

# The most characters of a cut text that are shown.
_SHOWN = 40

#: An image as an image tower takes it: float32 (3, height, width), normalized.
Pixels = np.ndarray


#: What a model's logits are divided by so that a score says how often it is right, by the name it
#: is chosen by; of models that were measured. The starter's was fitted on eight sets of photographs
#: of many kinds and lists of at most 22 words; on six others, of up to 80 words, the expected
#: calibration error falls from 20 to 10 points in both languages (`benchmarks/README.md`). Among
#: ImageNet's thousand, which it learnt, it would rise from 14 to 42: longer lists get none.
TEMPERATURES = {"starter": 1.41}
MOST_CALIBRATED = 100


@dataclass(frozen=True)
class ModelSpec:
    """What a model's weights and configuration fix, whatever runs them.

    Attributes:
        preprocessing: from a picture to `Pixels`.
        embedding_size: length of a feature vector.
        parameters: number of weights, both towers.
        logit_scale: factor of the cosine similarity before softmax or sigmoid, dimensionless.
        logit_bias: added after `logit_scale`; None for models that have none.
        fingerprint: the same for the same weights, preprocessing and image size, whatever the
            model was chosen by; vectors of different fingerprints must never be compared.
    """

    preprocessing: Preprocessing
    embedding_size: int
    parameters: int
    logit_scale: float
    logit_bias: float | None
    fingerprint: str

    @property
    def scoring(self) -> Scoring:
        """How the model was trained, hence how its scores are meant: a bias comes with sigmoid."""
        return "softmax" if self.logit_bias is None else "sigmoid"


@dataclass(frozen=True)
class ModelInfo:
    """What a person is shown about the loaded model.

    Attributes:
        name: what it was chosen by; a path, perhaps.
        languages: languages it is known to read; None where nobody said.
        image_size: (height, width) in pixels that the image tower takes.
        load_seconds: how long loading took.
        The others are those of `ModelSpec` and of the engine.
    """

    name: str
    title: str
    architecture: str
    engine: str
    device: str
    precision: str
    scoring: Scoring
    languages: tuple[Language, ...] | None
    image_size: tuple[int, int]
    embedding_size: int
    parameters: int
    is_starter: bool
    load_seconds: float
    fingerprint: str

    @property
    def public_name(self) -> str:
        """Its name in answers, without the place of a folder."""
        return public_name(self.name)


def public_name(name: str) -> str:
    """A model's name as answers give it: of a path only the end, for the rest is nobody's business.

    `/srv/models/tiny` and `local-dir:/srv/models/tiny` are `tiny`, `ViT-B-32:/srv/w.pt` is
    `ViT-B-32:w.pt`; names of the hub stay.
    """
    if name.startswith("hf-hub:"):
        return name
    architecture, separator, path = name.removeprefix("local-dir:").partition(":")
    if not separator or re.search(r"[\\/]", architecture):
        return _end(name)
    return f"{architecture}:{_end(path)}"


def _end(path: str) -> str:
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1].removeprefix("local-dir:")


@dataclass(frozen=True)
class CutText:
    """A text that is longer than the model's context, and the beginning of it that was read."""

    text: str
    read: str

    def message(self, language: Language) -> str:
        """How much was read, as a sentence."""
        shown = shortened(self.text, _SHOWN)
        numbers = {"read": len(self.read), "length": len(self.text)}
        return text("text_cut", language, text=shown, **numbers)
