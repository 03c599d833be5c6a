"""The application that the daemon runs: it is kept running, told of, and gone when it should be."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from hecate.child_processes import strays
from hecate.child_processes.strays import mark_of_store
from tests.calling import Caller
from tests.daemon.child import Child, wait_until
from tests.deploy_division.projects import Deployed, deployed, write_application
from tests.serving import serving

QUICK = "[deploy]\nrestarts = 2\nrestart_seconds = 0.05\n"


@contextmanager
def running(folder: Path, configuration: str = QUICK) -> Iterator[tuple[Child, Caller]]:
    """Serve in *folder*, and call; it is not killed at the end, so that no application is left."""
    with serving(folder, configuration=configuration) as child:
        try:
            with closing(Caller(child.socket_path)) as caller:
                yield child, caller
        finally:
            child.signal(signal.SIGTERM)
            child.end()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)


@pytest.fixture
def quick(folder: Path) -> Iterator[Deployed]:
    """A division with version 1.0.0 live, under a daemon that soon gives up."""
    with running(folder) as (_, caller):
        division = deployed(caller, folder / "workspace", folder / "data")
        division.do("release", version="1.0.0")
        yield division


def answer(url: str) -> str:
    """Return what the application answers to a question for its health; empty: nothing."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as reply:
            text: str = reply.read().decode()
            return text
    except (URLError, ConnectionError):
        return ""


def kill(processes: list[int]) -> None:
    """End the processes of an application."""
    for process in processes:
        os.kill(process, signal.SIGKILL)


def runs_again(division: Deployed, restarts: int) -> None:
    """Wait until the application runs, after so many restarts."""

    def does() -> bool:
        service = division.service
        return (service["state"], service["restarts"]) == ("running", restarts)

    wait_until(does)


def taken() -> socket.socket:
    """Return a socket that listens on a port, which no application can have."""
    return socket.create_server(("127.0.0.1", 0))


# -- start, stop, restart


def test_it_runs_from_the_live_release(quick: Deployed) -> None:
    """On a port that is chosen and told; a second start is refused, and what it prints is kept."""
    assert quick.service["state"] == "stopped"
    done = quick.do("service/start")
    assert [event["type"] for event in done["events"]] == ["application_started_v1"]
    service = quick.service
    assert (service["state"], service["version"], service["restarts"]) == ("running", "1.0.0", 0)
    assert service["url"] == f"http://127.0.0.1:{done['events'][0]['data']['port']}"
    assert answer(service["url"]) == "1.0.0"
    assert "begins ['serve', '--port'" in quick.log
    reply = quick.ask("service/start")
    assert (reply.code, f"on port {service['port']}" in reply.json["error"]) == ("conflict", True)


def test_it_stops_with_all_its_processes(quick: Deployed) -> None:
    """And stays so; its port comes back with the next start."""
    quick.do("service/start")
    before = quick.service
    quick.do("service/stop", reason="maintenance")
    service = quick.service
    assert (service["state"], service["processes"], service["url"]) == ("stopped", [], None)
    assert answer(before["url"]) == ""
    assert quick.last("service_stop")["reason"] == "maintenance"
    assert quick.ask("service/stop").code == "conflict"
    quick.do("service/start")
    assert quick.service["port"] == before["port"]


def test_a_restart_takes_the_release_that_is_live_now(quick: Deployed) -> None:
    """A release alone leaves it as it is, one with the target service does not."""
    assert quick.ask("service/restart").code == "conflict"
    quick.do("service/start")
    url = quick.service["url"]
    quick.do("release", version="1.1.0")
    assert answer(url) == "1.0.0"
    quick.do("service/restart")
    assert answer(url) == "1.1.0"
    quick.do("release", version="1.2.0", target="service", health_check="http://127.0.0.1:{port}/health")
    assert answer(url) == "1.2.0"
    quick.do("rollback")
    assert (answer(url), quick.service["version"]) == ("1.1.0", "1.1.0")


def test_a_release_may_start_it(quick: Deployed) -> None:
    """The target service says so."""
    done = quick.do("release", version="1.1.0", target="service")
    assert [event["type"] for event in done["events"]] == [
        "release_begun_v1",
        "application_started_v1",
        "release_deployed_v1",
    ]
    assert answer(quick.service["url"]) == "1.1.0"


