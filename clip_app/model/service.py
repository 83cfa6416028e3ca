"""The one CLIP model of a process: loaded once, on the best device, shared by every caller."""

import bisect
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from clip_app.errors import Reason
from clip_app.images import content_hash
from clip_app.metrics import steps
from clip_app.model.batching import CallersPasses, CallersThread, DeviceThreads, ImageQueue
from clip_app.model.cache import FeatureCache, text_store
from clip_app.model.catalog import DEFAULT_PRESET, ModelSource
from clip_app.model.engine import Engine, open_engine
from clip_app.model.info import CutText, ModelInfo, Pixels
from clip_app.model.preprocess import prepare
from clip_app.progress import Progress, check_wanted
from clip_app.prompts import fill_template, language_of_texts
from clip_app.settings import Settings
from clip_app.strings import Language

_Key = TypeVar("_Key", bound=Hashable)

# Texts in one forward pass; 256 short prompts fill two CPU cores and a GPU alike.
TEXT_BATCH = 256

# From this many prompts on, features are looked for on disk and kept there: the background words,
# label sets, people's long lists. A query is encoded in no time, and leaves no trace.
_STORED_PROMPTS = 64

# The most texts that are named as cut.
_MOST_CUT = 20


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


class ModelService:
    """One model, ready to encode, never changing. Every method may be called from many threads."""

    def __init__(self, source: ModelSource, settings: Settings) -> None:
        """Load the model; prefer `clip_app.model.slot.load_model`, which also finds the source.

        Raises:
            ModelError: if the weights or their configuration cannot be used.
        """
        started = time.monotonic()
        self._engine: Engine = open_engine(source, settings)
        #: Where the model came from.
        self.source = source
        self._device: DeviceThreads | CallersThread
        self._images: ImageQueue | CallersPasses
        if settings.zero_gpu:
            self._device = CallersThread()
            self._images = CallersPasses(self._image_pass, self._engine.image_batch)
        else:
            self._device = DeviceThreads(self._engine.passes)
            self._images = ImageQueue(self._image_pass, self._engine.image_batch, self._device)
        # Images and texts share it: a collection of 100,000 texts does not fit half of the default,
        # and what fell out would be encoded again with every search.
        self._features = FeatureCache(settings.cache_mb * 1_000_000)
        self._store = text_store(settings)
        #: Counts of forward passes and of what went through them, for `/health` and tests.
        self.statistics = Statistics()
        spec = self._engine.spec
        #: Factor of the cosine similarity before softmax or sigmoid, dimensionless.
        self.logit_scale = spec.logit_scale
        #: Added after `logit_scale`; None for models that have none.
        self.logit_bias = spec.logit_bias
        self.info = ModelInfo(
            name=source.name,
            title=source.title,
            architecture=source.architecture,
            engine=self._engine.name,
            device=self._engine.device,
            precision=self._engine.precision,
            scoring=spec.scoring,
            languages=source.languages,
            image_size=spec.preprocessing.image_size,
            embedding_size=spec.embedding_size,
            parameters=spec.parameters,
            is_starter=source.is_starter,
            load_seconds=time.monotonic() - started,
            fingerprint=spec.fingerprint,
        )

    def encode_images(self, images: Image.Image | Sequence[Image.Image]) -> np.ndarray:
        """Features of images, in their order; one alone is a list of one.

        An image seen before is answered from the cache; the rest share forward passes with whatever
        other callers are waiting.

        Args:
            images: pictures of any size and mode.

        Returns:
            float32 array (n, embedding_size), rows of length 1.

        Raises:
            ModelError: if the device has no memory left for even one image.
        """
        if isinstance(images, Image.Image):
            images = [images]
        if not images:
            return np.empty((0, self.info.embedding_size), np.float32)
        keys = prepare(lambda: [content_hash(image) for image in images]).result()
        where = {key: index for index, key in enumerate(keys)}
        return self.encode_once(keys, lambda key: self.preprocess(images[where[key]]))

    def encode_once(
        self, keys: Sequence[_Key], make: Callable[[_Key], Pixels], progress: Progress | None = None
    ) -> np.ndarray:
        """Features of what `keys` name, in their order; only what is new is made and encoded.

        Args:
            keys: one or more names that stand for the same pixels whoever uses them.
            make: the preprocessed image of a key.
            progress: called with (done, total) after each batch.

        Returns:
            float32 array (n, embedding_size), rows of length 1.

        Raises:
            ModelError: if the device has no memory left for even one image.
        """
        features = {key: self._features.get(key) for key in keys}
        missing = [key for key, row in features.items() if row is None]
        done = len(features) - len(missing)
        for chunk, rows in self._encoded(missing, make):
            for key, row in zip(chunk, rows, strict=True):
                features[key] = row
                self._features.put(key, row)
            done += len(chunk)
            if progress:
                progress(done, len(features))
        return np.stack([_known(features[key]) for key in keys])

    def _encoded(
        self, keys: Sequence[_Key], make: Callable[[_Key], Pixels]
    ) -> Iterator[tuple[Sequence[_Key], np.ndarray]]:
        """What keys name, made and encoded some together: (keys, features), in order.

        The next are made while the device has the ones before, and no more: they take memory.
        """
        asked: deque[tuple[Sequence[_Key], Future[np.ndarray]]] = deque()
        step = self._images.max_batch
        for start in range(0, len(keys), step):
            chunk = keys[start : start + step]
            made = self._images.ask_for(partial(_made, make, chunk))
            asked.append((chunk, made))
            if len(asked) > self._engine.passes:
                first, rows = asked.popleft()
                yield first, rows.result()
        for chunk, rows in asked:
            yield chunk, rows.result()

    def preprocess(self, image: Image.Image) -> Pixels:
        """One image, of any size and mode, made ready for `encode_pixels`.

        Apart from it, so that an indexer can do this on other threads while the device is busy.
        """
        return self._engine.spec.preprocessing(image)

    def seen_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What of a picture of `size` (width, height) `preprocess` keeps, see `Preprocessing`."""
        return self._engine.spec.preprocessing.seen_box(size)

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
        asked = [
            self._images.ask(pixels[start : start + step]) for start in range(0, len(pixels), step)
        ]
        rows = [np.empty((0, self.info.embedding_size), np.float32)]
        return np.concatenate([*rows, *(each.result() for each in asked)])

    def encode_texts(self, texts: Sequence[str], progress: Progress | None = None) -> np.ndarray:
        """Features of texts, in their order: float32 (n, embedding_size), rows of length 1.

        One text alone is a list of one, and not one of its letters.
        """
        texts = [texts] if isinstance(texts, str) else texts
        return self.encode_labels(texts, ("{}",), progress)

    def encode_labels(
        self,
        labels: Sequence[str],
        templates: Sequence[str],
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Zero-shot classifier weights: each label's features averaged over its prompts.

        The averaging is that of `open_clip.build_zero_shot_classifier` (Radford et al. 2021,
        section 3.1.4). Labels seen before with the same templates are answered from the cache, a
        list that any process has encoded before from disk.

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
        missing = [label for label, row in features.items() if row is None]
        stored = len(missing) * len(prompts) >= _STORED_PROMPTS
        if stored and (rows := self._store.get(self._stored_as(features, prompts))) is not None:
            for label, row in zip(features, rows, strict=True):
                features[label] = row
                self._features.put((prompts, label), row)
            missing = []
        # Neighbours of like length share a batch, so that little of it is padding.
        missing.sort(key=len)
        per_batch = max(1, TEXT_BATCH // len(prompts))
        for start in range(0, len(missing), per_batch):
            chunk = missing[start : start + per_batch]
            with steps.measure("encode texts", len(chunk)):
                rows = self._device.run(partial(self._text_pass, chunk, prompts))
            for label, row in zip(chunk, rows, strict=True):
                features[label] = row
                self._features.put((prompts, label), row)
            if progress:
                progress(len(features) - len(missing) + start + len(chunk), len(features))
        if stored and missing:
            rows = np.stack([_known(row) for row in features.values()])
            self._store.put(self._stored_as(features, prompts), rows)
        return np.stack([_known(features[label]) for label in labels])

    def _stored_as(self, labels: Iterable[str], templates: Sequence[str]) -> tuple[Any, ...]:
        """What the features of a list depend on.

        The fingerprint is of the weights alone; tokenizer and activation go by the architecture.
        """
        model = (self.info.fingerprint, self.info.architecture, self.info.precision)
        return (*model, list(templates), list(labels))

    def cut_texts(
        self, texts: Sequence[str], templates: Sequence[str] = ("{}",)
    ) -> tuple[CutText, ...]:
        """Those of `texts` whose end is not read in a prompt, in their order, the first 20.

        Texts that are short enough for any tokenizer cost nothing.

        Args:
            texts: labels or descriptions.
            templates: prompts with one `{}` each; the one with most before it counts.
        """
        context = self._engine.context_length
        filled = partial(fill_template, max(templates, key=lambda one: one.find("{}")))
        # No tokenizer makes more tokens than bytes, and no more than three of its own around them.
        long = [one for one in dict.fromkeys(texts) if len(filled(one).encode()) + 3 > context > 0]
        if not long:
            return ()
        return self._device.run(partial(self._cut, long, filled))

    def count_tokens(self, texts: Sequence[str]) -> int:
        """How many tokens the model reads of all texts together, its own around them included."""
        rows = self._engine.token_ids([*texts, ""])
        return int((rows[:-1] != rows[-1, -1]).sum())  # what the empty text ends with is filling

    def _cut(self, texts: Sequence[str], filled: Callable[[str], str]) -> tuple[CutText, ...]:
        # Where a word more makes no difference the context is full, whatever the tokenizer does.
        tokens = self._engine.token_ids([filled(one) for one in texts])
        full = (tokens == self._engine.token_ids([filled(f"{one} x") for one in texts])).all(axis=1)
        cut: list[CutText] = []
        for index in np.flatnonzero(full).tolist():
            whole, row = texts[index], tokens[index]

            def enough(end: int, whole: str = whole, row: np.ndarray = row) -> bool:
                return np.array_equal(self._engine.token_ids([filled(whole[:end])])[0], row)

            read = whole[: bisect.bisect_left(range(len(whole)), True, key=enough)]
            if len(read.rstrip()) < len(whole.rstrip()):
                cut.append(CutText(whole, read))
            if len(cut) == _MOST_CUT:
                break
        return tuple(cut)

    def reads(self, language: Language) -> bool:
        """Whether the model reads a language; True where nothing is known about its languages."""
        return self.info.languages is None or language in self.info.languages

    def unread(self, texts: Sequence[str]) -> Reason | None:
        """What is said of texts whose language the model does not read; None where it does."""
        if self.reads(language_of_texts(texts)):
            return None
        return Reason("language_unread", {"better": DEFAULT_PRESET})

    def _image_pass(self, pixels: np.ndarray) -> np.ndarray:
        with steps.measure("encode images", len(pixels)):
            features = self._engine.image_features(pixels)
        self.statistics.count_images(len(pixels))
        return features

    def _text_pass(self, labels: Sequence[str], templates: Sequence[str]) -> np.ndarray:
        check_wanted()  # here: who waits behind others may have left by then
        prompts = [fill_template(template, label) for label in labels for template in templates]
        features = self._engine.text_features(prompts)
        self.statistics.count_texts(len(prompts))
        if len(templates) == 1:
            return features
        weights = features.reshape(len(labels), len(templates), -1).mean(axis=1)
        return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _made(make: Callable[[_Key], Pixels], keys: Sequence[_Key]) -> list[Pixels]:
    check_wanted()
    return [make(key) for key in keys]


def _known(row: np.ndarray | None) -> np.ndarray:
    assert row is not None  # noqa: S101 - every key was filled above
    return row
