"""Alignment: the image head and the text projection learn to put a picture beside its texts.

The head starts as the ImageNet classifier put in words: a picture lies at the mean of the names of
the classes it may show, each as strongly as the classifier believes in it (Norouzi et al. 2014,
"Zero-Shot Learning by Convex Combination of Semantic Embeddings"). So what the classifier knows
needs no photographs of the 1,000 classes. From there four losses share every step, all on cached
vectors, so that a step takes milliseconds:

- distillation: over a random cut through the concept tree, the picture's distribution over the
  texts shall be the ImageNet classifier's;
- labels: cross-entropy over the labels of each labelled set;
- union: the same over the labels of all sets at once, so that a dish is no sport;
- captions: open_clip's contrastive loss between photographs and their captions.

Each draws English or Chinese texts with equal chance.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from open_clip import ClipLoss
from timm.layers import Mlp
from torch import nn
from tqdm import tqdm

from training.concepts import Cuts
from training.image_tower import FEATURES, Classifier
from training.text_tower import WIDTH, warm_cosine

#: Length of the exported model's feature vectors. open_clip's MLP head has twice as many hidden
#: units, and each of the 1,000 classes needs one of its own.
EMBEDDING = 640

# A class takes part in where a picture lies as far as its logit exceeds this. Logits have a mean of
# about 0 and a deviation of 1.2; that of the best class is 8 to 12. A higher threshold names the
# 1,000 classes better and lets through less of all else.
_THRESHOLD = 2.0

# Photographs in a step: for distillation, from each labelled set drawn, from all sets, and with
# captions.
_DISTILLED = 384
_LABELLED = 64
_UNITED = 128
_CAPTIONED = 128
_SETS_A_STEP = 4

# Share of distilled features that are mixed with another's, as in a picture of two things.
_MIXED = 0.3

# How often two captions of a photograph stand for it together, by their mean.
_CAPTIONS_TOGETHER = 0.5

# Hidden units of the image head that are left out in a training step.
_DROPOUT = 0.1

# Image features that are left out in a step of captions.
_FEATURES_LEFT_OUT = 0.3

# Share of cuts that are the 1,000 classes themselves, the hardest one.
_LEAF_CUTS = 0.6

_DISTILLATION_WEIGHT = 2.0
_LABEL_WEIGHT = 1.0
_UNION_WEIGHT = 0.5
_CAPTION_WEIGHT = 0.4

_RATE = 1e-3
# The text side is good already, and all texts never seen depend on it.
_PROJECTION_RATE = 1e-4
_WEIGHT_DECAY = 0.05
_WARM_UP_STEPS = 100

# The head is trained twice, and the weights of both are averaged: at length, which names the
# labelled sets best, and for this share of the steps, which keeps more of everything else
# (Wortsman et al. 2022, "Model soups"). Then the share of the longer one in the mean.
_BRIEF = 3 / 8
_LONGER_SHARE = 0.6

# Weights are averaged over about the last thousand steps.
_AVERAGE_DECAY = 0.998

# How far the whitening of texts is held back: 1 would leave their directions as they are.
_WHITENING_SHRINKAGE = 0.3


@dataclass(frozen=True)
class TextTable:
    """Text vectors of concepts or photographs: all in one table, and which rows belong to which.

    Attributes:
        table: (m, 384).
        english, chinese: (n, 2), for each concept or photograph the first of its rows in the table
            and the one after the last. There may be no Chinese one.
    """

    table: torch.Tensor
    english: np.ndarray
    chinese: np.ndarray

    def means(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit vectors of the mean over each one's texts, (n, 384) for each language.

        Zero where there is no Chinese text.
        """

        def mean(spans: np.ndarray) -> torch.Tensor:
            sums = torch.stack([self.table[start:end].float().sum(0) for start, end in spans])
            return F.normalize(sums, dim=1)

        return mean(self.english), mean(self.chinese)

    def draw(self, rows: np.ndarray, chinese: float, rng: np.random.Generator) -> torch.Tensor:
        """One text for each of `rows`, (len(rows), 384).

        Args:
            chinese: chance of a Chinese text where there is one.
        """
        spans = self.english[rows]
        others = self.chinese[rows]
        use = (others[:, 1] > others[:, 0]) & (rng.random(len(rows)) < chinese)
        spans[use] = others[use]
        picks = spans[:, 0] + rng.random(len(rows)) * (spans[:, 1] - spans[:, 0])
        return self.table[torch.from_numpy(picks.astype(np.int64))].float()


