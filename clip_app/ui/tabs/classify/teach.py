"""Teaching the model with a visitor's own photographs: the part 用我的例子教它 of the tab 图像分类.

What was taught goes to a carrier, which the chips and the search field read too: they are in the
page before this part is opened.
"""

import base64
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from clip_app.errors import ClipAppError, InputError
from clip_app.gallery.uploads import Upload
from clip_app.images import load_image
from clip_app.model.service import ModelService
from clip_app.tasks.classes import examples_gain
from clip_app.tasks.concept_files import ConceptStore, concepts_to_bytes, read_concepts
from clip_app.tasks.concepts import (
    ALPHA,
    MARKS,
    MOST_THUMBNAILS,
    Concept,
    concept_from_features,
    concept_name,
    key_of,
    small_copy,
)
from clip_app.text_lists import split_labels
from clip_app.ui.desk import Desk
from clip_app.ui.downloads import write_export
from clip_app.ui.i18n import i18n
from clip_app.ui.panel import errors_in_panel
from clip_app.ui.parts import PAGE, part
from clip_app.ui.shell import carrier
from clip_app.ui.tab import EACH, Page, Values
from clip_app.ui.tabs.classify.options import Options
from clip_app.ui.uploaded import uploaded
from clip_app.ui.words import SENDING, Both, said_in_both, words

log = logging.getLogger(__name__)

#: Photographs of one concept that the page takes, of what it is and of what it is not.
MOST = MOST_THUMBNAILS

# Thumbnails that go to the page for all concepts together, some 3 kB each.
_THUMBNAILS = 200


@dataclass
class Lesson:
    """What a visitor has laid down to teach, and what became of it.

    Attributes:
        examples, without: photographs of it, and of what it is taken for.
        named: what the photographs are to be called, where that was said elsewhere.
        error: what went wrong last.
        told: what the script is told of the last thing done, once.
        number: of the things done.
    """

    examples: Desk = field(default_factory=Desk)
    without: Desk = field(default_factory=Desk)
    named: str = ""
    error: ClipAppError | None = None
    told: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    def close(self) -> None:
        """Remove the thumbnails; called when the visitor has left."""
        self.examples.close()
        self.without.close()

    def change(self, asked: dict[str, Any]) -> None:
        """Do what the script asks with the photographs of the `which` that it names.

        Raises:
            InputError: if there are too many; those beyond are not kept.
        """
        desk = self.without if asked.get("which") == "without" else self.examples
        desk.change(asked)
        _tidied(desk)

    def lay(self, uploads: Sequence[Upload], name: str) -> None:
        """Put photographs of another part in the place of the examples, to be called `name`.

        Raises:
            InputError: if there are too many; those beyond are not kept.
        """
        self.named = name
        self.examples.uploads = list(uploads)
        _tidied(self.examples)

    def learn(self, service: ModelService, name: str, alpha: float) -> Concept:
        """The concept that lies here.

        Raises:
            InputError: if the name or `alpha` will not do, or there is no example.
            ImageError: if a photograph cannot be read.
            ModelError: if the device fails.
        """
        name = concept_name(name)
        away, _ = _encoded(self.without, service)
        features, pictures = _encoded(self.examples, service)
        thumbnails = [small_copy(load_image(one)) for one in pictures]
        return concept_from_features(
            service, name, features, away, alpha=alpha, thumbnails=thumbnails
        )


def _tidied(desk: Desk) -> None:
    # The same photograph twice would weigh twice.
    desk.uploads = list({_digest(one.path): one for one in reversed(desk.uploads)}.values())
    desk.uploads.reverse()
    if len(desk.uploads) > MOST:
        del desk.uploads[MOST:]
        raise InputError("teach_too_many", limit=MOST)


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:  # uploads are removed after a while
        return os.fsencode(path)


