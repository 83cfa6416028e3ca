"""Naming photographs together: against a computation in plain loops, and by what it lowers."""

import itertools
import math

import numpy as np
import pytest

from clip_app.errors import InputError
from clip_app.images import load_image
from clip_app.scoring import softmax_scores, unit
from clip_app.tasks.classes import classes_from_labels
from clip_app.tasks.classify import classify_features
from clip_app.tasks.joint import transclip_scores
from tests.conftest import EXAMPLES

LABELS = ("cat", "mountain", "bicycle", "person")


@pytest.fixture(scope="module")
def batch(service) -> tuple[np.ndarray, np.ndarray]:
    """Features and scores of parts of the examples, so that some are alike."""
    parts = []
    for path in sorted(EXAMPLES.glob("*.jpg")):
        image = load_image(path, target_side=448)
        width, height = image.size
        for left, top in ((0, 0), (0.2, 0.1), (0.1, 0.2)):
            corner = (left * width, top * height, 0.8 * width + left, 0.8 * height + top)
            parts.append(image.crop(tuple(map(int, corner))))
    features = service.encode_images(parts)
    words = classes_from_labels(service, LABELS).weights
    return features, softmax_scores(features @ words.T, service.logit_scale)


def neighbours(features: np.ndarray) -> list[list[tuple[int, float]]]:
    """Of each photograph, those it counts as alike and how much, in both directions."""
    x = features.astype(np.float64)
    found: list[list[tuple[int, float]]] = [[] for _ in x]
    for i in range(len(x)):
        others = [(float(x[i] @ x[j]), j) for j in range(len(x)) if j != i]
        for cosine, j in sorted(others, reverse=True)[:3]:
            found[i].append((j, cosine / 6))
            found[j].append((i, cosine / 6))
    return found


def fitted(x: np.ndarray, names: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Means of the classes and the variance of each dimension."""
    means = []
    for k in range(names.shape[1]):
        weighed = sum(names[i, k] * x[i] for i in range(len(x)))
        means.append(weighed / sum(names[i, k] for i in range(len(x))))
    variance = np.zeros(x.shape[1])
    for i in range(len(x)):
        for k, mean in enumerate(means):
            variance += names[i, k] * (x[i] - mean) ** 2 / len(x)
    return means, np.maximum(variance, 1e-6)


def by_loops(features: np.ndarray, scores: np.ndarray, rounds: int) -> np.ndarray:
    """TransCLIP without labelled photographs, as its paper has it, a number at a time."""
    x, alike = features.astype(np.float64), neighbours(features)
    count, classes = scores.shape
    means = []
    for k in range(classes):
        surest = sorted(range(count), key=lambda i, k=k: -scores[i, k])[:8]
        mean = sum(scores[i, k] * x[i] for i in surest)
        means.append(mean / math.sqrt(mean @ mean))
    variance = np.full(x.shape[1], 1 / x.shape[1])
    names = scores.copy()
    for number in range(rounds + 1):
        if number:
            means, variance = fitted(x, names)
        for _ in range(5):
            fresh = np.empty_like(names)
            for i in range(count):
                near = sum((weight * names[j] for j, weight in alike[i]), np.zeros(classes))
                for k in range(classes):
                    distance = float(((x[i] - means[k]) ** 2 / variance).sum())
                    fresh[i, k] = scores[i, k] * math.exp(near[k] - distance / 100)
                fresh[i] /= fresh[i].sum()
            names = fresh
    return names


def objective(features: np.ndarray, scores: np.ndarray, names: np.ndarray) -> float:
    """What is lowered, with the Gaussians that fit the names best."""
    x, alike = features.astype(np.float64), neighbours(features)
    means, variance = fitted(x, names)
    total = 0.0
    for i in range(len(x)):
        for k, mean in enumerate(means):
            if names[i, k] > 0:
                total += names[i, k] * math.log(names[i, k] / scores[i, k])
            total += names[i, k] * float(((x[i] - mean) ** 2 / variance).sum()) / 100
        total += float(np.log(variance).sum()) / 100
        total -= sum(weight * float(names[i] @ names[j]) for j, weight in alike[i]) / 2
    return total


def test_the_scores_are_those_of_plain_loops_and_lower_what_they_should(batch):
    features, scores = batch
    values = []
    for rounds in (0, 1, 2, 5, 10):
        names = transclip_scores(features, scores, rounds=rounds)
        np.testing.assert_allclose(names.sum(axis=1), 1, atol=1e-9)
        if rounds in (0, 10):
            np.testing.assert_allclose(names, by_loops(features, scores, rounds), atol=1e-6)
        values.append(objective(features, scores, names))
    assert values[-1] < values[0]
    assert all(later <= before + 1e-9 for before, later in itertools.pairwise(values))


def test_a_photograph_alone_and_copies_of_one_are_named_too(batch):
    features, scores = batch
    alone = transclip_scores(features[:1], scores[:1])
    assert alone.shape == (1, len(LABELS))
    assert alone.argmax() == scores[0].argmax()
    same = transclip_scores(np.repeat(features[:1], 5, axis=0), np.repeat(scores[:1], 5, axis=0))
    np.testing.assert_allclose(same, np.repeat(same[:1], 5, axis=0), atol=1e-3)
    assert np.isfinite(same).all()


def test_a_blurred_photograph_takes_the_name_of_those_like_it():
    """Two heaps; one photograph lies in the second, and words take it for the first by a hair."""
    rng = np.random.default_rng(0)
    heaps = np.repeat(np.eye(2, 16), 12, axis=0) + 0.05 * rng.normal(size=(24, 16))
    scores = np.repeat([[0.9, 0.1], [0.1, 0.9]], 12, axis=0)
    scores[-1] = (0.55, 0.45)
    names = transclip_scores(unit(heaps), scores)
    assert names.argmax(axis=1).tolist() == [0] * 12 + [1] * 12


def test_classify_ranks_by_the_scores_of_all_and_judges_each_alone(service, batch):
    features, scores = batch
    classes = classes_from_labels(service, LABELS)
    plain = classify_features(service, features, classes)
    found = classify_features(service, features, classes, joint="transclip")
    for row, one, before in zip(transclip_scores(features, scores), found, plain, strict=True):
        told = {result.label: result.score for result in one.results}
        np.testing.assert_allclose([told[name] for name in LABELS], row, atol=1e-5)
        assert one.results[0].label == LABELS[row.argmax()]
        assert one.chance == before.chance
    with pytest.raises(InputError, match="share 100 %"):
        classify_features(service, features, classes, independent=True, joint="transclip")
