"""A clock that jumps by a month, and a daemon that is stopped for a while: all goes by the time that passes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, wait_until
from tests.faults.conftest import Say
from tests.faults.daemons import serving_from
from tests.faults.sizes import LONG, size

JUMPS = size(("+30d", "-30d"), ("+30d", "-30d", "+30d", "+0", "-30d", "+30d", "+0"))
STOPPED_SECONDS = size(2.0, 20.0)
MONTH = timedelta(days=30)
CHECK_SECONDS = 1.0
"""The shortest interval of a health check."""


@pytest.fixture(scope="module")
def libfaketime() -> Path:
    """Return the library that makes a program see another clock."""
    if LONG and not (found := _libraries()) and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "libfaketime"], check=False, capture_output=True)
    found = _libraries()
    if not found:
        pytest.skip("libfaketime is not there: apt-get install libfaketime")
    return found[0]


def _libraries() -> list[Path]:
    return sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """The clock of a daemon, which is set by a file; the time that passes for it stays what it is."""

    def __init__(self, place: Path, library: Path) -> None:
        self._file = place / "clock"
        self.environ = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # as it was called before
        }
        self.set("+0")

    def set(self, offset: str) -> None:
        """Set it apart from the right time by *offset*, such as ``+30d``."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self._file)


@pytest.fixture
def clock(place: Path, libfaketime: Path) -> Clock:
    """Give a clock that can be set."""
    return Clock(place, libfaketime)


@contextmanager
def calling(child: Child) -> Iterator[Caller]:
    """Give a client of *child*."""
    caller = Caller(child.socket_path)
    try:
        yield caller
    finally:
        caller.close()


@contextmanager
def polled() -> Iterator[tuple[str, list[float]]]:
    """Serve something for a health check to ask; gives its URL, and when it was asked."""
    asked: list[float] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()


def recorded_at(event: dict[str, Any]) -> datetime:
    """Return when an event was recorded, by the daemon's clock."""
    return datetime.fromisoformat(event["recorded_at"])


def test_events_and_ids_keep_their_order(place: Path, clock: Clock, say: Say) -> None:
    """Positions have no gap, each id is greater than all before, also after starts; only the time is the clock's."""
    ids: list[str] = []
    events: list[dict[str, Any]] = []
    for start in ("+0", "-30d"):
        clock.set(start)
        with serving_from(place, environ=clock.environ) as child, calling(child) as caller:
            for offset in (start, *JUMPS, "+0"):
                clock.set(offset)
                ids.append(caller.venture())
                caller.done(f"/api/ventures/{ids[-1]}/discovery/start")
            events = caller.get("/api/events?limit=500").json["events"]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    times = [recorded_at(event) for event in events]
    assert max(times) - min(times) > 2 * MONTH - timedelta(hours=1), "the clock has not jumped"
    say(f"{len(events)} events from {min(times):%d %b} to {max(times):%d %b}")


def test_an_answer_is_kept_whatever_the_clock_says(place: Path, clock: Clock) -> None:
    """An idempotency key is not forgotten because a month seems to have passed."""
    with serving_from(place, environ=clock.environ) as child, calling(child) as caller:
        first = caller.post("/api/ventures", {"name": "once"}, Idempotency_Key="k")
        for offset in JUMPS:
            clock.set(offset)
            assert caller.post("/api/ventures", {"name": "once"}, Idempotency_Key="k").body == first.body


