"""The nodes of a Qdrant cluster: where one does not answer, the next is asked the same again."""

import contextlib
import json
import re
import ssl
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from clip_app.errors import StorageError

#: The oldest server that the store was run against.
OLDEST_SERVER = (1, 16)

# Where an address names no port.
_HTTP_PORT = 6333

# A write waits for a frozen replica until the cluster gives that one up: 9.6 s, and many writes in
# one request 38 s, as every part of an index gives it up on its own.
_TIMEOUT_SECONDS = 60
_READ_SECONDS = 15

# A node that is well answers in milliseconds whether it is.
_LIVE_SECONDS = 2

# For so long all nodes are asked in turn: a server that is started again answers after 2 to 5 s, a
# cluster has a new leader after 1 to 3 s. A run would be lost, and whoever writes has most to lose;
# a person who searches is rather told at once.
_PATIENCE_SECONDS = 0.5
_PATIENCE_IN_RUN_SECONDS = 10.0
_PATIENCE_WRITING_SECONDS = 60.0
_PATIENCE_ONE_SECONDS = 5.0

# After a failure reads do not ask all replicas, which takes 0.4 s each time while one is away; nor
# do writes go by way of the replica that leads, which the cluster does not give up for it.
_DISTURBED_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.25

# What another node, or the same one a second later, may do: the service's own troubles.
_PASSING = {408, 429, 500, 502, 503, 504}

_PASSING_CODES = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
}

_FAILURES = (
    *(ApiException, QdrantException, grpc.RpcError),
    *(OSError, RuntimeError, ValueError, KeyError),
)

# By itself gRPC would wait for up to two minutes before it calls on a node again that was away.
_GRPC = {"grpc.initial_reconnect_backoff_ms": 250, "grpc.max_reconnect_backoff_ms": 2000}

# Whatever is not one of these may change something.
_READING_POINTS = {"retrieve", "scroll", "count", "facet", "query_points"}
_READING = _READING_POINTS | {
    *("collection_exists", "get_collection", "info"),
    *("http.distributed_api.cluster_status", "http.distributed_api.collection_cluster_info"),
}


