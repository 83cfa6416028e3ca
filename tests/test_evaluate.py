"""Checking labels: every figure beside plain numpy, the report, the terminal."""

import html
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from clip_app.errors import InputError
from clip_app.model.service import ModelService
from clip_app.photos import encode_files
from clip_app.prompts import TEMPLATE_SETS, parse_synonyms
from clip_app.server.evaluation_answer import evaluation_answer, lists_told, names_told
from clip_app.server.evaluation_page import evaluation_page
from clip_app.settings import ASSETS
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.concepts import (
    Concept,
    beside_words,
    concept_from_features,
    learn_concept,
)
from clip_app.tasks.evaluate import Evaluation, evaluate, evaluate_features
from clip_app.tasks.labelled import labelled_folder, labelled_table
from clip_app.tasks.measures import calibrated, calibration_error, conformal, halves, listed, share
from clip_app.tasks.names import names_by_class
from clip_app.terminal import main

GALLERY = ASSETS / "gallery" / "examples"
SYNONYMS = [["Animals", "dog or cat", "动物"], ["food", "dish", "a meal"]]


@pytest.fixture(scope="module")
def features(service: ModelService) -> np.ndarray:
    paths = labelled_folder(GALLERY).paths
    return np.array([one.image_features for one in encode_files(service, paths)])


@pytest.fixture(scope="module")
def found(service: ModelService) -> Evaluation:
    return evaluate(service, GALLERY, synonyms=SYNONYMS)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    for name, file in (("<i>cat", "cat"), ("<i>cat", "koala"), ("dog_s", "dog")):
        (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(GALLERY / "animals" / f"{file}.jpg", tmp_path / "set" / name)
    shutil.copy(GALLERY / "animals" / "cat.jpg", tmp_path / "set" / "dog_s" / "wrong & sure.jpg")
    (tmp_path / "set" / "dog_s" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "set" / "dog_s" / ".hidden.jpg").write_bytes(b"")
    return tmp_path / "set"


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_figures_are_those_of_plain_numpy(service, found, features):
    folders = sorted(one.name for one in GALLERY.iterdir() if one.is_dir())
    right = np.array([folders.index(Path(path).parent.name) for path in found.paths])
    weights = service.encode_labels(folders, TEMPLATE_SETS["single"])
    cosines = features @ weights.T
    ranks = np.argsort(-cosines, axis=1, kind="stable")
    assert found.names == tuple(folders)
    assert found.top1.value == (ranks[:, 0] == right).mean()
    assert found.top5.value == np.mean(
        [one in row[:5] for one, row in zip(right, ranks, strict=True)]
    )
    confusion = np.array(
        [[((right == i) & (ranks[:, 0] == j)).sum() for j in range(19)] for i in range(19)]
    )
    np.testing.assert_array_equal(found.confusion, confusion)
    for i, one in enumerate(found.classes):
        assert one.recall.value == confusion[i, i] / confusion[i].sum()
        assert one.precision.of == confusion[:, i].sum()
        if one.precision.of:
            assert one.precision.value == confusion[i, i] / confusion[:, i].sum()
    scores = softmax(service.logit_scale * cosines.astype(np.float64))
    wrong = [i for i in np.argsort(-scores.max(axis=1)) if ranks[i, 0] != right[i]]
    assert [one.photo for one in found.worst] == wrong[:24]
    np.testing.assert_allclose(
        [one.score for one in found.worst], scores[wrong[:24]].max(axis=1), rtol=1e-5
    )
    for one in found.worst:
        assert one.photo in found.cell(one.label, one.named)


def test_likely_mislabelled_are_those_whose_neighbours_agree_with_the_words(found, features):
    gaps = {}
    for photo in np.flatnonzero(found.named != found.right):
        cosines = features @ features[photo]
        own = [i for i in np.flatnonzero(found.right == found.right[photo]) if i != photo]
        other = np.flatnonzero(found.right == found.named[photo])
        if own and len(other):
            best = [np.mean(sorted(cosines[rows])[-3:]) for rows in (other, own)]
            gaps[int(photo)] = best[0] - best[1]
    expected = sorted((i for i in gaps if gaps[i] > 0), key=lambda i: -gaps[i])
    assert [one.photo for one in found.doubtful] == expected[:24]
    assert expected


def test_a_photograph_in_the_wrong_folder_is_named_first(service, tmp_path):
    for topic in ("birds", "vehicles", "music"):
        shutil.copytree(GALLERY / topic, tmp_path / topic)
    bird = sorted((tmp_path / "birds").iterdir())[0]
    moved = bird.rename(tmp_path / "vehicles" / bird.name)
    doubtful = evaluate(service, tmp_path).doubtful
    assert evaluate(service, tmp_path).paths[doubtful[0].photo] == str(moved)


def test_templates_are_chosen_on_one_half_and_told_on_the_other(service, found, features):
    choosing = halves(found.right)
    for i in range(len(found.names)):
        chosen, all_of_it = choosing[found.right == i].sum(), (found.right == i).sum()
        assert abs(2 * chosen - all_of_it) <= 1
    assert [one.key for one in found.compared] == sorted(
        ("none", "single", "clip7", "clip80"),
        key=lambda key: -next(one.choosing.value for one in found.compared if one.key == key),
    )
    for one in found.compared:
        weights = service.encode_labels(found.names, TEMPLATE_SETS[one.key])
        hits = (features @ weights.T).argmax(axis=1) == found.right
        assert (one.choosing.value, one.telling.value) == (
            hits[choosing].mean(),
            hits[~choosing].mean(),
        )


def test_calibration_is_fitted_on_one_half_and_told_on_the_other(service, found, features):
    cosines = features @ service.encode_labels(found.names, TEMPLATE_SETS["single"]).T
    fit = halves(found.right)
    logits = service.logit_scale * cosines.astype(np.float64)

    def surprise(temperature: float) -> float:
        own = softmax(logits[fit] / temperature)[np.arange(fit.sum()), found.right[fit]]
        return -np.log(own).mean()

    grid = np.exp(np.linspace(-2, 2, 4001))
    best = grid[np.argmin([surprise(one) for one in grid])]
    assert found.calibration.temperature == pytest.approx(best, rel=2e-3)

    def error(scores: np.ndarray) -> float:
        sure, right = scores.max(axis=1), scores.argmax(axis=1) == found.right[~fit]
        total = 0.0
        for low in range(15):
            inside = (sure >= low / 15) & (sure < (low + 1) / 15 if low < 14 else sure <= 1)
            if inside.any():
                total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
        return total

    assert found.calibration.before == pytest.approx(error(softmax(logits[~fit])))
    scaled = softmax(logits[~fit] / found.calibration.temperature)
    assert found.calibration.after == pytest.approx(error(scaled), abs=1e-6)


def test_a_temperature_that_was_put_in_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5)) * 2
    right = np.array([rng.choice(5, p=one) for one in softmax(logits)])
    found = calibrated(logits.astype(np.float32), 3.0, right)  # scored as three times as sure
    assert found.temperature == pytest.approx(3, rel=0.1)
    assert found.after < 0.03 < 0.1 < found.before


