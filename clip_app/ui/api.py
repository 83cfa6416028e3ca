"""The endpoints of the API (and of MCP).

/classify, /teach, /match, /heatmap, /search, /duplicates, /odd, /index_status, /health.
"""

import html
from typing import Any

import gradio as gr

from clip_app.gallery.similar import NEAR
from clip_app.server.endpoints import Endpoints
from clip_app.strings import Language, text
from clip_app.tasks.concepts import ALPHA
from clip_app.ui.errors import answers_errors
from clip_app.ui.photo import Photo

# `.here` is filled by `assets/page/api.js`.
_SAMPLE = """from gradio_client import Client, handle_file

client = Client("<span class="here"></span>")
photo = handle_file("cat.jpg")
client.predict(photo, "{labels}", "auto", 0, api_name="/classify")
client.predict(photo, "{texts}", api_name="/match")

searcher = Client("<span class="here"></span>", download_files=False)
searcher.predict("{query}", None, "", 20, api_name="/search")
"""


class Count(gr.Number):
    """A number whose handler gets what was sent, to say itself what is wrong with it."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """What was sent."""
        return payload


def build_api(endpoints: Endpoints) -> None:
    """Register them; they have no place in the page."""
    with gr.Row(visible=False):
        image = Photo(label="image")
        labels = gr.Textbox(label="labels")
        template = gr.Textbox("auto", label="template")
        top_k = Count(0, label="top_k")
        descriptions = gr.Textbox(label="descriptions")
        text = gr.Textbox("", label="text")
        exclude = gr.Textbox("", label="exclude")
        number = Count(20, label="top_k")
        literal = gr.Checkbox(False, label="literal")
        concepts = gr.Textbox("", label="concepts")
        name = gr.Textbox(label="name")
        images = gr.File(label="images", file_count="multiple")
        without = gr.File(label="without", file_count="multiple")
        alpha = Count(ALPHA, label="alpha")
        looked_for = gr.Textbox(label="text")
        against = gr.Textbox("", label="against")
        near = Count(NEAR, label="near")
        of_each = Count(10, label="number")
        answer = gr.JSON(label="answer")
        ask_classify, ask_teach, ask_match, ask_search = (gr.Button() for _ in range(4))
        ask_heatmap, ask_duplicates, ask_odd = (gr.Button() for _ in range(3))
    ask_classify.click(
        answers_errors(endpoints.classify),
        [image, labels, template, top_k, concepts],
        answer,
        api_name="classify",
    )
    ask_teach.click(
        answers_errors(endpoints.teach), [name, images, without, alpha], answer, api_name="teach"
    )
    ask_match.click(
        answers_errors(endpoints.match), [image, descriptions], answer, api_name="match"
    )
    ask_search.click(
        answers_errors(endpoints.search),
        [text, image, exclude, number, literal, concepts],
        answer,
        api_name="search",
    )
    ask_heatmap.click(
        answers_errors(endpoints.heatmap),
        [image, looked_for, against, template],
        answer,
        api_name="heatmap",
    )
    ask_duplicates.click(
        answers_errors(endpoints.duplicates), [near], answer, api_name="duplicates"
    )
    ask_odd.click(answers_errors(endpoints.odd), [of_each], answer, api_name="odd")
    gr.api(answers_errors(endpoints.index_status), api_name="index_status", queue=False)
    gr.api(answers_errors(endpoints.health), api_name="health", queue=False)


def api_told(language: Language, mcp: bool) -> str:
    """How a program calls the endpoints, with the words of `language`, as HTML."""
    words = {key: html.escape(text(f"api_{key}", language)) for key in ("labels", "texts", "query")}
    told = (
        f"<p>{html.escape(text('api_how', language))}</p>"
        f'<pre tabindex="0"><code>{_SAMPLE.format(**words)}</code></pre>'
        f'<p><a href="gradio_api/info">{html.escape(text("api_all", language))}</a></p>'
    )
    if mcp:
        told += (
            f"<p>{html.escape(text('api_mcp', language))} "
            '<code><span class="here"></span>gradio_api/mcp/</code></p>'
        )
    return f'<div class="{language}">{told}</div>'
