"""The script of `benchmarks/zero_shot.py` on a few photographs, beside plain numpy."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import zero_shot
from clip_app.images import load_image
from clip_app.model.service import ModelService
from clip_app.photos import decode_side
from clip_app.prompts import TEMPLATE_SETS
from tests.conftest import EXAMPLES

NAMES = {
    "cat": {"en": ["cat"], "zh": ["猫"]},
    "coffee": {"en": ["cup of coffee"], "zh": ["一杯咖啡"]},
    "flower": {"en": ["flower"], "zh": ["花"]},
    "galaxies": {"en": ["galaxies"], "zh": ["星系"]},
    "photographer": {"en": ["photographer"], "zh": ["摄影师"]},
    "rocket": {"en": ["rocket"], "zh": ["火箭"]},
}
# The last one lies in the wrong folder, so that not everything is right.
PHOTOS = [*((name, name) for name in NAMES), ("cat", "rocket")]


@pytest.fixture
def run(service: ModelService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the script's `main` with the starter model that is loaded already."""
    monkeypatch.setattr(zero_shot, "load_model", lambda settings: service)

    def run_with(*arguments: str | Path) -> dict[str, Any]:
        out = tmp_path / "figures.json"
        flags = [str(one) for one in (*arguments, "--json", out)]
        monkeypatch.setattr(sys, "argv", ["zero_shot.py", *flags])
        zero_shot.main()
        return json.loads(out.read_text("utf-8"))

    return run_with


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    folder = tmp_path / "classes"
    for number, (name, photo) in enumerate(PHOTOS):
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / f"{photo}.jpg", folder / name / f"{number}.jpg")
    (folder / "cat" / "notes.txt").write_text("no photograph")
    (folder / "cat" / "broken.jpg").write_bytes(b"no photograph either")
    return folder


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def features(service: ModelService, photos: list[str]) -> np.ndarray:
    opened = [
        load_image(EXAMPLES / f"{one}.jpg", target_side=decode_side(service)) for one in photos
    ]
    return unit(service.encode_images(opened))


def recall(cosines: np.ndarray, right: list[set[int]], limit: int) -> float:
    hits = [
        bool(set(np.argsort(-row, kind="stable")[:limit]) & answers)
        for row, answers in zip(cosines, right, strict=True)
    ]
    return round(100 * sum(hits) / len(hits), 2)


def test_accuracy_is_that_of_plain_numpy_in_both_languages(
    run: Any, classes: Path, service: ModelService, tmp_path: Path, capsys: Any
) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps(NAMES), "utf-8")
    report = run("--images", classes, "--names", names)
    [measured] = report["sets"]
    pictures = features(service, [photo for _, photo in PHOTOS])
    right = [{list(NAMES).index(name)} for name, _ in PHOTOS]
    for language, templates in (("en", "single"), ("zh", "chinese")):
        weights = [
            service.encode_texts([t.replace("{}", both[language][0]) for t in templates_of])
            for both in NAMES.values()
            for templates_of in [TEMPLATE_SETS[templates]]
        ]
        cosines = pictures @ unit(np.stack([one.mean(axis=0) for one in weights])).T
        expected = [recall(cosines, right, limit) for limit in (1, 5)]
        assert measured["figures"][language]["accuracy"] == expected
        assert expected[0] < 100
    assert measured["photos"] == len(PHOTOS)
    assert "| not told | classes | 7 | 6 |" in capsys.readouterr().out


def test_labels_that_were_trained_on_are_reported_apart(
    run: Any, classes: Path, service: ModelService, tmp_path: Path
) -> None:
    words = dict.fromkeys(NAMES, "images held out") | {"cat": "nothing seen"}
    seen = tmp_path / "seen.json"
    seen.write_text(json.dumps({"classes": words}), "utf-8")
    parts = {one["new"]: one for one in run("--images", classes, "--seen", seen)["sets"]}
    assert {new: one["photos"] for new, one in parts.items()} == {
        "images held out": 5,
        "nothing seen": 2,
    }
    weights = service.encode_labels(list(NAMES), TEMPLATE_SETS["single"])
    for new, rows in (("nothing seen", [0, -1]), ("images held out", range(1, 6))):
        chosen = [PHOTOS[row] for row in rows]
        cosines = features(service, [photo for _, photo in chosen]) @ weights.T
        right = [{list(NAMES).index(name)} for name, _ in chosen]
        expected = [recall(cosines, right, limit) for limit in (1, 5)]
        assert parts[new]["figures"]["en"]["accuracy"] == expected
        assert parts[new]["choices"]["en"] == len(NAMES)


def test_folder_names_are_english_labels_and_larger_templates_are_used(
    run: Any, classes: Path, service: ModelService
) -> None:
    [measured] = run("--images", classes, "--templates", "clip7")["sets"]
    weights = service.encode_labels(list(NAMES), TEMPLATE_SETS["clip7"])
    cosines = features(service, [photo for _, photo in PHOTOS]) @ weights.T
    right = [{list(NAMES).index(name)} for name, _ in PHOTOS]
    assert measured["figures"] == {"en": {"accuracy": [recall(cosines, right, k) for k in (1, 5)]}}


def test_retrieval_is_that_of_plain_numpy_from_coco_json_and_from_a_table(
    run: Any, service: ModelService, tmp_path: Path
) -> None:
    listed = json.loads((EXAMPLES / "examples.json").read_text("utf-8"))
    # The others lie in the example gallery, outside the folder that is given.
    examples = [one for one in listed if (EXAMPLES / one["file"]).parent == EXAMPLES]
    photos = [one["file"].removesuffix(".jpg") for one in examples]
    captions = [
        (one["file"], text)
        for one in examples
        for text in (one["right_description"]["en"], one["descriptions"]["en"][1])
    ]
    tabbed = tmp_path / "captions.txt"
    tabbed.write_text("".join(f"{file}\t{text}\n" for file, text in captions), "utf-8")
    coco = tmp_path / "coco.json"
    coco.write_text(
        json.dumps(
            {
                "images": [{"id": n, "file_name": f"{p}.jpg"} for n, p in enumerate(photos)],
                "annotations": [
                    {"image_id": photos.index(file.removesuffix(".jpg")), "caption": text}
                    for file, text in captions
                ],
            }
        ),
        "utf-8",
    )
    cosines = features(service, photos) @ service.encode_texts([text for _, text in captions]).T
    owner = [photos.index(file.removesuffix(".jpg")) for file, _ in captions]
    own = [{n for n, o in enumerate(owner) if o == photo} for photo in range(len(photos))]
    expected = {
        "text_to_image": [recall(cosines.T, [{o} for o in owner], k) for k in (1, 5, 10)],
        "image_to_text": [recall(cosines, own, k) for k in (1, 5, 10)],
    }
    for file in (tabbed, coco):
        [measured] = run("--images", EXAMPLES, "--captions", file)["sets"]
        assert measured["figures"] == {"en": expected}
        assert measured["choices"] == {"en": len(captions)}


def test_table_keeps_apart_what_training_saw(
    run: Any, classes: Path, tmp_path: Path, capsys: Any
) -> None:
    seen = tmp_path / "seen.json"
    seen.write_text(json.dumps({"classes": "labels and images held out"}))
    assert run("--images", classes, "--seen", seen)["sets"][0]["new"] == (
        "labels and images held out"
    )
    assert "| labels and images held out | classes |" in capsys.readouterr().out
    seen.write_text("{}")
    assert run("--images", classes, "--seen", seen)["sets"][0]["new"] == "nothing seen"
