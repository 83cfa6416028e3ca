import open_clip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_app.errors import InputError
from clip_app.model.catalog import PRESETS
from clip_app.prompts import (
    MAX_LABEL_LENGTH,
    TEMPLATE_SETS,
    all_english,
    choose_templates,
    fill_template,
    label_sets,
    language_of_texts,
    parse_labels,
    parse_lines,
    search_prompts,
)
from clip_app.settings import ASSETS


def test_every_separator_parts_labels_and_blanks_and_repetitions_go():
    typed = "cat, dog，鸟、鱼;马；\n 牛 \r\ncat,, "
    assert parse_labels(typed) == ["cat", "dog", "鸟", "鱼", "马", "牛"]


@pytest.mark.parametrize("typed", ["", "  ", ",，;；、\n"])
def test_no_labels_is_an_error(typed):
    with pytest.raises(InputError, match="at least one label"):
        parse_labels(typed)


def test_ten_thousand_labels_pass_and_one_more_does_not():
    assert len(parse_labels(",".join(map(str, range(10_000))))) == 10_000
    with pytest.raises(InputError, match="10,001"):
        parse_labels(",".join(map(str, range(10_001))))


def test_a_label_may_have_ten_thousand_characters_and_no_more():
    assert parse_labels("a" * MAX_LABEL_LENGTH)
    with pytest.raises(InputError, match="characters"):
        parse_labels("a" * (MAX_LABEL_LENGTH + 1))


@given(st.text(max_size=200), st.text(max_size=50))
def test_labels_and_templates_are_data_whatever_they_hold(label, template):
    filled = fill_template(template + "{}", label)
    assert filled == (template + "{}").replace("{}", label)


@given(st.text(max_size=300))
def test_any_text_gives_clean_labels_or_one_error(typed):
    try:
        labels = parse_labels(typed)
    except InputError:
        labels = ["nothing was left"]
    assert labels == list(dict.fromkeys(label.strip() for label in labels))
    assert all(labels)


def test_templates_are_open_clips_own():
    assert len(TEMPLATE_SETS["clip80"]) == 80
    assert len(TEMPLATE_SETS["clip7"]) == 7
    for template, ours in zip(
        open_clip.OPENAI_IMAGENET_TEMPLATES, TEMPLATE_SETS["clip80"], strict=True
    ):
        assert template("a {} %") == fill_template(ours, "a {} %")


def test_automatic_templates_follow_the_labels_language():
    assert choose_templates("auto", ["猫", "狗"]) == TEMPLATE_SETS["chinese"]
    assert choose_templates(None, ["cat"]) == TEMPLATE_SETS["single"]
    assert choose_templates("a {}\nthe {}", ["cat"]) == ("a {}", "the {}")
    with pytest.raises(InputError, match=r"has no \{\}"):
        choose_templates("a photo", ["cat"])


def test_language_is_the_majority_of_the_texts():
    assert language_of_texts(["猫", "dog"]) == "zh"
    assert language_of_texts(["猫", "dog", "bird"]) == "en"


def test_descriptions_are_lines():
    assert parse_lines("a, b\n\n c \na, b") == ["a, b", "c"]


def test_label_sets_are_aligned_unique_and_can_be_typed():
    sets = label_sets()
    assert {"everyday", "cifar10", "imagenet1k", "colors", "actions", "scenes"} <= set(sets)
    assert {"art_styles", "emotions"} <= set(sets)
    assert len(sets["imagenet1k"].labels["zh"]) == 1000
    assert sets["imagenet1k"].labels["en"] == tuple(open_clip.IMAGENET_CLASSNAMES)
    for one in sets.values():
        english, chinese = one.labels["en"], one.labels["zh"]
        assert len(english) == len(chinese)
        assert len(set(chinese)) == len(chinese), one.key
        assert all(language_of_texts([name]) == "zh" for name in chinese if len(name) > 4)
        assert parse_labels("，".join(chinese)) == list(chinese), one.key


@pytest.mark.parametrize("key", [key for key in PRESETS if key.startswith("siglip2")])
def test_siglip_2_reads_capitals_and_full_stops_alike(key):
    config = open_clip.get_model_config(PRESETS[key].architecture)["text_cfg"]
    tokenizer = open_clip.tokenizer.HFTokenizer(
        str(ASSETS / "starter"), context_length=16, **config["tokenizer_kwargs"]
    )
    cat, *others = tokenizer(["cat", "CAT", "Cat."])
    assert all(bool((other == cat).all()) for other in others)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["cat", "hot dog", "T-shirt 2"], True),
        (["a dog’s tail – wet", "it’s 5 °C", "tea"], True),
        (["cat", "dog"], False),
        (["cat", "dog", "42"], False),
        (["cat", "dog", "犬"], False),
        (["cat", "dog", "кот"], False),
        (["Katze", "Hund", "Vögel"], False),
        ([], False),
    ],
)
def test_all_english_takes_some_texts_and_no_other_alphabet(texts, expected):
    assert all_english(texts) is expected


def test_every_ready_made_label_set_is_all_english_in_its_english_form():
    for one in label_sets().values():
        assert all_english(one.labels["en"])
        assert not all_english(one.labels["zh"])


@pytest.mark.parametrize(
    ("typed", "about"),
    [
        ("car", "car"),
        ("a bird", "bird"),
        ("The sea", "sea"),
        ("a photo of a cat", "cat"),
        ("pictures of the red cars", "red cars"),
        ("photo album", "photo album"),
        ("a", "a"),
        ("a photo of", "photo of"),
        ("black and white photo of a dog", "black and white photo of a dog"),
        ("汽车", "汽车"),
        ("一张汽车的照片", "汽车"),
        ("汽车的照片", "汽车"),
        ("一张桌子", "一张桌子"),
        ("照片", "照片"),
    ],
)
def test_a_query_is_framed_once(typed, about):
    found, frames = search_prompts(typed)
    assert found == about
    assert all(frame.count("{}") == 1 for frame in frames)
    assert frames == search_prompts(about)[1]
    assert len(frames) > 1


def test_a_whole_sentence_has_one_frame():
    sentence = "a dog runs after a red ball on the beach"
    assert search_prompts(sentence) == (sentence.removeprefix("a "), TEMPLATE_SETS["single"])
    assert search_prompts("一只棕色的狗在海滩上追着红色的球跑")[1] == ("一张{}的照片。",)
