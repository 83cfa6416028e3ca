"""`match`: which description fits each image."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.console import printable, without_halves
from clip_app.model.service import ModelService
from clip_app.prompts import parse_lines
from clip_app.server.answers import match_answer
from clip_app.tasks.match import match_features
from clip_app.terminal.answering import Ask, add_image_flags, answer_all
from clip_app.terminal.common import positive, read_bytes, tell_unread
from clip_app.text_files import read_collection


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("match", help="which description fits each image")
    texts = command.add_mutually_exclusive_group(required=True)
    texts.add_argument("--descriptions", action="append", help="one description; repeatable")
    texts.add_argument("--file", type=Path, help=".txt with one description a line, or .csv")
    command.add_argument("--top-k", type=positive, help="descriptions to print")
    add_image_flags(command)
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Answer for each image; returns the exit code."""
    if parsed.file:
        typed = read_collection(read_bytes(parsed.file), printable(parsed.file.name))
    else:
        typed = without_halves("\n".join(parsed.descriptions))
    texts = parse_lines(typed)

    def prepare(service: ModelService) -> Ask:
        tell_unread(service, texts)
        text_features = service.encode_texts(texts)

        def ask(paths: Sequence[str], features: np.ndarray) -> Iterator[dict[str, Any]]:
            answers = match_features(service, features, texts, text_features, top_k=parsed.top_k)
            for path, answer in zip(paths, answers, strict=True):
                yield match_answer(path, service, answer)

        return ask

    return answer_all(parsed, prepare, len(texts), "text", "match_none")
