"""Desk: inventory a desk.

    POST /api/divisions/{division_id}/plan/desk
    {"desk_name": "register_user", "desk_type": "command", "aggregate_name": "user", "priority": "P0"}

A desk of the planned division is one vertical slice: one command, one projection or one query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, OptionalName, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

DeskType = Literal["command", "projection", "query"]
Priority = Literal["P0", "P1", "P2", "P3"]
"""P0 is the most urgent."""


class InventoryDesk(Command, frozen=True):
    """Ask for a desk in the plan."""

    desk_name: Name
    desk_type: DeskType = "command"
    aggregate_name: OptionalName = ""
    priority: Priority = "P2"
    description: Text = ""


class DeskInventoried(Event, frozen=True):
    """The plan has a desk."""

    desk_id: str
    desk_name: str
    desk_type: DeskType
    aggregate_name: str
    priority: Priority
    description: str


def decide(dossier: Dossier, command: InventoryDesk) -> Sequence[Event]:
    """Add a desk under a name that the plan has not used.

    Raises:
        Refused: The plan has a desk of this name.
    """
    if dossier.has(DeskInventoried, desk_name=command.desk_name):
        raise Refused(f"desk {command.desk_name!r} is in the plan already")
    return [
        DeskInventoried(
            desk_id=dossier.new_id("desk"),
            desk_name=command.desk_name,
            desk_type=command.desk_type,
            aggregate_name=command.aggregate_name,
            priority=command.priority,
            description=command.description,
        )
    ]


def find_desk(dossier: Dossier, reference: str) -> DeskInventoried:
    """Return the planned desk whose id or name is *reference*.

    Raises:
        Refused: The plan has no such desk.
    """
    desk = dossier.find(DeskInventoried, desk_id=reference) or dossier.find(DeskInventoried, desk_name=reference)
    if desk is None:
        raise Refused(f"desk {reference!r} is not in the plan; inventory it first")
    return desk


DESK = Desk(
    path="desk",
    command=InventoryDesk,
    events=(DeskInventoried,),
    decide=decide,
    makes="desk_id",
    example=Example(
        when=InventoryDesk(desk_name="register_user", aggregate_name="user", priority="P0"),
        then=(
            DeskInventoried(
                desk_id="desk-",
                desk_name="register_user",
                desk_type="command",
                aggregate_name="user",
                priority="P0",
                description="",
            ),
        ),
    ),
)
