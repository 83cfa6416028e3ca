"""What people type, in both languages, becomes the terms they mean."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_app.errors import InputError
from clip_app.gallery.query import MAX_TERMS, TextTerm, describe, parse_query
from clip_app.prompts import MAX_LABEL_LENGTH


def parsed(typed: str, exclude: str = "") -> list[tuple[str, float]]:
    return [(term.text, term.weight) for term in parse_query(typed, exclude)]


@pytest.mark.parametrize(
    "typed",
    [
        "a dog on the beach",
        "t-shirt",
        "black-and-white photograph",
        "12:30 clock",
        "16:9 photo",
        "3:2",
        "dog not on a leash",
        "notebook",
        "nobody",
        "C++ book",
        "2+2=4",
        "无人机",
        "无花果",
        "不倒翁",
        "没有",
        "一个人在海边",
    ],
)
def test_plain_words_are_one_term(typed: str) -> None:
    assert parsed(typed) == [(typed, 1)]


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("beach + sunset", [("beach", 1), ("sunset", 1)]),
        ("beach - people", [("beach", 1), ("people", -1)]),
        ("beach -people", [("beach", 1), ("people", -1)]),
        ("-people beach", [("people beach", -1)]),
        ("- people", [("people", -1)]),
        ("beach − people", [("beach", 1), ("people", -1)]),
        ("海滩＋日落－人", [("海滩", 1), ("日落", 1), ("人", -1)]),
        ("2: beach + 0.5: sunset", [("beach", 2), ("sunset", 0.5)]),
        ("2*beach - 3× people", [("beach", 2), ("people", -3)]),
        ("2：海滩", [("海滩", 2)]),
        ("beach without people", [("beach", 1), ("people", -1)]),
        ("a beach without any people", [("a beach", 1), ("people", -1)]),
        ("A cat WITH NO glasses", [("A cat", 1), ("glasses", -1)]),
        ("street, no cars", [("street", 1), ("cars", -1)]),
        ("fruit except for apples", [("fruit", 1), ("apples", -1)]),
        ("dogs but not puppies", [("dogs", 1), ("puppies", -1)]),
        ("without people", [("people", -1)]),
        ("without animals", [("animals", -1)]),
        ("street without some theatre", [("street", 1), ("theatre", -1)]),
        ("no people", [("people", -1)]),
        ("2: beach without people", [("beach", 2), ("people", -2)]),
        ("sea + beach without people", [("sea", 1), ("beach", 1), ("people", -1)]),
        ("没有人的海滩", [("海滩", 1), ("人", -1)]),
        ("海滩，没有人", [("海滩", 1), ("人", -1)]),
        ("海滩没有人", [("海滩", 1), ("人", -1)]),
        ("房间里没有人", [("房间", 1), ("人", -1)]),
        ("无人的街道", [("街道", 1), ("人", -1)]),
        ("空无一人的街道", [("街道", 1), ("人", -1)]),
        ("不戴眼镜的猫", [("猫", 1), ("戴眼镜", -1)]),
        ("除了猫以外的动物", [("动物", 1), ("猫", -1)]),
        ("不要人", [("人", -1)]),
        ("", []),
        ("   ", []),
        ("+", [("+", 1)]),
        ("beach +", [("beach +", 1)]),
    ],
)
def test_terms_signs_weights_and_negations(typed: str, terms: list[tuple[str, float]]) -> None:
    assert parsed(typed) == terms


def test_the_exclude_field_is_subtracted_part_by_part() -> None:
    terms = [("beach", 1), ("people", -1), ("dogs", -1), ("cars", -2), ("船", -1)]
    assert parsed("beach", "people, dogs;2: cars\n\n船，") == terms
    assert parsed("", "people") == [("people", -1)]


def test_signs_with_nothing_between_them_ask_for_nothing() -> None:
    assert [parsed(one) for one in ("- - -", "+ +", "— –", "－ ＋ -")] == [[]] * 4
    assert parsed('"-"') == [("-", 1.0)]


def test_too_many_or_too_long_terms_are_refused() -> None:
    assert len(parsed(" + ".join("a" * MAX_TERMS))) == MAX_TERMS
    for typed, exclude in [(" + ".join("a" * (MAX_TERMS + 1)), ""), ("a", "b," * MAX_TERMS)]:
        with pytest.raises(InputError) as told:
            parse_query(typed, exclude)
        assert told.value.key == "terms_too_many"
    for typed, exclude in [("x" * (MAX_LABEL_LENGTH + 1), ""), ("", "x" * (MAX_LABEL_LENGTH + 1))]:
        with pytest.raises(InputError) as told:
            parse_query(typed, exclude)
        assert told.value.key == "text_too_long"


@pytest.mark.parametrize("number", ["9" * 400, "1" + "0" * 39, "0." + "1" * 400])
def test_a_weight_no_computer_can_add_is_text(number: str) -> None:
    ((text, weight),) = parsed(f"{number}: beach")
    assert (text, weight) == (f"{number}: beach", 1)


@pytest.mark.parametrize(
    "typed",
    [
        "a" + "," * 9_000 + "b",
        "a" + "，" * 9_000 + "b",
        "a" + " " * 1_000_000 + "b",
        " " * 1_000_000 + "＋",
        ", no " * 1_900,
        "with no but " * 800,
    ],
    ids=["commas", "full-width commas", "spaces", "spaces and sign", "no", "with no"],
)
def test_no_text_takes_long(typed: str) -> None:
    started = time.process_time()
    parse_query(typed)
    assert time.process_time() - started < 2


PIECES = st.sampled_from(
    [
        "+",
        "-",
        "－",
        "＋",
        ":",
        "2",
        "0.5",
        "*",
        "×",
        "：",
        "without",
        "no",
        "not",
        "with",
        "any",
        "but",
        "except",
        ",",
        ";",
        "，",
        "、",
        "的",
        "没有",
        "不戴",
        "不",
        "无人的",
        "除了",
        "以外",
        "之外",
        "人",
        "beach",
        "t-shirt",
        "\t",
        "\n",
        "\u3000",
        "\x1c",
        " ",
    ]
)


def _understood_or_told(typed: str, exclude: str) -> tuple[list[TextTerm], str]:
    try:
        return parse_query(typed, exclude), ""
    except InputError as error:
        return [], error.message("zh")


@settings(max_examples=500)
@given(
    st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=10).map("".join)),
    st.one_of(st.text(max_size=20), st.lists(PIECES, max_size=5).map("".join)),
)
def test_anything_typed_gives_terms_or_one_sentence(typed: str, exclude: str) -> None:
    terms, sentence = _understood_or_told(typed, exclude)
    assert sentence or terms or not re.sub(r"[\s+\-−－＋–—﹢﹣,，、;；]", "", typed + exclude)
    for term in terms:
        assert term.text
        assert term.text == term.text.strip()
        assert abs(term.weight) < 1e5
    assert bool(terms) == bool(terms and describe(terms))


@pytest.mark.parametrize(
    "typed", ["beach + sunset - people", "2: beach − 0.5: people", "- people", "没有人的海滩"]
)
def test_what_was_understood_can_be_typed_again(typed: str) -> None:
    terms = parse_query(typed)
    assert parse_query(describe(terms)) == terms
    assert describe([TextTerm("a", 2), TextTerm("b", -1)]) == "2: a − b"
