"""Which model answers now: loading the one that was chosen, and putting another in its place."""

import atexit
import logging
import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from clip_app.errors import (
    ClipAppError,
    DownloadError,
    HubUnreachableError,
    ModelChangingError,
    ModelError,
    StorageError,
)
from clip_app.model.backgrounds import prepare_backgrounds
from clip_app.model.catalog import DEFAULT_PRESET, ModelSource, find_model
from clip_app.model.download_progress import (
    DownloadLine,
    DownloadProgress,
    DownloadReport,
    LoggedProgress,
)
from clip_app.model.engine import has_torch, serves_towers
from clip_app.model.exporting import start_export, towers_root, why_not
from clip_app.model.hub import download, hub_answers, is_cached, unreachable, without_hub
from clip_app.model.service import ModelService
from clip_app.model.towers import find_towers, own_folder
from clip_app.settings import Settings, settings_of

log = logging.getLogger(__name__)

# After a download has broken off, the hub is asked again so soon, then half as often each time.
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 60.0, 600.0

# What may be otherwise by then; that the model is broken or not there is not.
_PASSING = (DownloadError, HubUnreachableError, ModelChangingError, StorageError)


class Slot(Protocol):
    """What says which model answers."""

    @property
    def service(self) -> ModelService:
        """The service that answers now."""


class ModelSlot:
    """Holds the service that answers now; a change takes effect only once the new one is ready."""

    def __init__(self, service: ModelService, settings: Settings) -> None:
        """Hold `service`; where exported towers would be faster, have them made and take them."""
        self._service = service
        self._settings = settings
        self._changing = threading.Lock()
        self._chosen = threading.Event()
        #: The model that is being downloaded to take over by itself, if there is one.
        self.awaited: ModelSource | None = None
        #: How far that is, once the hub has answered.
        self.progress: DownloadProgress | None = None
        #: Why it is not here, while nothing is being downloaded; it is tried again.
        self.trouble: ClipAppError | None = None
        self._taking_over: threading.Thread | None = None
        self._have_exported()

    @property
    def service(self) -> ModelService:
        """The service that answers now. Take it once for a request, and use that one throughout."""
        return self._service

    @property
    def takes_over(self) -> bool:
        """Whether another model is to take over by itself: on its way, or tried again later."""
        return bool(self._taking_over and self._taking_over.is_alive())

    def change(
        self,
        choice: str,
        roots: Sequence[Path] | None = None,
        report: DownloadReport | None = None,
        hub: bool | None = None,
    ) -> ModelService:
        """Load another model and let it serve; the present one serves on until then.

        Args:
            choice, roots: see `clip_app.model.catalog.find_model`.
            report: told how far its download is, if it is not here.
            hub: whether a hub answers, where that has been asked already.

        Raises:
            ModelError: if it cannot be loaded or may not be, or another change is under way;
                nothing changes.
        """
        if not self._changing.acquire(blocking=False):
            raise ModelChangingError("model_changing")
        try:
            settings = self._settings.model_copy(update={"model": choice})
            self._service = _load(settings, roots, hub, report)
            self._chosen.set()
        finally:
            self._changing.release()
        self._have_exported()
        return self._service

    def _have_exported(self) -> threading.Thread | None:
        """Export the model's towers behind what answers people, and let them take over."""
        service = self._service
        export = export_behind(service, self._settings)
        if export is None:
            return None
        # Nobody is left to take over.
        atexit.register(export.terminate)

        def take_over() -> None:
            reason = (export.communicate()[0] or "").strip().rsplit("\n", 1)[-1]
            atexit.unregister(export.terminate)
            if export.returncode:
                log.warning("%s stays on torch: %s", service.source.name, reason)
                return
            faster = ModelService(service.source, self._settings)
            with self._changing:
                if self._service is service:
                    self._service = faster
                    log.info("%s answers from ONNX Runtime now.", service.source.name)

        thread = threading.Thread(target=take_over, daemon=True)
        thread.start()
        return thread

    def change_once_downloaded(self, source: ModelSource) -> threading.Thread:
        """Download a model on a thread of its own and let it take over.

        The hub must have answered. The present model answers until then. A download that breaks off
        goes on by itself, unless another model has been chosen meanwhile.
        """
        self.awaited = source
        self._chosen.clear()
        thread = threading.Thread(
            target=self._take_over_once_downloaded, args=(source, self._service), daemon=True
        )
        self._taking_over = thread
        thread.start()
        return thread

    def _take_over_once_downloaded(self, source: ModelSource, meanwhile: ModelService) -> None:
        pause = _RETRY_SECONDS
        hub: bool | None = True  # whoever asked for this has asked it whether it answers
        logged = LoggedProgress()

        def report(progress: DownloadProgress) -> None:
            self.progress = progress
            logged(progress)

        while self._service is meanwhile:
            self.awaited, self.trouble = source, None
            try:
                fetch(source, hub, report)
                if self._service is meanwhile:
                    # The hub has just brought it. No visitor is to wait for its background words.
                    prepare_backgrounds(self.change(source.name, hub=True))
                return
            except (ModelError, StorageError) as error:
                log.warning("%s The starter model goes on answering.", error)
                self.awaited, self.trouble = None, error
                if not isinstance(error, _PASSING):
                    return
            finally:
                self.awaited = None
            self._chosen.wait(pause)
            hub = None
            pause = min(2 * pause, _LONGEST_RETRY_SECONDS)
        self.trouble = None


