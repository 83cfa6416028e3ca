"""The endpoints of the API (and of MCP): /classify, /match, /search, /index_status, /health."""

from typing import Any

import gradio as gr

from clip_app.server.endpoints import Endpoints
from clip_app.ui.errors import answers_errors
from clip_app.ui.photo import Photo


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
        answer = gr.JSON(label="answer")
        ask_classify, ask_match, ask_search = gr.Button(), gr.Button(), gr.Button()
    ask_classify.click(
        answers_errors(endpoints.classify),
        [image, labels, template, top_k],
        answer,
        api_name="classify",
    )
    ask_match.click(
        answers_errors(endpoints.match), [image, descriptions], answer, api_name="match"
    )
    ask_search.click(
        answers_errors(endpoints.search),
        [text, image, exclude, number, literal],
        answer,
        api_name="search",
    )
    gr.api(answers_errors(endpoints.index_status), api_name="index_status", queue=False)
    gr.api(answers_errors(endpoints.health), api_name="health", queue=False)
