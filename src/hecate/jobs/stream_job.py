"""Follows a job: its output, its progress and its end, as server-sent events.

    GET /api/jobs/{job_id}/stream

Each event's ``data`` has its ``type`` (``output``, ``progress``, ``state``, ``skipped``, and ``done`` at the end, with
the job); ``Last-Event-ID`` goes on where a reader has been cut off.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.dossiers.job_records import JobOutput
from hecate.endpoints import Call, Route, Stream
from hecate.jobs.job_log import JobLog
from hecate.jobs.job_view import in_full
from hecate.jobs.runner import JobRunner

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": still here\n\n"
LONGEST_NUMBER = 18

_encode = msgspec.json.Encoder().encode


async def stream_job(call: Call) -> Stream:
    """Stream what a job tells until it ends; of one that has ended, what is kept."""
    runner, job_id = call.services.get(JobRunner), call.path["job_id"]
    await runner.record(job_id)
    return Stream(_pieces(runner, job_id, _resume_after(call)))


def _resume_after(call: Call) -> int:
    last = call.headers.get("last-event-id", "")
    if last and not (last.isdecimal() and len(last) <= LONGEST_NUMBER):
        raise Invalid(f"the Last-Event-ID header must be a whole number, not {last[:40]!r}")
    return int(last or 0)


async def _pieces(runner: JobRunner, job_id: str, after: int) -> AsyncGenerator[bytes, None]:
    log = await runner.taken_up(job_id)
    if log is not None:
        async with aclosing(_followed(log, after)) as pieces:
            async for piece in pieces:
                yield piece
    ended = await runner.finished(job_id)
    if log is None and after == 0:
        for piece in _kept(ended.output):
            yield piece
    yield _event("done", {"state": ended.state, "error": ended.error and ended.error.error, "job": in_full(ended)})


def _kept(output: JobOutput) -> Iterator[bytes]:
    """Give what is kept of a finished job's output."""
    if output.head:
        yield b"".join(_event("output", {"line": line}) for line in output.head.split("\n"))
    if output.skipped_lines:
        yield _event("skipped", {"lines": output.skipped_lines})
    if output.tail:
        yield b"".join(_event("output", {"line": line}) for line in output.tail.split("\n"))


async def _followed(log: JobLog, after: int) -> AsyncGenerator[bytes, None]:
    """Give the messages of *log* after number *after*, and a comment where there is none for long."""
    async with aclosing(log.follow(after, HEARTBEAT_SECONDS)) as batches:
        async for batch in batches:
            yield b"".join(_event(told.kind, told.fields, told.number) for told in batch) or HEARTBEAT


def _event(kind: str, fields: dict[str, Any], number: int | None = None) -> bytes:
    identity = "" if number is None else f"id: {number}\n"
    return f"{identity}event: {kind}\ndata: ".encode() + _encode({"type": kind, **fields}) + b"\n\n"


ROUTES = (
    Route(
        method="GET",
        path="/api/jobs/{job_id}/stream",
        call=stream_job,
        summary="Follow a job's output and progress to its end.",
        errors=(404,),
        media_types=("text/event-stream",),
        tag="jobs",
    ),
)
