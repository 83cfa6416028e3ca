"""How often "none of these labels fits" is right, on photographs with right and wrong labels.

    python benchmarks/none_of_these.py SETS [--model starter] [--features features.npz]

SETS holds a folder for each labelled set, which holds a folder for each class, named in English as
a person would say it, and `names.json` with the Chinese names, {"cat": "猫"}. Every photograph is
asked about twice with each kind of list: with the right label among wrong ones, and with wrong ones
only, which are names of the other sets (far) or of its own (near). The tables give, for three
limits of the chance of none, how many lists of wrong labels pass (false accepts) and how many with
the right one do not (false rejects); and what the three verdicts say.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.nothing_fits import Photograph, encoded, photographs_in
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.settings import read_settings
from clip_app.strings import LANGUAGES, Language
from clip_app.tasks.classes import Classes, classes_from_labels
from clip_app.tasks.fit import CHANCE_LIMIT, UNSURE_LIMIT, chance_of_none
from training.ranking import auroc

#: Whose names the wrong labels are, and how many labels a list has.
LISTS = (("far", 3), ("far", 10), ("near", 3))
LIMITS = {"strict": 0.4, "middle": UNSURE_LIMIT, "lenient": CHANCE_LIMIT}


def main() -> None:
    """Encode the photographs once, then judge the lists."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--features", type=Path, help="keep the photographs' features in this file")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    folders = sorted(folder for folder in arguments.sets.iterdir() if folder.is_dir())
    photographs = [one for folder in folders for one in photographs_in(folder)]
    vectors, photographs = encoded(service, photographs, arguments.features)
    print(f"{len(photographs)} photographs of {len(folders)} sets, {service.info.name}")
    print("| wrong labels | labels | language | AUROC |", end="")
    print(
        "".join(f" {name} {limit}: accepts, rejects % |" for name, limit in LIMITS.items()), end=""
    )
    print(" right ones: fits, unsure, none % | wrong ones % |")
    print("|---|---:|---|" + "---|" * (len(LIMITS) + 3))
    for kind, size in LISTS:
        for language in LANGUAGES:
            right, wrong = judged(service, vectors, photographs, kind, size, language)
            print(f"| {kind} | {size} | {language} | {line(right, wrong)} |", flush=True)


def judged(
    service: ModelService,
    vectors: np.ndarray,
    photographs: list[Photograph],
    kind: str,
    size: int,
    language: Language,
) -> tuple[np.ndarray, np.ndarray]:
    """The chance of none for lists with the right label, and for those without, a photograph."""
    of_class = [(one.path.parent.parent, one.names[language]) for one in photographs]
    classes = sorted(set(of_class))
    weights = classes_from_labels(service, [name for _, name in classes], "single").weights
    generator = np.random.default_rng(0)
    chances: tuple[list[float], list[float]] = ([], [])
    for vector, (folder, name) in zip(vectors, of_class, strict=True):
        own = classes.index((folder, name))
        others = [
            number
            for number, (set_, other) in enumerate(classes)
            if other != name and (set_ == folder) == (kind == "near")
        ]
        if len(others) < size:
            continue
        for with_right, told in zip((True, False), chances, strict=True):
            chosen = generator.choice(others, size, replace=False)
            if with_right:
                chosen[0] = own
            offered = Classes(tuple(classes[n][1] for n in chosen), weights[chosen])
            told.append(chance_of_none(service, vector[None], offered)[0])
    return np.array(chances[0]), np.array(chances[1])


def line(right: np.ndarray, wrong: np.ndarray) -> str:
    """The figures of one kind of list."""
    cells = [f"{auroc(-right, -wrong):.3f}"]
    cells += [f"{share(wrong <= one)}, {share(right > one)}" for one in LIMITS.values()]
    for chances in (right, wrong):
        unsure = (chances > UNSURE_LIMIT) & (chances <= CHANCE_LIMIT)
        parts = (chances <= UNSURE_LIMIT, unsure, chances > CHANCE_LIMIT)
        cells.append(", ".join(map(share, parts)))
    return " | ".join(cells)


def share(which: np.ndarray) -> str:
    """How many are True, in per cent."""
    return f"{100 * which.mean():.0f}"


if __name__ == "__main__":
    main()
