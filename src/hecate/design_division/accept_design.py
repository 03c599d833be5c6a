"""Desk: accept a proposed design.

    POST /api/divisions/{division_id}/design/accept
    {"proposal_id": "prop-0193f2a1b3c000112345", "aggregates": ["account"]}

It designs what is picked of a proposal, all in one go: all of it where neither ``aggregates`` nor ``events`` are
named, of a named aggregate all its events where no ``events`` are.  An event brings its aggregate with it.  What
is designed already, under the same name, stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hecate.design_division.design_aggregate import AggregateDesigned
from hecate.design_division.design_event import EventDesigned
from hecate.design_division.proposed_designs import DesignProposed, ProposedAggregate, ProposedEvent
from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.dossier import Dossier

P = TypeVar("P")


class AcceptDesign(Command, frozen=True):
    """Ask that a proposal is designed, or what is named of it."""

    proposal_id: Name
    aggregates: tuple[Name, ...] = ()
    events: tuple[Name, ...] = ()


def decide(dossier: Dossier, command: AcceptDesign) -> Sequence[Event]:
    """Design what is picked, the aggregates first.

    Raises:
        Refused: There is no such proposal, or it has not what is named.
    """
    proposal = dossier.find(DesignProposed, proposal_id=command.proposal_id)
    if proposal is None:
        raise Refused(f"there is no proposal {command.proposal_id!r}")
    aggregates = {aggregate.aggregate_name: aggregate for aggregate in proposal.aggregates}
    events = {event.event_name: event for event in proposal.events}
    if command.events:
        chosen = _named(events, command.events, "event", proposal)
    elif command.aggregates:
        chosen = [event for event in proposal.events if event.aggregate_name in set(command.aggregates)]
    else:
        chosen = [*proposal.events]
    if command.aggregates or command.events:
        named = _named(aggregates, command.aggregates, "aggregate", proposal)
    else:
        named = [*proposal.aggregates]
    brought = [aggregates[event.aggregate_name] for event in chosen if event.aggregate_name in aggregates]
    wanted = {aggregate.aggregate_name: aggregate for aggregate in (*named, *brought)}
    return [
        *_designed_aggregates(dossier, [*wanted.values()]),
        *_designed_events(dossier, chosen),
    ]


def _named(parts: Mapping[str, P], names: Sequence[str], kind: str, proposal: DesignProposed) -> list[P]:
    for name in names:
        if name not in parts:
            has = ", ".join(parts) or "none"
            raise Refused(f"proposal {proposal.proposal_id!r} has no {kind} {name!r}; it has {has}")
    return [parts[name] for name in dict.fromkeys(names)]


def _designed_aggregates(dossier: Dossier, aggregates: Sequence[ProposedAggregate]) -> list[Event]:
    new = [one for one in aggregates if not dossier.has(AggregateDesigned, aggregate_name=one.aggregate_name)]
    return [
        AggregateDesigned(
            aggregate_id=dossier.new_id("agg", number),
            aggregate_name=aggregate.aggregate_name,
            stream_pattern=aggregate.stream_pattern,
            status_flags=aggregate.status_flags,
            description=aggregate.description,
        )
        for number, aggregate in enumerate(new, start=1)
    ]


def _designed_events(dossier: Dossier, events: Sequence[ProposedEvent]) -> list[Event]:
    new = [event for event in events if not dossier.has(EventDesigned, event_name=event.event_name)]
    return [
        EventDesigned(
            event_id=dossier.new_id("evt", number),
            event_name=event.event_name,
            aggregate_name=event.aggregate_name,
            payload_fields=event.payload_fields,
            description=event.description,
        )
        for number, event in enumerate(new, start=1)
    ]


_PROPOSED = DesignProposed(
    proposal_id="prop-1",
    aggregates=(
        ProposedAggregate("account", "account-{account_id}", ("ACTIVE", "LOCKED"), "Who may sign in"),
        ProposedAggregate("audit", "", (), ""),
    ),
    events=(ProposedEvent("account_locked", "account", ("reason",), "Too many wrong passwords"),),
    model="ollama/llama3.2:latest",
    prompt_tokens=388,
    completion_tokens=120,
    cost_usd=None,
    hint="",
)

DESK = Desk(
    path="accept",
    command=AcceptDesign,
    events=(AggregateDesigned, EventDesigned),
    decide=decide,
    example=Example(
        given=(_PROPOSED,),
        when=AcceptDesign(proposal_id="prop-1", aggregates=("account",)),
        then=(
            AggregateDesigned(
                aggregate_id="agg-1-1",
                aggregate_name="account",
                stream_pattern="account-{account_id}",
                status_flags=("ACTIVE", "LOCKED"),
                description="Who may sign in",
            ),
            EventDesigned(
                event_id="evt-1-1",
                event_name="account_locked",
                aggregate_name="account",
                payload_fields=("reason",),
                description="Too many wrong passwords",
            ),
        ),
    ),
)
