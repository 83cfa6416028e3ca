"""Files become features: in order, a bounded number at a time, errors as values."""

import io
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from clip_app import photos
from clip_app.errors import ImageError
from clip_app.images import load_image
from clip_app.metrics import steps
from clip_app.photos import decode_side, encode_files, encode_photo, open_picture
from tests.conftest import EXAMPLES, PATIENCE_SECONDS, noise
from tests.gallery_helpers import picture, picture_bytes, put


@pytest.fixture
def many(tmp_path):
    """Paths of pictures, no two alike, in an order that is not that of their names."""
    paths = [put(tmp_path / f"{seed}.png", picture_bytes(seed)) for seed in range(80)]
    return [str(path) for path in reversed(paths)]


def test_features_come_in_order_and_are_those_of_each_picture_alone(service, many):
    found = list(encode_files(service, many))
    assert [one.source for one in found] == many
    for one in found[::9]:
        alone = service.encode_images([load_image(one.source)])[0]
        np.testing.assert_allclose(one.image_features, alone, atol=1e-5)


def test_large_jpegs_are_decoded_as_the_indexer_decodes_them(service, tmp_path):
    path = str(tmp_path / "large.jpg")
    picture(5, 1800).save(path, quality=90)
    (one,) = encode_files(service, [path])
    drafted = load_image(path, target_side=2 * max(service.info.image_size))
    assert drafted.width < 1800
    np.testing.assert_allclose(one.image_features, service.encode_images([drafted])[0], atol=1e-5)


def test_a_file_that_cannot_be_read_is_a_value_in_its_place(service, tmp_path):
    cat, text = str(EXAMPLES / "cat.jpg"), str(put(tmp_path / "text.jpg", b"no picture"))
    paths = [cat, text, str(tmp_path / "gone.jpg"), str(tmp_path), "a\0b.jpg", cat]
    found = list(encode_files(service, paths))
    assert [one.source for one in found] == paths
    assert [one.image_features is None for one in found] == [False, True, True, True, True, False]
    assert [one.error and one.error.key for one in found] == [
        None,
        "image_unreadable",
        "image_not_found",
        "image_is_folder",
        "image_not_found",
        None,
    ]
    assert all(isinstance(one.error, ImageError) for one in found[1:5])
    # A traceback would keep what was decoded of each bad file in memory.
    assert not any(one.error.__traceback__ or one.error.__cause__ for one in found[1:5])


def test_no_files_have_no_features(service):
    assert list(encode_files(service, [])) == []


def ended() -> None:
    """Wait until nothing reads ahead any more, which would be counted elsewhere too."""
    for thread in threading.enumerate():
        if thread.name == "paths" or thread.name.startswith("decode"):
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def test_only_so_many_paths_are_taken_before_their_features_are_asked_for(service, many):
    taken = []

    def endless():
        while True:
            taken.append(len(taken))
            yield many[len(taken) % len(many)]

    found = encode_files(service, endless(), workers=2)
    for number in range(1, 200):
        next(found)
        assert len(taken) <= number + 2 * photos.BATCH + photos._AHEAD + 2 + 1
    found.close()
    before = len(taken)
    ended()
    assert len(taken) <= before + 1


def test_a_path_is_answered_before_the_next_one_is_there(service, many):
    asked = threading.Event()

    def slow():
        yield many[0]
        assert asked.wait(60)
        yield many[1]

    found = encode_files(service, slow())
    assert next(found).source == many[0]
    asked.set()
    assert [one.source for one in found] == [many[1]]


def test_photographs_on_a_share_that_hangs_keep_nobody_else_waiting(service):
    asked, back = threading.Event(), threading.Event()
    hanging = threading.Semaphore(0)
    cat = EXAMPLES / "cat.jpg"

    class OnShare(os.PathLike):
        def __fspath__(self):
            hanging.release()
            back.wait(60)
            return str(cat)

    def sources():
        yield cat
        assert asked.wait(60)
        yield from [OnShare() for _ in range(os.cpu_count())]

    found = encode_files(service, sources())
    assert next(found).error is None
    asked.set()
    for _ in range(os.cpu_count()):
        assert hanging.acquire(timeout=60)
    started = time.monotonic()
    try:
        encode_photo(service, picture_bytes(907))
        found.close()
        assert time.monotonic() - started < 30
    finally:
        back.set()
        ended()


def test_what_going_through_the_paths_raises_is_raised_after_what_came_before(service, many):
    def failing():
        yield many[0]
        raise LookupError("the list ends here")

    found = encode_files(service, failing())
    assert next(found).source == many[0]
    with pytest.raises(LookupError, match="the list ends here"):
        next(found)


def test_names_that_are_no_utf8_are_read(service, tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        with open(name, "wb") as file:
            file.write(picture_bytes(3))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    (one,) = encode_files(service, [os.fsdecode(name)])
    assert one.error is None


def test_paths_bytes_and_pictures_have_one_vector(service, tmp_path):
    path = tmp_path / "photo.jpg"
    noise(0, (300, 200)).save(path)
    sources = [path, str(path), path.read_bytes(), Image.open(path)]
    rows = np.stack([one.image_features for one in encode_files(service, sources)])
    np.testing.assert_allclose(rows, np.repeat(rows[:1], 4, axis=0), atol=1e-5)


def test_a_file_seen_before_is_neither_decoded_nor_encoded_again(service, tmp_path):
    path = tmp_path / "photo.png"
    noise(71, (310, 200)).save(path)
    data = path.read_bytes()
    first = encode_photo(service, data)
    decoded, encoded = steps.times()["decode"].count, service.statistics.images
    np.testing.assert_array_equal(encode_photo(service, bytes(bytearray(data))), first)
    assert (steps.times()["decode"].count, service.statistics.images) == (decoded, encoded)
    np.testing.assert_array_equal(encode_photo(service, path), first)
    assert (steps.times()["decode"].count, service.statistics.images) == (decoded, encoded)


def test_what_is_wrong_with_the_one_photograph_is_raised_where_it_is_waited_for(service):
    for _ in range(2):  # nothing is kept of it
        with pytest.raises(ImageError) as raised:
            encode_photo(service, b"no picture", name="mine.jpg")
        assert raised.value.params["name"] == "mine.jpg"
    with pytest.raises(ImageError):
        encode_photo(service, None)


def test_what_is_kept_of_a_picture_comes_with_its_features(service, tmp_path):
    sources = [noise(seed, (300 + seed, 200)) for seed in range(3)]
    found = encode_files(service, [*sources, b"no picture"], keep=lambda one: one.size)
    assert [one.kept for one in found] == [(300, 200), (301, 200), (302, 200), None]


def test_a_large_photograph_is_decoded_at_twice_the_towers_size(service):
    buffer = io.BytesIO()
    noise(1, (4000, 3000)).save(buffer, "JPEG")
    opened = open_picture(buffer.getvalue(), service)
    assert decode_side(service) <= min(opened.size) < 2 * decode_side(service)
