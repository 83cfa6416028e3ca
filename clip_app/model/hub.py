"""Downloads from the model hub, resumed where they stopped; every failure is one sentence.

huggingface_hub resumes within one call only: what a broken call leaves it deletes. Here the weights
are fetched into the very blob files of its cache, and it then finds them there.
"""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import (
    WeakFileLock,
    build_hf_headers,
    get_session,
    hf_raise_for_status,
    httpx,
)

from clip_app.errors import (
    ClipAppError,
    DownloadError,
    HubUnreachableError,
    ModelError,
    StorageError,
)
from clip_app.model.catalog import ModelSource, is_in_cache
from clip_app.model.download_progress import DownloadReport, Meter
from clip_app.network import tell_unusable_proxies

log = logging.getLogger(__name__)

# A hub that answers takes well under a second; open_clip alone would retry for 47 s.
HUB_TIMEOUT_SECONDS = 3.0

# Attempts in a row that bring little, a second apart. With the hub's own limit of 10 s without a
# byte (HF_HUB_DOWNLOAD_TIMEOUT), a server that stalls is given up after half a minute.
_TRIES = 3
_PAUSE_SECONDS = 1.0

# An attempt that brought this many bytes was worth another, however often the line breaks.
_WORTH_ANOTHER = 16_000_000

# Answers that another attempt may not get.
_PASSING_STATUS = (408, 429, 500, 502, 503, 504)

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)

_Result = TypeVar("_Result")


class _BrokenOffError(Exception):
    """Less has arrived than was announced."""


class _DamagedError(Exception):
    """What has arrived is not what the hub has."""


# What a line that breaks, stalls or is not there raises.
_LINE_ERRORS = (httpx.TransportError, httpx.StreamError, _BrokenOffError, ConnectionError)


def is_cached(source: ModelSource) -> bool:
    """Whether everything the model needs from a hub lies in the local cache already."""
    return all(is_in_cache(repository, files) for repository, files in source.hub_files)


def hub_answers() -> bool:
    """Whether the model hub (or the mirror in `HF_ENDPOINT`) answers before long."""
    if constants.HF_HUB_OFFLINE:
        return False
    tell_unusable_proxies()
    endpoint = constants.ENDPOINT
    answered = threading.Event()

    def ask() -> None:
        try:
            httpx.head(endpoint, timeout=HUB_TIMEOUT_SECONDS)
            answered.set()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            log.info("%s does not answer: %s", urlsplit(endpoint).netloc, error)

    # A thread, because looking up a name has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(HUB_TIMEOUT_SECONDS)
    return answered.is_set()


@contextlib.contextmanager
def without_hub() -> Iterator[None]:
    """Nothing within needs the hub; without this, each file is looked up there again."""
    was_offline = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline


def named_files(source: ModelSource, hub: bool) -> dict[str, list[str]] | None:
    """Which files a model is loaded from, by repository.

    Args:
        source: the model.
        hub: whether a hub answers, which is asked for what is not in the local cache.

    Returns:
        None where that cannot be told of all that it needs.
    """
    named: dict[str, list[str]] = {}
    for repository, files in source.hub_files:
        for file in files:
            if is_in_cache(repository, (file,)) or (hub and _has(repository, file)):
                known = named.setdefault(repository, [])
                if file not in known:
                    known.append(file)
                break
        else:
            return None
    return named


def _has(repository: str, file: str) -> bool:
    url = huggingface_hub.hf_hub_url(repository, file)
    try:
        huggingface_hub.get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except (HfHubHTTPError, FileMetadataError, httpx.HTTPError, OSError):
        return False
    return True


def download(source: ModelSource, report: DownloadReport) -> None:
    """Bring what `source` needs from the hub into the local cache; nothing is fetched twice.

    Args:
        source: the model.
        report: told how far it is.

    Raises:
        DownloadError: if the download broke off or arrived damaged, or the hub refuses.
        ModelError: if the repository does not exist or holds no model.
        StorageError: if the cache cannot be written.
    """
    done: set[tuple[str, tuple[str, ...]]] = set()
    meter = Meter(source.name, report)
    try:
        # The configuration, once there, may name a tokenizer of another repository.
        while missing := [w for w in source.hub_files if not is_in_cache(*w) and w not in done]:
            _fetch_any(*missing[0], meter)
            done.add(missing[0])
    except (OSError, httpx.HTTPError, httpx.StreamError, _BrokenOffError, _DamagedError) as error:
        raise _download_failure(error, source) from error


def interruption(error: BaseException, source: ModelSource) -> ClipAppError | None:
    """What to tell of a model whose loading failed for want of a file from the hub, if that is why.

    Args:
        error: what open_clip or transformers raised, its causes attached.
        source: the model that was being loaded.
    """
    absent = False
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return _download_failure(cause, source)
        if isinstance(cause, _LINE_ERRORS):
            return DownloadError("download_interrupted", model=source.name)
        if isinstance(cause, HfHubHTTPError) and cause.response.status_code in _PASSING_STATUS:
            return _download_failure(cause, source)
        absent |= isinstance(cause, (LocalEntryNotFoundError, OfflineModeIsEnabled))
    return unreachable(source) if absent else None


def unreachable(source: ModelSource) -> HubUnreachableError:
    """That the weights are not here and no hub answers."""
    return HubUnreachableError("hub_unreachable", model=source.name, hub=_hub())


