"""The job runner: each job ends once, whatever becomes of its work and of the daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hecate.child_processes import strays
from hecate.child_processes.strays import mark_of_store
from hecate.dossiers import job_records
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound, Refused
from hecate.dossiers.job_records import JobRecord
from hecate.jobs.runner import JobRunner
from tests.jobs.conftest import Run, Running
from tests.jobs.errands import RunErrand, errands_open, ordered


async def asked(running: Running, script: str, venture_id: str = "") -> str:
    """Ask for an errand, of a new venture unless one is given, and return its job's id."""
    venture_id = venture_id or await errands_open(running.engine)
    handled = await ordered(running.engine, RunErrand(script=script), venture_id)
    assert handled.status == 202
    job_id: str = json.loads(handled.body)["job_id"]
    return job_id


async def outcomes(engine: Engine) -> list[str]:
    """Return the outcomes that have been recorded, oldest first."""
    sql = "SELECT data ->> 'outcome' FROM events WHERE type = 'errand_finished_v1'"
    return [str(outcome) for (outcome,) in await engine.store.read(lambda db: db.execute(sql).fetchall())]


async def until(condition: Callable[[], Any]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process's turn
            await asyncio.sleep(0.01)


async def prints(running: Running, job_id: str, text: str) -> None:
    """Wait until the job's output has *text*."""

    def has_printed() -> bool:
        log = running.runner.log_of(job_id)
        return log is not None and text in log.output.head

    await until(has_printed)


async def test_work_is_done_and_its_outcome_recorded(run: Run, tmp_path: Path) -> None:
    """In the venture's workspace; the record tells all of it, and the outcome follows from the job."""
    async with run() as running:
        job_id = await asked(running, "echo hello; pwd")
        job = await running.runner.finished(job_id)
        assert (job.state, job.error, job.message) == ("succeeded", None, "has run")
        assert job.output.head.splitlines() == ["hello", str(tmp_path / "workspaces" / job.venture_id)]
        assert await outcomes(running.engine) == ["exit code 0"]
        assert job.result is not None
        assert json.loads(job.result)["events"][0]["type"] == "errand_finished_v1"
        sql = "SELECT meta FROM events WHERE type = 'errand_finished_v1'"
        ((meta,),) = await running.engine.store.read(lambda db: db.execute(sql).fetchall())
        assert json.loads(str(meta)) == {"correlation_id": "request-1", "causation_id": job_id}
        assert job.created_at <= (job.started_at or 0) <= (job.finished_at or 0)


async def test_a_refused_command_leaves_no_job(run: Run) -> None:
    """The decision comes first."""
    async with run() as running:
        with pytest.raises(Refused):
            await asked(running, "forbidden")
        assert await running.engine.store.read(lambda db: job_records.page(db, {}, "", 10)) == []


async def test_the_same_key_leaves_one_job(run: Run) -> None:
    """The second answer is the first one again."""
    async with run() as running:
        venture_id = await errands_open(running.engine)
        first = await ordered(running.engine, RunErrand(script="true"), venture_id, "key-1")
        second = await ordered(running.engine, RunErrand(script="true"), venture_id, "key-1")
        assert first.body == second.body
        assert len(await running.engine.store.read(lambda db: job_records.page(db, {}, "", 10))) == 1


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ("refuse", "there is nothing to be had", "conflict"),
        (
            "refuse for good",
            "there is nothing to be had; what was left half done is not taken back: it is stuck",
            "conflict",
        ),
        ("bug", "this is a bug; the log tells more under job-", "internal_error"),
    ],
)
async def test_work_that_fails_ends_its_job(run: Run, script: str, error: str, code: str) -> None:
    """With the reason, in the job and in the recorded outcome; a bug's own words stay in the log."""
    async with run() as running:
        job = await running.runner.finished(await asked(running, script))
        assert job.state == "failed"
        assert job.error is not None
        assert job.error.error.startswith(error)
        assert job.error.code == code
        assert await outcomes(running.engine) == [f"failed: {job.error.error}"]


