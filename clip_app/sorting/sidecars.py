"""From a plan to tags in XMP sidecars; the photographs themselves are never written."""

from pathlib import Path

from clip_app.errors import InputError, Reason
from clip_app.gallery.roots import printable
from clip_app.images.keywords import sidecars_of
from clip_app.images.xmp import MAX_BYTES, with_keywords
from clip_app.sorting.folders import regular_file
from clip_app.sorting.plan import Plan
from clip_app.sorting.steps import Step


def steps_of_tags(plan: Plan, *, stem: bool = False) -> tuple[list[Step], list[tuple[str, Reason]]]:
    """What writes the class of each photograph into its sidecar, beside what that holds.

    Args:
        plan: see `make_plan`.
        stem: name sidecars as Lightroom does (`photo.xmp`, one for all files of that stem), not
            as digiKam, darktable and Immich (`photo.jpg.xmp`).

    Returns:
        The steps, and the photographs whose sidecar cannot be added to, with why; what has its
        tag already is in neither.
    """
    words: dict[Path, list[str]] = {}
    sources: dict[Path, str] = {}
    failed: list[tuple[str, Reason]] = []
    for one in plan.choices:
        source = plan.folder / one.path
        if not one.label:
            continue
        if regular_file(source, plan.folder) is None:
            failed.append((one.path, Reason("step_missing", {"name": printable(source.name)})))
            continue
        sidecar = sidecars_of(source)[stem]
        words.setdefault(sidecar, []).append(one.label)
        sources.setdefault(sidecar, str(source))
    steps = []
    for sidecar, labels in words.items():
        name = printable(sidecar.name)
        try:
            before = _content(sidecar, name)
            after = with_keywords(before, labels, name)
        except InputError as error:
            failed.append((printable(str(sidecar.relative_to(plan.folder))), error.reason))
            continue
        if after != before:
            steps.append(Step("write", sources[sidecar], str(sidecar), before=before, after=after))
    return steps, failed


def _content(sidecar: Path, name: str) -> bytes | None:
    try:
        if sidecar.is_symlink() or (sidecar.exists() and not sidecar.is_file()):
            raise InputError("sidecar_unreadable", name=name)
        if not sidecar.exists():
            return None
        if sidecar.stat().st_size > MAX_BYTES:
            raise InputError("sidecar_unreadable", name=name)
        return sidecar.read_bytes()
    except OSError as error:
        raise InputError("sidecar_unreadable", name=name) from error
