"""Whether heat maps mark what a model looks at, on photographs whose things have boxes.

    python benchmarks/heatmaps.py PHOTOS LABELS NAMES [--model starter] [--number 40]

LABELS holds a text file for each photograph of PHOTOS, as YOLO writes them: a line a thing, "class
x y width height" in shares of the sides; NAMES is the YAML file that names the classes. COCO128 is
such a set. Each class of a photograph whose boxes fill 2 to 45 % of what the model sees is asked
for, against all other classes.

Deletion: the mean similarity while the hottest 10 to 90 % are covered, lower is better. Insertion:
the same while they alone are shown, higher is better. Both beside maps of smooth noise and one that
is hottest in the centre. Hit: the peak lies in a box. AUC: how often a cell inside is hotter than
one outside. The time is that of one photograph among five names, nine times.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.photos import open_picture
from clip_app.settings import read_settings
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.heatmap import GRID, blurred, heatmap, hottest, shown_through
from training.ranking import auroc

STEPS = np.arange(0.1, 1, 0.1)

# How often the time is taken.
_TIMED = 9


def main() -> None:
    """Make the maps, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("photos", "labels", "names"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--number", type=int, default=40, help="photographs")
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    known = yaml.safe_load(arguments.names.read_text("utf-8"))["names"]
    names = [known[place] for place in range(len(known))]
    weights = classes_from_labels(service, names).weights
    rng = np.random.default_rng(0)
    rows = defaultdict(list)
    photographs = 0
    for path in sorted(arguments.photos.iterdir()):
        label = arguments.labels / f"{path.stem}.txt"
        if photographs == arguments.number or not label.exists():
            continue
        picture = open_picture(path, service)
        boxes = boxed(service, picture, label)
        photographs += bool(boxes)
        pixels = service.preprocess(picture)
        hidden = blurred(pixels)
        for number, inside in boxes.items():
            others = [one for place, one in enumerate(names) if place != number]
            heat = heatmap(service, picture, names[number], contrast=others)
            direction = weights[number] - np.delete(weights, number, 0).mean(axis=0)
            maps = {"map": heat.values, "random": noise(rng), "centre": CENTRE}
            for name, values in maps.items():
                covers = [hottest(values, share) for share in STEPS]
                copies = [shown_through(pixels, hidden, 1 - one) for one in covers]
                copies += [shown_through(pixels, hidden, one) for one in covers]
                seen = (service.encode_pixels(copies) @ direction).reshape(2, -1).mean(axis=1)
                place = np.unravel_index(values.argmax(), values.shape)
                auc = auroc(values[inside], values[~inside])
                rows[name].append((*seen, inside[place], auc))
            rows["clear"].append(heat.clear)
    number = len(rows["clear"])
    print(f"{photographs} photographs, {number} things, {service.info.name}, {service.info.engine}")
    for kind in ("all", "clear"):
        chosen = np.array(rows["clear"]) | (kind == "all")
        print(f"\n| {kind} ({chosen.sum()}) | deletion | insertion | hit % | AUC |")
        print("|---|---:|---:|---:|---:|")
        for name in maps:
            gone, come, hit, auc = np.array(rows[name], float)[chosen].mean(axis=0)
            print(f"| {name} | {gone:.4f} | {come:.4f} | {100 * hit:.0f} | {auc:.3f} |")
    print("\n| seconds a map | least | median |\n|---|---:|---:|")
    for name, seconds in times(service, picture, names[:5]).items():
        print(f"| {name} | {min(seconds):.2f} | {np.median(seconds):.2f} |")


def times(
    service: ModelService, picture: Image.Image, names: Sequence[str]
) -> dict[str, list[float]]:
    """Seconds that a photograph's first map takes, and a map of its other names after it."""
    taken: dict[str, list[float]] = {"the first of a photograph": [], "another name's": []}
    rng = np.random.default_rng(0)
    for _ in range(_TIMED):
        # No other photograph has these pixels, so nothing of it is kept.
        grain = rng.integers(0, 8, (*picture.size[::-1], 3), np.uint8)
        new = Image.fromarray(np.asarray(picture) // 8 * 8 + grain)
        for place, seconds in enumerate(taken.values()):
            started = time.perf_counter()
            heatmap(service, new, names[place], contrast=names)
            seconds.append(time.perf_counter() - started)
    return taken


def boxed(service: ModelService, picture: Image.Image, label: Path) -> dict[int, np.ndarray]:
    """Which cells of a map lie inside boxes, by class."""
    left, top, right, bottom = service.seen_box(picture.size)
    fine = 8 * GRID
    found: dict[int, np.ndarray] = defaultdict(lambda: np.zeros((fine, fine), bool))
    for line in label.read_text("utf-8").splitlines():
        number, x, y, width, height = map(float, line.split())
        across = (np.array([x - width / 2, x + width / 2]) - left) / (right - left)
        down = (np.array([y - height / 2, y + height / 2]) - top) / (bottom - top)
        columns, rows = (
            np.clip(np.rint(fine * one), 0, fine).astype(int) for one in (across, down)
        )
        found[int(number)][slice(*rows), slice(*columns)] = True
    cells = {
        number: one.reshape(GRID, 8, GRID, 8).mean(axis=(1, 3)) > 0.5
        for number, one in found.items()
    }
    return {number: one for number, one in cells.items() if 0.02 < one.mean() < 0.45}


def noise(rng: np.random.Generator) -> np.ndarray:
    """A map as smooth as real ones that means nothing."""
    coarse = Image.fromarray(rng.standard_normal((5, 5)).astype(np.float32))
    return np.asarray(coarse.resize((GRID, GRID), Image.Resampling.BICUBIC))


_SIDE = np.abs(np.arange(GRID) - (GRID - 1) / 2)
CENTRE = -np.hypot(_SIDE[:, None], _SIDE[None])


if __name__ == "__main__":
    main()
