"""Cancels a job, and ends whatever it has started.

POST /api/jobs/{job_id}/cancel
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hecate.endpoints import Call, Route
from hecate.jobs.job_view import in_full
from hecate.jobs.runner import JobRunner
from hecate.jobs.show_jobs import JobShown


async def cancel_job(call: Call) -> Mapping[str, Any]:
    """Cancel a job and show it as it has ended."""
    return {"job": in_full(await call.services.get(JobRunner).cancel(call.path["job_id"]))}


ROUTES = (
    Route(
        method="POST",
        path="/api/jobs/{job_id}/cancel",
        call=cancel_job,
        summary="Cancel a job; its processes are gone when the answer comes.",
        answer=JobShown,
        errors=(404, 409),
        tag="jobs",
    ),
)
