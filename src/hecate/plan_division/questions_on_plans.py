"""What a language model is asked about a plan, and what is made of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, get_args

import msgspec

from hecate.jobs.structured_answer import clean_name, clean_text
from hecate.plan_division.desk_order import path_between
from hecate.plan_division.inventory_desk import DeskType, Priority
from hecate.plan_division.proposed_plans import ProposedDesk

MOST_DESKS = 200
LONGEST_HINT = 20_000
MOST_LINES = 300
"""Of the design, and of the plan, that a model is shown."""

SYSTEM = """\
You help to plan one bounded context of a software venture as vertical slices, called desks. A desk is one command \
(it decides, and raises events), one projection (it keeps a table from events) or one query (it answers from a table). \
Every event of the design needs a command that raises it, named with the verb first, such as send_invoice. Plan the \
projections and queries that the commands' users need. P0 is what nothing works without, P3 what can wait."""


class _Desk(msgspec.Struct, frozen=True):
    """A vertical slice."""

    name: Annotated[str, msgspec.Meta(description="the verb first, in snake_case")]
    type: Annotated[str, msgspec.Meta(extra_json_schema={"enum": get_args(DeskType)})] = "command"
    aggregate: Annotated[str, msgspec.Meta(description="the aggregate that it works with, of the design")] = ""
    priority: Annotated[str, msgspec.Meta(extra_json_schema={"enum": get_args(Priority)})] = "P2"
    description: str = ""
    depends_on: Annotated[tuple[str, ...], msgspec.Meta(description="names of desks that must be built before")] = ()


class PlanAnswer(msgspec.Struct, frozen=True):
    """The proposal."""

    desks: tuple[_Desk, ...]


class Known(NamedTuple):
    """What there is to go by."""

    division: str
    description: str
    aggregates: Mapping[str, str]
    """Each designed aggregate's name and description."""
    events: tuple[Any, ...]
    """Those designed, as design_division has recorded them."""
    needs: Mapping[str, set[str]]
    """Each planned desk's name, and the desks that it needs."""


def prompt(known: Known, hint: str) -> str:
    """Return what the model is shown."""
    design = [f"- aggregate {name}: {description[:200]}" for name, description in known.aggregates.items()]
    design += [
        f"- event {event.event_name} of {event.aggregate_name or 'no aggregate'}: {', '.join(event.payload_fields)}"
        for event in known.events
    ]
    parts = [
        f"The bounded context {known.division}: {known.description or '(not described)'}",
        "\n".join(("Its design:", *design[:MOST_LINES])),
    ]
    if known.needs:
        planned = [f"- {name}" for name in known.needs][:MOST_LINES]
        parts.append("\n".join(("These desks are planned already; propose only what is missing:", *planned)))
    if hint:
        parts.append(f"The person who asks adds:\n{hint[:LONGEST_HINT]}")
    return "\n\n".join(parts)


def new_desks(answer: PlanAnswer, known: Known) -> tuple[ProposedDesk, ...]:
    """Return the desks of *answer*: cleaned, each once, without those planned already and what would be a circle."""
    names = {name.casefold(): name for name in known.needs}
    aggregates = {name.casefold(): name for name in known.aggregates}
    found: dict[str, _Desk] = {}
    for desk in answer.desks[:MOST_DESKS]:
        name = clean_name(desk.name)
        if name and name.casefold() not in names:
            names[name.casefold()] = name
            found[name] = desk
    needs = {name: set(needed) for name, needed in known.needs.items()} | {name: set() for name in found}
    return tuple(
        ProposedDesk(
            desk_name=name,
            desk_type=_one_of(get_args(DeskType), desk.type.lower(), "command"),
            aggregate_name=aggregates.get(clean_name(desk.aggregate).casefold(), ""),
            priority=_one_of(get_args(Priority), desk.priority.upper(), "P2"),
            description=clean_text(desk.description),
            depends_on=_dependencies(name, desk, names, needs),
        )
        for name, desk in found.items()
    )


def _one_of(choices: tuple[Any, ...], said: str, otherwise: str) -> Any:
    """Return what was *said*, if it is one of the *choices*."""
    return said.strip() if said.strip() in choices else otherwise


def _dependencies(name: str, desk: _Desk, names: Mapping[str, str], needs: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Return the desks that *desk* needs, and add them to *needs*; what is unknown or closes a circle is left out."""
    kept: list[str] = []
    for said in desk.depends_on:
        needed = names.get(clean_name(said).casefold(), "")
        if needed and needed not in needs[name] and not path_between(needed, name, needs):
            needs[name].add(needed)
            kept.append(needed)
    return tuple(kept)
