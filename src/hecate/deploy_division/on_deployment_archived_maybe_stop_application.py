"""Policy: when the deployment is archived, its application is stopped.

It is put away for good, and would otherwise run on until the daemon's end.  Where none runs, the command is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.deploy_division import PROCESS
from hecate.deploy_division.stop_application import StopApplication
from hecate.dossiers.policies import Policy, Reaction

if TYPE_CHECKING:
    from hecate.dossiers.messages import Event


def stop_application(_event: Event, division_id: str) -> Reaction:
    """Ask that the application is stopped."""
    command = StopApplication(reason="the deployment was archived")
    return Reaction(process=PROCESS.name, subject_id=division_id, command=command)


POLICY = Policy(
    name="on_deployment_archived_maybe_stop_application", on=("deployment_archived_v1",), react=stop_application
)
