"""Which models there are to choose from, and what a person needs to choose one.

Figures: ImageNet-1k zero-shot top-1 in percent from open_clip's `docs/openclip_results.csv`, for
SigLIP 2 from big_vision's `README_siglip2.md`, for MobileCLIP2 from Apple's `ml-mobileclip` README,
for PE-Core from `apps/pe/README.md` of Meta's `perception_models`. Chinese: text-to-image recall@1
in percent on Crossmodal-3600 from open_clip's `docs/openclip_multilingual_retrieval_results.csv`.
None: no figure published there. Parameters, scoring and repositories: open_clip 3.3's registry.

Licences, of the weights: as the card of the repository says; for SigLIP 2 and PE-Core as the
READMEs above say, for `vit-h-14-dfn5b` as open_clip's `docs/PRETRAINED.md`; "(per its sister
model)" where only the card of another model of the same makers and data was seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from clip_app.errors import ModelError, UnknownModelError
from clip_app.model.info import Scoring
from clip_app.settings import ASSETS
from clip_app.sizes import megabytes
from clip_app.strings import Language

#: What must be in the local cache or on the hub: (repository, any one of these files).
HubFiles = tuple[tuple[str, tuple[str, ...]], ...]

#: The names that open_clip gives weights on the hub; its `constants.HF_SAFE_WEIGHTS_NAME`, ….
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")

STARTER_DIRECTORY = ASSETS / "starter"
DEFAULT_PRESET = "xlm-roberta-base-vit-b-32"

#: As `Preset.gflops`.
STARTER_GFLOPS = 0.77

_CONFIG = "open_clip_config.json"

#: What makes a folder one of exported towers; see `clip_app.model.towers`.
MANIFEST = "towers.json"

# The file with the vocabulary, by its name in the tokenizers of transformers.
_TOKENIZERS = (
    "tokenizer.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "vocab.txt",
    "vocab.json",
)


@dataclass(frozen=True)
class Preset:
    """One model of the catalog.

    Attributes:
        key: the name to choose it by.
        architecture, pretrained: open_clip's names of the network and of its weights.
        hub: the repository of the weights.
        tokenizer: the repository of the tokenizer; "" where open_clip brings it.
        languages: languages whose text it reads.
        scoring: how it was trained, hence how its scores are meant.
        parameters: in millions, both towers.
        gflops: for one photograph, by torch's `FlopCounterMode`: an add and a multiply are 2.
        imagenet, chinese: see the module's docstring.
        licence: licence of the weights.
    """

    key: str
    title: str
    architecture: str
    pretrained: str
    hub: str
    tokenizer: str
    languages: tuple[Language, ...]
    scoring: Scoring
    parameters: float
    gflops: float
    imagenet: float | None
    chinese: float | None
    licence: str

    @property
    def download_mb(self) -> int:
        """Size of the weights to download, float32: 4 bytes a parameter."""
        return round(self.parameters * 4)

    @property
    def download_size(self) -> str:
        """`download_mb` for people."""
        return f"{megabytes(self.download_mb * 1_000_000)} MB"

    @property
    def hub_files(self) -> HubFiles:
        """What it is loaded from; open_clip's registry says the same."""
        tokenizer = {"hf_tokenizer_name": self.tokenizer} if self.tokenizer else {}
        if self.tokenizer not in ("", self.hub):  # a text tower that transformers configures
            tokenizer["hf_model_name"] = self.tokenizer
        return ((self.hub, HUB_WEIGHTS), *text_files(tokenizer))


_EN: tuple[Language, ...] = ("en",)
_BOTH: tuple[Language, ...] = ("en", "zh")
_RESEARCH = "apple-amlr (research only)"
_LAION = "MIT (per its sister model)"