async def test_an_outcome_that_is_refused_fails_the_job(run: Run) -> None:
    """What has been recorded meanwhile contradicts it; the job still ends."""
    async with run() as running:
        venture_id = await errands_open(running.engine)
        first = await running.runner.finished(await asked(running, "finish twice", venture_id))
        second = await running.runner.finished(await asked(running, "finish twice", venture_id))
        assert (first.state, second.state) == ("succeeded", "failed")
        assert second.error is not None
        assert second.error.error == "it has finished"


async def test_jobs_of_one_workspace_go_one_after_the_other(run: Run) -> None:
    """In the order in which they were asked for, and others beside them."""
    async with run() as running:
        venture_id, other = await errands_open(running.engine), await errands_open(running.engine)
        jobs = [
            await asked(running, f"mkdir busy && sleep 0.05 && rmdir busy && echo {n}", venture_id) for n in (1, 2, 3)
        ]
        blocked = await asked(running, "while [ ! -e go ]; do sleep 0.01; done", other)
        ended = [await running.runner.finished(job_id) for job_id in jobs]
        assert [job.output.head for job in ended] == ["1", "2", "3"]
        assert not (await running.runner.record(blocked)).is_finished
        folder = running.runner._surroundings.default_workspaces / other
        (folder / "go").write_text("")
        assert (await running.runner.finished(blocked)).state == "succeeded"
    assert await outcomes_are_all(ended, "exit code 0")


