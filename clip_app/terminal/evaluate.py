"""`evaluate`: how well labels are told apart on photographs whose labels are known."""

import argparse
from pathlib import Path
from typing import Any

from clip_app.console import StatusLine, emit, emit_json, printable, tell, without_halves
from clip_app.errors import StorageError
from clip_app.process import terminal_language
from clip_app.prompts import choose_templates, parse_labels, parse_synonyms
from clip_app.server.evaluation_answer import (
    counts_told,
    evaluation_answer,
    lists_told,
    names_told,
    percent_with_interval,
)
from clip_app.server.evaluation_page import evaluation_page
from clip_app.settings import MODEL_SETTINGS, add_flags, read_settings
from clip_app.strings import LANGUAGES, text
from clip_app.tasks.concept_files import ConceptStore
from clip_app.tasks.evaluate import Evaluation, evaluate
from clip_app.tasks.labelled import LabelledPhotos, labelled_folder, labelled_table
from clip_app.temporary import check_is_new, whole_file
from clip_app.terminal import common
from clip_app.terminal.common import existing_folder, read_bytes, tell_broken
from clip_app.terminal.example_folders import (
    add_example_flags,
    check_named,
    examples_of,
    learnt,
)
from clip_app.text_files import decode_text


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "evaluate", help="how well labels are told apart on labelled photographs"
    )
    command.add_argument("folder", type=Path, metavar="FOLDER", help="a folder a class")
    command.add_argument(
        "--labels-file", type=Path, metavar="CSV", help="files in FOLDER and their labels instead"
    )
    command.add_argument(
        "--labels", help="what to call the classes, in alphabetical order of their own names"
    )
    command.add_argument(
        "--names", type=Path, metavar="TXT", help="names to compare, a line a class: can | tin"
    )
    add_example_flags(command, ", besides what the names say")
    command.add_argument("--template", default="auto", help="as for classify")
    command.add_argument("--model", action="append", dest="models", help="repeatable")
    add_flags(command, terminal_language(), ("device", "engine", "export", "precision"))
    command.add_argument("--html", type=Path, metavar="OUT", help="write a page with photographs")
    command.add_argument(
        "--html-language", choices=LANGUAGES, default=terminal_language(), help="of that page"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Count and print."""
    template = without_halves(parsed.template)
    existing_folder(parsed.folder)
    if parsed.html:
        parsed.html = parsed.html.expanduser()
        check_is_new(parsed.html)
    if parsed.labels_file:
        data = read_bytes(parsed.labels_file)
        photos = labelled_table(data, printable(parsed.labels_file.name), parsed.folder)
    else:
        photos = labelled_folder(parsed.folder)
    names = parse_labels(without_halves(parsed.labels)) if parsed.labels else None
    choose_templates(template, names or photos.names)
    shown = examples_of(parsed)
    if shown:
        check_named(shown, names or photos.names)
        _tell_counted(shown, photos)
    synonyms = []
    if parsed.names:
        typed = decode_text(read_bytes(parsed.names), printable(parsed.names.name))
        synonyms = parse_synonyms(typed)
    found = [
        _measured(parsed, model, photos, names, template, synonyms, shown)
        for model in parsed.models or [None]
    ]
    language = terminal_language()
    for one in found[:1]:
        if one.failed:
            tell_broken(len(one.failed), one.failed)
    if parsed.html:
        try:
            with whole_file(parsed.html) as file:
                file.write(evaluation_page(found, parsed.folder, parsed.html_language).encode())
        except OSError as error:
            raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    if parsed.json:
        emit_json({"evaluations": [evaluation_answer(one) for one in found]})
        return
    for one in found:
        _print(one)
    if parsed.html:
        tell(text("check_written", language, file=printable(str(parsed.html))))


def _tell_counted(shown: LabelledPhotos, photos: LabelledPhotos) -> None:
    """Tell how many examples are among the photographs that are counted, and so are easy."""
    counted = {Path(one).resolve() for one in photos.paths}
    number = sum(Path(one).resolve() in counted for one in shown.paths)
    if number:
        tell(text("examples_counted", terminal_language(), number=number))


def _measured(
    parsed: argparse.Namespace,
    model: str | None,
    photos: LabelledPhotos,
    names: list[str] | None,
    template: str,
    synonyms: list[list[str]],
    shown: LabelledPhotos | None,
) -> Evaluation:
    # Each model is let go before the next is loaded.
    flags = argparse.Namespace(**vars(parsed), **({"model": model} if model else {}))
    service = common.load_service(read_settings(flags, MODEL_SETTINGS))
    store = ConceptStore(read_settings(uses=("index_dir",)).index_dir, service.info.fingerprint)
    taught = list(store.named(names or photos.names))
    if shown:
        taught += learnt(service, shown, names or photos.names, template, parsed.alpha)
    with StatusLine() as status:
        return evaluate(
            service,
            photos,
            names,
            template,
            concepts=taught,
            synonyms=synonyms,
            progress=common.counting(status),
        )


def _print(one: Evaluation) -> None:
    language = terminal_language()
    emit(f"{one.model}: {text('check_title', language)}")
    numbers = counts_told(one)
    emit(f"  {text('check_photos', language, **numbers)}")
    emit(f"  {text('check_top1', language)}: {percent_with_interval(one.top1)}")
    emit(f"  {text('check_top5', language)}: {percent_with_interval(one.top5)}")
    if one.calibration is not None:
        told = {
            "before": f"{one.calibration.before:.3f}",
            "after": f"{one.calibration.after:.3f}",
            "temperature": f"{one.calibration.temperature:.2f}",
        }
        calibration = text("check_after", language, **told)
        emit(f"  {text('check_calibration', language)}: {calibration}")
    for figures in one.classes:
        emit(f"  {percent_with_interval(figures.recall):>26}  {figures.name}")
    for heading, found in (("check_worst", one.worst), ("check_doubtful", one.doubtful)):
        if found:
            emit(text(heading, language))
        for finding in found:
            names = f"{one.names[finding.label]} → {one.names[finding.named]}"
            emit(f"  {100 * finding.score:5.1f} %  {names}  {one.paths[finding.photo]}")
    emit(text("check_compared", language))
    for compared in one.compared:
        emit(f"  {percent_with_interval(compared.telling):>26}  {compared.key}")
    if one.names_compared is not None:
        emit(text("check_names", language))
        emit(f"  {names_told(one.names_compared, language)}")
        for name in one.names_compared.figures:
            best = f"  ({text('check_best', language)})" if name.best else ""
            shown = f"{one.names[name.label]}: {name.name}{best}"
            emit(f"  {percent_with_interval(name.telling):>26}  {shown}")
    if one.conformal is not None:
        emit(text("check_lists", language))
        emit(f"  {lists_told(one.conformal, language)}")
