"""What a visitor is sorting, and what a request says of it, checked."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clip_app.errors import InputError
from clip_app.sorting.indexed import Indexed, decided
from clip_app.sorting.plan import Plan

# Doubtful photographs that are shown at first, and with each "more": their thumbnails are made.
_AT_ONCE = 30


@dataclass
class Sorting:
    """What a visitor is sorting.

    Attributes:
        found: the plan; None before there is one.
        number: of the plan, so that what was decided for another is refused.
        doubts: how many doubtful photographs are shown.
        stop: to end what is under way.
    """

    found: Indexed | None = None
    number: int = 0
    doubts: int = _AT_ONCE
    stop: bool = False

    def put(self, found: Indexed | None) -> None:
        """Have another plan, or none."""
        self.found, self.number, self.doubts = found, self.number + 1, _AT_ONCE

    def show_more(self) -> None:
        """Show more of the doubtful photographs."""
        self.doubts += _AT_ONCE

    def decided(self, asked: dict[str, Any]) -> Indexed:
        """A copy of the plan with what a request says: `number` of the plan, and `decided` by
        hand, [[place, label or ""]].

        Raises:
            InputError: if it is about another plan.
        """
        if self.found is None or asked.get("number") != self.number:
            raise InputError("sorting_older")
        choices = self.found.plan.choices
        decisions = {}
        for place, label in asked.get("decided") or ():
            if not (isinstance(place, int) and 0 <= place < len(choices)):
                raise InputError("sorting_older")
            decisions[choices[place].path] = " ".join(str(label or "").split())
        return replace(self.found, plan=decided(self.found.plan, decisions))


def share_of(percents: Any) -> float:
    """A share in [0, 1] from percents as a request sends them.

    Raises:
        InputError: if that is no number.
    """
    try:
        return min(1.0, max(0.0, float(percents) / 100))
    except (TypeError, ValueError) as error:
        raise InputError("sorting_share") from error


def leave_out(plan: Plan, target: Path) -> None:
    """Take out of a plan what lies in the target, if that is a folder within."""
    if plan.folder in target.parents:
        plan.choices = [
            one for one in plan.choices if target not in (plan.folder / one.path).parents
        ]
