"""Desk: propose a design.

    POST /api/divisions/{division_id}/design/propose
    {"hint": "an account may be locked after five wrong passwords"}

A language model reads what the division is for and proposes aggregates and events.  Nothing is designed by that:
`accept` takes the ``proposal_id``, with what a person has picked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.design_division.design_aggregate import AggregateDesigned
from hecate.design_division.design_event import EventDesigned
from hecate.design_division.proposed_designs import DesignProposed, ProposedAggregate, ProposedEvent
from hecate.design_division.questions_on_designs import SYSTEM, DesignAnswer, Known, new_parts, prompt
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event, OptionalName, Text
from hecate.jobs.structured_answer import ask_structured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job

DIVISION = """
SELECT v.name, v.brief, d.name, d.description, d.rationale
FROM divisions d JOIN ventures v ON v.id = d.venture_id WHERE d.id = ?
"""


class ProposeDesign(Command, frozen=True):
    """Ask for a proposal."""

    model: OptionalName = ""
    hint: Text = ""


def decide(_dossier: Dossier, _command: ProposeDesign) -> Sequence[Event]:
    """Leave all to the model."""
    return []


async def propose(job: Job) -> RecordDesign:
    """Ask a model for the aggregates and events that the division needs.

    Raises:
        HecateError: No provider has the model, it fails, or it answers nonsense.
    """
    command = job.command
    assert isinstance(command, ProposeDesign)  # noqa: S101 - it is the desk's own
    known = await _known(job)
    job.progress("asks a model for a design")
    asked = await ask_structured(
        job,
        system=SYSTEM,
        prompt=prompt(known, command.hint),
        form=DesignAnswer,
        model=command.model,
        wrong=lambda answer: "" if any(new_parts(answer, known)) else "it proposes no new aggregate and no new event",
    )
    aggregates, events = new_parts(asked.answer, known)
    return RecordDesign(aggregates=aggregates, events=events, hint=command.hint, **asked.spent)


async def _known(job: Job) -> Known:
    rows: list[Any] = await job.read(lambda db: db.execute(DIVISION, (job.subject_id,)).fetchall())
    dossier = await job.dossier()
    # Another process's event, known here by its stored name only.
    escalations: list[Any] = [happened.event for happened in await job.history("rescue", "redesign_escalated_v1")]
    ((venture, brief, division, description, rationale),) = rows
    return Known(
        venture=venture,
        brief=brief,
        division=division,
        description=description,
        rationale=rationale,
        aggregates=tuple(dossier.all(AggregateDesigned)),
        events=tuple(dossier.all(EventDesigned)),
        escalated=escalations[-1].reason if escalations else "",
    )


# -- the outcome


class RecordDesign(Command, frozen=True):
    """Tell what a model has proposed."""

    aggregates: tuple[ProposedAggregate, ...]
    events: tuple[ProposedEvent, ...]
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    hint: str


def record(dossier: Dossier, command: RecordDesign) -> Sequence[Event]:
    """Keep the proposal.  The same one, word for word, adds nothing."""
    event = DesignProposed(proposal_id=dossier.new_id("prop"), **msgspec.structs.asdict(command))
    earlier = dossier.all(DesignProposed)
    if earlier and msgspec.structs.replace(earlier[-1], proposal_id=event.proposal_id) == event:
        return []
    return [event]


_PROPOSED: Mapping[str, Any] = {
    "aggregates": (ProposedAggregate("account", "account-{account_id}", ("ACTIVE", "LOCKED"), "Who may sign in"),),
    "events": (ProposedEvent("account_locked", "account", ("reason",), "Too many wrong passwords"),),
    "model": "ollama/llama3.2:latest",
    "prompt_tokens": 388,
    "completion_tokens": 120,
    "cost_usd": None,
    "hint": "",
}

RECORD = Desk(
    path="",
    command=RecordDesign,
    events=(DesignProposed,),
    decide=record,
    states=EVERY_STATE,
    makes="proposal_id",
    example=Example(when=RecordDesign(**_PROPOSED), then=(DesignProposed(proposal_id="prop-", **_PROPOSED),)),
)

DESK = Desk(
    path="propose",
    command=ProposeDesign,
    events=(),
    decide=decide,
    status=202,
    work=Work(do=propose, record=RECORD),
    example=Example(when=ProposeDesign(hint="an account may be locked after five wrong passwords"), then=()),
)
