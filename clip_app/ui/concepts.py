"""What the model was taught in the page, and where it is kept.

On one's own machine that is the data folder, as in the terminal. Where others reach the page, or
ask for a password, each visitor has a private folder that nobody else sees and that goes with the
session.
"""

import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from clip_app.model.service import ModelService
from clip_app.settings import Settings
from clip_app.tasks.concept_files import ConceptStore
from clip_app.tasks.concepts import Concept

# Of one visitor; with twenty thumbnails each they take some 10 MB.
_MOST_OF_A_VISITOR = 100


@dataclass
class Visit:
    """What belongs to one visitor: every session gets a copy of its own of an empty one."""

    _folder: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """A folder whose name nobody can guess; it is made when something is kept there."""
        if not self._folder:
            self._folder.append(Path(get_upload_folder()) / secrets.token_hex(16))
        return self._folder[0]

    def close(self) -> None:
        """Remove all; called when the visitor has left."""
        for folder in self._folder:
            shutil.rmtree(folder, ignore_errors=True)


class PageConcepts:
    """The concepts of whoever looks at the page; made where the page is laid out.

    Attributes:
        shared: whether each visitor has concepts of their own, for the visit.
        visit: a `Visit` of each visitor, among the inputs of every handler that asks for concepts.
    """

    def __init__(self, settings: Settings) -> None:
        self._index_dir = settings.index_dir
        self.shared = not settings.is_personal or settings.auth is not None
        self.visit = gr.State(Visit(), delete_callback=Visit.close)

    def store(self, given: Mapping[Any, Any], service: ModelService) -> ConceptStore:
        """Where this visitor's concepts of a model are; `given` has the value of `visit`."""
        fingerprint = service.info.fingerprint
        if self.shared:
            return ConceptStore(given[self.visit].folder, fingerprint, most=_MOST_OF_A_VISITOR)
        return ConceptStore(self._index_dir, fingerprint)

    def named(
        self, given: Mapping[Any, Any], service: ModelService, texts: Iterable[str]
    ) -> tuple[Concept, ...]:
        """Those that texts name with an @ before: labels, terms of a query."""
        return self.store(given, service).named(texts)
