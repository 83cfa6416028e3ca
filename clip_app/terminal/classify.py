"""`classify`: which label fits each image."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.console import tell, without_halves
from clip_app.errors import InputError
from clip_app.model.service import ModelService
from clip_app.photos import encode_files
from clip_app.process import terminal_language
from clip_app.prompts import choose_templates, parse_labels, shared_scores
from clip_app.server.answers import classification_answer
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.concept_files import ConceptStore
from clip_app.tasks.concepts import (
    ALPHA,
    Concept,
    beside_words,
    concept_from_features,
    concept_name,
    key_of,
    left_out_gain,
    untaught,
)
from clip_app.tasks.labelled import LabelledPhotos, labelled_folder
from clip_app.terminal.answering import Ask, add_image_flags, answer_all
from clip_app.terminal.common import (
    add_joint_flag,
    existing_folder,
    fraction,
    positive,
    tell_broken,
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("classify", help="which label fits each image")
    command.add_argument(
        "--labels", help='for example "cat, dog", or @Rex for what `teach` was shown as Rex'
    )
    command.add_argument(
        "--examples",
        type=Path,
        metavar="DIR",
        help="example photographs, a folder a class; without --labels its folders are the labels",
    )
    command.add_argument(
        "--alpha", type=fraction, default=ALPHA, help="share of the examples, 0 to 1; default: 0.7"
    )
    command.add_argument(
        "--template",
        default="auto",
        help="auto, none, single, clip7, clip80, chinese, or a prompt with {}",
    )
    command.add_argument("--top-k", type=positive, help="labels to print for each image")
    add_joint_flag(command)
    add_image_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Answer for each image; returns the exit code."""
    # Everything typed is checked before the model is loaded, so that a mistake is told at once.
    shown = labelled_folder(existing_folder(parsed.examples)) if parsed.examples else None
    if parsed.labels is None and shown:
        labels = list(shown.names)
    else:
        labels = parse_labels(without_halves(parsed.labels or ""))
    if shown:
        _check_named(shown, labels)
    template = without_halves(parsed.template)
    choose_templates(template, labels)

    def prepare(service: ModelService) -> Ask:
        if shared := shared_scores(labels, terminal_language()):
            tell(shared)
        if parsed.joint:
            tell(text(f"joint_warning_{parsed.joint}", terminal_language()))
        store = ConceptStore(read_settings(uses=("index_dir",)).index_dir, service.info.fingerprint)
        taught = list(store.named(labels))
        for one in untaught(labels, taught):
            tell(one.message(terminal_language()))
        if shown:
            taught += _learnt(service, shown, labels, template, parsed.alpha)
        classes = classes_from_labels(service, labels, template, concepts=taught)

        def ask(paths: Sequence[str], features: np.ndarray) -> Iterator[dict[str, Any]]:
            answers = classify_features(service, features, classes, joint=parsed.joint)
            for path, answer in zip(paths, answers, strict=True):
                yield classification_answer(path, service, answer, parsed.top_k)

        return ask

    verdict = "verdict_none"
    return answer_all(parsed, prepare, len(labels), "label", verdict, together=bool(parsed.joint))


def _check_named(shown: LabelledPhotos, labels: Sequence[str]) -> None:
    """See that each example folder is for one of the labels, before a model is loaded for it."""
    keys = {key_of(one) for one in labels}
    for name in shown.names:
        if key_of(concept_name(name)) not in keys:
            raise InputError("examples_without_label", name=name)


def _learnt(
    service: ModelService,
    shown: LabelledPhotos,
    labels: Sequence[str],
    template: str,
    alpha: float,
) -> list[Concept]:
    """A concept of each example folder; what they do for one another is told."""
    language = terminal_language()
    photos = list(encode_files(service, shown.paths))
    broken = [(one.source, one.error.reason) for one in photos if one.error]
    if broken:
        tell_broken(len(broken), broken)
    kept = [i for i, one in enumerate(photos) if one.error is None]
    features = np.array([photos[i].image_features for i in kept], np.float32)
    folder = np.array([shown.right[i] for i in kept], int)
    concepts = [
        concept_from_features(service, name, features[folder == place], alpha=alpha)
        for place, name in enumerate(shown.names)
    ]
    words = classes_from_labels(service, labels, template).weights
    places = {key_of(label): place for place, label in enumerate(labels)}
    own = np.array([places[key_of(one.name)] for one in concepts])
    common = beside_words(service, len(concepts), len(labels))
    gain = left_out_gain(words, features, own[folder], alpha, common)
    told = {"before": 100 * gain.before, "after": 100 * gain.after, "photos": gain.photos}
    tell(text("teaching_gain", language, **told))
    return concepts
