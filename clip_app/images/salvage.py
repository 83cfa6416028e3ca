"""Files that were cut short, or whose metadata no decoder takes, as files that can be decoded.

Only bytes are moved here; what of the picture is really there is measured in `damaged.py`, by
completing a file in two ways: where the two pictures differ, nothing was known.
"""

import re
from dataclasses import dataclass

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Text, profiles and times are left out: decompressed, they can be a thousand times their size.
_PNG_PICTURE = frozenset(
    (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"eXIf")
)
_WEBP_PICTURE = frozenset((b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"))
_WEBP_HAS_ALPHA_OR_FRAMES = 0x12  # the two flags of VP8X that are about the picture

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = 0xDA
# Start of frame: 0xC0 to 0xCF without the tables DHT, JPG and DAC (ITU-T T.81, table B.1).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))
# In a scan, FF 00 is a byte of data and FF D0 to FF D7 restart it; any other marker ends it.
_END_OF_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_COEFFICIENTS = 64


def png_picture(data: bytes) -> bytes:
    """A PNG file without the chunks that say nothing about the picture; the last may be cut."""
    kept, at = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in _PNG_PICTURE:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def webp_picture(data: bytes, filler: bytes) -> bytes:
    """A WebP file without metadata, its last chunk of picture completed with `filler`.

    `filler` is repeated as often as it takes.
    """
    kept, at = [b"WEBP"], 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + size]
        missing = 8 + size - len(chunk)
        at += 8 + size + size % 2
        if kind == b"VP8X" and size and not missing:
            chunk = chunk[:8] + bytes([chunk[8] & _WEBP_HAS_ALPHA_OR_FRAMES]) + chunk[9:]
        elif kind not in _WEBP_PICTURE or (kind == b"ANMF" and missing and kind in kept):
            continue  # of an animation, the frames before are enough
        # A header may claim 4 GB; whoever misses more than is there has no picture anyway.
        if missing > len(data):
            break
        kept += [chunk[:4], chunk[4:], (filler * (missing // len(filler) + 1))[:missing]]
        kept.append(bytes(size % 2))
    body = b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


@dataclass(frozen=True)
class CutJpeg:
    """A JPEG file without its end.

    Attributes:
        data: what is there, up to the last byte that belongs to a scan.
        whole: whether every coefficient was read at least once in scans that are complete, so that
            only detail is missing (progressive), or nothing.
    """

    data: bytes
    whole: bool

    def completed(self, filler: bytes) -> bytes:
        """The file with `filler` (without 0xFF) as its missing part, and an end."""
        return self.data + filler + _END_OF_IMAGE


def cut_jpeg(data: bytes) -> CutJpeg | None:
    """What is left of a JPEG file; None if it has its end, or whole scans are missing."""
    wanted: set[tuple[int, int]] = set()
    complete: set[tuple[int, int]] = set()
    begun: set[tuple[int, int]] = set()
    at = 2
    while 0 <= at <= len(data) - 4:
        kind = data[at + 1]
        if data[at] != 0xFF or kind == 0xFF:
            at = data.find(b"\xff", at + 1)
            continue
        if kind == _END_OF_IMAGE[1]:
            return None
        if kind in _WITHOUT_LENGTH:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            break
        body = data[at + 4 : end]
        at = end
        if kind in _START_OF_FRAME:
            wanted = {(one, number) for one in body[6::3] for number in range(_COEFFICIENTS)}
        elif kind == _START_OF_SCAN:
            begun = _coefficients(body)
            ending = _END_OF_SCAN.search(data, end)
            if ending is None:
                at = len(data)
                break
            complete |= begun
            at = ending.start()
    if not wanted or not wanted <= complete | begun:
        return None
    return CutJpeg((data[:at] if at > 0 else data).rstrip(b"\xff"), wanted <= complete)


def _coefficients(scan: bytes) -> set[tuple[int, int]]:
    """(component, coefficient) of all that a scan holds, by the body of its header."""
    components = scan[0] if scan else 0
    if len(scan) < 4 + 2 * components:
        return set()
    first, last = scan[1 + 2 * components], scan[2 + 2 * components]
    return {(one, n) for one in scan[1 : 1 + 2 * components : 2] for n in range(first, last + 1)}
