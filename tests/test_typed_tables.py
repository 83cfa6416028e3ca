"""What people type, input by input, and what it must be taken for: queries and labels."""

import pytest

from clip_app.gallery.query import describe, parse_query
from clip_app.prompts import parse_labels

# A query that means what it says: one text, nothing subtracted, nothing weighed.
PLAIN_QUERIES = [
    "no smoking sign",
    "no parking sign",
    "no entry",
    "no swimming",
    "no dogs allowed",
    "no man's land",
    "no one",
    "nothing",
    "not-for-profit",
    "without doubt a cat",
    "without a doubt the best view",
    "不要停车标志",
    "不要停车的标志",
    "请不要吸烟",
    "禁止停车",
    "無障礙",
    "无障碍通道",
    "非常大的狗",
    "不锈钢水壶",
    "不鏽鋼水壺",
    "没关系",
    "沒關係",
    "無人機",
    "別墅",
    "别人的房子",
    "New York - Paris",
    "Tokyo - Shibuya crossing",
    "Coca - Cola",
    "Los Angeles – San Diego",
    "7:eleven store",
    "-5 degrees",
    "photo at -40 degrees",
    "16:9",
    "3:00 pm",
    "10:45 train",
    "C++",
    "AT&T",
    "F-16",
    "black-and-white",
    "2001: A Space Odyssey",
    "5* hotel",
    "pages 10 - 20",
]

QUERIES = [
    ("beach - people", [("beach", 1), ("people", -1)]),
    ("Beach - people", [("Beach", 1), ("people", -1)]),
    ("beach - Paris", [("beach", 1), ("Paris", -1)]),
    ("beach + sunset - people", [("beach", 1), ("sunset", 1), ("people", -1)]),
    ("beach -people", [("beach", 1), ("people", -1)]),
    ("狗 - 人", [("狗", 1), ("人", -1)]),
    ("狗－人", [("狗", 1), ("人", -1)]),
    ("狗 − 人", [("狗", 1), ("人", -1)]),
    ("beach — people", [("beach", 1), ("people", -1)]),
    ("beach ＋ sunset", [("beach", 1), ("sunset", 1)]),
    ("New York - Paris - people", [("New York - Paris", 1), ("people", -1)]),
    ("Paris − London", [("Paris", 1), ("London", -1)]),
    ("cat without glasses", [("cat", 1), ("glasses", -1)]),
    ("no people on the beach", [("beach", 1), ("people", -1)]),
    ("沒有人的海灘", [("海灘", 1), ("人", -1)]),
    ("海灘沒有人", [("海灘", 1), ("人", -1)]),
    ("無人的街道", [("街道", 1), ("人", -1)]),
    ("空無一人的街道", [("街道", 1), ("人", -1)]),
    ("不戴眼鏡的貓", [("貓", 1), ("戴眼鏡", -1)]),
    ("除了貓以外的動物", [("動物", 1), ("貓", -1)]),
    ("不含文字的圖片", [("圖片", 1), ("文字", -1)]),
    ("不帶帽子的人", [("人", 1), ("帽子", -1)]),
    ("没戴眼镜的猫", [("猫", 1), ("戴眼镜", -1)]),
    ('"New York - Paris"', [("New York - Paris", 1)]),
    ("“beach - people”", [("beach - people", 1)]),
    ("「沒有人的海灘」", [("沒有人的海灘", 1)]),
    ('"rock + roll" - people', [("rock + roll", 1), ("people", -1)]),
    ('beach - "no smoking sign"', [("beach", 1), ("no smoking sign", -1)]),
]

LABELS = [
    ("cat, dog", ["cat", "dog"]),
    ("1. cat\n2. dog\n3. bird", ["cat", "dog", "bird"]),
    ("1. cat", ["cat"]),
    ("1) cat, 2) dog", ["cat", "dog"]),
    ("(1) cat; (2) dog", ["cat", "dog"]),
    ("1、猫\n2、狗", ["猫", "狗"]),
    ("①猫\n②狗", ["猫", "狗"]),
    ("- cat\n- dog", ["cat", "dog"]),
    ("* cat\n* dog", ["cat", "dog"]),
    ("• cat\n• dog", ["cat", "dog"]),
    ('3071.\t"thing 3071"\tcat\n3072.\t"thing 3072"\tcat', ["thing 3071", "cat", "thing 3072"]),
    ('"cat"\t"dog"', ["cat", "dog"]),
    ("“猫”，“狗”", ["猫", "狗"]),
    ("「貓」、「狗」", ["貓", "狗"]),
    ("'cat', 'dog'", ["cat", "dog"]),
    ('["cat", "dog"]', ["cat", "dog"]),
    ("['cat', 'dog']", ["cat", "dog"]),
    ("7 eleven, 3D printer, 1 cat, 2.5 mm", ["7 eleven", "3D printer", "1 cat", "2.5 mm"]),
    ("U.S., A. Lincoln, *NSYNC", ["U.S.", "A. Lincoln", "*NSYNC"]),
    ("-5 degrees, -10 degrees", ["-5 degrees", "-10 degrees"]),
    ("1.", ["1."]),
    ("1, 2, 3", ["1", "2", "3"]),
    ("a:b, N/A, <b>x</b>, cat/dog", ["a:b", "N/A", "<b>x</b>", "cat/dog"]),
    ("cat, Cat, CAT", ["cat"]),
    ("ｃａｔ, cat", ["ｃａｔ"]),
    ("dog's toy, rock 'n' roll", ["dog's toy", "rock 'n' roll"]),
    ('a 5" screen, a 7" screen', ['a 5" screen', 'a 7" screen']),
]


def _terms(typed: str) -> list[tuple[str, float]]:
    return [(term.text, term.weight) for term in parse_query(typed)]


@pytest.mark.parametrize("typed", PLAIN_QUERIES)
def test_a_name_or_an_idiom_is_taken_for_what_it_is(typed: str) -> None:
    assert _terms(typed) == [(typed, 1)]
    assert describe(parse_query(typed)) == typed


@pytest.mark.parametrize(("typed", "terms"), QUERIES)
def test_signs_and_negations_are_still_understood(
    typed: str, terms: list[tuple[str, float]]
) -> None:
    assert _terms(typed) == terms
    assert _terms(describe(parse_query(typed))) == terms


@pytest.mark.parametrize(("typed", "labels"), LABELS)
def test_labels_are_what_was_meant(typed: str, labels: list[str]) -> None:
    assert parse_labels(typed) == labels
