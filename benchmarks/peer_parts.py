"""What `peers.py` measures with, made once in a folder: photographs, weights, exported towers.

    python benchmarks/peer_parts.py make FOLDER     all that is not there yet
    python benchmarks/peer_parts.py rate TOWER.onnx images a second of a bare image tower
    python benchmarks/peer_parts.py decode FOLDER SIDE
                                                    photographs a second of decoding alone

Weights are random and of the real shapes, for speed does not depend on their values; they lie as in
the cache of a model hub, so that the app takes them by the names of its presets. A process of its
own, because the peak memory of a child counts from its parent's.
"""

import itertools
import json
import os
import random
import re
import shutil
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

# Of the photographs: 2 to 12 megapixels, as cameras and telephones have made them.
LARGE = ((4000, 3000), (3000, 4000), (2592, 1944), (1600, 1200), (3264, 2448), (1920, 1080))
LARGE_NUMBER = 300
# And as large as those of the ImageNet sample.
SMALL = ((500, 375), (375, 500), (500, 333))
SMALL_NUMBER = 1000

# The folders and files below the working folder.
PHOTOGRAPHS, SMALL_PHOTOGRAPHS, HUB, RCLIP = "photographs", "small", "hub", "rclip"
STARTER_TOWER = "starter_image.onnx"
VIT_TOWER = "rclip/ViT-B-32-256-datacomp_s34b_b86k/visual.onnx"

# Pixels that the two take, in each direction.
STARTER_SIDE, VIT_SIDE = 224, 256

VIT, DEFAULT = "vit-b-32-256-datacomp", "xlm-roberta-base-vit-b-32"

# Where rclip looks for its model, and the texts without which it asks the hub.
_RCLIP_MODEL = Path(VIT_TOWER).parent.name
_RCLIP_TEXTS = ("LICENSE", "OPENAI-CLIP-MIT.txt", "README.md", "THIRD_PARTY_NOTICES.md")

_REVISION = "0" * 40
_EXPORT_TOLERANCE = 1e-4

# The real tokenizer of XLM-RoBERTa has so many pieces, and reading them takes part of a start.
_PIECES = 250_002
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_XLM_ROBERTA = {
    "architectures": ["XLMRobertaForMaskedLM"],
    "model_type": "xlm-roberta",
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "vocab_size": _PIECES,
}
_TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": 512,
    "bos_token": "<s>",
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
}

# A tower's rate is the median of batches over so many seconds, for each of these sizes.
_RATE_SECONDS = 3.0
_BATCHES = (1, 4, 8, 16, 32)


def make(folder: Path) -> None:
    """Make everything below `folder` that is not there yet; takes minutes and 3 GB."""
    # transformers and open_clip read it while they are imported.
    os.environ |= {"HF_HOME": str(folder / HUB), "HF_HUB_OFFLINE": "1"}
    _once(folder / PHOTOGRAPHS, partial(_draw, LARGE_NUMBER, LARGE))
    make_for_towers(folder)
    _once(folder / RCLIP, _make_rclip)
    _once(folder / STARTER_TOWER, _export_starter)


def make_for_towers(folder: Path, models: Sequence[str] = (VIT, DEFAULT)) -> None:
    """Of that, the small photographs and the weights; `HF_HOME` must name `folder / HUB`."""
    _once(folder / SMALL_PHOTOGRAPHS, partial(_draw, SMALL_NUMBER, SMALL))
    _make_hub(folder / HUB / "hub", models)


def _once(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file or folder whole or not at all, unless it is there."""
    if path.exists():
        return
    print(f"making {path.name}", file=sys.stderr, flush=True)
    part = path.with_name(f"part_{path.name}")
    if part.is_dir():
        shutil.rmtree(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    write(part)
    part.rename(path)


def _draw(number: int, sizes: tuple[tuple[int, int], ...], folder: Path) -> None:
    """Draw `number` JPEG files: colours that run into each other, with texture and grain."""
    folder.mkdir()
    chance = np.random.default_rng(0)
    for index, (width, height) in zip(range(number), itertools.cycle(sizes), strict=False):
        picture = np.zeros((height, width, 3), np.int16)
        for cells, depth in ((5, 180), (60, 60)):
            coarse = chance.integers(0, depth, (cells, cells, 3), np.uint8)
            smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            picture += np.asarray(smooth)
        picture += chance.integers(0, 24, (height, width, 1), np.int16)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(
            folder / f"{index:04}.jpg", quality=85
        )


def _make_hub(cache: Path, models: Sequence[str]) -> None:
    """The repositories that presets are loaded from, as the cache of a hub has them."""
    from huggingface_hub.file_download import repo_folder_name

    from clip_app.model.catalog import PRESETS

    def repository(name: str, write: Callable[[Path], None]) -> None:
        def write_all(top: Path) -> None:
            snapshot = top / "snapshots" / _REVISION
            snapshot.mkdir(parents=True)
            (top / "refs").mkdir()
            (top / "refs" / "main").write_text(_REVISION)
            write(snapshot)

        _once(cache / repo_folder_name(repo_id=name, repo_type="model"), write_all)

    # First, for the text tower is built by its configuration.
    repository(PRESETS[DEFAULT].tokenizer, _write_words)
    for name in models:
        preset = PRESETS[name]
        repository(preset.hub, partial(_write_weights, preset.architecture))


def _write_weights(architecture: str, snapshot: Path) -> None:
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model(architecture, pretrained_hf=False)
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(weights, snapshot / "open_clip_model.safetensors")


def _write_words(snapshot: Path) -> None:
    """Configuration and tokenizer of a text tower."""
    (snapshot / "config.json").write_text(json.dumps(_XLM_ROBERTA))
    (snapshot / "tokenizer_config.json").write_text(json.dumps(_TOKENIZER))
    _write_tokenizer(snapshot / "tokenizer.json")


def _write_tokenizer(path: Path) -> None:
    """A tokenizer of as many pieces as the real one: words of the assets, characters, the rest
    made up.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(_pieces(), unk_id=_SPECIAL.index("<unk>")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(one, _SPECIAL.index(one)) for one in ("<s>", "</s>")],
    )
    tokenizer.save(str(path))


