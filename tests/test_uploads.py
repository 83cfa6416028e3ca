"""Photographs dropped into the page: files and archives, also hostile ones."""

import io
import os
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_app.errors import InputError, Reason, UploadLimitError
from clip_app.gallery import uploads as module
from clip_app.gallery.uploads import Upload, Uploads
from tests.conftest import EXAMPLES

CAT = (EXAMPLES / "cat.jpg").read_bytes()


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads")


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def archive(path, *entries):
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in entries:
            packed.writestr(name, data)
    return path


def test_images_are_taken_from_files_and_archives_and_the_rest_is_named(uploads, tmp_path):
    folder = uploads.new_folder()
    packed = archive(
        tmp_path / "a.zip",
        ("holiday/海滩 1.jpg", CAT),
        ("holiday/notes.txt", b"text"),
        ("__MACOSX/._x.jpg", CAT),
        (".hidden/x.jpg", CAT),
    )
    received = uploads.receive([packed, EXAMPLES / "rocket.jpg"], folder)
    assert files_below(folder) == ["holiday/海滩 1.jpg", "rocket.jpg"]
    assert (folder / "holiday" / "海滩 1.jpg").read_bytes() == CAT
    assert received.images == 2
    assert received.left_out == ("notes.txt",)


def test_no_name_in_an_archive_leads_out_of_the_folder(uploads, tmp_path):
    folder = uploads.new_folder()
    names = (
        "../../../evil.jpg",
        "/etc/evil.jpg",
        "..\\..\\evil.jpg",
        "C:\\evil.jpg",
        "a/../../evil.jpg",
        "con<>|?*.jpg",
        "x" * 300 + ".jpg",
        "\x00.jpg"[1:],
    )
    uploads.receive([archive(tmp_path / "slip.zip", *((n, CAT) for n in names))], folder)
    outside = [p for p in tmp_path.rglob("*.jpg") if folder not in p.parents]
    assert outside == []
    found = files_below(folder)
    assert len(found) == len(set(found)) == 7  # the last is hidden: nothing but an ending
    assert not any(".." in name.split("/") for name in found)


def test_links_in_an_archive_become_plain_files(uploads, tmp_path):
    folder = uploads.new_folder()
    link = zipfile.ZipInfo("link.jpg")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    uploads.receive([tmp_path / "link.zip"], folder)
    assert not os.path.islink(folder / "link.jpg")
    assert (folder / "link.jpg").read_bytes() == b"/etc/passwd"


def test_a_bomb_is_stopped_as_it_unpacks_and_leaves_nothing(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 5_000_000)
    folder = uploads.new_folder()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("fine.jpg", CAT)
        packed.writestr("bomb.jpg", bytes(50_000_000))
    assert (tmp_path / "bomb.zip").stat().st_size < 200_000
    with pytest.raises(UploadLimitError) as caught:
        uploads.receive([tmp_path / "bomb.zip"], folder)
    assert caught.value.key == "upload_too_large"
    assert files_below(folder) == ["fine.jpg"]


def test_too_many_files_are_refused_over_several_uploads(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 3)
    folder = uploads.new_folder()
    two = archive(tmp_path / "two.zip", ("1.jpg", CAT), ("2.jpg", CAT))
    uploads.receive([two], folder)
    others = archive(tmp_path / "others.zip", ("3.jpg", CAT), ("4.jpg", CAT))
    with pytest.raises(UploadLimitError) as caught:
        uploads.receive([others], folder)
    assert caught.value.key == "upload_too_many"
    assert len(files_below(folder)) == 3


