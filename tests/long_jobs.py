"""Jobs that take longer than a caller waits for an answer: those that install packages."""

from __future__ import annotations

from typing import Any

from tests.calling import Caller
from tests.daemon.child import wait_until

LONGEST_SECONDS = 150.0
"""On a machine that does much else."""


def end_of_job(caller: Caller, path: str, body: Any = None) -> Any:
    """Send a command that begins a job, and return the job when it has ended."""
    reply = caller.post(path, body or {})
    assert reply.status == 202, reply
    job_id = reply.json["job_id"]
    wait_until(lambda: _job(caller, job_id)["state"] not in {"queued", "running"}, LONGEST_SECONDS)
    return _job(caller, job_id)


def _job(caller: Caller, job_id: str) -> Any:
    return caller.get(f"/api/jobs/{job_id}").json["job"]
