"""The watch as a whole, by a real daemon: with its kills, its pauses and its lists."""

from __future__ import annotations

import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, wait_until
from tests.serving import serving


class Watch:
    """A division whose monitoring is active."""

    def __init__(self, caller: Caller, division_id: str = "") -> None:
        self.caller = caller
        self.id = division_id or caller.division_with(monitor="active")

    def does(self, command: str, **fields: Any) -> Any:
        """Send a command to its monitoring."""
        return self.caller.done(f"/api/divisions/{self.id}/monitor/{command}", fields)

    def check(self, port: int, name: str = "db", **fields: Any) -> str:
        """Register a check of *port*, polled every second, and return its id."""
        body = {
            "name": name,
            "type": "tcp",
            "target": f"127.0.0.1:{port}",
            "interval_seconds": 1,
            "failure_threshold": 2,
        }
        check_id: str = self.does("check", **{**body, **fields})["id"]
        return check_id

    def shown(self, path: str = "") -> Any:
        """Return what is monitored."""
        return self.caller.get(f"/api/divisions/{self.id}/monitoring{path}").json

    def until(self, condition: Callable[[Any], bool]) -> Any:
        """Wait until the list is as it should be, and return it."""
        wait_until(lambda: condition(self.shown()))
        return self.shown()

    def until_polled(self, times: int, check_id: str = "") -> None:
        """Wait until there are so many samples more than now."""
        before = self.samples(check_id)
        wait_until(lambda: self.samples(check_id) >= before + times)

    def samples(self, check_id: str = "") -> int:
        """Return how many samples there are, at most 500."""
        return len(self.shown(f"/samples?limit=500&check_id={check_id}")["samples"])

    def kinds(self) -> list[str]:
        """Return the kinds of all items but the checks themselves, with the status of statuses."""
        items = self.shown()["monitoring"]
        return [item.get("status") or item["kind"] for item in items if item["kind"] != "check"]


@pytest.fixture
def watch(caller: Caller) -> Watch:
    """A division whose monitoring has just begun."""
    return Watch(caller)


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    """Listen on a port, a free one unless one is given."""
    with closing(socket.create_server(("127.0.0.1", port))) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    """Return a port that nobody listens on."""
    with listening() as port:
        return port


def closed_ports(number: int) -> list[int]:
    """Return as many ports, each another one."""
    with ExitStack() as stack:
        return [stack.enter_context(listening()) for _ in range(number)]


def test_one_incident_for_many_failures_and_one_recovery(watch: Watch) -> None:
    """The check fails for a while, and then it does not: four events, however many polls."""
    port = closed_port()
    check_id = watch.check(port, severity="sev4")
    failing = watch.until(lambda found: found["open_incidents"])
    watch.until_polled(2)
    (incident,) = failing["open_incidents"]
    assert (incident["check_id"], incident["severity"]) == (check_id, "sev4")
    assert incident["description"] == "2 times in a row: cannot connect: Connection refused"
    assert watch.caller.get(f"/api/divisions/{watch.id}").json["division"]["health"] == "degraded"
    with listening(port):
        watch.until(lambda found: not found["open_incidents"])
        watch.until_polled(1)
    assert watch.kinds() == ["incident", "unhealthy", "closed_incident", "healthy"]
    assert watch.shown()["monitoring"][3]["reason"] == "check 'db' passes again"


def test_the_list_shows_how_each_check_stands(watch: Watch) -> None:
    """Those that fail first, with what they have done and what may still fail."""
    with listening() as port:
        good = watch.check(port, "good")
        bad = watch.check(closed_port(), "bad")
        watch.does("objective", check_id=good, availability_percent=99.0)
        watch.does("objective", availability_percent=50.0, window="1h")
        found = watch.until(
            lambda found: found["statuses"] == {"healthy": 1, "degraded": 0, "unhealthy": 1, "unknown": 0}
        )
        watch.until_polled(2)
        found = watch.shown()
    first, second = found["checks"]
    assert (first["check_id"], second["check_id"]) == (bad, good)
    assert (first["status"], first["latest"]["passed"]) == ("unhealthy", False)
    assert first["figures"]["1h"]["availability_percent"] == 0.0
    assert first["error_budget"] is None
    assert second["figures"]["30d"]["availability_percent"] == 100.0
    assert second["figures"]["24h"]["latency_p99_ms"] > 0
    assert (second["error_budget"]["met"], second["error_budget"]["remaining_percent"]) == (True, 100.0)
    assert 0 < found["figures"]["1h"]["availability_percent"] < 100
    assert found["error_budget"]["window"] == "1h"
    page = watch.shown("/checks?limit=1")
    (next_page,) = watch.shown(f"/checks?limit=1&after={page['next']}")["checks"]
    assert (page["checks"][0]["check_id"], next_page["check_id"]) == (good, bad)


