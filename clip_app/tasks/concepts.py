"""Classes taught by example: what a person's own photographs add to a class's words.

A class with examples is unit((1 − α) · text + α · unit(mean of their features)); α = 0.7 served
best for any number of examples. Counter-examples push the mean away from theirs, by half of the
difference (Rocchio 1971): what both kinds share, such as light and place, stays as it is.

Photographs are more alike than a photograph and a word. Where other classes of a list are words
only, what all photographs share is taken from the examples, and α is halved, see `beside_words`.
"""

import io
import os
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from cachetools import LRUCache, cached
from PIL import Image

from clip_app.errors import InputError, Reason
from clip_app.images import thumbnail
from clip_app.model.service import ModelService
from clip_app.photos import EncodedPhoto, Source, encode_files
from clip_app.scoring import similarities, unit
from clip_app.settings import ASSETS

#: Share of the examples in a class, the rest is its words.
ALPHA = 0.7

# How far counter-examples push: this share of the difference between both means.
_AWAY = 0.5

# Share of α in a list where other classes are words only. With it and without the mean photograph,
# one class of 19 that was taught draws 5 % of the photographs of the others to it, in place of 22;
# of 8 easy ones 15 %, in place of 45. What lies between 0.4 and 0.7 of α does about as well.
_BESIDE_WORDS = 0.5

# The same in a search. On the example photographs (benchmarks/taught_search.py), average precision
# of "@X" by one example is 0.62 instead of the 0.54 of all of α with the mean photograph in it, and
# 0.42 instead of 0.46 where the name says nothing ("Rex"); of "@X + word" 0.46 instead of 0.41, and
# 0.37 instead of 0.36. Half of α would do best by names that say what it is (0.66), badly by others
# (0.35).
_IN_SEARCH = 0.7

# One in so many pictures of the example gallery makes the mean photograph; more change nothing.
_MEAN_OF_EACH = 12

# Texts with an @ that nothing bears: of so many a sentence each is said.
_UNTAUGHT_TOLD = 3

LONGEST_NAME = 100
MOST_THUMBNAILS = 20
THUMBNAIL_SIDE = 96

#: What stands before the name of a concept among labels and in a query; the second is full width.
MARKS = ("@", "＠")


@dataclass(frozen=True)
class Concept:
    """Something that a model has been shown, by its name.

    Attributes:
        name: as `concept_name` cleans it; its words too.
        fingerprint, model: of the model that made the vectors; others cannot use them.
        mean: float32 (embedding_size,), length 1: the mean of the examples' features.
        examples: how many there were.
        alpha: share of the examples, in [0, 1].
        away: float32 (embedding_size,), length 1: the mean of the counter-examples' features; None
            without any.
        counter_examples: how many there were.
        thumbnails: WebP files of the first examples, at most 20, 96 pixels long.
        features: float32 (n, embedding_size), rows of length 1: of the examples, if they are no
            more than 20, by which `classes.examples_gain` tells what they do; else no rows.
    """

    name: str
    fingerprint: str
    model: str
    mean: np.ndarray
    examples: int
    alpha: float = ALPHA
    away: np.ndarray | None = None
    counter_examples: int = 0
    thumbnails: tuple[bytes, ...] = ()
    features: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))

    @property
    def direction(self) -> np.ndarray:
        """What the photographs say, float32 (embedding_size,), length 1."""
        if self.away is None:
            return self.mean
        return unit(self.mean + np.float32(_AWAY) * (self.mean - self.away))

    def mixed(self, words: np.ndarray, common: np.ndarray | None = None) -> np.ndarray:
        """The class's row: float32 (embedding_size,), length 1, from its words'; see `mixed`."""
        return mixed(words, self.direction, self.alpha, common)


@dataclass(frozen=True)
class Gain:
    """What examples do for photographs that were left out, one at a time.

    Attributes:
        before, after: share of them that the words alone and the words with the other examples
            name rightly, in [0, 1].
        photos: how many that are.
    """

    before: float
    after: float
    photos: int


def mixed(
    words: np.ndarray,
    shown: np.ndarray,
    alpha: float,
    common: np.ndarray | None = None,
    share: float = _BESIDE_WORDS,
) -> np.ndarray:
    """unit((1 − α) · words + α · shown), float32, of rows of length 1.

    With `common`, the mean photograph, for a list where other classes are words only:
    unit((1 − share · α) · words + share · α · unit(shown − common)).
    """
    alpha = share_of(alpha, common, share)
    if common is not None:
        shown = unit(shown - common)
    return unit(np.float32(1 - alpha) * words + np.float32(alpha) * shown)


