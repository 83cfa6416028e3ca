"""Vectors of the example gallery that come with the app, so that it can be searched at once.

They are the starter's: whoever uses another model encodes the photographs anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_app.settings import ASSETS

VECTORS = ASSETS / "gallery" / "vectors.npz"


@dataclass(frozen=True)
class Prepared:
    """What encoding a picture would give.

    Attributes:
        vector: float32 (dim,), length 1.
        look: perceptual hash; see `images.difference_hash`.
    """

    vector: np.ndarray
    look: int


def prepared_for(fingerprint: str) -> dict[bytes, Prepared]:
    """By content hash, what the model with this fingerprint makes of the example photographs.

    It is empty for any other model than the one they were made with.
    """
    with np.load(VECTORS) as kept:
        if str(kept["fingerprint"]) != fingerprint:
            return {}
        rows = zip(kept["hashes"], kept["looks"], kept["vectors"], strict=True)
        return {row.tobytes(): Prepared(vector, int(look)) for row, look, vector in rows}


def save(
    fingerprint: str, hashes: Sequence[bytes], looks: Sequence[int], vectors: np.ndarray
) -> None:
    """Write what `prepared_for` reads.

    Args:
        fingerprint: `ModelInfo.fingerprint` of the model.
        hashes: content hashes, 16 bytes each.
        looks: perceptual hashes, 64 bits each.
        vectors: float32 (n, dim), unit rows.
    """
    np.savez(
        VECTORS,
        fingerprint=np.array(fingerprint),
        hashes=np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1),
        looks=np.array(looks, np.uint64),
        vectors=vectors.astype(np.float32),
    )