def test_time_that_passes_is_not_the_clocks(place: Path, clock: Clock) -> None:
    """Uptime, connections, streams and the time limits of jobs go on as if nothing was."""
    with serving_from(place, environ=clock.environ) as child, calling(child) as caller:
        began = time.monotonic()
        division_id = caller.division_with(test="active")
        suite = f"/api/divisions/{division_id}/test/suite"
        with caller.feed("/api/events?after=0&type=venture_setup_v1") as feed:
            feed.event()
            for number, offset in enumerate(JUMPS):
                whole = caller.post(suite, {"suite_type": "whole", "command": "sleep 0.5", "timeout_seconds": 60}).json
                cut = caller.post(suite, {"suite_type": "cut", "command": "sleep 600", "timeout_seconds": 0.5}).json
                clock.set(offset)
                job = caller.get(f"/api/jobs/{whole['job_id']}?wait=true").json["job"]
                assert (job["state"], job["events"][-1]["data"]["outcome"]) == ("succeeded", "passed")
                assert job["events"][-1]["data"]["duration_seconds"] < 60
                job = caller.get(f"/api/jobs/{cut['job_id']}?wait=true").json["job"]
                assert job["events"][-1]["data"]["outcome"] == "timed_out"
                uptime = caller.get("/api/health").json["uptime_seconds"]
                assert 0 <= uptime <= time.monotonic() - began + 20
                caller.venture(f"v{number}")
                assert feed.event()[1]["data"]["name"] == f"v{number}"


def test_checks_are_polled_as_before(place: Path, clock: Clock, say: Say) -> None:
    """Neither in a storm nor not at all; and what was seen before the jump is not thrown away."""
    with (
        polled() as (url, asked),
        serving_from(place, environ=clock.environ) as child,
        calling(child) as caller,
    ):
        path = f"/api/divisions/{caller.division_with(monitor='active')}"
        check = {"name": "api", "target": url, "interval_seconds": CHECK_SECONDS}
        began = time.monotonic()
        caller.done(f"{path}/monitor/check", check)
        for offset in JUMPS:
            so_far = len(asked)
            clock.set(offset)
            wait_until(lambda so_far=so_far: len(asked) >= so_far + 2)  # type: ignore[misc]
        # As many as fit in between, at the shortest interval that there is.
        assert len(asked) <= (asked[-1] - began) / (CHECK_SECONDS * 0.9) + 2
        # They are written a second at a time.
        seen = len(asked)
        wait_until(lambda: len(caller.get(f"{path}/monitoring/samples?limit=500").json["samples"]) >= seen)
        assert caller.get(path).json["division"]["health"] == "ok"
        say(f"{len(asked)} polls in {asked[-1] - began:.1f} s")


def test_a_daemon_that_was_stopped_goes_on(place: Path, say: Say) -> None:
    """What was asked meanwhile is answered, what was running is done, and nothing is made up for in a burst."""
    with (
        polled() as (url, asked),
        serving_from(place) as child,
        calling(child) as caller,
        calling(child) as other,
    ):
        division_id = caller.division_with(monitor="active", test="active")
        path = f"/api/divisions/{division_id}"
        caller.done(f"{path}/monitor/check", {"name": "api", "target": url, "interval_seconds": CHECK_SECONDS})
        wait_until(lambda: len(asked) >= 1)
        job_id = caller.post(f"{path}/test/suite", {"command": "sleep 1", "timeout_seconds": 600}).json["job_id"]
        uptime = caller.get("/api/health").json["uptime_seconds"]
        answered: list[int] = []
        asking = threading.Thread(target=lambda: answered.append(other.post("/api/ventures", {"name": "late"}).status))
        with caller.feed("/api/events?after=0&type=venture_setup_v1") as feed:
            feed.event()
            child.signal(signal.SIGSTOP)
            asking.start()
            time.sleep(STOPPED_SECONDS)  # nothing is waited for: it is the time without the daemon
            assert answered == []
            before = len(asked)
            child.signal(signal.SIGCONT)
            asking.join()
            assert answered == [201]
            assert feed.event()[1]["data"]["name"] == "late"
        job = caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]
        assert job["events"][-1]["data"]["outcome"] == "passed"
        since = time.monotonic()
        wait_until(lambda: len(asked) >= before + 2)
        assert len(asked) - before <= (time.monotonic() - since) / (CHECK_SECONDS * 0.9) + 3
        assert caller.get("/api/health").json["uptime_seconds"] >= uptime + int(STOPPED_SECONDS)
        events = caller.get("/api/events?limit=500").json["events"]
        assert sum(event["type"] == "health_status_recorded_v1" for event in events) == 1
        assert [event["position"] for event in events] == list(range(1, len(events) + 1))
        say(f"stopped for {STOPPED_SECONDS:g} s, {len(asked) - before} polls after it")
