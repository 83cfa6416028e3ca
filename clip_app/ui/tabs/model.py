"""The tab 模型: what answers now, what else there is, and changing it where that is allowed."""

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from clip_app.errors import ClipAppError, DownloadError, HubUnreachableError, UnknownModelError
from clip_app.metrics import steps
from clip_app.model.catalog import (
    DEFAULT_PRESET,
    PRESETS,
    STARTER_GFLOPS,
    Preset,
    local_models,
)
from clip_app.model.download_progress import DownloadProgress
from clip_app.model.service import ModelService
from clip_app.model.slot import ModelSlot
from clip_app.strings import LANGUAGES, STRINGS, Language, text
from clip_app.ui.api import api_told
from clip_app.ui.errors import shows_errors
from clip_app.ui.html import catalog_table, facts_table, model_called
from clip_app.ui.i18n import i18n
from clip_app.ui.parts import part
from clip_app.ui.shell import carrier
from clip_app.ui.tab import PRIVATE, Follows, Page, Room, Step, Values

KEY = "model"

# How often an open page asks how far a download is, and whether one that broke off goes on.
_DOWNLOAD_SECONDS, _AGAIN_SECONDS = 2, 10


def build(page: Page, room: Room) -> Follows:
    """Lay out the tab and connect it."""
    said = gr.HTML(elem_id="model-said")
    models = gr.HTML(elem_id="model-catalog", **part("basics", "models"))
    about = gr.HTML(elem_id="model-about", render=False)
    if page.settings.visitors_may_change_model:
        _build_choice(page, models, said, about)
    about.render()
    with gr.Accordion(i18n("metrics"), open=False, elem_id="metrics") as opener:
        metrics = gr.HTML(elem_id="metrics-table")
    with gr.Accordion(i18n("api"), open=False, elem_id="api"):
        both = (api_told(language, page.settings.mcp) for language in LANGUAGES)
        gr.HTML("".join(both), elem_id="api-told", **part("api"))

    def measured(given: Values) -> Values:
        language = given[page.language]
        return {metrics: metrics_table(language), models: rows(page, language)}

    gr.on(
        [room.select, opener.expand],
        measured,
        {page.language},
        [metrics, models],
        **PRIVATE,
    )

    def words(given: Values) -> Values:
        language = given[page.language]
        return {about: model_table(page.slot.service, language), models: rows(page, language)}

    following = Step(words, {page.language}, [about, models])
    if may_change(page):
        _follow_model(page, following)
    return Follows(following)


def may_change(page: Page) -> bool:
    """Whether another visitor, or a download that is done, may put another model in place."""
    return page.settings.visitors_may_change_model or page.slot.takes_over


def _follow_model(page: Page, words: Step) -> None:
    """Let every page name the model that answers now, and say how far a download is.

    Its script asks while that may change by itself, and else when a visitor does something.
    """

    def model_now(_: Any) -> dict[str, Any]:
        return told(page.slot)

    now = carrier("model-now", part("model_now")["js_on_load"], asks=[model_now])
    now.other(
        words.run,
        words.inputs,
        words.outputs,
        queue=False,
        **PRIVATE,
    )


def _build_choice(page: Page, models: gr.HTML, said: gr.HTML, about: gr.HTML) -> None:
    """Let visitors choose a row, or type what no row has."""
    root = page.settings.model_root
    with gr.Row(elem_id="model-other"):
        choice = gr.Dropdown(
            [one.name for one in local_models(root)],
            value="",
            label=i18n("model_choose"),
            info=i18n("model_choose_info"),
            allow_custom_value=True,
            scale=4,
            elem_id="model-choice",
        )
        load = gr.Button(i18n("model_load"), scale=0, elem_id="model-load")

    def change(given: Values, chosen: str, progress: gr.Progress) -> Values:
        progress(0.1, desc=text("loading_model", given[page.language], model=chosen))

        def report(download: DownloadProgress) -> None:
            told = download.sentence(page.language_now(given))
            progress((download.done, download.total), desc=told)

        try:
            service = page.slot.change(chosen, [root] if root else [], report)
        except ClipAppError as error:
            told_of = _in_both(partial(_trouble, error), "notice")
            return {said: told_of, models: rows(page, page.language_now(given))}
        name = service.info.public_name
        return {
            said: _in_both(lambda language: text("model_loaded", language, model=name)),
            page.model_told: told(page.slot),
            models: rows(page, page.language_now(given)),
            about: model_table(service, page.language_now(given)),
        }

    def change_to_typed(given: Values, progress: gr.Progress = gr.Progress()) -> Values:
        return change(given, str(given[choice] or "").strip(), progress)

    def change_to_row(
        given: Values, event: gr.EventData, progress: gr.Progress = gr.Progress()
    ) -> Values:
        return change(given, str(event._data["name"]), progress)

    for event, handler in ((load.click, change_to_typed), (models.choose, change_to_row)):
        event(
            shows_errors(handler, page.language_now),
            {choice, page.language, page.spoken},
            [said, page.model_told, models, about],
            api_visibility="private",
            concurrency_limit=1,
            concurrency_id="model",
            show_progress_on=[said],
        )


