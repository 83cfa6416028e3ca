"""Concepts in files: those that people exchange, and the folder where one's own are kept.

A file is in the safetensors format, which holds arrays and a line of JSON and nothing that could be
run: the vectors, the thumbnails as bytes, and what else there is to know.
"""

import base64
import hashlib
import json
import logging
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from clip_app.errors import ImageError, InputError, StorageError
from clip_app.images import load_image
from clip_app.model.service import ModelService
from clip_app.tasks.concepts import (
    MARKS,
    MOST_THUMBNAILS,
    THUMBNAIL_SIDE,
    Concept,
    by_key,
    check_model,
    concept_name,
    key_of,
    with_more,
)
from clip_app.temporary import whole_file

log = logging.getLogger(__name__)

#: The form of the files; one with a higher number is of a newer program.
VERSION = 1

#: More than a thousand concepts take.
MAX_BYTES = 100_000_000
MOST = 1000
_SUFFIX = ".concepts"
_FORMAT = "clip_app concepts"


def concepts_to_bytes(concepts: Sequence[Concept]) -> bytes:
    """A file of concepts, of one model or of several."""
    arrays: dict[str, np.ndarray] = {}
    told = []
    for place, one in enumerate(concepts):
        arrays[f"{place}.mean"] = one.mean
        if one.away is not None:
            arrays[f"{place}.away"] = one.away
        if len(one.features):
            arrays[f"{place}.features"] = one.features
        for number, picture in enumerate(one.thumbnails):
            arrays[f"{place}.thumbnail.{number}"] = np.frombuffer(picture, np.uint8)
        told.append(
            {
                "name": one.name,
                "fingerprint": one.fingerprint,
                "model": one.model,
                "examples": one.examples,
                "alpha": one.alpha,
                "counter_examples": one.counter_examples,
                "thumbnails": len(one.thumbnails),
            }
        )
    about = {
        "format": _FORMAT,
        "version": str(VERSION),
        "concepts": json.dumps(told, ensure_ascii=False),
    }
    return bytes(save(arrays, about))


