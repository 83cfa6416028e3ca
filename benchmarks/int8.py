"""Towers in 8 bits on a CPU: ONNX Runtime, OpenVINO and torch beside one another.

    python benchmarks/int8.py [--seconds 2] [--towers vit,image,text]

`vit` is the image tower of ViT-B/32 with random weights of the real shape, whose speed is that of
trained ones and whose agreement means nothing; `image` and `text` are the starter's towers. Each
cell is a process of its own with as many threads as the app takes. What is not installed prints
"-": `pip install openvino nncf` brings the two, torch has its own.

A second is of wall time, the best of five rounds; where the machine is shared, milliseconds of
processor time for one input say more. Memory is the peak of the process, what it imports included.
"""

import argparse
import importlib.util
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.images import load_image
from clip_app.model.backgrounds import background_words
from clip_app.model.catalog import find_model
from clip_app.model.onnx_engine import OnnxEngine, _cores
from clip_app.model.quantise import quantise_below
from clip_app.model.slot import load_model
from clip_app.model.towers import Towers, find_towers
from clip_app.scoring import unit
from clip_app.settings import ASSETS

WAYS = (
    "torch float32",
    "torch int8 dynamic",
    "ONNX Runtime float32",
    "ONNX Runtime int8 dynamic",
    "OpenVINO float32",
    "OpenVINO int8 static",
)
NAMES = {"vit": "ViT-B/32 image", "image": "starter image", "text": "starter text"}
BATCHES = (1, 8)
ROUNDS = 5
CALIBRATION = 48

