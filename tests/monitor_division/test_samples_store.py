"""How polls are remembered: figures over any window, retention, and a disk or a clock that misbehaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from hecate.dossiers.errors import Unavailable
from hecate.monitor_division import samples_recorder
from hecate.monitor_division.figures import Figures, budget_of, figures_of
from hecate.monitor_division.monitor_settings import MonitorSettings
from hecate.monitor_division.samples_recorder import SamplesRecorder
from hecate.monitor_division.samples_store import DATABASE_NAME, DAY, HOUR, Sample, SamplesStore

DEADLINE_SECONDS = 20.0


def sample(
    seconds_ago: float = 0, *, check: str = "chk-1", passed: bool = True, ms: float = 10.0, message: str = ""
) -> Sample:
    """Return how a poll of some time ago went."""
    return Sample("div-1", check, int((time.time() - seconds_ago) * 1000), passed, ms, message)


def kept(path: Path) -> list[int]:
    """Return the ids of the samples in the file."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [id_ for (id_,) in db.execute("SELECT id FROM samples ORDER BY id")]
    finally:
        db.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the samples are."""
    return tmp_path / DATABASE_NAME


@pytest.fixture
def store(path: Path) -> Iterator[SamplesStore]:
    """An empty store."""
    store = SamplesStore.open(path)
    yield store
    store.close()


def figures(path: Path, subject_id: str = "chk-1") -> dict[str, Figures]:
    """Return the figures of a check or a division."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return figures_of(db, subject_id)
    finally:
        db.close()


def test_each_window_has_what_is_in_it(store: SamplesStore, path: Path) -> None:
    """An hour, a day and 30 days, each with what came before it."""
    store.write([sample(seconds) for seconds in (0, 30 * 60, 3 * HOUR, 20 * HOUR, 3 * DAY, 20 * DAY, 40 * DAY)])
    assert {window: found.polls for window, found in figures(path).items()} == {"1h": 2, "24h": 4, "30d": 6}


def test_what_is_yet_to_come_does_not_count(store: SamplesStore, path: Path) -> None:
    """The clock was ahead for a while."""
    store.write([sample(-40 * DAY), sample()])
    assert {found.polls for found in figures(path).values()} == {1}


def test_availability_is_the_share_that_has_passed(store: SamplesStore, path: Path) -> None:
    """Latencies are of those only."""
    store.write([sample(ms=float(ms)) for ms in range(1, 100)])
    store.write([sample(passed=False, ms=5000.0, message="timed out")])
    hour = figures(path)["1h"]
    assert (hour.polls, hour.failures, hour.availability_percent) == (100, 1, 99.0)
    assert hour.latency_p50_ms == pytest.approx(50, rel=0.025)
    assert hour.latency_p95_ms == pytest.approx(95, rel=0.025)
    assert hour.latency_p99_ms == pytest.approx(99, rel=0.025)


def test_a_division_has_the_figures_of_all_its_checks(store: SamplesStore, path: Path) -> None:
    """Added up, batch by batch."""
    store.write([sample(check="chk-1"), sample(check="chk-2", passed=False)])
    store.write([sample(check="chk-1")])
    assert figures(path, "div-1")["1h"].polls == 3
    assert figures(path, "chk-2")["24h"].availability_percent == 0.0


@pytest.mark.usefixtures("store")
def test_nothing_polled_has_no_figures(path: Path) -> None:
    """Null, and not 100 %."""
    assert set(figures(path).values()) == {Figures(0, 0, None, None, None, None)}


@pytest.mark.parametrize(
    ("polls", "failures", "met", "allowed", "remaining"),
    [(1000, 0, True, 10, 100.0), (1000, 5, True, 10, 50.0), (1000, 10, True, 10, 0.0), (1000, 20, False, 10, -100.0),
     (0, 0, None, 0, 100.0)],
)  # fmt: skip
def test_an_error_budget_is_what_may_fail(
    polls: int,
    failures: int,
    met: bool | None,  # noqa: FBT001
    allowed: float,
    remaining: float,
) -> None:
    """And how much of that is left."""
    budget = budget_of("slo-1", 99.0, "30d", Figures(polls, failures, None, None, None, None))
    assert (budget.met, budget.allowed_failures, budget.remaining_percent) == (met, allowed, remaining)


def test_what_is_old_is_forgotten(store: SamplesStore, path: Path) -> None:
    """Single results by age and number; what figures are made of stays for as long as they need."""
    store.write([sample(3 * HOUR), sample(2 * HOUR), *(sample() for _ in range(5))])
    store.forget(keep_hours=1, most_samples=1000)
    assert kept(path) == [3, 4, 5, 6, 7]
    assert figures(path)["24h"].polls == 7
    store.forget(keep_hours=1, most_samples=2)
    assert kept(path) == [6, 7]
    store.write([sample()])
    assert kept(path) == [6, 7, 8]


