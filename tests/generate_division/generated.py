"""Divisions that are generated, and what comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.calling import Caller, Reply


class Generated(NamedTuple):
    """A division with a design and a plan, and a workspace of its own; its generation is active."""

    caller: Caller
    venture_id: str
    division_id: str
    workspace: Path

    @property
    def path(self) -> str:
        """Of the division."""
        return f"/api/divisions/{self.division_id}"

    @property
    def project(self) -> Path:
        """Where its project will be."""
        return self.workspace / "auth"

    def event(self, name: str, *fields: str) -> None:
        """Design an event of the user."""
        body = {"event_name": name, "aggregate_name": "user", "payload_fields": fields}
        self.caller.done(f"{self.path}/design/event", body)

    def desk(self, name: str, **fields: str) -> str:
        """Plan a desk of the user and return its id."""
        body = {"desk_name": name, "aggregate_name": "user", **fields}
        desk_id: str = self.caller.done(f"{self.path}/plan/desk", body)["id"]
        return desk_id

    def ask(self, what: str, **fields: str) -> Reply:
        """Generate the skeleton or a desk, and wait for its job."""
        return self.caller.post(f"{self.path}/generate/{what}?wait=true", fields)

    def generate(self, what: str = "skeleton", **fields: str) -> Any:
        """Do the same, which must succeed, and return the event; None where nothing was recorded."""
        reply = self.ask(what, **fields)
        assert reply.status == 201, reply
        events = reply.json["events"]
        return events[0]["data"] if events else None

    def begin(self, **fields: str) -> str:
        """Ask for the skeleton, and return its job's id."""
        reply = self.caller.post(f"{self.path}/generate/skeleton", fields)
        assert reply.status == 202, reply
        job_id: str = reply.json["job_id"]
        return job_id

    def output(self, reply: Reply) -> str:
        """Return what the job of an answer has printed."""
        job: Any = self.caller.get(f"/api/jobs/{reply.json['job_id']}").json["job"]
        text: str = job["output"]["head"]
        return text

    def git(self, *words: str) -> str:
        """Run git in the workspace and return what it prints."""
        done = subprocess.run(["git", *words], cwd=self.workspace, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def test(self) -> None:
        """Run the tests of the project."""
        done = subprocess.run(
            [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."],
            cwd=self.project,
            env={"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    @property
    def listed(self) -> list[Any]:
        """What was generated, as it is listed."""
        items: list[Any] = self.caller.get(f"{self.path}/generations").json["generations"]
        return items


def planned(caller: Caller, workspace: Path, division: str = "auth") -> Generated:
    """Return a division of a new venture, with a user that is registered and shown."""
    workspace.mkdir(exist_ok=True)
    venture_id = caller.venture(workspace=str(workspace))
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    return in_venture(caller, venture_id, workspace, division)


def in_venture(caller: Caller, venture_id: str, workspace: Path, division: str) -> Generated:
    """Return such a division of a venture."""
    made = Generated(caller, venture_id, caller.division(venture_id, division), workspace)
    for process in ("design", "plan", "generate"):
        caller.done(f"{made.path}/{process}/start")
    caller.done(f"{made.path}/design/aggregate", {"aggregate_name": "user", "stream_pattern": "user-{user_id}"})
    made.event("user_registered", "email")
    made.event("user_locked", "reason")
    made.desk("register_user", priority="P0")
    made.desk("show_user", desk_type="query")
    return made
