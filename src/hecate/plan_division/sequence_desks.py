"""Desk: sequence desks.

    POST /api/divisions/{division_id}/plan/sequence
    {"desk_names": ["register_user", "show_profile"], "sprint_number": 1}

With ``desk_ids`` or ``desk_names`` the order is the caller's; with neither, the daemon orders
all desks by priority and dependency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.messages import Command, Event, Name
from hecate.plan_division.desk_order import against_dependency, order_desks
from hecate.plan_division.inventory_desk import DeskInventoried, find_desk
from hecate.plan_division.plan_dependency import needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

SprintNumber = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class SequenceDesks(Command, frozen=True):
    """Ask for an order of the desks."""

    desk_ids: tuple[Name, ...] = ()
    desk_names: tuple[Name, ...] = ()
    sprint_number: SprintNumber = 1


class DesksSequenced(Event, frozen=True):
    """The desks of a sprint have an order, the first to be built first."""

    sequence_id: str
    desk_ids: tuple[str, ...]
    desk_names: tuple[str, ...]
    sprint_number: int


def decide(dossier: Dossier, command: SequenceDesks) -> Sequence[Event]:
    """Order the named desks as they are named, or all by priority and dependency.

    The order that is in force already adds nothing.

    Raises:
        Invalid: Both ids and names are given.
        Refused: There is no desk, one is unknown or named twice, or the order is against a
            dependency.
    """
    desks = _named(dossier, command) if command.desk_ids or command.desk_names else _by_urgency(dossier)
    names, ids = tuple(desk.desk_name for desk in desks), tuple(desk.desk_id for desk in desks)
    earlier = dossier.all(DesksSequenced)
    sequenced = {name for sequence in earlier for name in sequence.desk_names}
    if wrong := against_dependency(names, needs(dossier), sequenced):
        raise Refused(f"desk {wrong[0]!r} needs {wrong[1]!r}, which is not sequenced before it")
    if earlier and (earlier[-1].desk_ids, earlier[-1].sprint_number) == (ids, command.sprint_number):
        return []
    return [
        DesksSequenced(
            sequence_id=dossier.new_id("seq"), desk_ids=ids, desk_names=names, sprint_number=command.sprint_number
        )
    ]


def _named(dossier: Dossier, command: SequenceDesks) -> list[DeskInventoried]:
    if command.desk_ids and command.desk_names:
        raise Invalid("give desk_ids or desk_names, not both - at `$.desk_names`")
    desks = [find_desk(dossier, reference) for reference in command.desk_ids or command.desk_names]
    seen: set[str] = set()
    for desk in desks:
        if desk.desk_id in seen:
            raise Refused(f"desk {desk.desk_name!r} is named twice")
        seen.add(desk.desk_id)
    return desks


def _by_urgency(dossier: Dossier) -> list[DeskInventoried]:
    desks = {desk.desk_name: desk for desk in dossier.all(DeskInventoried)}
    if not desks:
        raise Refused("the plan has no desk to sequence; inventory one first")
    order = order_desks({name: desk.priority for name, desk in desks.items()}, needs(dossier))
    return [desks[name] for name in order]


def _desk(number: int, name: str) -> DeskInventoried:
    return DeskInventoried(
        desk_id=f"desk-{number}", desk_name=name, desk_type="command", aggregate_name="", priority="P2", description=""
    )


DESK = Desk(
    path="sequence",
    command=SequenceDesks,
    events=(DesksSequenced,),
    decide=decide,
    makes="sequence_id",
    example=Example(
        given=(_desk(1, "register_user"), _desk(2, "show_profile")),
        when=SequenceDesks(desk_names=("register_user", "show_profile")),
        then=(
            DesksSequenced(
                sequence_id="seq-",
                desk_ids=("desk-1", "desk-2"),
                desk_names=("register_user", "show_profile"),
                sprint_number=1,
            ),
        ),
    ),
)
