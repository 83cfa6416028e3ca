"""Our preprocessing against open_clip's own, in every mode that a model may ask for."""

import itertools

import numpy as np
import open_clip
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2

from clip_app.model.preprocess import Preprocessing, stacked
from tests.conftest import noise

SIZES = [(64, 64), (300, 200), (200, 301), (65, 500), (97, 97), (1000, 40)]


@pytest.mark.parametrize("target", [64, 65, (64, 64), (48, 96), (97, 41)])
@pytest.mark.parametrize(
    ("mode", "interpolation"),
    list(itertools.product(["shortest", "longest", "squash"], ["bicubic", "bilinear"])),
)
def test_every_mode_gives_open_clips_pixels(target, mode, interpolation):
    config = {
        "size": target,
        "mode": "RGB",
        "mean": (0.4, 0.5, 0.6),
        "std": (0.2, 0.25, 0.3),
        "resize_mode": mode,
        "interpolation": interpolation,
        "fill_color": 77,
    }
    theirs = image_transform_v2(PreprocessCfg(**config), is_train=False)
    ours = Preprocessing.from_config(config)
    for seed, size in enumerate(SIZES):
        image = noise(seed, size)
        pixels = ours(image)
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels, theirs(image).numpy(), atol=1e-5, err_msg=str(size))


def test_every_registered_preprocessing_is_understood():
    for architecture, tag in open_clip.list_pretrained():
        config = open_clip.get_pretrained_cfg(architecture, tag)
        size = open_clip.get_model_config(architecture)["vision_cfg"].get("image_size", 224)
        named = {
            key: value for key, value in config.items() if key in PreprocessCfg.__annotations__
        }
        ours = Preprocessing.from_config({"size": size} | named)
        expected = PreprocessCfg(**({"size": size} | named))
        assert ours.mean == pytest.approx(expected.mean), (architecture, tag)
        assert ours.resize_mode == expected.resize_mode, (architecture, tag)


def test_stacked_pixels_keep_a_pixels_colours_side_by_side():
    ours = Preprocessing((32, 32))
    pixels = [ours(noise(seed)) for seed in range(3)]
    batch = stacked(pixels)
    np.testing.assert_array_equal(batch, np.stack(pixels))
    assert batch.strides[1] == batch.itemsize, "channels last"


@pytest.mark.parametrize("config", [{}, {"size": "large"}, {"size": 64, "resize_mode": "wrong"}])
def test_a_configuration_that_is_none_is_refused(config):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Preprocessing.from_config(config)
