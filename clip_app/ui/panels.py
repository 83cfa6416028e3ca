"""The result as classifying and matching show it alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from clip_app.strings import Language, text
from clip_app.ui.html import percent
from clip_app.ui.i18n import i18n
from clip_app.ui.tab import Values


@dataclass(frozen=True)
class ResultPanel:
    """A sentence, bars, and a table with the raw numbers."""

    sentence: gr.HTML
    bars: gr.Label
    table: gr.Dataframe

    @property
    def outputs(self) -> list[Any]:
        """The components."""
        return [self.sentence, self.bars, self.table]

    def filled(
        self,
        sentence: str,
        column: str,
        results: Iterable[tuple[str, float, float]],
        language: Language,
    ) -> Values:
        """What the panel shows of (name, score, similarity), `column` naming the first.

        `sentence` is HTML.
        """
        shown = list(results)
        keys = (column, "column_score", "column_similarity")
        return {
            self.sentence: sentence,
            self.bars: {name: score for name, score, _ in shown},
            self.table: {
                "headers": [text(key, language) for key in keys],
                "data": [[name, percent(score), f"{cosine:.3f}"] for name, score, cosine in shown],
            },
        }


def result_panel(name: str, sentence_id: str) -> ResultPanel:
    """The result of the tab `name`."""
    return ResultPanel(
        gr.HTML(elem_id=sentence_id),
        gr.Label(label=i18n("result"), elem_id=f"{name}-bars"),
        gr.Dataframe(
            label=i18n("all_scores"),
            interactive=False,
            datatype="str",
            wrap=True,
            max_height=320,
            elem_id=f"{name}-table",
        ),
    )
