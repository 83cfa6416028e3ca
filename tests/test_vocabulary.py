"""Tokenizers read in part answer as the whole ones do, whatever the text."""

import base64
import itertools
import json
import sqlite3

import pytest
import sentencepiece
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2

from clip_app.model.backgrounds import background_words
from clip_app.model.tokenizer import _basic
from clip_app.model.vocabulary import VocabularyTokenizer, write_vocabulary
from clip_app.settings import ASSETS
from clip_app.strings import LANGUAGES

_LENGTH = 24
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")

_WORDS = [word for language in LANGUAGES for word in background_words(language)]
_LISTS = sorted((ASSETS / "label_sets").glob("*.json"))

# What the assets have nothing of, so that much of it is unknown to the small vocabularies.
_STRANGE = [
    "кошка на диване", "قطة على الأريكة", "חתול על הספה", "แมวบนโซฟา", "सोफ़े पर बिल्ली",
    "고양이가 소파에", "ソファの上の猫", "ﬁne ﬂow ½ ² ™ ＡＢＣ", "e\u0301te\u0301 naı\u0308ve", 
    "🐈‍⬛ 🇨🇳 👩🏽‍🚀",
    "<s>", "a <mask> b", "</s></s>", "x<pad>y", "▁▁ under▁score", "a\u200bb\u200dc", "ẞß ŉ ǆ",
    "", " ", "  two   spaces ", "a" * 300, "狗" * 200, "word " * 90,
]  # fmt: skip


def _padded(tokenizer: dict, pad: str, pad_id: int) -> dict:
    """With the truncation and padding that the exporter sets."""
    tokenizer["truncation"] = {
        "direction": "Right",
        "max_length": _LENGTH,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    tokenizer["padding"] = {
        "strategy": {"Fixed": _LENGTH},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": pad_id,
        "pad_type_id": 0,
        "pad_token": pad,
    }
    return tokenizer


def _added(content: str, index: int, **flags: bool) -> dict:
    usual = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": index, "content": content, "special": True, **usual, **flags}


def _unigram(folder) -> dict:
    """As XLM-RoBERTa's is made: trained by sentencepiece, its specials moved to the front."""
    texts = folder / "texts.txt"
    names = [json.dumps(json.loads(one.read_text("utf-8")), ensure_ascii=False) for one in _LISTS]
    texts.write_text("\n".join([*_WORDS, *" ".join(names).split(",")]), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(texts), model_prefix=str(folder / "spm"), vocab_size=3500, minloglevel=2
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((folder / "spm.model").read_bytes())
    charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
    vocabulary = [(one, 0.0) for one in _SPECIAL]
    vocabulary += [(one.piece, one.score) for one in model.pieces[3:]]
    vocabulary.append(("<mask>", 0.0))
    ids = {one: _SPECIAL.index(one) for one in ("<s>", "</s>")}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {
        "version": "1.0",
        "added_tokens": [
            *(_added(one, index) for index, one in enumerate(_SPECIAL)),
            _added("<mask>", len(vocabulary) - 1, lstrip=True),
        ],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
            ],
            "pair": [],
            "special_tokens": {
                one: {"id": one, "ids": [index], "tokens": [one]} for one, index in ids.items()
            },
        },
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": False},
    }


def _byte_pairs() -> dict:
    """As Gemma's is: no words, spaces are letters, what is unknown becomes bytes."""
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=5000,
        special_tokens=[*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        [*(f"{one} {other}" for one, other in itertools.pairwise(_WORDS))], trainer
    )
    whole = json.loads(tokenizer.to_str())
    # Bytes are pieces of the model's own there, and no word to look for in a text.
    whole["added_tokens"] = [one for one in whole["added_tokens"] if one["content"] in _SPECIAL]
    return whole


@pytest.fixture(scope="module", params=["unigram", "byte pairs"])
def both(request, tmp_path_factory):
    """A tokenizer as the library reads it whole, and as it is read in part."""
    folder = tmp_path_factory.mktemp("vocabulary")
    made = _unigram(folder) if request.param == "unigram" else _byte_pairs()
    made = _padded(made, "<pad>", 1)
    assert write_vocabulary(made, folder / "tokens.db")
    whole = tokenizers.Tokenizer.from_str(json.dumps(made))
    return whole, VocabularyTokenizer(folder / "tokens.db")


def _assert_same(both, texts):
    whole, part = both
    cleaned = [_basic(text) for text in texts]
    expected = [row.ids for row in whole.encode_batch(cleaned)]
    assert part(cleaned, is_pretokenized=False).tolist() == expected


def test_known_texts_in_one_batch_and_alone(both):
    whole, _ = both
    assert whole.get_vocab_size() > 3000
    texts = [
        *_WORDS,
        *_STRANGE,
        *(f"a photo of {one}, {two}." for one, two in zip(_WORDS, _WORDS[7:], strict=False)),
    ]
    assert len(texts) > 3000
    _assert_same(both, texts)
    for text in (*_STRANGE, *_WORDS[::50]):
        _assert_same(both, [text])


_letters = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
_some_text = st.lists(st.one_of(_letters, st.sampled_from(_WORDS + _STRANGE)), max_size=8)


@given(texts=st.lists(_some_text.map(" ".join), min_size=1, max_size=4))
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
def test_any_texts(both, texts):
    _assert_same(both, texts)


@given(parts=_some_text)
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
def test_any_text_without_spaces(both, parts):
    _assert_same(both, ["".join(parts)])


def test_the_file_need_not_be_writable_and_a_damaged_one_is_told(tmp_path):
    made = _padded(_byte_pairs(), "<pad>", 1)
    path = tmp_path / "tokens 100%.db"
    assert write_vocabulary(made, path)
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        _assert_same(
            (tokenizers.Tokenizer.from_str(json.dumps(made)), VocabularyTokenizer(path)), _WORDS
        )
        assert [one.name for one in tmp_path.iterdir()] == [path.name]
    finally:
        tmp_path.chmod(0o700)
    path.chmod(0o600)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.Error):
        VocabularyTokenizer(path)


def test_other_kinds_are_left_whole(tmp_path):
    pieces = _padded(
        {"model": {"type": "WordPiece", "vocab": {"a": 0}}, "added_tokens": []}, "a", 0
    )
    assert not write_vocabulary(pieces, tmp_path / "tokens.db")
    assert not list(tmp_path.iterdir())
