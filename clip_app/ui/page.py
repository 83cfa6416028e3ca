"""The page, put together by `build_demo`; each tab is a file of its own."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from clip_app.gallery.galleries import GalleryService
from clip_app.model.slot import ModelSlot
from clip_app.server.endpoints import Endpoints
from clip_app.settings import ASSETS, Settings
from clip_app.strings import Language, text
from clip_app.ui.api import build_api
from clip_app.ui.errors import shows_errors
from clip_app.ui.gate import Gate, LogIn
from clip_app.ui.i18n import i18n, translations
from clip_app.ui.language import APPLY_LANGUAGE, DETECT_LANGUAGE
from clip_app.ui.requests import EXCEPTION_HANDLERS, CheckedBlocks
from clip_app.ui.tab import Follows, Page, Spoken, Tab, Values
from clip_app.ui.tabs import classify, gallery, match, model

# Uploads older than six hours are removed, looked for every hour.
_DELETE_CACHE = (3600, 6 * 3600)

# Enough handlers at once to fill the model's batches; the rest wait in the queue.
_HANDLERS = 64
_QUEUE = 1024

TABS: tuple[Tab, ...] = (classify, match, gallery, model)


def build_demo(slot: ModelSlot, galleries: GalleryService, settings: Settings) -> gr.Blocks:
    """The whole page and its API, ready to be launched with `launch_options`."""
    with CheckedBlocks(
        title=i18n("title"), analytics_enabled=False, delete_cache=_DELETE_CACHE
    ) as demo:
        page = _build_top(slot, galleries, settings)
        tabs: dict[str, gr.Tab] = {}
        followers: list[Follows] = []
        with gr.Tabs():
            for module in TABS:
                with gr.Tab(i18n(f"tab_{module.KEY}"), id=module.KEY, render_children=True) as tab:
                    tabs[module.KEY] = tab
                    if followed := module.build(page, tab):
                        followers.append(followed)
        build_api(Endpoints(slot, galleries))
        _follow_language(demo, page, tabs, followers)
        if model.may_change(page):
            model.follow_model(page)
    demo.queue(max_size=_QUEUE, default_concurrency_limit=_HANDLERS)
    return demo


def _fixed(settings: Settings) -> Language | None:
    """The language that the page opens in whatever the browser says; None where that decides."""
    return settings.language if settings.language != "auto" else None


def _build_top(slot: ModelSlot, galleries: GalleryService, settings: Settings) -> Page:
    with gr.Row(elem_id="top"):
        gr.HTML(i18n("title"), html_template="<h1>${value}</h1>", elem_id="title")
        language = gr.Radio(
            [("中文", "zh"), ("English", "en")],
            value=_fixed(settings) or "en",
            label=i18n("language"),
            show_label=False,
            container=False,
            elem_id="language",
        )
    gr.HTML(i18n("subtitle"), html_template="<p>${value}</p>", elem_id="subtitle")
    spoken, advised = gr.State(Spoken()), gr.State("")
    model_line = gr.HTML(elem_id="model-line")
    return Page(slot, galleries, settings, language, spoken, model_line, advised)


def _follow_language(
    demo: gr.Blocks, page: Page, tabs: dict[str, gr.Tab], followers: Sequence[Follows]
) -> None:
    """Find the language when the page opens, and let everything follow it and its switch."""
    language, slot = page.language, page.slot

    def words(given: Values) -> Values:
        """What the server says by itself, and the example's words while nobody changed them."""
        given[page.spoken].language = now = given[language]
        said: Values = {page.model_line: model.model_sentence(slot, now)}
        for one in followers:
            said |= one.words.run(given)
        # Gradio does not translate the names of hidden tabs again when the switch is used.
        return said | {tab: gr.Tab(label=text(f"tab_{key}", now)) for key, tab in tabs.items()}

    fixed = _fixed(page.settings)
    shown = demo.load(
        None,
        None,
        language,
        js=DETECT_LANGUAGE.replace("FIXED", f"'{fixed}'" if fixed else "null"),
        api_visibility="private",
    )
    changed = language.input(None, language, None, js=APPLY_LANGUAGE, api_visibility="private")
    for event in (shown, changed):
        spoken = event.then(
            words,
            {language, page.spoken}.union(*(one.words.inputs for one in followers)),
            [page.model_line, *(o for one in followers for o in one.words.outputs), *tabs.values()],
            api_visibility="private",
            show_progress="hidden",
        )
        for result in (one.result for one in followers if one.result):
            spoken.then(
                shows_errors(result.run, language),
                result.inputs,
                result.outputs,
                api_visibility="private",
                show_progress="minimal",
            )


def launch_options(
    demo: gr.Blocks, settings: Settings, galleries: GalleryService, log_in: LogIn | None
) -> dict[str, Any]:
    """What `demo.launch` is given, apart from where to listen."""
    app: dict[str, Any] = {"exception_handlers": EXCEPTION_HANDLERS}
    if log_in:
        app["middleware"] = [Middleware(Gate, log_in=log_in)]
    if settings.mcp:
        # Only here: the package takes a second to import.
        from clip_app.ui.mcp_tools import Tools

        # In place of the one that `mcp_server=True` would make.
        tools = demo.mcp_server_obj = Tools(demo, log_in)
        demo.mcp_server = True
        app["lifespan"] = tools.lifespan
    return {
        "app_kwargs": app,
        "i18n": translations,
        "css_paths": ASSETS / "style.css",
        "theme": gr.themes.Soft(primary_hue="blue", font=["system-ui", "sans-serif"]),
        "max_threads": _HANDLERS,
        "max_file_size": f"{settings.max_upload_mb}mb",
        # Thumbnails are named by the hash of what they show, so none can be guessed.
        "allowed_paths": [
            *(str(ASSETS / folder) for folder in ("examples", "gallery/examples")),
            str(galleries.pictures.folder),
        ],
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api"],
        "auth": settings.credentials,
        "auth_message": text("title", "zh") + " · " + text("title", "en"),
        "mcp_server": False,
        # A server in Node would stand before the log-in.
        "ssr_mode": False,
        "show_error": True,
        "pwa": False,
    }
