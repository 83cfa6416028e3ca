"""Collections as people and programs write them: every table, encoding and list gives its texts."""

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_app.errors import InputError
from clip_app.prompts import MAX_COLLECTION_LINES, parse_lines
from clip_app.text_files import read_collection

TWO = ["a beach, sunny", "a forest"]

# (what it is called, the lines of a .csv, the captions in it)
TABLES = [
    (
        "flickr30k",
        "image_name| comment_number| comment\n1.jpg| 0| two dogs, one ball .\n2.jpg| 0| a beach .",
        ["two dogs, one ball .", "a beach ."],
    ),
    ("semicolons", "file;caption\n1.jpg;a beach, sunny\n2.jpg;a forest", TWO),
    ("tabs", "caption\tfile\na beach, sunny\t1.jpg\na forest\t2.jpg", TWO),
    ("commas, quoted", 'img,caption\n1.jpg,"a beach, sunny"\n2.jpg,a forest', TWO),
    ("commas, not quoted, caption last", "img,caption\n1.jpg,a beach, sunny\n2.jpg,a forest", TWO),
    ("commas, not quoted, caption first", "caption,img\na beach, sunny,1.jpg\na forest,2.jpg", TWO),
    ("no header", "1.jpg;a beach, sunny\n2.jpg;a forest", TWO),
    ("no header, bars", "a beach, sunny|1.jpg|12\na forest|2.jpg|7", TWO),
    ("old mac", "img,caption\r1.jpg,a beach\r2.jpg,a forest\r", ["a beach", "a forest"]),
    ("mixed line ends", "img,caption\r\n1.jpg,a\u20282.jpg,b\r3.jpg,c\n", ["a", "b", "c"]),
    (
        "long addresses",
        "caption,url\na beach,https://example.org/" + "x" * 80 + "\na forest,https://"
        "example.org/" + "y" * 80,
        ["a beach", "a forest"],
    ),
    (
        "long addresses, no header",
        "https://example.org/"
        + "x" * 80
        + ",a beach\nhttps://example.org/"
        + "y" * 80
        + ",a forest",
        ["a beach", "a forest"],
    ),
    (
        "dates and paths",
        "2020-01-02,/data/photos/a very long folder name/IMG_0001.JPG,a cat\n"
        "2021-03-04,/data/photos/a very long folder name/IMG_0002.JPG,a dog",
        ["a cat", "a dog"],
    ),
    (
        "ids",
        "000000179765,COCO_val2014_000000179765,a bike\n000000190236,COCO_val2014_000000190236,"
        "an office",
        ["a bike", "an office"],
    ),
    ("chinese names", "图片,描述\n1.jpg,一只猫\n2.jpg,一条狗", ["一只猫", "一条狗"]),
    ("traditional names", "檔名;說明\n1.jpg;一隻貓\n2.jpg;一條狗", ["一隻貓", "一條狗"]),
    ("names in capitals", "FILE NAME , Description \n1.jpg,a cat\n2.jpg,a dog", ["a cat", "a dog"]),
    (
        "a better name",
        "title,caption\nlong long long long title,a cat\nother,a dog",
        ["a cat", "a dog"],
    ),
    ("caption_en", "id,caption_en,lang\n1,a cat,english\n2,a dog,english", ["a cat", "a dog"]),
    (
        "foreign names",
        "foto;beschreibung\n1.jpg;ein Hund\n2.jpg;eine Katze",
        ["ein Hund", "eine Katze"],
    ),
    ("one column", "caption\na beach, sunny\na forest", TWO),
    ("one column, no header", "a beach, sunny\na forest", TWO),
    (
        "one column, a comma each",
        "a beach, sunny\na forest, dark",
        ["a beach, sunny", "a forest, dark"],
    ),
    ("one column, quoted", '"a beach, sunny"\n"a forest"', TWO),
    ("excel's first line", "sep=;\nfile;caption\n1.jpg;a beach, sunny\n2.jpg;a forest", TWO),
    (
        "quotes doubled",
        'f,caption\n1.jpg,"the ""big"" cat, asleep"\n2.jpg,x',
        ['the "big" cat, asleep', "x"],
    ),
    (
        "quotes escaped",
        'f,caption\n1.jpg,"the \\"big\\" cat, asleep"\n2.jpg,x',
        ['the "big" cat, asleep', "x"],
    ),
    (
        "quotes inside",
        'f,caption\n1.jpg,a 5" screen\n2.jpg,the "big" cat',
        ['a 5" screen', 'the "big" cat'],
    ),
    ("quotes inside quotes", 'f,caption\n1.jpg,"the "big" cat"\n2.jpg,x', ['the "big" cat', "x"]),
    (
        "a lone quote",
        'f,caption\n1.jpg,"a 5 inch screen\n2.jpg,x\n3.jpg,y',
        ["a 5 inch screen", "x", "y"],
    ),
    (
        "lone quotes",
        'f,caption\n1.jpg,"one\n2.jpg,x\n3.jpg,"three\n4.jpg,y',
        ["one", "x", "three", "y"],
    ),
    (
        "a lone quote that another closes",
        'f,caption\n1.jpg,"one\n2.jpg,x\n3.jpg,a 7"\n4.jpg,y',
        ["one", "x", 'a 7"', "y"],
    ),
    (
        "a cell of several lines",
        'f,caption\n1.jpg,"a cat,\nasleep"\n2.jpg,x',
        ["a cat, asleep", "x"],
    ),
    ("space before quotes", 'f, caption\n1.jpg, "a cat, asleep"\n2.jpg, x', ["a cat, asleep", "x"]),
    ("empty cells", "f,caption\n1.jpg,a cat\n2.jpg,\n\n3.jpg,a dog\n", ["a cat", "a dog"]),
    ("one row", "cat;dog;bird", ["cat", "dog", "bird"]),
]


