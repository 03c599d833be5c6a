"""What a language model has proposed for a division's plan: a fact, and no decision."""

from __future__ import annotations

import msgspec

from hecate.dossiers.messages import Event
from hecate.plan_division.inventory_desk import DeskType, Priority


class ProposedDesk(msgspec.Struct, frozen=True):
    """A desk, with the fields that inventorying it takes, and the desks that it needs."""

    desk_name: str
    desk_type: DeskType
    aggregate_name: str
    priority: Priority
    description: str
    depends_on: tuple[str, ...]
    """Names of desks, planned already or proposed beside it; never in a circle."""


class PlanProposed(Event, frozen=True):
    """A model has answered; nothing is planned by that."""

    proposal_id: str
    desks: tuple[ProposedDesk, ...]
    model: str
    """The provider's name, a slash, and its own name of the model."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """Null: not known."""
    hint: str