def _encoded(desk: Desk, service: ModelService) -> tuple[np.ndarray, list[str]]:
    """Features and pictures of all photographs that lie there."""
    photos = list(desk.encoded(service))
    for photo in photos:
        if photo.error is not None:
            raise photo.error
    rows = np.array([one.image_features for one in photos], np.float32)
    return rows, [one.kept for one in photos]


@dataclass(frozen=True)
class Teaching:
    """The handlers.

    Attributes:
        carrier: holds what was taught, for every script of the page.
    """

    page: Page
    options: Options
    lesson: gr.State
    panel: gr.HTML
    carrier: gr.HTML

    def connect(self) -> None:
        """Let the script's events have their answers."""
        page = self.page
        given = {self.lesson, page.language, page.concepts.visit} | self.options.inputs
        doings: dict[str, Callable[[Values, dict[str, Any]], None]] = {
            "photos": self.photos,
            "teach": self.teach,
            "rename": self.rename,
            "forget": self.forget,
            "export": self.export,
            "take": self.take_in,
            "opened": lambda given, sent: None,
        }
        for name, doing in doings.items():
            getattr(self.panel, name)(
                self.answering(doing),
                given,
                [self.panel, self.carrier],
                **EACH,
            )

    def answering(self, doing: Callable[[Values, dict[str, Any]], None]) -> Any:
        """The handler that does it and says what became of it, whatever goes wrong."""

        def answered(given: Values, sent: Any) -> Iterator[Values]:
            lesson: Lesson = given[self.lesson]
            with lesson.examples.lock:
                lesson.error, lesson.told = None, {}
                lesson.number += 1
                try:
                    doing(given, sent if isinstance(sent, dict) else {})
                except ClipAppError as error:
                    log.info("%s: %s", type(error).__name__, error)
                    lesson.error = error
                shown = {self.panel: self.shown(given)} | self.taught(given)
            yield shown

        return errors_in_panel(answered, self._problem)

    def _problem(self, given: Values, error: Both) -> Values:
        """What is nobody's mistake, in the panel, whose buttons wait for an answer."""
        return {self.panel: self._laid(given) | {"error": error}}

    def photos(self, given: Values, sent: dict[str, Any]) -> None:
        """Lay photographs down, or take them away."""
        given[self.lesson].change(sent)

    def lay(self, given: Values, uploads: Sequence[Upload], name: str) -> Values:
        """The panel with photographs of another part, to be called `name`, laid down in it."""
        lesson: Lesson = given[self.lesson]
        with lesson.examples.lock:
            lesson.error, lesson.told = None, {}
            try:
                lesson.lay(uploads, name)
            except InputError as error:
                lesson.error = error
            return {self.panel: self.shown(given)}

    def teach(self, given: Values, sent: dict[str, Any]) -> None:
        """Learn what lies there, and keep it."""
        lesson: Lesson = given[self.lesson]
        alpha = sent.get("alpha", ALPHA)
        if not isinstance(alpha, int | float):
            raise InputError("concept_alpha")
        concept = lesson.learn(self.page.slot.service, str(sent.get("name", "")), alpha)
        store = self._store(given)
        (store.add if sent.get("add") else store.save)(concept)
        for desk in (lesson.examples, lesson.without):
            desk.change({"clear": True})
        lesson.named = ""
        lesson.told = {"learnt": concept.name, "add": marked(concept.name)}

    def rename(self, given: Values, sent: dict[str, Any]) -> None:
        """Give a concept another name."""
        name, new = str(sent.get("name", "")), str(sent.get("to", ""))
        self._store(given).rename(name, new)
        given[self.lesson].told = {"remove": marked(name), "put": marked(concept_name(new))}

    def forget(self, given: Values, sent: dict[str, Any]) -> None:
        """Delete a concept."""
        name = str(sent.get("name", ""))
        self._store(given).forget(name)
        given[self.lesson].told = {"remove": marked(name)}

    def export(self, given: Values, sent: dict[str, Any]) -> None:
        """Write the concept of a name, or all, into a file to download."""
        concepts: Sequence[Concept] = self._store(given).all()
        name = "concepts"
        if "name" in sent:
            concepts = [one for one in concepts if key_of(one.name) == key_of(str(sent["name"]))]
            name = str(sent["name"])
        if not concepts:
            raise InputError("concepts_none")
        file = write_export(f"{name}.concepts", concepts_to_bytes(concepts))
        # Gradio looks for files in values of its own form only.
        served = str(self.panel.move_resource_to_block_cache(file))
        given[self.lesson].told = {"file": served}

    def take_in(self, given: Values, sent: dict[str, Any]) -> None:
        """Keep the concepts of a file that was uploaded."""
        path = uploaded(str(sent.get("path", "")))
        if path is None:
            raise InputError("request_malformed")
        concepts = read_concepts(path, self.page.slot.service)
        store = self._store(given)
        for one in concepts:
            store.save(one)
        given[self.lesson].told = {"moved": [one.name for one in concepts]}

    def taught(self, given: Values) -> Values:
        """What the carrier holds: name, numbers and thumbnails of each concept."""
        concepts = self._store(given).all()
        each = max(1, _THUMBNAILS // max(1, len(concepts)))
        told = [
            {
                "name": one.name,
                "examples": one.examples,
                "away": one.counter_examples,
                "pictures": [
                    f"data:image/webp;base64,{base64.b64encode(picture).decode()}"
                    for picture in one.thumbnails[:each]
                ],
            }
            for one in concepts
        ]
        # As one text: Gradio would watch every value inside of it in the browser.
        return {self.carrier: json.dumps(told, ensure_ascii=False)}

    def shown(self, given: Values) -> dict[str, Any]:
        """What the panel's script shows."""
        return self._laid(given) | {"gain": self._gain(given)}

    def _laid(self, given: Values) -> dict[str, Any]:
        lesson: Lesson = given[self.lesson]
        return {
            "examples": lesson.examples.shown(),
            "without": lesson.without.shown(),
            "named": lesson.named,
            "error": said_in_both(lesson.error) if lesson.error else None,
            "told": lesson.told,
            "number": lesson.number,
        }

    def _gain(self, given: Values) -> dict[str, Any] | None:
        """What examples do for those of the labels that were taught."""
        asked = split_labels(given[self.options.labels])
        if add := given[self.lesson].told.get("add"):
            asked += [add] if key_of(add) not in map(key_of, asked) else []
        service = self.page.slot.service
        concepts = self.page.concepts.named(given, service, asked)
        try:
            gain = examples_gain(service, asked, self.options.templates_of(given), concepts)
        except InputError as error:  # of the templates, which the card of the answer names
            log.info("No gain: %s", error)
            return None
        if gain is None:
            return None
        right = {"before": gain.before, "after": gain.after}
        return {
            "names": [marked(one.name) for one in concepts],
            "photos": gain.photos,
            **{key: round(share * gain.photos) for key, share in right.items()},
        }

    def _store(self, given: Values) -> ConceptStore:
        return self.page.concepts.store(given, self.page.slot.service)


def marked(name: str) -> str:
    """A concept's name as it stands among labels."""
    return f"{MARKS[0]}{name}"


def build_teaching(page: Page, options: Options) -> Teaching:
    """Lay it out and connect it."""
    told = carrier("taught", (PAGE / "taught.js").read_text("utf-8"), "[]")
    lesson = gr.State(Lesson(), delete_callback=Lesson.close)
    with gr.Accordion(i18n("teach"), open=False, elem_id="teach"):
        panel = gr.HTML(
            {"number": 0},
            **part("basics", "uploads", "teach"),
            words=words("teach", "photos", *SENDING),
            alpha=ALPHA,
            visit=page.concepts.shared,
            apply_default_css=False,
            elem_id="teach-panel",
        )
    teaching = Teaching(page, options, lesson, panel, told)
    teaching.connect()
    return teaching
