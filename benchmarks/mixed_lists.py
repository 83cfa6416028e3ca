"""What a class taught by example takes from classes that are words only.

    python benchmarks/mixed_lists.py PHOTOS [--model starter]

PHOTOS holds a folder for each class, named in English. In ten draws some of the classes are taught;
told are the shares of all other photographs that are named rightly, by words alone, by the formula
for lists where all classes have examples, and by that for mixed lists, and of those of the classes
without examples that go to a taught one.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.model.slot import load_model
from clip_app.photos import encode_files
from clip_app.settings import read_settings
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.concepts import concept_from_features
from clip_app.tasks.labelled import labelled_folder

DRAWS = 10


def main() -> None:
    """Encode the photographs once, then draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", default="starter")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    found = labelled_folder(arguments.photos)
    photos = list(encode_files(service, found.paths))
    kept = [i for i, one in enumerate(photos) if one.error is None]
    features = np.array([photos[i].image_features for i in kept])
    right = np.array([found.right[i] for i in kept])
    names, number = list(found.names), len(found.names)
    words = classes_from_labels(service, names, "single").weights
    print("| taught | examples | words % | as if all % | mixed % | drawn % | drawn, mixed % |")
    print("|---|---|---|---|---|---|---|")
    for taught in (1, number // 2):
        for examples in (1, 2, 4, 8):
            rows = []
            for draw in range(DRAWS):
                rng = np.random.default_rng(draw)
                chosen, used, concepts = rng.permutation(number)[:taught], [], []
                for i in chosen:
                    own = rng.permutation(np.flatnonzero(right == i))
                    own = own[: max(1, min(examples, len(own) // 2))]
                    used.extend(own)
                    concepts.append(concept_from_features(service, names[i], features[own]))
                mixed = classes_from_labels(service, names, "single", concepts=concepts).weights
                plain = words.copy()
                for i, one in zip(chosen, concepts, strict=True):
                    plain[i] = one.mixed(words[i])
                rest = np.setdiff1d(np.arange(len(right)), used)
                told = [(features[rest] @ one.T).argmax(axis=1) for one in (words, plain, mixed)]
                without = ~np.isin(right[rest], chosen)
                drawn = [np.isin(one[without], chosen).mean() for one in told[1:]]
                rows.append([(one == right[rest]).mean() for one in told] + drawn)
            shares = " | ".join(f"{100 * one:.1f}" for one in np.mean(rows, axis=0))
            print(f"| {taught} of {number} | {examples} | {shares} |")


if __name__ == "__main__":
    main()
