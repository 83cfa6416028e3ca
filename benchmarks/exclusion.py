"""How well a gallery search stays away from what is excluded.

    python benchmarks/exclusion.py FOLDER [--model starter]

FOLDER holds one photograph of each of ImageNet's 1,000 classes, named like
`n02085620_Chihuahua.JPEG`, so that their order is that of the classes. Words without words
(`animal - dog`) and photographs without what they show (a dog's, without "dog") are searched for as
the page does, and beside them the same without the exclusion.
"""

import argparse
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.gallery.gallery import Gallery, open_gallery  # noqa: E402
from clip_app.gallery.search import MAX_TOP_K  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.settings import Settings  # noqa: E402

#: How many results a page begins with.
FIRST = 24

_CAR = {407, 436, 468, 511, 555, 569, 609, 627, 656, 661, 675, 717, 734, 751, 757, 817, 864, 867}
_BOAT = {403, 472, 484, 510, 554, 576, 625, 628, 724, 780, 814, 833, 871, 914}
_OTHER_VEHICLES = {
    *(404, 405, 408, 444, 450, 466, 547, 565, 573, 586, 603, 654, 665, 670, 671, 690, 705, 779),
    *(802, 812, 820, 829, 847, 856, 866, 870, 874, 880, 895),
}

#: Numbers of ImageNet's classes by what they show.
GROUPS: dict[str, set[int]] = {
    "animal": set(range(398)),
    "dog": set(range(151, 269)),
    "cat": set(range(281, 286)),
    "big cat": set(range(281, 294)),
    "lion": {291},
    "bird": {*range(7, 25), *range(80, 101), *range(127, 147)},
    "snake": set(range(52, 69)),
    "monkey": set(range(365, 385)),
    "insect": set(range(300, 327)),
    "butterfly": set(range(321, 327)),
    "vehicle": _CAR | _BOAT | _OTHER_VEHICLES,
    "car": _CAR,
    "boat": _BOAT,
    "food": set(range(924, 970)),
    "fruit": set(range(948, 958)),
    "pet": {*range(151, 269), *range(281, 286)},
}
CHINESE = {
    **{"animal": "动物", "dog": "狗", "cat": "猫", "bird": "鸟", "vehicle": "交通工具"},
    **{"car": "汽车", "boat": "船", "food": "食物", "fruit": "水果", "pet": "宠物"},
    **{"monkey": "猴子", "snake": "蛇"},
}

#: (what is searched for, what is excluded), in English and where there are words in Chinese.
WORDS = (
    *(("animal", "dog"), ("animal", "bird"), ("vehicle", "car"), ("vehicle", "boat")),
    *(("food", "fruit"), ("pet", "dog"), ("animal", "snake"), ("insect", "butterfly")),
    ("big cat", "lion"),
)
_ONLY_ENGLISH = {"snake"}  # as excluded from animals

#: What photographs show that are searched for without it, and how many of each.
SHOWN = ("dog", "bird", "cat", "car", "boat", "monkey", "snake", "fruit")
PHOTOGRAPHS = 12


class Sample:
    """The gallery, with photographs as the numbers of their classes."""

    def __init__(self, gallery: Gallery, photographs: list[Path]) -> None:
        self.photographs = photographs
        self._gallery = gallery
        self._numbers = {str(path): number for number, path in enumerate(photographs)}

    def ranked(self, text: str = "", **how: object) -> list[int]:
        """The classes of what is found, best first, as many as a search answers with."""
        found = self._gallery.search(text, top_k=MAX_TOP_K, **how)
        return [self._numbers[hit.path] for hit in found.hits]


def average_precision(order: list[int], right: Collection[int]) -> float:
    """Mean over the right ones of the share of right ones down to each."""
    places = np.flatnonzero([one in right for one in order])
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))


def among_first(order: list[int], group: Collection[int]) -> float:
    """Share of `group` among the first results, of as many as there could be."""
    return sum(one in group for one in order[:FIRST]) / min(FIRST, len(group))


def words_without_words(sample: Sample) -> None:
    """Print what excluding does to searches by words."""
    asked = [(text, without, text, without) for text, without in WORDS]
    asked += [
        (CHINESE[text], CHINESE[without], text, without)
        for text, without in WORDS
        if {text, without} <= CHINESE.keys() and without not in _ONLY_ENGLISH
    ]
    figures = []
    for text, without, group, excluded in asked:
        wanted = GROUPS[group] - GROUPS[excluded]
        for order in (sample.ranked(text), sample.ranked(text, exclude=without)):
            bad = sum(one in GROUPS[excluded] for one in order[:FIRST]) / FIRST
            figures.append((average_precision(order, wanted), bad))
    plain, without_it = np.array(figures[::2]).mean(axis=0), np.array(figures[1::2]).mean(axis=0)
    for name, (precision, bad) in (("without", without_it), ("as if not excluded", plain)):
        print(f"| {len(asked)} words, {name} | {precision:.2f} | {100 * bad:.0f} % |")


def photographs_without_words(sample: Sample) -> None:
    """Print what excluding what they show does to searches by photographs."""
    plain, without_it = [], []
    for name in SHOWN:
        group = sorted(GROUPS[name])
        for number in np.random.default_rng(1).permutation(group)[:PHOTOGRAPHS]:
            image = str(sample.photographs[number])
            rest = GROUPS[name] - {int(number)}
            for word in (name, CHINESE[name]):
                plain.append(among_first(sample.ranked(images=[image]), rest))
                without_it.append(among_first(sample.ranked(images=[image], exclude=word), rest))
    for name, shares in (("without what they show", without_it), ("as if not excluded", plain)):
        print(f"| {len(shares)} photographs, {name} | – | {100 * np.mean(shares):.0f} % |")


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="starter")
    given = parser.parse_args()
    photographs = sorted(given.folder.resolve().glob("*.JPEG"))
    if len(photographs) != 1000:
        parser.error(f"{len(photographs)} photographs of 1,000")
    with tempfile.TemporaryDirectory() as indexes:
        gallery = open_gallery(
            given.folder, load_model(Settings(model=given.model)), index_dir=indexes
        )
        gallery.index()
        sample = Sample(gallery, photographs)
        print(
            f"| {FIRST} first of each | average precision | show what is excluded |\n|---|---|---|"
        )
        words_without_words(sample)
        photographs_without_words(sample)


if __name__ == "__main__":
    main()
