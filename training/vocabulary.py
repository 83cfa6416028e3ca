"""The starter's vocabulary: the English word pieces it needs, Chinese characters, Chinese words.

Chinese words are tokens of their own, so that each can start from the vectors of its English
translation. WordPiece already takes the longest match, which is how Chinese is commonly segmented;
it only has to be given Chinese text unsplit. One vector serves a token at the start of a run and
within it, in simplified and in traditional characters: several spellings in the tokenizer's table
have the same number.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from training.text_data import Entry, Pair, Texts

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PUNCTUATION = "，。、；：！？（）《》“”·"
_HAN_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")

# Longer runs without punctuation are cut: WordPiece would call what is over 100 characters unknown.
_LONGEST_RUN = 32

# How often a token counts for each use in a list: names are what people type.
_NAME_WEIGHT, _THING_WEIGHT, _WORD_WEIGHT = 50, 2, 1


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their vectors: English first, then Chinese.

    Attributes:
        english: special tokens and word pieces, kept from the sentence encoder.
        chinese: characters and words.
        traditional: simplified character of each traditional one.
    """

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    traditional: Mapping[str, str]

    @property
    def size(self) -> int:
        """Number of vectors."""
        return len(self.english) + len(self.chinese)


def choose_vocabulary(
    teacher: Tokenizer,
    texts: Texts,
    entries: Sequence[Entry],
    traditional: Mapping[str, str],
    english_limit: int,
    chinese_limit: int,
) -> Vocabulary:
    """Keep the word pieces and Chinese tokens that are used most.

    Args:
        teacher: the sentence encoder's tokenizer.
        english_limit, chinese_limit: most tokens of each language; each vector takes 768 bytes.
    """
    english = _count_english(teacher, texts)
    table = teacher.get_vocab()
    needed = [*_SPECIAL, *(t for t in table if len(t.removeprefix("##")) == 1 and t.isascii())]
    kept = dict.fromkeys([*needed, *(t for t, _ in english.most_common())])
    # In the encoder's own order, which puts special tokens and frequent words first.
    pieces = sorted(list(kept)[:english_limit], key=lambda t: (t not in _SPECIAL, table[t]))
    # [PAD] must be 0, where the text tower's mask expects it.
    pieces.sort(key=lambda t: _SPECIAL.index(t) if t in _SPECIAL else len(_SPECIAL))
    chinese = _count_chinese(texts, {entry.simplified for entry in entries})
    characters = list(_PUNCTUATION)
    characters += [t for t, _ in chinese.most_common() if len(t) == 1 and t not in traditional]
    words = [t for t, n in chinese.most_common() if len(t) > 1 and n > 1]
    # A character that is left out is unknown; a word that is left out is still its characters.
    tokens = dict.fromkeys(characters[: chinese_limit // 2])
    tokens |= dict.fromkeys(words[: chinese_limit - len(tokens)])
    return Vocabulary(tuple(pieces), tuple(t for t in tokens if t not in pieces), traditional)


def _weighted(texts: Texts) -> list[tuple[Sequence[Pair], int]]:
    """The pairs of each kind, and how much a use in one of them counts."""
    return [
        (texts.names, _NAME_WEIGHT),
        (texts.captions, 1),
        (texts.things, _THING_WEIGHT),
        (texts.words, _WORD_WEIGHT),
    ]


def _count_english(teacher: Tokenizer, texts: Texts) -> Counter[str]:
    counts: Counter[str] = Counter()
    for pairs, weight in _weighted(texts):
        _add(counts, teacher, [pair.english for pair in pairs], weight)
    _add(counts, teacher, texts.english, _THING_WEIGHT)
    return Counter({t: n for t, n in counts.items() if not _HAN_RUN.search(t)})


def _add(counts: Counter[str], teacher: Tokenizer, texts: Sequence[str], weight: int) -> None:
    for encoding in teacher.encode_batch(list(texts), add_special_tokens=False):
        for token in encoding.tokens:
            counts[token] += weight


def _count_chinese(texts: Texts, headwords: set[str]) -> Counter[str]:
    """Uses of each character, and of each dictionary word or name."""
    known = headwords | {name.chinese for name in texts.names}
    counts: Counter[str] = Counter()
    for pairs, weight in _weighted(texts):
        for pair in pairs:
            for run in _HAN_RUN.findall(pair.chinese):
                for token in (*run, *_longest_matches(run, known)):
                    counts[token] += weight
    return counts


def _longest_matches(run: str, words: set[str]) -> Iterable[str]:
    """Words of two characters or more, from the left, the longest first, as WordPiece does."""
    start = 0
    while start < len(run):
        end = min(len(run), start + 8)
        while end - start > 1 and run[start:end] not in words:
            end -= 1
        if end - start > 1:
            yield run[start:end]
        start = end


def write_tokenizer(vocabulary: Vocabulary, teacher: Path, out: Path) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `vocab.txt` into `out`.

    By hand, because saving through the tokenizers library keeps one spelling of each number only.

    Args:
        teacher: the sentence encoder's `tokenizer.json`, for everything but the tokens.
    """
    spellings = _spellings(vocabulary)
    han = "".join(sorted({c for token in spellings for c in token if _HAN_RUN.match(c)}))
    data = json.loads(teacher.read_text("utf-8"))
    numbers = {token: number for number, token in enumerate(vocabulary.english)}
    for token in data["added_tokens"]:
        token["id"] = numbers[token["content"]]
    for name, special in data["post_processor"]["special_tokens"].items():
        special["ids"] = [numbers[name]]
    data["truncation"] = data["padding"] = None
    # Spaces around each character would keep WordPiece from seeing words.
    data["normalizer"]["handle_chinese_chars"] = False
    data["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {
                "type": "Split",
                # Known characters only: one that is unknown must not take its neighbours along.
                "pattern": {"Regex": f"[{han}]{{1,{_LONGEST_RUN}}}"},
                "behavior": "Isolated",
                "invert": False,
            },
            {"type": "BertPreTokenizer"},
        ],
    }
    data["model"]["vocab"] = spellings
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    config: dict[str, object] = {f"{t.strip('[]').lower()}_token": t for t in _SPECIAL}
    config |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64}
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=1), "utf-8")
    tokens = [*vocabulary.english, *vocabulary.chinese]
    (out / "vocab.txt").write_text("\n".join(tokens) + "\n", "utf-8")


def _spellings(vocabulary: Vocabulary) -> dict[str, int]:
    """Number of every spelling; traditional ones first found win nothing from simplified ones."""
    numbers = {token: number for number, token in enumerate(vocabulary.english)}
    start = len(numbers)
    chinese = {token: start + i for i, token in enumerate(vocabulary.chinese)}
    variants: dict[str, list[str]] = {}
    for old, new in vocabulary.traditional.items():
        variants.setdefault(new, []).append(old)
    for token, number in chinese.items():
        for spelling in _with_variants(token, variants):
            numbers.setdefault(spelling, chinese.get(spelling, number))
            numbers.setdefault(f"##{spelling}", chinese.get(spelling, number))
    return numbers


def _with_variants(token: str, variants: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """The token, and with each character in each of its traditional forms, at most 16 spellings."""
    spellings = [""]
    for character in token:
        forms = (character, *variants.get(character, ()))
        spellings = [s + form for s in spellings for form in forms][:16]
    return spellings
