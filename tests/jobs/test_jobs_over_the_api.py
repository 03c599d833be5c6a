"""Jobs as callers see them: accepted, listed, followed, waited for and cancelled."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.calling import Caller, Reply
from tests.daemon.child import Child, wait_until
from tests.serving import serving


@pytest.fixture
def testing(caller: Caller) -> str:
    """The path of the active test process of a division."""
    return f"/api/divisions/{caller.division_with(test='active')}/test"


def suite(caller: Caller, testing: str, script: str, query: str = "") -> Reply:
    """Ask for a suite that is a shell script."""
    return caller.post(f"{testing}/suite{query}", {"command": ["sh", "-c", script]})


def runs(process: int) -> bool:
    """Tell whether the process is there; one that has ended and waits for its parent is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def calling(child: Child) -> Iterator[Caller]:
    """Give a client of *child*, closed at the end."""
    caller = Caller(child.socket_path)
    yield caller
    caller.close()


def job(caller: Caller, job_id: str) -> Any:
    """Return the job."""
    return caller.get(f"/api/jobs/{job_id}").json["job"]


def test_a_command_that_takes_long_answers_at_once(caller: Caller, testing: str) -> None:
    """202 with the job, which tells how it goes and what it has recorded in the end."""
    reply = suite(caller, testing, "echo hello")
    assert reply.status == 202
    job_id = reply.json["job_id"]
    assert reply.json["job"] == {"id": job_id, "state": "queued", "path": f"/api/jobs/{job_id}"}
    ended = caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]
    assert (ended["state"], ended["error"], ended["output"]["head"]) == ("succeeded", None, "hello")
    assert [event["type"] for event in ended["events"]] == ["test_suite_started_v1", "test_suite_finished_v1"]
    assert ended["division_id"] in testing
    assert ended["command"]["command"] == ["sh", "-c", "echo hello"]


def test_a_caller_may_wait_for_the_end(caller: Caller, testing: str) -> None:
    """The answer has all that was recorded, and the version after it."""
    reply = suite(caller, testing, "exit 1", "?wait=true")
    assert reply.status == 201
    assert [event["type"] for event in reply.json["events"]] == ["test_suite_started_v1", "test_suite_finished_v1"]
    assert reply.json["events"][1]["data"]["outcome"] == "failed"
    assert reply.headers["etag"] == f'"{reply.json["version"]}"'
    assert reply.json["job"]["state"] == "succeeded"


def test_a_job_that_fails_is_an_error_for_who_waits(caller: Caller) -> None:
    """With the job's own status and words; the answer names the job."""
    venture_id = caller.venture(workspace="/nowhere/at/all")
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id)
    caller.done(f"/api/divisions/{division_id}/test/start")
    reply = suite(caller, f"/api/divisions/{division_id}/test", "true", "?wait=true")
    assert (reply.status, reply.code) == (409, "conflict")
    assert reply.json["error"] == "the workspace /nowhere/at/all does not exist; make it, or say where it is now"
    assert reply.json["job"]["state"] == "failed"
    assert job(caller, reply.json["job_id"])["error"] == reply.json["error"]


def test_jobs_are_listed_the_newest_first(caller: Caller, testing: str) -> None:
    """By division and state, in pages."""
    division_id = testing.split("/")[3]
    jobs = [suite(caller, testing, "true", "?wait=true").json["job_id"] for _ in range(3)]
    page = caller.get(f"/api/jobs?division_id={division_id}&limit=2").json
    assert [one["id"] for one in page["jobs"]] == [jobs[2], jobs[1]]
    rest = caller.get(f"/api/jobs?division_id={division_id}&limit=2&after={page['next']}").json
    assert ([one["id"] for one in rest["jobs"]], rest["next"]) == ([jobs[0]], None)
    assert caller.get(f"/api/jobs?division_id={division_id}&state=failed").json["jobs"] == []
    assert caller.get("/api/jobs?state=lost").code == "validation_error"


def followed(caller: Caller, job_id: str, **headers: str) -> list[dict[str, Any]]:
    """Return what a job tells to its end."""
    told = []
    with caller.feed(f"/api/jobs/{job_id}/stream", **headers) as feed:
        while lines := feed.block():
            data = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
            told += [json.loads(line) for line in data]
    return told


