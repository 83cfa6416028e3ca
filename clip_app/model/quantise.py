"""From float32 towers to towers in 8 bits, for CPUs, held against the former before they count.

Weights of matrix products become 8 bits, one scale for each output; activations are quantised as
they come, one scale for a whole batch, so that an answer depends a little on what shares its batch.
Convolutions gain nothing from that. Embeddings stay float32: a lookup reads only its own rows.
"""

import contextlib
import ctypes
import logging
import os
import shutil
import time
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import psutil
from filelock import FileLock
from onnx.external_data_helper import ExternalDataInfo
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from clip_app.errors import ModelError, StorageError
from clip_app.images import load_image
from clip_app.model.backgrounds import background_words
from clip_app.model.onnx_engine import OnnxEngine
from clip_app.model.towers import (
    IMAGE_TOWER,
    IMAGE_TOWER_INT8,
    TEXT_TOWER,
    TEXT_TOWER_INT8,
    TOKENIZER,
    VOCABULARY,
    Towers,
    find_int8_towers,
    int8_folder,
    unfinished_folder,
    write_manifest,
)
from clip_app.process import terminal_language
from clip_app.settings import ASSETS
from clip_app.strings import LANGUAGES, text

log = logging.getLogger(__name__)

# The least mean cosine to the features of float32. The starter's texts reach 0.99 with a scale for
# each output, 0.96 with one a matrix, and 0.89 to 0.94 with 7 bits.
_LEAST_COSINE = 0.98

# Every 12th background word: 64 a language.
_WORD_STEP = 12

_QUANTISED = ["MatMul", "Gemm"]

# Memory while it is made, by the weights of the model: ViT-B/32's 88 million took 1.2 GB.
_BYTES_A_WEIGHT = 14


def quantise_below(towers: Towers, root: Path, name: str) -> Towers:
    """The towers in 8 bits of float32 ones, made below `root` if they are not there.

    They are there whole or not at all; one process at a time makes them.

    Args:
        towers: in float32.
        root: below which all exported towers are kept.
        name: the model's, for people.

    Raises:
        ModelError: if they cannot be made, or answer too differently.
        StorageError: if they cannot be written.
    """
    folder = int8_folder(towers, root)
    try:
        (root / "sources").mkdir(parents=True, exist_ok=True)
        with FileLock(root / "sources" / f"{folder.name}.lock"):
            if found := find_int8_towers(towers, root):
                return found
            if psutil.virtual_memory().available < towers.spec.parameters * _BYTES_A_WEIGHT:
                raise ModelError("int8_failed", model=name, reason="too little memory is free")
            with unfinished_folder(root, folder.name) as unfinished:
                made = _quantise(towers, unfinished, name)
                unfinished.rename(folder)
        return replace(made, folder=folder)
    except OSError as error:
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    finally:
        _give_memory_back()


def _give_memory_back() -> None:
    """Have glibc, where it is that, return what is free: 1.1 GB became 0.15 after ViT-B/32."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _quantise(towers: Towers, folder: Path, name: str) -> Towers:
    started, language = time.monotonic(), terminal_language()
    try:
        image = _write_tower(towers, IMAGE_TOWER, folder, IMAGE_TOWER_INT8)
        _write_tower(towers, TEXT_TOWER, folder, TEXT_TOWER_INT8)
    except (OSError, MemoryError):
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError("int8_failed", model=name, reason=reason) from error
    for name in (TOKENIZER, VOCABULARY):  # it has one of them
        if (towers.folder / name).exists():
            _link(towers.folder / name, folder)
    # Vectors of the two must not be compared, and parts of the digest name their indexes.
    own = blake2b(f"{towers.spec.fingerprint}-int8".encode(), digest_size=8).hexdigest()
    made = replace(towers, folder=folder, spec=replace(towers.spec, fingerprint=own))
    cosines = agreement(OnnxEngine(made, "int8"), OnnxEngine(towers), towers)
    if not min(cosines.values()) >= _LEAST_COSINE:  # NaN is no agreement
        raise ModelError("int8_differs", model=name, least=_LEAST_COSINE, **cosines)
    made = replace(made, int8=cosines)
    write_manifest(made)
    if not image:
        log.info(text("int8_convolutions", language, model=name))
    seconds = time.monotonic() - started
    log.info(text("int8_made", language, model=name, seconds=seconds, **cosines))
    return made


def agreement(engine: OnnxEngine, plain: OnnxEngine, towers: Towers) -> dict[str, float]:
    """Mean cosines between the features of two engines: `images`, of the bundled photographs, and
    `texts`, of background words in the languages that the model reads.
    """
    pictures = [load_image(path) for path in sorted((ASSETS / "examples").glob("*.jpg"))]
    pixels = np.stack([plain.spec.preprocessing(picture) for picture in pictures])
    languages = towers.languages or LANGUAGES
    words = [word for one in languages for word in background_words(one)[::_WORD_STEP]]
    return {
        "images": _mean_cosine(engine.image_features(pixels), plain.image_features(pixels)),
        "texts": _mean_cosine(engine.text_features(words), plain.text_features(words)),
    }


def _mean_cosine(features: np.ndarray, others: np.ndarray) -> float:
    return float((features * others).sum(axis=1).mean())


def _write_tower(towers: Towers, plain: str, folder: Path, int8: str) -> bool:
    """Write one tower in 8 bits; where it would gain nothing, have the float32 one in the folder.

    Returns:
        whether it is in 8 bits.
    """
    folded = folder / f"folded.{plain}"
    data = f"{folded.name}.data"
    options = onnxruntime.SessionOptions()
    # Weights kept in float16 stand behind casts, where the quantiser would not find them.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    keep = "session.optimized_model_external_initializers"
    options.add_session_config_entry(f"{keep}_file_name", data)
    options.add_session_config_entry(f"{keep}_min_size_in_bytes", "1024")
    onnxruntime.InferenceSession(towers.file(plain), options, providers=["CPUExecutionProvider"])
    model = onnx.load(folded, load_external_data=False)
    gains = _is_transformer(model.graph)
    if gains:
        add_pre_process_metadata(model)  # else the quantiser advises it
        onnx.save(model, folded)
        quantize_dynamic(
            folded,
            folder / int8,
            op_types_to_quantize=_QUANTISED,
            per_channel=True,
            weight_type=QuantType.QUInt8,
            use_external_data_format=True,  # one file ends at 2 GB
        )
    else:
        graph = onnx.load(towers.file(plain), load_external_data=False).graph
        external = {
            ExternalDataInfo(one).location for one in graph.initializer if one.external_data
        }
        for name in (plain, *external):
            _link(towers.folder / name, folder)
    for path in (folded, folder / data):
        path.unlink(missing_ok=True)
    return gains


def _is_transformer(graph: onnx.GraphProto) -> bool:
    """Whether most weights of a tower's products are those of matrix products."""
    sizes = {one.name: int(np.prod(one.dims)) for one in graph.initializer}
    weights = {"Conv": 0, "MatMul": 0, "Gemm": 0}
    for node in graph.node:
        if node.op_type in weights:
            weights[node.op_type] += sum(sizes.get(name, 0) for name in node.input)
    return sum(weights[name] for name in _QUANTISED) > weights["Conv"]


def _link(file: Path, folder: Path) -> None:
    """Have the same file in another folder, without a second copy where that can be."""
    try:
        os.link(file, folder / file.name)
    except OSError:
        shutil.copyfile(file, folder / file.name)
