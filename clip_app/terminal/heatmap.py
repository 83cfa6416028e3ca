"""`heatmap`: which parts of an image speak for a text, as a picture."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json, printable, tell, without_halves
from clip_app.errors import StorageError
from clip_app.photos import open_picture
from clip_app.process import terminal_language
from clip_app.prompts import choose_templates
from clip_app.server.answers import heatmap_answer, heatmap_sentence
from clip_app.settings import MODEL_SETTINGS, read_settings
from clip_app.strings import text
from clip_app.tasks.heatmap import heatmap
from clip_app.tasks.heatmap_picture import check_is_picture, heatmap_picture, write_picture
from clip_app.temporary import check_is_new, whole_file
from clip_app.terminal import common
from clip_app.terminal.common import add_model_flags, shown


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("heatmap", help="which parts of an image speak for a text")
    command.add_argument("image", metavar="IMAGE", help="image file")
    command.add_argument("text", metavar="TEXT", help="a label or description")
    command.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="TEXT",
        help="what else it could be: what speaks for TEXT rather than this; repeatable",
    )
    command.add_argument(
        "--template",
        default="auto",
        help="auto, none, single, clip7, clip80, chinese, or a prompt with {}",
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write the map over the image: .png, .jpg or .webp"
    )
    add_model_flags(command)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Make the map; write it, or say in words where it is hottest."""
    language = terminal_language()
    word = without_halves(parsed.text)
    others = [without_halves(one) for one in parsed.against]
    template = without_halves(parsed.template)
    choose_templates(template, [word, *others])
    out = parsed.out.expanduser() if parsed.out else None
    if out:
        check_is_picture(out)
        check_is_new(out)
    service = common.load_service(read_settings(parsed, MODEL_SETTINGS))
    common.tell_unread(service, [word, *others])
    picture = open_picture(parsed.image, service)
    with StatusLine() as status:
        told = common.counting(status)
        heat = heatmap(service, picture, word, contrast=others, templates=template, progress=told)
    if out:
        key = "heat_legend_against" if others else "heat_legend"
        legend = text(key, language, text=word, others=", ".join(others))
        try:
            with whole_file(out) as file:
                write_picture(heatmap_picture(picture, heat, legend), legend, file, out)
        except OSError as error:
            raise StorageError("heat_file_unwritable", path=shown(out)) from error
    if parsed.json:
        emit_json(heatmap_answer(parsed.image, service, word, others, heat))
        return
    emit(printable(heatmap_sentence(word, heat, language)))
    if out:
        tell(text("heat_written", language, path=shown(out)))