def _hub() -> str:
    return urlsplit(constants.ENDPOINT).netloc


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _download_failure(error: Exception, source: ModelSource) -> ClipAppError:
    model, hub = source.name, _hub()
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return StorageError("download_not_saved", model=model, reason=error.strerror)
    if isinstance(error, _DamagedError):
        return DownloadError("download_damaged", model=model)
    if isinstance(error, GatedRepoError):
        return DownloadError("hub_gated", model=model, hub=hub)
    if isinstance(error, RepositoryNotFoundError):
        return ModelError("hub_no_repository", model=model, hub=hub)
    if isinstance(error, RemoteEntryNotFoundError):
        return ModelError("hub_no_model", model=model, hub=hub)
    if isinstance(error, FileMetadataError):
        return DownloadError("hub_strange", model=model, hub=hub)
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:  # huggingface_hub takes it for this itself, but only over https
            return ModelError("hub_no_repository", model=model, hub=hub)
        if status == 403:
            return DownloadError("hub_gated", model=model, hub=hub)
        return DownloadError("hub_busy", model=model, hub=hub, status=status)
    return DownloadError("download_interrupted", model=model)


def _fetch_any(repository: str, files: tuple[str, ...], meter: Meter) -> None:
    """The first of `files` that the repository has."""
    for file in files:
        try:
            return _fetch(repository, file, meter)
        except RemoteEntryNotFoundError:
            if file == files[-1]:
                raise


def _fetch(repository: str, file: str, meter: Meter) -> None:
    url = huggingface_hub.hf_hub_url(repository, file)
    timeout = constants.HF_HUB_ETAG_TIMEOUT
    about = _persistently(lambda: huggingface_hub.get_hf_file_metadata(url, timeout=timeout))
    etag, size = about.etag, about.size
    if not etag or not about.commit_hash or size is None or Path(etag).name != etag:
        raise FileMetadataError(f"{url} is not described as a hub describes its files.")
    cache = Path(constants.HF_HUB_CACHE)
    folder = repo_folder_name(repo_id=repository, repo_type="model")
    blob = cache / folder / "blobs" / etag
    lock = cache / ".locks" / folder / f"{etag}.lock"  # huggingface_hub's own, for this blob
    for path in (blob, lock):
        path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if not blob.exists():
            part = blob.with_name(f"{etag}.incomplete")
            meter.next_file(size)
            _complete(url, part, size, meter)
            os.replace(part, blob)
    _persistently(lambda: huggingface_hub.hf_hub_download(repository, file))


def _complete(url: str, part: Path, size: int, meter: Meter) -> None:
    """Fetch what is missing of a file of `size` bytes, over as many connections as it takes."""
    if shutil.disk_usage(part.parent).free < size - _length(part):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    checksum = _persistently(lambda: _receive(url, part, size, meter), lambda: _length(part))
    # The hub gives large files a SHA-256; nothing else is as sure.
    if checksum and len(checksum) == 64:
        with part.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != checksum:
                part.unlink()
                raise _DamagedError


def _persistently(attempt: Callable[[], _Result], arrived: Callable[[], int] = int) -> _Result:
    """Try anew after what may pass, as long as it gets on; `arrived` counts bytes."""
    tries = _TRIES
    while True:
        before = arrived()
        try:
            return attempt()
        except (*_LINE_ERRORS, HfHubHTTPError, LocalEntryNotFoundError) as error:
            status = error.response.status_code if isinstance(error, HfHubHTTPError) else 503
            if status not in _PASSING_STATUS:
                raise
            tries = _TRIES if arrived() - before >= _WORTH_ANOTHER else tries - 1
            if not tries:
                raise
            log.info("The download broke off (%s); it is being resumed.", type(error).__name__)
        time.sleep(_PAUSE_SECONDS)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _receive(url: str, part: Path, size: int, meter: Meter) -> str | None:
    """Append to `part` what is missing of it, and return the SHA-256 that the hub has, if any."""
    start = _length(part)
    if start > size:
        part.unlink()
        start = 0
    if start == size:
        return None
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        hf_raise_for_status(response)
        start = _start_of(response, start, size)
        meter.connected(start)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            for chunk in response.iter_raw():
                file.write(chunk)
                meter.reached(file.tell())
    if _length(part) != size:
        raise _BrokenOffError
    known = (one.headers.get("X-Linked-Etag") for one in (*response.history, response))
    return next((etag.strip('W/"') for etag in known if etag), None)


def _start_of(response: httpx.Response, asked: int, size: int) -> int:
    """Where in the file the answer's bytes belong.

    What has arrived before must not be overwritten with anything else.

    Raises:
        FileMetadataError: if it is a page, such as the log-in page of a network.
        _BrokenOffError: if these are not the bytes that were asked for.
    """
    partial = response.status_code == 206
    start = asked if partial else 0
    length = response.headers.get("Content-Length")
    content_range = response.headers.get("Content-Range", "")
    wrong_length = length is not None and int(length) != size - start
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if is_page and (wrong_length or length is None):
        raise FileMetadataError(f"{response.url} answers with a page instead of the file.")
    if wrong_length or (partial and not content_range.startswith(f"bytes {asked}-")):
        raise _BrokenOffError
    return start