def test_a_release_that_does_not_run_leaves_the_earlier_one_running(quick: Deployed) -> None:
    """It ends at once, or is not well."""
    quick.do("service/start")
    url = quick.service["url"]
    write_application(quick.project, 'raise SystemExit("no database")')
    reply = quick.ask("release", version="1.1.0", target="service")
    assert "it said last: no database" in reply.json["error"]
    assert quick.last("release_failure")["stage"] == "activate"
    assert (answer(url), quick.live, quick.on_disk) == ("1.0.0", "1.0.0", ["1.0.0", "current -> 1.0.0"])
    write_application(quick.project)
    path = "http://127.0.0.1:{port}/missing"
    reply = quick.ask("release", version="1.1.0", target="service", health_check=path, health_timeout_seconds=0.5)
    assert "it answers with status 404" in reply.json["error"]
    assert (answer(url), quick.live) == ("1.0.0", "1.0.0")


def test_any_command_may_be_run(quick: Deployed) -> None:
    """It is told its port in a word, and in its environment."""
    script = (
        "import http.server, os; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(os.environ['PORT']))"
    )
    quick.do("service/start", command=["python3", "-c", script, "{port}"])
    assert quick.service["command"] == ["python3", "-c", script, "{port}"]
    assert f"-c {script} {quick.service['port']}" in quick.log


# -- bad luck


def test_it_is_started_again_when_it_ends(quick: Deployed) -> None:
    """Whoever has ended it."""
    quick.do("service/start")
    service = quick.service
    kill(service["processes"])
    runs_again(quick, 1)
    assert answer(service["url"]) == "1.0.0"
    assert quick.service["error"] == "the application has ended: ended by SIGKILL"


def test_one_that_ends_again_and_again_fails(quick: Deployed) -> None:
    """That is an event, and it can be started again."""
    quick.do("service/start")
    for restarts in (1, 2):
        kill(quick.service["processes"])
        runs_again(quick, restarts)
    kill(quick.service["processes"])
    service = quick.until("failed")
    assert "ended by SIGKILL, 3 times in a row" in service["error"]
    wait_until(lambda: any(item["kind"] == "service_failure" for item in quick.listed["deployments"]))
    assert quick.last("service_failure")["reason"] == service["error"]
    quick.do("service/restart")
    assert answer(quick.service["url"]) == "1.0.0"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-program-anywhere", "there is no such program, or it may not be run"),
        ("sh -c 'echo garbage in; exit 9'", "has ended: exit code 9; it said last: garbage in"),
        ("sleep 600", "after 0.3 s"),
    ],
)
def test_one_that_does_not_come_up_is_told(quick: Deployed, command: str, why: str) -> None:
    """At once: the job fails with what it has said, and not what the one before has; and nothing is left."""
    quick.do("service/start")
    quick.do("service/stop")
    reply = quick.ask("service/start", command=command, ready_seconds=0.3)
    assert reply.code == "conflict"
    assert reply.json["error"].endswith(why)
    assert quick.log.count("[hecate] starts") == 2
    service = quick.service
    assert (service["state"], service["processes"]) == ("failed", [])
    assert quick.last("service_failure")["reason"] == reply.json["error"]


def test_a_release_that_is_gone_is_told(quick: Deployed) -> None:
    """At once, whoever has removed it."""
    release = quick.data / "releases" / quick.division_id / "1.0.0"
    release.rename(release.with_name("elsewhere"))
    reply = quick.ask("service/start")
    assert reply.json["error"] == f"release 1.0.0 is not in {release.parent} any more; deploy another one"


def test_a_port_in_use_is_told(quick: Deployed) -> None:
    """At once."""
    with taken() as other:
        port = other.getsockname()[1]
        reply = quick.ask("service/start", port=port)
    assert reply.json["error"] == f"port {port} cannot be had: Address already in use"
    assert quick.do("service/start", port=port)["events"][0]["data"]["port"] == port


def test_nothing_runs_without_a_release(folder: Path) -> None:
    """It is refused before there is a job."""
    with running(folder) as (_, caller):
        division = deployed(caller, folder / "workspace", folder / "data")
        assert "deploy one first" in division.ask("service/start").json["error"]
        assert (division.service["state"], division.log) == ("stopped", "")


