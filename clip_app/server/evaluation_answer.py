"""An evaluation as JSON."""

import math
from dataclasses import asdict
from typing import Any

from clip_app.tasks.evaluate import Evaluation, Finding
from clip_app.tasks.measures import Share


def evaluation_answer(one: Evaluation) -> dict[str, Any]:
    """`{"model", "photographs", "top1", "top5", "classes", "confusion", "worst", …}`.

    Shares are `{"value", "low", "high", "of"}` in [0, 1], `value` null of nothing; rows of
    `confusion` are labels, columns what they were named, in the order of `classes`.
    """

    def finding(found: Finding) -> dict[str, Any]:
        return {
            "file": one.paths[found.photo],
            "label": one.names[found.label],
            "named": one.names[found.named],
            "score": found.score,
        }

    return {
        "model": one.model,
        "fingerprint": one.fingerprint,
        "templates": one.templates,
        "photographs": len(one.right),
        "failed": [{"file": path, "why": why.message("en")} for path, why in one.failed],
        "top1": _share(one.top1),
        "top5": _share(one.top5),
        "classes": [
            {
                "name": figures.name,
                "recall": _share(figures.recall),
                "precision": _share(figures.precision),
            }
            for figures in one.classes
        ],
        "confusion": one.confusion.tolist(),
        "worst": [finding(found) for found in one.worst],
        "likely_mislabelled": [finding(found) for found in one.doubtful],
        "templates_compared": [
            {
                "templates": figures.key,
                "choosing": _share(figures.choosing),
                "telling": _share(figures.telling),
            }
            for figures in one.compared
        ],
        "calibration": asdict(one.calibration) if one.calibration else None,
    }


def percent_with_interval(one: Share) -> str:
    """A share as people read it: `83.3 % (43.6–97.0)`."""
    if not one.of:
        return "–"
    return f"{100 * one.value:.1f} % ({100 * one.low:.1f}–{100 * one.high:.1f})"


def _share(one: Share) -> dict[str, Any]:
    return asdict(one) | {"value": None if math.isnan(one.value) else one.value}
