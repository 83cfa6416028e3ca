"""The walk through a folder: what is found, what is left out, links, loops, odd names."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from clip_app.errors import GalleryError
from clip_app.gallery.roots import Roots
from clip_app.gallery.scan import CHUNK, WHOLE, FileList, Shard, batched, walk


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def walked(folder: Path, roots: Sequence[Path] | None = None) -> list[str]:
    unreadable: list[str] = []
    found = [one.path for one in walk(folder, Roots.of(roots or [folder]), unreadable)]
    assert not unreadable
    assert len(set(found)) == len(found)
    return sorted(found)


def test_image_files_are_found_in_every_folder(tmp_path: Path) -> None:
    names = ["a.jpg", "b/c d/e.PNG", "b/ü/星.heic", "x.y.tiff", "b/a.webp", "b/big.JP2"]
    for name in names:
        put(tmp_path / name)
    for name in ["notes.txt", "b/video.mp4", "noext", "c.jpg.part", "d.svg"]:
        put(tmp_path / name)
    assert walked(tmp_path) == sorted(names)


def test_size_and_time_are_those_of_the_file(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jpg", b"12345")
    os.utime(path, ns=(1, 1_234_567_890_123_456_789))
    (found,) = walk(tmp_path, Roots.of([tmp_path]), [])
    assert (found.size, found.mtime_ns) == (5, 1_234_567_890_123_456_789)


def test_hidden_and_system_folders_and_files_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "seen.jpg")
    for name in [".hidden.jpg", "._seen.jpg", ".git/a.jpg", "x/.thumbnails/a.jpg"]:
        put(tmp_path / name)
    for name in ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found"]:
        put(tmp_path / name / "a.jpg")
    assert walked(tmp_path) == ["seen.jpg"]


def test_names_that_are_no_utf_8_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9/\xff.jpg")
    put(tmp_path / name)
    assert walked(tmp_path) == [name]
    with FileList() as files:
        files.fill(tmp_path, Roots.of([tmp_path]), WHOLE)
        assert [one.path for chunk in files.chunks() for one in chunk] == [name]
        assert files.missing([name, "other.jpg"]) == ["other.jpg"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    put(tmp_path / "a/b/c.jpg")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "all").symlink_to(tmp_path)
    (tmp_path / "dot").symlink_to(".")
    (tmp_path / "x.jpg").symlink_to("y.jpg")
    (tmp_path / "y.jpg").symlink_to("x.jpg")
    assert walked(tmp_path) == ["a/b/c.jpg"]


def test_a_link_to_the_folder_above_ends(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    put(gallery / "a.jpg")
    put(tmp_path / "beside/b.jpg")
    (gallery / "up").symlink_to("..")
    assert walked(gallery, [tmp_path]) == ["a.jpg", "up/beside/b.jpg"]


def test_links_are_followed_within_the_roots_only(tmp_path: Path) -> None:
    gallery, other, outside = tmp_path / "gallery", tmp_path / "other", tmp_path / "outside"
    put(gallery / "a.jpg")
    put(other / "b.jpg")
    put(outside / "secret.jpg")
    (gallery / "other").symlink_to(other)
    (gallery / "file.jpg").symlink_to(other / "b.jpg")
    (gallery / "outside").symlink_to(outside)
    (gallery / "secret.jpg").symlink_to(outside / "secret.jpg")
    (other / "deeper").symlink_to(outside)
    (gallery / "nowhere.jpg").symlink_to(tmp_path / "missing.jpg")
    assert walked(gallery, [gallery, other]) == ["a.jpg", "file.jpg", "other/b.jpg"]
    assert walked(gallery, [gallery]) == ["a.jpg"]


def test_pipes_and_folders_with_the_name_of_a_picture_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    put(tmp_path / "folder.jpg/a.png")
    assert walked(tmp_path) == ["folder.jpg/a.png"]


def test_a_folder_replaced_by_a_link_during_the_walk_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, outside = tmp_path / "gallery", tmp_path / "outside"
    put(gallery / "sub/a.jpg")
    put(gallery / "b.jpg")
    put(outside / "secret.jpg")
    real = os.scandir

    def swapped(path: Any) -> Any:
        if str(path).endswith("sub"):
            os.rename(path, tmp_path / "away")
            os.symlink(outside, path)
        return real(path)

    monkeypatch.setattr(os, "scandir", swapped)
    assert walked(gallery) == ["b.jpg"]


def _refuse(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).endswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return function(path, *arguments, **options)

    return refusing


def test_what_could_not_be_looked_at_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "closed/deep/a.jpg")
    put(tmp_path / "open/b.jpg")
    monkeypatch.setattr(os, "scandir", _refuse(os.scandir, "closed"))
    with FileList() as files:
        assert files.fill(tmp_path, Roots.of([tmp_path]), WHOLE) == 1
        assert files.unreadable == ["closed"]
        paths = ["closed/deep/a.jpg", "closed/z.jpg", "closed2/a.jpg", "open/c.jpg", "open/b.jpg"]
        assert files.missing(paths) == ["closed2/a.jpg", "open/c.jpg"]


def test_the_gallery_itself_must_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "scandir", _refuse(os.scandir, tmp_path.name))
    with FileList() as files, pytest.raises(GalleryError, match="cannot be listed"):
        files.fill(tmp_path, Roots.of([tmp_path]), WHOLE)


def test_every_file_is_in_exactly_one_shard(tmp_path: Path) -> None:
    for n in range(100):
        put(tmp_path / f"{n}.jpg")
    found = []
    for n in (1, 2, 3):
        with FileList() as files:
            files.fill(tmp_path, Roots.of([tmp_path]), Shard.parse(f"{n}/3"))
            assert files.seen == 100
            found += [one.path for chunk in files.chunks() for one in chunk]
    assert sorted(found) == walked(tmp_path)


@pytest.mark.parametrize("typed", ["", "1", "0/2", "3/2", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_that_makes_no_sense_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Shard.parse(typed)


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for n in (3, 1, 2):
        put(tmp_path / f"{n}.jpg")
        put(tmp_path / f"{n}" / "a.jpg")
    with FileList() as files:
        files.fill(tmp_path, Roots.of([tmp_path]), WHOLE)
        paths = [one.path for chunk in files.chunks() for one in chunk]
    assert paths == sorted(paths)
    assert [len(chunk) for chunk in batched(range(2 * CHUNK + 1), CHUNK)] == [CHUNK, CHUNK, 1]
