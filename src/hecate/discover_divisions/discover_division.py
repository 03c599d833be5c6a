"""Desk: discover a division of a venture.

    POST /api/ventures/{venture_id}/discovery/discover
    {"division_name": "auth", "description": "Authentication", "rationale": "Separate identity concerns"}

A division is one bounded context; its name is unique in its venture.  With a ``proposal_id``, ``division_name`` is
the name or the number of a proposed division, whose description and rationale hold where none are given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.discover_divisions.proposed_divisions import proposed_division
from hecate.dossiers.desk import Alias, Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, OptionalName, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class DiscoverDivision(Command, frozen=True):
    """Ask for a division."""

    division_name: Name
    description: Text = ""
    rationale: Text = ""
    proposal_id: OptionalName = ""


class DivisionDiscovered(Event, frozen=True):
    """A division exists; its processes are pending."""

    division_id: str
    division_name: str
    description: str
    rationale: str


def decide(dossier: Dossier, command: DiscoverDivision) -> Sequence[Event]:
    """Make a division under a name that the venture has not used.

    Raises:
        Refused: The venture has a division of this name, or there is no such proposal or division in it.
    """
    name, description, rationale = command.division_name, command.description, command.rationale
    if command.proposal_id:
        proposed = proposed_division(dossier, command.proposal_id, name)
        name, description, rationale = (
            proposed.name,
            description or proposed.description,
            rationale or proposed.rationale,
        )
    if dossier.has(DivisionDiscovered, division_name=name):
        raise Refused(f"venture {dossier.subject_id!r} has a division named {name!r} already")
    return [
        DivisionDiscovered(
            division_id=dossier.new_id("div"), division_name=name, description=description, rationale=rationale
        )
    ]


DESK = Desk(
    path="discover",
    command=DiscoverDivision,
    events=(DivisionDiscovered,),
    decide=decide,
    makes="division_id",
    aliases=(
        Alias("identify", {"context_name": "division_name"}),
        Alias("divisions/discover", {"context_name": "division_name"}),
    ),
    example=Example(
        when=DiscoverDivision(
            division_name="auth",
            description="Authentication and authorization bounded context",
            rationale="Separate identity concerns from billing and notifications",
        ),
        then=(
            DivisionDiscovered(
                division_id="div-",
                division_name="auth",
                description="Authentication and authorization bounded context",
                rationale="Separate identity concerns from billing and notifications",
            ),
        ),
    ),
)