@pytest.mark.parametrize(("table", "captions"), [t[1:] for t in TABLES], ids=[t[0] for t in TABLES])
def test_the_captions_of_a_table_are_found(table: str, captions: list[str]) -> None:
    for name in ("t.csv", "t.tsv", "T.CSV.txt"):
        assert parse_lines(read_collection(table.encode(), name)) == captions
    assert parse_lines(read_collection(table.encode("utf-16"), "t.csv")) == captions


@pytest.mark.parametrize(
    "name", ["flickr30k", "semicolons", "tabs", "commas, not quoted, caption last", "no header"]
)
def test_a_pasted_table_or_one_in_a_text_file_is_told_from_prose(name: str) -> None:
    table, captions = next(one[1:] for one in TABLES if one[0] == name)
    assert parse_lines(read_collection(table.encode(), "captions.txt")) == captions
    assert parse_lines(table) == captions


def test_prose_with_commas_is_not_taken_for_a_table() -> None:
    for text in ("Paris, 2019\nRome, 2020", "text, with a comma\nmore, of it", "a; b\nc; d", "a|b"):
        assert parse_lines(text) == text.splitlines()


def test_a_lone_quotation_mark_costs_no_caption_and_no_time() -> None:
    rows = "".join(f"{n}.jpg,picture {n}\n" for n in range(8000))
    started = time.process_time()
    captions = read_collection(f'img,caption\n1.jpg,"a 5 inch screen\n{rows}'.encode(), "q.csv")
    assert time.process_time() - started < 30
    assert captions.splitlines() == ["a 5 inch screen", *(f"picture {n}" for n in range(8000))]


def test_a_cell_longer_than_the_csv_module_reads_is_told_by_its_length() -> None:
    table = f'img,caption\n1.jpg,"{"x" * 140_000}"\n2.jpg,a cat\n'
    captions = read_collection(table.encode(), "long.csv")
    assert captions.splitlines()[1] == "a cat"
    with pytest.raises(InputError, match="140,000 characters"):
        parse_lines(captions)


def test_the_order_and_delimiter_of_columns_make_no_difference() -> None:
    random.seed(13)
    captions = [f"{n} dogs, one ball {n * 'x'}" for n in range(1, 30)]
    for delimiter in ",;\t|":
        for _ in range(10):
            order = random.sample(["caption", "file", "url", "no", "split"], 5)
            rows = [delimiter.join(order)]
            for n, caption in enumerate(captions):
                cells = {
                    "caption": f'"{caption}"' if delimiter == "," else caption,
                    "file": f"IMG {n}.HEIC",
                    "url": f"https://example.org/{'z' * 90}{n}",
                    "no": str(n),
                    "split": "validation set",
                }
                rows.append(delimiter.join(cells[name] for name in order))
            assert read_collection("\n".join(rows).encode(), "x.csv").splitlines() == captions
            bare = "\n".join(rows[1:]).encode()
            assert read_collection(bare, "x.csv").splitlines() == captions, order


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "café\n一只猫"),
        ("utf-8-sig", "café\n一只猫"),
        ("utf-16", "一只猫\n一条狗"),
        ("utf-32", "一只猫\n一条狗"),
        ("utf-16-le", "a cat\na dog 狗"),
        ("utf-16-be", "a cat\na dog 狗"),
        ("gb18030", "一只猫\n一条狗"),
        ("gbk", "海边的日落，没有人\na dog"),
        ("big5", "沒有人的海灘\n一隻貓坐在沙發上"),
        ("cp1252", "café\ncrème brûlée"),
        ("latin-1", "ein Mädchen\nüber den Dächern\nÄpfel"),
        ("cp1252", "a “quoted” word – and a dash… of it"),
    ],
)
def test_every_encoding_that_can_be_told_is_read(encoding: str, text: str) -> None:
    assert read_collection(text.encode(encoding), "x.txt") == text


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\x00\x01\x80",
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00" + bytes(range(256)),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(255, 0, -1)),
        "Кошка сидит на диване".encode("cp1251"),
    ],
)
def test_what_is_no_text_is_refused_in_one_sentence(data: bytes) -> None:
    for name in ("x.txt", "x.csv"):
        with pytest.raises(InputError, match="not a text file that can be read"):
            read_collection(data, name)


