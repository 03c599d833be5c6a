"""What a dossier knows of its diagnoses: what somebody, or a language model, takes for the cause of an incident."""

from __future__ import annotations

import msgspec

from hecate.dossiers.messages import Event


class ProposedFix(msgspec.Struct, frozen=True):
    """What would mend it, in the diagnosis's opinion.  Nothing is done by that."""

    description: str = ""
    steps: tuple[str, ...] = ()
    """For people."""
    patch: str = ""
    """A unified diff, with paths in the workspace; empty: there is none."""


class IncidentDiagnosed(Event, frozen=True):
    """An incident has an explanation."""

    diagnosis_id: str
    incident_id: str
    diagnosis: str
    root_cause: str
    confidence: float | None
    """From 0 to 1; null: nobody has said how sure they are."""
    evidence: tuple[str, ...]
    proposed_fix: ProposedFix
    model: str
    """The provider's name, a slash, and its own name of the model; empty: no model was asked."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """Null: not known, or no model was asked."""