def test_intervals_are_wilsons():
    one = share(np.array([True] * 8 + [False] * 2))
    # Wilson's formula in its other form: the roots of (p - x)² = z² x (1 - x) / n.
    z, n, p = 1.959963984540054, 10, 0.8
    low, high = sorted(np.roots([1 + z**2 / n, -(2 * p + z**2 / n), p**2]))
    assert (one.low, one.high) == (pytest.approx(low), pytest.approx(high))
    assert (one.value, one.of) == (0.8, 10)
    assert share(np.array([True] * 5)).high == 1
    assert share(np.array([], bool)).of == 0
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == 1


def test_other_names_and_concepts_change_the_figures(service, found, features):
    names = [f"nonsense {i}" for i in range(len(found.names))]
    taught = [
        concept_from_features(service, name, features[found.right == i])
        for i, name in enumerate(names)
    ]

    def top1(concepts: Sequence[Concept]) -> float:
        def weights(choice: str) -> np.ndarray:
            return classes_from_labels(service, names, choice, concepts=concepts).weights

        return evaluate_features(service, features, found.right, names, weights).top1.value

    assert top1([]) < found.top1.value < top1(taught)
    with pytest.raises(InputError, match="3 names for 19"):
        evaluate(service, GALLERY, names[:3])


def test_a_concept_is_a_class_by_its_name(service, small):
    rex = concept_from_features(service, "Rex", features_of(service, [small / "dog_s" / "dog.jpg"]))
    words = evaluate(service, small, ["cat", "@Rex"])
    taught = evaluate(service, small, ["cat", "@Rex"], concepts=[rex])
    rows = features_of(service, taught.paths)
    cat, dog = service.encode_labels(["cat", "Rex"], TEMPLATE_SETS["single"])
    weights = np.array([cat, rex.mixed(dog, beside_words(service, 1, 2))])
    np.testing.assert_array_equal(taught.named, (rows @ weights.T).argmax(axis=1))
    assert not np.allclose(taught.scores, words.scores)


