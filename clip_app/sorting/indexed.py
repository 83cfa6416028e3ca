"""A plan from a gallery's index: nothing is encoded twice, however many photographs there are."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from clip_app.gallery.scan import CHUNK, batched
from clip_app.gallery.search import SearchHit
from clip_app.gallery.stores.store import FileRecord, Store
from clip_app.model.service import ModelService
from clip_app.progress import Progress
from clip_app.sorting.plan import Plan
from clip_app.tasks.classes import Classes
from clip_app.tasks.classify import classify_features
from clip_app.tasks.joint import Joint
from clip_app.tasks.sorting import MARGIN, THRESHOLD, choose


@dataclass
class Indexed:
    """A plan, and what the index knows of its photographs.

    Attributes:
        plan: as `make_plan` makes it.
        labels: that it sorts by.
        records: by their paths below the plan's folder.
    """

    plan: Plan
    labels: tuple[str, ...]
    records: dict[str, FileRecord] = field(default_factory=dict)

    def hit(self, path: str) -> SearchHit | None:
        """A photograph as its thumbnail and original are asked for; None of an unknown path."""
        known = self.records.get(path)
        if known is None:
            return None
        place = str(self.plan.folder / path)
        return SearchHit(place, 0.0, True, (), known.hash, known.size, known.mtime_ns // 10**9)


def plan_of_index(
    service: ModelService,
    store: Store,
    below: str,
    classes: Classes,
    *,
    threshold: float = THRESHOLD,
    margin: float = MARGIN,
    joint: Joint | None = None,
    without: Path | None = None,
    progress: Progress | None = None,
) -> Indexed:
    """Choose a class for each photograph of a gallery, by the vectors that its index has.

    Args:
        service: the model that the index is of.
        store: the index.
        below: a sub-folder to keep to, as a path below the gallery; "" for all.
        classes: what they are sorted by.
        threshold: see `clip_app.tasks.sorting.choose`.
        margin: likewise.
        joint: as in `clip_app.sorting.plan.make_plan`.
        without: a folder to leave out, resolved: where sorted photographs are put.
        progress: called with (done, total).

    Raises:
        StorageError: if the index cannot be read.
    """
    found = Indexed(Plan(store.key.folder / below, labels=classes.names), classes.names)
    counted = store.counts()
    done = 0
    kept: dict[str, np.ndarray] = {}

    def choose_kept() -> None:
        answers = classify_features(service, np.stack([*kept.values()]), classes, joint=joint)
        found.plan.choices += [
            choose(name, one, threshold, margin) for name, one in zip(kept, answers, strict=True)
        ]
        kept.clear()

    for paths in batched(_paths(store, below, without), CHUNK):
        records = store.records(paths)
        vectors = store.vectors([one.hash for one in records.values() if one.error is None])
        for path, one in records.items():
            if one.hash in vectors:
                name = path.removeprefix(f"{below}/") if below else path
                kept[name], found.records[name] = vectors[one.hash], one
        if kept and not joint:
            choose_kept()
        found.plan.broken += [(path, one.error) for path, one in records.items() if one.error]
        done += len(paths)
        if progress:
            progress(min(done, counted.files), counted.files)
    if kept:
        choose_kept()
    found.plan.choices.sort(key=lambda one: one.path)
    return found


def records_of(store: Store, below: str, plan: Plan) -> Indexed:
    """What the index knows of the photographs of a plan that was handed in.

    Raises:
        StorageError: if the index cannot be read.
    """
    found = Indexed(plan, tuple(plan.counts()))
    before = f"{below}/" if below else ""
    for some in batched((one.path for one in plan.choices), CHUNK):
        for path, record in store.records([before + one for one in some]).items():
            if record.error is None:
                found.records[path.removeprefix(before)] = record
    return found


def sample(found: Indexed, label: str, number: int) -> list[SearchHit]:
    """The first photographs of a class, "" for those that nothing fits; at most `number`."""
    some = (
        hit
        for one in found.plan.choices
        if one.label == label and (label or one.verdict == "none")
        if (hit := found.hit(one.path))
    )
    return list(islice(some, number))


def decided(plan: Plan, decisions: dict[str, str]) -> Plan:
    """A copy of a plan with what a person decided; see `Plan.decide`."""
    copied = replace(plan, choices=list(plan.choices))
    copied.decide(decisions)
    return copied


def _paths(store: Store, below: str, without: Path | None) -> Iterator[str]:
    folder = store.key.folder
    inside = without is not None and folder in without.parents
    left_out = f"{without.relative_to(folder).as_posix()}/" if without and inside else None
    for path in store.paths():
        if below and not path.startswith(f"{below}/"):
            continue
        if left_out is None or not path.startswith(left_out):
            yield path
