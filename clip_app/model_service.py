"""The one CLIP model of a process: loaded once, on the best device, shared by every caller.

`ModelService` is one loaded model and never changes. `ModelSlot` holds the one that serves now, so
that another can be loaded beside it and put in its place.
"""

import bisect
import contextlib
import contextvars
import hashlib
import json
import logging
import platform
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import huggingface_hub
import numpy as np
import open_clip
import torch
from cachetools import LRUCache
from huggingface_hub.utils import httpx  # its own, whose errors it raises
from open_clip.hf_model import HFTextEncoder
from PIL import Image

from clip_app.errors import ClipAppError, HubUnreachableError, ModelError, StorageError
from clip_app.hub import download, interruption, unreachable
from clip_app.images import content_hash, normalise
from clip_app.metrics import steps
from clip_app.model_catalog import (
    DEFAULT_PRESET,
    ModelSource,
    Scoring,
    find_model,
    is_in_cache,
)
from clip_app.prompts import fill_template
from clip_app.settings import Settings
from clip_app.strings import Language, text

log = logging.getLogger(__name__)

# A hub that answers takes well under a second; open_clip alone would retry for 47 s.
HUB_TIMEOUT_SECONDS = 3.0

# Texts in one forward pass; 256 short prompts fill two CPU cores and a GPU alike.
TEXT_BATCH = 256

# Images in one forward pass. On a CPU the starter does best with 4, whose activations still fit the
# caches: 192 images a second against 146 with 16. A GPU has room for more.
_IMAGE_BATCH = {"cuda": 64, "mps": 32, "cpu": 4}

# Seconds of GPU a call may take on a shared GPU Space: a batch takes far less, and a short
# declaration gets a better place in its queue.
_ZERO_GPU_SECONDS = 5

# Beyond this ratio of sides a picture is squeezed first: preprocessing makes the short side as long
# as the image tower wants, and a 30,000 x 1 strip would become gigabytes.
_MAX_ASPECT = 40

# How far frozen and plain image tower may differ, in any coordinate of a unit vector.
_FREEZE_TOLERANCE = 1e-4

# The most texts that are named as cut, and the most characters of each that are shown.
_MOST_CUT = 20
_SHOWN = 40

Progress = Callable[[int, int], None]
_Result = TypeVar("_Result")

# An image as the image tower takes it; only `ModelService` looks inside.
Pixels = torch.Tensor


@dataclass(frozen=True)
class ModelInfo:
    """What a person is shown about the loaded model.

    Attributes:
        name: what it was chosen by, and its name in answers of the API.
        scoring: `sigmoid` where the model has a bias and was trained so, else `softmax`.
        languages: languages it is known to read; None where nobody said.
        image_size: (height, width) in pixels that the image tower takes.
        embedding_size: length of a feature vector.
        parameters: number of weights, both towers.
        fingerprint: the same for the same weights, preprocessing and image size, whatever the
            model was chosen by; vectors of different fingerprints must never be compared.
    """

    name: str
    title: str
    architecture: str
    device: str
    precision: str
    scoring: Scoring
    languages: tuple[Language, ...] | None
    image_size: tuple[int, int]
    embedding_size: int
    parameters: int
    is_starter: bool
    load_seconds: float
    fingerprint: str


@dataclass(frozen=True)
class CutText:
    """A text that is longer than the model's context, and the beginning of it that was read."""

    text: str
    read: str

    def message(self, language: Language) -> str:
        """How much was read, as a sentence."""
        shown = self.text if len(self.text) <= _SHOWN else self.text[: _SHOWN - 1] + "…"
        numbers = {"read": len(self.read), "length": len(self.text)}
        return text("text_cut", language, text=shown, **numbers)


