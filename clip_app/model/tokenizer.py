"""From texts to tokens without torch: what open_clip's tokenizers do, on the tokenizers library."""

import html
import string
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ftfy
import numpy as np
import regex
import tokenizers

from clip_app.model.towers import TOKENIZER, VOCABULARY, Towers
from clip_app.model.vocabulary import VocabularyTokenizer


def _whitespace(text: str) -> str:
    return " ".join(_basic(text).split())


def _basic(text: str) -> str:
    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _canonicalize(text: str) -> str:
    """Without punctuation and in small letters, as big_vision trained SigLIP."""
    bare = _basic(text).replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    return " ".join(bare.lower().split())


# open_clip's `tokenizer.get_clean_fn`.
_CLEAN: dict[str | None, Callable[[str], str]] = {
    "lower": lambda text: _whitespace(text).lower(),
    "whitespace": _whitespace,
    "canonicalize": _canonicalize,
}


class Tokenizer:
    """Texts to tokens, as the model was trained."""

    def __init__(self, towers: Towers) -> None:
        """Read the tokenizer of exported towers; any error of the library if it is damaged."""
        self._input = towers.text
        # Truncation and padding were set when it was exported.
        if (vocabulary := towers.folder / VOCABULARY).exists():
            self._rows: Callable[..., np.ndarray] = VocabularyTokenizer(vocabulary)
        else:
            whole = tokenizers.Tokenizer.from_file(towers.file(TOKENIZER))
            self._rows = partial(_rows_of_whole, whole)
        # By open_clip's own library: that of tokenizers knows other letters of recent Unicode.
        words = towers.text.words
        self._words = None if words is None else regex.compile(words, regex.IGNORECASE)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """int64 (n, context_length), padded."""
        cleaned = [_CLEAN[self._input.clean](text) for text in texts]
        if self._words is None:
            rows = self._rows(cleaned, is_pretokenized=False)
        else:
            words = [self._words.findall(text) for text in cleaned]
            rows = self._rows(words, is_pretokenized=True)
        tokens = rows.reshape(len(texts), self._input.context_length)
        if self._input.zeroed is not None:
            tokens[tokens == self._input.zeroed] = 0
        return tokens


def _rows_of_whole(
    tokenizer: tokenizers.Tokenizer, texts: Sequence[Any], *, is_pretokenized: bool
) -> np.ndarray:
    rows = tokenizer.encode_batch(texts, is_pretokenized=is_pretokenized)
    return np.array([row.ids for row in rows], np.int64)
