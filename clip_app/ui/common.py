"""What every tab needs: translated labels, uploads that we decode, errors, downloads."""

import base64
import contextlib
import functools
import html
import inspect
import io
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from clip_app.errors import ClipAppError, ImageError, StorageError
from clip_app.images import browsers_show, load_image, thumbnail
from clip_app.metrics import steps
from clip_app.model.catalog import DEFAULT_PRESET
from clip_app.model.info import CutText
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.prompts import label_sets, language_of_texts
from clip_app.strings import LANGUAGES, STRINGS, Language, language_of, text
from clip_app.ui.photo import Photo

log = logging.getLogger(__name__)

# Downloads are written when asked for; nobody fetches one an hour later.
_EXPORT_SECONDS = 3600
_PREFIX = "clip_app_"

_SPREADSHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Endings under which browsers are sent a picture as one.
_WEB_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif"}
_HEAD_BYTES = 64

# Most file systems take 255 bytes; Gradio puts a number before some names.
_LONGEST_NAME = 200
_LONGEST_SUFFIX = 20
_PREVIEW_SIDE = 1024
_exports = tempfile.TemporaryDirectory(prefix="clip_app-")


def download_button(key: str, elem_id: str) -> gr.DownloadButton:
    """A download button that appears once there is something to download."""
    # Gradio translates this label too, though its signature says plain text only.
    label: Any = i18n(key)
    return gr.DownloadButton(label, visible=False, elem_id=elem_id)


def label_set_string(key: str) -> str:
    """The key under which the page finds a label set's name."""
    return f"label_set_{key}"


def _translations() -> gr.I18n:
    """Our strings, under names that Gradio's own ("image", "language") do not have."""
    fixed = {
        language: {
            _PREFIX + key: text(key, language)
            for key, pair in STRINGS.items()
            if not any("{" in one.replace("{{", "") for one in pair)
        }
        | {
            _PREFIX + label_set_string(key): one.names[language]
            for key, one in label_sets().items()
        }
        for language in LANGUAGES
    }
    return gr.I18n(en=fixed["en"], **{"zh-CN": fixed["zh"]})


translations = _translations()


def i18n(key: str) -> Any:
    """The string `key` of `clip_app.strings`, which the browser shows in its language."""
    return translations(_PREFIX + key)


def photo_input(language: gr.Radio, **options: Any) -> Photo:
    """An image input that shows whatever can be read, also what browsers cannot."""
    component = Photo(**options)
    component.upload(
        shows_errors(_shown_by_browsers),
        [component, language],
        component,
        api_visibility="private",
        show_progress="hidden",
    )
    return component


def _shown_by_browsers(path: str | None, language: Language) -> Any:
    """A JPEG of an upload that browsers cannot show (HEIC, TIFF …), else nothing new.

    What cannot be read stays as it is, and the handlers that use it say why.
    """
    if not path:
        return gr.skip()
    try:
        with open(path, "rb") as file:
            if shown_as_it_is(path, file.read(_HEAD_BYTES)):
                return gr.skip()
        picture = load_image(path, target_side=_PREVIEW_SIDE)
    except (ImageError, OSError) as error:
        log.info("No preview: %s", error)
        return gr.skip()
    buffer = io.BytesIO()
    thumbnail(picture, 2 * _PREVIEW_SIDE).save(buffer, "JPEG", quality=95)
    return write_export(f"{Path(path).stem}.jpg", buffer.getvalue())


def shown_as_it_is(name: str, data: bytes) -> bool:
    """Whether browsers show a file of this name that begins with `data`, and as this app does.

    What it is decides, and the name must not contradict: iPhones send HEIC as .jpg, and a server
    sends what is called .heic under a type that browsers refuse.
    """
    return Path(name).suffix.lower() in _WEB_SUFFIXES and browsers_show(data[:_HEAD_BYTES])


def open_photo(path: str | None, service: ModelService) -> Image.Image:
    """The uploaded photograph, decoded no larger than the model needs.

    Raises:
        ImageError: if there is none, or it is not an image that can be read.
    """
    if not path:
        raise ImageError("image_missing")
    with steps.measure("decode"):
        return load_image(path, target_side=2 * max(service.info.image_size))


