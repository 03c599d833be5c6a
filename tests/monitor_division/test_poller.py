"""The poller: each check on its interval, a report for each change, and nobody held up by who does not answer."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from hecate.dossiers.errors import HecateError, InvalidState, Unavailable
from hecate.monitor_division.monitor_settings import MonitorSettings
from hecate.monitor_division.poll_result import PASSED, CannotPoll, PollResult, failure
from hecate.monitor_division.poller import Poller
from hecate.monitor_division.record_status import RecordStatus
from hecate.monitor_division.samples_store import Sample
from hecate.monitor_division.watched_checks import WatchedCheck
from tests.monitor_division.registrations import watched

DEADLINE_SECONDS = 20.0
REFUSED = failure("refused")
SHORT = 0.02
"""An interval that no check can be registered with, in seconds."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.002)


@dataclass
class World:
    """Targets that answer as a test says, and what the poller makes of it."""

    results: dict[str, PollResult] = field(default_factory=dict)
    """By a check's id; those that have none pass."""
    hanging: set[str] = field(default_factory=set)
    polls: Counter[str] = field(default_factory=Counter)
    polled_now: set[str] = field(default_factory=set)
    most_at_once: int = 0
    reports: list[RecordStatus] = field(default_factory=list)
    refusal: HecateError | None = None
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    poller: Poller = field(init=False)

    async def probe(self, check: WatchedCheck) -> PollResult:
        """Poll, as a real probe would."""
        self.polls[check.check_id] += 1
        assert check.check_id not in self.polled_now, "it is polled twice at the same time"
        self.polled_now.add(check.check_id)
        self.most_at_once = max(self.most_at_once, len(self.polled_now))
        try:
            if check.check_id in self.hanging:
                await asyncio.sleep(check.timeout_seconds)
                return failure("no answer", timed_out=True)
            await asyncio.sleep(0)
            return self.results.get(check.check_id, PASSED)
        finally:
            self.polled_now.discard(check.check_id)

    async def report(self, check: WatchedCheck, command: RecordStatus) -> None:
        """Record a status, or refuse to."""
        assert check.check_id == command.check_id
        self.reports.append(command)
        await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """What was reported, with the failures in a row."""
        return [(command.status, command.failures_in_a_row) for command in self.reports]


@asynccontextmanager
async def polling(world: World, **settings: int) -> AsyncIterator[Poller]:
    """Poll meanwhile."""
    world.poller = Poller(
        MonitorSettings(**settings),
        probe=world.probe,
        take=lambda sample: world.samples[sample.check_id].append(sample),
        report=world.report,
    )
    running = asyncio.create_task(world.poller.run())
    try:
        yield world.poller
        assert not running.done()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def short(name: str = "api", **fields: object) -> WatchedCheck:
    """Return a check with a short interval."""
    return watched(name, **{"interval_seconds": SHORT, "timeout_seconds": SHORT, **fields})


async def test_a_check_is_polled_at_once_and_then_again_and_again() -> None:
    """Every poll is a sample, and the first one tells that it is healthy; the others tell nothing."""
    world = World()
    async with polling(world) as poller:
        await asyncio.sleep(0)
        poller.watch(short())
        poller.watch(watched("seldom", interval_seconds=3600.0))
        await until(lambda: len(world.samples["chk-api"]) >= 5)
    assert world.polls["chk-seldom"] == 1
    assert Counter(command.check_id for command in world.reports) == {"chk-api": 1, "chk-seldom": 1}
    assert world.statuses == [("healthy", 1)] * 2
    assert all(sample.passed and sample.division_id == "div-1" for sample in world.samples["chk-api"])


async def test_failures_are_reported_once_there_are_enough_and_then_the_recovery() -> None:
    """Once each, however many follow."""
    world = World(results={"chk-api": REFUSED})
    async with polling(world) as poller:
        poller.watch(short(status="healthy"))
        await until(lambda: world.polls["chk-api"] >= 8)
        world.results.clear()
        polls = world.polls["chk-api"]
        await until(lambda: world.polls["chk-api"] >= polls + 5)
    assert world.statuses == [("unhealthy", 3), ("healthy", 1)]
    assert world.reports[0].message == "refused"


async def test_a_single_failure_is_a_sample_and_no_more() -> None:
    """Failures must be in a row: one that passes in between begins the count anew."""
    world = World()
    results = iter([REFUSED, REFUSED, PASSED] * 10)

    async def now_and_then(check: WatchedCheck) -> PollResult:
        world.results[check.check_id] = next(results)
        return await World.probe(world, check)

    world.probe = now_and_then  # type: ignore[method-assign]
    async with polling(world) as poller:
        poller.watch(short(status="healthy"))
        await until(lambda: world.polls["chk-api"] >= 20)
    assert world.reports == []
    assert sum(not sample.passed for sample in world.samples["chk-api"]) >= 12


async def test_what_is_recorded_already_is_not_reported() -> None:
    """After a restart: an open incident is known, and so is the status."""
    world = World(results={"chk-bad": REFUSED})
    async with polling(world) as poller:
        poller.watch(short("bad", status="unhealthy", has_incident=True))
        poller.watch(short("good", status="healthy"))
        await until(lambda: min(world.polls["chk-bad"], world.polls["chk-good"]) >= 6)
    assert world.reports == []


