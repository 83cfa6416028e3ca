"""Proxy settings of the environment, made such that the HTTP libraries underneath can use them.

Gradio makes an HTTP client while it is imported and asks its own page through it once it serves;
httpx refuses every request where one proxy variable is written in a way that it does not know.
So the variables are mended first: this computer is never asked through a proxy, and what no client
here could use is taken out, and told as soon as a download would have needed it.
"""

import importlib.util
import ipaddress
import logging
import os
import re
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from clip_app.process import terminal_language
from clip_app.strings import text

log = logging.getLogger(__name__)

_KINDS = ("http", "https", "all")

# Names of this computer, as Gradio asks itself: "localhost" where it listens on all addresses.
_OWN_HOSTS = ("localhost", "127.0.0.1", "::1")

# What SOCKS proxies are called elsewhere: desktops write socks://, curl knows socks5h://, and both
# mean a SOCKS 5 proxy that looks the names up.
_SAME_SCHEME = {"socks": "socks5", "socks5h": "socks5"}

_HOST_NAME = re.compile(r"(?:\*?\.)?[\w-]+(?:\.[\w-]+)*\.?(?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Proxies:
    """Proxy settings that httpx takes.

    Attributes:
        addresses: address of the proxy for "http", "https" and "all".
        bypassed: the entries of NO_PROXY: what is asked directly.
        unusable: keys of sentences in `clip_app.strings` and the setting that each is about, with
            no password in it.
    """

    addresses: Mapping[str, str]
    bypassed: tuple[str, ...]
    unusable: tuple[tuple[str, str], ...]


def usable_proxies(
    found: Mapping[str, str], contacted: Sequence[str] = (), *, socks: bool = True
) -> Proxies:
    """The proxy settings in `found` as httpx takes them.

    Args:
        found: as `urllib.request.getproxies` gives them: "http", "https", "all", "no".
        contacted: hosts that may be asked. httpx knows no ranges of addresses in NO_PROXY, so those
            of these hosts that lie in one are entered by themselves.
        socks: whether the package for SOCKS proxies is installed.
    """
    addresses: dict[str, str] = {}
    unusable: list[tuple[str, str]] = []
    for kind in _KINDS:
        given = found.get(kind, "").strip().strip("'\"")
        if not given:
            continue
        address = _address(given)
        if address is None:
            unusable.append(("proxy_unusable", _without_password(given)))
        elif address.startswith("socks") and not socks:
            unusable.append(("proxy_needs_socks", _without_password(given)))
        else:
            addresses[kind] = address
    bypassed: list[str] = []
    for entry in re.split(r"[\s,;]+", found.get("no", "").strip().strip("'\"")):
        known = _bypassed(entry, (*_OWN_HOSTS, *contacted)) if entry else []
        if known is None:
            unusable.append(("no_proxy_unusable", entry[:80]))
        else:
            bypassed += known
    return Proxies(
        addresses,
        tuple(dict.fromkeys((*bypassed, *_OWN_HOSTS))),
        tuple(dict.fromkeys(unusable)),
    )


def _address(given: str) -> str | None:
    """A proxy's address with a scheme that httpx knows; None if it is none."""
    scheme, separator, rest = given.partition("://")
    if separator:
        scheme = scheme.lower()
        given = f"{_SAME_SCHEME.get(scheme, scheme)}://{rest}"
    else:
        given = f"http://{given.removeprefix('//')}"
    import httpx  # only where there is a proxy: it takes 0.03 s

    try:
        url = httpx.Proxy(given).url
        # These two httpx finds out only when it connects.
        usable = bool(url.host.strip()) and (url.port is None or 0 < url.port < 65536)
    except (ValueError, TypeError, httpx.InvalidURL):
        return None
    return given if usable and "%" not in url.host and " " not in url.host else None


def _bypassed(entry: str, contacted: Sequence[str]) -> list[str] | None:
    """What to write into NO_PROXY for one of its entries; None if it cannot be understood."""
    if entry == "*":
        return ["*"]
    host = urlsplit(entry).netloc if "://" in entry else entry
    host = host.rpartition("@")[2].rstrip("/")
    bare = re.sub(r"^\[([^\]]*)\](:\d+)?$", r"\1", host)
    try:
        network = ipaddress.ip_network(bare.partition("%")[0], strict=False)
    except ValueError:
        pass
    else:
        if network.num_addresses == 1:
            return [str(network.network_address)]
        return [one for one in contacted if _lies_in(one, network)]
    try:
        name = bare.encode("idna").decode("ascii") if not bare.isascii() else bare
    except UnicodeError:
        return None
    # httpx puts a star before each name, and takes the one of "*.example.com" for a letter.
    return [name.removeprefix("*")] if _HOST_NAME.fullmatch(name) else None


def _lies_in(host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _without_password(address: str) -> str:
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"[:80]


def mend_environment() -> None:
    """Rewrite the proxy variables as `usable_proxies` reads them; call it before Gradio's import.

    Calling it again changes nothing.
    """
    global _unusable
    environ = os.environ
    # On Windows and macOS these may be the system's, which count only where no variable is set.
    found = urllib.request.getproxies()
    if not found.keys() & {*_KINDS, "no"}:
        return
    contacted = [_host_in(environ.get(name, "")) for name in ("HF_ENDPOINT", _STORE)]
    socks = importlib.util.find_spec("socksio") is not None
    proxies = usable_proxies(found, [one for one in contacted if one], socks=socks)
    for name in [name for name in environ if name.lower() in {f"{kind}_proxy" for kind in _KINDS}]:
        del environ[name]
    for kind, address in proxies.addresses.items():
        environ[f"{kind.upper()}_PROXY"] = environ[f"{kind}_proxy"] = address
    environ["NO_PROXY"] = environ["no_proxy"] = ",".join(proxies.bypassed)
    _unusable += proxies.unusable


_STORE = "CLIP_APP_GALLERY_STORE"
_unusable: tuple[tuple[str, str], ...] = ()


def _host_in(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def bypass(host: str) -> None:
    """Ask `host` directly from now on: the address that the page is served at."""
    environ = os.environ
    if any(f"{kind}_proxy" in environ for kind in _KINDS):
        entries = environ.get("no_proxy", "").split(",")
        environ["NO_PROXY"] = environ["no_proxy"] = ",".join(
            dict.fromkeys((*filter(None, entries), host.strip("[]")))
        )


def tell_unusable_proxies() -> None:
    """Warn, once, of the settings that were taken out: called where a download needs them."""
    global _unusable
    told, _unusable = _unusable, ()
    for key, setting in told:
        log.warning("%s", text(key, terminal_language(), setting=setting))
