"""Desk: propose divisions.

    POST /api/ventures/{venture_id}/discovery/propose
    {"hint": "we sell to clinics; billing is done by a partner"}

A language model reads the venture's brief and proposes bounded contexts.  Nothing is discovered by that: `discover`
takes the ``proposal_id``, with the name or the number of the division that a person has picked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hecate.discover_divisions.discover_division import DivisionDiscovered
from hecate.discover_divisions.proposed_divisions import DivisionsProposed, ProposedDivision
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event, OptionalName, Text
from hecate.jobs.structured_answer import ask_structured, clean_name, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job

LONGEST_BRIEF = 20_000
"""Characters of it that a model is shown."""
MOST_DIVISIONS = 20
MOST_BOUNDARIES = 20

VENTURE = "SELECT name, brief FROM ventures WHERE id = ?"

SYSTEM = """\
You help to divide a software venture into bounded contexts, as domain-driven design means them. Each is a part of the \
business with a language and rules of its own, which one team could own. Propose the few that the brief gives reason \
for, most often three to seven; none for what is only a technical layer. Name each in one or two words of the \
business, such as billing."""


class ProposeDivisions(Command, frozen=True):
    """Ask for a proposal."""

    model: OptionalName = ""
    hint: Text = ""


class _Division(msgspec.Struct, frozen=True):
    """A bounded context."""

    name: Annotated[str, msgspec.Meta(description="one or two words of the business")]
    description: Annotated[str, msgspec.Meta(description="what it does, in a sentence or two")] = ""
    rationale: Annotated[str, msgspec.Meta(description="why it is a context of its own")] = ""
    boundaries: Annotated[
        tuple[str, ...], msgspec.Meta(description="sentences on what belongs to it, and what belongs elsewhere")
    ] = ()


class _Answer(msgspec.Struct, frozen=True):
    """The proposal."""

    divisions: tuple[_Division, ...]


def decide(_dossier: Dossier, _command: ProposeDivisions) -> Sequence[Event]:
    """Leave all to the model."""
    return []


async def propose(job: Job) -> RecordDivisions:
    """Ask a model for the divisions that the brief gives reason for.

    Raises:
        Refused: There is nothing to propose from.
        HecateError: No provider has the model, it fails, or it answers nonsense.
    """
    command = job.command
    assert isinstance(command, ProposeDivisions)  # noqa: S101 - it is the desk's own
    rows: list[Any] = await job.read(lambda db: db.execute(VENTURE, (job.venture_id,)).fetchall())
    ((name, brief),) = rows
    if not (brief or command.hint).strip():
        raise Refused(f"venture {name!r} has no brief to propose divisions from; give a hint")
    known = (await job.dossier()).all(DivisionDiscovered)
    taken = {division.division_name for division in known}
    job.progress("asks a model for divisions")
    asked = await ask_structured(
        job,
        system=SYSTEM,
        prompt=_prompt(name, brief, command.hint, known),
        form=_Answer,
        model=command.model,
        wrong=lambda answer: "" if new_divisions(answer.divisions, taken) else "it proposes no new division",
    )
    return RecordDivisions(
        divisions=new_divisions(asked.answer.divisions, taken),
        hint=command.hint,
        **asked.spent,
    )


def _prompt(name: str, brief: str, hint: str, known: Sequence[DivisionDiscovered]) -> str:
    parts = [f"The venture is called {name}. Its brief:\n\n{brief[:LONGEST_BRIEF] or '(none)'}"]
    if known:
        lines = "\n".join(f"- {division.division_name}: {division.description[:300]}" for division in known)
        parts.append(f"It has these divisions already; propose others, or none of these again:\n{lines}")
    if hint:
        parts.append(f"The person who asks adds:\n{hint[:LONGEST_BRIEF]}")
    return "\n\n".join(parts)


def new_divisions(proposed: Iterable[_Division], taken: Iterable[str]) -> tuple[ProposedDivision, ...]:
    """Return the divisions that a model has proposed: cleaned, each once, without those whose name is *taken*."""
    seen = {name.casefold() for name in taken}
    divisions: list[ProposedDivision] = []
    for division in proposed:
        name = clean_name(division.name)
        if not name or name.casefold() in seen or len(divisions) == MOST_DIVISIONS:
            continue
        seen.add(name.casefold())
        divisions.append(
            ProposedDivision(
                id=str(len(divisions) + 1),
                name=name,
                description=clean_text(division.description),
                rationale=clean_text(division.rationale),
                boundaries=tuple(filter(None, map(clean_text, division.boundaries[:MOST_BOUNDARIES]))),
            )
        )
    return tuple(divisions)


# -- the outcome


class RecordDivisions(Command, frozen=True):
    """Tell what a model has proposed."""

    divisions: tuple[ProposedDivision, ...]
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    hint: str


def record(dossier: Dossier, command: RecordDivisions) -> Sequence[Event]:
    """Keep the proposal.  The same one, word for word, adds nothing."""
    event = DivisionsProposed(proposal_id=dossier.new_id("prop"), **msgspec.structs.asdict(command))
    earlier = dossier.all(DivisionsProposed)
    if earlier and msgspec.structs.replace(earlier[-1], proposal_id=event.proposal_id) == event:
        return []
    return [event]


_AUTH = ProposedDivision(
    id="1",
    name="auth",
    description="Who may do what",
    rationale="Identity has rules of its own",
    boundaries=("Accounts and sessions belong to it; invoices do not.",),
)
_SPENT: Mapping[str, Any] = {
    "model": "ollama/llama3.2:latest",
    "prompt_tokens": 412,
    "completion_tokens": 96,
    "cost_usd": None,
}

RECORD = Desk(
    path="",
    command=RecordDivisions,
    events=(DivisionsProposed,),
    decide=record,
    states=EVERY_STATE,
    makes="proposal_id",
    example=Example(
        when=RecordDivisions(divisions=(_AUTH,), hint="we sell to clinics", **_SPENT),
        then=(DivisionsProposed(proposal_id="prop-", divisions=(_AUTH,), hint="we sell to clinics", **_SPENT),),
    ),
)

DESK = Desk(
    path="propose",
    command=ProposeDivisions,
    events=(),
    decide=decide,
    status=202,
    work=Work(do=propose, record=RECORD),
    example=Example(when=ProposeDivisions(hint="we sell to clinics"), then=()),
)
