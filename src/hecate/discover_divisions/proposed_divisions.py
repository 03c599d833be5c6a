"""What a language model has proposed for a venture: a fact, and no decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Event

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier


class ProposedDivision(msgspec.Struct, frozen=True):
    """A bounded context, as a model sees it."""

    id: str
    """Within its proposal: ``1``, ``2``, …"""
    name: str
    description: str
    rationale: str
    boundaries: tuple[str, ...]
    """Sentences on what belongs to it, and what does not."""


class DivisionsProposed(Event, frozen=True):
    """A model has answered; nothing is discovered by that."""

    proposal_id: str
    divisions: tuple[ProposedDivision, ...]
    model: str
    """The provider's name, a slash, and its own name of the model."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """Null: not known."""
    hint: str


def proposed_division(dossier: Dossier, proposal_id: str, reference: str) -> ProposedDivision:
    """Return the division of a proposal whose name or id is *reference*.

    Raises:
        Refused: There is no such proposal, or it has no such division.
    """
    proposal = dossier.find(DivisionsProposed, proposal_id=proposal_id)
    if proposal is None:
        raise Refused(f"there is no proposal {proposal_id!r}")
    by_id = {division.id: division for division in proposal.divisions}
    by_name = {division.name.casefold(): division for division in proposal.divisions}
    found = by_name.get(reference.casefold()) or by_id.get(reference)
    if found is None:
        names = ", ".join(division.name for division in proposal.divisions)
        raise Refused(f"proposal {proposal_id!r} has no division {reference!r}; it has {names}")
    return found
