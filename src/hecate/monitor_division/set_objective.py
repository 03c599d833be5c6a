"""Desk: set a service level objective.

    POST /api/divisions/{division_id}/monitor/objective
    {"check_id": "chk-0193f2a1b3c000112345", "availability_percent": 99.9, "window": "30d"}

How large a share of a check's polls should pass, or of all the division's where no check is named.  What may
fail within the window is the error budget.  Of several objectives for the same thing the last one holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, OptionalName
from hecate.monitor_division.registered_checks import registered_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

Window = Literal["1h", "24h", "30d"]
Percent = Annotated[float, msgspec.Meta(gt=0, lt=100)]


class SetObjective(Command, frozen=True):
    """Ask for an objective."""

    availability_percent: Percent
    check_id: OptionalName = ""
    """Empty: all checks of the division together."""
    window: Window = "30d"


class ObjectiveSet(Event, frozen=True):
    """So large a share of the polls should pass."""

    objective_id: str
    check_id: str
    """Empty: those of all the division's checks."""
    availability_percent: float
    window: Window


def decide(dossier: Dossier, command: SetObjective) -> Sequence[Event]:
    """Set the objective of a check or of the division; the one that holds already adds nothing.

    Raises:
        Refused: There is no such check, or it was retired.
    """
    if command.check_id:
        registered_check(dossier, command.check_id)
    before = dossier.find(ObjectiveSet, check_id=command.check_id)
    if before is not None and (before.availability_percent, before.window) == (
        command.availability_percent,
        command.window,
    ):
        return []
    return [
        ObjectiveSet(
            objective_id=dossier.new_id("slo"),
            check_id=command.check_id,
            availability_percent=command.availability_percent,
            window=command.window,
        )
    ]


DESK = Desk(
    path="objective",
    command=SetObjective,
    events=(ObjectiveSet,),
    decide=decide,
    makes="objective_id",
    example=Example(
        when=SetObjective(availability_percent=99.9),
        then=(ObjectiveSet(objective_id="slo-", check_id="", availability_percent=99.9, window="30d"),),
    ),
)
