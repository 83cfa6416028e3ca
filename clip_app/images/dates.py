"""When a photograph was taken, from what cameras, phones and programs write into its metadata."""

import io
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from clip_app.images.limits import DECODER_ERRORS, FORMATS
from clip_app.images.salvage import png_picture

# EXIF says "2020:01:02 03:04:05"; other programs write dashes, dots, slashes or ISO 8601, leave
# the time or its seconds out, pad with blanks, and add fractions, a zone, or "PM".
_DATE = re.compile(
    r"(?P<year>\d{4})[-:./年 ]?\s*(?P<month>\d{1,2})[-:./月 ]?\s*(?P<day>\d{1,2})日?"
    r"(?:(?:\s*T|\s)\s*(?P<hour>\d{1,2})[:.]?\s*(?P<minute>\d{1,2})"
    r"(?:[:.]?\s*(?P<second>\d{1,2})(?:[.,:]\d*)?)?"
    r"\s*(?P<half>[AaPp])?(?:\.?[Mm]\.?)?\s*(?P<zone>.*))?",
    re.DOTALL,
)
_ZONE = re.compile(
    r"(?P<utc>Z|UTC|GMT)?(?P<sign>[+-])?(?:(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?"
)

# The oldest photograph that is left is of 1826; a camera whose clock is a year ahead is still
# believed, so that its photographs keep their order.
_FIRST_YEAR = 1826
_YEAR = 366 * 24 * 3600

_XMP_DATE = re.compile(
    rb"(?:exif:DateTimeOriginal|photoshop:DateCreated)(?:\s*=\s*[\"']|>)\s*([\d:./ T+Z-]{8,40})"
)

# (date, zone), in the order in which they are believed.
_TAKEN = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
)


def date_taken(data: bytes) -> int | None:
    """When a photograph was taken, by its metadata, in Unix seconds; None if it does not say.

    EXIF mostly has local time without a zone; it is read as the time of this machine.
    """
    try:
        image = _header(data)
        if image is None:
            return None
        with image:
            return _date_in(image.getexif(), image.info.get("xmp"))
    except (*DECODER_ERRORS, Image.DecompressionBombError, MemoryError):
        return None


def _header(data: bytes) -> Image.Image | None:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (ValueError, SyntaxError):  # too much text before the picture, say
        if not data.startswith(b"\x89PNG"):
            return None
        return Image.open(io.BytesIO(png_picture(data)), formats=FORMATS)


def _date_in(exif: Image.Exif, xmp: object = None) -> int | None:
    """The moment that metadata names, in Unix seconds; None if there is none to be believed.

    The first that can be read of: EXIF's date of the exposure, of the digitisation, the GPS clock,
    XMP's date, and EXIF's date of the last change. A date without a zone is read as the time of
    this machine.
    """
    return next((found for found in _dates(exif, xmp) if found is not None), None)


def _dates(exif: Image.Exif, xmp: object) -> Iterator[int | None]:
    details = _directory(lambda: exif.get_ifd(ExifTags.IFD.Exif))
    for date, zone in _TAKEN:
        yield moment(details.get(date), details.get(zone))
    yield _gps_moment(_directory(lambda: exif.get_ifd(ExifTags.IFD.GPSInfo)))
    packet = xmp.encode() if isinstance(xmp, str) else xmp
    found = _XMP_DATE.search(packet) if isinstance(packet, bytes) else None
    yield moment(found[1]) if found else None
    yield moment(
        _directory(lambda: exif).get(ExifTags.Base.DateTime), details.get(ExifTags.Base.OffsetTime)
    )


def _directory(read: Callable[[], Mapping[int, Any]]) -> Mapping[int, Any]:
    """A part of the EXIF block; empty if that part is broken: the others may be whole."""
    try:
        return dict(read())
    except Exception:  # noqa: BLE001  # whatever the bytes lead Pillow to
        return {}


def moment(date: object, zone: object = None) -> int | None:
    """Unix seconds of a date as metadata writes it; None if it is none or not plausible.

    `zone` is the tag beside it, like "+08:00"; a zone in the date itself is believed first.
    """
    written = _DATE.match(_plain(date))
    if not written:
        return None
    hour = int(written["hour"] or 0)
    if written["half"] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if written["half"] in "Pp" else 0)
    minute, second = int(written["minute"] or 0), int(written["second"] or 0)
    # Hour 24 and leap seconds are written, and mean the next day and minute.
    if hour > 24 or minute > 59 or second > 60 or int(written["year"]) < _FIRST_YEAR:
        return None
    offset = _offset(written["zone"] or "")
    if offset is None:
        offset = _offset(_plain(zone))
    try:
        day = datetime(int(written["year"]), int(written["month"]), int(written["day"]))
        local = day + timedelta(hours=hour, minutes=minute, seconds=second)
        seconds = int((local if offset is None else local.replace(tzinfo=offset)).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if seconds < time.time() + _YEAR else None


def _offset(zone: str) -> timezone | None:
    """The zone that "+08:00", "+8", "-0330" or "Z" says; None for anything else."""
    written = _ZONE.fullmatch(zone)
    if not written or not (written["utc"] or written["sign"]):
        return None
    if not (written["sign"] and written["hours"]):
        return UTC if written["utc"] else None
    ahead = timedelta(hours=int(written["hours"]), minutes=int(written["minutes"] or 0))
    if ahead > timedelta(hours=14):  # no place on earth is further from Greenwich
        return None
    return timezone(-ahead if written["sign"] == "-" else ahead)


def _gps_moment(gps: Mapping[int, Any]) -> int | None:
    """The GPS clock, which is UTC: a date, and three numbers of hours, minutes and seconds."""
    day = moment(gps.get(ExifTags.GPS.GPSDateStamp), "Z")
    if day is None:
        return None
    try:
        hours, minutes, seconds = (float(one) for one in gps[ExifTags.GPS.GPSTimeStamp])
        after = 3600 * hours + 60 * minutes + seconds
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return day
    midnight = day - day % (24 * 3600)
    return midnight + int(after) if 0 <= after <= 24 * 3600 else day


def _plain(written: object) -> str:
    """Text of a tag, which may come as bytes or a row of values, without padding."""
    if isinstance(written, tuple | list) and written:
        written = written[0]
    if isinstance(written, bytes):
        written = written.decode("latin-1")
    return written.replace("\0", " ").strip() if isinstance(written, str) else ""
