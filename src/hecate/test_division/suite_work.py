"""The work of a suite that somebody has asked for: it is run, and its outcome recorded.  See `hecate.suites`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hecate.suites.run_suite import Suite, run_suite
from hecate.test_division.finish_suite import FinishSuite, SuiteOutcome

if TYPE_CHECKING:
    from hecate.jobs.job import Job
    from hecate.test_division.run_suite import RunSuite, TestSuiteStarted


async def run(job: Job) -> FinishSuite:
    """Run the suite, and what has failed again as often as it was asked for; return its outcome.

    Raises:
        Refused: The workspace or the project is missing, or the command cannot be run.
    """
    started, asked = _started(job), cast("RunSuite", job.command)
    workspace, project = await job.written_project()
    suite = Suite(
        job=job,
        workspace=workspace,
        project=project,
        timeout_seconds=started.timeout_seconds,
        command=started.command if asked.command else (),
        folder=asked.folder,
        junit_xml=asked.junit_xml,
        retries=asked.retries,
    )
    result = await run_suite(suite)
    verdicts = result.verdicts
    return FinishSuite(
        suite_id=started.suite_id,
        suite_type=started.suite_type,
        outcome=result.outcome,
        total=verdicts.total,
        passed=verdicts.passed,
        failed=verdicts.failed,
        errors=verdicts.errors,
        skipped=verdicts.skipped,
        flaky=tuple(sorted(verdicts.flaky)),
        failures=tuple(verdicts.failures),
        coverage=result.coverage,
        duration_seconds=result.seconds,
        exit_code=result.exit_code,
        reason=result.reason,
    )


def unfinished(job: Job) -> FinishSuite:
    """Return what is recorded of a suite that was not run to its end."""
    started = _started(job)
    outcome: SuiteOutcome = "cancelled" if job.state == "cancelled" else "error"
    if job.state == "interrupted":
        outcome = "interrupted"
    why = job.error.error if job.error is not None else ""
    at = f" ({job.log.message})" if job.log.message and outcome != "error" else ""
    return FinishSuite(
        suite_id=started.suite_id,
        suite_type=started.suite_type,
        outcome=outcome,
        reason=f"{why}{at}",
    )


def _started(job: Job) -> TestSuiteStarted:
    (started,) = job.events
    return cast("TestSuiteStarted", started)