def test_one_photograph_over_and_over_ends_the_upload(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 5 * len(CAT))
    folder = uploads.new_folder()
    with pytest.warns(UserWarning, match="Duplicate name"):
        packed = archive(tmp_path / "same.zip", *[("1.jpg", CAT)] * 6)
    with pytest.raises(UploadLimitError) as caught:
        uploads.receive([packed], folder)
    assert caught.value.key == "upload_too_large"
    assert files_below(folder) == ["1.jpg"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not an archive", CAT])
def test_damaged_archives_are_one_error(uploads, tmp_path, data):
    path = tmp_path / "broken.zip"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        uploads.receive([path], uploads.new_folder())
    assert caught.value.key == "archive_damaged"


def test_an_archive_with_damaged_contents_leaves_no_half_file(uploads, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("cat.jpg", CAT)
    data = bytearray(buffer.getvalue())
    data[len(CAT) // 2] ^= 0xFF  # the checksum will not fit
    (tmp_path / "bad.zip").write_bytes(data)
    folder = uploads.new_folder()
    with pytest.raises(InputError):
        uploads.receive([tmp_path / "bad.zip"], folder)
    assert files_below(folder) == []


def test_names_from_chinese_windows_are_read(uploads, tmp_path):
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as packed:
        packed.writestr("XXXX.jpg", CAT)
    # As such programs write them: GB 18030, and no mark that says so.
    (tmp_path / "gbk.zip").write_bytes(
        plain.getvalue().replace(b"XXXX.jpg", "海滩".encode("gb18030") + b".jpg")
    )
    folder = uploads.new_folder()
    uploads.receive([tmp_path / "gbk.zip"], folder)
    assert files_below(folder) == ["海滩.jpg"]


def test_a_visitors_folder_is_removed_and_nothing_else_can_be(uploads, tmp_path):
    folder = uploads.new_folder()
    other = tmp_path / "other"
    other.mkdir()
    uploads.remove(other)
    uploads.remove(uploads.directory / ".." / "other")
    assert other.is_dir()
    uploads.remove(folder)
    assert not folder.exists()


def raw_zip(entries, flag=0, extras=None):
    """A stored zip whose entry names are these bytes; bit 11 (UTF-8) only if `flag` says so."""
    body, central = b"", b""
    for number, (name, data) in enumerate(entries):
        extra = (extras or {}).get(number, b"")
        crc, size = zlib.crc32(data), len(data)
        fixed = struct.pack(
            "<HHHHHIIIHH", 20, flag, 0, 0, 33, crc, size, size, len(name), len(extra)
        )
        central += b"PK\x01\x02" + struct.pack("<H", 20) + fixed
        central += struct.pack("<HHHII", 0, 0, 0, 0x20, len(body)) + name + extra
        body += b"PK\x03\x04" + fixed + name + extra + data
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(central), len(body), 0)
    return body + central + b"PK\x05\x06" + end


def unicode_path(raw, name):
    field = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(field)) + field


def test_each_entry_has_the_name_it_was_given_whatever_wrote_it(uploads, tmp_path):
    names = {
        "照片/猫和狗.jpg".encode(): "照片/猫和狗.jpg",  # a Mac, without the mark
        "Été/café.jpg".encode(): "Été/café.jpg",
        "海滩.jpg".encode("gb18030"): "海滩.jpg",  # Chinese Windows
        b"caf\x82.jpg": "café.jpg",  # DOS
        b"_.jpg": "真名.jpg",  # Info-ZIP's extra field
    }
    extras = {4: unicode_path(b"_.jpg", "真名.jpg")}
    (tmp_path / "mixed.zip").write_bytes(raw_zip([(name, CAT) for name in names], extras=extras))
    folder = uploads.new_folder()
    received = uploads.receive([tmp_path / "mixed.zip"], folder)
    assert files_below(folder) == sorted(names.values())
    assert received.images == 5


def test_an_extra_field_that_belongs_to_another_name_does_not_count(uploads, tmp_path):
    data = raw_zip([(b"real.jpg", CAT)], extras={0: unicode_path(b"other.jpg", "wrong.jpg")})
    (tmp_path / "a.zip").write_bytes(data)
    folder = uploads.new_folder()
    uploads.receive([tmp_path / "a.zip"], folder)
    assert files_below(folder) == ["real.jpg"]


def spoilt(kind):
    """An archive of three photographs the middle one of which cannot be unpacked."""
    data = bytearray(raw_zip([(b"one.jpg", CAT), (b"two.jpg", CAT), (b"three.jpg", CAT)]))
    local = data.index(b"two.jpg") - 30
    central = data.rindex(b"two.jpg") - 46
    if kind == "deflate64":
        struct.pack_into("<H", data, local + 8, 9)
        struct.pack_into("<H", data, central + 10, 9)
    elif kind == "unknown method":
        struct.pack_into("<H", data, local + 8, 98)
        struct.pack_into("<H", data, central + 10, 98)
    elif kind == "checksum":
        data[local + 30 + 7 + 600] ^= 1
    elif kind == "encrypted":
        struct.pack_into("<H", data, local + 6, 1)
        struct.pack_into("<H", data, central + 8, 1)
    elif kind == "strongly encrypted":
        struct.pack_into("<H", data, central + 8, 1 | 1 << 6)
    elif kind == "patched":
        struct.pack_into("<H", data, central + 8, 1 << 5)
    elif kind == "names differ":
        data[local + 30] = ord("X")
    elif kind == "no header":
        data[local] = 0
    elif kind == "deflated badly":
        struct.pack_into("<H", data, local + 8, 8)
        struct.pack_into("<H", data, central + 10, 8)
    elif kind == "bzip2 badly":
        struct.pack_into("<H", data, local + 8, 12)
        struct.pack_into("<H", data, central + 10, 12)
    elif kind == "beyond the end":
        struct.pack_into("<I", data, central + 42, len(data) + 1000)
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("deflate64", "entry_method"),
        ("unknown method", "entry_method"),
        ("patched", "entry_method"),
        ("checksum", "entry_damaged"),
        ("names differ", "entry_damaged"),
        ("no header", "entry_damaged"),
        ("deflated badly", "entry_damaged"),
        ("bzip2 badly", "entry_damaged"),
        ("beyond the end", "entry_damaged"),
        ("encrypted", "entry_encrypted"),
        ("strongly encrypted", "entry_encrypted"),
    ],
)
def test_one_bad_entry_costs_that_entry_and_is_named(uploads, tmp_path, kind, reason):
    (tmp_path / "a.zip").write_bytes(spoilt(kind))
    folder = uploads.new_folder()
    received = uploads.receive([tmp_path / "a.zip"], folder)
    assert files_below(folder) == ["one.jpg", "three.jpg"]
    assert received.refused == (Reason(reason, {"name": "two.jpg"}),)
    assert "two.jpg" in received.refused[0].message("en")
    assert "two.jpg" in received.refused[0].message("zh")


