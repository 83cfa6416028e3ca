"""Folders of exported towers: what lies in one, where the exported ones are kept, which is valid.

A folder has `towers.json`, `image.onnx`, `text.onnx` and `tokens.json` or `tokens.db`, the weights
beside them, and nothing else is needed to run the model: it may be copied to another machine and
named there.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from clip_app.model.catalog import MANIFEST, ModelSource
from clip_app.model.info import ModelSpec
from clip_app.model.preprocess import Preprocessing
from clip_app.model.text_input import TextInput
from clip_app.strings import Language

log = logging.getLogger(__name__)

IMAGE_TOWER, TEXT_TOWER = "image.onnx", "text.onnx"
IMAGE_TOWER_INT8, TEXT_TOWER_INT8 = "image.int8.onnx", "text.int8.onnx"

# The tokenizer: as a file of the tokenizers library, or as `clip_app.model.vocabulary` keeps it.
TOKENIZER, VOCABULARY = "tokens.json", "tokens.db"

# Raised whenever a folder written by an older exporter must not be used any more.
_FORMAT = 1

# Enough of a file to tell another training, a cut or a damaged copy: 64 pieces of 4 KB, evenly
# spread. A file of gigabytes need not be read for it.
_PIECES, _PIECE = 64, 4096


class DamagedTowersError(Exception):
    """A folder of towers that is not whole, or was written by another version."""


class NotExportedError(Exception):
    """A model that cannot be exported, or answers otherwise when it is."""


@dataclass(frozen=True)
class Towers:
    """A folder of exported towers.

    Attributes:
        folder: where it lies.
        spec: what the weights fix, as torch said when they were exported.
        text: how texts are made ready.
        title, languages: as `ModelSource` has them.
        int8: whether there are towers in 8 bits, and with what agreement: the mean cosine to the
            features of the float32 towers, of images and of texts; None where there are none.
    """

    folder: Path
    spec: ModelSpec
    text: TextInput
    title: str
    languages: tuple[Language, ...] | None
    int8: dict[str, float] | None = None

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum((self.folder / name).stat().st_size for name in _parts(self.folder))

    def file(self, name: str) -> str:
        """The path of one of its files."""
        return str(self.folder / name)


def write_manifest(towers: Towers) -> None:
    """Write `towers.json` for what lies in the folder; errors as of any file."""
    spec = asdict(towers.spec)
    manifest = {
        "format": _FORMAT,
        "title": towers.title,
        "languages": towers.languages,
        "spec": spec,
        "text": asdict(towers.text),
        "int8": towers.int8,
        "files": {name: file_mark(towers.folder / name) for name in _parts(towers.folder)},
    }
    temporary = towers.folder / f"{MANIFEST}.{os.getpid()}"
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    temporary.replace(towers.folder / MANIFEST)


def _parts(folder: Path) -> list[str]:
    """The files of a folder that are its towers' own; a model's folder has others."""
    kinds = (".onnx", ".data", ".safetensors")
    names = sorted(path.name for path in folder.iterdir())
    return [name for name in names if name in (TOKENIZER, VOCABULARY) or name.endswith(kinds)]


def copy_towers(towers: Towers, folder: Path) -> None:
    """Copy what is needed to run the model, and no more, into a folder that is new or empty.

    Raises:
        FileExistsError: if it is not empty.
        OSError: if it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(folder)
    for name in (*_parts(towers.folder), MANIFEST):  # the manifest makes it one, so it comes last
        shutil.copyfile(towers.folder / name, folder / name)


def remove_towers(root: Path, source: ModelSource | None = None) -> int:
    """Delete the towers exported below `root`, of one model or of all, those in 8 bits with them.

    Returns:
        the number of bytes that were freed.
    """
    if source is None:
        return _remove(root)
    pointer = _pointer(source, root)
    fingerprints = set()
    with contextlib.suppress(OSError):
        fingerprints.add(pointer.read_text("utf-8").strip())
        pointer.unlink()
    with contextlib.suppress(DamagedTowersError):
        if own := own_folder(source):
            fingerprints.add(read_towers(own).spec.fingerprint)
    folders = [root / name for one in fingerprints for name in (one, f"{one}-int8")]
    return sum(_remove(folder) for folder in folders)


def _remove(folder: Path) -> int:
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    return freed


