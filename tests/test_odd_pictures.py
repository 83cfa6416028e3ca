"""Pictures as the world has them: cut, dim, fading in, of several pages, wrongly named."""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from clip_app.errors import ImageError
from clip_app.images import browsers_show, date_taken, is_image_head, load_image
from tests.test_images import PHOTO, SAMPLES, difference, encoded, exif, picture

LARGE = picture(640, 480)
FORMATS_THAT_GO_ON = ["JPEG", "PNG", "GIF", "TIFF", "BMP", "PPM"]


def refused(data: bytes, **options) -> str:
    with pytest.raises(ImageError) as caught:
        load_image(data, **options)
    return caught.value.key


def chunk(kind: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


def png_of_16_bits(samples: np.ndarray, colour_type: int) -> bytes:
    """A PNG of these big numbers, which Pillow cannot write in colour."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


# Metadata


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "after the picture", "many", "wrong checksum"])
def test_large_or_broken_text_does_not_cost_the_picture(kind):
    info = PngImagePlugin.PngInfo()
    if kind == "iTXt":
        info.add_itxt("workflow", "ä" * 1_500_000, zip=True)
    elif kind == "zTXt":
        info.add_text("workflow", "a" * 2_000_000, zip=True)
    elif kind == "many":  # 70 MB, each of them small
        for number in range(80):
            info.add_text(f"{number}", "a" * 900_000, zip=True)
    data = encoded(PHOTO, "PNG", pnginfo=info)
    text = chunk(b"zTXt", b"late\0\0" + zlib.compress(bytes(3_000_000)))
    if kind == "after the picture":
        data = data[:-12] + text + data[-12:]
    elif kind == "wrong checksum":
        data = data[:33] + text[:-4] + b"abcd" + data[33:]
    assert load_image(data).tobytes() == PHOTO.tobytes()


def test_a_date_is_found_beside_large_text():
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "a" * 2_000_000, zip=True)
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05+00:00"
    assert date_taken(encoded(PHOTO, "PNG", pnginfo=info, exif=block.tobytes())) == 1577934245


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_a_large_profile_does_not_cost_the_picture(format_name):
    data = encoded(PHOTO, format_name, icc_profile=bytes(3_000_000), quality=95)
    assert difference(load_image(data), PHOTO) < 6


# Cut files


@pytest.mark.parametrize("less", [1, 2, 20])
@pytest.mark.parametrize("target", [None, 100])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_a_jpeg_that_lacks_its_last_bytes_is_read(options, target, less):
    data = encoded(LARGE, "JPEG", quality=90, **options)
    whole, cut = (load_image(one, target_side=target) for one in (data, data[:-less]))
    assert difference(cut, whole) < 1


@pytest.mark.parametrize("format_name", FORMATS_THAT_GO_ON)
def test_a_file_that_lacks_a_fiftieth_is_read_and_one_that_lacks_more_is_not(format_name):
    data = encoded(LARGE, format_name)
    cut = load_image(data[: len(data) * 98 // 100])
    height = LARGE.height
    upper = (0, height // 2 if format_name == "BMP" else 0, 640, height)  # from below upwards
    upper = upper if format_name == "BMP" else (0, 0, 640, height * 9 // 10)
    assert difference(cut.crop(upper), load_image(data).crop(upper)) < 1
    assert refused(data[: len(data) * 85 // 100]) == "image_damaged"
    assert refused(data[: len(data) // 5]) == "image_damaged"


@pytest.mark.parametrize("options", [{"quality": 90}, {"lossless": True}, {"exif": exif(1)}])
def test_a_webp_that_lacks_its_last_bytes_is_read(options):
    rng = np.random.default_rng(1)
    rough = Image.fromarray(rng.integers(0, 255, (240, 320, 3), np.uint8))
    data = encoded(rough, "WEBP", **options)
    assert difference(load_image(data[:-200]), load_image(data)) < 4
    assert refused(data[: len(data) // 5]) == "image_damaged"


def test_a_progressive_jpeg_without_its_fine_scans_is_read_and_a_fifth_of_one_is_not():
    data = encoded(LARGE, "JPEG", quality=90, progressive=True)
    assert difference(load_image(data[: len(data) * 9 // 10]), LARGE) < 4
    assert refused(data[: len(data) // 5]) == "image_damaged"


def test_a_cut_file_comes_out_upright():
    for format_name in ("JPEG", "TIFF"):
        data = encoded(LARGE, format_name, exif=exif(6))
        assert load_image(data[:-20]).size == (480, 640)


def test_threads_that_read_cut_files_do_not_open_the_gate_for_others():
    data = encoded(LARGE, "JPEG", quality=90)
    jobs = [data[:-2], data[: len(data) // 5]] * 20

    def outcome(one: bytes) -> str:
        try:
            return str(load_image(one).size)
        except ImageError as error:
            return error.key

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, jobs)) == ["(640, 480)", "image_damaged"] * 20


@settings(max_examples=60)
@given(st.sampled_from(["jpeg", "progressive jpeg", "png", "webp", "gif", "bmp"]), st.floats(0, 1))
def test_what_is_read_of_a_cut_file_is_that_picture(kind, part):
    data = SAMPLES[kind]
    try:
        cut = load_image(data[: int(len(data) * part)])
    except ImageError:
        return
    assert difference(cut, load_image(data)) < 8


# Samples of more than 8 bits


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "PPM"])
def test_grey_of_fewer_bits_in_16_has_the_brightness_of_its_twin(format_name, bits):
    grey = np.asarray(PHOTO.convert("L"))
    assert grey.max() >= 128
    data = encoded(Image.fromarray(grey.astype(np.uint16) << (bits - 8)), format_name)
    assert difference(load_image(data), Image.fromarray(grey).convert("RGB")) < 0.01


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["colour", "colour and alpha", "grey and alpha", "PPM"])
def test_colour_of_fewer_bits_in_16_has_the_brightness_of_its_twin(kind, bits):
    colours = np.asarray(PHOTO)
    samples = colours.astype(np.uint16) << (bits - 8)
    opaque = np.full((*samples.shape[:2], 1), 65535, np.uint16)
    data, wanted = {
        "colour": (png_of_16_bits(samples, 2), PHOTO),
        "colour and alpha": (png_of_16_bits(np.dstack([samples, opaque]), 6), PHOTO),
        "grey and alpha": (
            png_of_16_bits(np.dstack([samples[..., :1], opaque]), 4),
            Image.fromarray(colours[..., 0]).convert("RGB"),
        ),
        "PPM": (b"P6 64 48 65535\n" + samples.astype(">u2").tobytes(), PHOTO),
    }[kind]
    assert difference(load_image(data), wanted) < 0.01


def test_a_pgm_that_says_its_maximum_stays_as_dark_as_it_is():
    dark = np.full((4, 4), 200, ">u2")
    assert load_image(b"P5 4 4 4095\n" + dark.tobytes()).getpixel((0, 0))[0] == 12


# Animations and pages


def blank(colour: str) -> Image.Image:
    return Image.new("RGBA" if colour == "#00000000" else "RGB", PHOTO.size, colour)


@pytest.mark.parametrize("colour", ["black", "white", "red", "#00000000"])
@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_that_begins_blank_is_read_by_a_later_frame(format_name, number, colour):
    first = blank(colour)
    photo = PHOTO.convert(first.mode)
    frames = [*[first] * (number - 1), photo, photo]
    data = encoded(first, format_name, save_all=True, append_images=frames, duration=100)
    assert difference(load_image(data), PHOTO) < 8


def test_a_fade_in_is_read_where_the_picture_is_plain():
    frames = [Image.blend(blank("black"), PHOTO, part) for part in (0, 0.02, 0.1, 0.4, 0.8, 1)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(load_image(data)).std() > np.asarray(PHOTO).std() / 3


def test_an_animation_of_one_colour_and_a_still_of_one_colour_stay_what_they_are():
    red = Image.new("RGB", (16, 16), "#fe0000")
    data = encoded(Image.new("RGB", (16, 16), "red"), "GIF", save_all=True, append_images=[red])
    assert load_image(data).getpixel((8, 8)) == (255, 0, 0)
    assert load_image(encoded(red, "PNG")).getpixel((8, 8)) == (254, 0, 0)


def test_a_second_frame_of_an_impossible_size_does_not_cost_the_first():
    data = bytearray(
        encoded(blank("black"), "GIF", save_all=True, append_images=[PHOTO], duration=9)
    )
    second = data.rindex(b"\x2c\0\0\0\0")
    data[second + 5 : second + 9] = b"\xff\xff\xff\xff"
    assert load_image(bytes(data)).size == PHOTO.size


def test_the_largest_page_of_a_tiff_is_read():
    sizes = [(32, 24), (160, 120), (64, 48)]
    pages = [picture(*size) for size in sizes]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert load_image(data).tobytes() == pages[1].tobytes()
    assert load_image(data, max_pixels=64 * 48).size == (64, 48)
    same = encoded(PHOTO, "TIFF", save_all=True, append_images=[PHOTO.rotate(180)])
    assert load_image(same).tobytes() == PHOTO.tobytes()


def test_a_two_lens_jpeg_and_a_heic_of_several_keep_their_primary_picture():
    for format_name in ("MPO", "HEIF"):
        small = PHOTO.resize((32, 24))
        data = encoded(small, format_name, save_all=True, append_images=[LARGE], quality=95)
        assert load_image(data).size == (32, 24)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_orientation_that_only_xmp_has_is_ignored_as_browsers_do(format_name):
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    )
    options = {"xmp": packet}
    if format_name == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        options = {"pnginfo": info}
    assert load_image(encoded(PHOTO, format_name, **options)).size == PHOTO.size
    made_with_a_camera = Image.Exif()
    made_with_a_camera[0x010F] = "someone"
    data = encoded(PHOTO, format_name, exif=made_with_a_camera, **options)
    assert load_image(data).size == PHOTO.size


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_heic_of_200_megapixels_is_called_too_large_and_not_damaged():
    data = bytearray(encoded(picture(64, 64), "HEIF"))  # a size that needs no cropping
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 20_000, 10_000)
    assert refused(bytes(data)) == "image_too_large"


# What a file is


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_first_bytes_tell_every_format(kind):
    assert is_image_head(SAMPLES[kind][:64])


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"BM", b"BMW drives by", b"P1 is a page", b"GIF8", b"RIFF\0\0\0\0WAVEfmt "),
        *(b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"\0\0\0\x18ftypcrx \0\0\0\0crx isom"),
        *(b"II*\0\x10\0\0\0CR\2\0", b"%PDF-1.7", b"PK\3\4", b"\xff\xd8", b"\x89PNG"),
    ],
)
def test_the_first_bytes_of_other_files_are_no_picture(head):
    assert not is_image_head(head)


@given(st.binary(max_size=80))
def test_any_bytes_have_an_answer(head):
    assert is_image_head(head) in (True, False)
    assert not browsers_show(head) or is_image_head(head) or head.startswith(b"\x89PNG")


def test_browsers_show_what_they_know_whatever_it_is_called():
    shown = {kind for kind, data in SAMPLES.items() if browsers_show(data[:64])}
    assert set(SAMPLES) - shown == {"heic", "tiff", "lzw tiff", "jpeg 2000", "ppm"}
    twelve = Image.fromarray(np.full((4, 4), 4095, np.uint16))
    assert not browsers_show(encoded(twelve, "PNG")[:64])
