"""Sorting, tagging and undoing, killed at every file operation: nothing lost, all of it undone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clip_app.images.xmp import with_keywords
from clip_app.sorting.folders import steps_into_folders
from clip_app.sorting.journal import carry_out, create, read, take_back
from clip_app.sorting.sidecars import steps_of_tags
from tests.conftest import PATIENCE_SECONDS, ROOT
from tests.gallery_helpers import picture_bytes, put
from tests.sorting_kills import PHOTOS, plan_for

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")

CONTENTS = {name: picture_bytes(number) for number, name in enumerate(PHOTOS)}


class Killer:
    """Runs the process that does and kills."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.sorting_kills"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def killed_at(self, number: int, act: str, file: Path, folder: Path, far: bool = False) -> bool:
        """Whether what was asked for was killed before its operation of this number."""
        job = {"number": number, "act": act, "file": str(file), "folder": str(folder), "far": far}
        self._process.stdin.write(f"{json.dumps(job)}\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        assert status in (0, -signal.SIGKILL)
        return status != 0

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def killer():
    running = Killer()
    yield running
    running.stop()


def make_photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number, (name, content) in enumerate(CONTENTS.items()):
        put(folder / name, content)
        os.utime(folder / name, ns=(10**18, 10**18 + number * 10**10 + 7))
    return folder.resolve()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".jsonl"
    }


CASES = [
    ("move", False),
    ("move", True),
    ("copy", False),
    ("hardlink", False),
    ("symlink", False),
]


@pytest.mark.parametrize(("how", "far"), CASES, ids=["move", "far", "copy", "hard", "symbolic"])
def test_killed_at_every_operation_of_sorting_and_of_undoing(tmp_path, killer, how, far):
    kills = {"do": 0, "undo": 0}
    for direction in kills:
        for number in range(1, 200):
            place = tmp_path / f"{direction}{number}"
            folder, target = make_photos(place), (place / "sorted").resolve()
            pristine = files_of(folder)
            planned, missing = steps_into_folders(plan_for(folder), target, how)
            assert (len(planned), missing) == (4, [])
            file = place / "undo.jsonl"
            create(file, planned)
            if direction == "undo":
                assert carry_out(read(file)).failed == []
            killed = killer.killed_at(number, direction, file, folder, far)
            check_places(planned, pristine, folder, how, exact=not far)
            if not killed:
                break
            kills[direction] += 1
            if number % 2:  # go on, then back
                assert carry_out(read(file)).failed == []
                check_done(planned, pristine, folder, how)
            report = take_back(read(file))
            assert report.failed == []
            assert files_of(folder) == pristine
            assert not target.exists() or files_of(target) == {}
            assert not any(target.glob("*/.clip-app*"))
            for path in pristine:  # times come back too
                assert (folder / path).stat().st_mtime_ns // 10**9 >= 10**9
    assert kills["do"] >= 8
    assert kills["undo"] >= 4


def test_killed_at_every_second_operation_sidecars_are_where_their_photographs_are(
    tmp_path, killer
):
    """Also that of a photograph which stays, and which it is copied for."""
    sidecars = {"x/c.png.xmp": "move", "x/c.xmp": "move", "b.xmp": "copy"}
    kills = {"do": 0, "undo": 0}
    for direction in kills:
        for number in range(1, 200, 2):
            place = tmp_path / f"{direction}{number}"
            folder, target = make_photos(place), (place / "sorted").resolve()
            put(folder / "b.jpg", b"stays")
            for name in sidecars:
                put(folder / name, with_keywords(None, [name], name))
            pristine = files_of(folder)
            planned, missing = steps_into_folders(plan_for(folder), target, "move")
            along = {Path(one.source).relative_to(folder).as_posix(): one for one in planned}
            assert missing == []
            assert {name: along[name].how for name in sidecars} == sidecars
            file = place / "undo.jsonl"
            create(file, planned)
            if direction == "undo":
                assert carry_out(read(file)).failed == []
            killed = killer.killed_at(number, direction, file, folder)
            for how in ("move", "copy"):
                steps = [one for one in planned if one.how == how]
                check_places(steps, pristine, folder, how, exact=True)
            if not killed:
                break
            kills[direction] += 1
            if number % 4 == 1:
                assert carry_out(read(file)).failed == []
                for name, step in along.items():
                    assert Path(step.target).read_bytes() == pristine[name]
                    assert os.path.lexists(step.source) == (sidecars.get(name) == "copy")
                for name in ("x/c.png.xmp", "x/c.xmp"):
                    photo = Path(along["x/c.png"].target)
                    assert Path(along[name].target).parent == photo.parent
            assert take_back(read(file)).failed == []
            assert files_of(folder) == pristine
            assert not target.exists() or files_of(target) == {}
    assert kills["do"] >= 6
    assert kills["undo"] >= 4