class Head(nn.Module):
    """What is learnt: open_clip's `visual.head.mlp`, `text.proj` and `logit_scale`."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = Mlp(FEATURES, 2 * EMBEDDING, EMBEDDING, drop=(_DROPOUT, 0.0))
        self.proj = nn.Linear(WIDTH, EMBEDDING, bias=False)
        nn.init.orthogonal_(self.proj.weight)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(20.0)))

    @torch.no_grad()
    def start_from(self, teacher: Classifier, concepts: TextTable) -> None:
        """Become the classifier put in words, in a space where the concepts' texts lie apart."""
        english, chinese = concepts.means()
        has_chinese = chinese.norm(dim=1) > 0
        self.proj.weight.copy_(
            self.proj.weight @ whitening(torch.cat([english, chinese[has_chinese]]))
        )
        count = len(teacher.bias)
        layers = self.mlp.state_dict()  # shares the memory of the parameters
        layers["fc1.weight"][:count] = teacher.weight
        layers["fc1.bias"][:count] = teacher.bias - _THRESHOLD
        layers["fc2.weight"][:, :count] = self.texts(english[:count] + chinese[:count]).T
        layers["fc2.bias"].zero_()

    def images(self, features: torch.Tensor) -> torch.Tensor:
        """Pooled features (n, 1280) to unit vectors (n, 640)."""
        return F.normalize(self.mlp(features), dim=-1)

    def texts(self, vectors: torch.Tensor) -> torch.Tensor:
        """Text tower outputs (…, 384) to unit vectors (…, 640)."""
        return F.normalize(self.proj(vectors), dim=-1)

    def classifier(self, prompts: torch.Tensor) -> torch.Tensor:
        """Prompts of labels (labels, prompts, 384) to one unit vector a label, as the app does."""
        return F.normalize(self.texts(prompts).mean(1), dim=-1)


@dataclass(frozen=True)
class LabelTexts:
    """Text vectors of a list of labels: (labels, prompts, 384) for each language."""

    english: torch.Tensor
    chinese: torch.Tensor


@dataclass(frozen=True)
class LabelledFeatures:
    """A labelled set ready for training.

    Attributes:
        views: (n, 1280) each, float16.
        labels: (n,), rows of `texts` and indices into `label_names`.
        label_names: English; the same name in two sets is the same label.
    """

    name: str
    views: tuple[torch.Tensor, ...]
    labels: torch.Tensor
    texts: LabelTexts
    label_names: tuple[str, ...]


@dataclass(frozen=True)
class CaptionedFeatures:
    """Photographs with captions.

    Attributes:
        views: (n, 1280) each.
        captions: of every photograph.
    """

    name: str
    views: tuple[torch.Tensor, ...]
    captions: TextTable


def whitening(vectors: torch.Tensor) -> torch.Tensor:
    """A (384, 384) projection that spreads texts evenly over all directions.

    Sentence vectors share one large direction and a few strong ones; without them, "a photo of a
    cat" and "a photo of a dog" stand apart.
    """
    mean = F.normalize(vectors.mean(0), dim=0)
    rest = vectors - (vectors @ mean)[:, None] * mean
    strengths, axes = torch.linalg.eigh(rest.T @ rest / len(rest))
    strengths = strengths.clamp(min=1e-8)
    held_back = (1 - _WHITENING_SHRINKAGE) * strengths + _WHITENING_SHRINKAGE * strengths.mean()
    projection = axes @ torch.diag(held_back.rsqrt()) @ axes.T
    projection = projection @ (torch.eye(WIDTH) - torch.outer(mean, mean))
    return projection / projection.norm() * math.sqrt(WIDTH)