def open_slot(settings: Settings) -> ModelSlot:
    """The slot of a server, which answers at once.

    As `load_model`, but where `auto` means a download of gigabytes from a hub that answers, the
    starter serves until it is done.

    Raises:
        ModelError, HubUnreachableError: as `load_model`.
    """
    default = find_model(DEFAULT_PRESET)
    # A shared GPU takes over models that are loaded before the page is served, and no others.
    at_once = settings.model != "auto" or settings.zero_gpu or is_here(default, settings)
    if at_once or not has_torch() or not hub_answers():
        return ModelSlot(_load(settings, hub=None if at_once else False), settings)
    slot = ModelSlot(_load(settings.model_copy(update={"model": "starter"})), settings)
    log.info("The starter model answers while %s is being downloaded.", default.name)
    slot.change_once_downloaded(default)
    return slot


def load_model(
    model: str | os.PathLike[str] | Settings = "auto",
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
        options: other settings: `device`, `precision`, `cache_mb`, `cache_dir`.

    Raises:
        InputError: if an option has a value that the setting does not take.
        ModelError: if the model is unknown, broken or does not fit.
        HubUnreachableError: if it would have to be downloaded and no hub answers.
        DownloadError: if the download broke off or the hub refuses; what has arrived is kept.
        StorageError: if what is downloaded cannot be saved.
    """
    if isinstance(model, Settings):
        settings = model
    else:
        settings = settings_of(model=os.fspath(model), **options)
    service = _load(settings, roots, hub)
    export_behind(service, settings)
    return service


def export_behind(service: ModelService, settings: Settings) -> "subprocess.Popen[str] | None":
    """Begin to export a model that torch runs where ONNX Runtime would be faster.

    It goes on after this process has ended: the next one finds the towers.
    """
    if service.info.engine != "torch" or not (settings.export and serves_towers(settings)):
        return None
    if reason := why_not(settings, service.info.parameters):
        log.info("%s stays on torch: %s", service.source.name, reason)
        return None
    log.info("Preparing faster towers of %s in the background, once.", service.source.name)
    return start_export(service.source, settings)


def _load(
    settings: Settings,
    roots: Sequence[Path] | None = None,
    hub: bool | None = None,
    report: DownloadReport | None = None,
) -> ModelService:
    """`load_model`, without exporting."""
    automatic = settings.model == "auto"
    source = find_model(DEFAULT_PRESET if automatic else settings.model, roots)
    if automatic and not has_torch() and not is_here(source, settings):
        source = find_model("starter")
    try:
        service = _from_cache_or_hub(source, settings, hub, report)
    except (ModelError, StorageError) as error:
        if not automatic:
            raise
        log.warning("%s Falling back to the starter model.", error)
        return _load(settings.model_copy(update={"model": "starter"}))
    if service.info.is_starter:
        log.warning("starter model: good for a first look; choose %s for quality", DEFAULT_PRESET)
    info = service.info
    log.info(
        "Model %s ready on %s (%s, %s) after %.1f s",
        info.name,
        info.device,
        info.engine,
        info.precision,
        info.load_seconds,
    )
    return service


def is_here(source: ModelSource, settings: Settings) -> bool:
    """Whether a model can be loaded without a hub."""
    # Of exported towers nothing more is needed, and asking open_clip's registry takes seconds.
    towers = serves_towers(settings) and find_towers(source, towers_root(settings))
    return bool(towers) or (has_torch() and is_cached(source))


def _from_cache_or_hub(
    source: ModelSource, settings: Settings, hub: bool | None, report: DownloadReport | None
) -> ModelService:
    """Load `source`, without waiting for a hub that is not there or not needed.

    Args:
        hub, report: as `fetch` takes them.
    """
    if is_here(source, settings):
        try:
            with without_hub():
                return ModelService(source, settings)
        except HubUnreachableError as error:
            log.info("Something of %s is not in the cache: %s", source.name, error.__cause__)
            # transformers would ask in vain for a minute.
            if not (hub_answers() if hub is None else hub):
                raise
    fetch(source, hub, report)
    return ModelService(source, settings)


def fetch(
    source: ModelSource, hub: bool | None = None, report: DownloadReport | None = None
) -> None:
    """Bring what a model needs from the hub, so far as it is not here.

    Args:
        source: the model.
        hub: whether a hub answers, where that has been asked already.
        report: told how far it is; by default a line on the terminal is.

    Raises:
        HubUnreachableError: if no hub answers.
        DownloadError, ModelError, StorageError: as `clip_app.model.hub.download`.
    """
    if own_folder(source):
        return
    if not has_torch():  # the weights would be of no use
        raise ModelError("torch_missing", model=source.name)
    if is_cached(source):
        return
    if not (hub_answers() if hub is None else hub):
        raise unreachable(source)
    size = source.preset.download_size if source.preset else "its weights"
    log.info("Downloading %s (%s); this happens once.", source.name, size)
    if report:
        download(source, report)
        return
    with DownloadLine() as line:
        download(source, line)
