"""The terminal: `python -m clip_app classify / match / index / search / … / models / serve`."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clip_app.answers import classification_answer, match_answer
from clip_app.classify import classify
from clip_app.errors import ClipAppError, InputError
from clip_app.gallery_cli import add_gallery_commands, positive
from clip_app.images import load_image
from clip_app.match import match, read_collection
from clip_app.model_catalog import PRESETS
from clip_app.model_service import CutText, ModelService, load_model
from clip_app.prompts import MAX_COLLECTION_LINES, choose_templates, parse_labels, parse_lines
from clip_app.serve import start_logging, terminal_language
from clip_app.settings import add_flags, read_settings
from clip_app.strings import text

_MODEL_FLAGS = ("model", "device", "precision")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, or 2 after one sentence on standard error, or 130 after Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["serve"]:
        app = Path(__file__).resolve().parent.parent / "app.py"
        return subprocess.call([sys.executable, str(app), *given[1:]])  # noqa: S603
    parsed = _parser().parse_args(given)
    start_logging()
    try:
        parsed.run(parsed)
    except ClipAppError as error:
        print(error.message(terminal_language()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m clip_app", description=text("command_description", terminal_language())
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("classify", help="which label fits each image")
    one.add_argument("images", nargs="+", metavar="IMAGE", type=Path)
    one.add_argument("--labels", required=True, help='for example "cat, dog"')
    one.add_argument(
        "--template",
        default="auto",
        help="auto, none, single, clip7, clip80, chinese, or a prompt with {}",
    )
    one.add_argument("--top-k", type=positive, help="labels to print for each image")
    one.set_defaults(run=_classify)

    two = commands.add_parser("match", help="which description fits an image")
    two.add_argument("image", metavar="IMAGE", type=Path)
    texts = two.add_mutually_exclusive_group(required=True)
    texts.add_argument("--descriptions", action="append", help="one description; repeatable")
    texts.add_argument("--file", type=Path, help=".txt with one description a line, or .csv")
    two.add_argument("--top-k", type=positive, help="descriptions to print")
    two.set_defaults(run=_match)

    for command in (one, two):
        add_flags(command, _MODEL_FLAGS)
        command.add_argument("--json", action="store_true", help="one JSON object for each image")

    add_gallery_commands(commands)

    three = commands.add_parser("models", help="the models to choose from")
    three.add_argument("--json", action="store_true")
    three.set_defaults(run=_models)
    commands.add_parser("serve", help="open the page, as `python app.py`")
    return parser


def _classify(parsed: argparse.Namespace) -> None:
    # Everything typed is checked before the model is loaded, so that a mistake is told at once.
    labels = parse_labels(parsed.labels)
    choose_templates(parsed.template, labels)
    images = [load_image(path) for path in parsed.images]
    service = load_model(read_settings(parsed))
    answers = classify(service, images, labels, parsed.template)
    for path, answer in zip(parsed.images, answers, strict=True):
        _print(classification_answer(str(path), service, answer, parsed.top_k), "label", parsed)
        if answer.none_fits and not parsed.json:
            print(text("verdict_none", terminal_language()))


def _match(parsed: argparse.Namespace) -> None:
    if parsed.file:
        descriptions = parse_lines(
            read_collection(_read(parsed.file), parsed.file.name), MAX_COLLECTION_LINES
        )
    else:
        descriptions = parse_lines("\n".join(parsed.descriptions), MAX_COLLECTION_LINES)
    image = load_image(parsed.image)
    service: ModelService = load_model(read_settings(parsed))
    ranked = match(service, image, descriptions, top_k=parsed.top_k)
    _print(match_answer(str(parsed.image), service, ranked), "text", parsed)


def _models(parsed: argparse.Namespace) -> None:
    if parsed.json:
        entries = [
            asdict(preset) | {"download_mb": preset.download_mb} for preset in PRESETS.values()
        ]
        starter = {"key": "starter", "languages": ("en", "zh"), "scoring": "softmax"}
        print(json.dumps([starter, *entries], ensure_ascii=False))
        return
    print(f"{'starter':28}{'en zh':8}{'bundled':>9}")
    for preset in PRESETS.values():
        print(
            f"{preset.key:28}{' '.join(preset.languages):8}{preset.download_mb:>6} MB  "
            f"{preset.title} · {preset.licence}"
        )


def _print(answer: dict[str, Any], name: str, parsed: argparse.Namespace) -> None:
    if parsed.json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    print(answer["image"])
    for one in answer["results"]:
        print(f"  {100 * one['score']:6.2f} %  {one['similarity']:6.3f}  {one[name]}")
    for cut in answer.get("truncated", ()):
        print(CutText(**cut).message(terminal_language()), file=sys.stderr)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("file_not_found", name=path.name) from error
