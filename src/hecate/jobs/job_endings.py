"""The ends of jobs: an outcome and the job's end are recorded in one unit, and what was left half done is put right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from hecate.dossiers import job_records
from hecate.dossiers.engine import Order
from hecate.dossiers.errors import HecateError, Unavailable
from hecate.dossiers.event_store import now_milliseconds
from hecate.dossiers.job_records import JobEnd, JobError
from hecate.dossiers.read_model import Meta

if TYPE_CHECKING:
    from hecate.dossiers.desk import Work
    from hecate.dossiers.engine import Engine
    from hecate.dossiers.messages import Command
    from hecate.jobs.job import Job

CANCELLED = JobError("the job was cancelled", "conflict", 409)
INTERRUPTED = JobError("the daemon stopped while the job was running", "unavailable", 503)
SECONDS_BETWEEN_TRIES = 1.0

log = structlog.get_logger(__name__)


class JobEndings:
    """Records how jobs end, in the store of *engine*, and does not give up while the daemon runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.are_final = False
        """Whether the daemon stops: what the store does not take now is left to the next start."""

    async def end(self, job: Job, work: Work, meta: Meta, outcome: Command | None, *, has_begun: bool = True) -> None:
        """Record the outcome of *job* and its end, in one unit; without an outcome, put right what it left."""
        if outcome is None and work.put_right is not None and has_begun:
            await _put_right(job, work.put_right)
        if outcome is None and work.unfinished is not None:
            outcome = work.unfinished(job)
        elif outcome is not None:
            job.state = "succeeded"
        try:
            await self._record_end(job, work, meta, outcome)
        except Unavailable as exc:
            log.error("the end of a job cannot be recorded", job=job.id, error=str(exc))  # noqa: TRY400 - no bug
        except HecateError as exc:
            # The outcome contradicts what has been recorded meanwhile.
            job.state, job.error = "failed", JobError(str(exc), exc.code, exc.status)
            if work.put_right is not None:
                await _put_right(job, work.put_right)
            await self._record_end(job, work, meta, None)
        log.info("job ended", job=job.id, process=job.process.name, state=job.state)
        job.log.state(job.state)

    async def record(self, ending: JobEnd) -> None:
        """Record a job's end alone."""
        await self._engine.store.writer.submit(lambda db: job_records.end(db, ending, now_milliseconds()))

    async def _record_end(self, job: Job, work: Work, meta: Meta, outcome: Command | None) -> None:
        error = None if job.state == "succeeded" else job.error
        ending = JobEnd(job.id, job.state, error, job.log.message, job.log.output)
        if outcome is None:
            await self._insist(lambda: self.record(ending))
            return
        order = Order(
            process=job.process,
            desk=work.record,
            command=outcome,
            subject_id=job.subject_id,
            meta=Meta(correlation_id=meta.correlation_id, causation_id=job.id, actor=meta.actor),
            ends=ending,
        )
        await self._insist(lambda: self._engine.handle(order))

    async def _insist(self, act: Callable[[], Awaitable[Any]]) -> None:
        """Do *act* until the store takes it; when the daemon stops, once more and no longer."""
        while True:
            try:
                await act()
            except Unavailable as exc:
                if self.are_final or self._engine.store.writer.doubt:
                    raise
                log.warning("a job waits to be recorded", error=str(exc))
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            else:
                return


async def _put_right(job: Job, put_right: Callable[[Job], Awaitable[None]]) -> None:
    """Take back what was left half done; whatever stands in the way of that, the job ends."""
    try:
        await put_right(job)
    except HecateError as exc:
        left = f"what was left half done is not taken back: {exc}"
        job.tell(left)
        if job.error is not None:
            job.error = msgspec.structs.replace(job.error, error=f"{job.error.error}; {left}")
        log.error("a job is not put right", job=job.id, error=str(exc))  # noqa: TRY400 - no bug
    except Exception:
        log.exception("bug in putting a job right", job=job.id, process=job.process.name)