def read_towers(folder: Path) -> Towers:
    """The towers in a folder.

    Raises:
        DamagedTowersError: if they are not whole, or none are there.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest["format"] != _FORMAT:
            raise DamagedTowersError(f"{folder} has format {manifest['format']}")
        for name, mark in manifest["files"].items():
            if file_mark(folder / name) != mark:
                raise DamagedTowersError(f"{folder / name} is not what was written")
        spec = manifest["spec"]
        picture = spec["preprocessing"]
        picture |= {name: tuple(picture[name]) for name in ("image_size", "mean", "std")}
        return Towers(
            folder,
            ModelSpec(**spec | {"preprocessing": Preprocessing(**picture)}),
            TextInput(**manifest["text"]),
            manifest["title"],
            manifest["languages"] and tuple(manifest["languages"]),
            manifest["int8"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedTowersError(f"{folder}: {error}") from error


def file_mark(path: Path) -> list[Any]:
    """[size in bytes, digest of pieces of the content]: the same for the same file anywhere."""
    size = path.stat().st_size
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb", buffering=0) as file:
        if size <= _PIECES * _PIECE:
            digest.update(file.read())
        else:
            for index in range(_PIECES):
                file.seek((size - _PIECE) * index // (_PIECES - 1))
                digest.update(file.read(_PIECE))
    return [size, digest.hexdigest()]


def find_towers(source: ModelSource, root: Path) -> Towers | None:
    """The valid towers of a model: those in its own folder, or those exported below `root`.

    What is found damaged below `root` is removed, so that it is exported again.
    """
    if own := own_folder(source):
        try:
            return read_towers(own)
        except DamagedTowersError as error:
            log.info("No towers in the model's own folder: %s", error)
    pointer = _pointer(source, root)
    try:
        folder = root / pointer.read_text("utf-8").strip()
    except OSError:
        return None
    return _whole(folder)


def int8_folder(towers: Towers, root: Path) -> Path:
    """Where the towers in 8 bits of these float32 ones are kept."""
    return root / f"{towers.spec.fingerprint}-int8"


def find_int8_towers(towers: Towers, root: Path) -> Towers | None:
    """The valid towers in 8 bits of these float32 ones; damaged ones are removed."""
    folder = int8_folder(towers, root)
    return _whole(folder) if folder.exists() else None


def _whole(folder: Path) -> Towers | None:
    try:
        return read_towers(folder)
    except DamagedTowersError as error:
        log.warning("Exported towers are not whole and will be made again: %s", error)
        shutil.rmtree(folder, ignore_errors=True)
        return None


@contextlib.contextmanager
def unfinished_folder(root: Path, name: str) -> Iterator[Path]:
    """A folder to write towers in and to move to its place; gone at the end where that failed.

    Raises:
        OSError: if it cannot be made.
    """
    folder = root / "unfinished" / name
    # What a killed process left under this name is in nobody's use.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remember(source: ModelSource, root: Path, fingerprint: str) -> None:
    """Note below `root` that a model's towers lie in `root / fingerprint`."""
    pointer = _pointer(source, root)
    pointer.parent.mkdir(parents=True, exist_ok=True)
    temporary = pointer.with_name(f"{pointer.name}.{os.getpid()}")
    temporary.write_text(fingerprint, "utf-8")
    temporary.replace(pointer)


def own_folder(source: ModelSource) -> Path | None:
    """The model's folder on this machine, if it is one that holds towers."""
    folder = Path(source.architecture.removeprefix("local-dir:"))
    named = source.architecture.startswith("local-dir:")
    return folder if named and (folder / MANIFEST).is_file() else None


def lock_file(source: ModelSource, root: Path) -> Path:
    """What a process that exports `source` holds, so that no other does the same."""
    return _pointer(source, root).with_suffix(".lock")


def _pointer(source: ModelSource, root: Path) -> Path:
    marks = [(str(path.name), file_mark(path)) for path in _files(source)]
    key = json.dumps([source.architecture, source.pretrained, marks])
    return root / "sources" / hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _files(source: ModelSource) -> list[Path]:
    """What a model is loaded from, so far as it lies here and can be told without torch.

    Names of open_clip's registry outside the catalog give nothing: their weights do not change.
    """
    files: list[Path] = []
    if source.architecture.startswith("local-dir:"):
        folder = Path(source.architecture.removeprefix("local-dir:"))
        files += sorted(
            p for p in folder.iterdir() if p.suffix in (".json", ".safetensors", ".bin")
        )
    elif source.pretrained and Path(source.pretrained).is_file():
        files.append(Path(source.pretrained))
    elif source.preset is None and not source.architecture.startswith("hf-hub:"):
        return []
    if not source.pretrained or source.preset:
        for repository, names in source.hub_files:
            found = (try_to_load_from_cache(repository, name) for name in names)
            files += [Path(one) for one in found if isinstance(one, str)]
    return files
