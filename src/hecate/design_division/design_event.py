"""Desk: design an event.

    POST /api/divisions/{division_id}/design/event
    {"event_name": "user_registered", "aggregate_name": "user", "payload_fields": ["email"]}

An event is one thing that can happen to an aggregate.  Planning reads the design to see which
aggregates no desk covers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.design_division.design_aggregate import AggregateDesigned
from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, OptionalName, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class DesignEvent(Command, frozen=True):
    """Ask for an event in the design."""

    event_name: Name
    aggregate_name: OptionalName = ""
    payload_fields: tuple[Name, ...] = ()
    description: Text = ""


class EventDesigned(Event, frozen=True):
    """The design has an event, of an aggregate if it names one."""

    event_id: str
    event_name: str
    aggregate_name: str
    payload_fields: tuple[str, ...]
    description: str


def decide(dossier: Dossier, command: DesignEvent) -> Sequence[Event]:
    """Add an event under a name that the design has not used, of a designed aggregate if it names one.

    Raises:
        Refused: The aggregate is not designed yet, or the event is already.
    """
    if command.aggregate_name and not dossier.has(AggregateDesigned, aggregate_name=command.aggregate_name):
        raise Refused(
            f"event {command.event_name!r} needs aggregate {command.aggregate_name!r}, which is not designed yet"
        )
    if dossier.has(EventDesigned, event_name=command.event_name):
        raise Refused(f"event {command.event_name!r} is designed already")
    return [
        EventDesigned(
            event_id=dossier.new_id("evt"),
            event_name=command.event_name,
            aggregate_name=command.aggregate_name,
            payload_fields=command.payload_fields,
            description=command.description,
        )
    ]


_USER = AggregateDesigned(
    aggregate_id="agg-1", aggregate_name="user", stream_pattern="", status_flags=(), description=""
)

DESK = Desk(
    path="event",
    command=DesignEvent,
    events=(EventDesigned,),
    decide=decide,
    makes="event_id",
    example=Example(
        given=(_USER,),
        when=DesignEvent(event_name="user_registered", aggregate_name="user", payload_fields=("email",)),
        then=(
            EventDesigned(
                event_id="evt-",
                event_name="user_registered",
                aggregate_name="user",
                payload_fields=("email",),
                description="",
            ),
        ),
    ),
)
