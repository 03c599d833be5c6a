"""The work of a suite: its command is run, its reports are read, and what has failed is run again.

What has passed and failed is taken from JUnit XML where a report was written: the one that the command names, that
it was told to write, or that lies in a well-known place and is new.  Else from what was printed, as far as that is
understood; and the exit code is the last word.  Coverage is taken from the usual files, if they are new.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from hecate.dossiers.errors import Refused
from hecate.test_division.bounded_file import Unreadable, is_fresh
from hecate.test_division.coverage_report import fresh_coverage
from hecate.test_division.finish_suite import FinishSuite, SuiteOutcome
from hecate.test_division.junit_report import fresh_reports, named_report, read_reports
from hecate.test_division.printed_verdicts import PrintedVerdicts
from hecate.test_division.suites import environment_of_suite, folder_of_suite, own_suite
from hecate.test_division.verdicts import Verdicts
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from hecate.child_processes.child_process import ChildEnd
    from hecate.jobs.job import Job
    from hecate.test_division.run_suite import RunSuite, TestSuiteStarted

CLOCK_GRAIN_NS = 50_000_000
"""A file system's clock may be that much behind ours."""
MOST_RUN_AGAIN = 500
"""Of our own suite, by their names: a command line has an end."""


class Run(NamedTuple):
    """What one run of the command has come to."""

    end: ChildEnd
    verdicts: Verdicts
    is_reported: bool
    """Whether a report has told the verdicts."""
    complaint: str
    """Why a report cannot be read; empty: none, or there was none."""
    coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite, ready to run."""

    job: Job
    started: TestSuiteStarted
    asked: RunSuite
    workspace: Workspace
    folder: Path
    report: Path
    """Where it is told to write its report, outside the workspace."""

    @property
    def is_own(self) -> bool:
        """Whether no command was given."""
        return not self.asked.command

    async def run(self, asked_for: frozenset[str] = frozenset()) -> Run:
        """Run the tests; our own suite: only those that are *asked_for*, if any are."""
        command = self.started.command
        if self.is_own:
            command = (*own_suite(self.folder, self.report), *sorted(asked_for)[:MOST_RUN_AGAIN])
        printed = PrintedVerdicts(asked_for)

        def read(lines: Sequence[str]) -> None:
            if printed.read(lines):
                self.job.progress(printed.in_words, printed.verdicts.total, printed.expected)

        since_ns = time.time_ns() - CLOCK_GRAIN_NS
        end = await self.job.run(
            command,
            folder=self.folder,
            timeout_seconds=self.started.timeout_seconds,
            environment=environment_of_suite(self.folder, self.report, own=self.is_own),
            on_lines=read,
        )
        return await asyncio.to_thread(self._read, end, printed.verdicts, since_ns, asked_for)

    def _read(self, end: ChildEnd, printed: Verdicts, since_ns: int, asked_for: frozenset[str]) -> Run:
        coverage = fresh_coverage(self.folder, since_ns)
        try:
            reports = self._reports(since_ns)
            verdicts = read_reports(reports, asked_for)
        except Unreadable as exc:
            return Run(end, printed, is_reported=False, complaint=str(exc), coverage=coverage)
        return Run(end, verdicts if reports else printed, is_reported=bool(reports), complaint="", coverage=coverage)

    def _reports(self, since_ns: int) -> list[Path]:
        """Return the reports of the run.

        Raises:
            Unreadable: The one that was named was not written.
        """
        if self.asked.junit_xml:
            inside = self.folder.relative_to(self.workspace.root) / self.asked.junit_xml
            try:
                named = self.workspace.path(str(inside))
            except Refused as exc:
                raise Unreadable(str(exc)) from exc
            if not is_fresh(named, since_ns):
                raise Unreadable(f"the report {self.asked.junit_xml!r} was not written")
            return [named]
        in_command = named_report(self.started.command)
        if in_command and is_fresh(self.folder / in_command, since_ns):
            return [self.folder / in_command]
        if is_fresh(self.report, since_ns):
            return [self.report]
        return fresh_reports(self.folder, since_ns)


async def run(job: Job) -> FinishSuite:
    """Run the suite, and what has failed again as often as it was asked for; return its outcome.

    Raises:
        Refused: The workspace or the project is missing, or the command cannot be run.
    """
    began = time.monotonic()
    started, asked = _started(job), cast("RunSuite", job.command)
    workspace, project = await job.written_project()
    folder = folder_of_suite(workspace, project, asked.folder, own=not asked.command)
    report = await asyncio.to_thread(place_of_report, job.data_dir, job.subject_id)
    suite = Suite(job=job, started=started, asked=asked, workspace=workspace, folder=folder, report=report)
    job.progress("the tests begin")
    first = last = await suite.run()
    verdicts = first.verdicts
    for attempt in range(1, asked.retries + 1):
        if not verdicts.failing or last.end.timed_out:
            break
        job.tell(f"-- {len(verdicts.failing)} that failed are run again, {attempt} of {asked.retries} times")
        last = await suite.run(frozenset(verdicts.failing))
        verdicts.forgive(last.verdicts)
    outcome, reason = judge(last, verdicts)
    job.progress(f"{outcome}: {verdicts.passed} of {verdicts.total} passed", verdicts.total, verdicts.total)
    return FinishSuite(
        suite_id=started.suite_id,
        suite_type=started.suite_type,
        outcome=outcome,
        total=verdicts.total,
        passed=verdicts.passed,
        failed=verdicts.failed,
        errors=verdicts.errors,
        skipped=verdicts.skipped,
        flaky=tuple(sorted(verdicts.flaky)),
        failures=tuple(verdicts.failures),
        coverage=first.coverage,
        duration_seconds=round(time.monotonic() - began, 3),
        exit_code=None if last.end.timed_out else last.end.exit_code,
        reason=reason,
    )


def place_of_report(data_dir: Path, division_id: str) -> Path:
    """Return where the suites of a division are told to write their report: in a folder that exists.

    Raises:
        Refused: The disk does not take the folder.
    """
    folder = data_dir / "suites" / division_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise Refused(f"cannot make the folder {folder} for a report: {exc.strerror}") from exc
    return folder / "junit.xml"


def judge(run: Run, verdicts: Verdicts) -> tuple[SuiteOutcome, str]:
    """Return the outcome of a suite whose last run was *run*, and why, where *verdicts* do not say it."""
    end = run.end
    if end.timed_out:
        return "timed_out", end.in_words
    if verdicts.failing or verdicts.failed or verdicts.errors:
        return "failed", run.complaint
    if end.succeeded or (verdicts.flaky and run.verdicts.failing):
        # Whatever failed at last has passed before.
        return "passed", run.complaint
    if end.signal is not None:
        return "error", end.in_words
    if run.is_reported:
        # Too little coverage, an error in the configuration, nothing collected …
        return "error", f"{end.in_words}, though no test is reported as failed"
    return "failed", "; ".join(filter(None, (end.in_words, run.complaint)))


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