Run = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure each tower each way, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2, help="of each round of each cell")
    parser.add_argument("--towers", default="vit,image,text")
    parser.add_argument("--one", nargs=3, metavar=("TOWER", "WAY", "DIR"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        tower, way, folder = options.one
        print(json.dumps(measured(tower, way, Path(folder), options.seconds)))
        return
    print(
        "| tower | way | a second, batch 1 | batch 8 | CPU ms each, batch 1 | batch 8 | "
        "mean cosine | MB on disk | MB of memory |\n|---|---|" + "---:|" * 7
    )
    with tempfile.TemporaryDirectory() as folder:
        for tower in options.towers.split(","):
            for way in WAYS:
                cells = cell(tower, way, folder, options.seconds)
                print(f"| {NAMES[tower]} | {way} | {' | '.join(cells)} |", flush=True)
        print_zero_shot(Path(folder))


def cell(tower: str, way: str, folder: str, seconds: float) -> list[str]:
    """A row of the table, measured in a process of its own."""
    needed = {"OpenVINO float32": ["openvino"], "OpenVINO int8 static": ["openvino", "nncf"]}
    if not all(map(importlib.util.find_spec, needed.get(way, []))):
        return ["-"] * 7
    command = [sys.executable, __file__, "--one", tower, way, folder, "--seconds"]
    if tower == "vit" or not way.startswith("torch"):
        # Once to make what is kept, in a process whose memory is not measured.
        subprocess.run([*command, "0"], capture_output=True, check=False)
    done = subprocess.run([*command, str(seconds)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-600:], file=sys.stderr)
        return ["-"] * 7
    return list(json.loads(done.stdout.splitlines()[-1]))


def measured(tower: str, way: str, folder: Path, seconds: float) -> list[str]:
    """Speed, agreement, size and memory of one tower run one way."""
    towers, model = prepared(tower, folder)
    inputs = inputs_of(tower, towers)
    made = MAKERS[way.split()[0]](tower, way, towers, model, folder, inputs)
    run, size = made
    rates, costs = zip(*(speed(run, inputs[:batch], seconds) for batch in BATCHES), strict=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    agreement = "-" if tower == "vit" else f"{cosine(run, tower, towers, inputs):.4f}"
    return [
        *(f"{rate:.1f}" for rate in rates),
        *(f"{1000 * cost:.1f}" for cost in costs),
        agreement,
        f"{size / 1e6:.0f}",
        f"{memory:.0f}",
    ]


def speed(run: Run, batch: np.ndarray, seconds: float) -> tuple[float, float]:
    """Inputs a second of wall time, and seconds of processor time each, both of the best round."""
    run(batch)
    rates, costs = [], []
    for _ in range(ROUNDS):
        count, started, began = 0, time.perf_counter(), time.process_time()
        while count == 0 or time.perf_counter() - started < seconds / ROUNDS:
            run(batch)
            count += len(batch)
        rates.append(count / (time.perf_counter() - started))
        costs.append((time.process_time() - began) / count)
    return max(rates), min(costs)


def cosine(run: Run, tower: str, towers: Towers, inputs: np.ndarray) -> float:
    """Mean cosine to ONNX Runtime's float32, of inputs that nothing was calibrated with."""
    engine = OnnxEngine(towers)
    some = inputs[-6:] if tower == "image" else inputs[CALIBRATION:]
    plain = engine._image_tower if tower == "image" else engine._text_tower
    rows = [unit(one) for one in (run(some), plain.session().run(None, {"input": some})[0])]
    return float((rows[0] * rows[1]).sum(axis=1).mean())


def inputs_of(tower: str, towers: Towers) -> np.ndarray:
    """Photographs' crops and the whole photographs, or words' tokens: the first 48 calibrate."""
    if tower == "text":
        words = [*background_words("en")[::12], *background_words("zh")[::12]]
        engine = OnnxEngine(towers)
        order = np.random.default_rng(0).permutation(len(words))
        tokens = engine.token_ids([words[index] for index in order])
        return np.ascontiguousarray(towers.text.trimmed(tokens))
    whole = [load_image(path) for path in sorted((ASSETS / "examples").glob("*.jpg"))]
    return np.stack([towers.spec.preprocessing(one) for one in (*crops(whole, 8), *whole)])


def crops(pictures: list[Image.Image], each: int) -> list[Image.Image]:
    """Parts of the pictures, from half to nine tenths of their sides."""
    random = np.random.default_rng(0)
    parts = []
    for picture in pictures:
        for share in np.linspace(0.5, 0.9, each):
            width, height = (round(side * share) for side in picture.size)
            left = int(random.integers(picture.width - width + 1))
            top = int(random.integers(picture.height - height + 1))
            parts.append(picture.crop((left, top, left + width, top + height)))
    return parts


def drawn() -> list[Image.Image]:
    """Plain shapes in plain colours."""
    pictures = []
    for colour in ("red", "green", "blue", "yellow", "black", "orange"):
        for shape in ("ellipse", "rectangle", "polygon", "line"):
            picture = Image.new("RGB", (256, 256), "white")
            pen = ImageDraw.Draw(picture)
            box = [(48, 64), (208, 192)]
            if shape == "polygon":
                pen.polygon([(128, 40), (40, 210), (216, 210)], fill=colour)
            elif shape == "line":
                pen.line(box, fill=colour, width=16)
            else:
                getattr(pen, shape)(box, fill=colour)
            pictures.append(picture)
    return pictures


def prepared(tower: str, folder: Path) -> tuple[Towers, Any]:
    """The float32 towers, and the source for `load_open_clip`."""
    source = find_model(str(vit(folder / "vit")) if tower == "vit" else "starter")
    towers = find_towers(source, folder)
    assert towers is not None
    return towers, source


def vit(folder: Path) -> Path:
    """A model whose image tower is ViT-B/32's in shape, its text tower a token one; exported."""
    if folder.exists():
        return folder
    import open_clip
    import torch
    from safetensors.torch import save_file

    from clip_app.model.export import export_towers

    vision = {"image_size": 224, "patch_size": 32, "width": 768, "layers": 12}
    text = {"context_length": 77, "vocab_size": 49_408, "width": 64, "heads": 2, "layers": 1}
    config = {"embed_dim": 512, "vision_cfg": vision, "text_cfg": text}
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {}}), "utf-8"
    )
    torch.manual_seed(0)
    state = {k: v.contiguous().clone() for k, v in open_clip.CLIP(**config).state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    export_towers(find_model(str(folder)), folder)
    return folder


def in_onnx_runtime(
    tower: str, way: str, towers: Towers, source: Any, folder: Path, inputs: np.ndarray
) -> tuple[Run, int]:
    """As the app runs it."""
    precision = "int8" if "int8" in way else "float32"
    used = quantise_below(towers, folder / "int8", tower) if precision == "int8" else towers
    engine = OnnxEngine(used, precision)
    kind = "text" if tower == "text" else "image"
    opened = engine._text_tower if kind == "text" else engine._image_tower
    files = [path for path in used.folder.glob(f"{kind}*") if path.is_file()]
    if not any(path.name.endswith(".data") for path in files):
        files.append(used.folder / "open_clip_model.safetensors")  # both towers in float16
    return (
        lambda batch: opened.session().run(None, {"input": batch})[0],
        sum(path.stat().st_size for path in files),
    )


def in_openvino(
    tower: str, way: str, towers: Towers, source: Any, folder: Path, inputs: np.ndarray
) -> tuple[Run, int]:
    """With the hint for latency; static int8 by nncf, calibrated with the first inputs."""
    import openvino

    core = openvino.Core()
    path = folder / f"{tower}-{'int8' if 'int8' in way else 'float32'}.xml"
    if not path.exists():
        name = "text.onnx" if tower == "text" else "image.onnx"
        model = core.read_model(towers.file(name))
        if "int8" in way:
            import nncf

            transformer = nncf.ModelType.TRANSFORMER if tower != "image" else None
            examples = nncf.Dataset([inputs[i : i + 1] for i in range(CALIBRATION)])
            model = nncf.quantize(model, examples, model_type=transformer, subset_size=CALIBRATION)
        openvino.save_model(model, path, compress_to_fp16=False)
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": _cores(),
    }
    compiled = core.compile_model(core.read_model(path), "CPU", options)
    size = path.stat().st_size + path.with_suffix(".bin").stat().st_size
    return lambda batch: compiled(batch)[0], size


