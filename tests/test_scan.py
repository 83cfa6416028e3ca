"""The walk through a folder: what is found, what is left out, links, loops, odd names."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_app.errors import GalleryError
from clip_app.gallery.kinds import IMAGE, LeftOut, kind_of
from clip_app.gallery.roots import Roots
from clip_app.gallery.scan import CHUNK, WHOLE, FileList, Shard, batched, walk
from clip_app.images import SUPPORTED_SUFFIXES
from tests.gallery_helpers import picture_bytes, put


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


def left_out(folder: Path, found: Sequence[str]) -> LeftOut:
    """What a walk counts, after a check of what it finds."""
    noted, unreadable = LeftOut(), list[str]()
    roots = Roots.of([folder])
    assert sorted(one.path for one in walk(folder, roots, unreadable, noted)) == sorted(found)
    assert not unreadable
    return noted


def test_an_ending_that_says_nothing_leaves_it_to_the_first_bytes(tmp_path: Path) -> None:
    names = ["IMG_1", "photo.jpg_large", "x.jpg!w1200", "w.webp?x=1", "a/image.jpg~", "IMG.JPG.bak"]
    names += ["IMG_2.", "scan.1", "photo.download", "ohne punkt", "照片", "x.bin", "y.jpeg "]
    for number, name in enumerate(names):
        put(tmp_path / name, picture_bytes(number, "JPEG"))
    put(tmp_path / "really.webp_", picture_bytes(1, "WEBP"))
    put(tmp_path / "ping", picture_bytes(1, "PNG"))
    texts = [b"", b"text", b"BMW is no bitmap", b"P1 is no bitmap", b"\xff\xd8", b"II*", b"\0" * 99]
    for number, text in enumerate(texts):
        put(tmp_path / f"none {number}", text)
    noted = left_out(tmp_path, [*names, "really.webp_", "ping"])
    assert noted.by_number() == (("other", len(texts)),)


def test_a_file_that_its_ending_calls_an_image_is_found_unopened(tmp_path: Path) -> None:
    names = [f"{number}{suffix}" for number, suffix in enumerate(sorted(SUPPORTED_SUFFIXES))]
    for name in names:
        put(tmp_path / name, b"no image: to be reported as broken")
    assert left_out(tmp_path, names).by_number() == ()


def test_kinds_that_are_not_read_are_counted_by_their_endings(tmp_path: Path) -> None:
    put(tmp_path / "seen.jpg")
    for name in ("seen.jpg.xmp", "seen.xmp"):  # read with the picture, so not left out
        put(tmp_path / name)
    for name in [
        "a.jxl",
        "b.JXL",
        "b.dng",
        "c/d.CR2",
        "e.livp",
        "f.mp4",
        "c/g.MP4",
        "h.mp4",
        "i.mov",
    ]:
        put(tmp_path / name, picture_bytes(1, "TIFF"))  # as raw files begin
    for name in ["n.txt", "a.jpg.xmp", "b.json", "Thumbs.db", "desktop.ini", "x.py", "y.zip"]:
        put(tmp_path / name)
    for name in [".DS_Store", ".hidden.mp4", "@eaDir/x.mp4"]:
        put(tmp_path / name)
    put(tmp_path / "j.jpg.crdownload", picture_bytes(1, "JPEG"))
    noted = left_out(tmp_path, ["seen.jpg"])
    assert noted.by_number() == (
        ("mp4", 3),
        ("jxl", 2),
        *(("cr2", 1), ("crdownload", 1), ("dng", 1), ("livp", 1), ("mov", 1)),
        ("other", 7),
    )


@given(st.text(st.characters(exclude_characters="/"), max_size=40))
def test_the_ending_alone_says_what_kind_a_name_is(name: str) -> None:
    assert kind_of(f"x{name}.JPG") == kind_of(f"x{name}.jpg") == IMAGE
    assert kind_of(f"x{name}.NEF") == "nef"
    kinds = {kind_of(f"{start}.{name}") for start in ("a", "b.jpg")}
    assert len(kinds) == 1
    assert len(kinds.pop()) <= 12  # no kind is made up from a name: they stay few


def test_nomedia_keeps_its_folder_and_all_below_out(tmp_path: Path) -> None:
    other = tmp_path / "other"
    gallery = tmp_path / "gallery"
    put(gallery / "a.jpg")
    put(gallery / "stickers/.nomedia", b"")
    for name in ["stickers/s.jpg", "stickers/deep/er/t.PNG", "stickers/v.mp4", "stickers/IMG_1"]:
        put(gallery / name, picture_bytes(1, "JPEG"))
    put(gallery / "nomedia/b.jpg")
    put(other / "in/c.jpg")
    put(other / "out/.nomedia/d.jpg")
    put(other / "out/e.jpg")
    (gallery / "in").symlink_to(other / "in")
    (gallery / "out").symlink_to(other / "out")
    (gallery / "stickers/in").symlink_to(other / "in")
    noted = LeftOut()
    roots = Roots.of([gallery, other])
    found = sorted(one.path for one in walk(gallery, roots, [], noted))
    assert found == ["a.jpg", "in/c.jpg", "nomedia/b.jpg"]
    assert sorted(noted.nomedia) == ["out", "stickers"]
    assert noted.nomedia_images == 3
    assert noted.by_number() == ()


def test_nomedia_in_the_gallery_itself_is_noted_only(tmp_path: Path) -> None:
    put(tmp_path / ".nomedia")
    put(tmp_path / "sub/a.jpg")
    noted = left_out(tmp_path, ["sub/a.jpg"])
    assert (noted.named_folders(), noted.nomedia_images) == ((".",), 0)


def test_a_folder_that_nomedia_empties_is_not_taken_for_an_unplugged_disk(tmp_path: Path) -> None:
    put(tmp_path / "sub/a.jpg")
    put(tmp_path / "sub/.nomedia")
    with FileList() as files:
        assert files.fill(tmp_path, Roots.of([tmp_path]), WHOLE) == 0
        assert files.seen == 1
        assert files.missing(["sub/a.jpg"]) == ["sub/a.jpg"]


def test_links_and_pipes_without_an_ending_lead_nowhere(tmp_path: Path) -> None:
    gallery, outside = tmp_path / "gallery", tmp_path / "outside"
    put(gallery / "IMG_1", picture_bytes(1))
    put(outside / "secret", picture_bytes(2))
    (gallery / "link").symlink_to(outside / "secret")
    (gallery / "nowhere").symlink_to("missing")
    os.mkfifo(gallery / "pipe")
    os.mkfifo(gallery / "pipe.mp4")
    assert left_out(gallery, ["IMG_1"]).by_number() == ()


def test_a_file_that_becomes_a_link_or_a_pipe_before_it_is_opened_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = tmp_path / "gallery"
    secret = put(tmp_path / "outside/secret", picture_bytes(2))
    link, pipe, gone = (put(gallery / name, picture_bytes(1)) for name in ("link", "pipe", "gone"))
    head = Roots.head

    def late(roots: Roots, path: str, size: int) -> bytes:
        os.unlink(path)
        if path == str(link):
            os.symlink(secret, path)
        elif path == str(pipe):
            os.mkfifo(path)
        return head(roots, path, size)

    monkeypatch.setattr(Roots, "head", late)
    assert left_out(gallery, []).by_number() == ()
    assert not gone.exists()


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


def test_a_closed_file_without_an_ending_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "IMG_1", picture_bytes(1))
    monkeypatch.setattr(os, "open", _refuse(os.open, "IMG_1"))
    with FileList() as files:
        assert files.fill(tmp_path, Roots.of([tmp_path]), WHOLE) == 0
        assert files.unreadable == ["IMG_1"]
        assert files.missing(["IMG_1"]) == []


def test_a_disk_that_fails_in_the_middle_of_a_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "bad/a.jpg")
    put(tmp_path / "good/b.jpg")
    real = os.scandir

    @contextmanager
    def failing(path: Any) -> Any:
        with real(path) as listed:

            def entries() -> Any:
                yield from listed
                if str(path).endswith("bad"):
                    raise OSError(errno.EIO, "Input/output error")

            yield entries()

    monkeypatch.setattr(os, "scandir", failing)
    with FileList() as files:
        assert files.fill(tmp_path, Roots.of([tmp_path]), WHOLE) == 2
        assert files.unreadable == ["bad"]


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


def test_shards_together_count_what_one_run_counts(tmp_path: Path) -> None:
    for number in range(40):
        put(tmp_path / f"{number}.mp4")
        put(tmp_path / f"{number}.txt")
        put(tmp_path / f"none {number}")
        put(tmp_path / f"IMG_{number}", picture_bytes(1))
        put(tmp_path / f"hidden/{number}.jpg")
    put(tmp_path / "hidden/.nomedia")
    roots = Roots.of([tmp_path])
    with ExitStack() as stack:
        whole, *parts = (stack.enter_context(FileList()) for _ in range(4))
        assert whole.fill(tmp_path, roots, WHOLE) == 40
        found = [part.fill(tmp_path, roots, Shard(n, 3)) for n, part in enumerate(parts)]
    assert sum(found) == 40
    assert whole.seen == 80
    kinds = [part.left_out.kinds for part in parts]
    assert sum(kinds, Counter()) == whole.left_out.kinds == {"mp4": 40, "other": 80}
    assert [part.left_out.nomedia for part in parts] == 3 * [["hidden"]]
    assert sum(part.left_out.nomedia_images for part in parts) == 40


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
