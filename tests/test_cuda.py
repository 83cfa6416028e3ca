"""The torch engine on a GPU; skipped where there is none."""

import numpy as np
import pytest
import torch

from clip_app.model.catalog import find_model
from clip_app.model.torch_engine import TorchEngine
from clip_app.settings import Settings

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

# Of a coordinate of a unit vector, between float16 and float32: 6e-4 was seen with the starter.
TOLERANCE = 2e-3


@pytest.fixture(scope="module")
def on_gpu() -> TorchEngine:
    return TorchEngine(find_model("starter"), Settings(model="starter", device="cuda"))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    chance = np.random.default_rng(0)
    return chance.standard_normal((70, 224, 224, 3), np.float32).transpose(0, 3, 1, 2)


def test_images_and_texts_equal_float32_on_the_cpu(on_gpu: TorchEngine, pixels: np.ndarray) -> None:
    on_cpu = TorchEngine(find_model("starter"), Settings(model="starter", device="cpu"))
    expected = on_cpu.image_features(pixels[:20])
    assert np.abs(on_gpu.image_features(pixels[:20]) - expected).max() < TOLERANCE
    texts = ["a cat", "一只猫", "two dogs on a beach in the rain"]
    assert np.abs(on_gpu.text_features(texts) - on_cpu.text_features(texts)).max() < TOLERANCE
    assert on_gpu.precision == "float16"
    assert on_gpu.spec == on_cpu.spec  # an index made on either opens on the other


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 70])
def test_recorded_passes_answer_for_every_size(
    on_gpu: TorchEngine, pixels: np.ndarray, size: int
) -> None:
    on_gpu.image_features(pixels[::-1][:size].copy())  # what was there before must not be seen
    rows = on_gpu.image_features(pixels[:size])
    alone = np.concatenate([on_gpu.image_features(pixels[i : i + 1]) for i in range(size)])
    assert rows.shape == (size, on_gpu.spec.embedding_size)
    assert np.abs(rows - alone).max() < TOLERANCE
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_batch_that_does_not_fit_is_halved(pixels: np.ndarray) -> None:
    engine = TorchEngine(find_model("starter"), Settings(model="starter", device="cuda"))
    expected = engine.image_features(pixels[:4])
    hogs = []
    try:
        while True:
            hogs.append(torch.empty(50_000_000, dtype=torch.uint8, device="cuda"))
    except torch.OutOfMemoryError:
        del hogs[-4:]
    torch.cuda.empty_cache()
    assert np.abs(engine.image_features(pixels[:64])[:4] - expected).max() < TOLERANCE
