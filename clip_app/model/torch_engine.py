"""open_clip on CUDA, MPS or a CPU. With the exporter, the one place that imports torch."""

import contextlib
import hashlib
import json
import logging
import platform
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from clip_app.errors import ClipAppError, ModelError
from clip_app.model.batching import in_halves
from clip_app.model.catalog import HUB_WEIGHTS, HubFiles, ModelSource, text_files
from clip_app.model.hub import interruption
from clip_app.model.image_tower import RecordedTower, Tower, frozen, unit_rows
from clip_app.model.info import ModelSpec
from clip_app.model.lent_gpu import lent
from clip_app.model.preprocess import Preprocessing
from clip_app.model.text_tower import TextTower, text_input
from clip_app.settings import Settings
from clip_app.strings import text as sentence
from clip_app.temporary import no_folder_of_torch

with no_folder_of_torch():
    import open_clip
    from open_clip.model import convert_weights_to_lp

log = logging.getLogger(__name__)

# Images in one forward pass. On a CPU the starter does best with 4, whose activations still fit the
# caches: 192 images a second against 146 with 16. A GPU has room for more.
_IMAGE_BATCH = {"cuda": 64, "mps": 32, "cpu": 4}


class TorchEngine:
    """One open_clip model; see `clip_app.model.engine.Engine`.

    Both towers are loaded, whatever is asked of them: open_clip builds no half of a model, and the
    fingerprint is taken of all its weights.
    """

    name = "torch"

    def __init__(self, source: ModelSource, settings: Settings) -> None:
        """Load the model.

        Raises:
            ModelError: if the weights or their configuration cannot be used.
        """
        self._device = _choose_device(settings.device)
        precision = _choose_precision(settings.precision, self._device)
        self._autocast = None if precision is torch.float32 else precision
        model, _, self._tokenizer = load_open_clip(source)
        self.spec = model_spec(model)
        on_cpu = self._device.type == "cpu"
        self._layout = torch.channels_last if on_cpu else torch.contiguous_format
        if self._device.type == "cuda" and self._autocast is not None:
            # Once, rather than in each pass: half the memory, and 4 bytes a weight less to read.
            convert_weights_to_lp(model, self._autocast)
        self._model = model.to(self._device, memory_format=self._layout)
        self._text_tower = TextTower(self._model)
        self._text_input = text_input(model, self._tokenizer)
        self.device = _device_name(self._device)
        self.precision = str(precision).removeprefix("torch.")
        self.image_batch = _IMAGE_BATCH[self._device.type]
        self.passes = 1
        self.context_length = self._text_input.context_length
        self._tokenizing = threading.Lock()
        self._zero_gpu = settings.zero_gpu
        self._halves = settings.zero_gpu and self._autocast is torch.float16
        if settings.zero_gpu:
            # One function for both towers: each has a process with weights of its own.
            self._rows = lent(self._rows)  # type: ignore[method-assign]

    def image_features(self, pixels: np.ndarray) -> np.ndarray:
        """Unit rows of pixels; a batch that does not fit the device's memory is halved."""
        # A pixel's colours lie side by side in memory; as they lie they are copied 3 times as fast
        # as put in another order by the CPU first. To a lent GPU 64 of 256 x 256 took 0.16 s, for a
        # pass of 0.01: as halves, of which a tower in half precision would make them, half that.
        rows = pixels.transpose(0, 2, 3, 1)
        return self._rows("images", rows.astype(np.float16) if self._halves else rows)

    def text_features(self, texts: Sequence[str]) -> np.ndarray:
        """Unit rows of texts, in one forward pass."""
        return self._rows("texts", self._text_input.trimmed(self.token_ids(texts)))

    def token_ids(self, texts: Sequence[str]) -> np.ndarray:
        """What the text tower reads of each text."""
        with self._tokenizing:  # transformers' fast tokenizers fail where two threads use one
            return self._tokenizer(list(texts)).numpy()

    def _rows(self, tower: Literal["images", "texts"], batch: np.ndarray) -> np.ndarray:
        """Unit rows of images (n, height, width, 3) or tokens (n, length).

        On ZeroGPU this is what runs in another process: nothing of it may be needed in this one.
        """
        if tower == "images":
            return in_halves(self._image_pass, batch)
        try:
            return self._forward_texts(batch)
        except torch.OutOfMemoryError as error:
            raise ModelError("out_of_memory") from error

    def _image_pass(self, rows: np.ndarray) -> np.ndarray:
        try:
            return self._forward_images(rows)
        except torch.OutOfMemoryError as error:
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            raise MemoryError(str(error)) from error

    def _forward_images(self, rows: np.ndarray) -> np.ndarray:
        if self._recorded is not None:
            with torch.inference_mode():
                return self._recorded.unit_rows(rows)
        with torch.inference_mode(), self._arithmetic():
            batch = torch.from_numpy(rows).permute(0, 3, 1, 2)
            batch = batch.to(self._device).contiguous(memory_format=self._layout)
            return unit_rows(self._image_tower(batch)).cpu().numpy()

    def _forward_texts(self, tokens: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), self._arithmetic():
            batch = torch.from_numpy(tokens).to(self._device)
            return unit_rows(self._text_tower(batch)).cpu().numpy()

    @cached_property
    def _image_tower(self) -> Tower:
        """Made with the first image: whoever asks with words alone does not wait for it."""
        if self._device.type != "cpu" or self._autocast is not None:
            return self._model.encode_image  # type: ignore[no-any-return]
        size = self.spec.preprocessing.image_size
        return frozen(self._model.visual, self._model.encode_image, size)

    @cached_property
    def _recorded(self) -> RecordedTower | None:
        # A process of a lent GPU has the interpreter to itself and may end after each call: on an
        # H100 a pass of ViT-B/32 took 17 to 113 ms to record, and then 1 to 4 ms less.
        if self._device.type != "cuda" or self._zero_gpu:
            return None
        size = self.spec.preprocessing.image_size
        return RecordedTower(self._model.encode_image, size, self._arithmetic)

    def _arithmetic(self) -> contextlib.AbstractContextManager[Any]:
        if self._autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, self._autocast)


