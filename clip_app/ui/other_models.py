"""Models besides the one that answers: offered with the memory they need, loaded one at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from clip_app.errors import ModelError
from clip_app.model.catalog import PRESETS, ModelSource, find_model, local_models
from clip_app.model.service import ModelService
from clip_app.model.slot import is_here, load_model
from clip_app.sizes import megabytes
from clip_app.strings import Language
from clip_app.ui.tab import Page

_BYTES_OF_A_WEIGHT = 4


def _sources(page: Page) -> dict[str, ModelSource]:
    """The models on this machine besides the present one, where a visitor may choose one."""
    if not page.settings.visitors_may_change_model:
        return {}
    root = page.settings.model_root
    names = ["starter", *PRESETS, *(one.name for one in local_models(root))]
    now = page.slot.service.info.public_name
    found = {name: find_model(name, [root] if root else []) for name in names if name != now}
    return {name: one for name, one in found.items() if is_here(one, page.settings)}


def _needs(source: ModelSource) -> int:
    """About how many bytes of memory a model takes: those of its weights."""
    if source.preset is not None:
        return round(source.preset.parameters * 1_000_000 * _BYTES_OF_A_WEIGHT)
    folder = Path(source.architecture.removeprefix("local-dir:"))
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def models_besides(page: Page, unread: Language | None = None) -> list[dict[str, Any]]:
    """For each other model its name, what it needs, and whether there is room for it.

    With `unread`, only those that are known not to read that language.
    """
    free = psutil.virtual_memory().available
    return [
        {
            "name": name,
            "needs": megabytes(_needs(source)),
            "free": megabytes(free),
            "fits": _needs(source) < free,
        }
        for name, source in _sources(page).items()
        if unread is None or (source.languages and unread not in source.languages)
    ]


def models_asked(page: Page, names: Any) -> list[Callable[[], ModelService]]:
    """What gives the present model, and then each one that was chosen besides."""
    sources = _sources(page) if names else {}
    wanted = [one for one in names or () if one in sources]

    def present() -> ModelService:
        return page.slot.service

    def loaded(name: str) -> Callable[[], ModelService]:
        def load() -> ModelService:
            needs, free = _needs(sources[name]), psutil.virtual_memory().available
            if needs >= free:
                numbers = {"needs": megabytes(needs), "free": megabytes(free)}
                raise ModelError("check_memory", model=name, **numbers)
            root = page.settings.model_root
            settings = page.settings.model_copy(update={"model": name, "export": False})
            return load_model(settings, [root] if root else [])

        return load

    return [present, *(loaded(one) for one in wanted)]
