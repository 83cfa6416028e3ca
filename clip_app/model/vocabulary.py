"""Tokenizers with large vocabularies, of which a process reads only what its texts can use.

The tokenizers library takes 0.5 to 0.8 s and 0.45 GB for the 250,000 pieces of XLM-RoBERTa. But no
piece matters that does not occur in a text: so the pieces lie in a database, and the library is
given those that do. Everything else, from normalising to the best split, stays the library's.
"""

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

# What fills a vocabulary that only finds words. No cleaned text holds it: ftfy takes it out.
_NOTHING = "\0"

_SCHEMA = """
    CREATE TABLE frame (content TEXT);
    CREATE TABLE pieces (piece TEXT PRIMARY KEY, id INTEGER, score REAL) WITHOUT ROWID;
    CREATE TABLE merges (
        whole TEXT, rank INTEGER, left TEXT, right TEXT, PRIMARY KEY (whole, rank)
    ) WITHOUT ROWID;
"""


def write_vocabulary(tokenizer: dict[str, Any], path: Path) -> bool:
    """Write a tokenizer as a database, if it is of a kind that can be read in part.

    Args:
        tokenizer: as in `tokenizer.json`.
        path: the database, which is not there yet.

    Returns:
        whether it is written. Unigram models and those of byte pairs can be.
    """
    model = tokenizer["model"]
    kind, suffix = model["type"], model.get("end_of_word_suffix") or ""
    merges: list[tuple[str, int, str, str]] = []
    if kind == "Unigram" and model["unk_id"] is not None and not model.get("byte_fallback"):
        # Of equal pieces the library takes the last.
        pieces = {piece: (index, score) for index, (piece, score) in enumerate(model["vocab"])}
        unknown = model["vocab"][model["unk_id"]][0]
        # What is unknown costs more than the least likely piece, which is therefore always there.
        always = dict.fromkeys((unknown, min(pieces, key=lambda piece: pieces[piece][1])))
        small: dict[str, Any] = {"vocab": [(one, pieces[one][1]) for one in always], "unk_id": 0}
    elif kind == "BPE" and not model.get("continuing_subword_prefix"):
        pieces = {piece: (index, 0.0) for piece, index in model["vocab"].items()}
        unknown = model.get("unk_token")
        kept = [unknown, *(f"<0x{byte:02X}>" for byte in range(256))]
        vocabulary = {one: pieces[one][0] for one in kept if one in pieces}
        vocabulary |= {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
        small = {"vocab": vocabulary, "merges": []}
        pairs = [one.split(" ") if isinstance(one, str) else one for one in model["merges"]]
        merges = [(f"{left}{right}", rank, left, right) for rank, (left, right) in enumerate(pairs)]
    else:
        return False
    frame = {
        "tokenizer": tokenizer | {"model": model | small},
        # A model of byte pairs keeps the numbers, a Unigram model counts what it is given.
        "ids": [pieces[piece][0] for piece, _ in small["vocab"]] if kind == "Unigram" else None,
        "length": tokenizer["truncation"]["max_length"],
        "suffix": suffix,
        "longest": max(len(piece.removesuffix(suffix)) for piece in pieces),
    }
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript(_SCHEMA)
        database.execute("INSERT INTO frame VALUES (?)", [json.dumps(frame)])
        rows = ((piece, *pieces[piece]) for piece in sorted(pieces))
        database.executemany("INSERT INTO pieces VALUES (?, ?, ?)", rows)
        database.executemany("INSERT INTO merges VALUES (?, ?, ?, ?)", sorted(merges))
    return True


class VocabularyTokenizer:
    """What `tokenizers.Tokenizer` is for a whole one, so far as towers need it."""

    def __init__(self, path: Path) -> None:
        """Open a database that `write_vocabulary` has written; one thread uses it at a time.

        Raises:
            sqlite3.Error: if it is none.
        """
        # Immutable: nothing is written beside it, so it may lie where nothing can be written.
        self._database = sqlite3.connect(
            f"{path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False
        )
        frame = json.loads(self._database.execute("SELECT content FROM frame").fetchone()[0])
        self._length: int = frame["length"]
        self._suffix: str = frame["suffix"]
        self._longest: int = frame["longest"]
        self._model: dict[str, Any] = frame["tokenizer"]["model"]
        self._ids: list[int] | None = frame["ids"]
        content = json.dumps(frame["tokenizer"])
        self._tokenizer = tokenizers.Tokenizer.from_str(content)
        if self._ids is not None:
            self._reserve(frame["tokenizer"]["added_tokens"])
        # With no piece known, its answer is the words that the other one looks for pieces in.
        self._words = tokenizers.Tokenizer.from_str(content)
        self._words.no_truncation()
        self._words.no_padding()
        self._words.model = tokenizers.models.Unigram([(_NOTHING, 0.0)], 0, False)

    def _reserve(self, added: Sequence[dict[str, Any]]) -> None:
        """Leave the numbers that the library has given to added tokens to them."""
        assert self._ids is not None  # noqa: S101 - asked by the caller
        vocabulary = self._model["vocab"]
        least = min(score for _, score in vocabulary)
        vocabulary += [(_NOTHING * (index + 1), least) for index in range(len(added))]
        self._ids += [0] * len(added)
        for token in added:
            number = self._tokenizer.token_to_id(token["content"])
            assert number is not None  # noqa: S101 - it was added
            self._ids[number] = token["id"]

    def __call__(self, texts: Sequence[Any], *, is_pretokenized: bool) -> np.ndarray:
        """The tokens of texts, or of texts as lists of words: int64 (n, length), cut and padded as
        the file says.
        """
        found = self._words.encode_batch(
            texts, is_pretokenized=is_pretokenized, add_special_tokens=False
        )
        # A word is a token at least.
        words = {word for row in found for word in row.tokens[: self._length]}
        numbers = self._take_pieces(words)
        rows = self._tokenizer.encode_batch(texts, is_pretokenized=is_pretokenized)
        ids = np.array([row.ids for row in rows], np.int64).reshape(len(rows), -1)
        if numbers is None:
            return ids
        # What stands around a text, and fills it up, has its own number already.
        own = np.array([row.special_tokens_mask for row in rows], bool).reshape(ids.shape)
        ids[~own] = numbers[ids[~own]]
        return ids

    def _take_pieces(self, words: set[str]) -> np.ndarray | None:
        """Have the model know all pieces that occur in `words`.

        Returns:
            the tokens, int64, by the numbers that the library gives them; None where it gives them
            those that they have.
        """
        asked = [json.dumps(list(self._parts(words)))]
        among = "IN (SELECT value FROM json_each(?))"
        pieces = self._database.execute(
            f"SELECT piece, id, score FROM pieces WHERE piece {among}",  # noqa: S608
            asked,
        ).fetchall()
        numbers = None
        model = self._model.copy()
        if self._ids is None:
            model["vocab"] = model["vocab"] | {piece: index for piece, index, _ in pieces}
            model["merges"] = self._database.execute(
                f"SELECT left, right FROM merges WHERE whole {among} ORDER BY rank",  # noqa: S608
                asked,
            ).fetchall()
        else:
            known = {piece for piece, _ in model["vocab"]}
            pieces = [one for one in pieces if one[0] not in known]
            model["vocab"] = model["vocab"] + [(piece, score) for piece, _, score in pieces]
            numbers = np.array(self._ids + [index for _, index, _ in pieces], np.int64)
        self._tokenizer.model = tokenizers.Tokenizer.from_str(json.dumps({"model": model})).model
        return numbers

    def _parts(self, words: set[str]) -> set[str]:
        parts: set[str] = set()
        for word in words:
            for end in range(1, len(word) + 1):
                starts = range(max(0, end - self._longest), end)
                parts.update(word[start:end] for start in starts)
            parts.update(
                f"{word[start:]}{self._suffix}"
                for start in range(max(0, len(word) - self._longest), len(word))
            )
        return parts
