"""Files that the page offers to download."""

import contextlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import StorageError
from clip_app.ui.i18n import i18n

# Downloads are written when asked for; nobody fetches one an hour later.
_EXPORT_SECONDS = 3600

_SPREADSHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Most file systems take 255 bytes; Gradio puts a number before some names.
_LONGEST_NAME = 200
_LONGEST_SUFFIX = 20
_exports = tempfile.TemporaryDirectory(prefix="clip_app-")


def download_button(key: str, elem_id: str) -> gr.DownloadButton:
    """A download button that appears once there is something to download."""
    # Gradio translates this label too, though its signature says plain text only.
    label: Any = i18n(key)
    return gr.DownloadButton(label, visible=False, elem_id=elem_id, scale=0, min_width=240)


def no_formula(cell: str) -> str:
    """Spreadsheets run cells that begin like a formula; a leading quote makes them text."""
    return f"'{cell}" if cell.startswith(_SPREADSHEET_FORMULA) else cell


def file_name(name: str) -> str:
    """`name` as a file name that every disk takes: its ending stays, its middle may be shorter.

    Line breaks, marks that turn the direction of writing, and what is no text become "_".
    """
    clean = "".join(one if one.isprintable() and one not in "/\\" else "_" for one in name)
    path = Path(clean.strip())
    suffix = path.suffix if len(path.suffix.encode()) <= _LONGEST_SUFFIX else ""
    stem = (path.stem if suffix else path.name).encode()[: _LONGEST_NAME - len(suffix.encode())]
    return f"{stem.decode(errors='ignore') or '_'}{suffix}"


def new_export(name: str) -> Path:
    """Where to write a file to download: in a folder of its own; old ones are removed.

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    try:
        _tidy_up()
        return Path(tempfile.mkdtemp(dir=_exports.name)) / file_name(name)
    except OSError as error:
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error


def write_export(name: str, content: str | bytes) -> str:
    """Write a file to download, of its own folder; old ones are removed.

    A name that a disk or browser would not take is cut and cleaned (`file_name`).

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    path = new_export(name)
    try:
        if isinstance(content, str):
            # With a byte order mark, spreadsheets recognize UTF-8.
            content = content.encode("utf-8-sig" if name.endswith(".csv") else "utf-8")
        path.write_bytes(content)
    except OSError as error:
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    return str(path)


def _tidy_up() -> None:
    """Remove the exports that nobody will fetch any more."""
    oldest = time.time() - _EXPORT_SECONDS
    for folder in Path(_exports.name).iterdir():
        # Another thread removes the same ones, and may be quicker.
        with contextlib.suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
