"""Desk: archive a venture.

    POST /api/ventures/{venture_id}/archive
    {"reason": "sold"}

An archived venture is hidden from lists; nothing of it is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, Text
from hecate.setup_venture.setup_venture import VentureSetup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class ArchiveVenture(Command, frozen=True):
    """Ask that a venture is put away."""

    reason: Text = ""


class VentureArchived(Event, frozen=True):
    """A venture is put away."""

    reason: str


def decide(_dossier: Dossier, command: ArchiveVenture) -> Sequence[Event]:
    """Put the venture away."""
    return [VentureArchived(reason=command.reason)]


DESK = Desk(
    path="{venture_id}/archive",
    command=ArchiveVenture,
    events=(VentureArchived,),
    decide=decide,
    states=frozenset({"setup"}),
    status=200,
    example=Example(
        given=(VentureSetup(name="my-saas-app", brief="", workspace=""),),
        when=ArchiveVenture(reason="sold"),
        then=(VentureArchived(reason="sold"),),
    ),
)