def in_torch(
    tower: str, way: str, towers: Towers, source: Any, folder: Path, inputs: np.ndarray
) -> tuple[Run, int]:
    """open_clip's tower; dynamic int8 by `torch.ao.quantization`, of linear layers."""
    import torch

    from clip_app.model.text_tower import TextTower
    from clip_app.model.torch_engine import load_open_clip

    torch.set_num_threads(_cores())
    model, _, _ = load_open_clip(source)
    part = TextTower(model) if tower == "text" else model.visual
    if "int8" in way:
        part = torch.ao.quantization.quantize_dynamic(part, {torch.nn.Linear}, dtype=torch.qint8)
    with tempfile.TemporaryFile() as file:
        torch.save((part._text if tower == "text" else part).state_dict(), file)
        size = file.tell()

    def run(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(part(torch.from_numpy(batch)))

    return run, size


MAKERS = {"ONNX": in_onnx_runtime, "OpenVINO": in_openvino, "torch": in_torch}


def print_zero_shot(folder: Path) -> None:
    """How often the starter in int8 names a picture as float32 does, by label set."""
    logging.disable(logging.WARNING)
    services = [
        load_model("starter", device="cpu", precision=precision, cache_dir=folder / "zero-shot")
        for precision in ("float32", "int8")
    ]
    whole = [load_image(path) for path in sorted((ASSETS / "examples").glob("*.jpg"))]
    kinds = {"photographs": whole, "crops": crops(whole, 8), "drawn": drawn()}
    images = {kind: services[0].encode_images(some) for kind, some in kinds.items()}
    print("\n| label set | labels | " + " | ".join(f"{k} ({len(kinds[k])})" for k in kinds) + " |")
    print("|---|---:|" + "---:|" * len(kinds))
    for path in sorted((ASSETS / "label_sets").glob("*.json")):
        pairs = json.loads(path.read_text("utf-8"))["labels"]
        for language, template in (("en", "a photo of a {}."), ("zh", "一张{}的照片。")):
            names = list(dict.fromkeys(pairs[language]))
            first, second = (one.encode_labels(names, (template,)) for one in services)
            same = [
                f"{((rows @ first.T).argmax(1) == (rows @ second.T).argmax(1)).mean():.0%}"
                for rows in images.values()
            ]
            print(f"| {path.stem}, {language} | {len(names)} | {' | '.join(same)} |")


if __name__ == "__main__":
    main()
