"""Shows the application that the daemon supervises for a division.

    GET /api/divisions/{division_id}/service
    GET /api/divisions/{division_id}/service/logs

What it has printed is kept over its restarts and the daemon's, the newest two megabytes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hecate.deploy_division import PROCESS
from hecate.deploy_division.application_facts import (
    ApplicationFailed,
    ApplicationStarted,
    last_start,
    wanted_application,
)
from hecate.deploy_division.applications import LONGEST_LOG, applications_of
from hecate.deploy_division.ports import HOST
from hecate.dossiers.engine import Engine
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Call, Route

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier


class ApplicationView(msgspec.Struct, kw_only=True):
    """The application of a division."""

    state: str
    """``stopped``, ``starting``, ``running``, ``waiting`` (to be started again), or ``failed``."""
    version: str | None
    """Of the release that it runs from; null: it was never started."""
    command: list[str]
    """As it was asked for; empty: the release's own."""
    port: int | None
    url: str | None
    """Null unless it runs."""
    processes: list[int]
    """Their ids."""
    restarts: int
    """How often it has been started again since it, or the daemon, was started."""
    running_since: str | None
    error: str | None
    """Why it last ended, or could not be started."""


class ApplicationAnswer(msgspec.Struct, kw_only=True):
    """The answer to ``GET …/service``."""

    ok: bool
    service: ApplicationView


class LogQuery(msgspec.Struct, frozen=True):
    """How much of the log is wanted."""

    lines: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_LOG)] = 200


class LogAnswer(msgspec.Struct, kw_only=True):
    """The answer to ``GET …/service/logs``."""

    ok: bool
    lines: list[str]
    """Each with the time at which it was printed; those that begin with [hecate] then are ours."""


async def show_application(call: Call) -> Mapping[str, Any]:
    """Show how the application of a division stands."""
    dossier = await _dossier(call)
    applications = applications_of(call.services)
    application = applications.of(dossier.subject_id)
    processes = await asyncio.to_thread(applications.processes_of, dossier.subject_id)
    wanted = wanted_application(dossier)
    started = wanted or last_start(dossier)
    failure = _failure(dossier)
    view = ApplicationView(
        state="stopped" if failure is None else "failed",
        version=None if started is None else started.version,
        command=[] if started is None else list(started.command),
        port=None if started is None else started.port,
        url=None,
        processes=processes,
        restarts=0,
        running_since=None,
        error=None if failure is None else failure.reason,
    )
    if application is not None and application.state != "stopped":
        plan, since = application.plan, application.running_since
        view.state, view.restarts, view.error = application.state, application.restarts, application.error or None
        view.version, view.command, view.port = plan.version, list(plan.command), plan.port
        view.url = f"http://{HOST}:{plan.port}" if application.state == "running" else None
        view.running_since = None if since is None else rfc3339(int(since * 1000))
    return {"service": view}


async def show_application_log(call: Call) -> Mapping[str, Any]:
    """Show what the application of a division has printed last."""
    query: LogQuery = call.query
    dossier = await _dossier(call)
    applications = applications_of(call.services)
    return {"lines": await asyncio.to_thread(applications.last_lines, dossier.subject_id, query.lines)}


async def _dossier(call: Call) -> Dossier:
    engine = call.services.get(Engine)
    return await engine.store.read(lambda db: engine.rehydrate(db, PROCESS, call.path["division_id"]))


def _failure(dossier: Dossier) -> ApplicationFailed | None:
    """Return the failure after which the application was not started any more; None: there is none."""
    failures = dossier.all(ApplicationFailed)
    if not failures or wanted_application(dossier) is not None:
        return None
    failure, starts = failures[-1], dossier.all(ApplicationStarted)
    # One that never started has an id of its own; else it is the last start that has failed.
    is_of_a_start = any(started.application_id == failure.application_id for started in starts)
    return failure if not is_of_a_start or failure.application_id == starts[-1].application_id else None


ROUTES = (
    Route(
        method="GET",
        path="/api/divisions/{division_id}/service",
        call=show_application,
        summary="Show the application that the daemon supervises for a division.",
        answer=ApplicationAnswer,
        errors=(404,),
        tag="deploy_division",
    ),
    Route(
        method="GET",
        path="/api/divisions/{division_id}/service/logs",
        call=show_application_log,
        summary="Show what the application of a division has printed last.",
        query=LogQuery,
        answer=LogAnswer,
        errors=(404,),
        tag="deploy_division",
    ),
)
