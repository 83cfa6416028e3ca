"""Who may ask: API keys, beside the log-in of the page."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from starlette.routing import Match, Mount
from starlette.types import Scope

#: Where the API over plain HTTP lies.
PREFIX = "/v1"


class BelowProxy(Mount):
    """A mount that is found whether a proxy passes on the prefix it serves under or strips it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As in the base class; the path of what is mounted has the prefix, as ASGI asks."""
        path = scope.get("path", "")
        # Else the app around it would redirect to the same with a slash, on any host named.
        path += "/" * path.endswith(self.path)
        match, inner = super().matches({**scope, "path": path})
        if match is Match.FULL:
            # What is mounted looks for its own place, prefix and all, in the path.
            there = path.startswith(f"{inner['root_path']}/")
            inner["path"] = path if there else scope.get("root_path", "") + path
        return match, inner


class Keys:
    """The keys that open `/v1`, sent as `Authorization: Bearer KEY`.

    Args:
        keys: any number.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        # Hashes are of one length, and so take one time to compare.
        self._hashes = [_hash(one.encode()) for one in keys]

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def sent(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The key that a request carries, right or wrong; None if none."""
        for name, value in headers:
            scheme, _, key = value.strip().partition(b" ")
            if name == b"authorization" and scheme.lower() == b"bearer":
                return key.strip()
        return None

    def used(self, headers: Iterable[tuple[bytes, bytes]]) -> int | None:
        """Which of the keys a request carries, by its place; None if none."""
        key = self.sent(headers)
        if key is None:
            return None
        given = _hash(key)
        matches = [hmac.compare_digest(given, one) for one in self._hashes]
        return matches.index(True) if any(matches) else None

    def opens(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request for `path`, below the mount, needs no other log-in."""
        return path.startswith(f"{PREFIX}/") and self.used(headers) is not None


def path_below_mount(scope: Scope) -> str:
    """The path of a request below the place where the app is mounted."""
    path, root = str(scope.get("path", "")), str(scope.get("root_path", "")).rstrip("/")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
