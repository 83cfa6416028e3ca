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
from clip_app.strings import text
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.terminal.answering import Ask, add_image_flags, answer_all
from clip_app.terminal.common import positive


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("classify", help="which label fits each image")
    command.add_argument("--labels", required=True, help='for example "cat, dog"')
    command.add_argument(
        "--template",
        default="auto",
        help="auto, none, single, clip7, clip80, chinese, or a prompt with {}",
    )
    command.add_argument("--top-k", type=positive, help="labels to print for each image")
    command.add_argument(
        "--joint", action="store_true", help="name the images together, where all labels occur"
    )
    add_image_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Answer for each image; returns the exit code."""
    # Everything typed is checked before the model is loaded, so that a mistake is told at once.
    labels = parse_labels(without_halves(parsed.labels))
    template = without_halves(parsed.template)
    choose_templates(template, labels)

    def prepare(service: ModelService) -> Ask:
        if shared := shared_scores(labels, terminal_language()):
            tell(shared)
        if parsed.joint:
            tell(text("joint_warning", terminal_language()))
        classes = classes_from_labels(service, labels, template)

        def ask(paths: Sequence[str], features: np.ndarray) -> Iterator[dict[str, Any]]:
            answers = classify_features(service, features, classes, joint=parsed.joint)
            for path, answer in zip(paths, answers, strict=True):
                yield classification_answer(path, service, answer, parsed.top_k)

        return ask

    verdict = "verdict_none"
    return answer_all(parsed, prepare, len(labels), "label", verdict, together=parsed.joint)
