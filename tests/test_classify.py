import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clip_app.errors import ImageError, InputError
from clip_app.images import load_image
from clip_app.model.backgrounds import background_for, background_words
from clip_app.prompts import label_sets, parse_labels
from clip_app.sorting.acts import sort
from clip_app.tasks.classes import Classes, classes_from_labels
from clip_app.tasks.classify import classify, classify_features
from clip_app.tasks.concepts import learn_concept
from clip_app.tasks.fit import CHANCE_LIMIT, UNSURE_LIMIT, chance_of_none, verdict
from clip_app.tasks.heatmap import heatmap
from clip_app.tasks.match import match, match_matrix
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from tests.conftest import EXAMPLES, ROOT, noise


def test_scores_are_softmax_of_scaled_cosine(service, cat):
    labels = ["cat", "dog", "car"]
    answer = classify(service, [cat], labels, "single")[0]
    image = service.encode_images([cat])[0].astype(np.float64)
    texts = np.stack([service.encode_texts([f"a photo of a {x}."])[0] for x in labels])
    cosines = texts.astype(np.float64) @ image
    expected = np.exp(service.logit_scale * cosines)
    expected /= expected.sum()
    got = {one.label: (one.score, one.similarity) for one in answer.results}
    for label, score, cosine in zip(labels, expected, cosines, strict=True):
        assert got[label][0] == pytest.approx(score, abs=1e-4)
        assert got[label][1] == pytest.approx(cosine, abs=1e-5)
    assert sum(one.score for one in answer.results) == pytest.approx(1)
    assert [one.score for one in answer.results] == sorted(
        (one.score for one in answer.results), reverse=True
    )


@pytest.mark.parametrize("independent", [False, True])
def test_classes_are_encoded_once_and_score_as_classify_does(service, cat, independent):
    images = [cat, noise(901)]
    expected = classify(service, images, "猫, 狗", "chinese", independent=independent)
    classes = classes_from_labels(service, "猫, 狗", "chinese")
    features, texts = service.encode_images(images), service.statistics.texts
    assert classify_features(service, features, classes, independent=independent) == expected
    assert service.statistics.texts == texts
    assert classes.names == ("猫", "狗")
    assert classes.weights.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(classes.weights, axis=1), 1, atol=1e-6)
    swapped = Classes(classes.names[::-1], classes.weights)
    other = {"猫": "狗", "狗": "猫"}
    told = classify_features(service, features, swapped, independent=independent)
    assert [[(other[one.label], one.score) for one in answer.results] for answer in told] == [
        [(one.label, one.score) for one in answer.results] for answer in expected
    ]


def test_classes_name_the_labels_that_were_cut(service):
    long = "a very " * 100 + "old cat"
    [cut] = classes_from_labels(service, ["dog", long]).cut
    assert cut.text == long
    assert long.startswith(cut.read)


def test_changing_labels_does_not_encode_the_image_again(service):
    image = noise(900)
    classify(service, [image], "cat, dog")
    before = service.statistics.images
    classify(service, [image], "car, 船")
    assert service.statistics.images == before


@pytest.mark.parametrize("number", [1, 3, 1000])
def test_the_chance_of_none_is_what_the_lead_over_words_that_are_not_near_says(service, number):
    labels = list(label_sets()["imagenet1k"].labels["en"][:number])
    classes = classes_from_labels(service, labels, "single")
    features = service.encode_images([noise(seed) for seed in (901, 902)])
    background = background_for(service, "en")
    expected = []
    for image in features.astype(np.float64):
        cosines = classes.weights @ image
        best = classes.weights[cosines.argmax()]
        words = background.features[background.features @ best < background.near] @ image
        z = 3 * (words - words.mean()) / words.std()
        lead = 3 * (cosines.max() - words.mean()) / words.std() - np.log(np.exp(z).sum())
        expected.append(1 / (1 + np.exp(0.287 * lead - 0.504 * np.log(number) + 2.845)))
    measured = chance_of_none(service, features, classes)
    np.testing.assert_allclose(measured, expected, rtol=1e-3)


def test_a_verdict_is_unsure_between_its_limits_and_where_nothing_can_be_said():
    chances = (0.0, UNSURE_LIMIT, 0.6, CHANCE_LIMIT, 0.71, 1.0, float("nan"))
    said = [verdict(one) for one in chances]
    assert said == ["fits", "fits", "unsure", "unsure", "none", "none", "unsure"]


def test_wrong_labels_are_called_out_and_right_ones_are_not(service, cat):
    assert not classify(service, [cat], "cat, dog, car")[0].none_fits
    assert not classify(service, [cat], "猫，狗，汽车")[0].none_fits
    wrong = classify(service, [cat], "airplane, bridge, piano")[0]
    assert wrong.none_fits
    assert wrong.chance > CHANCE_LIMIT
    assert classify(service, [cat], "飞机，大桥，钢琴")[0].none_fits


def test_one_label_alone_can_be_right_or_wrong(service, cat):
    assert not classify(service, [cat], "cat")[0].none_fits
    assert classify(service, [cat], "airplane")[0].none_fits


def test_independent_scores_do_not_depend_on_the_other_labels(service, cat):
    alone = classify(service, [cat], "airplane", independent=True)[0].results[0].score
    both = classify(service, [cat], "airplane, cat", independent=True)[0].results
    with_cat = next(one.score for one in both if one.label == "airplane")
    assert with_cat == pytest.approx(alone, rel=1e-4)
    assert alone < 0.01 < both[0].score


