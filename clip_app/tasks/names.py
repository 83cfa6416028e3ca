"""Which of several names of a class does best: chosen by one half of the photographs, told by the
other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_app.errors import InputError
from clip_app.tasks.concepts import key_of
from clip_app.tasks.measures import Share, halves, share

# Names of one class are chosen with those of the others as they are; after so many rounds over all
# classes they stay, should they ever go in circles.
_ROUNDS = 5


@dataclass(frozen=True)
class NameFigures:
    """One name of a class, with the best names of the other classes.

    Attributes:
        label: which class.
        best: whether it is the one that was chosen.
        choosing, telling: how often the photographs of all classes are named rightly with it.
    """

    label: int
    name: str
    best: bool
    choosing: Share
    telling: Share


@dataclass(frozen=True)
class NamesCompared:
    """Names that were chosen by one half of the photographs.

    Attributes:
        names: the best name of each class.
        before, after: on the other half, with each class's own name and with the best ones.
        figures: of every name of the classes that have several.
    """

    names: tuple[str, ...]
    before: Share
    after: Share
    figures: tuple[NameFigures, ...]


def names_by_class(
    names: Sequence[str], synonyms: Sequence[Sequence[str]]
) -> list[tuple[int, str]]:
    """(class, another name of it) of all classes that have other names.

    Args:
        names: of the classes.
        synonyms: names of the same thing, the class's own among them; see
            `clip_app.prompts.parse_synonyms`.

    Raises:
        InputError: if some are names of no class.
    """
    place = {key_of(name): i for i, name in enumerate(names)}
    found: dict[tuple[int, str], None] = {}
    for line in synonyms:
        label = next((place[key] for one in line if (key := key_of(one)) in place), None)
        if label is None:
            raise InputError("names_of_no_class", names=" | ".join(line)[:80])
        own = key_of(names[label])
        found |= {(label, one): None for one in line if key_of(one) != own}
    return sorted(found, key=lambda pair: pair[0])


def compare_names(
    cosines: np.ndarray,
    right: np.ndarray,
    names: Sequence[str],
    others: Sequence[tuple[int, str]],
    other_cosines: np.ndarray,
) -> NamesCompared:
    """Choose a name for each class, one class after the other, until no change helps.

    Of equals the class's own name stays, then the earlier one.

    Args:
        cosines: float (photographs, classes), of the classes' own names.
        right: int (photographs,), the class of each.
        names: of the classes.
        others: of `names_by_class`.
        other_cosines: float (photographs, others).
    """
    choosing = halves(right)
    best = {label: (names[label], cosines[:, label]) for label, _ in others}
    candidates = {label: [pair] for label, pair in best.items()}
    for i, (label, name) in enumerate(others):
        candidates[label].append((name, other_cosines[:, i]))
    now = cosines.copy()
    for _ in range(_ROUNDS):
        before = dict(best)
        for label, known in candidates.items():
            hits = _hits(now, right, label, [column for _, column in known])
            counts = hits[:, choosing].sum(axis=1)
            kept = [name for name, _ in known].index(best[label][0])
            chosen = kept if counts[kept] == counts.max() else int(counts.argmax())
            best[label] = known[chosen]
            now[:, label] = known[chosen][1]
        if all(best[label][0] == before[label][0] for label in best):
            break
    figures = [
        NameFigures(
            label, name, name == best[label][0], share(hits[choosing]), share(hits[~choosing])
        )
        for label, known in candidates.items()
        for (name, _), hits in zip(
            known, _hits(now, right, label, [column for _, column in known]), strict=True
        )
    ]
    return NamesCompared(
        tuple(best[i][0] if i in best else name for i, name in enumerate(names)),
        share((cosines.argmax(axis=1) == right)[~choosing]),
        share((now.argmax(axis=1) == right)[~choosing]),
        tuple(figures),
    )


def _hits(
    cosines: np.ndarray, right: np.ndarray, label: int, columns: Sequence[np.ndarray]
) -> np.ndarray:
    """Whether each photograph is named rightly, bool (columns, photographs), with each of `columns`
    in place of a class's own.
    """
    others = cosines.copy()
    others[:, label] = -np.inf
    first = others.argmax(axis=1)
    top = others.max(axis=1)
    # Of equals the earlier class comes first, as in every ranking of the app.
    wins = [(one > top) | ((one == top) & (label < first)) for one in columns]
    return np.array([np.where(won, right == label, first == right) for won in wins])
