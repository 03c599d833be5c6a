"""What is to be polled, read from the store and followed as it changes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from hecate import catalog
from hecate.dossiers.engine import Engine, Order
from hecate.dossiers.lifecycle import Pause, Resume, Start
from hecate.dossiers.messages import Command
from hecate.monitor_division import PROCESS
from hecate.monitor_division.close_incident import CloseIncident
from hecate.monitor_division.raise_incident import RaiseIncident
from hecate.monitor_division.record_status import RecordStatus
from hecate.monitor_division.register_check import RegisterCheck
from hecate.monitor_division.retire_check import RetireCheck
from hecate.monitor_division.samples_store import DATABASE_NAME, Sample, SamplesStore
from hecate.monitor_division.watched_checks import (
    EVENTS_A_STEP,
    Changes,
    all_watched,
    changes_after,
    trailing_failures,
)
from tests.monitor_division.registrations import watched

FOUND = catalog.find()
DESKS = {(process.name, desk.command): (process, desk) for process, desks in FOUND.desks.items() for desk in desks}
SETUP, DISCOVERY = (next(process for process in FOUND.desks if process.number == number) for number in (1, 2))


class Division:
    """A division in a store of its own, whose monitoring was started."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        (venture_id,) = self._done(SETUP.name, "", [_named("SetupVenture")(name="shop")])
        self._done(DISCOVERY.name, venture_id, [Start()])
        (self.id,) = self._done(DISCOVERY.name, venture_id, [_named("DiscoverDivision")(division_name="auth")])
        self.does(Start())

    def does(self, *commands: Command) -> list[str]:
        """Send commands to its monitoring, and return the ids of what they have made."""
        return self._done(PROCESS.name, self.id, commands)

    def registers(self, count: int) -> list[str]:
        """Register so many checks, and return their ids."""
        return self.does(*(RegisterCheck(name=f"check-{n}", target="http://localhost/") for n in range(count)))

    def changes(self, position: int) -> Changes:
        """Return what has changed since *position*."""
        return self.engine.store.read_from_thread(lambda db: changes_after(db, position)).result()

    def now(self) -> Changes:
        """Return what is to be polled."""
        return self.engine.store.read_from_thread(all_watched).result()

    def _done(self, process: str, subject_id: str, commands: Sequence[Command]) -> list[str]:
        orders = [
            Order(process=its, desk=desk, command=command, subject_id=subject_id)
            for command in commands
            for its, desk in [DESKS[process, type(command)]]
        ]
        handled = self.engine.store.writer.submit_from_thread(
            lambda db: [self.engine.carry_out(db, order) for order in orders]
        ).result()
        return [msgspec.json.decode(one.body)["id"] for one in handled]


def _named(command: str) -> type[Command]:
    return next(kind for _, kind in DESKS if kind.__name__ == command)


@pytest.fixture
def division(tmp_path: Path) -> Iterator[Division]:
    """A division whose monitoring was started."""
    with closing(Engine.open(tmp_path / "hecate.db", FOUND.desks, read_models=FOUND.read_models)) as engine:
        yield Division(engine)


def test_a_registered_check_is_watched_until_it_is_retired(division: Division) -> None:
    """With all that a poll needs."""
    position = division.now().position
    (check_id,) = division.registers(1)
    registered = division.changes(position)
    (check,) = registered.watched
    assert (check.check_id, check.division_id, check.status, check.has_incident) == (
        check_id,
        division.id,
        "unknown",
        False,
    )
    assert division.now() == Changes(registered.position, [check], (), more=False)
    division.does(RetireCheck(check_id=check_id))
    retired = division.changes(registered.position)
    assert (retired.watched, set(retired.unwatched)) == ([], {check_id})
    assert division.now().watched == []


def test_the_state_of_monitoring_concerns_all_checks(division: Division) -> None:
    """A pause ends the watch over each, and a resumption begins it again."""
    ids = set(division.registers(3))
    position = division.now().position
    division.does(Pause())
    paused = division.changes(position)
    assert (paused.watched, set(paused.unwatched)) == ([], ids)
    assert division.now().watched == []
    division.does(Resume())
    resumed = division.changes(paused.position)
    assert ({check.check_id for check in resumed.watched}, set(resumed.unwatched)) == (ids, set())


def test_a_check_knows_its_own_incident(division: Division) -> None:
    """From its raising to its closing; others' incidents are none of its."""
    (check_id,) = division.registers(1)
    position = division.now().position
    division.does(RaiseIncident(title="logins fail"))
    assert division.changes(position).watched == []
    division.does(RecordStatus(check_id=check_id, status="unhealthy", failures_in_a_row=3))
    failing = division.changes(position)
    (check,) = failing.watched
    assert (check.status, check.has_incident) == ("unhealthy", True)
    ((incident_id,),) = division.engine.store.read_from_thread(
        lambda db: db.execute("SELECT incident_id FROM health_checks").fetchall()
    ).result()
    division.does(CloseIncident(incident_id=str(incident_id)))
    (closed,) = division.changes(failing.position).watched
    assert (closed.status, closed.has_incident) == ("unhealthy", False)
    assert closed.counts_since >= check.counts_since


def test_many_changes_are_taken_in_steps(division: Division) -> None:
    """None is missed, also where a step is full to its end."""
    position = division.now().position
    ids = division.registers(2 * EVENTS_A_STEP)
    seen: list[str] = []
    while (step := division.changes(position)).more:
        seen += [check.check_id for check in step.watched]
        position = step.position
    assert seen == ids
    assert step == Changes(position, [], set(), more=False)


def test_failures_are_counted_from_the_last_poll_back(division: Division, tmp_path: Path) -> None:
    """To the last that has passed, or to the time from which they count, and no more than are needed."""

    def counted() -> dict[str, int]:
        checks = [
            watched("broken"),
            watched("mended"),
            watched("closed", counts_since=now - 1500),
            watched("long", failure_threshold=2),
            watched("new"),
        ]
        return division.engine.store.read_from_thread(lambda db: trailing_failures(db, checks)).result()

    now = int(time.time() * 1000)
    assert counted() == {}
    store = SamplesStore.open(tmp_path / DATABASE_NAME)
    outcomes = {"broken": "+--", "mended": "--+", "closed": "---", "long": "----"}
    for name, signs in outcomes.items():
        store.write(
            [
                Sample("div-1", f"chk-{name}", now - 1000 * (len(signs) - number), sign == "+", 1.0, "")
                for number, sign in enumerate(signs)
            ]
        )
    assert counted() == {"chk-broken": 2, "chk-mended": 0, "chk-closed": 1, "chk-long": 2, "chk-new": 0}
    store.close()