def shows_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Make `handler`'s errors one sentence in the language that its last argument names.

    That argument is `language` in the page, where a message is HTML; in the API it is `request`,
    whose `Accept-Language` decides, and a message is plain text.
    """
    names = [*inspect.signature(handler).parameters]

    @contextlib.contextmanager
    def told(values: Sequence[Any], named: dict[str, Any]) -> Iterator[None]:
        given = dict(zip(names, values, strict=False)) | named
        language = given.get("language") or request_language(given.get("request"))
        try:
            yield
            return
        except ClipAppError as error:
            sentence = error.public_message(language)
            log.info("%s: %s", type(error).__name__, error)
        except gr.Error:
            raise
        except Exception:
            log.exception("Unexpected error in %s", handler.__name__)
            sentence = text("unexpected", language)
        if "language" in names:  # the page shows its messages as HTML; API callers get plain text
            sentence = html.escape(sentence)
        raise gr.Error(sentence, title=text("error", language), print_exception=False) from None

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def yielded(*values: Any, **named: Any) -> Iterator[Any]:
            with told(values, named):
                yield from handler(*values, **named)

        return yielded

    @functools.wraps(handler)
    def handled(*values: Any, **named: Any) -> Any:
        with told(values, named):
            return handler(*values, **named)

    return handled


def request_language(request: Any) -> Language:
    """The language that a caller of the API asks for in its `Accept-Language` header."""
    headers = getattr(request, "headers", None)
    return language_of(headers.get("accept-language") if headers else None)


def shown_progress(progress: gr.Progress, key: str, language: Language, **params: Any) -> Progress:
    """A callback that moves the page's progress bar under the sentence `key`."""
    description = text(key, language, **params)
    return lambda done, total: progress((done, total), desc=description)


def cut_notice(cut: Sequence[CutText], language: Language) -> str:
    """Which texts were not read to their end, as HTML; the first three are named."""
    return "".join(notice(one.message(language)) for one in cut[:3])


def unread_notice(service: ModelService, texts: Sequence[str], language: Language) -> str:
    """HTML that says so where the model does not read the texts' language; else empty."""
    if service.reads(language_of_texts(texts)):
        return ""
    return notice(text("language_unread", language, better=DEFAULT_PRESET))


def notice(sentence: str) -> str:
    """A highlighted sentence, as HTML; `sentence` is plain text."""
    return f'<p class="notice">{html.escape(sentence)}</p>'


def facts_table(facts: dict[str, str], language: Language) -> str:
    """An HTML table of two columns: string keys in `language`, and plain text."""
    rows = "".join(
        f"<tr><th>{html.escape(text(key, language))}</th><td>{html.escape(value)}</td></tr>"
        for key, value in facts.items()
    )
    return f'<table class="facts">{rows}</table>'


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
    """A probability as the page shows it."""
    return f"{100 * score:.1f}%"


def no_formula(cell: str) -> str:
    """Spreadsheets run cells that begin like a formula; a leading quote makes them text."""
    return f"'{cell}" if cell.startswith(_SPREADSHEET_FORMULA) else cell


def picture_url(picture: Image.Image) -> str:
    """A small picture as a `data:` address."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def file_name(name: str) -> str:
    """`name` as a file name that every disk takes: its ending stays, its middle may be shorter.

    Line breaks, marks that turn the direction of writing, and what is no text become "_".
    """
    clean = "".join(one if one.isprintable() and one not in "/\\" else "_" for one in name)
    path = Path(clean.strip())
    suffix = path.suffix if len(path.suffix.encode()) <= _LONGEST_SUFFIX else ""
    stem = (path.stem if suffix else path.name).encode()[: _LONGEST_NAME - len(suffix.encode())]
    return f"{stem.decode(errors='ignore') or '_'}{suffix}"


def write_export(name: str, content: str | bytes) -> str:
    """Write a file to download, of its own folder; old ones are removed.

    A name that a disk or browser would not take is cut and cleaned (`file_name`).

    Raises:
        StorageError: if the disk is full or cannot be written.
    """
    try:
        now = time.time()
        for folder in Path(_exports.name).iterdir():
            if now - folder.stat().st_mtime > _EXPORT_SECONDS:
                for file in folder.iterdir():
                    file.unlink(missing_ok=True)
                folder.rmdir()
        path = Path(tempfile.mkdtemp(dir=_exports.name)) / file_name(name)
        if isinstance(content, str):
            # With a byte order mark, spreadsheets recognize UTF-8.
            content = content.encode("utf-8-sig" if name.endswith(".csv") else "utf-8")
        path.write_bytes(content)
    except OSError as error:
        raise StorageError("disk_full", reason=error.strerror or str(error)) from error
    return str(path)
