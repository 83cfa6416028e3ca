"""A folder that can be uploaded as a Space of Hugging Face, and runs there as it is."""

import os
import re
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from huggingface_hub import SpaceCard
from packaging.requirements import Requirement
from packaging.version import Version

from clip_app.errors import InputError, ModelError, StorageError
from clip_app.model.catalog import ModelSource
from clip_app.model.hub import hub_answers, named_files
from clip_app.model.towers import own_folder
from clip_app.settings import ASSETS
from clip_app.strings import LANGUAGES, text
from clip_app.temporary import check_is_new

Hardware = Literal["zerogpu", "cpu"]

#: What `hf repos create --flavor` calls them.
FLAVORS: dict[Hardware, str] = {"zerogpu": "zero-a10g", "cpu": "cpu-basic"}

#: Where a bucket is mounted unless it is said otherwise, as in the hub's own examples.
BUCKET = "/data"

# An absolute path of plain names: not `/` alone, nor anything with a blank or `..` in it.
_MOUNT = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+/?")

# The newest of both on the list of huggingface.co/docs/hub/spaces-zerogpu (2026-08-22: torch 2.8.0,
# 2.9.1, 2.10.0 and 2.11.0; Python 3.12.12 and 3.10.13, and what we need has left 3.10).
_ZERO_GPU = {"torch": "2.11.0", "torchvision": "0.26.0"}
_PYTHON = "3.12.12"

# Without it, pip would bring gigabytes of CUDA to a machine that has none.
_CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"

# The hub takes binary files only by this way; `hf upload` would do without the file, git not.
_LARGE = ("jpg", "npz", "onnx", "png", "safetensors", "bin", "webp")

# What of the package's folder and of its assets stays: an installed package has these inside it.
_LEFT_OUT = ("assets", "screenshots", "space")

_ENTRY = '''\
"""Entry point of this Space. The variables of its settings win over what is set here."""

import os
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

os.environ.setdefault("CLIP_APP_MODEL", {model})

# A bucket that is mounted here has photographs to search; their indexes, if they can be kept there,
# outlast a restart. What visitors upload stays on this machine.
BUCKET = {bucket!r}
if os.path.isdir(BUCKET):
    os.environ.setdefault("CLIP_APP_GALLERY_ROOTS", BUCKET)
    if os.access(BUCKET, os.W_OK):
        os.environ.setdefault("CLIP_APP_INDEX_DIR", os.path.join(BUCKET, ".clip_app"))
        os.environ.setdefault("GRADIO_TEMP_DIR", tempfile.mkdtemp())

from app import demo, end_process, launch, served  # noqa: E402

if __name__ == "__main__":
    end_process(launch(demo, served))
'''


