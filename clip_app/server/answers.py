"""The JSON that the API and the command line answer with, the same in both."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from clip_app.gallery.index_report import IndexReport
from clip_app.gallery.library import IndexStatus
from clip_app.gallery.roots import printable
from clip_app.gallery.search import SearchAnswer, SearchHit
from clip_app.gallery.similar import Duplicates, Odd
from clip_app.model.info import CutText, public_name
from clip_app.model.service import ModelService
from clip_app.prompts import TEMPLATE_SETS, shortened
from clip_app.strings import Language, text
from clip_app.tasks.classify import Classification
from clip_app.tasks.explain import Explanation
from clip_app.tasks.heatmap import Heatmap
from clip_app.tasks.match import Matching


def classification_answer(
    image: str, service: ModelService, answer: Classification, top_k: int | None = None
) -> dict[str, Any]:
    """`{"image", "model", "results": [{"label", "score", "similarity"}…], "verdict", "none_fits"}`.

    `"verdict"` is "fits", "unsure" or "none", and `"none_fits"` whether it is "none". And
    `"truncated": [{"text", "read"}…]` where labels are longer than the model reads.
    """
    return {
        "image": image,
        "model": service.info.public_name,
        "results": [
            {"label": one.label, "score": one.score, "similarity": one.similarity}
            for one in answer.results[:top_k]
        ],
        "verdict": answer.verdict,
        "none_fits": answer.none_fits,
        **truncated(answer.cut),
    }


def match_answer(image: str, service: ModelService, answer: Matching) -> dict[str, Any]:
    """`{"image", "model", "results": [{"text", "score", "similarity"}…], "verdict", "none_fits"}`.

    `"verdict"` and `"truncated"` are as in `classification_answer`.
    """
    return {
        "image": image,
        "model": service.info.public_name,
        "results": [
            {"text": one.text, "score": one.score, "similarity": one.similarity}
            for one in answer.results
        ],
        "verdict": answer.verdict,
        "none_fits": answer.none_fits,
        **truncated(service.cut_texts([one.text for one in answer.results])),
    }


def explanation_answer(image: str, service: ModelService, found: Explanation) -> dict[str, Any]:
    """`{"image", "model", "pixels", "vector", "templates", "scoring", "logit_scale", "logit_bias",
    "results": […], "similarities", "background", "none", "calibrated"}`, see `Explanation`.

    NaN is null; vectors are rounded to seven places, which float32 has.
    """
    height, width = found.image_size
    return {
        "image": image,
        "model": service.info.public_name,
        "pixels": {"width": width, "height": height, "box": list(found.box)},
        "vector": _rounded(found.vector),
        "templates": list(found.templates),
        "scoring": found.kind,
        "logit_scale": found.logit_scale,
        "logit_bias": found.logit_bias,
        "results": [
            {
                "label": one.name,
                "score": one.score,
                "similarity": one.similarity,
                "logit": one.logit,
                "vector": _rounded(one.vector),
                "near": list(one.near),
                "taught": asdict(one.taught) if one.taught else None,
            }
            for one in found.results
        ],
        "similarities": found.similarities.tolist(),
        "background": None if found.background is None else found.background.tolist(),
        "none": None if math.isnan(found.chance) else {"lead": found.lead, "chance": found.chance},
        "calibrated": found.calibrated
        and dict(zip(("temperature", "score"), found.calibrated, strict=True)),
    }


def _rounded(vector: np.ndarray) -> list[float]:
    return [round(one, 7) for one in vector.tolist()]


def compared_answer(found: Mapping[str, Classification]) -> list[dict[str, Any]]:
    """`[{"template", "prompts", "results": [{"label", "score", "similarity"}…]}…]`."""
    return [
        {
            "template": key,
            "prompts": len(TEMPLATE_SETS[key]),
            "results": [
                {"label": one.label, "score": one.score, "similarity": one.similarity}
                for one in answer.results
            ],
        }
        for key, answer in found.items()
    ]


def heatmap_answer(
    image: str, service: ModelService, word: str, against: Sequence[str], heat: Heatmap
) -> dict[str, Any]:
    """`{"image", "model", "text", "against", "method", "clear", …}`, see `Heatmap`."""
    return {
        "image": image,
        "model": service.info.public_name,
        "text": word,
        "against": list(against),
        "method": heat.method,
        "clear": heat.clear,
        "similarity": heat.similarity,
        "deletion": heat.deletion,
        "deletion_by_chance": heat.deletion_by_chance,
        "peak": list(heat.peak),
        "box": list(heat.box),
        "values": [[round(one, 4) for one in row] for row in heat.values.tolist()],
    }


def heatmap_sentence(word: str, heat: Heatmap, language: Language) -> str:
    """Where a map is hottest, or that it is not clear, in words."""
    key = "heat_found" if heat.clear else "heat_unclear"
    place = text(f"place_{heat.place}", language)
    return text(key, language, text=shortened(word), place=place)


def search_answer(
    query: str,
    service: ModelService,
    answer: SearchAnswer,
    path_of: Callable[[str], str] = str,
) -> dict[str, Any]:
    """`{"query", "model", "results": [{"path", "similarity", "fits", "copies"}…], "judged",
    "nothing_fits"}`.

    `"fits"` is null where nothing was judged. And `"truncated"`, as in `classification_answer`.

    Args:
        query: how it was understood.
        service: the model that was asked.
        answer: what was found.
        path_of: how to write an absolute path.
    """
    return {
        "query": query,
        "model": service.info.public_name,
        "results": [
            {
                "path": path_of(one.path),
                "similarity": one.similarity,
                "fits": one.fits if answer.judged else None,
                "copies": [path_of(path) for path in one.copies],
            }
            for one in answer.hits
        ],
        "judged": answer.judged,
        "nothing_fits": answer.nothing_fits,
        **truncated(answer.cut),
    }


def duplicates_answer(found: Duplicates, path_of: Callable[[str], str] = str) -> dict[str, Any]:
    """`{"images", "near", "files", "spare_bytes", "groups": [[{"path", "copies", "similarity",
    "width", "height", "bytes"}…]…]}`.

    Args:
        found: groups; the largest picture of each comes first.
        path_of: how to write an absolute path.
    """
    return {
        "images": found.images,
        "near": found.near,
        "files": sum(one.files for one in found.groups),
        "spare_bytes": sum(one.spare for one in found.groups),
        "groups": [[_sized(hit, path_of) for hit in one.hits] for one in found.groups],
    }


def odd_answer(found: Odd, path_of: Callable[[str], str] = str) -> dict[str, Any]:
    """`{"images", "typical": […], "odd": […]}`, photographs as in `duplicates_answer`; the
    similarity of each is its mean cosine with all others.
    """
    typical, odd = ([_sized(hit, path_of) for hit in hits] for hits in (found.typical, found.odd))
    return {"images": found.images, "typical": typical, "odd": odd}


def _sized(hit: SearchHit, path_of: Callable[[str], str]) -> dict[str, Any]:
    return {
        "path": path_of(hit.path),
        "copies": [path_of(path) for path in hit.copies],
        "similarity": hit.similarity,
        "width": hit.width,
        "height": hit.height,
        "bytes": hit.size,
    }


def truncated(cut: Sequence[CutText]) -> dict[str, Any]:
    """`{"truncated": [{"text", "read"}…]}`, or nothing where every text was read to its end."""
    return {"truncated": [asdict(one) for one in cut]} if cut else {}


def index_answer(
    folder: Path, service: ModelService, report: IndexReport, language: Language
) -> dict[str, Any]:
    """What one run of the indexer did: the fields of `IndexReport`, reasons as sentences.

    `{"folder", "model", "found", "encoded", …, "broken": [{"path", "reason"}…], "broken_total",
    "left_out": {ending: number}, "nomedia": [folder…], "nomedia_images", "stopped"}`
    """
    broken = [
        {"path": printable(one.path), "reason": one.message(language)} for one in report.broken
    ]
    return {
        "folder": printable(str(folder)),
        "model": service.info.public_name,
        **asdict(report),
        "broken": broken,
        "unreadable": list(report.unreadable),
        "left_out": dict(report.left_out),
        "nomedia": list(report.nomedia),
    }


def status_answer(
    model: str | None, indexes: Sequence[IndexStatus], name_of: Callable[[Path], str] = str
) -> dict[str, Any]:
    """`{"model", "galleries": [{"gallery", "model", "usable", "files", "images", "broken"}…]}`.

    Args:
        model: the name of the model in use; None where none is loaded.
        indexes: what there is.
        name_of: how to write a gallery's folder.
    """
    return {
        "model": model,
        "galleries": [
            {
                "gallery": name_of(one.folder),
                "model": public_name(one.model),
                "usable": one.usable,
                **asdict(one.counts),
            }
            for one in indexes
        ],
    }
