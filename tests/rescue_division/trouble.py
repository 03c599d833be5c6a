"""A division in trouble: its project has a bug, its tests fail, and an incident is open."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from tests.calling import Caller, Reply

WRONG = "def add(a: int, b: int) -> int:\n    return a - b\n"
RIGHT = "def add(a: int, b: int) -> int:\n    return a + b\n"
TEST = "from sums import add\n\n\ndef test_add() -> None:\n    assert add(2, 3) == 5\n"
PATCH = dedent("""\
    --- a/auth/sums.py
    +++ b/auth/sums.py
    @@ -1,2 +1,2 @@
     def add(a: int, b: int) -> int:
    -    return a - b
    +    return a + b
    """)
USELESS = PATCH.replace("a + b", "a * b")
GIT = ("git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main")


class Trouble(NamedTuple):
    """The division."""

    caller: Caller
    division_id: str
    workspace: Path
    incident_id: str

    @property
    def path(self) -> str:
        """Of the rescue."""
        return f"/api/divisions/{self.division_id}/rescue"

    def fix(self, **fields: Any) -> Reply:
        """Ask for a fix and wait for it."""
        body = {"incident_id": self.incident_id, "description": "add, do not subtract", **fields}
        return self.caller.post(f"{self.path}/fix?wait=true", body)

    def begin(self, **fields: Any) -> str:
        """Ask for a fix with a patch, and return its job's id."""
        body = {"incident_id": self.incident_id, "description": "add, do not subtract", **fields}
        reply = self.caller.post(f"{self.path}/fix", body)
        assert reply.status == 202, reply
        job_id: str = reply.json["job_id"]
        return job_id

    def diagnose(self, **fields: Any) -> Reply:
        """Ask for a diagnosis and wait for it."""
        return self.caller.post(f"{self.path}/diagnose?wait=true", {"incident_id": self.incident_id, **fields})

    def git(self, *arguments: str) -> str:
        """Run git in the workspace, as its owner does."""
        run = subprocess.run([*GIT, *arguments], cwd=self.workspace, check=True, capture_output=True, text=True)
        return run.stdout.strip()

    def commit(self, **files: str) -> None:
        """Write files into the workspace and commit them; ``__`` in a name is a slash, and the ending is ``.py``."""
        for name, content in files.items():
            file = self.workspace / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "as it is")

    @property
    def source(self) -> str:
        """What has the bug, as it is now."""
        return (self.workspace / "auth" / "sums.py").read_text()

    @property
    def listed(self) -> list[Any]:
        """The answer to ``GET …/rescues``."""
        items: list[Any] = self.caller.get(f"/api/divisions/{self.division_id}/rescues").json["rescues"]
        return items


def trouble(caller: Caller, workspace: Path) -> Trouble:
    """Return a new division with its project in *workspace*, a repository."""
    workspace.mkdir()
    venture_id = caller.venture(workspace=str(workspace))
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    division_id = caller.division(venture_id, name="auth")
    for process in ("test", "monitor", "rescue"):
        caller.done(f"/api/divisions/{division_id}/{process}/start")
    raised = caller.done(
        f"/api/divisions/{division_id}/monitor/incident", {"title": "sums are wrong", "severity": "sev3"}
    )
    division = Trouble(caller, division_id, workspace, raised["incident_id"])
    division.git("init", "--quiet")
    division.commit(auth__sums=WRONG, auth__test_sums=TEST)
    return division
