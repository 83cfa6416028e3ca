"""How often "none of these labels fits" is right, on photographs with right and wrong labels.

    python benchmarks/none_of_these.py PHOTOS [--model starter]

PHOTOS holds a folder for each class, named in English as a person would say it. Every photograph
is asked about twice at each list size: with the right label among wrong ones, and with wrong ones
only. The table gives the verdict's false accepts (a wrong list passes) and false rejects (a right
list is called none) at its limit, and how well it and two common measures tell the lists apart.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.model.slot import load_model
from clip_app.photos import encode_files
from clip_app.settings import read_settings
from clip_app.tasks.classes import Classes, classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.fit import CHANCE_LIMIT
from training.ranking import auroc

LIST_SIZES = (1, 3, 10, 50)


def main() -> None:
    """Encode the photographs once, then score the lists."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", default="starter")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    classes = sorted(folder.name for folder in arguments.photos.iterdir() if folder.is_dir())
    paths = [path for name in classes for path in sorted((arguments.photos / name).iterdir())]
    images, truth = [], []
    for path, photo in zip(paths, encode_files(service, paths), strict=True):
        if photo.image_features is None:
            print(photo.error)
            continue
        images.append(photo.image_features)
        truth.append(classes.index(path.parent.name))
    everything = classes_from_labels(service, classes, "single")
    rng = np.random.default_rng(0)
    print(f"{len(images)} photographs, {len(classes)} classes, {service.info.name}")
    print("| labels | false accepts % | false rejects % | AUROC verdict | softmax | cosine |")
    print("|---|---|---|---|---|---|")
    for size in LIST_SIZES:
        if size >= len(classes):
            continue
        scores: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
        for image, right in zip(images, truth, strict=True):
            others = [number for number in range(len(classes)) if number != right]
            for with_right in (True, False):
                chosen = list(rng.choice(others, size, replace=False))
                if with_right:
                    chosen[0] = right
                offered = Classes(tuple(classes[n] for n in chosen), everything.weights[chosen])
                answer = classify_features(service, image[None], offered)[0]
                best = answer.results[0]
                scores[with_right].append((-answer.chance, best.score, best.similarity))
        good, bad = np.array(scores[True]), np.array(scores[False])
        areas = " | ".join(f"{auroc(good[:, k], bad[:, k]):.3f}" for k in range(3))
        accepts = 100 * (bad[:, 0] >= -CHANCE_LIMIT).mean()
        rejects = 100 * (good[:, 0] < -CHANCE_LIMIT).mean()
        print(f"| {size} | {accepts:.1f} | {rejects:.1f} | {areas} |")


if __name__ == "__main__":
    main()
