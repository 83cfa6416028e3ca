"""open_clip's text tower, the size of its features, and what it reads of a text."""

from typing import Any, get_args

import torch
from torch.func import functional_call

from clip_app.model.text_input import Clean, TextInput, Trim
from clip_app.temporary import no_folder_of_torch

with no_folder_of_torch():
    from open_clip.hf_model import HFTextEncoder
    from open_clip.model import CLIP
    from open_clip.tokenizer import SimpleTokenizer, get_clean_fn
    from open_clip.transformer import TextTransformer


class TextTower(torch.nn.Module):
    """A model's text tower, which also takes tokens whose last columns were left out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._text = getattr(model, "text", model)
        self._pooling = _pooling(self._text)

    @property
    def trim(self) -> tuple[Trim, int | None]:
        """`trim` and `token` of `TextInput`."""
        if isinstance(self._text, HFTextEncoder):
            return "padding", int(self._text.config.pad_token_id)
        if self._pooling == "argmax":
            return "end", None
        if self._pooling == "eos":
            of_clip = isinstance(self._text, CLIP)
            return "end", int(self._text.text_eos_id if of_clip else self._text.eos_id)
        return "no", None

    @property
    def embedding_size(self) -> int:
        """Length of a feature vector.

        Without a pass, and `model_spec` must make none: in one, transformers asks whether a CUDA
        graph is being captured, which starts CUDA's driver, and in no process forked after that
        can it be used. On ZeroGPU all calls failed so ("initialization error", on an H100).
        """
        if not isinstance(self._text, CLIP):
            return int(self._text.output_dim)
        projection = self._text.text_projection
        if isinstance(projection, torch.nn.Linear):
            return projection.out_features
        return int((self._text.positional_embedding if projection is None else projection).shape[1])

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Features (n, embedding_size) of tokens (n, up to context_length)."""
        if self._pooling is None:
            features: torch.Tensor = self.model.encode_text(tokens)
            return features
        # open_clip takes both whole, whatever the length of the tokens.
        length = tokens.shape[1]
        place = "model" if self._text is self.model else "model.text"
        cut = {
            f"{place}.attn_mask": self._text.attn_mask[:length, :length],
            f"{place}.positional_embedding": self._text.positional_embedding[:length],
        }
        return functional_call(_EncodeText(self.model), cut, (tokens,), tie_weights=False)


class _EncodeText(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.model.encode_text(tokens)
        return features


def _pooling(text: Any) -> str | None:
    """How a causal tower's answer is read: `argmax` or `eos`; None for any other tower.

    SigLIP's see all positions; CoCa's has a class token behind them, which would be moved.
    """
    if isinstance(text, CLIP):
        pooling = text.text_pool_type
    elif isinstance(text, TextTransformer) and text.cls_emb is None:
        pooling = text.pool_type
    else:
        return None
    return pooling if text.attn_mask is not None and pooling in ("argmax", "eos") else None


def text_input(model: Any, tokenizer: Any) -> TextInput:
    """How open_clip makes texts ready for a model."""
    trim, token = TextTower(model).trim
    clean = getattr(tokenizer, "clean_fn", None)
    known: tuple[Clean, ...] = get_args(Clean)
    zeroed = getattr(tokenizer, "strip_sep_token", False) and tokenizer.tokenizer.sep_token_id
    return TextInput(
        context_length=int(getattr(tokenizer, "context_length", None) or 0),
        trim=trim,
        token=token,
        clean=next((name for name in known if get_clean_fn(name) is clean), None),
        words=tokenizer.pat.pattern if isinstance(tokenizer, SimpleTokenizer) else None,
        zeroed=int(zeroed) if zeroed else None,
    )
