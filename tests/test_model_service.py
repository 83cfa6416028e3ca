import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import huggingface_hub
import numpy as np
import open_clip
import pytest
import torch

from clip_app.errors import HubUnreachableError, ModelError
from clip_app.model.catalog import PRESETS, STARTER_DIRECTORY, find_model
from clip_app.model.hub import HUB_TIMEOUT_SECONDS
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot, load_model
from clip_app.model.torch_engine import fast_on_cpu
from clip_app.progress import NobodyWaitsError, nobody_waits
from clip_app.prompts import TEMPLATE_SETS
from clip_app.settings import Settings
from tests.conftest import PATIENCE_SECONDS, ROOT, noise, wait_for


@pytest.fixture(scope="module")
def plain():
    """The starter through open_clip alone, as its model card says."""
    text_cfg = json.loads((STARTER_DIRECTORY / "open_clip_config.json").read_text())["model_cfg"][
        "text_cfg"
    ] | {"hf_model_name": str(STARTER_DIRECTORY), "hf_tokenizer_name": str(STARTER_DIRECTORY)}
    model, _, preprocess = open_clip.create_model_and_transforms(
        f"local-dir:{STARTER_DIRECTORY}", text_cfg=text_cfg
    )
    return model.eval(), preprocess, open_clip.get_tokenizer(f"local-dir:{STARTER_DIRECTORY}")


def plain_images(plain, images):
    model, preprocess, _ = plain
    with torch.no_grad():
        pixels = torch.stack([preprocess(image) for image in images])
        return model.encode_image(pixels, normalize=True).numpy()


def test_image_features_equal_plain_open_clip(service, plain, cat):
    images = [cat, noise(1), noise(2, (400, 130))]
    ours = service.encode_images(images)
    assert ours.dtype == np.float32
    assert ours.shape == (3, 640)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(ours, plain_images(plain, images), atol=2e-4)


def test_preprocessing_equals_open_clips_and_pixels_are_encoded_as_images_are(service, plain, cat):
    images = [cat, *(noise(seed, (300, 200)) for seed in range(600, 609))]
    pixels = [service.preprocess(image) for image in images]
    for ours, image in zip(pixels, images, strict=True):
        np.testing.assert_allclose(ours, plain[1](image).numpy(), atol=1e-6, rtol=0)
    expected = plain_images(plain, images)
    np.testing.assert_allclose(service.encode_pixels(pixels), expected, atol=2e-4)
    np.testing.assert_allclose(service.encode_images(images), expected, atol=2e-4)
    assert service.encode_pixels([]).shape == (0, 640)


def test_label_features_equal_open_clips_zero_shot_classifier(service, plain):
    model, _, tokenizer = plain
    labels = ["a cat", "猫", "hippopotamus in a very long sentence with many words", "x"]
    expected = open_clip.build_zero_shot_classifier(
        model, tokenizer, labels, open_clip.SIMPLE_IMAGENET_TEMPLATES
    ).T.numpy()
    ours = service.encode_labels(labels, TEMPLATE_SETS["clip7"])
    np.testing.assert_allclose(ours, expected, atol=2e-4)


def test_text_features_equal_plain_open_clip(service, plain):
    model, _, tokenizer = plain
    texts = ["two dogs in the snow", "雪地里的两只狗", "{} %s {0}", ""]
    with torch.no_grad():
        expected = model.encode_text(tokenizer(texts), normalize=True).numpy()
    np.testing.assert_allclose(service.encode_texts(texts), expected, atol=2e-4)


def test_logit_scale_is_the_models_and_starter_has_no_bias(service, plain):
    assert service.logit_scale == pytest.approx(float(plain[0].logit_scale.exp()), rel=1e-6)
    assert service.logit_bias is None
    assert service.info.scoring == "softmax"


def test_every_concurrent_caller_gets_its_own_vector(service, settings):
    images = [noise(seed) for seed in range(100, 124)]
    alone = np.concatenate([service.encode_images([image]) for image in images])
    fresh = load_model(settings)
    passes = fresh.statistics.image_passes
    with ThreadPoolExecutor(24) as pool:
        together = list(pool.map(lambda image: fresh.encode_images([image])[0], images))
    np.testing.assert_allclose(np.stack(together), alone, atol=1e-4)
    assert np.abs(alone[:-1] - alone[1:]).max(axis=1).min() > 1e-2
    assert fresh.statistics.image_passes - passes < len(images), "nobody shared a pass"


