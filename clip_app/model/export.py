"""From an open_clip model to a folder of towers for ONNX Runtime, compared with torch.

`clip_app.model.exporting` runs it in a process of its own, so that what torch needs is given back
at the end. An exported tower counts only once it has answered as torch does: torch's exporter of
before `dynamo=True` was silently wrong for text towers of transformers.
"""

import contextlib
import io
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir
import tokenizers
import torch
from huggingface_hub import try_to_load_from_cache
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from torch.export import Dim

from clip_app.images import load_image
from clip_app.model.catalog import ModelSource
from clip_app.model.onnx_engine import OnnxEngine
from clip_app.model.stored_weights import refer_to
from clip_app.model.text_input import TextInput
from clip_app.model.text_tower import TextTower, text_input
from clip_app.model.torch_engine import load_open_clip, model_spec
from clip_app.model.towers import (
    IMAGE_TOWER,
    TEXT_TOWER,
    TOKENIZER,
    VOCABULARY,
    NotExportedError,
    Towers,
    write_manifest,
)
from clip_app.model.vocabulary import write_vocabulary
from clip_app.settings import ASSETS
from clip_app.temporary import no_folder_of_torch

with no_folder_of_torch():
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

# How far exported and plain towers may differ, in any coordinate of a unit vector.
_TOLERANCE = 1e-4

# Weights that begin on a page of their own can be mapped as they are.
_PAGE = 4096


#: Texts that show whether tokenizer, masks and lengths are right: none, short, long, both
#: languages, what is cleaned away, what no vocabulary has. Repeated ones run beyond any context.
PROBES = (
    "",
    "a",
    "cat",
    "一张狗的照片",
    "a photo of a cat.",
    "两只猫 and three dogs, 在沙发上！",
    "  Tabs\tand\n lines &amp; “quotes” — naïve café  ",
    "it's 2,026 o'clock: we'll see 42nd_street",
    "🐈‍⬛ 🇨🇳 ½ ﬁne ＡＢＣ 繁體中文 ёж עברית",
    "an astronaut rides a horse on the moon " * 4,
    "白色的小狗在绿色的草地上追着红色的球跑" * 3,
    "word " * 120,
    "很长的句子" * 60,
)


def export_towers(source: ModelSource, folder: Path, own_weights: Path | None = None) -> Towers:
    """Write the towers of a model into an empty folder.

    Args:
        source: the model; its files are here.
        folder: where to, there already.
        own_weights: a safetensors file in `folder` with the weights: they are not written again,
            the towers refer to it.

    Raises:
        NotExportedError: if the towers do not answer as torch does, or cannot be exported.
        ModelError: if the model cannot be loaded.
        OSError: if the folder cannot be written.
    """
    model, _, tokenizer = load_open_clip(source)
    return export_model(model, tokenizer, source, folder, own_weights)


def export_model(
    model: Any, tokenizer: Any, source: ModelSource, folder: Path, own_weights: Path | None = None
) -> Towers:
    """`export_towers` of a model that is loaded, in eval mode, with its tokenizer."""
    plain = _Plain(model, tokenizer)
    text = text_input(model, tokenizer)
    _write_tokenizer(tokenizer, text, folder)
    spec = model_spec(model)
    towers = Towers(folder, spec, text, source.title, source.languages)
    height, width = spec.preprocessing.image_size
    tokens = tokenizer(["a photo of a cat", "狗"])
    own_length = text.trim == "no"
    try:
        picture = torch.rand(2, 3, height, width)
        with _class_token_alone(model.visual):
            _write_tower(_ImageTower(model), picture, [0], folder / IMAGE_TOWER, own_weights)
        _write_tower(
            TextTower(model),
            tokens if own_length else tokens[:, :9].contiguous(),
            [0] if own_length else [0, 1],
            folder / TEXT_TOWER,
            own_weights,
        )
    except (MemoryError, OSError):
        raise
    except Exception as error:
        raise NotExportedError(str(error).strip().splitlines()[0][:300]) from error
    write_manifest(towers)
    compare(OnnxEngine(towers), plain)
    return towers


def compare(engine: OnnxEngine, plain: "_Plain") -> None:
    """Hold exported towers against open_clip's own.

    Raises:
        NotExportedError: if a token or, beyond `_TOLERANCE`, a coordinate differs.
    """
    for text in PROBES:
        if not np.array_equal(engine.token_ids([text]), plain.token_ids([text])):
            raise NotExportedError(f"the tokens of {text[:40]!r} differ")
    long_last = sorted(PROBES, key=len)
    for texts in (PROBES, PROBES[3:4], long_last[:3], long_last[4:6], long_last[-1:]):
        _must_agree(engine.text_features(texts), plain.text_features(texts), "texts")
    pictures = [load_image(path) for path in sorted((ASSETS / "examples").glob("*.jpg"))]
    pixels = np.stack([engine.spec.preprocessing(picture) for picture in pictures])
    for batch in (pixels, pixels[:1], pixels[1:4]):
        _must_agree(engine.image_features(batch), plain.image_features(batch), "images")


def _must_agree(features: np.ndarray, expected: np.ndarray, of: str) -> None:
    difference = float(np.abs(features - expected).max())
    if not difference <= _TOLERANCE:  # NaN is no agreement
        raise NotExportedError(f"features of {of} differ by up to {difference:.1e}")