def _pieces() -> list[tuple[str, float]]:
    """(piece, score) of each; a likely piece has a high score."""
    assets = (ROOT / "assets/background_texts.json", ROOT / "assets/label_sets/imagenet1k.json")
    words = sorted({w for path in assets for w in re.findall(r"\w+", path.read_text("utf-8"))})
    # Printable ASCII and the common Chinese characters.
    characters = map(chr, (*range(0x21, 0x7F), *range(0x4E00, 0xA000), 0x2581))
    chance = random.Random(0)

    def made_up() -> Iterator[str]:
        while True:
            yield "▁" + "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9))

    ranked = itertools.chain(
        ((one, 0.0) for one in _SPECIAL),
        ((f"▁{one}", -9.0) for one in words),
        ((one, -12.0) for one in characters),
        ((one, -15.0) for one in made_up()),
    )
    scores: dict[str, float] = {}
    while len(scores) < _PIECES:
        scores.setdefault(*next(ranked))
    return list(scores.items())


def _make_rclip(folder: Path) -> None:
    """The data folder of rclip, its model an export of the same weights as the hub's."""
    import open_clip
    import torch

    from clip_app.model.catalog import find_model
    from clip_app.model.torch_engine import load_open_clip

    class Text(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.model.encode_text(tokens)

    model, _, tokenizer = load_open_clip(find_model(VIT))
    (folder / _RCLIP_MODEL).mkdir(parents=True)
    texts = tokenizer(["a photo of a cat", "sunset", "two dogs on a beach in the rain"])
    _export(Text().eval(), texts, folder / _RCLIP_MODEL / "textual.onnx")
    pixels = torch.rand(3, 3, *model.visual.image_size)
    _export(model.visual, pixels, folder / _RCLIP_MODEL / "visual.onnx")
    (folder / "tokenizer").mkdir()
    vocabulary = Path(open_clip.tokenizer.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
    shutil.copy(vocabulary, folder / "tokenizer")
    for name in _RCLIP_TEXTS:
        (folder / name).touch()


def _export_starter(path: Path) -> None:
    import torch

    from clip_app.model.catalog import find_model
    from clip_app.model.torch_engine import load_open_clip

    model, _, _ = load_open_clip(find_model("starter"))
    _export(model.visual, torch.rand(3, 3, *model.visual.image_size), path)


def _export(tower: Any, example: Any, path: Path) -> None:
    """Export a tower for batches of any size, by the names that rclip has for in- and output.

    Raises:
        RuntimeError: if it answers otherwise than torch, on another size than the example's.
    """
    import onnxruntime
    import torch

    dynamic = ({0: torch.export.Dim("batch")},)
    with torch.no_grad():
        program = torch.onnx.export(
            tower,
            (example,),
            dynamo=True,
            dynamic_shapes=dynamic,
            input_names=["input"],
            output_names=["output"],
            verbose=False,
        )
        assert program is not None  # only the old exporter gives none
        program.save(str(path), external_data=False)
        session = onnxruntime.InferenceSession(str(path))
        for batch in (example, example[:1]):
            expected = torch.nn.functional.normalize(tower(batch), dim=-1).numpy()
            (found,) = session.run(None, {"input": batch.numpy()})
            found = found / np.linalg.norm(found, axis=-1, keepdims=True)
            if (difference := np.abs(found - expected).max()) > _EXPORT_TOLERANCE:
                raise RuntimeError(f"{path.name} differs from torch by {difference}")


def best_rate(tower: Path) -> tuple[float, int]:
    """(images a second, batch size) of an exported image tower at the size it does best."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tower))
    side = session.get_inputs()[0].shape[1:]
    chance = np.random.default_rng(0)
    rates = {}
    for size in _BATCHES:
        pixels = chance.standard_normal((size, *side), np.float32)
        session.run(None, {"input": pixels})
        took: list[float] = []
        while sum(took) < _RATE_SECONDS:
            started = time.perf_counter()
            session.run(None, {"input": pixels})
            took.append(time.perf_counter() - started)
        rates[size] = size / statistics.median(took)
    best = max(rates, key=lambda size: rates[size])
    return rates[best], best


def decode_rate(folder: Path, side: int) -> float:
    """Photographs a second that are read, decoded and preprocessed, with nothing else to do.

    Args:
        folder: of the photographs.
        side: pixels that the image tower takes, in each direction.
    """
    from clip_app.images import load_image
    from clip_app.model.preprocess import Preprocessing

    preprocess = Preprocessing((side, side))

    def read(path: Path) -> np.ndarray:
        return preprocess(load_image(path.read_bytes(), target_side=2 * side))

    paths = sorted(folder.iterdir())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started = time.perf_counter()
        deque(pool.map(read, paths), maxlen=0)  # nothing is kept
        return len(paths) / (time.perf_counter() - started)


if __name__ == "__main__":
    what, where, *more = sys.argv[1:]
    if what == "make":
        make(Path(where).resolve())
    elif what == "rate":
        print(json.dumps(best_rate(Path(where))))
    else:
        print(json.dumps([decode_rate(Path(where), *map(int, more))]))
