"""Plans, folder names, sidecars and keywords; and sort, tag and undo from the terminal."""

import json
import os
import shutil
from pathlib import Path
from xml.dom import minidom

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import clip_app
from clip_app.errors import InputError
from clip_app.images import load_image
from clip_app.images.keywords import keywords_of
from clip_app.images.xmp import keywords_in, with_keywords
from clip_app.photos import decode_side
from clip_app.scoring import softmax_scores, without_half_the_mean
from clip_app.sorting.folders import folder_names, steps_into_folders
from clip_app.sorting.journal import carry_out, create, read, take_back
from clip_app.sorting.plan import Plan, as_table, from_table
from clip_app.sorting.sidecars import steps_of_tags
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import Classification, LabelScore, classify_features
from clip_app.tasks.sorting import Choice, choose
from clip_app.terminal import main
from tests.conftest import EXAMPLES
from tests.gallery_helpers import picture, picture_bytes, put

LABELS = "cat, coffee, flower, rocket"
PHOTOS = ("cat.jpg", "coffee.jpg", "flower.jpg", "rocket.jpg")


def answer(*scores: float, chance: float = 0.0) -> Classification:
    results = tuple(LabelScore(f"label {i}", one, one) for i, one in enumerate(scores))
    return Classification(results, chance, independent=False)


@pytest.mark.parametrize(
    ("scores", "chance", "verdict", "label"),
    [
        ((0.9, 0.1), 0.0, "sure", "label 0"),
        ((0.9, 0.1), 0.8, "none", ""),
        ((0.9, 0.1), 0.6, "doubtful", ""),
        ((0.9, 0.1), float("nan"), "sure", "label 0"),
        ((0.49, 0.2), 0.0, "doubtful", ""),
        ((0.52, 0.45), 0.0, "doubtful", ""),
        ((0.55, 0.45), 0.0, "sure", "label 0"),
        ((0.7,), 0.0, "sure", "label 0"),
    ],
)
def test_a_photograph_goes_where_its_scores_say(scores, chance, verdict, label):
    chosen = choose("a.jpg", answer(*scores, chance=chance), margin=0.1 - 1e-9)
    assert (chosen.verdict, chosen.label, chosen.best) == (verdict, label, "label 0")
    assert chosen.score == scores[0]
    assert chosen.maybe_none == (chance == 0.6)
    assert chosen.second_score == (scores[1] if len(scores) > 1 else 0)


@given(st.lists(st.text(max_size=300), max_size=30))
def test_folder_names_can_be_made_and_told_apart(labels):
    names = folder_names(labels)
    assert set(names) == set(labels)
    assert len({name.casefold() for name in names.values()}) == len(set(labels))
    for name in names.values():
        assert name == name.strip(" ") == name.rstrip(".")
        assert 0 < len(name.encode()) <= 240
        assert not set(name) & set('<>:"/\\|?*\0\n')
        assert not name.startswith(".")
        assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_folder_names_of_labels_that_look_alike():
    names = folder_names(
        ["Cat", "cat", "../up", "a/b", "CON", "猫", ".hidden", "caf\u00e9", "cafe\u0301"]
    )
    assert names["Cat"] == "Cat"
    assert names["cat"] == "cat (2)"
    assert names["../up"] == "_up"
    assert names["a/b"] == "a_b"
    assert names["CON"] == "_CON"
    assert names["猫"] == "猫"
    assert names["cafe\u0301"] == "caf\u00e9 (2)"


WORDS = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6)


def plain(words: list[str]) -> list[str]:
    """As XML can hold them."""
    clean = (
        "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\ufffe\uffff" else c for c in w)
        for w in words
    )
    return list(dict.fromkeys(w for w in (" ".join(one.split()) for one in clean) if w))


@given(WORDS, WORDS)
def test_merged_keywords_are_those_of_both(first, second):
    once = with_keywords(None, first, "a")
    both = with_keywords(once, second, "a")
    assert list(keywords_in(once)) == plain(first)
    assert list(keywords_in(both)) == plain([*first, *second])
    assert with_keywords(both, [*second, *first], "a") == both
    document = minidom.parseString(both)
    for name in ("dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList"):
        assert len(document.getElementsByTagName(name)) == bool(plain([*first, *second]))


