"""What the terminal's commands do with any files, any names, any terminal and any pipe."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_app import __version__, console
from clip_app.images import load_image
from clip_app.model.slot import load_model
from clip_app.tasks.classify import classify
from clip_app.tasks.match import judge, match
from clip_app.terminal import answering, common, image_paths, main
from tests.conftest import EXAMPLES, ROOT, noise
from tests.gallery_helpers import picture, picture_bytes, put
from tests.small_models import CONFIG, write_model

pytestmark = pytest.mark.usefixtures("at_terminal")

PHOTOS = ("cat.jpg", "coffee.jpg", "flower.jpg", "rocket.jpg")
LABELS = ("--labels", "cat, coffee, flower, rocket")
CAT = str(EXAMPLES / "cat.jpg")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in PHOTOS:
        shutil.copy(EXAMPLES / name, folder)
    return folder


@pytest.fixture
def run(capsys):
    """Runs a command with --json: its exit code, its answers, the lines on standard error."""

    def ran(*arguments, json_too=True):
        capsys.readouterr()
        code = main([*map(str, arguments), *(["--json"] if json_too else [])])
        told = capsys.readouterr()
        answers = [json.loads(line) for line in told.out.splitlines()] if json_too else told.out
        return code, answers, told.err.splitlines()

    return ran


@pytest.fixture
def listed(monkeypatch):
    """Puts bytes on standard input."""
    opened = []

    def given(content):
        reading, writing = os.pipe()
        opened.append(reading)
        os.write(writing, content)
        os.close(writing)
        monkeypatch.setattr(image_paths, "_STDIN", reading)

    yield given
    for descriptor in opened:
        os.close(descriptor)


def test_labels_that_share_a_score_are_named_once(run, photos):
    code, answers, told = run("classify", photos, "--labels", "cat, a cat, cats, dog")
    assert (code, len(answers)) == (0, len(PHOTOS))
    (shared,) = [line for line in told if "share the score" in line]
    assert "cat = a cat; cat = cats" in shared
    assert not any("share" in line for line in run("classify", CAT, *LABELS)[2])


def names(answers):
    return [os.path.basename(answer["image"]) for answer in answers]


def put_raw(folder, name, content):
    """A file whose name is these bytes; returns its path as Python has it."""
    path = os.fsencode(folder) + b"/" + name
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    return os.fsdecode(path)


@pytest.mark.parametrize("where", [0, 2, 4])
@pytest.mark.parametrize(
    ("command", "key"),
    [(("classify", *LABELS), "label"), (("match", "--descriptions", "a cat"), "text")],
)
def test_one_bad_file_costs_no_other_its_answer(run, photos, where, command, key):
    paths = [photos / name for name in PHOTOS]
    paths.insert(where, put(photos / "text.jpg", b"a text"))
    code, answers, told = run(command[0], *paths, *command[1:])
    assert code == 1
    assert names(answers) == list(PHOTOS)
    assert all(answer["results"][0][key] for answer in answers)
    assert told[0] == "Files that could not be read (1):"
    assert told[1] == f"  {photos}/text.jpg is not an image this app can read."
    assert len(told) == 2


def test_several_bad_files_are_named_and_nothing_answered_is_code_2(run, photos, monkeypatch):
    def fails(settings):
        raise AssertionError("the model is not needed")

    monkeypatch.setattr(common, "load_service", fails)
    bad = [put(photos / "empty.png", b""), photos / "gone.jpg"]
    code, answers, told = run("classify", *bad, *LABELS)
    assert (code, answers) == (2, [])
    assert told[0] == "Files that could not be read (2):"
    assert "empty.png is empty" in told[1]
    assert "gone.jpg was not found" in told[2]
    code, answers, told = run("classify", bad[1], *LABELS)
    assert (code, answers, told) == (2, [], [f"{bad[1]} was not found."])


def test_of_very_many_bad_files_the_first_are_named(run, photos, monkeypatch):
    monkeypatch.setattr(image_paths, "_KEPT_FAILURES", 2)
    bad = [put(photos / f"{number}.png", b"a text") for number in range(5)]
    code, answers, told = run("classify", *bad, photos / "cat.jpg", *LABELS)
    assert (code, len(answers)) == (1, 1)
    assert told[0] == "Files that could not be read (5):"
    assert [line.split(" is ")[0] for line in told[1:3]] == [f"  {one}" for one in bad[:2]]
    assert told[3:] == ["  … and 3 more"]


def test_answers_are_those_of_each_image_alone(run, photos, service):
    _, answers, _ = run("classify", photos, *LABELS)
    for answer in answers:
        alone = classify(service, [load_image(answer["image"])], LABELS[1])[0]
        assert [one["label"] for one in answer["results"]] == [one.label for one in alone.results]
        scores = [one["score"] for one in answer["results"]]
        np.testing.assert_allclose(scores, [one.score for one in alone.results], atol=2e-3)
        assert answer["none_fits"] == alone.none_fits


def test_a_folder_is_taken_apart_as_a_gallery_is(run, photos):
    for name in ("b/2.png", "b/10.png", "a/1.png", ".hidden/3.png", "@eaDir/4.png", ".5.png"):
        put(photos / name, picture_bytes(len(name)))
    put(photos / "notes.txt", b"no picture")
    code, answers, told = run("classify", photos, *LABELS)
    assert (code, told) == (0, [])
    below = [os.path.relpath(answer["image"], photos) for answer in answers]
    assert below == ["a/1.png", "b/10.png", "b/2.png", *PHOTOS]


def test_a_file_comes_once_with_its_folder_and_as_often_as_it_is_named(run, photos):
    cat = photos / "cat.jpg"
    rest = [name for name in PHOTOS if name != "cat.jpg"]
    asked = run("classify", cat, photos, cat, photos / "coffee.jpg", photos, *LABELS)
    assert names(asked[1]) == ["cat.jpg", *rest, "cat.jpg"]


def test_an_empty_folder_is_one_sentence(run, photos, tmp_path):
    empty = tmp_path / "empty"
    put(empty / "notes.txt", b"no picture")
    code, _, told = run("classify", empty, *LABELS)
    assert (code, told) == (2, [f"There are no images in the folder {empty}."])
    code, answers, told = run("classify", empty, photos, *LABELS)
    assert (code, len(answers)) == (1, 4)
    assert "no images in the folder" in told[1]


def test_patterns_that_the_shell_left_are_expanded(run, photos):
    assert names(run("classify", photos / "*r*.jpg", *LABELS)[1]) == ["flower.jpg", "rocket.jpg"]
    code, _, told = run("classify", photos / "*.webp", *LABELS)
    assert (code, told) == (2, [f"No file matches {photos}/*.webp."])
    shutil.move(photos / "cat.jpg", photos / "cat[1].jpg")
    assert names(run("classify", photos / "cat[1].jpg", *LABELS)[1]) == ["cat[1].jpg"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_paths_come_from_standard_input_one_a_line(run, photos, listed, end):
    lines = [os.fsencode(photos / "rocket.jpg"), b"", os.fsencode(photos / "cat.jpg")]
    listed(b"\xef\xbb\xbf" + end.join(lines))
    code, answers, told = run("classify", "-", photos / "flower.jpg", *LABELS)
    assert (code, told) == (0, [])
    assert names(answers) == ["rocket.jpg", "cat.jpg", "flower.jpg"]


def test_paths_separated_by_nul_may_hold_anything(run, photos, listed):
    odd = put_raw(photos, b"caf\xe9\nbar \xe7\x8c\xab.png", picture_bytes(1))
    listed(b"\0".join((os.fsencode(odd), os.fsencode(photos), b"")))
    code, answers, _ = run("classify", "-", "-0", *LABELS)
    assert code == 0
    assert names(answers) == ["caf\N{REPLACEMENT CHARACTER}\nbar 猫.png", *PHOTOS]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "No file names came on standard input."),
        (b"\n\n", "No file names came on standard input."),
        (b"a.jpg\0b.jpg\0", "not a list of file names"),
        ((EXAMPLES / "cat.jpg").read_bytes()[:50_000], "not a list of file names"),
        (b"no-such.jpg\n", "no-such.jpg was not found."),
    ],
)
def test_a_list_that_names_nothing_is_one_sentence(run, listed, content, sentence):
    listed(content)
    code, answers, told = run("classify", "-", *LABELS)
    assert (code, answers, len(told)) == (2, [], 1)
    assert sentence in told[0]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp936", "utf-8"])
def test_every_command_writes_to_every_terminal(photos, monkeypatch, encoding):
    odd = put_raw(
        photos, b"caf\xe9 \xe7\x8c\xab \xf0\x9f\x90\xb1.jpg", (EXAMPLES / "cat.jpg").read_bytes()
    )
    put_raw(photos, b"broken\xff\x1b.jpg", b"a text")
    commands = [
        ("classify", odd, str(photos), "--labels", "猫, café, 🐱, cat"),
        ("match", odd, str(photos), "--descriptions", "一只猫 🐱"),
        ("index", str(photos)),
        ("search", "--text", "猫 - 狗", "--all"),
        ("status",),
        ("forget", str(photos)),
    ]
    for command in commands:
        for arguments in (command, (*command, "--json")):
            if command[0] == "forget" and "--json" in arguments:
                continue
            streams = [io.TextIOWrapper(io.BytesIO(), encoding, "strict") for _ in range(2)]
            monkeypatch.setattr(sys, "stdout", streams[0])
            monkeypatch.setattr(sys, "stderr", streams[1])
            code = main(arguments)
            out, err = (stream.buffer.getvalue() for stream in streams)
            assert code in (0, 1), err
            assert b"\x1b" not in out + err
            assert b"Traceback" not in err
            if "--json" in arguments:
                for line in out.decode("utf-8").splitlines():
                    assert "\\ud8" not in json.dumps(json.loads(line)).replace("\\ud83d", "")
            elif command[0] in ("classify", "search"):
                shown = "caf\N{REPLACEMENT CHARACTER} 猫 🐱.jpg".encode(
                    encoding, "backslashreplace"
                )
                assert shown in out


def test_names_and_labels_cannot_steer_the_terminal(run, photos):
    evil = "\x1b]0;owned\x07\x9b31m\r\u202e.jpg"
    shutil.move(photos / "cat.jpg", photos / evil)
    (photos / "coffee.jpg").write_bytes(b"a text")
    for name in PHOTOS[2:]:
        shutil.move(photos / name, photos / f"{name}\x1b[2J")
    labels = "cat\x1b[31m, dog\x9b2J"
    code, out, told = run(
        "classify", photos / evil, photos / "coffee.jpg", "--labels", labels, json_too=False
    )
    assert code == 1
    for char in "\x1b\x07\x9b\r\u202e":
        assert char not in out + "\n".join(told)
    assert "cat\N{REPLACEMENT CHARACTER}[31m" in out
    assert not main(["classify", str(photos / evil), "--labels", labels, "--json"])


def test_json_keeps_what_it_must_not_show_raw(run, photos):
    evil = "\x1b\x9b\u202e.jpg"
    shutil.move(photos / "cat.jpg", photos / evil)
    _, answers, _ = run("classify", photos / evil, "--labels", "a\x9bb")
    assert names(answers) == [evil]
    assert answers[0]["results"][0]["label"] == "a\x9bb"


@pytest.mark.parametrize("encoding", ["ascii", "cp936", "utf-8", "utf-16-le"])
@given(content=st.text(st.characters(codec=None, exclude_categories=())))
def test_any_text_is_printed_and_comes_back_from_json(encoding, content):
    stream = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace", newline="")
    before, sys.stdout = sys.stdout, stream
    try:
        console.emit(content)
        shown = stream.buffer.tell()
        console.emit_json([content])
    finally:
        sys.stdout = before
    written = stream.buffer.getvalue()
    assert not set(written[:shown].decode(encoding)[:-1]) & set(
        map(chr, [*range(32), *range(127, 160)])
    )
    line = written[shown:].decode(encoding)
    assert line.count("\n") == 1
    assert json.loads(line) == [console.without_halves(content)]


def test_an_argument_that_nobody_knows_is_repeated_without_its_escapes(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["classify", CAT, *LABELS, "--colour\x1b[31m"])
    assert ended.value.code == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        (
            "clasify a.jpg",
            "There is no command clasify; it must be one of classify, match",
            "clasify",
        ),
        ("classify a.jpg --top-k", "--top-k needs a value.", "--top-k 后面要有一个值。"),
        ("classify a.jpg --top-k x", "--top-k must be a whole number of at least 1.", "正整数"),
        ("classify a.jpg --alpha x", "--alpha must be a number, and not x.", "应为数字"),
        ("classify a.jpg --top-k 0", "must be a whole number of at least 1.", "正整数"),
        ("classify a.jpg --top-k -1", "--top-k must be a whole number of at least 1.", "正整数"),
        ("classify a.jpg --labels -0", "--labels needs a value.", "--labels 后面要有一个值。"),
        ("classify a.jpg --joint=x", "--joint must be one of mean, transclip,", "只能是 mean"),
        ("classify", "Something is missing: IMAGE; --help", "还缺少 IMAGE"),
        ("status --colour red", "--colour red is not understood here", "无法识别 --colour red"),
        ("search --since soon", "--since must be a date such as", "--since 应为日期"),
        ("sort a --to b --copy --move", "--move cannot be used together with", "同时使用"),
    ],
)
def test_a_wrong_argument_is_one_sentence_in_either_language(
    capsys, monkeypatch, arguments, english, chinese
):
    for language, sentence in (("C", english), ("zh_CN.UTF-8", chinese)):
        monkeypatch.setenv("LC_ALL", language)
        with pytest.raises(SystemExit) as ended:
            main(arguments.split())
        told = capsys.readouterr().err
        assert ended.value.code == 2
        assert sentence in told
        assert len(told.splitlines()) == 1


def test_a_value_may_begin_with_a_dash(run):
    code, answers, _ = run("match", CAT, "--descriptions", "-people", "--descriptions", "-0.5")
    assert code == 0
    assert {one["text"] for one in answers[0]["results"]} == {"-people", "-0.5"}


def test_words_that_are_one_label_are_said_to_be(run):
    _, out, told = run("classify", CAT, "--labels", "猫 狗", json_too=False)
    assert "100.00 %" in out
    assert "There is only one label, which always gets 100 %; commas separate labels." in told


def test_where_nothing_can_be_saved_is_named(run, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for place in ("file", "file/below"):
        code, _, told = run("teach", "Rex", CAT, "--index", tmp_path / place)
        assert (code, "Nothing could be saved in" in told[-1]) == (2, True)
        assert str(tmp_path) in told[-1]


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"clip_app {__version__}\n")


def test_a_model_that_reads_no_chinese_says_so(run, monkeypatch, tmp_path):
    folder = write_model("clip", tmp_path / "english")
    told = json.loads((folder / CONFIG).read_text("utf-8"))
    (folder / CONFIG).write_text(json.dumps(told | {"languages": ["en"]}), "utf-8")
    english = load_model(folder, device="cpu")
    monkeypatch.setattr(common, "load_service", lambda _: english)
    for labels, unread in (("猫，狗", 1), ("cat, dog", 0)):
        code, _, said = run("classify", CAT, "--labels", labels)
        assert code == 0
        assert sum("does not read Chinese" in line for line in said) == unread


def test_a_path_after_the_flag_that_names_together_is_a_path(run, photos):
    code, answers, _ = run("classify", *LABELS, "--joint", photos / "cat.jpg")
    assert (code, names(answers)) == (0, ["cat.jpg"])


def test_a_wrong_description_is_said_not_to_fit(run, service, cat):
    wrong = run("match", CAT, "--descriptions", "a rocket")[1][0]
    assert wrong["none_fits"] is True
    right = run("match", CAT, "--descriptions", "a rocket", "--descriptions", "a cat")[1][0]
    assert right["none_fits"] is False
    _, out, _ = run("match", CAT, "--descriptions", "一枚火箭", json_too=False)
    assert out.splitlines()[-1] == "None of these descriptions seems to fit this image."
    assert list(judge(service, cat, "a cat\na dog").results) == match(service, cat, "a cat\na dog")


def test_a_collection_of_very_many_texts_is_not_judged(service, cat):
    assert judge(service, cat, [f"{number}" for number in range(50)]).chance >= 0
    from clip_app.tasks import match as module

    before, module._MOST_JUDGED = module._MOST_JUDGED, 49
    try:
        assert np.isnan(judge(service, cat, [f"{number}" for number in range(50)]).chance)
    finally:
        module._MOST_JUDGED = before


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("command", [("classify", *LABELS), ("index",)])
def test_progress_is_for_terminals_only(run, photos, monkeypatch, command):
    monkeypatch.setattr(console, "_REWRITE_SECONDS", 0)
    code, _, told = run(command[0], photos, *command[1:])
    assert (code, told) == (0, [])
    terminal = _Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        assert main([command[0], str(photos), *command[1:]]) == 0
    shown = terminal.getvalue()
    assert "images done" in shown or "of 4 files" in shown
    assert shown.endswith("\r")
    assert shown.split("\r")[-2].strip() == ""


def test_a_fault_of_the_program_is_told_in_full_with_a_code_of_its_own(
    run, photos, monkeypatch, caplog
):
    def faulty(*arguments):
        raise ZeroDivisionError("of no one's making")

    monkeypatch.setattr(answering, "_from_first_readable", faulty)
    code, _, told = run("classify", photos, *LABELS)
    assert code == 70
    assert "ZeroDivisionError: of no one's making" in caplog.text
    assert told[-1].startswith("This is a fault in the program.")


def started(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "clip_app", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        **options,
    )


@pytest.mark.slow
def test_a_reader_who_goes_away_ends_it_quietly(tmp_path):
    for seed in range(300):
        noise(seed, (64, 64)).save(tmp_path / f"{seed}.png", compress_level=1)
    process = started("classify", tmp_path, *LABELS, "--json")
    assert json.loads(process.stdout.readline())["results"]
    process.stdout.close()
    told = process.stderr.read().decode()
    assert process.wait(60) == 141
    assert "Error" not in told
    assert "Traceback" not in told


@pytest.mark.slow
@pytest.mark.parametrize(("stored", "typed"), [("Caf\u00e9", "Cafe\u0301"), ("が", "か\u3099")])
def test_a_path_is_found_in_either_unicode_form(run, tmp_path, stored, typed):
    shutil.copy(CAT, put(tmp_path / stored / f"{stored}.jpg", b""))
    code, answers, _ = run("classify", str(tmp_path / typed / f"{typed}.jpg"), *LABELS)
    assert code == 0
    assert answers[0]["results"][0]["label"] == "cat"


def test_nothing_stays_among_the_temporary_files(tmp_path):
    command = [sys.executable, "-m", "clip_app", "classify", str(EXAMPLES / "cat.jpg")]
    here = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    done = subprocess.run(
        [*command, "--labels", "cat, dog", "--model", "starter"],
        cwd=ROOT,
        env={**here, "TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_answers_come_as_paths_do_and_ctrl_c_keeps_them():
    process = started("classify", "-", *LABELS, "--json", stdin=subprocess.PIPE)
    for name in PHOTOS[:2]:
        process.stdin.write(os.fsencode(EXAMPLES / name) + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert os.path.basename(answer["image"]) == name
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=60)
    assert (process.returncode, rest) == (130, b"")
    assert b"Traceback" not in told
    assert b"Fatal" not in told


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("models > /dev/full", 2, "could not be written: No space left on device."),
        ("models --json >&-", 0, ""),
        ("--help | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("status 2>&1 2>/dev/full", 0, ""),
        ("classify - --labels cat <&-", 2, "No file names came on standard input."),
    ],
)
def test_streams_that_are_closed_or_full_cost_no_traceback(command, code, sentence):
    if not os.path.exists("/dev/full"):
        pytest.skip("no such device here")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m clip_app {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == bool(sentence), done.stderr
    assert sentence in done.stderr


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_large_photographs(tmp_path):
    picture(1).resize((4000, 3000)).save(tmp_path / "0.jpg")
    for number in range(1, 60):
        os.link(tmp_path / "0.jpg", tmp_path / f"{number}.jpg")
    paths = [tmp_path / f"{number}.jpg" for number in range(60)]
    command = [sys.executable, "-m", "clip_app", "classify", *map(str, paths), *LABELS, "--json"]
    # By way of a small process: a child's peak begins with that of what it was forked from.
    measure = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(done.returncode, len(done.stdout.splitlines()), peak)"
    )
    told = subprocess.run(
        [sys.executable, "-c", measure, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, answers, kilobytes = map(int, told.stdout.split())
    assert (code, answers) == (0, 60)
    assert kilobytes < 1.5e6  # 3.7e6 with all of them in memory


def test_a_text_beyond_the_context_is_answered_and_how_much_was_read_is_told(run):
    long = "a photo of a cat " * 100 + "end"
    code, (answer,), told = run("classify", CAT, "--labels", f"{long}, dog")
    assert code == 0
    assert answer["results"][0]["label"] == long
    (cut,) = answer["truncated"]
    assert cut["text"] == long
    assert long.startswith(cut["read"])
    assert 77 < len(cut["read"]) < len(long)
    assert "Traceback" not in "".join(told)
    code, printed, told = run("match", CAT, "--descriptions", long, json_too=False)
    assert code == 0
    assert f"{len(long)}" in "".join(told) + printed
