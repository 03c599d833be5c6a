"""Desk: record how a release has gone.  Only the release's own job reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.deploy_division.application_facts import ApplicationStarted, Started, runs_now
from hecate.deploy_division.switches import Artifact, ReleaseDeployed, live_version, next_switch
from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RecordRelease(Command, frozen=True):
    """Ask that the outcome of a release is recorded."""

    release_id: str
    version: str
    target: str
    commit: str = ""
    artifacts: tuple[Artifact, ...] = ()
    application: Started | None = None
    """What the daemon runs from it, where that is its target."""
    stage: str = ""
    """What it has failed at; empty: it has not failed."""
    reason: str = ""


class ReleaseFailed(Event, frozen=True):
    """A release is not live: whatever was live before still is."""

    release_id: str
    version: str
    target: str
    stage: str
    """``workspace``, ``build``, ``store``, ``switch``, ``activate``, ``health`` or ``record``; ``unknown`` where the
    daemon died on the way."""
    reason: str


def decide(dossier: Dossier, command: RecordRelease) -> Sequence[Event]:
    """Record the outcome, once.

    Raises:
        Refused: It is recorded already.
    """
    release_id = command.release_id
    if dossier.has(ReleaseDeployed, release_id=release_id) or dossier.has(ReleaseFailed, release_id=release_id):
        raise Refused(f"the outcome of release {release_id!r} is recorded already")
    if command.stage:
        return [
            ReleaseFailed(
                release_id=release_id,
                version=command.version,
                target=command.target,
                stage=command.stage,
                reason=command.reason,
            )
        ]
    deployed = ReleaseDeployed(
        release_id=release_id,
        version=command.version,
        target=command.target,
        commit=command.commit,
        artifacts=command.artifacts,
        previous_version=live_version(dossier),
        switch=next_switch(dossier),
    )
    return [*runs_now(dossier, command.application), deployed]


WHEEL = Artifact(
    "auth-1.0.0-py3-none-any.whl", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 20480
)
DEPLOYED = ReleaseDeployed(
    release_id="rel-",
    version="1.0.0",
    target="local",
    commit="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    artifacts=(WHEEL,),
    previous_version="",
    switch=1,
)
"""For examples."""

RECORD = Desk(
    path="",
    command=RecordRelease,
    events=(ReleaseDeployed, ReleaseFailed, ApplicationStarted),
    decide=decide,
    states=EVERY_STATE,
    makes="release_id",
    example=Example(
        given=(
            ReleaseFailed(release_id="rel-0", version="1.0.0", target="local", stage="health", reason="exit code 1"),
        ),
        when=RecordRelease(
            release_id="rel-", version="1.0.0", target="local", commit=DEPLOYED.commit, artifacts=(WHEEL,)
        ),
        then=(DEPLOYED,),
    ),
)
