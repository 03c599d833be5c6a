"""Queries: the jobs, and one job with what it has told and recorded.

GET /api/jobs
GET /api/jobs/{job_id}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from hecate.dossiers import job_records
from hecate.dossiers.engine import Engine
from hecate.endpoints import Call, Limit, Route
from hecate.jobs.job_view import JobInFull, JobView, in_full, view
from hecate.jobs.runner import JobRunner


class JobsQuery(msgspec.Struct, frozen=True):
    """Which jobs, the newest first."""

    limit: Limit = 50
    after: str = ""
    """The ``next`` of the page before."""
    state: Literal["", "queued", "running", "succeeded", "failed", "cancelled", "interrupted"] = ""
    venture_id: str = ""
    division_id: str = ""
    process: str = ""


class JobQuery(msgspec.Struct, frozen=True):
    """Whether the answer waits for the job's end."""

    wait: bool = False


class Jobs(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/jobs``."""

    ok: bool
    jobs: list[JobView]
    next: str | None = None
    """Where the next page begins, null on the last."""


class JobShown(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/jobs/{job_id}``."""

    ok: bool
    job: JobInFull


async def list_jobs(call: Call) -> Mapping[str, Any]:
    """List jobs, the newest first."""
    query: JobsQuery = call.query
    asked = {
        "state": query.state,
        "venture_id": query.venture_id,
        "subject_id": query.division_id,
        "process": query.process,
    }
    where = {column: value for column, value in asked.items() if value}
    found = await call.services.get(Engine).store.read(
        lambda db: job_records.page(db, where, query.after, query.limit + 1)
    )
    more = found[query.limit - 1].id if len(found) > query.limit else None
    return {"jobs": [view(job) for job in found[: query.limit]], "next": more}


async def show_job(call: Call) -> Mapping[str, Any]:
    """Show one job; while it runs, what it is at now."""
    runner, job_id = call.services.get(JobRunner), call.path["job_id"]
    query: JobQuery = call.query
    record = await (runner.finished(job_id) if query.wait else runner.record(job_id))
    log = runner.log_of(job_id)
    if log is not None and not record.is_finished:
        record = msgspec.structs.replace(record, message=log.message, done=log.done, total=log.total, output=log.output)
    return {"job": in_full(record)}


ROUTES = (
    Route(
        method="GET",
        path="/api/jobs",
        call=list_jobs,
        summary="List jobs, the newest first.",
        query=JobsQuery,
        answer=Jobs,
        tag="jobs",
    ),
    Route(
        method="GET",
        path="/api/jobs/{job_id}",
        call=show_job,
        summary="Get one job; with `wait=true`, once it has ended.",
        query=JobQuery,
        answer=JobShown,
        errors=(404,),
        cancel_on_disconnect=True,
        tag="jobs",
    ),
)
