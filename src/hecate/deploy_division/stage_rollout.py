"""Desk: record a stage of a rollout.

    POST /api/divisions/{division_id}/deploy/rollout
    {"version": "1.2.0", "stage": "canary", "percentage": 10}

For rollouts that somebody else performs: which share of the users, or of the machines, has the release by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.deploy_division.record_release import DEPLOYED
from hecate.deploy_division.switches import ReleaseDeployed
from hecate.deploy_division.versions import VersionText, version_of
from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

Percentage = Annotated[float, msgspec.Meta(ge=0, le=100)]


class StageRollout(Command, frozen=True):
    """Ask that a stage is recorded."""

    version: VersionText
    stage: Name
    """Of the caller's choice: ``canary``, ``region-eu``, ``everyone`` …"""
    percentage: Percentage


class RolloutStaged(Event, frozen=True):
    """So much of the stage has the release."""

    rollout_id: str
    version: str
    stage: str
    percentage: float


def decide(dossier: Dossier, command: StageRollout) -> Sequence[Event]:
    """Record the stage of a release that was deployed; the same again adds nothing.

    Raises:
        Invalid: The version is not semantic.
        Refused: It was never deployed.
    """
    version_of(command.version)
    if not dossier.has(ReleaseDeployed, version=command.version):
        raise Refused(f"release {command.version} was never deployed, so it cannot be rolled out")
    last = dossier.find(RolloutStaged, version=command.version, stage=command.stage)
    if last is not None and last.percentage == command.percentage:
        return []
    return [
        RolloutStaged(
            rollout_id=dossier.new_id("roll"),
            version=command.version,
            stage=command.stage,
            percentage=command.percentage,
        )
    ]


DESK = Desk(
    path="rollout",
    command=StageRollout,
    events=(RolloutStaged,),
    decide=decide,
    makes="rollout_id",
    example=Example(
        given=(DEPLOYED,),
        when=StageRollout(version="1.0.0", stage="canary", percentage=10.0),
        then=(RolloutStaged(rollout_id="roll-", version="1.0.0", stage="canary", percentage=10.0),),
    ),
)