DARKTABLE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <r:Description r:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"
    xmlns:darktable="http://darktable.sf.net/" darktable:history_end="7">
   <d:subject xmlns:d="http://purl.org/dc/elements/1.1/">
    <r:Bag><r:li>old &amp; gold</r:li></r:Bag></d:subject>
   <!-- a note --><darktable:masks><r:Seq/></darktable:masks>
  </r:Description>
 </r:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def test_what_a_sidecar_holds_is_kept():
    merged = with_keywords(DARKTABLE, ["猫"], "a")
    assert keywords_in(merged) == ("old & gold", "猫")
    for kept in (
        b'xmp:Rating="4"',
        b'darktable:history_end="7"',
        b"<!-- a note -->",
        b"xpacket end",
    ):
        assert kept in merged
    assert minidom.parseString(merged).getElementsByTagName("digiKam:TagsList")


DEEP = b'<r xmlns="u">' + b"<a>" * 500 + b"</a>" * 500 + b"</r>"
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
OUTSIDE = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'


@pytest.mark.parametrize(
    "bad",
    [
        BOMB,
        BOMB.decode().encode("utf-16"),
        OUTSIDE,
        DEEP,
        b"",
        b"no xml",
        b"<x/>",
        b"a" * 3_000_000,
    ],
)
def test_what_is_no_xmp_is_refused_and_left(tmp_path, bad):
    with pytest.raises(InputError) as raised:
        with_keywords(bad, ["cat"], "a.jpg.xmp")
    assert raised.value.key == "sidecar_unreadable"
    assert keywords_in(bad) == ()
    put(tmp_path / "a.png", picture_bytes(1))
    put(tmp_path / "a.png.xmp", bad)
    steps, failed = steps_of_tags(Plan(tmp_path.resolve(), [Choice("a.png", "cat", "decided")]))
    assert steps == []
    assert failed[0][0] == "a.png.xmp"
    assert keywords_of(tmp_path / "a.png") == ()


def iptc(*words: bytes, charset: bytes = b"") -> bytes:
    """An APP13 segment of a JPEG."""
    fields = [(1, 90, charset)] if charset else []
    fields += [(2, 25, word) for word in words]
    data = b"".join(bytes((0x1C, *tag)) + len(v).to_bytes(2, "big") + v for *tag, v in fields)
    block = b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
    body = b"Photoshop 3.0\0" + block
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def test_keywords_of_sidecars_and_of_the_photograph(tmp_path):
    path = tmp_path / "photo.jpg"
    picture(1).save(path, xmp=with_keywords(None, ["inside"], "x"))
    data = path.read_bytes()
    path.write_bytes(data[:2] + iptc("海".encode(), "café".encode("cp1252"), b"inside") + data[2:])
    put(tmp_path / "photo.jpg.xmp", with_keywords(None, ["full"], "x"))
    put(tmp_path / "photo.xmp", with_keywords(None, ["stem", "full"], "x"))
    assert keywords_of(path) == ("full", "stem", "inside", "海", "café")
    one = tmp_path / "one.jpg"
    one.write_bytes(data[:2] + iptc("é".encode(), charset=b"\x1b%G") + data[2:])
    assert keywords_of(one) == ("inside", "é")
    packet = with_keywords(None, ["within"], "x")
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet.decode())
    options = {
        "png": {"pnginfo": text},
        "webp": {"xmp": packet},
        "tiff": {"tiffinfo": {700: packet}},
    }
    for kind, how in options.items():
        picture(2).save(tmp_path / f"p.{kind}", **how)
        assert keywords_of(tmp_path / f"p.{kind}") == ("within",)
    assert keywords_of(tmp_path / "none.jpg") == ()
    assert keywords_of(put(tmp_path / "text.jpg", b"text")) == ()


