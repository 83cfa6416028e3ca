"""What people type, input by input, and what it must be taken for: queries, labels, lists."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_app.errors import InputError
from clip_app.gallery.query import describe, in_quotes, is_interpreted, parse_query
from clip_app.prompts import label_sets, parse_labels, parse_lines
from clip_app.text_lists import near_duplicates

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
    # Written after the parser: other examples of the same kinds.
    "no exit",
    "no U-turn sign",
    "no dogs on the lawn sign",
    "no comment",
    "no limits",
    "except for you",
    "doctors without borders",
    "a street with no parking signs",
    "请不要停车",
    "此处不要吸煙",
    "請勿拍照",
    "不倒翁",
    "不是我",
    "没落的贵族",
    "無花果",
    "無邊的大海",
    "无人驾驶的汽车",
    "無人駕駛的汽車",
    "街道无人机",
    "特別的禮物",
    "别致的小屋",
    "London - Heathrow",
    "Rolls - Royce",
    "Boeing 747 - Airbus A320",
    "Köln - Düsseldorf",
    "Die Brücke — Ein Roman",
    "COVID - 19",
    "- 5 degrees",
    "−5 °C",
    "－5度",
    "Ｆ－１６",
    "Ｆ－16",
    "24: Redemption",
    "12:30 - 13:00",
    "4×4 truck",
    "007: James Bond",
    "0: people",
    "i++",
    "rock & roll",
    "R&B, jazz",
    "e-mail",
    "t-shirt on a clothes-line",
    "1984",
    "(beach)",
    "cat -_-",
    "...",
    "?",
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
    ("beach – people", [("beach", 1), ("people", -1)]),
    ("beach －people", [("beach", 1), ("people", -1)]),
    ("beach −people", [("beach", 1), ("people", -1)]),
    ("海灘＋日落－人", [("海灘", 1), ("日落", 1), ("人", -1)]),
    ("rock + roll", [("rock", 1), ("roll", 1)]),
    ("2: Paris − 0.5: London", [("Paris", 2), ("London", -0.5)]),
    ("beach - 2: people", [("beach", 1), ("people", -2)]),
    ("No people", [("people", -1)]),
    ("no dogs", [("dogs", -1)]),
    ("not a cat", [("cat", -1)]),
    ("Nobody on the beach", [("beach", 1), ("people", -1)]),
    ("no one in the street", [("street", 1), ("people", -1)]),
    ("no cars on a road", [("road", 1), ("cars", -1)]),
    ("a room with no windows", [("a room", 1), ("windows", -1)]),
    ("a street without signs", [("a street", 1), ("signs", -1)]),
    ("沙灘，沒有人", [("沙灘", 1), ("人", -1)]),
    ("房間裡沒有人", [("房間", 1), ("人", -1)]),
    ("街上没车", [("街", 1), ("车", -1)]),
    ("沒人的街道", [("街道", 1), ("人", -1)]),
    ("無雲的天空", [("天空", 1), ("雲", -1)]),
    ("无水印的图片", [("图片", 1), ("水印", -1)]),
    ("沒戴眼鏡的人", [("人", 1), ("戴眼鏡", -1)]),
    ("不包含文字的海报", [("海报", 1), ("文字", -1)]),
    ("不帶狗的人", [("人", 1), ("狗", -1)]),
    ("除了貓以外，動物", [("動物", 1), ("貓", -1)]),
    ("沒有停車標誌的街道", [("街道", 1), ("停車標誌", -1)]),
    ("貓，不要狗", [("貓", 1), ("狗", -1)]),
    ("貓 別要狗", [("貓", 1), ("狗", -1)]),
    ("2: “New York - Paris”", [("New York - Paris", 2)]),
    ("‘no people’", [("no people", 1)]),
    ("『不要人』", [("不要人", 1)]),
    ("《没有人的海滩》", [("没有人的海滩", 1)]),
    ("'beach - people' + sunset", [("beach - people", 1), ("sunset", 1)]),
    ('beach -"no smoking sign"', [("beach", 1), ("no smoking sign", -1)]),
    ("dogs' toys - cats' toys", [("dogs' toys", 1), ("cats' toys", -1)]),
]

LABELS = [
    ("cat, dog", ["cat", "dog"]),
    ("1. cat\n2. dog\n3. bird", ["cat", "dog", "bird"]),
    ("1. cat", ["cat"]),
    ("\ufeffcat, dog", ["cat", "dog"]),
    ("\ufeff1. cat\n2. dog", ["cat", "dog"]),
    ("cat\u200b, \u200edog\u202c", ["cat", "dog"]),
    ("1\ufe0f\u20e3 cat\n2\ufe0f\u20e3 dog", ["cat", "dog"]),
    ("1 - cat\n2 – dog", ["cat", "dog"]),
    ("👩\u200d🚒, cat", ["👩\u200d🚒", "cat"]),
    ("24 - the series, 7 - eleven", ["24 - the series", "7 - eleven"]),
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
    ("Labels:\n1. cat\n2. dog\n3. bird", ["Labels:", "cat", "dog", "bird"]),
    ("1. cat 2. dog 3. bird", ["cat", "dog", "bird"]),
    ("1、猫 2、狗 3、鸟", ["猫", "狗", "鸟"]),
    ("1.猫 2.狗", ["1.猫 2.狗"]),
    ("[1] cat\n[2] dog", ["cat", "dog"]),
    ("【1】猫\n【2】狗", ["猫", "狗"]),
    ("1: cat\n2: dog", ["cat", "dog"]),
    ("A. cat\nB. dog\nC. bird", ["cat", "dog", "bird"]),
    ("J. Smith, K. Jones", ["J. Smith", "K. Jones"]),
    ("2: 1 draw, 9:30 train", ["2: 1 draw", "9:30 train"]),
    ("1. cat, dog\n2. bird", ["cat", "dog", "bird"]),
    ("3. Liga, 2. Liga", ["3. Liga", "2. Liga"]),
    ("１．猫\n２．狗", ["猫", "狗"]),
    ("（1）猫（2）狗", ["猫", "狗"]),
    ("一、猫\n二、狗\n三、鸟", ["猫", "狗", "鸟"]),
    ("a) cat\nb) dog", ["cat", "dog"]),
    ("1\tcat\n2\tdog", ["cat", "dog"]),
    ("1\tcat\tchat\r\n2\tdog\tchien", ["cat", "chat", "dog", "chien"]),
    ("- [ ] cat\n- [x] dog", ["cat", "dog"]),
    ("– cat\n– dog", ["cat", "dog"]),
    ('"black, white and red", "dog"', ["black, white and red", "dog"]),
    ('1. "cat, big"\n2. dog', ["cat, big", "dog"]),
    ("「貓、犬」、「狗」", ["貓、犬", "狗"]),
    ("„Hund“, «chat», `cat`, ‘bird’, 『鳥』", ["Hund", "chat", "cat", "bird", "鳥"]),
    ('"cat" and "dog", "the "big" cat"', ['"cat" and "dog"', 'the "big" cat']),
    ('["a, b", "c\\n"]', ["a, b", "c"]),
    ('[\n  "cat",\n  "dog",\n]', ["cat", "dog"]),
    ('("cat", "dog")', ["cat", "dog"]),
    ("{'cat', 'dog'}", ["cat", "dog"]),
    ('{"0": "cat", "1": "dog"}', ["cat", "dog"]),
    ('[{"label": "cat"}, {"label": "dog"}]', ["cat", "dog"]),
    ("[cat, dog]", ["cat", "dog"]),
    ("[1, 2]", ["1", "2"]),
    ("[]", ["[]"]),
    ("{}", ["{}"]),
    ("'tis, 'twas, \"cat", ["'tis", "'twas", '"cat']),
    ("24/7, 9-5, 1:1, C++", ["24/7", "9-5", "1:1", "C++"]),
    ("2.5 mm\n3.5 mm", ["2.5 mm", "3.5 mm"]),
    ("《红楼梦》, 《西游记》", ["《红楼梦》", "《西游记》"]),
    ("Straße, STRASSE, straße", ["Straße"]),
    ("a  cat, a cat", ["a  cat"]),
    ("cat\u2028dog\x85bird", ["cat", "dog", "bird"]),
]

LINES = [
    ("1. a cat, asleep\n2. a dog", ["a cat, asleep", "a dog"]),
    ('"a cat, asleep"\n"a dog"', ["a cat, asleep", "a dog"]),
    ("“一只猫”\n「一條狗」", ["一只猫", "一條狗"]),
    ("• a cat\n• a dog", ["a cat", "a dog"]),
    ("- a cat\n- a dog", ["a cat", "a dog"]),
    ("a cat\ta dog\na bird", ["a cat", "a dog", "a bird"]),
    ("1.\ta cat\n2.\ta dog", ["a cat", "a dog"]),
    ('["a cat, asleep", "a dog"]', ["a cat, asleep", "a dog"]),
    ("['a cat, asleep', 'a dog']", ["a cat, asleep", "a dog"]),
    ("image,caption\n1.jpg,a cat, asleep", ["a cat, asleep"]),
    ("1.jpg\ta cat\n2.jpg\ta dog", ["a cat", "a dog"]),
    ("A cat.\na cat.", ["A cat."]),
    ("7 eleven at night\n3D printer\n1 cat", ["7 eleven at night", "3D printer", "1 cat"]),
    ("Paris, 2019\nRome, 2020", ["Paris, 2019", "Rome, 2020"]),
    ("1.", ["1."]),
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


@pytest.mark.parametrize(("typed", "lines"), LINES)
def test_descriptions_are_what_was_meant(typed: str, lines: list[str]) -> None:
    assert parse_lines(typed) == lines


@pytest.mark.parametrize("typed", [typed for typed, _ in QUERIES] + PLAIN_QUERIES)
def test_every_query_can_be_taken_literally(typed: str) -> None:
    assert [(t.text, t.weight) for t in parse_query(typed, literal=True)] == [(typed, 1)]
    assert _terms(in_quotes(typed)) == [(typed, 1)]
    assert is_interpreted(typed) == (_terms(typed) != [(typed, 1)])
    assert parse_query(describe(parse_query(typed, literal=True))) == parse_query(
        typed, literal=True
    )


def test_the_exclude_field_takes_quotes_and_literal_leaves_it_alone() -> None:
    terms = parse_query("a - b", '"no smoking sign", 2: cars', literal=True)
    assert [(t.text, t.weight) for t in terms] == [
        ("a - b", 1),
        ("no smoking sign", -1),
        ("cars", -2),
    ]


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("沒有人的海灘", "没有人的海滩"),
        ("無人的街道", "无人的街道"),
        ("不戴眼鏡的貓", "不戴眼镜的猫"),
        ("除了貓以外的動物", "除了猫以外的动物"),
        ("海灘，沒有車", "海滩，没有车"),
        ("無雲的天空", "无云的天空"),
    ],
)
def test_traditional_and_simplified_negation_mean_the_same_to_the_model(
    service, traditional: str, simplified: str
) -> None:
    one, other = parse_query(traditional), parse_query(simplified)
    assert [term.weight for term in one] == [term.weight for term in other] == [1, -1]
    vectors = service.encode_texts([term.text for term in one])
    others = service.encode_texts([term.text for term in other])
    assert (vectors * others).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_near_duplicates_are_named_once_each() -> None:
    labels = ["cat", "a cat", "the cat", "cats", "glass", "glasses", "一只猫", "猫", "bus"]
    assert near_duplicates(labels) == [
        ("cat", "a cat"),
        ("cat", "the cat"),
        ("cat", "cats"),
        ("一只猫", "猫"),
    ]
    assert near_duplicates(list(label_sets()["everyday"].labels["en"])) == []


def test_a_pasted_numbered_list_scores_as_if_it_had_been_typed(service, cat) -> None:
    from clip_app.tasks.classify import classify

    typed = classify(service, [cat], "cat, dog")[0].results
    pasted = classify(service, [cat], '1.\t"cat"\n2.\t"dog"\n3.\t"Cat"')[0].results
    assert pasted == typed


_SIGNS = (
    "+ - − ＋ － – — : 2 0.5 * × ： \" “ ” ' 「 」 without no not 没有 無 的 不戴 人 beach "
    "Paris 5 , 1. • [ ] { } \t \n"
)
SIGNS = st.sampled_from(_SIGNS.split(" "))
ANYTHING = st.one_of(
    st.text(max_size=60), st.lists(SIGNS, max_size=14).map(" ".join), st.lists(SIGNS).map("".join)
)


@settings(max_examples=500)
@given(ANYTHING)
def test_any_query_is_described_so_that_it_can_be_typed_again(typed: str) -> None:
    terms = parse_query(typed)
    again = parse_query(describe(terms))
    marks = {'"', "“", "”", "'", "「", "」"}
    if not any(marks & set(term.text) for term in terms):
        assert [(t.text, t.weight) for t in again] == [(t.text, t.weight) for t in terms]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(
    ["no", "not", "without", "except", "a", "the", "sign", "doubt", "one", "smoking", "cat", "不要",
     "没有", "無", "沒", "禁止", "停车", "关系", "非", "常", "的", ",", "，", "-5", "New"]
), max_size=8).map(" ".join))  # fmt: skip
def test_words_alone_never_make_a_query_all_negative(typed: str) -> None:
    terms = parse_query(typed)
    only = "|".join(f"{a} cat" for a in ("no", "not", "without", "except", "no the", "no a"))
    if any(typed.startswith(one) for one in only.split("|")):
        return  # what is to be without a thing that pictures show, as asked for
    assert not terms or any(term.weight > 0 for term in terms) or "cat" in typed


@settings(max_examples=300)
@given(ANYTHING)
def test_any_list_gives_clean_labels_and_lines_or_one_sentence(typed: str) -> None:
    for parse in (parse_labels, parse_lines):
        try:
            texts = parse(typed)
        except InputError as error:
            texts = [error.message("zh")]
        assert texts
        assert all(text and text == text.strip() for text in texts)
        assert len({text.casefold() for text in texts}) == len(texts)


WORD = st.text("abcdé猫狗", min_size=1, max_size=8)


@settings(max_examples=200)
@given(
    st.lists(WORD, min_size=2, max_size=20, unique_by=str.casefold),
    st.sampled_from(["{n}. ", "{n}) ", "({n}) ", "{n}、", "{n}.\t", "- ", "• ", "{n}．", "* "]),
    st.sampled_from(['"', "'", "“”", "「」", ""]),
    st.integers(1, 5000),
)
def test_numbers_and_quotes_come_off_whatever_the_list(
    words: list[str], mark: str, quotes: str, first: int
) -> None:
    lines = [
        f"{mark.format(n=first + n)}{quotes[:1]}{word}{quotes[-1:]}" for n, word in enumerate(words)
    ]
    assert parse_labels("\n".join(lines)) == words
    assert parse_lines("\n".join(lines)) == words


@pytest.mark.parametrize("parse", [parse_labels, parse_lines, parse_query])
@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f'{n}.\t"thing {n}"' for n in range(10_000)),
        '"' * 1_000_000,
        '"a,' * 300_000,
        "“a," * 300_000,
        "「a、" * 300_000,
        "1. " * 300_000,
        "1、" * 400_000,
        " - " * 300_000,
        "a - B " * 150_000,
        "[" * 1_000_000,
        "['a'," * 150_000 + "]",
        "不" * 1_000_000,
        "a" * 1_000_000,
        "\t" * 1_000_000 + "a",
        " \n" * 500_000 + "a",
        "(1) " * 200_000,
    ],
    ids=range(16),
)
def test_a_megabyte_of_anything_takes_a_moment(parse, text: str) -> None:
    started = time.process_time()
    try:
        parse(text)
    except InputError as error:
        assert error.key  # noqa: PT017
    # The slowest takes 2 s on a fast processor; a parser that goes back over its text, an hour.
    assert time.process_time() - started < 30
