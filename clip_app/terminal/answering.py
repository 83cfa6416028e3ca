"""Answering for many images: as each is ready, in order, what cannot be read named at the end."""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from clip_app.arguments import FAILED
from clip_app.console import ReaderGoneError, StatusLine, emit, emit_json, tell
from clip_app.errors import ImageError
from clip_app.gallery.scan import batched
from clip_app.images import load_image
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.photos import encode_batches
from clip_app.process import terminal_language
from clip_app.settings import MODEL_SETTINGS, read_settings
from clip_app.strings import text
from clip_app.terminal import common
from clip_app.terminal.common import add_model_flags, line_of, tell_broken
from clip_app.terminal.image_paths import Failures, ImagePaths

#: Exit code of a command that could do part of what was asked.
IN_PART = 1

# A JPEG that is only tried is decoded no larger than this.
_TRIED_SIDE = 448

# Scores that are sorted and printed together; 100 bytes each, and a list may have 100,000 texts.
_SCORES_AT_ONCE = 100_000

#: The answers for images, by their paths and features, float32 (images, embedding_size).
Ask = Callable[[Sequence[str], np.ndarray], Iterator[dict[str, Any]]]


def add_image_flags(command: argparse.ArgumentParser) -> None:
    """Add what every command about images takes."""
    command.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image, folder, or - for a list of them on standard input, one a line",
    )
    command.add_argument(
        "-0", dest="null", action="store_true", help="that list is separated by NUL characters"
    )
    add_model_flags(command)
    command.add_argument("--json", action="store_true", help="one JSON object for each image")


def answer_all(
    parsed: argparse.Namespace,
    prepare: Callable[[ModelService], Ask],
    number: int,
    name: str,
    verdict: str,
    *,
    together: bool = False,
) -> int:
    """Answer for each image as it is ready, in order; what has none is named at the end.

    Args:
        parsed: the command's arguments.
        prepare: encodes what the images are asked, once.
        number: how many labels or texts that are.
        name: the key of a label or text in an answer.
        verdict: the sentence for an image that nothing fits.
        together: ask about all images at once, when all are read; takes 3 kB for each.

    Returns:
        The exit code.
    """
    paths = ImagePaths(parsed.images, null_separated=parsed.null)
    failed = paths.failed
    answered = 0
    try:
        waiting = _from_first_readable(paths)
        if waiting is not None:
            service = common.load_service(read_settings(parsed, MODEL_SETTINGS))
            ask = prepare(service)
            with closing(encode_batches(service, waiting)) as batches, StatusLine() as status:
                for batch in [list(itertools.chain(*batches))] if together else batches:
                    for photo in batch:
                        if photo.error:
                            failed.add(photo.source, photo.error)
                    read = [
                        (one.source, one.image_features)
                        for one in batch
                        if one.image_features is not None
                    ]
                    status.clear()
                    at_once = len(read) if together else _SCORES_AT_ONCE // number
                    for some in batched(read, max(1, at_once)):
                        names, rows = zip(*some, strict=True)
                        for answer in ask(names, np.stack(rows)):
                            _print(answer, name, verdict, parsed)
                            answered += 1
                    # Where the answers themselves can be seen, that is all the progress it takes.
                    if status.due and not sys.stdout.isatty():
                        status.show(text("terminal_answered", terminal_language(), number=answered))
    finally:
        if not isinstance(sys.exception(), ReaderGoneError):
            _tell_failed(failed, alone=not answered)
    if not failed.number:
        return 0
    return IN_PART if answered else FAILED


def _from_first_readable(paths: ImagePaths) -> Iterator[str] | None:
    """The paths from the first image on that can be read; those before are noted as failed.

    So a mistyped name is told at once, and not after a model was loaded for nothing.
    """
    waiting = iter(paths)
    for path in waiting:
        try:
            load_image(path, target_side=_TRIED_SIDE)
        except ImageError as error:
            paths.failed.add(path, error)
        else:
            return itertools.chain((path,), waiting)
    return None


def _tell_failed(failed: Failures, *, alone: bool) -> None:
    """Name what could not be read and why; in one sentence where nothing else was asked."""
    if alone and failed.number == 1:
        tell(line_of(*failed.kept[0]))
    elif failed.number:
        tell_broken(failed.number, failed.kept)


def _print(answer: dict[str, Any], name: str, verdict: str, parsed: argparse.Namespace) -> None:
    if parsed.json:
        emit_json(answer)
        return
    emit(answer["image"])
    for one in answer["results"]:
        emit(f"  {100 * one['score']:6.2f} %  {one['similarity']:6.3f}  {one[name]}")
    if answer["verdict"] != "fits":
        key = verdict if answer["none_fits"] else "verdict_unsure_why"
        emit(text(key, terminal_language()))
    for cut in answer.get("truncated", ()):
        tell(CutText(**cut).message(terminal_language()))
