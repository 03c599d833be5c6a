"""Desk: plan a dependency between two desks.

    POST /api/divisions/{division_id}/plan/dependency
    {"from_desk": "show_profile", "to_desk": "register_user"}

``from_desk`` depends on ``to_desk``: the latter is built first.  Both are names or ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name
from hecate.plan_division.desk_order import path_between
from hecate.plan_division.inventory_desk import DeskInventoried, find_desk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class PlanDependency(Command, frozen=True):
    """Ask that ``from_desk`` comes after ``to_desk``."""

    from_desk: Name
    to_desk: Name


class DependencyPlanned(Event, frozen=True):
    """The desk ``from_desk`` needs the desk ``to_desk``."""

    dependency_id: str
    from_desk_id: str
    to_desk_id: str
    from_desk: str
    to_desk: str


def decide(dossier: Dossier, command: PlanDependency) -> Sequence[Event]:
    """Add a dependency that leaves the desks in some order.

    Raises:
        Refused: A desk is not planned, both are the same, they depend on each other already,
            or the dependency would close a cycle.
    """
    needing, needed = find_desk(dossier, command.from_desk), find_desk(dossier, command.to_desk)
    if needing is needed:
        raise Refused(f"desk {needing.desk_name!r} cannot depend on itself")
    if dossier.has(DependencyPlanned, from_desk_id=needing.desk_id, to_desk_id=needed.desk_id):
        raise Refused(f"desk {needing.desk_name!r} depends on {needed.desk_name!r} already")
    if cycle := path_between(needed.desk_name, needing.desk_name, needs(dossier)):
        raise Refused(
            f"desk {needing.desk_name!r} cannot depend on {needed.desk_name!r}: that would close the cycle "
            + " -> ".join([needing.desk_name, *cycle])
        )
    return [
        DependencyPlanned(
            dependency_id=dossier.new_id("dep"),
            from_desk_id=needing.desk_id,
            to_desk_id=needed.desk_id,
            from_desk=needing.desk_name,
            to_desk=needed.desk_name,
        )
    ]


def needs(dossier: Dossier) -> dict[str, set[str]]:
    """Return the names of the desks that each planned desk needs, by its name."""
    needed_by: dict[str, set[str]] = {desk.desk_name: set() for desk in dossier.all(DeskInventoried)}
    for dependency in dossier.all(DependencyPlanned):
        needed_by[dependency.from_desk].add(dependency.to_desk)
    return needed_by


def _desk(number: int, name: str) -> DeskInventoried:
    return DeskInventoried(
        desk_id=f"desk-{number}", desk_name=name, desk_type="command", aggregate_name="", priority="P2", description=""
    )


DESK = Desk(
    path="dependency",
    command=PlanDependency,
    events=(DependencyPlanned,),
    decide=decide,
    makes="dependency_id",
    example=Example(
        given=(_desk(1, "register_user"), _desk(2, "show_profile")),
        when=PlanDependency(from_desk="show_profile", to_desk="register_user"),
        then=(
            DependencyPlanned(
                dependency_id="dep-",
                from_desk_id="desk-2",
                to_desk_id="desk-1",
                from_desk="show_profile",
                to_desk="register_user",
            ),
        ),
    ),
)