def test_other_archives_that_are_called_zip_are_told(uploads, tmp_path):
    heads = {"RAR": b"Rar!\x1a\x07\x01\x00", "7z": b"7z\xbc\xaf\x27\x1c", "gzip": b"\x1f\x8b\x08"}
    for kind, head in heads.items():
        (tmp_path / "a.zip").write_bytes(head + bytes(100))
        with pytest.raises(InputError, match=kind):
            uploads.receive([tmp_path / "a.zip"], uploads.new_folder())
        beside = uploads.receive([tmp_path / "a.zip", EXAMPLES / "cat.jpg"], uploads.new_folder())
        assert f"a.zip is a {kind} archive" in beside.refused[0].message("en")


def test_a_damaged_archive_does_not_cost_the_photographs_beside_it(uploads, tmp_path):
    (tmp_path / "cut.zip").write_bytes(raw_zip([(b"a.jpg", CAT)])[:-30])
    folder = uploads.new_folder()
    received = uploads.receive([tmp_path / "cut.zip", EXAMPLES / "cat.jpg"], folder)
    assert files_below(folder) == ["cat.jpg"]
    assert [one.params["name"] for one in received.refused] == ["cut.zip"]


def test_names_are_cut_to_what_a_disk_stores_and_keep_their_ending(uploads, tmp_path):
    long = "中" * 100
    folder = uploads.new_folder()
    entries = ((f"{long}/{long}.jpg", CAT), (f"{long}.jpg", CAT), (f"{long}!.jpg", CAT))
    uploads.receive([archive(tmp_path / "a.zip", *entries)], folder)
    found = files_below(folder)
    assert len(found) == 3
    for name in found:
        assert name.endswith(".jpg")
        assert all(len(part.encode()) <= 255 for part in name.split("/"))


def test_a_file_and_a_folder_of_one_name_are_both_kept(uploads, tmp_path):
    for order in (("a.jpg", "a.jpg/b.jpg", "c.jpg"), ("a.jpg/b.jpg", "a.jpg", "c.jpg")):
        folder = uploads.new_folder()
        uploads.receive([archive(tmp_path / "a.zip", *((name, CAT) for name in order))], folder)
        assert len(files_below(folder)) == 3


@pytest.mark.parametrize("name", [b"image.jpg", b"image"])  # one of them is given an ending
def test_thousands_of_equal_names_take_linear_time(uploads, tmp_path, monkeypatch, name):
    """Counted, not timed: looking for a free name asks the disk a few times for each file."""
    asked = []
    for method in ("exists", "is_file"):
        real = getattr(Path, method)
        monkeypatch.setattr(Path, method, lambda self, real=real: asked.append(self) or real(self))
    data = raw_zip([(name, CAT[:100] + b"%04d" % number) for number in range(2000)])
    (tmp_path / "same.zip").write_bytes(data)
    folder = uploads.new_folder()
    received = uploads.receive([tmp_path / "same.zip"], folder)
    assert received.images == len(list(folder.iterdir())) == 2000
    assert len(asked) < 5 * 2000  # a million and more, were each name tried from 2 on


