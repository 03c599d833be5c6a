"""The checks that are polled: those that are registered where monitoring is active, as the log has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from hecate.monitor_division import PROCESS
from hecate.monitor_division.samples_store import reader_beside
from hecate.workspaces.places import place_of

if TYPE_CHECKING:
    import apsw

EVENTS_A_STEP: Final = 1000

OF_CHECKS: Final = (
    "health_check_registered_v1",
    "health_check_retired_v1",
    "health_status_recorded_v1",
    "incident_raised_v1",
    "incident_closed_v1",
)
OF_LIFECYCLE: Final = tuple(
    f"{PROCESS.noun}_{verb}_v1" for verb in ("started", "paused", "resumed", "completed", "archived")
)
"""What concerns every check of a division."""

WATCHED: Final = """
SELECT c.check_id, c.division_id, d.venture_id, c.name, c.type, c.target, c.interval_seconds, c.timeout_seconds,
    c.failure_threshold, c.expected_status, c.expected_body, c.status, c.incident_id <> '', c.counts_since
FROM health_checks c
JOIN processes p ON p.subject_id = c.division_id AND p.process = 'monitor_division' AND p.state = 'active'
JOIN divisions d ON d.id = c.division_id
"""
CHANGES: Final = f"""
SELECT position, substr(stream, {len(PROCESS.noun) + 2}), type, coalesce(
    data ->> 'check_id', (SELECT check_id FROM incidents WHERE incident_id = data ->> 'incident_id'))
FROM events WHERE position > ? AND type IN ({", ".join(["?"] * len(OF_CHECKS + OF_LIFECYCLE))})
ORDER BY position LIMIT ?
"""  # noqa: S608 - a length and marks only
CHECKS_OF: Final = "SELECT check_id FROM health_checks WHERE division_id = ?"
TRAILING: Final = """
SELECT passed FROM samples WHERE subject = (SELECT number FROM subjects WHERE id = ?) AND polled_at >= ?
ORDER BY id DESC LIMIT ?
"""


class WatchedCheck(NamedTuple):
    """A check that is polled, and how it stood when it was read."""

    check_id: str
    division_id: str
    venture_id: str
    name: str
    type: str
    target: str
    interval_seconds: float
    timeout_seconds: float
    failure_threshold: int
    expected_status: int
    expected_body: str
    status: str
    has_incident: bool
    """Whether one is open that it has raised."""
    counts_since: int
    """Failures before that time belong to an earlier incident; milliseconds since 1970, UTC."""


class Changes(NamedTuple):
    """What has changed since a position."""

    position: int
    """The last that was looked at."""
    watched: Sequence[WatchedCheck]
    """The checks concerned that are to be polled, as they stand now."""
    unwatched: Collection[str]
    """The ids of those that are not, or no more."""
    more: bool
    """Whether there are more events."""


def all_watched(db: apsw.Connection) -> Changes:
    """Return every check that is to be polled, and the position that this is true at."""
    ((position,),) = db.execute("SELECT coalesce(max(position), 0) FROM events")
    return Changes(position, _checks(db.execute(WATCHED)), (), more=False)


def changes_after(db: apsw.Connection, position: int) -> Changes:
    """Return what the events after *position* have changed; of many, of the first of them."""
    events: list[tuple[int, str, str, str | None]] = db.execute(  # type: ignore[assignment]
        CHANGES, (position, *OF_CHECKS, *OF_LIFECYCLE, EVENTS_A_STEP)
    ).fetchall()
    # In their order, so that what was registered first is polled first.
    concerned = dict.fromkeys(check_id for *_, check_id in events if check_id)
    for division_id in {division_id for _, division_id, type_, _ in events if type_ in OF_LIFECYCLE}:
        concerned |= dict.fromkeys(str(check_id) for (check_id,) in db.execute(CHECKS_OF, (division_id,)))
    watched = [
        check for check_id in concerned for check in _checks(db.execute(f"{WATCHED} WHERE c.check_id = ?", (check_id,)))
    ]
    return Changes(
        events[-1][0] if events else position,
        watched,
        concerned.keys() - {check.check_id for check in watched},
        more=len(events) == EVENTS_A_STEP,
    )


def _checks(rows: Iterable[tuple[object, ...]]) -> list[WatchedCheck]:
    return [WatchedCheck(*row)._replace(has_incident=bool(row[12])) for row in rows]  # type: ignore[arg-type]


def trailing_failures(db: apsw.Connection, checks: Iterable[WatchedCheck]) -> dict[str, int]:
    """Return how often in a row each of *checks* has failed at the last, as far as that matters, by its id.

    Args:
        db: A reader's connection to the event store; the samples are looked for beside it.
        checks: As they are about to be polled.
    """
    with reader_beside(db) as samples:
        if samples is None:
            return {}
        return {check.check_id: _failures_of(samples, check) for check in checks}


def _failures_of(samples: apsw.Connection, check: WatchedCheck) -> int:
    count = 0
    for (passed,) in samples.execute(
        TRAILING, (check.check_id, check.counts_since, check.failure_threshold)
    ).fetchall():
        if passed:
            break
        count += 1
    return count


def folder_of(db: apsw.Connection, venture_id: str, default: Path) -> Path:
    """Return where the commands of a venture's checks run: in its workspace."""
    return place_of(db, venture_id, default).folder
