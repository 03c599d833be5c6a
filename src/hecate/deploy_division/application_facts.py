"""What a dossier knows of the application that the daemon supervises: that it was started, stopped, or has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.dossiers.messages import Event

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Patience = Annotated[float, msgspec.Meta(gt=0, le=600)]


class ApplicationStarted(Event, frozen=True):
    """The application runs, and is kept running until it is stopped or has failed."""

    application_id: str
    version: str
    """Of the release that it runs from."""
    command: tuple[str, ...]
    """As it was asked for; empty: the release's own."""
    port: int
    """It listens there, on 127.0.0.1."""


class ApplicationStopped(Event, frozen=True):
    """The application was stopped, and stays so."""

    application_id: str
    reason: str


class ApplicationFailed(Event, frozen=True):
    """The application does not run: it did not start, or it ended again and again."""

    application_id: str
    """Of the start that it follows; of its own where there was none."""
    reason: str


class Started(msgspec.Struct, frozen=True):
    """What is to be recorded of an application that runs."""

    version: str
    command: tuple[str, ...]
    port: int


def wanted_application(dossier: Dossier) -> ApplicationStarted | None:
    """Return the start of the application that is kept running; None: none is."""
    started = last_start(dossier)
    if started is None:
        return None
    application_id = started.application_id
    over = dossier.has(ApplicationStopped, application_id=application_id) or dossier.has(
        ApplicationFailed, application_id=application_id
    )
    return None if over else started


def last_start(dossier: Dossier) -> ApplicationStarted | None:
    """Return the newest start, whatever has come of it; None: there was none."""
    starts = dossier.all(ApplicationStarted)
    return starts[-1] if starts else None


def runs_now(dossier: Dossier, started: Started | None) -> list[ApplicationStarted]:
    """Return the event for an application that was *started*; none where none was."""
    if started is None:
        return []
    return [
        ApplicationStarted(
            application_id=dossier.new_id("app"),
            version=started.version,
            command=started.command,
            port=started.port,
        )
    ]
