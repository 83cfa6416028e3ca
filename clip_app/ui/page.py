"""The page, put together by `build_demo`; each tab is a file of its own."""

import os
from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from clip_app.gallery.galleries import GalleryService
from clip_app.model.slot import ModelSlot
from clip_app.server.endpoints import Endpoints
from clip_app.server.http.access import PREFIX, BelowProxy, Keys
from clip_app.server.http.app import http_app, rate_of
from clip_app.server.http.guesses import Guesses
from clip_app.server.http.hang_ups import HangUps
from clip_app.settings import ASSETS, Settings
from clip_app.strings import text
from clip_app.ui.api import build_api
from clip_app.ui.concepts import PageConcepts
from clip_app.ui.downloads import EXPORTS
from clip_app.ui.errors import shows_errors
from clip_app.ui.gate import Gate, LogIn
from clip_app.ui.i18n import translations
from clip_app.ui.photo_column import photo_column
from clip_app.ui.requests import EXCEPTION_HANDLERS, CheckedBlocks
from clip_app.ui.served import ServedPage
from clip_app.ui.shell import (
    BESIDE_PHOTO,
    address_carrier,
    fixed_language,
    language_switch,
    model_carrier,
    room,
    rooms_below_stage,
)
from clip_app.ui.tab import PRIVATE, Follows, Page, Room, Spoken, Tab, Values
from clip_app.ui.tabs import classify, gallery, learn, match, model
from clip_app.ui.theme import theme

# Uploads older than six hours are removed, looked for every hour.
_DELETE_CACHE = (3600, 6 * 3600)

# Enough handlers at once to fill the model's batches; the rest wait in the queue.
_HANDLERS = 64
_QUEUE = 1024

TABS: tuple[Tab, ...] = (classify, match, gallery, learn, model)


def build_demo(slot: ModelSlot, endpoints: Endpoints, settings: Settings) -> gr.Blocks:
    """The whole page and its API, ready to be launched with `launch_options`."""
    with CheckedBlocks(
        title=text("title", fixed_language(settings) or "en"),
        analytics_enabled=False,
        delete_cache=_DELETE_CACHE,
    ) as demo:
        page, rooms = _lay_out(slot, endpoints.galleries, settings)
        # Before the tabs: Gradio would call an endpoint /teach_1 after a handler of that name.
        build_api(endpoints)
        followers: list[Follows] = []
        for module in TABS:
            with rooms[module.KEY].column:
                if followed := module.build(page, rooms[module.KEY]):
                    followers.append(followed)
        _follow_language(demo, page, followers)
    demo.queue(max_size=_QUEUE, default_concurrency_limit=_HANDLERS)
    return demo


def _lay_out(
    slot: ModelSlot, galleries: GalleryService, settings: Settings
) -> tuple[Page, dict[str, Room]]:
    """What all tabs share, and the room of each."""
    language = language_switch(settings)
    spoken, advised, address = gr.State(Spoken()), gr.State(""), address_carrier()
    told = model_carrier()
    below = rooms_below_stage(BESIDE_PHOTO)
    with gr.Row(elem_id="stage"):
        with gr.Column(elem_id="photo-column"):
            photo = photo_column(slot, "classify-image")
        rooms = {key: room(key, below[key]) for key in BESIDE_PHOTO}
    for one in below.values():
        one.render()
    keys = (module.KEY for module in TABS)
    rooms |= {key: room(key) for key in keys if key not in BESIDE_PHOTO}
    concepts = PageConcepts(settings)
    page = Page(
        slot, galleries, settings, language, spoken, address, photo, told, advised, concepts
    )
    return page, rooms


def _follow_language(demo: gr.Blocks, page: Page, followers: Sequence[Follows]) -> None:
    """Find the language when the page opens, and let everything follow it and its switch."""
    language = page.language

    def words(given: Values) -> Values:
        """What the server says by itself, and the example's words while nobody changed them."""
        said: Values = {}
        for one in followers:
            said |= one.words.run(given)
        given[page.spoken].language = given[language]
        return said

    shown = demo.load(
        None,
        None,
        [language, page.address],
        js="() => window.clipApp.opened()",
        api_visibility="private",
    )
    changed = language.input(
        None,
        language,
        None,
        js="(chosen) => window.clipApp.switched(chosen)",
        api_visibility="private",
    )
    for event in (shown, changed):
        spoken = event.then(
            words,
            {language, page.spoken, page.address}.union(*(one.words.inputs for one in followers)),
            [o for one in followers for o in one.words.outputs],
            queue=False,  # 300 ms of a slow line less, and nothing here takes long
            **PRIVATE,
        )
        spoken.then(None, None, None, js="() => window.clipApp.ready()", api_visibility="private")
        for result in (one.result for one in followers if one.result):
            spoken.then(
                shows_errors(result.run, language),
                result.inputs,
                result.outputs,
                api_visibility="private",
                show_progress="minimal",
            )


def below_proxy(given: str) -> str:
    """`lab`, `/lab` and `/lab/` as `/lab`, without which Gradio ends or finds nothing below it."""
    path = given.strip().rstrip("/")
    return path if not path or "://" in path else f"/{path.lstrip('/')}"


def launch_options(
    demo: gr.Blocks,
    slot: ModelSlot,
    endpoints: Endpoints,
    settings: Settings,
    log_in: LogIn | None,
) -> dict[str, Any]:
    """What `demo.launch` is given, apart from where to listen."""
    app: dict[str, Any] = {
        "exception_handlers": EXCEPTION_HANDLERS,
        "middleware": [
            Middleware(HangUps),
            Middleware(
                ServedPage,
                tabs=[module.KEY for module in TABS],
                settings=settings,
                model=lambda: model.told(slot),
                kinds={one.get_block_name() for one in demo.blocks.values()},
            ),
        ],
    }
    galleries, keys = endpoints.galleries, Keys(settings.keys)
    if log_in:
        if keys:
            guesses = Middleware(Guesses, keys=keys, rate=rate_of(settings), below=PREFIX)
            app["middleware"].append(guesses)
        app["middleware"].append(Middleware(Gate, log_in=log_in, keys=keys))
    if not settings.zero_gpu:  # there, a GPU is lent to requests that come through Gradio only
        # Given with the app, it is found before Gradio's routes, of which one takes any path.
        app["routes"] = [BelowProxy(PREFIX, http_app(endpoints, settings, keys))]
    if settings.mcp:
        # Only here: the package takes a second to import.
        from clip_app.ui.mcp_tools import Tools

        # In place of the one that `mcp_server=True` would make.
        tools = demo.mcp_server_obj = Tools(demo, log_in, galleries, settings.fetch_images)
        demo.mcp_server = True
        app["lifespan"] = tools.lifespan
    return {
        "app_kwargs": app,
        "i18n": translations,
        "theme": theme(),
        "max_threads": _HANDLERS,
        "max_file_size": f"{settings.max_upload_mb}mb",
        "root_path": below_proxy(os.environ.get("GRADIO_ROOT_PATH", "")),
        # Thumbnails are named by the hash of what they show, so none can be guessed.
        "allowed_paths": [
            *(str(ASSETS / folder) for folder in ("examples", "gallery/examples")),
            str(galleries.pictures.folder),
            str(EXPORTS),
        ],
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": [],
        "auth": settings.credentials,
        "auth_message": text("title", "zh") + " · " + text("title", "en"),
        "mcp_server": False,
        # A server in Node would stand before the log-in.
        "ssr_mode": False,
        "show_error": True,
        "pwa": False,
    }
