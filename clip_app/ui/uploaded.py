"""Which files a request may name."""

from pathlib import Path

from gradio.utils import get_upload_folder


def uploaded(path: str) -> Path | None:
    """The real path of a file that the page's script names; None if it is no upload to this page.

    A request may name any file of this machine; only what lies among the uploads, whose folders
    nobody can guess, is a visitor's own to name.
    """
    real = Path(path).resolve()
    return real if real.is_relative_to(Path(get_upload_folder()).resolve()) else None
