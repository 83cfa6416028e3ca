"""The browser's side of a component, which lies in `assets/page`."""

from typing import Any

from clip_app.settings import ASSETS

PAGE = ASSETS / "page"

_FILES = {"html_template": "html", "css_template": "css", "js_on_load": "js"}


def part(name: str) -> dict[str, Any]:
    """The keyword arguments of a `gr.HTML` whose files are called `name`: those that exist."""
    files = {argument: PAGE / f"{name}.{ending}" for argument, ending in _FILES.items()}
    return {key: file.read_text("utf-8") for key, file in files.items() if file.exists()}
