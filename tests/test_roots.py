"""Nothing outside the roots is read, whatever is replaced by a link at whatever moment."""

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clip_app.errors import GalleryError, ImageError
from clip_app.gallery import roots as roots_module
from clip_app.gallery.roots import Roots, is_left_out, printable
from clip_app.images import MAX_FILE_BYTES
from tests.conftest import PATIENCE_SECONDS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a.jpg").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jpg").write_bytes(b"secret")
    return folder


def test_a_file_inside_is_read(root: Path) -> None:
    assert Roots.of([root]).read(str(root / "sub/a.jpg")) == b"inside"


def test_a_file_over_the_limit_is_refused_unread_and_reads_as_larger(root: Path) -> None:
    os.truncate(root / "sub/a.jpg", MAX_FILE_BYTES + 1)
    with pytest.raises(ImageError, match="takes 1,074 MB; this app opens at most 1,073 MB"):
        Roots.of([root]).read(str(root / "sub/a.jpg"))


def test_links_that_stay_inside_are_read(root: Path) -> None:
    (root / "link.jpg").symlink_to(root / "sub/a.jpg")
    (root / "linked").symlink_to("sub")
    assert Roots.of([root]).read(str(root / "link.jpg")) == b"inside"
    assert Roots.of([root]).read(str(root / "linked/a.jpg")) == b"inside"


def test_a_root_may_be_named_by_a_link(root: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)
    assert Roots.of([link]).read(str(link / "sub/a.jpg")) == b"inside"
    assert Roots.of([link]).resolve(link / "sub") == root / "sub"


@pytest.mark.parametrize(
    "path", ["../outside/a.jpg", "sub/../../outside/a.jpg", "link/a.jpg", "file.jpg", "dots/a.jpg"]
)
def test_what_lies_outside_is_not_read(root: Path, path: str) -> None:
    (root / "link").symlink_to("../outside")
    (root / "file.jpg").symlink_to(root.parent / "outside/a.jpg")
    (root / "dots").symlink_to("sub/../../outside")
    with pytest.raises(ImageError) as told:
        Roots.of([root]).read(os.path.join(root, path))
    assert told.value.key == "image_outside"


def test_a_folder_whose_name_begins_like_a_root_is_outside(root: Path) -> None:
    beside = root.with_name("root2")
    beside.mkdir()
    (beside / "a.jpg").write_bytes(b"secret")
    with pytest.raises(ImageError):
        Roots.of([root]).read(str(beside / "a.jpg"))
    with pytest.raises(GalleryError):
        Roots.of([root]).resolve(beside)


@pytest.mark.parametrize(
    "folder", ["..", "sub/..", "../outside", "link", "/", "/etc", "missing", "sub/a.jpg", "a\0b"]
)
def test_only_folders_inside_resolve(root: Path, folder: str) -> None:
    (root / "link").symlink_to("../outside")
    roots = Roots.of([root / "sub"])
    with pytest.raises(GalleryError) as told:
        roots.resolve(os.path.join(root, folder))
    assert told.value.key == "folder_not_allowed"


def test_a_folder_that_is_gone_is_called_so_without_its_path(root: Path) -> None:
    roots = Roots.of([root])
    for folder in ("gone", "sub/gone/deeper", "sub/../gone"):
        with pytest.raises(GalleryError) as told:
            roots.resolve(os.path.join(root, folder))
        assert told.value.key == "folder_not_there"
        assert str(root) not in str(told.value)
    (root / "sub/a.jpg").unlink()
    (root / "sub").rmdir()
    root.rmdir()
    with pytest.raises(GalleryError) as told:
        roots.resolve(root)
    assert told.value.key == "folder_not_there"
    with pytest.raises(GalleryError) as told:
        roots.resolve(root.parent / "outside" / "gone")
    assert told.value.key == "folder_not_allowed"
    assert str(root.parent) not in str(told.value)


def test_a_folder_is_found_in_either_unicode_form_and_the_exact_one_first(root: Path) -> None:
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    roots = Roots.of([root])
    (root / decomposed / composed).mkdir(parents=True)
    if (root / composed).exists():
        pytest.skip("this file system takes both forms for one")
    assert roots.resolve(root / composed / decomposed) == root / decomposed / composed
    (root / "Zoe\u0308").symlink_to(root.parent / "outside")
    with pytest.raises(GalleryError):
        roots.resolve(root / "Zo\u00eb")
    (root / composed).mkdir()
    assert roots.resolve(root / composed) == root / composed
    assert roots.resolve(root / decomposed) == root / decomposed