def test_a_start_can_be_cancelled(quick: Deployed) -> None:
    """And leaves nothing that runs."""
    job_id = quick.begin("service/start", command="sleep 600", ready_seconds=600)
    wait_until(lambda: len(quick.service["processes"]) > 0)
    quick.caller.done(f"/api/jobs/{job_id}/cancel")
    assert (quick.service["state"], quick.service["processes"]) == ("failed", [])


def test_a_flood_of_output_is_bounded(quick: Deployed) -> None:
    """The newest lines are kept."""
    flood = "import sys\nfor number in range(200_000): print('line', number)\n"
    write_application(quick.project, flood + (quick.project / "src/auth/__main__.py").read_text())
    quick.do("release", version="1.1.0", target="service")
    folder = quick.data / "services" / quick.division_id
    assert sum(path.stat().st_size for path in folder.glob("output.log*")) < 3 * 1024 * 1024
    assert "line 199999" in quick.log


# -- the daemon's own end


def test_it_ends_with_the_daemon_and_is_started_with_the_next(folder: Path) -> None:
    """On the same port, without a word from anybody; after a kill, what was left is ended first."""
    with running(folder) as (child, caller):
        division = deployed(caller, folder / "workspace", folder / "data")
        division.do("release", version="1.0.0")
        division.do("service/start")
        url = division.service["url"]
        child.signal(signal.SIGTERM)
        assert child.end() == 0
    assert answer(url) == ""
    assert strays.marked(mark_of_store(folder / "data")) == []
    with running(folder) as (child, caller):
        division = division._replace(caller=caller)
        left = division.until("running")["processes"]
        assert (division.service["url"], answer(url)) == (url, "1.0.0")
        child.signal(signal.SIGKILL)
        child.end()
    assert answer(url) == "1.0.0"
    with running(folder) as (_, caller):
        division = division._replace(caller=caller)
        service = division.until("running")
        assert (service["url"], answer(url)) == (url, "1.0.0")
        assert not set(service["processes"]) & set(left)
        division.do("service/stop")
    with running(folder) as (_, caller):
        assert division._replace(caller=caller).service["state"] == "stopped"


def test_a_port_that_another_has_taken_meanwhile_is_told(folder: Path) -> None:
    """The application has failed then, and the daemon serves all the same."""
    with running(folder) as (_, caller):
        division = deployed(caller, folder / "workspace", folder / "data")
        division.do("release", version="1.0.0")
        with taken() as other:
            port = other.getsockname()[1]
        division.do("service/start", port=port)
    with socket.create_server(("127.0.0.1", port)), running(folder) as (_, caller):
        division = division._replace(caller=caller)
        assert division.until("failed")["error"] == f"port {port} cannot be had: Address already in use"


def test_strict_gates_refuse_a_release_whose_tests_have_not_passed(folder: Path) -> None:
    """Until they have."""
    with running(folder, '[lifecycle]\ngates = "strict"\n') as (_, caller):
        venture_id = caller.venture(workspace=str(folder / "workspace"))
        caller.done(f"/api/ventures/{venture_id}/discovery/start")
        division_id = caller.division(venture_id)
        path = f"/api/divisions/{division_id}"
        for process in ("design", "plan", "generate", "test", "deploy"):
            caller.done(f"{path}/{process}/start")
            if process == "test":
                caller.done(f"{path}/test/result", {"suite_type": "unit", "passed": 0, "failed": 1})
            if process != "deploy":
                caller.done(f"{path}/{process}/complete")
        reply = caller.post(f"{path}/deploy/release", {"version": "1.0.0"})
        assert (reply.status, reply.code) == (409, "gate_closed")
        assert "the last run of its tests has not passed" in reply.json["error"]


def test_archiving_the_deployment_stops_it(quick: Deployed) -> None:
    """It is put away for good."""
    quick.do("service/start")
    url = quick.service["url"]
    quick.caller.done(f"{quick.path}/archive")
    quick.until("stopped")
    assert answer(url) == ""
    assert quick.last("service_stop")["reason"] == "the deployment was archived"
