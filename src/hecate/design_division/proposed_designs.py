"""What a language model has proposed for a division's design: a fact, and no decision."""

from __future__ import annotations

import msgspec

from hecate.dossiers.messages import Event


class ProposedAggregate(msgspec.Struct, frozen=True):
    """An aggregate, with the fields that designing it takes."""

    aggregate_name: str
    stream_pattern: str
    status_flags: tuple[str, ...]
    description: str


class ProposedEvent(msgspec.Struct, frozen=True):
    """An event, with the fields that designing it takes."""

    event_name: str
    aggregate_name: str
    """Designed already, or proposed beside it; empty: of none."""
    payload_fields: tuple[str, ...]
    description: str


class DesignProposed(Event, frozen=True):
    """A model has answered; nothing is designed by that."""

    proposal_id: str
    aggregates: tuple[ProposedAggregate, ...]
    events: tuple[ProposedEvent, ...]
    model: str
    """The provider's name, a slash, and its own name of the model."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """Null: not known."""
    hint: str
