"""Builds the starter model: `python -m training.build --data DIR --out assets/starter`.

Every step keeps what it made in the work folder under a name that depends on its inputs, so that a
run that was stopped goes on where it was, and a run with other inputs starts that step anew.
"""

import argparse
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from torch import nn

from clip_app.prompts import label_sets
from training import align, evaluate, export, synthetic, text_data, text_tower, vocabulary
from training.concepts import Concept, Cuts, build_concepts, read_wordnet
from training.datasets import (
    CaptionSet,
    DatasetError,
    LabelledSet,
    Names,
    Photo,
    caption_sets,
    labelled_sets,
)
from training.features import FeatureStore, open_photo
from training.image_tower import Classifier, imagenet_wnids, load_image_tower
from training.inputs import Inputs, MissingInputError, find_inputs
from training.text_data import PROMPTS, Pair, Texts
from training.text_tower import TextEncoder

log = logging.getLogger("training")

# Of each set's training photographs this share sets the logit scale and is never trained on.
_CALIBRATION_SHARE = 0.03

# Sets whose pictures are no photographs of things: the ImageNet classifier is no teacher for them.
_NO_PHOTOGRAPHS = ("drawn", "pacs", "textures", "expressions", "wikiart")

# Photographs that are looked at for a main colour, and the most that are kept of one colour.
_COLOR_CANDIDATES = 8000
_PHOTOS_PER_COLOR = 250


@dataclass(frozen=True)
class Plan:
    """How much of everything; the defaults make the bundled starter.

    Attributes:
        photos_per_set: most training photographs of one set, chosen by their names.
        test_photos: most test photographs of one set in the report at the end.
        drawings: pictures drawn for colours, shapes and numbers.
        text_steps, head_steps: training steps of the text tower and of the alignment's longer run.
        english_tokens, chinese_tokens: most tokens of each language.
        crops: how many parts of each photograph are seen besides the whole.
    """

    photos_per_set: int = 8000
    test_photos: int = 1000
    drawings: int = 2016
    text_steps: int = 550
    head_steps: int = 4000
    english_tokens: int = 12_000
    chinese_tokens: int = 9000
    crops: int = 2


@dataclass(frozen=True)
class _Builder:
    """What the steps share."""

    inputs: Inputs
    plan: Plan
    work: Path
    trunk: nn.Module
    teacher: Classifier
    store: FeatureStore


def build(
    labelled: Sequence[LabelledSet],
    captioned: Sequence[CaptionSet],
    translated: Sequence[Pair],
    inputs: Inputs,
    out: Path,
    work: Path,
    plan: Plan,
) -> dict[str, dict]:
    """Run every step.

    Args:
        translated: captions in both languages; their photographs are not needed.
        out: the model folder to write.
        work: what every step keeps, and `report.json` and `seen.json` at the end.

    Returns:
        the report: percentages by set, see `evaluate.report`.

    Raises:
        MissingInputError: if there are photographs to train on, but none can be read.
    """
    torch.manual_seed(0)
    work.mkdir(parents=True, exist_ok=True)
    with _timed("image tower"):
        trunk, teacher = load_image_tower(inputs.image_weights)
        builder = _Builder(
            inputs, plan, work, trunk, teacher, FeatureStore(trunk, work / "features")
        )
    with _timed("texts"):
        concepts, texts, entries = _texts(builder, labelled, translated)
    with _timed("text tower"):
        encoder, tower = _text_tower(builder, texts, entries)
    with _timed("drawings and colours"):
        labelled = [*labelled, *_drawn_sets(builder), *_color_set(builder, labelled)]
    with _timed("features"):
        training, held_out = _labelled_features(builder, labelled, encoder)
        pictures = _captioned_features(builder, captioned, encoder)
        if not pictures and not any(_shows_things(one.name) for one in training):
            raise MissingInputError("None of the photographs to train on can be read.")
    with _timed("concept texts"):
        concept_texts = _concept_texts(concepts, encoder)
    with _timed("alignment"):
        torch.manual_seed(0)  # again, so that a resumed run starts from the same weights
        head = align.Head()
        sizes = [(one.name, len(one.labels)) for one in training]
        sizes += [(one.name, len(one.views[0])) for one in pictures]
        kept = work / f"head-{_key(tower.name, sizes, asdict(plan))}.pt"
        if kept.exists():
            head.load_state_dict(torch.load(kept, weights_only=True))
        else:
            head.start_from(teacher, concept_texts)
            examples = align.Examples(
                teacher,
                Cuts(concepts, len(teacher.bias)),
                concept_texts,
                training,
                pictures,
                [one.name for one in training if _shows_things(one.name)],
            )
            head = align.train_head(head, examples, plan.head_steps)
            torch.save(head.state_dict(), kept)
        head.eval()
        scale = align.calibrated_scale(head, held_out)
        log.info("logit scale %.1f", scale)
    with _timed("export"):
        weights = export.export(
            out,
            trunk,
            head,
            scale,
            tower / "text.safetensors",
            tower,
            inputs.sentence_encoder,
        )
        log.info("%s: %.1f MB", weights, weights.stat().st_size / 1e6)
    _write_json(work / "seen.json", seen(labelled, captioned))
    with _timed("report"):
        report = evaluate.report(
            head, builder.store, encoder, labelled, captioned, plan.test_photos
        )
    _write_json(work / "report.json", report)
    return report


