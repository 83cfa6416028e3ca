"""The model hub: what of it lies here already, and whether it answers."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
from huggingface_hub import constants, try_to_load_from_cache

from clip_app.errors import HubUnreachableError
from clip_app.model.catalog import ModelSource
from clip_app.network import tell_unusable_proxies

log = logging.getLogger(__name__)

# A hub that answers takes well under a second; open_clip alone would retry for 47 s.
HUB_TIMEOUT_SECONDS = 3.0


def is_cached(source: ModelSource) -> bool:
    """Whether everything the model needs from a hub lies in the local cache already."""
    return all(
        any(isinstance(try_to_load_from_cache(repo, file), str) for file in files)
        for repo, files in source.hub_files
    )


def hub_answers(timeout: float = HUB_TIMEOUT_SECONDS) -> bool:
    """Whether the model hub (or the mirror in `HF_ENDPOINT`) answers within `timeout` seconds."""
    if constants.HF_HUB_OFFLINE:
        return False
    tell_unusable_proxies()
    endpoint = constants.ENDPOINT
    answered = threading.Event()

    def ask() -> None:
        try:
            httpx.head(endpoint, timeout=timeout)
            answered.set()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            log.info("%s does not answer: %s", urlsplit(endpoint).netloc, error)

    # A thread, because looking up a name has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return answered.is_set()


@contextlib.contextmanager
def within_reach(source: ModelSource, answers: bool | None = None) -> Iterator[None]:
    """Let `source` be loaded from cache or hub, without waiting for a hub that is not there.

    Args:
        source: the model.
        answers: whether a hub answers, where that has been asked already.

    Raises:
        HubUnreachableError: if something has to be downloaded and no hub answers.
    """
    if is_cached(source):
        # From here on nothing needs the hub; without this, each file is looked up there again.
        was_offline = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = was_offline
        return
    if not (hub_answers() if answers is None else answers):
        raise _unreachable(source)
    size = f"{source.preset.download_mb:,} MB" if source.preset else "its weights"
    log.info("Downloading %s (%s); this happens once.", source.name, size)
    yield


def _unreachable(source: ModelSource) -> HubUnreachableError:
    hub = urlsplit(constants.ENDPOINT).netloc
    return HubUnreachableError("hub_unreachable", model=source.name, hub=hub)