def test_images_without_a_known_ending_are_taken_and_get_one(uploads, tmp_path):
    folder = uploads.new_folder()
    entries = (("IMG_1", CAT), ("photo.jpg_large", CAT), ("notes.jpg_large", b"text"))
    received = uploads.receive([archive(tmp_path / "a.zip", *entries)], folder)
    assert files_below(folder) == ["IMG_1.jpg", "photo.jpg_large.jpg"]
    assert received.left_out == ("notes.jpg_large",)
    assert received.left_out_total == 1


def test_a_file_that_is_only_called_an_image_is_named(uploads, tmp_path):
    (tmp_path / "fake.jpg").write_text("this is no picture")
    received = uploads.receive([tmp_path / "fake.jpg", EXAMPLES / "cat.jpg"], uploads.new_folder())
    assert received.images == 2
    assert received.unreadable == ("fake.jpg",)


def test_of_many_files_that_are_no_images_some_are_named_and_all_are_counted(uploads, tmp_path):
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(1200):
            packed.writestr(f"{number}.jpg", b"no image")
    received = uploads.receive([archive], uploads.new_folder())
    assert (received.images, received.unreadable_total) == (1200, 1200)
    assert len(received.unreadable) == 1000


def test_what_is_sent_again_is_neither_stored_nor_counted_twice(uploads, tmp_path):
    packed = archive(tmp_path / "a.zip", ("1.jpg", CAT), ("b/2.jpg", CAT), ("notes.txt", b"x"))
    (tmp_path / "fake.jpg").write_text("this is no picture")
    folder = uploads.new_folder()
    first = uploads.receive([packed, tmp_path / "fake.jpg"], folder)
    assert (first.files, first.images, first.usable, first.again) == (4, 3, 2, 0)
    again = uploads.receive([packed, EXAMPLES / "rocket.jpg"], folder)
    assert (again.files, again.images, again.usable, again.again) == (4, 1, 1, 2)
    assert files_below(folder) == ["1.jpg", "b/2.jpg", "fake.jpg", "rocket.jpg"]
    # Another content by that name is another photograph.
    (tmp_path / "1.jpg").write_bytes((EXAMPLES / "flower.jpg").read_bytes())
    assert uploads.receive([tmp_path / "1.jpg"], folder).images == 1
    assert len(files_below(folder)) == 5
    assert uploads.receive([packed], uploads.new_folder()).images == 2, "another visitor's"


def test_files_keep_the_names_that_their_visitor_gave_them(uploads, tmp_path):
    folder = uploads.new_folder()
    uploads.receive([Upload(EXAMPLES / "cat.jpg", "a!b$c.jpg")], folder)
    assert files_below(folder) == ["a!b$c.jpg"]


def test_it_stops_when_asked_and_tells_how_far_it_is(uploads, tmp_path):
    stop = threading.Event()
    told = []

    def progress(done, total):
        told.append((done, total))
        if done == 3:
            stop.set()

    folder = uploads.new_folder()
    packed = archive(tmp_path / "a.zip", *((f"{n}.jpg", CAT) for n in range(10)))
    received = uploads.receive([packed], folder, progress=progress, stop=stop)
    assert received.images == len(files_below(folder)) == 3
    assert told[:3] == [(1, 10), (2, 10), (3, 10)]


@given(st.lists(st.tuples(st.binary(max_size=40), st.booleans()), min_size=1, max_size=4))
@settings(max_examples=150)
def test_any_bytes_for_a_name_stay_below_the_folder(entries):
    with tempfile.TemporaryDirectory() as place:
        uploads = Uploads(Path(place) / "uploads")
        folder = uploads.new_folder()
        for name, marked in entries:
            path = Path(place) / "a.zip"
            path.write_bytes(raw_zip([(name, CAT[:100])], flag=0x800 if marked else 0))
            with suppress(InputError):
                uploads.receive([path], folder)
        uploads.close()
        outside = {p for p in Path(place).rglob("*") if p.is_file()} - {path}
        assert all(folder in p.parents for p in outside)