def model_spec(model: Any) -> ModelSpec:
    """What the weights of an open_clip model fix."""
    bias = getattr(model, "logit_bias", None)
    return ModelSpec(
        preprocessing=Preprocessing.from_config(model.visual.preprocess_cfg),
        embedding_size=TextTower(model).embedding_size,
        parameters=sum(p.numel() for p in model.parameters()),
        logit_scale=float(model.logit_scale.detach().exp()),
        logit_bias=None if bias is None else float(bias.detach()),
        fingerprint=_fingerprint(model),
    )


def load_open_clip(source: ModelSource) -> tuple[Any, Any, Any]:
    """open_clip's model in eval mode, with its own preprocessing and tokenizer.

    Raises:
        ModelError: if the weights or their configuration cannot be used.
        DownloadError, HubUnreachableError: if a file of theirs did not come from the hub.
    """
    options: dict[str, Any] = {}
    directory = source.architecture.removeprefix("local-dir:")
    try:
        if directory != source.architecture:
            options["text_cfg"] = _text_config_with_absolute_paths(directory)
        elif source.pretrained and not open_clip.is_pretrained_cfg(
            source.architecture, source.pretrained
        ):
            options |= _registered_preprocessing(source.architecture)
        model, _, preprocess = open_clip.create_model_and_transforms(
            source.architecture, pretrained=source.pretrained, weights_only=True, **options
        )
        tokenizer = open_clip.get_tokenizer(source.architecture)
    except ClipAppError:
        raise
    except MemoryError as error:
        raise ModelError("out_of_memory") from error
    except Exception as error:
        failure = interruption(error, source) or ModelError("model_broken", model=source.name)
        raise failure from error
    return model.eval(), preprocess, tokenizer


def is_registered(architecture: str, pretrained: str | None = None) -> bool:
    """Whether open_clip knows an architecture, or a tag of its weights."""
    if pretrained is not None:
        return bool(open_clip.is_pretrained_cfg(architecture, pretrained))
    return open_clip.get_model_config(architecture) is not None