def _trouble(error: ClipAppError, language: Language) -> str:
    """Why a model could not be loaded, and what to do about it."""
    if isinstance(error, UnknownModelError):
        return text("model_not_listed", language)
    sentence = error.public_message(language)
    if isinstance(error, HubUnreachableError | DownloadError):
        sentence += ("" if language == "zh" else " ") + text("model_mirror", language)
    return sentence


def _in_both(say: Callable[[Language], str], look: str = "") -> str:
    """A sentence that is announced, as HTML: the page shows the language that it is in."""
    spoken = (f'<span class="{one}">{html.escape(say(one))}</span>' for one in LANGUAGES)
    return f'<p role="status" class="{look}">{"".join(spoken)}</p>'


def told(slot: ModelSlot) -> dict[str, Any]:
    """What the header says of the model, in both languages; `clipApp.model` shows it.

    `again` is after how many seconds that may be otherwise by itself, 0 where it stays as it is.
    """
    info = slot.service.info
    state = "loading" if slot.awaited else "starter" if info.is_starter else "ready"
    chip = {
        one: [model_called(info, one), text("chip_better", one) if info.is_starter else ""]
        for one in LANGUAGES
    }
    if slot.awaited and slot.progress:
        share = f"{100 * slot.progress.done // max(slot.progress.total, 1)} %"
        chip = {one: [chip[one][0], text("chip_loading", one, share=share)] for one in LANGUAGES}
    again = _DOWNLOAD_SECONDS if slot.awaited else _AGAIN_SECONDS if slot.takes_over else 0
    line = {one: to_come(slot, one) for one in LANGUAGES}
    return {"name": info.public_name, "again": again, "state": state, "chip": chip, "line": line}


def to_come(slot: ModelSlot, language: Language) -> str:
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


def rows(page: Page, language: Language) -> dict[str, Any]:
    """The models to choose from, for `assets/page/models.js`; the recommended one comes first."""
    now = page.slot.service.info
    use = text("model_use", language) if page.settings.visitors_may_change_model else ""

    def row(name: str, title: str, facts: str) -> dict[str, Any]:
        answers, recommended = now.public_name == name, name == DEFAULT_PRESET
        marks = ["model_now"] * answers + ["model_recommended"] * recommended
        return {
            "name": name,
            "title": title,
            "facts": " · ".join((facts, *_speed(language))) if answers else facts,
            "marks": [text(mark, language) for mark in marks],
            "now": answers,
            "recommended": recommended,
            "use": "" if answers else use,
        }

    presets = sorted(PRESETS.values(), key=lambda one: one.key != DEFAULT_PRESET)
    starter = row("starter", text("starter_title", language), text("starter_facts", language))
    listed = [row(one.key, one.key, _facts(one, language)) for one in presets]
    listed.insert(1, starter)
    if not any(one["now"] for one in listed):  # one of a folder or of the hub
        listed.insert(0, row(now.public_name, now.public_name, now.title))
    return {"models": listed}


def _speed(language: Language) -> list[str]:
    """What the model that answers has needed for a photograph in this process, if for any."""
    measured = steps.times().get("encode images")
    if not measured:
        return []
    return [text("model_measured", language, time=f"{measured.median_ms:.0f}")]


def _facts(preset: Preset, language: Language) -> str:
    facts = [
        text(f"reads_{'_'.join(preset.languages)}", language),
        text("model_size", language, size=preset.download_size),
    ]
    times = preset.gflops / STARTER_GFLOPS
    facts.append(text("model_computing", language, times=f"{times:,.0f}"))
    if preset.imagenet is not None:
        facts.append(text("model_imagenet", language, share=f"{preset.imagenet:.1f}"))
    if preset.chinese is not None:
        facts.append(text("model_chinese", language, share=f"{preset.chinese:.1f}"))
    licence = _in_words("licence", preset.licence, language)
    facts.append(text("model_licence", language, licence=licence))
    return " · ".join(facts)


def _in_words(kind: str, name: str, language: Language) -> str:
    """What the code calls `name`, in words of `language` where there are any."""
    key = f"{kind} {name}"
    return text(key, language) if key in STRINGS else name


def model_table(service: ModelService, language: Language) -> str:
    """What is known of the model that answers, as an HTML table."""
    info = service.info
    read = f"reads_{'_'.join(info.languages)}" if info.languages else "reads_unknown"
    facts = {
        "model_name": info.public_name,
        "model_device": info.device,
        "model_precision": info.precision,
        "model_image_size": " × ".join(map(str, info.image_size)),
        "model_embedding": str(info.embedding_size),
        "model_parameters": f"{info.parameters / 1e6:.1f} M",
        "model_scoring": info.scoring,
        "model_languages": text(read, language),
    }
    return facts_table("model_answers", facts, language)


def metrics_table(language: Language) -> str:
    """How long each step has taken in this process, as an HTML table."""
    keys = ("step", "count", "mean", "median", "p95")
    times = (
        (
            _in_words("step", step, language),
            f"{one.count:,}",
            f"{one.mean_ms:.1f}",
            f"{one.median_ms:.1f}",
            f"{one.p95_ms:.1f}",
        )
        for step, one in steps.times().items()
    )
    return catalog_table([f"metrics_{key}" for key in keys], times, language)
