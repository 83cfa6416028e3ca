"""What the trained parts know of photographs they have not seen, in both languages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch

from clip_app.prompts import label_sets
from clip_app.tasks.classes import Classes
from training.align import Head, LabelTexts
from training.datasets import CaptionSet, LabelledSet
from training.features import FeatureStore
from training.image_tower import imagenet_wnids
from training.ranking import places, within
from training.synthetic import shuffle_key
from training.text_data import PROMPTS
from training.text_tower import TextEncoder

#: Prompts averaged for a label, by language: the first five.
_ENSEMBLE = 5


def label_texts(one: LabelledSet, encoder: TextEncoder) -> tuple[list[str], list[str], LabelTexts]:
    """The labels offered for a set, their English names, and the text vectors of their prompts.

    Sets labelled by ImageNet's ids are asked among all of the 1,000 classes.
    """
    if one.wnids:
        labels = imagenet_wnids()
        english = list(open_clip.IMAGENET_CLASSNAMES)
        chinese = list(label_sets()["imagenet1k"].labels["zh"])
    else:
        labels = sorted(one.names)
        english = [one.names[label]["en"][0] for label in labels]
        chinese = [one.names[label]["zh"][0] for label in labels]
    return labels, english, LabelTexts(_prompts(english, 0, encoder), _prompts(chinese, 1, encoder))


def _prompts(names: Sequence[str], place: int, encoder: TextEncoder) -> torch.Tensor:
    prompts = [pair[place] for pair in PROMPTS[:_ENSEMBLE]]
    texts = [prompt.replace("{}", name) for name in names for prompt in prompts]
    return encoder.encode(texts).reshape(len(names), len(prompts), -1).half()


@torch.inference_mode()
def report(
    head: Head,
    store: FeatureStore,
    encoder: TextEncoder,
    labelled: Sequence[LabelledSet],
    captioned: Sequence[CaptionSet],
    most: int,
) -> dict[str, dict]:
    """Percentages by set.

    Args:
        most: test photographs of a set, chosen by their names.
    """
    figures: dict[str, dict] = {}
    for one in labelled:
        photos = sorted(one.test, key=lambda p: (shuffle_key(p.path), p.path.name))[:most]
        if not photos:
            continue
        labels, _, texts = label_texts(one, encoder)
        images, kept = _images(head, store, [p.path for p in photos], f"{one.name}-test")
        if not kept:
            continue
        truth = torch.tensor([labels.index(photos[row].label) for row in kept])
        figures[one.name] = {"photos": len(kept), "labels": len(labels)} | {
            language: top(images, _classes(labels, head, prompts), truth)
            for language, prompts in (("en", texts.english), ("zh", texts.chinese))
        }
    for pictures in captioned:
        if pictures.train:
            continue
        images, kept = _images(head, store, pictures.photos, f"{pictures.name}-test")
        if not kept:
            continue
        figures[pictures.name] = {"photos": len(kept)} | {
            language: recall(images, _first(head, encoder, [captions[row] for row in kept]))
            for language, captions in (("en", pictures.captions), ("zh", pictures.chinese))
            if all(captions)
        }
    return figures


def _images(
    head: Head, store: FeatureStore, paths: Sequence[Path], title: str
) -> tuple[torch.Tensor, list[int]]:
    """Unit vectors of the photographs that can be read, and their places."""
    [features], kept = store.readable_views(paths, 1, title)
    return head.images(features.float()), kept


def _first(head: Head, encoder: TextEncoder, captions: Sequence[Sequence[str]]) -> torch.Tensor:
    return head.texts(encoder.encode([texts[0] for texts in captions]))


def _classes(labels: Sequence[str], head: Head, prompts: torch.Tensor) -> Classes:
    return Classes(tuple(labels), head.classifier(prompts.float()).numpy())


def top(images: torch.Tensor, classes: Classes, truth: torch.Tensor) -> dict[str, float]:
    """Top-1 and top-5 in percent, of unit rows of photographs."""
    found = places(images.numpy(), classes.weights, truth.numpy())
    return {f"top{k}": within(found, k) for k in (1, 5)}


def recall(images: torch.Tensor, texts: torch.Tensor) -> dict[str, float]:
    """Recall in percent of the right one among the first 1, 5 and 10, both ways."""
    pictures, sentences = images.numpy(), texts.numpy()
    figures: dict[str, float] = {}
    for way, queries, candidates in (
        ("t2i", sentences, pictures),
        ("i2t", pictures, sentences),
    ):
        found = places(queries, candidates, np.arange(len(queries)))
        figures |= {f"{way}_r{k}": within(found, k) for k in (1, 5, 10)}
    return figures


def as_table(figures: Mapping[str, dict]) -> str:
    """The report as lines of Markdown."""
    lines = ["| set | English | Chinese |", "|---|---|---|"]
    for name, one in figures.items():
        cells = [" / ".join(f"{v:.1f}" for v in one.get(k, {}).values()) for k in ("en", "zh")]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)
