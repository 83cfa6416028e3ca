"""Groups of photographs that are alike, each called by what tells it from the others."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import choose_templates, label_sets
from clip_app.strings import LANGUAGES, Language, text

#: The most groups of a gallery: more names do not fit on a map.
MOST = 24

# Groups of a gallery, by the root of how many photographs it has.
_GROUPS = 0.8

# Places a group that they are learnt from, and photographs that tell how a label spreads.
_LEARN_FROM = 1_000
_SAMPLE = 10_000

# The sets that names are taken from: what is seen, where, what is done, and how it was made.
_SETS = ("everyday", "scenes", "actions", "art_styles")

# By how many standard deviations of the whole gallery a group must be more like a label than all
# photographs are. Of the example gallery's groups those of one subject have 1 to 3; a third of all
# photographs, of every subject, had 0.6.
_CLEAR = 0.7

# A second label that fits nearly as well is named, too.
_SECOND = 0.85

# Places among which the thickest is looked for.
_LOOKED_AT = 1_000


def groups(places: np.ndarray) -> np.ndarray:
    """A group for each place on a map, by k-means: uint8 (n,), 0 for the largest one.

    On the map and not by the vectors themselves: it has drawn together what is alike by then. Of
    the example gallery, these groups share 0.65 of their information with its folders, those of
    the vectors 0.50 (normalised mutual information, ten groups).

    Args:
        places: float32 (n, 2).
    """
    import faiss

    count = len(places)
    wanted = min(MOST, round(_GROUPS * count**0.5))
    if wanted < 2:
        return np.zeros(count, np.uint8)
    means = faiss.Kmeans(
        2,
        wanted,
        niter=20,
        nredo=3,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=_LEARN_FROM,
    )
    means.train(places)
    which = means.index.search(places, 1)[1][:, 0]
    sizes = np.bincount(which, minlength=wanted)
    place = np.empty(wanted, np.uint8)
    place[np.argsort(-sizes, kind="stable")] = np.arange(wanted)
    return np.asarray(place[which])


def names_of(
    service: ModelService,
    vectors: np.ndarray,
    which: np.ndarray,
    progress: Progress | None = None,
) -> list[dict[Language, str]]:
    """What to call each group, in both languages; no two are called the same.

    A label counts by how much more the group is like it than the whole gallery is, in standard
    deviations of the gallery: what all photographs are like tells none from another.

    Args:
        service: the model that made the vectors.
        vectors: float32 (n, dim), rows of length 1.
        which: uint8 (n,), the group of each, as of `groups`.
        progress: called with (done, total) while labels are encoded.

    Raises:
        ModelError: if the device fails.
    """
    number = len(np.unique(which))
    if number < 2:
        return [{one: text("gallery_map_all", one) for one in LANGUAGES}] * number
    labels = _labels()
    read = [one for one in LANGUAGES if service.reads(one)] or LANGUAGES[:1]
    told = np.zeros((len(labels), vectors.shape[1]), np.float32)
    for language in read:
        words = [one[language] for one in labels]
        told += service.encode_labels(words, choose_templates("auto", words), progress)
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)] @ told.T
    means = np.stack([vectors[which == one].mean(0) for one in range(number)])
    lead = (means - vectors.mean(0)) @ told.T / np.maximum(sample.std(0), 1e-6)
    return [_said(found, lead[one, found[0]], labels) for one, found in enumerate(_chosen(lead))]


def thickest(places: np.ndarray, width: float, weights: np.ndarray | None = None) -> np.ndarray:
    """How much each of some places counts around the one where they lie thickest.

    Args:
        places: (n, 2), at least one.
        width: how far places count as near.
        weights: of each, float (n,).

    Returns:
        float64 (n,), in [0, 1]; largest at that place.
    """
    places = places.astype(np.float64)
    step = -(-len(places) // _LOOKED_AT)
    some = places[::step]
    counted = _near(some[:, None], some, width)
    if weights is not None:
        counted = counted * weights[::step]
    return _near(places, some[int(counted.sum(1).argmax())], width)


def _near(places: np.ndarray, others: np.ndarray, width: float) -> np.ndarray:
    return np.asarray(np.exp(-((places - others) ** 2).sum(-1) / (2 * width**2)))


@cache
def _labels() -> list[dict[Language, str]]:
    """The labels that names are made of, none twice in any language."""
    found: list[dict[Language, str]] = []
    for key in _SETS:
        labels = label_sets()[key].labels
        for pair in zip(*(labels[one] for one in LANGUAGES), strict=True):
            one = dict(zip(LANGUAGES, pair, strict=True))
            if not any(one[language] == other[language] for other in found for language in one):
                found.append(one)
    return found


def _chosen(lead: np.ndarray) -> list[list[int]]:
    """One or two labels of each group, the clearest first; each label for one group only."""
    chosen: list[list[int]] = [[] for _ in lead]
    free = np.ones(lead.shape[1], bool)
    order = np.argsort(-lead, axis=None, kind="stable")
    pairs = [divmod(one, lead.shape[1]) for one in order.tolist()]
    for seconds in (False, True):
        for group, label in pairs:
            there = chosen[group]
            wanted = len(there) == 1 if seconds else not there
            if wanted and free[label]:
                best = lead[group, there[0]] if seconds else 0
                if not seconds or (best >= _CLEAR and lead[group, label] >= _SECOND * best):
                    there.append(label)
                    free[label] = False
    return chosen


def _said(
    found: Sequence[int], best: float, labels: Sequence[dict[Language, str]]
) -> dict[Language, str]:
    said: dict[Language, str] = {}
    for language in LANGUAGES:
        between = text("gallery_map_and", language)
        name = between.join(labels[one][language] for one in found)
        said[language] = name if best >= _CLEAR else text("gallery_map_mixed", language, name=name)
    return said
