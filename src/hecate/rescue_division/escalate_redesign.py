"""Desk: escalate to a redesign.

    POST /api/divisions/{division_id}/rescue/escalate
    {"reason": "sessions cannot be kept on two hosts", "aggregates": ["session"]}

What cannot be mended where it is goes back to the design: the division's processes after the design can be started
again, which begins their next iteration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class EscalateRedesign(Command, frozen=True):
    """Ask that the division is designed again."""

    reason: Text
    aggregates: tuple[Name, ...] = ()
    """Those that the reason is about; one that the design lacks may be among them."""


class RedesignEscalated(Event, frozen=True):
    """The division's next iteration may begin."""

    escalation_id: str
    reason: str
    aggregates: tuple[str, ...]


def decide(dossier: Dossier, command: EscalateRedesign) -> Sequence[Event]:
    """Escalate, for a reason that has not been given before with the same aggregates.

    Raises:
        Refused: The reason says nothing, or it was the reason of an earlier escalation of these aggregates.
    """
    if not command.reason.strip():
        raise Refused("an escalation needs a reason")
    earlier = dossier.find(RedesignEscalated, reason=command.reason, aggregates=command.aggregates)
    if earlier is not None:
        raise Refused(f"this was escalated already, as {earlier.escalation_id!r}; say what is new")
    return [
        RedesignEscalated(escalation_id=dossier.new_id("esc"), reason=command.reason, aggregates=command.aggregates)
    ]


DESK = Desk(
    path="escalate",
    command=EscalateRedesign,
    events=(RedesignEscalated,),
    decide=decide,
    makes="escalation_id",
    example=Example(
        when=EscalateRedesign(reason="sessions cannot be kept on two hosts", aggregates=("session",)),
        then=(
            RedesignEscalated(
                escalation_id="esc-", reason="sessions cannot be kept on two hosts", aggregates=("session",)
            ),
        ),
    ),
)
