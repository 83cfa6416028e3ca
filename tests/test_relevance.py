"""The cut below which results do not fit, on the starter model and with numbers made by hand."""

import numpy as np
import pytest
from PIL import Image

from clip_app.gallery.relevance import (
    CHANCE_LIMIT,
    LINE_LIMIT,
    Term,
    calibrate,
    chances,
    fits,
    unrelated_queries,
)
from clip_app.model.backgrounds import Background, background_for
from clip_app.model.service import ModelService
from clip_app.strings import Language
from tests.conftest import EXAMPLES, noise

TEMPLATES: dict[Language, str] = {"en": "a photo of a {}.", "zh": "一张{}的照片。"}


@pytest.fixture(scope="module")
def gallery(service: ModelService) -> dict[str, np.ndarray]:
    pictures = {path.stem: Image.open(path).convert("RGB") for path in EXAMPLES.glob("*.jpg")}
    pictures |= {f"noise {seed}": noise(seed) for seed in range(60)}
    features = service.encode_images(list(pictures.values()))
    return dict(zip(pictures, features, strict=True))


def text(service: ModelService, words: str, language: Language, weight: float = 1.0) -> Term:
    features = service.encode_labels([words], (TEMPLATES[language],))[0]
    return Term(features, weight, background_for(service, language))


def found(gallery: dict[str, np.ndarray], *terms: Term) -> list[str]:
    """Names of all that fits, best first."""
    vectors = np.stack(list(gallery.values()))
    calibration = calibrate(vectors)
    query = np.sum([term.weight * term.features for term in terms], axis=0)
    order = np.argsort(-(vectors @ query))
    verdict = fits(calibration, query, unrelated_queries(calibration, terms), vectors[order])
    return [list(gallery)[index] for index in order[verdict]]


def made_up(seed: int, rows: int, dim: int = 32) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("language", "words", "name"),
    [
        ("en", "rocket launch", "rocket"),
        ("zh", "火箭发射", "rocket"),
        ("en", "cat", "cat"),
        ("zh", "猫", "cat"),
        ("en", "cup of coffee", "coffee"),
        ("zh", "一杯咖啡", "coffee"),
    ],
)
def test_what_is_there_is_found_and_what_was_taken_out_is_not(
    service: ModelService,
    gallery: dict[str, np.ndarray],
    language: Language,
    words: str,
    name: str,
) -> None:
    query = text(service, words, language)
    assert found(gallery, query)[0] == name
    rest = {key: vector for key, vector in gallery.items() if key != name}
    assert found(rest, query) == []


def test_chance_is_the_tail_of_the_unrelated_queries_times_the_luck_of_many() -> None:
    photographs, unrelated = made_up(1, 300), made_up(2, 200)
    query, hits = photographs[7], photographs[:12]
    calibration = calibrate(photographs)
    middle = 0.5 * photographs.mean(axis=0)

    def tail(photograph: np.ndarray) -> tuple[float, float]:
        ranked = sorted((float((photograph - middle) @ one) for one in unrelated), reverse=True)
        return ranked[20], sum(ranked[:20]) / 20 - ranked[20]

    typical = np.mean([tail(one)[1] for one in calibration.sample[:64]])
    expected = []
    for hit in hits:
        start, excess = tail(hit)
        beyond = (float((hit - middle) @ query) - start) / (excess * typical) ** 0.5
        once = 0.1 * np.exp(-beyond) if beyond > 0 else 1.0
        expected.append(1 - (1 - once) ** (300**0.6))
    measured = chances(calibration, query, unrelated, hits)
    np.testing.assert_allclose(measured, expected, rtol=2e-3, atol=1e-12)
    assert measured[7] < CHANCE_LIMIT < measured[0]
    assert fits(calibration, query, unrelated, hits).tolist() == [k == 7 for k in range(12)]


def test_a_result_must_be_rarer_the_more_photographs_were_searched() -> None:
    photographs, unrelated = made_up(1, 300), made_up(2, 200)
    by_size = [
        chances(calibrate(photographs, size), photographs[7], unrelated, photographs[7:8])[0]
        for size in (300, 3_000, 30_000, 1_000_000)
    ]
    assert by_size == sorted(by_size)
    assert by_size[0] < by_size[-1]


def test_a_closer_photograph_fits_better() -> None:
    photographs, unrelated = made_up(1, 300), made_up(2, 200)
    calibration = calibrate(photographs)
    measured = [
        chances(calibration, closeness * photographs[7], unrelated, photographs[7:8])[0]
        for closeness in (0.2, 0.6, 1.0, 1.4)
    ]
    assert measured == sorted(measured, reverse=True)
    assert measured[0] > measured[-1]


