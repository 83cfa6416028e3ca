"""How often "nothing in this gallery fits" is right, on folders of photographs with known content.

    python benchmarks/nothing_fits.py FOLDER... [--model starter] [--features features.npz]

A FOLDER holds a folder for each class, named in English as a person would say it, or photographs
named like `n02123045_tabby.JPEG` after ImageNet's classes. Each FOLDER is a gallery, and so are all
of them together and random parts of that. Every class of a gallery is searched for by its name
three times over: as it is, with its photographs taken out, and with those of near classes out too;
and so are absurd things that hardly any folder holds, and everyday words near no class. Results are
ranked and judged as in the app, by the prompts of a search and by the one of the background.
`names.json` in a FOLDER may give the classes' Chinese names, {"cat": "猫"}.
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.gallery.asking import words_of
from clip_app.gallery.pages import BLOCK
from clip_app.gallery.relevance import (
    CHANCE_LIMIT,
    LINE_LIMIT,
    Term,
    calibrate,
    chances,
    unrelated_queries,
)
from clip_app.gallery.relevance import line as line_of
from clip_app.model.backgrounds import TEMPLATES, Background, background_for, background_words
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.photos import encode_files
from clip_app.prompts import label_sets
from clip_app.scoring import unit
from clip_app.settings import read_settings
from clip_app.strings import LANGUAGES, Language
from training.ranking import auroc

SHOWN = 50
MAX_QUERIES = 100
SIZES = (100, 1_000, 10_000)

#: The gallery whose line is told, and limits beyond the first result that fits.
LINE_GALLERY = "1000 of all"
LINE_LIMITS = (CHANCE_LIMIT, LINE_LIMIT, 0.8)

#: Everyday words that are near no class: one in so many is searched for.
EVERYDAY_STEP = 8

#: Queries that hardly any folder holds an answer to.
ABSURD: dict[Language, list[str]] = json.loads(
    Path(__file__).with_name("absurd_queries.json").read_text("utf-8")
)


@dataclass(frozen=True)
class Photograph:
    """One photograph: where it is, and its class's name by language."""

    path: Path
    names: dict[Language, str]


@dataclass(frozen=True)
class Search:
    """One search: the verdict's chance of each of the first results, and what else could judge.

    `chance` and `relevant` are of the results among which the app draws its line; `right` is how
    many right ones the whole gallery has.
    """

    chance: np.ndarray
    relevant: np.ndarray
    right: int
    cosine: float
    deviation: float


def main() -> None:
    """Encode the photographs once, then search every gallery."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--features", type=Path, help="keep the photographs' features in this file")
    parser.add_argument(
        "--offset",
        type=float,
        default=0.0,
        help="make another model of this one: add a constant vector of this length to all images, "
        "and another to all texts",
    )
    arguments = parser.parse_args()
    photographs = []
    for folder in arguments.folders:
        found = photographs_in(folder)
        if not found:
            parser.error(f"{folder} holds no photographs whose content its names tell")
        photographs += found
    service = load_model(read_settings(arguments))
    vectors, photographs = encoded(service, photographs, arguments.features)
    if arguments.offset:
        vectors = with_offset(service, vectors, arguments.offset)
    print(f"{len(photographs)} photographs, {service.info.name}, limit {CHANCE_LIMIT}\n")
    print(
        "| gallery | photographs | language | found % | taken out, found % | near ones out too,"
        " found % | absurd, found % | right of shown % | of right ones shown % | right of top 50 %"
        " | AUROC chance | cosine | deviations |"
    )
    print("|---|---:|---|" + "---:|" * 10)
    rows = {}
    for name, members in galleries(arguments.folders, photographs).items():
        for language in LANGUAGES:
            searches = search_all(
                service, vectors[members], [photographs[i] for i in members], language
            )
            if searches["there"]:
                rows[name, language] = searches
                print(f"| {name} | {len(members)} | {language} | {line(searches)} |", flush=True)
    compare_limits(list(rows.values()))
    if rows:
        gallery = LINE_GALLERY if (LINE_GALLERY, "en") in rows else list(rows)[-1][0]
        tell_line(
            {
                language: rows[gallery, language]
                for language in LANGUAGES
                if (gallery, language) in rows
            }
        )


def parser_of_sets(doc: str) -> argparse.ArgumentParser:
    """What every benchmark of a folder of labelled sets is asked with."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("sets", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--features", type=Path, help="keep the photographs' features in this file")
    return parser


def photographs_in(folder: Path) -> list[Photograph]:
    """The photographs of a folder, and what is on them."""
    chinese = folder / "names.json"
    translated = json.loads(chinese.read_text("utf-8")) if chinese.exists() else {}
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png", ".webp"}:
            continue
        names: dict[Language, str] = {}
        if re.match(r"n\d{8}_", path.name):
            names = imagenet_names(path, folder)
        elif path.parent != folder:
            english = path.parent.name
            names["en"] = english
            if english in translated:
                names["zh"] = translated[english]
        if names:
            found.append(Photograph(path, names))
    return found