def test_a_plan_is_read_as_it_was_written_and_as_spreadsheets_leave_it(tmp_path):
    names = ["a.jpg", "=1+1.jpg", "x/猫.png", 'comma, quote".jpg', os.fsdecode(b"\xd5\xd5.jpg")]
    choices = [Choice(name, "cat", "sure", "cat", 0.75, "dog", 0.25) for name in names]
    choices.append(Choice("d.jpg", "", "doubtful", "cat", 0.5, "dog", 0.5))
    table = as_table(choices)
    assert from_table(table, tmp_path, "p").choices == choices
    assert b"\r\n=1+1" not in table
    edited = b"verdict;class;file;best\r\ndoubtful;dog;d.jpg;cat\r\nsure;;a.jpg;cat\r\n;;;\r\n"
    found = from_table(edited, tmp_path, "p").choices
    assert [(one.path, one.label, one.verdict) for one in found] == [
        ("d.jpg", "dog", "decided"),
        ("a.jpg", "", "decided"),
    ]
    gbk = "file,class\r\na.jpg,风景照片和城市的建筑\r\n".encode("gbk")
    assert from_table(gbk, tmp_path, "p").choices[0].label == "风景照片和城市的建筑"
    for bad in (b"a,b\n1,2\n", b"", b"file,class\n"):
        with pytest.raises(InputError, match="no plan"):
            from_table(bad, tmp_path, "p")
    for path in ("../a.jpg", "/etc/passwd", "x/../../a.jpg"):
        with pytest.raises(InputError, match="no photograph"):
            from_table(f"file,class\n{path},cat\n".encode(), tmp_path, "p")


def test_decisions_by_hand_go_into_a_plan(tmp_path):
    plan = Plan(tmp_path, [Choice("a.jpg", "", "doubtful", "cat", 0.5, "dog", 0.5)])
    plan.decide({"a.jpg": "dog"})
    assert plan.choices == [Choice("a.jpg", "dog", "decided", "cat", 0.5, "dog", 0.5)]
    with pytest.raises(InputError):
        plan.decide({"b.jpg": "dog"})


def sorted_photo(tmp_path, how="move"):
    folder, target = (tmp_path / "photos").resolve(), (tmp_path / "sorted").resolve()
    put(folder / "a.png", picture_bytes(1))
    plan = Plan(folder, [Choice("a.png", "cat", "decided")])
    steps, _ = steps_into_folders(plan, target, how)
    return folder, target, steps, tmp_path / "undo.jsonl"


def reasons(report):
    return [reason.key for _, reason in report.failed]


def test_nothing_is_overwritten_and_no_link_is_followed(tmp_path):
    folder, target, steps, journal = sorted_photo(tmp_path)
    (target / "cat").mkdir(parents=True)
    put(target / "cat" / "a.png", b"of somebody else")
    assert reasons(carry_out(create(journal, steps))) == ["step_taken"]
    assert (target / "cat" / "a.png").read_bytes() == b"of somebody else"
    shutil.rmtree(target / "cat")
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "cat").symlink_to(outside)
    assert reasons(carry_out(read(journal))) == ["step_link"]
    assert list(outside.iterdir()) == []
    plan = Plan(folder, [Choice("a.png", "cat", "decided"), Choice("l/b.png", "dog", "decided")])
    with pytest.raises(InputError):
        steps_into_folders(plan, target, "move")
    (target / "cat").unlink()
    put(outside / "b.png", picture_bytes(2))
    (folder / "l").symlink_to(outside)
    planned, missing = steps_into_folders(plan, target, "move")
    assert (len(planned), missing[0][0]) == (1, "l/b.png")
    assert (folder / "a.png").read_bytes() == picture_bytes(1)


@pytest.mark.parametrize("how", ["move", "copy", "hardlink", "symlink"])
def test_what_was_changed_since_is_not_undone(tmp_path, how):
    _, target, steps, journal = sorted_photo(tmp_path, how)
    assert carry_out(create(journal, steps)).done == 1
    moved = target / "cat" / "a.png"
    moved.unlink()
    moved.write_bytes(b"edited since")
    report = take_back(read(journal))
    assert (report.done, reasons(report)) == (0, ["step_changed"])
    assert "changed in the meantime" in report.failed[0][1].message("en")
    assert moved.read_bytes() == b"edited since"


