"""The labels as chips, with ready-made sets beside them; its value is their text."""

from typing import Any

import gradio as gr

from clip_app.model.slot import ModelSlot
from clip_app.prompts import label_sets
from clip_app.strings import LANGUAGES
from clip_app.text_lists import merged, split_labels
from clip_app.ui.examples import load_examples
from clip_app.ui.i18n import in_both
from clip_app.ui.parts import part

#: The set by which the first photograph of a visitor's own is judged.
FIRST_SET = "everyday"

# Below this share of right answers a set says so.
_POOR = 0.6

_WORDS = (
    *("labels", "label_sets", "label_sets_named", "set_poor", "sets_poor", "set_last"),
    *("chips_first", "chips_more", "chip_edit", "chip_remove", "chips_set", "chips_many"),
    *("chips_as_text", "chips_as_chips", "chips_cleared", "replaced", "undo"),
    *("example_words", "example_offers", "example_take"),
)


class LabelChips(gr.HTML):
    """Chips; handlers get the text of all of them, as `clip_app.prompts.parse_labels` reads it.

    It asks for an answer by `submit`, once typing has stopped; the value is there at once.
    """

    is_template = True

    def preprocess(self, payload: Any) -> str:
        """What is typed; whatever else was sent is nothing."""
        return payload if isinstance(payload, str) else ""


def label_chips(slot: ModelSlot, elem_id: str, *, alone: bool = False) -> LabelChips:
    """Lay them out; `slot` has the model whose weak sets are marked.

    Those that are `alone` begin empty, and neither the address nor the photograph is about them.
    """

    def split_typed(typed: str) -> list[str]:
        """What a pasted text holds, for the chips."""
        return merged(split_labels(typed)) if isinstance(typed, str) else []

    def poor_sets(_: Any = None) -> list[str]:
        """Keys of the sets that the model in use was measured to be poor at."""
        sets = label_sets().values() if slot.service.info.is_starter else ()
        return [one.key for one in sets if one.starter is not None and one.starter < _POOR]

    return LabelChips(
        "",
        elem_id=elem_id,
        apply_default_css=False,
        server_functions=[split_typed, poor_sets],
        name=elem_id,
        alone=alone,
        words=in_both(_WORDS),
        sets=[
            {"key": one.key, "names": one.names, "labels": one.labels}
            for one in label_sets().values()
        ],
        examples=[
            {
                "name": one.name,
                "labels": {spoken: split_labels(one.labels[spoken]) for spoken in LANGUAGES},
            }
            for one in load_examples()
        ],
        first=FIRST_SET,
        **part("basics", "chip_words", "chip_list", "chips"),
    )
