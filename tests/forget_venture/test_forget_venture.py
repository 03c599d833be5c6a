"""Forgetting a venture of a daemon that serves: no file of its data directory has the texts afterwards."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.calling import Caller
from tests.daemon.child import Child, child_environment, wait_until
from tests.fakes.ollama import MODEL, ollama
from tests.serving import HECATE, serving

ROUNDS = int(os.environ.get("HECATE_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("HECATE_KILL_SEED", "1"))
CANARY = "canary-7f3a"
SECONDS_OF_FORGETTING = 0.1
"""What it takes, or so: a kill within that comes in the middle of it more often than not."""
FORGET = {"dry_run": False}
CONFIGURATION = "[usage]\nstore_messages = true\n[audit]\nfiles = 0\n"
"""Without an audit log: that has command lines, and what is typed in them stays."""


class Venture(NamedTuple):
    """A venture with a division."""

    venture_id: str
    division_id: str


class Rig:
    """A daemon that may be killed and started again, on one data directory."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._provider = provider
        self._serving: Any = None

    def start(self) -> Caller:
        """Start the daemon, and return a client."""
        self._serving = serving(self.folder, self._provider, configuration=CONFIGURATION)
        self.child: Child = self._serving.__enter__()
        self._caller = Caller(self.child.socket_path)
        return self._caller

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        self._caller.close()
        self.child.signal(number)
        self.child.end()
        self._serving.__exit__(None, None, None)

    def files_with(self, text: str) -> list[str]:
        """Return the files that have *text* in them."""
        return [
            str(path.relative_to(self.data))
            for path in sorted(self.data.rglob("*"))
            if path.is_file() and text.encode() in path.read_bytes()
        ]

    def hecate(self, *words: str, exit_code: int = 0) -> str:
        """Return what a command prints."""
        environ = child_environment() | {"HECATE_SOCKET": str(self.child.socket_path)}
        done = subprocess.run(
            [sys.executable, HECATE, *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == exit_code, (done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Give a daemon's place, with a model."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, ollama() as provider:
        yield Rig(Path(folder), provider.url)


@pytest.fixture
def caller(rig: Rig) -> Iterator[Caller]:
    """Give a client of it, while it serves."""
    yield rig.start()
    rig.end()


def key_for(word: str) -> str:
    """Return an idempotency key: callers make them of anything, but of texts."""
    return hashlib.sha256(word.encode()).hexdigest()


def filled(caller: Caller, word: str) -> Venture:
    """Return a venture of which *word* is in all that a person, a model or a program can say of it."""
    fields = {"name": f"{word} venture", "brief": f"{word} brief"}
    setup = caller.post("/api/ventures", fields, Idempotency_Key=key_for(word))
    venture_id = setup.json["id"]
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    fields = {"division_name": f"{word} division", "description": f"{word} what", "rationale": f"{word} why"}
    division_id = caller.done(f"/api/ventures/{venture_id}/discovery/discover", fields)["id"]
    division = f"/api/divisions/{division_id}"
    for process in ("design", "plan", "test", "rescue", "monitor"):
        caller.done(f"{division}/{process}/start")
    caller.done(
        f"{division}/design/aggregate",
        {"aggregate_name": f"{word} aggregate", "description": word, "status_flags": [f"{word} flag"]},
    )
    caller.done(f"{division}/design/event", {"event_name": f"{word} event", "aggregate_name": f"{word} aggregate"})
    caller.done(f"{division}/plan/desk", {"desk_name": f"{word} desk", "description": word})
    caller.done(f"{division}/design/pause", {"reason": f"{word} reason"})
    incident = caller.done(f"{division}/monitor/incident", {"title": f"{word} incident", "description": word})["id"]
    caller.done(
        f"{division}/rescue/diagnose", {"incident_id": incident, "diagnosis": f"{word} diagnosis", "root_cause": word}
    )
    # A job, with what its program prints; a check, with why it fails; and a conversation with a model.
    suite = caller.post(f"{division}/test/suite?wait=true", {"command": f"echo {word} printed; exit 1"})
    assert word in suite.json["job"]["output"]["head"], suite
    check = {"name": f"{word} check", "type": "command", "target": f"/nowhere/{word}", "interval_seconds": 1}
    check_id = caller.done(f"{division}/monitor/check", check)["id"]
    wait_until(lambda: bool(caller.get(f"{division}/monitoring/samples?check_id={check_id}").json["samples"]))
    said = {"model": MODEL, "messages": [{"role": "user", "content": f"{word} asked"}], "venture_id": venture_id}
    assert caller.post("/api/llm/chat", said).status == 200
    return Venture(venture_id, division_id)


def told_of(caller: Caller, venture: Venture) -> list[Any]:
    """Return what the daemon tells of a venture."""
    events = caller.get("/api/events?limit=500").json["events"]
    return [
        [event for event in events if event["venture_id"] == venture.venture_id],
        caller.get(f"/api/ventures/{venture.venture_id}").json,
        caller.get(f"/api/divisions/{venture.division_id}").json,
        caller.get(f"/api/divisions/{venture.division_id}/designs").json,
        caller.get(f"/api/jobs?venture_id={venture.venture_id}").json,
    ]


def test_nothing_is_left_when_the_answer_is_there(rig: Rig) -> None:
    """Not in the events, read models, answers, jobs, messages, samples, free pages or logs; before, it is.

    It takes some seconds: whatever a daemon can say of a venture is said, and a poll may be on its way.
    """
    caller = rig.start()
    venture, other = filled(caller, CANARY), filled(caller, "other")
    caller.done(f"/api/divisions/{other.division_id}/monitor/pause")
    wait_until(lambda: {"usage.db-wal", "hecate.db-wal", "samples.db-wal"} <= set(rig.files_with(CANARY)))
    before = told_of(caller, other)
    address = f"/api/ventures/{venture.venture_id}/forget"
    would = caller.done(address, {"dry_run": True})
    assert rig.files_with(CANARY)
    gone = caller.done(address, FORGET)
    assert rig.files_with(CANARY) == []
    assert gone == {**would, "dry_run": False}
    assert (gone["events"] > 10, gone["jobs"], gone["answers"] > 0) == (True, 1, True)
    assert [Path(place["path"]).parent.name for place in gone["outside"]] == ["workspaces", "suites"]
    assert told_of(caller, other) == before
    _, shown, division, designs, jobs = told_of(caller, venture)
    assert (shown["status_label"], shown["name"][:11]) == ("archived", "[forgotten ")
    assert division["division"]["name"].startswith("[forgotten ")
    assert designs["designs"][1]["aggregate_name"] == designs["designs"][0]["aggregate_name"]
    assert [job["state"] for job in jobs["jobs"]] == ["succeeded"]
    assert caller.get(f"/api/jobs/{jobs['jobs'][0]['id']}").json["job"]["output"]["head"] == ""
    again = caller.post("/api/ventures", {"name": "new"}, Idempotency_Key=key_for(CANARY))
    assert (again.status, again.code) == (410, "forgotten")
    for path, fields in ((address, FORGET), (f"/api/divisions/{venture.division_id}/generate/start", {})):
        assert (reply := caller.post(path, fields)).status == 410, reply
    assert "problem" not in rig.hecate("doctor", "--data-dir", str(rig.data))
    told = told_of(caller, venture)
    rig.end()
    caller = rig.start()
    for now, then in zip([*told_of(caller, venture), *told_of(caller, other)], [*told, *before], strict=True):
        assert now == then
    assert rig.files_with(CANARY) == []
    assert not [line for line in rig.child.err if '"level": "error"' in line]
    rig.end()


def test_a_venture_that_is_at_work_is_not_forgotten(rig: Rig, caller: Caller) -> None:
    """Its job is named; nothing has changed."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    caller.done(f"/api/divisions/{division_id}/test/start")
    job_id = caller.post(f"/api/divisions/{division_id}/test/suite", {"command": "sleep 60"}).json["job_id"]
    reply = caller.post(f"/api/ventures/{venture_id}/forget", FORGET)
    assert (reply.status, reply.code) == (409, "conflict")
    assert job_id in reply.json["error"]
    assert caller.get(f"/api/ventures/{venture_id}").json["name"] == "my-saas-app"
    caller.post(f"/api/jobs/{job_id}/cancel")
    assert caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]["state"] == "cancelled"
    assert caller.post(f"/api/ventures/{venture_id}/forget", FORGET).status == 200
    assert rig.files_with("my-saas-app") == []


def test_a_shared_venture_is_not_forgotten(caller: Caller) -> None:
    """Its facts are on other machines; once it is shared no more, it can be."""
    venture_id = caller.venture()
    assert caller.post("/api/mesh/ventures", {"venture_id": venture_id}).status == 201
    reply = caller.post(f"/api/ventures/{venture_id}/forget", FORGET)
    assert (reply.status, "shared with the mesh" in reply.json["error"]) == (409, True)
    assert caller.ask("DELETE", f"/api/mesh/ventures/{venture_id}").status == 200
    assert caller.post(f"/api/ventures/{venture_id}/forget", FORGET).status == 200


@pytest.mark.parametrize("body", [None, {}, {"dry_run": "no"}])
def test_nobody_forgets_by_mistake(caller: Caller, body: Any) -> None:
    """It must be said that it is meant: there is no way back."""
    venture_id = caller.venture()
    reply = caller.post(f"/api/ventures/{venture_id}/forget", body)
    assert (reply.status, reply.code) == (400, "validation_error")
    assert caller.get(f"/api/ventures/{venture_id}").json["name"] == "my-saas-app"


def test_an_unknown_venture_is_not_found(caller: Caller) -> None:
    """404, as elsewhere."""
    assert caller.post("/api/ventures/v-none/forget", FORGET).code == "not_found"


def test_what_stays_is_named(rig: Rig, caller: Caller) -> None:
    """The workspace, and what a start or a restore has put aside in the data directory, with their paths."""
    workspace, aside, damaged = rig.folder / "code", rig.data / "replaced-2026", rig.data / "usage.db.damaged-1"
    workspace.mkdir()
    aside.mkdir()
    damaged.touch()
    venture_id = caller.venture(workspace=str(workspace))
    gone = caller.done(f"/api/ventures/{venture_id}/forget", FORGET)
    assert [place["path"] for place in gone["outside"]] == [str(workspace), str(damaged), str(aside)]
    assert "backups" in gone["besides"]
    assert rig.files_with(str(workspace)) == []


def test_the_command_line_wants_to_be_sure(rig: Rig, caller: Caller) -> None:
    """With nobody to ask it takes ``--yes`` only; a dry run says what would go."""
    venture_id = caller.venture(CANARY)
    assert "nobody to ask" in rig.hecate("forget", CANARY, exit_code=2)
    assert "1 events" in rig.hecate("forget", CANARY, "--dry-run")
    assert rig.files_with(CANARY)
    assert venture_id in rig.hecate("forget", CANARY, "--yes")
    assert rig.files_with(CANARY) == []
    assert "no venture" in rig.hecate("forget", CANARY, "--yes", exit_code=1)


@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_a_kill_forgets_nothing_or_everything(rig: Rig) -> None:
    """At whichever moment of it: after the next start either all texts are there or none is anywhere.

    ``HECATE_KILL_ROUNDS`` says how often it is killed, ``HECATE_KILL_SEED`` when.
    """
    chance, killed = random.Random(SEED), 0
    caller = rig.start()
    for number in range(10 * ROUNDS):
        word = f"{CANARY}-{number}."
        venture_id = caller.venture(f"{word} venture", brief=word)
        caller.done(f"/api/ventures/{venture_id}/discovery/start")
        for name in range(20):
            caller.division(venture_id, f"{word} {name}")
        address = f"/api/ventures/{venture_id}/forget"
        killer = threading.Timer(chance.uniform(0, SECONDS_OF_FORGETTING), rig.child.signal, (signal.SIGKILL,))
        killer.start()
        try:
            caller.post(address, FORGET)
        except (http.client.HTTPException, OSError):
            killed += 1
        killer.join()
        rig.end(signal.SIGKILL)
        caller = rig.start()
        name = caller.get(f"/api/ventures/{venture_id}").json["name"]
        if name.startswith("[forgotten "):
            wait_until(lambda word=word: rig.files_with(word) == [])  # type: ignore[misc]
        else:
            assert name == f"{word} venture"
            assert caller.post(address, FORGET).status == 200
            assert rig.files_with(word) == []
        if killed == ROUNDS:
            break
    assert killed == ROUNDS
    assert "problem" not in rig.hecate("doctor", "--data-dir", str(rig.data))
    rig.end()
