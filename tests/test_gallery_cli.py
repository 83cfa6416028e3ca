"""`index`, `search`, `status` and `forget` in the terminal, on real photographs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from clip_app.gallery.roots import Roots
from clip_app.images import load_image
from clip_app.prompts import TEMPLATE_SETS
from clip_app.settings import Settings
from clip_app.strings import text
from clip_app.terminal import index, main
from tests.conftest import EXAMPLES, ROOT, noise
from tests.gallery_helpers import written_by_nobody

pytestmark = pytest.mark.usefixtures("at_terminal")

PHOTOS = ("cat.jpg", "coffee.jpg", "rocket.jpg")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "trips").mkdir(parents=True)
    for name in PHOTOS:
        shutil.copy(EXAMPLES / name, folder)
    shutil.copy(EXAMPLES / "flower.jpg", folder / "trips")
    return folder


def run_json(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_folder_is_indexed_once_and_then_only_what_changed(capsys, photos):
    first = run_json(capsys, "index", photos)
    assert (first["folder"], first["model"]) == (str(photos), "starter")
    assert (first["found"], first["encoded"], first["broken"]) == (4, 4, [])
    noise(1).save(photos / "new.png")
    second = run_json(capsys, "index", photos)
    assert (second["found"], second["encoded"], second["unchanged"]) == (5, 1, 4)


def test_search_prints_the_agreed_json_in_falling_order(capsys, photos, service):
    run_json(capsys, "index", photos)
    answer = run_json(capsys, "search", "--text", "a cat")
    assert (answer["query"], answer["model"]) == ("a cat", "starter")
    assert {"path", "similarity"} <= set(answer["results"][0])
    assert answer["results"][0]["path"] == str(photos / "cat.jpg")
    similarities = [one["similarity"] for one in answer["results"]]
    assert similarities == sorted(similarities, reverse=True)
    images = [load_image(one["path"]) for one in answer["results"]]
    expected = (
        service.encode_images(images) @ service.encode_labels(["cat"], TEMPLATE_SETS["clip7"])[0]
    )
    np.testing.assert_allclose(similarities, expected, atol=2e-3)


def test_several_texts_pictures_and_exclusions_are_one_query(capsys, photos):
    run_json(capsys, "index", photos)
    plain = ["search", "--text", "2: coffee", "--image", photos / "cat.jpg"]
    unlike = {one["path"]: one["similarity"] for one in run_json(capsys, *plain)["results"]}
    assert main([*map(str, plain), "--exclude", "rocket", "--json"]) == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer["query"] == "cat.jpg + 2: coffee − rocket"
    assert answer["query"] in told.err
    found = [os.path.basename(one["path"]) for one in answer["results"]]
    assert found[0] == "coffee.jpg"
    assert "cat.jpg" not in found  # a picture is left out of its own results
    # What looks most like the excluded word loses most by it.
    lost = {one["path"]: unlike[one["path"]] - one["similarity"] for one in answer["results"]}
    assert os.path.basename(max(lost, key=lost.__getitem__)) == "rocket.jpg"


def test_filters_restrict_what_is_searched(capsys, photos):
    noise(2).save(photos / "drawing.png")
    os.utime(photos / "drawing.png", (1e9, 1e9))  # 2001-09-09
    run_json(capsys, "index", photos)

    def found(*filters):
        answer = run_json(capsys, "search", "--text", "anything", *filters)
        return {os.path.basename(one["path"]) for one in answer["results"]}

    assert found("--below", "trips/") == {"flower.jpg"}
    assert found("--type", "PNG") == {"drawing.png"}
    assert found("--type", "jpeg") == {*PHOTOS, "flower.jpg"}
    assert found("--since", "2001-09-08", "--until", "2001-09-10") == {"drawing.png"}
    assert found("--until", "2001-09-07") == set()
    assert len(found("--top-k", "2")) == 2
    listed = run_json(capsys, "search", "--type", "png")
    assert [(Path(one["path"]).name, one["fits"]) for one in listed["results"]] == [
        ("drawing.png", None)
    ]
    assert (listed["query"], listed["judged"]) == ("", False)
    assert main(["search", "--until", "2001-09-10"]) == 0
    assert capsys.readouterr().out.strip() == str(photos.resolve() / "drawing.png")


def test_what_was_not_judged_is_not_said_to_fit(capsys, photos):
    run_json(capsys, "index", photos)
    answer = run_json(capsys, "search", "--exclude", "cat")
    assert answer["judged"] is False
    assert {one["fits"] for one in answer["results"]} == {None}
    assert main(["search", "--exclude", "cat"]) == 0
    told = capsys.readouterr()
    assert "cannot be judged" in told.err
    assert len(told.out.splitlines()) == len(answer["results"])
    for command in ("search --text cat --folder", "forget", "duplicates", "odd"):
        assert main([*command.split(), "/no/such place"]) == 2
        assert capsys.readouterr().err.strip() == "There is no folder /no/such place."
    for command in ("sort --labels cat --to out", "tag --labels cat", "evaluate"):
        assert main([*command.split(), "no/such place"]) == 2
        assert capsys.readouterr().err.strip() == "There is no folder no/such place."
    for command in ("undo", "search --image", "match a.jpg --file"):
        assert main([*command.split(), "no/none.txt"]) == 2
        assert "no/none.txt" in capsys.readouterr().err


def test_results_are_lines_of_similarity_and_path(capsys, photos):
    run_json(capsys, "index", photos)
    assert main(["search", "--text", "coffee", "--all", "--top-k", "1"]) == 0
    similarity, path = capsys.readouterr().out.split(maxsplit=1)
    assert -1 <= float(similarity) <= 1
    assert path.splitlines()[0].startswith(str(photos / "coffee.jpg"))


def test_where_nothing_fits_the_nearest_are_printed_and_marked(capsys, photos):
    for seed in range(20):
        noise(100 + seed).save(photos / f"{seed}.png")
    run_json(capsys, "index", photos)
    answer = run_json(capsys, "search", "--text", "submarine")
    assert answer["nothing_fits"]
    assert main(["search", "--text", "submarine"]) == 0
    told = capsys.readouterr()
    first, *lines = told.out.splitlines()
    assert first == text("gallery_nothing_fits", "en")
    assert [line.split("  ")[1] for line in lines] == [one["path"] for one in answer["results"][:5]]
    assert all(line.endswith("(does not fit)") for line in lines)
    assert text("terminal_hidden", "en", number=15) in told.err
    assert main(["search", "--text", "submarine", "--all"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 21
    assert text("terminal_top_k", "en", number=20) in told.err
    assert main(["search", "--text", "submarine", "--all", "--top-k", "7"]) == 0
    assert "--top-k" not in capsys.readouterr().err


def test_every_indexed_folder_is_searched_or_the_one_named(capsys, photos, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", other / "kitten.jpg")
    noise(3).save(other / "noise.png")
    run_json(capsys, "index", photos)
    run_json(capsys, "index", other)
    both = run_json(capsys, "search", "--text", "cat")["results"]
    assert {both[0]["path"], *both[0]["copies"]} == {
        str(photos / "cat.jpg"),
        str(other / "kitten.jpg"),
    }
    one = run_json(capsys, "search", "--text", "cat", "--folder", other)["results"]
    assert {os.path.dirname(hit["path"]) for hit in one} == {str(other)}


def test_broken_files_are_listed_with_the_reason_and_the_code_is_0(capsys, photos):
    (photos / "broken.jpg").write_bytes((EXAMPLES / "cat.jpg").read_bytes()[:3000])
    (photos / "empty.png").touch()
    assert main(["index", str(photos)]) == 0
    told = capsys.readouterr()
    assert "Files that could not be read (2):" in told.err
    assert "\n  broken.jpg is damaged" in told.err
    assert "\n  empty.png is empty" in told.err
    assert "6 images in" in told.out


def test_what_is_left_out_is_counted_by_kind_in_every_run(capsys, photos):
    for name in ("a.jxl", "b.dng", "c.CR2", "d.livp", "e.mp4", "cat.xmp", "notes.txt"):
        (photos / "trips" / name).write_bytes(b"not read here")
    for folder in ("stickers", "trips/cache"):
        (photos / folder).mkdir()
        (photos / folder / ".nomedia").touch()
        noise(1).save(photos / folder / "s.png")
    kinds = {"cr2": 1, "dng": 1, "jxl": 1, "livp": 1, "mp4": 1, "other": 2}
    for _ in range(2):
        report = run_json(capsys, "index", photos)
        assert (report["found"], report["left_out"], report["broken"]) == (4, kinds, [])
        assert list(report["left_out"]) == list(kinds)
        assert sorted(report["nomedia"]) == ["stickers", "trips/cache"]
        assert report["nomedia_images"] == 2
    assert main(["index", str(photos)]) == 0
    told = capsys.readouterr().out
    assert "5 files of other kinds left out: 1 cr2, 1 dng, 1 jxl, 1 livp, 1 mp4." in told
    assert "2 files that are neither pictures nor videos left out." in told
    assert "2 pictures left out by a .nomedia file: " in told


def test_a_photograph_is_found_whatever_its_ending(capsys, photos):
    names = ["IMG_1", "cat.jpg_large", "x.jpg!w1200", "w.webp?x=1", "image.jpg~", "IMG.JPG.bak"]
    for name in names:
        shutil.copy(photos / "cat.jpg", photos / name)
    (photos / "cat.jpg").rename(photos / "cat.jpg.crdownload")
    report = run_json(capsys, "index", photos)
    assert (report["found"], report["left_out"]) == (9, {"crdownload": 1})
    best = run_json(capsys, "search", "--text", "a cat")["results"][0]
    found = {os.path.basename(path) for path in (best["path"], *best["copies"])}
    assert found == set(names)
    again = run_json(capsys, "index", photos)
    assert (again["unchanged"], again["left_out"]) == (9, {"crdownload": 1})


def test_a_nomedia_that_comes_later_takes_its_folder_out(capsys, photos):
    run_json(capsys, "index", photos)
    (photos / "trips" / ".nomedia").touch()
    report = run_json(capsys, "index", photos)
    assert (report["forgotten"], report["nomedia"], report["nomedia_images"]) == (1, ["trips"], 1)
    found = run_json(capsys, "search", "--text", "flower")["results"]
    assert {os.path.basename(hit["path"]) for hit in found} == set(PHOTOS)
    (photos / ".nomedia").touch()
    assert main(["index", str(photos)]) == 0  # the folder that was named is indexed all the same
    told = capsys.readouterr().out
    assert "3 images in" in told
    assert "was indexed because it was chosen itself" in told


def test_a_damaged_index_is_made_anew(capsys, photos, tmp_path):
    run_json(capsys, "index", photos)
    (database,) = (tmp_path / "index").glob("*/*/index.sqlite")
    database.write_bytes(b"no database at all" * 1000)
    again = run_json(capsys, "index", photos)
    assert again["encoded"] == 4
    assert run_json(capsys, "search", "--text", "cat")["results"][0]["path"].endswith("cat.jpg")


def test_status_shows_every_index_and_forget_deletes_one(capsys, photos):
    assert run_json(capsys, "status") == {"model": None, "galleries": []}
    run_json(capsys, "index", photos)
    (index,) = run_json(capsys, "status")["galleries"]
    assert index == {
        "gallery": str(photos),
        "model": "starter",
        "files": 4,
        "images": 4,
        "broken": 0,
    }
    with_model = run_json(capsys, "status", "--model", "starter")
    assert with_model == {"model": "starter", "galleries": [index | {"usable": True}]}
    assert run_json(capsys, "forget", photos) == {"folder": str(photos), "indexes": 1}
    assert run_json(capsys, "status")["galleries"] == []
    assert sorted(path.name for path in photos.glob("*.jpg")) == sorted(PHOTOS)


NFC, NFD = "Caf\u00e9", "Cafe\u0301"


@pytest.fixture(params=[(NFC, NFD), (NFD, NFC)], ids=["composed typed", "decomposed typed"])
def forms(request, tmp_path):
    """How a name is typed, and how the disk has it, where both can be on one disk."""
    typed, stored = request.param
    (tmp_path / typed).mkdir()
    if (tmp_path / stored).exists():
        pytest.skip("this file system takes both forms for one")
    (tmp_path / typed).rmdir()
    return typed, stored


def test_names_are_found_in_either_unicode_form(capsys, tmp_path, forms):
    typed, stored = forms
    folder = tmp_path / "Phöne" / stored
    (folder / "Éte" / stored).mkdir(parents=True)
    shutil.copy(EXAMPLES / "cat.jpg", folder)
    shutil.copy(EXAMPLES / "coffee.jpg", folder / "Éte" / stored / f"{stored}.jpg")
    named = tmp_path / unicodedata.normalize("NFD", "Phöne") / typed
    first = run_json(capsys, "index", named)
    assert (first["folder"], first["encoded"]) == (str(folder), 2)
    assert run_json(capsys, "index", folder)["unchanged"] == 2
    search = ("search", "--text", "coffee", "--folder", named)
    below = unicodedata.normalize("NFD" if typed == NFD else "NFC", f"Éte/{typed}/")
    (found,) = run_json(capsys, *search, "--below", below)["results"]
    assert found["path"] == str(folder / "Éte" / stored / f"{stored}.jpg")
    picture = named / "Éte" / typed / f"{typed}.jpg"
    like = run_json(capsys, "search", "--image", picture, "--folder", named)
    assert [os.path.basename(one["path"]) for one in like["results"]] == ["cat.jpg"]
    for images in (picture, named / "Éte" / typed, str(named / "Éte" / typed / "*.jpg")):
        answer = run_json(capsys, "classify", images, "--labels", "coffee, cat")
        assert answer["results"][0]["label"] == "coffee"
    folder.rename(tmp_path / "away")
    assert main([*map(str, search)]) == 0
    assert "not there now" in capsys.readouterr().err
    run_json(capsys, "forget", named)
    assert run_json(capsys, "status")["galleries"] == []


def test_two_folders_whose_names_differ_in_form_alone_are_two(capsys, tmp_path, forms):
    for form, example in zip(forms, ("cat.jpg", "coffee.jpg"), strict=True):
        (tmp_path / "both" / form).mkdir(parents=True)
        shutil.copy(EXAMPLES / example, tmp_path / "both" / form)
    for form in forms:
        assert run_json(capsys, "index", tmp_path / "both" / form)["encoded"] == 1
    run_json(capsys, "index", tmp_path / "both")
    for form, example in zip(forms, ("cat.jpg", "coffee.jpg"), strict=True):
        for where in (("--folder", tmp_path / "both" / form), ("--below", form)):
            (found,) = run_json(capsys, "search", "--text", "cat", *where)["results"]
            assert found["path"] == str(tmp_path / "both" / form / example)
    assert run_json(capsys, "forget", tmp_path / "both" / forms[1])["indexes"] == 1
    left = {one["gallery"] for one in run_json(capsys, "status")["galleries"]}
    assert left == {str(tmp_path / "both"), str(tmp_path / "both" / forms[0])}


def test_a_folder_that_is_gone_is_searched_from_memory_and_said_to_be(capsys, photos, tmp_path):
    run_json(capsys, "index", photos)
    photos.rename(tmp_path / "unplugged")
    for where in ([], ["--folder", str(photos)]):
        assert main(["search", "--text", "a cat", "--top-k", "1", *where]) == 0
        told = capsys.readouterr()
        assert str(photos / "cat.jpg") in told.out
        assert f"The folder {photos} is not there now" in told.err


def test_what_vanished_is_said_to_be_kept_and_dropped_when_asked(capsys, photos):
    run_json(capsys, "index", photos)
    (photos / "trips").rename(photos.with_name("away"))
    assert main(["index", str(photos)]) == 0
    told = capsys.readouterr().err
    assert "1 pictures are gone" in told
    assert "kept for 30 days" in told
    photos.with_name("away").rename(photos / "trips")
    back = run_json(capsys, "index", photos)
    assert (back["encoded"], back["reused"]) == (0, 1)
    shutil.rmtree(photos / "trips")
    dropped = run_json(capsys, "index", photos, "--forget-missing")
    assert (dropped["forgotten"], dropped["kept"]) == (1, 0)
    (photos / "trips").mkdir()
    shutil.copy(EXAMPLES / "flower.jpg", photos / "trips")
    assert run_json(capsys, "index", photos)["encoded"] == 1


def test_verifying_is_a_flag(capsys, photos, monkeypatch):
    run_json(capsys, "index", photos)
    read, reads = Roots.read, []
    monkeypatch.setattr(Roots, "read", lambda self, path: reads.append(path) or read(self, path))
    assert run_json(capsys, "index", photos)["unchanged"] == 4
    assert reads == []
    assert run_json(capsys, "index", photos, "--verify")["unchanged"] == 4
    assert len(reads) == 4


def test_an_index_on_a_read_only_disk_answers_and_names_its_folder(capsys, photos):
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    try:
        index = ("--index", place / "index")
        run_json(capsys, "index", photos, *index)
        with written_by_nobody(place / "index"):
            assert run_json(capsys, "status", *index)["galleries"][0]["files"] == 4
            answer = run_json(capsys, "search", "--text", "a cat", *index)
            assert answer["results"][0]["path"] == str(photos / "cat.jpg")
            command = ["forget", str(photos), *map(str, index)]
            assert main(command) == 2
            told = capsys.readouterr().err
            assert f"The folder {place / 'index'}, which keeps the indexes, cannot be" in told
            assert len(told.strip().splitlines()) == 1
        assert run_json(capsys, "status", *index)["galleries"][0]["files"] == 4
    finally:
        shutil.rmtree(place)


def test_an_index_that_cannot_be_updated_or_made_names_its_folder(capsys):
    place = Path(tempfile.mkdtemp(dir="/tmp" if os.name == "posix" else None))
    place.chmod(0o755)
    try:
        (place / "photos").mkdir()
        shutil.copy(EXAMPLES / "cat.jpg", place / "photos")
        (place / "empty").mkdir()
        index = ("--index", str(place / "index"))
        run_json(capsys, "index", place / "photos", *index)
        with written_by_nobody(place):
            for where in (place / "index", place / "empty", place / "new" / "index"):
                assert main(["index", str(place / "photos"), "--index", str(where)]) == 2
                told = capsys.readouterr().err
                assert f"The folder {where}, which keeps the indexes, cannot be written" in told
                assert len(told.strip().splitlines()) == 1
    finally:
        shutil.rmtree(place)


def test_shards_together_index_every_file_once(capsys, photos):
    parts = [run_json(capsys, "index", photos, "--shard", f"{n}/3") for n in (1, 2, 3)]
    assert sum(part["encoded"] for part in parts) == 4
    assert run_json(capsys, "status")["galleries"][0]["files"] == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("index", "no-such-folder"), "There is no folder no-such-folder"),
        (("search",), "type what to look for"),
        (("search", "--text", "cat"), "No folder has been indexed yet"),
        (("search", "--image", "no-such.jpg"), "no file no-such.jpg"),
        (("search", "--text", "cat", "--folder", "no-such-folder"), "No folder has been indexed"),
        (("forget", "no-such-folder"), "There is no folder no-such-folder"),
    ],
)
def test_mistakes_end_in_code_2_and_one_sentence(capsys, arguments, sentence):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert told.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", ".", "--shard", "3/2"),
        ("search", "--text", "cat", "--type", "exe"),
        ("search", "--text", "cat", "--since", "yesterday"),
        ("search", "--text", "cat", "--top-k", "0"),
    ],
)
def test_options_that_mean_nothing_end_in_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_index_of_another_model_is_named(capsys, photos, service, monkeypatch):
    from dataclasses import replace

    run_json(capsys, "index", photos)
    other = replace(service.info, name="another", fingerprint="0" * 64)
    monkeypatch.setattr(service, "info", other)
    assert main(["search", "--text", "cat"]) == 2
    assert "only indexes made with starter, but another is in use" in capsys.readouterr().err
    assert main(["search", "--text", "cat", "--folder", str(photos)]) == 2
    assert "was made with starter, but another is in use" in capsys.readouterr().err


def test_messages_are_in_the_terminals_language(capsys, photos, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["index", str(photos)]) == 0
    assert "新编码 4" in capsys.readouterr().out


@pytest.mark.slow
def test_the_real_program_finds_a_name_that_is_no_text(photos, tmp_path):
    name = os.fsencode(photos) + b"/caf\xe9 \xf0\x9f\x90\xb1.jpg"
    try:
        os.rename(photos / "cat.jpg", name)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    command = [sys.executable, "-m", "clip_app"]
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 200}
    indexed = subprocess.run([*command, "index", photos, "--json"], check=False, **options)
    assert indexed.returncode == 0, indexed.stderr
    found = subprocess.run([*command, "search", "--text", "cat", "--json"], check=False, **options)
    assert found.returncode == 0, found.stderr
    best = json.loads(found.stdout)["results"][0]["path"]
    assert os.path.basename(best) == "caf\N{REPLACEMENT CHARACTER} 🐱.jpg"


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(capsys, tmp_path, monkeypatch):
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(400):
        noise(seed, (64, 64)).save(folder / f"{seed}.png", compress_level=1)
    tell = index._Progress.tell

    def interrupting(self, progress):
        tell(self, progress)
        if progress.done and not interrupted:
            interrupted.append(progress.done)
            signal.raise_signal(signal.SIGINT)

    interrupted = []
    monkeypatch.setattr(index._Progress, "tell", interrupting)
    assert main(["index", str(folder), "--json"]) == 130
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert report["stopped"]
    assert "run the same command again" in told.err
    assert 0 < report["encoded"] < 400
    rest = run_json(capsys, "index", folder)
    assert rest["encoded"] == 400 - report["encoded"]
    assert rest["unchanged"] == report["encoded"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_index_folder_is_a_setting_and_a_flag(capsys, photos, tmp_path):
    run_json(capsys, "index", photos, "--index", tmp_path / "elsewhere")
    assert run_json(capsys, "status")["galleries"] == []
    assert len(run_json(capsys, "status", "--index", tmp_path / "elsewhere")["galleries"]) == 1
    assert Settings().index_dir == tmp_path / "index"