def test_who_leaves_while_others_have_the_device_gets_not_even_one_batch(settings):
    service = load_model(settings)
    passes = service._engine.passes
    held, free, left = threading.Barrier(passes + 1), threading.Event(), threading.Event()

    def hold():
        held.wait(PATIENCE_SECONDS)
        free.wait(PATIENCE_SECONDS)

    def ask():
        nobody_waits.set(left.is_set)
        return service.encode_texts(["of no use to anybody"])

    with ThreadPoolExecutor(passes + 1) as pool:
        for _ in range(passes):
            pool.submit(service._device.run, hold)
        held.wait(PATIENCE_SECONDS)
        answer = pool.submit(ask)
        wait_for(service._device._executor._work_queue.qsize)
        left.set()
        free.set()
        with pytest.raises(NobodyWaitsError):
            answer.result(PATIENCE_SECONDS)
    assert service.statistics.texts == 0


def test_same_image_and_same_texts_are_encoded_once(settings):
    service = load_model(settings)
    image = noise(7)
    first = service.encode_images([image])
    service.encode_labels(["a", "b"], ("{}",))
    images, texts = service.statistics.images, service.statistics.texts
    np.testing.assert_array_equal(service.encode_images([image.copy()]), first)
    service.encode_labels(["b", "a"], ("{}",))
    service.encode_labels(["a", "c"], ("{}",))
    assert (service.statistics.images, service.statistics.texts) == (images, texts + 1)


def test_caches_stay_within_their_memory():
    service = load_model(Settings(model="starter", device="cpu", cache_mb=1))
    for start in range(0, 600, 200):  # a row is 2.5 kB: half as much again as fits
        service.encode_texts([f"word {start + i}" for i in range(200)])
    cached = service._features._rows
    assert cached.currsize <= 1_000_000
    assert len(cached) > 100


def test_extreme_shapes_do_not_exhaust_memory(service):
    features = service.encode_images([noise(3, (30_000, 1)), noise(4, (1, 1)), noise(5, (1, 9000))])
    assert features.shape == (3, 640)
    assert np.isfinite(features).all()


@pytest.mark.parametrize(
    ("name", "forward", "error"),
    [("torch", "_forward_images", torch.OutOfMemoryError), ("onnx", "_run", MemoryError)],
)
def test_out_of_memory_halves_the_batch_and_goes_on(
    name, forward, error, service, settings, monkeypatch
):
    images = [noise(seed) for seed in range(300, 308)]
    expected = service.encode_images(images)
    fresh = load_model(settings.model_copy(update={"engine": name}))
    engine = fresh._engine
    whole = getattr(engine, forward)

    def small_device(*arguments):
        if len(arguments[-1]) > 2:
            raise error("simulated")
        return whole(*arguments)

    monkeypatch.setattr(engine, forward, small_device)
    np.testing.assert_allclose(fresh.encode_images(images), expected, atol=1e-4)

    def no_device(*_):
        raise error("simulated")

    monkeypatch.setattr(engine, forward, no_device)
    with pytest.raises(ModelError, match="memory"):
        fresh.encode_images([noise(400)])
    with pytest.raises(ModelError, match="memory"):
        fresh.encode_texts(["no room"]) if name == "onnx" else fresh.encode_images([noise(401)])
    monkeypatch.undo()
    assert fresh.encode_images([noise(400)]).shape == (1, 640)