# One line a field group reads better than one line a field.
# fmt: off
PRESETS: dict[str, Preset] = {p.key: p for p in (
    Preset("xlm-roberta-base-vit-b-32", "XLM-RoBERTa base + ViT-B/32 (LAION-5B)",
           "xlm-roberta-base-ViT-B-32", "laion5b_s13b_b90k",
           "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k", "xlm-roberta-base",
           _BOTH, "softmax",
           366.1, 8.82, 62.36, 53.69, "MIT"),
    Preset("xlm-roberta-large-vit-h-14", "XLM-RoBERTa large + ViT-H/14 (LAION-5B)",
           "xlm-roberta-large-ViT-H-14", "frozen_laion5b_s13b_b90k",
           "laion/CLIP-ViT-H-14-frozen-xlm-roberta-large-laion5B-s13B-b90k", "xlm-roberta-large",
           _BOTH, "softmax",
           1193.0, 334.59, 76.95, 59.06, _LAION),
    Preset("siglip2-b-32-256", "SigLIP 2 B/32, 256 px",
           "ViT-B-32-SigLIP2-256", "webli",
           "timm/ViT-B-32-SigLIP2-256", "timm/ViT-B-32-SigLIP2-256",
           _BOTH, "sigmoid",
           376.9, 11.49, 74.0, None, "Apache-2.0"),
    Preset("siglip2-b-16-256", "SigLIP 2 B/16, 256 px",
           "ViT-B-16-SigLIP2-256", "webli",
           "timm/ViT-B-16-SigLIP2-256", "timm/ViT-B-16-SigLIP2-256",
           _BOTH, "sigmoid",
           375.2, 46.82, 79.1, None, "Apache-2.0"),
    Preset("siglip2-so400m-16-256", "SigLIP 2 So400m/16, 256 px",
           "ViT-SO400M-16-SigLIP2-256", "webli",
           "timm/ViT-SO400M-16-SigLIP2-256", "timm/ViT-SO400M-16-SigLIP2-256",
           _BOTH, "sigmoid",
           1135.7, 220.46, 83.4, None, "Apache-2.0"),
    Preset("vit-b-32-256-datacomp", "ViT-B/32, 256 px (DataComp)",
           "ViT-B-32-256", "datacomp_s34b_b86k",
           "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K", "",
           _EN, "softmax",
           151.3, 11.5, 72.81, 2.36, "MIT"),
    Preset("vit-b-32-openai", "ViT-B/32 (OpenAI)",
           "ViT-B-32-quickgelu", "openai",
           "timm/vit_base_patch32_clip_224.openai", "",
           _EN, "softmax",
           151.3, 8.82, 63.32, 0.36, "Apache-2.0 (hub copy)"),
    Preset("vit-b-32-laion2b", "ViT-B/32 (LAION-2B)",
           "ViT-B-32", "laion2b_s34b_b79k",
           "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "",
           _EN, "softmax",
           151.3, 8.82, 66.56, 0.72, _LAION),
    Preset("vit-b-16-datacomp", "ViT-B/16 (DataComp)",
           "ViT-B-16", "datacomp_xl_s13b_b90k",
           "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K", "",
           _EN, "softmax",
           149.6, 35.13, 73.49, None, _LAION),
    Preset("vit-l-14-datacomp", "ViT-L/14 (DataComp)",
           "ViT-L-14", "datacomp_xl_s13b_b90k",
           "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", "",
           _EN, "softmax",
           427.6, 162.03, 79.21, 1.92, _LAION),
    Preset("vit-h-14-dfn5b", "ViT-H/14 (DFN-5B)",
           "ViT-H-14-quickgelu", "dfn5b",
           "apple/DFN5B-CLIP-ViT-H-14", "",
           _EN, "softmax",
           986.1, 334.59, 83.44, 7.11, "Apple, see its card"),
    Preset("mobileclip2-s0", "MobileCLIP2-S0, 256 px",
           "MobileCLIP2-S0", "dfndr2b",
           "timm/MobileCLIP2-S0-OpenCLIP", "",
           _EN, "softmax",
           74.8, 4.79, 71.5, None, _RESEARCH),
    Preset("mobileclip2-s2", "MobileCLIP2-S2, 256 px",
           "MobileCLIP2-S2", "dfndr2b",
           "timm/MobileCLIP2-S2-OpenCLIP", "",
           _EN, "softmax",
           99.2, 15.69, 77.2, None, _RESEARCH),
    Preset("mobileclip2-b", "MobileCLIP2-B",
           "MobileCLIP2-B", "dfndr2b",
           "timm/MobileCLIP2-B-OpenCLIP", "",
           _EN, "softmax",
           149.8, 35.42, 79.4, None, _RESEARCH),
    Preset("pe-core-s-16-384", "PE-Core S/16, 384 px",
           "PE-Core-S-16-384", "meta",
           "timm/PE-Core-S-16-384", "",
           _EN, "softmax",
           87.2, 31.32, 72.7, None, "Apache-2.0"),
    Preset("pe-core-b-16", "PE-Core B/16",
           "PE-Core-B-16", "meta",
           "timm/PE-Core-B-16", "",
           _EN, "softmax",
           447.7, 35.6, 78.4, None, "Apache-2.0"),
    Preset("pe-core-l-14-336", "PE-Core L/14, 336 px",
           "PE-Core-L-14-336", "meta",
           "timm/PE-Core-L-14-336", "",
           _EN, "softmax",
           671.1, 384.36, 83.5, None, "Apache-2.0"),
)}
# fmt: on

