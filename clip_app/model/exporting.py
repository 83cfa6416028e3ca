"""Having a model exported by a process of its own, behind what answers people."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil
from filelock import FileLock

from clip_app.errors import ClipAppError, ModelError
from clip_app.model.catalog import PRESETS, ModelSource
from clip_app.model.hub import without_hub
from clip_app.model.towers import (
    MANIFEST,
    NotExportedError,
    Towers,
    find_towers,
    lock_file,
    read_towers,
    remember,
    unfinished_folder,
)
from clip_app.process import start_logging
from clip_app.settings import Settings

# Memory that exporting takes: the bytes of a model's float32 weights so many times, and the program
# itself. XLM-RoBERTa base with ViT-B/32, 1.46 GB of weights, took 3.76 GB.
_WEIGHTS_IN_MEMORY, _PROGRAM_BYTES = 2, 1_200_000_000

# Bytes of disk beside the exported weights, which are as large as the model's in float32.
_SPARE_BYTES = 100_000_000

_BYTES_PER_WEIGHT = 4

# How much less urgent than what answers people meanwhile.
_NICENESS = 10


def towers_root(settings: Settings) -> Path:
    """The folder below which all exported towers are kept."""
    return settings.cache_dir / "towers"


def why_not(settings: Settings, parameters: int = 0) -> str | None:
    """Why a model of so many weights cannot be exported here, for the log; None if it can."""
    needed = ("torch", "open_clip", "onnx_ir", "onnxscript")
    if missing := [name for name in needed if find_spec(name) is None]:
        return f"{', '.join(missing)} not installed"
    weights = parameters * _BYTES_PER_WEIGHT
    if psutil.virtual_memory().available < _WEIGHTS_IN_MEMORY * weights + _PROGRAM_BYTES:
        return "too little memory is free"
    try:
        root = towers_root(settings)
        root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(root).free < weights + _SPARE_BYTES:
            return f"too little room on the disk of {root}"
    except OSError as error:
        return error.strerror or str(error)
    return None


def start_export(source: ModelSource, settings: Settings) -> "subprocess.Popen[str]":
    """Begin to export `source` below `towers_root`, in a process that outlives this one.

    It ends with code 0 once the towers are there, by itself or by another; else its last line of
    output says why not.
    """
    as_json = dataclasses.asdict(source) | {"preset": source.preset and source.preset.key}
    arguments = [json.dumps(as_json), str(towers_root(settings))]
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "clip_app.model.exporting", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is meant for us
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def export_now(source: ModelSource, settings: Settings) -> Towers:
    """The towers of a model whose files are here, exported if they are not yet.

    Raises:
        ModelError: if it cannot be exported.
    """
    root = towers_root(settings)
    if towers := find_towers(source, root):
        return towers
    reason = why_not(settings)
    if reason is None:
        with start_export(source, settings) as export:
            try:
                told, _ = export.communicate()
            except KeyboardInterrupt:
                export.terminate()
                raise
        if export.returncode == 0 and (towers := find_towers(source, root)):
            return towers
        reason = told.strip().rsplit("\n", 1)[-1]
    raise ModelError("export_failed", model=source.name, reason=reason)


def export_below(source: ModelSource, root: Path) -> Towers:
    """The towers of a model below `root`, made if they are not there, whole or not at all.

    One process at a time exports a model; another one waits, and finds the towers. It waits without
    torch, for each command that is given meanwhile starts one: with torch, each took 830 MB.

    Raises:
        As `clip_app.model.export.export_towers`.
    """
    lock = lock_file(source, root)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if towers := find_towers(source, root):
            return towers
        from clip_app.model.export import export_towers

        with unfinished_folder(root, lock.stem) as unfinished:
            fingerprint = export_towers(source, unfinished).spec.fingerprint
            # The same weights may have come by another name.
            if not (root / fingerprint / MANIFEST).is_file():
                shutil.rmtree(root / fingerprint, ignore_errors=True)
                unfinished.rename(root / fingerprint)
        remember(source, root, fingerprint)
        return read_towers(root / fingerprint)


def main() -> int:
    """Export the model that the first argument is, as JSON, below the folder in the second."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    start_logging()
    told = json.loads(sys.argv[1])
    languages = told["languages"] and tuple(told["languages"])
    preset = PRESETS.get(told["preset"])
    source = ModelSource(**told | {"languages": languages, "preset": preset})
    try:
        with without_hub():
            export_below(source, Path(sys.argv[2]))
    except (NotExportedError, ClipAppError) as error:
        print(error)
    except OSError as error:
        print(error.strerror or error)
    except MemoryError:
        print("too little memory")
    except Exception as error:  # noqa: BLE001 - this line is all that the parent can tell
        print(f"{type(error).__name__}: {error}".splitlines()[0])
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
