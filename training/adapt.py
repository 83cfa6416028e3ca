"""Fits the model to one's own classes: `python -m training.adapt --images DIR --out DIR`.

The folder holds one folder of photographs for each class, named as the class. Only the image head
is trained, for a minute or so; the texts stay as they are, so everything typed still means the
same. A fifth of the photographs is kept aside to tell what it was worth.
"""

import argparse
import copy
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm import tqdm

from clip_app.errors import ClipAppError
from clip_app.images import SUPPORTED_SUFFIXES
from clip_app.model.backgrounds import background_words
from clip_app.model.catalog import find_model
from clip_app.model.service import ModelService
from clip_app.model.slot import load_model
from clip_app.model.torch_engine import load_open_clip
from clip_app.prompts import TEMPLATE_SETS, language_of_texts
from clip_app.tasks.classes import Classes, classes_from_labels
from training.export import write_towers
from training.features import FeatureStore
from training.ranking import places, within
from training.synthetic import shuffle_key

_WEIGHTS = "open_clip_model.safetensors"
_HEAD = "visual.head."

# One photograph in five says how well the rest was learnt.
_HELD_OUT = 5

_RATE = 3e-4
_BATCH = 64

# How much it costs to see the photographs otherwise than before among everyday words.
_KEEP_WEIGHT = 1.0


@dataclass(frozen=True)
class Outcome:
    """Share of held-out photographs whose own class scored best, in percent."""

    before: float
    after: float
    photos: int


@dataclass(frozen=True)
class _Own:
    """Photographs of one's own classes."""

    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: torch.Tensor

    def part(self, held_out: bool) -> torch.Tensor:
        """Rows of the held-out or of the other photographs; the same in every run."""
        # By rank within the class: every class has photographs on both sides.
        chosen = []
        for number in range(len(self.classes)):
            rows = (self.labels == number).nonzero()[:, 0].tolist()
            rows.sort(key=lambda row: shuffle_key(self.paths[row]))
            aside = max(1, len(rows) // _HELD_OUT)
            chosen += rows[:aside] if held_out else rows[aside:]
        return torch.tensor(chosen)


def adapt(images: Path, out: Path, model: str = "starter", steps: int = 600) -> Outcome:
    """Write a copy of a model whose image head knows the classes in `images`.

    Args:
        images: a folder for each class, with at least two photographs in it.
        model: the starter, or the folder of a model of the same form.

    Raises:
        ValueError: if there are fewer than two classes, or a class with a single photograph.
        ModelError: if the model cannot be used.
    """
    torch.manual_seed(0)
    own = _read(images)
    source = find_model(model)
    service = load_model(model, device="cpu", precision="float32", export=False)
    classes = _classes(service, own.classes)
    everyday = service.encode_texts([*background_words("en"), *background_words("zh")])
    whole = load_open_clip(source)[0]
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(whole.visual.trunk, Path(folder))
        views, kept = store.readable_views(own.paths, 2, "own")
    own = _checked(own, kept, images)
    plain, crop = (view.float() for view in views)
    old = whole.visual.head.eval()
    head = copy.deepcopy(old)
    rows, held_out = own.part(False), own.part(True)
    before = _accuracy(old, plain[held_out], own.labels[held_out], classes)
    texts = (torch.from_numpy(classes.weights), torch.from_numpy(everyday))
    scale = service.logit_scale
    _train(head, old, (plain[rows], crop[rows]), own.labels[rows], texts, scale, steps)
    after = _accuracy(head, plain[held_out], own.labels[held_out], classes)
    _write(Path(source.architecture.removeprefix("local-dir:")), head, out)
    outcome = Outcome(before, after, len(held_out))
    (out / "adapted.json").write_text(json.dumps(outcome.__dict__ | {"classes": own.classes}))
    return outcome


def _read(images: Path) -> _Own:
    folders = sorted(p for p in images.iterdir() if p.is_dir())
    found = [
        (number, path)
        for number, folder in enumerate(folders)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUPPORTED_SUFFIXES
    ]
    own = _Own(
        tuple(folder.name for folder in folders),
        tuple(path for _, path in found),
        torch.tensor([number for number, _ in found], dtype=torch.long),
    )
    return _checked(own, range(len(found)), images)


def _checked(own: _Own, kept: Sequence[int], images: Path) -> _Own:
    """Those of the photographs that are kept, if they are enough."""
    labels = own.labels[list(kept)]
    counts = torch.bincount(labels, minlength=len(own.classes))
    if len(own.classes) < 2 or (counts < 2).any():
        raise ValueError(f"{images} needs two folders of classes or more, with two photos or more")
    return _Own(own.classes, tuple(own.paths[row] for row in kept), labels)


def _classes(service: ModelService, names: Sequence[str]) -> Classes:
    """The classes, each one's text averaged over the prompts of its own language."""
    rows = []
    for name in names:
        templates = TEMPLATE_SETS["chinese" if language_of_texts([name]) == "zh" else "clip7"]
        prompts = "\n".join((*templates, "{}"))
        rows.append(classes_from_labels(service, [name.replace("_", " ")], prompts).weights)
    return Classes(tuple(names), np.concatenate(rows))


def _accuracy(
    head: nn.Module, features: torch.Tensor, labels: torch.Tensor, classes: Classes
) -> float:
    with torch.inference_mode():
        images = F.normalize(head(features), dim=1).numpy()
    return within(places(images, classes.weights, labels.numpy()), 1)


def _train(
    head: nn.Module,
    old: nn.Module,
    views: Sequence[torch.Tensor],
    labels: torch.Tensor,
    texts: tuple[torch.Tensor, torch.Tensor],
    scale: float,
    steps: int,
) -> None:
    """Cross-entropy over one's own labels, held to what the old head says of everyday words.

    Args:
        texts: of the labels, and of the everyday words.
    """
    own, everyday = texts
    rng = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in tqdm(range(steps), desc="adapting"):
        pick = torch.from_numpy(rng.integers(len(labels), size=_BATCH))
        features = views[int(rng.integers(len(views)))][pick]
        given = F.normalize(head(features), dim=1)
        with torch.no_grad():
            kept = torch.softmax(scale * F.normalize(old(features), dim=1) @ everyday.T, dim=1)
        loss = F.cross_entropy(scale * given @ own.T, labels[pick])
        drift = F.kl_div(
            F.log_softmax(scale * given @ everyday.T, dim=1), kept, reduction="batchmean"
        )
        loss = loss + _KEEP_WEIGHT * drift
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    head.eval()


def _write(source: Path, head: nn.Module, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    # Copied and not saved anew: a tokenizer that is saved loses spellings (see vocabulary.py).
    for path in source.iterdir():
        if path.suffix in (".json", ".txt"):
            shutil.copy(path, out / path.name)
    state = load_file(source / _WEIGHTS)
    for name, tensor in head.state_dict().items():
        key = _HEAD + name
        state[key] = tensor.to(state[key].dtype).contiguous()
    save_file(state, out / _WEIGHTS)
    write_towers(out)


def main() -> None:
    """Read the command line and adapt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="a folder for each class")
    parser.add_argument("--out", type=Path, required=True, help="where the model folder is written")
    parser.add_argument("--model", default="starter", help="the starter, or a folder like it")
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    try:
        outcome = adapt(options.images, options.out, options.model, options.steps)
    except (ClipAppError, OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    print(
        f"Right among {outcome.photos} held-out photographs: "
        f"{outcome.before:.1f} % before, {outcome.after:.1f} % after."
    )
    print(f"Use it with: python app.py --model {options.out}")


if __name__ == "__main__":
    main()