def test_nul_bytes_and_a_cut_off_character_cost_nothing_else() -> None:
    assert read_collection(b"a cat in the sun\0\na dog\n", "x.txt") == "a cat in the sun\na dog\n"
    assert read_collection("一只猫\n一条狗".encode()[:-1], "x.txt") == "一只猫\n一条"
    assert read_collection("一只猫\n一条狗".encode("gbk")[:-1], "x.txt").startswith("一只猫\n一条")


@pytest.mark.parametrize(
    "value",
    [
        ["a cat", "a dog"],
        [{"image": "1.jpg", "caption": "a cat"}, {"image": "2.jpg", "caption": "a dog"}],
        {
            "images": [{"file_name": "1.jpg"}],
            "annotations": [{"caption": "a cat"}, {"caption": "a dog"}],
        },
        {"caption": ["a cat", "a dog"], "id": ["x", "y"]},
        [{"id": "1", "captions": ["a cat", "a dog"]}],
        {"0": "a cat", "1": "a dog"},
        [{"文件": "1.jpg", "描述": "a cat"}, {"文件": "2.jpg", "描述": "a dog"}],
    ],
)
def test_json_lists_and_objects_with_captions_are_read(value: object) -> None:
    assert read_collection(json.dumps(value).encode(), "x.json") == "a cat\na dog"
    if isinstance(value, list) and len(value) == 2:
        lines = "\n".join(map(json.dumps, value))
        assert read_collection(lines.encode(), "x.jsonl") == "a cat\na dog"


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", "no json", '{"a": {"b": 1}}', "[" * 9999])
def test_json_without_texts_is_one_sentence(content: str) -> None:
    with pytest.raises(InputError, match="no list of texts"):
        read_collection(content.encode(), "x.json")


def test_a_large_table_is_read_in_linear_time() -> None:
    def seconds(lines: int) -> float:
        rows = "".join(f'{n}.jpg,"picture {n}, of many"\n' for n in range(lines))
        started = time.process_time()
        texts = parse_lines(read_collection(rows.encode(), "x.csv"), MAX_COLLECTION_LINES)
        assert len(texts) == lines
        return time.process_time() - started

    assert seconds(100_000) < max(2.0, 30 * seconds(10_000))  # 100 times, were it quadratic


PIECES = st.sampled_from(
    ['"', '""', "\\", ",", ";", "\t", "|", "\n", "\r", "caption", "1.jpg", "a cat", "狗", " ", "1"]
)


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(str.encode),
        st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode()),
    ),
    st.sampled_from(["x.csv", "x.txt", "x.tsv", "x.json", "x.jsonl"]),
)
def test_any_bytes_give_clean_texts_or_one_sentence(data: bytes, name: str) -> None:
    try:
        texts = parse_lines(read_collection(data, name), MAX_COLLECTION_LINES)
    except InputError as error:
        texts = [error.message("zh")]
    assert texts
    assert all(text and text == text.strip() and "\n" not in text for text in texts)
    assert len(set(texts)) == len(texts)


@settings(max_examples=200)
@given(
    st.lists(
        st.text("abc äé狗,-", min_size=1, max_size=20)
        .map(str.strip)
        .filter(lambda text: any(c in "abcé狗" for c in text)),
        min_size=2,
        max_size=20,
        unique_by=lambda text: " ".join(text.casefold().split()),
    ),
    st.sampled_from(";\t|"),
)
def test_what_is_written_as_a_table_is_read_back(captions: list[str], delimiter: str) -> None:
    rows = [delimiter.join(("file", "caption"))]
    rows += [f"{n}.jpg{delimiter}{caption}" for n, caption in enumerate(captions)]
    read = read_collection("\n".join(rows).encode(), "x.csv").splitlines()
    assert read == [" ".join(one.split()) for one in captions]