def features_of(service: ModelService, paths: Sequence[str | Path]) -> np.ndarray:
    return np.array([one.image_features for one in encode_files(service, paths)])


def test_lists_hold_the_right_label_as_often_as_is_wanted(service, found, features):
    logits = service.logit_scale * (
        features @ service.encode_labels(found.names, TEMPLATE_SETS["single"]).T
    )
    scores = softmax(logits.astype(np.float64))
    choosing = halves(found.right)
    own = scores[np.arange(len(scores)), found.right]
    # Split conformal as it is written down: the ⌈0.9 (n + 1)⌉-th smallest of 1 - score.
    strange = np.sort(1 - own[choosing])
    limit = strange[int(np.ceil((choosing.sum() + 1) * 9 / 10)) - 1]
    lists = 1 - scores[~choosing] <= limit + 1e-12
    lists[np.arange(len(lists)), scores[~choosing].argmax(axis=1)] = True
    assert found.conformal.threshold == pytest.approx(1 - limit, rel=1e-4)
    assert found.conformal.size == pytest.approx(lists.sum(axis=1).mean())
    covered = lists[np.arange(len(lists)), found.right[~choosing]]
    assert found.conformal.coverage == share(covered)
    assert found.conformal.coverage.high > 0.9


def test_coverage_is_nine_in_ten_over_many_draws():
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        scores = softmax(rng.normal(size=(120, 6)) * 2)
        right = np.array([rng.choice(6, p=one) for one in scores])
        shares.append(conformal(scores, right).coverage.value)
    # 60 photographs choose: between 0.9 and 0.9 + 1/61 in the mean, told to some 0.3 points.
    assert 0.893 < np.mean(shares) < 0.925
    assert listed(np.array([[0.1, 0.6, 0.3]]), 0.9).tolist() == [[False, True, False]]
    assert listed(np.array([[0.1, 0.6, 0.3]]), 0.2).tolist() == [[False, True, True]]


def test_names_are_chosen_by_one_half_and_told_by_the_other(service, found, features):
    lines = parse_synonyms("Animals | dog or cat | 动物\nfood|dish ｜ a meal\nalone\n")
    assert lines == SYNONYMS
    names = found.names_compared
    choosing = halves(found.right)
    options = {"animals": ["animals", "dog or cat", "动物"], "food": ["food", "dish", "a meal"]}
    flat = options["animals"] + options["food"]
    own = service.encode_labels(found.names, TEMPLATE_SETS["single"])
    rows = dict(zip(flat, service.encode_labels(flat, TEMPLATE_SETS["single"]), strict=True))

    def hits(chosen: dict[str, str]) -> np.ndarray:
        weights = np.array([rows.get(chosen.get(n), own[i]) for i, n in enumerate(found.names)])
        return (features @ weights.T).argmax(axis=1) == found.right

    best = dict(zip(found.names, names.names, strict=True))
    told = {
        (found.names[one.label], one.name): (one.choosing.value, one.telling.value)
        for one in names.figures
    }
    assert len(told) == 6
    for label, known in options.items():
        for name in known:
            with_it = hits(best | {label: name})
            assert told[label, name] == (with_it[choosing].mean(), with_it[~choosing].mean())
        assert told[label, best[label]][0] == max(told[label, name][0] for name in known)
    assert names.before.value == (found.named == found.right)[~choosing].mean()
    assert names.after.value == hits(best)[~choosing].mean()
    with pytest.raises(InputError, match=r"tin \| can"):
        names_by_class(found.names, [["tin", "can"]])


@pytest.mark.parametrize(
    "table",
    [
        "animals/cat.jpg,cat\nanimals/dog.jpg,dog\n",
        "标签;文件\ncat;animals/cat.jpg\ndog;animals/dog.jpg\n",
        'id\tfile\tlabel\n1\t"animals/cat.jpg"\tcat\n2\tanimals/dog.jpg\tdog\n',
    ],
)
def test_tables_of_files_and_labels(table):
    photos = labelled_table(table.encode(), "t.csv", GALLERY)
    assert photos.names == ("cat", "dog")
    assert [Path(one).name for one in photos.paths] == ["cat.jpg", "dog.jpg"]
    assert photos.right == (0, 1)


