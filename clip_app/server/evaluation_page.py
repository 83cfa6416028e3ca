"""An evaluation as one page that needs nothing else: figures, and the photographs behind them."""

import base64
import html
import io
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from clip_app.console import printable
from clip_app.errors import ImageError, Reason
from clip_app.images import load_image, thumbnail
from clip_app.server.evaluation_answer import (
    counts_told,
    lists_told,
    names_told,
    percent_with_interval,
)
from clip_app.settings import ASSETS
from clip_app.strings import STRINGS, Language, text
from clip_app.tasks.evaluate import Evaluation, Finding

_SIDE = 128

#: Classes of a matrix that can still be read.
MOST_CLASSES = 40

# Of no more classes the right one is always among the first five.
_FIRST_FIVE = 5

# Photographs behind one of its cells and in all: at some 4 kB each the page stays below 3 MB.
_IN_CELL = 12
_IN_ALL = 600


def unread_files(one: Evaluation, folder: Path) -> list[Reason]:
    """Why photographs could not be read, each named by its path from `folder` on."""
    return [why.about(printable(os.path.relpath(path, folder))) for path, why in one.failed]


def evaluation_page(
    found: Sequence[Evaluation], folder: Path, language: Language, left: Sequence[Reason] = ()
) -> str:
    """HTML of one or several evaluations of the same photographs, models side by side.

    Args:
        found: at least one.
        folder: what shown paths are relative to.
        language: of the page; names and paths are data and escaped.
        left: why further files were not counted.
    """
    page = _Page(folder, language)
    title = html.escape(text("check_title", language))
    unread = page.unread([*left, *unread_files(found[0], folder)])
    body = (
        page.summary(found) + unread + "".join(page.section(n, one) for n, one in enumerate(found))
    )
    style = (ASSETS / "evaluation.css").read_text("utf-8")
    tag = {"en": "en", "zh": "zh-CN"}[language]
    return (
        f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        # Nothing is fetched and nothing runs, whatever a name holds.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:;'
        " style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{style}</style></head><body><h1>{title}</h1>{body}"
        "</body></html>\n"
    )


