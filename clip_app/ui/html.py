"""Pieces of HTML that several tabs show; all text in them is escaped."""

import base64
import html
import io
from collections.abc import Iterable, Sequence

from PIL import Image

from clip_app.model.info import CutText, ModelInfo
from clip_app.model.service import ModelService
from clip_app.strings import Language, text


def cut_sentences(cut: Sequence[CutText], language: Language) -> list[str]:
    """Which texts were not read to their end, a sentence a text; the first three are named."""
    return [one.message(language) for one in cut[:3]]


def model_called(info: ModelInfo, language: Language) -> str:
    """What people are told that a model is called."""
    return text("starter_title", language) if info.is_starter else info.public_name


def unread_sentence(service: ModelService, texts: Sequence[str], language: Language) -> str:
    """That the model does not read the texts' language; "" where it does."""
    unread = service.unread(texts)
    return unread.message(language) if unread else ""


def facts_table(caption: str, facts: dict[str, str], language: Language) -> str:
    """An HTML table of two columns: string keys in `language`, as is `caption`, and plain text."""
    rows = "".join(
        f"<tr><th>{html.escape(text(key, language))}</th><td>{html.escape(value)}</td></tr>"
        for key, value in facts.items()
    )
    above = html.escape(text(caption, language))
    return f'<table class="facts"><caption>{above}</caption>{rows}</table>'


def catalog_table(keys: Sequence[str], rows: Iterable[Sequence[str]], language: Language) -> str:
    """An HTML table headed by string keys in `language`; cells are plain text."""
    head = "".join(f"<th>{html.escape(text(key, language))}</th>" for key in keys)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll"><table class="catalog"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def percent(score: float) -> str:
    """A probability as the page shows it: one decimal, and nothing that is not is called 0 or 100.

    >>> percent(0.9987), percent(0.0001), percent(0.9999)
    ('99.9 %', '<0.1 %', '>99.9 %')
    """
    shown = f"{100 * score:.1f}"
    if shown == "0.0" and score > 0:
        return "<0.1 %"
    if shown == "100.0" and score < 1:
        return ">99.9 %"
    return f"{shown} %"


def picture_url(picture: Image.Image) -> str:
    """A small picture as a `data:` address."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
