"""What is kept of each job: work that follows from a command and takes longer than a moment.

A job is recorded in the unit that takes its command, and ended in the unit that records its
outcome: whatever happens in between, it is known what was asked, and it ends once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from hecate.dossiers.errors import Refused

if TYPE_CHECKING:
    import apsw

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]

COLUMNS: Final = (
    "id, process, desk, subject_id, venture_id, command, events, meta, state, message, done, total, output, "
    "result, error, created_at, started_at, finished_at"
)

_encode = msgspec.json.Encoder().encode


class JobError(msgspec.Struct, frozen=True):
    """Why a job did not succeed, as the error answer of a request would say it."""

    error: str
    code: str
    status: int


class JobOutput(msgspec.Struct, frozen=True):
    """What a job's work has printed: its beginning and its end, where there is too much for all of it."""

    head: str = ""
    tail: str = ""
    skipped_lines: int = 0
    """How many lines between the two were not kept."""


class JobRecord(msgspec.Struct, frozen=True):
    """A row of ``jobs``.  Times are milliseconds since 1970, UTC; None where it has not come to that."""

    id: str
    process: str
    """``test_division``."""
    desk: str
    """The path of the desk that took the command: ``suite``."""
    subject_id: str
    venture_id: str
    command: str
    """The command's fields, as JSON."""
    events: str
    """What the command's decision recorded, as JSON: pairs of stored name and fields."""
    meta: str
    state: JobState
    message: str
    """What it is at, for people."""
    done: int | None
    """How much of ``total`` is done, where that can be told."""
    total: int | None
    output: JobOutput
    result: str | None
    """The answer to the command that recorded the outcome, as JSON."""
    error: JobError | None
    created_at: int
    started_at: int | None
    finished_at: int | None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.finished_at is not None


class JobEnd(msgspec.Struct, frozen=True):
    """How a job ends.

    Args:
        job_id: Which job.
        state: ``succeeded``, ``failed``, ``cancelled`` or ``interrupted``.
        error: Why, unless it succeeded.
        message: The last words, for people.
        output: What its work has printed.
    """

    job_id: str
    state: JobState
    error: JobError | None = None
    message: str = ""
    output: JobOutput = JobOutput()


def add(
    db: apsw.Connection,
    *,
    job_id: str,
    process: str,
    desk: str,
    subject_id: str,
    venture_id: str,
    command: bytes,
    events: Sequence[tuple[str, str]],
    meta: bytes,
    created_at: int,
) -> None:
    """Record that a job waits for its turn.  *events* are pairs of stored name and JSON."""
    recorded = _encode([(name, msgspec.Raw(data.encode())) for name, data in events])
    db.execute(
        "INSERT INTO jobs "
        "(id, process, desk, subject_id, venture_id, command, events, meta, state, message, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', '', ?)",
        (job_id, process, desk, subject_id, venture_id, command.decode(), recorded.decode(), meta.decode(), created_at),
    )


def begin(db: apsw.Connection, job_id: str, at: int) -> bool:
    """Record that a queued job has begun, unless it has been cancelled meanwhile."""
    db.execute("UPDATE jobs SET state = 'running', started_at = ? WHERE id = ? AND state = 'queued'", (at, job_id))
    return db.changes() == 1


def keep_progress(
    db: apsw.Connection, job_id: str, message: str, *, done: int | None, total: int | None, output: JobOutput
) -> None:
    """Record how far an unfinished job is."""
    db.execute(
        "UPDATE jobs SET message = ?, done = ?, total = ?, output = ? WHERE id = ? AND finished_at IS NULL",
        (message, done, total, _encode(output).decode(), job_id),
    )


def end(db: apsw.Connection, ending: JobEnd, at: int, result: bytes | None = None) -> None:
    """Record how a job ended; *result* is the answer to the command that recorded its outcome, as JSON.

    Raises:
        Refused: It has ended before.
    """
    db.execute(
        "UPDATE jobs SET state = ?, message = ?, output = ?, result = ?, error = ?, finished_at = ? "
        "WHERE id = ? AND finished_at IS NULL",
        (
            ending.state,
            ending.message,
            _encode(ending.output).decode(),
            None if result is None else result.decode(),
            None if ending.error is None else _encode(ending.error).decode(),
            at,
            ending.job_id,
        ),
    )
    if db.changes() != 1:
        raise Refused(f"job {ending.job_id!r} has ended before")


def find(db: apsw.Connection, job_id: str) -> JobRecord | None:
    """Return the job, if there is one of this id."""
    row = db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()  # noqa: S608 - ours
    return None if row is None else _record(row)


def unfinished(db: apsw.Connection) -> list[JobRecord]:
    """Return every job that waits or runs, the oldest first."""
    sql = f"SELECT {COLUMNS} FROM jobs WHERE finished_at IS NULL ORDER BY id"  # noqa: S608 - ours
    return [_record(row) for row in db.execute(sql)]


def page(db: apsw.Connection, where: Mapping[str, str], before: str, limit: int) -> list[JobRecord]:
    """Return up to *limit* jobs older than *before* (empty: from the newest on), the newest first.

    Args:
        db: A reader's connection.
        where: Values that columns must have, such as ``{"state": "running"}``; the columns are ours.
        before: A job's id.
        limit: How many.
    """
    conditions = [f"{column} = ?" for column in where] + (["id < ?"] if before else [])
    clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT {COLUMNS} FROM jobs {clause} ORDER BY id DESC LIMIT ?"  # noqa: S608 - marks only
    return [_record(row) for row in db.execute(sql, (*where.values(), *((before,) if before else ()), limit))]


def _record(row: tuple[Any, ...]) -> JobRecord:
    fields = dict(zip(JobRecord.__struct_fields__, row, strict=True))
    fields["output"] = (
        JobOutput() if fields["output"] is None else msgspec.json.decode(fields["output"], type=JobOutput)
    )
    fields["error"] = None if fields["error"] is None else msgspec.json.decode(fields["error"], type=JobError)
    return JobRecord(**fields)