def test_the_length_of_query_and_features_does_not_matter() -> None:
    photographs, words = made_up(1, 300), made_up(2, 200)
    calibration, background = calibrate(photographs), Background(words, 0.9)
    results = []
    for weight in (0.1, 1.0, 7.0):
        terms = [Term(photographs[7], weight, background)]
        query = weight * photographs[7]
        unrelated = unrelated_queries(calibration, terms)
        results.append(chances(calibration, query, unrelated, photographs[:20]))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-3)
    np.testing.assert_allclose(results[2], results[1], rtol=1e-3)


def test_words_near_the_query_and_photographs_like_the_image_are_no_unrelated_ones() -> None:
    photographs, words = made_up(1, 300), made_up(2, 200)
    calibration = calibrate(photographs)
    cosines = words @ words[3]
    near = float(np.sort(cosines)[-6])
    left = unrelated_queries(calibration, [Term(words[3], 1.0, Background(words, near))])
    assert len(left) == 194
    assert (left @ words[3]).max() < near
    image = unrelated_queries(calibration, [Term(photographs[7], 1.0, None)])
    assert len(image) == 210
    assert (image @ photographs[7]).max() <= np.sort(photographs @ photographs[7])[209] + 1e-6


def test_a_query_of_several_terms_is_replaced_term_by_term() -> None:
    photographs, words = made_up(1, 300), made_up(2, 200)
    terms = [
        Term(made_up(3, 1)[0], 2.0, Background(words, 1.1)),
        Term(photographs[7], -0.5, None),
    ]
    both = unrelated_queries(calibrate(photographs), terms)
    assert both.shape == (210, 32)
    parts = (both[0] - 2 * words) / -0.5
    assert min(np.abs(part - photographs).max(axis=1).min() for part in parts) < 1e-5


def test_an_image_finds_itself_and_words_with_a_subtraction_still_find(
    service: ModelService, gallery: dict[str, np.ndarray]
) -> None:
    assert found(gallery, Term(gallery["cat"], 1.0, None))[0] == "cat"
    query = text(service, "cat", "en"), text(service, "car", "en", -0.5)
    assert found(gallery, *query)[0] == "cat"


def test_where_nothing_can_be_said_everything_passes() -> None:
    photographs, words = made_up(1, 300), made_up(2, 200)
    calibration, query = calibrate(photographs), photographs[7]
    only_unwanted = unrelated_queries(calibration, [Term(query, -1.0, Background(words, 0.9))])
    few_words = unrelated_queries(calibration, [Term(query, 1.0, Background(words[:49], 0.9))])
    few_photographs = unrelated_queries(calibrate(photographs[:20]), [Term(query, 1.0, None)])
    for unrelated in (only_unwanted, few_words, few_photographs):
        assert unrelated.shape == (0, 32)
        assert np.isnan(chances(calibration, query, unrelated, photographs[:3])).all()
        assert fits(calibration, query, unrelated, photographs[:3]).all()


def test_no_results_one_photograph_and_broken_vectors() -> None:
    photographs, unrelated = made_up(1, 300), made_up(2, 200)
    calibration, query = calibrate(photographs), photographs[7]
    assert fits(calibration, query, unrelated, photographs[:0]).shape == (0,)
    assert calibrate(photographs[:0]).size == 0
    alone = calibrate(photographs[7:8])
    assert fits(alone, query, unrelated, photographs[7:8]).tolist() == [True]
    assert fits(alone, -query, unrelated, photographs[7:8]).tolist() == [False]
    broken = np.stack([photographs[7], np.full(32, np.nan, np.float32)])
    measured = chances(calibration, query, unrelated, broken)
    assert measured[0] < CHANCE_LIMIT
    assert np.isnan(measured[1])


def test_where_one_result_fits_the_line_is_drawn_among_likelier_ones() -> None:
    photographs, unrelated = made_up(1, 300), made_up(2, 200)
    calibration, query = calibrate(photographs), photographs[7]
    ranking = photographs[np.argsort(-(photographs @ query))]
    told = chances(calibration, query, unrelated, ranking)
    fit = fits(calibration, query, unrelated, ranking)
    np.testing.assert_array_equal(fit, told <= LINE_LIMIT)
    assert 1 == (told <= CHANCE_LIMIT).sum() <= fit.sum()
    later = fits(calibration, query, unrelated, ranking[1:], found=True)
    np.testing.assert_array_equal(later, fit[1:])
    assert not fits(calibration, query, unrelated, ranking[1:]).any()
