"""Untrusted bytes become an upright RGB picture or one clear sentence, and nothing else."""

import errno
import io
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from clip_app.errors import ImageError
from clip_app.images import (
    MAX_FILE_BYTES,
    SUPPORTED_SUFFIXES,
    content_hash,
    load_image,
    normalise,
    opening,
    thumbnail,
    upright,
)
from clip_app.strings import LANGUAGES

WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (255, 0, 0)
ORIENTATION = 0x0112


def encoded(image: Image.Image, format_name: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """Red grows to the right, green downwards, blue waves: smooth, and no symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    blue = 128 + 100 * np.sin(x * 9 / width) * np.cos(y * 7 / height)
    channels = np.stack([x * 255 / width, y * 255 / height, blue], axis=-1)
    return Image.fromarray(channels.astype(np.uint8))


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def error_of(source: bytes | str | Path, **options) -> ImageError:
    with pytest.raises(ImageError) as caught:
        load_image(source, **options)
    for language in LANGUAGES:
        assert caught.value.params["name"] in caught.value.message(language)
    return caught.value


def png_claiming(width: int, height: int, colour_type: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


PHOTO = picture()
SAMPLES = {
    "jpeg": encoded(PHOTO, "JPEG", quality=95, subsampling=0),
    "progressive jpeg": encoded(PHOTO, "JPEG", quality=95, subsampling=0, progressive=True),
    "mpo": encoded(
        PHOTO, "MPO", quality=95, subsampling=0, save_all=True, append_images=[PHOTO.rotate(90)]
    ),
    "png": encoded(PHOTO, "PNG"),
    "webp": encoded(PHOTO, "WEBP", quality=95),
    "lossless webp": encoded(PHOTO, "WEBP", lossless=True),
    "avif": encoded(PHOTO, "AVIF", quality=95),
    "heic": encoded(PHOTO, "HEIF", quality=95),
    "gif": encoded(PHOTO, "GIF"),
    "tiff": encoded(PHOTO, "TIFF"),
    "lzw tiff": encoded(PHOTO, "TIFF", compression="tiff_lzw"),
    "bmp": encoded(PHOTO, "BMP"),
    "jpeg 2000": encoded(PHOTO, "JPEG2000"),
    "ppm": encoded(PHOTO, "PPM"),
}
every_format = pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES.keys())


# What is decoded


@every_format
def test_every_format_gives_the_picture_that_was_saved(data):
    image = load_image(data)
    assert (type(image), image.mode) == (Image.Image, "RGB")
    assert difference(image, PHOTO) < 6


@pytest.mark.parametrize("name", ["photo.png", "小猫 照片.png", "ñandú 🐦.png", "no suffix"])
def test_a_path_may_have_any_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SAMPLES["png"])
    assert load_image(path).tobytes() == PHOTO.tobytes()
    assert load_image(str(path)).tobytes() == PHOTO.tobytes()


def test_the_bytes_decide_and_not_the_suffix(tmp_path):
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(SAMPLES["png"])
    assert load_image(path).tobytes() == PHOTO.tobytes()


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_an_animation_gives_its_first_frame(format_name):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], format_name, save_all=True, append_images=frames[1:])
    red, green, blue = load_image(data).getpixel((8, 8))
    assert red > 240
    assert max(green, blue) < 15


UPRIGHT = np.asarray(picture(48, 32))
# How a camera held in each of the eight ways stores the upright picture.
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.swapaxes(0, 1),
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_comes_out_upright(format_name, orientation):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation]))
    # The HEIF encoder turns an orientation into a rotation of its own only if it comes as bytes.
    block = exif(orientation).tobytes()
    image = load_image(encoded(stored, format_name, quality=95, exif=block))
    assert difference(image, Image.fromarray(UPRIGHT)) < 6


def test_an_upright_picture_is_not_turned_a_second_time():
    turned = load_image(encoded(PHOTO, "PNG", exif=exif(6)))
    assert turned.size == (48, 64)
    assert normalise(turned).tobytes() == turned.tobytes()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_a_broken_exif_block_does_not_cost_the_picture(block):
    assert load_image(encoded(PHOTO, "PNG", exif=block)).tobytes() == PHOTO.tobytes()


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_undefined_orientation_leaves_the_picture_as_stored(orientation):
    data = encoded(PHOTO, "PNG", exif=exif(orientation))
    assert load_image(data).tobytes() == PHOTO.tobytes()


def one_pixel(mode: str, value: object) -> Image.Image:
    return Image.new(mode, (1, 1), value)


def through(mode: str, colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (1, 1), colour).convert(mode)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (one_pixel("1", 1), WHITE),
        (one_pixel("1", 0), BLACK),
        (one_pixel("L", 77), (77, 77, 77)),
        (one_pixel("LA", (77, 255)), (77, 77, 77)),
        (one_pixel("LA", (0, 0)), WHITE),
        (one_pixel("La", (0, 0)), WHITE),
        (one_pixel("RGB", (1, 2, 3)), (1, 2, 3)),
        (one_pixel("RGBX", (1, 2, 3, 0)), (1, 2, 3)),
        (one_pixel("RGBA", (0, 0, 0, 0)), WHITE),
        (one_pixel("RGBA", (255, 0, 0, 128)), (255, 127, 127)),
        (one_pixel("RGBA", (9, 8, 7, 255)), (9, 8, 7)),
        (one_pixel("RGBa", (0, 0, 0, 0)), WHITE),
        (through("P", RED), RED),
        (through("PA", RED), RED),
        (one_pixel("CMYK", (0, 255, 255, 0)), RED),
        (one_pixel("CMYK", (0, 0, 0, 255)), BLACK),
        (through("YCbCr", RED), RED),
        (through("HSV", RED), RED),
        (one_pixel("LAB", (255, 128, 128)), WHITE),
        (one_pixel("I;16", 0x80FF), (128, 128, 128)),
        (one_pixel("I;16", 0xFFFF), WHITE),
        (one_pixel("I;16B", 0x80FF), (128, 128, 128)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else str(value),
)
def test_every_mode_keeps_its_colour_and_transparency_turns_white(image, expected):
    pixel = normalise(image).getpixel((0, 0))
    assert pixel == pytest.approx(expected, abs=2)


def test_normalising_leaves_its_input_alone():
    original = PHOTO.copy()
    result = normalise(original)
    result.paste(BLACK, (0, 0, 64, 48))
    assert original.tobytes() == PHOTO.tobytes()


def test_a_transparent_palette_entry_turns_white():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putdata([0, 1])
    for format_name in ("PNG", "GIF"):
        opened = load_image(encoded(image, format_name, transparency=0))
        assert [opened.getpixel((x, 0)) for x in (0, 1)] == [WHITE, RED]
    half = load_image(encoded(image, "PNG", transparency=b"\x80\xff"))
    assert [half.getpixel((x, 0)) for x in (0, 1)] == [(127, 127, 127), RED]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_without_alpha_channel_turns_white(mode):
    key = 7 if mode == "L" else (7, 7, 7)
    image = Image.new(mode, (2, 1), key)
    image.putpixel((1, 0), 9 if mode == "L" else (9, 9, 9))
    opened = load_image(encoded(image, "PNG", transparency=key))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [WHITE, (9, 9, 9)]


def test_sixteen_bit_grey_keeps_its_brightness():
    samples = np.array([[0, 255, 256, 0x4000, 0x8000, 0xFFFF]], np.uint16)
    png = load_image(encoded(Image.fromarray(samples), "PNG"))
    tiff = load_image(encoded(Image.fromarray(samples), "TIFF"))
    pgm = load_image(b"P5 6 1 65535\n" + samples.astype(">u2").tobytes())
    for image in (png, tiff, pgm):
        assert [image.getpixel((x, 0))[0] for x in range(6)] == [0, 0, 1, 64, 128, 255]


def test_a_transparent_sixteen_bit_grey_turns_white():
    samples = np.array([[0x1234, 0x1235, 0xFFFF]], np.uint16)
    opened = load_image(encoded(Image.fromarray(samples), "PNG", transparency=0x1234))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [WHITE, (0x12, 0x12, 0x12)]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[-3.0e38, 0.0, 3.0e38]], np.float32), [0, 128, 255]),
        (np.array([[np.nan, -np.inf, 2.0, 4.0, np.inf]], np.float32), [0, 0, 0, 255, 255]),
        (np.array([[np.nan, np.nan]], np.float32), [0, 0]),
        (np.array([[5.0, 5.0]], np.float32), [0, 0]),
        (np.array([[-(2**31), 0, 2**31 - 1]], np.int32), [0, 128, 255]),
    ],
    ids=["unit", "extreme", "not finite", "no number at all", "uniform", "integers"],
)
def test_samples_of_unknown_range_are_stretched_from_black_to_white(samples, expected):
    image = load_image(encoded(Image.fromarray(samples), "TIFF"))
    assert [image.getpixel((x, 0))[0] for x in range(len(expected))] == expected


def test_a_cmyk_jpeg_has_the_colours_of_its_original():
    data = encoded(PHOTO.convert("CMYK"), "JPEG", quality=95)
    assert Image.open(io.BytesIO(data)).mode == "CMYK"
    assert difference(load_image(data), PHOTO) < 8


# How much is decoded


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize(
    ("target", "size"), [(300, (400, 300)), (301, (800, 600)), (150, (200, 150))]
)
def test_a_drafted_jpeg_is_large_enough_and_looks_like_the_full_one(target, size, options):
    data = encoded(picture(1600, 1200), "JPEG", quality=90, **options)
    drafted = load_image(data, target_side=target)
    assert drafted.size == size
    assert min(drafted.size) >= target
    full = load_image(data).resize(size, Image.Resampling.BOX)
    assert difference(drafted, full) < 1


@pytest.mark.parametrize("size", [(64, 48), (3000, 10), (1, 1), (223, 4000)])
@pytest.mark.parametrize("target", [1, 48, 224])
def test_drafting_never_goes_below_the_target(size, target):
    drafted = load_image(encoded(Image.new("RGB", size), "JPEG"), target_side=target)
    assert min(drafted.size) >= min(target, *size)


def test_a_drafted_jpeg_is_upright():
    data = encoded(picture(800, 400), "JPEG", exif=exif(6))
    assert load_image(data, target_side=100).size == (100, 200)


@pytest.mark.parametrize("kind", ["png", "heic", "webp", "avif"])
def test_a_target_changes_nothing_for_other_formats(kind):
    assert load_image(SAMPLES[kind], target_side=8).size == PHOTO.size


def test_an_embedded_thumbnail_never_stands_in_for_the_picture():
    data = encoded(picture(640, 480), "HEIF", thumbnails=[160])
    assert Image.open(io.BytesIO(data)).info["thumbnails"] == [160]
    assert load_image(data, target_side=64).size == (640, 480)


@pytest.mark.filterwarnings("error")
def test_a_panorama_of_90_megapixels_opens_without_a_warning():
    data = encoded(Image.new("L", (30_000, 3_000), 9), "PNG", compress_level=1)
    image = load_image(data)
    assert image.size == (30_000, 3_000)
    assert image.getpixel((29_999, 2_999)) == (9, 9, 9)


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory without the resource module")
def test_a_phone_jpeg_of_108_megapixels_takes_little_memory(tmp_path):
    file = tmp_path / "phone.jpg"
    Image.linear_gradient("L").resize((12_000, 9_000)).convert("RGB").save(file)
    decode = (
        "import resource, sys; from clip_app.images import load_image; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "size = load_image(sys.argv[1], target_side=448).size; "
        "print(*size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", decode, str(file)],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    width, height, more = map(int, done.stdout.split())
    assert (width, height) == (1500, 1125)
    # Kilobytes (bytes on a Mac): whole, it would be 324 MB.
    assert more < 100_000 * (1024 if sys.platform == "darwin" else 1)


@pytest.mark.parametrize("size", [(30_000, 500), (30_000, 10), (10, 30_000), (1, 1)])
def test_extreme_shapes_open(size):
    assert load_image(encoded(Image.new("RGB", size), "PNG", compress_level=1)).size == size


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_jpeg_above_the_limit_opens_only_if_drafted_below_it():
    data = encoded(Image.new("L", (12_500, 10_000)), "JPEG")
    assert load_image(data, target_side=224).size == (1563, 1250)
    assert error_of(data).key == "image_too_large"


@pytest.mark.parametrize("side", [30_000, 12_000, 2**31 - 1])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_by_its_header_with_both_sizes_in_the_sentence(side):
    error = error_of(png_claiming(side, side), name="bomb.png")
    assert error.key == "image_too_large"
    assert error.params["megapixels"] == -(-side * side // 10**6)
    assert "120" in str(error)


def test_a_bomb_sentence_reads_well():
    error = error_of(png_claiming(30_000, 30_000), name="bomb.png")
    assert str(error) == "bomb.png has 900 megapixels; this app opens at most 120."
    assert error.message("zh") == "bomb.png 的像素过多（900 MP），上限为 120 MP。"


def test_the_pixel_limit_is_inclusive():
    assert load_image(SAMPLES["png"], max_pixels=64 * 48).size == (64, 48)
    assert error_of(SAMPLES["png"], max_pixels=64 * 48 - 1).key == "image_too_large"
    with pytest.raises(ImageError, match="at most"):
        normalise(PHOTO, max_pixels=64 * 48 - 1)


def test_a_file_above_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "sparse.webp"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    error = error_of(path)
    assert error.key == "image_file_too_large"
    assert "takes 1,074 MB; this app opens at most 1,073 MB" in str(error)


def test_running_out_of_memory_is_one_sentence(monkeypatch):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(upright, "rgb", exhausted)
    assert error_of(SAMPLES["png"]).key == "image_out_of_memory"


# What is refused


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "image_empty"),
        (b"\0", "image_unreadable"),
        (b"P", "image_unreadable"),
        (b"just some text\n", "image_unreadable"),
        (b"<!DOCTYPE html><html><body><svg></svg></body></html>", "image_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_svg"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<!-- made by hand -->\n<SVG/>", "image_svg"),
        (b"\xff\x0a" + bytes(30), "image_foreign"),  # JPEG XL, bare and in a box
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), "image_foreign"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1" + bytes(30), "image_foreign"),  # Canon's raw files
        (b"\0\0\0\x18ftypmp42\0\0\0\0" + bytes(30), "image_foreign"),
        (b"<?xml version='1.0'?><note/>", "image_unreadable"),
        (b"%PDF-1.7\n", "image_unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image_unreadable"),
        (b"8BPS\0\1" + bytes(100), "image_unreadable"),
        (encoded(PHOTO, "ICO"), "image_unreadable"),
        (encoded(PHOTO, "TGA"), "image_unreadable"),
        (SAMPLES["jpeg"][:20], "image_damaged"),
        (SAMPLES["jpeg"][:-100], "image_damaged"),
        (SAMPLES["png"][:20], "image_damaged"),
        (SAMPLES["webp"][:-100], "image_damaged"),
        (png_claiming(2, 2, colour_type=3), "image_damaged"),  # a palette image without its palette
    ],
)
def test_what_is_no_picture_gets_its_own_sentence(data, key):
    assert error_of(data).key == key


@pytest.mark.filterwarnings("ignore::UserWarning")
@every_format
def test_a_truncated_file_never_gives_another_picture(data):
    whole = load_image(data)
    # What is read lacks at most a twentieth of its pixels, or a little of its detail.
    cuts = {*range(1, len(data), max(1, len(data) // 60)), *range(len(data) - 8, len(data))}
    refused = []
    for cut in cuts:
        try:
            assert difference(load_image(data[:cut]), whole) < 8
        except ImageError as error:
            refused.append(error)
    assert len(refused) > len(cuts) // 3
    assert {error.key for error in refused} <= {"image_damaged", "image_unreadable"}
    assert all(error.__cause__ is not None for error in refused)


def test_a_picture_without_pixels_is_empty():
    with pytest.raises(ImageError) as caught:
        normalise(Image.new("RGB", (0, 5)))
    assert caught.value.key == "image_empty"


def test_a_missing_file_is_not_found(tmp_path):
    assert error_of(tmp_path / "gone.png").key == "image_not_found"
    (tmp_path / "file").write_bytes(b"x")
    assert error_of(tmp_path / "file" / "below.png").key == "image_not_found"


def test_a_folder_is_called_a_folder(tmp_path):
    folder = tmp_path / "album.jpg"
    folder.mkdir()
    assert error_of(folder).key == "image_is_folder"
    assert error_of(f"{folder}/").params["name"] == "album.jpg"


def test_an_empty_file_is_called_empty(tmp_path):
    path = tmp_path / "empty.jpg"
    path.touch()
    assert error_of(path).key == "image_empty"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert error_of(tmp_path / "pipe.png").key == "image_no_file"


def test_a_file_one_may_not_read_is_named(tmp_path, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.png"
    path.write_bytes(SAMPLES["png"])
    # chmod would not stop a test that runs as root.
    monkeypatch.setattr(opening, "open", forbidden, raising=False)
    error = error_of(path)
    assert error.key == "image_cannot_be_opened"
    assert str(error).startswith("secret.png ")


@pytest.mark.parametrize(
    ("path", "key"), [("a\0b.png", "image_not_found"), ("x" * 5000, "image_path_long")]
)
def test_an_impossible_path_is_refused(path, key):
    assert error_of(path).key == key


def test_a_link_that_leads_nowhere_is_called_one(tmp_path):
    circle, back, broken = (tmp_path / f"{name}.jpg" for name in ("circle", "back", "broken"))
    circle.symlink_to(back)
    back.symlink_to(circle)
    broken.symlink_to("gone.jpg")
    assert error_of(circle).key == "image_link_circle"
    assert error_of(broken).key == "image_link_broken"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_disk_that_fails_is_no_matter_of_permissions(tmp_path, monkeypatch, number):
    def failing(*_):
        raise OSError(number, os.strerror(number))

    path = tmp_path / "on a share.png"
    path.write_bytes(SAMPLES["png"])
    monkeypatch.setattr(opening, "open", failing, raising=False)
    told = str(error_of(path))
    assert os.strerror(number) in told
    assert "permission" not in told


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/home/someone/cat.jpg", "cat.jpg"),
        ("C:\\Users\\someone\\cat.jpg", "cat.jpg"),
        ("小猫.jpg", "小猫.jpg"),
        ("two\nlines\x1b[31m.jpg", "two�lines�[31m.jpg"),
        ("x" * 300 + ".jpg", "x" * 40 + "…" + "x" * 36 + ".jpg"),
        ("{name}.jpg", "{name}.jpg"),
        ("", "image"),
        (None, "image"),
    ],
)
def test_a_sentence_shows_the_base_name_on_one_line(name, shown):
    assert str(error_of(b"text", name=name)) == f"{shown} is not an image this app can read."


def test_no_error_tells_the_folder(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"text")
    error = error_of(path)
    for language in LANGUAGES:
        assert str(tmp_path) not in error.message(language)


# Anything at all


def rgb_or_image_error(data: bytes, **options) -> None:
    try:
        image = load_image(data, max_pixels=1_000_000, **options)
    except ImageError as error:
        for language in LANGUAGES:
            error.message(language)
    else:
        assert image.mode == "RGB"
        assert image.width * image.height > 0


fuzz = settings(max_examples=600)
signatures = st.sampled_from([b"", *(data[:16] for data in SAMPLES.values()), b"P3 ", b"Pf 1 1 "])


@fuzz
@given(signatures, st.binary(max_size=300))
@pytest.mark.filterwarnings("ignore")
def test_random_bytes_give_a_picture_or_an_image_error(signature, data):
    rgb_or_image_error(signature + data)


edits = st.lists(
    st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 6)), min_size=1, max_size=8
)


@fuzz
@given(st.sampled_from(sorted(SAMPLES)), edits, st.sampled_from([None, 8]))
@pytest.mark.filterwarnings("ignore")
def test_random_edits_of_real_files_give_a_picture_or_an_image_error(kind, edits, target):
    data = bytearray(SAMPLES[kind])
    for place, inserted, removed in edits:
        # Cubed, so that most edits hit the header.
        start = int(len(data) * place**3)
        data[start : start + removed] = inserted
    rgb_or_image_error(bytes(data), target_side=target)


def test_many_threads_decode_the_same_pictures():
    def decode(data: bytes) -> bytes:
        return load_image(data).tobytes()

    jobs = [*SAMPLES.values()] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(decode, jobs)) == [decode(data) for data in jobs]


# Helpers of the gallery and the feature cache


def test_suffixes_name_photographs_and_no_documents():
    assert {
        *(".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".gif"),
        *(".tif", ".tiff", ".bmp", ".jp2", ".ppm", ".pgm", ".mpo"),
    } <= SUPPORTED_SUFFIXES
    assert SUPPORTED_SUFFIXES.isdisjoint({".eps", ".pdf", ".svg", ".psd", ".ico", ".txt", ".mpg"})


def test_the_hash_follows_the_pixels_and_not_the_file():
    assert content_hash(load_image(SAMPLES["png"])) == content_hash(load_image(SAMPLES["bmp"]))


def test_the_hash_changes_with_one_pixel_the_shape_or_the_mode():
    changed = PHOTO.copy()
    changed.putpixel((63, 47), (1, 2, 3))
    blank = [Image.new("RGB", (2, 3)), Image.new("RGB", (3, 2)), Image.new("L", (6, 3))]
    assert len({content_hash(image) for image in (PHOTO, changed, *blank)}) == 5


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((640, 480), 320, (320, 240)),
        ((480, 640), 320, (240, 320)),
        ((64, 48), 320, (64, 48)),
        ((3000, 2), 300, (300, 1)),
        ((1, 1), 1, (1, 1)),
    ],
)
def test_a_thumbnail_fits_keeps_the_shape_and_never_grows(size, side, expected):
    image = picture(*size)
    small = thumbnail(image, side)
    assert small.size == expected
    assert image.size == size
    assert difference(small, image.resize(expected, Image.Resampling.BOX)) < 2
