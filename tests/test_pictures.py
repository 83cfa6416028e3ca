"""Thumbnails and originals: only of what was indexed, as it was indexed."""

import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from clip_app.errors import ImageError
from clip_app.gallery.pictures import Pictures, read_original
from clip_app.gallery.roots import Roots
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stores.store import content_of
from tests.conftest import EXAMPLES


@pytest.fixture
def photo(tmp_path):
    root = (tmp_path / "root").resolve()
    root.mkdir()
    path = root / "cat.jpg"
    shutil.copy(EXAMPLES / "cat.jpg", path)
    hit = SearchHit(str(path), 0.5, True, (), content_of(path.read_bytes()), 1, 0)
    return path, hit, Roots.of([root])


def test_a_thumbnail_shows_the_photograph_and_is_made_once(photo, tmp_path):
    path, hit, roots = photo
    pictures = Pictures(tmp_path / "thumbnails")
    (made,) = pictures.thumbnails([hit], roots)
    with Image.open(made) as small, Image.open(path) as large:
        assert small.format == "WEBP"
        assert max(small.size) == 320
        assert small.width / small.height == pytest.approx(large.width / large.height, rel=0.01)
        there = small.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        wanted = large.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert there == pytest.approx(wanted, abs=4)
    before = made.stat().st_mtime_ns
    path.unlink()  # kept by content, so the file need not be there any more
    assert pictures.thumbnails([hit], roots) == [made]
    assert made.stat().st_mtime_ns == before


def test_files_that_are_gone_or_changed_get_a_grey_picture(photo, tmp_path):
    path, hit, roots = photo
    shutil.copy(EXAMPLES / "rocket.jpg", path)
    pictures = Pictures(tmp_path / "thumbnails")
    (changed,) = pictures.thumbnails([hit], roots)
    path.unlink()
    (gone,) = pictures.thumbnails([hit], roots)
    assert changed == gone
    with Image.open(gone) as grey:
        lows_and_highs = grey.convert("RGB").getextrema()
        assert all(high - low <= 8 for low, high in lows_and_highs)


def test_an_original_is_the_indexed_file_or_an_error(photo, tmp_path):
    path, hit, roots = photo
    assert read_original(hit, roots) == (EXAMPLES / "cat.jpg").read_bytes()
    outside = tmp_path / "outside.jpg"
    path.rename(outside)
    os.symlink(outside, path)
    with pytest.raises(ImageError) as caught:
        read_original(hit, roots)
    assert caught.value.key == "image_outside"
    path.unlink()
    shutil.copy(EXAMPLES / "rocket.jpg", path)
    with pytest.raises(ImageError) as caught:
        read_original(hit, roots)
    assert caught.value.key == "image_changed"


@pytest.fixture
def shown_by_page(tmp_path):
    """Writes a file of some name and content and returns what the page shows and hands out."""
    from clip_app.ui.tabs.gallery.found import original

    def shown(name: bytes, data: bytes):
        root = os.fsencode((tmp_path / "root").resolve())
        os.makedirs(root, exist_ok=True)
        path = os.fsdecode(root + b"/" + name)
        with open(path, "wb") as file:
            file.write(data)
        hit = SearchHit(path, 0.5, True, (), content_of(data), len(data), 0)
        return original(hit, Roots.of([Path(os.fsdecode(root))]))

    return shown


@pytest.mark.parametrize(
    ("name", "format_name", "converted"),
    [
        (b"IMG_1.jpg", "HEIF", True),
        (b"scan.png", "TIFF", True),
        (b"x.webp", "JPEG2000", True),
        (b"x.heic", "JPEG", True),  # under this name a server calls it HEIC
        (b"IMG_2", "JPEG", True),
        (b"x.jpg", "PNG", False),
        (b"x.jpeg", "JPEG", False),
    ],
)
def test_the_large_view_shows_a_file_by_what_it_is(shown_by_page, name, format_name, converted):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(buffer, format_name)
    view, file = shown_by_page(name, buffer.getvalue())
    assert Path(file).name == name.decode()
    assert Path(file).read_bytes() == buffer.getvalue()
    assert (view != file) == converted
    with Image.open(view) as picture:
        assert picture.format == ("JPEG" if converted else format_name)
        assert picture.size == (64, 48)


@pytest.mark.parametrize(
    "name",
    [
        ("国" * 80).encode("gbk") + b".jpg",
        ("中" * 83).encode() + b".jpg",
        b"\xff" * 250 + b".jpg",
        *(one.encode() for one in ("50%20off.jpg", "b?.jpg", "a#1.jpg", "c+d&e.jpg")),
        *(one.encode() for one in ("\"quoted'.jpg", "🐱🐶.jpg", "\u202egpj.jpg", "two\nlines.jpg")),
    ],
)
def test_a_file_of_any_name_is_shown_and_handed_out_under_a_fitting_one(shown_by_page, name):
    data = (EXAMPLES / "cat.jpg").read_bytes()
    view, file = shown_by_page(name, data)
    assert Path(view).read_bytes() == Path(file).read_bytes() == data
    given = Path(file).name
    assert given.endswith(".jpg")
    assert len(given.encode()) <= 255
    assert given.isprintable()
    if name.decode(errors="replace").isprintable() and len(name) < 60:
        assert given == name.decode()


def test_an_upload_is_converted_by_what_it_is(tmp_path):
    from clip_app.ui.photo import shown_by_browsers

    for name, format_name in (("IMG_1.jpg", "HEIF"), ("scan.png", "TIFF")):
        path = tmp_path / name
        Image.new("RGB", (64, 48), "red").save(path, format_name)
        with Image.open(shown_by_browsers(str(path))) as picture:
            assert (picture.format, picture.size) == ("JPEG", (64, 48))
    assert shown_by_browsers(str(EXAMPLES / "cat.jpg")) is None
