"""Thumbnails and originals: only of what was indexed, as it was indexed."""

import os
import shutil

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