def check_places(planned, pristine, folder, how, exact):
    """Each photograph is whole at its old place or its new one, and never at a third."""
    for step in planned:
        content = pristine[Path(step.source).relative_to(folder).as_posix()]
        places = [Path(step.source), Path(step.target)]
        whole = [one for one in places if one.exists() and one.read_bytes() == content]
        assert whole, step
        if how == "move" and exact:
            assert len(whole) == 1
        for one in places:
            assert not one.exists() or one.read_bytes() in (content, b"")
        if how != "move":
            assert places[0] in whole
    assert (folder / "d.png").read_bytes() == pristine["d.png"]


def check_done(planned, pristine, folder, how):
    for step in planned:
        content = pristine[Path(step.source).relative_to(folder).as_posix()]
        assert Path(step.target).read_bytes() == content
        assert os.path.lexists(step.source) == (how != "move")
    names = sorted(Path(step.target).relative_to(folder.parent).as_posix() for step in planned)
    assert names == [
        "sorted/cat/2-a.png",
        "sorted/cat/a.png",
        "sorted/cat/b.png",
        "sorted/dog_ big/c.png",
    ]


def test_killed_at_every_operation_of_tagging_and_of_undoing(tmp_path, killer):
    kills = 0
    for undoing in (False, True):
        for number in range(1, 200):
            folder = make_photos(tmp_path / f"{undoing}{number}")
            old = with_keywords(None, ["old"], "b")
            put(folder / "b.png.xmp", old)
            pristine = files_of(folder)
            planned, failed = steps_of_tags(plan_for(folder))
            assert (len(planned), failed) == (4, [])
            file = folder.parent / "undo.jsonl"
            create(file, planned)
            if undoing:
                carry_out(read(file))
            killed = killer.killed_at(number, "undo" if undoing else "do", file, folder)
            for step in planned:
                sidecar = Path(step.target)
                found = sidecar.read_bytes() if sidecar.exists() else None
                assert found in (step.before, step.after)
            now = files_of(folder)
            assert {name: now[name] for name in PHOTOS} == {n: pristine[n] for n in PHOTOS}
            if not killed:
                break
            kills += 1
            if number % 2:
                assert carry_out(read(file)).failed == []
                assert all(Path(one.target).read_bytes() == one.after for one in planned)
            assert take_back(read(file)).failed == []
            assert files_of(folder) == pristine
    assert kills >= 20


def test_killed_while_the_undo_file_is_written_nothing_was_done(tmp_path, killer):
    for number in range(1, 50):
        folder = make_photos(tmp_path / str(number))
        pristine = files_of(folder)
        planned, _ = steps_into_folders(plan_for(folder), folder.parent / "sorted", "move")
        file = folder.parent / "undo.jsonl"
        killed = killer.killed_at(number, "create", file, folder)
        assert files_of(folder) == pristine
        assert not file.exists() or len(read(file).steps) == 4
        if not killed:
            break
    assert number > 3
    assert read(file).steps == tuple(planned)
