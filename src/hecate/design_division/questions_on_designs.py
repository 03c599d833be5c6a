"""What a language model is asked about a design, and what is made of its answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from hecate.design_division.design_aggregate import AggregateDesigned
from hecate.design_division.design_event import EventDesigned
from hecate.design_division.proposed_designs import ProposedAggregate, ProposedEvent
from hecate.jobs.structured_answer import clean_name, clean_text

LONGEST_BRIEF = 20_000
"""Characters of it that a model is shown."""
MOST_PARTS = 100
"""Aggregates, and events, of one proposal."""

SYSTEM = """\
You help to design one bounded context of a software venture with event sourcing. Name its aggregates, what is kept \
consistent together, and the events that can happen to each. Write names in snake_case; an event is in the past tense \
and begins with its aggregate, such as invoice_sent. List in payload_fields what an event must tell besides the \
aggregate's own id. Propose what the description gives reason for, and no more."""


class _Aggregate(msgspec.Struct, frozen=True):
    """What is kept consistent together."""

    name: Annotated[str, msgspec.Meta(description="a noun in snake_case")]
    stream_pattern: Annotated[str, msgspec.Meta(description="such as invoice-{invoice_id}")] = ""
    status_flags: Annotated[tuple[str, ...], msgspec.Meta(description="states it can be in, such as SENT")] = ()
    description: str = ""


class _Event(msgspec.Struct, frozen=True):
    """What can happen."""

    name: Annotated[str, msgspec.Meta(description="in the past tense, in snake_case")]
    aggregate: Annotated[str, msgspec.Meta(description="the name of the aggregate that it happens to")] = ""
    payload_fields: tuple[str, ...] = ()
    description: str = ""


class DesignAnswer(msgspec.Struct, frozen=True):
    """The proposal."""

    aggregates: tuple[_Aggregate, ...]
    events: tuple[_Event, ...]


class Known(NamedTuple):
    """What there is to go by."""

    venture: str
    brief: str
    division: str
    description: str
    rationale: str
    aggregates: tuple[AggregateDesigned, ...] = ()
    events: tuple[EventDesigned, ...] = ()
    escalated: str = ""
    """Why the division is designed again, if it is."""


def prompt(known: Known, hint: str) -> str:
    """Return what the model is shown."""
    parts = [
        f"The bounded context {known.division} is part of the venture {known.venture}.",
        f"What it is for: {known.description or '(not said)'}\nWhy it is one of its own: {known.rationale}",
        f"The brief of the whole venture:\n\n{known.brief[:LONGEST_BRIEF] or '(none)'}",
    ]
    if known.aggregates or known.events:
        lines = [f"- aggregate {aggregate.aggregate_name}" for aggregate in known.aggregates]
        lines += [f"- event {event.event_name} of {event.aggregate_name or 'no aggregate'}" for event in known.events]
        parts.append("\n".join(("This is designed already; propose only what it lacks:", *lines)))
    if known.escalated:
        parts.append(f"It is designed again because of this:\n{known.escalated[:LONGEST_BRIEF]}")
    if hint:
        parts.append(f"The person who asks adds:\n{hint[:LONGEST_BRIEF]}")
    return "\n\n".join(parts)


def new_parts(answer: DesignAnswer, known: Known) -> tuple[tuple[ProposedAggregate, ...], tuple[ProposedEvent, ...]]:
    """Return the aggregates and events of *answer*: cleaned, each once, without what is designed already."""
    names = {aggregate.aggregate_name.casefold(): aggregate.aggregate_name for aggregate in known.aggregates}
    aggregates = []
    for aggregate in answer.aggregates[:MOST_PARTS]:
        name = clean_name(aggregate.name)
        if name and name.casefold() not in names:
            names[name.casefold()] = name
            aggregates.append(
                ProposedAggregate(
                    aggregate_name=name,
                    stream_pattern=clean_name(aggregate.stream_pattern),
                    status_flags=_clean_names(aggregate.status_flags),
                    description=clean_text(aggregate.description),
                )
            )
    seen = {event.event_name.casefold() for event in known.events}
    events = []
    for event in answer.events[:MOST_PARTS]:
        name = clean_name(event.name)
        if name and name.casefold() not in seen:
            seen.add(name.casefold())
            events.append(
                ProposedEvent(
                    event_name=name,
                    # Of an aggregate that nobody has named, it is of none.
                    aggregate_name=names.get(clean_name(event.aggregate).casefold(), ""),
                    payload_fields=_clean_names(event.payload_fields),
                    description=clean_text(event.description),
                )
            )
    return tuple(aggregates), tuple(events)


def _clean_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return *names* cleaned, each once."""
    return tuple(dict.fromkeys(filter(None, (clean_name(name) for name in names))))
