"""Writes the trained parts as one model folder in open_clip's `local-dir:` form."""

import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from clip_app.model.catalog import find_model
from clip_app.model.export import export_towers
from training.align import EMBEDDING, Head
from training.image_tower import ARCHITECTURE, IMAGE_SIZE, PREPROCESSING
from training.text_tower import CONTEXT, text_config

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


def export(
    out: Path,
    trunk: nn.Module,
    head: Head,
    scale: float,
    text_weights: Path,
    tokenizer: Path,
    sentence_encoder: Path,
) -> Path:
    """Write the model folder and return its weights file.

    Args:
        scale: factor of the cosine before the softmax.
        text_weights: what `text_tower.save_text_tower` wrote.
        tokenizer: folder with the tokenizer's files.
        sentence_encoder: whose configuration the text tower shares.
    """
    out.mkdir(parents=True, exist_ok=True)
    text = load_file(text_weights)
    vocabulary_size = len(text["embeddings.word_embeddings.weight"])
    state = {f"visual.trunk.{k}": v for k, v in trunk.state_dict().items()}
    state |= {f"visual.head.mlp.{k}": v for k, v in head.mlp.state_dict().items()}
    state |= {f"text.transformer.{k}": v for k, v in text.items()}
    state["text.proj.weight"] = head.proj.weight
    state = {k: _half(v) for k, v in state.items()}
    state["logit_scale"] = torch.tensor(math.log(scale))
    weights = out / "open_clip_model.safetensors"
    save_file(state, weights)
    for name in _TOKENIZER_FILES:
        shutil.copy(tokenizer / name, out / name)
    config = text_config(sentence_encoder, vocabulary_size).to_dict()
    config |= {"architectures": ["BertModel"]}
    for key in ("_name_or_path", "transformers_version", "dtype", "torch_dtype"):
        config.pop(key, None)
    _write_json(out / "config.json", config)
    _write_json(out / "open_clip_config.json", _open_clip_config(vocabulary_size))
    write_towers(out)
    return weights


def write_towers(folder: Path) -> None:
    """Write the towers of a finished model folder for ONNX Runtime, beside the weights, which they
    share: the model answers at once wherever it is copied to.
    """
    source = find_model(str(folder))
    export_towers(source, folder, own_weights=folder / "open_clip_model.safetensors")


def _half(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous().clone()


def _open_clip_config(vocabulary_size: int) -> dict[str, object]:
    return {
        "model_cfg": {
            "embed_dim": EMBEDDING,
            "vision_cfg": {
                "timm_model_name": ARCHITECTURE,
                "timm_model_pretrained": False,
                "timm_pool": "avg",
                "timm_proj": "mlp",
                "timm_proj_bias": True,
                "image_size": IMAGE_SIZE,
            },
            "text_cfg": {
                "hf_model_name": ".",
                "hf_tokenizer_name": ".",
                "hf_model_pretrained": False,
                "hf_proj_type": "linear",
                "hf_pooler_type": "mean_pooler",
                "context_length": CONTEXT,
                "vocab_size": vocabulary_size,
            },
        },
        "preprocess_cfg": PREPROCESSING,
    }


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