# Licences that allow any use, as the weights' own card or README states them.
_OPEN_LICENCES = ("MIT", "Apache-2.0")

# What counts as better, in points, and as no larger to download. Publishers measure with prompts
# of their own, which are worth about a point.
_BETTER_POINTS, _ABOUT_THE_SAME = 1.0, 1.1


def better_for_english(preset: Preset) -> Preset | None:
    """The preset to take in place of a bilingual one where all texts are English.

    Of those under an open licence, at most a tenth larger to download and at least a point better
    on ImageNet, the best there. None if there is none, or `preset` reads English only.
    """
    if preset.languages == _EN or preset.imagenet is None:
        return None
    better = {
        one.imagenet: one
        for one in PRESETS.values()
        if one.licence in _OPEN_LICENCES
        and one.imagenet is not None
        and one.imagenet >= preset.imagenet + _BETTER_POINTS
        and one.download_mb <= _ABOUT_THE_SAME * preset.download_mb
    }
    return better[max(better)] if better else None


@dataclass(frozen=True)
class ModelSource:
    """Where a chosen model comes from, in open_clip's terms.

    Attributes:
        name: what the person chose, the model's name in answers of the API.
        title: what the page calls it.
        architecture: open_clip's model name, with its `hf-hub:` or `local-dir:` schema.
        pretrained: a tag, the path of a weights file, or None where the schema says it all.
        languages: languages it reads; None where that is not known.
        preset: the catalog's entry, if it has one.
    """

    name: str
    title: str
    architecture: str
    pretrained: str | None
    languages: tuple[Language, ...] | None
    preset: Preset | None = None

    @property
    def is_starter(self) -> bool:
        """Whether this is the small bundled model."""
        return self.architecture == f"local-dir:{STARTER_DIRECTORY}"

    @property
    def hub_files(self) -> HubFiles:
        """What must be in the local cache or on the hub."""
        if self.architecture.startswith("local-dir:"):
            folder = Path(self.architecture.removeprefix("local-dir:"))
            return text_files(_text_config(folder / _CONFIG))
        if self.architecture.startswith("hf-hub:"):
            repository = self.architecture.removeprefix("hf-hub:")
            known = try_to_load_from_cache(repository, _CONFIG)
            text = _text_config(Path(known)) if isinstance(known, str) else {}
            return ((repository, (_CONFIG,)), (repository, HUB_WEIGHTS), *text_files(text))
        if self.preset is None:
            return _registry(self.name).registered_hub_files(self.architecture, self.pretrained)
        return self.preset.hub_files


def is_in_cache(repository: str, files: Sequence[str]) -> bool:
    """Whether any one of `files` of a hub's repository lies in the local cache."""
    found = (try_to_load_from_cache(repository, file) for file in files)
    return any(isinstance(path, str) for path in found)


