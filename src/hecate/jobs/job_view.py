"""A job as answers show it."""

from __future__ import annotations

from typing import Any

import msgspec

from hecate.dossiers.job_records import JobOutput, JobRecord
from hecate.dossiers.times import rfc3339, rfc3339_or_none


class JobView(msgspec.Struct, kw_only=True):
    """A job; times are RFC 3339, null where it has not come to that."""

    id: str
    job_id: str
    process: str
    action: str
    """The command, such as ``suite``."""
    venture_id: str
    division_id: str | None
    """Null for a venture's own job."""
    state: str
    """queued, running, succeeded, failed, cancelled or interrupted."""
    message: str
    done: int | None
    total: int | None
    error: str | None
    code: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None


class JobInFull(JobView, kw_only=True):
    """A job as an answer about it alone shows it."""

    command: dict[str, Any]
    events: list[dict[str, Any]]
    """What has been recorded: by the command first, by the outcome last."""
    output: JobOutput


def view(job: JobRecord) -> JobView:
    """Return *job* as lists show it."""
    return JobView(**_fields(job))


def in_full(job: JobRecord) -> JobInFull:
    """Return all of *job*."""
    recorded = [{"type": name, "data": data} for name, data in msgspec.json.decode(job.events)]
    if job.result is not None:
        recorded += msgspec.json.decode(job.result)["events"]
    return JobInFull(**_fields(job), command=msgspec.json.decode(job.command), events=recorded, output=job.output)


def _fields(job: JobRecord) -> dict[str, Any]:
    began, ended = job.started_at, job.finished_at
    return {
        "id": job.id,
        "job_id": job.id,
        "process": job.process,
        "action": job.desk,
        "venture_id": job.venture_id,
        "division_id": None if job.subject_id == job.venture_id else job.subject_id,
        "state": job.state,
        "message": job.message,
        "done": job.done,
        "total": job.total,
        "error": job.error.error if job.error else None,
        "code": job.error.code if job.error else None,
        "created_at": rfc3339(job.created_at),
        "started_at": rfc3339_or_none(began),
        "finished_at": rfc3339_or_none(ended),
        "duration_ms": ended - began if began is not None and ended is not None else None,
    }
