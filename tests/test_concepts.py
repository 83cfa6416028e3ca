"""Classes taught by example: the formula beside plain numpy, files, the store, search."""

import json
import multiprocessing
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

import clip_app
from clip_app.errors import InputError
from clip_app.gallery.asking import words_of
from clip_app.gallery.query import parse_query
from clip_app.gallery.search import with_concepts
from clip_app.images import load_image
from clip_app.model.service import ModelService
from clip_app.photos import decode_side, encode_files
from clip_app.prompts import TEMPLATE_SETS
from clip_app.settings import ASSETS
from clip_app.tasks.classes import classes_from_labels, examples_gain
from clip_app.tasks.concept_files import (
    VERSION,
    ConceptStore,
    concept_to_text,
    concepts_from_bytes,
    concepts_from_text,
    concepts_to_bytes,
    read_concepts,
    write_concepts,
)
from clip_app.tasks.concepts import (
    Concept,
    concept_from_features,
    concept_name,
    key_of,
    learn_concept,
    left_out_gain,
)
from clip_app.tasks.labelled import LabelledPhotos, labelled_folder
from clip_app.terminal import main

GALLERY = ASSETS / "gallery" / "examples"
ANIMALS = GALLERY / "animals"
ODD_NAMES = [
    "Rex",
    "我家的狗",
    "＠小白",
    "@@ a  b ",
    "Café",
    "Cafe\u0301",
    "👨‍👩‍👧 us",
    "<b>&",
    "../x",
    "a" * 100,
]


@pytest.fixture(scope="module")
def photos() -> LabelledPhotos:
    return labelled_folder(GALLERY)


@pytest.fixture(scope="module")
def features(service: ModelService, photos: LabelledPhotos) -> np.ndarray:
    return np.array([one.image_features for one in encode_files(service, photos.paths)])


