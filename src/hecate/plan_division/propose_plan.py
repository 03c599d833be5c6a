"""Desk: propose a plan.

    POST /api/divisions/{division_id}/plan/propose
    {"hint": "the read side can wait"}

A language model reads the design and proposes desks, with what each needs.  Nothing is planned by that: `accept`
takes the ``proposal_id``, with what a person has picked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event, OptionalName, Text
from hecate.jobs.structured_answer import ask_structured
from hecate.plan_division.plan_dependency import needs
from hecate.plan_division.proposed_plans import PlanProposed, ProposedDesk
from hecate.plan_division.questions_on_plans import SYSTEM, Known, PlanAnswer, new_desks, prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job

DIVISION = "SELECT name, description FROM divisions WHERE id = ?"


class ProposePlan(Command, frozen=True):
    """Ask for a proposal."""

    model: OptionalName = ""
    hint: Text = ""


def decide(_dossier: Dossier, _command: ProposePlan) -> Sequence[Event]:
    """Leave all to the model."""
    return []


async def propose(job: Job) -> RecordPlan:
    """Ask a model for the desks that the design needs.

    Raises:
        Refused: There is no design.
        HecateError: No provider has the model, it fails, or it answers nonsense.
    """
    command = job.command
    assert isinstance(command, ProposePlan)  # noqa: S101 - it is the desk's own
    known = await _known(job)
    if not known.aggregates and not known.events:
        raise Refused("the division has no design to plan from; design an aggregate or an event first")
    job.progress("asks a model for a plan")
    asked = await ask_structured(
        job,
        system=SYSTEM,
        prompt=prompt(known, command.hint),
        form=PlanAnswer,
        model=command.model,
        wrong=lambda answer: "" if new_desks(answer, known) else "it proposes no new desk",
    )
    return RecordPlan(desks=new_desks(asked.answer, known), hint=command.hint, **asked.spent)


async def _known(job: Job) -> Known:
    rows: list[Any] = await job.read(lambda db: db.execute(DIVISION, (job.subject_id,)).fetchall())
    ((division, description),) = rows
    # Another process's events, known here by their stored names only.
    aggregates: list[Any] = [happened.event for happened in await job.history("design", "aggregate_designed_v1")]
    events: list[Any] = [happened.event for happened in await job.history("design", "event_designed_v1")]
    return Known(
        division=division,
        description=description,
        aggregates={aggregate.aggregate_name: aggregate.description for aggregate in aggregates},
        events=tuple(events),
        needs=needs(await job.dossier()),
    )


# -- the outcome


class RecordPlan(Command, frozen=True):
    """Tell what a model has proposed."""

    desks: tuple[ProposedDesk, ...]
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    hint: str


def record(dossier: Dossier, command: RecordPlan) -> Sequence[Event]:
    """Keep the proposal.  The same one, word for word, adds nothing."""
    event = PlanProposed(proposal_id=dossier.new_id("prop"), **msgspec.structs.asdict(command))
    earlier = dossier.all(PlanProposed)
    if earlier and msgspec.structs.replace(earlier[-1], proposal_id=event.proposal_id) == event:
        return []
    return [event]


_PROPOSED: Mapping[str, Any] = {
    "desks": (ProposedDesk("lock_account", "command", "account", "P1", "After five wrong passwords", ()),),
    "model": "ollama/llama3.2:latest",
    "prompt_tokens": 301,
    "completion_tokens": 88,
    "cost_usd": None,
    "hint": "the read side can wait",
}

RECORD = Desk(
    path="",
    command=RecordPlan,
    events=(PlanProposed,),
    decide=record,
    states=EVERY_STATE,
    makes="proposal_id",
    example=Example(when=RecordPlan(**_PROPOSED), then=(PlanProposed(proposal_id="prop-", **_PROPOSED),)),
)

DESK = Desk(
    path="propose",
    command=ProposePlan,
    events=(),
    decide=decide,
    status=202,
    work=Work(do=propose, record=RECORD),
    example=Example(when=ProposePlan(hint="the read side can wait"), then=()),
)