def test_sigmoid_models_score_with_their_bias(service, cat, monkeypatch):
    monkeypatch.setattr(service, "logit_bias", -10.0)
    answer = classify(service, [cat], "cat, dog", independent=True)[0]
    for one in answer.results:
        expected = 1 / (1 + np.exp(-(service.logit_scale * one.similarity - 10)))
        assert one.score == pytest.approx(expected, rel=1e-3)


def test_background_words_are_aligned():
    assert len(background_words("en")) == len(background_words("zh")) > 500


def test_no_image_or_no_label_is_an_error(service, cat):
    with pytest.raises(ImageError):
        classify(service, None, "cat")
    assert classify(service, [], "cat") == []
    for labels in (" , ", [], None, ["cat", " "], [1, 2], 5, b"cat"):
        with pytest.raises(InputError):
            classify(service, [cat], labels)
        with pytest.raises(InputError):
            match(service, cat, [] if isinstance(labels, str) else labels)
        with pytest.raises(InputError):
            heatmap(service, cat, "cat", contrast=labels or ["cat"])
    for image in (5, ["x.jpg"], [None], object()):
        with pytest.raises(ImageError):
            match(service, image, "cat")
    for text, sentence in (("cat", "cannot be compared with itself"), (" ", "what to look for")):
        with pytest.raises(InputError, match=sentence):
            heatmap(service, cat, text, contrast="cat")
    with pytest.raises(InputError, match=r"must be text, and not int"):
        classify(service, cat, "cat", 5)
    for alpha in (float("nan"), None, "1", 2):
        with pytest.raises(InputError, match="alpha"):
            learn_concept(service, "Rex", [cat], alpha=alpha)
    for name, examples in ((None, [cat]), ("Rex", []), ("Rex", None)):
        with pytest.raises(InputError):
            learn_concept(service, name, examples)
    with pytest.raises(InputError, match="joint must be one of mean, transclip"):
        classify_features(service, None, None, joint="bogus")
    for options in ({"how": "bogus"}, {"threshold": 5}, {"margin": float("nan")}):
        with pytest.raises(InputError):
            sort(service, ROOT / "assets" / "label_sets", "cat", "never", **options)


def test_thousand_labels_show_progress_and_are_computed_once(service, cat):
    seen: list[tuple[int, int]] = []
    labels = [f"thing number {i}" for i in range(1000)]
    classify(
        service, [cat], labels, "none", progress=lambda done, total: seen.append((done, total))
    )
    assert (1000, 1000) in seen
    assert [done for done, total in seen if total == 1000] == sorted(
        done for done, total in seen if total == 1000
    )
    texts = service.statistics.texts
    classify(service, [cat], labels, "none")
    assert service.statistics.texts == texts


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=60).filter(str.strip), min_size=1, max_size=5))
def test_any_labels_get_scores_that_sum_to_one(service, cat, labels):
    answer = classify(service, [cat], list(dict.fromkeys(labels)))[0]
    assert sum(one.score for one in answer.results) == pytest.approx(1)
    assert all(np.isfinite(one.similarity) for one in answer.results)


@pytest.mark.parametrize("label", ["{}", "%s", "{0}", "a" * 10_000, "🐈", "قط", "<script>"])
def test_awkward_labels_are_only_text(service, cat, label):
    results = classify(service, [cat], [label, "airplane"])[0].results
    assert {one.label for one in results} == {label, "airplane"}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("example", load_examples(), ids=lambda one: one.file)
def test_example_photographs_come_out_right(service, example, language):
    image = load_image(EXAMPLES_DIRECTORY / example.file)
    first = classify(service, [image], example.labels[language])[0].results[0].label
    best = match(service, image, example.descriptions[language])[0].text
    # Those that are shown because the starter gets them wrong must be wrong, and say why.
    assert (first == example.right[language]) is not example.fails
    assert (best == example.right_description[language]) is not example.fails
    assert example.right[language] in parse_labels(example.labels[language])
    assert example.right_description[language] in example.descriptions[language].splitlines()
    assert bool(example.why) is example.fails
    assert example.caption[language]


def test_matching_ranks_all_texts_and_cuts_after_scoring(service, cat):
    texts = ["a dog", "a cat", "a red car"]
    ranked = match(service, cat, texts)
    assert ranked[0].text == "a cat"
    assert sum(one.score for one in ranked) == pytest.approx(1)
    cosines = service.encode_texts(texts) @ service.encode_images([cat])[0]
    assert [one.text for one in ranked] == [texts[i] for i in np.argsort(-cosines)]
    assert match(service, cat, texts, top_k=1) == ranked[:1]


def test_matrix_has_a_row_for_each_image(service, cat):
    matrix = match_matrix(service, [cat, noise(1)], "a cat\na picture")
    assert matrix.similarities.shape == matrix.scores.shape == (2, 2)
    np.testing.assert_allclose(matrix.scores.sum(axis=1), 1)
    single = match(service, cat, ["a cat", "a picture"])
    assert matrix.similarities[0].max() == pytest.approx(single[0].similarity, abs=1e-5)


def test_a_photograph_can_be_a_path_bytes_or_a_picture_and_one_has_one_answer(service, cat):
    path = EXAMPLES / "cat.jpg"
    alone = classify(service, path, ["cat", "dog"])
    assert alone.results[0].label == "cat"
    several = classify(service, [path, str(path), path.read_bytes(), cat], ["cat", "dog"])
    assert [one.results[0].score for one in several] == pytest.approx(
        [alone.results[0].score] * 4, abs=1e-3
    )
    ranked = match(service, path, ["a dog", "a cat"])
    assert ranked[0].text == "a cat"
    with pytest.raises(ImageError):
        classify(service, "no-such.jpg", ["cat"])
