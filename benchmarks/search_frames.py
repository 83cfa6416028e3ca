"""What a search finds with the app's prompts and with the one prompt that it had before.

    python benchmarks/search_frames.py FOLDER [--model starter] [--features features.npz]

FOLDER holds labelled sets, SET/CLASS/*.jpg, with Chinese names in SET/names.json. All photographs
are one gallery. Each class is searched for by its name, in the plural, with "a photo of" before it,
and by a sentence; and words for the same thing should find the same photographs.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "benchmarks"))

from nothing_fits import encoded, parser_of_sets, photographs_in  # noqa: E402

from clip_app.gallery.asking import words_of  # noqa: E402
from clip_app.model.backgrounds import TEMPLATES  # noqa: E402
from clip_app.model.service import ModelService  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.prompts import language_of_texts  # noqa: E402
from clip_app.settings import read_settings  # noqa: E402
from clip_app.strings import LANGUAGES, Language  # noqa: E402

SHOWN = 10

#: Words for one class, and of how many first results those of the class are counted.
ONE_CLASS = "car"
ONE_CLASS_WORDS = ("car", "a car", "cars", "automobile", "汽车", "轿车")
ONE_CLASS_SHOWN = 20

Encode = Callable[[ModelService, str], np.ndarray]

#: Words for one thing.
SAME: dict[Language, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("car", "automobile", "motorcar", "sedan"),
        ("phone", "telephone", "cell phone"),
        ("bicycle", "bike"),
        ("motorcycle", "motorbike"),
        ("cup", "mug"),
        ("sofa", "couch"),
        ("drum kit", "drums"),
        ("physician", "doctor"),
        ("policeman", "police officer"),
        ("woods", "forest"),
        ("harbour", "port", "harbor"),
        ("ape", "monkey"),
        ("trash", "garbage", "rubbish"),
        ("child", "kid"),
        ("ship", "boat", "vessel"),
        ("stone", "rock"),
    ),
    "zh": (
        ("汽车", "轿车", "小汽车"),
        ("手机", "移动电话"),
        ("自行车", "单车", "脚踏车"),
        ("摩托车", "机车"),
        ("杯子", "茶杯"),
        ("架子鼓", "爵士鼓"),
        ("医生", "大夫"),
        ("警察", "警员"),
        ("森林", "树林"),
        ("港口", "码头"),
        ("垃圾", "废物"),
        ("猫", "猫咪"),
        ("狗", "小狗", "犬"),
        ("厨师", "大厨"),
        ("农民", "农夫"),
        ("飞机", "客机"),
    ),
}


def main() -> None:
    """Print the tables."""
    parser = parser_of_sets(__doc__)
    arguments = parser.parse_args()
    service = load_model(read_settings(arguments))
    sets = sorted(one for one in arguments.sets.iterdir() if one.is_dir())
    vectors, photographs = encoded(
        service, [one for folder in sets for one in photographs_in(folder)], arguments.features
    )
    print(f"{len(photographs)} photographs, {service.info.name}\n")
    print("| queries | language | number | precision@10 before | now | first right before | now |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for language in LANGUAGES:
        of = np.array([one.names.get(language, "") for one in photographs])
        names = sorted(set(of) - {""})
        for kind, ask in asked(language).items():
            relevant = np.stack([of == name for name in names])
            before, now = (
                measured(encode, service, [ask(name) for name in names], vectors, relevant)
                for encode in ENCODERS
            )
            figures = " | ".join(
                f"{one:.1f}" for both in zip(before, now, strict=True) for one in both
            )
            print(f"| {kind} | {language} | {len(names)} | {figures} |", flush=True)
    tell_one_class(service, vectors, np.array([one.names["en"] for one in photographs]))
    for language in LANGUAGES:
        shares = [agreement(one, service, vectors, language) for one in ENCODERS]
        print(
            f"\nSame of the first ten for words that mean the same, {language}: "
            f"{shares[0]:.0f} % before, {shares[1]:.0f} % now."
        )
    print(
        f"\nEncoding a query takes {timed(one_prompt, service):.1f} ms before, "
        f"{timed(words_of, service):.1f} ms now, and nothing when it comes again."
    )


def asked(language: Language) -> dict[str, Callable[[str], str]]:
    """Ways to ask for a class."""
    if language == "zh":
        return {
            "names": str,
            "the photograph": lambda name: f"一张{name}的照片",
            "sentences": lambda name: f"我想在这里找到那些拍到{name}的照片",
        }
    return {
        "names": str,
        "with an article": lambda name: f"a {name}",
        "plurals": plural,
        "the photograph": lambda name: f"a photo of a {name}",
        "sentences": lambda name: f"there is a {name} in the middle of this picture",
    }


def plural(name: str) -> str:
    """More than one of it."""
    if name.endswith("s"):
        return name
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return name + ("es" if name.endswith(("x", "ch", "sh")) else "s")


def one_prompt(service: ModelService, text: str) -> np.ndarray:
    """As it was before: whatever is asked, in one prompt."""
    return service.encode_labels([text], TEMPLATES[language_of_texts([text])])[0]


#: As it was before, and as the app does.
ENCODERS: tuple[Encode, ...] = (one_prompt, words_of)


def first(query: np.ndarray, vectors: np.ndarray, number: int = SHOWN) -> np.ndarray:
    """The places of the first ten, or so many."""
    return np.argsort(-(vectors @ query), kind="stable")[:number]


def tell_one_class(service: ModelService, vectors: np.ndarray, of: np.ndarray) -> None:
    """Print how many of the first are of one class, in each way to ask for it, if it is there."""
    if ONE_CLASS not in of:
        return
    print(f"\n| {ONE_CLASS} of the first {ONE_CLASS_SHOWN} | before | now |\n|---|---:|---:|")
    for word in ONE_CLASS_WORDS:
        found = [of[first(one(service, word), vectors, ONE_CLASS_SHOWN)] for one in ENCODERS]
        cells = " | ".join(str(int((one == ONE_CLASS).sum())) for one in found)
        print(f"| {word} | {cells} |", flush=True)


def measured(
    encode: Encode,
    service: ModelService,
    texts: Sequence[str],
    vectors: np.ndarray,
    relevant: np.ndarray,
) -> tuple[float, float]:
    """Right ones of the first ten, in percent of the best possible; how often the first is."""
    found = [
        right[first(encode(service, one), vectors)]
        for one, right in zip(texts, relevant, strict=True)
    ]
    best = np.minimum(SHOWN, relevant.sum(axis=1))
    shares = [one.sum() / most for one, most in zip(found, best, strict=True)]
    return 100 * statistics.mean(shares), 100 * statistics.mean(float(one[0]) for one in found)


def agreement(
    encode: Encode, service: ModelService, vectors: np.ndarray, language: Language
) -> float:
    """Percent of the first ten that a word and the first word for the same thing share."""
    shares = []
    for word, *others in SAME[language]:
        found = set(first(encode(service, word), vectors).tolist())
        shares += [
            len(found & set(first(encode(service, one), vectors).tolist())) / SHOWN
            for one in others
        ]
    return 100 * statistics.mean(shares)


def timed(encode: Encode, service: ModelService) -> float:
    """Milliseconds for a query that was never asked, the median."""
    taken = []
    for number in range(40):
        began = time.perf_counter()
        encode(service, f"red car {number}")
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


if __name__ == "__main__":
    main()
