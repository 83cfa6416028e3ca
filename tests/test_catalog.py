"""The presets against open_clip's registry, and which of them is better for English."""

import re
import unicodedata

import open_clip
import pytest
import torch
from transformers import XLMRobertaConfig

from clip_app.console import prepare_streams
from clip_app.model.catalog import PRESETS, better_for_english
from clip_app.model.torch_engine import registered_hub_files
from clip_app.terminal import main

# The text towers that transformers configures, whose configuration lies on the hub.
_XLM_R = {"vocab_size": 250_002, "max_position_embeddings": 514, "type_vocab_size": 1}
_TEXT_TOWERS = {
    "xlm-roberta-base": XLMRobertaConfig(**_XLM_R),
    "xlm-roberta-large": XLMRobertaConfig(
        **_XLM_R,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
    ),
}


def registered(preset, folder):
    """The network as open_clip builds it, without memory for its weights."""
    text = dict(open_clip.get_model_config(preset.architecture)["text_cfg"])
    if name := text.get("hf_model_name"):
        _TEXT_TOWERS[name].save_pretrained(folder)
        text |= {"hf_model_name": str(folder), "hf_model_pretrained": False}
    with torch.device("meta"):
        return open_clip.create_model(preset.architecture, device="meta", text_cfg=text)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_as_open_clip_registers_it(preset, tmp_path):
    names = preset.architecture, preset.pretrained
    assert open_clip.is_pretrained_cfg(*names)
    assert open_clip.get_pretrained_cfg(*names)["hf_hub"] == f"{preset.hub}/"
    assert preset.hub_files == registered_hub_files(*names)
    model = registered(preset, tmp_path)
    parameters = sum(one.numel() for one in model.parameters()) / 1e6
    assert preset.parameters == pytest.approx(parameters, rel=0.001)
    assert preset.scoring == ("softmax" if model.logit_bias is None else "sigmoid")
    told = re.search(r"(\d+) px", preset.title)
    side = int(told[1]) if told else 224
    assert model.visual.image_size == (side, side)


def test_presets_are_told_apart_by_every_name():
    assert all(key == preset.key == key.lower() for key, preset in PRESETS.items())
    assert len({(one.architecture, one.pretrained) for one in PRESETS.values()}) == len(PRESETS)
    assert len({one.title for one in PRESETS.values()}) == len(PRESETS)


def test_a_better_model_for_english_is_free_no_larger_and_clearly_better():
    found = {key: better_for_english(preset) for key, preset in PRESETS.items()}
    # Not vit-l-14-datacomp or mobileclip2-b, which are as good but not as free.
    assert {key: better.key for key, better in found.items() if better} == {
        "xlm-roberta-base-vit-b-32": "siglip2-b-16-256",
        "xlm-roberta-large-vit-h-14": "pe-core-l-14-336",
        "siglip2-b-32-256": "siglip2-b-16-256",
    }


@pytest.mark.parametrize("locale", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_the_table_of_the_terminal_is_aligned_within_80_columns(locale, monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", locale)
    prepare_streams()
    assert main(["models"]) == 0

    def columns(content: str) -> int:
        return sum(2 if unicodedata.east_asian_width(one) == "W" else 1 for one in content)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(PRESETS)
    assert max(map(columns, lines)) <= 80
    for preset, line in zip(PRESETS.values(), lines[2:], strict=True):
        before, licence = line[: -len(preset.licence)], line[-len(preset.licence) :]
        assert licence == preset.licence
        assert columns(before) == columns(re.match(r".*ImageNet  ", lines[0])[0])
        assert before.split()[0] == preset.key
