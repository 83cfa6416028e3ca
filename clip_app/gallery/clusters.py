"""Groups of photographs that are alike, each called by what tells it from the others."""

from functools import cache

import numpy as np

from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import choose_templates, label_sets
from clip_app.strings import LANGUAGES, Language, text
from clip_app.text_lists import split_labels

#: The most groups of a gallery: more names do not fit on a map.
MOST = 24

# Groups of a gallery, by the root of how many photographs it has.
_GROUPS = 0.8

# Places a group that they are learnt from, and photographs that tell how a label spreads.
_LEARN_FROM = 1_000
_SAMPLE = 10_000

# The sets that names are taken from, besides kinds of things, which are none of them: what is seen,
# where, and how it was made. What is done is in few photographs what they are alike in, and that it
# is a photograph tells none from another.
_SETS = ("everyday", "scenes", "art_styles")
_TELLS_NOTHING = "photograph"

# A group is called by a label that is among this share of them that fit best, for at least this
# share of its photographs. Of 360 random groups 2 had such a label. Of 264 groups of three
# collections that nothing was chosen on half had one, and 55 % of these were true of two
# photographs in five or more; of the labels that groups lead in by most, which all have, 13 %.
_BEST = 0.03
_AGREE = 0.5

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

    A label counts by how much more it fits a photograph than other photographs of the gallery, and
    than other labels, both in standard deviations: the first alone takes what fits badly
    everywhere, the second what all are like. A group that no label plainly fits has a number.

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
    step = max(1, len(vectors) // _SAMPLE)
    which, cosines = which[::step], vectors[::step] @ told.T
    fit = _standard(cosines, 0) + _standard(cosines, 1)
    best = max(1, round(_BEST * len(labels)))
    among = np.zeros_like(fit)
    np.put_along_axis(among, np.argpartition(-fit, best, axis=1)[:, :best], 1, axis=1)
    means, agree = (
        np.stack([rows[which == one].sum(0) for one in range(number)])
        / np.maximum(np.bincount(which, minlength=number), 1)[:, None]
        for rows in (fit, among)
    )
    chosen = _chosen(np.where(agree >= _AGREE, means, -np.inf))
    return [
        dict(labels[chosen[one]]) if one in chosen else _numbered(one + 1) for one in range(number)
    ]


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
    kinds = {one: tuple(split_labels(text("gallery_map_kinds", one))) for one in LANGUAGES}
    for labels in (*(label_sets()[key].labels for key in _SETS), kinds):
        for pair in zip(*(labels[one] for one in LANGUAGES), strict=True):
            one = dict(zip(LANGUAGES, pair, strict=True))
            known = any(one[language] == other[language] for other in found for language in one)
            if not known and one["en"] != _TELLS_NOTHING:
                found.append(one)
    return found


def _standard(cosines: np.ndarray, axis: int) -> np.ndarray:
    """In standard deviations along an axis."""
    spread = np.maximum(cosines.std(axis, keepdims=True), 1e-6)
    return np.asarray((cosines - cosines.mean(axis, keepdims=True)) / spread)


def _chosen(fit: np.ndarray) -> dict[int, int]:
    """The label of each group that has one, the clearest first; each label for one group only.

    Args:
        fit: float (groups, labels); -inf where a label will not do.
    """
    chosen: dict[int, int] = {}
    for one in np.argsort(-fit, axis=None, kind="stable")[: np.isfinite(fit).sum()].tolist():
        group, label = divmod(one, fit.shape[1])
        if group not in chosen and label not in chosen.values():
            chosen[group] = label
    return chosen


def _numbered(number: int) -> dict[Language, str]:
    return {one: text("gallery_map_group", one, number=number) for one in LANGUAGES}