@pytest.mark.parametrize("how", ["copy", "hardlink", "symlink"])
def test_a_second_run_makes_nothing_twice(tmp_path, how):
    folder, target, _, journal = sorted_photo(tmp_path, how)
    put(folder / "x" / "a.png", picture_bytes(2))
    plan = Plan(folder, [Choice(path, "cat", "decided") for path in ("a.png", "x/a.png")])
    steps, _ = steps_into_folders(plan, target, how)
    assert carry_out(create(journal, steps)).done == 2
    assert steps_into_folders(plan, target, how) == ([], [])
    put(folder / "a.png", picture_bytes(3))
    again, _ = steps_into_folders(plan, target, how)
    assert [Path(one.target).name for one in again] == (["3-a.png"] if how == "copy" else [])


def test_sidecars_go_with_their_photographs(tmp_path):
    folder, target = (tmp_path / "photos").resolve(), (tmp_path / "sorted").resolve()
    for number, name in enumerate(("a.png", "b.png", "b.tif", "c.png", "c.nef", "x/a.png")):
        put(folder / name, picture_bytes(number))
    for name in ("a.png.xmp", "a.xmp", "b.xmp", "c.xmp", "x/a.xmp"):
        put(folder / name, f"of {name}".encode())
    put(target / "cat" / "d.png", b"there")
    put(target / "cat" / "A.PNG.XMP", b"of somebody else")
    before = files_of(tmp_path)
    names = ("a.png", "b.png", "b.tif", "c.png", "x/a.png")
    plan = Plan(folder, [Choice(name, "cat", "decided") for name in names])
    steps, _ = steps_into_folders(plan, target, "move")
    journal = create(tmp_path / "undo.jsonl", steps)
    assert carry_out(journal).failed == []
    moved = {
        "2-a.png": "a.png",  # whose sidecar's name is taken
        "2-a.png.xmp": "a.png.xmp",
        "2-a.xmp": "a.xmp",
        "3-a.png": "x/a.png",
        "3-a.xmp": "x/a.xmp",
        "b.png": "b.png",
        "b.tif": "b.tif",
        "b.xmp": "b.xmp",
        "c.png": "c.png",
        "c.xmp": "c.xmp",
    }
    now = files_of(target / "cat")
    assert {name: now.get(name) for name in moved} == {
        name: before[f"photos/{old}"] for name, old in moved.items()
    }
    # A raw file that stays keeps the sidecar that it shares.
    assert sorted(files_of(folder)) == ["c.nef", "c.xmp"]
    assert take_back(journal).failed == []
    assert files_of(tmp_path) == before


def test_a_sidecar_becomes_nobody_elses(tmp_path):
    folder, target = (tmp_path / "photos").resolve(), (tmp_path / "sorted").resolve()
    put(folder / "a.png", picture_bytes(1))
    put(folder / "a.xmp", b"of a.png")
    put(folder / "x" / "a.jpg", picture_bytes(2))
    choices = [Choice(name, "cat", "decided") for name in ("a.png", "x/a.jpg")]
    for order in (choices, choices[::-1]):
        steps, _ = steps_into_folders(Plan(folder, order), target, "copy")
        made = {Path(one.target).name for one in steps}
        assert made in ({"a.png", "a.xmp", "2-a.jpg"}, {"2-a.png", "2-a.xmp", "a.jpg"})


def test_labels_with_signs_of_levels_are_one_word_everywhere(tmp_path):
    words = ["AC/DC", "a|b", "AC_DC"]
    tagged = with_keywords(None, words, "x")
    assert keywords_in(tagged) == tuple(words)
    document = minidom.parseString(tagged)

    def items(name: str) -> list[str]:
        (found,) = document.getElementsByTagName(name)
        return [one.firstChild.data for one in found.getElementsByTagName("rdf:li")]

    assert items("lr:hierarchicalSubject") == ["AC/DC", "a_b", "AC_DC"]
    assert items("digiKam:TagsList") == ["AC_DC", "a|b"]
    assert with_keywords(tagged, words, "x") == tagged
    assert folder_names(words) == {"AC/DC": "AC_DC", "a|b": "a_b", "AC_DC": "AC_DC (2)"}


def test_one_undo_file_is_worked_at_by_one_alone(tmp_path):
    _, target, steps, file = sorted_photo(tmp_path)
    create(file, steps)
    refused = []

    def meanwhile(done: int, total: int) -> None:
        for act in (carry_out, take_back):
            with pytest.raises(InputError) as raised:
                act(read(file))
            refused.append(raised.value.key)

    assert carry_out(read(file), meanwhile).done == 1
    assert refused == ["journal_busy"] * 2
    assert (target / "cat" / "a.png").exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["photos", "sorted", "undo.jsonl"]
    assert take_back(read(file)).done == 1
    assert not target.exists()


