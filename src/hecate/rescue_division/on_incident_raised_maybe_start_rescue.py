"""Policy: an incident that takes the division down starts its rescue.

One that is under way goes on; one that is completed begins its next iteration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.lifecycle import Start
from hecate.dossiers.policies import Policy, Reaction
from hecate.rescue_division import PROCESS

if TYPE_CHECKING:
    from hecate.dossiers.messages import Event

WORST = frozenset({"sev1", "sev2"})


def start_rescue(event: Event, division_id: str) -> Reaction | None:
    """Ask that the rescue starts, if the incident is bad enough; where it is active already that is refused."""
    # Another process's event, known here by its stored name only.
    incident: Any = event
    if incident.severity not in WORST:
        return None
    return Reaction(process=PROCESS.name, subject_id=division_id, command=Start())


POLICY = Policy(name="on_incident_raised_maybe_start_rescue", on=("incident_raised_v1",), react=start_rescue)
