"""Concepts: the 1,000 ImageNet classes and everything above them in WordNet's tree of nouns.

"dog", "vehicle" and "fruit" are no ImageNet classes, yet the classifier knows how likely each is:
the sum over the classes below. So a teacher for 1,000 rare words is one for common words too.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Concepts above more classes than this say nothing of a picture ("physical entity", "whole").
_MOST_LEAVES = 400

# WordNet's more learned names come later in a synset; three are enough for a picture.
_MOST_NAMES = 3
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Synset:
    """A set of synonyms: its names, the ids of its hypernyms, and its definition."""

    names: tuple[str, ...]
    parents: tuple[str, ...]
    gloss: str


@dataclass(frozen=True)
class Concept:
    """Something a picture may show.

    Attributes:
        wnid: WordNet id, as `n02084071`.
        names: English names, the best first.
        chinese: Chinese names, the best first; may be empty.
        leaves: indices of the ImageNet classes that it covers.
    """

    wnid: str
    names: tuple[str, ...]
    chinese: tuple[str, ...]
    leaves: tuple[int, ...]


def read_wordnet(data_noun: Path) -> dict[str, Synset]:
    """Noun synsets by id, from a `data.noun` file (format: WordNet's wndb(5WN))."""
    synsets = {}
    with data_noun.open(encoding="latin-1") as lines:
        for line in lines:
            if line.startswith("  "):  # the licence
                continue
            data, _, gloss = line.partition("|")
            words = data.split()
            name_count = int(words[3], 16)
            names = tuple(words[4 + 2 * i].replace("_", " ") for i in range(name_count))
            pointers = words[5 + 2 * name_count :]
            parents = tuple(
                f"n{pointers[i + 1]}"
                for i in range(0, 4 * int(words[4 + 2 * name_count]), 4)
                if pointers[i] in ("@", "@i") and pointers[i + 2] == "n"
            )
            synsets[f"n{words[0]}"] = Synset(names, parents, gloss.strip())
    return synsets


def ancestors(synsets: Mapping[str, Synset], wnid: str) -> set[str]:
    """The synset itself and all above it."""
    found: set[str] = set()
    waiting = [wnid]
    while waiting:
        one = waiting.pop()
        if one in synsets and one not in found:
            found.add(one)
            waiting.extend(synsets[one].parents)
    return found


def descendants(synsets: Mapping[str, Synset], root: str) -> set[str]:
    """The synset itself and all below it."""
    children: dict[str, list[str]] = defaultdict(list)
    for wnid, synset in synsets.items():
        for parent in synset.parents:
            children[parent].append(wnid)
    found: set[str] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(children[one])
    return found


def build_concepts(
    synsets: Mapping[str, Synset],
    wnids: Sequence[str],
    english: Sequence[str],
    chinese: Sequence[str],
    translations: Mapping[str, Sequence[str]],
) -> list[Concept]:
    """The tree above the classes, flattened; the classes themselves come first, in their order.

    Args:
        wnids, english, chinese: id and names of each class of the classifier.
        translations: Chinese words by lower-case English name, the commonest first.
    """
    leaves: dict[str, list[int]] = defaultdict(list)
    for index, wnid in enumerate(wnids):
        for above in ancestors(synsets, wnid):
            leaves[above].append(index)
    classes = [
        Concept(
            wnid,
            (english[index], *_names(synsets, wnid)[:2]),
            (chinese[index],),
            (index,),
        )
        for index, wnid in enumerate(wnids)
    ]
    inner = sorted(set(leaves) - set(wnids))
    # "crane" is a bird and a machine: a name that several concepts bear cannot be translated.
    bearers: dict[str, int] = defaultdict(int)
    for wnid in inner:
        for name in _names(synsets, wnid):
            bearers[name.lower()] += 1
    for wnid in inner:
        names = _names(synsets, wnid)
        if not names or len(leaves[wnid]) > _MOST_LEAVES:
            continue
        words = [
            word
            for name in names
            if bearers[name.lower()] == 1
            for word in translations.get(name.lower(), ())[:2]
        ]
        classes.append(Concept(wnid, names, tuple(dict.fromkeys(words))[:3], tuple(leaves[wnid])))
    return classes


def _names(synsets: Mapping[str, Synset], wnid: str) -> tuple[str, ...]:
    if wnid not in synsets:
        return ()
    return tuple(n for n in synsets[wnid].names[:_MOST_NAMES] if len(n) < _LONGEST_NAME)


class Cuts:
    """Random cuts through the tree: concepts that do not overlap and cover every class.

    Each is a classification problem to which the teacher knows the answer, and between them they
    ask for every concept among ever other neighbours.
    """

    def __init__(self, concepts: Sequence[Concept], classes: int) -> None:
        self.members = np.zeros((len(concepts), classes), bool)
        for row, concept in enumerate(concepts):
            self.members[row, list(concept.leaves)] = True
        self._classes = classes

    def leaves(self) -> np.ndarray:
        """The cut through the classes themselves: rows 0 to 999."""
        return np.arange(self._classes)

    def draw(self, rng: np.random.Generator, inner: float = 0.65) -> np.ndarray:
        """Rows of a random cut.

        Args:
            inner: how readily a concept above several classes is taken.
        """
        covered = np.zeros(self._classes, bool)
        rows = []
        for row in rng.permutation(np.arange(self._classes, len(self.members))):
            if rng.random() < inner and not (covered & self.members[row]).any():
                rows.append(int(row))
                covered |= self.members[row]
        return np.array(rows + np.flatnonzero(~covered).tolist(), dtype=np.int64)