def write_space(
    folder: Path, source: ModelSource, hardware: Hardware, bucket: str = BUCKET
) -> bool:
    """Write the app into `folder` as a Space that answers with one model.

    Args:
        folder: is made; may be there if it is empty.
        source: the model; one that lies in a folder of this machine goes along.
        hardware: what the Space is to run on.
        bucket: where a bucket with photographs would be mounted.

    Returns:
        Whether everything that the model needs is in the folder or preloaded as the Space is built;
        else the Space downloads the model when it starts.

    Raises:
        ModelError: if this model cannot go there.
        InputError: if a bucket cannot be mounted there.
        StorageError: if the folder is not empty, or cannot be written.
    """
    if source.pretrained and Path(source.pretrained).is_file():
        raise ModelError("space_weights_file", model=source.name)
    towers = own_folder(source)
    if hardware == "zerogpu" and towers and not source.is_starter:
        raise ModelError("space_towers", model=source.name)
    if not _MOUNT.fullmatch(bucket):
        raise InputError("space_bucket", bucket=bucket)
    if os.path.lexists(folder) and not folder.is_dir():
        check_is_new(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise StorageError("space_folder_in_use", folder=str(folder))
    files = named_files(source, hub_answers()) if source.hub_files else {}
    was_there = folder.is_dir()
    try:
        _write(
            folder, source, hardware, files or {}, bucket, light=hardware == "cpu" and bool(towers)
        )
    except (OSError, _NotCopiedError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        if was_there:
            folder.mkdir(exist_ok=True)
        cause = error.__cause__ if isinstance(error, _NotCopiedError) else error
        reason = getattr(cause, "strerror", None) or str(cause)
        raise StorageError("space_folder_unwritable", folder=str(folder), reason=reason) from error
    return files is not None


def _write(
    folder: Path,
    source: ModelSource,
    hardware: Hardware,
    preloaded: dict[str, list[str]],
    bucket: str,
    *,
    light: bool,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("app.py", "LICENSE"):
        shutil.copyfile(_own(name), folder / name)
    _copy(Path(__file__).parent.parent, folder / "clip_app", folder, _LEFT_OUT)
    _copy(ASSETS, folder / "assets", folder, _LEFT_OUT)
    model = repr(source.name)
    if source.architecture.startswith("local-dir:") and not source.is_starter:
        own = Path(source.architecture.removeprefix("local-dir:"))
        _copy(own, folder / "models" / own.name, folder)
        model = f'os.path.join(HERE, "models", {own.name!r})'
    (folder / "space.py").write_text(_ENTRY.format(model=model, bucket=bucket), "utf-8")
    (folder / "requirements.txt").write_text(_requirements(hardware, light), "utf-8")
    attributes = (f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in _LARGE)
    (folder / ".gitattributes").write_text("".join(attributes), "utf-8")
    _card(hardware, preloaded).save(folder / "README.md")


class _NotCopiedError(Exception):
    """What ends `copytree` at its first error, of which it would collect one for each file."""


def _copy(source: Path, target: Path, space: Path, left_out: Sequence[str] = ()) -> None:
    """Copy a folder without what Python has made in it, nor the space, which may lie in it."""
    made, here = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi"), space.resolve()

    def ignored(folder: str, names: list[str]) -> set[str]:
        itself = {one for one in names if (Path(folder) / one).resolve() == here}
        return made(folder, names) | itself | (set(left_out) if Path(folder) == source else set())

    shutil.copytree(source, target, ignore=ignored, copy_function=_copy_file)


def _copy_file(source: str, target: str) -> None:
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise _NotCopiedError from error


def _own(name: str) -> Path:
    """A file of a checkout's root, where an installed package has it too."""
    return next(one / name for one in (ASSETS.parent, ASSETS / "space") if (one / name).is_file())


def _card(hardware: Hardware, preloaded: dict[str, list[str]]) -> SpaceCard:
    """The README, whose header configures the Space as that of this repository does."""
    card = SpaceCard(_own("README.md").read_text("utf-8"))
    card.data["sdk_version"] = version("gradio")
    card.data["python_version"] = _PYTHON
    card.data["app_file"] = "space.py"
    # ZeroGPU is no hardware that a header may suggest.
    card.data["suggested_hardware"] = FLAVORS["cpu"] if hardware == "cpu" else None
    if preloaded:
        card.data["preload_from_hub"] = [
            f"{repository} {','.join(files)}" for repository, files in preloaded.items()
        ]
        card.data["models"] = list(preloaded)
    card.text = "\n\n".join(
        [f"# {card.data['title']}", *(text("space_readme", language) for language in LANGUAGES), ""]
    )
    return card


def _requirements(hardware: Hardware, light: bool) -> str:
    """What the app needs, in the versions that are installed here, which it was tried with."""
    lines = [] if light or hardware == "zerogpu" else [_CPU_INDEX]
    listed = _own("requirements-light.txt" if light else "requirements.txt").read_text("utf-8")
    for line in listed.splitlines():
        if not line or line.startswith("#"):
            continue
        needed = Requirement(line)
        pinned = _ZERO_GPU.get(needed.name) if hardware == "zerogpu" else None
        try:
            # A build for one kind of machine ("2.11.0+cpu") is not to be had for another.
            pinned = pinned or Version(version(needed.name)).public
        except PackageNotFoundError:  # torch, where this was set up without it
            lines.append(line)
            continue
        extras = f"[{','.join(sorted(needed.extras))}]" if needed.extras else ""
        lines.append(f"{needed.name}{extras}=={pinned}")
    return "\n".join(lines) + "\n"