class ModelService:
    """One open_clip model, ready to encode. Every method may be called from many threads."""

    def __init__(self, source: ModelSource, settings: Settings) -> None:
        """Load the model; prefer `load_model`, which also finds and checks the source.

        Raises:
            ModelError: if the weights or their configuration cannot be used.
        """
        started = time.monotonic()
        self._device = _choose_device(settings.device)
        precision = _choose_precision(settings.precision, self._device)
        self._autocast = None if precision is torch.float32 else precision
        model, preprocess, tokenizer = load_open_clip(source)
        fingerprint = _fingerprint(model)
        on_cpu = self._device.type == "cpu"
        self._layout = torch.channels_last if on_cpu else torch.contiguous_format
        self._model = model.to(self._device, memory_format=self._layout)
        self._preprocess = _without_torch(preprocess)
        self._tokenizer = tokenizer
        self._text_can_be_trimmed = isinstance(getattr(model, "text", None), HFTextEncoder)
        #: Factor of the cosine similarity before softmax or sigmoid, dimensionless.
        self.logit_scale = float(model.logit_scale.detach().exp())
        bias = getattr(model, "logit_bias", None)
        #: Added after `logit_scale`; None for models that have none.
        self.logit_bias = None if bias is None else float(bias.detach())
        size = model.visual.image_size
        image_size = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
        self._encode_pixels = _frozen_image_tower(model, image_size, self._device, self._autocast)
        if settings.zero_gpu:
            import spaces  # exists on such Spaces only

            on_gpu = spaces.GPU(duration=_ZERO_GPU_SECONDS)
            self._forward_images = on_gpu(self._forward_images)  # type: ignore[method-assign]
            self._forward_texts = on_gpu(self._forward_texts)  # type: ignore[method-assign]
        self._device_thread = _DeviceThread()
        self._images = _ImageQueue(
            self._images_within_memory, _IMAGE_BATCH[self._device.type], self._device_thread
        )
        # Images and texts share it: a collection of 100,000 texts does not fit half of the default,
        # and what fell out would be encoded again with every search.
        self._features = _FeatureCache(settings.cache_mb * 1_000_000)
        #: Counts of forward passes and of what went through them, for `/health` and tests.
        self.statistics = Statistics()
        embedding_size = self.encode_texts(["a photo"]).shape[1]
        self.info = ModelInfo(
            name=source.name,
            title=source.title,
            architecture=source.architecture,
            device=_device_name(self._device),
            precision=str(precision).removeprefix("torch."),
            scoring="softmax" if self.logit_bias is None else "sigmoid",
            languages=source.languages,
            image_size=image_size,
            embedding_size=embedding_size,
            parameters=sum(p.numel() for p in model.parameters()),
            is_starter=source.is_starter,
            load_seconds=time.monotonic() - started,
            fingerprint=fingerprint,
        )

    def encode_images(
        self, images: Sequence[Image.Image], progress: Progress | None = None
    ) -> np.ndarray:
        """Features of images, in their order.

        An image seen before is answered from the cache; the rest share forward passes with whatever
        other callers are waiting.

        Args:
            images: pictures of any size and mode.
            progress: called with (done, total) after each batch.

        Returns:
            float32 array (n, embedding_size), rows of length 1.

        Raises:
            ModelError: if the device has no memory left for even one image.
        """
        if not images:
            return np.empty((0, self.info.embedding_size), np.float32)
        keys = [content_hash(image) for image in images]
        features = {key: self._features.get(key) for key in keys}
        missing = [k for k in features if features[k] is None]
        where = {key: index for index, key in enumerate(keys)}
        for start in range(0, len(missing), self._images.max_batch):
            chunk = missing[start : start + self._images.max_batch]
            rows = self.encode_pixels([self.preprocess(images[where[key]]) for key in chunk])
            for key, row in zip(chunk, rows, strict=True):
                features[key] = row
                self._features.put(key, row)
            if progress:
                progress(len(keys) - len(missing) + start + len(chunk), len(keys))
        return np.stack([_known(features[key]) for key in keys])

    def preprocess(self, image: Image.Image) -> Pixels:
        """One image, of any size and mode, made ready for `encode_pixels`.

        Apart from it, so that an indexer can do this on other threads while the device is busy.
        """
        # One row of pixels would be stretched to gigabytes when its short side is made 224.
        picture = normalise(image)
        short, long = sorted(picture.size)
        if long > _MAX_ASPECT * short:
            side = max(short, long // _MAX_ASPECT)
            picture = picture.resize(
                (long, side) if picture.width == long else (side, long), Image.Resampling.BICUBIC
            )
        return self._preprocess(picture)

    def encode_pixels(self, pixels: Sequence[Pixels]) -> np.ndarray:
        """Features of preprocessed images, past the cache: a folder would only flush it.

        Args:
            pixels: what `preprocess` gave, any number.

        Returns:
            float32 array (n, embedding_size), rows of length 1, in the order of `pixels`.

        Raises:
            ModelError: if the device has no memory left for even one image.
        """
        step = self._images.max_batch
        return np.concatenate(
            [
                np.empty((0, self.info.embedding_size), np.float32),
                *(
                    self._images.encode(pixels[start : start + step])
                    for start in range(0, len(pixels), step)
                ),
            ]
        )

    def encode_texts(self, texts: Sequence[str], progress: Progress | None = None) -> np.ndarray:
        """Features of texts, in their order: float32 (n, embedding_size), rows of length 1."""
        return self.encode_labels(texts, ("{}",), progress)

    def encode_labels(
        self,
        labels: Sequence[str],
        templates: Sequence[str],
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Zero-shot classifier weights: each label's features averaged over its prompts.

        The averaging is `open_clip.build_zero_shot_classifier`'s (Radford et al. 2021, section
        3.1.4). Labels seen before with the same templates are answered from the cache.

        Args:
            labels: names to put into the templates, as data: braces and percent signs stay.
            templates: prompts with one `{}` each.
            progress: called with (done, total) after each batch.

        Returns:
            float32 array (n, embedding_size), rows of length 1.

        Raises:
            ModelError: if the device has no memory left.
        """
        if not labels:
            return np.empty((0, self.info.embedding_size), np.float32)
        prompts = tuple(templates)
        features = {label: self._features.get((prompts, label)) for label in labels}
        # Neighbours of like length share a batch, so that little of it is padding.
        missing = sorted((k for k in features if features[k] is None), key=len)
        per_batch = max(1, TEXT_BATCH // len(prompts))
        for start in range(0, len(missing), per_batch):
            chunk = missing[start : start + per_batch]
            with steps.measure("encode texts", len(chunk)):
                rows = self._device_thread.run(partial(self._forward_texts, chunk, prompts))
            for label, row in zip(chunk, rows, strict=True):
                features[label] = row
                self._features.put((prompts, label), row)
            if progress:
                progress(len(features) - len(missing) + start + len(chunk), len(features))
        return np.stack([_known(features[label]) for label in labels])

    def cut_texts(
        self, texts: Sequence[str], templates: Sequence[str] = ("{}",)
    ) -> tuple[CutText, ...]:
        """Those of `texts` whose end is not read in a prompt, in their order, the first 20.

        Texts that are short enough for any tokenizer cost nothing.

        Args:
            texts: labels or descriptions.
            templates: prompts with one `{}` each; the one with most before it counts.
        """
        context = getattr(self._tokenizer, "context_length", None) or 0
        filled = partial(fill_template, max(templates, key=lambda one: one.find("{}")))
        # No tokenizer makes more tokens than bytes, and no more than three of its own around them.
        long = [one for one in dict.fromkeys(texts) if len(filled(one).encode()) + 3 > context > 0]
        if not long:
            return ()
        return self._device_thread.run(partial(self._cut, long, filled))

    def _cut(self, texts: Sequence[str], filled: Callable[[str], str]) -> tuple[CutText, ...]:
        # Where a word more makes no difference the context is full, whatever the tokenizer does.
        tokens = self._tokenizer([filled(one) for one in texts])
        full = (tokens == self._tokenizer([filled(f"{one} x") for one in texts])).all(dim=1)
        cut: list[CutText] = []
        for index in full.nonzero().flatten().tolist():
            whole, row = texts[index], tokens[index]

            def enough(end: int, whole: str = whole, row: torch.Tensor = row) -> bool:
                return torch.equal(self._tokenizer([filled(whole[:end])])[0], row)

            read = whole[: bisect.bisect_left(range(len(whole)), True, key=enough)]
            if len(read.rstrip()) < len(whole.rstrip()):
                cut.append(CutText(whole, read))
            if len(cut) == _MOST_CUT:
                break
        return tuple(cut)

    def reads(self, language: Language) -> bool:
        """Whether the model reads a language; True where nothing is known about its languages."""
        return self.info.languages is None or language in self.info.languages

    def _images_within_memory(self, pixels: torch.Tensor) -> np.ndarray:
        try:
            with steps.measure("encode images", len(pixels)):
                features = self._forward_images(pixels)
        except torch.OutOfMemoryError as error:
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            if len(pixels) == 1:
                raise ModelError("out_of_memory") from error
            half = len(pixels) // 2
            log.warning("Out of memory with %d images; trying %d.", len(pixels), half)
            parts = (pixels[:half], pixels[half:])
            return np.concatenate([self._images_within_memory(part) for part in parts])
        self.statistics.count_images(len(pixels))
        return features

    def _forward_images(self, pixels: torch.Tensor) -> np.ndarray:
        with torch.inference_mode(), self._precision():
            features = self._encode_pixels(pixels.to(self._device, memory_format=self._layout))
        return _unit_rows(features)

    def _forward_texts(self, labels: Sequence[str], templates: Sequence[str]) -> np.ndarray:
        try:
            with torch.inference_mode(), self._precision():
                weights = open_clip.build_zero_shot_classifier(
                    self._model,
                    self._tokens,
                    labels,
                    [partial(fill_template, template) for template in templates],
                    num_classes_per_batch=None,
                    device=self._device,
                )
        except torch.OutOfMemoryError as error:
            raise ModelError("out_of_memory") from error
        self.statistics.count_texts(len(labels) * len(templates))
        return _unit_rows(weights.T)

    def _tokens(self, texts: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(texts)
        if self._text_can_be_trimmed:
            # These towers mask padding, so leaving out columns that are all padding changes nothing
            # and is 2.7 times as fast for short prompts.
            used = (tokens != self._model.text.config.pad_token_id).any(dim=0)
            tokens = tokens[:, : int(used.nonzero().max()) + 1]
        return tokens

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self._autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, self._autocast)


@dataclass
class Statistics:
    """How often the towers ran, and for how many inputs."""

    image_passes: int = 0
    images: int = 0
    texts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count_images(self, number: int) -> None:
        """Note one forward pass over `number` images."""
        with self._lock:
            self.image_passes += 1
            self.images += number

    def count_texts(self, number: int) -> None:
        """Note `number` texts encoded."""
        with self._lock:
            self.texts += number


class ModelSlot:
    """Holds the service that answers now; a change takes effect only once the new one is ready."""

    def __init__(self, service: ModelService, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._changing = threading.Lock()
        #: The model that is being downloaded to take over by itself, if there is one.
        self.awaited: ModelSource | None = None

    @property
    def service(self) -> ModelService:
        """The service that answers now. Take it once for a request, and use that one throughout."""
        return self._service

    def change(self, choice: str, roots: Sequence[Path] | None = None) -> ModelService:
        """Load another model and let it serve; the present one serves on until then.

        Args:
            choice, roots: see `clip_app.model_catalog.find_model`.

        Raises:
            ModelError: if it cannot be loaded or may not be, or another change is under way;
                nothing changes.
        """
        if not self._changing.acquire(blocking=False):
            raise ModelError("model_changing")
        try:
            self._service = load_model(self._settings.model_copy(update={"model": choice}), roots)
        finally:
            self._changing.release()
        return self._service

    def change_once_downloaded(self, source: ModelSource) -> threading.Thread:
        """Download a model on a thread of its own and let it take over; the present one stays if
        that fails.
        """
        self.awaited = source

        def fetch() -> None:
            try:
                self.change(source.name)
            except (ModelError, StorageError) as error:
                log.warning("%s The starter model goes on answering.", error)
            finally:
                self.awaited = None

        thread = threading.Thread(target=fetch, daemon=True)
        thread.start()
        return thread


def open_slot(settings: Settings) -> ModelSlot:
    """The slot of a server, which answers at once.

    As `load_model`, but where `auto` means a download of gigabytes from a hub that answers, the
    starter serves until it is done.

    Raises:
        ModelError, HubUnreachableError: as `load_model`.
    """
    default = find_model(DEFAULT_PRESET)
    # A shared GPU takes over models that are loaded before the page is served, and no others.
    if settings.model != "auto" or settings.zero_gpu or is_cached(default):
        return ModelSlot(load_model(settings), settings)
    if not hub_answers():
        return ModelSlot(_starter_instead(unreachable(default), settings), settings)
    slot = ModelSlot(load_model(settings.model_copy(update={"model": "starter"})), settings)
    log.info("The starter model answers while %s is being downloaded.", default.name)
    slot.change_once_downloaded(default)
    return slot


def load_model(settings: Settings, roots: Sequence[Path] | None = None) -> ModelService:
    """Load the model that `settings.model` names.

    `auto` is the default preset where its weights are in the local cache or a hub answers, else the
    bundled starter.

    Args:
        settings: device, precision and memory too.
        roots: see `clip_app.model_catalog.find_model`.

    Raises:
        ModelError: if the model is unknown, broken or does not fit.
        HubUnreachableError: if it would have to be downloaded and no hub answers.
        DownloadError: if the download broke off or the hub refuses; what has arrived is kept.
        StorageError: if what is downloaded cannot be saved.
    """
    automatic = settings.model == "auto"
    source = find_model(DEFAULT_PRESET if automatic else settings.model, roots)
    try:
        service = _from_cache_or_hub(source, settings)
    except (ModelError, StorageError) as error:
        if not automatic:
            raise
        return _starter_instead(error, settings)
    if service.info.is_starter:
        log.warning("starter model: good for a first look; choose %s for quality", DEFAULT_PRESET)
    info = service.info
    log.info(
        "Model %s ready on %s (%s) after %.1f s",
        info.name,
        info.device,
        info.precision,
        info.load_seconds,
    )
    return service


def _starter_instead(error: ClipAppError, settings: Settings) -> ModelService:
    log.warning("%s Falling back to the starter model.", error)
    return load_model(settings.model_copy(update={"model": "starter"}))


def is_cached(source: ModelSource) -> bool:
    """Whether everything the model needs from a hub lies in the local cache already."""
    return all(is_in_cache(repository, files) for repository, files in source.hub_files)


def hub_answers(timeout: float = HUB_TIMEOUT_SECONDS) -> bool:
    """Whether the model hub (or the mirror in `HF_ENDPOINT`) answers within `timeout` seconds."""
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return False
    endpoint = huggingface_hub.constants.ENDPOINT
    answered = threading.Event()

    def ask() -> None:
        try:
            httpx.head(endpoint, timeout=timeout)
            answered.set()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            log.info("%s does not answer: %s", urlsplit(endpoint).netloc, error)

    # A thread, because looking up a name has no time limit of its own.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    return answered.is_set()


def _from_cache_or_hub(source: ModelSource, settings: Settings) -> ModelService:
    """Load `source`, without waiting for a hub that is not there or not needed."""
    if is_cached(source):
        try:
            with _without_hub():
                return ModelService(source, settings)
        except HubUnreachableError as error:
            log.info("Something of %s is not in the cache: %s", source.name, error.__cause__)
    if not hub_answers():
        raise unreachable(source)
    size = f"{source.preset.download_mb:,} MB" if source.preset else "its weights"
    log.info("Downloading %s (%s); this happens once.", source.name, size)
    download(source)
    return ModelService(source, settings)


@contextlib.contextmanager
def _without_hub() -> Iterator[None]:
    """Nothing within needs the hub; without this, each file is looked up there again."""
    was_offline = huggingface_hub.constants.HF_HUB_OFFLINE
    huggingface_hub.constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        huggingface_hub.constants.HF_HUB_OFFLINE = was_offline


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


def _choose_device(wanted: str) -> torch.device:
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return torch.device(next(name for name, there in available.items() if there))
    if not available[wanted]:
        raise ModelError("device_missing", device=wanted)
    return torch.device(wanted)


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
        log.warning(text("precision_slow", "en", precision=wanted))
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


def _without_torch(preprocess: Any) -> Callable[[Image.Image], torch.Tensor]:
    """open_clip's preprocessing, its last steps (to numbers, normalized) done by numpy.

    torch would do them with an OpenMP team for each thread that handles requests. The numbers
    differ by rounding only. Anything but open_clip's usual steps is left as it is.
    """
    steps = list(getattr(preprocess, "transforms", ()))
    if [type(step).__name__ for step in steps[-2:]] != ["MaybeToTensor", "Normalize"]:
        return preprocess  # type: ignore[no-any-return]
    mean, std = (np.asarray(v, np.float32) for v in (steps[-1].mean, steps[-1].std))
    scale, shift = 1 / (255 * std), mean / std

    def preprocessed(image: Image.Image) -> torch.Tensor:
        for step in steps[:-2]:
            image = step(image)
        pixels = np.asarray(image) * scale
        pixels -= shift
        return torch.from_numpy(pixels).permute(2, 0, 1)

    return preprocessed


def _frozen_image_tower(
    model: Any,
    image_size: tuple[int, int],
    device: torch.device,
    autocast: torch.dtype | None,
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The image tower as fast as this device runs it without changing what it says.

    On a CPU, freezing folds batch normalization into the convolutions: 1.6 times as fast for the
    starter. A tower that cannot be traced, or answers otherwise once frozen, runs as it is.
    """
    plain: Callable[[torch.Tensor], torch.Tensor] = model.encode_image
    has_batch_norm = any(isinstance(m, torch.nn.BatchNorm2d) for m in model.visual.modules())
    if device.type != "cpu" or autocast is not None or not has_batch_norm:
        return plain
    generator = torch.Generator().manual_seed(0)
    example = torch.rand((2, 3, *image_size), generator=generator)
    example = example.to(memory_format=torch.channels_last)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of every size it fixes
            frozen = torch.jit.freeze(torch.jit.trace(model.visual, example))
            for pixels in (example, example[:1]):  # the second size compiles for any batch
                frozen(pixels)
                difference = _unit_rows(frozen(pixels)) - _unit_rows(plain(pixels))
                if np.abs(difference).max() > _FREEZE_TOLERANCE:
                    return plain
    except (RuntimeError, TypeError, ValueError) as error:
        log.info("The image tower runs unfrozen: %s", error)
        return plain
    return frozen


def _unit_rows(features: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()


def _known(row: np.ndarray | None) -> np.ndarray:
    assert row is not None  # noqa: S101 - every key was filled above
    return row


class _FeatureCache:
    """Feature vectors by key, the least recently used dropped when memory is full."""

    def __init__(self, max_bytes: int) -> None:
        self._rows: LRUCache[Any, np.ndarray] = LRUCache(
            max_bytes, getsizeof=lambda row: row.nbytes
        )
        self._lock = threading.Lock()

    def get(self, key: Any) -> np.ndarray | None:
        with self._lock:
            return self._rows.get(key)

    def put(self, key: Any, row: np.ndarray) -> None:
        with self._lock, contextlib.suppress(ValueError):  # a row larger than the whole cache
            self._rows[key] = row.copy()


class _DeviceThread:
    """The one thread on which both towers run, first come, first served.

    OpenMP keeps a team of threads for each thread that computes. When every handler ran its own
    forward passes, those teams waited for one another on the same cores: a pass of 20 ms took
    hundreds of milliseconds of processor time.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "device")

    def start(self, work: Callable[[], Any]) -> None:
        """Have `work` done after what was asked before."""
        # Where a GPU is lent to a visitor's request, the context says whose request it is.
        self._executor.submit(contextvars.copy_context().run, work)

    def run(self, work: Callable[[], _Result]) -> _Result:
        """Wait for `work`, and return or raise what it does."""
        return self._executor.submit(contextvars.copy_context().run, work).result()


@dataclass
class _Waiting:
    """One caller's images, and where their features are handed over."""

    pixels: Sequence[torch.Tensor]
    features: Future[np.ndarray] = field(default_factory=Future)


class _ImageQueue:
    """Puts whatever waited while the device was busy into the next forward pass together.

    There is no waiting time: each call asks for one pass, and a pass takes along the images of
    those behind it, whose own pass then finds nothing left to do.
    """

    def __init__(
        self,
        forward: Callable[[torch.Tensor], np.ndarray],
        max_batch: int,
        device: _DeviceThread,
    ) -> None:
        self.max_batch = max_batch
        self._forward = forward
        self._device = device
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()

    def encode(self, pixels: Sequence[torch.Tensor]) -> np.ndarray:
        """Features of (3, height, width) pixels, at most `max_batch` of them."""
        mine = _Waiting(pixels)
        with self._lock:
            self._waiting.append(mine)
        self._device.start(self._run_next)
        return mine.features.result()

    def _next_batch(self) -> list[_Waiting]:
        with self._lock:
            batch: list[_Waiting] = []
            room = self.max_batch
            while self._waiting and len(self._waiting[0].pixels) <= room:
                batch.append(self._waiting.popleft())
                room -= len(batch[-1].pixels)
            return batch

    def _run_next(self) -> None:
        batch = self._next_batch()
        if not batch:
            return
        try:
            features = self._forward(torch.stack([p for one in batch for p in one.pixels]))
        except Exception as error:  # noqa: BLE001 - handed to every caller whose images these were
            for one in batch:
                one.features.set_exception(error)
            return
        start = 0
        for one in batch:
            one.features.set_result(features[start : start + len(one.pixels)])
            start += len(one.pixels)