def _shows_things(name: str) -> bool:
    return not name.startswith(_NO_PHOTOGRAPHS)


def seen(
    labelled: Sequence[LabelledSet], captioned: Sequence[CaptionSet]
) -> dict[str, str | dict[str, str]]:
    """For each set, what of it is new to the model, in the words of benchmarks/zero_shot.py.

    A label counts as seen if one of that name, or its plural, was trained on in whatever set. Where
    only some of a set's labels were, it gets a word for each label.
    """

    def plain(names: Sequence[str]) -> set[str]:
        return {name.lower().removesuffix("s") for name in names}

    known = plain(open_clip.IMAGENET_CLASSNAMES)
    for one in labelled:
        for label in {photo.label for photo in one.train}:
            known |= plain(one.names[label]["en"])
    words: dict[str, str | dict[str, str]] = {}
    for one in labelled:
        unseen = "labels and images held out" if one.train else "nothing seen"
        by_label = {
            label: "images held out" if plain(names["en"]) & known else unseen
            for label, names in one.names.items()
        }
        kinds = set(by_label.values())
        words[one.name] = kinds.pop() if len(kinds) == 1 else by_label
    # Photographs of the collection that others were trained on look like those.
    sources = {pictures.source for pictures in captioned if pictures.train}
    for pictures in captioned:
        new = "images held out" if pictures.source in sources else "nothing seen"
        words[pictures.name] = "images seen" if pictures.train else new
    return words


def _texts(
    builder: _Builder, labelled: Sequence[LabelledSet], translated: Sequence[Pair]
) -> tuple[list[Concept], Texts, list[text_data.Entry]]:
    entries = text_data.read_dictionary(builder.inputs.dictionary)
    synsets = read_wordnet(builder.inputs.wordnet)
    imagenet = label_sets()["imagenet1k"].labels
    concepts = build_concepts(
        synsets,
        imagenet_wnids(),
        open_clip.IMAGENET_CLASSNAMES,
        imagenet["zh"],
        text_data.translations(entries, text_data.everyday_names()),
    )
    names = [
        Pair(chinese, one.names[label]["en"][0])
        for one in labelled
        for label in sorted(one.names)
        for chinese in one.names[label]["zh"]
    ]
    names += [*synthetic.COLORS, *synthetic.SHAPES, *synthetic.COUNTS]
    names += [Pair(z, c.names[0]) for c in concepts for z in c.chinese]
    texts = text_data.build_texts(entries, synsets, names, translated)
    log.info(
        "%d concepts, %d names, %d things, %d words, %d captions",
        len(concepts),
        len(texts.names),
        len(texts.things),
        len(texts.words),
        len(texts.captions),
    )
    return concepts, texts, entries


