"""Polls the watched checks, each on its interval, and reports what has changed.

Every result is a sample.  A check that passes after it did not, or fails as often in a row as it may, is reported:
what follows from that is decided by the desk, in one transaction.  Nothing is lost by a crash, since each further
result is compared with what is recorded, and reported again if that is not so.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from hecate.dossiers.errors import HecateError, Unavailable
from hecate.monitor_division.lanes import Lane, Lanes
from hecate.monitor_division.poll_result import CannotPoll
from hecate.monitor_division.record_status import RecordStatus
from hecate.monitor_division.samples_store import Sample
from hecate.monitor_division.schedule import Schedule

if TYPE_CHECKING:
    from hecate.monitor_division.monitor_settings import MonitorSettings
    from hecate.monitor_division.poll_result import PollResult
    from hecate.monitor_division.watched_checks import WatchedCheck

JITTER: Final = 0.05
"""By what share of its interval a poll comes sooner or later, so that what began together drifts apart."""
SPREAD_SECONDS: Final = 10.0
"""Within what time of a start all checks are polled first; those with a shorter interval, within that."""
TICK_SECONDS: Final = 0.01
"""What falls due within a tick is polled at its end: a timer for each check would wake the loop five times as often."""
SECONDS_BETWEEN_COMPLAINTS: Final = 60.0

log = structlog.get_logger(__name__)

Probe = Callable[["WatchedCheck"], Awaitable["PollResult"]]
Report = Callable[["WatchedCheck", RecordStatus], Awaitable[None]]


@dataclass(slots=True)
class Polled:
    """A check that is polled, and what is known of it until now."""

    check: WatchedCheck
    status: str
    """As it is recorded."""
    has_incident: bool
    failures: int
    """In a row."""
    due_at: float = 0.0
    has_timed_out: bool = False

    @property
    def lane(self) -> Lane:
        """Whom it may hold up."""
        if self.check.type == "command":
            return Lane.COMMAND
        return Lane.SLOW if self.has_timed_out else Lane.PROMPT


class Poller:
    """Polls checks until it is cancelled.

    Args:
        settings: How many at once.
        probe: Polls a check.  It keeps to the check's time limit, and raises nothing for a target's misbehaviour, and
            `CannotPoll` for ours.
        take: Is given each result.
        report: Has a status recorded.  Raises `HecateError` where that is refused.
    """

    def __init__(
        self, settings: MonitorSettings, *, probe: Probe, take: Callable[[Sample], None], report: Report
    ) -> None:
        self._probe = probe
        self._take = take
        self._report = report
        self._polled: dict[str, Polled] = {}
        self._schedule = Schedule()
        self._lanes: Lanes[Polled] = Lanes(settings)
        self._woken = asyncio.Event()
        self._wakes_at = float("inf")
        self._complains_at = float("-inf")

    def __len__(self) -> int:
        return len(self._polled)

    def watch(self, check: WatchedCheck, *, failures: int = 0, at_once: bool = True) -> None:
        """Poll *check* from now on; if it is polled already, know how it stands.

        Args:
            check: As it is recorded.
            failures: How often it has failed in a row.
            at_once: Whether it is polled now, or some time soon, since many others are, too.
        """
        known = self._polled.get(check.check_id)
        if known is not None:
            if known.has_incident and not check.has_incident:
                known.failures = 0  # they have led to an incident, which somebody has closed
            known.status, known.has_incident = check.status, check.has_incident
            return
        self._polled[check.check_id] = Polled(check, check.status, check.has_incident, failures)
        wait = 0.0 if at_once else random.uniform(0, min(SPREAD_SECONDS, check.interval_seconds))  # noqa: S311
        self._have_due(check.check_id, asyncio.get_running_loop().time() + wait)

    def unwatch(self, check_id: str) -> None:
        """Poll a check no more; the result of a poll that is under way is dropped."""
        self._polled.pop(check_id, None)
        self._schedule.remove(check_id)

    def is_watched(self, check_id: str) -> bool:
        """Tell whether a check is polled."""
        return check_id in self._polled

    async def run(self) -> None:
        """Poll; when cancelled, end what is under way."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                for check_id, at in self._schedule.due(loop.time()):
                    polled = self._polled[check_id]
                    polled.due_at = at
                    lane = polled.lane
                    if self._lanes.enter(lane, polled):
                        group.create_task(self._poll_in(lane, polled))
                await self._wait_until(self._schedule.next_at())

    def _have_due(self, check_id: str, at: float) -> None:
        self._schedule.add(check_id, at)
        if at < self._wakes_at:
            self._woken.set()

    async def _wait_until(self, at: float | None) -> None:
        """Wait until the loop's time *at*, or until a check is due earlier."""
        loop = asyncio.get_running_loop()
        self._wakes_at = float("inf") if at is None else max(at, loop.time() + TICK_SECONDS)
        timer = None if at is None else loop.call_at(self._wakes_at, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _poll_in(self, lane: Lane, first: Polled) -> None:
        """Poll *first*, and then whoever waits for its place in *lane*."""
        polled: Polled | None = first
        while polled is not None:
            if self._polled.get(polled.check.check_id) is polled:
                await self._poll(polled)
            polled = self._lanes.leave(lane)

    async def _poll(self, polled: Polled) -> None:
        check = polled.check
        # Not the loop's own clock, which counts in milliseconds.
        at, began = time.time_ns() // 1_000_000, time.perf_counter()
        try:
            result = await self._probe(check)
        except CannotPoll as exc:
            self._complain("checks cannot be polled", reason=str(exc))
        except Exception:
            # An outer edge: our mistake with one target must not end the watch over all the others.
            log.exception("a check could not be polled", check_id=check.check_id, target=check.target)
        else:
            latency_ms = round((time.perf_counter() - began) * 1000, 3)
            polled.has_timed_out = result.timed_out
            if self._polled.get(check.check_id) is polled:
                self._take(Sample(check.division_id, check.check_id, at, result.passed, latency_ms, result.message))
                await self._compare(polled, result, latency_ms)
        if self._polled.get(check.check_id) is polled:
            self._have_due(check.check_id, self._next_due(polled))

    def _next_due(self, polled: Polled) -> float:
        interval = polled.check.interval_seconds
        jitter = interval * random.uniform(-JITTER, JITTER)  # noqa: S311 - nobody gains by guessing it
        at, now = polled.due_at + interval + jitter, asyncio.get_running_loop().time()
        # What was missed is not made up for: that would be a burst just when there is much to do.
        return at if at > now else now + abs(jitter)

    async def _compare(self, polled: Polled, result: PollResult, latency_ms: float) -> None:
        """Report how the check stands, if it is not recorded so."""
        polled.failures = 0 if result.passed else polled.failures + 1
        if result.passed:
            wanted = "healthy", False
        elif polled.failures >= polled.check.failure_threshold:
            wanted = "unhealthy", True
        else:
            return
        if (polled.status, polled.has_incident) == wanted:
            return
        command = RecordStatus(
            check_id=polled.check.check_id,
            status="healthy" if result.passed else "unhealthy",
            latency_ms=latency_ms,
            message=result.message,
            failures_in_a_row=max(1, polled.failures),
        )
        try:
            await self._report(polled.check, command)
        except Unavailable as exc:
            self._complain("the status of a check is not recorded", check_id=command.check_id, reason=str(exc))
        except HecateError as exc:
            # Monitoring was paused or the check retired while it was polled.
            log.debug("the status of a check is not taken", check_id=command.check_id, reason=str(exc))
        else:
            polled.status, polled.has_incident = wanted

    def _complain(self, event: str, **details: str) -> None:
        """Log a warning, but not one for each check."""
        now = asyncio.get_running_loop().time()
        if now >= self._complains_at:
            self._complains_at = now + SECONDS_BETWEEN_COMPLAINTS
            log.warning(event, **details)
