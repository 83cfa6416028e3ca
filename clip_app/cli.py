"""The terminal: `python -m clip_app classify / match / index / search / … / models / serve`."""

import argparse
import itertools
import logging
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.console import (
    READER_GONE,
    ReaderGoneError,
    StatusLine,
    emit,
    emit_json,
    end_streams,
    prepare_streams,
    printable,
    tell,
    without_halves,
    write,
)
from clip_app.errors import ClipAppError, ImageError, InputError
from clip_app.gallery.scan import batched
from clip_app.gallery_cli import add_gallery_commands, positive
from clip_app.image_paths import Failures, ImagePaths
from clip_app.images import load_image
from clip_app.model.catalog import PRESETS
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.network import mend_environment
from clip_app.photos import encode_batches
from clip_app.prompts import MAX_COLLECTION_LINES, choose_templates, parse_labels, parse_lines
from clip_app.server.answers import classification_answer, match_answer
from clip_app.settings import MODEL_SETTINGS, add_flags, read_settings
from clip_app.strings import text
from clip_app.tasks.classify import classify_features
from clip_app.tasks.match import match_features, read_collection
from clip_app.terminal import start_logging, terminal_language

log = logging.getLogger(__name__)

_MODEL_FLAGS = ("model", "device", "precision")

# How a command ends that could do only part of what was asked, after Ctrl-C, and by a fault of the
# program (EX_SOFTWARE of sysexits.h), for which Python's own 1 would read as the first of these.
_IN_PART, _FAILED, _FAULT, _INTERRUPTED = 1, 2, 70, 130

# A JPEG that is only tried is decoded no larger than this.
_TRIED_SIDE = 448

# Scores that are sorted and printed together; 100 bytes each, and a list may have 100,000 texts.
_SCORES_AT_ONCE = 100_000

