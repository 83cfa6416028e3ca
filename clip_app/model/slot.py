"""Which model answers now: loading the one that was chosen, and putting another in its place."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clip_app.errors import HubUnreachableError, ModelError, StorageError
from clip_app.model.catalog import DEFAULT_PRESET, ModelSource, find_model
from clip_app.model.hub import download, hub_answers, is_cached, unreachable, without_hub
from clip_app.model.service import ModelService
from clip_app.settings import Settings

log = logging.getLogger(__name__)


class ModelSlot:
    """Holds the service that answers now; a change takes effect only once the new one is ready."""

    def __init__(self, service: ModelService, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._changing = threading.Lock()
        #: The model that is being downloaded to take over by itself, if there is one.
        self.awaited: ModelSource | None = None

    @property
    def service(self) -> ModelService:
        """The service that answers now. Take it once for a request, and use that one throughout."""
        return self._service

    def change(
        self, choice: str, roots: Sequence[Path] | None = None, *, hub: bool | None = None
    ) -> ModelService:
        """Load another model and let it serve; the present one serves on until then.

        Args:
            choice, roots: see `clip_app.model.catalog.find_model`.
            hub: as for `load_model`.

        Raises:
            ModelError: if it cannot be loaded or may not be, or another change is under way;
                nothing changes.
        """
        if not self._changing.acquire(blocking=False):
            raise ModelError("model_changing")
        try:
            chosen = self._settings.model_copy(update={"model": choice})
            self._service = load_model(chosen, roots, hub=hub)
        finally:
            self._changing.release()
        return self._service

    def change_once_downloaded(self, source: ModelSource) -> threading.Thread:
        """Download a model on a thread of its own and let it take over; the present one stays if
        that fails. The hub must have answered.
        """
        self.awaited = source

        def fetch() -> None:
            try:
                self.change(source.name, hub=True)
            except (ModelError, StorageError) as error:
                log.warning("%s The starter model goes on answering.", error)
            finally:
                self.awaited = None

        thread = threading.Thread(target=fetch, daemon=True)
        thread.start()
        return thread


def open_slot(settings: Settings) -> ModelSlot:
    """The slot of a server, which answers at once.

    As `load_model`, but where `auto` means a download of gigabytes from a hub that answers, the
    starter serves until it is done.

    Raises:
        ModelError, HubUnreachableError: as `load_model`.
    """
    default = find_model(DEFAULT_PRESET)
    # A shared GPU takes over models that are loaded before the page is served, and no others.
    at_once = settings.model != "auto" or settings.zero_gpu or is_cached(default)
    if at_once or not hub_answers():
        return ModelSlot(load_model(settings, hub=None if at_once else False), settings)
    slot = ModelSlot(load_model(settings.model_copy(update={"model": "starter"})), settings)
    log.info("The starter model answers while %s is being downloaded.", default.name)
    slot.change_once_downloaded(default)
    return slot


def load_model(
    model: str | Settings = "auto",
    roots: Sequence[Path] | None = None,
    *,
    hub: bool | None = None,
    **options: Any,
) -> ModelService:
    """Load a model, ready to encode.

    `auto` is the default preset where its weights are in the local cache or a hub answers, else the
    bundled starter.

    Args:
        model: any name that `find_model` knows, or settings that name one.
        roots: see `clip_app.model.catalog.find_model`.
        hub: whether a hub answers, where that has been asked already.
        options: other settings: `device`, `precision`, `cache_mb`.

    Raises:
        ModelError: if the model is unknown, broken or does not fit.
        HubUnreachableError: if it would have to be downloaded and no hub answers.
        DownloadError: if the download broke off or the hub refuses; what has arrived is kept.
        StorageError: if what is downloaded cannot be saved.
    """
    settings = model if isinstance(model, Settings) else Settings(model=model, **options)
    automatic = settings.model == "auto"
    source = find_model(DEFAULT_PRESET if automatic else settings.model, roots)
    try:
        service = _from_cache_or_hub(source, settings, hub)
    except (ModelError, StorageError) as error:
        if not automatic:
            raise
        log.warning("%s Falling back to the starter model.", error)
        return load_model(settings.model_copy(update={"model": "starter"}))
    if service.info.is_starter:
        log.warning("starter model: good for a first look; choose %s for quality", DEFAULT_PRESET)
    info = service.info
    log.info(
        "Model %s ready on %s (%s) after %.1f s",
        info.name,
        info.device,
        info.precision,
        info.load_seconds,
    )
    return service


def _from_cache_or_hub(source: ModelSource, settings: Settings, hub: bool | None) -> ModelService:
    """Load `source`, without waiting for a hub that is not there or not needed.

    Args:
        hub: whether a hub answers, where that has been asked already.
    """
    if is_cached(source):
        try:
            with without_hub():
                return ModelService(source, settings)
        except HubUnreachableError as error:
            log.info("Something of %s is not in the cache: %s", source.name, error.__cause__)
    if not (hub_answers() if hub is None else hub):
        raise unreachable(source)
    size = source.preset.download_size if source.preset else "its weights"
    log.info("Downloading %s (%s); this happens once.", source.name, size)
    download(source)
    return ModelService(source, settings)
