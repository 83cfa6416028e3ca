"""The whole chain of training, from nothing, on pictures that are drawn here."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clip_app.model.slot import load_model
from clip_app.settings import Settings
from tests.conftest import EXAMPLES

pytest.importorskip("tqdm")
from training import align, concepts, evaluate, synthetic, text_data
from training.adapt import adapt
from training.build import Plan, build, seen
from training.datasets import CaptionSet, LabelledSet, Photo
from training.features import FeatureStore, readable
from training.image_tower import imagenet_wnids, load_image_tower, preprocessing
from training.inputs import MissingInputError, find_inputs
from training.text_tower import load_text_encoder

pytestmark = pytest.mark.slow

# Four of the 1,000 classes, "cat" and "animal" above them, in the form of WordNet's data.noun.
WORDNET = """\
  1 This software and database is being provided to you by Princeton University
00001930 03 n 01 physical_entity 0 000 | an entity that has physical existence
00015388 05 n 01 animal 0 001 @ 00001930 n 0000 | a living organism
02121620 05 n 02 cat 0 true_cat 0 001 @ 00015388 n 0000 | feline mammal
02123045 05 n 02 tabby 0 tabby_cat 0 001 @ 02121620 n 0000 | a cat with a striped coat
02123394 05 n 01 Persian_cat 0 001 @ 02121620 n 0000 | a long-haired breed of cat
02123597 05 n 01 Siamese_cat 0 001 @ 02121620 n 0000 | a slender breed of cat
02084071 05 n 01 dog 0 001 @ 00015388 n 0000 | a domestic animal
02085620 05 n 01 Chihuahua 0 001 @ 02084071 n 0000 | a tiny dog
"""

NAMES = {"cat": "猫", "flower": "花", "rocket": "火箭"}
EXAMPLE_SET = LabelledSet(
    "examples",
    "Examples",
    "assets/examples",
    "see its README",
    {en: {"en": (en,), "zh": (zh,)} for en, zh in NAMES.items()},
    tuple(Photo(EXAMPLES / f"{name}.jpg", name) for name in NAMES),
    (),
)

WEIGHTS = "open_clip_model.safetensors"
PLAN = Plan(drawings=864, text_steps=40, head_steps=300, english_tokens=6000, chinese_tokens=4000)


@pytest.fixture(scope="module")
def wordnet(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("wordnet") / "data.noun"
    path.write_text(WORDNET, "latin-1")
    return path


@pytest.fixture(scope="module")
def inputs(wordnet):
    try:
        return find_inputs(wordnet)
    except MissingInputError as error:
        pytest.skip(str(error))


def examples(folder: Path) -> LabelledSet:
    """The example photographs and some that cannot be read."""
    broken = [folder / f"broken{number}.jpg" for number in range(3)]
    for path in broken:
        path.write_bytes(b"no picture")
    unreadable = tuple(Photo(path, "cat") for path in broken)
    return dataclasses.replace(
        EXAMPLE_SET, train=(*EXAMPLE_SET.train, *unreadable), test=unreadable
    )


@pytest.fixture(scope="module")
def built(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    report = build([examples(folder)], [], [], inputs, folder / "model", folder / "work", PLAN)
    return folder, report


def test_from_nothing_to_a_model_that_names_unseen_pictures_in_both_languages(built):
    _, report = built
    for language in ("en", "zh"):
        assert report["drawn_color"][language]["top1"] > 50  # chance is 8 %
        assert report["drawn_shape"][language]["top1"] > 35  # chance is 17 %
    assert "examples" not in report  # none of its test photographs can be read


def test_app_loads_it_and_gives_the_scores_of_the_training_code(built, inputs):
    folder, _ = built
    service = load_model(Settings(model=str(folder / "model"), device="cpu"))
    assert (folder / "model" / WEIGHTS).stat().st_size < 50e6
    assert service.info.embedding_size == align.EMBEDDING
    [tower] = (folder / "work").glob("text-*")
    encoder = load_text_encoder(tower / "text.safetensors", tower, inputs.sentence_encoder)
    encoder.fast = False
    texts = ["a photo of a cat.", "一张猫的照片。", "a red circle", "T恤"]
    [state] = (folder / "work").glob("head-*.pt")
    head = align.Head().eval()
    head.load_state_dict(torch.load(state, weights_only=True))
    trunk, _ = load_image_tower(inputs.image_weights)
    images = [Image.open(EXAMPLES / f"{n}.jpg").convert("RGB") for n in ("cat", "rocket")]
    pixels = torch.from_numpy(np.stack([service.preprocess(image) for image in images]))
    with torch.inference_mode():
        expected = head.images(trunk(pixels)) @ head.texts(encoder.encode(texts)).T
    got = service.encode_images(images) @ service.encode_texts(texts).T
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-3)


def test_traditional_characters_mean_what_simplified_ones_do(built):
    folder, _ = built
    service = load_model(Settings(model=str(folder / "model"), device="cpu"))
    simplified, traditional = service.encode_texts(["一辆红色的汽车", "一輛紅色的汽車"])
    np.testing.assert_allclose(simplified, traditional, atol=1e-6)


def test_second_run_takes_up_what_the_first_one_kept(built, inputs):
    folder, report = built
    kept = {p: p.stat().st_mtime_ns for p in (folder / "work").rglob("*") if p.suffix != ".json"}
    sets = [examples(folder)]
    assert build(sets, [], [], inputs, folder / "again", folder / "work", PLAN) == report
    assert kept == {p: p.stat().st_mtime_ns for p in kept}
    first, again = (folder / name / WEIGHTS for name in ("model", "again"))
    assert first.read_bytes() == again.read_bytes()


def test_adapting_learns_own_classes_and_keeps_the_rest(tmp_path):
    drawings = synthetic.draw_pictures(tmp_path / "drawings", 96)
    for drawing in drawings:
        # Names that no model can know, so that there is something to learn.
        own = {"circle": "wug", "square": "blicket", "star": "dax"}.get(
            drawing.shape.english, "fep"
        )
        folder = tmp_path / "own" / own
        folder.mkdir(parents=True, exist_ok=True)
        drawing.path.rename(folder / drawing.path.name)
    (folder / "broken.png").write_bytes(b"no picture")
    outcome = adapt(tmp_path / "own", tmp_path / "model", steps=200)
    assert outcome.after > max(80, outcome.before)
    service = load_model(Settings(model=str(tmp_path / "model"), device="cpu"))
    cat = Image.open(EXAMPLES / "cat.jpg").convert("RGB")
    best = service.encode_texts(["a dog", "a cat", "a car"]) @ service.encode_images([cat])[0]
    assert best.argmax() == 1


def test_photographs_that_cannot_be_read_are_told_from_the_others(inputs, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    trunk, _ = load_image_tower(inputs.image_weights)
    paths = [tmp_path / "broken.jpg", EXAMPLES / "cat.jpg", tmp_path / "absent.jpg"]
    features = FeatureStore(trunk, tmp_path / "features").of(paths, 0, "three")
    assert readable(features).tolist() == [1]
    picture = Image.open(EXAMPLES / "cat.jpg").convert("RGB")
    with torch.inference_mode():
        expected = trunk(preprocessing()(picture)[None])[0]
    np.testing.assert_allclose(features[1], expected, atol=0.01)


def test_untrained_head_says_in_words_what_the_classifier_says(inputs):
    trunk, teacher = load_image_tower(inputs.image_weights)
    pictures = [Image.open(EXAMPLES / f"{name}.jpg").convert("RGB") for name in NAMES]
    with torch.inference_mode():
        features = trunk(torch.stack([preprocessing()(picture) for picture in pictures]))
    torch.manual_seed(0)
    classes = len(teacher.bias)
    english = torch.randn(classes, 384)
    chinese = english + 0.5 * torch.randn(classes, 384)
    spans = np.arange(2 * classes)[:, None] + [0, 1]
    texts = align.TextTable(torch.cat([english, chinese]), spans[:classes], spans[classes:])
    head = align.Head().eval()
    head.start_from(teacher, texts)
    expected = teacher.probabilities(features).argmax(1)
    assert len(set(expected.tolist())) == len(NAMES)
    with torch.inference_mode():
        for names in (english, chinese):
            assert torch.equal((head.images(features) @ head.texts(names).T).argmax(1), expected)


def test_concepts_gather_the_classes_below_them(wordnet):
    synsets = concepts.read_wordnet(wordnet)
    wnids = ["n02123045", "n02123394", "n02123597", "n02085620"]
    english = ["tabby cat", "Persian cat", "Siamese cat", "Chihuahua"]
    chinese = ["虎斑猫", "波斯猫", "暹罗猫", "吉娃娃"]
    found = concepts.build_concepts(synsets, wnids, english, chinese, {"cat": ["猫"]})
    cat = next(one for one in found if one.wnid == "n02121620")
    assert cat.names == ("cat", "true cat")
    assert cat.chinese == ("猫",)
    assert cat.leaves == (0, 1, 2)
    cuts = concepts.Cuts(found, 4)
    for seed in range(20):
        rows = cuts.draw(np.random.default_rng(seed))
        assert (cuts.members[rows].sum(axis=0) == 1).all()


def test_dictionary_that_could_run_code_is_refused(tmp_path):
    import os
    import pickle

    path = tmp_path / "dump.dat"
    path.write_bytes(pickle.dumps([os.system]))
    with pytest.raises(pickle.UnpicklingError):
        text_data.read_dictionary(path)


def test_drawings_are_the_same_in_every_run(tmp_path):
    first = synthetic.draw_pictures(tmp_path / "a", 24)
    second = synthetic.draw_pictures(tmp_path / "b", 24)
    for one, other in zip(first, second, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()
        assert (one.color, one.shape, one.count) == (other.color, other.shape, other.count)


def test_main_colour_of_a_picture():
    for pair, rgb in synthetic.COLORS.items():
        assert synthetic.main_color(Image.new("RGB", (64, 64), rgb)) == pair


def test_calibration_finds_the_scale_that_made_the_labels():
    rng = np.random.default_rng(0)
    head = align.Head().eval()
    features = torch.from_numpy(rng.normal(size=(4000, 1280)).astype(np.float32))
    prompts = torch.from_numpy(rng.normal(size=(5, 1, 384)).astype(np.float32))
    with torch.inference_mode():
        cosines = head.images(features) @ head.classifier(prompts).T
    noise = torch.from_numpy(rng.gumbel(size=cosines.shape).astype(np.float32))
    labels = (30 * cosines + noise).argmax(1)
    texts = align.LabelTexts(prompts, prompts)
    one = align.LabelledFeatures("x", (features,), labels, texts, ("a", "b", "c", "d", "e"))
    assert align.calibrated_scale(head, [one]) == pytest.approx(30, rel=0.25)


def test_recall_counts_the_right_one_among_the_best():
    images = torch.eye(4)
    texts = torch.eye(4)[[0, 1, 3, 2]]
    assert evaluate.recall(images, texts)["t2i_r1"] == 50


def test_seen_tells_what_was_new(tmp_path):
    photo = Photo(tmp_path / "x.jpg", "cat")
    cat = {"cat": {"en": ("grey cat",), "zh": ("灰猫",)}}
    wug = {"wug": {"en": ("wug",), "zh": ("乌格",)}}
    imagenet = Photo(tmp_path / "y.jpg", imagenet_wnids()[0])
    tench = {imagenet.label: {"en": ("tench",), "zh": ("丁鲷",)}}
    sets = [
        LabelledSet("trained", "", "", "", cat | wug, (photo,), (photo,), False),
        LabelledSet("other", "", "", "", cat | wug, (), (photo,), False),
        LabelledSet("new", "", "", "", wug, (), (photo,), False),
        LabelledSet("classes", "", "", "", tench, (), (imagenet,), True),
    ]
    captions = [
        CaptionSet("a", "", "one", "", (photo.path,), (("a cat",),), ((),), True),
        CaptionSet("a_test", "", "one", "", (photo.path,), (("a cat",),), ((),), False),
        CaptionSet("b", "", "two", "", (photo.path,), (("a cat",),), ((),), False),
    ]
    assert seen(sets, captions) == {
        "trained": {"cat": "images held out", "wug": "labels and images held out"},
        "other": {"cat": "images held out", "wug": "nothing seen"},
        "new": "nothing seen",
        "classes": "images held out",
        "a": "images seen",
        "a_test": "images held out",
        "b": "nothing seen",
    }
