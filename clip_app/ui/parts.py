"""The browser's side of a component, which lies in `assets/page`."""

from typing import Any

from clip_app.settings import ASSETS

PAGE = ASSETS / "page"

_FILES = {"html_template": "html", "css_template": "css", "js_on_load": "js"}


def part(*names: str) -> dict[str, Any]:
    """The keyword arguments of a `gr.HTML` whose files are called so: those that exist, joined."""
    files = {
        argument: [PAGE / f"{name}.{ending}" for name in names]
        for argument, ending in _FILES.items()
    }
    return {
        argument: "".join(file.read_text("utf-8") for file in found)
        for argument, given in files.items()
        if (found := [file for file in given if file.exists()])
    }