def share_of(alpha: float, common: np.ndarray | None, share: float = _BESIDE_WORDS) -> float:
    """How much the examples count in `mixed`, in [0, 1]."""
    return alpha if common is None else share * alpha


def beside_words(service: ModelService, taught: int, classes: int) -> np.ndarray | None:
    """What `mixed` takes from examples where `taught` of the `classes` have some.

    Returns:
        float32 (embedding_size,), the mean of the features of photographs of many kinds; None
        where all classes have examples, or none has.

    Raises:
        ModelError: if the device fails.
    """
    return _mean_photograph(service) if 0 < taught < classes else None


def sought(service: ModelService, concept: Concept, words: np.ndarray) -> np.ndarray:
    """What a gallery is searched by for a concept, float32 (embedding_size,), length 1.

    Examples count for less than among classes, and without what all photographs share: a search
    tells what fits from other photographs, by whatever else it asks for.

    Args:
        service: the model that was taught.
        concept: what is looked for.
        words: float32 (embedding_size,), length 1: its name as it is searched by.

    Raises:
        ModelError: if the device fails.
    """
    return mixed(words, concept.direction, concept.alpha, _mean_photograph(service), _IN_SEARCH)


@cached(LRUCache(8), key=lambda service: service.info.fingerprint, lock=threading.Lock())
def _mean_photograph(service: ModelService) -> np.ndarray:
    gallery = sorted(one for one in (ASSETS / "gallery" / "examples").rglob("*") if one.is_file())
    mean: np.ndarray = _rows(_encoded(service, gallery[::_MEAN_OF_EACH])).mean(axis=0)
    return mean


def concept_name(typed: str) -> str:
    """A name as it is kept: composed characters, single spaces, without a leading @.

    Raises:
        InputError: if nothing is left, it is too long, or holds what separates labels.
    """
    name = unmarked(" ".join(unicodedata.normalize("NFC", typed).split()))
    # Control characters and halves of characters; joiners stay, emoji are written with them.
    if not name or any(unicodedata.category(one) in ("Cc", "Cs") for one in name):
        raise InputError("concept_name_missing")
    if len(name) > LONGEST_NAME:
        raise InputError("concept_name_long", number=len(name), limit=LONGEST_NAME)
    if any(one in name for one in ",，;；、"):
        raise InputError("concept_name_separator", name=name)
    return name


def unmarked(name: str) -> str:
    """A name without the @ before it."""
    return name.lstrip(" ".join(MARKS)) if name.startswith(MARKS) else name


def key_of(name: str) -> str:
    """What names are compared by: width, case, form and spaces make no difference."""
    return " ".join(unicodedata.normalize("NFKC", unmarked(name)).casefold().split())


def by_key(concepts: Iterable[Concept]) -> Mapping[str, Concept]:
    """Concepts by what their names are compared by."""
    return {key_of(one.name): one for one in concepts}


def untaught(texts: Iterable[str], concepts: Iterable[Concept] = ()) -> list[Reason]:
    """What is to be said of texts with an @ before them that none of the concepts bears."""
    known = by_key(concepts)
    marked = dict.fromkeys(one for one in texts if one.startswith(MARKS))
    return [
        Reason("concept_untaught", {"name": one}) for one in marked if key_of(one) not in known
    ][:_UNTAUGHT_TOLD]


def learn_concept(
    service: ModelService,
    name: str,
    examples: Sequence[Source],
    without: Sequence[Source] = (),
    *,
    alpha: float = ALPHA,
) -> Concept:
    """A concept from photographs of it, and of what it is not.

    Args:
        service: the model to teach.
        name: what to call it; its words too.
        examples: at least one photograph.
        without: photographs of what it is taken for and is not.
        alpha: share of the examples, in [0, 1].

    Raises:
        InputError: if the name or `alpha` will not do, or there is no example.
        ImageError: if a photograph cannot be read.
        ModelError: if the device fails.
    """
    if not isinstance(name, str):
        raise InputError("concept_name_missing")
    _check_alpha(alpha)
    shown = _encoded(service, examples)
    away = _encoded(service, without)
    return concept_from_features(
        service,
        name,
        _rows(shown),
        _rows(away),
        alpha=alpha,
        thumbnails=[photo.kept for photo in shown[:MOST_THUMBNAILS]],
    )


