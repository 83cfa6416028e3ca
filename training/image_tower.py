"""The image tower: EfficientNet-Lite0 in timm's form, and its classifier as a teacher."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from PIL import Image
from timm.data import ImageNetInfo
from torch import nn

ARCHITECTURE = "tf_efficientnet_lite0"

#: Length of the pooled feature vector.
FEATURES = 1280

#: Side of the square picture that the tower takes, in pixels.
IMAGE_SIZE = 224

# The weights were trained in TensorFlow on inputs from -1 to 1.
_MEAN = _STD = (0.5, 0.5, 0.5)

PREPROCESSING = {
    "mean": list(_MEAN),
    "std": list(_STD),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


@dataclass(frozen=True)
class Classifier:
    """The ImageNet classifier on pooled features: what the teacher says of a picture.

    Attributes:
        weight: (1000, 1280); row c belongs to `imagenet_wnids()[c]`.
        bias: (1000,).
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def probabilities(self, features: torch.Tensor) -> torch.Tensor:
        """(n, 1280) features to (n, 1000) probabilities."""
        return torch.softmax(features @ self.weight.T + self.bias, dim=1)


def load_image_tower(weights: Path) -> tuple[nn.Module, Classifier]:
    """The trunk without its classifier, in eval mode, and the classifier.

    The packaged state dict has the same 296 tensors in the same order as timm's model, under other
    names, so they are paired by position and checked by shape.

    Raises:
        ValueError: if the weights are not EfficientNet-Lite0's.
    """
    model: Any = timm.create_model(ARCHITECTURE)
    given = torch.load(weights, map_location="cpu", weights_only=True)
    wanted = model.state_dict()
    same = len(given) == len(wanted) and all(
        a.shape == b.shape for a, b in zip(given.values(), wanted.values(), strict=True)
    )
    if not same:
        raise ValueError(f"{weights} does not hold the weights of EfficientNet-Lite0")
    model.load_state_dict(dict(zip(wanted, given.values(), strict=True)))
    weight, bias = (one.detach() for one in model.get_classifier().parameters())
    classifier = Classifier(weight, bias)
    model.reset_classifier(0)
    return model.eval(), classifier


def preprocessing() -> Callable[[Image.Image], torch.Tensor]:
    """open_clip's own steps with this tower's numbers: picture to (3, 224, 224)."""
    return open_clip.image_transform(
        IMAGE_SIZE,
        is_train=False,
        mean=_MEAN,
        std=_STD,
        interpolation="bicubic",
        resize_mode="shortest",
    )


def imagenet_wnids() -> list[str]:
    """WordNet ids of the 1,000 classes in the classifier's order, as `n01440764`."""
    info = ImageNetInfo()
    return [info.index_to_label_name(index) for index in range(info.num_classes())]