def _text_tower(
    builder: _Builder, texts: Texts, entries: Sequence[text_data.Entry]
) -> tuple[TextEncoder, Path]:
    """The trained tower and the folder with its weights and tokenizer."""
    plan, source = builder.plan, builder.inputs.sentence_encoder
    key = _key(asdict(texts), plan.text_steps, plan.english_tokens, plan.chinese_tokens)
    folder = builder.work / f"text-{key}"
    weights = folder / "text.safetensors"
    if not weights.exists():
        teacher = text_tower.teacher_encoder(source)
        chosen = vocabulary.choose_vocabulary(
            teacher.tokenizer,
            texts,
            entries,
            text_data.simplified_forms(entries),
            plan.english_tokens,
            plan.chinese_tokens,
        )
        log.info("%d English and %d Chinese tokens", len(chosen.english), len(chosen.chinese))
        vocabulary.write_tokenizer(chosen, source / "tokenizer.json", folder)
        student = text_tower.new_student(source, chosen, texts)
        encoder = TextEncoder(student, text_tower.read_tokenizer(folder))
        text_tower.train_text_tower(
            student, encoder, teacher, texts, plan.text_steps, folder / "checkpoint.pt"
        )
        text_tower.save_text_tower(student, weights)
    return text_tower.load_text_encoder(weights, folder, source), folder


def _drawn_sets(builder: _Builder) -> list[LabelledSet]:
    drawings = synthetic.draw_pictures(builder.work / "drawings", builder.plan.drawings)
    return [
        _made_set(f"drawn_{kind}", title, [(d.path, getattr(d, kind)) for d in drawings])
        for kind, title in (("color", "Drawn colours"), ("shape", "Shapes"), ("count", "Numbers"))
    ]


def _color_set(builder: _Builder, labelled: Sequence[LabelledSet]) -> list[LabelledSet]:
    """Training photographs that have a main colour, labelled by it."""
    # One photograph may be in several sets, under other labels.
    unique = dict.fromkeys(p.path for one in labelled for p in one.train)
    paths = sorted(unique, key=synthetic.shuffle_key)[:_COLOR_CANDIDATES]
    kept = builder.work / f"colors-{_key([str(p.name) for p in paths])}.json"
    if not kept.exists():
        found: dict[str, list[int]] = {}
        for index, path in enumerate(paths):
            with contextlib.suppress(OSError, ValueError):
                color = synthetic.main_color(open_photo(path))
                if color and len(found.setdefault(color.english, [])) < _PHOTOS_PER_COLOR:
                    found[color.english].append(index)
        _write_json(kept, found)
    by_name = {color.english: color for color in synthetic.COLORS}
    pictures = [
        (paths[index], by_name[name])
        for name, indices in json.loads(kept.read_text("utf-8")).items()
        for index in indices
    ]
    return [_made_set("photo_color", "Main colour of photographs", pictures)] if pictures else []


def _made_set(name: str, title: str, pictures: Sequence[tuple[Path, Pair]]) -> LabelledSet:
    """A labelled set of our own; every tenth picture is a test picture."""
    photos = [Photo(path, pair.english) for path, pair in pictures]
    test = tuple(p for p in photos if synthetic.shuffle_key(p.path) % 10 == 0)
    train = tuple(p for p in photos if synthetic.shuffle_key(p.path) % 10)
    names: Names = {
        pair.english: {"en": (pair.english,), "zh": (pair.chinese,)} for _, pair in pictures
    }
    return LabelledSet(name, title, "made by training.build", "CC0-1.0", names, train, test, False)


def _labelled_features(
    builder: _Builder, labelled: Sequence[LabelledSet], encoder: TextEncoder
) -> tuple[list[align.LabelledFeatures], list[align.LabelledFeatures]]:
    """Training sets, and a small part of each for the logit scale."""
    training: list[align.LabelledFeatures] = []
    held_out: list[align.LabelledFeatures] = []
    for one in labelled:
        if not one.train:
            log.info("%s: for evaluation only", one.title)
            continue
        labels, english, texts = evaluate.label_texts(one, encoder)
        aside, rest = _calibration_split(one, builder.plan)
        for chosen, crops, found in (
            (rest, builder.plan.crops, training),
            (aside, 0, held_out),
        ):
            paths = [photo.path for photo in chosen]
            features, kept = builder.store.readable_views(paths, 1 + crops, one.name)
            numbers = torch.tensor([labels.index(chosen[row].label) for row in kept])
            if kept:
                found.append(
                    align.LabelledFeatures(
                        one.name, tuple(features), numbers, texts, tuple(english)
                    )
                )
    return training, held_out


