"""Photographs dropped into the page: files and archives, also hostile ones."""

import io
import os
import stat
import zipfile

import pytest

from clip_app.errors import InputError
from clip_app.gallery import uploads as module
from clip_app.gallery.uploads import Uploads
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
    with pytest.raises(InputError) as caught:
        uploads.receive([tmp_path / "bomb.zip"], folder)
    assert caught.value.key == "upload_too_large"
    assert files_below(folder) == ["fine.jpg"]


def test_too_many_files_are_refused_over_several_uploads(uploads, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 3)
    folder = uploads.new_folder()
    two = archive(tmp_path / "two.zip", ("1.jpg", CAT), ("2.jpg", CAT))
    uploads.receive([two], folder)
    with pytest.raises(InputError) as caught:
        uploads.receive([two], folder)
    assert caught.value.key == "upload_too_many"
    assert len(files_below(folder)) == 3


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