def test_old_counts_are_forgotten(store: SamplesStore, path: Path) -> None:
    """The table does not grow for ever."""
    store.write([sample(100 * DAY), sample()])
    store.forget(keep_hours=1, most_samples=1000)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.execute("SELECT count(*), sum(polls) FROM counts").fetchall() == [(6, 6)]
    db.close()


def test_a_clock_that_jumps_deletes_nothing(store: SamplesStore, path: Path) -> None:
    """It may jump back. If it stays, what is old by it goes the next time."""
    store.write([sample(3 * HOUR), sample()])
    wall, monotonic = store._forgot_at
    store._forgot_at = (wall - 2 * HOUR, monotonic)
    with capture_logs() as logs:
        store.forget(keep_hours=1, most_samples=1000)
    assert kept(path) == [1, 2]
    assert [entry["event"] for entry in logs] == ["the clock was changed; old samples are kept for now"]
    store.forget(keep_hours=1, most_samples=1000)
    assert kept(path) == [2]


def test_everything_may_be_old(store: SamplesStore, path: Path) -> None:
    """Nothing is left, and what comes is numbered on."""
    store.write([sample(5 * HOUR), sample(5 * HOUR)])
    store.forget(keep_hours=1, most_samples=1000)
    assert kept(path) == []
    store.write([sample()])
    assert kept(path) == [3]


def test_a_refused_write_leaves_nothing(store: SamplesStore, path: Path) -> None:
    """Not even the numbers of checks that were new in it."""
    broken = sample(check="chk-new")._replace(message=object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.write([sample(), broken])
    assert kept(path) == []
    store.write([sample(check="chk-new")])
    assert figures(path, "chk-new")["1h"].polls == 1


def test_a_damaged_file_is_set_aside(path: Path) -> None:
    """The watch goes on with a new one."""
    path.write_bytes(b"no database at all" * 1000)
    with capture_logs() as logs:
        store = SamplesStore.open(path)
    store.write([sample()])
    store.close()
    assert [entry["event"] for entry in logs] == ["records are damaged, begun anew"]
    assert Path(logs[0]["old"]).read_bytes().startswith(b"no database")


@pytest.mark.parametrize(("pragma", "value", "why"), [("user_version", 99, "newer"), ("application_id", 7, "another")])
def test_a_foreign_file_is_left_alone(store: SamplesStore, path: Path, pragma: str, value: int, why: str) -> None:
    """It may hold what somebody needs."""
    store.close()
    db = apsw.Connection(str(path))
    db.pragma(pragma, value)
    db.close()
    with pytest.raises(Unavailable, match=why):
        SamplesStore.open(path)


@pytest.mark.usefixtures("store")
def test_only_the_owner_can_read_it(path: Path) -> None:
    """Messages may quote what a target has answered."""
    assert path.stat().st_mode & 0o777 == 0o600


class FullStore(SamplesStore):
    """A store whose disk is full while it is told so."""

    is_full = True

    def write(self, samples: object) -> None:
        if self.is_full:
            raise apsw.FullError("no space left")
        super().write(samples)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.002)


async def test_a_batch_is_written_soon_and_the_last_one_at_the_end(path: Path) -> None:
    """Nothing that was taken before the end is lost."""
    recorder = SamplesRecorder(SamplesStore.open(path), MonitorSettings(), seconds_between_batches=0.001)
    running = asyncio.create_task(recorder.run())
    recorder.take(sample())
    await until(lambda: kept(path) == [1])
    recorder.take(sample())
    running.cancel()
    await asyncio.wait((running,))
    assert kept(path) == [1, 2]


async def test_a_full_disk_is_waited_for(path: Path) -> None:
    """What it does not take is kept, as much as there is room for; then it is counted as lost."""
    store = FullStore.open(path)
    recorder = SamplesRecorder(store, MonitorSettings(), seconds_between_batches=0.001)
    running = asyncio.create_task(recorder.run())
    with capture_logs() as logs:
        recorder.take(sample())
        await until(lambda: bool(logs))
        for _ in range(samples_recorder.MOST_WAITING + 10):
            recorder.take(sample())
        assert recorder.lost > 0
        store.is_full = False
        await until(lambda: len(kept(path)) >= samples_recorder.MOST_WAITING)
    assert [entry["event"] for entry in logs] == ["results of checks are not recorded"]
    running.cancel()
    await asyncio.wait((running,))
