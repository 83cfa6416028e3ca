"""The one line that names a better model for English, quietly and once a visit."""

from collections.abc import Sequence

from clip_app.model.catalog import PRESETS, better_for_english
from clip_app.model.service import ModelService
from clip_app.prompts import all_english
from clip_app.strings import Language, text
from clip_app.ui.examples import is_example
from clip_app.ui.tab import Page, Values


def english_advice(
    page: Page, service: ModelService, typed: str, texts: Sequence[str], given: Values
) -> tuple[str, Values]:
    """The line, empty where it has no place, and what to remember of it in the page.

    It stands with the first English texts of a visitor's own for as long as these are asked, for
    other photographs or in the page's other language, and never comes back with other texts.

    Args:
        typed: the content of the field.
        texts: what was read from it.
        given: the handler's values, with those of `page.advised` and `page.language`.
    """
    preset = PRESETS.get(service.info.name)
    better = better_for_english(preset) if preset else None
    fits = all_english(texts) and not is_example(typed) and given[page.advised] in ("", typed)
    if not (preset and better and fits):
        return "", {}
    language: Language = given[page.language]
    sentence = text(
        "english_better",
        language,
        better=better.key,
        theirs=better.imagenet,
        ours=preset.imagenet,
    )
    if page.settings.visitors_may_change_model:
        space = "" if language == "zh" else " "
        sentence += space + text("english_better_choose", language)
    return sentence, {page.advised: typed}
