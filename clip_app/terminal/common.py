"""What several commands of the terminal share: their flags, the model, the indexes."""

import argparse
import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from clip_app.console import StatusLine, printable, tell
from clip_app.errors import GalleryError, InputError, ReadOnlyIndexError, Reason, StorageError
from clip_app.gallery.library import AnyLibrary, open_library
from clip_app.gallery.roots import same_name, spelled
from clip_app.model.service import ModelService
from clip_app.process import terminal_language
from clip_app.progress import Progress
from clip_app.settings import INDEX_SETTINGS, MODEL_SETTINGS, Settings, add_flags
from clip_app.strings import text
from clip_app.tasks.joint import Joint

#: The settings that commands about galleries use.
GALLERY_SETTINGS = (*MODEL_SETTINGS, *INDEX_SETTINGS, "gallery_roots")


def load_service(settings: Settings) -> ModelService:
    """The model that a command asks; errors as `clip_app.model.slot.load_model`."""
    # Only here: most commands can tell a mistake without it.
    from clip_app.model.slot import load_model

    return load_model(settings)


def add_model_flags(command: argparse.ArgumentParser) -> None:
    """Add what every command that asks a model takes."""
    names = ("model", "device", "engine", "export", "precision")
    add_flags(command, terminal_language(), names)


def add_joint_flag(command: argparse.ArgumentParser) -> None:
    """Add how images are named together; without a value `mean`, which does the least harm."""
    command.add_argument(
        "--joint",
        nargs="?",
        const="mean",
        choices=get_args(Joint),
        help="name the images together, where all labels occur; transclip helps more, and harms "
        "where most labels are missing. Default of the flag alone: mean",
    )


def with_joint_value(given: Sequence[str]) -> list[str]:
    """Arguments in which `--joint` without a value has one, so that no path is taken for it."""
    return [
        "--joint=mean" if one == "--joint" and following not in get_args(Joint) else one
        for one, following in itertools.zip_longest(given, given[1:])
    ]


def add_index_flag(command: argparse.ArgumentParser) -> None:
    """Add where indexes, and what else is kept, lie."""
    command.add_argument(
        "--index",
        dest="index_dir",
        default=argparse.SUPPRESS,
        metavar="DIR",
        help=text("setting_index_dir", terminal_language()),
    )


def add_gallery_flags(command: argparse.ArgumentParser) -> None:
    """Add what every command about galleries takes."""
    add_index_flag(command)
    add_flags(command, terminal_language(), ("gallery_store",))
    command.add_argument("--json", action="store_true", help="print one JSON object")


def add_below_flag(command: argparse.ArgumentParser) -> None:
    """Add the choice of a part of an indexed folder."""
    command.add_argument("--below", default="", metavar="SUBFOLDER", help="a path below the folder")


def below(parsed: argparse.Namespace) -> str:
    """That part as stores name it: without a slash at its ends."""
    return str(parsed.below).strip("/").removeprefix("./")


@contextlib.contextmanager
def opened_library(settings: Settings) -> Iterator[AnyLibrary]:
    """The indexes that the settings lead to, closed at the end."""
    try:
        with contextlib.closing(open_library(settings)) as library:
            yield library
    except ReadOnlyIndexError as error:
        folder = shown(settings.index_dir)
        raise StorageError("terminal_index_read_only", folder=folder, **error.params) from error


def as_indexed(library: AnyLibrary, folder: Path) -> Path:
    """A gallery's folder as its index has it, which may be in the other Unicode form.

    Where there are two folders of one name, each in its form, they are two galleries.
    """
    if str(folder).isascii():
        return folder
    known = [str(one) for one in library.folders()]
    twin = str(folder) if str(folder) in known else same_name(str(folder), known)
    if twin is None or (folder.exists() and not _is_same_folder(folder, twin)):
        return folder
    return Path(twin)


def existing_folder(typed: Path) -> Path:
    """The resolved path of a folder.

    Raises:
        GalleryError: if there is none; it is named as it was typed.
    """
    folder = real_folder(typed)
    if not os.path.isdir(folder):  # also of a name that is too long
        raise GalleryError("folder_missing", folder=shown(typed))
    return folder


def indexed_folder(library: AnyLibrary, typed: Path) -> Path:
    """The folder of an index, which need not be there any more; as `as_indexed`.

    Raises:
        GalleryError: if there is neither a folder nor an index of one.
    """
    folder = as_indexed(library, real_folder(typed))
    return folder if folder in library.folders() else existing_folder(typed)


def _is_same_folder(one: Path, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def real_folder(folder: Path) -> Path:
    """The resolved path of a folder, which need not be there any more."""
    try:
        return spelled(folder.expanduser().resolve()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise GalleryError("folder_missing", folder=shown(folder)) from error


def line_of(name: str, reason: Reason) -> str:
    """A file as it was named, and what is wrong with it, without naming it twice."""
    for key in ("name", "folder", "pattern"):
        told = str(reason.params.get(key, ""))
        if told and os.path.basename(told) == os.path.basename(printable(name)):
            reason = replace(reason, params={**reason.params, key: printable(name)})
            return reason.message(terminal_language())
    return f"{name}: {reason.message(terminal_language())}"


def tell_broken(number: int, named: Iterable[tuple[str, Reason]]) -> None:
    """Name the first files that could not be read, each with why, and tell how many more of
    `number` there are.
    """
    language = terminal_language()
    tell(text("terminal_broken", language, number=number))
    for name, reason in named:
        tell(f"  {line_of(name, reason)}")
        number -= 1
    if number:
        tell(f"  {text('terminal_broken_more', language, number=number)}")


def tell_unread(service: ModelService, texts: Sequence[str]) -> None:
    """Say so where the model does not read the language of the texts."""
    if texts and (unread := service.unread(texts)):
        tell(unread.message(terminal_language()))


def counting(status: StatusLine) -> Progress:
    """Progress that tells "done / total" on a status line, as often as that is due."""

    def told(done: int, total: int) -> None:
        if status.due:
            status.show(f"{done:,} / {total:,}")

    return told


def shown(path: Path) -> str:
    """A path as any terminal can show it."""
    return printable(str(path))


def read_bytes(path: Path) -> bytes:
    """The content of a file that was named.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        return spelled(path).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError("file_not_found", name=shown(path)) from error


def wrong(key: str, **params: object) -> argparse.ArgumentTypeError:
    """What argparse is told of a value; the sentence goes on after the argument's name."""
    return argparse.ArgumentTypeError(text(key, terminal_language(), **params))


def positive(value: str) -> int:
    """A whole number from 1 on, for argparse."""
    try:
        number = int(value)
    except ValueError as error:
        raise wrong("argument_positive") from error
    if number < 1:
        raise wrong("argument_positive")
    return number


def fraction(value: str) -> float:
    """A number from 0 to 1, for argparse."""
    number = float(value)
    if not 0 <= number <= 1:
        raise wrong("argument_share")
    return number
