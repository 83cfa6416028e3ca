"""Text towers of every kind in open_clip's registry: shortened where that changes nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch

from clip_app.model.text_input import TextInput
from clip_app.model.text_tower import TextTower

VOCABULARY = 1000
SMALL = {"vocab_size": VOCABULARY, "width": 32, "heads": 2, "layers": 2}
IMAGES = {"image_size": 32, "patch_size": 16, "width": 32, "head_width": 16, "layers": 1}

# The last token of a text and what fills the rest, as the tokenizers of these models have them.
ENDS = {"ViT-H-14-worldwide": (2, 1), "xlm-roberta-base-ViT-B-32": (2, 1)}

# Whether a batch can be shortened.
KINDS = {
    "ViT-B-32-256": True,
    "ViT-H-14-worldwide": True,
    "MobileCLIP2-B": True,
    "PE-Core-B-16": True,
    "EVA02-B-16": True,
    "xlm-roberta-base-ViT-B-32": True,
    "MobileCLIP2-S0": False,
    "ViT-L-14-CLIPA": False,
    "ViT-B-32-SigLIP2-256": False,
    "coca_ViT-B-32": False,
}


def small_model(name: str, folder: Path) -> Any:
    """A model of the registry, narrow and with random weights."""
    config = open_clip.get_model_config(name)
    text = config["text_cfg"] | SMALL
    if "hf_model_name" in text:
        (folder / "config.json").write_text(
            json.dumps(
                {
                    "model_type": "xlm-roberta",
                    "vocab_size": VOCABULARY,
                    "hidden_size": 32,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "intermediate_size": 64,
                    "pad_token_id": 1,
                }
            )
        )
        text |= {"hf_model_name": str(folder), "hf_model_pretrained": False}
    images = IMAGES | {
        key: value
        for key, value in config["vision_cfg"].items()
        if key in ("attentional_pool", "attn_pooler_heads", "output_tokens")
    }
    torch.manual_seed(0)
    model = open_clip.create_model(name, embed_dim=24, vision_cfg=images, text_cfg=text)
    for weight in model.parameters():  # large enough that a wrong position shows
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.2)
    return model.eval()


def made_up_tokens(lengths: list[int], context: int, end: int, pad: int) -> torch.Tensor:
    """Texts of so many tokens each, the end included."""
    generator = torch.Generator().manual_seed(1)
    rows = torch.full((len(lengths), context), pad)
    for row, length in zip(rows, lengths, strict=True):
        row[: length - 1] = torch.randint(3, VOCABULARY - 1, (length - 1,), generator=generator)
        row[length - 1] = end
    return rows


@pytest.mark.parametrize("name", KINDS)
def test_features_are_those_of_open_clip_at_any_length(name, tmp_path):
    model = small_model(name, tmp_path)
    context = open_clip.get_model_config(name)["text_cfg"].get("context_length", 77)
    seen = []
    embedding = next(one for one in model.modules() if isinstance(one, torch.nn.Embedding))
    embedding.register_forward_pre_hook(lambda _, tokens: seen.append(tokens[0].shape[1]))
    tower = TextTower(model)
    text = TextInput(context, *tower.trim)
    for lengths in ([9], [2, 4, 9, 3], [5, context], [2]):
        tokens = made_up_tokens(lengths, context, *ENDS.get(name, (VOCABULARY - 1, 0)))
        with torch.inference_mode():
            expected = torch.nn.functional.normalize(model.encode_text(tokens), dim=-1)
            seen.clear()
            features = tower(torch.from_numpy(text.trimmed(tokens.numpy())))
            found = torch.nn.functional.normalize(features, dim=-1)
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
        assert tower.embedding_size == features.shape[1] == 24
        assert seen == [max(lengths) if KINDS[name] else context]
        assert len(lengths) == 1 or (expected[0] - expected[1]).abs().max() > 0.01
