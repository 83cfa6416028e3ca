"""The register of data sets: names of labels, and splits that stay apart."""

import json
import logging
from pathlib import Path

import pytest
from PIL import Image

from clip_app.prompts import language_of_texts
from training.datasets import (
    LABELS,
    DatasetError,
    caption_sets,
    folder_with_captions,
    labelled_sets,
    read_names,
)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


@pytest.mark.parametrize("name", sorted(path.stem for path in LABELS.glob("*.json")))
def test_every_label_has_names_in_both_languages_and_no_two_share_one(name: str) -> None:
    names = read_names(name)
    for language in ("en", "zh"):
        usual = [both[language][0] for both in names.values()]
        assert len(set(usual)) == len(usual)
        assert all(one.strip() for both in names.values() for one in both[language])
    for both in names.values():
        assert all(language_of_texts([one]) == "zh" for one in both["zh"])
        assert language_of_texts(both["en"]) == "en"


def test_imagenet_ids_and_names_go_together() -> None:
    names = read_names("imagenet_sample", wnids=True)
    assert len(names) == 1000
    assert names["n02123045"] == {"en": ("tabby cat",), "zh": ("虎斑猫",)}
    assert list(names) == sorted(names)


def test_pictures_of_one_house_stay_on_one_side(tmp_path: Path) -> None:
    for house in range(40):
        for room in ("bathroom", "bedroom", "frontal", "kitchen"):
            picture(tmp_path / "rooms" / f"{house}_{room}.jpg")
    [rooms] = labelled_sets(tmp_path)
    houses = [
        {photo.path.name.partition("_")[0] for photo in photos}
        for photos in (rooms.train, rooms.test)
    ]
    assert not houses[0] & houses[1]
    assert len(rooms.train) + len(rooms.test) == 160
    assert rooms.test


def test_a_sets_own_split_is_kept_and_the_sample_only_measures(tmp_path: Path) -> None:
    picture(tmp_path / "scenes/train/sea/1.jpg")
    picture(tmp_path / "scenes/test/sea/2.jpg")
    picture(tmp_path / "imagenet_sample/n02123045_tabby.JPEG")
    picture(tmp_path / "nips2017/n02123045/3.png")
    sample, like_imagenet, scenes = labelled_sets(tmp_path)
    assert (sample.name, sample.train, len(sample.test)) == ("imagenet_sample", (), 1)
    assert list(sample.names) == [sample.test[0].label] == ["n02123045"]
    assert (like_imagenet.train, len(like_imagenet.test)) == ((), 1)
    assert len(like_imagenet.names) == 1000  # all of the classes are to choose from
    assert [p.path.name for p in scenes.train] == ["1.jpg"]
    assert [p.path.name for p in scenes.test] == ["2.jpg"]


def test_absent_sets_are_skipped_with_a_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert labelled_sets(tmp_path) == []
    assert caption_sets(tmp_path) == []
    with_names = {path.stem for path in LABELS.glob("*.json")}
    imagenet = {"imagenet_sample", "nips2017", "tiny_imagenet"}
    captions = {"coco", "flickr8k", "flickr8k_test"}
    assert sorted(caplog.messages) == sorted(
        f"No data set {name} below {tmp_path}." for name in with_names | imagenet | captions
    )


def test_a_damaged_set_is_named_in_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "groceries"
    folder.mkdir()
    columns = "Class ID (int),Class Name (str),Coarse Class Name (str)"
    (folder / "classes.csv").write_text(f"{columns}\n0,Royal-Gala,Apple\n")
    (folder / "train.txt").write_text("train/a.jpg, 7, 3\n")  # there is no product 7
    with pytest.raises(DatasetError, match=r"^The data set groceries below .*'7'"):
        labelled_sets(tmp_path)
    (tmp_path / "coco/annotations").mkdir(parents=True)
    captions = {"images": [{"id": 1}], "annotations": []}
    (tmp_path / "coco/annotations/captions_val2017.json").write_text(json.dumps(captions))
    with pytest.raises(DatasetError, match=r"^The data set coco below"):
        caption_sets(tmp_path)


def test_flickr_photographs_are_split_as_the_set_says(tmp_path: Path) -> None:
    for name in ("1_a", "2_b"):
        picture(tmp_path / f"flickr8k/images/{name}.jpg")
    (tmp_path / "flickr8k/captions.txt").write_text(
        'image,caption\n1_a.jpg,"A dog , running ."\n2_b.jpg,A cat .\n2_b.jpg,A pet .\n'
    )
    chinese = tmp_path / "flickr8kcn"
    chinese.mkdir()
    (chinese / "flickr8kval.txt").write_text("2_b\n")
    (chinese / "flickr8ktest.txt").write_text("")
    (chinese / "flickr8kzhc.caption.txt").write_text(
        "1_a.jpg#zhc#0 一条狗在跑。\n2_b.jpg#zhc#0 一只猫。\n", "utf-8"
    )
    train, test = caption_sets(tmp_path)
    assert (train.train, train.captions, train.chinese) == (
        True,
        (("A dog , running .",),),
        (("一条狗在跑。",),),
    )
    assert (test.train, test.captions) == (False, (("A cat .", "A pet ."),))


def test_a_table_of_chinese_captions_is_chinese(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    table = tmp_path / "captions.csv"
    table.write_text("image,caption\n1.jpg,一只猫\n2.jpg,没有这张照片\n", "utf-8")
    found = folder_with_captions(tmp_path, table)
    assert (found.chinese, found.captions) == ((("一只猫",),), ((),))
    assert [path.name for path in found.photos] == ["1.jpg"]
