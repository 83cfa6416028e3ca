"""Small models of the architectures that people use, with random weights, as folders."""

import json
import shutil
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file
from transformers import XLMRobertaConfig

from clip_app.model.catalog import STARTER_DIRECTORY

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
_WORDS = ("config.json", "tokenizer.json", "tokenizer_config.json")

_TEXT = {"context_length": 77, "vocab_size": 49_408, "width": 64, "heads": 2, "layers": 2}
_VISION = {"image_size": 64, "patch_size": 16, "width": 64, "head_width": 32, "layers": 2}


def _timm(name: str, size: int, pool: str) -> dict[str, Any]:
    chosen = {"timm_model_name": name, "timm_model_pretrained": False}
    return chosen | {"timm_pool": pool, "timm_proj": None, "image_size": size}


#: open_clip's `model_cfg` by the architecture it is a small one of.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "clip": {"embed_dim": 32, "vision_cfg": _VISION, "text_cfg": _TEXT},
    "mobileclip2": {
        "embed_dim": 32,
        "vision_cfg": _timm("fastvit_t8", 128, "avg"),
        "text_cfg": {**_TEXT, "no_causal_mask": True},
        "custom_text": True,
    },
    "pe-core": {
        "embed_dim": 512,
        "vision_cfg": _timm("vit_pe_core_tiny_patch16_384", 384, "map"),
        "text_cfg": {**_TEXT, "context_length": 32},
        "custom_text": True,
    },
    "siglip2": {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": _VISION,
        "text_cfg": {
            **_TEXT,
            "context_length": 64,
            "vocab_size": 21_500,
            "hf_tokenizer_name": ".",
            "tokenizer_kwargs": {"clean": "canonicalize"},
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
            "norm_kwargs": {"eps": 1e-06},
            "act_kwargs": {"approximate": "tanh"},
        },
    },
    "xlm-roberta": {
        "embed_dim": 32,
        "vision_cfg": _VISION,
        "text_cfg": {
            "hf_model_name": ".",
            "hf_tokenizer_name": ".",
            "hf_model_pretrained": False,
            "hf_pooler_type": "mean_pooler",
            "context_length": 77,
            "vocab_size": 21_500,
        },
    },
}


def write_model(architecture: str, folder: Path, seed: int = 0) -> Path:
    """Write a small model of `architecture` into `folder`, as open_clip's `local-dir:` has it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = ARCHITECTURES[architecture]
    text = config["text_cfg"]
    if "hf_tokenizer_name" in text:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(STARTER_DIRECTORY / name, folder)
    if "hf_model_name" in text:
        sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        XLMRobertaConfig(
            vocab_size=21_500, intermediate_size=128, max_position_embeddings=130,
            pad_token_id=0, bos_token_id=2, eos_token_id=3, type_vocab_size=1, **sizes,
        ).save_pretrained(folder)  # fmt: skip
        # The starter's tokenizer fills up with 0, and so must the tower.
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    whole = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / CONFIG).write_text(json.dumps(whole), "utf-8")
    torch.manual_seed(seed)
    sizes = dict(config)
    sizes["text_cfg"] = {key: str(folder) if value == "." else value for key, value in text.items()}
    custom = sizes.pop("custom_text", False) or "hf_model_name" in text
    model = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**sizes)
    state = {name: weight.contiguous().clone() for name, weight in model.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    return folder


def publish(architecture: str, root: Path, repository: str, words: str | None = None) -> None:
    """Write a small model as repositories below `root`, named as on a hub.

    Args:
        architecture: see `write_model`.
        root: see `tests.hub_stand_in.served`.
        repository: of the weights.
        words: of the tokenizer and of what configures the text tower; by default the same.
    """
    folder = write_model(architecture, root / repository)
    path = folder / CONFIG
    path.write_text(path.read_text("utf-8").replace('"."', f'"{words or repository}"'), "utf-8")
    if words:
        (root / words).mkdir(parents=True)
        for name in _WORDS:
            (folder / name).rename(root / words / name)
