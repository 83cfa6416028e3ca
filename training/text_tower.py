"""The text tower: the sentence encoder, taught to read Chinese without forgetting its English.

A Chinese text gets the vector that the original encoder gives its English translation (Reimers and
Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual"); English texts keep theirs.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from open_clip import ClipLoss
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from tqdm import tqdm
from transformers import BertConfig, BertModel

from clip_app.model.torch_engine import fast_on_cpu
from training.text_data import PROMPTS, Pair, Texts
from training.vocabulary import Vocabulary

#: Length of the tower's output before its projection.
WIDTH = 384

#: Tokens that the exported model reads, and positions it has vectors for.
CONTEXT = 48
_POSITIONS = 64

# Texts of each kind in a training step, 192 together. Captions are long: the fewest cost the most.
_STEP = {"names": 64, "things": 48, "words": 16, "captions": 32, "english": 24, "sentences": 8}

# Learning rates: Chinese vectors start from rough guesses, the layers are good already.
_VECTOR_RATE = 3e-3
_LAYER_RATE = 2e-4
_WARM_UP_STEPS = 50

# Sharpness and weight of telling the right translation from the others in the step.
_CONTRAST_SCALE = 20.0
_CONTRAST_WEIGHT = 0.1

# Texts per forward pass when nothing is learnt.
_BATCH = 256


def load_sentence_encoder(folder: Path) -> BertModel:
    """all-MiniLM-L6-v2 without its unused pooler."""
    config = _bert_config(folder)
    model = BertModel(config, add_pooling_layer=False)
    weights = load_file(folder / "model.safetensors")
    model.load_state_dict({k: v for k, v in weights.items() if k in model.state_dict()})
    return model.eval()


def _bert_config(folder: Path, **changes: int) -> BertConfig:
    config = BertConfig.from_json_file(str(folder / "config.json"))
    for key, value in changes.items():
        setattr(config, key, value)
    return config


class TextEncoder:
    """A BERT and its tokenizer: texts to unit vectors of the mean over tokens."""

    def __init__(self, model: nn.Module, tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        #: Half precision where it is faster, which training does not notice; off, vectors equal the
        #: app's.
        self.fast = True
        tokenizer.enable_truncation(CONTEXT)
        tokenizer.enable_padding(pad_id=0)

    def encode(self, texts: Sequence[str], title: str = "") -> torch.Tensor:
        """(n, 384) float32 unit vectors, in the order of `texts`; `title` names a progress bar."""
        # Neighbours of like length share a batch, so that little of it is padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows = torch.empty(len(texts), WIDTH)
        starts = range(0, len(texts), _BATCH)
        with torch.inference_mode(), _half_precision(self.fast):
            for start in tqdm(starts, desc=title, disable=not title):
                chunk = order[start : start + _BATCH]
                rows[chunk] = self.vectors([texts[i] for i in chunk])
        return rows

    def vectors(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors of one batch, with gradients where they are wanted."""
        encodings = self.tokenizer.encode_batch(list(texts))
        ids = torch.tensor([e.ids for e in encodings])
        mask = torch.tensor([e.attention_mask for e in encodings])
        return pooled(self.model, ids, mask)


def _half_precision(wanted: bool = True) -> torch.autocast:
    """bfloat16 where `wanted` and the processor has instructions for it, else float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and fast_on_cpu(torch.bfloat16))


def pooled(model: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(n, tokens) ids and mask to (n, 384) unit vectors: the mean over all but padding."""
    hidden = model(ids, mask).float()
    weights = mask[..., None].float()
    return F.normalize((hidden * weights).sum(1) / weights.sum(1), dim=1)


class _Plain(nn.Module):
    """A BERT that returns its last hidden state."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.bert(input_ids=ids, attention_mask=mask).last_hidden_state


class BilingualBert(nn.Module):
    """A BERT whose English vectors are fixed and whose Chinese ones are learnt."""

    english: torch.Tensor

    def __init__(self, bert: BertModel, english: torch.Tensor, chinese: torch.Tensor) -> None:
        super().__init__()
        self.bert = bert
        self.register_buffer("english", english)
        self.chinese = nn.Parameter(chinese)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, tokens) ids and mask to the last hidden state, (n, tokens, 384)."""
        count = len(self.english)
        vectors = torch.where(
            (ids < count)[..., None],
            F.embedding(ids.clamp(max=count - 1), self.english),
            F.embedding((ids - count).clamp(min=0), self.chinese),
        )
        return self.bert(inputs_embeds=vectors, attention_mask=mask).last_hidden_state

    def weights(self) -> dict[str, torch.Tensor]:
        """The state dict of a plain BERT that computes the same."""
        weights = {k: v.detach().clone() for k, v in self.bert.state_dict().items()}
        weights[_WORDS] = torch.cat([self.english, self.chinese.detach()])
        return weights


