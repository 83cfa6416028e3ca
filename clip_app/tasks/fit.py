"""Whether any label fits at all: the labels against words that have nothing to do with them.

A softmax over labels sums to 1 even where none of them is in the picture. So the model is asked
about a background of some 770 everyday words too, and the question becomes: how often would as many
unrelated words reach what the best label reaches, for this very picture? Nothing in this depends
on a model's scale, so one limit serves all models. Background words that mean nearly what a label
means are left out, by the model's own measure of nearness.

`benchmarks/none_of_these.py` measures it on photographs with right and wrong labels.
"""

import numpy as np

from clip_app.model.backgrounds import background_for
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import language_of_texts
from clip_app.scoring import sigmoid, similarities
from clip_app.tasks.classes import Classes

# Labels that unrelated words equal more often than this do not fit. On photographs it is close to
# the share of wrong lists that pass (the benchmark's false accepts), as the statistic promises.
CHANCE_LIMIT = 0.2

# Beyond the best tenth of the background its cosines are taken to thin out exponentially, so that a
# chance smaller than one word in the list can be told (peaks over threshold, Pickands 1975).
_TAIL = 0.1

# With fewer words than this left, nothing is said.
_FEWEST_WORDS = 50


def chance_of_best(
    service: ModelService,
    features: np.ndarray,
    classes: Classes,
    progress: Progress | None = None,
) -> np.ndarray:
    """How often the best of as many unrelated words would do as well as the best label.

    Args:
        service: the model that made the features.
        features: (images, dim), unit rows.
        classes: of the labels.
        progress: called with (done, total) while the background is encoded.

    Returns:
        float64 (images,) in [0, 1]; NaN where the labels are near nearly all background words.
    """
    background = background_for(service, language_of_texts(classes.names), progress)
    unrelated = background.unrelated(classes.weights)
    if unrelated.sum() < _FEWEST_WORDS:
        return np.full(len(features), np.nan)
    best = similarities(features, classes.weights).max(axis=1)
    others = similarities(features, background.features)[:, unrelated]
    start = np.quantile(others, 1 - _TAIL, axis=1)
    excess = np.maximum(others - start[:, None], 0).sum(axis=1) / (others > start[:, None]).sum(1)
    beyond = np.maximum(best - start, 0) / np.maximum(excess, 1e-9)
    counted = (others >= best[:, None]).mean(axis=1)
    one_word = np.where(best > start, _TAIL * np.exp(-beyond), counted)
    # log1p and expm1 keep chances of one in a million from rounding to nothing.
    return -np.expm1(len(classes.names) * np.log1p(-np.minimum(one_word, 1 - 1e-12)))


def share_against_background(
    service: ModelService, features: np.ndarray, classes: Classes
) -> np.ndarray:
    """Each label by itself: its share of a softmax over it and the words unrelated to it.

    Arguments as in `chance_of_best`; returns float64 (images, labels) in [0, 1]: 1 for a label
    that is near every word of the background.
    """
    background = background_for(service, language_of_texts(classes.names))
    near = classes.weights @ background.features.T >= background.near
    own = service.logit_scale * similarities(features, classes.weights).astype(np.float64)
    others = service.logit_scale * similarities(features, background.features)
    rivals = [np.logaddexp.reduce(np.where(near, -np.inf, one), axis=-1) for one in others]
    return sigmoid(own - np.stack(rivals))
