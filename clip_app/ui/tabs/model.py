"""The tab 模型: what answers now, what else there is, and changing it where that is allowed."""

import html
from typing import Any

import gradio as gr

from clip_app.metrics import steps
from clip_app.model.catalog import PRESETS, local_models
from clip_app.model.download_progress import DownloadProgress
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.strings import LANGUAGES, Language, text
from clip_app.ui.errors import shows_errors
from clip_app.ui.html import catalog_table, facts_table
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Follows, Page, Room, Step, Values

KEY = "model"

# How soon every open page names a model that someone has changed, and how far a download is.
_MODEL_SECONDS, _DOWNLOAD_SECONDS = 10, 2


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it."""
    about = gr.HTML(elem_id="model-about")
    if page.settings.visitors_may_change_model:
        _build_choice(page, about)
    if may_change(page):
        _follow_about(page, about)
    catalog = gr.HTML(elem_id="model-catalog")
    with gr.Accordion(i18n("metrics"), open=False, elem_id="metrics") as opener:
        metrics = gr.HTML(elem_id="metrics-table")
    gr.on(
        [room.select, opener.expand],
        metrics_table,
        page.language,
        metrics,
        api_visibility="private",
        show_progress="hidden",
    )

    def words(given: Values) -> Values:
        language = given[page.language]
        return {about: model_table(page.slot.service, language), catalog: presets_table(language)}

    return Follows(Step(words, {page.language}, [about, catalog]))


def _follow_about(page: Page, about: gr.HTML) -> None:
    gr.Timer(_MODEL_SECONDS).tick(
        lambda language: model_table(page.slot.service, language),
        page.language,
        about,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )


def may_change(page: Page) -> bool:
    """Whether another visitor, or a download that is done, may put another model in place."""
    slot = page.slot
    return bool(page.settings.visitors_may_change_model or slot.awaited or slot.trouble)


def follow_model(page: Page) -> None:
    """Let every page name the model that answers now, and say how far a download is."""
    timer = gr.Timer(_DOWNLOAD_SECONDS)

    def now(seconds: float) -> Values:
        wanted = _DOWNLOAD_SECONDS if page.slot.awaited else _MODEL_SECONDS
        said: Values = {page.model_told: told(page.slot)}
        # A timer that is set begins anew.
        return said if seconds == wanted else {**said, timer: gr.Timer(wanted)}

    timer.tick(
        now,
        timer,
        [page.model_told, timer],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )


def _build_choice(page: Page, about: gr.HTML) -> None:
    root = page.settings.model_root
    with gr.Row(equal_height=True):
        choice = gr.Dropdown(
            ["starter", *PRESETS, *(one.name for one in local_models(root))],
            value=page.slot.service.info.public_name,
            label=i18n("model_choose"),
            info=i18n("model_choose_info"),
            allow_custom_value=True,
            scale=4,
            elem_id="model-choice",
        )
        load = gr.Button(i18n("model_load"), scale=1, elem_id="model-load")

    def change_model(given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        language, chosen = given[page.language], str(given[choice] or "")
        progress(0.1, desc=text("loading_model", language, model=chosen))

        def report(download: DownloadProgress) -> None:
            told = download.sentence(page.language_now(given))
            progress((download.done, download.total), desc=told)

        service = page.slot.change(chosen, [root] if root else [], report)
        language = page.language_now(given)
        gr.Info(text("model_loaded", language, model=html.escape(service.info.public_name)))
        return {
            page.model_told: told(page.slot),
            about: model_table(service, language),
        }

    load.click(
        shows_errors(change_model, page.language_now),
        {choice, page.language, page.spoken},
        [page.model_told, about],
        api_visibility="private",
        concurrency_limit=1,
    )


def told(slot: ModelSlot) -> dict[str, Any]:
    """What the header says of the model, in both languages; `clipApp.model` shows it."""
    info = slot.service.info
    state = "loading" if slot.awaited else "starter" if info.is_starter else "ready"
    chip = {one: [info.public_name, ""] for one in LANGUAGES}
    if info.is_starter:
        chip = {one: [text("starter_title", one), text("chip_better", one)] for one in LANGUAGES}
    if slot.awaited and slot.progress:
        share = f"{100 * slot.progress.done // max(slot.progress.total, 1)} %"
        chip = {one: [chip[one][0], text("chip_loading", one, share=share)] for one in LANGUAGES}
    return {
        "state": state,
        "chip": chip,
        "line": {one: _to_come(slot, one) for one in LANGUAGES},
    }


def _to_come(slot: ModelSlot, language: Language) -> str:
    """How far the model is that is to take over by itself, or what keeps it; "" if none is."""
    awaited, progress, trouble = slot.awaited, slot.progress, slot.trouble
    if awaited:
        if progress and progress.done == progress.total:
            return text("starter_ending", language, better=awaited.name)
        download = progress.sentence(language) if progress else awaited.name
        return text("starter_meanwhile", language, download=download)
    if trouble and trouble.key in ("download_interrupted", "hub_unreachable"):
        return text("starter_again", language, better=trouble.params["model"])
    return trouble.public_message(language) if trouble else ""


def model_table(service: ModelService, language: Language) -> str:
    """What is known of the model that answers, as an HTML table."""
    info = service.info
    rows = {
        "model_name": info.public_name,
        "model_device": info.device,
        "model_precision": info.precision,
        "model_image_size": " × ".join(map(str, info.image_size)),
        "model_embedding": str(info.embedding_size),
        "model_parameters": f"{info.parameters / 1e6:.1f} M",
        "model_scoring": info.scoring,
        "model_languages": " + ".join(info.languages) if info.languages else "?",
    }
    return facts_table(rows, language)


def presets_table(language: Language) -> str:
    """The presets with what a person needs to choose one, as an HTML table."""
    keys = ("name", "languages", "download", "imagenet", "chinese", "scoring", "licence")
    rows = (
        (
            preset.key,
            " + ".join(preset.languages),
            preset.download_size,
            "–" if preset.imagenet is None else f"{preset.imagenet} %",
            "–" if preset.chinese is None else f"{preset.chinese} %",
            preset.scoring,
            preset.licence,
        )
        for preset in PRESETS.values()
    )
    return catalog_table([f"model_{key}" for key in keys], rows, language)


def metrics_table(language: Language) -> str:
    """How long each step has taken in this process, as an HTML table."""
    keys = ("step", "count", "mean", "median", "p95")
    rows = (
        (
            step,
            f"{times.count:,}",
            f"{times.mean_ms:.1f}",
            f"{times.median_ms:.1f}",
            f"{times.p95_ms:.1f}",
        )
        for step, times in steps.times().items()
    )
    return catalog_table([f"metrics_{key}" for key in keys], rows, language)