class Nodes:
    """Clients of the nodes of one cluster, or of the client's imitation of a server."""

    def __init__(
        self, address: str, api_key: str | None = None, authority: Path | None = None
    ) -> None:
        """Connect to none yet.

        Args:
            address: `http://a:6333`, with more nodes after commas: `http://a:6333,b:6333`; or
                `path:FOLDER` or `memory:` for the imitation.
            api_key: as the nodes ask for it.
            authority: .pem file of whoever signed their certificates, in place of the system's.

        Raises:
            StorageError: if no request could carry the key.
        """
        self.is_local = not address.startswith(("http://", "https://"))
        self.addresses = [address] if self.is_local else _addresses(address)
        #: How often it is not known whether something that was to be written was.
        self.interrupted = 0
        self._api_key = (api_key or "").strip() or None  # one from a file ends with a break
        if self._api_key and not (self._api_key.isascii() and self._api_key.isprintable()):
            raise StorageError("qdrant_key_wrong", store=self.addresses[0])
        self._authority = authority
        self._clients: dict[str, QdrantClient] = {}
        self._first = 0
        self._has_answered = False
        self._disturbed_until = 0.0
        self._runs = 0
        self._counting = threading.Lock()
        # The imitation is not made for threads; the server is.
        self._turn: Any = threading.RLock() if self.is_local else contextlib.nullcontext()

    def ask(self, what: str, *arguments: Any, **options: Any) -> Any:
        """Have the client of a node that answers do something; it must do no harm done twice.

        Args:
            what: the client's method.
            arguments, options: of the method. `consistency` and `ordering` are left out where not
                every replica can be asked: those that are left are what counts then.

        Raises:
            StorageError: if no node answers, or one refuses.
        """
        is_reading = what in _READING
        reading = _PATIENCE_IN_RUN_SECONDS if self._runs else _PATIENCE_SECONDS
        deadline = time.monotonic() + (reading if is_reading else _PATIENCE_WRITING_SECONDS)
        pause = _FIRST_PAUSE_SECONDS
        while True:
            failures: list[Exception] = []
            for _ in self.addresses:
                if time.monotonic() < self._disturbed_until:
                    options.pop("consistency", None)
                    options.pop("ordering", None)
                first = self._first
                address = self.addresses[first]
                try:
                    return self._once(address, what, *arguments, **options)
                except _FAILURES as error:
                    if not _is_passing(error):
                        raise self._told(error, address) from error
                    failures.append(error)
                self._disturbed_until = time.monotonic() + _DISTURBED_SECONDS
                if not is_reading:
                    self.interrupted += 1
                if "consistency" in options and _is_told(failures[-1]):
                    continue  # the same node may answer for those replicas that are left
                if self._first == first:  # else another thread has gone on already
                    self._first = (first + 1) % len(self.addresses)
            if not self._has_answered or time.monotonic() + pause > deadline:
                # What a server says tells more than that another one says nothing.
                failures.sort(key=lambda one: not _is_told(one))
                raise self._told(failures[0], ", ".join(self.addresses)) from failures[0]
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    @contextlib.contextmanager
    def patiently(self) -> Iterator[None]:
        """A context in which reading, too, waits for a server that is started again."""
        with self._counting:
            self._runs += 1
        try:
            yield
        finally:
            with self._counting:
                self._runs -= 1

    def ask_each(self, address: str, what: str, *arguments: Any, **options: Any) -> Any:
        """Have one node do something: it reads its own replicas, where it has them.

        Raises:
            StorageError: if it does not answer, or refuses.
        """
        deadline = time.monotonic() + _PATIENCE_ONE_SECONDS
        while True:
            try:
                return self._once(address, what, *arguments, **options)
            except _FAILURES as error:
                # A connection of gRPC notices only after a while that a node is back.
                is_silent = _is_passing(error) and not _is_told(error)
                if not is_silent or time.monotonic() > deadline:
                    raise self._told(error, address) from error
            time.sleep(_FIRST_PAUSE_SECONDS)

    def on(self, host: str) -> str:
        """The address of a node on a host, with the first one's scheme and port."""
        parts = urlsplit(self.addresses[0])
        bare = f"[{host}]" if ":" in host else host
        return parts._replace(netloc=f"{bare}:{parts.port}").geturl()

    def reachable(self, addresses: Sequence[str] | None = None) -> list[str]:
        """Those addresses that answer now; of the ones that were given, if none are named."""
        answering = []
        verify: Any = self._trusted() or True
        for address in [] if self.is_local else addresses or self.addresses:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{address}/livez", timeout=_LIVE_SECONDS, verify=verify)
                answering.append(address)
        return answering

    def check_version(self) -> None:
        """See that the server is not older than what this store asks of it.

        Raises:
            StorageError: if it is, or none answers.
        """
        version = str(self.ask("info").version)
        found = re.match(r"(\d+)\.(\d+)", version)
        if found and tuple(map(int, found.groups())) < OLDEST_SERVER:
            needed = ".".join(map(str, OLDEST_SERVER))
            address = self.addresses[self._first]
            raise StorageError("qdrant_too_old", store=address, version=version, needed=needed)

    def close(self) -> None:
        """Let go of the connections."""
        with self._turn:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _once(self, address: str, what: str, *arguments: Any, **options: Any) -> Any:
        if what in _READING_POINTS and not self.is_local:
            options["timeout"] = _READ_SECONDS
        with self._turn:
            if address not in self._clients:
                self._clients[address] = self._client(address)
            answer = attrgetter(what)(self._clients[address])(*arguments, **options)
        self._has_answered = True
        return answer

    def _client(self, address: str) -> QdrantClient:
        if address == "memory:":
            return QdrantClient(":memory:")
        if self.is_local:
            path = address.removeprefix("path:")
            return QdrantClient(path=path, force_disable_check_same_thread=True)
        trusted = self._trusted()
        if trusted:
            return self._remote(address, verify=trusted)  # of which gRPC cannot be told
        client = self._remote(address)
        port = (urlsplit(address).port or _HTTP_PORT) + 1
        fast = self._remote(address, prefer_grpc=True, grpc_port=port, grpc_options=_GRPC)
        if not _is_same(client, fast):
            fast.close()
            return client
        client.close()
        return fast

    def _remote(self, address: str, **options: Any) -> QdrantClient:
        with warnings.catch_warnings():
            # That a key goes over http is said where the setting is described.
            warnings.simplefilter("ignore", UserWarning)
            return QdrantClient(
                url=address,
                api_key=self._api_key,
                timeout=_TIMEOUT_SECONDS,
                check_compatibility=False,  # it would warn where the server does not answer
                **options,
            )

    def _trusted(self) -> ssl.SSLContext | None:
        """What certificates are compared with; None for what the system trusts."""
        if self._authority is None:
            return None
        try:
            return ssl.create_default_context(cafile=self._authority)
        except OSError as error:  # also where it holds no certificate
            path = str(self._authority)
            raise StorageError("qdrant_authority_unreadable", path=path) from error

    def _told(self, error: Exception, address: str) -> StorageError:
        """What a person is told of a failure."""
        status = getattr(error, "status_code", None)
        if isinstance(error, grpc.RpcError):
            denied = {grpc.StatusCode.UNAUTHENTICATED: 401, grpc.StatusCode.PERMISSION_DENIED: 403}
            status = denied.get(error.code())
        reason = _reason_of(error)
        if status in (401, 403):
            if not self._api_key:
                return StorageError("qdrant_key_missing", store=address)
            key = "qdrant_key_wrong" if status == 401 else "qdrant_key_too_weak"
            return StorageError(key, store=address)
        if _is_full(reason):
            return StorageError("qdrant_disk_full", store=address)
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            why = re.sub(r".*verify failed: |\s*\(_ssl\.c.*", "", reason)
            return StorageError("qdrant_certificate", store=address, reason=why)
        if _is_passing(error) and not self.is_local:
            silent = len(self.addresses) - len(self.reachable())
            if 0 < silent < len(self.addresses):
                told = {"number": silent, "nodes": len(self.addresses)}
                return StorageError("qdrant_node_away", **told)
            if _is_of_others(reason):
                return StorageError("qdrant_others_away", store=address)
        return StorageError("store_failed", store=address, reason=reason[:200])