@dataclass(frozen=True)
class Examples:
    """What the head learns from.

    Attributes:
        known: names of the labelled sets whose photographs the teacher can judge; the rest (such
            as drawings) take no part in distillation.
    """

    teacher: Classifier
    cuts: Cuts
    concepts: TextTable
    labelled: Sequence[LabelledFeatures]
    captioned: Sequence[CaptionedFeatures]
    known: Sequence[str]


def train_head(head: Head, examples: Examples, steps: int, seed: int = 0) -> Head:
    """Train from `head` on, twice, and return a head with the mean of both weights.

    Args:
        steps: of the longer run.
    """
    brief = _trained(copy.deepcopy(head), examples, round(_BRIEF * steps), seed)
    longer = _trained(copy.deepcopy(head), examples, steps, seed)
    with torch.no_grad():
        for weights, others in zip(longer.parameters(), brief.parameters(), strict=True):
            weights.lerp_(others, 1 - _LONGER_SHARE)
    return longer.eval()


def _trained(head: Head, examples: Examples, steps: int, seed: int) -> Head:
    """One run; changes `head`, and returns its weights averaged over the last steps."""
    teacher, cuts, concepts = examples.teacher, examples.cuts, examples.concepts
    labelled, captioned = examples.labelled, examples.captioned
    rng = np.random.default_rng(seed)
    photographs = [v for one in labelled if one.name in examples.known for v in one.views]
    photographs += [view for one in captioned for view in one.views]
    pool = torch.cat(photographs)
    optimizer = torch.optim.AdamW(
        [
            {"params": [*head.mlp.parameters(), head.logit_scale], "lr": _RATE},
            {"params": head.proj.parameters(), "lr": _PROJECTION_RATE, "weight_decay": 0.0},
        ],
        weight_decay=_WEIGHT_DECAY,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: warm_cosine(s, steps, _WARM_UP_STEPS)
    )
    averaged = copy.deepcopy(head)
    contrast = ClipLoss()
    weights = np.array([math.sqrt(len(one.labels)) for one in labelled])
    bar = tqdm(range(steps), desc=f"alignment, {steps} steps")
    for step in bar:
        scale = head.logit_scale.exp()
        # 1. distillation
        features, wanted = _distillation_batch(pool, teacher, rng)
        rows = cuts.leaves() if rng.random() < _LEAF_CUTS else cuts.draw(rng)
        members = torch.from_numpy(cuts.members[rows]).float()
        texts = head.texts(concepts.draw(rows, _chance_of_chinese(rng), rng))
        wanted = wanted @ members.T
        wanted = wanted / wanted.sum(1, keepdim=True)
        logits = scale * head.images(features) @ texts.T
        loss = -_DISTILLATION_WEIGHT * (wanted * F.log_softmax(logits, dim=1)).sum(1).mean()
        # 2. labels
        chosen = rng.choice(
            len(labelled),
            min(_SETS_A_STEP, len(labelled)),
            replace=False,
            p=weights / weights.sum(),
        )
        for index in chosen:
            share = _LABEL_WEIGHT / len(chosen)
            loss = loss + share * _label_loss(head, labelled[index], scale, rng)
        # 3. union
        loss = loss + _UNION_WEIGHT * _union_loss(head, labelled, weights, scale, rng)
        # 4. captions
        for one in captioned:
            view = one.views[rng.integers(len(one.views))]
            pick = rng.integers(len(view), size=_CAPTIONED)
            features = view[torch.from_numpy(pick)].float()
            images = head.images(F.dropout(features, _FEATURES_LEFT_OUT))
            sentences = head.texts(one.captions.draw(pick, 0.5, rng))
            if rng.random() < _CAPTIONS_TOGETHER:
                others = head.texts(one.captions.draw(pick, 0.5, rng))
                sentences = F.normalize(sentences + others, dim=1)
            share = _CAPTION_WEIGHT / len(captioned)
            loss = loss + share * contrast(images, sentences, scale)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            head.logit_scale.clamp_(max=math.log(100))
            decay = min(_AVERAGE_DECAY, (1 + step) / (10 + step))
            for slow, fast in zip(averaged.parameters(), head.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}", scale=f"{scale.item():.1f}", refresh=False)
    return averaged


