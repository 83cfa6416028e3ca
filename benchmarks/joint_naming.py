"""What naming photographs together gains, and where it harms.

    python benchmarks/joint_naming.py FOLDER [--model starter] [--features features.npz]

FOLDER holds labelled sets, SET/CLASS/*.jpg, with Chinese names in SET/names.json. Each set is named
by the words of its classes: as a whole, 100 and 20 of its photographs, and those of three of its
classes only; the mean of the sets, and of five draws each.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "benchmarks"))

from nothing_fits import encoded, parser_of_sets, photographs_in  # noqa: E402

from clip_app.model.slot import load_model  # noqa: E402
from clip_app.scoring import softmax_scores, without_half_the_mean  # noqa: E402
from clip_app.settings import read_settings  # noqa: E402
from clip_app.strings import LANGUAGES  # noqa: E402
from clip_app.tasks.classes import classes_from_labels  # noqa: E402
from clip_app.tasks.joint import transclip_scores  # noqa: E402

DRAWS = 5
FEW_CLASSES = 3


def main() -> None:
    """Print the tables."""
    parser = parser_of_sets(__doc__)
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    rows: dict[tuple[str, str], list[np.ndarray]] = {}
    for folder in sorted(one for one in arguments.sets.iterdir() if one.is_dir()):
        vectors, photographs = encoded(service, photographs_in(folder), arguments.features)
        for language in LANGUAGES:
            of = [one.names[language] for one in photographs]
            names = sorted(set(of))
            right = np.array([names.index(one) for one in of])
            words = classes_from_labels(service, names).weights
            for kind, chosen in batches(right):
                told = [
                    named(vectors[one], right[one], words, service.logit_scale) for one in chosen
                ]
                rows.setdefault((kind, language), []).append(np.mean(told, axis=0))
    print(f"{service.info.name}, mean of {len(rows['whole set', 'en'])} sets, top-1 in percent\n")
    print("| photographs | language | each alone | half of the mean off | TransCLIP | ms each |")
    print("|---|---|---:|---:|---:|---:|")
    for (kind, language), told in rows.items():
        alone, mean, together, taken = np.mean(told, axis=0)
        print(f"| {kind} | {language} | {alone:.1f} | {mean:.1f} | {together:.1f} | {taken:.2f} |")


def batches(right: np.ndarray) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Kinds of batches of a set, and the places of the photographs of each draw."""
    rng = np.random.default_rng(0)
    yield "whole set", [np.arange(len(right))]
    for count in (100, 20):
        yield str(count), [rng.permutation(len(right))[:count] for _ in range(DRAWS)]
    classes = [rng.permutation(right.max() + 1)[:FEW_CLASSES] for _ in range(DRAWS)]
    yield "of 3 classes", [np.flatnonzero(np.isin(right, few)) for few in classes]


def named(
    vectors: np.ndarray, right: np.ndarray, words: np.ndarray, scale: float
) -> tuple[float, float, float, float]:
    """Percent right: alone, by `mean`, by `transclip`; and what the last takes, ms a photograph."""
    scores = softmax_scores(vectors @ words.T, scale)
    mean = without_half_the_mean(vectors) @ words.T
    began = time.perf_counter()
    together = transclip_scores(vectors, scores)
    taken = 1000 * (time.perf_counter() - began) / len(vectors)
    shares = [100 * float((one.argmax(axis=1) == right).mean()) for one in (scores, mean, together)]
    return (shares[0], shares[1], shares[2], taken)


if __name__ == "__main__":
    main()
