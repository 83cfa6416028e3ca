"""How well a model names and describes photographs, in English and in Chinese.

    python benchmarks/zero_shot.py --data DIR [--model starter] [--seen FILE.json]
    python benchmarks/zero_shot.py --images FOLDER [--names FILE.json]
    python benchmarks/zero_shot.py --images FOLDER --captions FILE

`--data` measures every set of `training/datasets.py` that lies below DIR, on its held-out part.
`--images` measures a folder with a folder for each class; `--names` tells what to call them, either
{"FOLDER": {"en": ["name"], "zh": ["名称"]}} or {"FOLDER": "名称"}, else the folders' own names are
taken for English. `--captions` is COCO's JSON, or lines of a file name, a tab (in a .csv a comma)
and a caption; `--images` then holds the photographs.

Prints one Markdown table. `--json` writes the same figures to a file.
"""

import argparse
import json
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.photos import encode_files
from clip_app.prompts import TEMPLATE_SETS
from clip_app.settings import read_settings
from clip_app.strings import LANGUAGES, Language
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.evaluate import evaluate_features
from training.datasets import (
    CaptionSet,
    DatasetError,
    LabelledSet,
    caption_sets,
    folder_of_classes,
    folder_with_captions,
    labelled_sets,
)
from training.ranking import places, within

# What a training build may say in `--seen` of a set or of each of its labels, in the order of the
# table. A set or label that it does not name took no part in training.
UNNAMED = "nothing seen"
NEWS = ("images held out", "labels and images held out", UNNAMED, "images seen")
NOT_TOLD = "not told"


@dataclass(frozen=True)
class Result:
    """What was measured on one set.

    Attributes:
        new: what of it was new to the model, of `NEWS` or `NOT_TOLD`.
        photos, choices: how many photographs, and labels or captions offered for each.
        figures: by language, percentages: `accuracy`, the top-1 and top-5 of label sets; or
            `text_to_image` and `image_to_text`, recall at 1, 5 and 10 of captions.
    """

    name: str
    title: str
    new: str
    photos: int
    choices: dict[str, int]
    figures: dict[str, dict[str, list[float]]]