def text_files(text: Mapping[str, Any]) -> HubFiles:
    """What a text tower of transformers needs from other repositories than the weights'.

    Args:
        text: open_clip's `text_cfg`.
    """
    wanted: list[tuple[str, tuple[str, ...]]] = []
    if model := text.get("hf_model_name"):
        wanted.append((model, ("config.json",)))
    if tokenizer := text.get("hf_tokenizer_name"):
        # The second takes the longest: without it the first alone would pass for all.
        wanted.append((tokenizer, ("tokenizer_config.json", "tokenizer.json")))
        wanted.append((tokenizer, _TOKENIZERS))
    return tuple((name, files) for name, files in wanted if not Path(name).exists())


def _text_config(config: Path) -> Mapping[str, Any]:
    try:
        return dict(json.loads(config.read_text("utf-8"))["model_cfg"]["text_cfg"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # open_clip will say that it cannot be read


def find_model(choice: str, roots: Sequence[Path] | None = None) -> ModelSource:
    """The source of a model named in any of the ways a person may name one.

    Args:
        choice: `starter`; a key of `PRESETS`; `ARCHITECTURE:TAG` from open_clip's registry;
            `ARCHITECTURE:/path/of/weights`; `hf-hub:OWNER/NAME`; `local-dir:/path` or the path of
            a folder with an `open_clip_config.json` or of exported towers.
        roots: where given, the only files and folders of this machine that may be named are the
            model folders directly below these; of any other not even its existence is told.

    Raises:
        ModelError: if nothing answers to that name, or it is a path outside `roots`.
    """
    choice = choice.strip()
    if choice == "starter":
        return _local_directory("starter", STARTER_DIRECTORY)
    if preset := PRESETS.get(choice.lower()):
        return ModelSource(
            preset.key,
            preset.title,
            preset.architecture,
            preset.pretrained,
            preset.languages,
            preset,
        )
    if choice.startswith("hf-hub:") and "/" in choice:
        return ModelSource(choice, choice.removeprefix("hf-hub:"), choice, None, None)
    if roots is not None:
        folders = [folder for root in roots for folder in local_models(root)]
        allowed = {name: one for one in folders for name in (one.name, str(one))}
        if choice in allowed:
            return _local_directory(choice, allowed[choice])
    else:
        path = Path(choice.removeprefix("local-dir:")).expanduser()
        if path.is_dir():
            return _local_directory(choice, path)
    architecture, separator, pretrained = choice.partition(":")
    if separator and _registry(choice).is_registered(architecture):
        known = next(
            (
                p
                for p in PRESETS.values()
                if (p.architecture, p.pretrained) == (architecture, pretrained)
            ),
            None,
        )
        registered = _registry(choice).is_registered(architecture, pretrained)
        if registered or (roots is None and Path(pretrained).is_file()):
            return ModelSource(
                choice,
                known.title if known else choice,
                architecture,
                pretrained,
                known.languages if known else None,
                known,
            )
    if roots is not None and any(mark in choice for mark in ("/", "\\", "~", "local-dir:")):
        raise ModelError("model_path_forbidden")
    raise UnknownModelError("model_unknown", model=choice)


def _registry(choice: str) -> Any:
    """open_clip's registry, which takes seconds to import: only for names that need it."""
    if find_spec("open_clip") is None:
        raise ModelError("torch_missing", model=choice)
    from clip_app.model import torch_engine

    return torch_engine


def local_models(root: Path | None) -> list[Path]:
    """The folders directly below `root` that hold an open_clip model or exported towers, in
    alphabetical order.
    """
    if root is None or not root.is_dir():
        return []
    return sorted(
        {path.parent for name in (_CONFIG, MANIFEST) for path in root.resolve().glob(f"*/{name}")}
    )


def _local_directory(name: str, directory: Path) -> ModelSource:
    directory = directory.resolve()
    try:
        told = directory / _CONFIG
        config = json.loads((told if told.exists() else directory / MANIFEST).read_text("utf-8"))
        languages = config.get("languages")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError("model_broken", model=name) from error
    if directory == STARTER_DIRECTORY.resolve():
        languages = _BOTH
    return ModelSource(
        name,
        "starter" if name == "starter" else config.get("title") or directory.name,
        f"local-dir:{directory}",
        None,
        tuple(languages) if languages else None,
    )