def test_python_sorts_tags_and_undoes(photos, service, tmp_path):
    before = files_of(photos)
    target = photos / "sorted"
    labels, how = LABELS.split(", "), {"how": "move", "decisions": {"cat.jpg": "Rex"}}
    planned = clip_app.sort(service, photos, labels, target, **how)
    assert (planned.done, planned.journal, files_of(photos)) == (0, None, before)
    assert planned.plan.counts()["Rex"] == 1
    moved = clip_app.sort(service, photos, labels, target, do=True, **how)
    assert (moved.done, moved.left) == (4, [])
    assert (target / "Rex" / "cat.jpg").read_bytes() == before["cat.jpg"]
    assert clip_app.undo(moved.journal).done == 4
    assert files_of(photos) == before
    tagged = clip_app.tag(service, photos, labels, stem=True, do=True)
    assert keywords_of(photos / "coffee.jpg") == ("coffee",)
    assert (photos / "coffee.xmp").exists()
    assert clip_app.undo(tagged.journal).done == 4
    assert clip_app.undo(tagged.journal, resume=True).done == 4
    clip_app.undo(tagged.journal)
    assert files_of(photos) == before


def test_the_last_copy_is_never_deleted(tmp_path):
    folder, target, steps, journal = sorted_photo(tmp_path, "copy")
    carry_out(create(journal, steps))
    (folder / "a.png").unlink()
    assert reasons(take_back(read(journal))) == ["step_last"]
    assert (target / "cat" / "a.png").read_bytes() == picture_bytes(1)


def test_a_sidecar_that_was_changed_since_is_kept(tmp_path):
    put(tmp_path / "a.png", picture_bytes(1))
    plan = Plan(tmp_path.resolve(), [Choice("a.png", "cat", "decided")])
    steps, _ = steps_of_tags(plan)
    journal = create(tmp_path / "undo.jsonl", steps)
    assert carry_out(journal).done == 1
    assert steps_of_tags(plan) == ([], [])
    put(tmp_path / "a.png.xmp", DARKTABLE)
    assert reasons(take_back(journal)) == ["step_changed"]
    assert (tmp_path / "a.png.xmp").read_bytes() == DARKTABLE


@pytest.mark.parametrize("content", [b"", b"{}", b"[]\n", b'{"clip_app_journal": 2}', b"\xff\n"])
def test_what_is_no_undo_file_is_said_in_one_sentence(tmp_path, content):
    with pytest.raises(InputError, match="no undo file"):
        read(put(tmp_path / "undo.jsonl", content))


def test_joint_scores_are_those_of_numpy(service):
    features = service.encode_images([load_image(EXAMPLES / name) for name in PHOTOS])
    classes = classes_from_labels(service, LABELS)
    found = classify_features(service, features, classes, joint="mean")
    plainly = classify_features(service, features, classes)
    moved = features.astype(np.float64) - features.astype(np.float64).mean(0) / 2
    moved /= np.sqrt((moved**2).sum(1))[:, None]
    logits = service.logit_scale * moved @ classes.weights.T.astype(np.float64)
    wanted = np.exp(logits - logits.max(1)[:, None])
    wanted /= wanted.sum(1)[:, None]
    for row, one, before in zip(wanted, found, plainly, strict=True):
        scores = {result.label: result.score for result in one.results}
        np.testing.assert_allclose([scores[name] for name in classes.names], row, atol=1e-4)
        assert one.chance == before.chance
        assert scores != {result.label: result.score for result in before.results}
    alone = without_half_the_mean(features[:1])
    np.testing.assert_allclose(alone, features[:1], atol=1e-6)
    assert softmax_scores(alone, 1.0).shape == features[:1].shape


@pytest.fixture
def photos(tmp_path, at_terminal):
    for name in PHOTOS:
        put(tmp_path / "photos" / name, (EXAMPLES / name).read_bytes())
    return tmp_path / "photos"


def files_of(folder: Path) -> dict[str, bytes]:
    found = (one for one in sorted(folder.rglob("*")) if one.is_file() and one.suffix != ".jsonl")
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in found}


