"""Captions out of delimited tables, whatever their delimiter, quoting and order of columns.

Such files are written by hand, by Excel of several countries, and by scripts that forgot to quote.
So each line is read by itself: what is wrong with one does not reach the next.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence

from clip_app.text_lists import caption_rank, name_of_column, unquoted, words

# In the order in which they are preferred where several would do: commas stand in captions too.
_DELIMITERS = "\t|;,"
# For a table of one column: a delimiter that no text holds.
_NONE = "\x1f"

# Enough to tell the delimiter and the columns by.
_SAMPLE = 500
# A quoted cell may go over that many lines; a quotation mark without a partner goes on for ever.
_LONGEST_CELL = 50
# A column is of a kind where that share of its cells is.
_MOST = 0.8

_PICTURE = re.compile(
    r"[^\n\t,;|]{1,250}\.(?:jpe?g|png|gif|webp|bmp|tiff?|hei[cf]|avif|svg|jxl|dng|mp4|mov)(?:[#?]\S*)?"
    r"|(?:https?|ftp|s3|gs|file)://\S+|data:\S+",
    re.IGNORECASE,
)
# Numbers, dates, times; ids such as img_001 or a checksum; paths.
_ID = re.compile(
    r"(?=\D*\d)[-+\d\s.,:/%TZ年月日时時分秒]+"
    r"|(?=[^\d\s]*\d)[\w.\-#:]+"
    r"|(?:[A-Za-z]:|\.{0,2})[/\\]\S+|[^\s/\\]+(?:[/\\][^\s/\\]+){2,}",
    re.ASCII,
)

# Names of columns that hold no captions; one of them in the first row makes it a header.
_OTHER_NAMES = words(
    "id ids index idx no nr number key uuid image images image_id image_name image_path img img_id "
    "image_url photo picture file files filename file_name filepath file_path path url link src "
    "source split date time width height lang language license author comment_number caption_id "
    "raw_id score 编号 編號 序号 序號 图片 圖片 图像 圖像 照片 文件 文件名 檔名 檔案 路径 路徑 "
    "链接 連結 网址 網址 日期 时间 時間 作者 来源 來源"
)


def table_captions(lines: Sequence[str]) -> list[str]:
    """The captions in the lines of a table (.csv, .tsv): of the column named so, or of the one
    with the most words that are no file names, addresses, numbers or dates.

    Cells are cleaned of their quotation marks and hold no line breaks.
    """
    lines = [line for line in lines if line.strip()]
    delimiter = _NONE
    if lines and (told := re.fullmatch(r"\ufeff?sep=(.)", lines[0].strip(), re.IGNORECASE)):
        delimiter, lines = told[1], lines[1:]
    elif lines:
        delimiter = _delimiter(lines[:_SAMPLE])
    return _captions(_rows(lines, delimiter), delimiter)


def pasted_captions(lines: Sequence[str]) -> list[str] | None:
    """The captions in lines that are clearly a table: a header names them, or each line begins or
    ends with a picture's name; None where they are not.
    """
    lines = [line for line in lines if line.strip()]
    if len(lines) < 2:
        return None
    sample = lines[:_SAMPLE]
    for delimiter in _DELIMITERS:
        rows = [_cells(line, delimiter) for line in sample]
        wide = [row for row in rows if len(row) > 1]
        if len(wide) < _MOST * len(rows) or len(rows[0]) < 2:
            continue
        header = _caption_column(rows[0]) is not None and (
            delimiter in "\t|" or any(name_of_column(cell) in _OTHER_NAMES for cell in rows[0])
        )
        if header or any(_share(_PICTURE.fullmatch, wide, end) >= _MOST for end in (0, -1)):
            return _captions(_rows(lines, delimiter), delimiter)
    return None


def _delimiter(sample: Sequence[str]) -> str:
    """The delimiter of a table; `_NONE` where it has one column."""
    if caption_rank(sample[0]) is not None and not any(one in sample[0] for one in _DELIMITERS):
        return _NONE
    best, best_score = _NONE, (False, 0.0)
    for delimiter in _DELIMITERS:
        rows = [_cells(line, delimiter) for line in sample if line.count('"') % 2 == 0]
        wide = [row for row in rows if len(row) > 1]
        if not wide or len(wide) < _MOST * len(rows):
            continue
        if len(rows[0]) > 1 and _caption_column(rows[0]) is not None:
            return delimiter
        width, equal = Counter(map(len, rows)).most_common(1)[0]
        common = equal / len(rows)
        has_ids = any(_share(_is_id, wide[1:] or wide, i) >= _MOST for i in range(-1, width))
        # "a cat, asleep" on every line is prose: tables have no space after their commas.
        prose = delimiter == "," and all(cell[:1] == " " for row in wide for cell in row[1:])
        if not has_ids and (prose or common < _MOST):
            continue
        if (has_ids, common) > best_score:
            best, best_score = delimiter, (has_ids, common)
    return best


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The cells of each row; a quoted cell that goes over several lines is put together."""
    plain = Counter(len(_cells(line, delimiter)) for line in lines[:_SAMPLE] if '"' not in line)
    width = plain.most_common(1)[0][0] if plain else 0
    rows, at = [], 0
    while at < len(lines):
        row, used = None, 1
        if lines[at].count('"') % 2:
            row, used = _long_row(lines[at : at + _LONGEST_CELL], delimiter, width)
        rows.append(row or _cells(lines[at], delimiter))
        at += used
    return rows


