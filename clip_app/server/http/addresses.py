"""Pictures from addresses, where the server is told to fetch them: public ones only, within limits.

Whoever may name an address could otherwise ask this machine for what only it can reach.
"""

import asyncio
import ipaddress
import socket
import ssl

import httpx
from safehttpx import AsyncSecureTransport

from clip_app.server.http.errors import RequestError
from clip_app.server.http.limits import room

_SECONDS = 10.0
_MOST_REDIRECTS = 3


class _Transport(AsyncSecureTransport):
    """Connects to one address, whatever the name means by then."""

    def __init__(self, address: str, tls: ssl.SSLContext) -> None:
        self.verified_ip = address
        httpx.AsyncHTTPTransport.__init__(self, verify=tls)


class Fetcher:
    """Fetches pictures from public addresses.

    Args:
        max_bytes: of one picture.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # Once for all pictures: reading the certificates of authorities takes some 20 ms.
        self._tls = httpx.create_ssl_context()

    async def __call__(self, address: str) -> bytes:
        """What lies at an address of http or https.

        Raises:
            RequestError: if it is not public, does not answer in time, or with something else than
                a file that is small enough; or if all that its request fetches is too much.
        """
        try:
            async with room.get().fetching(), asyncio.timeout(_SECONDS):
                for _ in range(_MOST_REDIRECTS + 1):
                    found = await self._once(httpx.URL(address))
                    if isinstance(found, bytes):
                        return found
                    address = str(found)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
            raise RequestError(422, "http_not_fetched") from error
        raise RequestError(422, "http_not_fetched")

    async def _once(self, url: httpx.URL) -> bytes | httpx.URL:
        """The bytes at `url`, or where it sends."""
        if url.scheme not in ("http", "https") or not url.host:
            raise RequestError(422, "http_not_fetched")
        # Connected to where the check looked: a name can mean another machine a moment later.
        transport = _Transport(await public_address(url.host), self._tls)
        async with (
            httpx.AsyncClient(transport=transport, timeout=_SECONDS, trust_env=False) as client,
            client.stream("GET", url, headers={"accept": "image/*"}) as response,
        ):
            if response.has_redirect_location:
                return url.join(response.headers["location"])
            response.raise_for_status()
            return await self._read(response)

    async def _read(self, response: httpx.Response) -> bytes:
        """The bytes of an answer, counted for as long as its request takes unless it fails."""
        data, limit = bytearray(), self._max_bytes // 1_000_000
        most = self._max_bytes - room.get().sent
        try:
            async for chunk in response.aiter_bytes():
                if len(data) + len(chunk) > most:
                    raise RequestError(413, "http_image_large", limit=limit)
                data += chunk
                room.get().take(len(chunk), "http_images_large")
        except BaseException:
            room.get().give_back(len(data))
            data.clear()  # the error, kept until its request is answered, keeps this frame
            raise
        return bytes(data)


async def public_address(host: str) -> str:
    """The address of a host that anybody could reach.

    Raises:
        RequestError: if one of its addresses is private, loopback, link-local or the like.
        OSError: if it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not all(is_public(one) for one in addresses):
        raise RequestError(403, "http_not_public")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet, also where it is one in the form of v6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
