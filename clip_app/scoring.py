"""From features to scores that mean something: probabilities over labels, or label by label."""

import numpy as np

# Up to so many products of rows OpenBLAS is not asked: its threads go on spinning for some 25 ms
# after each call, and take the cores from whoever decodes and encodes. One photograph against the
# background words took 3.9 ms of processor time, and 0.06 ms row by row.
_FEW = 10_000


def unit(rows: np.ndarray) -> np.ndarray:
    """The rows in length 1, float32; one of zeros stays."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-12)).astype(np.float32)


def similarities(image_features: np.ndarray, text_features: np.ndarray) -> np.ndarray:
    """Cosine similarities, float32 (images, texts) in [-1, 1], of unit rows."""
    if len(image_features) * len(text_features) <= _FEW:
        cosines = np.vecdot(image_features[:, None], text_features[None])
    else:
        cosines = image_features @ text_features.T
    return np.clip(cosines, -1.0, 1.0)


def without_half_the_mean(features: np.ndarray) -> np.ndarray:
    """Unit rows of `features` less half of their mean: what all photographs of a batch share tells
    none of them apart.

    Gains two points where the batch holds all the classes that it is asked about, and about none
    where classes are missing; of one photograph nothing changes but rounding.

    Args:
        features: float32 (images, embedding_size), rows of length 1.
    """
    apart = features - 0.5 * features.mean(axis=0, keepdims=True)
    return apart / np.linalg.norm(apart, axis=1, keepdims=True)


def softmax_scores(cosines: np.ndarray, logit_scale: float) -> np.ndarray:
    """Probabilities over the texts: softmax of `logit_scale · cosine`, rows sum to 1.

    A `logit_bias` is the same for all texts and drops out. (Radford et al. 2021, figure 3)
    """
    logits = logit_scale * cosines.astype(np.float64)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))