@pytest.mark.parametrize("table", [b"", b"cat\n", b"file,label\n", b"\x00\x01\x02\xff" * 20])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(InputError):
        labelled_table(table, "t.csv", GALLERY)


def test_a_folder_without_classes_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError):
            labelled_folder(folder)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_needs_nothing_else_and_escapes_names(service, small, language):
    one = evaluate(service, small)
    assert one.names == ("<i>cat", "dog s")
    assert [Path(path).name for path, _ in one.failed] == ["broken.jpg"]
    page = evaluation_page([one, one], small, language)
    assert "<i>cat" not in page
    assert html.escape("dog_s/wrong & sure.jpg") in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links == set(re.findall(r'<section class="cell" id="([^"]+)"', page))
    assert len(links) == 2 * np.count_nonzero(one.confusion)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert ("类别识别检验" in page) == (language == "zh")


def test_the_terminal_prints_json_and_writes_the_page(
    service, small, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("clip_app.terminal.common.load_service", lambda settings: service)
    out = tmp_path / "report.html"
    assert main(["evaluate", str(small), "--labels", "cat, dog", "--html", str(out), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["evaluations"]
    expected = evaluation_answer(evaluate(service, small, ["cat", "dog"]))
    assert answer == json.loads(json.dumps(expected))
    assert answer["photographs"] == 4
    # The cat among the dogs is one of the mistakes.
    assert 0 < answer["top1"]["value"] <= 0.75
    written = out.read_text("utf-8")
    assert written.startswith("<!doctype html>")
    assert main(["evaluate", str(small), "--html", str(out)]) == 2
    assert "there already" in capsys.readouterr().err
    assert out.read_text("utf-8") == written
    assert main(["evaluate", str(small), "--model", "starter", "--model", "starter"]) == 0
    assert capsys.readouterr().out.count("starter: ") == 2
    names = tmp_path / "names.txt"
    names.write_text("dog s | dog | puppy\n", "utf-8")
    assert main(["evaluate", str(small), "--names", str(names)]) == 0
    compared = evaluate(service, small, synonyms=[["dog s", "dog", "puppy"]]).names_compared
    assert names_told(compared, "en") in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_tells_of_lists_and_names(found, language):
    page = evaluation_page([found], GALLERY, language)
    assert html.escape(lists_told(found.conformal, language)) in page
    assert html.escape(names_told(found.names_compared, language)) in page
    assert page.count("<td>dog or cat</td>") == 1
    answer = evaluation_answer(found, GALLERY)
    assert answer["worst"][0]["file"].count("/") == 1
    assert answer["conformal"]["coverage"]["of"] == 75
    assert [one["name"] for one in answer["names_compared"]["all"]].count("a meal") == 1


def test_the_terminal_counts_with_a_folder_of_examples(
    service, small, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("clip_app.terminal.common.load_service", lambda settings: service)
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    photos = labelled_folder(small)
    shown = tmp_path / "shown"
    for place, name in enumerate(photos.names):
        (shown / name).mkdir(parents=True)
        shutil.copy(photos.of(place)[-1], shown / name)
    given = ["evaluate", str(small), "--json", "--examples"]
    assert main([*given, str(shown), "--alpha", "0.5"]) == 0
    told = capsys.readouterr()
    taught = [
        learn_concept(service, one.name, [*one.iterdir()], alpha=0.5) for one in shown.iterdir()
    ]
    expected = evaluate(service, photos, concepts=taught)
    (answer,) = json.loads(told.out)["evaluations"]

    def scores(one: dict) -> list[float]:
        return [finding["score"] for finding in one["likely_mislabelled"]]

    words = evaluation_answer(evaluate(service, photos))
    assert answer["top1"] == json.loads(json.dumps(evaluation_answer(expected)["top1"]))
    assert scores(answer) == pytest.approx(scores(evaluation_answer(expected)), abs=1e-4)
    assert scores(answer) != pytest.approx(scores(words), abs=1e-3)
    assert "among the photographs" not in told.err
    assert main([*given, str(small)]) == 0
    assert f"{len(photos.paths)} examples are among the photographs" in capsys.readouterr().err
    (shown / "rockets").mkdir()
    shutil.copy(photos.paths[0], shown / "rockets")
    assert main([*given, str(shown)]) == 2
    assert "“rockets” is not among the labels" in capsys.readouterr().err