def concept_from_features(
    service: ModelService,
    name: str,
    examples: np.ndarray,
    without: np.ndarray | None = None,
    *,
    alpha: float = ALPHA,
    thumbnails: Sequence[bytes] = (),
) -> Concept:
    """As `learn_concept`, of float32 (photographs, embedding_size) with rows of length 1."""
    if not len(examples):
        raise InputError("concept_examples_missing", name=name)
    _check_alpha(alpha)
    away = None if without is None or not len(without) else unit(without.mean(axis=0))
    return Concept(
        concept_name(name),
        service.info.fingerprint,
        service.info.public_name,
        unit(examples.mean(axis=0)),
        len(examples),
        float(alpha),
        away,
        0 if without is None else len(without),
        tuple(thumbnails),
        examples if len(examples) <= MOST_THUMBNAILS else examples[:0],
    )


def _check_alpha(alpha: object) -> None:
    if not isinstance(alpha, int | float) or not 0 <= alpha <= 1:
        raise InputError("concept_alpha")


def with_more(old: Concept, new: Concept) -> Concept:
    """A concept with the examples of another besides, as if all had been shown at once.

    Args:
        old: whose own examples are known, so that their mean is exact.
        new: of the same model; its share of examples counts, and its counter-examples where it has
            some.

    Raises:
        InputError: if the single examples of either were not kept.
    """
    if not (len(old.features) and len(new.features)):
        raise InputError("concept_adding", name=old.name, limit=MOST_THUMBNAILS)
    features = np.concatenate([old.features, new.features])
    other = new if new.away is not None else old
    return replace(
        new,
        name=old.name,
        mean=unit(features.mean(axis=0)),
        examples=len(features),
        away=other.away,
        counter_examples=other.counter_examples,
        thumbnails=(old.thumbnails + new.thumbnails)[:MOST_THUMBNAILS],
        features=features if len(features) <= MOST_THUMBNAILS else features[:0],
    )


def check_model(concept: Concept, service: ModelService) -> None:
    """See that a model can use a concept.

    Raises:
        InputError: if another model has made it.
    """
    if concept.fingerprint != service.info.fingerprint:
        raise InputError(
            "concept_other_model",
            name=concept.name,
            model=concept.model,
            current=service.info.public_name,
        )


def left_out_gain(
    words: np.ndarray,
    features: np.ndarray,
    right: np.ndarray,
    alpha: float | np.ndarray = ALPHA,
    common: np.ndarray | None = None,
) -> Gain:
    """Whether teaching helps: each example is named by the words, then with all other examples.

    Args:
        words: float32 (classes, embedding_size), rows of length 1: the classes by their words.
        features: float32 (examples, embedding_size), rows of length 1.
        right: int (examples,), the class of each.
        alpha: share of the examples, of each class or of all.
        common: see `beside_words`.
    """
    number = len(words)
    alphas = np.broadcast_to(alpha, number)
    sums = np.zeros(words.shape, np.float64)
    np.add.at(sums, right, features)
    counts = np.bincount(right, minlength=number)
    taught = words.copy()
    for place in np.flatnonzero(counts):
        taught[place] = mixed(words[place], unit(sums[place]), alphas[place], common)
    cosines = similarities(features, taught)
    for row, place in enumerate(right):
        # A class whose only example is left out is its words.
        own = words[place]
        if counts[place] > 1:
            own = mixed(own, unit(sums[place] - features[row]), alphas[place], common)
        cosines[row, place] = features[row] @ own
    before = similarities(features, words).argmax(axis=1) == right
    after = cosines.argmax(axis=1) == right
    return Gain(float(before.mean()), float(after.mean()), len(right))


def _encoded(
    service: ModelService, sources: Sequence[Source] | Source | None
) -> list[EncodedPhoto]:
    if isinstance(sources, str | os.PathLike | bytes | Image.Image):
        # A single one; of a path, each character would be taken for a photograph.
        sources = [sources]
    photos = list(encode_files(service, sources or (), keep=small_copy))
    for photo in photos:
        if photo.error is not None:
            raise photo.error
    return photos


def _rows(photos: Sequence[EncodedPhoto]) -> np.ndarray:
    return np.array([photo.image_features for photo in photos], np.float32)


def small_copy(picture: Image.Image) -> bytes:
    """A picture as `Concept.thumbnails` keeps it."""
    buffer = io.BytesIO()
    thumbnail(picture, THUMBNAIL_SIDE).convert("RGB").save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