def test_a_job_is_followed_while_it_runs(caller: Caller, testing: str, tmp_path: Path) -> None:
    """Its lines come as they are printed, and its end comes last."""
    go = tmp_path / "go"
    job_id = suite(caller, testing, f"echo one; while [ ! -e {go} ]; do sleep 0.01; done; echo two").json["job_id"]
    told: list[dict[str, Any]] = []
    with caller.feed(f"/api/jobs/{job_id}/stream") as feed:
        while lines := feed.block():
            message = json.loads(lines[-1].removeprefix(b"data: "))
            told.append(message)
            if message.get("line") == "one":
                go.write_text("")
    assert [message["line"] for message in told if message["type"] == "output"] == ["one", "two"]
    assert (told[-1]["type"], told[-1]["state"], told[-1]["job"]["id"]) == ("done", "succeeded", job_id)
    again = followed(caller, job_id)
    assert [message["line"] for message in again if message["type"] == "output"] == ["one", "two"]
    assert again[-1] == told[-1]


def test_a_job_is_cancelled(caller: Caller, testing: str, tmp_path: Path) -> None:
    """Its processes are gone when the answer comes; a second time is a conflict."""
    told = tmp_path / "pid"
    job_id = suite(caller, testing, f"sleep 1000 & echo $! > {told}.new; mv {told}.new {told}; wait").json["job_id"]
    wait_until(told.exists)
    reply = caller.post(f"/api/jobs/{job_id}/cancel")
    assert (reply.status, reply.json["job"]["state"]) == (200, "cancelled")
    assert not runs(int(told.read_text()))
    assert caller.post(f"/api/jobs/{job_id}/cancel").code == "conflict"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/stream"), ("POST", "/cancel")])
def test_an_unknown_job_is_not_found(caller: Caller, method: str, path: str) -> None:
    """404, whatever is asked of it."""
    reply = caller.ask(method, f"/api/jobs/job-0{path}")
    assert (reply.status, reply.code) == (404, "not_found")


def test_a_wrong_last_event_id_is_refused(caller: Caller, testing: str) -> None:
    """Before the stream begins."""
    job_id = suite(caller, testing, "true", "?wait=true").json["job_id"]
    assert caller.get(f"/api/jobs/{job_id}/stream", Last_Event_ID="x").code == "validation_error"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)


def started_suite(caller: Caller, told: Path) -> tuple[str, int]:
    """Begin a suite that does not end; return its job and the id of a process of it."""
    testing = f"/api/divisions/{caller.division_with(test='active')}/test"
    script = f"setsid sleep 1000 & echo $! > {told}.new; mv {told}.new {told}; wait"
    job_id: str = suite(caller, testing, script).json["job_id"]
    wait_until(told.exists)
    return job_id, int(told.read_text())


def test_a_killed_daemon_finds_its_job_interrupted(folder: Path) -> None:
    """At the next start, before it serves: nothing of the job runs any more, and its outcome is recorded."""
    with serving(folder) as child, calling(child) as caller:
        job_id, process = started_suite(caller, folder / "pid")
        child.process.kill()
        child.end()
    assert runs(process)
    with serving(folder) as child, calling(child) as caller:
        assert not runs(process)
        ended = job(caller, job_id)
        assert (ended["state"], ended["code"]) == ("interrupted", "unavailable")
        assert ended["events"][-1]["data"]["outcome"] == "interrupted"


def test_a_daemon_that_stops_ends_its_jobs(folder: Path) -> None:
    """At once, with all that they have started, and who waits for one is told."""
    with serving(folder) as child, calling(child) as caller, calling(child) as other:
        job_id, process = started_suite(caller, folder / "pid")
        replies: list[Reply] = []
        waiting = threading.Thread(target=lambda: replies.append(other.get(f"/api/jobs/{job_id}?wait=true")))
        waiting.start()
        wait_until(lambda: job(caller, job_id)["state"] == "running")
        os.kill(child.process.pid, signal.SIGTERM)
        assert child.end() == 0
        waiting.join()
    assert not runs(process)
    assert replies[0].json["job"]["state"] == "interrupted"
    with serving(folder) as child, calling(child) as caller:
        assert job(caller, job_id)["state"] == "interrupted"
