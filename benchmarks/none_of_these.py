"""How often "none of these labels fits" is right, on photographs with right and wrong labels.

    python benchmarks/none_of_these.py SETS [--imagenet SAMPLE] [--model starter] [--features FILE]

SETS holds a folder for each labelled set, which holds a folder for each class, named in English as
a person would say it, and `names.json` with the Chinese names, {"cat": "猫"}. Every photograph is
asked about twice with each kind of list: with the right label among wrong ones, and with wrong ones
only, which are names of the other sets (far) or of its own (near). The first table gives, for some
limits of the chance of none and of the statistic before it, how many lists of wrong labels pass
(false accepts) and how many with the right one do not (false rejects); the second what the three
verdicts say; the third what they say of ImageNet's thousand labels, on the sets and on a sample of
its own photographs.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.nothing_fits import Photograph, encoded, parser_of_sets, photographs_in
from clip_app.model.backgrounds import background_for
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.prompts import label_sets
from clip_app.scoring import similarities
from clip_app.settings import read_settings
from clip_app.strings import LANGUAGES, Language
from clip_app.tasks.classes import Classes, classes_from_labels
from clip_app.tasks.fit import CHANCE_LIMIT, UNSURE_LIMIT, chance_of_none
from training.ranking import auroc

#: Whose names the wrong labels are, and how many labels a list has.
LISTS = (("far", 3), ("far", 10), ("near", 3))

#: Of the statistic as it was before, whose limit was 0.2, and of the chance of none.
BEFORE = (0.1, 0.2, 0.4)
NOW = (0.4, UNSURE_LIMIT, 0.6, CHANCE_LIMIT)

# As the statistic before: beyond the best tenth of the words a tail is fitted.
_TAIL = 0.1


def main() -> None:
    """Encode the photographs once, then judge the lists."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--imagenet", type=Path, help="photographs named as ImageNet names them")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    folders = sorted(folder for folder in arguments.sets.iterdir() if folder.is_dir())
    photographs = [one for folder in folders for one in photographs_in(folder)]
    vectors, photographs = encoded(service, photographs, arguments.features)
    print(f"{len(photographs)} photographs of {len(folders)} sets, {service.info.name}\n")
    limits = [f"before {one}" for one in BEFORE] + [f"now {one}" for one in NOW]
    print("False accepts, false rejects, %:\n\n| wrong labels | labels | language |", end="")
    print(f" AUROC before | AUROC now | {' | '.join(limits)} |\n|---|---:|---|" + "---|" * 9)
    verdicts = []
    for kind, size in LISTS:
        for language in LANGUAGES:
            right, wrong = judged(service, vectors, photographs, kind, size, language)
            name = f"| {kind} | {size} | {language} |"
            print(name, " | ".join(errors(right, wrong)), "|", flush=True)
            verdicts.append(f"{name} {verdicts_of(right[:, 1])} | {verdicts_of(wrong[:, 1])} |")
    print("\nFits, unsure, none, %:\n\n| wrong labels | labels | language |", end="")
    print(" with the right label | without |\n|---|---:|---|---|---|")
    print("\n".join(verdicts))
    sample = photographs_in(arguments.imagenet) if arguments.imagenet else []
    if sample:
        more, sample = encoded(service, sample, arguments.features)
        vectors, photographs = np.concatenate([vectors, more]), photographs + sample
        folders.append(arguments.imagenet)
    tell_thousand(service, vectors, photographs, folders)


def judged(
    service: ModelService,
    vectors: np.ndarray,
    photographs: list[Photograph],
    kind: str,
    size: int,
    language: Language,
) -> tuple[np.ndarray, np.ndarray]:
    """For lists with the right label, and without: (photographs, 2), the chances before and now."""
    of_class = [(one.path.parent.parent, one.names[language]) for one in photographs]
    classes = sorted(set(of_class))
    weights = classes_from_labels(service, [name for _, name in classes]).weights
    generator = np.random.default_rng(0)
    chances: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
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
            told.append(
                (
                    chance_of_words(service, vector, offered, language),
                    chance_of_none(service, vector[None], offered)[0],
                )
            )
    return np.array(chances[0]), np.array(chances[1])


def chance_of_words(
    service: ModelService, vector: np.ndarray, classes: Classes, language: Language
) -> float:
    """As it was before: how often as many words that are near no label do as well as the best."""
    background = background_for(service, language)
    far = (classes.weights @ background.features.T < background.near).all(axis=0)
    best = similarities(vector[None], classes.weights).max()
    others = similarities(vector[None], background.features[far])[0]
    start = np.quantile(others, 1 - _TAIL)
    excess = max((others[others > start] - start).mean(), 1e-9)
    counted = float((others >= best).mean())
    once = _TAIL * np.exp(-(best - start) / excess) if best > start else counted
    return float(-np.expm1(len(classes.names) * np.log1p(-min(once, 1 - 1e-12))))


def errors(right: np.ndarray, wrong: np.ndarray) -> list[str]:
    """The figures of one kind of list: both areas, then each limit's false accepts and rejects."""
    cells = [f"{auroc(-right[:, i], -wrong[:, i]):.3f}" for i in range(2)]
    for place, limits in enumerate((BEFORE, NOW)):
        told, absent = right[:, place], wrong[:, place]
        cells += [f"{share(absent <= one)}, {share(told > one)}" for one in limits]
    return cells


def tell_thousand(
    service: ModelService, vectors: np.ndarray, photographs: list[Photograph], folders: list[Path]
) -> None:
    """Print what the verdicts say of ImageNet's labels, of each folder's photographs."""
    print("\nImageNet's labels: fits, unsure, none, %:\n\n| photographs | en | zh |\n|---|---|---|")
    chances = {}
    for language in LANGUAGES:
        classes = classes_from_labels(service, label_sets()["imagenet1k"].labels[language])
        chances[language] = chance_of_none(service, vectors, classes)
    for folder in folders:
        of = np.array([folder in one.path.parents for one in photographs])
        cells = " | ".join(verdicts_of(chances[language][of]) for language in LANGUAGES)
        print(f"| {folder.name} | {cells} |")


def verdicts_of(chances: np.ndarray) -> str:
    """How many fit, are unsure, and fit not, in percent."""
    unsure = (chances > UNSURE_LIMIT) & (chances <= CHANCE_LIMIT)
    return ", ".join(map(share, (chances <= UNSURE_LIMIT, unsure, chances > CHANCE_LIMIT)))


def share(which: np.ndarray) -> str:
    """How many are True, in per cent."""
    return f"{100 * which.mean():.0f}"


if __name__ == "__main__":
    main()