def imagenet_names(path: Path, folder: Path) -> dict[Language, str]:
    """Names of an ImageNet class by its WordNet number, whose order is that of the classes."""
    numbers = sorted({one.name[:9] for one in folder.glob("n*_*")})
    if len(numbers) != len(open_clip.IMAGENET_CLASSNAMES):
        return {"en": path.stem[10:].replace("_", " ")}
    index = numbers.index(path.name[:9])
    labels = label_sets()["imagenet1k"].labels
    return {language: labels[language][index] for language in LANGUAGES}


def encoded(
    service: ModelService, photographs: list[Photograph], cache: Path | None
) -> tuple[np.ndarray, list[Photograph]]:
    """Features of the photographs that can be read, from the file where it holds them."""
    known: dict[str, np.ndarray] = {}
    if cache and cache.exists():
        with np.load(cache) as stored:
            known = dict(zip(stored["paths"], stored["features"], strict=True))
    new = [one.path for one in photographs if str(one.path) not in known]
    for photo in encode_files(service, new):
        if photo.image_features is None:
            print(photo.error)
        else:
            known[str(photo.source)] = photo.image_features
    if cache and new:
        np.savez(cache, paths=np.array(list(known)), features=np.stack(list(known.values())))
    readable = [one for one in photographs if str(one.path) in known]
    return np.stack([known[str(one.path)] for one in readable]), readable


def with_offset(service: ModelService, vectors: np.ndarray, length: float) -> np.ndarray:
    """Move images and texts apart, as most CLIP models have them (Liang et al. 2022).

    The vectors are returned; texts are moved from now on as `service` encodes them.
    """
    rng = np.random.default_rng(1)
    for_images, for_texts = unit(rng.normal(size=(2, vectors.shape[1])).astype(np.float32))
    plain = service.encode_labels

    def moved(*arguments: object) -> np.ndarray:
        return unit(plain(*arguments) + length * for_texts)

    service.encode_labels = moved
    return unit(vectors + length * for_images)


def galleries(folders: list[Path], photographs: list[Photograph]) -> dict[str, np.ndarray]:
    """Indices of each gallery's photographs, by its name."""
    rng = np.random.default_rng(0)
    everything = np.arange(len(photographs))
    found = {
        folder.name: np.array(
            [i for i, one in enumerate(photographs) if folder in one.path.parents], int
        )
        for folder in folders
    }
    for size in SIZES:
        if size < len(everything):
            found[f"{size} of all"] = rng.choice(everything, size, replace=False)
    if len(folders) > 1:
        found["all"] = everything
    return found


def search_all(
    service: ModelService, vectors: np.ndarray, photographs: list[Photograph], language: Language
) -> dict[str, list[Search]]:
    """Every search of one gallery in one language, by whether its photographs are there."""
    background = background_for(service, language)
    calibration = calibrate(vectors)
    here = [one.names.get(language, "") for one in photographs]
    classes = sorted(set(here) - {""})
    features = service.encode_labels(classes, TEMPLATES[language])
    of_class = np.array([classes.index(name) if name else -1 for name in here])
    kinds = ("there", "out", "near out", "absurd", "everyday", "before")
    searches: dict[str, list[Search]] = {kind: [] for kind in kinds}
    everything = np.ones(len(vectors), bool)

    def search(
        kind: str,
        judged: np.ndarray,
        ranked: np.ndarray,
        keep: np.ndarray = everything,
        relevant: np.ndarray = ~everything,
        words: Background = background,
    ) -> None:
        unrelated = unrelated_queries(calibration, [Term(judged, 1.0, words)])
        left = np.flatnonzero(keep)
        scores = vectors[left] @ ranked
        top = left[np.argsort(-scores)[:BLOCK]]
        found = Search(
            chances(calibration, judged, unrelated, vectors[top]),
            relevant[top],
            int(relevant[left].sum()),
            float(scores.max()),
            float((scores.max() - scores.mean()) / scores.std()),
        )
        searches[kind].append(found)

    rng = np.random.default_rng(0)
    for number in rng.permutation(len(classes))[:MAX_QUERIES]:
        judged, ranked = features[number], words_of(service, classes[number])
        same = same_thing(number, classes)
        near = same | (features @ judged >= background.near)
        relevant = np.where(of_class >= 0, same[of_class], False)
        alike = np.where(of_class >= 0, near[of_class], False)
        search("there", judged, ranked, relevant=relevant)
        search("before", judged, judged, relevant=relevant)
        for kind, gone in (("out", relevant), ("near out", alike)):
            if (~gone).sum() >= 10:
                search(kind, judged, ranked, ~gone, relevant)
    for text in ABSURD[language]:
        judged = service.encode_labels([text], TEMPLATES[language])[0]
        search("absurd", judged, words_of(service, text))
    far = np.flatnonzero((background.features @ features.T).max(axis=1) < background.near)
    for number in far[::EVERYDAY_STEP]:
        others = Background(np.delete(background.features, number, axis=0), background.near)
        ranked = words_of(service, background_words(language)[number])
        search("everyday", background.features[number], ranked, words=others)
    return searches