def test_unreachable_hub_is_told_within_three_seconds(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://10.255.255.1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    started = time.monotonic()
    with pytest.raises(HubUnreachableError) as caught:
        load_model(Settings(model="vit-b-32-openai"))
    assert HUB_TIMEOUT_SECONDS <= 3
    assert time.monotonic() - started < 20  # and not a minute, as transformers would take
    assert "vit-b-32-openai" in caught.value.message("zh")


def test_automatic_choice_falls_back_to_the_starter_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        service = load_model(Settings(model="auto", device="cpu"))
    assert service.info.is_starter
    assert "starter model: good for a first look" in caplog.text


def test_a_failed_change_leaves_the_old_model_serving(service, settings):
    slot = ModelSlot(service, settings)
    with pytest.raises(ModelError):
        slot.change("no-such-model")
    assert slot.service is service


def test_only_one_change_at_a_time(service, settings, monkeypatch):
    slot = ModelSlot(service, settings)
    slot._changing.acquire()
    with pytest.raises(ModelError, match="being loaded"):
        slot.change("starter")
    slot._changing.release()
    assert slot.change("starter").info.is_starter


def test_broken_checkpoint_is_one_sentence(tmp_path, settings):
    for file in STARTER_DIRECTORY.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "open_clip_model.safetensors").read_bytes()
    (tmp_path / "open_clip_model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(settings.model_copy(update={"model": str(tmp_path)}))


def test_copied_starter_loads_from_any_folder_and_scores_the_same(tmp_path, service, cat, settings):
    folder = tmp_path / "my model 模型"
    folder.mkdir()
    for file in STARTER_DIRECTORY.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    other = load_model(settings.model_copy(update={"model": str(folder)}))
    assert not other.info.is_starter
    np.testing.assert_allclose(other.encode_images([cat]), service.encode_images([cat]), atol=1e-6)


@pytest.mark.slow
def test_sigmoid_model_keeps_its_bias_and_preprocessing_from_a_bare_weights_file(tmp_path):
    torch.manual_seed(0)
    architecture = "MobileCLIP2-S0"
    model = open_clip.create_model(architecture, pretrained=None)
    weights = tmp_path / "weights.pt"
    torch.save(model.state_dict(), weights)
    service = load_model(Settings(model=f"{architecture}:{weights}", device="cpu"))
    # MobileCLIP's registered preprocessing is mean 0, std 1, not open_clip's default.
    white = torch.ones(3, 256, 256).numpy() * 255
    from PIL import Image

    pixels = service.preprocess(Image.fromarray(white.astype(np.uint8).transpose(1, 2, 0)))
    np.testing.assert_allclose(pixels, np.ones_like(pixels))
    image = noise(11)
    with torch.no_grad():
        expected = (
            model.eval()
            .encode_image(torch.from_numpy(service.preprocess(image)[None]), normalize=True)
            .numpy()
        )
    np.testing.assert_allclose(service.encode_images([image]), expected, atol=2e-4)


def test_every_preset_is_in_open_clips_registry():
    for preset in PRESETS.values():
        assert open_clip.is_pretrained_cfg(preset.architecture, preset.pretrained), preset.key
        source = find_model(preset.key)
        assert source.hub_files, preset.key
        assert find_model(f"{preset.architecture}:{preset.pretrained}").preset == preset


@pytest.mark.parametrize("name", ["", "nope", "ViT-B-32:no-such-tag", "ViT-B-32", "../../etc"])
def test_unknown_models_are_refused_by_name(name):
    with pytest.raises(ModelError):
        find_model(name)


@pytest.mark.parametrize(
    "name",
    [
        "/etc",
        "local-dir:/etc",
        "~",
        "../..",
        "assets/starter",
        str(STARTER_DIRECTORY),
        f"local-dir:{STARTER_DIRECTORY}",
        "ViT-B-32:/etc/passwd",
        "ViT-B-32:requirements.txt",
        "ViT-B-32:no-such-tag",
        "assets",
        ".",
        "",
    ],
)
def test_where_roots_are_given_nothing_else_on_this_machine_can_be_named(name, tmp_path):
    for roots in ([], [tmp_path]):
        with pytest.raises(ModelError):
            find_model(name, roots)
    # What is there and what is not get the same answer.
    with pytest.raises(ModelError) as there:
        find_model(str(STARTER_DIRECTORY), [])
    with pytest.raises(ModelError) as missing:
        find_model("/no/such/folder", [])
    assert there.value.message("en") == missing.value.message("en")


def test_model_folders_below_a_root_can_be_named_and_so_can_presets(tmp_path):
    folder = tmp_path / "root" / "mine"
    shutil.copytree(STARTER_DIRECTORY, folder)
    shutil.copytree(STARTER_DIRECTORY, tmp_path / "outside")
    roots = [tmp_path / "root"]
    assert find_model(str(folder), roots).architecture == f"local-dir:{folder}"
    for name in ("starter", "siglip2-b-32-256", "ViT-B-32:openai", "hf-hub:owner/name"):
        assert find_model(name, roots) == find_model(name)
    for name in (f"{folder}/../../outside", str(tmp_path / "outside"), str(tmp_path / "root")):
        with pytest.raises(ModelError, match="only folders below"):
            find_model(name, roots)


def test_bfloat16_stays_close_enough_to_show_the_same_winner(cat):
    fast = load_model(Settings(model="starter", device="cpu", precision="bfloat16"))
    exact = load_model(Settings(model="starter", device="cpu"))
    cosines = (fast.encode_images([cat]) @ exact.encode_images([cat]).T).item()
    assert cosines > 0.99
    has_bfloat16 = fast_on_cpu(torch.bfloat16)
    assert fast.info.precision == ("bfloat16" if has_bfloat16 else "float32")


def test_half_precision_gives_way_to_float32_on_a_processor_without_it(monkeypatch, caplog, cat):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert not fast_on_cpu(torch.bfloat16)
    assert fast_on_cpu(torch.float32)
    with caplog.at_level(logging.WARNING):
        service = load_model(Settings(model="starter", device="cpu", precision="bfloat16"))
    assert service.info.precision == "float32"
    assert "no instructions for bfloat16; float32 is used" in caplog.text


@pytest.mark.slow
def test_held_back_to_avx2_no_half_precision_is_chosen_for_training_or_the_app():
    code = (
        "import torch; from clip_app.model.torch_engine import fast_on_cpu; "
        "from training.text_tower import _half_precision; "
        "halves = [fast_on_cpu(torch.bfloat16), fast_on_cpu(torch.float16)]\n"
        "with _half_precision(): print(*halves, torch.is_autocast_enabled('cpu'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["False", "False", "False"]


@pytest.mark.parametrize("filler", ["very ", "十分"])
def test_what_is_read_of_a_text_beyond_the_context_gives_the_same_vector(service, filler):
    long = filler * 80 + "cat"
    [cut] = service.cut_texts(["a dog", long, "x" * 46])
    assert cut.text == long
    assert 30 < len(cut.read) < len(long) - 3
    whole, read, less = service.encode_texts([long, cut.read, cut.read[: len(cut.read) // 2]])
    np.testing.assert_allclose(whole, read, atol=1e-6)
    assert np.abs(whole - less).max() > 1e-3
    assert str(len(cut.read)) in cut.message("zh")
    # In a template there is less room for it.
    [in_prompt] = service.cut_texts([long], ("a blurry black and white photo of a {}.",))
    assert len(in_prompt.read) < len(cut.read)


def test_only_texts_that_lose_something_are_called_cut(service):
    words = [("cat " * number).strip() for number in range(40, 52)]
    cut = [one.text for one in service.cut_texts(words)]
    # 48 tokens, two of them around the text.
    assert cut == [text for text in words if len(text.split()) > 46]
    assert len(service.cut_texts([f"{n} " + "cat " * 60 for n in range(30)])) == 20


@pytest.mark.parametrize("tag", ["ViT-B-32", "ViT-B-16-SigLIP2"])
def test_openclips_own_tokenizer_is_asked_in_the_same_way(service, monkeypatch, tag):
    if tag == "ViT-B-32":
        tokenizer = open_clip.SimpleTokenizer(context_length=20)
    else:
        tokenizer = open_clip.tokenizer.HFTokenizer(
            str(STARTER_DIRECTORY), context_length=20, clean="canonicalize"
        )
    monkeypatch.setattr(service._engine, "_tokenizer", tokenizer)
    monkeypatch.setattr(service._engine, "context_length", 20)
    [cut] = service.cut_texts(["cat, " * 40 + "dog!", "cat " * 9 + "......................."])
    assert cut.read.count("cat") in (9, 18)
    assert cut.text.endswith("dog!")


def test_services_of_two_threads_do_not_wait_for_ever(service):
    done = []

    def work(seed: int) -> None:
        service.encode_images([noise(seed)])
        service.encode_texts([f"text {seed}"])
        done.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(500, 516)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 16


def test_model_service_is_what_load_model_returns(service):
    assert isinstance(service, ModelService)
    assert service.info.parameters == 24_813_185
    assert service.info.image_size == (224, 224)