class _Page:
    """What all parts of a page share: the language, and the pictures that were read already."""

    def __init__(self, folder: Path, language: Language) -> None:
        self._folder = folder
        self._language = language
        self._pictures: dict[str, str] = {}

    def summary(self, found: Sequence[Evaluation]) -> str:
        """The models side by side."""
        one = found[0]
        numbers = counts_told(one)
        heads = ["check_model", "check_templates", "check_top1", "check_top5", "check_calibration"]
        rows = [
            [
                each.model,
                self._templates(each.templates),
                percent_with_interval(each.top1),
                percent_with_interval(each.top5),
                self._calibration(each),
            ]
            for each in found
        ]
        if len(one.names) <= _FIRST_FIVE:
            for row in (heads, *rows):
                del row[3]
        return f"<p>{self._say('check_photos', **numbers)}</p>{self._table(heads, rows)}"

    def unread(self, reasons: Sequence[Reason]) -> str:
        """The files that were not counted, and why."""
        if not reasons:
            return ""
        items = "".join(f"<li>{html.escape(one.message(self._language))}</li>" for one in reasons)
        title = self._say("check_unread", number=len(reasons))
        return f"<details><summary>{title}</summary><ul>{items}</ul></details>"

    def section(self, number: int, one: Evaluation) -> str:
        """One model's figures and photographs."""
        heads = ("check_class", "check_number", "check_recall", "check_precision")
        classes = [
            (
                figures.name,
                str(figures.recall.of),
                percent_with_interval(figures.recall),
                percent_with_interval(figures.precision),
            )
            for figures in one.classes
        ]
        compared = [
            (
                self._templates(figures.key),
                percent_with_interval(figures.choosing),
                percent_with_interval(figures.telling),
            )
            for figures in one.compared
        ]
        return "".join(
            (
                f"<h2>{html.escape(one.model)}</h2>",
                self._matrix(number, one),
                f"<h3>{self._say('check_worst')}</h3>",
                self._findings(one, one.worst),
                f"<h3>{self._say('check_doubtful')}</h3><p>{self._say('check_doubtful_note')}</p>",
                self._findings(one, one.doubtful),
                f"<h3>{self._say('check_class')}</h3>",
                self._table(heads, classes),
                f"<h3>{self._say('check_compared')}</h3><p>{self._say('check_compared_note')}</p>",
                self._table(("check_templates", "check_choosing", "check_telling"), compared),
                self._names(one),
                self._lists(one),
            )
        )

    def _matrix(self, number: int, one: Evaluation) -> str:
        shown = one.most_confused(MOST_CLASSES)
        heads = "".join(f'<th scope="col">{html.escape(one.names[i])}</th>' for i in shown)
        rows, cells = [], []
        for label in shown:
            row = [f'<th scope="row">{html.escape(one.names[label])}</th>']
            total = max(1, int(one.confusion[label].sum()))
            for named in shown:
                count = int(one.confusion[label, named])
                if not count:
                    row.append("<td></td>")
                    continue
                key = f"m{number}-{label}-{named}"
                kind = "hit" if label == named else "miss"
                told = {"label": one.names[label], "named": one.names[named], "number": count}
                heading = self._say("check_cell_right" if label == named else "check_cell", **told)
                row.append(
                    f'<td class="{kind}" style="--depth: {0.15 + 0.6 * count / total:.2f}">'
                    f'<a href="#{key}" aria-label="{heading}">{count}</a></td>'
                )
                cells.append((key, heading, one.cell(label, named)))
            rows.append(f"<tr>{''.join(row)}</tr>")
        # Mistakes first, should there be more photographs than the page has room for.
        cells.sort(key=lambda cell: cell[0].split("-")[1] == cell[0].split("-")[2])
        cut = {"shown": len(shown), "all": len(one.names)}
        note = self._say("check_confusion_cut", **cut) if len(shown) < len(one.names) else ""
        return (
            f"<h3>{self._say('check_confusion')}</h3>"
            f"<p>{self._say('check_confusion_note')} {note}</p>"
            f'<div class="scroll"><table class="matrix"><thead><tr><td></td>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
            + "".join(
                f'<section class="cell" id="{key}"><h3>{heading}</h3>{self._photos(one, places)}'
                "</section>"
                for key, heading, places in cells
            )
        )

    def _names(self, one: Evaluation) -> str:
        names = one.names_compared
        if names is None:
            return ""
        heads = ("check_class", "check_name", "check_best", "check_choosing", "check_telling")
        rows = [
            (
                one.names[figures.label],
                figures.name,
                "✓" if figures.best else "",
                percent_with_interval(figures.choosing),
                percent_with_interval(figures.telling),
            )
            for figures in names.figures
        ]
        told = html.escape(names_told(names, self._language))
        return f"<h3>{self._say('check_names')}</h3><p>{told}</p>{self._table(heads, rows)}"

    def _lists(self, one: Evaluation) -> str:
        if one.conformal is None:
            return ""
        told = html.escape(lists_told(one.conformal, self._language))
        return f"<h3>{self._say('check_lists')}</h3><p>{told}</p>"

    def _findings(self, one: Evaluation, found: Sequence[Finding]) -> str:
        if not found:
            return f"<p>{self._say('check_none')}</p>"

        def caption(place: int) -> str:
            finding = next(each for each in found if each.photo == place)
            names = f"{one.names[finding.label]} → {one.names[finding.named]}"
            return f"{names}, {100 * finding.score:.1f} %"

        return self._photos(one, [each.photo for each in found], caption, limit=len(found))

    def _photos(
        self,
        one: Evaluation,
        places: Sequence[int],
        caption: Callable[[int], str] | None = None,
        limit: int = _IN_CELL,
    ) -> str:
        figures = []
        for place in places[:limit]:
            path = one.paths[place]
            shown = printable(os.path.relpath(path, self._folder))
            lines = [caption(place), shown] if caption else [shown]
            inner = "<br>".join(map(html.escape, lines))
            figures.append(
                f'<figure><img loading="lazy" alt="" src="{self._picture(path)}">'
                f"<figcaption>{inner}</figcaption></figure>"
            )
        more = len(places) - len(figures)
        note = f"<p>{self._say('check_cell_more', number=more)}</p>" if more else ""
        return f'<div class="photos">{"".join(figures)}</div>{note}'

    def _picture(self, path: str) -> str:
        """A small picture as a `data:` address; empty where there is no room for more."""
        if path not in self._pictures:
            if len(self._pictures) >= _IN_ALL:
                return "data:,"
            try:
                small = thumbnail(load_image(path, target_side=_SIDE), _SIDE)
            except ImageError:  # gone meanwhile
                self._pictures[path] = "data:,"
                return "data:,"
            buffer = io.BytesIO()
            small.save(buffer, "WEBP", quality=75)
            coded = base64.b64encode(buffer.getvalue()).decode()
            self._pictures[path] = f"data:image/webp;base64,{coded}"
        return self._pictures[path]

    def _templates(self, key: str) -> str:
        """What a choice of templates is called; those that somebody wrote are themselves."""
        named = f"templates_{key}"
        return text(named, self._language) if named in STRINGS else key

    def _calibration(self, one: Evaluation) -> str:
        if one.calibration is None:
            return "–"
        return text(
            "check_after",
            self._language,
            before=f"{one.calibration.before:.3f}",
            after=f"{one.calibration.after:.3f}",
            temperature=f"{one.calibration.temperature:.2f}",
        )

    def _table(self, keys: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
        head = "".join(f'<th scope="col">{self._say(key)}</th>' for key in keys)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        return (
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def _say(self, key: str, **params: object) -> str:
        return html.escape(text(key, self._language, **params))