def same_thing(number: int, classes: list[str]) -> np.ndarray:
    """Which classes are the one with this number by name: "cat" and "Siamese cat" are."""
    name = classes[number].lower()
    return np.array([name in one.lower() or one.lower() in name for one in classes])


def line(searches: dict[str, list[Search]]) -> str:
    """The figures of one gallery."""
    cells = [told(searches[kind]) for kind in ("there", "out", "near out", "absurd")]
    right, shown = above_line(searches["there"], LINE_LIMIT)
    cells += [f"{shown:.0f}", f"{right:.0f}"]
    cells.append(f"{100 * np.mean([one.relevant[:SHOWN].mean() for one in searches['there']]):.0f}")
    for judge in (lambda one: -one.chance.min(), lambda one: one.cosine, lambda one: one.deviation):
        there, out = ([judge(one) for one in searches[kind]] for kind in ("there", "near out"))
        cells.append(f"{auroc(np.array(there), np.array(out)):.3f}")
    return " | ".join(cells)


def above_line(
    searches: list[Search], limit: float, found_only: bool = False
) -> tuple[float, float]:
    """Percent of the right ones that lie above the line, and of what lies above that is right.

    Args:
        searches: for things that are there.
        limit: the chance that a result may have where any has at most `CHANCE_LIMIT`.
        found_only: leave out searches of which no result fits.
    """
    right, shown = [], []
    for one in searches:
        fits = bool((one.chance <= CHANCE_LIMIT).any())
        if found_only and not fits:
            continue
        above = one.relevant[: line_of(one.chance <= (limit if fits else CHANCE_LIMIT))]
        right.append(above.sum() / one.right)
        if len(above):
            shown.append(above.mean())
    return 100 * float(np.mean(right)), 100 * float(np.mean(shown)) if shown else 0.0


def tell_line(searches: dict[Language, dict[str, list[Search]]]) -> None:
    """How many of the right ones lie above the line: ranked as before, as now, other limits."""
    print(
        "\n| limit beyond the first | right ones above % | right of what is above % | where", end=""
    )
    print(" anything is found, right ones above % | found % | absent % | everyday % | absurd % |")
    print("|---|" + "---|" * 7)
    rows = [(f"{CHANCE_LIMIT}, one prompt (before)", "before", CHANCE_LIMIT)]
    rows += [(str(one), "there", one) for one in LINE_LIMITS]
    for title, there, limit in rows:
        cells = []
        for of in searches.values():
            figures = [*above_line(of[there], limit), above_line(of[there], limit, True)[0]]
            cells.append(
                [f"{one:.0f}" for one in figures]
                + [told(of[kind]) for kind in (there, "near out", "everyday", "absurd")]
            )
        both = " | ".join(" / ".join(one) for one in zip(*cells, strict=True))
        print(f"| {title} | {both} |")


def told(searches: list[Search]) -> str:
    """How many of the searches find something, in percent."""
    return f"{100 * passed(searches):.0f}" if searches else "–"


def passed(searches: list[Search]) -> float:
    """Share of searches in which some result fits."""
    return float(np.mean([(one.chance <= CHANCE_LIMIT).any() for one in searches]))


def compare_limits(galleries: list[dict[str, list[Search]]]) -> None:
    """One limit for all galleries: this one, and the fixed ones that miss as many as it does."""
    print(
        "\n| one limit for all | found % | near ones out too, mean | worst | absurd, mean | worst |"
    )
    print("|---|" + "---:|" * 5)
    judges = {
        "chance": lambda one: -one.chance.min(),
        "cosine": lambda one: one.cosine,
        "deviations": lambda one: one.deviation,
    }
    wanted = np.mean([passed(one["there"]) for one in galleries])
    for name, judge in judges.items():
        scores = [
            {kind: np.array([judge(s) for s in ones]) for kind, ones in one.items()}
            for one in galleries
        ]

        def share(kind: str, limit: float, scores: list = scores) -> np.ndarray:
            return np.array([(one[kind] >= limit).mean() for one in scores if len(one[kind])])

        if name == "chance":
            limit = -CHANCE_LIMIT
        else:
            tried = np.unique(np.concatenate([one["there"] for one in scores]))
            limit = min(tried, key=lambda at: abs(share("there", at).mean() - wanted))
        cells = [share("there", limit).mean()]
        for kind in ("near out", "absurd"):
            cells += [share(kind, limit).mean(), share(kind, limit).max()]
        print(f"| {name} {abs(limit):.3g} | " + " | ".join(f"{100 * c:.0f}" for c in cells) + " |")


if __name__ == "__main__":
    main()
