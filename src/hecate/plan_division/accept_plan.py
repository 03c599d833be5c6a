"""Desk: accept a proposed plan.

    POST /api/divisions/{division_id}/plan/accept
    {"proposal_id": "prop-0193f2a1b3c000112345", "desks": ["lock_account"]}

It inventories what is picked of a proposal, all in one go, and plans the dependencies between what is planned then:
all of it where no ``desks`` are named.  What is planned already, under the same name, stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name
from hecate.plan_division.desk_order import path_between
from hecate.plan_division.inventory_desk import DeskInventoried
from hecate.plan_division.plan_dependency import DependencyPlanned, needs
from hecate.plan_division.proposed_plans import PlanProposed, ProposedDesk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class AcceptPlan(Command, frozen=True):
    """Ask that a proposal is planned, or what is named of it."""

    proposal_id: Name
    desks: tuple[Name, ...] = ()


def decide(dossier: Dossier, command: AcceptPlan) -> Sequence[Event]:
    """Plan what is picked, the desks first, then what each of them needs.

    Raises:
        Refused: There is no such proposal, or it has not what is named.
    """
    proposal = dossier.find(PlanProposed, proposal_id=command.proposal_id)
    if proposal is None:
        raise Refused(f"there is no proposal {command.proposal_id!r}")
    proposed = {desk.desk_name: desk for desk in proposal.desks}
    for name in command.desks:
        if name not in proposed:
            raise Refused(f"proposal {command.proposal_id!r} has no desk {name!r}; it has {', '.join(proposed)}")
    picked = [proposed[name] for name in dict.fromkeys(command.desks or proposed)]
    planned = {desk.desk_name: desk.desk_id for desk in dossier.all(DeskInventoried)}
    new = [desk for desk in picked if desk.desk_name not in planned]
    desks = [
        DeskInventoried(
            desk_id=dossier.new_id("desk", number),
            desk_name=desk.desk_name,
            desk_type=desk.desk_type,
            aggregate_name=desk.aggregate_name,
            priority=desk.priority,
            description=desk.description,
        )
        for number, desk in enumerate(new, start=1)
    ]
    ids = planned | {desk.desk_name: desk.desk_id for desk in desks}
    return [*desks, *_dependencies(dossier, picked, ids)]


def _dependencies(dossier: Dossier, picked: Sequence[ProposedDesk], ids: dict[str, str]) -> list[DependencyPlanned]:
    """Return the dependencies that are not planned yet; not those that would contradict the plan by now."""
    needed_by = needs(dossier)
    dependencies: list[DependencyPlanned] = []
    for desk in picked:
        for needed in desk.depends_on:
            known = needed_by.setdefault(desk.desk_name, set())
            if needed not in ids or needed in known or path_between(needed, desk.desk_name, needed_by):
                continue
            known.add(needed)
            dependencies.append(
                DependencyPlanned(
                    dependency_id=dossier.new_id("dep", len(dependencies) + 1),
                    from_desk_id=ids[desk.desk_name],
                    to_desk_id=ids[needed],
                    from_desk=desk.desk_name,
                    to_desk=needed,
                )
            )
    return dependencies


_PROPOSED = PlanProposed(
    proposal_id="prop-1",
    desks=(
        ProposedDesk("lock_account", "command", "account", "P1", "After five wrong passwords", ()),
        ProposedDesk("list_locked", "query", "account", "P2", "", ("lock_account",)),
        ProposedDesk("unlock_account", "command", "account", "P3", "", ()),
    ),
    model="ollama/llama3.2:latest",
    prompt_tokens=301,
    completion_tokens=88,
    cost_usd=None,
    hint="",
)

DESK = Desk(
    path="accept",
    command=AcceptPlan,
    events=(DeskInventoried, DependencyPlanned),
    decide=decide,
    example=Example(
        given=(_PROPOSED,),
        when=AcceptPlan(proposal_id="prop-1", desks=("lock_account", "list_locked")),
        then=(
            DeskInventoried("desk-1-1", "lock_account", "command", "account", "P1", "After five wrong passwords"),
            DeskInventoried("desk-1-2", "list_locked", "query", "account", "P2", ""),
            DependencyPlanned("dep-1-1", "desk-1-2", "desk-1-1", "list_locked", "lock_account"),
        ),
    ),
)
