"""What is known of an incident, gathered for whoever looks for its cause: bounded, and without secrets.

All of it is other processes' matter: it is read from the log and from read models by their stored names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw
import msgspec

from hecate.dossiers.errors import Refused
from hecate.dossiers.times import rfc3339
from hecate.rescue_division.redaction import redacted
from hecate.rescue_division.source_excerpts import excerpts

if TYPE_CHECKING:
    from hecate.jobs.job import Happened, Job

LONGEST_SECTION = 6000
"""Characters."""
LONGEST_LINE = 1500
MOST_EVENTS = 30
MOST_SAMPLES = 30
MOST_STATUSES = 20
MOST_RELEASES = 8
MOST_FAILURES = 20
MOST_LOG_LINES = 100
LOG_BYTES = 64 * 1024

RECENT = "SELECT type, data, recorded_at FROM events WHERE stream = ? ORDER BY version DESC LIMIT ?"
APPLICATIONS, APPLICATION_LOG = "services", "output.log"
"""Of deploy_division: a folder for each division in the data directory, and the file in it."""
SAMPLES_FILE = "samples.db"
"""Of monitor_division, beside the event store."""
SAMPLES = """
SELECT s.polled_at, s.passed, s.latency_ms, s.message, checks.id
FROM samples s
JOIN subjects divisions ON divisions.number = s.division
JOIN subjects checks ON checks.number = s.subject
WHERE divisions.id = ? ORDER BY s.id DESC LIMIT ?
"""

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Section(NamedTuple):
    """A part of the evidence."""

    title: str
    text: str
    """Lines, the oldest first; never empty."""


async def gather(job: Job, incident_id: str) -> tuple[Section, ...]:
    """Return what is known of the incident.

    Raises:
        Refused: There is no such incident.
    """
    monitoring = await job.history("monitoring")
    incident = _incident(monitoring, incident_id)
    tests = await job.history("testing", "test_suite_finished_v1", "test_result_recorded_v1")
    releases = await job.history("deployment")
    sections = [
        ("the incident", list(_of_incident(incident, monitoring))),
        ("the health of its checks, as recorded", _lines(_of_type(monitoring, "health_status_"), MOST_STATUSES)),
        ("the last polls of its checks", await _samples(job)),
        ("the last run of the tests", list(_of_test_run(tests))),
        ("the last releases", _lines(_of_type(releases, "release_", "rollout_"), MOST_RELEASES)),
        ("the last lines that the running service has written", await asyncio.to_thread(_log_lines, job)),
        ("what has happened in the division lately", await _recent_events(job)),
        ("the source around the failures of the tests", await _sources(job, tests)),
    ]
    return tuple([Section(title, text) for title, lines in sections if (text := _bounded(lines))])


def _bounded(lines: Iterable[str]) -> str:
    """Return the last of *lines* that there is room for, without secrets."""
    kept: list[str] = []
    room = LONGEST_SECTION
    # A secret may go over several lines, so they are looked at together, before any is cut.
    for line in reversed(redacted("\n".join(line[: 4 * LONGEST_LINE] for line in lines)).split("\n")):
        shown = line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + " …"
        room -= len(shown) + 1
        if room < 0:
            kept.append("(there was more before)")
            break
        kept.append(shown)
    return "\n".join(reversed(kept)).strip()


def _incident(monitoring: Sequence[Happened], incident_id: str) -> Happened:
    for happened in monitoring:
        event: Any = happened.event
        if happened.type == "incident_raised_v1" and event.incident_id == incident_id:
            return happened
    raise Refused(f"there is no incident {incident_id!r}")


def _of_incident(incident: Happened, monitoring: Sequence[Happened]) -> Iterator[str]:
    raised: Any = incident.event
    yield f"{raised.severity}, raised {rfc3339(incident.recorded_at)}: {raised.title}"
    if raised.description:
        yield raised.description
    for happened in monitoring:
        event: Any = happened.event
        if happened.type == "health_check_registered_v1" and event.check_id == raised.check_id:
            yield f"raised by this check: {_fields(event)}"
        if happened.type == "incident_closed_v1" and event.incident_id == raised.incident_id:
            yield f"closed {rfc3339(happened.recorded_at)}: {event.reason}"


def _of_type(history: Sequence[Happened], *beginnings: str) -> list[Happened]:
    return [happened for happened in history if happened.type.startswith(beginnings)]


def _lines(history: Sequence[Happened], most: int) -> list[str]:
    return [
        f"{rfc3339(happened.recorded_at)} {happened.type} {_fields(happened.event)}" for happened in history[-most:]
    ]


def _fields(event: object) -> str:
    return _encode(event).decode()


def _of_test_run(tests: Sequence[Happened]) -> Iterator[str]:
    if not tests:
        return
    last: Any = tests[-1].event
    fields = msgspec.structs.asdict(last)
    failures = fields.pop("failures", ())[:MOST_FAILURES]
    yield f"{rfc3339(tests[-1].recorded_at)} {_encode(fields).decode()}"
    for failure in failures:
        yield f"failed: {failure.name} at {failure.file}:{failure.line}: {failure.message}"


async def _samples(job: Job) -> list[str]:
    path = job.data_dir / SAMPLES_FILE

    def ask() -> list[str]:
        if not path.exists():
            return []
        try:
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        except apsw.Error:
            return []
        try:
            db.set_busy_timeout(1000)
            rows: list[Any] = db.execute(SAMPLES, (job.subject_id, MOST_SAMPLES)).fetchall()
        except apsw.Error as exc:
            return [f"the polls cannot be read: {exc}"]
        finally:
            db.close()
        return [
            f"{rfc3339(at)} {check} {'passed' if passed else 'failed'} after {latency:.0f} ms {message}"
            for at, passed, latency, message, check in reversed(rows)
        ]

    return await asyncio.to_thread(ask)


async def _recent_events(job: Job) -> list[str]:
    nouns = [process.noun for process in job.surroundings.engine.desks if process.subject is job.process.subject]

    def ask(db: apsw.Connection) -> list[str]:
        rows: list[Any] = []
        for noun in nouns:
            rows += db.execute(RECENT, (f"{noun}-{job.subject_id}", MOST_EVENTS)).fetchall()
        rows.sort(key=lambda row: row[2])
        return [f"{rfc3339(at)} {name} {data[:LONGEST_LINE]}" for name, data, at in rows[-MOST_EVENTS:]]

    return await job.read(ask)


def _log_lines(job: Job) -> list[str]:
    """Return the end of what the division's application has printed."""
    path = job.data_dir / APPLICATIONS / job.subject_id / APPLICATION_LOG
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            lines = file.read(LOG_BYTES).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as exc:
        return [f"the log cannot be read: {exc.strerror}"]
    return lines[-MOST_LOG_LINES:]


async def _sources(job: Job, tests: Sequence[Happened]) -> list[str]:
    last: Any = tests[-1].event if tests else None
    failures = getattr(last, "failures", ())
    places = [(failure.file, failure.line) for failure in failures if failure.file and failure.line]
    if not places:
        return []
    try:
        workspace, project = await job.written_project()
    except Refused:
        return []
    return await asyncio.to_thread(excerpts, workspace, project, places)
