"""Desk: diagnose an incident.

    POST /api/divisions/{division_id}/rescue/diagnose
    {"incident_id": "inc-0193f2a1b3c000112345", "model": "llama3.2"}

With a ``diagnosis`` it is recorded at once.  Without one it is a job: a language model is asked, with what is known of
the incident and the division, without secrets.  It explains and may propose a patch, which is recorded with what it
has cost; nothing is done by that: see `fix`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Invalid
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event, Name, OptionalName, Text
from hecate.jobs.structured_answer import ask_structured, clean_share, clean_text
from hecate.rescue_division.diagnosed_incidents import IncidentDiagnosed, ProposedFix
from hecate.rescue_division.evidence import gather
from hecate.rescue_division.incident_reference import INCIDENT
from hecate.rescue_division.questions_on_incidents import (
    SYSTEM,
    DiagnosisAnswer,
    clean_lines,
    prompt,
    proposed_fix,
    wrong,
)
from hecate.rescue_division.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job


class DiagnoseIncident(Command, frozen=True):
    """Ask for a diagnosis, or tell one."""

    incident_id: Name
    diagnosis: Text = ""
    root_cause: Text = ""
    """Without a diagnosis: what the model shall look at first."""
    model: OptionalName = ""


def decide(dossier: Dossier, command: DiagnoseIncident) -> Sequence[Event]:
    """Keep a diagnosis that is told; leave one that is not to the model.

    Raises:
        Invalid: A diagnosis has no visible character.
    """
    if not command.diagnosis:
        return []
    if not command.diagnosis.strip():
        raise Invalid("a diagnosis must say something; leave it out to ask a model - at `$.diagnosis`")
    told = {"incident_id": command.incident_id, "diagnosis": command.diagnosis, "root_cause": command.root_cause}
    if dossier.has(IncidentDiagnosed, **told):
        return []
    return [
        IncidentDiagnosed(
            diagnosis_id=dossier.new_id("diag"),
            **told,
            confidence=None,
            evidence=(),
            proposed_fix=ProposedFix(),
            model=command.model,
            prompt_tokens=0,
            completion_tokens=0,
            cost_usd=None,
        )
    ]


async def diagnose(job: Job) -> RecordDiagnosis:
    """Ask a model what has caused the incident.

    Raises:
        HecateError: No provider has the model, it fails, or it answers nonsense.
    """
    command = job.command
    assert isinstance(command, DiagnoseIncident)  # noqa: S101 - it is the desk's own
    job.progress("gathers what is known")
    sections = await gather(job, command.incident_id)
    for section in sections:
        job.tell(f"{section.title}: {len(section.text.splitlines())} lines")
    job.progress("asks a model for a diagnosis")
    asked = await ask_structured(
        job,
        system=SYSTEM,
        prompt=prompt(sections, redacted(command.root_cause)),
        form=DiagnosisAnswer,
        model=command.model,
        wrong=wrong,
    )
    answer = asked.answer
    return RecordDiagnosis(
        incident_id=command.incident_id,
        diagnosis=clean_text(answer.summary),
        root_cause=clean_text(answer.root_cause),
        confidence=clean_share(answer.confidence),
        evidence=clean_lines(answer.evidence),
        proposed_fix=proposed_fix(answer),
        **asked.spent,
    )


# -- the outcome


class RecordDiagnosis(Command, frozen=True):
    """Tell what a model has found."""

    incident_id: str
    diagnosis: str
    root_cause: str
    confidence: float
    evidence: tuple[str, ...]
    proposed_fix: ProposedFix
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


def record(dossier: Dossier, command: RecordDiagnosis) -> Sequence[Event]:
    """Keep the diagnosis.  The same one, word for word, adds nothing."""
    event = IncidentDiagnosed(diagnosis_id=dossier.new_id("diag"), **msgspec.structs.asdict(command))
    earlier = dossier.all(IncidentDiagnosed)
    if earlier and msgspec.structs.replace(earlier[-1], diagnosis_id=event.diagnosis_id) == event:
        return []
    return [event]


_FOUND = RecordDiagnosis(
    incident_id="inc-1",
    diagnosis="Every second login fails",
    root_cause="The release reads the sessions of one of two hosts",
    confidence=0.8,
    evidence=("failed: tests/test_login.py:12",),
    proposed_fix=ProposedFix("Roll back", ("hecate division do auth deploy/rollback",)),
    model="ollama/llama3.2:latest",
    prompt_tokens=2120,
    completion_tokens=160,
    cost_usd=None,
)

RECORD = Desk(
    path="",
    command=RecordDiagnosis,
    events=(IncidentDiagnosed,),
    decide=record,
    states=EVERY_STATE,
    makes="diagnosis_id",
    example=Example(when=_FOUND, then=(IncidentDiagnosed(diagnosis_id="diag-", **msgspec.structs.asdict(_FOUND)),)),
)

DESK = Desk(
    path="diagnose",
    command=DiagnoseIncident,
    events=(IncidentDiagnosed,),
    decide=decide,
    makes="diagnosis_id",
    status=202,
    refers_to=(INCIDENT,),
    work=Work(do=diagnose, record=RECORD, needed=lambda command: not command.diagnosis),
    example=Example(
        when=DiagnoseIncident(
            incident_id="inc-1", diagnosis="Every second login fails", root_cause="Sessions are on two hosts"
        ),
        then=(
            IncidentDiagnosed(
                diagnosis_id="diag-",
                incident_id="inc-1",
                diagnosis="Every second login fails",
                root_cause="Sessions are on two hosts",
                confidence=None,
                evidence=(),
                proposed_fix=ProposedFix(),
                model="",
                prompt_tokens=0,
                completion_tokens=0,
                cost_usd=None,
            ),
        ),
    ),
)
