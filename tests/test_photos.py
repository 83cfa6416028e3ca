"""Files to features in one way: in order, errors as values, bounded memory, one vector."""

import io
import threading

import numpy as np
import pytest
from PIL import Image

from clip_app.errors import ImageError
from clip_app.images import load_image
from clip_app.photos import decode_side, encode_files, open_picture
from tests.conftest import noise


@pytest.fixture
def folder(tmp_path):
    for seed in range(11):
        noise(seed, (300 + seed, 200)).save(tmp_path / f"{seed:02}.jpg")
    (tmp_path / "05.jpg").write_text("this is no picture")
    return tmp_path


def test_every_file_is_answered_in_order_and_a_bad_one_is_a_value(service, folder):
    paths = sorted(folder.iterdir())
    photos = list(encode_files(service, paths))
    assert [one.source for one in photos] == paths
    assert [one.error is not None for one in photos] == [n == 5 for n in range(11)]
    assert isinstance(photos[5].error, ImageError)
    assert photos[5].image_features is None
    for one in photos[:5] + photos[6:]:
        picture = load_image(one.source, target_side=decode_side(service))
        expected = service.encode_pixels([service.preprocess(picture)])[0]
        np.testing.assert_allclose(one.image_features, expected, atol=1e-4)


def test_paths_bytes_and_pictures_have_one_vector(service, folder):
    path = folder / "00.jpg"
    picture = Image.open(path)
    sources = [path, str(path), path.read_bytes(), picture]
    rows = np.stack([one.image_features for one in encode_files(service, sources)])
    np.testing.assert_allclose(rows, np.repeat(rows[:1], 4, axis=0), atol=1e-5)


def test_no_more_is_read_ahead_than_the_model_can_take(service, folder):
    asked = []

    def sources():
        for number in range(1000):
            asked.append(number)
            yield folder / "00.jpg"

    photos = encode_files(service, sources(), workers=2)
    next(photos)
    assert len(asked) <= 2 * service.image_batch + 4
    photos.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("decode")]


def test_what_is_kept_of_a_picture_comes_with_its_features(service, folder):
    sizes = [
        one.kept for one in encode_files(service, sorted(folder.iterdir()), keep=lambda i: i.size)
    ]
    assert sizes == [None if n == 5 else (300 + n, 200) for n in range(11)]


def test_a_large_photograph_is_decoded_at_twice_the_towers_size(service):
    buffer = io.BytesIO()
    noise(1, (4000, 3000)).save(buffer, "JPEG")
    picture = open_picture(buffer.getvalue(), service)
    assert decode_side(service) <= min(picture.size) < 2 * decode_side(service)