_WORDS = "embeddings.word_embeddings.weight"
_PLACES = "embeddings.position_embeddings.weight"


def teacher_encoder(folder: Path) -> TextEncoder:
    """The original sentence encoder."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return TextEncoder(_Plain(load_sentence_encoder(folder)), tokenizer)


def new_student(folder: Path, vocabulary: Vocabulary, texts: Texts) -> BilingualBert:
    """The sentence encoder with another vocabulary.

    A Chinese token starts as the mean of the vectors of its English glosses; a character also from
    those of the words that hold it, each the less the longer the word.
    """
    weights = load_sentence_encoder(folder).state_dict()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    table = tokenizer.get_vocab()
    words = weights[_WORDS]
    english = words[[table[token] for token in vocabulary.english]]
    chinese = _first_guess(words, tokenizer, vocabulary, texts)
    weights = dict(weights)
    weights[_WORDS] = words[:1]  # BERT's own table is not used while training
    weights[_PLACES] = weights[_PLACES][:_POSITIONS]
    config = _bert_config(folder, vocab_size=1, max_position_embeddings=_POSITIONS)
    bert = BertModel(config, add_pooling_layer=False)
    bert.load_state_dict(weights)
    return BilingualBert(bert, english, chinese)


def _first_guess(
    words: torch.Tensor, tokenizer: Tokenizer, vocabulary: Vocabulary, texts: Texts
) -> torch.Tensor:
    numbers = {token: i for i, token in enumerate(vocabulary.chinese)}
    # Names count most: they are exact, where a gloss is one of several.
    weighted = [(pair, 5.0) for pair in texts.names]
    weighted += [(pair, 1.0) for pair in (*texts.things, *texts.words)]
    total = torch.zeros(len(numbers), WIDTH)
    weight = torch.zeros(len(numbers), 1)
    glosses = [pair.english.lower() for pair, _ in weighted]
    for (pair, trust), encoding in zip(
        weighted, tokenizer.encode_batch(glosses, add_special_tokens=False), strict=True
    ):
        if not encoding.ids:
            continue
        vector = words[encoding.ids].mean(0)
        shares = defaultdict(float, {c: trust / len(pair.chinese) for c in pair.chinese})
        # A word that is a token is not made of its characters, and takes all of its gloss.
        shares[pair.chinese] = trust
        for token, share in shares.items():
            if token in numbers:
                total[numbers[token]] += share * vector
                weight[numbers[token]] += share
    mean = words.mean(0)
    return torch.where(weight > 0, total / weight.clamp(min=1e-6), mean)


@dataclass(frozen=True)
class _Example:
    text: str
    target: str


def train_text_tower(
    student: BilingualBert,
    encoder: TextEncoder,
    teacher: TextEncoder,
    texts: Texts,
    steps: int,
    checkpoint: Path,
    seed: int = 0,
) -> None:
    """Teach the student; goes on from `checkpoint` where there is one.

    Args:
        encoder: the student with its tokenizer.
        teacher: gives the vector of every English text.
        steps: of 192 texts each.
        checkpoint: written every 100 steps and at the end.
    """
    vectors = [student.chinese]
    layers = [p for p in student.bert.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": vectors, "lr": _VECTOR_RATE, "weight_decay": 0.0},
            {"params": layers, "lr": _LAYER_RATE, "weight_decay": 0.01},
        ],
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: warm_cosine(s, steps, _WARM_UP_STEPS)
    )
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(state["student"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
    targets = _Targets(teacher)
    contrast = ClipLoss()
    # Without dropout: the targets are exact, and too many to be learnt by heart.
    student.eval()
    bar = tqdm(range(first, steps), desc="text tower", initial=first, total=steps)
    for step in bar:
        # Each step draws from its own seed, so that a resumed run goes the same way.
        examples = _draw(texts, np.random.default_rng((seed, step)))
        examples.sort(key=lambda e: len(encoder.tokenizer.encode(e.text).ids))
        wanted = targets.of([e.target for e in examples])
        # The longer third apart, so that short texts are not padded to the longest caption.
        parts = np.split(np.arange(len(examples)), [len(examples) * 2 // 3])
        with _half_precision():
            given = torch.cat(
                [encoder.vectors([examples[i].text for i in part]) for part in parts if len(part)]
            )
        distance = (given - wanted).square().sum(1).mean()
        scale = torch.tensor(_CONTRAST_SCALE)
        loss = distance + _CONTRAST_WEIGHT * contrast(given, wanted, scale)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(layers, 1.0)
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
        if (step + 1) % 100 == 0 or step + 1 == steps:
            state = {
                "student": student.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step + 1,
            }
            torch.save(state, checkpoint)


def warm_cosine(step: int, steps: int, warm_up: int) -> float:
    """Share of the learning rate: up over `warm_up` steps, then down to 1 % along a cosine."""
    falling = 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(1, steps))))
    return min(1.0, (step + 1) / warm_up) * (0.01 + 0.99 * falling)


class _Targets:
    """The teacher's vectors, each computed once."""

    def __init__(self, teacher: TextEncoder) -> None:
        self._teacher = teacher
        self._known: dict[str, torch.Tensor] = {}

    def of(self, texts: Sequence[str]) -> torch.Tensor:
        missing = [t for t in dict.fromkeys(texts) if t not in self._known]
        if missing:
            rows = self._teacher.encode(missing).half()
            self._known |= dict(zip(missing, rows, strict=True))
        return torch.stack([self._known[t] for t in texts]).float()


