"""Desk: record that an earlier release is live again.  Only the rollback's own job reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.deploy_division.application_facts import ApplicationStarted, Started, runs_now
from hecate.deploy_division.record_release import DEPLOYED
from hecate.deploy_division.switches import ReleaseDeployed, ReleaseRolledBack, live_version, next_switch
from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RecordRollback(Command, frozen=True):
    """Ask that a rollback is recorded."""

    from_version: str
    to_version: str
    reason: str = ""
    application: Started | None = None
    """What the daemon runs from it, where it runs something."""


def decide(dossier: Dossier, command: RecordRollback) -> Sequence[Event]:
    """Record the rollback.

    Raises:
        Refused: Another release has become live meanwhile.
    """
    if live_version(dossier) != command.from_version:
        raise Refused(f"release {command.from_version} is not live any more")
    return [
        *runs_now(dossier, command.application),
        ReleaseRolledBack(
            rollback_id=dossier.new_id("rb"),
            from_version=command.from_version,
            to_version=command.to_version,
            reason=command.reason,
            switch=next_switch(dossier),
        ),
    ]


UPGRADED = ReleaseDeployed(
    release_id="rel-1",
    version="1.1.0",
    target="local",
    commit="",
    artifacts=(),
    previous_version="1.0.0",
    switch=2,
)
"""For examples."""

RECORD = Desk(
    path="",
    command=RecordRollback,
    events=(ReleaseRolledBack, ApplicationStarted),
    decide=decide,
    states=EVERY_STATE,
    makes="rollback_id",
    example=Example(
        given=(DEPLOYED, UPGRADED),
        when=RecordRollback(from_version="1.1.0", to_version="1.0.0", reason="logins fail"),
        then=(
            ReleaseRolledBack(
                rollback_id="rb-", from_version="1.1.0", to_version="1.0.0", reason="logins fail", switch=3
            ),
        ),
    ),
)
