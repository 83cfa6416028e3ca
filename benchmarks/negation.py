"""Whether "a bus without people" can be found: ways to stay away from what is in the same picture.

    python benchmarks/negation.py FOLDER [--model starter] [--crops]

FOLDER holds photographs with boxes as YOLO has them, images/PART/*.jpg and
object_detection/labels/PART/*.txt, of COCO's 80 classes. A pair is a class to find and another to
stay away from, where at least four photographs of the first hold the second and four do not.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.gallery.asking import weights_of, words_of  # noqa: E402
from clip_app.gallery.query import TextTerm  # noqa: E402
from clip_app.gallery.relevance import Term, calibrate, chances, unrelated_queries  # noqa: E402
from clip_app.model.backgrounds import TEMPLATES, background_for  # noqa: E402
from clip_app.model.service import ModelService  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.photos import encode_files, open_picture  # noqa: E402
from clip_app.scoring import unit  # noqa: E402
from clip_app.settings import read_settings  # noqa: E402
from clip_app.strings import LANGUAGES, Language  # noqa: E402

NAMES = json.loads(Path(__file__).with_name("coco_names.json").read_text("utf-8"))
FEWEST = 4
SHOWN = 5

#: From the places of the wanted and the unwanted class to a score of each photograph.
Way = Callable[[int, int], np.ndarray]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--crops", action="store_true", help="look at nine parts of each too")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    paths = sorted((arguments.folder / "images").rglob("*.jpg"))
    vectors = np.stack([one.image_features for one in encode_files(service, paths)])
    crops = None
    if arguments.crops:
        crops = np.stack([nine_parts(service, path) for path in paths])
    there = np.stack([classes_in(path, arguments.folder) for path in paths])
    both = there.T.astype(int) @ there
    pairs = np.argwhere((both >= FEWEST) & (there.sum(0)[:, None] - both >= FEWEST))
    print(f"{len(paths)} photographs, {len(pairs)} pairs, {service.info.name}\n")
    print("| way | language | the unwanted in the first 5 % | right of the first 5 % | mean AP |")
    print("|---|---|---:|---:|---:|")
    for language in LANGUAGES:
        for name, way in ways(service, vectors, crops, language).items():
            told = [judged(way(a, b), there[:, a], there[:, b]) for a, b in pairs]
            unwanted, right, precision = 100 * np.mean(told, axis=0)
            print(f"| {name} | {language} | {unwanted:.1f} | {right:.1f} | {precision:.1f} |")


def classes_in(path: Path, folder: Path) -> np.ndarray:
    """Bool (80,): which classes a photograph holds."""
    found = np.zeros(len(NAMES["en"]), bool)
    boxes = folder / "object_detection" / "labels" / path.parent.name / f"{path.stem}.txt"
    if boxes.exists():
        found[[int(line.split()[0]) for line in boxes.read_text().splitlines()]] = True
    return found


def nine_parts(service: ModelService, path: Path) -> np.ndarray:
    """Vectors of nine parts, each half as wide and high as the picture and half over the next."""
    image = open_picture(str(path), service)
    width, height = image.size
    corners = [(width * x // 4, height * y // 4) for y in range(3) for x in range(3)]
    parts = [image.crop((x, y, x + width // 2, y + height // 2)) for x, y in corners]
    return service.encode_pixels([service.preprocess(one) for one in parts])


def ways(
    service: ModelService, vectors: np.ndarray, crops: np.ndarray | None, language: Language
) -> dict[str, Way]:
    """The ways that are compared, each with the weight or limit that did best elsewhere."""
    words = np.stack([words_of(service, name) for name in NAMES[language]])
    plain = vectors @ words.T
    wanted = deviations(plain)
    calibration = calibrate(vectors)
    background = background_for(service, language)
    judged = service.encode_labels(NAMES[language], TEMPLATES[language])

    def subtracted(a: int, b: int) -> np.ndarray:
        terms = [TextTerm("wanted"), TextTerm("unwanted", -1.0)]
        return vectors @ (weights_of(terms, words[[a, b]], [vectors]) @ words[[a, b]])

    def projected_pictures(a: int, b: int) -> np.ndarray:
        return unit(vectors - plain[:, b, None] * words[b]) @ words[a]

    def left_out(a: int, b: int) -> np.ndarray:
        unrelated = unrelated_queries(calibration, [Term(judged[b], 1.0, background)])
        return wanted[:, a] - 100 * (chances(calibration, judged[b], unrelated, vectors) < 0.1)

    found: dict[str, Way] = {
        "the wanted alone": lambda a, b: plain[:, a],
        "subtracted, as the app does": subtracted,
        "subtracted, a fixed half": lambda a, b: wanted[:, a] - 0.5 * wanted[:, b],
        "query projected": lambda a, b: plain[:, a] - (words[a] @ words[b]) * plain[:, b],
        "photographs projected": projected_pictures,
        "left out by the verdict on the unwanted": left_out,
        "left out from 1.5 deviations on": lambda a, b: wanted[:, a] - 100 * (wanted[:, b] > 1.5),
    }
    if crops is not None:
        parts = np.einsum("ncd,kd->nck", crops, words).max(axis=1)
        strongest = deviations(np.maximum(parts, plain))
        found["parts: left out from 1.5 deviations on"] = lambda a, b: (
            wanted[:, a] - 100 * (strongest[:, b] > 1.5)
        )
        found["parts: subtracted, a fixed half"] = lambda a, b: wanted[:, a] - 0.5 * strongest[:, b]
    return found


def deviations(cosines: np.ndarray) -> np.ndarray:
    """Of each column, how far every row is from the mean."""
    return (cosines - cosines.mean(axis=0)) / cosines.std(axis=0)


def judged(
    score: np.ndarray, wanted: np.ndarray, unwanted: np.ndarray
) -> tuple[float, float, float]:
    """Shares of the first five that hold the unwanted and that are right; average precision."""
    order = np.argsort(-score, kind="stable")
    right = (wanted & ~unwanted)[order]
    precision = (np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean()
    return unwanted[order][:SHOWN].mean(), right[:SHOWN].mean(), float(precision)


if __name__ == "__main__":
    main()
