"""Photographs with their labels, as people have them: a folder a class, or a table."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from clip_app.errors import InputError
from clip_app.images import SUPPORTED_SUFFIXES
from clip_app.text_files import decode_text
from clip_app.text_lists import name_of_column

# What the columns of a table are called, if they are; else they are the first two.
_FILES = (
    "file",
    "filename",
    "file_name",
    "image",
    "path",
    "文件",
    "文件名",
    "图片",
    "图像",
    "路径",
)
_LABELS = ("label", "class", "category", "标签", "类别", "分类")


@dataclass(frozen=True)
class LabelledPhotos:
    """Photographs and the class of each.

    Attributes:
        names: the classes, in alphabetical order.
        paths: of the photographs.
        right: the class of each photograph, as its place in `names`.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    right: tuple[int, ...]

    def of(self, name: int) -> list[str]:
        """The photographs of one class."""
        return [p for p, one in zip(self.paths, self.right, strict=True) if one == name]


def labelled_folder(folder: str | os.PathLike[str]) -> LabelledPhotos:
    """A folder with a folder for each class: its name, with spaces for underscores, is the label.

    Hidden files and folders, and files whose endings are no pictures', are left out.

    Raises:
        InputError: if it has no such folders.
    """
    top = Path(folder).expanduser()
    try:
        classes = sorted(one for one in top.iterdir() if one.is_dir() and one.name[:1] != ".")
    except OSError as error:
        raise InputError("examples_missing", folder=str(folder)) from error
    pairs = [
        (path, one.name.replace("_", " ").strip()) for one in classes for path in photos_below(one)
    ]
    if not pairs:
        raise InputError("examples_missing", folder=str(folder))
    return _labelled(pairs)


def folder_of_classes(folder: str | os.PathLike[str]) -> Path:
    """The folder itself, or the one inside that holds the classes' folders: who packs a folder of
    class folders packs the folder around them, too. Photographs beside it have no class.
    """
    top = Path(folder)
    while True:
        there = [one for one in sorted(top.iterdir()) if one.name[:1] != "." and one.is_dir()]
        if len(there) != 1 or not any(one.is_dir() for one in _inside(there[0])):
            return top
        top = there[0]


def labelled_table(data: bytes, name: str, folder: str | os.PathLike[str]) -> LabelledPhotos:
    """A table of files and labels: delimited by commas, semicolons, tabs or bars.

    Args:
        data: content of the file.
        name: what to call it.
        folder: what its paths are relative to.

    Raises:
        InputError: if it is no such table.
    """
    lines = decode_text(data, name).splitlines()
    delimiter = max("\t;|,", key=lambda one: lines[0].count(one)) if lines else ","
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if len(row) > 1]
    except csv.Error as error:
        raise InputError("labels_file_unreadable", name=name) from error
    heads = [name_of_column(cell) for cell in rows[0]] if rows else []
    file = next((i for i, one in enumerate(heads) if one in _FILES), 0)
    label = next(
        (i for i, one in enumerate(heads) if one in _LABELS and i != file), 1 - min(file, 1)
    )
    begins = 1 if any(one in (*_FILES, *_LABELS) for one in heads) else 0
    pairs = [
        (os.path.join(folder, row[file].strip()), " ".join(row[label].split()))
        for row in rows[begins:]
        if len(row) > max(file, label) and row[file].strip() and row[label].strip()
    ]
    if not pairs:
        raise InputError("labels_file_unreadable", name=name)
    return _labelled(pairs)


def with_files_of(photos: LabelledPhotos, folder: str | os.PathLike[str]) -> LabelledPhotos:
    """The same, each path that of a file below a folder: nothing else is ever named.

    A file is found by its path below the folder, else by its name where no other has it; one that
    is not found gets a path where none is.

    Args:
        photos: of a table whose paths are relative to `folder`.
        folder: the folder.
    """
    found = {os.path.relpath(path, folder): path for path in photos_below(Path(folder))}
    named: dict[str, list[str]] = {}
    for path in found.values():
        named.setdefault(os.path.basename(path), []).append(path)

    def file(path: str) -> str:
        below = os.path.normpath(os.path.relpath(path, folder)).replace("\\", "/")
        name = below.rpartition("/")[2]
        same = named.get(name, [])
        return found.get(below) or (same[0] if len(same) == 1 else os.path.join(folder, "-", name))

    return replace(photos, paths=tuple(file(path) for path in photos.paths))


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _labelled(pairs: list[tuple[str, str]]) -> LabelledPhotos:
    names = sorted({name for _, name in pairs})
    place = {name: i for i, name in enumerate(names)}
    paths, labels = zip(*pairs, strict=True)
    return LabelledPhotos(tuple(names), tuple(paths), tuple(place[one] for one in labels))


def photos_below(folder: Path) -> Iterator[str]:
    """The photographs of a folder, in the order of their paths; none that is hidden."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one[:1] != ".")
        for name in sorted(files):
            if name[:1] != "." and Path(name).suffix.lower() in SUPPORTED_SUFFIXES:
                yield os.path.join(place, name)
