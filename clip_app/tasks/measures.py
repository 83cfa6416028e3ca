"""What an evaluation counts: shares with intervals, calibration, lists with the right label."""

import math
from dataclasses import dataclass

import numpy as np

from clip_app.scoring import softmax_scores

# Two-sided 95 %.
_Z = 1.959963984540054

# Bins of equal width over [0, 1], as Guo et al. 2017 count.
_BINS = 15

# How often a list is to hold the right label.
_WANTED = 0.9

# Temperatures that are tried: e^±4 is far beyond what any model asks for.
_WIDEST = 4.0
_STEPS = 60


@dataclass(frozen=True)
class Share:
    """A share of photographs with its 95 % interval (Wilson 1927), all in [0, 1].

    Attributes:
        value: the share; NaN of no photographs.
        low, high: where the share of many such photographs lies, 19 times in 20.
        of: how many photographs it is of.
    """

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True)
class Calibration:
    """How far scores are what they say, told on one half of the photographs.

    Attributes:
        before, after: expected calibration error as scored, and with the temperature, in [0, 1].
        temperature: what logits are divided by, fitted on the other half.
        photos: how many it was told on.
    """

    before: float
    after: float
    temperature: float
    photos: int


@dataclass(frozen=True)
class Conformal:
    """Lists that hold the right label as often as is wanted of them.

    Split conformal prediction with the least ambiguous lists (LAC: Sadinle, Lei & Wasserman 2019):
    one half of the photographs says how low the right label may score. The other half tells.

    Attributes:
        wanted: how often the right label is to be in the list, in [0, 1].
        threshold: the softmax score from which on a label is in it; the best one always is.
        coverage: how often the right label was in the list, on the half that tells.
        size: labels in a list, in the mean over that half.
    """

    wanted: float
    threshold: float
    coverage: Share
    size: float


def share(right: np.ndarray) -> Share:
    """The share of True in bool (n,)."""
    number = len(right)
    if not number:
        return Share(math.nan, 0.0, 1.0, 0)
    value = float(right.mean())
    spread = _Z**2 / number
    centre = (value + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(value * (1 - value) / number + spread / (4 * number))
    return Share(value, max(0.0, centre - half), min(1.0, centre + half), number)


def halves(right: np.ndarray) -> np.ndarray:
    """Which photographs choose, bool (n,), the others tell: every class is in both halves.

    Args:
        right: int (n,), the class of each.
    """
    order = np.random.default_rng(0).permutation(len(right))
    order = order[np.argsort(right[order], kind="stable")]
    chosen = np.zeros(len(right), bool)
    chosen[order[::2]] = True
    return chosen


def calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: how far from its score the best label is right, in [0, 1].

    Args:
        scores: float (n, classes), rows sum to 1.
        right: int (n,), the class of each.
    """
    confidence = scores.max(axis=1)
    correct = scores.argmax(axis=1) == right
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, correct - confidence, _BINS)
    return float(np.abs(gaps).sum() / max(1, len(right)))


def calibrated(cosines: np.ndarray, logit_scale: float, right: np.ndarray) -> Calibration:
    """One temperature fitted on one half by likelihood; the error of the other, before and after.

    Args:
        cosines: float32 (n, classes), at least two photographs.
        logit_scale: of the model.
        right: int (n,), the class of each.
    """
    fit = halves(right)
    low, high = -_WIDEST, _WIDEST
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(_STEPS):  # the likelihood has one top over the temperature
        near, far = high - golden * (high - low), low + golden * (high - low)
        if _surprise(cosines[fit], logit_scale / math.exp(near), right[fit]) < _surprise(
            cosines[fit], logit_scale / math.exp(far), right[fit]
        ):
            high = far
        else:
            low = near
    temperature = math.exp((low + high) / 2)
    told, truth = cosines[~fit], right[~fit]
    return Calibration(
        calibration_error(softmax_scores(told, logit_scale), truth),
        calibration_error(softmax_scores(told, logit_scale / temperature), truth),
        temperature,
        len(truth),
    )


def conformal(scores: np.ndarray, right: np.ndarray) -> Conformal:
    """The threshold of one half of the photographs, and what its lists are worth on the other.

    Args:
        scores: float (n, classes), rows sum to 1; at least 20 photographs.
        right: int (n,), the class of each.
    """
    choosing = halves(right)
    own = np.sort(np.take_along_axis(scores, right[:, None], axis=1)[choosing, 0])
    # Of n + 1, for the photograph to come is one more; 0.9 is no binary fraction.
    kept = math.ceil((len(own) + 1) * _WANTED - 1e-9)
    threshold = float(own[len(own) - kept])
    lists = listed(scores[~choosing], threshold)
    truth = right[~choosing]
    covered = np.take_along_axis(lists, truth[:, None], axis=1)[:, 0]
    return Conformal(_WANTED, threshold, share(covered), float(lists.sum(axis=1).mean()))


def listed(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Which labels are in the list of each photograph, bool (n, classes): see `Conformal`."""
    return (scores >= threshold) | (scores == scores.max(axis=1, keepdims=True))


def _surprise(cosines: np.ndarray, scale: float, right: np.ndarray) -> float:
    logits = scale * cosines.astype(np.float64)
    own = np.take_along_axis(logits, right[:, None], axis=1)[:, 0]
    return float((np.logaddexp.reduce(logits, axis=1) - own).mean())
