"""The tab 图库搜索: index a folder of photographs and search it by words, pictures, or both."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from clip_app.errors import ImageError
from clip_app.gallery.galleries import EXAMPLES
from clip_app.gallery.query import in_quotes
from clip_app.gallery.search import MAX_TOP_K
from clip_app.images import FORMATS
from clip_app.strings import STRINGS, Language, text
from clip_app.ui.downloads import download_button
from clip_app.ui.errors import shows_errors
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Page
from clip_app.ui.tabs.gallery.index import build_index_part
from clip_app.ui.tabs.gallery.search import (
    PAGE,
    Asked,
    Hint,
    Shown,
    exports,
    facts,
    find,
    headline,
    original,
    pictures,
)

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}


KEY = "gallery"


def build(page: Page, tab: gr.Tab) -> None:
    """Lay out the tab and connect it to the model and the galleries."""
    slot, galleries, language = page.slot, page.galleries, page.language
    shown = gr.State(Shown())
    chosen = gr.State(-1)
    with gr.Row():
        with gr.Column(scale=4, min_width=300):
            below = gr.Dropdown(
                [],
                label=i18n("gallery_below"),
                allow_custom_value=True,
                render=False,
                elem_id="gallery-below",
            )
            index = build_index_part(slot, galleries, language, below)
            query = gr.Textbox(
                label=i18n("gallery_query"),
                info=i18n("gallery_query_info"),
                placeholder=i18n("gallery_query_placeholder"),
                elem_id="gallery-query",
            )
            images = gr.Gallery(
                label=i18n("gallery_images"),
                interactive=True,
                sources=["upload", "clipboard"],
                columns=4,
                fit_columns=False,
                height=170,
                object_fit="contain",
                elem_id="gallery-images",
            )
            with gr.Accordion(i18n("gallery_filters"), open=False, elem_id="gallery-filters"):
                exclude = gr.Textbox(
                    label=i18n("gallery_exclude"),
                    placeholder=i18n("gallery_exclude_placeholder"),
                    elem_id="gallery-exclude",
                )
                image_weight = gr.Slider(
                    0.1, 3, value=1, step=0.1, label=i18n("gallery_image_weight")
                )
                top_k = gr.Slider(
                    1,
                    MAX_TOP_K,
                    value=48,
                    step=1,
                    label=i18n("gallery_top_k"),
                    elem_id="gallery-top-k",
                )
                below.render()
                types = gr.Dropdown(list(FORMATS), multiselect=True, label=i18n("gallery_types"))
                with gr.Row():
                    taken_from = gr.DateTime(
                        include_time=False,
                        label=i18n("gallery_from"),
                        info=i18n("gallery_date_info"),
                    )
                    taken_until = gr.DateTime(
                        include_time=False,
                        label=i18n("gallery_until"),
                        info=i18n("gallery_date_info"),
                    )
            show_all = gr.Checkbox(False, label=i18n("gallery_show_all"), elem_id="gallery-all")
            button = gr.Button(i18n("gallery_search"), variant="primary", elem_id="gallery-search")
        with gr.Column(scale=7, min_width=300):
            verdict = gr.HTML(elem_id="gallery-verdict")
            literally = gr.Button(
                i18n("gallery_literally"), size="sm", visible=False, elem_id="gallery-literally"
            )
            with gr.Group(visible=False, elem_id="gallery-detail") as detail:
                picture = gr.Image(
                    show_label=False, type="filepath", height=420, elem_id="gallery-picture"
                )
                about = gr.HTML(elem_id="gallery-facts")
                with gr.Row():
                    more = gr.Button(i18n("gallery_more"), elem_id="gallery-more", min_width=100)
                    less = gr.Button(i18n("gallery_less"), elem_id="gallery-less", min_width=100)
                    download = download_button("gallery_download", "gallery-download")
                    close = gr.Button(i18n("gallery_close"), elem_id="gallery-close", min_width=80)
            results = gr.Gallery(
                label=i18n("gallery_results"),
                show_label=False,
                columns=4,
                height="auto",
                allow_preview=False,
                interactive=False,
                object_fit="contain",
                fit_columns=False,
                buttons=[],
                elem_id="gallery-results",
            )
            with gr.Row(visible=False, elem_id="gallery-pages") as pager:
                previous = gr.Button(i18n("gallery_previous"), min_width=80)
                page_line = gr.HTML(elem_id="gallery-page")
                following = gr.Button(
                    i18n("gallery_next"), elem_id="gallery-next-page", min_width=80
                )
            with gr.Row():
                clear = gr.Button(i18n("gallery_clear"), visible=False, elem_id="gallery-clear")
                as_csv = download_button("download_csv", "gallery-csv")
                as_json = download_button("download_json", "gallery-json")

    form = [
        index.folder,
        query,
        exclude,
        images,
        image_weight,
        top_k,
        show_all,
        below,
        types,
        taken_from,
        taken_until,
    ]
    panel = [verdict, literally, results, pager, page_line, clear, detail]
    downloads = [as_csv, as_json]

    def render(now: Shown, own: Path | None, language: Language) -> list[Any]:
        return [
            headline(slot, now, language),
            gr.update(visible=now.interpreted),
            gr.update(
                value=pictures(galleries, now, galleries.roots_of(own), language),
                selected_index=None,
            ),
            gr.update(visible=now.pages > 1),
            f'<p class="page">'
            f"{text('gallery_page', language, page=now.page + 1, pages=now.pages)}</p>",
            gr.update(visible=bool(now.hints)),
            gr.update(visible=False),
        ]

    def run(now: Shown, own: Path | None, language: Language, *fields: Any) -> list[Any]:
        found = find(slot, galleries, Asked(*fields), own, now)
        return [
            found,
            *render(found, own, language),
            *exports(slot.service, galleries, found, own, language),
        ]

    def turn(step: int) -> Any:
        def turned(now: Shown, own: Path | None, language: Language) -> list[Any]:
            page = min(max(now.page + step, 0), now.pages - 1)
            now = replace(now, page=page)
            return [now, *render(now, own, language)]

        return turned

    def switch(now: Shown, show_all: bool, own: Path | None, language: Language) -> list[Any]:
        now = replace(now, show_all=show_all, page=0)
        return [
            now,
            *render(now, own, language),
            *exports(slot.service, galleries, now, own, language),
        ]

    def select(now: Shown, own: Path | None, language: Language, event: gr.SelectData) -> list[Any]:
        number = int(event.index)
        hit = now.on_page[number]
        try:
            to_show, file = original(hit, galleries.roots_of(own))
        except ImageError as error:
            if error.key == "image_changed":
                galleries.library.distrust(hit.path)
            raise
        return [
            now.page * PAGE + number,
            gr.update(visible=True),
            to_show,
            facts(galleries, hit, own, language),
            gr.update(value=file, visible=True),
        ]

    def hint(liked: bool) -> Any:
        def hinted(now: Shown, chosen: int, language: Language) -> Shown:
            if not 0 <= chosen < len(now.hits):
                return now
            hit = now.hits[chosen]
            others = tuple(one for one in now.hints if one.hash != hit.hash)
            new = Hint(hit.hash, Path(hit.path).name, liked)
            return replace(now, hints=(*others, new))

        return hinted

    searched = [shown, *panel, *downloads]
    asked = [shown, index.own, language, *form]
    gr.on(
        [button.click, query.submit, exclude.submit],
        shows_errors(run),
        asked,
        searched,
        show_progress="minimal",
        trigger_mode="always_last",
        **_PRIVATE,
    )
    literally.click(in_quotes, query, query, show_progress="hidden", **_PRIVATE).then(
        shows_errors(run), asked, searched, show_progress="minimal", **_PRIVATE
    )
    for liked, control in ((True, more), (False, less)):
        control.click(shows_errors(hint(liked)), [shown, chosen, language], shown, **_PRIVATE).then(
            shows_errors(run), asked, searched, **_PRIVATE
        )
    clear.click(lambda now: replace(now, hints=()), shown, shown, **_PRIVATE).then(
        shows_errors(run), asked, searched, **_PRIVATE
    )
    for step, control in ((-1, previous), (1, following)):
        control.click(
            shows_errors(turn(step)),
            [shown, index.own, language],
            [shown, *panel],
            **_PRIVATE,
        )
    show_all.input(
        shows_errors(switch),
        [shown, show_all, index.own, language],
        searched,
        show_progress="hidden",
        **_PRIVATE,
    )
    results.select(
        shows_errors(select),
        [shown, index.own, language],
        [chosen, detail, picture, about, download],
        show_progress="minimal",
        **_PRIVATE,
    )
    close.click(lambda: gr.update(visible=False), None, detail, **_PRIVATE)

    def visit(now: Shown) -> Shown:
        return replace(now, visited=True)

    def refresh(now: Shown, folder: str | None, own: Path | None, language: Language) -> Any:
        # The language changes on every page that opens, mostly with this tab never looked at.
        if now.visited:
            return index.refresh(folder, own, language)
        return [gr.skip()] * len(index.followers)

    def first_search(now: Shown, own: Path | None, language: Language, *fields: Any) -> list[Any]:
        """On the example photographs there is something to see before anything is typed."""
        if not now.visited:
            return [gr.skip()] * (1 + len(searched))
        form = Asked(*fields)
        typed = (form.query or "").strip()
        untouched = not typed or typed in STRINGS["gallery_example_query"]
        on_examples = form.folder == str(EXAMPLES.resolve()) and not form.images
        if untouched and on_examples and galleries.prepared(slot.service):
            sample = text("gallery_example_query", language)
            return [sample, *run(now, own, language, form.folder, sample, *fields[2:])]
        return [gr.skip(), now, *render(now, own, language), *[gr.skip()] * len(downloads)]

    # Sub-folders, counts and sentences follow the chosen gallery, the visit to the tab, and the
    # language.
    visited = tab.select(visit, shown, shown, show_progress="hidden", **_PRIVATE)
    for follow in (visited.then, index.folder.input, language.change):
        follow(
            shows_errors(refresh),
            [shown, index.folder, index.own, language],
            index.followers,
            show_progress="hidden",
            **_PRIVATE,
        ).then(
            shows_errors(first_search),
            asked,
            [query, *searched],
            show_progress="hidden",
            **_PRIVATE,
        )
    # Gradio's own words in an upload area stay in the old language until it is drawn anew.
    language.input(
        lambda: gr.update(visible=False), None, images, show_progress="hidden", **_PRIVATE
    ).then(lambda: gr.update(visible=True), None, images, show_progress="hidden", **_PRIVATE)
