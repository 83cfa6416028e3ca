"""The JSON that the API and the command line answer with, the same in both."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clip_app.classify import Classification
from clip_app.gallery.indexer import IndexReport
from clip_app.gallery.library import IndexStatus
from clip_app.gallery.roots import printable
from clip_app.gallery.search import SearchAnswer
from clip_app.match import TextScore
from clip_app.model_service import ModelService
from clip_app.strings import Language


def classification_answer(
    image: str, service: ModelService, answer: Classification, top_k: int | None = None
) -> dict[str, Any]:
    """`{"image", "model", "results": [{"label", "score", "similarity"}…], "none_fits"}`."""
    return {
        "image": image,
        "model": service.info.name,
        "results": [
            {"label": one.label, "score": one.score, "similarity": one.similarity}
            for one in answer.results[:top_k]
        ],
        "none_fits": answer.none_fits,
    }


def match_answer(image: str, service: ModelService, ranked: Sequence[TextScore]) -> dict[str, Any]:
    """`{"image", "model", "results": [{"text", "score", "similarity"}…]}`."""
    return {
        "image": image,
        "model": service.info.name,
        "results": [
            {"text": one.text, "score": one.score, "similarity": one.similarity} for one in ranked
        ],
    }


def search_answer(
    query: str,
    service: ModelService,
    answer: SearchAnswer,
    path_of: Callable[[str], str] = printable,
) -> dict[str, Any]:
    """`{"query", "model", "results": [{"path", "similarity", "fits", "copies"}…], "nothing_fits"}`.

    Args:
        query: the query as it was understood.
        service: the model that searched.
        answer: what was found.
        path_of: how a file's absolute path is shown to whoever asked.
    """
    return {
        "query": query,
        "model": service.info.name,
        "results": [
            {
                "path": path_of(hit.path),
                "similarity": hit.similarity,
                "fits": hit.fits,
                "copies": [path_of(copy) for copy in hit.copies],
            }
            for hit in answer.hits
        ],
        "nothing_fits": answer.nothing_fits,
    }


def index_answer(
    folder: Path, service: ModelService, report: IndexReport, language: Language
) -> dict[str, Any]:
    """What one run of the indexer did: the numbers of `IndexReport`, and the broken files.

    `{"folder", "model", "found", "encoded", …, "broken": [{"path", "reason"}…], "broken_total"}`
    """
    return {
        "folder": printable(str(folder)),
        "model": service.info.name,
        "found": report.found,
        "encoded": report.encoded,
        "reused": report.reused,
        "unchanged": report.unchanged,
        "forgotten": report.forgotten,
        "repaired": report.repaired,
        "broken_total": report.broken_total,
        "broken": [
            {"path": printable(one.path), "reason": one.message(language)} for one in report.broken
        ],
        "unreadable": list(report.unreadable),
        "stopped": report.stopped,
        "seconds": round(report.seconds, 3),
    }


def status_answer(
    statuses: Sequence[IndexStatus], path_of: Callable[[str], str] = printable
) -> dict[str, Any]:
    """`{"indexes": [{"folder", "model", "usable", "files", "images", "broken"}…]}`."""
    return {
        "indexes": [
            {
                "folder": path_of(str(one.folder)),
                "model": one.model,
                "usable": one.usable,
                "files": one.counts.files,
                "images": one.counts.images,
                "broken": one.counts.broken,
            }
            for one in statuses
        ]
    }
