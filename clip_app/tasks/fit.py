"""Whether any label fits at all: the labels against words that have nothing to do with them.

A softmax over labels sums to 1 even where none of them is in the picture. So the model is asked
about a background of some 770 everyday words too: a photograph of something else is like one of
those instead. How far the best label is ahead of the words that are not near it, in units of what
those words differ by on this very photograph, becomes the chance that none of the labels is right.
Nothing in this depends on a model's scale, so one rule serves all models, and as only words near
the best label are left out, it serves a thousand labels as well as three.

`benchmarks/none_of_these.py` measures it on photographs with right and wrong labels.
"""

from typing import Literal

import numpy as np

from clip_app.model.backgrounds import Background, background_for
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import language_of_texts
from clip_app.scoring import sigmoid, similarities
from clip_app.tasks.classes import Classes

Verdict = Literal["fits", "unsure", "none"]

# Above this chance none of the labels fits; above the other one it is unsure whether any does. Over
# eight choosing sets and lists of 3 and 10 labels, 13 % of the lists of wrong labels then fit and
# 71 % are none, and of lists with the right one 12 % are none. Between the two lie photographs of
# fields that the model knows little of.
CHANCE_LIMIT = 0.7
UNSURE_LIMIT = 0.5

# The words' differences count as a softmax does whose logits vary by this much: of 2, 3, 4 and 6
# it told right lists from wrong ones best by a hair, the best word alone or all alike worse.
_SHARPNESS = 3.0

# The chance is a logistic function of the lead and of how many labels had a try, fitted by maximum
# likelihood on nine sets with as many wrong lists as right ones, of 1 to 300 labels.
_PER_LEAD, _PER_LOG_LABEL, _CONSTANT = 0.287, -0.504, 2.845

# With fewer words than this left, nothing is said.
_FEWEST_WORDS = 50

# Photographs at once, so that 10,000 against 770 words need no gigabyte.
_ROWS = 256


def chance_of_none(
    service: ModelService,
    features: np.ndarray,
    classes: Classes,
    progress: Progress | None = None,
) -> np.ndarray:
    """How likely it is that none of the labels is right, where one is in half of the cases.

    Args:
        service: the model that made the features.
        features: (images, dim), unit rows.
        classes: of the labels.
        progress: called with (done, total) while the background is encoded.

    Returns:
        float64 (images,) in [0, 1]; NaN where the best label is near nearly all background words.
    """
    background = background_for(service, language_of_texts(classes.names), progress)
    parts = [
        _lead(features[first : first + _ROWS], classes.weights, background)
        for first in range(0, len(features), _ROWS)
    ]
    lead = np.concatenate(parts) if parts else np.empty(0)
    labels = _PER_LOG_LABEL * np.log(len(classes.names))
    return sigmoid(-(_PER_LEAD * lead + labels + _CONSTANT))


def verdict(chance: float) -> Verdict:
    """What a chance of none says: `unsure` too where it is NaN."""
    if chance > CHANCE_LIMIT:
        return "none"
    return "fits" if chance <= UNSURE_LIMIT else "unsure"


def _lead(features: np.ndarray, weights: np.ndarray, background: Background) -> np.ndarray:
    """The best label's log-odds against a softmax over the words not near it: float64 (images,)."""
    cosines = similarities(features, weights)
    best = cosines.argmax(axis=1)
    words = similarities(features, background.features).astype(np.float64)
    far = similarities(weights[best], background.features) < background.near
    number = far.sum(axis=1)
    counted = np.maximum(number, 1)
    middle = np.where(far, words, 0).sum(axis=1) / counted
    apart = words - middle[:, None]
    spread = np.sqrt(np.where(far, apart**2, 0).sum(axis=1) / counted)
    sharpness = (_SHARPNESS / np.maximum(spread, 1e-9))[:, None]
    rivals = np.logaddexp.reduce(np.where(far, sharpness * apart, -np.inf), axis=1)
    own = sharpness[:, 0] * (cosines.max(axis=1) - middle)
    with np.errstate(invalid="ignore"):
        return np.where(number < _FEWEST_WORDS, np.nan, own - rivals)


def share_against_background(
    service: ModelService, features: np.ndarray, classes: Classes
) -> np.ndarray:
    """Each label by itself: its share of a softmax over it and the words unrelated to it.

    Arguments as in `chance_of_none`; returns float64 (images, labels) in [0, 1]: 1 for a label
    that is near every word of the background.
    """
    background = background_for(service, language_of_texts(classes.names))
    near = classes.weights @ background.features.T >= background.near
    own = service.logit_scale * similarities(features, classes.weights).astype(np.float64)
    others = service.logit_scale * similarities(features, background.features)
    rivals = [np.logaddexp.reduce(np.where(near, -np.inf, one), axis=-1) for one in others]
    return sigmoid(own - np.stack(rivals))
