"""The labels and how they are asked for: what one image and many are classified by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.prompts import TEMPLATE_SETS
from clip_app.ui.i18n import i18n
from clip_app.ui.label_chips import LabelChips
from clip_app.ui.tab import PRIVATE, Values

#: Kinds of template; `templates_…` among the strings is what each is called.
TEMPLATE_CHOICES = ("auto", "none", "single", "clip7", "clip80", "chinese", "own")

_SCORINGS = ("softmax", "independent")

# Longer templates of one's own stay out of the page's address, as long lists of labels do.
_LONGEST_ADDRESS = 1500

_TO_ADDRESS = """(chosen, own, scoring) => window.clipApp.address.set({
  template: chosen !== "own" ? (chosen === "auto" ? "" : chosen) : own.length > LONGEST ? "" : own,
  scoring: scoring === "softmax" ? "" : scoring,
})""".replace("LONGEST", str(_LONGEST_ADDRESS))


@dataclass(frozen=True)
class Options:
    """Labels, the prompts they are put into, and the kind of score."""

    labels: LabelChips
    templates: gr.Dropdown
    own_templates: gr.Textbox
    scoring: gr.Radio

    @property
    def all(self) -> tuple[Any, ...]:
        """The components."""
        return (self.labels, self.templates, self.own_templates, self.scoring)

    @property
    def inputs(self) -> set[Any]:
        """The components, as handlers name them."""
        return set(self.all)

    def named(self, address: Mapping[str, str]) -> Values:
        """What the page's address says of templates and the kind of score.

        Templates of one's own stand in it as they are, one a line.
        """
        template, scoring = address.get("template", ""), address.get("scoring", "")
        own = {self.own_templates: template} if "{}" in template else {}
        known = template if template in TEMPLATE_SETS else "auto"
        return own | {
            self.templates: "own" if own else known,
            self.scoring: scoring if scoring in _SCORINGS else "softmax",
        }

    @property
    def changed(self) -> list[Any]:
        """The events after which another answer is wanted."""
        return [
            self.labels.submit,
            self.templates.input,
            self.own_templates.submit,
            self.own_templates.blur,
            self.scoring.input,
        ]

    def templates_of(self, given: Values) -> str:
        """The chosen templates, or those that were typed."""
        chosen: str = given[self.templates]
        return given[self.own_templates] if chosen == "own" else chosen

    def independent(self, given: Values) -> bool:
        """Whether each label is judged by itself."""
        return given[self.scoring] == "independent"


def build_options(labels: LabelChips) -> Options:
    """Lay out the options that go with `labels`, folded."""
    with gr.Accordion(i18n("options"), open=False, elem_id="classify-options"):
        templates = gr.Dropdown(
            [(i18n(f"templates_{choice}"), choice) for choice in TEMPLATE_CHOICES],
            value="auto",
            label=i18n("templates"),
            info=i18n("templates_info"),
            filterable=False,
            elem_id="templates",
        )
        own_templates = gr.Textbox(
            "a photo of a {}",
            label=i18n("own_templates"),
            visible=False,
            lines=2,
            elem_id="own-templates",
        )
        scoring = gr.Radio(
            [(i18n(f"scoring_{kind}"), kind) for kind in _SCORINGS],
            value="softmax",
            label=i18n("scoring"),
            elem_id="scoring",
        )
    templates.change(
        lambda choice: gr.update(visible=choice == "own"),
        templates,
        own_templates,
        **PRIVATE,
    )
    gr.on(
        [templates.input, own_templates.submit, own_templates.blur, scoring.input],
        None,
        [templates, own_templates, scoring],
        None,
        js=_TO_ADDRESS,
        api_visibility="private",
    )
    return Options(labels, templates, own_templates, scoring)