class _Plain:
    """The model as open_clip runs it."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer

    def image_features(self, pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            features = self._model.encode_image(torch.from_numpy(pixels), normalize=True)
        return np.asarray(features)

    def text_features(self, texts: Sequence[str]) -> np.ndarray:
        with torch.inference_mode():
            features = self._model.encode_text(self._tokenizer(list(texts)), normalize=True)
        return np.asarray(features)

    def token_ids(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._tokenizer(list(texts)))


class _ImageTower(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.model.encode_image(pixels)
        return features


class _ClassTokenBlock(torch.nn.Module):
    """The last block of a vision transformer, for its first token alone."""

    def __init__(self, block: ResidualAttentionBlock) -> None:
        super().__init__()
        self.block = block

    def forward(self, tokens: torch.Tensor, attn_mask: None = None) -> torch.Tensor:
        block, seen = self.block, self.block.ln_1(tokens)
        first = tokens[:, :1] + block.ls_1(block.attention(seen[:, :1], seen, seen))
        answer: torch.Tensor = first + block.ls_2(block.mlp(block.ln_2(first)))
        return answer


@contextlib.contextmanager
def _class_token_alone(visual: Any) -> Iterator[None]:
    """Within, a tower that answers by its class token computes no other one in its last block,
    which nobody reads: ViT-B/32 takes 7 % less. Other towers are as they are.
    """
    by_class = isinstance(visual, VisionTransformer) and visual.pool_type == "tok"
    plain = by_class and visual.attn_pool is None and visual.transformer.batch_first
    blocks = visual.transformer.resblocks if plain else [None]
    last = blocks[-1]
    if type(last) is not ResidualAttentionBlock:
        yield
        return
    blocks[-1] = _ClassTokenBlock(last)
    try:
        yield
    finally:
        blocks[-1] = last


def _write_tower(
    tower: torch.nn.Module,
    example: torch.Tensor,
    dynamic: Sequence[int],
    path: Path,
    own_weights: Path | None,
) -> None:
    """Write one tower; sizes of the dimensions `dynamic` are not those of the example."""
    with torch.no_grad(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of opsets and of names that are not kept
        program = torch.onnx.export(
            tower,
            (example,),
            dynamo=True,
            dynamic_shapes=({dimension: Dim.DYNAMIC for dimension in dynamic},),
            input_names=["input"],
            output_names=["features"],
            optimize=own_weights is None,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - with dynamo=True it is one
    model = program.model
    if own_weights is not None:
        refer_to(own_weights, model)
    ClearMetadataAndDocStringPass()(model)  # where in Python it came from: most of the file
    data = f"{path.name}.data" if own_weights is None else None
    onnx_ir.save(model, path, external_data=data, alignment=_PAGE)


def _write_tokenizer(tokenizer: Any, text: TextInput, folder: Path) -> None:
    """Write a tokenizer as one file, cleaning left out.

    Raises:
        NotExportedError: if it is of a kind that the library does not know.
    """
    if text.clean is None or not text.context_length:
        raise NotExportedError("its tokenizer cleans texts in a way of its own")
    if isinstance(tokenizer, SimpleTokenizer) and tokenizer.reduction_fn is None:
        whole = json.loads(_byte_pairs(tokenizer).to_str())
        pad_id, pad_token, side = 0, "", "right"
    elif isinstance(tokenizer, HFTokenizer) and not tokenizer.tokenizer_mode:
        fast = tokenizer.tokenizer
        whole = json.loads(_tokenizer_file(fast))
        pad_id, pad_token, side = fast.pad_token_id, fast.pad_token, fast.padding_side
    else:
        raise NotExportedError(f"a tokenizer of its own kind: {type(tokenizer).__name__}")
    whole["truncation"] = {
        "direction": "Right",
        "max_length": text.context_length,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    whole["padding"] = {
        "strategy": {"Fixed": text.context_length},
        "direction": side.capitalize(),
        "pad_to_multiple_of": None,
        "pad_id": pad_id,
        "pad_type_id": 0,
        "pad_token": pad_token,
    }
    if not write_vocabulary(whole, folder / VOCABULARY):
        (folder / TOKENIZER).write_text(json.dumps(whole, ensure_ascii=False), "utf-8")


def _tokenizer_file(fast: Any) -> str:
    """The file that a tokenizer of transformers was read from, for writing it anew would lose words
    that share their number, as the starter's do; made anew where it was read from another kind.
    """
    name = fast.name_or_path
    if Path(name).is_dir():
        found = Path(name, "tokenizer.json")
    else:
        found = Path(str(try_to_load_from_cache(name, "tokenizer.json")))
    return found.read_text("utf-8") if found.is_file() else str(fast.backend_tokenizer.to_str())


def _byte_pairs(tokenizer: SimpleTokenizer) -> tokenizers.Tokenizer:
    """CLIP's own tokenizer: pairs of bytes of words, the end of a word marked."""
    start, end = "<start_of_text>", "<end_of_text>"
    pairs = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    model = tokenizers.models.BPE(
        vocab=tokenizer.encoder, merges=pairs, end_of_word_suffix="</w>", fuse_unk=False
    )
    fast = tokenizers.Tokenizer(model)
    fast.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    ids = [(start, tokenizer.sot_token_id), (end, tokenizer.eot_token_id)]
    fast.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=ids
    )
    fast.add_special_tokens([start, end])
    return fast