def test_sort_plans_then_does_and_undo_brings_it_back(photos, tmp_path, capsys):
    put(photos / "broken.jpg", b"\xff\xd8\xff broken")
    before = files_of(photos)
    target = photos / "sorted"
    plan = tmp_path / "plan.csv"
    given = ["sort", str(photos), "--to", str(target)]
    assert main([*given, "--labels", LABELS, "--csv", str(plan)]) == 1
    told = capsys.readouterr()
    assert "     1  cat\n" in told.out
    assert "Nothing was done" in told.out
    assert "broken.jpg" in told.err
    assert files_of(photos) == before
    edited = plan.read_text("utf-8-sig").replace("rocket.jpg,rocket", "rocket.jpg,Space")
    plan.write_text(edited, "utf-8")
    assert main([*given, "--labels", LABELS, "--csv", str(plan)]) == 2  # not over what was edited
    assert plan.read_text("utf-8") == edited
    capsys.readouterr()
    assert main([*given, "--plan", str(plan), "--move", "--do", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["done"] == 4
    assert answer["counts"] == {"cat": 1, "coffee": 1, "flower": 1, "Space": 1}
    assert sorted(files_of(target)) == [
        "Space/rocket.jpg",
        "cat/cat.jpg",
        "coffee/coffee.jpg",
        "flower/flower.jpg",
    ]
    assert not (photos / "cat.jpg").exists()
    capsys.readouterr()
    assert main(["undo", answer["journal"], "--resume"]) == 0
    assert "was done already" in capsys.readouterr().out
    assert main(["undo", answer["journal"]]) == 0
    assert "4 brought back" in capsys.readouterr().out
    assert main(["undo", answer["journal"]]) == 0
    assert "was brought back already" in capsys.readouterr().out
    assert files_of(photos) == before
    assert [one.name for one in target.iterdir()] == [Path(answer["journal"]).name]


def test_tag_writes_sidecars_and_no_photograph(photos, capsys):
    before = files_of(photos)
    assert main(["tag", str(photos), "--labels", LABELS, "--sidecar", "stem", "--joint"]) == 0
    told = capsys.readouterr()
    assert "--joint is for photographs" in told.err
    assert files_of(photos) == before
    assert main(["tag", str(photos), "--labels", LABELS, "--do"]) == 0
    capsys.readouterr()
    now = files_of(photos)
    assert {name: now[name] for name in before} == before
    assert keywords_of(photos / "cat.jpg") == ("cat",)
    assert sorted(set(now) - set(before)) == [f"{name}.xmp" for name in PHOTOS]
    (journal,) = photos.glob("*.jsonl")
    assert main(["undo", str(journal)]) == 0
    assert files_of(photos) == before


def test_classify_names_together_what_it_is_given(photos, service, capsys):
    assert main(["classify", str(photos), "--labels", LABELS, "--joint", "--json"]) == 0
    told = capsys.readouterr()
    assert "gains nothing" in told.err
    features = service.encode_images(
        [load_image(photos / name, target_side=decode_side(service)) for name in PHOTOS]
    )
    classes = classes_from_labels(service, LABELS)
    wanted = classify_features(service, features, classes, joint="mean")
    found = [json.loads(line) for line in told.out.splitlines()]
    for one, answer in zip(found, wanted, strict=True):
        assert one["results"][0]["label"] == answer.results[0].label
        assert one["results"][0]["score"] == pytest.approx(answer.results[0].score, abs=1e-5)


def test_sort_says_what_is_missing_in_one_sentence(photos, capsys):
    long = "x" * 300
    sort = ["sort", str(photos), "--labels", "a", "--to", f"new/{long}"]
    for one in (sort, ["index", long]):
        assert main(one) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["sort", str(photos), "--to", "x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["undo", str(photos / "cat.jpg")]) == 2
    assert "no undo file" in capsys.readouterr().err


def test_photographs_keep_their_pixels(tmp_path):
    _, target, steps, journal = sorted_photo(tmp_path, "copy")
    carry_out(create(journal, steps))
    with Image.open(target / "cat" / "a.png") as copied:
        assert np.array_equal(np.asarray(copied), np.asarray(picture(1)))
