"""When two pictures are the same, to the pixel or to the eye."""

import hashlib

import numpy as np
from PIL import Image


def difference_hash(image: Image.Image) -> int:
    """64 bits that differ in few places between copies of a picture saved or scaled differently.

    Each bit says whether a pixel is brighter than its right neighbour in a 9 x 8 grey version
    (dHash, Krawetz 2013, "Kind of Like That").
    """
    small = image.convert("L").resize((9, 8), Image.Resampling.BOX, reducing_gap=2.0)
    grey = np.asarray(small, np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] > grey[:, 1:]).tobytes(), "big")


def content_hash(image: Image.Image) -> str:
    """A key that two images share only if their mode, size and pixels are equal."""
    header = f"{image.mode} {image.width} {image.height} ".encode()
    digest = hashlib.blake2b(header, digest_size=16)
    digest.update(image.tobytes())
    return digest.hexdigest()
