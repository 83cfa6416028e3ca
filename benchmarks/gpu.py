"""What a GPU gives: our engine beside the bare model and the tutorial's way, in one run.

    python benchmarks/gpu.py FOLDER [--model NAME ...]

Prints one table a model, and how far the answers lie from float32 on the CPU. Random weights of the
real shapes and drawn photographs are made in FOLDER once (`peer_parts.py`). Nothing is asserted
about time. Without a GPU it says so and ends.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import numpy as np  # noqa: E402
from peer_parts import DEFAULT, HUB, SMALL_PHOTOGRAPHS, VIT, make_for_towers  # noqa: E402
from PIL import Image  # noqa: E402

MODELS = ("starter", VIT, DEFAULT, "vit-l-14-datacomp")
BATCHES = (1, 64, 256)
# Photographs of a whole run: some seconds of it.
WHOLE = 6000
SECONDS = 2.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our engine on a GPU beside the bare model.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", action="append", help="one of these; may be given repeatedly")
    flags = parser.parse_args()
    # transformers and open_clip read it while they are imported.
    os.environ |= {"HF_HOME": str(flags.folder / HUB), "HF_HUB_OFFLINE": "1"}
    import torch

    if not torch.cuda.is_available():
        raise SystemExit("No GPU here.")
    models = flags.model or MODELS
    make_for_towers(flags.folder, [name for name in models if name != "starter"])
    print(f"{torch.cuda.get_device_name()}, {os.cpu_count()} cores, torch {torch.__version__}")
    for name in models:
        _measure(name, flags.folder)


def _measure(name: str, folder: Path) -> None:
    import torch

    from clip_app.images import load_image
    from clip_app.model.slot import load_model
    from clip_app.model.torch_engine import load_open_clip
    from clip_app.photos import decode_side, encode_files
    from clip_app.settings import Settings

    files = sorted((folder / SMALL_PHOTOGRAPHS).glob("*.jpg"))
    service = load_model(Settings(model=name, device="cuda", engine="torch"))
    engine: Any = service._engine
    side = service.info.image_size
    some = [service.preprocess(load_image(f, target_side=decode_side(service))) for f in files[:64]]
    pixels = np.stack(list(islice(cycle(some), max(BATCHES))))
    texts = [f"a photo of a {n} dogs, on a beach" for n in range(256)]

    model, preprocess, tokenizer = load_open_clip(service.source)
    exact = _unit(model.encode_image(torch.from_numpy(pixels[:16])))
    exact_texts = _unit(model.encode_text(tokenizer(texts[:16])))
    model = model.cuda()
    rows: list[tuple[str, str]] = []

    def row(what: str, rate: float) -> None:
        rows.append((what, f"{rate:,.0f}"))

    for size in BATCHES:
        batch = torch.from_numpy(pixels[:size]).cuda().contiguous()
        row(f"bare float32, {size}", size * _rate(partial(model.encode_image, batch)))
        with torch.autocast("cuda", torch.float16):
            row(f"bare, autocast, {size}", size * _rate(partial(model.encode_image, batch)))
        row(
            f"engine from numpy, {size}",
            size * _rate(partial(engine.image_features, pixels[:size])),
        )
    row("engine, 1 text", _rate(partial(engine.text_features, texts[:1])))
    row("engine, 256 texts", 256 * _rate(partial(engine.text_features, texts)))

    whole = list(islice(cycle(files), WHOLE))
    row("decode and preprocess alone", WHOLE / _seconds(partial(_decode_all, service, whole)))
    row("files to features", WHOLE / _seconds(lambda: sum(1 for _ in encode_files(service, whole))))
    few = whole[:300]

    def tutorial() -> None:
        for file in few:
            model.encode_image(preprocess(Image.open(file)).unsqueeze(0).cuda()).cpu()

    row("the tutorial's way", len(few) / _seconds(tutorial))
    print(f"\n{name}, {side[0]} x {side[1]}, {service.info.precision}: a second")
    for what, value in rows:
        print(f"  {what:32}{value:>10}")
    apart = np.abs(engine.image_features(pixels[:16]) - exact).max()
    apart_texts = np.abs(engine.text_features(texts[:16]) - exact_texts).max()
    print(f"  furthest from float32 on the CPU: {apart:.1e} images, {apart_texts:.1e} texts")
    print(
        f"  memory of the GPU at most: {torch.cuda.max_memory_allocated() / 1e9:.2f} GB", flush=True
    )
    torch.cuda.reset_peak_memory_stats()


def _decode_all(service: Any, files: list[Path]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from clip_app.photos import open_picture

    def one(file: Path) -> None:
        service.preprocess(open_picture(file, service))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(one, files):
            pass


def _unit(features: Any) -> np.ndarray:
    rows: np.ndarray = features.detach().float().numpy()
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _rate(work: Callable[[], Any]) -> float:
    """Runs a second of `work`, by the median."""
    import torch

    took: list[float] = []
    with torch.inference_mode():
        for _ in range(3):
            work()
        torch.cuda.synchronize()
        while sum(took) < SECONDS / 2:
            started = time.perf_counter()
            work()
            torch.cuda.synchronize()
            took.append(time.perf_counter() - started)
    return 1 / statistics.median(took)


def _seconds(work: Callable[[], Any]) -> float:
    import torch

    with torch.inference_mode():
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
