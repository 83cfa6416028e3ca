"""An evaluation as JSON."""

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clip_app.console import without_halves
from clip_app.strings import Language, text
from clip_app.tasks.evaluate import Evaluation, Finding
from clip_app.tasks.measures import Conformal, Share
from clip_app.tasks.names import NamesCompared


def evaluation_answer(one: Evaluation, folder: Path | None = None) -> dict[str, Any]:
    """`{"model", "photographs", "top1", "top5", "classes", "confusion", "worst", …}`.

    Shares are `{"value", "low", "high", "of"}` in [0, 1], `value` null of nothing; rows of
    `confusion` are labels, columns what they were named, in the order of `classes`.

    Args:
        one: what to tell.
        folder: what files are told relative to; their whole paths if None.
    """

    def file(path: str) -> str:
        return without_halves(os.path.relpath(path, folder)) if folder else path

    def finding(found: Finding) -> dict[str, Any]:
        return {
            "file": file(one.paths[found.photo]),
            "label": one.names[found.label],
            "named": one.names[found.named],
            "score": found.score,
        }

    return {
        "model": one.model,
        "fingerprint": one.fingerprint,
        "templates": one.templates,
        "photographs": len(one.right),
        "failed": [{"file": file(path), "why": why.message("en")} for path, why in one.failed],
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
        "conformal": asdict(one.conformal) if one.conformal else None,
        "names_compared": {
            "names": list(one.names_compared.names),
            "before": _share(one.names_compared.before),
            "after": _share(one.names_compared.after),
            "all": [
                {
                    "class": one.names[figures.label],
                    "name": figures.name,
                    "best": figures.best,
                    "choosing": _share(figures.choosing),
                    "telling": _share(figures.telling),
                }
                for figures in one.names_compared.figures
            ],
        }
        if one.names_compared
        else None,
    }


def percent_with_interval(one: Share) -> str:
    """A share as people read it: `83.3 % (43.6–97.0)`."""
    if not one.of:
        return "–"
    return f"{100 * one.value:.1f} % ({100 * one.low:.1f}–{100 * one.high:.1f})"


def counts_told(one: Evaluation) -> dict[str, str]:
    """What `check_photos` counts."""
    numbers = {"number": len(one.right), "classes": len(one.names), "failed": len(one.failed)}
    return {key: f"{each:,}" for key, each in numbers.items()}


def lists_told(one: Conformal, language: Language) -> str:
    """What lists that hold the right label are worth, in a sentence or two."""
    return text(
        "check_lists_told",
        language,
        threshold=f"{100 * one.threshold:.2g} %",
        size=f"{one.size:.1f}",
        coverage=percent_with_interval(one.coverage),
        wanted=f"{100 * one.wanted:.0f}",
    )


def names_told(one: NamesCompared, language: Language) -> str:
    """What better names gain, in a sentence."""
    shares = {"before": one.before, "after": one.after}
    told = {key: percent_with_interval(each) for key, each in shares.items()}
    return text("check_names_told", language, **told)


def _share(one: Share) -> dict[str, Any]:
    return asdict(one) | {"value": None if math.isnan(one.value) else one.value}