# The answers for images, by their paths and features, float32 (images, embedding_size).
_Ask = Callable[[Sequence[str], np.ndarray], Iterator[dict[str, Any]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 if some of the images named could not be read, and the others are answered; 2 after one
        sentence on standard error; 70 after a traceback, by a fault of the program; 130 after
        Ctrl-C; 141 if nobody reads the answers any more.
    """
    prepare_streams()
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            end_streams()
    except ClipAppError as error:
        tell(error.message(terminal_language()))
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ReaderGoneError:
        return READER_GONE
    except Exception:
        log.exception("Unexpected error")
        tell(text("unexpected_terminal", terminal_language()))
        return _FAULT


def _run(given: list[str]) -> int:
    if given[:1] == ["serve"]:
        # In this process, so that a signal to it ends the page.
        app = str(Path(__file__).resolve().parent.parent / "app.py")
        sys.argv = [app, *given[1:]]
        runpy.run_path(app, run_name="__main__")
        return 0
    parsed = _parser().parse_args(given)
    start_logging()
    mend_environment()
    return parsed.run(parsed) or 0


class _Parser(argparse.ArgumentParser):
    """A parser that prints as the commands do."""

    def print_help(self, file: Any = None) -> None:
        """Print how to use it; errors as `clip_app.console.write`."""
        write(self.format_help())

    def error(self, message: str) -> Any:
        """Print the usage and what is wrong, and end with code 2."""
        super().error(printable(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "python -m clip_app", description=text("command_description", terminal_language())
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("classify", help="which label fits each image")
    one.add_argument("--labels", required=True, help='for example "cat, dog"')
    one.add_argument(
        "--template",
        default="auto",
        help="auto, none, single, clip7, clip80, chinese, or a prompt with {}",
    )
    one.add_argument("--top-k", type=positive, help="labels to print for each image")
    one.set_defaults(run=_classify)

    two = commands.add_parser("match", help="which description fits each image")
    texts = two.add_mutually_exclusive_group(required=True)
    texts.add_argument("--descriptions", action="append", help="one description; repeatable")
    texts.add_argument("--file", type=Path, help=".txt with one description a line, or .csv")
    two.add_argument("--top-k", type=positive, help="descriptions to print")
    two.set_defaults(run=_match)

    for command in (one, two):
        command.add_argument(
            "images",
            nargs="+",
            metavar="IMAGE",
            help="image, folder, or - for a list of them on standard input, one a line",
        )
        command.add_argument(
            "-0", dest="null", action="store_true", help="that list is separated by NUL characters"
        )
        add_flags(command, terminal_language(), _MODEL_FLAGS)
        command.add_argument("--json", action="store_true", help="one JSON object for each image")

    add_gallery_commands(commands)

    three = commands.add_parser("models", help="the models to choose from")
    three.add_argument("--json", action="store_true")
    three.set_defaults(run=_models)
    commands.add_parser("serve", help="open the page, as `python app.py`")
    return parser


def _classify(parsed: argparse.Namespace) -> int:
    # Everything typed is checked before the model is loaded, so that a mistake is told at once.
    labels = parse_labels(without_halves(parsed.labels))
    templates = choose_templates(without_halves(parsed.template), labels)

    def prepare(service: ModelService) -> _Ask:
        label_features = service.encode_labels(labels, templates)
        cut = service.cut_texts(labels, templates)

        def ask(paths: Sequence[str], features: np.ndarray) -> Iterator[dict[str, Any]]:
            answers = classify_features(service, features, labels, label_features, cut=cut)
            for path, answer in zip(paths, answers, strict=True):
                yield classification_answer(path, service, answer, parsed.top_k)

        return ask

    return _answer_all(parsed, prepare, len(labels), "label", "verdict_none")


def _match(parsed: argparse.Namespace) -> int:
    if parsed.file:
        typed = read_collection(_read(parsed.file), printable(parsed.file.name))
    else:
        typed = without_halves("\n".join(parsed.descriptions))
    texts = parse_lines(typed, MAX_COLLECTION_LINES)

    def prepare(service: ModelService) -> _Ask:
        text_features = service.encode_texts(texts)

        def ask(paths: Sequence[str], features: np.ndarray) -> Iterator[dict[str, Any]]:
            answers = match_features(service, features, texts, text_features, top_k=parsed.top_k)
            for path, answer in zip(paths, answers, strict=True):
                yield match_answer(path, service, answer)

        return ask

    return _answer_all(parsed, prepare, len(texts), "text", "match_none")


def _answer_all(
    parsed: argparse.Namespace,
    prepare: Callable[[ModelService], _Ask],
    number: int,
    name: str,
    verdict: str,
) -> int:
    """Answer for each image as it is ready, in order; what has none is named at the end.

    Args:
        parsed: the command's arguments.
        prepare: encodes what the images are asked, once.
        number: how many labels or texts that are.
        name: the key of a label or text in an answer.
        verdict: the sentence for an image that nothing fits.

    Returns:
        The exit code.
    """
    paths = ImagePaths(parsed.images, null_separated=parsed.null)
    failed = paths.failed
    answered = 0
    try:
        waiting = _from_first_readable(paths)
        if waiting is not None:
            service = load_model(read_settings(parsed, MODEL_SETTINGS))
            ask = prepare(service)
            with closing(encode_batches(service, waiting)) as batches, StatusLine() as status:
                for batch in batches:
                    for photo in batch:
                        if photo.error:
                            failed.add(photo.source, photo.error)
                    read = [
                        (one.source, one.image_features)
                        for one in batch
                        if one.image_features is not None
                    ]
                    status.clear()
                    for some in batched(read, max(1, _SCORES_AT_ONCE // number)):
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
    return _IN_PART if answered else _FAILED


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
    language = terminal_language()
    if alone and failed.number == 1:
        tell(failed.kept[0][1].message(language))
    elif failed.number:
        tell(text("terminal_broken", language, number=failed.number))
        for name, error in failed.kept:
            tell(f"  {name}: {error.message(language)}")
        if more := failed.number - len(failed.kept):
            tell(f"  {text('terminal_broken_more', language, number=more)}")


def _models(parsed: argparse.Namespace) -> None:
    if parsed.json:
        entries = [
            asdict(preset) | {"download_mb": preset.download_mb} for preset in PRESETS.values()
        ]
        starter = {"key": "starter", "languages": ("en", "zh"), "scoring": "softmax"}
        emit_json([starter, *entries])
        return
    emit(f"{'starter':28}{'en zh':8}{'bundled':>9}")
    for preset in PRESETS.values():
        emit(
            f"{preset.key:28}{' '.join(preset.languages):8}{preset.download_mb:>6} MB  "
            f"{preset.title} · {preset.licence}"
        )


def _print(answer: dict[str, Any], name: str, verdict: str, parsed: argparse.Namespace) -> None:
    if parsed.json:
        emit_json(answer)
        return
    emit(answer["image"])
    for one in answer["results"]:
        emit(f"  {100 * one['score']:6.2f} %  {one['similarity']:6.3f}  {one[name]}")
    if answer["none_fits"]:
        emit(text(verdict, terminal_language()))
    for cut in answer.get("truncated", ()):
        tell(CutText(**cut).message(terminal_language()))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError("file_not_found", name=printable(path.name)) from error