def _draw(texts: Texts, rng: np.random.Generator) -> list[_Example]:
    examples = []
    kinds: Mapping[str, Sequence[Pair]] = {
        "names": texts.names,
        "things": texts.things,
        "words": texts.words,
        "captions": texts.captions,
    }
    for kind, pairs in kinds.items():
        count = _STEP[kind] if pairs else 0
        for index in rng.integers(0, max(1, len(pairs)), count):
            pair = pairs[index]
            english, chinese = ("{}", "{}")
            # A dictionary word keeps one prompt, so that its target is computed once.
            if kind == "names":
                english, chinese = PROMPTS[rng.integers(len(PROMPTS))]
            elif kind == "things" and rng.random() < 0.5:
                english, chinese = PROMPTS[index % len(PROMPTS)]
            examples.append(
                _Example(chinese.replace("{}", pair.chinese), english.replace("{}", pair.english))
            )
    for index in rng.integers(0, len(texts.english), _STEP["english"]):
        prompt = PROMPTS[index % len(PROMPTS)][0]
        text = prompt.replace("{}", texts.english[index])
        examples.append(_Example(text, text))
    for index in rng.integers(
        0, max(1, len(texts.captions)), _STEP["sentences"] if texts.captions else 0
    ):
        examples.append(_Example(texts.captions[index].english, texts.captions[index].english))
    return examples


def save_text_tower(student: BilingualBert, path: Path) -> None:
    """Write the weights of the plain BERT."""
    save_file({k: v.contiguous() for k, v in student.weights().items()}, path)


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that `vocabulary.write_tokenizer` wrote."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def load_text_encoder(weights: Path, tokenizer: Path, sentence_encoder: Path) -> TextEncoder:
    """The tower that `save_text_tower` wrote, ready to encode.

    Args:
        tokenizer: folder of the tokenizer.
        sentence_encoder: whose configuration the tower shares.
    """
    state = load_file(weights)
    config = _bert_config(
        sentence_encoder, vocab_size=len(state[_WORDS]), max_position_embeddings=_POSITIONS
    )
    bert = BertModel(config, add_pooling_layer=False)
    bert.load_state_dict(state)
    return TextEncoder(_Plain(bert.eval()), read_tokenizer(tokenizer))


def text_config(sentence_encoder: Path, vocabulary_size: int) -> BertConfig:
    """The exported text tower's configuration."""
    return _bert_config(
        sentence_encoder,
        vocab_size=vocabulary_size,
        max_position_embeddings=_POSITIONS,
        pad_token_id=0,
    )
