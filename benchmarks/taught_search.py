"""What a taught @name finds in a gallery, by each formula that mixes examples with words.

    python benchmarks/taught_search.py [--model starter]

On the photographs that come with the app, each label of at least four is taught with some of them,
in five draws; told is the mean average precision over the others, of "@X" alone, and of "@X + word"
for the photographs that both are true of: by the word, by the formula for lists where all classes
have examples, and by shares of examples from which the mean photograph is taken, as in mixed lists
(0.35 there). Either the name says what it is (X), or nothing (Rex).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.gallery.asking import words_of
from clip_app.model.slot import load_model
from clip_app.photos import encode_files
from clip_app.scoring import unit
from clip_app.settings import ASSETS, read_settings
from clip_app.tasks.concepts import ALPHA, beside_words, mixed

DRAWS = 5
FEWEST = 4
ALPHAS = (0.35, 0.5, 0.6, 0.7)
GALLERY = ASSETS / "gallery"


def main() -> None:
    """Encode the photographs once, then draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter")
    service = load_model(read_settings(parser.parse_args()))
    photos = json.loads((GALLERY / "sources.json").read_text())["pictures"]
    labels = [set(one["labels"]["en"]) for one in photos]
    paths = [GALLERY / "examples" / one["file"] for one in photos]
    features = np.array([one.image_features for one in encode_files(service, paths)])
    every = sorted(set().union(*labels))
    has = {one: np.array([one in own for own in labels]) for one in every}
    words = {one: words_of(service, one) for one in every}
    common = beside_words(service, 1, 2)
    taught = [one for one in every if has[one].sum() >= FEWEST]
    heads = ("called", "examples", "asked", "word alone", "0.7", *map(str, ALPHAS))
    print(f"| {' | '.join(heads)} |")
    print("|---" * len(heads) + "|")
    for called in ("X", "Rex"):
        for examples in (1, 2, 4):
            alone: list[list[float]] = []
            joined: list[list[float]] = []
            for draw in range(DRAWS):
                rng = np.random.default_rng(draw)
                for name in taught:
                    own = rng.permutation(np.flatnonzero(has[name]))
                    own = own[: min(examples, len(own) // 2)]
                    rest = np.setdiff1d(np.arange(len(photos)), own)
                    said = words[name] if called == "X" else words_of(service, called)
                    shown = unit(features[own].mean(axis=0))
                    apart = unit(shown - common)
                    mixes = [mixed(said, apart, alpha) for alpha in ALPHAS]
                    cosines = [features @ row for row in (said, mixed(said, shown, ALPHA), *mixes)]
                    alone.append([precision(one[rest], has[name][rest]) for one in cosines])
                    for other in every:
                        both = (has[name] & has[other])[rest]
                        if other in (name, called) or both.sum() in (0, has[other][rest].sum()):
                            continue
                        # As `Asked` weighs terms: each by how much its cosines vary.
                        word = scaled(features @ words[other])
                        ranked = [(scaled(one) + word)[rest] for one in cosines]
                        joined.append([precision(one, both) for one in ranked])
            for asked, found in (("@X", alone), ("@X + word", joined)):
                shares = " | ".join(f"{one:.3f}" for one in np.mean(found, axis=0))
                print(f"| {called} | {examples} | {asked} | {shares} |")


def scaled(cosines: np.ndarray) -> np.ndarray:
    """Cosines over a gallery, in standard deviations."""
    return (cosines - cosines.mean()) / cosines.std()


def precision(scores: np.ndarray, right: np.ndarray) -> float:
    """Average precision of a ranking."""
    hits = right[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(hits)[hits] / (np.flatnonzero(hits) + 1)).mean())


if __name__ == "__main__":
    main()