@pytest.mark.parametrize("name", ["café au lait.jpg", "München.jpg", "niño ñandú.jpg", "été.jpg"])
def test_western_names_from_dos_are_not_taken_for_chinese(uploads, tmp_path, name):
    (tmp_path / "dos.zip").write_bytes(raw_zip([(name.encode("cp437"), CAT)]))
    folder = uploads.new_folder()
    uploads.receive([tmp_path / "dos.zip"], folder)
    assert files_below(folder) == [name]


def test_raw_photographs_are_left_out_and_not_taken_for_their_previews(uploads, tmp_path):
    head = b"II*\0" + bytes(100)
    packed = archive(tmp_path / "raw.zip", ("a.NEF", head), ("b.dng", head), ("cat.jpg", CAT))
    folder = uploads.new_folder()
    received = uploads.receive([packed], folder)
    assert files_below(folder) == ["cat.jpg"]
    assert received.left_out == ("a.NEF", "b.dng")


@pytest.mark.parametrize(
    ("version", "extra"),
    [
        (90, b""),  # made for a newer program
        (20, struct.pack("<HH", 1, 50) + b"ab"),  # an extra field that is cut
        (20, struct.pack("<HH", 0x7075, 7) + b"\x01abcd\xff\xfe"),
        (20, b"abc"),
    ],
)
def test_one_odd_line_in_the_table_of_contents_costs_nothing(uploads, tmp_path, version, extra):
    names = (b"one.jpg", b"two.jpg", b"three.jpg")
    data = bytearray(raw_zip([(name, CAT) for name in names], extras={1: extra}))
    data[data.rindex(b"two.jpg") - 46 + 6] = version
    (tmp_path / "a.zip").write_bytes(data)
    folder = uploads.new_folder()
    uploads.receive([tmp_path / "a.zip"], folder)
    assert files_below(folder) == ["one.jpg", "three.jpg", "two.jpg"]


def test_a_size_that_is_nowhere_costs_that_entry(uploads, tmp_path):
    names = (b"one.jpg", b"two.jpg", b"three.jpg")
    extras = {1: struct.pack("<HHI", 1, 4, 7)}
    data = bytearray(raw_zip([(name, CAT) for name in names], extras=extras))
    struct.pack_into("<I", data, data.rindex(b"two.jpg") - 46 + 24, 0xFFFFFFFF)
    (tmp_path / "a.zip").write_bytes(data)
    folder = uploads.new_folder()
    received = uploads.receive([tmp_path / "a.zip"], folder)
    assert files_below(folder)[:2] == ["one.jpg", "three.jpg"]
    assert received.images + received.refused_total == 3


def bomb_between_two(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("one.jpg", CAT)
        packed.writestr("bomb.jpg", bytes(50_000_000))
        packed.writestr("three.jpg", CAT)
    return path


def test_one_entry_that_is_too_large_costs_that_entry(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 5_000_000)
    folder = uploads.new_folder()
    received = uploads.receive([bomb_between_two(tmp_path / "a.zip")], folder)
    assert files_below(folder) == ["one.jpg", "three.jpg"]
    assert received.refused == (Reason("entry_too_large", {"name": "bomb.jpg"}),)


def test_many_entries_that_are_too_large_end_the_upload(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 5_000_000)
    monkeypatch.setattr(module, "MAX_BYTES", 12_000_000)
    folder = uploads.new_folder()
    bombs = [bomb_between_two(tmp_path / f"{n}.zip") for n in range(9)]
    with pytest.raises(InputError) as caught:
        uploads.receive(bombs, folder)
    assert caught.value.key == "upload_too_large"


def test_what_the_indexer_would_not_see_is_not_counted_as_added(uploads, tmp_path):
    packed = archive(tmp_path / "a.zip", ("lost+found /x.jpg", CAT), ("cat.jpg", CAT))
    folder = uploads.new_folder()
    assert uploads.receive([packed], folder).images == 1
    assert files_below(folder) == ["cat.jpg"]


def test_what_a_crash_left_is_known_and_what_another_app_uses_is_not_touched(tmp_path):
    place = tmp_path / "uploads"
    job = (
        "import os, sys, pathlib\n"
        "from clip_app.gallery.uploads import Uploads\n"
        "print(Uploads(pathlib.Path(sys.argv[1])).new_folder(), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", job, str(place)], capture_output=True, text=True, check=False
    )
    killed = Path(ended.stdout.strip())
    assert killed.is_dir()
    running = Uploads(place)
    used = running.new_folder()
    old, young = place / "0123", place / "4567"  # as before there were locks
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    assert sorted(Uploads(place).abandoned()) == sorted([killed, old])
    running.close()
    assert used.is_dir()