class Photographs:
    """Features of photographs, each encoded once whichever sets it is in."""

    def __init__(self, service: ModelService) -> None:
        self._service = service
        self._rows: dict[Path, np.ndarray | None] = {}
        #: How long decoding and encoding took together, and for how many photographs.
        self.seconds = 0.0
        self.encoded = 0

    def features(self, paths: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
        """Features, float32 (n, embedding_size), of those that can be read, and their places."""
        new = [path for path in dict.fromkeys(paths) if path not in self._rows]
        started = time.perf_counter()
        for path, photo in zip(new, encode_files(self._service, new), strict=True):
            if photo.error is not None:
                print(photo.error, file=sys.stderr)
            self._rows[path] = photo.image_features
            self.encoded += photo.image_features is not None
        self.seconds += time.perf_counter() - started
        rows_by_place = {place: self._rows[path] for place, path in enumerate(paths)}
        known = {place: row for place, row in rows_by_place.items() if row is not None}
        if not known:
            raise ValueError(f"none of {len(paths)} photographs can be read")
        return np.stack(list(known.values())), list(known)


def measure_labels(
    service: ModelService,
    photographs: Photographs,
    one: LabelledSet,
    templates: str,
    new: str | Mapping[str, str],
) -> list[Result]:
    """Zero-shot classification of the set's held-out photographs by each label's usual name.

    Args:
        new: what of the set was new to the model, or of each label; then every kind of label has a
            result of its own, with all labels to choose from.
    """
    features, kept = photographs.features([photo.path for photo in one.test])
    keys = list(one.names)
    right = np.array([keys.index(one.test[place].label) for place in kept])
    names = {
        language: [one.names[key][language][0] for key in keys]
        for language in _languages(service, [list(names) for names in one.names.values()])
    }
    weights = {
        language: classes_from_labels(service, said, _templates(templates, language)).weights
        for language, said in names.items()
    }
    kinds = [new if isinstance(new, str) else new.get(keys[row], UNNAMED) for row in right]
    results = []
    for kind in dict.fromkeys(kinds):
        rows = np.flatnonzero(np.array(kinds) == kind)
        figures = {}
        for language, said in names.items():
            found = evaluate_features(
                service,
                features[rows],
                right[rows],
                said,
                lambda _, language=language: weights[language],
                thorough=False,
            )
            shares = (found.top1, found.top5)
            figures[language] = {"accuracy": [round(100 * each.value, 2) for each in shares]}
        choices = dict.fromkeys(figures, len(keys))
        results.append(Result(one.name, one.title, kind, len(rows), choices, figures))
    return results


def measure_captions(
    service: ModelService, photographs: Photographs, one: CaptionSet, new: str
) -> Result:
    """Retrieval both ways, every caption a query; a photograph is right with any of its own."""
    features, kept = photographs.features(one.photos)
    figures: dict[str, dict[str, list[float]]] = {}
    choices: dict[str, int] = {}
    texts = {"en": one.captions, "zh": one.chinese}
    present = [[name for name in LANGUAGES if texts[name][place]] for place in kept]
    for language in _languages(service, present):
        captions = [caption for place in kept for caption in texts[language][place]]
        owner = np.repeat(np.arange(len(kept)), [len(texts[language][place]) for place in kept])
        rows = service.encode_texts(captions)
        to_image = places(rows, features, owner)
        # The place of each caption for its own photograph; the best of them counts.
        to_text = np.full(len(kept), len(captions))
        np.minimum.at(to_text, owner, places(features[owner], rows, np.arange(len(captions))))
        figures[language] = {
            "text_to_image": [within(to_image, k) for k in (1, 5, 10)],
            "image_to_text": [within(to_text, k) for k in (1, 5, 10)],
        }
        choices[language] = len(captions)
    return Result(one.name, one.title, new, len(kept), choices, figures)


def table(results: Sequence[Result]) -> str:
    """One Markdown table, grouped by what was new to the model, with each group's mean."""
    lines = [
        "| new to the model | set | photographs | labels or captions | English | Chinese |",
        "|---|---|---:|---:|---|---|",
    ]
    order = [*NEWS, NOT_TOLD, *sorted({one.new for one in results} - {*NEWS, NOT_TOLD})]
    for new in order:
        group = [one for one in results if one.new == new]
        for one in group:
            choices = " / ".join(map(str, dict.fromkeys(one.choices.values())))
            cells = " | ".join(_cell(one.figures.get(language, {})) for language in ("en", "zh"))
            lines.append(f"| {new} | {one.name} | {one.photos} | {choices} | {cells} |")
        means = [_mean(group, language) for language in ("en", "zh")]
        if means != ["–", "–"]:
            lines.append(f"| {new} | *mean of the label sets* | | | {' | '.join(means)} |")
    return "\n".join(lines)


def _cell(figures: dict[str, list[float]]) -> str:
    return " · ".join(" / ".join(f"{one:.1f}" for one in both) for both in figures.values()) or "–"


def _mean(group: Sequence[Result], language: str) -> str:
    measured = [one.figures.get(language, {}).get("accuracy") for one in group]
    known = [one for one in measured if one]
    if len(known) < 2:
        return "–"
    return " / ".join(f"{one:.1f}" for one in np.mean(known, axis=0))


def _languages(service: ModelService, present: Sequence[Sequence[str]]) -> list[Language]:
    """Those that the model reads and that every label or photograph has."""
    return [
        language
        for language in LANGUAGES
        if service.reads(language) and present and all(language in one for one in present)
    ]


def _templates(choice: str, language: Language) -> str:
    # The larger sets are English; Chinese names go into the Chinese one whichever is chosen.
    return choice if language == "en" or choice == "none" else "auto"


def main() -> None:
    """Measure what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter", help="as for the app")
    parser.add_argument("--device", default=argparse.SUPPRESS, help="as for the app")
    parser.add_argument("--precision", default=argparse.SUPPRESS, help="as for the app")
    parser.add_argument("--data", type=Path, help="folder of the sets of training/datasets.py")
    parser.add_argument("--sets", help="of those, only these; by commas")
    parser.add_argument("--images", type=Path, help="folder of class folders, or of photographs")
    parser.add_argument("--names", type=Path, help="names of the class folders")
    parser.add_argument("--captions", type=Path, help="captions of the photographs in --images")
    parser.add_argument("--templates", default="auto", choices=["auto", *TEMPLATE_SETS])
    parser.add_argument("--seen", type=Path, help="the seen.json of a training build")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    if not (options.data or options.images):
        parser.error("--data or --images is needed")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)

    try:
        labelled = labelled_sets(options.data) if options.data else []
        captioned = [s for s in caption_sets(options.data) if not s.train] if options.data else []
    except DatasetError as error:
        parser.error(str(error))
    if options.images and options.captions:
        captioned.append(folder_with_captions(options.images, options.captions))
    elif options.images:
        labelled.append(folder_of_classes(options.images, options.names))
    if options.sets:
        wanted = options.sets.split(",")
        labelled = [one for one in labelled if one.name in wanted]
        captioned = [one for one in captioned if one.name in wanted]
    if not labelled and not captioned:
        parser.error("there is nothing to measure: none of the sets asked for is there")
    new = defaultdict(lambda: UNNAMED if options.seen else NOT_TOLD)
    if options.seen:
        try:
            new.update(json.loads(options.seen.read_text("utf-8")))
        except (OSError, TypeError, ValueError) as error:
            parser.error(f"--seen {options.seen} cannot be read: {error}")

    service = load_model(read_settings(options))
    photographs = Photographs(service)
    results = [
        *(
            result
            for one in labelled
            for result in measure_labels(
                service, photographs, one, options.templates, new[one.name]
            )
        ),
        *(measure_captions(service, photographs, one, new[one.name]) for one in captioned),
    ]
    rate = photographs.encoded / photographs.seconds
    print(
        f"{service.info.title} on {service.info.device}, templates {options.templates}: "
        f"{photographs.encoded} photographs, {rate:.0f} a second with decoding.\n\n"
        f"{table(results)}\n\n"
        "Percentages. Labels: top-1 / top-5. Captions: text → image recall at 1 / 5 / 10 · "
        "image → text."
    )
    if options.json:
        report = {
            "model": service.info.name,
            "fingerprint": service.info.fingerprint,
            "device": service.info.device,
            "templates": options.templates,
            "photographs_per_second": round(rate, 1),
            "sets": [asdict(one) for one in results],
        }
        options.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
