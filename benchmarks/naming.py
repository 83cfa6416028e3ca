"""How often labelled photographs are named rightly, and what the calibrated score is worth.

    python benchmarks/naming.py SETS [--imagenet SAMPLE] [--model starter] [--features FILE]

SETS holds labelled sets, SET/CLASS/*.jpg, with Chinese names in SET/names.json; SAMPLE is of
ImageNet's photographs, a class each, whose thousand labels are more than the app calibrates. Each
set is named by the words of its classes. The expected calibration error is that of the scores, and
with the one temperature that the card of the model says.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "benchmarks"))

from nothing_fits import Photograph, encoded, parser_of_sets, photographs_in  # noqa: E402

from clip_app.model.info import TEMPERATURES  # noqa: E402
from clip_app.model.service import ModelService  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.prompts import label_sets  # noqa: E402
from clip_app.scoring import similarities, softmax_scores  # noqa: E402
from clip_app.settings import read_settings  # noqa: E402
from clip_app.strings import LANGUAGES, Language  # noqa: E402
from clip_app.tasks.classes import classes_from_labels  # noqa: E402
from clip_app.tasks.evaluate import evaluate_features  # noqa: E402
from clip_app.tasks.measures import calibration_error  # noqa: E402


def main() -> None:
    """Print a line a set and language, and the means of the sets."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--imagenet", type=Path, help="photographs named as ImageNet names them")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    temperature = TEMPERATURES.get(service.info.name)
    print(f"{service.info.name}, temperature {temperature}\n")
    print(
        "| set | language | labels | top-1 % | top-5 % | calibration error, points | calibrated |"
    )
    print("|---|---|---:|---:|---:|---:|---:|")
    folders = sorted(one for one in arguments.sets.iterdir() if one.is_dir())
    for language in LANGUAGES:
        rows = []
        for folder in folders:
            vectors, photographs = encoded(service, photographs_in(folder), arguments.features)
            names = sorted({one.names[language] for one in photographs})
            rows.append(named(service, vectors, photographs, names, language))
            tell(folder.name, language, str(len(names)), rows[-1])
        tell("mean", language, "", np.mean(rows, axis=0))
        if arguments.imagenet:
            photographs = photographs_in(arguments.imagenet)
            vectors, photographs = encoded(service, photographs, arguments.features)
            names = label_sets()["imagenet1k"].labels[language]
            told = named(service, vectors, photographs, names, language)
            tell("ImageNet", language, str(len(names)), told)


def named(
    service: ModelService,
    vectors: np.ndarray,
    photographs: list[Photograph],
    names: list[str] | tuple[str, ...],
    language: Language,
) -> np.ndarray:
    """Percent named rightly, and among the first five; calibration error as scored, and with the
    model's temperature (NaN without one), in points.
    """
    right = np.array([names.index(one.names[language]) for one in photographs])
    weights = classes_from_labels(service, names).weights
    told = evaluate_features(service, vectors, right, names, lambda _: weights, thorough=False)
    cosines = similarities(vectors, weights)
    temperatures = (1.0, TEMPERATURES.get(service.info.name, np.nan))
    scores = [softmax_scores(cosines, service.logit_scale / one) for one in temperatures]
    wrong = [calibration_error(one, right) for one in scores]
    return 100 * np.array([told.top1.value, told.top5.value, *wrong])


def tell(name: str, language: Language, labels: str, figures: np.ndarray) -> None:
    """Print a line."""
    cells = " | ".join(f"{one:.1f}" for one in figures)
    print(f"| {name} | {language} | {labels} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
