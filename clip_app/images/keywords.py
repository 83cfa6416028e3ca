"""The keywords that a photograph has: in its sidecars, in the XMP and the IPTC within it."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, IptcImagePlugin

from clip_app.images.limits import DECODER_ERRORS, FORMATS
from clip_app.images.xmp import MAX_BYTES, keywords_in

#: What a sidecar's name ends with.
SIDECAR = ".xmp"

_KEYWORDS, _CHARSET = (2, 25), (1, 90)
_UTF8 = b"\x1b%G"


def sidecars_of(path: Path) -> tuple[Path, Path]:
    """Where programs put a photograph's sidecar: `photo.jpg.xmp`, and Lightroom `photo.xmp`."""
    return path.with_name(f"{path.name}{SIDECAR}"), path.with_suffix(SIDECAR)


def keywords_of(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Every keyword of a photograph, each once: of its sidecars, of its XMP, of its IPTC.

    Of metadata that cannot be read, none.
    """
    place = Path(path)
    packets: list[bytes] = []
    for sidecar in sidecars_of(place):
        with contextlib.suppress(OSError):
            if sidecar.is_file() and sidecar.stat().st_size <= MAX_BYTES:
                packets.append(sidecar.read_bytes())
    # A pipe would be waited for.
    return keywords_among(packets, place if place.is_file() else None)


def keywords_among(packets: Sequence[bytes], photo: Path | BinaryIO | None) -> tuple[str, ...]:
    """Every keyword of these XMP packets and of a photograph, each once; as `keywords_of`."""
    found = [word for one in packets for word in keywords_in(one)]
    return tuple(dict.fromkeys((*found, *(_embedded(photo) if photo else ()))))


def _embedded(photo: Path | BinaryIO) -> tuple[str, ...]:
    try:
        with Image.open(photo, formats=FORMATS) as image:
            packet = image.info.get("xmp", b"")
            packet = packet.encode() if isinstance(packet, str) else packet
            iptc = IptcImagePlugin.getiptcinfo(image) or {}
            return (*keywords_in(packet), *_iptc_keywords(iptc))
    except (*DECODER_ERRORS, Image.DecompressionBombError, MemoryError):
        return ()


def _iptc_keywords(iptc: dict[tuple[int, int], bytes | list[bytes]]) -> list[str]:
    given = iptc.get(_KEYWORDS, [])
    words = given if isinstance(given, list) else [given]
    return [word for one in words if (word := _decoded(one, iptc.get(_CHARSET) == _UTF8))]


def _decoded(word: bytes, is_utf8: bool) -> str:
    """IPTC says its encoding seldom and wrongly: what reads as UTF-8 is taken for it."""
    try:
        text = word.decode("utf-8", "replace" if is_utf8 else "strict")
    except UnicodeDecodeError:
        text = word.decode("cp1252", "replace")
    return " ".join(text.replace("\0", " ").split())
