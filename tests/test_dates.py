"""The moment a photograph was taken, in every form that cameras and programs write."""

import io
import time
from datetime import UTC, datetime

import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clip_app.images import date_taken
from clip_app.images.dates import moment

pillow_heif.register_heif_opener()

PHOTO = Image.new("RGB", (16, 16), "red")
LOCAL = int(datetime(2020, 1, 2, 3, 4, 5).timestamp())
UTC_MOMENT = int(datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp())


def taken(format_name: str = "JPEG", xmp: bytes = b"", **tags: object) -> int | None:
    """What `date_taken` says of a file with these tags, by part: exif_N, gps_N, base_N."""
    block = Image.Exif()
    parts = {"exif": block.get_ifd(0x8769), "gps": block.get_ifd(0x8825), "base": block}
    for key, value in tags.items():
        part, number = key.split("_")
        parts[part][int(number)] = value
    file = io.BytesIO()
    options = {"xmp": xmp} if xmp else {}
    PHOTO.save(file, format_name, exif=block.tobytes(), **options)
    return date_taken(file.getvalue())


@pytest.mark.parametrize(
    "written",
    [
        "2020:01:02 03:04:05",
        "2020-01-02 03:04:05",
        "2020/01/02 03:04:05",
        "2020.01.02 03.04.05",
        "2020:01:02 03:04:05\0 ",
        "  2020:01:02 03:04:05",
        "2020: 1: 2  3: 4: 5",
        "2020:1:2 3:4:5",
        "2020:01:02 03:04:05.123",
        "2020-01-02T03:04:05",
        "20200102T030405",
        "2020:01:02 03:04:05 AM",
        "2020年01月02日 03:04:05",
        b"2020:01:02 03:04:05\0",
        ("2020:01:02 03:04:05",),
    ],
)
def test_every_common_form_is_the_same_moment(written):
    assert moment(written) == LOCAL


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2020:01:02 03:04", LOCAL - 5),
        ("2020-01-02", LOCAL - 3 * 3600 - 4 * 60 - 5),
        ("2020:01:01 24:00:00", LOCAL - 3 * 3600 - 4 * 60 - 5),
        ("2020:01:02 03:04:05 PM", LOCAL + 12 * 3600),
        ("2020-01-02T03:04:05Z", UTC_MOMENT),
        ("2020:01:02 03:04:05+08:00", UTC_MOMENT - 8 * 3600),
        ("2020:01:02 03:04:05.5-0330", UTC_MOMENT + 3 * 3600 + 1800),
        ("2020:01:02 03:04:05+99:00", LOCAL),
    ],
)
def test_what_is_left_out_or_said_of_the_zone_is_understood(written, seconds):
    assert moment(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *("", "0000:00:00 00:00:00", "    :  :     :  :  ", "2020:13:02 00:00:00", "yesterday"),
        *("1825:12:31 00:00:00", "9999:01:01 00:00:00", "2020:02:30 00:00:00"),
        *("2020:01:02 25:00:00", None, 5, (), b"\xff\xfe"),
        f"{time.gmtime().tm_year + 3}:01:01 00:00:00",
    ],
)
def test_blanks_and_impossible_dates_are_none(written):
    assert moment(written) is None


@given(
    st.one_of(st.text(), st.binary(), st.from_regex(r"\d{4}.\d\d.\d\d[ T]\d\d:\d\d.*")), st.text()
)
def test_anything_at_all_is_a_plausible_moment_or_none(written, zone):
    found = moment(written, zone)
    assert found is None or -4_600_000_000 < found < time.time() + 367 * 24 * 3600


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_format_with_exif_tells_its_date(format_name):
    assert taken(format_name, exif_36867="2020-01-02 03:04:05") == LOCAL


def test_the_exposure_comes_before_all_else_and_a_blank_one_does_not_count():
    others = {
        "exif_36868": "2020:01:02 03:04:05",
        "gps_29": "2021:01:02",
        "base_306": "2022:01:02 03:04:05",
    }
    assert taken(exif_36867="2019:01:02 03:04:05", **others) < LOCAL - 300 * 24 * 3600
    assert taken(exif_36867="0000:00:00 00:00:00", **others) == LOCAL
    assert taken(exif_36868="2020:01:02 03:04:05") == LOCAL
    assert taken(base_306="2020:01:02 03:04:05") == LOCAL


def test_the_zone_beside_the_date_is_used():
    assert taken(exif_36867="2020:01:02 03:04:05", exif_36881="+08:00") == UTC_MOMENT - 8 * 3600
    assert taken(exif_36867="2020:01:02 03:04:05", exif_36881="   :  ") == LOCAL


def test_the_gps_clock_is_utc_and_comes_before_the_date_of_the_last_change():
    clock = {"gps_29": "2020:01:02", "gps_7": (3.0, 4.0, 5.0)}
    assert taken(**clock, base_306="2022:01:02 03:04:05") == UTC_MOMENT
    assert taken(gps_29="2020:01:02") == UTC_MOMENT - 3 * 3600 - 4 * 60 - 5


def test_xmp_tells_the_date_where_exif_does_not():
    packet = b'<rdf:Description photoshop:DateCreated="2020-01-02T03:04:05Z"/>'
    assert taken(xmp=packet) == UTC_MOMENT
    element = b"<exif:DateTimeOriginal>2020-01-02T03:04:05+08:00</exif:DateTimeOriginal>"
    assert taken(xmp=element, base_306="2022:01:02 03:04:05") == UTC_MOMENT - 8 * 3600


def test_a_picture_without_metadata_and_what_is_no_picture_have_no_date():
    assert taken() is None
    assert date_taken(b"text") is None