def _bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda path: os.mkfifo(path), "image_no_file"),
        (lambda path: _bound(path), "image_no_file"),
        (lambda path: path.mkdir(), "image_is_folder"),
        (lambda path: path.symlink_to(path), "image_link_circle"),
        (lambda path: path.symlink_to("gone.jpg"), "image_link_broken"),
        (lambda path: None, "image_not_found"),
    ],
    ids=["pipe", "socket", "folder", "circle", "nowhere", "gone"],
)
def test_what_is_no_file_is_refused_at_once(
    root: Path, make: Callable[[Path], None], key: str
) -> None:
    path = root / "odd.jpg"
    make(path)
    told: list[str] = []

    def read() -> None:
        with pytest.raises(ImageError) as error:
            Roots.of([root]).read(str(path))
        told.append(error.value.key)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)  # a pipe must not be waited for
    assert told == [key]


def _swap(path: Path, target: Path) -> None:
    os.rename(path, f"{path}.away")
    os.symlink(target, path)


def _swap_back(path: Path) -> None:
    os.unlink(path)
    os.rename(f"{path}.away", path)


@pytest.mark.parametrize("what", ["sub/a.jpg", "sub", "."], ids=["file", "folder", "root"])
@pytest.mark.parametrize("moment", ["before", "between", "back and forth"])
def test_a_swap_for_a_link_at_any_moment_leads_nowhere(
    root: Path, monkeypatch: pytest.MonkeyPatch, what: str, moment: str
) -> None:
    inner = root if what == "." else root / "sub"
    roots = Roots.of([inner if what != "." else root / "sub"])
    victim = root / what
    target = root.parent / "outside" / ("a.jpg" if what.endswith("jpg") else "")
    if what == ".":  # the folder above the root, which the root's own path leads through
        (root.parent / "outside/sub").mkdir()
        (root.parent / "outside/sub/a.jpg").write_bytes(b"secret")
        roots = Roots.of([root])
    elif what == "sub":
        roots = Roots.of([root])
    path = str(root / "sub/a.jpg")
    real_path, real_open = os.path.realpath, os.open
    swapped = []

    def resolve(one: Any, **options: Any) -> str:
        if moment == "back and forth" and swapped:
            _swap_back(victim)
            swapped.clear()
        real = real_path(one, **options)
        if moment != "before":
            _swap(victim, target)
            swapped.append(True)
        return real

    if moment != "between":
        _swap(victim, target)
        swapped.append(True)
    monkeypatch.setattr(roots_module.os.path, "realpath", resolve)
    if what == ".":
        # Whoever can replace a root decides what the root is; but nothing is read by surprise
        # where it was replaced before.
        if moment == "before":
            with pytest.raises(ImageError):
                roots.read(path)
        return
    with pytest.raises(ImageError) as told:
        roots.read(path)
    assert told.value.key in ("image_outside", "image_not_found")
    assert os.open is real_open


def test_a_race_of_swaps_never_reads_the_secret(root: Path) -> None:
    roots, path, sub = Roots.of([root]), str(root / "sub/a.jpg"), root / "sub"
    other = root / "link"
    other.symlink_to(root.parent / "outside")
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            os.rename(sub, root / "t")
            os.rename(other, sub)
            os.rename(sub, other)
            os.rename(root / "t", sub)

    thread = threading.Thread(target=exchange)
    thread.start()
    read, refused = 0, 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        # On a busy machine 3,000 are done before the thread has begun, or between its turns.
        while read + refused < 3000 or not (read and refused):
            assert time.monotonic() < deadline, (read, refused)
            try:
                assert roots.read(path) == b"inside"
                read += 1
            except ImageError:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert read
    assert refused


def test_no_descriptor_is_left_open(root: Path) -> None:
    roots = Roots.of([root])
    os.mkfifo(root / "pipe.jpg")
    before = len(os.listdir("/proc/self/fd"))
    for name in ["sub/a.jpg", "pipe.jpg", "sub", "missing.jpg"] * 3:
        try:
            roots.read(str(root / name))
        except ImageError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_missing_and_repeated_roots_are_dropped(root: Path) -> None:
    assert Roots.of([root, root / "sub" / "..", root / "missing"]).folders == (root,)


def test_names_are_told_apart() -> None:
    assert [is_left_out(name) for name in (".x", "@eaDir", "a", "lost+found")] == [
        True,
        True,
        False,
        True,
    ]
    assert printable(os.fsdecode(b"caf\xe9")) == "caf\N{REPLACEMENT CHARACTER}"