def _calibration_split(one: LabelledSet, plan: Plan) -> tuple[list[Photo], list[Photo]]:
    """Training photographs that only set the logit scale, and those that are trained on."""
    photos = sorted(one.train, key=lambda p: (synthetic.shuffle_key(p.path), p.path.name))
    photos = photos[: plan.photos_per_set]
    aside = max(1, int(_CALIBRATION_SHARE * len(photos)))
    return photos[:aside], photos[aside:]


def _captioned_features(
    builder: _Builder, captioned: Sequence[CaptionSet], encoder: TextEncoder
) -> list[align.CaptionedFeatures]:
    found = []
    for one in captioned:
        if not one.train:
            continue
        views, kept = builder.store.readable_views(one.photos, 1 + builder.plan.crops, one.name)
        if not kept:
            continue
        english, chinese = ([texts[row] for row in kept] for texts in (one.captions, one.chinese))
        texts = _text_table(encoder, english, chinese, f"captions {one.name}")
        found.append(align.CaptionedFeatures(one.name, tuple(views), texts))
    return found


def _concept_texts(concepts: Sequence[Concept], encoder: TextEncoder) -> align.TextTable:
    """Every concept's first name in every prompt, its other names in a few."""

    def texts(names: Sequence[str], place: int) -> list[str]:
        return [
            prompt[place].replace("{}", name)
            for rank, name in enumerate(names)
            for prompt in (PROMPTS if rank == 0 else PROMPTS[:3])
        ]

    return _text_table(
        encoder,
        [texts(concept.names, 0) for concept in concepts],
        [texts(concept.chinese, 1) for concept in concepts],
        "concept texts",
    )


def _text_table(
    encoder: TextEncoder,
    english: Sequence[Sequence[str]],
    chinese: Sequence[Sequence[str]],
    title: str,
) -> align.TextTable:
    ends = np.cumsum([0, *(len(texts) for texts in (*english, *chinese))])
    spans = np.stack([ends[:-1], ends[1:]], axis=1)
    texts = [text for own in (*english, *chinese) for text in own]
    return align.TextTable(
        encoder.encode(texts, title).half(), spans[: len(english)], spans[len(english) :]
    )


def _key(*values: object) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextlib.contextmanager
def _timed(step: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    log.info("%s: %.1f s", step, time.monotonic() - started)


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="where the model folder is written")
    parser.add_argument(
        "--work", type=Path, default=Path("build/training"), help="kept between runs"
    )
    parser.add_argument("--wordnet", type=Path, help="WordNet's data.noun, or its folder")
    for name, value in asdict(Plan()).items():
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=value, help=f"default {value}")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        inputs = find_inputs(options.wordnet)
    except MissingInputError as error:
        parser.exit(2, f"{error}\n")
    plan = Plan(**{name: getattr(options, name) for name in asdict(Plan())})
    started = time.monotonic()
    translated = [
        pair
        for path in sorted(options.data.glob("*/flickr8kenc.caption.txt"))
        for pair in text_data.read_flickr8k_cn(path.parent)
    ]
    try:
        labelled, captioned = labelled_sets(options.data), caption_sets(options.data)
    except DatasetError as error:
        parser.exit(2, f"{error}\n")
    if not any(one.train and _shows_things(one.name) for one in labelled) and not any(
        one.train for one in captioned
    ):
        parser.exit(
            2,
            f"There are no photographs to train on below {options.data}; training/datasets.py "
            "says where each set is looked for.\n",
        )
    try:
        report = build(labelled, captioned, translated, inputs, options.out, options.work, plan)
    except MissingInputError as error:
        parser.exit(2, f"{error}\n")
    print(evaluate.as_table(report))
    print(f"Everything took {(time.monotonic() - started) / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
