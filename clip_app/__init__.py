"""clip_app: open-vocabulary vision with CLIP, in a page, a terminal, an API and Python.

>>> import clip_app
>>> model = clip_app.load_model("starter")
>>> clip_app.classify(model, "assets/examples/cat.jpg", ["cat", "dog"]).results[0].label
'cat'

The names below are loaded when they are first used: importing the package takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_HOME = {
    "ClipAppError": "clip_app.errors",
    "Classes": "clip_app.tasks.classes",
    "Classification": "clip_app.tasks.classify",
    "Concept": "clip_app.tasks.concepts",
    "ConceptStore": "clip_app.tasks.concept_files",
    "Evaluation": "clip_app.tasks.evaluate",
    "Gallery": "clip_app.gallery.gallery",
    "Heatmap": "clip_app.tasks.heatmap",
    "LabelScore": "clip_app.tasks.classify",
    "ModelService": "clip_app.model.service",
    "SearchHit": "clip_app.gallery.search",
    "Sorted": "clip_app.sorting.acts",
    "TextScore": "clip_app.tasks.match",
    "classes_from_labels": "clip_app.tasks.classes",
    "classify": "clip_app.tasks.classify",
    "classify_features": "clip_app.tasks.classify",
    "evaluate": "clip_app.tasks.evaluate",
    "heatmap": "clip_app.tasks.heatmap",
    "learn_concept": "clip_app.tasks.concepts",
    "load_model": "clip_app.model.slot",
    "match": "clip_app.tasks.match",
    "open_gallery": "clip_app.gallery.gallery",
    "read_concepts": "clip_app.tasks.concept_files",
    "sort": "clip_app.sorting.acts",
    "tag": "clip_app.sorting.acts",
    "undo": "clip_app.sorting.acts",
    "write_concepts": "clip_app.tasks.concept_files",
}

__all__ = [
    "Classes",
    "Classification",
    "ClipAppError",
    "Concept",
    "ConceptStore",
    "Evaluation",
    "Gallery",
    "Heatmap",
    "LabelScore",
    "ModelService",
    "SearchHit",
    "Sorted",
    "TextScore",
    "classes_from_labels",
    "classify",
    "classify_features",
    "evaluate",
    "heatmap",
    "learn_concept",
    "load_model",
    "match",
    "open_gallery",
    "read_concepts",
    "sort",
    "tag",
    "undo",
    "write_concepts",
]

if TYPE_CHECKING:
    from clip_app.errors import ClipAppError
    from clip_app.gallery.gallery import Gallery, open_gallery
    from clip_app.gallery.search import SearchHit
    from clip_app.model.service import ModelService
    from clip_app.model.slot import load_model
    from clip_app.sorting.acts import Sorted, sort, tag, undo
    from clip_app.tasks.classes import Classes, classes_from_labels
    from clip_app.tasks.classify import Classification, LabelScore, classify, classify_features
    from clip_app.tasks.concept_files import ConceptStore, read_concepts, write_concepts
    from clip_app.tasks.concepts import Concept, learn_concept
    from clip_app.tasks.evaluate import Evaluation, evaluate
    from clip_app.tasks.heatmap import Heatmap, heatmap
    from clip_app.tasks.match import TextScore, match


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
