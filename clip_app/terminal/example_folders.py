"""Example photographs of `classify` and `evaluate`: a folder a class, learnt for one run."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clip_app.console import tell
from clip_app.errors import InputError
from clip_app.model.service import ModelService
from clip_app.photos import encode_files
from clip_app.process import terminal_language
from clip_app.strings import text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.concepts import (
    ALPHA,
    Concept,
    beside_words,
    concept_from_features,
    concept_name,
    key_of,
    left_out_gain,
)
from clip_app.tasks.labelled import LabelledPhotos, labelled_folder
from clip_app.terminal.common import existing_folder, fraction, tell_broken


def add_example_flags(command: argparse.ArgumentParser, labels: str) -> None:
    """Add them; `labels` says what are labels where none are given."""
    command.add_argument(
        "--examples",
        type=Path,
        metavar="DIR",
        help=f"example photographs, a folder a class{labels}",
    )
    command.add_argument(
        "--alpha", type=fraction, default=ALPHA, help="share of the examples, 0 to 1; default: 0.7"
    )


def examples_of(parsed: argparse.Namespace) -> LabelledPhotos | None:
    """The photographs of `--examples`; errors as `labelled_folder`."""
    return labelled_folder(existing_folder(parsed.examples)) if parsed.examples else None


def check_named(shown: LabelledPhotos, labels: Sequence[str]) -> None:
    """See that each example folder is for one of the labels, before a model is loaded for it."""
    keys = {key_of(one) for one in labels}
    for name in shown.names:
        if key_of(concept_name(name)) not in keys:
            raise InputError("examples_without_label", name=name)


def learnt(
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