def length_one(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def concept(service: ModelService, name: str, seed: int = 0) -> Concept:
    rows = np.random.default_rng(seed).normal(size=(3, service.info.embedding_size))
    return concept_from_features(service, name, length_one(rows).astype(np.float32))


@pytest.mark.parametrize("number", [0, 1, 2, 4, 8, 16])
def test_accuracy_with_examples_is_that_of_plain_numpy(service, photos, features, number):
    """Five draws for each number of examples; classes with fewer photographs give half of them."""
    right = np.array(photos.right)
    text = service.encode_labels(photos.names, TEMPLATE_SETS["single"])
    found, expected = [], []
    for draw in range(5):
        rng = np.random.default_rng(draw)
        chosen = [
            rng.permutation(np.flatnonzero(right == i))[: min(number, (right == i).sum() // 2)]
            for i in range(len(photos.names))
        ]
        concepts = [
            concept_from_features(service, name, features[rows])
            for name, rows in zip(photos.names, chosen, strict=True)
            if len(rows)
        ]
        weights = classes_from_labels(service, list(photos.names), concepts=concepts).weights
        plain = text.astype(np.float64)
        for i, rows in enumerate(chosen):
            if len(rows):
                mean = length_one(features[rows].astype(np.float64).mean(axis=0))
                plain[i] = length_one(0.3 * plain[i] + 0.7 * mean)
        np.testing.assert_allclose(weights, plain, atol=1e-6)
        told = np.setdiff1d(np.arange(len(right)), np.concatenate(chosen).astype(int))
        found.append(((features[told] @ weights.T).argmax(axis=1) == right[told]).mean())
        expected.append(((features[told] @ plain.T).argmax(axis=1) == right[told]).mean())
    assert found == expected
    if number > 1:
        words = (features @ text.T).argmax(axis=1) == right
        assert np.mean(found) > words.mean()


def test_a_class_without_examples_stays_its_words_and_marks_come_off(service):
    words = classes_from_labels(service, ["Rex", "cat"]).weights
    taught = classes_from_labels(service, "@rex, cat", concepts=[concept(service, "Rex")])
    assert taught.names == ("Rex", "cat")
    np.testing.assert_array_equal(taught.weights[1], words[1])
    assert taught.weights[0] @ words[0] < 0.9
    # What was made must not reach the cache of features.
    np.testing.assert_array_equal(classes_from_labels(service, ["Rex", "cat"]).weights, words)


def test_beside_words_examples_count_half_and_lack_what_all_photographs_share(
    service, photos, features
):
    """By numpy, of the mean photograph that the docs name; and it does what it is for."""
    right = np.array(photos.right)
    names = list(photos.names)
    taught = concept_from_features(service, names[0], features[right == 0][:4])
    words = service.encode_labels(names, TEMPLATE_SETS["single"]).astype(np.float64)
    twelve = sorted(one for one in GALLERY.rglob("*") if one.is_file())[::12]
    mean = np.mean([one.image_features for one in encode_files(service, twelve)], axis=0)
    row = length_one(0.65 * words[0] + 0.35 * length_one(taught.mean - mean))
    weights = classes_from_labels(service, names, "single", concepts=[taught]).weights
    np.testing.assert_allclose(weights[0], row, atol=1e-6)
    np.testing.assert_allclose(weights[1:], words[1:], atol=1e-6)
    plain = words.copy()
    plain[0] = taught.mixed(words[0].astype(np.float32))
    others = features[right != 0]
    drawn = [((others @ one.T).argmax(axis=1) == 0).mean() for one in (words, weights, plain)]
    assert drawn[1] < drawn[2] / 2, drawn
    alone = classes_from_labels(service, names[:1], "single", concepts=[taught]).weights
    np.testing.assert_allclose(alone[0], plain[0], atol=1e-6)


def test_what_examples_do_is_told_once_two_labels_have_some(service, photos, features):
    right = np.array(photos.right)
    several = [i for i in range(len(photos.names)) if (right == i).sum() >= 4][:3]
    concepts = [
        concept_from_features(service, photos.names[i], features[right == i][:4]) for i in several
    ]
    labels = [f"@{one.name}" for one in concepts]
    assert examples_gain(service, [labels[0], "cat"], "single", concepts) is None
    gain = examples_gain(service, labels, "single", concepts)
    rows = np.concatenate([one.features for one in concepts])
    words = service.encode_labels([one.name for one in concepts], TEMPLATE_SETS["single"])
    expected = left_out_gain(words, rows, np.repeat(range(3), 4))
    assert (gain.before, gain.after, gain.photos) == (expected.before, expected.after, 12)


def test_a_line_of_text_and_a_new_name_keep_the_concept(service, tmp_path):
    one = concept(service, "Rex")
    (again,) = concepts_from_text(f"\n{concept_to_text(one)} ", service)
    np.testing.assert_array_equal(again.mean, one.mean)
    assert (again.name, again.examples, len(again.features)) == ("Rex", 3, 0)
    with pytest.raises(InputError):
        concepts_from_text("Rex!", service)
    store = ConceptStore(tmp_path, service.info.fingerprint, most=2)
    store.save(one)
    store.save(concept(service, "Mia", 1))
    store.rename("rex", "＠Max")
    store.rename("max", "MAX")
    assert [found.name for found in store.all()] == ["MAX", "Mia"]
    np.testing.assert_array_equal(store.all()[0].features, one.features)
    for old, new, key in (("Rex", "Tom", "unknown"), ("Mia", "max", "name_taken")):
        with pytest.raises(InputError) as caught:
            store.rename(old, new)
        assert caught.value.key == f"concept_{key}"
    with pytest.raises(InputError):
        store.save(concept(service, "third"))


def test_counter_examples_push_away_by_half_of_the_difference(service, features):
    shown, away = features[:4], features[10:13]
    found = concept_from_features(service, "x", shown, away).direction
    one, other = length_one(shown.mean(axis=0)), length_one(away.mean(axis=0))
    np.testing.assert_allclose(found, length_one(1.5 * one - 0.5 * other), atol=1e-6)
    assert found @ other < one @ other
    plain = concept_from_features(service, "x", shown).direction
    np.testing.assert_allclose(plain, one, atol=1e-6)


def test_what_is_left_out_is_named_by_the_others_only(service, photos, features):
    right = np.array(photos.right)
    words = service.encode_labels(photos.names, TEMPLATE_SETS["single"])
    gain = left_out_gain(words, features, right)
    hits = []
    for row in range(len(right)):
        weights = words.astype(np.float64)
        for i in range(len(words)):
            others = [j for j in np.flatnonzero(right == i) if j != row]
            if others:
                mean = length_one(features[others].astype(np.float64).mean(axis=0))
                weights[i] = length_one(0.3 * weights[i] + 0.7 * mean)
        hits.append((weights @ features[row]).argmax() == right[row])
    assert gain.after == np.mean(hits)
    assert gain.before == ((features @ words.T).argmax(axis=1) == right).mean()
    assert gain.photos == len(right)
    assert gain.after > gain.before


def test_learning_from_files_keeps_what_the_service_makes_of_them(service):
    files = [ANIMALS / "dog.jpg", ANIMALS / "cat.jpg"]
    learnt = learn_concept(service, "pets", files, [ANIMALS / "cow.jpg"])
    pictures = [load_image(one, target_side=decode_side(service)) for one in files]
    expected = length_one(service.encode_images(pictures).mean(axis=0))
    np.testing.assert_allclose(learnt.mean, expected, atol=1e-5)
    assert (learnt.examples, learnt.counter_examples) == (2, 1)
    assert [max(load_image(one).size) for one in learnt.thumbnails] == [96, 96]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_survive_files_and_store_and_are_found_in_any_form(service, tmp_path, name):
    kept = concept(service, name)
    [read] = concepts_from_bytes(concepts_to_bytes([kept]), "x")
    assert read.name == kept.name == concept_name(kept.name)
    np.testing.assert_array_equal(read.mean, kept.mean)
    store = ConceptStore(tmp_path, service.info.fingerprint)
    store.save(kept)
    store.save(kept)
    assert [one.name for one in store.named([f"＠{kept.name.upper()}"])] == [kept.name]
    assert store.named([kept.name]) == ()
    assert [path.parent.parent.name for path in tmp_path.rglob("*.concepts")] == ["concepts"]
    store.forget(name)
    assert store.all() == ()


def test_names_made_of_random_characters_are_kept_or_refused(service):
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        typed = "".join(
            map(chr, rng.choice([*range(1, 0x250), 0x3042, 0xFF20, 0xD800, 0x1F436], 4))
        )
        try:
            name = concept_name(typed)
        except InputError:
            refused += 1
            continue
        assert name == concept_name(name)
        assert key_of(name) == key_of(f"@{name}")
        assert concepts_from_bytes(concepts_to_bytes([concept(service, name)]), "x")[0].name == name
    assert 0 < refused < 300


@pytest.mark.parametrize("name", ["", " @ ", "a,b", "甲、乙", "a\0b", "\ud800", "a" * 101])
def test_names_that_cannot_be_labels_are_refused(name):
    with pytest.raises(InputError):
        concept_name(name)


def test_damaged_foreign_and_newer_files_are_refused_in_a_sentence(service, tmp_path):
    sound = concepts_to_bytes([learn_concept(service, "pet", [ANIMALS / "dog.jpg"])])
    rng = np.random.default_rng(0)
    for _ in range(200):
        spoilt = bytearray(
            sound[: int(rng.integers(1, len(sound)))] if rng.random() < 0.3 else sound
        )
        for place in rng.integers(0, min(600, len(spoilt)), 3):
            spoilt[place] = rng.integers(256)
        try:
            concepts_from_bytes(bytes(spoilt), "x")
        except InputError:
            continue
    (length,) = struct.unpack("<Q", sound[:8])
    about = json.loads(sound[8 : 8 + length])["__metadata__"]
    arrays = load(sound)

    def refused(data: bytes) -> str:
        with pytest.raises(InputError) as told:
            concepts_from_bytes(data, "their.concepts")
        return told.value.key

    assert refused(save(arrays, about | {"version": str(VERSION + 1)})) == "concepts_newer"
    assert refused(save(arrays)) == "concepts_unreadable"
    assert refused((ANIMALS / "dog.jpg").read_bytes()) == "concepts_unreadable"
    assert refused(b"\xff" * 100_000_001) == "concepts_too_large"
    nan = arrays | {"0.mean": np.full_like(arrays["0.mean"], np.nan)}
    assert refused(save(nan, about)) == "concepts_unreadable"
    no_picture = arrays | {"0.thumbnail.0": np.zeros(50, np.uint8)}
    assert refused(save(no_picture, about)) == "concepts_unreadable"
    large = np.frombuffer((ANIMALS / "dog.jpg").read_bytes(), np.uint8)
    assert refused(save(arrays | {"0.thumbnail.0": large}, about)) == "concepts_unreadable"


def test_concepts_of_another_model_are_refused(service, tmp_path):
    own = concept(service, "Rex")
    other = Concept("Rex", "another", "other-model", own.mean, 1)
    write_concepts(tmp_path / "x.concepts", [own, other])
    with pytest.raises(InputError, match="other-model"):
        read_concepts(tmp_path / "x.concepts", service)
    with pytest.raises(InputError, match="other-model"):
        classes_from_labels(service, ["Rex"], concepts=[other])
    with pytest.raises(InputError, match="other-model"):
        with_concepts(service, parse_query("@Rex"), [other])
    with pytest.raises(InputError):
        read_concepts(tmp_path / "absent", service)


def _save_many(folder: Path, first: int, one: Concept) -> None:
    store = ConceptStore(folder, one.fingerprint)
    for number in range(first, first + 20):
        for name in (f"n{number}", "both"):
            store.save(Concept(name, one.fingerprint, one.model, one.mean, number + 1))


def test_two_processes_keep_concepts_at_once(service, tmp_path):
    given = concept(service, "x")
    workers = [
        multiprocessing.get_context("spawn").Process(
            target=_save_many, args=(tmp_path, first, given)
        )
        for first in (0, 20)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    names = {one.name for one in ConceptStore(tmp_path, given.fingerprint).all()}
    assert names == {"both", *(f"n{i}" for i in range(40))}
    assert ConceptStore(tmp_path, "another").all() == ()


def test_a_damaged_file_in_the_store_hides_no_other(service, tmp_path):
    store = ConceptStore(tmp_path, service.info.fingerprint)
    store.save(concept(service, "a"))
    [path] = tmp_path.rglob("*.concepts")
    store.save(concept(service, "b"))
    path.write_bytes(path.read_bytes()[:100])
    assert [one.name for one in store.all()] == ["b"]


def test_the_terminal_teaches_lists_exchanges_and_forgets(service, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("clip_app.terminal.common.load_service", lambda settings: service)
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    dog, cow, cat = (str(ANIMALS / f"{name}.jpg") for name in ("dog", "cow", "cat"))
    file = str(tmp_path / "x.concepts")

    def run(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert run("teach", "@Rex", dog, "--without", cow, "--alpha", "0.6") == {
        "name": "Rex",
        "examples": 1,
        "counter_examples": 1,
        "model": "starter",
    }
    told = {"name": "Rex", "examples": 1, "counter_examples": 1, "alpha": 0.6}
    assert run("concepts", "list") == {"model": "starter", "concepts": [told]}
    assert run("concepts", "export", file, "rex")["concepts"] == ["Rex"]
    words = run("classify", dog, "--labels", "Rex, cow")["results"]
    shown = run("classify", dog, "--labels", "@rex, cow")["results"]
    assert shown[0]["label"] == "Rex"
    assert shown[0]["similarity"] > words[0]["similarity"] + 0.1
    run("concepts", "forget", "REX")
    assert run("concepts", "list")["concepts"] == []
    run("concepts", "import", file)
    assert run("concepts", "list")["concepts"] == [told]
    for wrong in (
        ("concepts", "forget", "nobody"),
        ("concepts", "export", file, "rex"),  # which is there
        ("concepts", "export", f"{file}.new", "nobody"),
        ("concepts", "import", cat),
        ("teach", "a, b", dog),
        ("teach", "Tom", "no-such.jpg"),
        ("teach", "Tom", __file__),
    ):
        assert main(list(wrong)) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_terminal_classifies_by_a_folder_of_examples(service, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("clip_app.terminal.common.load_service", lambda settings: service)
    monkeypatch.setenv("CLIP_APP_INDEX_DIR", str(tmp_path / "index"))
    for name, files in {"dogs": ["dog"], "cats": ["cat", "kitten"]}.items():
        (tmp_path / "examples" / name).mkdir(parents=True)
        for one in files:
            shutil.copy(ANIMALS / f"{one}.jpg", tmp_path / "examples" / name)
    (tmp_path / "examples" / "cats" / "broken.jpg").write_bytes(b"no picture")
    picture = ANIMALS / "cat-with-yarn.jpg"
    given = ["classify", str(picture), "--examples", str(tmp_path / "examples"), "--json"]
    assert main(given) == 0
    told = capsys.readouterr()
    concepts = [
        learn_concept(service, "cats", [ANIMALS / "cat.jpg", ANIMALS / "kitten.jpg"]),
        learn_concept(service, "dogs", [ANIMALS / "dog.jpg"]),
    ]
    classes = classes_from_labels(service, ["cats", "dogs"], concepts=concepts)
    row = next(encode_files(service, [picture])).image_features[None]
    [expected] = clip_app.classify_features(service, row, classes)
    found = json.loads(told.out)["results"]
    assert [one["label"] for one in found] == [one.label for one in expected.results]
    assert found[0]["similarity"] == pytest.approx(expected.results[0].similarity, abs=1e-5)
    assert "broken.jpg" in told.err
    assert "(photographs: 3)" in told.err
    assert main([*given, "--labels", "cats, birds"]) == 2
    assert "dogs" in capsys.readouterr().err


def test_a_search_finds_what_was_taught_and_unknown_names_stay_words(service, tmp_path):
    learnt = learn_concept(service, "my pet", [ANIMALS / "dog.jpg"])
    gallery = clip_app.open_gallery(ANIMALS, service, index_dir=tmp_path)
    gallery.index()
    answer = gallery.search("@My pet", concepts=[learnt])
    assert Path(answer.hits[0].path).name == "dog.jpg"
    words = words_of(service, "my pet")
    picture = next(encode_files(service, [ANIMALS / "dog.jpg"])).image_features
    # 0.7 of alpha, less the mean photograph.
    every = sorted(one for one in ANIMALS.parent.rglob("*") if one.is_file())[::12]
    common = np.mean([one.image_features for one in encode_files(service, every)], axis=0)
    expected = length_one(0.51 * words + 0.49 * length_one(picture - common)) @ picture
    assert answer.hits[0].similarity == pytest.approx(float(expected), abs=2e-3)
    terms = with_concepts(service, parse_query("2: snow － ＠my pet + @nobody"), [learnt])
    assert [(one.name, one.weight) for one in terms] == [
        ("snow", 2.0),
        ("@my pet", -1.0),
        ("@nobody", 1.0),
    ]

    def place(query: str) -> int:
        hits = gallery.search(query, top_k=50, concepts=[learnt]).hits
        return [Path(one.path).name for one in hits].index("dog.jpg")

    assert place("dog") == 0
    assert place("dog - @my pet") > 20


def test_examples_that_are_added_count_as_if_all_were_shown_at_once(service, tmp_path):
    names = ("dog.jpg", "cat.jpg", "koala.jpg")
    paths = [ANIMALS / name for name in names]
    store = ConceptStore(tmp_path, service.info.fingerprint)
    store.add(learn_concept(service, "pets", paths[:2], [ANIMALS / "pig.jpg"]))
    store.add(learn_concept(service, "Pets", paths[2:], alpha=0.4))
    [found] = store.all()
    whole = learn_concept(service, "pets", paths, [ANIMALS / "pig.jpg"], alpha=0.4)
    assert (found.name, found.examples, found.counter_examples) == ("pets", 3, 1)
    assert (found.alpha, len(found.thumbnails)) == (0.4, 3)
    np.testing.assert_allclose(found.direction, whole.direction, atol=1e-5)
    np.testing.assert_allclose(found.features, whole.features, atol=1e-5)
    many = concept_from_features(service, "many", np.repeat(whole.features, 7, axis=0))
    store.save(many)
    with pytest.raises(InputError) as told:
        store.add(learn_concept(service, "many", paths[:1]))
    assert told.value.key == "concept_adding"
