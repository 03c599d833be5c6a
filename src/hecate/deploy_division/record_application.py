"""Desk: record what has become of the application.  Only its own jobs, and whoever supervises it, reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hecate.deploy_division.application_facts import (
    ApplicationFailed,
    ApplicationStarted,
    ApplicationStopped,
    Started,
    runs_now,
    wanted_application,
)
from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RecordApplication(Command, frozen=True):
    """Ask that it is recorded."""

    became: Literal["started", "stopped", "failed"]
    reason: str = ""
    started: Started | None = None
    """What runs, if it was started."""


def decide(dossier: Dossier, command: RecordApplication) -> Sequence[Event]:
    """Record it; what does not run cannot be stopped."""
    if command.started is not None:
        return runs_now(dossier, command.started)
    wanted = wanted_application(dossier)
    if command.became == "stopped":
        if wanted is None:
            return []
        return [ApplicationStopped(application_id=wanted.application_id, reason=command.reason)]
    application_id = dossier.new_id("app") if wanted is None else wanted.application_id
    return [ApplicationFailed(application_id=application_id, reason=command.reason)]


STARTED = ApplicationStarted(application_id="app-0", version="1.0.0", command=(), port=8000)
"""For examples."""

RECORD = Desk(
    path="",
    command=RecordApplication,
    events=(ApplicationStarted, ApplicationStopped, ApplicationFailed),
    decide=decide,
    states=EVERY_STATE,
    makes="application_id",
    example=Example(
        given=(
            STARTED,
            ApplicationFailed(
                application_id="app-0", reason="the application has ended: exit code 1, 6 times in a row"
            ),
            ApplicationStarted(application_id="app-1", version="1.0.0", command=(), port=8000),
        ),
        when=RecordApplication(became="stopped", reason="maintenance"),
        then=(ApplicationStopped(application_id="app-1", reason="maintenance"),),
    ),
)