async def test_failures_from_before_a_restart_count() -> None:
    """Two of three are there: the next one is the third."""
    world = World(results={"chk-api": REFUSED})
    async with polling(world) as poller:
        poller.watch(watched(status="healthy"), failures=2)
        await until(lambda: bool(world.reports))
    assert world.statuses == [("unhealthy", 3)]


async def test_a_status_that_somebody_else_has_recorded_is_put_right() -> None:
    """What is polled is compared with what is recorded, not with what was polled before."""
    world = World()
    async with polling(world) as poller:
        poller.watch(short(status="healthy"))
        await until(lambda: world.polls["chk-api"] >= 2)
        poller.watch(short(status="unhealthy"))
        await until(lambda: bool(world.reports))
        assert world.statuses == [("healthy", 1)]


async def test_an_incident_that_somebody_has_closed_is_raised_again_after_as_many_failures() -> None:
    """Not with the next one: they were counted for the incident before."""
    world = World(results={"chk-api": REFUSED})
    async with polling(world) as poller:
        poller.watch(short(status="unhealthy", has_incident=True))
        await until(lambda: world.polls["chk-api"] >= 5)
        poller.watch(short(status="unhealthy", has_incident=False))
        await until(lambda: bool(world.reports))
    assert world.statuses == [("unhealthy", 3)]


@pytest.mark.parametrize("refusal", [Unavailable("the disk is full"), InvalidState("it is paused")])
async def test_what_is_not_taken_is_reported_again(refusal: HecateError) -> None:
    """With the next poll, until it is recorded."""
    world = World(refusal=refusal)
    with capture_logs() as logs:
        async with polling(world) as poller:
            poller.watch(short())
            await until(lambda: len(world.reports) >= 3)
            world.refusal = None
            reports = len(world.reports)
            await until(lambda: len(world.reports) > reports)
            polls = world.polls["chk-api"]
            await until(lambda: world.polls["chk-api"] >= polls + 4)
            assert len(world.reports) == reports + 1
    assert len([entry for entry in logs if entry["log_level"] == "warning"]) == isinstance(refusal, Unavailable)


async def test_a_check_that_is_unwatched_is_polled_no_more() -> None:
    """The result of a poll that is under way is dropped."""
    world = World(hanging={"chk-hanging"})
    async with polling(world) as poller:
        poller.watch(short("hanging", timeout_seconds=0.1))
        poller.watch(short("api"))
        await until(lambda: "chk-hanging" in world.polled_now and world.polls["chk-api"] > 1)
        for check_id in ("chk-hanging", "chk-api", "chk-unknown"):
            poller.unwatch(check_id)
        polls, samples = world.polls["chk-api"], len(world.samples["chk-api"])
        await until(lambda: not world.polled_now)
        poller.watch(short("other"))
        await until(lambda: world.polls["chk-other"] >= 3)
        assert len(poller) == 1
    assert world.polls["chk-api"] == polls
    assert len(world.samples["chk-api"]) <= samples + 1
    assert world.samples["chk-hanging"] == []


async def test_those_that_never_answer_hold_up_only_their_like() -> None:
    """A hundred of them, with room for eight, and one that answers is polled all the while."""
    world = World(hanging={f"chk-{number}" for number in range(100)})
    async with polling(world, polls_at_once=8) as poller:
        for number in range(100):
            poller.watch(short(str(number), timeout_seconds=0.05))
        # Once all have timed out for the first time, each is known for what it is.
        await until(lambda: all(world.samples[f"chk-{number}"] for number in range(100)))
        poller.watch(short("api"))
        before = world.polls.copy()
        await until(lambda: world.polls["chk-api"] >= 20)
        assert sum((world.polls - before).values()) - 20 < 100
    assert world.most_at_once <= 8


async def test_every_check_has_its_turn() -> None:
    """Also where there is much less room than there are checks."""
    world = World(hanging={f"chk-{number}" for number in range(30)})
    async with polling(world, polls_at_once=4) as poller:
        for number in range(30):
            poller.watch(short(str(number), timeout_seconds=0.01))
        await until(lambda: min(world.polls[f"chk-{number}"] for number in range(30)) >= 3)
        assert max(world.polls.values()) <= min(world.polls.values()) + 2


async def test_many_that_are_there_at_a_start_are_spread() -> None:
    """None is polled at once, all are within the shortest interval."""
    world = World()
    async with polling(world) as poller:
        for number in range(50):
            poller.watch(watched(str(number), interval_seconds=1.0), at_once=False)
        await asyncio.sleep(0)
        await until(lambda: len(world.polls) >= 10)
        assert len(world.polls) < 50
        await until(lambda: len(world.polls) == 50)


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (ZeroDivisionError("a bug in a probe"), "a check could not be polled"),
        (CannotPoll("Too many open files"), "checks cannot be polled"),
    ],
    ids=["bug", "shortage"],
)
async def test_what_goes_wrong_with_us_is_no_failure(error: Exception, logged: str) -> None:
    """It is logged, and the next poll comes as if nothing was."""
    world = World()

    async def stumble(check: WatchedCheck) -> PollResult:
        await World.probe(world, check)
        raise error

    world.probe = stumble  # type: ignore[method-assign]
    with capture_logs() as logs:
        async with polling(world) as poller:
            poller.watch(short())
            await until(lambda: world.polls["chk-api"] >= 3)
    assert (world.samples["chk-api"], world.reports) == ([], [])
    assert {entry["event"] for entry in logs} == {logged}
