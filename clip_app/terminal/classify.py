"""`classify`: which label fits each image."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from clip_app.console import tell, without_halves
from clip_app.model.service import ModelService
from clip_app.process import terminal_language
from clip_app.prompts import choose_templates, parse_labels, shared_scores
from clip_app.server.answers import classification_answer
from clip_app.settings import read_settings
from clip_app.strings import text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.concept_files import ConceptStore
from clip_app.tasks.concepts import untaught
from clip_app.terminal.answering import Ask, add_image_flags, answer_all
from clip_app.terminal.common import add_joint_flag, positive, tell_unread
from clip_app.terminal.example_folders import (
    add_example_flags,
    check_named,
    examples_of,
    learnt,
)


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("classify", help="which label fits each image")
    command.add_argument(
        "--labels", help='for example "cat, dog", or @Rex for what `teach` was shown as Rex'
    )
    add_example_flags(command, "; without --labels its folders are the labels")
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
    shown = examples_of(parsed)
    if parsed.labels is None and shown:
        labels = list(shown.names)
    else:
        labels = parse_labels(without_halves(parsed.labels or ""))
    if shown:
        check_named(shown, labels)
    template = without_halves(parsed.template)
    choose_templates(template, labels)

    def prepare(service: ModelService) -> Ask:
        if shared := shared_scores(labels, terminal_language()):
            tell(shared)
        tell_unread(service, labels)
        if len(labels) == 1:  # "cat dog" is one, too
            tell(text("terminal_one_label", terminal_language()))
        if parsed.joint:
            tell(text(f"joint_warning_{parsed.joint}", terminal_language()))
        store = ConceptStore(read_settings(uses=("index_dir",)).index_dir, service.info.fingerprint)
        taught = list(store.named(labels))
        for one in untaught(labels, taught):
            tell(one.message(terminal_language()))
        if shown:
            taught += learnt(service, shown, labels, template, parsed.alpha)
        classes = classes_from_labels(service, labels, template, concepts=taught)

        def ask(paths: Sequence[str], features: np.ndarray) -> Iterator[dict[str, Any]]:
            answers = classify_features(service, features, classes, joint=parsed.joint)
            for path, answer in zip(paths, answers, strict=True):
                yield classification_answer(path, service, answer, parsed.top_k)

        return ask

    verdict = "verdict_none"
    return answer_all(parsed, prepare, len(labels), "label", verdict, together=bool(parsed.joint))