def concepts_from_bytes(data: bytes, name: str, *, foreign: bool = True) -> list[Concept]:
    """The concepts of a file.

    Args:
        data: its content.
        name: what to call it where it will not do.
        foreign: whether it may be of anyone, so that its thumbnails are opened to see what they
            are.

    Raises:
        InputError: if it is no such file, is damaged, too large or of a newer program.
    """
    if len(data) > MAX_BYTES:
        raise InputError("concepts_too_large", name=name, limit=MAX_BYTES // 1_000_000)
    try:
        arrays = load(data)
        (length,) = struct.unpack("<Q", data[:8])
        about = json.loads(data[8 : 8 + length])["__metadata__"]
        if about["format"] != _FORMAT:
            raise ValueError(about["format"])
        version = int(about["version"])
    except _UNSOUND as error:
        raise InputError("concepts_unreadable", name=name) from error
    if version > VERSION:
        raise InputError("concepts_newer", name=name)
    try:
        told = json.loads(about["concepts"])
        concepts = [_concept(arrays, place, one) for place, one in enumerate(told[:MOST])]
        if foreign:
            for picture in (picture for one in concepts for picture in one.thumbnails):
                load_image(picture, max_pixels=THUMBNAIL_SIDE**2)
    except (*_UNSOUND, InputError, ImageError) as error:
        raise InputError("concepts_unreadable", name=name) from error
    return concepts


# What parsing bytes of unknown origin raises.
_UNSOUND = (
    SafetensorError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
    struct.error,
)


def concept_to_text(concept: Concept) -> str:
    """A concept as a line of text for programs, Base64 of its file: vectors, no pictures."""
    bare = replace(concept, thumbnails=(), features=concept.features[:0])
    return base64.b64encode(concepts_to_bytes([bare])).decode("ascii")


def concepts_from_text(texts: str, service: ModelService) -> list[Concept]:
    """The concepts of texts that `concept_to_text` made, with spaces or line breaks between them.

    Raises:
        InputError: if there is something else, or another model has made one of them.
    """
    concepts = []
    for one in texts.split():
        try:
            data = base64.b64decode(one, validate=True)
        except ValueError as error:
            raise InputError("concepts_unreadable", name=f"{one[:20]}…") from error
        concepts += concepts_from_bytes(data, f"{one[:20]}…")
    for found in concepts:
        check_model(found, service)
    return concepts


def read_concepts(path: str | os.PathLike[str], service: ModelService) -> list[Concept]:
    """The concepts of a file, for one model.

    Raises:
        InputError: if it cannot be read, or another model has made one of them.
    """
    place = Path(path).expanduser()
    try:
        with place.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError("file_not_found", name=place.name) from error
    concepts = concepts_from_bytes(data, place.name)
    for one in concepts:
        check_model(one, service)
    return concepts


def write_concepts(path: str | os.PathLike[str], concepts: Sequence[Concept]) -> None:
    """Write a file of concepts, whole or not at all.

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    try:
        with whole_file(Path(path).expanduser()) as file:
            file.write(concepts_to_bytes(concepts))
    except OSError as error:
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error


class ConceptStore:
    """The concepts of one model in the index folder, a file each, so that any number of processes
    may keep some at once; of two with one name the later stays.
    """

    def __init__(self, index_dir: Path, fingerprint: str, *, most: int = MOST) -> None:
        """Nothing is made before something is saved.

        Args:
            index_dir: `Settings.index_dir`, or a visitor's own folder.
            fingerprint: `ModelInfo.fingerprint` of the model.
            most: how many are kept.
        """
        self._fingerprint = fingerprint
        self._most = most
        self._folder = index_dir.expanduser().resolve() / "concepts" / _digest(fingerprint)

    def all(self) -> tuple[Concept, ...]:
        """All of them, by name; files that cannot be read are left out."""
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            try:
                [one] = concepts_from_bytes(path.read_bytes(), path.name, foreign=False)
            except FileNotFoundError:  # forgotten just now
                continue
            except (OSError, ValueError, InputError) as error:
                log.warning("The concept in %s cannot be read: %s", path, error)
                continue
            if one.fingerprint == self._fingerprint:
                found.append(one)
        return tuple(sorted(found, key=lambda one: key_of(one.name)))

    def named(self, texts: Iterable[str]) -> tuple[Concept, ...]:
        """Those that texts name with an @ before: labels, terms of a query."""
        keys = {key_of(one) for one in texts if one.startswith(MARKS)}
        return tuple(one for one in self.all() if key_of(one.name) in keys) if keys else ()

    def add(self, concept: Concept) -> None:
        """Keep a concept's examples beside those of one of its name, if there is one.

        Raises:
            InputError, StorageError: as `save` and `concepts.with_more`.
        """
        old = by_key(self.all()).get(key_of(concept.name))
        self.save(concept if old is None else with_more(old, concept))

    def save(self, concept: Concept) -> None:
        """Keep a concept, in place of one of its name.

        Raises:
            InputError: if there are too many.
            StorageError: if the disk is full or cannot be written.
        """
        path = self._path(concept.name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not path.exists() and len(list(self._folder.glob(f"*{_SUFFIX}"))) >= self._most:
                raise InputError("concepts_too_many", limit=self._most)
        except OSError as error:
            raise StorageError("disk_full", reason=error.strerror or str(error)) from error
        write_concepts(path, [concept])

    def rename(self, name: str, new: str) -> None:
        """Give the concept of this name another, cleaned as `concept_name` does.

        Raises:
            InputError: if there is none, or the new name will not do or is taken.
            StorageError: if the disk is full or cannot be written.
        """
        known = by_key(self.all())
        concept = known.get(key_of(name))
        if concept is None:
            raise InputError("concept_unknown", name=name)
        renamed = replace(concept, name=concept_name(new))
        if key_of(renamed.name) == key_of(name):
            self.save(renamed)
            return
        if key_of(renamed.name) in known:
            raise InputError("concept_name_taken", name=renamed.name)
        write_concepts(self._path(renamed.name), [renamed])
        self.forget(name)

    def forget(self, name: str) -> None:
        """Delete the concept of this name.

        Raises:
            InputError: if there is none.
            StorageError: if it cannot be deleted.
        """
        try:
            self._path(name).unlink()
        except FileNotFoundError as error:
            raise InputError("concept_unknown", name=name) from error
        except OSError as error:
            raise StorageError("disk_full", reason=error.strerror or str(error)) from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{_digest(key_of(name))}{_SUFFIX}"


def _digest(content: str) -> str:
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _concept(arrays: dict[str, np.ndarray], place: int, told: dict[str, Any]) -> Concept:
    """One concept of a file; raises one of `_UNSOUND` or an `InputError` if anything is wrong."""
    away = arrays.get(f"{place}.away")
    mean = _vector(arrays[f"{place}.mean"])
    if away is not None and away.shape != mean.shape:
        raise ValueError(away.shape)
    alpha = float(told["alpha"])
    if not 0 <= alpha <= 1:
        raise ValueError(alpha)
    features = arrays.get(f"{place}.features", np.empty((0, 0), np.float32))
    if features.ndim != 2 or len(features) > MOST_THUMBNAILS:
        raise ValueError(features.shape)
    if any(_vector(row).shape != mean.shape for row in features):
        raise ValueError(features.shape)
    number = min(int(told["thumbnails"]), MOST_THUMBNAILS)
    pictures = [arrays[f"{place}.thumbnail.{one}"].tobytes() for one in range(number)]
    return Concept(
        concept_name(told["name"]),
        str(told["fingerprint"]),
        str(told["model"]),
        mean,
        max(1, int(told["examples"])),
        alpha,
        None if away is None else _vector(away),
        max(0, int(told["counter_examples"])),
        tuple(pictures),
        features,
    )


def _vector(array: np.ndarray) -> np.ndarray:
    if array.ndim != 1 or array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError(array.shape)
    if not abs(float(np.linalg.norm(array)) - 1) < 1e-3:
        raise ValueError("not of length 1")
    return array