def registered_hub_files(architecture: str, pretrained: str | None) -> HubFiles:
    """What open_clip loads from the hub for an architecture and a tag of its registry."""
    wanted: HubFiles = ()
    tag = open_clip.get_pretrained_cfg(architecture, pretrained or "")
    if tag.get("hf_hub"):
        repository, _, file = tag["hf_hub"].rpartition("/")
        wanted = ((repository, (file,) if file else HUB_WEIGHTS),)
    config = open_clip.get_model_config(architecture) or {}
    return (*wanted, *text_files(config.get("text_cfg", {})))


def _text_config_with_absolute_paths(directory: str) -> dict[str, Any]:
    """The folder's text tower settings, its own text configuration named by absolute path.

    open_clip hands `hf_model_name` to transformers as it is, which would look for a relative path
    from the working directory, or on the hub.
    """
    with open(f"{directory}/open_clip_config.json", encoding="utf-8") as file:
        text_config = json.load(file)["model_cfg"]["text_cfg"]
    for key in ("hf_model_name", "hf_tokenizer_name"):
        if text_config.get(key) in (".", "./"):
            text_config[key] = directory
    return text_config


def _registered_preprocessing(architecture: str) -> dict[str, Any]:
    """Preprocessing on which all weights registered for an architecture agree.

    For a bare weights file open_clip would take its default, which is wrong for SigLIP and others
    (open_clip issue 1068).
    """
    known = []
    for tag in open_clip.list_pretrained_tags_by_model(architecture):
        config = open_clip.get_pretrained_cfg(architecture, tag)
        names = ("mean", "std", "interpolation", "resize_mode")
        known.append({f"image_{name}": config[name] for name in names if config.get(name)})
    if known and all(config == known[0] for config in known):
        return known[0]
    log.warning("Weights of %s differ in preprocessing; open_clip's default is used.", architecture)
    return {}


def _fingerprint(model: Any) -> str:
    """A name for what the model computes, from a few numbers of every weight.

    Training moves all of them, so the ends of each tensor tell two trainings apart, and a file of
    gigabytes need not be read again.
    """
    config = getattr(model.visual, "preprocess_cfg", None)
    digest = hashlib.blake2b(json.dumps(config, sort_keys=True, default=str).encode())
    for name, weight in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)} ".encode())
        flat = weight.detach().flatten()
        digest.update(torch.cat([flat[:16], flat[-16:]]).float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def best_device() -> str:
    """The type of the best device here: `cuda`, `mps` or `cpu`."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator.type if accelerator and accelerator.type in _IMAGE_BATCH else "cpu"


def _choose_device(wanted: str) -> torch.device:
    best = best_device()
    if wanted not in ("auto", "cpu", best):
        raise ModelError("device_missing", device=wanted)
    return torch.device(best if wanted == "auto" else wanted)


def _choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """float16 on CUDA, float32 elsewhere, unless something else is asked for.

    On a CPU with bfloat16 instructions that type is twice as fast as the frozen float32 tower, but
    moved probabilities of the starter by up to 0.027 on 32 photographs, so it is not the default.
    A half precision that the CPU would have to imitate gives way to float32, with a warning.
    """
    if wanted == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    precision = {
        "float32": torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }[wanted]
    if device.type == "cpu" and not fast_on_cpu(precision):
        log.warning(sentence("precision_slow", "en", precision=wanted))
        return torch.float32
    return precision


def fast_on_cpu(precision: torch.dtype) -> bool:
    """Whether this processor computes in `precision` by itself rather than by imitation.

    Without instructions of its own bfloat16 took 4 (linear layers) to 10 times (convolutions) as
    long as float32 on AVX2. oneDNN's own answer counts, since `ONEDNN_MAX_CPU_ISA` may hold it back
    from what the processor has; alone it is too kind: it takes any AVX-512 for bfloat16.
    """
    if precision is torch.float32:
        return True
    if not torch.backends.mkldnn.is_available():
        return False
    if precision is torch.float16:
        return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    on_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and (
        not on_x86 or torch.cpu._is_avx512_bf16_supported()
    )


def _device_name(device: torch.device) -> str:
    return f"cuda ({torch.cuda.get_device_name()})" if device.type == "cuda" else device.type
