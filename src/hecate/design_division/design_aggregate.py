"""Desk: design an aggregate.

    POST /api/divisions/{division_id}/design/aggregate
    {"aggregate_name": "user", "stream_pattern": "user-{user_id}", "status_flags": ["ACTIVE", "LOCKED"]}

An aggregate is what the division keeps consistent: it has events, and desks that raise them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class DesignAggregate(Command, frozen=True):
    """Ask for an aggregate in the design."""

    aggregate_name: Name
    stream_pattern: Text = ""
    status_flags: tuple[Name, ...] = ()
    description: Text = ""


class AggregateDesigned(Event, frozen=True):
    """The design has an aggregate."""

    aggregate_id: str
    aggregate_name: str
    stream_pattern: str
    status_flags: tuple[str, ...]
    description: str


def decide(dossier: Dossier, command: DesignAggregate) -> Sequence[Event]:
    """Add an aggregate under a name that the design has not used.

    Raises:
        Refused: The aggregate is designed already.
    """
    if dossier.has(AggregateDesigned, aggregate_name=command.aggregate_name):
        raise Refused(f"aggregate {command.aggregate_name!r} is designed already")
    return [
        AggregateDesigned(
            aggregate_id=dossier.new_id("agg"),
            aggregate_name=command.aggregate_name,
            stream_pattern=command.stream_pattern,
            status_flags=command.status_flags,
            description=command.description,
        )
    ]


DESK = Desk(
    path="aggregate",
    command=DesignAggregate,
    events=(AggregateDesigned,),
    decide=decide,
    makes="aggregate_id",
    example=Example(
        when=DesignAggregate(aggregate_name="user", stream_pattern="user-{user_id}", status_flags=("ACTIVE", "LOCKED")),
        then=(
            AggregateDesigned(
                aggregate_id="agg-",
                aggregate_name="user",
                stream_pattern="user-{user_id}",
                status_flags=("ACTIVE", "LOCKED"),
                description="",
            ),
        ),
    ),
)