def _addresses(text: str) -> list[str]:
    """`http://a:6333,b` as addresses of nodes: each with a port, and the first one's scheme."""
    scheme = text.partition("://")[0]
    parts = [part.strip().rstrip("/") for part in text.split(",")]
    whole = [urlsplit(part if "://" in part else f"{scheme}://{part}") for part in parts if part]
    return [
        (one if one.port else one._replace(netloc=f"{one.netloc}:{_HTTP_PORT}")).geturl()
        for one in whole
    ]


def _is_same(by_http: QdrantClient, by_grpc: QdrantClient) -> bool:
    """Whether the port after that for HTTP, where gRPC usually is, answers, and is the same server.

    One that has no collections yet could be any.
    """
    try:
        there = {one.name for one in by_grpc.get_collections().collections}
    except _FAILURES:
        return False
    told = by_http.get_collections().collections
    return bool(there) and there == {one.name for one in told}


def _is_told(error: Exception) -> bool:
    """Whether it is a server that says so, and not silence."""
    if isinstance(error, grpc.RpcError):
        return bool(error.code() == grpc.StatusCode.INTERNAL)
    return isinstance(error, UnexpectedResponse)


def _is_passing(error: Exception) -> bool:
    """Whether another node, or the same one a moment later, may do better."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _PASSING and not _is_full(_reason_of(error))
    if isinstance(error, grpc.RpcError):
        return error.code() in _PASSING_CODES and not _is_full(_reason_of(error))
    if isinstance(error, ResponseHandlingException):
        is_transport = isinstance(error.source, httpx.TransportError)
        return is_transport and "CERTIFICATE_VERIFY_FAILED" not in str(error)
    return isinstance(error, QdrantException)  # too many requests


def _is_full(reason: str) -> bool:
    return bool(re.search(r"no space left|available disk space|disk is full", reason, re.I))


def _is_of_others(reason: str) -> bool:
    """Whether a node says that it has to ask others, and that these do not answer."""
    return bool(re.search(r"active replicas|operations failed|tonic status", reason, re.I))


def _reason_of(error: Exception) -> str:
    """What the server says, without what the client puts around it."""
    said = str(error)
    if isinstance(error, grpc.RpcError):
        said = str(error.details())
    if isinstance(error, UnexpectedResponse):
        said = f"{error.status_code} {error.reason_phrase}"
        with contextlib.suppress(json.JSONDecodeError, KeyError, TypeError):
            said = str(error.structured()["status"]["error"])
    return " ".join(said.split())
