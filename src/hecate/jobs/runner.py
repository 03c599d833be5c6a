"""The job runner: does the work that commands leave behind, and sees to it that each job ends once.

What is queued survives the daemon; what was running when the daemon died is recorded as interrupted at the
next start, after whatever it had left running is gone.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec
import structlog

from hecate.child_processes import strays
from hecate.dossiers import job_records
from hecate.dossiers.errors import HecateError, NotFound, Refused, Unavailable
from hecate.dossiers.event_store import now_milliseconds
from hecate.dossiers.job_records import JobEnd, JobError, JobRecord
from hecate.dossiers.read_model import Meta
from hecate.jobs.job import Job, Surroundings
from hecate.jobs.job_endings import CANCELLED, INTERRUPTED, JobEndings
from hecate.jobs.job_log import JobLog
from hecate.workspaces.places import place_of, workspace_written_to

if TYPE_CHECKING:
    from types import TracebackType

    import apsw

    from hecate.dossiers.desk import Desk, Work
    from hecate.dossiers.messages import Command
    from hecate.dossiers.process import Process

SECONDS_BETWEEN_LOOKS = 0.01
SECONDS_BETWEEN_RECORDS = 1.0
STOP_SECONDS = 8.0
"""How long running work may take to end when the daemon stops."""

log = structlog.get_logger(__name__)
_decode_meta = msgspec.json.Decoder(Meta).decode
_decode_events = msgspec.json.Decoder(list[tuple[str, msgspec.Raw]]).decode


class JobRunner:
    """Runs every job of *surroundings*' engine; entered at the daemon's start and left at its end."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._engine = surroundings.engine
        self._endings = JobEndings(surroundings.engine)
        self._desks: dict[tuple[str, str], tuple[Process, Desk]] = {
            (process.name, desk.path): (process, desk)
            for process, desks in self._engine.desks.items()
            for desk in desks
        }
        self._jobs: dict[str, Job] = {}
        """Those that wait or run."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._workspaces: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._at_once = asyncio.Semaphore(surroundings.jobs.at_once)
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False

    async def __aenter__(self) -> Self:
        """Record what the last run of the daemon left unfinished, and begin."""
        await asyncio.to_thread(strays.end, self._surroundings.store_mark)
        for record in await self._engine.store.read(job_records.unfinished):
            if record.state == "running":
                await self._interrupt(record)
        self._engine.jobs_wait.set()
        self._loops = [asyncio.create_task(self._take_jobs()), asyncio.create_task(self._record_progress())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop; see `stop`."""
        self.stop()
        if tasks := [*self._tasks.values(), *self._loops]:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)

    def stop(self) -> None:
        """End what runs, as interrupted, and begin nothing more; what is queued waits for the next start."""
        self._stopping = self._endings.are_final = True
        for task in (*self._loops, *self._tasks.values()):
            task.cancel()

    # -- what is asked from outside

    def log_of(self, job_id: str) -> JobLog | None:
        """Return the log of a job that waits or runs; None for others."""
        job = self._jobs.get(job_id)
        return None if job is None else job.log

    @property
    def running(self) -> int:
        """How many jobs run or wait for their turn."""
        return len(self._jobs)

    async def record(self, job_id: str) -> JobRecord:
        """Return what is recorded of a job.

        Raises:
            NotFound: There is no such job.
        """
        found = await self._engine.store.read(lambda db: job_records.find(db, job_id))
        if found is None:
            raise NotFound(f"there is no job {job_id!r}")
        return found

    async def taken_up(self, job_id: str) -> JobLog | None:
        """Return the log of a job as soon as it has one; None of a job that has ended.

        Raises:
            NotFound: There is no such job.
            Unavailable: The daemon stops before it begins.
        """
        while (job_log := self.log_of(job_id)) is None and not (await self.record(job_id)).is_finished:
            if self._stopping:
                raise Unavailable(f"the daemon is stopping; job {job_id!r} waits for its next start")
            # It has been recorded and is about to be taken up; or it has ended, and is about to be let go.
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        return job_log

    async def finished(self, job_id: str) -> JobRecord:
        """Return what is recorded of a job once it has ended.

        Raises:
            NotFound: There is no such job.
            Unavailable: The daemon stops before it begins.
        """
        while not (record := await self.record(job_id)).is_finished:
            if (job_log := await self.taken_up(job_id)) is not None:
                await job_log.closed()
        return record

    async def cancel(self, job_id: str) -> JobRecord:
        """End a job and return its record.

        Raises:
            NotFound: There is no such job.
            Refused: It has ended before.
            Unavailable: The daemon stops, and has not taken it up.
        """
        while True:
            record = await self.record(job_id)
            if record.is_finished:
                raise Refused(f"job {job_id!r} cannot be cancelled: it has ended ({record.state})")
            job, task = self._jobs.get(job_id), self._tasks.get(job_id)
            if job is not None and task is not None:
                job.state = "cancelled"
                # After what is due already: a task that is cancelled before its first step ends without a word.
                asyncio.get_running_loop().call_soon(task.cancel)
                return await self.finished(job_id)
            if self._stopping:
                raise Unavailable(f"job {job_id!r} cannot be cancelled now: the daemon stops")
            # It is about to be taken up; only then can it be said what has become of it.
            await asyncio.sleep(0.01)

    # -- taking jobs up

    async def _take_jobs(self) -> None:
        while True:
            await self._engine.jobs_wait.wait()
            self._engine.jobs_wait.clear()
            for record in await self._engine.store.read(job_records.unfinished):
                if record.id not in self._tasks and record.state == "queued":
                    await self._take(record)

    async def _take(self, record: JobRecord) -> None:
        understood = self._understood(record)
        if understood is None:
            unknown = JobError(
                f"this Hecate cannot do the {record.desk} of {record.process} any more", "unavailable", 503
            )
            await self._endings.record(JobEnd(record.id, "failed", unknown))
            return
        job, work = understood
        turn = self._workspaces[await self._workspace_of(job)] if work.holds_workspace else None
        self._jobs[job.id] = job
        task = asyncio.create_task(self._do(job, work, _decode_meta(record.meta), turn), name=job.id)
        self._tasks[job.id] = task
        task.add_done_callback(lambda task: self._let_go(job, task))

    def _let_go(self, job: Job, task: asyncio.Task[None]) -> None:
        self._jobs.pop(job.id, None)
        self._tasks.pop(job.id, None)
        job.log.close()
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("bug in the end of a job", job=job.id, exc_info=bug)

    async def _workspace_of(self, job: Job) -> str:
        """Return the folder that *job* has for itself, which may be that of other ventures' jobs, too."""
        default = self._surroundings.default_workspaces
        # What the command names; where it cannot name any, it works on what was generated.
        named: str | None = getattr(job.command, "workspace", None)

        def folder(db: apsw.Connection) -> Path:
            other = workspace_written_to(db, job.subject_id) if named is None else named
            return Path(other) if other else place_of(db, job.venture_id, default).folder

        return await asyncio.to_thread(os.path.realpath, await job.read(folder))

    def _understood(self, record: JobRecord) -> tuple[Job, Work] | None:
        """Return the job of *record* and its work; None where this version of Hecate knows no such work."""
        process, desk = self._desks.get((record.process, record.desk), (None, None))
        if process is None or desk is None or desk.work is None:
            return None
        decode = self._engine.event_types.decode
        try:
            command = msgspec.json.decode(record.command, type=desk.command)
            events = tuple(decode(name, bytes(data).decode()) for name, data in _decode_events(record.events))
        except (msgspec.ValidationError, Unavailable):
            return None
        job = Job(
            id=record.id,
            process=process,
            subject_id=record.subject_id,
            venture_id=record.venture_id,
            command=command,
            events=events,
            log=JobLog(),
            surroundings=self._surroundings,
        )
        return job, desk.work

    # -- doing them

    async def _do(self, job: Job, work: Work, meta: Meta, turn: asyncio.Lock | None) -> None:
        outcome: Command | None = None
        has_begun = False
        try:
            async with AsyncExitStack() as stack:
                if turn is not None:
                    if turn.locked():
                        job.progress("waits for another job in this workspace")
                    await stack.enter_async_context(turn)
                await stack.enter_async_context(self._at_once)
                if not await self._engine.store.writer.submit(
                    lambda db: job_records.begin(db, job.id, now_milliseconds())
                ):
                    return
                has_begun = True
                job.log.state("running")
                outcome = await work.do(job)
        except asyncio.CancelledError:
            if self._stopping and not (has_begun or await self._has_begun(job)):
                return  # it is queued, and waits for the next start
            job.state = "cancelled" if job.state == "cancelled" else "interrupted"
            job.error = CANCELLED if job.state == "cancelled" else INTERRUPTED
        except HecateError as exc:
            job.state = "failed"
            job.error = JobError(str(exc), exc.code, exc.status)
        except Exception:
            log.exception("bug in a job", job=job.id, process=job.process.name)
            job.state = "failed"
            job.error = JobError(f"this is a bug; the log tells more under {job.id}", "internal_error", 500)
        # Whoever cancels now is too late: the work has ended, and its outcome is not to be lost.
        ending = asyncio.ensure_future(self._endings.end(job, work, meta, outcome, has_begun=has_begun))
        while not ending.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(ending)
        ending.result()

    async def _has_begun(self, job: Job) -> bool:
        return (await self.record(job.id)).state == "running"

    async def _interrupt(self, record: JobRecord) -> None:
        """Record that *record*'s work ended with the daemon that did it."""
        understood = self._understood(record)
        if understood is None:
            await self._endings.record(JobEnd(record.id, "interrupted", INTERRUPTED, record.message, record.output))
            return
        job, work = understood
        job.log.message = record.message
        job.log.tell(*filter(None, (record.output.head, record.output.tail)))
        job.state, job.error = "interrupted", INTERRUPTED
        await self._endings.end(job, work, _decode_meta(record.meta), None)

    async def _record_progress(self) -> None:
        """Record now and then how far the jobs are, for whoever asks after a crash."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_RECORDS)
            for job in [job for job in self._jobs.values() if job.log.is_changed]:
                await self._keep_progress(job)

    async def _keep_progress(self, job: Job) -> None:
        told = job.log
        told.is_changed = False
        message, done, total, output = told.message, told.done, told.total, told.output
        try:
            await self._engine.store.writer.submit(
                lambda db: job_records.keep_progress(db, job.id, message, done=done, total=total, output=output)
            )
        except Unavailable as exc:
            log.warning("progress is not recorded", job=job.id, error=str(exc))