async def test_jobs_of_two_ventures_in_one_folder_go_one_after_the_other(run: Run, tmp_path: Path) -> None:
    """Also where it is no venture's workspace, but what the commands name; a link to it is the same folder."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "link").symlink_to(shared)
    async with run() as running:
        jobs = []
        for folder in (shared, tmp_path / "link", shared):
            errand = RunErrand(script="mkdir busy && sleep 0.05 && rmdir busy", workspace=str(folder))
            handled = await ordered(running.engine, errand, await errands_open(running.engine))
            jobs.append(json.loads(handled.body)["job_id"])
        assert await outcomes_are_all([await running.runner.finished(job_id) for job_id in jobs], "exit code 0")


async def outcomes_are_all(jobs: list[JobRecord], outcome: str) -> bool:
    """Tell whether every one of *jobs* has recorded *outcome*."""
    return all(job.result and json.loads(job.result)["events"][0]["data"]["outcome"] == outcome for job in jobs)


async def test_no_more_run_at_once_than_are_allowed(run: Run) -> None:
    """The others wait, and are done in their turn."""
    async with run(at_once=1) as running:
        jobs = [await asked(running, "mkdir ../busy && sleep 0.02 && rmdir ../busy") for _ in range(4)]
        ended = [await running.runner.finished(job_id) for job_id in jobs]
        assert await outcomes_are_all(ended, "exit code 0")


async def test_a_cancelled_job_is_gone(run: Run, tmp_path: Path) -> None:
    """With its processes, when the answer comes; a second time is refused."""
    async with run() as running:
        job_id = await asked(running, "echo up; setsid sleep 1000 & sleep 1000")
        await prints(running, job_id, "up")
        job = await running.runner.cancel(job_id)
        assert job.state == "cancelled"
        assert strays.marked(mark_of_store(tmp_path)) == []
        assert await outcomes(running.engine) == ["cancelled: the job was cancelled"]
        with pytest.raises(Refused, match=r"it has ended \(cancelled\)"):
            await running.runner.cancel(job_id)
        with pytest.raises(NotFound):
            await running.runner.cancel("job-0")


async def test_a_job_is_cancelled_in_the_queue(run: Run) -> None:
    """It never begins, and those after it have their turn."""
    async with run() as running:
        venture_id = await errands_open(running.engine)
        first = await asked(running, "echo up; while [ ! -e go ]; do sleep 0.01; done", venture_id)
        second = await asked(running, "echo never > trace", venture_id)
        third = await asked(running, "true", venture_id)
        await prints(running, first, "up")
        assert (await running.runner.cancel(second)).state == "cancelled"
        folder = running.runner._surroundings.default_workspaces / venture_id
        (folder / "go").write_text("")
        assert (await running.runner.finished(third)).state == "succeeded"
        assert not (folder / "trace").exists()


async def test_a_job_is_cancelled_before_its_first_step(run: Run) -> None:
    """A task that is cancelled so early never runs, and so its job would be queued for ever."""

    class Prompt(JobRunner):
        """Knows at once what is recorded, as when that was read just before the job was taken up."""

        async def record(self, job_id: str) -> JobRecord:
            return known.pop() if known else await super().record(job_id)

    async with run(runs=False) as running:
        job_id = await asked(running, "true")
        record = await running.runner.record(job_id)
        known = [record]
        runner = Prompt(running.runner._surroundings)
        await runner._take(record)
        async with asyncio.timeout(10):
            assert (await runner.cancel(job_id)).state == "cancelled"
        assert await outcomes(running.engine) == ["cancelled: the job was cancelled"]


async def test_the_end_of_the_daemon_interrupts_what_runs(run: Run, tmp_path: Path) -> None:
    """It is recorded and its processes are gone; what was queued is done at the next start."""
    async with run() as running:
        venture_id = await errands_open(running.engine)
        first = await asked(running, "echo up; sleep 1000", venture_id)
        second = await asked(running, "true", venture_id)
        await prints(running, first, "up")
    assert strays.marked(mark_of_store(tmp_path)) == []
    async with run() as running:
        interrupted = await running.runner.record(first)
        assert interrupted.state == "interrupted"
        assert interrupted.output.head == "up"
        assert (await running.runner.finished(second)).state == "succeeded"
        assert await outcomes(running.engine) == [
            "interrupted: the daemon stopped while the job was running",
            "exit code 0",
        ]


async def test_what_a_dead_daemon_left_is_interrupted_at_the_next_start(run: Run, tmp_path: Path) -> None:
    """Before anything else is served: the job is recorded, and its process is ended."""
    async with run(runs=False) as running:
        venture_id = await errands_open(running.engine)
        running_job = await asked(running, "true", venture_id)
        queued_job = await asked(running, "true", venture_id)
        await running.engine.store.writer.submit(lambda db: job_records.begin(db, running_job, 1))
    left = await asyncio.create_subprocess_exec(
        "sleep", "1000", env={strays.MARK: f"{mark_of_store(tmp_path)}/{running_job}", "PATH": "/bin:/usr/bin"}
    )
    async with run() as running:
        assert await left.wait() == -9
        assert (await running.runner.record(running_job)).state == "interrupted"
        assert (await running.runner.finished(queued_job)).state == "succeeded"


async def test_progress_is_recorded_while_it_lasts(run: Run) -> None:
    """What is shown after a crash is not older than a second or so."""
    async with run() as running:
        job_id = await asked(running, "echo up; while [ ! -e go ]; do sleep 0.01; done")
        async with asyncio.timeout(20):
            while (record := await running.runner.record(job_id)).output.head != "up":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (record.state, record.message, record.done, record.total) == ("running", "runs", 0, 1)
        await running.runner.cancel(job_id)


async def test_a_workspace_that_is_missing_fails_the_job(run: Run, tmp_path: Path) -> None:
    """One that a person has named is not made behind their back by work that only reads it."""
    async with run() as running:
        venture_id = await errands_open(running.engine, str(tmp_path / "gone"))
        job = await running.runner.finished(await asked(running, "true", venture_id))
        assert job.error is not None
        assert job.error.error == f"the workspace {tmp_path / 'gone'} does not exist; make it, or say where it is now"
