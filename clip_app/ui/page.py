"""The page, put together by `build_demo`; each tab is a file of its own."""

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from clip_app.gallery.galleries import GalleryService
from clip_app.model.slot import ModelSlot
from clip_app.server.endpoints import Endpoints
from clip_app.settings import ASSETS, Settings
from clip_app.strings import Language, text
from clip_app.ui.api import build_api
from clip_app.ui.examples import load_examples
from clip_app.ui.gate import Gate, LogIn
from clip_app.ui.i18n import i18n, translations
from clip_app.ui.language import APPLY_LANGUAGE, DETECT_LANGUAGE
from clip_app.ui.requests import EXCEPTION_HANDLERS, Page
from clip_app.ui.tabs.classify import build_classify_tab
from clip_app.ui.tabs.gallery import build_gallery_tab
from clip_app.ui.tabs.match import build_match_tab
from clip_app.ui.tabs.model import build_model_tab, model_sentence, model_table, presets_table

# Uploads older than six hours are removed, looked for every hour.
_DELETE_CACHE = (3600, 6 * 3600)

# How soon every open page names a model that someone has changed.
_MODEL_SECONDS = 10

# Enough handlers at once to fill the model's batches; the rest wait in the queue.
_HANDLERS = 64
_QUEUE = 1024


def build_demo(slot: ModelSlot, galleries: GalleryService, settings: Settings) -> gr.Blocks:
    """The whole page and its API, ready to be launched with `launch_options`."""
    fixed = settings.language if settings.language != "auto" else None
    with Page(title=i18n("title"), analytics_enabled=False, delete_cache=_DELETE_CACHE) as demo:
        with gr.Row(elem_id="top"):
            gr.HTML(
                i18n("title"),
                html_template="<h1>${value}</h1>",
                elem_id="title",
            )
            language = gr.Radio(
                [("中文", "zh"), ("English", "en")],
                value=fixed or "en",
                label=i18n("language"),
                show_label=False,
                container=False,
                elem_id="language",
            )
        gr.HTML(i18n("subtitle"), html_template="<p>${value}</p>", elem_id="subtitle")
        model_line = gr.HTML(elem_id="model-line")
        with gr.Tabs():
            with gr.Tab(i18n("tab_classify"), id="classify", render_children=True) as first_tab:
                classify_tab = build_classify_tab(slot, language)
            with gr.Tab(i18n("tab_match"), id="match", render_children=True) as second_tab:
                match_tab = build_match_tab(slot, language, second_tab)
            with gr.Tab(i18n("tab_gallery"), id="gallery", render_children=True) as third_tab:
                build_gallery_tab(slot, galleries, language, third_tab)
            with gr.Tab(i18n("tab_model"), id="model", render_children=True) as fourth_tab:
                about, catalog = build_model_tab(slot, settings, language, model_line, fourth_tab)
        build_api(Endpoints(slot, galleries))

        def in_language(language: Language, labels: str, descriptions: str) -> list[Any]:
            """What the server says by itself, and the example's words while nobody changed them."""
            first = load_examples()[0]
            service = slot.service
            return [
                model_sentence(service, language, slot.awaited),
                model_table(service, language),
                presets_table(language),
                _translated(labels, first.labels, language),
                _translated(descriptions, first.descriptions, language),
                # Gradio does not translate the names of hidden tabs again when the switch is used.
                *(gr.Tab(label=text(f"tab_{name}", language)) for name in tab_names),
            ]

        tab_names = ("classify", "match", "gallery", "model")
        followers = [
            model_line,
            about,
            catalog,
            classify_tab.labels,
            match_tab.descriptions,
            first_tab,
            second_tab,
            third_tab,
            fourth_tab,
        ]
        asked = [language, classify_tab.labels, match_tab.descriptions]
        shown = demo.load(
            None,
            None,
            language,
            js=DETECT_LANGUAGE.replace("FIXED", f"'{fixed}'" if fixed else "null"),
            api_visibility="private",
        ).then(in_language, asked, followers, api_visibility="private", show_progress="hidden")
        changed = language.input(
            None, language, None, js=APPLY_LANGUAGE, api_visibility="private"
        ).then(in_language, asked, followers, api_visibility="private", show_progress="hidden")
        for event in (shown, changed):
            for tab in (classify_tab, match_tab):
                event.then(
                    tab.run,
                    tab.inputs,
                    tab.outputs,
                    api_visibility="private",
                    show_progress="minimal",
                )
        if settings.visitors_may_change_model or slot.awaited:
            # Another visitor, or a download that is done, changes the model of every page.
            gr.Timer(_MODEL_SECONDS).tick(
                lambda language: model_sentence(slot.service, language, slot.awaited),
                language,
                model_line,
                api_visibility="private",
                show_progress="hidden",
                queue=False,
            )
    demo.queue(max_size=_QUEUE, default_concurrency_limit=_HANDLERS)
    return demo


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
        "allowed_paths": [str(ASSETS / "examples"), str(galleries.pictures.folder)],
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


def _translated(typed: str | None, example: dict[Language, str], language: Language) -> str:
    untouched = not typed or not typed.strip() or typed in example.values()
    return example[language] if untouched or typed is None else typed