def test_samples_are_listed_from_the_latest(watch: Watch) -> None:
    """In pages, of all checks or of one."""
    with listening() as port:
        one, other = watch.check(port, "one"), watch.check(port, "other")
        watch.until_polled(3, one)
    first = watch.shown(f"/samples?check_id={one}&limit=1")
    second = watch.shown(f"/samples?check_id={one}&limit=1&after={first['next']}")
    assert first["samples"][0]["polled_at"] > second["samples"][0]["polled_at"]
    assert {sample["check_id"] for sample in watch.shown("/samples")["samples"]} == {one, other}
    stranger = watch.caller.get(f"/api/divisions/{watch.id}/monitoring/samples?check_id=chk-nobody")
    assert (stranger.status, stranger.code) == (404, "not_found")
    elsewhere = watch.caller.division()
    assert watch.caller.get(f"/api/divisions/{elsewhere}/monitoring/samples?check_id={one}").status == 404
    assert watch.caller.get(f"/api/divisions/{elsewhere}/monitoring/samples").json["samples"] == []
    for path in ("samples", "checks"):
        assert watch.caller.get(f"/api/divisions/div-nobody/monitoring/{path}").code == "not_found"


@pytest.mark.parametrize(("stop", "go_on"), [("pause", "resume"), ("complete", "start")])
def test_nothing_is_polled_while_monitoring_is_not_active(watch: Watch, stop: str, go_on: str) -> None:
    """And all is polled again as soon as it is."""
    with listening() as port:
        watch.check(port)
        watch.until_polled(1)
        watch.does(stop)
        beside = Watch(watch.caller)
        beside.check(port)
        wait_until(lambda: beside.samples() >= 1)
        before = watch.samples()
        beside.until_polled(3)
        assert watch.samples() <= before + 1, "a poll was under way"
        watch.does(go_on)
        watch.until_polled(2)


def test_a_retired_check_is_polled_no_more(watch: Watch) -> None:
    """Its name is free, and its samples stay."""
    with listening() as port:
        check_id = watch.check(port)
        watch.until_polled(1)
        watch.does("retire", check_id=check_id)
        again = watch.check(port)
        wait_until(lambda: watch.samples(again) >= 1)
        before = watch.samples(check_id)
        watch.until_polled(3, again)
        assert 0 < watch.samples(check_id) <= before + 1


def test_what_polls_leaves_the_division_where_people_are_at_work(watch: Watch) -> None:
    """A status that a poll has found turns nobody's attention to monitoring; a sev3 asks for no rescue."""
    path = f"/api/divisions/{watch.id}"
    port = closed_port()
    check_id = watch.check(port, failure_threshold=3, severity="sev3")
    watch.caller.done(f"{path}/design/start")
    watch.until(lambda found: found["open_incidents"])
    shown = watch.caller.get(path).json["division"]
    assert (shown["process"], shown["health"]) == ("design_division", "degraded")
    watch.does("status", check_id=check_id, status="degraded")
    assert watch.caller.get(path).json["division"]["process"] == "monitor_division"


def test_after_kills_there_is_one_incident(tmp_path_factory: pytest.TempPathFactory) -> None:
    """However often, and whenever, the daemon is killed: none is lost, and none is raised twice."""
    ports = closed_ports(20)
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:

        @contextmanager
        def daemon() -> Iterator[tuple[Child, Caller]]:
            with serving(Path(folder)) as child:
                caller = Caller(child.socket_path)
                yield child, caller
                caller.close()

        with daemon() as (child, caller):
            watch = Watch(caller)
            division_id = watch.id
            ids = {watch.check(port, str(port)) for port in ports}
            child.signal(signal.SIGKILL)
        for incidents in (1, 7, 20, 20):
            with daemon() as (child, caller):
                watch = Watch(caller, division_id)
                watch.until(lambda found, least=incidents: len(found["open_incidents"]) >= least)  # type: ignore[misc]
                child.signal(signal.SIGKILL)
        with daemon() as (_, caller):
            watch = Watch(caller, division_id)
            watch.until_polled(20)
            found = watch.shown("?limit=500")
    assert len(found["open_incidents"]) == 20
    raised = [item["check_id"] for item in found["monitoring"] if item["kind"] == "incident"]
    assert (len(raised), set(raised)) == (20, ids)
    assert found["statuses"] == {"healthy": 0, "degraded": 0, "unhealthy": 20, "unknown": 0}


def test_the_daemon_ends_at_once_whatever_is_polled(tmp_path: Path) -> None:
    """A hanging command and a target that never answers are left, and nothing of them stays."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, serving(Path(folder)) as child, listening() as port:
        caller = Caller(child.socket_path)
        watch = Watch(caller)
        began = tmp_path / "began"
        watch.check(
            port, "mute", type="http", target=f"http://127.0.0.1:{port}/", interval_seconds=60, timeout_seconds=60
        )
        command = f"sh -c 'touch {began}; exec sleep 61'"
        watch.check(port, "hanging", type="command", target=command, interval_seconds=60, timeout_seconds=60)
        wait_until(began.exists)
        caller.close()
        child.signal(signal.SIGTERM)
        assert child.end() == 0
        assert not [line for line in child.err if "error" in line], child.err