def _long_row(lines: Sequence[str], delimiter: str, width: int) -> tuple[list[str] | None, int]:
    """(the row that begins with the first line and ends where its quotation is closed, its number
    of lines); (None, 1) where what follows are rows of their own, so that the mark is a lone one.
    """
    for used, line in enumerate(lines[1:], 2):
        cells = _cells(line, delimiter)
        closes = line.count('"') % 2 == 1
        if width > 1 and len(cells) == width and (not closes or _is_id(cells[0].strip())):
            break
        if closes:
            row = _strictly("\n".join(lines[:used]), delimiter)
            return (row, used) if row else (None, 1)
    return None, 1


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' in line and (row := _strictly(line, delimiter)):
        return row
    return line.split(delimiter)


def _strictly(record: str, delimiter: str) -> list[str] | None:
    """The cells of a record that is quoted as it should be, doubling or escaping; else None."""
    for escape in (None, "\\") if '\\"' in record else (None,):
        try:
            return next(
                csv.reader(
                    [record],
                    delimiter=delimiter,
                    strict=True,
                    skipinitialspace=delimiter not in " \t",
                    escapechar=escape,
                    doublequote=escape is None,
                )
            )
        except (csv.Error, StopIteration):
            continue
    return None


def _captions(rows: list[list[str]], delimiter: str) -> list[str]:
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return []
    column = _caption_column(rows[0])
    header = column is not None or _is_header(rows[:_SAMPLE])
    if header:
        width = len(rows[0])
    else:
        width = Counter(map(len, rows[:_SAMPLE])).most_common(1)[0][0]
        if len(rows) == 1:  # a row of an Excel table: each cell is a text
            cells = [cell for cell in rows[0] if not _is_id(cell.strip())] or rows[0]
            return [text for cell in cells if (text := _clean(cell))]
    rows = rows[1:] if header else rows
    if column is None:
        column = _text_column(rows[:_SAMPLE], width)
    return [text for row in rows if (text := _clean(_cell(row, column, width, delimiter)))]


def _cell(row: Sequence[str], column: int, width: int, delimiter: str) -> str:
    """A row's caption; what a comma in it has cut off is put back."""
    surplus = max(0, len(row) - width)
    return delimiter.join(row[column : column + surplus + 1])


def _clean(cell: str) -> str:
    cell = unquoted(" ".join(cell.split()))
    # A mark that lost its partner; after a digit it means inches.
    if cell.count('"') == 1:
        cell = re.sub(r'^"\s*|(?<!\d)\s*"$', "", cell)
    return cell


def _caption_column(header: Sequence[str]) -> int | None:
    ranks = [(rank, i) for i, cell in enumerate(header) if (rank := caption_rank(cell)) is not None]
    return min(ranks)[1] if ranks else None


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: it says so, or it is words above file names."""
    first = [cell.strip() for cell in rows[0]]
    if any(_is_id(cell) for cell in first):
        return False
    if len(first) > 1 and any(name_of_column(cell) in _OTHER_NAMES for cell in first):
        return True
    return len(rows) > 1 and any(
        first[column] and _share(_is_id, rows[1:], column) >= _MOST for column in range(len(first))
    )


def _text_column(rows: Sequence[Sequence[str]], width: int) -> int:
    """The column with the longest texts, those that are mostly ids or addresses left aside."""
    texts = [i for i in range(width) if _share(_is_id, rows, i) < _MOST]
    lengths = {
        i: sum(len(row[i].strip()) for row in rows if i < len(row)) for i in texts or range(width)
    }
    return max(lengths, key=lambda i: lengths[i])


def _share(matches: Callable[[str], object], rows: Sequence[Sequence[str]], column: int) -> float:
    """The share of a column's cells that match."""
    cells = [row[column].strip() for row in rows if -len(row) <= column < len(row)]
    return sum(bool(matches(unquoted(cell))) for cell in cells) / max(1, len(cells))


def _is_id(cell: str) -> bool:
    return not cell or bool(_PICTURE.fullmatch(cell) or _ID.fullmatch(cell))