def _chance_of_chinese(rng: np.random.Generator) -> float:
    """All English, all Chinese, or now and then both, so that the languages share one scale."""
    return float(rng.choice([0.0, 1.0, 0.5], p=[0.45, 0.45, 0.1]))


def _distillation_batch(
    pool: torch.Tensor, teacher: Classifier, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (n, 1280) and what the teacher says of them (n, 1000)."""
    features = pool[torch.from_numpy(rng.integers(len(pool), size=_DISTILLED))].float()
    wanted = teacher.probabilities(features)
    mixed = int(_MIXED * _DISTILLED)
    order = torch.from_numpy(rng.permutation(_DISTILLED))
    one, other = order[:mixed], order[-mixed:]
    share = torch.from_numpy(rng.uniform(0.5, 1, (mixed, 1))).float()
    features = torch.cat([features, share * features[one] + (1 - share) * features[other]])
    wanted = torch.cat([wanted, share * wanted[one] + (1 - share) * wanted[other]])
    return features, wanted


def _label_loss(
    head: Head, one: LabelledFeatures, scale: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    pick = torch.from_numpy(rng.integers(len(one.labels), size=_LABELLED))
    prompts = one.texts.chinese if rng.random() < 0.5 else one.texts.english
    # The average over two prompts or one: a label must hold with few of them, too.
    columns = torch.from_numpy(rng.choice(prompts.shape[1], min(2, prompts.shape[1]), False))
    columns = columns[: rng.integers(1, 3)]
    texts = head.classifier(prompts[:, columns].float())
    view = one.views[rng.integers(len(one.views))]
    logits = scale * head.images(view[pick].float()) @ texts.T
    return F.cross_entropy(logits, one.labels[pick])


def _union_loss(
    head: Head,
    labelled: Sequence[LabelledFeatures],
    weights: np.ndarray,
    scale: torch.Tensor,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Cross-entropy of photographs from all sets over the labels that occur among them."""
    counts = rng.multinomial(_UNITED, weights / weights.sum())
    chinese = rng.random() < 0.5
    features, texts, names = [], [], []
    for one, count in zip(labelled, counts, strict=True):
        pick = torch.from_numpy(rng.integers(len(one.labels), size=count))
        prompts = one.texts.chinese if chinese else one.texts.english
        column = rng.integers(prompts.shape[1])
        features.append(one.views[rng.integers(len(one.views))][pick])
        texts.append(prompts[one.labels[pick], column])
        names += [one.label_names[label] for label in one.labels[pick].tolist()]
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        first.setdefault(name, row)
    order = {row: column for column, row in enumerate(first.values())}
    truth = torch.tensor([order[first[name]] for name in names])
    sentences = head.texts(torch.cat(texts)[list(first.values())].float())
    logits = scale * head.images(torch.cat(features).float()) @ sentences.T
    return F.cross_entropy(logits, truth)


def calibrated_scale(head: Head, held_out: Sequence[LabelledFeatures]) -> float:
    """The logit scale (as a factor, not its logarithm) that makes held-out probabilities truest.

    Minimises the mean over sets and languages of the negative log-likelihood: temperature scaling,
    Guo et al. 2017.
    """
    candidates = torch.tensor(np.geomspace(5, 100, 60), dtype=torch.float32)
    total = torch.zeros(len(candidates))
    with torch.inference_mode():
        for one in held_out:
            images = head.images(one.views[0].float())
            for prompts in (one.texts.english, one.texts.chinese):
                cosines = images @ head.classifier(prompts.float()).T
                for row, scale in enumerate(candidates):
                    total[row] += F.cross_entropy(scale * cosines, one.labels)
    return float(candidates[total.argmin()])
